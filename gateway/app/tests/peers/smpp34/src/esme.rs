//! An ESME: binds as transceiver, submits one text, waits for the final receipt of its id.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::json;
use smpp34::client::{BIND_TYPE, SMSC, SmppClient, SmppClientListener};
use smpp34::{SmppConnectionInformation, TlvTag, deliver_sm, deliver_sm_resp};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::{RECEIPT, UCS2, fail, say, text_of, ucs2};

const PATIENCE: Duration = Duration::from_secs(30);
const SHORT_OCTETS_MAX: usize = 140;

enum Seen {
    Bound(Box<SMSC>),
    Receipt { id: String, stat: String },
}

struct Listener {
    seen: mpsc::UnboundedSender<Seen>,
}

#[async_trait]
impl SmppClientListener for Listener {
    async fn on_smsc_bound(&self, smsc: SMSC, _session: &String) {
        self.seen.send(Seen::Bound(Box::new(smsc))).ok();
    }

    async fn on_connection_failed(&self, error: &str) {
        fail(&format!("the connection failed: {error}"));
    }

    async fn on_deliver_sm(
        &self,
        request: deliver_sm,
        _connection: &SmppConnectionInformation,
        _session: &String,
    ) -> deliver_sm_resp {
        let text = text_of(request.data_coding, &request.short_message);
        if request.esm_class & 0x3C == RECEIPT {
            let field = |name| text.split(' ').find_map(|word| word.strip_prefix(name)).unwrap_or_default().to_owned();
            let (id, stat) = (field("id:"), field("stat:"));
            say("receipt", json!({ "id": id, "stat": stat }));
            self.seen.send(Seen::Receipt { id, stat }).ok();
        } else {
            say("received", json!({ "from": request.source_addr, "to": request.destination_addr, "text": text }));
        }
        request.accept()
    }
}

pub(crate) async fn run(port: u16, to: &str, text: &str, system_id: &str, password: &str) {
    let (sender, mut seen) = mpsc::unbounded_channel();
    let listener = Arc::new(Listener { seen: sender });
    let mut client = SmppClient::new(
        "127.0.0.1".into(),
        port,
        false,
        BIND_TYPE::TRX,
        system_id.into(),
        password.into(),
        String::new(),
        0,
        0,
        String::new(),
        listener,
        10,
    );
    client.start().await;
    let Ok(Some(Seen::Bound(smsc))) = timeout(PATIENCE, seen.recv()).await else { fail("the bind was not accepted") };
    say("bound", json!({ "system_id": smsc.system_id }));
    let octets = ucs2(text);
    let submit = smsc.submit_sm().source_addr_ton(0).source_addr_npi(1).source_addr("15881234");
    let submit = submit.dest_addr_ton(1).dest_addr_npi(1).destination_addr(to.trim_start_matches('+'));
    let submit = submit.registered_delivery(1).data_coding(UCS2);
    let submit = if octets.len() > SHORT_OCTETS_MAX {
        submit.tlv(TlvTag::MessagePayload, octets)
    } else {
        submit.short_message(octets)
    };
    let id = match submit.send().await {
        Ok(answer) => answer.message_id.unwrap_or_else(|| fail("submit was answered without an id")),
        Err(error) => fail(&format!("submit was refused: {error:?}")),
    };
    say("accepted", json!({ "ids": [id] }));
    loop {
        match timeout(PATIENCE, seen.recv()).await {
            Ok(Some(Seen::Receipt { id: of, stat })) if of == id => {
                if stat != "DELIVRD" {
                    fail(&format!("the receipt says {stat}, expected DELIVRD"));
                }
                break;
            }
            Ok(Some(_)) => {}
            _ => fail("the receipt did not come"),
        }
    }
    // A refused unbind changes nothing: the text has arrived.
    smsc.send_unbind().await.err();
    client.stop().await;
    say("done", json!({}));
}
