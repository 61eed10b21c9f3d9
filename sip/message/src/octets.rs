//! Octets of the grammar: character classes, white space, numbers, lists (RFC 3261 §25.1).

/// A `token` octet.
pub(crate) const TOKEN: u8 = 1;
/// `unreserved` of a URI.
const UNRESERVED: u8 = 2;
/// Allowed in the user part besides `unreserved` and escapes.
const USER: u8 = 4;
/// Allowed in a URI parameter besides `unreserved` and escapes.
const PARAM: u8 = 8;
/// A letter, digit, `-`, `.` or `_` (the last is not a legal host octet, but is seen).
const HOST: u8 = 16;
/// Allowed in the headers of a URI besides `unreserved` and escapes.
const URI_HEADER: u8 = 32;
/// In the name of a parameter: a token, or what the parameters of a URI may be named.
pub(crate) const PARAM_NAME: u8 = 64;
/// In a parameter's value that has no quotes: `token / host`, and what peers write bare (addresses, URNs).
pub(crate) const PARAM_VALUE: u8 = 128;

const CLASSES: [u8; 256] = {
    let mut table = [0; 256];
    let mut i = 0;
    while i < 256 {
        let b = i as u8;
        let alnum = b.is_ascii_alphanumeric();
        let mut class = 0;
        if alnum || matches!(b, b'-' | b'.' | b'!' | b'%' | b'*' | b'_' | b'+' | b'`' | b'\'' | b'~') {
            class |= TOKEN;
        }
        if alnum || matches!(b, b'-' | b'_' | b'.' | b'!' | b'~' | b'*' | b'\'' | b'(' | b')') {
            class |= UNRESERVED;
        }
        if matches!(b, b'&' | b'=' | b'+' | b'$' | b',' | b';' | b'?' | b'/') {
            class |= USER;
        }
        if matches!(b, b'[' | b']' | b'/' | b':' | b'&' | b'+' | b'$') {
            class |= PARAM;
        }
        if alnum || matches!(b, b'-' | b'.' | b'_') {
            class |= HOST;
        }
        if matches!(b, b'[' | b']' | b'/' | b'?' | b':' | b'+' | b'$' | b'&' | b'=') {
            class |= URI_HEADER;
        }
        if class & TOKEN != 0 || matches!(b, b'[' | b']' | b'/' | b':' | b'&' | b'$' | b'(' | b')') {
            class |= PARAM_NAME;
        }
        if b.is_ascii_graphic() && !matches!(b, b'"' | b',' | b';' | b'<' | b'>' | b'\\') {
            class |= PARAM_VALUE;
        }
        table[i] = class;
        i += 1;
    }
    table
};

const fn is(b: u8, class: u8) -> bool {
    CLASSES[b as usize] & class != 0
}

/// How many octets at the start are of that class.
pub(crate) fn run(octets: &[u8], class: u8) -> usize {
    octets.iter().position(|&b| !is(b, class)).unwrap_or(octets.len())
}

/// Whether `b` may stand in a token.
pub(crate) const fn is_token_octet(b: u8) -> bool {
    is(b, TOKEN)
}

/// Whether `octets` is one non-empty token.
pub(crate) fn is_token(octets: &[u8]) -> bool {
    !octets.is_empty() && octets.iter().all(|&b| is(b, TOKEN))
}

pub(crate) const fn is_host_octet(b: u8) -> bool {
    is(b, HOST)
}

/// Which part of a URI an octet stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    User,
    Param,
    Header,
}

/// Whether every octet is allowed in that part of a URI and every `%` begins a complete escape.
pub(crate) fn is_uri_part(octets: &[u8], part: Part) -> bool {
    let class = UNRESERVED
        | match part {
            Part::User => USER,
            Part::Param => PARAM,
            Part::Header => URI_HEADER,
        };
    let mut i = 0;
    while let Some(&b) = octets.get(i) {
        if is(b, class) {
            i += 1;
        } else if b == b'%'
            && let Some([h, l]) = octets.get(i + 1..i + 3)
            && h.is_ascii_hexdigit()
            && l.is_ascii_hexdigit()
        {
            i += 3;
        } else {
            return false;
        }
    }
    true
}

pub(crate) const fn is_space(b: u8) -> bool {
    matches!(b, b' ' | b'\t')
}

/// Without white space at the start.
pub(crate) fn skip_spaces(mut octets: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = octets
        && is_space(*first)
    {
        octets = rest;
    }
    octets
}

/// Without white space at both ends.
pub(crate) fn trim(mut octets: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = octets
        && is_space(*first)
    {
        octets = rest;
    }
    while let [rest @ .., last] = octets
        && is_space(*last)
    {
        octets = rest;
    }
    octets
}

/// Text of octets known to be ASCII; empty when they are not text after all.
pub(crate) fn text(octets: &[u8]) -> &str {
    std::str::from_utf8(octets).unwrap_or("")
}

/// Position of the first `needle` at or after `from`.
pub(crate) fn find(octets: &[u8], needle: u8, from: usize) -> Option<usize> {
    let rest = octets.get(from..)?;
    let pattern = u64::from_ne_bytes([needle; 8]);
    let mut at = 0;
    let (chunks, tail) = rest.as_chunks::<8>();
    for chunk in chunks {
        // Zero octets of the difference are the needle (the classic "has zero octet" test).
        let x = u64::from_ne_bytes(*chunk) ^ pattern;
        if x.wrapping_sub(0x0101_0101_0101_0101) & !x & 0x8080_8080_8080_8080 != 0
            && let Some(i) = chunk.iter().position(|&b| b == needle)
        {
            return Some(from + at + i);
        }
        at += 8;
    }
    tail.iter().position(|&b| b == needle).map(|i| from + at + i)
}

/// Position of the first control octet other than a tab, at or after `from`.
pub(crate) fn find_control(octets: &[u8], from: usize) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    let control = |&b: &u8| (b < 0x20 && b != b'\t') || b == 0x7f;
    let rest = octets.get(from..)?;
    let mut at = 0;
    let (chunks, tail) = rest.as_chunks::<8>();
    for chunk in chunks {
        let x = u64::from_ne_bytes(*chunk);
        let low = x.wrapping_sub(ONES * 0x20) & !x & HIGHS;
        let d = x ^ (ONES * 0x7f);
        let delete = d.wrapping_sub(ONES) & !d & HIGHS;
        if (low | delete) != 0
            && let Some(i) = chunk.iter().position(control)
        {
            return Some(from + at + i);
        }
        at += 8;
    }
    tail.iter().position(control).map(|i| from + at + i)
}

/// Why digits are not a number that we can use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotANumber {
    /// Something else than digits, or nothing.
    Digits,
    /// More than 2³² − 1.
    TooBig,
}

/// A decimal number of up to 32 bits; any number of leading zeros.
pub(crate) fn number(octets: &[u8]) -> Result<u32, NotANumber> {
    if octets.is_empty() || !octets.iter().all(u8::is_ascii_digit) {
        return Err(NotANumber::Digits);
    }
    octets.iter().try_fold(0_u32, |n, &b| {
        n.checked_mul(10).and_then(|n| n.checked_add(u32::from(b - b'0'))).ok_or(NotANumber::TooBig)
    })
}

/// Position after the closing quote of the quoted string that begins at `open`.
pub(crate) fn after_quoted(octets: &[u8], open: usize) -> Option<usize> {
    let mut i = open + 1;
    loop {
        match octets.get(i)? {
            b'"' => return Some(i + 1),
            b'\\' => i += 2,
            _ => i += 1,
        }
    }
}

/// Position of the first `separator` outside quotes and angle brackets, or the end.
pub(crate) fn find_outside(octets: &[u8], separator: u8, from: usize) -> usize {
    // Mostly there is none, or nothing before it that could hide it.
    let Some(first) = find(octets, separator, from) else { return octets.len() };
    if let Some(before) = octets.get(from..first)
        && find(before, b'"', 0).is_none()
        && find(before, b'<', 0).is_none()
    {
        return first;
    }
    let mut i = from;
    let mut angle = false;
    while let Some(&b) = octets.get(i) {
        match b {
            b'"' if !angle => match after_quoted(octets, i) {
                Some(next) => {
                    i = next;
                    continue;
                }
                // Not closed: the rest is one element, and whoever reads it refuses it.
                None => return octets.len(),
            },
            b'<' => angle = true,
            b'>' => angle = false,
            _ if b == separator && !angle => return i,
            _ => {}
        }
        i += 1;
    }
    octets.len()
}

/// The elements of a comma list, split outside quotes and `<>`, trimmed. An empty value has no element; between two
/// commas there is an empty one.
#[derive(Debug, Clone)]
pub struct List<'a> {
    rest: Option<&'a [u8]>,
}

impl<'a> List<'a> {
    /// Over one header value.
    #[must_use]
    pub fn new(value: &'a [u8]) -> Self {
        Self { rest: Some(value).filter(|value| !trim(value).is_empty()) }
    }
}

impl<'a> Iterator for List<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = self.rest?;
        let at = find_outside(rest, b',', 0);
        let (element, after) = rest.split_at(at);
        self.rest = after.get(1..);
        Some(trim(element))
    }
}
