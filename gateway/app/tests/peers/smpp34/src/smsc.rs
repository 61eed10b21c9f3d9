//! An SMSC: takes every bind and every message, sends a receipt for each, passes texts of handsets on.
//!
//! Orders on standard input, one JSON object a line: `{"order": "deliver", "from": …, "to": …, "text": …}`.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use serde_json::{Value, json};
use smpp34::server::ESME;
use smpp34::{
    SmppConnectionInformation, SmppError, SmppServer, SmppServerListener, TlvTag, bind_transceiver, bind_transceiver_resp,
    submit_sm, submit_sm_resp,
};
use tokio::io::{AsyncBufReadExt, BufReader, stdin};
use tokio::sync::Mutex;

use crate::{RECEIPT, UCS2, fail, say, text_of, ucs2};

#[derive(Default)]
struct Handler {
    bound: Mutex<HashMap<String, Arc<ESME>>>,
    ids: AtomicU64,
}

#[async_trait]
impl SmppServerListener for Handler {
    async fn on_bind_transceiver(
        &self,
        request: bind_transceiver,
        _connection: &SmppConnectionInformation,
        _session: &String,
    ) -> bind_transceiver_resp {
        if request.system_id != "gateway" || request.password != "secret" {
            return request.reject(SmppError::ESME_RINVPASWD);
        }
        say("bound", json!({ "kind": "transceiver" }));
        request.accept("smpp34".into(), Some(0x34))
    }

    async fn on_esme_bound(&self, esme: ESME, session: &String) {
        self.bound.lock().await.insert(session.clone(), Arc::new(esme));
    }

    async fn on_esme_unbound(&self, session: &String) {
        self.bound.lock().await.remove(session);
    }

    async fn on_submit_sm(
        &self,
        request: submit_sm,
        _connection: &SmppConnectionInformation,
        session: &String,
    ) -> submit_sm_resp {
        let id = format!("{:X}", 0x00C0_FFEE_u64 + self.ids.fetch_add(1, Ordering::Relaxed));
        say(
            "submit",
            json!({
                "id": id, "from": request.source_addr, "to": request.destination_addr, "esm_class": request.esm_class,
                "data_coding": request.data_coding, "text": text_of(request.data_coding, &request.short_message),
            }),
        );
        let esme = self.bound.lock().await.get(session).cloned();
        if let Some(esme) = esme.filter(|_| request.registered_delivery & 0x03 != 0) {
            let (from, to, id) = (request.destination_addr.clone(), request.source_addr.clone(), id.clone());
            tokio::spawn(async move { receipt(&esme, from, to, &id).await });
        }
        request.accept(id)
    }
}

async fn receipt(esme: &ESME, from: String, to: String, id: &str) {
    let words = format!("id:{id} sub:001 dlvrd:001 submit date:2611230000 done date:2611230001 stat:DELIVRD err:000 text:");
    let mut id_octets = id.as_bytes().to_vec();
    id_octets.push(0);
    let receipt = esme.deliver_sm().source_addr(from).destination_addr(to).esm_class(RECEIPT).short_message(words.as_bytes());
    let receipt = receipt.tlv(TlvTag::ReceiptedMessageId, id_octets).tlv(TlvTag::MessageStateTlv, [2]);
    match receipt.send().await {
        Ok(_) => say("receipt_answered", json!({ "id": id, "status": 0 })),
        Err(error) => say("receipt_answered", json!({ "id": id, "status": format!("{error:?}") })),
    }
}

pub(crate) async fn run(port: u16) {
    let handler = Arc::new(Handler::default());
    // The crate does not tell which port it got, so it is chosen before.
    let port = if port == 0 { free_port() } else { port };
    let mut server = SmppServer::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port, handler.clone());
    server.start().await;
    say("ready", json!({ "port": port }));
    let mut orders = BufReader::new(stdin()).lines();
    while let Ok(Some(line)) = orders.next_line().await {
        let order: Value = serde_json::from_str(&line).unwrap_or_else(|_| fail("an order is no JSON"));
        deliver(&handler, &order).await;
    }
    server.stop().await;
}

async fn deliver(handler: &Handler, order: &Value) {
    let word = |name: &str| order[name].as_str().unwrap_or_default().to_owned();
    let esme = handler.bound.lock().await.values().next().cloned();
    let Some(esme) = esme else { fail("nobody is bound to receive") };
    let text = esme.deliver_sm().source_addr_ton(1).source_addr_npi(1).source_addr(word("from"));
    let text = text.dest_addr_ton(1).dest_addr_npi(1).destination_addr(word("to"));
    match text.data_coding(UCS2).short_message(ucs2(&word("text"))).send().await {
        Ok(_) => say("delivered", json!({ "number": 1, "status": 0 })),
        Err(error) => fail(&format!("the text of the handset was refused: {error:?}")),
    }
}

fn free_port() -> u16 {
    let probe = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|probe| probe.local_addr());
    probe.map_or_else(|_| fail("no port of the loopback is free"), |address| address.port())
}
