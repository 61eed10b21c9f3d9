//! Octets that transactions write: the copied headers of answers, answers, requests under our Via.

use std::net::{IpAddr, SocketAddr};

use bytes::{BufMut, Bytes, BytesMut};
use sip_message::{List, Name, Request, Response, Rport, StatusCode, Via};

use super::keys::{Tag, tag_of};
use crate::flow::Flow;

/// Room taken at once for what is about to be sent.
const ARENA_OCTETS: usize = 64 * 1024;

/// Where outgoing octets are written; what is cut off shares one allocation with its neighbours.
#[derive(Debug, Default)]
pub(super) struct Arena(BytesMut);

impl Arena {
    /// What `write` wrote, of about `octets` octets.
    pub(super) fn cut(&mut self, octets: usize, write: impl FnOnce(&mut BytesMut)) -> Bytes {
        if self.0.capacity() - self.0.len() < octets {
            self.0 = BytesMut::with_capacity(octets.max(ARENA_OCTETS));
        }
        write(&mut self.0);
        self.0.split().freeze()
    }

    pub(super) fn copy(&mut self, octets: &[u8]) -> Bytes {
        self.cut(octets.len(), |out| out.put_slice(octets))
    }
}

/// The headers that every answer copies from its request (RFC 3261 §8.2.6.2), written once: Via, From, Call-ID, CSeq
/// and, last, To, with our tag when the request has none.
#[derive(Debug, Clone, Default)]
pub(super) struct Copied {
    octets: Box<[u8]>,
    /// Whether our tag stands at the end.
    tagged: bool,
}

const TAG: &[u8] = b";tag=";
/// Our tag at the end of the copied headers.
const TAGGED_END: usize = TAG.len() + Tag::OCTETS + 2;

impl Copied {
    /// Writes them into `scratch`, and keeps them in an allocation of their exact size.
    pub(super) fn of(request: &Request, via: &Via<'_>, flow: Flow, tag: Tag, scratch: &mut Vec<u8>) -> Self {
        let tagged = Self::write(request, via, flow, tag, scratch);
        Self { octets: scratch.as_slice().into(), tagged }
    }

    /// Fills `out` with them; says whether our tag stands at the end.
    pub(super) fn write(request: &Request, via: &Via<'_>, flow: Flow, tag: Tag, out: &mut Vec<u8>) -> bool {
        out.clear();
        let mut to = &b""[..];
        let mut top = true;
        for (name, value) in request.headers.iter() {
            match name {
                Name::Via if top => {
                    top = false;
                    out.extend_from_slice(b"Via: ");
                    top_via(value, via, flow, out);
                }
                Name::Via => line(b"Via: ", value, out),
                Name::From => line(b"From: ", value, out),
                Name::CallId => line(b"Call-ID: ", value, out),
                Name::CSeq => line(b"CSeq: ", value, out),
                Name::To => to = value,
                _ => {}
            }
        }
        let tagged = tag_of(to).is_none();
        out.extend_from_slice(b"To: ");
        out.extend_from_slice(to);
        if tagged {
            out.extend_from_slice(TAG);
            out.extend_from_slice(tag.as_str().as_bytes());
        }
        out.extend_from_slice(b"\r\n");
        tagged
    }

    pub(super) const fn len(&self) -> usize {
        self.octets.len()
    }

    /// 100 Trying: without our tag.
    pub(super) fn hundred(&self, arena: &mut Arena) -> Bytes {
        arena.cut(self.octets.len() + 64, |out| {
            out.put_slice(b"SIP/2.0 100 Trying\r\n");
            let untagged = self.octets.len().checked_sub(TAGGED_END).filter(|_| self.tagged);
            match untagged.and_then(|end| self.octets.get(..end)) {
                Some(head) => {
                    out.put_slice(head);
                    out.put_slice(b"\r\n");
                }
                None => out.put_slice(&self.octets),
            }
            out.put_slice(b"Content-Length: 0\r\n\r\n");
        })
    }

    pub(super) fn answer(&self, say: Say<'_>, arena: &mut Arena) -> Bytes {
        answer(&self.octets, say, arena)
    }
}

/// What an answer says beside the copied headers.
#[derive(Debug, Clone, Copy)]
pub(super) enum Say<'a> {
    /// A status and nothing else.
    Status(StatusCode),
    /// A status with Retry-After in seconds.
    Later(StatusCode, u32),
    /// Phrase, headers and body of this one; what it has of the copied headers does not count.
    Response(&'a Response),
}

impl Say<'_> {
    pub(super) const fn status(&self) -> StatusCode {
        match self {
            Self::Status(status) | Self::Later(status, _) => *status,
            Self::Response(response) => response.status,
        }
    }

    /// Whether the status says it all.
    pub(super) const fn is_plain(&self) -> bool {
        matches!(self, Self::Status(_))
    }
}

/// A whole answer.
pub(super) fn answer(copied: &[u8], say: Say<'_>, arena: &mut Arena) -> Bytes {
    let more = match say {
        Say::Response(response) => {
            let headers = response.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4);
            headers.sum::<usize>() + response.reason().len() + response.body.len()
        }
        Say::Status(_) | Say::Later(..) => 0,
    };
    arena.cut(copied.len() + more + 128, |out| {
        out.put_slice(b"SIP/2.0 ");
        decimal(say.status().code().into(), out);
        out.put_u8(b' ');
        match say {
            Say::Response(response) => out.put_slice(response.reason()),
            Say::Status(status) | Say::Later(status, _) => out.put_slice(status.phrase().as_bytes()),
        }
        out.put_slice(b"\r\n");
        out.put_slice(copied);
        let mut body = &b""[..];
        match say {
            Say::Status(_) => {}
            Say::Later(_, seconds) => {
                out.put_slice(b"Retry-After: ");
                decimal(seconds, out);
                out.put_slice(b"\r\n");
            }
            Say::Response(response) => {
                for (name, value) in response.headers.iter() {
                    if !is_copied(name) {
                        header(name, value, out);
                    }
                }
                body = &response.body;
            }
        }
        end(body, out);
    })
}

const fn is_copied(name: &Name) -> bool {
    matches!(name, Name::Via | Name::From | Name::To | Name::CallId | Name::CSeq | Name::ContentLength)
}

/// A request under a Via of ours, in an allocation of its own.
pub(super) fn request(request: &Request, via: &[u8]) -> Bytes {
    let headers = request.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4);
    let octets = headers.sum::<usize>() + request.uri.as_str().len() + via.len() + request.body.len() + 64;
    let mut out = BytesMut::with_capacity(octets);
    out.put_slice(request.method.as_str().as_bytes());
    out.put_u8(b' ');
    out.put_slice(request.uri.as_str().as_bytes());
    out.put_slice(b" SIP/2.0\r\nVia: ");
    out.put_slice(via);
    out.put_slice(b"\r\n");
    for (name, value) in request.headers.iter() {
        if *name != Name::ContentLength {
            header(name, value, &mut out);
        }
    }
    end(&request.body, &mut out);
    out.freeze()
}

fn header(name: &Name, value: &[u8], out: &mut BytesMut) {
    out.put_slice(name.as_str().as_bytes());
    out.put_slice(b": ");
    out.put_slice(value);
    out.put_slice(b"\r\n");
}

fn end(body: &[u8], out: &mut BytesMut) {
    out.put_slice(b"Content-Length: ");
    decimal(u32::try_from(body.len()).unwrap_or(u32::MAX), out);
    out.put_slice(b"\r\n\r\n");
    out.put_slice(body);
}

fn line(name: &[u8], value: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(name);
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

fn decimal(number: u32, out: &mut BytesMut) {
    let mut digits = [0; 10];
    out.put_slice(digits_of(number, &mut digits));
}

fn digits_of(mut number: u32, digits: &mut [u8; 10]) -> &[u8] {
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            return digits.get(at..).unwrap_or_default();
        }
    }
}

/// The line of the top Via with `received` and `rport` as RFC 3261 §18.2.1 and RFC 3581 §4 want them. What the peer
/// claims for either is not repeated.
fn top_via(value: &[u8], via: &Via<'_>, flow: Flow, out: &mut Vec<u8>) {
    let ip = flow.remote.ip().to_canonical();
    let differs = via.host.ip() != Some(ip);
    // A port that the peer wrote itself is overwritten: it knows of RFC 3581 and got it wrong.
    let asked = via.rport != Rport::Absent;
    if !differs && !asked && via.received.is_none() {
        line(b"", value, out);
        return;
    }
    // Nearly always one to a line.
    let mut elements = value.contains(&b',').then(|| List::new(value)).into_iter().flatten();
    let top = elements.next().unwrap_or(value);
    let params = via.params.as_bytes();
    // The element ends with its parameters.
    let head = top.get(..top.len().saturating_sub(params.len())).unwrap_or_default();
    out.extend_from_slice(head);
    for param in via.params.iter() {
        if param.name.eq_ignore_ascii_case("received") || param.name.eq_ignore_ascii_case("rport") {
            continue;
        }
        out.push(b';');
        out.extend_from_slice(param.name.as_bytes());
        if let Some(value) = param.value {
            out.push(b'=');
            out.extend_from_slice(value);
        }
    }
    if differs || asked {
        out.extend_from_slice(b";received=");
        match ip {
            // Addresses print quickly enough without a buffer of our own, and IPv4 is nearly all there is.
            IpAddr::V4(address) => {
                for (at, octet) in address.octets().into_iter().enumerate() {
                    if at > 0 {
                        out.push(b'.');
                    }
                    out.extend_from_slice(digits_of(octet.into(), &mut [0; 10]));
                }
            }
            IpAddr::V6(address) => out.extend_from_slice(address.to_string().as_bytes()),
        }
    }
    if asked {
        out.extend_from_slice(b";rport=");
        out.extend_from_slice(digits_of(flow.remote.port().into(), &mut [0; 10]));
    }
    for element in elements {
        out.extend_from_slice(b", ");
        out.extend_from_slice(element);
    }
    out.extend_from_slice(b"\r\n");
}

/// Where the answer to a request goes (RFC 3261 §18.2.2, RFC 3581 §4): on a stream back where it came from; on UDP
/// to the address it came from, at its port when `rport` was asked for, else at the port of sent-by. A `maddr` is not
/// followed: it would let a stranger send our answers to a third party.
pub(super) fn way_back(via: &Via<'_>, flow: Flow) -> Flow {
    if flow.reliable() || via.rport != Rport::Absent {
        return flow;
    }
    Flow { remote: SocketAddr::new(flow.remote.ip(), via.port_or_default()), ..flow }
}
