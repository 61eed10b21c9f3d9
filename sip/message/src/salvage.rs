//! What can be saved of a message that cannot be read: enough to answer a request (RFC 3261 §8.2.6).

use bytes::Bytes;

use crate::fault::{Fault, Reply, Unreadable};
use crate::headers::{HeaderValue, Headers};
use crate::lines::unfold;
use crate::method::Method;
use crate::name::Name;
use crate::octets::{is_token_octet, number, trim};
use crate::via::Via;

/// Lines looked at; a head longer than that is not answered from its end.
const LINES_MAX: usize = 512;

/// The verdict on `octets` that have `fault`: an answer for a request with a Via that can be read, silence for the rest.
pub(crate) fn unreadable(octets: &Bytes, fault: Fault) -> Unreadable {
    let mut lines = octets.split(|&b| b == b'\n').take(LINES_MAX);
    let first = lines.next().unwrap_or_default();
    let is_response = first.get(..4).is_some_and(|start| start.eq_ignore_ascii_case(b"SIP/"));
    if is_response || !names_version(first) {
        return Unreadable::discard(fault);
    }
    let method_len = first.iter().take_while(|&&b| is_token_octet(b)).count();
    let Some(method) = Method::parse(&first[..method_len]).filter(|method| *method != Method::ACK) else {
        return Unreadable::discard(fault);
    };
    let mut headers = Headers::new();
    let mut pending: Option<(Name, Vec<u8>)> = None;
    for line in lines {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            break;
        }
        if line.first().is_some_and(|&b| b == b' ' || b == b'\t') {
            if let Some((_, value)) = &mut pending {
                value.push(b'\n');
                value.extend_from_slice(line);
            }
            continue;
        }
        keep(&mut headers, pending.take());
        let Some(colon) = line.iter().position(|&b| b == b':') else { continue };
        let name = Name::parse(trim(&line[..colon]));
        if matches!(name, Name::Via | Name::From | Name::To | Name::CallId | Name::CSeq) {
            pending = Some((name, line[colon + 1..].to_vec()));
        }
    }
    keep(&mut headers, pending);
    if headers.via().is_none() {
        let top = headers.get(Name::Via).and_then(Via::readable_prefix).map(HeaderValue::from);
        let Some(top) = top else { return Unreadable::discard(fault) };
        headers.replace_first_line(Name::Via, top);
    }
    Unreadable::answer(fault, Reply { method, headers })
}

fn keep(headers: &mut Headers, found: Option<(Name, Vec<u8>)>) {
    if let Some((name, value)) = found {
        // Only Via may come more than once in an answer.
        if matches!(name, Name::Via) || !headers.contains(name.clone()) {
            headers.push(name, unfold(&value));
        }
    }
}

/// Whether a line has a SIP version as one of its last words: it was meant as a request line.
pub(crate) fn names_version(line: &[u8]) -> bool {
    let line = trim(line.strip_suffix(b"\r").unwrap_or(line));
    line.split(|&b| b == b' ')
        .next_back()
        .and_then(|word| word.get(..4))
        .is_some_and(|start| start.eq_ignore_ascii_case(b"SIP/"))
}

/// Whether a line may begin a message at all; if not, a stream is not SIP.
pub(crate) fn may_be_start_line(line: &[u8]) -> bool {
    line.get(..4).is_some_and(|start| start.eq_ignore_ascii_case(b"SIP/")) || names_version(line)
}

/// Content-Length of a head that has another fault.
pub(crate) fn content_length(octets: &[u8]) -> Result<usize, Fault> {
    let mut length = None;
    for line in octets.split(|&b| b == b'\n').skip(1).take(LINES_MAX) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let Some(colon) = line.iter().position(|&b| b == b':') else { continue };
        if Name::parse(trim(&line[..colon])) != Name::ContentLength {
            continue;
        }
        let value = number(trim(&line[colon + 1..])).map_err(|_| Fault::LengthInvalid)? as usize;
        if length.replace(value).is_some_and(|before| before != value) {
            return Err(Fault::LengthConflict);
        }
    }
    length.ok_or(Fault::LengthMissing)
}
