//! Connections of MSRP that hurt, sent to the running gateway: each gets the status that RFC 4975 has for it or is closed,
//! and nobody else feels it.

use std::{
    fs,
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
};

use sip_msrp::Uri;

use crate::{
    chatter::{CHAT, CPIM, Chatter, attribute},
    program::{PATIENCE, until},
    served::{JUN, MINA, PHONE, Served},
    support::Script,
};

/// A connection that says octets.
struct Raw {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Raw {
    fn new(to: SocketAddr) -> Self {
        let stream = TcpStream::connect(to).expect("the gateway listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket has a timeout");
        Self { stream, buffer: Vec::new() }
    }

    /// Whether anybody still takes them is seen by what is heard.
    fn say(&mut self, octets: &[u8]) {
        self.stream.write_all(octets).ok();
    }

    /// The status that a transaction is answered with; `None` when the connection is closed before.
    #[track_caller]
    fn status(&mut self, transaction: &str) -> Option<u16> {
        let begin = format!("MSRP {transaction} ");
        loop {
            let text = String::from_utf8_lossy(&self.buffer).into_owned();
            if let Some((_, rest)) = text.split_once(&begin)
                && let Some(status) = rest.get(..3)
            {
                return Some(status.parse().expect("a status"));
            }
            if !self.read() {
                return None;
            }
        }
    }

    /// Waits until the gateway closes it.
    #[track_caller]
    fn closes(&mut self) {
        while self.read() {}
    }

    #[track_caller]
    fn read(&mut self) -> bool {
        let mut chunk = [0; 4_096];
        match self.stream.read(&mut chunk) {
            Ok(0) => false,
            Ok(octets) => {
                self.buffer.extend_from_slice(&chunk[..octets]);
                true
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                panic!("neither an answer nor the end, after {:?}", String::from_utf8_lossy(&self.buffer))
            }
            Err(_reset) => false,
        }
    }
}

/// A session whose connection is made by hand.
struct Bound {
    raw: Raw,
    /// The gateway's end and ours.
    to: String,
    from: String,
}

impl Bound {
    #[track_caller]
    fn new(phone: &mut Chatter, served: &Served, target: &str, name: &str) -> Self {
        let from = format!("msrp://127.0.0.1:9/{name};tcp");
        let own = Uri::parse(&from).expect("a URI");
        let (call, answer) = phone.invites(CHAT, target, &own, "");
        assert_eq!(answer.status(), Some(200), "{}", answer.head);
        phone.device.acknowledges(&call);
        let sdp = String::from_utf8(answer.body).expect("a description is text");
        let to = attribute(&sdp, "path").to_owned();
        let mut bound = Self { raw: Raw::new(served.msrp), to, from };
        // The first request of the active end (RFC 4975 §5.4).
        assert_eq!(bound.send("bind0001", "Message-ID: bind\r\nByte-Range: 1-0/0\r\n", None), Some(200));
        bound
    }

    /// What a SEND is answered.
    #[track_caller]
    fn send(&mut self, transaction: &str, headers: &str, body: Option<(&str, &str)>) -> Option<u16> {
        let (to, from) = (self.to.clone(), self.from.clone());
        self.raw.say(frame(transaction, "SEND", (&to, &from), headers, body).as_bytes());
        self.raw.status(transaction)
    }
}

fn frame(
    transaction: &str,
    method: &str,
    (to, from): (&str, &str),
    headers: &str,
    body: Option<(&str, &str)>,
) -> String {
    let body = body.map_or_else(String::new, |(content_type, text)| {
        format!("Content-Type: {content_type}\r\n\r\n{text}\r\n")
    });
    format!(
        "MSRP {transaction} {method}\r\nTo-Path: {to}\r\nFrom-Path: {from}\r\n{headers}{body}-------{transaction}$\r\n"
    )
}

#[test]
fn each_mistake_is_answered_with_its_status_and_the_session_goes_on() {
    let served = Served::standalone();
    let mut mina = Chatter::register(MINA, &served);
    let mut session = Bound::new(&mut mina, &served, &format!("tel:{PHONE}"), "first");
    let good = "Message-ID: m1\r\nByte-Range: 1-2/2\r\n";
    let wrong = [
        ("type", good, ("text/html", "hi"), 415),
        ("no CPIM", good, (CPIM, "hi"), 400),
        ("announced too large", "Message-ID: m1\r\nByte-Range: 1-2/9999999999\r\n", (CPIM, "hi"), 413),
        ("no Message-ID", "Byte-Range: 1-2/2\r\n", (CPIM, "hi"), 400),
        ("no range", "Message-ID: m1\r\nByte-Range: two\r\n", (CPIM, "hi"), 400),
        ("beyond its end", "Message-ID: m1\r\nByte-Range: 5-9/2\r\n", (CPIM, "hi!!!"), 400),
    ];
    for (at, (name, headers, body, status)) in wrong.into_iter().enumerate() {
        assert_eq!(session.send(&format!("wrong{at:04}"), headers, Some(body)), Some(status), "{name}");
    }
    let (to, from) = (session.to.clone(), session.from.clone());
    for (at, method) in ["AUTH", "DANCE", "NICKNAME"].into_iter().enumerate() {
        let transaction = format!("method{at:04}");
        session.raw.say(frame(&transaction, method, (&to, &from), "", None).as_bytes());
        assert_eq!(session.raw.status(&transaction), Some(501), "{method}");
    }
    // Its session is its own: nobody else has it, and nobody has another one's.
    let mut thief = Raw::new(served.msrp);
    thief.say(frame("steal0001", "SEND", (&to, &from), good, Some((CPIM, "hi"))).as_bytes());
    assert_eq!(thief.status("steal0001"), Some(506));
    let nobodys = to.replace(";tcp", "x;tcp");
    thief.say(frame("guess0001", "SEND", (&nobodys, &from), good, Some((CPIM, "hi"))).as_bytes());
    assert_eq!(thief.status("guess0001"), Some(481));
    // Who guesses is not listened to for long.
    for guess in 2..20 {
        let transaction = format!("guess{guess:04}");
        thief.say(frame(&transaction, "SEND", (&nobodys, &from), good, Some((CPIM, "hi"))).as_bytes());
    }
    thief.closes();

    let text = "From: <sip:a@b.invalid>\r\nTo: <sip:a@b.invalid>\r\n\r\nContent-Type: text/plain\r\n\r\ngood";
    let headers = format!("Message-ID: m2\r\nByte-Range: 1-{}/{}\r\n", text.len(), text.len());
    assert_eq!(session.send("good0001", &headers, Some((CPIM, text))), Some(200));
    until("the SMSC gets it", || (served.smsc.texts() == [b"good"]).then_some(()));
    assert_eq!(served.verified()["accepted"], 1);
}

/// What cannot be followed ends its own connection and no other.
#[test]
fn what_is_no_msrp_is_closed_and_others_go_on() {
    let served = Served::standalone();
    let pid = served.gateway.pid();
    let mut jun = Chatter::register(JUN, &served);
    let chat = jun.opens(CHAT, &format!("tel:{PHONE}"), "");
    let long = format!("MSRP long0001 SEND\r\nTo-Path: {}\r\n", "x".repeat(4_096));
    let many = format!("MSRP many0001 SEND\r\n{}", "X-More: yes\r\n".repeat(500));
    let cases: [(&str, &[u8]); 7] = [
        ("HTTP", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
        ("SIP", b"OPTIONS sip:a SIP/2.0\r\nContent-Length: 0\r\n\r\n"),
        ("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"),
        ("zeroes", &[0; 4_096]),
        ("no token", b"MSRP \xff\xfe SEND\r\n\r\n"),
        ("a long line", long.as_bytes()),
        ("many headers", many.as_bytes()),
    ];
    for (at, (name, octets)) in cases.into_iter().enumerate() {
        let mut raw = Raw::new(served.msrp);
        raw.say(octets);
        raw.closes();
        jun.writes(&chat, &format!("Msg{at}"), name);
    }
    let taken = cases.len();
    until("the SMSC gets all of them", || (served.smsc.texts().len() == taken).then_some(()));
    assert_eq!(served.gateway.pid(), pid);
    served.gateway.management("/readyz").is(200);
    assert_eq!(served.verified()["accepted"], taken);
}

/// Resident octets and open descriptors of the gateway.
fn size(served: &Served) -> (usize, usize) {
    let folder = format!("/proc/{}", served.gateway.pid());
    let status = fs::read_to_string(format!("{folder}/status")).expect("the gateway runs");
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.split_whitespace().next());
    let resident: usize = resident.and_then(|number| number.parse().ok()).expect("a number of KiB");
    (resident << 10, fs::read_dir(format!("{folder}/fd")).expect("the gateway runs").count())
}

/// Begun messages of sessions that never end: what was held for them goes with their connection.
#[test]
fn nothing_is_left_of_messages_that_were_begun_and_given_up() {
    const ROUNDS: usize = 400;
    const OCTETS: usize = 256 << 10;
    // As much as an operator may allow.
    let generous = |text: String| text + "\n[limits]\ntext_octets_max = \"1MiB\"\n";
    let served = Served::start("rcs", |_| Script::Deliver, generous);
    let mut mina = Chatter::register(MINA, &served);
    let mut begin = |round: usize| {
        // A new session with the same person takes the place of the old one.
        let name = format!("round{round}");
        let mut session = Bound::new(&mut mina, &served, &format!("tel:{PHONE}"), &name);
        let head = format!(
            "MSRP begun0001 SEND\r\nTo-Path: {}\r\nFrom-Path: {}\r\nMessage-ID: m1\r\n\
             Byte-Range: 1-{OCTETS}/1000000\r\nContent-Type: {CPIM}\r\n\r\n",
            session.to, session.from
        );
        session.raw.say(head.as_bytes());
        session.raw.say(&vec![b'x'; OCTETS]);
        session.raw.say(b"\r\n-------begun0001+\r\n");
        assert_eq!(session.raw.status("begun0001"), Some(200), "and more is waited for");
    };
    (0..20).for_each(&mut begin);
    let before = size(&served);
    (20..ROUNDS).for_each(&mut begin);
    until("the connections are closed", || (size(&served).1 <= before.1 + 8).then_some(()));
    let after = size(&served);
    let kept = after.0.saturating_sub(before.0);
    assert!(kept < ROUNDS * OCTETS / 4, "{kept} octets more than before");
    let chat = mina.opens(CHAT, &format!("tel:{PHONE}"), "");
    mina.writes(&chat, "Msg1", "still there");
    until("the SMSC gets it", || (served.smsc.texts() == [b"still there"]).then_some(()));
    assert_eq!(served.verified()["accepted"], 1);
}
