//! A phone by hand, for what no phone does when it is told to: to be silent, to be late.

use std::{collections::VecDeque, net::SocketAddr, time::Duration};

use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use sip_message::digest::{Answer, Challenge, Secret};
use sip_net::msrp::tls;

use crate::{
    account::{DOMAIN, PASSWORD, Transport, uri},
    program::PATIENCE,
    served::Served,
    wire::{Heard, Wire},
};

/// What an RCS phone says of itself (RCC.07 §2.4.4).
const FEATURES: &str = "+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.msg,\
                        urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.largemsg\"";

pub(crate) type Certificate = (CertificateDer<'static>, PrivateKeyDer<'static>);

/// One of a phone, signed by itself.
pub(crate) fn certificate() -> Certificate {
    let made = rcgen::generate_simple_self_signed(["phone".to_owned()]).expect("a certificate is made");
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("it has a key");
    (made.cert.der().clone(), key)
}

pub(crate) struct Device {
    user: &'static str,
    features: &'static str,
    over: &'static str,
    wire: Wire,
    sequence: u32,
    /// Requests that came while it waited for an answer.
    unread: VecDeque<Heard>,
}

/// A call of the device: its requests are one dialog.
pub(crate) struct Call {
    pub(crate) id: String,
    pub(crate) target: String,
    /// With the tag of the other end, once there is one.
    pub(crate) to: String,
}

impl Device {
    /// Registers over a connection of its own, by which it is known from then on.
    #[track_caller]
    pub(crate) fn register(user: &'static str, registrar: SocketAddr) -> Self {
        Self::register_with(user, registrar, FEATURES)
    }

    /// The same, of a phone that says that of itself.
    #[track_caller]
    pub(crate) fn register_with(user: &'static str, registrar: SocketAddr, features: &'static str) -> Self {
        Self::register_over(user, "TCP", Wire::new(Transport::Tcp, registrar), features)
    }

    /// Registers over TLS, which the capture reads.
    #[track_caller]
    pub(crate) fn register_secure(user: &'static str, served: &Served) -> Self {
        let (certificate, key) = certificate();
        let connector = tls::connector(vec![certificate], key).expect("its own are good");
        let wire = Wire::secure(served.tls, served.readable(&connector()));
        Self::register_over(user, "TLS", wire, FEATURES)
    }

    #[track_caller]
    fn register_over(user: &'static str, over: &'static str, wire: Wire, features: &'static str) -> Self {
        let mut device = Self { user, features, over, wire, sequence: 0, unread: VecDeque::new() };
        let challenge = device.asks("REGISTER", &format!("sip:{DOMAIN}"), &uri(user), &device.contact(), b"");
        assert_eq!(challenge.status(), Some(401), "{}", challenge.head);
        let said = challenge.headers("WWW-Authenticate").map(str::as_bytes);
        let credentials =
            Challenge::strongest(said).expect("a challenge that can be answered").answer(&Answer {
                username: user,
                secret: Secret::Password(PASSWORD.as_bytes()),
                method: "REGISTER",
                uri: &format!("sip:{DOMAIN}"),
                body: b"",
                cnonce: "c0ffee",
                count: 1,
            });
        let more = format!("{}Authorization: {credentials}\r\n", device.contact());
        let registered = device.asks("REGISTER", &format!("sip:{DOMAIN}"), &uri(user), &more, b"");
        assert_eq!(registered.status(), Some(200), "{}", registered.head);
        device
    }

    pub(crate) fn user(&self) -> &'static str {
        self.user
    }

    /// Our end of the connection to the registrar.
    pub(crate) fn local(&self) -> SocketAddr {
        self.wire.local()
    }

    fn contact(&self) -> String {
        let (user, local, features) = (self.user, self.wire.local(), self.features);
        let over = self.over.to_lowercase();
        format!("Contact: <sip:{user}@{local};transport={over}>;{features}\r\nExpires: 600\r\n")
    }

    /// The final answer to a request of ours.
    #[track_caller]
    pub(crate) fn asks(&mut self, method: &str, target: &str, to: &str, more: &str, body: &[u8]) -> Heard {
        let id = format!("device-{method}@{}", self.wire.local());
        let call = Call { id, target: target.to_owned(), to: format!("<{to}>") };
        self.asks_in(&call, method, more, body)
    }

    /// The final answer to a request of a call.
    #[track_caller]
    pub(crate) fn asks_in(&mut self, call: &Call, method: &str, more: &str, body: &[u8]) -> Heard {
        self.sequence += 1;
        self.tells(call, method, more, body);
        let answers = format!("{} {method}", self.sequence);
        loop {
            let heard = self.wire.hears(PATIENCE).unwrap_or_else(|| panic!("no answer to {method}"));
            match heard.status() {
                Some(200..) if heard.header("CSeq") == Some(&answers) => return heard,
                Some(_) => {}
                None => self.unread.push_back(heard),
            }
        }
    }

    /// ACK, which nobody answers.
    pub(crate) fn acknowledges(&mut self, call: &Call) {
        self.tells(call, "ACK", "", b"");
    }

    fn tells(&mut self, call: &Call, method: &str, more: &str, body: &[u8]) {
        let (n, user, over, local) = (self.sequence, uri(self.user), self.over, self.wire.local());
        let Call { id, target, to } = call;
        let branch = if method == "ACK" { "ack" } else { "device" };
        let head = format!(
            "{method} {target} SIP/2.0\r\n\
             Via: SIP/2.0/{over} {local};branch=z9hG4bK{branch}{n};rport\r\n\
             Max-Forwards: 70\r\nFrom: <{user}>;tag=device\r\nTo: {to}\r\n\
             Call-ID: {id}\r\nCSeq: {n} {method}\r\n\
             {more}Content-Length: {}\r\n\r\n",
            body.len()
        );
        self.wire.say(&[head.as_bytes(), body].concat());
    }

    /// The next request that comes.
    #[track_caller]
    pub(crate) fn is_asked(&mut self) -> Heard {
        self.is_asked_within(PATIENCE).expect("a request")
    }

    /// The next request that comes in this time.
    #[track_caller]
    pub(crate) fn is_asked_within(&mut self, patience: Duration) -> Option<Heard> {
        let unread = self.unread.pop_front();
        let heard = unread.or_else(|| self.wire.hears(patience))?;
        assert_eq!(heard.status(), None, "{}", heard.head);
        Some(heard)
    }

    /// Answers a request with nothing but a status.
    pub(crate) fn answers(&mut self, request: &Heard, status: &str) {
        self.answers_with(request, status, "", b"");
    }

    /// Answers a request.
    pub(crate) fn answers_with(&mut self, request: &Heard, status: &str, more: &str, body: &[u8]) {
        let mut head = format!("SIP/2.0 {status}\r\n");
        for name in ["Via", "From", "To", "Call-ID", "CSeq"] {
            for value in request.headers(name) {
                let tag = if name == "To" && !value.contains(";tag=") { ";tag=device" } else { "" };
                head += &format!("{name}: {value}{tag}\r\n");
            }
        }
        head += &format!("{more}Content-Length: {}\r\n\r\n", body.len());
        self.wire.say(&[head.as_bytes(), body].concat());
    }

    /// Says what became of a message in CPIM that came (RFC 5438); the status of the answer.
    #[track_caller]
    pub(crate) fn notifies(&mut self, message: &Heard, outcome: &str) -> Option<u16> {
        let cpim = String::from_utf8_lossy(&message.body).into_owned();
        let line = |name: &str| {
            let found = cpim.lines().find_map(|line| line.strip_prefix(name));
            found.unwrap_or_else(|| panic!("no {name} in {cpim}")).trim().to_owned()
        };
        let (id, from, at) = (line("imdn.Message-ID:"), line("From:"), line("DateTime:"));
        let target = from.trim_matches(['<', '>']).to_owned();
        let user = uri(self.user);
        let document = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n\
             <imdn xmlns=\"urn:ietf:params:xml:ns:imdn\"><message-id>{id}</message-id>\
             <datetime>{at}</datetime><delivery-notification><status><{outcome}/></status>\
             </delivery-notification></imdn>"
        );
        let body = format!(
            "From: <{user}>\r\nTo: <{target}>\r\nNS: imdn <urn:ietf:params:imdn>\r\n\
             imdn.Message-ID: of-{id}\r\nDateTime: {at}\r\n\r\n\
             Content-Type: message/imdn+xml\r\nContent-Disposition: notification\r\n\
             Content-Length: {}\r\n\r\n{document}",
            document.len()
        );
        self.asks("MESSAGE", &target, &target, "Content-Type: message/cpim\r\n", body.as_bytes()).status()
    }
}
