//! UTF-16, most significant octet first, which TS 23.038 §6.2.3 still calls UCS-2.

/// Appends the text, characters beyond the basic plane as surrogate pairs.
pub fn encode_into(text: &str, out: &mut Vec<u8>) {
    out.reserve(text.len() * 2);
    for unit in text.encode_utf16() {
        out.extend_from_slice(&unit.to_be_bytes());
    }
}

/// The text of these octets. A lone surrogate, and an odd octet at the end, read as U+FFFD.
pub fn decode(octets: &[u8]) -> String {
    let (units, odd) = octets.as_chunks::<2>();
    let mut text = String::with_capacity(octets.len() + octets.len() / 2);
    let units = units.iter().map(|&unit| u16::from_be_bytes(unit));
    text.extend(char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)));
    if !odd.is_empty() {
        text.push(char::REPLACEMENT_CHARACTER);
    }
    text
}

/// How many 16-bit units the text takes.
pub fn units(text: &str) -> usize {
    // Every UTF-8 sequence starts with an octet that is not a continuation; four-octet ones need a pair.
    text.bytes().map(|octet| usize::from(octet & 0xC0 != 0x80) + usize::from(octet >= 0xF0)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lone_surrogate_and_an_odd_octet_read_as_replacement() {
        assert_eq!(decode(&[0xD8, 0x3D, 0x00, 0x41, 0x00]), "\u{FFFD}A\u{FFFD}");
        assert_eq!(decode(&[0xDE, 0x00, 0xD8, 0x3D, 0xDE, 0x00]), "\u{FFFD}😀");
    }

    #[test]
    fn units_agree_with_what_is_written() {
        for text in ["", "a", "é", "한글", "😀a", "👨‍👩‍👧‍👦"] {
            let mut out = Vec::new();
            encode_into(text, &mut out);
            assert_eq!(out.len(), units(text) * 2, "{text}");
            assert_eq!(decode(&out), text);
        }
    }
}
