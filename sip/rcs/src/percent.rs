//! Percent-encoding (RFC 3986 §2.1).

use std::borrow::Cow;

use crate::sink::Sink;

/// Undoes it. What is not two hexadecimal digits stays, and so does everything when the result is no text.
pub(crate) fn decoded(value: &str) -> Cow<'_, str> {
    if !value.contains('%') {
        return Cow::Borrowed(value);
    }
    let nibble = |digit: Option<&u8>| digit.and_then(|digit| char::from(*digit).to_digit(16));
    let octets = value.as_bytes();
    let mut out = Vec::with_capacity(octets.len());
    let mut at = 0;
    while let Some(&octet) = octets.get(at) {
        match (octet, nibble(octets.get(at + 1)), nibble(octets.get(at + 2))) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                at += 3;
            }
            _ => {
                out.push(octet);
                at += 1;
            }
        }
    }
    String::from_utf8(out).map_or(Cow::Borrowed(value), Cow::Owned)
}

/// Writes a text with everything encoded that `stays` does not let through.
pub(crate) fn encode(out: &mut impl Sink, text: &str, stays: impl Fn(u8) -> bool) {
    let octets = text.as_bytes();
    let mut from = 0;
    for (at, &octet) in octets.iter().enumerate() {
        if !stays(octet) {
            let hex = |nibble: u8| b"0123456789ABCDEF"[usize::from(nibble & 0xF)];
            out.put(&octets[from..at]);
            out.put(&[b'%', hex(octet >> 4), hex(octet)]);
            from = at + 1;
        }
    }
    out.put(&octets[from..]);
}

/// RFC 3986 §2.3: what never needs encoding.
pub(crate) const fn is_unreserved(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'.' | b'_' | b'~')
}
