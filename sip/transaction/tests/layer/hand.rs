//! A layer, and the words to talk to it.

use std::net::SocketAddr;

use bytes::Bytes;
use sip_message::{Limits, Message, Request, Response, StatusCode, parse_datagram};
use sip_transaction::{Action, Class, Flow, Layer, Seed, ServerKey, Settings, Transport};

pub(crate) const NOW_US: i64 = 1_800_000_000_000_000;

pub(crate) fn settings() -> Settings {
    Settings::new(vec![Class::core("gw.example:5070", "gw.example")], Seed(7, 11))
}

pub(crate) fn layer() -> Layer {
    Layer::new(NOW_US, settings())
}

pub(crate) fn udp(remote: &str) -> Flow {
    Flow {
        id: 3,
        remote: remote.parse::<SocketAddr>().expect("an address"),
        transport: Transport::Udp,
        class: 0,
    }
}

pub(crate) fn tcp(remote: &str) -> Flow {
    Flow { transport: Transport::Tcp, ..udp(remote) }
}

/// Reads what is written with a newline for CRLF and without the empty line.
pub(crate) fn read(text: &str) -> Message {
    let text = text.trim_start().lines().map(str::trim).collect::<Vec<_>>().join("\r\n");
    let octets = Bytes::from(format!("{}\r\n\r\n", text.trim_end()));
    parse_datagram(octets, &Limits::default()).unwrap_or_else(|error| panic!("{error:?}"))
}

/// A request; `more` are header lines.
pub(crate) fn request(method: &str, via: &str, to_tag: &str, more: &str) -> Message {
    let to_tag = if to_tag.is_empty() { String::new() } else { format!(";tag={to_tag}") };
    read(&format!(
        "{method} sip:+82102@gw.example SIP/2.0
         Via: {via}
         Max-Forwards: 70
         From: \"Mina\" <sip:+82101@ims.example>;tag=a1
         To: <sip:+82102@gw.example>{to_tag}
         Call-ID: 1@peer
         CSeq: 1 {method}
         {more}"
    ))
}

pub(crate) fn receive(layer: &mut Layer, flow: Flow, message: Message) -> Vec<Action> {
    let mut out = Vec::new();
    layer.received(NOW_US, flow, message, &mut out);
    out
}

pub(crate) fn key(actions: &[Action]) -> ServerKey {
    match actions {
        [Action::Request { key, .. }] => *key,
        other => panic!("not one request: {other:?}"),
    }
}

/// Where the one answer goes, its text and itself.
pub(crate) fn sent(actions: &[Action]) -> (Flow, String, Message) {
    match actions {
        [Action::Transmit { flow, octets }] => {
            let text = String::from_utf8(octets.to_vec()).expect("text");
            (*flow, text, parse_datagram(octets.clone(), &Limits::default()).expect("readable"))
        }
        other => panic!("not one sending: {other:?}"),
    }
}

pub(crate) fn answer(layer: &mut Layer, key: ServerKey, status: u16) -> Vec<Action> {
    let mut out = Vec::new();
    layer.answer(NOW_US, key, StatusCode::new(status).expect("a status"), &mut out).expect("open");
    out
}

pub(crate) fn response(message: &Message) -> &Response {
    match message {
        Message::Response(response) => response,
        Message::Request(_) => panic!("a request"),
    }
}

pub(crate) fn as_request(message: &Message) -> &Request {
    match message {
        Message::Request(request) => request,
        Message::Response(_) => panic!("a response"),
    }
}
