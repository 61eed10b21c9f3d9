//! The relay for MSRP that stands between a phone and the gateway, proven with two connections and frames by hand,
//! with the endpoint that the gateway uses, on both sides of it, and then with the running gateway behind it.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
};

use sip_msrp::{Action, ConnectionId, Message, Path, Session, SessionKey, Uri};
use sip_net::msrp::{Settings, Target, testing::Peer};

use crate::{
    capture::{Capture, Captured, Protocol},
    chatter::{CHAT, Chatter, attribute},
    kamailio::Kamailio,
    program::{PATIENCE, free_address},
    served::{MINA, Served},
    support::Script,
};

/// An endpoint that says one frame at a time.
struct Endpoint {
    stream: TcpStream,
    buffer: Vec<u8>,
    /// Its own URI, and the one that the relay gave it.
    own: String,
    through: String,
}

impl Endpoint {
    /// Connects to the relay and gets a path through it (RFC 4976 §4.1).
    fn authorized(relay: SocketAddr, name: &str) -> Self {
        let stream = TcpStream::connect(relay).expect("the relay listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket has a timeout");
        let own = format!("msrp://{}/{name};tcp", stream.local_addr().expect("it is connected"));
        let mut endpoint = Self { stream, buffer: Vec::new(), own, through: String::new() };
        let own = endpoint.own.clone();
        endpoint.say(&format!(
            "MSRP {name}auth1 AUTH\r\nTo-Path: msrp://{relay};tcp\r\nFrom-Path: {own}\r\n-------{name}auth1$\r\n"
        ));
        let answer = endpoint.hear(&format!("-------{name}auth1$\r\n"));
        assert!(answer.starts_with(&format!("MSRP {name}auth1 200")), "{answer}");
        let path = answer.lines().find_map(|line| line.strip_prefix("Use-Path: "));
        endpoint.through = path.expect("AUTH is answered with a path").to_owned();
        endpoint
    }

    fn say(&mut self, frame: &str) {
        self.stream.write_all(frame.as_bytes()).expect("the relay reads");
    }

    /// Everything up to and with `end`.
    fn hear(&mut self, end: &str) -> String {
        loop {
            let found = self.buffer.windows(end.len()).position(|window| window == end.as_bytes());
            if let Some(at) = found {
                let frame: Vec<_> = self.buffer.drain(..at + end.len()).collect();
                return String::from_utf8(frame).expect("this test sends UTF-8");
            }
            let mut chunk = [0; 4_096];
            let octets = self.stream.read(&mut chunk).expect("the relay goes on");
            assert!(octets > 0, "the relay hung up");
            self.buffer.extend_from_slice(&chunk[..octets]);
        }
    }
}

#[test]
fn kamailio_relays_msrp_between_connections_that_said_auth() {
    let relay = free_address();
    let _kamailio = Kamailio::start("msrp_relay.cfg", relay, &[]);
    let capture = Capture::start(&[(relay, Protocol::Msrp)]);
    let mut mina = Endpoint::authorized(relay, "mina");
    let mut jun = Endpoint::authorized(relay, "jun");
    let text = "안녕 -------nearly$ the end";
    let frame = format!(
        "MSRP send0001 SEND\r\nTo-Path: {to} {end}\r\nFrom-Path: {from}\r\nMessage-ID: m1\r\n\
         Byte-Range: 1-{octets}/{octets}\r\nContent-Type: text/plain\r\n\r\n{text}\r\n-------send0001$\r\n",
        to = jun.through,
        end = jun.own,
        from = mina.own,
        octets = text.len()
    );
    mina.say(&frame);
    let heard = jun.hear("-------send0001$\r\n");
    assert!(heard.contains(&format!("\r\n\r\n{text}\r\n")), "{heard}");
    assert!(heard.contains(&format!("To-Path: {}\r\nFrom-Path: {} {}\r\n", jun.own, jun.through, mina.own)));
    assert!(mina.hear("-------send0001$\r\n").starts_with("MSRP send0001 200"), "the relay answers its hop");
    mina.say(
        &frame.replace(&jun.through, &jun.through.replace("msrp-", "gone-")).replace("send0001", "send0002"),
    );
    assert!(mina.hear("-------send0002$\r\n").starts_with("MSRP send0002 481"));
    let counts = capture.finish().dissected();
    assert!(counts["AUTH"] == 2 && counts["SEND"] >= 2, "{counts:?}");
}

/// An endpoint of ours that the relay knows.
struct Known {
    peer: Peer,
    own: Uri,
    /// Its `a=path`.
    path: Path,
}

impl Known {
    async fn to(relay: SocketAddr) -> Self {
        let mut peer = Peer::new(Settings::default(), None).expect("the loopback has a free port");
        let own = peer.uri();
        let asked = Uri::parse(&format!("msrp://{relay};tcp")).expect("an address is a host");
        peer.authorize(Target { remote: relay, tls: None }, Path::from(asked), own.clone());
        let use_path = peer.wait(PATIENCE, |heard| match heard {
            Action::Authorized { use_path, .. } => Some(use_path),
            _ => None,
        });
        let use_path = use_path.await.expect("AUTH is answered with a path");
        let path = use_path.hops().iter().cloned().chain([own.clone()]).collect();
        Self { peer, own, path }
    }

    /// Kamailio finds the other end by its path alone, so there is no hop of our own before it.
    fn talk_to(&self, other: &Self, relay: SocketAddr) -> SessionKey {
        let session = Session::new(self.own.clone(), other.path.clone());
        let session = self.peer.open(session).expect("one session a URI");
        self.peer.reach(session, Target { remote: relay, tls: None });
        session
    }

    async fn hears(&mut self) -> Vec<u8> {
        let body = self.peer.wait(PATIENCE, |heard| match heard {
            Action::Deliver { body, .. } => Some(body),
            _ => None,
        });
        body.await.expect("a message comes").to_vec()
    }

    async fn is_answered(&mut self) {
        let sent = self.peer.wait(PATIENCE, |heard| match heard {
            Action::Sent { .. } => Some(true),
            Action::Failed { .. } | Action::Ended { .. } => Some(false),
            _ => None,
        });
        assert_eq!(sent.await, Some(true));
    }
}

#[test]
fn endpoints_of_ours_talk_through_kamailio_in_chunks_that_it_takes() {
    let relay = free_address();
    let _kamailio = Kamailio::start("msrp_relay.cfg", relay, &[]);
    let capture = Capture::start(&[(relay, Protocol::Msrp)]);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    runtime.expect("a runtime starts").block_on(async {
        let (mut mina, mut jun) = (Known::to(relay).await, Known::to(relay).await);
        let (to_jun, to_mina) = (mina.talk_to(&jun, relay), jun.talk_to(&mina, relay));
        let long: Vec<u8> = b"-------line\r\n".iter().copied().cycle().take(100_000).collect();
        mina.peer.send(to_jun, Message::new("long", "text/plain", long.clone())).expect("it is taken");
        assert!(jun.hears().await == long, "octet for octet");
        mina.is_answered().await;
        jun.peer.send(to_mina, Message::new("short", "text/plain", "안녕")).expect("it is taken");
        assert_eq!(mina.hears().await, "안녕".as_bytes());
        jun.is_answered().await;
        // Both sessions of one endpoint would share this connection.
        assert_eq!(mina.peer.look(|node| node.endpoint().connection(to_jun)), Some(ConnectionId(1)));
    });
    // Chunks share segments, so not every one of them is counted; none is malformed.
    let counts = capture.finish().dissected();
    assert!(counts["AUTH"] == 2 && counts["SEND"] >= 4, "{counts:?}");
}

/// The example with the gateway behind a relay.
fn served_behind(relay: SocketAddr, account: &str) -> Served {
    let key = format!("[rcs]\nmsrp_relay = {{ uri = \"msrp://{relay};tcp\"{account} }}\n");
    Served::start("rcs", |_| Script::Deliver, |text| text.replace("[rcs]\n", &key))
}

/// What was said over SIP and MSRP, to the relay and to the gateway itself.
fn captured(served: &Served, relay: SocketAddr) -> Capture {
    Capture::start(&[(served.sip, Protocol::Sip), (served.msrp, Protocol::Msrp), (relay, Protocol::Msrp)])
}

/// Every octet of MSRP went through the relay, both ways.
fn went_through(captured: &Captured, served: &Served, relay: SocketAddr) {
    assert_eq!(captured.frames(&format!("tcp.port == {}", served.msrp.port())), 0, "nobody connects to us");
    let gateway = format!("msrp://{}/", served.msrp);
    let (to, from) = (format!("tcp.dstport == {}", relay.port()), format!("tcp.srcport == {}", relay.port()));
    for (way, whose) in [(&to, "from"), (&from, "from"), (&to, "to"), (&from, "to")] {
        let filter = format!("msrp.method == SEND && msrp.{whose}.path contains \"{gateway}\" && {way}");
        assert!(captured.frames(&filter) > 0, "{filter}");
    }
}

/// RFC 4976 §5.1: the way to us is the relay's path and our own end behind it.
fn leads_through(sdp: &str, served: &Served, relay: SocketAddr) {
    let path = Path::parse(attribute(sdp, "path")).expect("a path of MSRP");
    let places: Vec<_> = path.hops().iter().map(|hop| format!("{}:{:?}", hop.host(), hop.port())).collect();
    let place = |address: SocketAddr| format!("{}:{:?}", address.ip(), Some(address.port()));
    assert_eq!(places, [place(relay), place(served.msrp)]);
    assert!(!sdp.contains("msrp-cema"), "{sdp}");
}

#[test]
fn a_phone_and_a_messenger_user_chat_through_kamailio() {
    let relay = free_address();
    let _kamailio = Kamailio::start("msrp_relay.cfg", relay, &[]);
    let served = served_behind(relay, "");
    let capture = captured(&served, relay);
    let tictoc = served.messenger();
    let mut mina = Chatter::register(MINA, &served).behind(relay);

    let first = tictoc.write("u1", MINA, "before the session");
    let message = mina.device.is_asked();
    mina.device.answers(&message, "200 OK");
    assert_eq!(mina.device.notifies(&message, "delivered"), Some(200));
    tictoc.hears_of("delivered", &first);

    let writer = message.header("P-Asserted-Identity").expect("the gateway says who wrote");
    let chat = mina.opens(CHAT, writer.trim_matches(['<', '>']), "");
    leads_through(&chat.sdp, &served, relay);
    assert_eq!(attribute(&chat.sdp, "setup"), "passive");
    assert!(chat.sdp.contains(&format!("m=message {} TCP/MSRP *", relay.port())), "{}", chat.sdp);

    mina.writes(&chat, "Msg1", "반가워 😀");
    let heard = tictoc.hears("text", |_| true);
    assert_eq!(heard["body"]["text"], "반가워 😀");
    tictoc.receipt("delivered", &heard["id"]);
    let notification = mina.hears().text();
    assert!(notification.contains("<delivered/>"), "{notification}");

    let long = "옛날 옛적에 -------frame$ ".repeat(500);
    for text in ["안녕", &*long] {
        let written = tictoc.write("u1", MINA, text);
        let said = mina.hears();
        assert!(said.text().ends_with(&format!("\r\n\r\n{text}")), "octet for octet");
        mina.notifies(&chat, &said, "delivery", "delivered");
        tictoc.hears_of("delivered", &written);
    }
    mina.hangs_up(chat);

    let captured = capture.finish();
    let counts = captured.dissected();
    assert!(counts["AUTH"] >= 1 && counts["INVITE"] == 1 && counts["BYE"] == 1, "{counts:?}");
    assert_eq!(captured.frames("msrp.status.code >= 300"), 0, "{counts:?}");
    went_through(&captured, &served, relay);
    assert_eq!(served.verified()["accepted"], 4);
}

/// The gateway opens the session, and the relay asks who it is before it lends a path (RFC 4976 §5.1).
#[test]
fn kamailio_asks_the_gateway_who_it_is_and_a_phone_is_invited_through_it() {
    let relay = free_address();
    let _kamailio = Kamailio::start("msrp_relay.cfg", relay, &[("ASKS", "1")]);
    let capture = Capture::start(&[(relay, Protocol::Msrp)]);
    let served = served_behind(relay, ", user = \"gateway\", password = \"plain:relay secret\"");
    let tictoc = served.messenger();
    let mut mina = Chatter::register_to_chat(MINA, &served).behind(relay);

    let written = tictoc.write("u1", MINA, "one");
    let chat = mina.is_invited(CHAT);
    leads_through(&chat.sdp, &served, relay);
    let said = mina.hears();
    assert!(said.text().ends_with("\r\n\r\none"), "{}", said.text());
    mina.notifies(&chat, &said, "delivery", "delivered");
    tictoc.hears_of("delivered", &written);
    mina.writes(&chat, "Msg1", "two");
    assert_eq!(tictoc.hears("text", |_| true)["body"]["text"], "two");
    mina.hangs_up(chat);

    let captured = capture.finish();
    let counts = captured.dissected();
    assert!(counts["AUTH"] == 4 && counts["401"] == 2 && !counts.contains_key("481"), "{counts:?}");
    let ours = format!("msrp.method == AUTH && msrp.from.path contains \"msrp://{}/\"", served.msrp);
    assert_eq!(captured.frames(&ours), 2, "once without and once with the digest");
    assert_eq!(captured.frames(&format!("{ours} && msrp.authorization contains \"response=\"")), 1);
    assert_eq!(served.verified()["accepted"], 2);
}
