//! One table of 128 places, read from its printed form while compiling.

/// No table assigns U+0000, so it marks a place without a character.
const UNASSIGNED: u16 = 0;
const ESCAPE: usize = 0x1B;

/// Characters of the default extension; every national single shift keeps them.
const EXTENSION: &str = "0A:000C 14:005E 28:007B 29:007D 2F:005C 3C:005B 3D:007E 3E:005D 40:007C 65:20AC";

/// A table in both directions.
pub(super) struct Table {
    by_septet: [u16; 128],
    /// Sorted by character; of two septets with one character, the smaller stays.
    by_char: [(u16, u8); 128],
    len: usize,
}

impl Table {
    /// 128 fields of four characters: hexadecimal code points, `ESC`, or dashes.
    pub(super) const fn locking(printed: &str) -> Self {
        let text = printed.as_bytes();
        let mut by_septet = [UNASSIGNED; 128];
        let (mut at, mut septet) = (0, 0);
        while at < text.len() {
            if is_space(text[at]) {
                at += 1;
            } else if text[at] == b'-' {
                at += 4;
                septet += 1;
            } else if text[at] == b'E' && text[at + 1] == b'S' {
                assert!(septet == ESCAPE, "the escape has one place");
                at += 3;
                septet += 1;
            } else {
                by_septet[septet] = hex(text, at, 4);
                at += 4;
                septet += 1;
            }
        }
        assert!(septet == 128, "a locking shift table has 128 places");
        Self::indexed(by_septet)
    }

    /// `septet:code point` pairs: those of the extension, those shared, and the language's own.
    pub(super) const fn single(shared: &str, own: &str) -> Self {
        let mut by_septet = [UNASSIGNED; 128];
        let lists = [EXTENSION, shared, own];
        let mut list = 0;
        while list < lists.len() {
            let text = lists[list].as_bytes();
            let mut at = 0;
            while at < text.len() {
                if is_space(text[at]) {
                    at += 1;
                } else {
                    let septet = hex(text, at, 2) as usize;
                    assert!(text[at + 2] == b':' && septet != ESCAPE);
                    assert!(by_septet[septet] == UNASSIGNED, "every place is listed once");
                    by_septet[septet] = hex(text, at + 3, 4);
                    at += 7;
                }
            }
            list += 1;
        }
        Self::indexed(by_septet)
    }

    const fn indexed(by_septet: [u16; 128]) -> Self {
        let mut by_char = [(u16::MAX, 0); 128];
        let (mut len, mut septet) = (0, 0);
        while septet < 128 {
            let c = by_septet[septet];
            let mut at = 0;
            while at < len && by_char[at].0 < c {
                at += 1;
            }
            if c != UNASSIGNED && !(at < len && by_char[at].0 == c) {
                let mut move_from = len;
                while move_from > at {
                    by_char[move_from] = by_char[move_from - 1];
                    move_from -= 1;
                }
                by_char[at] = (c, septet as u8);
                len += 1;
            }
            septet += 1;
        }
        Self { by_septet, by_char, len }
    }

    /// The character at a septet.
    pub(super) fn char(&self, septet: u8) -> Option<char> {
        let c = self.by_septet[usize::from(septet & 0x7F)];
        if c == UNASSIGNED { None } else { char::from_u32(u32::from(c)) }
    }

    /// The smallest septet of a character.
    pub(super) fn septet(&self, c: char) -> Option<u8> {
        let c = u16::try_from(u32::from(c)).ok()?;
        let known = self.by_char.get(..self.len)?;
        let at = known.binary_search_by_key(&c, |&(c, _)| c).ok()?;
        known.get(at).map(|&(_, septet)| septet)
    }
}

const fn is_space(octet: u8) -> bool {
    octet == b' ' || octet == b'\n'
}

const fn hex(text: &[u8], from: usize, digits: usize) -> u16 {
    let mut value = 0;
    let mut at = from;
    while at < from + digits {
        value = value * 16
            + match text[at] {
                digit @ b'0'..=b'9' => digit - b'0',
                digit @ b'A'..=b'F' => digit - b'A' + 10,
                _ => panic!("not a hexadecimal digit"),
            } as u16;
        at += 1;
    }
    value
}
