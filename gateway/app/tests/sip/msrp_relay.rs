//! The relay for MSRP that stands between a phone and the gateway, proven with two connections and frames by hand.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
};

use crate::{
    capture::{Capture, Protocol},
    kamailio::Kamailio,
    program::{PATIENCE, free_address},
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
