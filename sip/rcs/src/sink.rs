//! Where writers put octets. One code path both writes a text and says how long it will be.

use bytes::BytesMut;

/// Something octets can be appended to.
pub trait Sink {
    fn put(&mut self, octets: &[u8]);
}

impl Sink for Vec<u8> {
    #[inline]
    fn put(&mut self, octets: &[u8]) {
        self.extend_from_slice(octets);
    }
}

impl Sink for BytesMut {
    #[inline]
    fn put(&mut self, octets: &[u8]) {
        self.extend_from_slice(octets);
    }
}

/// Counts instead of writing: a `Content-Length` is known before its content is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Length(pub(crate) usize);

impl Sink for Length {
    #[inline]
    fn put(&mut self, octets: &[u8]) {
        self.0 += octets.len();
    }
}

/// A decimal number.
pub(crate) fn put_number(out: &mut impl Sink, number: u64) {
    let mut digits = [0_u8; 20];
    let mut at = digits.len();
    let mut rest = number;
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.put(&digits[at..]);
}

/// The position of the first control character (below 0x20) at or after `from`; eight octets at a time.
pub(crate) fn next_control(octets: &[u8], from: usize) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let mut at = from;
    while let Some(chunk) = octets.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let word = u64::from_le_bytes(*chunk);
        // The lowest marked octet is exact: a borrow only ever disturbs the ones above it.
        let below = word.wrapping_sub(ONES * 0x20) & !word & HIGH;
        if below != 0 {
            return Some(at + below.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    let rest = octets.get(at..)?;
    rest.iter().position(|&octet| octet < 0x20).map(|position| at + position)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_decimal() {
        for number in [0, 7, 10, 65_535, u64::MAX] {
            let mut out = Vec::new();
            put_number(&mut out, number);
            assert_eq!(out, number.to_string().into_bytes());
        }
    }

    #[test]
    fn the_first_control_is_found_wherever_it_is() {
        for length in 0..40 {
            let mut octets = vec![0xE5_u8; length];
            assert_eq!(next_control(&octets, 0), None);
            for at in 0..length {
                octets[at] = 0x1F;
                assert_eq!(next_control(&octets, 0), Some(at));
                assert_eq!(next_control(&octets, at), Some(at));
                assert_eq!(next_control(&octets, at + 1), None);
                octets[at] = b' ';
            }
        }
        assert_eq!(next_control(b"abcdefgh", 9), None);
    }
}
