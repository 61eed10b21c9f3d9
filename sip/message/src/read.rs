//! From octets to a message (RFC 3261 §7, §18.3; RFC 4475).

use bytes::Bytes;

use crate::check::check;
use crate::fault::{Fault, Unreadable};
use crate::headers::{HeaderValue, Headers};
use crate::limits::Limits;
use crate::lines::{header_lines, line_end};
use crate::message::{Message, Request, Response};
use crate::method::Method;
use crate::name::Name;
use crate::octets::{self, trim};
use crate::salvage;
use crate::status::StatusCode;
use crate::uri::{Scheme, Uri, UriRef};

/// Reads the one message of a datagram. Content-Length cuts what is too much; without it the rest is the body.
///
/// # Errors
/// [`Unreadable`], which is answered or dropped as it says.
pub fn parse_datagram(octets: Bytes, limits: &Limits) -> Result<Message, Unreadable> {
    let mut octets = octets;
    let blank = octets.iter().take_while(|&&b| b == b'\r' || b == b'\n').count();
    let _blank_lines = octets.split_to(blank);
    // Blank lines, the four zero octets of some NAT keepers, STUN: none of it starts with a letter.
    if octets.len() <= 4 {
        return Err(Unreadable::discard(Fault::KeepAlive));
    }
    if octets.len() > limits.message_octets {
        return Err(salvage::unreadable(&octets, Fault::TooLarge));
    }
    let head = Head::read(&octets, limits).map_err(|fault| salvage::unreadable(&octets, fault))?;
    let body = octets.slice(head.octets..);
    let body = match head.content_length {
        None => body,
        Some(length) if length > body.len() => return Err(salvage::unreadable(&octets, Fault::Truncated)),
        Some(length) => body.slice(..length),
    };
    if body.len() > limits.body_octets {
        return Err(salvage::unreadable(&octets, Fault::BodyTooLarge));
    }
    head.finish(body, limits).map_err(|fault| salvage::unreadable(&octets, fault))
}

/// The first line.
#[derive(Debug)]
enum Start {
    Request(Method, Uri),
    Response(StatusCode, HeaderValue),
}

/// Everything up to the blank line.
#[derive(Debug)]
pub(crate) struct Head {
    start: Start,
    headers: Headers,
    pub(crate) content_length: Option<usize>,
    /// How many octets it took, blank line included.
    pub(crate) octets: usize,
}

impl Head {
    /// Reads start line and headers.
    pub(crate) fn read(octets: &Bytes, limits: &Limits) -> Result<Self, Fault> {
        let window = &octets[..octets.len().min(limits.head_octets)];
        let end = line_end(window, 0).ok_or(Fault::NotSip)?;
        if end > limits.start_line_octets {
            return Err(Fault::StartLineTooLong);
        }
        let start = start_line(octets, &octets[..end], limits)?;
        let mut headers = Headers::over(octets.clone());
        let octets_of_head = header_lines(octets, end + 2, limits, &mut headers)?;
        let content_length = content_length(&headers)?;
        Ok(Self { start, headers, content_length, octets: octets_of_head })
    }

    /// The message, checked.
    pub(crate) fn finish(self, body: Bytes, limits: &Limits) -> Result<Message, Fault> {
        let Self { start, headers, .. } = self;
        Ok(match start {
            Start::Request(method, uri) => {
                check(Some(&method), &headers, limits)?;
                Request { method, uri, headers, body }.into()
            }
            Start::Response(status, reason) => {
                check(None, &headers, limits)?;
                let mut response = Response::new(status, headers).with_reason(reason);
                response.body = body;
                response.into()
            }
        })
    }
}

/// What all Content-Length agree on (RFC 3261 §20.14).
fn content_length(headers: &Headers) -> Result<Option<usize>, Fault> {
    let mut length = None;
    for value in headers.all(Name::ContentLength) {
        let value = octets::number(value).map_err(|_| Fault::LengthInvalid)? as usize;
        if length.replace(value).is_some_and(|before| before != value) {
            return Err(Fault::LengthConflict);
        }
    }
    Ok(length)
}

fn start_line(octets: &Bytes, line: &[u8], limits: &Limits) -> Result<Start, Fault> {
    if line.get(..4).is_some_and(|start| start.eq_ignore_ascii_case(b"SIP/")) {
        return status_line(octets, line).ok_or(Fault::StatusLine);
    }
    let line = if limits.lenient { trim(line) } else { line };
    let (head, version) = last_word(line).ok_or(Fault::NotSip)?;
    match version_of(version) {
        Some(true) => {}
        Some(false) => return Err(Fault::Version),
        // With blanks behind the version the last word is empty.
        None if salvage::names_version(line) => return Err(Fault::RequestLine),
        None => return Err(Fault::NotSip),
    }
    let space = head.iter().position(|&b| b == b' ').ok_or(Fault::RequestLine)?;
    let method = Method::parse(&head[..space]).ok_or(Fault::RequestLine)?;
    let uri = UriRef::parse(&head[space + 1..]).map_err(|_| Fault::RequestUri)?;
    // RFC 3261 §19.1.1: no headers in a Request-URI; whoever acted on them would be led.
    if matches!(uri.scheme(), Scheme::Sip | Scheme::Sips) && !uri.headers().is_empty() {
        return Err(Fault::RequestUri);
    }
    Ok(Start::Request(method, uri.to_uri()))
}

fn last_word(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let space = line.iter().rposition(|&b| b == b' ')?;
    Some((&line[..space], &line[space + 1..]))
}

/// Whether it is a SIP version, and ours.
fn version_of(word: &[u8]) -> Option<bool> {
    let (sip, number) = word.split_at_checked(4)?;
    let mut halves = number.splitn(2, |&b| b == b'.');
    let digits = |half: Option<&[u8]>| {
        half.is_some_and(|half| octets::number(half) != Err(octets::NotANumber::Digits))
    };
    if !sip.eq_ignore_ascii_case(b"SIP/") || !digits(halves.next()) || !digits(halves.next()) {
        return None;
    }
    Some(number == b"2.0")
}

fn status_line(octets: &Bytes, line: &[u8]) -> Option<Start> {
    let rest = line.get(8..)?;
    if version_of(&line[..7]) != Some(true) || line[7] != b' ' {
        return None;
    }
    let (code, reason) = rest.split_at_checked(3)?;
    let code = octets::number(code).ok().and_then(|code| u16::try_from(code).ok())?;
    // Some peers leave the space out when there is no phrase.
    let reason = match reason {
        [b' ', phrase @ ..] => phrase,
        [] => reason,
        _ => return None,
    };
    let reason = HeaderValue::from(octets.slice_ref(reason));
    Some(Start::Response(StatusCode::new(code)?, reason))
}
