//! Header lines (RFC 3261 §7.3): folding, blanks before the colon, compact names, and where they end.

use bytes::Bytes;

use crate::fault::Fault;
use crate::headers::Headers;
use crate::limits::Limits;
use crate::name::Name;
use crate::octets::{TOKEN, find, find_control, is_space, run, trim};

/// Reads header lines from `at` to the blank line; where the body begins.
pub(crate) fn header_lines(
    octets: &Bytes,
    at: usize,
    limits: &Limits,
    headers: &mut Headers,
) -> Result<usize, Fault> {
    let window = &octets[..octets.len().min(limits.head_octets)];
    // Why the lines do not end: they are too long, or cut off.
    let unfinished = if octets.len() > limits.head_octets { Fault::HeadTooLong } else { Fault::NoBlankLine };
    let mut at = at;
    for _ in 0..=limits.headers {
        if window.get(at..at + 2) == Some(b"\r\n") {
            return Ok(at + 2);
        }
        if at >= window.len() {
            return Err(unfinished);
        }
        at = header_line(window, at, limits, unfinished, headers)?;
    }
    Err(Fault::TooManyHeaders)
}

/// Reads one header, folded lines included; where the next one begins.
fn header_line(
    window: &[u8],
    at: usize,
    limits: &Limits,
    unfinished: Fault,
    headers: &mut Headers,
) -> Result<usize, Fault> {
    let name_len = run(&window[at..], TOKEN);
    let mut colon = at + name_len;
    while window.get(colon).copied().is_some_and(is_space) {
        colon += 1;
    }
    if name_len == 0 || window.get(colon) != Some(&b':') {
        return Err(if colon >= window.len() { unfinished } else { Fault::HeaderLine });
    }
    let name = Name::parse(&window[at..at + name_len]);
    let mut from = colon + 1;
    while window.get(from).copied().is_some_and(is_space) {
        from += 1;
    }
    let mut folded = false;
    let mut end = from;
    let next = loop {
        let control = find_control(window, end).ok_or(unfinished)?;
        match window[control] {
            b'\r' => {}
            // A quoted string may hold any octet but CR and LF behind a backslash (RFC 3261 §25.1, `quoted-pair`).
            b if b != b'\n' && control > from && window[control - 1] == b'\\' => {
                end = control + 1;
                continue;
            }
            _ => return Err(Fault::Control),
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
            None => return Err(unfinished),
        }
    };
    if end - from > limits.header_octets {
        return Err(Fault::HeaderTooLong(name.label()));
    }
    if folded {
        headers.push(name, unfold(&window[from..end]));
    } else {
        while end > from && is_space(window[end - 1]) {
            end -= 1;
        }
        headers.push_span(name, from, end);
    }
    Ok(next)
}

/// Position of the CRLF that ends the line from `from` on. A bare LF ends nothing.
pub(crate) fn line_end(octets: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        let lf = find(octets, b'\n', at)?;
        if lf > from && octets[lf - 1] == b'\r' {
            return Some(lf - 1);
        }
        at = lf + 1;
    }
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
