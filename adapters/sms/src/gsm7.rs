//! The seven-bit default alphabet, its extension table and packing (3GPP TS 23.038 §6.1.2, §6.2.1).
//!
//! Septets are one per octet here; [`pack`] and [`unpack`] turn them into what a TPDU carries.

use crate::alphabet::NotEncodable;

/// Announces that the next septet is looked up in the extension table.
pub const ESCAPE: u8 = 0x1B;
const CR: u8 = 0x0D;

/// TS 23.038 §6.2.1. The escape itself shows as a space when nothing follows it.
#[rustfmt::skip]
pub(crate) const BASIC: [char; 128] = [
    '@', '£', '$', '¥', 'è', 'é', 'ù', 'ì', 'ò', 'Ç', '\n', 'Ø', 'ø', '\r', 'Å', 'å',
    'Δ', '_', 'Φ', 'Γ', 'Λ', 'Ω', 'Π', 'Ψ', 'Σ', 'Θ', 'Ξ', ' ', 'Æ', 'æ', 'ß', 'É',
    ' ', '!', '"', '#', '¤', '%', '&', '\'', '(', ')', '*', '+', ',', '-', '.', '/',
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', ':', ';', '<', '=', '>', '?',
    '¡', 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M', 'N', 'O',
    'P', 'Q', 'R', 'S', 'T', 'U', 'V', 'W', 'X', 'Y', 'Z', 'Ä', 'Ö', 'Ñ', 'Ü', '§',
    '¿', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o',
    'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', 'ä', 'ö', 'ñ', 'ü', 'à',
];

/// TS 23.038 §6.2.1.1.
const EXTENSION: [(u8, char); 10] = [
    (0x0A, '\u{0C}'),
    (0x14, '^'),
    (0x28, '{'),
    (0x29, '}'),
    (0x2F, '\\'),
    (0x3C, '['),
    (0x3D, '~'),
    (0x3E, ']'),
    (0x40, '|'),
    (0x65, '€'),
];

/// Where one character lives: a septet of the main table, or an escape and a septet of the extension.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Code(u8);

impl Code {
    /// No table has a character behind a doubled escape, so its place can say "no code".
    const NONE: u8 = ESCAPE | 0x80;

    pub(crate) const fn main(septet: u8) -> Self {
        Self(septet & 0x7F)
    }

    pub(crate) const fn extension(septet: u8) -> Self {
        Self(septet | 0x80)
    }

    pub(crate) const fn is_extension(self) -> bool {
        self.0 >= 0x80
    }

    pub(crate) fn push_to(self, out: &mut Vec<u8>) {
        if self.is_extension() {
            out.push(ESCAPE);
        }
        out.push(self.0 & 0x7F);
    }
}

/// Codes by character for everything below U+0400; of the rest, only the euro sign has one.
static CODES: [u8; 0x400] = codes();
const EURO: u8 = 0x65 | 0x80;

const fn codes() -> [u8; 0x400] {
    let mut codes = [Code::NONE; 0x400];
    let mut septet = 0;
    while septet < 128 {
        if septet != ESCAPE as usize {
            codes[BASIC[septet] as usize] = septet as u8;
        }
        septet += 1;
    }
    let mut at = 0;
    while at < EXTENSION.len() {
        let (septet, c) = EXTENSION[at];
        if (c as usize) < codes.len() {
            codes[c as usize] = septet | 0x80;
        }
        at += 1;
    }
    codes
}

/// Extension characters by septet; a septet without one shows its character of the main table, and a second
/// escape shows a space (TS 23.038 §6.2.1.1).
static EXTENDED: [char; 128] = {
    let mut table = BASIC;
    let mut at = 0;
    while at < EXTENSION.len() {
        table[EXTENSION[at].0 as usize] = EXTENSION[at].1;
        at += 1;
    }
    table
};

/// ASCII characters of the main table by septet; zero for the others and for the escape.
static ASCII: [u8; 128] = {
    let mut table = [0; 128];
    let mut septet = 0;
    while septet < 128 {
        if BASIC[septet].is_ascii() && septet != ESCAPE as usize {
            table[septet] = BASIC[septet] as u8;
        }
        septet += 1;
    }
    table
};

/// The default alphabet's code, `None` when the character has none.
#[inline]
pub(crate) fn code(c: char) -> Option<Code> {
    let code = raw_code(c);
    (code != Code::NONE).then_some(Code(code))
}

#[inline]
fn raw_code(c: char) -> u8 {
    match CODES.get(u32::from(c) as usize) {
        Some(&code) => code,
        None if c == '€' => EURO,
        None => Code::NONE,
    }
}

/// The extension table's character for a septet, `None` when it has none of its own.
pub(crate) fn extension_char(septet: u8) -> Option<char> {
    let at = usize::from(septet & 0x7F);
    let c = EXTENDED[at];
    (c != BASIC[at]).then_some(c)
}

/// Septets the text takes, or `None` when a character has no code. Does not allocate.
pub fn septets(text: &str) -> Option<usize> {
    Some(measure(text)?.septets)
}

/// What one pass over a text finds.
#[derive(Clone, Copy)]
pub(crate) struct Measure {
    pub(crate) septets: usize,
    /// No escapes and no CR LF: every septet stands alone, so the text may be cut anywhere.
    pub(crate) is_plain: bool,
}

pub(crate) fn measure(text: &str) -> Option<Measure> {
    if text.is_ascii() {
        return measure_ascii(text.as_bytes());
    }
    let (mut septets, mut seen, mut has_cr) = (0, 0, false);
    for c in text.chars() {
        let code = raw_code(c);
        if code == Code::NONE {
            return None;
        }
        septets += 1 + usize::from(code >> 7);
        seen |= code;
        has_cr |= code == CR;
    }
    Some(Measure { septets, is_plain: seen < 0x80 && !has_cr })
}

/// Three counters in one word: extension characters, CRs, characters without a code.
const COUNTER_BITS: u32 = 20;
const COUNTER: u64 = (1 << COUNTER_BITS) - 1;
/// Octets after which no counter has overflowed.
const COUNTED_OCTETS_MAX: usize = 1 << 16;

static TALLIES: [u64; 128] = {
    let mut tallies = [0; 128];
    let mut octet = 0;
    while octet < 128 {
        tallies[octet] = match CODES[octet] {
            Code::NONE => 1 << (2 * COUNTER_BITS),
            CR => 1 << COUNTER_BITS,
            code => (code >> 7) as u64,
        };
        octet += 1;
    }
    tallies
};

/// Most texts: one addition for each octet and no branch.
fn measure_ascii(text: &[u8]) -> Option<Measure> {
    let (mut septets, mut is_plain) = (text.len(), true);
    for octets in text.chunks(COUNTED_OCTETS_MAX) {
        let tally: u64 = octets.iter().map(|octet| TALLIES[usize::from(octet & 0x7F)]).sum();
        if tally >> (2 * COUNTER_BITS) != 0 {
            return None;
        }
        septets += (tally & COUNTER) as usize;
        is_plain &= tally == 0;
    }
    Some(Measure { septets, is_plain })
}

/// The text's septets, one per octet.
pub fn encode(text: &str) -> Result<Vec<u8>, NotEncodable> {
    let mut out = Vec::new();
    encode_into(text, &mut out)?;
    Ok(out)
}

/// Appends the text's septets, one per octet. After an error `out` holds what came before the character.
pub fn encode_into(text: &str, out: &mut Vec<u8>) -> Result<(), NotEncodable> {
    if text.is_ascii() && measure(text).is_some_and(|measure| measure.septets == text.len()) {
        out.extend(text.bytes().map(|octet| CODES[usize::from(octet)]));
        return Ok(());
    }
    out.reserve(text.len());
    for (at, c) in text.char_indices() {
        let Some(code) = code(c) else {
            return Err(NotEncodable { at });
        };
        code.push_to(out);
    }
    Ok(())
}

/// The text of these septets, one per octet; bit 7 is ignored. An escape at the end shows as a space.
pub fn decode(septets: &[u8]) -> String {
    let mut text = Vec::with_capacity(septets.len() + septets.len() / 8);
    let mut septets = septets.iter().map(|septet| septet & 0x7F);
    while let Some(septet) = septets.next() {
        let ascii = ASCII[usize::from(septet & 0x7F)];
        if ascii != 0 {
            text.push(ascii);
            continue;
        }
        let c = match septet {
            ESCAPE => septets.next().map_or(' ', |next| EXTENDED[usize::from(next & 0x7F)]),
            _ => BASIC[usize::from(septet & 0x7F)],
        };
        text.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    }
    // Only whole characters were written.
    String::from_utf8(text).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// Fill bits between a header of `header_octets` (its length octet included) and the first septet
/// (TS 23.040 §9.2.3.24).
pub const fn fill_bits(header_octets: usize) -> usize {
    (7 - header_octets * 8 % 7) % 7
}

/// How many septets a header of `header_octets` takes together with its fill bits.
pub const fn header_septets(header_octets: usize) -> usize {
    (header_octets * 8).div_ceil(7)
}

/// Appends the septets packed, least significant bit first, after `fill_bits` zero bits.
pub fn pack_into(septets: &[u8], fill_bits: usize, out: &mut Vec<u8>) {
    out.reserve((septets.len() * 7 + fill_bits).div_ceil(8));
    let mut bits = fill_bits % 8;
    let mut waiting = 0_u64;
    let (groups, rest) = septets.as_chunks::<8>();
    for group in groups {
        // Eight septets are seven octets, so the bits waiting stay as many.
        for (at, &septet) in group.iter().enumerate() {
            waiting |= u64::from(septet & 0x7F) << (bits + 7 * at);
        }
        let [octets @ .., _] = waiting.to_le_bytes();
        out.extend_from_slice(&octets);
        waiting >>= 56;
    }
    for &septet in rest {
        waiting |= u64::from(septet & 0x7F) << bits;
        bits += 7;
    }
    let octets = waiting.to_le_bytes();
    out.extend_from_slice(octets.get(..bits.div_ceil(8)).unwrap_or(&octets));
}

/// The septets packed, spare bits zero: for fields that state their length.
pub fn pack(septets: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    pack_into(septets, 0, &mut out);
    out
}

/// The septets packed for a field that does not state its length (TS 23.038 §6.1.2.3): seven spare bits are
/// filled with CR so that they do not read as `@`, and a text that ends in CR on an octet boundary gets a
/// second one.
pub fn pack_filled(septets: &[u8]) -> Vec<u8> {
    let needs_cr = match septets.len() % 8 {
        7 => true,
        0 => septets.last() == Some(&CR),
        _ => false,
    };
    if !needs_cr {
        return pack(septets);
    }
    let mut filled = Vec::with_capacity(septets.len() + 1);
    filled.extend_from_slice(septets);
    filled.push(CR);
    pack(&filled)
}

/// At most `count` septets out of packed octets, skipping `fill_bits` first. Fewer come back when the octets
/// end early.
pub fn unpack(octets: &[u8], fill_bits: usize, count: usize) -> Vec<u8> {
    let fill_bits = fill_bits % 8;
    let there = (octets.len() * 8).saturating_sub(fill_bits) / 7;
    let count = count.min(there);
    let mut septets = Vec::with_capacity(count.next_multiple_of(8));
    // Eight septets at a time out of seven octets and the bits that the fill moved into the eighth.
    let mut rest = octets;
    while septets.len() < count {
        let mut window = [0; 8];
        for (to, &from) in window.iter_mut().zip(rest) {
            *to = from;
        }
        let bits = u64::from_le_bytes(window) >> fill_bits;
        septets.extend((0..8).map(|at| (bits >> (7 * at)).to_le_bytes()[0] & 0x7F));
        rest = rest.get(7..).unwrap_or_default();
    }
    septets.truncate(count);
    septets
}

/// All septets of a field that does not state its length: the inverse of [`pack_filled`].
pub fn unpack_filled(octets: &[u8]) -> Vec<u8> {
    let mut septets = unpack(octets, 0, usize::MAX);
    if septets.len().is_multiple_of(8) && septets.last() == Some(&CR) {
        septets.pop();
    }
    septets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cedilla_small_has_no_code_and_capital_has() {
        assert_eq!(encode("Ç"), Ok(vec![0x09]));
        assert_eq!(encode("aç"), Err(NotEncodable { at: 1 }));
        assert_eq!(encode("\u{1B}"), Err(NotEncodable { at: 0 }));
    }

    #[test]
    fn a_text_of_any_length_is_counted() {
        let long = "[".repeat(COUNTED_OCTETS_MAX * 3);
        assert_eq!(septets(&long), Some(long.len() * 2));
        assert_eq!(septets(&format!("{long}`")), None);
        assert_eq!(septets(&format!("{long}é")), Some(long.len() * 2 + 1));
    }

    #[test]
    fn unknown_escapes_show_the_main_table() {
        assert_eq!(decode(&[ESCAPE, 0x41]), "A");
        assert_eq!(decode(&[ESCAPE, ESCAPE, 0x41]), " A");
        assert_eq!(decode(&[0x41, ESCAPE]), "A ");
        assert_eq!(decode(&[ESCAPE, 0x65]), "€");
    }

    #[test]
    fn every_septet_of_both_tables_comes_back() {
        for septet in (0..128).filter(|&septet| septet != ESCAPE) {
            assert_eq!(encode(&decode(&[septet])), Ok(vec![septet]));
        }
        for (septet, c) in EXTENSION {
            assert_eq!(encode(&c.to_string()), Ok(vec![ESCAPE, septet]));
            assert_eq!(decode(&[ESCAPE, septet]), c.to_string());
            assert_eq!(extension_char(septet), Some(c));
        }
    }

    #[test]
    fn fill_bits_follow_the_header() {
        assert_eq!([4, 6, 7].map(fill_bits), [3, 1, 0]);
        assert_eq!([4, 6, 7].map(header_septets), [5, 7, 8]);
    }
}
