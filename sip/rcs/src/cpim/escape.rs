//! Escapes in header values (RFC 3862 §2.3.1): a value holds no control character as such.

use std::borrow::Cow;

use crate::sink::Sink;

/// Writes a value: backslashes and control characters as escapes, so that nothing can end its line.
pub fn escape(out: &mut impl Sink, value: &str) {
    let octets = value.as_bytes();
    let mut from = 0;
    for (at, &octet) in octets.iter().enumerate() {
        if octet >= 0x20 && octet != b'\\' && octet != 0x7F {
            continue;
        }
        out.put(&octets[from..at]);
        from = at + 1;
        match octet {
            b'\\' => out.put(b"\\\\"),
            b'\t' => out.put(b"\\t"),
            b'\n' => out.put(b"\\n"),
            b'\r' => out.put(b"\\r"),
            0x08 => out.put(b"\\b"),
            _ => {
                let hex = |nibble: u8| b"0123456789ABCDEF"[usize::from(nibble & 0xF)];
                out.put(&[b'\\', b'u', b'0', b'0', hex(octet >> 4), hex(octet)]);
            }
        }
    }
    out.put(&octets[from..]);
}

/// Resolves the escapes of a value. What is no escape stays as it is; half a surrogate pair becomes U+FFFD.
#[must_use]
pub fn unescape(value: &str) -> Cow<'_, str> {
    let Some((plain, mut rest)) = value.split_once('\\') else { return Cow::Borrowed(value) };
    let mut out = String::with_capacity(value.len());
    out.push_str(plain);
    loop {
        let mut letters = rest.chars();
        match letters.next() {
            Some('b') => out.push('\u{8}'),
            Some('t') => out.push('\t'),
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some(letter @ ('"' | '\'' | '\\')) => out.push(letter),
            Some('u') => match character(letters.as_str()) {
                Some((character, after)) => {
                    out.push(character);
                    letters = after.chars();
                }
                None => out.push_str("\\u"),
            },
            Some(letter) => {
                out.push('\\');
                out.push(letter);
            }
            None => out.push('\\'),
        }
        match letters.as_str().split_once('\\') {
            Some((plain, after)) => {
                out.push_str(plain);
                rest = after;
            }
            None => {
                out.push_str(letters.as_str());
                return Cow::Owned(out);
            }
        }
    }
}

/// The character that four hexadecimal digits stand for, or twice four as a surrogate pair.
fn character(text: &str) -> Option<(char, &str)> {
    let (first, rest) = unit(text)?;
    let pair = rest.strip_prefix("\\u").and_then(unit);
    if let Some((second, after)) = pair
        && let Some(Ok(character)) = char::decode_utf16([first, second]).next()
        && character.len_utf16() == 2
    {
        return Some((character, after));
    }
    Some((char::from_u32(u32::from(first)).unwrap_or(char::REPLACEMENT_CHARACTER), rest))
}

fn unit(text: &str) -> Option<(u16, &str)> {
    let (digits, rest) = text.split_at_checked(4)?;
    let hexadecimal = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    let unit = u16::from_str_radix(digits, 16).ok().filter(|_| hexadecimal)?;
    Some((unit, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn escaped(value: &str) -> String {
        let mut out = Vec::new();
        escape(&mut out, value);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn rfc_3862_escapes_are_resolved() {
        for (value, text) in [
            (r"plain", "plain"),
            (r#"a\"b\'c\\d"#, "a\"b'c\\d"),
            (r"\b\t\n\r", "\u{8}\t\n\r"),
            (r"\u00e9\uD83D\uDE00!", "é😀!"),
            (r"\uD83Dx\uDE00", "\u{FFFD}x\u{FFFD}"),
            (r"\uD83D\u0041", "\u{FFFD}A"),
            (r"\u12", r"\u12"),
            (r"\u+123", r"\u+123"),
            (r"\x\", r"\x\"),
            (r"\u한글자요", r"\u한글자요"),
        ] {
            assert_eq!(unescape(value), text, "{value}");
        }
    }

    #[test]
    fn an_escaped_value_stays_on_its_line() {
        assert_eq!(escaped("a\r\nTo: <x>\u{0}\u{7f}\\"), r"a\r\nTo: <x>\u0000\u007F\\");
        assert_eq!(unescape(&escaped("a\r\n\u{1}\\n 😀")), "a\r\n\u{1}\\n 😀");
    }
}
