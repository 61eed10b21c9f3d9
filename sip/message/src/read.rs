//! From octets to a message (RFC 3261 §7, §18.3; RFC 4475).

use bytes::Bytes;

use crate::check::check;
use crate::fault::{Fault, Unreadable};
use crate::headers::{HeaderValue, Headers};
use crate::limits::Limits;
use crate::message::{Message, Request, Response};
use crate::method::Method;
use crate::name::Name;
use crate::octets::{self, find, find_control, is_space, is_token_octet, trim};
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
        let mut at = end + 2;
        let mut content_length = None;
        loop {
            if window[at..].starts_with(b"\r\n") {
                at += 2;
                break;
            }
            if at >= window.len() {
                return Err(unfinished(octets, limits));
            }
            if headers.len() >= limits.headers {
                return Err(Fault::TooManyHeaders);
            }
            at = header_line(window, octets, at, limits, &mut headers, &mut content_length)?;
        }
        Ok(Self { start, headers, content_length, octets: at })
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

/// Why a head does not end: it is too long, or cut off.
fn unfinished(octets: &Bytes, limits: &Limits) -> Fault {
    if octets.len() >= limits.head_octets { Fault::HeadTooLong } else { Fault::NoBlankLine }
}

/// Position of the CRLF that ends the line from `from` on. A bare LF ends nothing.
fn line_end(octets: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        let lf = find(octets, b'\n', at)?;
        if lf > from && octets[lf - 1] == b'\r' {
            return Some(lf - 1);
        }
        at = lf + 1;
    }
}

/// Reads one header, folded lines included; where the next one begins.
fn header_line(
    window: &[u8],
    octets: &Bytes,
    at: usize,
    limits: &Limits,
    headers: &mut Headers,
    content_length: &mut Option<usize>,
) -> Result<usize, Fault> {
    let name_len = window[at..].iter().take_while(|&&b| is_token_octet(b)).count();
    let mut colon = at + name_len;
    while window.get(colon).copied().is_some_and(is_space) {
        colon += 1;
    }
    if name_len == 0 || window.get(colon) != Some(&b':') {
        return Err(if colon >= window.len() { unfinished(octets, limits) } else { Fault::HeaderLine });
    }
    let name = Name::parse(&window[at..at + name_len]);
    let mut from = colon + 1;
    while window.get(from).copied().is_some_and(is_space) {
        from += 1;
    }
    let mut folded = false;
    let mut end = from;
    let next = loop {
        let control = find_control(window, end).ok_or_else(|| unfinished(octets, limits))?;
        if window[control] != b'\r' {
            return Err(Fault::Control);
        }
        match window.get(control + 1..control + 3) {
            Some([b'\n', after]) if is_space(*after) => {
                folded = true;
                end = control + 2;
            }
            Some([b'\n', _]) => {
                end = control;
                break control + 2;
            }
            Some(_) => return Err(Fault::Control),
            None => return Err(unfinished(octets, limits)),
        }
    };
    if end - from > limits.header_octets {
        return Err(Fault::HeaderTooLong(name.label()));
    }
    let own = folded.then(|| unfold(&window[from..end]));
    while end > from && is_space(window[end - 1]) {
        end -= 1;
    }
    if matches!(name, Name::ContentLength) {
        let value = own.as_deref().unwrap_or_else(|| &window[from..end]);
        let length = octets::number(value).map_err(|_| Fault::LengthInvalid)? as usize;
        if content_length.replace(length).is_some_and(|before| before != length) {
            return Err(Fault::LengthConflict);
        }
    }
    match own {
        Some(value) => headers.push(name, value),
        None => headers.push_span(name, from, end),
    }
    Ok(next)
}

/// Folded lines as one, a single space where each fold was (RFC 3261 §7.3.1).
pub(crate) fn unfold(value: &[u8]) -> Vec<u8> {
    let mut plain: Vec<u8> = Vec::with_capacity(value.len());
    for line in value.split(|&b| b == b'\n') {
        let line = trim(line.strip_suffix(b"\r").unwrap_or(line));
        if !plain.is_empty() && !line.is_empty() {
            plain.push(b' ');
        }
        plain.extend_from_slice(line);
    }
    plain
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
