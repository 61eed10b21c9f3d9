//! Sessions on real sockets: SIP by datagrams, MSRP by a user agent with connections of its own. That one is built from
//! `sip-msrp` as well; foreign ones are in the gateway's tests.

use std::net::SocketAddr;

use bytes::Bytes;
use kit::Channel;
use model::{Answer, Content, Inbound, Outcome, Outgoing};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use sip_message::{Message, Method, Name, Request, Response, StatusCode, Uri};
use sip_msrp::{Action, Message as Said, Path, SessionKey};
use sip_net::msrp::{Fingerprint, Proof, Settings, Target, testing::Peer, tls};
use sip_rcs::Cpim;
use tokio::net::UdpSocket;

use super::{FAILED, World, heard};

/// A device that speaks SIP from one socket and MSRP from another one.
struct Device {
    sip: UdpSocket,
    from: SocketAddr,
    msrp: Peer,
    /// What its certificate is known by.
    tls: Option<Fingerprint>,
}

/// A certificate for one test.
pub(crate) struct Own {
    pub(crate) certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
}

impl Own {
    pub(crate) fn new() -> Self {
        let made = rcgen::generate_simple_self_signed(["ims.example".to_owned()]).expect("made");
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
        Self { certificate: made.cert.der().clone(), key }
    }

    pub(crate) fn chain(&self) -> Vec<CertificateDer<'static>> {
        vec![self.certificate.clone()]
    }

    pub(crate) fn key(&self) -> PrivateKeyDer<'static> {
        self.key.clone_key()
    }
}

impl Device {
    async fn new() -> Self {
        let sip = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
        let from = sip.local_addr().expect("bound");
        Self { sip, from, msrp: Peer::new(Settings::default(), None).expect("a port"), tls: None }
    }

    /// One whose sessions are held over TLS.
    async fn secure() -> Self {
        let own = Own::new();
        let by_fingerprint = Some(tls::connector(own.chain(), own.key()).expect("usable"));
        let acceptor = tls::acceptor(own.chain(), own.key()).expect("usable");
        let settings = Settings { by_fingerprint, ..Settings::default() };
        let msrp = Peer::new(settings, Some(acceptor)).expect("a port");
        Self { msrp, tls: Some(tls::fingerprint(&own.certificate)), ..Self::new().await }
    }

    /// The gateway whose next hop is this device.
    async fn world(&self) -> World {
        let hop = Uri::new(&format!("sip:{}", self.from)).expect("a URI");
        let mut world = World::start(Some(hop));
        assert!(matches!(world.next().await, Inbound::Room { .. }));
        world
    }

    async fn request(&self, world: &World, line: &str, to: &str, more: &str, body: &str) {
        let method = line.split(' ').next().expect("a method");
        let text = format!(
            "{line} SIP/2.0\r\nVia: SIP/2.0/UDP {};branch=z9hG4bK{method};rport\r\nMax-Forwards: 70\r\n\
             From: <tel:+821011110001>;tag=f\r\nTo: {to}\r\nCall-ID: chat@wire\r\n{more}\
             Contact: <sip:device@{}>;+g.gsma.rcs.cpm.pager-large\r\nContent-Length: {}\r\n\r\n{body}",
            self.from,
            self.from,
            body.len()
        );
        self.sip.send_to(text.as_bytes(), world.udp).await.expect("sent");
    }

    /// The next answer.
    async fn response(&self) -> Response {
        match heard(&self.sip).await {
            (Message::Response(response), _) => response,
            other => panic!("a response, not {other:?}"),
        }
    }

    /// The next request of that method, copies of others let go.
    async fn called(&self, method: &Method) -> (Request, SocketAddr) {
        loop {
            if let (Message::Request(request), by) = heard(&self.sip).await
                && request.method == *method
            {
                return (request, by);
            }
        }
    }

    fn sdp(&mut self, more: &str) -> (sip_msrp::Uri, String) {
        let uri = self.msrp.uri();
        let (protocol, fingerprint) = match self.tls {
            Some(fingerprint) => ("TCP/TLS/MSRP", format!("a=fingerprint:{fingerprint}\r\n")),
            None => ("TCP/MSRP", String::new()),
        };
        let sdp = format!(
            "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
             m=message {} {protocol} *\r\n{fingerprint}a=path:{}\r\na=accept-types:message/cpim\r\na=accept-wrapped-types:*\r\n{more}",
            self.msrp.address().port(),
            uri.as_str()
        );
        (uri, sdp)
    }

    /// Opens the session that both described, as the active end.
    fn come(&self, local: sip_msrp::Uri, description: &Bytes) -> SessionKey {
        let text = String::from_utf8_lossy(description).into_owned();
        let value = |name: &str| text.lines().find_map(|line| line.trim_end().strip_prefix(name));
        let path = value("a=path:").expect("a path");
        let announced = value("a=fingerprint:").and_then(Fingerprint::parse);
        assert_eq!(announced.is_some(), self.tls.is_some());
        let path = Path::parse(path.trim()).expect("readable");
        let uri = path.first().expect("one").clone();
        let remote = format!("{}:{}", uri.host(), uri.port().expect("a port")).parse().expect("an address");
        let session = sip_msrp::Session { fingerprint: announced, ..sip_msrp::Session::new(local, path) };
        let session = self.msrp.open(session).expect("a new one");
        self.msrp.reach(session, Target { remote, tls: announced.map(Proof::Fingerprint) });
        session
    }

    /// Opens a chat. The session, and what it was answered.
    async fn chat(&mut self, world: &World) -> (SessionKey, Response) {
        let (local, sdp) = self.sdp("a=setup:active\r\n");
        let head = "CSeq: 1 INVITE\r\nContent-Type: application/sdp\r\n";
        self.request(world, "INVITE tel:+821099998888", "<tel:+821099998888>", head, &sdp).await;
        let ok = self.response().await;
        assert_eq!(ok.status, 200);
        self.within(world, "ACK", 1, &ok).await;
        (self.come(local, &ok.body), ok)
    }

    async fn within(&self, world: &World, method: &str, cseq: u32, ok: &Response) {
        let line = format!("{method} sip:{}", world.udp);
        let to = ok.headers.text(Name::To).expect("To").to_owned();
        self.request(world, &line, &to, &format!("CSeq: {cseq} {method}\r\n"), "").await;
    }

    async fn delivered(&mut self) -> Option<Cpim> {
        let delivered = |action| match action {
            Action::Deliver { body, .. } => Some(body),
            _ => None,
        };
        Cpim::read(self.msrp.wait(FAILED, delivered).await?).ok()
    }
}

fn cpim(words: &str) -> String {
    format!(
        "From: <sip:anonymous@anonymous.invalid>\r\nTo: <sip:anonymous@anonymous.invalid>\r\n\
         NS: imdn <urn:ietf:params:imdn>\r\nimdn.Message-ID: Msg1\r\nDateTime: 2025-03-01T09:30:00Z\r\n\r\n\
         Content-Type: text/plain;charset=UTF-8\r\n\r\n{words}"
    )
}

#[tokio::test]
async fn a_chat_carries_messages_both_ways_and_ends() {
    chats(Device::new().await).await;
}

/// RFC 4975 §14.4: each end is known by the certificate that it announced.
#[tokio::test]
async fn a_chat_over_tls_does_the_same() {
    chats(Device::secure().await).await;
}

/// Somebody else's certificate is as good as none.
#[tokio::test]
async fn a_device_with_another_certificate_than_announced_is_not_listened_to() {
    let mut device = Device::secure().await;
    let mut world = device.world().await;
    device.tls = Some(tls::fingerprint(&Own::new().certificate));
    let (session, _ok) = device.chat(&world).await;
    // It may be told so before or after it speaks.
    let _over = device.msrp.send(session, Said::new("m0001", "message/cpim", cpim("hello")));
    let (bye, _) = device.called(&Method::BYE).await;
    assert!(bye.headers.text(Name::Reason).expect("a reason").contains("cause=480"));
    let message = world.message(5);
    world.rcs.send(vec![Outgoing::Message(message)]);
    assert_eq!(device.called(&Method::MESSAGE).await.0.method, Method::MESSAGE);
}

async fn chats(mut device: Device) {
    let mut world = device.world().await;
    let (session, ok) = device.chat(&world).await;
    let words = "가".repeat(10_000);
    device.msrp.send(session, Said::new("m0001", "message/cpim", cpim(&words))).expect("taken");
    let Inbound::Submit { submission, ticket } = world.next().await else { panic!("a submission") };
    assert_eq!(submission.content, Content::Text(words.into()));
    // All of it is there, and nobody says so yet (I1).
    assert_eq!(device.msrp.look(|node| node.endpoint().waiting(session)), 1);
    let id = world.id();
    world.answer(ticket.token, Answer::Accepted(id));
    let sent = device.msrp.wait(FAILED, |action| matches!(action, Action::Sent { .. }).then_some(())).await;
    assert!(sent.is_some());

    let message = world.message(5);
    world.rcs.send(vec![Outgoing::Message(message)]);
    let said = device.delivered().await.expect("said in the chat");
    assert_eq!(&said.content()[..], b"hi");
    let Inbound::Outcome { attempt, outcome } = world.next().await else { panic!("an outcome") };
    assert_eq!(attempt.slot, 5);
    assert!(matches!(outcome, Outcome::Sent(ids) if Some(ids[0].0.as_str()) == said.message_id()));

    device.within(&world, "BYE", 2, &ok).await;
    assert_eq!(device.response().await.status, 200);
    // From now on by MESSAGE.
    let message = world.message(6);
    world.rcs.send(vec![Outgoing::Message(message)]);
    device.called(&Method::MESSAGE).await;
}

#[tokio::test]
async fn what_a_chat_did_not_take_before_it_ended_goes_by_message() {
    let mut device = Device::new().await;
    let mut world = device.world().await;
    let (session, ok) = device.chat(&world).await;
    // What it says is heard over the connection that it opened: the gateway speaks over that from then on.
    device.msrp.send(session, Said::new("m0001", "message/cpim", cpim("hello"))).expect("taken");
    assert!(matches!(world.next().await, Inbound::Submit { .. }));
    device.msrp.answers(None);
    let message = world.message(5);
    world.rcs.send(vec![Outgoing::Message(message)]);
    let said = device.delivered().await.expect("said in the chat");
    device.within(&world, "BYE", 2, &ok).await;
    let (request, by) = device.called(&Method::MESSAGE).await;
    let read = Cpim::read(request.body.clone()).expect("CPIM");
    assert_eq!(read.message_id(), said.message_id(), "the device knows it by that");
    device.sip.send_to(&request.response(StatusCode::OK, Some("d")).to_bytes(), by).await.expect("sent");
    let Inbound::Outcome { outcome: Outcome::Sent(_), .. } = world.next().await else { panic!("sent") };
}

/// Rcs sheet §6.
#[tokio::test]
async fn a_large_message_leaves_in_a_session_of_its_own() {
    let mut device = Device::new().await;
    let mut world = device.world().await;
    // Whoever asks says what it can do.
    device
        .request(&world, "OPTIONS tel:+821099998888", "<tel:+821099998888>", "CSeq: 1 OPTIONS\r\n", "")
        .await;
    assert_eq!(device.response().await.status, 404);
    assert!(matches!(world.next().await, Inbound::Presence { .. }));
    let words = "long ".repeat(10_000);
    let mut message = world.message(5);
    std::sync::Arc::get_mut(&mut message.submission).expect("alone").content =
        Content::Text(words.as_str().into());
    world.rcs.send(vec![Outgoing::Message(message)]);
    let (invite, by) = device.called(&Method::INVITE).await;
    assert!(invite.headers.text(Name::AcceptContact).expect("a service").contains("oma.cpm.largemsg"));
    let (local, sdp) = device.sdp("a=setup:active\r\na=recvonly\r\na=max-size:100000\r\n");
    let mut ok = invite.response(StatusCode::OK, Some("d"));
    ok.headers.push(Name::Contact, format_args!("<sip:device@{}>", device.from));
    ok.headers.push(Name::ContentType, "application/sdp");
    ok.body = sdp.into();
    device.sip.send_to(&ok.to_bytes(), by).await.expect("sent");
    device.called(&Method::ACK).await;
    device.come(local, &invite.body);
    let said = device.delivered().await.expect("all of it");
    assert_eq!(&said.content()[..], words.as_bytes());
    let Inbound::Outcome { outcome: Outcome::Sent(_), .. } = world.next().await else { panic!("sent") };
    let (bye, by) = device.called(&Method::BYE).await;
    assert!(bye.headers.text(Name::Reason).expect("a reason").contains("cause=200"));
    device.sip.send_to(&bye.response(StatusCode::OK, Some("d")).to_bytes(), by).await.expect("sent");
}
