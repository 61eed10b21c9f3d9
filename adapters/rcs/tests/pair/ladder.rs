//! What crosses the lines, written down: SIP and MSRP with a handset on one side, the gateway on the other.

use std::fmt::Display;

use bytes::BytesMut;
use model::{Address, Answer, For, Inbound, Outcome, Outgoing, SignalKind};
use sip_message::{Message, Method, Name};
use sip_msrp::{ConnectionId, Decoder, Frame};
use sip_rcs::Cpim;
use sip_transaction::Flow;

/// A ladder as it is committed.
#[derive(Debug, Default)]
pub(crate) struct Ladder {
    text: String,
    since_us: Option<i64>,
}

/// The three whose words are written down.
pub(crate) const HANDSET: &str = "handset";
pub(crate) const OTHER: &str = "other";
pub(crate) const CHANNEL: &str = "rcs";
pub(crate) const GATEWAY: &str = "gateway";

/// Which handset is at the other end of a way.
pub(crate) fn at(flow: Flow) -> &'static str {
    if flow.remote == crate::world::other_handset().remote { OTHER } else { HANDSET }
}

/// The same of a connection of MSRP.
pub(crate) fn on(connection: ConnectionId) -> &'static str {
    if connection == crate::handset::OTHER_LINE { OTHER } else { HANDSET }
}

impl Ladder {
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn line(&mut self, now_us: i64, from: &str, to: &str, what: impl Display) {
        let since_us = *self.since_us.get_or_insert(now_us);
        let ms = (now_us - since_us) / 1_000;
        let (s, ms) = (ms / 1_000, ms % 1_000);
        self.text.push_str(&format!("t+{s:>3}.{ms:03}  {from:<8} ──▶ {to:<8}  {what}\n"));
    }

    pub(crate) fn sip(&mut self, now_us: i64, from: &str, to: &str, message: &Message) {
        let what = match message {
            Message::Request(request) => {
                let headers = &request.headers;
                let service =
                    headers.text(Name::PPreferredService).or_else(|| headers.text(Name::AcceptContact));
                let service = service.and_then(|text| text.rsplit_once("icsi.")).map(|(_, service)| service);
                let service = service.map(|service| service.trim_end_matches('"'));
                let mut said: Vec<String> = Vec::new();
                said.extend(
                    service.filter(|_| request.method == Method::INVITE).map(|service| service.to_owned()),
                );
                said.extend(content(headers.text(Name::ContentType), &request.body));
                said.extend(headers.text(Name::Reason).map(str::to_owned));
                with(request.method.as_str(), &said)
            }
            Message::Response(response) => {
                let of = response.cseq().map(|cseq| cseq.method.to_string()).unwrap_or_default();
                let said: Vec<String> =
                    content(response.headers.text(Name::ContentType), &response.body).into_iter().collect();
                with(&format!("{} to {of}", response.status.code()), &said)
            }
        };
        self.line(now_us, from, to, what);
    }

    pub(crate) fn msrp(&mut self, now_us: i64, from: &str, to: &str, octets: &[u8]) {
        let mut frames = Vec::new();
        Decoder::default().cut(&mut BytesMut::from(octets), &mut frames).expect("readable");
        for frame in frames {
            let what = match frame {
                Frame::Request(request) if request.content_type.is_none() => {
                    "MSRP SEND without a message: the session is on this connection".to_owned()
                }
                Frame::Request(request) => {
                    let range = request.byte_range.map(|range| format!("octets {range}"));
                    let mut said: Vec<String> =
                        content(request.content_type.as_deref(), &request.body).into_iter().collect();
                    said.extend(range);
                    with(&format!("MSRP {}", request.method.as_str()), &said)
                }
                Frame::Response(response) => format!("MSRP {}", response.status),
                Frame::Piece(_) => continue,
            };
            self.line(now_us, from, to, what);
        }
    }

    pub(crate) fn inbound(&mut self, now_us: i64, inbound: &Inbound) {
        let what = match inbound {
            Inbound::Submit { submission, .. } => match submission.from.reveal(For::Decision) {
                Address::Number(_) => "a message for somebody".to_owned(),
                Address::User(_) => "a message of a group for somebody".to_owned(),
            },
            Inbound::Outcome { outcome: Outcome::Sent(_), .. } => "sent".to_owned(),
            Inbound::Outcome { outcome: Outcome::Refused(refusal), .. } => {
                format!("refused: {:?}", refusal.cause)
            }
            Inbound::Outcome { outcome: Outcome::Unknown, .. } => "sent or not, nobody knows".to_owned(),
            Inbound::Receipt { receipt, .. } => format!("a receipt: {:?}", receipt.state),
            Inbound::Signal { signal, .. } => {
                let SignalKind::Typing { on } = signal.kind;
                format!("somebody {}", if on { "types" } else { "stopped typing" })
            }
            _ => return,
        };
        self.line(now_us, CHANNEL, GATEWAY, what);
    }

    pub(crate) fn answer(&mut self, now_us: i64, answer: &Answer) {
        let what = match answer {
            Answer::Accepted(_) => "accepted: stored and metered".to_owned(),
            Answer::Refused(refusal) => format!("refused: {:?}", refusal.cause),
            _ => "taken".to_owned(),
        };
        self.line(now_us, GATEWAY, CHANNEL, what);
    }

    pub(crate) fn outgoing(&mut self, now_us: i64, outgoing: &Outgoing) {
        let what = match outgoing {
            Outgoing::Message(message) => match message.submission.to.reveal(For::Decision) {
                Address::Number(_) => "a message for the handset",
                Address::User(_) => "a message for a group",
            },
            Outgoing::Report(_) => "a report about a message of the handset",
            Outgoing::Revoke(_) => "take a message back",
            Outgoing::Signal(_) => "somebody types",
        };
        self.line(now_us, GATEWAY, CHANNEL, what);
    }
}

fn with(what: &str, said: &[String]) -> String {
    if said.is_empty() { what.to_owned() } else { format!("{what} ({})", said.join(", ")) }
}

/// An RP message, and the TPDU in it.
fn short_message(octets: &[u8]) -> String {
    use sms::{
        rp::{Body, Rp},
        tpdu::{Direction, Tpdu},
    };
    let to_mobile = octets.first().is_some_and(|kind| kind & 1 == 1);
    let direction = if to_mobile { Direction::ToMobile } else { Direction::FromMobile };
    let rp = Rp::decode(octets, direction).expect("an RP message");
    let name = match rp.body {
        Body::Data { .. } => "RP-DATA",
        Body::Ack { .. } => "RP-ACK",
        Body::Error { .. } => "RP-ERROR",
        Body::MemoryAvailable => "RP-SMMA",
    };
    let tpdu = rp.tpdu(direction).map(|tpdu| match tpdu.expect("a TPDU") {
        Tpdu::Submit(_) => "SMS-SUBMIT",
        Tpdu::SubmitReport(_) => "SMS-SUBMIT-REPORT",
        Tpdu::Deliver(_) => "SMS-DELIVER",
        Tpdu::StatusReport(_) => "SMS-STATUS-REPORT",
        _ => "another TPDU",
    });
    let tpdu = tpdu.map(|tpdu| format!(": {tpdu}")).unwrap_or_default();
    format!("{name} {}{tpdu}", rp.reference)
}

/// What a body is, and what is in it.
fn content(content_type: Option<&str>, body: &bytes::Bytes) -> Option<String> {
    let content_type = content_type.filter(|_| !body.is_empty())?;
    let inside = match sip_rcs::mime::Kind::of(content_type) {
        sip_rcs::mime::Kind::Sms => return Some(short_message(body)),
        // The first chunk of several cannot be read as a whole.
        sip_rcs::mime::Kind::Cpim => Cpim::read(body.clone()).ok(),
        _ => None,
    };
    let inside = inside.and_then(|cpim| cpim.content_type().map(str::to_owned));
    Some(match inside {
        Some(inside) => format!("{content_type}: {inside}"),
        None => content_type.to_owned(),
    })
}
