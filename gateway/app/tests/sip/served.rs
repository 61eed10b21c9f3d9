//! The gateway among the peers: the example configuration of an operator, on ports of the test.

use std::{cell::RefCell, fs, net::SocketAddr, path::Path, sync::Arc};

use rustls::ClientConfig;
use serde_json::{Value, json};
use store::{OpenMode, StoreTarget, UsageRow};
use tokio::runtime::Builder;
use tokio_rustls::TlsConnector;

use crate::{
    capture::{Capture, Captured, Judged, Protocol},
    program::free_address,
    support::{Gateway, Home, Http, Script, Smsc, until},
};

/// Users of the examples; their password is `secret`.
pub(crate) const MINA: &str = "+821011110001";
pub(crate) const JUN: &str = "+821011110002";
pub(crate) const SORA: &str = "+821011110003";
/// A subscriber without RCS.
pub(crate) const PHONE: &str = "+821099990001";

/// A running gateway, and where it is reached.
pub(crate) struct Served {
    // Ends before its folder goes.
    pub(crate) gateway: Gateway,
    pub(crate) home: Home,
    pub(crate) smsc: Smsc,
    pub(crate) sip: SocketAddr,
    pub(crate) tls: SocketAddr,
    pub(crate) msrp: SocketAddr,
    // Ends after everything else, so that it has all of it.
    judged: Judged,
}

impl Served {
    /// `config/examples/rcs.toml`, with a messenger that pulls and an SMSC that delivers.
    #[track_caller]
    pub(crate) fn standalone() -> Self {
        Self::start("rcs", |_| Script::Deliver, |text| text)
    }

    /// The same for peers that give up at a challenge that is not MD5, even when the next one is.
    #[track_caller]
    pub(crate) fn standalone_for_md5() -> Self {
        let md5 = |text: String| text.replace("[rcs]\n", "[rcs]\ndigests = [\"MD5\"]\n");
        Self::start("rcs", |_| Script::Deliver, md5)
    }

    /// An example on ports of the test; `change` edits it further.
    #[track_caller]
    pub(crate) fn start(
        example: &str,
        script: impl Fn(&str) -> Script + Send + Sync + 'static,
        change: impl Fn(String) -> String,
    ) -> Self {
        Self::start_beside(&[], example, script, change)
    }

    /// The same, and what is said at these addresses is captured too. Whatever anybody says with the gateway is.
    #[track_caller]
    pub(crate) fn start_beside(
        others: &[(SocketAddr, Protocol)],
        example: &str,
        script: impl Fn(&str) -> Script + Send + Sync + 'static,
        change: impl Fn(String) -> String,
    ) -> Self {
        let smsc = Smsc::start(0, script);
        let (sip, tls, msrp) = (free_address(), free_address(), free_address());
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/examples");
        let text = fs::read_to_string(examples.join(example).with_extension("toml"))
            .expect("the example is there")
            .replace("127.0.0.1:5060", &sip.to_string())
            .replace("127.0.0.1:5061", &tls.to_string())
            .replace("127.0.0.1:2855", &msrp.to_string())
            .replace("127.0.0.1:2775", &format!("127.0.0.1:{}", smsc.port));
        // A messenger that is not pushed to pulls.
        let pulls = |line: &&str| {
            !["push =", "allow_private_addresses", "secret ="].iter().any(|key| line.starts_with(key))
        };
        let text = text.lines().filter(pulls).collect::<Vec<_>>().join("\n");
        let home = Home::new(&change(text));
        let own = [(sip, Protocol::Sip), (tls, Protocol::SipOverTls), (msrp, Protocol::Msrp)];
        let spoken = [&own, others].concat();
        let judged = Judged(Capture::start(&spoken));
        let gateway = Gateway::start(&home);
        Self { gateway, home, smsc, sip, tls, msrp, judged }
    }

    /// SIGKILL; what its store says then.
    #[track_caller]
    pub(crate) fn killed(self) -> Value {
        self.gateway.killed();
        self.home.verified()
    }

    /// SIGKILL, and another one in its place.
    #[track_caller]
    pub(crate) fn restart(self) -> Self {
        self.gateway.killed();
        let gateway = Gateway::start(&self.home);
        Self { gateway, ..self }
    }

    /// What was said with it over SIP and MSRP so far, in clear or over TLS by somebody with [`Self::readable`]. None of it may be malformed, which is found out when the
    /// test ends.
    #[track_caller]
    pub(crate) fn captured(&self) -> Captured {
        self.judged.0.so_far()
    }

    /// TLS by which somebody takes any certificate, and whose keys the capture has.
    #[track_caller]
    pub(crate) fn readable(&self, connector: &TlsConnector) -> Arc<ClientConfig> {
        self.judged.0.reads(ClientConfig::clone(connector.config()))
    }

    /// What is sent from there is malformed, for this reason; what the gateway answers is not.
    pub(crate) fn excuses(&self, local: SocketAddr, reason: &str) {
        assert!(!reason.is_empty(), "nobody is excused without a reason");
        self.judged.0.excuse(local.port());
    }

    #[track_caller]
    pub(crate) fn messenger(&self) -> Messenger {
        Messenger {
            http: self.gateway.caller("tictoc-token"),
            confirms_late: false,
            read: RefCell::new(Read { cursor: String::new(), events: Vec::new(), written: 0 }),
        }
    }

    /// Every usage record, whoever is charged.
    #[track_caller]
    pub(crate) fn usage(&self) -> Vec<UsageRow> {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let target = StoreTarget::Sqlite(self.home.database());
            let store = store::open(&target, OpenMode::Read).await.expect("the store can be read");
            store.usage(0, 10_000, None).await.expect("usage can be read")
        })
    }

    /// The proof of R1 to R3, on the running gateway.
    #[track_caller]
    pub(crate) fn verified(&self) -> Value {
        self.home.verified()
    }
}

/// The messenger `tictoc`, which pulls.
pub(crate) struct Messenger {
    http: Http,
    /// It confirms what it has with its next question only, whatever it says of a message before that.
    pub(crate) confirms_late: bool,
    read: RefCell<Read>,
}

struct Read {
    cursor: String,
    /// What came and nobody has asked for yet.
    events: Vec<Value>,
    written: u32,
}

impl Messenger {
    /// A user writes to a number, and wants to know about it. The id of the message.
    #[track_caller]
    pub(crate) fn write(&self, user: &str, to: &str, text: &str) -> String {
        self.say(
            "text",
            &json!({
                "from": { "usr": user }, "to": [{ "tel": to }],
                "body": { "text": text }, "want": ["delivered", "read"],
            }),
        )
    }

    /// A user proves to own a number, by the code that comes to it.
    #[track_caller]
    pub(crate) fn links(&self, user: &str, number: &str, code: impl FnOnce() -> String) {
        let started = self.http.post("/omf/v1/links", &json!({ "usr": user, "tel": number })).is(202).json();
        let id = started["id"].as_str().expect("an id").to_owned();
        self.http.post(&format!("/omf/v1/links/{id}/verify"), &json!({ "code": code() })).is(200);
    }

    /// A user got (`delivered`) or has seen (`read`) a message.
    #[track_caller]
    pub(crate) fn receipt(&self, kind: &str, id: &Value) {
        self.say(kind, &json!({ "re": { "target": id } }));
    }

    #[track_caller]
    pub(crate) fn typing(&self, user: &str, to: &str, on: bool) {
        self.say("typing", &json!({ "from": { "usr": user }, "to": [{ "tel": to }], "body": { "on": on } }));
    }

    /// One event; its id.
    #[track_caller]
    pub(crate) fn say(&self, kind: &str, event: &Value) -> String {
        let mut event = event.clone();
        let id = {
            let mut read = self.read.borrow_mut();
            read.written += 1;
            format!("e{}", read.written)
        };
        event["id"] = id.as_str().into();
        event["kind"] = kind.into();
        let answer = self.http.post("/omf/v1/events", &json!({ "events": [event] })).is(200).json();
        let state = answer["results"][0]["st"].as_str();
        assert!(matches!(state, Some("accepted" | "ok")), "{answer}");
        id
    }

    /// Waits for the next event of this kind that fits.
    #[track_caller]
    pub(crate) fn hears(&self, kind: &str, fits: impl Fn(&Value) -> bool) -> Value {
        until(&format!("the messenger hears of {kind}; {:?}", self.read.borrow().events), || {
            self.pull();
            let mut read = self.read.borrow_mut();
            let at = read.events.iter().position(|event| event["kind"] == kind && fits(event))?;
            Some(read.events.remove(at))
        })
    }

    /// Waits until a receipt of this kind came for a message.
    #[track_caller]
    pub(crate) fn hears_of(&self, kind: &str, id: &str) -> Value {
        self.hears(kind, |event| event["re"]["target"] == id)
    }

    /// Everything of this kind that came and that nobody has asked for.
    #[track_caller]
    pub(crate) fn unasked(&self, kind: &str) -> Vec<Value> {
        self.pull();
        self.read.borrow().events.iter().filter(|event| event["kind"] == kind).cloned().collect()
    }

    fn confirm(&self, cursor: &str) {
        self.http.post("/omf/v1/acks", &json!({ "cursor": cursor })).is(200);
    }

    fn pull(&self) {
        let mut read = self.read.borrow_mut();
        if self.confirms_late && !read.cursor.is_empty() {
            self.confirm(&read.cursor);
        }
        let from = if read.cursor.is_empty() { String::new() } else { format!("&cursor={}", read.cursor) };
        let page = self.http.get(&format!("/omf/v1/events?wait_s=1{from}")).is(200).json();
        read.events.extend(page["events"].as_array().cloned().unwrap_or_default());
        if let Some(next) = page["next"].as_str() {
            next.clone_into(&mut read.cursor);
            if !self.confirms_late {
                self.confirm(next);
            }
        }
    }
}
