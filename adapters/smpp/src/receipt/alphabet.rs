//! The text of a receipt as ASCII, however it was coded.
//!
//! `data_coding` is not asked: peers that send a receipt in UCS-2 and say 0, or the other way round,
//! are as common as those that say what they do. The octets tell.

use std::borrow::Cow;

/// Receipts are short; what is longer is not read as packed septets or UCS-2.
const OCTETS_MAX: usize = 1_024;

/// ASCII, with `?` for what is not.
pub(super) fn plain(octets: &[u8]) -> Cow<'_, [u8]> {
    if octets.len() > OCTETS_MAX {
        return Cow::Borrowed(octets);
    }
    if let Some(text) = ucs2(octets) {
        return Cow::Owned(text);
    }
    // Only where the default alphabet of TS 23.038 differs from ASCII and an id may be concerned. The
    // least octet is found many at a time, and in most texts it is a space.
    let least = octets.iter().copied().min().unwrap_or(b' ');
    if least < b' ' && octets.iter().any(|octet| matches!(octet, 0x00 | 0x02 | 0x11)) {
        return Cow::Owned(octets.iter().copied().map(septet).collect());
    }
    if !octets.contains(&b':') && !octets.is_empty() {
        let text = unpacked(octets);
        if text.starts_with(b"id:") {
            return Cow::Owned(text);
        }
    }
    Cow::Borrowed(octets)
}

/// UTF-16 of either byte order, told by the byte order mark or by the zeros of its ASCII letters.
fn ucs2(octets: &[u8]) -> Option<Vec<u8>> {
    let (octets, big_endian) = match octets {
        [0xFE, 0xFF, rest @ ..] => (rest, true),
        [0xFF, 0xFE, rest @ ..] => (rest, false),
        [0, first, 0, second, ..] if *first != 0 && *second != 0 => (octets, true),
        [first, 0, second, 0, ..] if *first != 0 && *second != 0 => (octets, false),
        _ => return None,
    };
    let unit = |pair: &[u8]| match *pair {
        [a, b] if big_endian => u16::from_be_bytes([a, b]),
        [a, b] => u16::from_le_bytes([a, b]),
        _ => 0,
    };
    let ascii = |unit: u16| u8::try_from(unit).ok().filter(u8::is_ascii).unwrap_or(b'?');
    Some(octets.chunks_exact(2).map(|pair| ascii(unit(pair))).collect())
}

const fn septet(octet: u8) -> u8 {
    match octet {
        0x00 => b'@',
        0x02 => b'$',
        0x11 => b'_',
        other => other,
    }
}

/// Septets packed into octets (TS 23.038 §6.1.2.1), as a peer sends that takes SMPP for the air.
fn unpacked(octets: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(octets.len() * 8 / 7);
    let (mut bits, mut held) = (0_u16, 0);
    for &octet in octets {
        bits |= u16::from(octet) << held;
        held += 8;
        while held >= 7 {
            text.push(septet((bits & 0x7F) as u8));
            bits >>= 7;
            held -= 7;
        }
    }
    text
}
