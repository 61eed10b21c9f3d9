//! Messages that hurt: one for each case of RFC 4475 (SIP) and RFC 5118 (IPv6), with our own hosts and names, and the
//! verdicts that a gateway may give. For tests of this crate and of everything that listens to SIP.

mod invalid;
mod ipv6;
mod semantic;
mod valid;

/// One message.
#[derive(Debug, Clone)]
pub struct Case {
    /// As open test sets name it.
    pub name: &'static str,
    /// The section of its RFC.
    pub section: &'static str,
    /// Any of these is right.
    pub verdicts: &'static [Verdict],
    /// Whether a stream is lost by it and closed.
    pub closes: bool,
    /// Octets with [`SENT_BY`] in the top Via.
    template: Vec<u8>,
}

/// What becomes of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is served: an answer that depends on who asks, or for a response on what was asked.
    Accept,
    /// Refused with that status.
    Answer(u16),
    /// Dropped without a word.
    Discard,
}

use Verdict::{Accept, Answer, Discard};

/// Stands where the sender's own host and port go.
const SENT_BY: &[u8] = b"(sent-by)";

impl Case {
    /// The octets, sent by `sent_by` (host, or host and port): where answers to datagrams without `rport` go.
    #[must_use]
    pub fn octets(&self, sent_by: &str) -> Vec<u8> {
        match self.template.windows(SENT_BY.len()).position(|window| window == SENT_BY) {
            Some(at) => {
                [&self.template[..at], sent_by.as_bytes(), &self.template[at + SENT_BY.len()..]].concat()
            }
            None => self.template.clone(),
        }
    }

    /// Whether it is a response.
    #[must_use]
    pub fn is_response(&self) -> bool {
        self.template.starts_with(b"SIP/")
    }

    const fn closing(mut self) -> Self {
        self.closes = true;
        self
    }
}

/// All 49 of RFC 4475, in its order.
#[must_use]
pub fn rfc4475() -> Vec<Case> {
    [valid::cases(), invalid::cases(), semantic::cases()].concat()
}

/// All of RFC 5118, in its order.
#[must_use]
pub fn rfc5118() -> Vec<Case> {
    ipv6::cases()
}

/// A case of lines and a body, nothing added.
fn case(
    name: &'static str,
    section: &'static str,
    verdicts: &'static [Verdict],
    lines: &[&[u8]],
    body: &[u8],
) -> Case {
    let mut template = lines.join(&b"\r\n"[..]);
    template.extend_from_slice(b"\r\n\r\n");
    template.extend_from_slice(body);
    Case { name, section, verdicts, closes: false, template }
}

/// What INVITEs offer: one MSRP stream.
const OFFER: &[u8] = b"v=0\r\no=t 1 1 IN IP4 198.51.100.7\r\ns=-\r\nc=IN IP4 198.51.100.7\r\nt=0 0\r\n\
m=message 2855 TCP/MSRP *\r\na=accept-types:message/cpim\r\na=path:msrp://198.51.100.7:2855/torture;tcp\r\n";
