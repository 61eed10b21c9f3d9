//! What a message of RCS says beside its text, kept for its reports and for recipients who are RCS users too.

use std::net::SocketAddr;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use sip_rcs::imdn::Requested;
use sip_transaction::Transport;

/// Kept with the message, octets of the journal. Texts are borrowed from there.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Carried<'a> {
    /// `DateTime` as it was written: an IMDN repeats it octet for octet (RFC 5438 §7.2.1.2).
    #[serde(borrow)]
    pub date_time: Option<&'a str>,
    /// CPIM From, where it says more than *anonymous*: the sender's own name.
    #[serde(borrow)]
    pub from: Option<&'a str>,
    /// Header lines that are not ours to understand, with the NS lines they need, octet for octet.
    #[serde(borrow)]
    pub lines: &'a [u8],
    /// Those lines say what the message refers to, in the sender's own words.
    pub referenced: bool,
    /// The document of a file or a place, octet for octet: it may say more than the gateway has words for.
    #[serde(borrow)]
    pub document: &'a [u8],
    #[serde(borrow)]
    pub conversation: Option<Id<'a>>,
    #[serde(borrow)]
    pub contribution: Option<Id<'a>>,
    #[serde(borrow)]
    pub in_reply_to: Option<Id<'a>>,
    /// `imdn.Disposition-Notification`, see [`wanted`].
    pub wanted: u8,
    pub back: Option<Back>,
    /// Route behind our own entry, as it was written: the way on through the core that called us.
    #[serde(borrow)]
    pub route: Option<&'a str>,
    /// The group in which it was said; then `from` names who said it.
    #[serde(borrow)]
    pub group: Option<&'a str>,
}

/// A Conversation-ID or the like: usually a UUID, which then takes sixteen octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Id<'a> {
    Uuid(u128),
    Text(&'a str),
}

/// Where reports go when the sender is not registered here.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Back {
    /// 0 UDP, 1 TCP, 2 TLS.
    transport: u8,
    pub remote: SocketAddr,
}

/// What may be wanted, a bit each from the lowest on. Stored: only added to.
const WANTED: [Requested; 5] = [
    Requested::POSITIVE_DELIVERY,
    Requested::NEGATIVE_DELIVERY,
    Requested::PROCESSING,
    Requested::DISPLAY,
    Requested::INTERWORKING,
];

/// As it is stored.
pub(super) fn bits(wanted: Requested) -> u8 {
    WANTED
        .iter()
        .enumerate()
        .filter(|(_, one)| wanted.contains(**one))
        .fold(0, |bits, (at, _)| bits | 1 << at)
}

/// As it was asked.
#[must_use]
pub fn wanted(bits: u8) -> Requested {
    let asked = WANTED.iter().enumerate().filter(|(at, _)| bits & 1 << at != 0);
    asked.fold(Requested::NONE, |all, (_, one)| all | *one)
}

/// First octet of what is stored; no other format begins with it, so that no other channel reads it as its own.
const FORMAT: u8 = 0x52;

impl Back {
    #[must_use]
    pub const fn new(transport: Transport, remote: SocketAddr) -> Self {
        let transport = match transport {
            Transport::Udp => 0,
            Transport::Tcp => 1,
            Transport::Tls => 2,
        };
        Self { transport, remote }
    }

    #[must_use]
    pub const fn transport(&self) -> Transport {
        match self.transport {
            0 => Transport::Udp,
            1 => Transport::Tcp,
            _ => Transport::Tls,
        }
    }
}

impl std::fmt::Debug for Back {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Back({})", self.transport().name())
    }
}

impl<'a> Id<'a> {
    /// Of a header value.
    #[must_use]
    pub fn read(text: &'a str) -> Self {
        let uuid = || {
            let octets = text.as_bytes();
            let hyphens = [8, 13, 18, 23];
            if octets.len() != 36 || hyphens.iter().any(|&at| octets.get(at) != Some(&b'-')) {
                return None;
            }
            octets.iter().enumerate().filter(|(at, _)| !hyphens.contains(at)).try_fold(
                0_u128,
                |uuid, (_, b)| {
                    // Upper case would not come back as it was.
                    let digit = match b {
                        b'0'..=b'9' => b - b'0',
                        b'a'..=b'f' => b - b'a' + 10,
                        _ => return None,
                    };
                    Some(uuid << 4 | u128::from(digit))
                },
            )
        };
        uuid().map_or(Self::Text(text), Self::Uuid)
    }
}

/// As a UUID is written (RFC 9562 §4).
fn spelled(uuid: u128) -> [u8; 36] {
    let mut text = [b'-'; 36];
    let mut nibbles = (0..32).rev().map(|at| (uuid >> (4 * at)) as u8 & 0xF);
    for (at, place) in text.iter_mut().enumerate() {
        if matches!(at, 8 | 13 | 18 | 23) {
            continue;
        }
        let nibble = nibbles.next().unwrap_or(0);
        *place = if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 };
    }
    text
}

impl std::fmt::Display for Id<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match *self {
            Self::Text(text) => f.write_str(text),
            Self::Uuid(uuid) => f.write_str(std::str::from_utf8(&spelled(uuid)).unwrap_or_default()),
        }
    }
}

impl<'a> Carried<'a> {
    /// Octets for the journal; empty when there is nothing to say.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        if *self == Self::default() {
            return Bytes::new();
        }
        let octets = Vec::with_capacity(128 + self.lines.len() + self.document.len());
        let octets =
            postcard::to_extend(&FORMAT, octets).and_then(|octets| postcard::to_extend(self, octets));
        // Nothing in it can fail to be written; if it could, the message would be worth more than its extras.
        octets.map_or_else(|_| Bytes::new(), Bytes::from)
    }

    /// Reads them back. What cannot be read was not written by us and says nothing.
    #[must_use]
    pub fn decode(octets: &'a [u8]) -> Self {
        match octets.split_first() {
            Some((&FORMAT, rest)) => postcard::from_bytes(rest).unwrap_or_default(),
            _ => Self::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_ordinary_message_carries_nothing() {
        assert!(Carried::default().encode().is_empty());
        assert_eq!(Carried::decode(&[]), Carried::default());
        assert_eq!(Carried::decode(&[9, 1, 2]), Carried::default());
    }

    #[test]
    fn all_of_it_comes_back() {
        let carried = Carried {
            date_time: Some("2025-03-01T09:30:00.000+09:00"),
            from: Some("Kim <sip:kim@ims.example>"),
            lines: b"NS: x <urn:x>\r\nx.Y: \xff\r\n",
            referenced: true,
            document: b"<file/>",
            conversation: Some(Id::read("5b1c7d30-8e0a-4a52-9f6d-2f1f0c9a7e11")),
            contribution: Some(Id::read("5B1C7D30-8E0A-4A52-9F6D-2F1F0C9A7E11")),
            in_reply_to: Some(Id::read("x1")),
            wanted: 0b1011,
            back: Some(Back::new(Transport::Tcp, ([192, 0, 2, 1], 5060).into())),
            route: Some("<sip:odi-7@scscf.example;lr>"),
            group: Some("g0011"),
        };
        let octets = carried.encode();
        assert_eq!(Carried::decode(&octets), carried);
        assert!(octets.len() < 240, "{}", octets.len());
        assert!(!format!("{:?}", carried.back).contains("192"));
    }

    proptest! {
        #[test]
        fn any_octets_are_read_or_say_nothing(octets: Vec<u8>) {
            let _read = Carried::decode(&octets);
        }

        #[test]
        fn ids_come_back_as_they_were(text in "[0-9a-fA-F-]{0,40}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}") {
            prop_assert_eq!(Id::read(&text).to_string(), text);
        }
    }
}
