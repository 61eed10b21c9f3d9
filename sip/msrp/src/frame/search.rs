//! Finding the end-line of a body that may hold anything (RFC 4975 §7.1).

use super::End;
use crate::TransactionId;

const LEAD: &[u8; 9] = b"\r\n-------";
const NEEDLE_MAX: usize = LEAD.len() + TransactionId::OCTETS_MAX;
/// The flag and the line end.
const TAIL: usize = 3;

/// A line end, seven dashes, the transaction, a flag and a line end; searched from the back of the needle
/// (Horspool), because bodies are long and needles too.
#[derive(Clone)]
pub(super) struct EndLine {
    needle: [u8; NEEDLE_MAX],
    octets: u8,
    /// How far to go on when the last octet under the needle is this one.
    shift: [u8; 256],
}

/// What a search has found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// The body ends at `at`, everything of it at `to`.
    At { at: usize, to: usize, end: End },
    /// No end before this place; what follows may begin one.
    NotBefore(usize),
}

impl EndLine {
    pub(super) fn new(transaction: &TransactionId) -> Self {
        let id = transaction.as_str().as_bytes();
        let mut needle = [0; NEEDLE_MAX];
        let octets = LEAD.iter().chain(id);
        for (place, octet) in needle.iter_mut().zip(octets) {
            *place = *octet;
        }
        let octets = narrow(LEAD.len() + id.len());
        let mut shift = [octets; 256];
        let last = octets - 1;
        for (at, octet) in (0..last).zip(needle) {
            shift[usize::from(octet)] = last - at;
        }
        Self { needle, octets, shift }
    }

    /// Looks through `hay` from `from` on.
    pub(super) fn find(&self, hay: &[u8], from: usize) -> Found {
        let needle = self.needle.get(..usize::from(self.octets)).unwrap_or_default();
        let mut at = from;
        while let Some(window) = hay.get(at..at + needle.len()) {
            if window == needle {
                match tail(hay, at + needle.len()) {
                    Tail::Is(end) => return Found::At { at, to: at + needle.len() + TAIL, end },
                    Tail::NotYet => return Found::NotBefore(at),
                    Tail::IsNot => at += 1,
                }
            } else {
                at += usize::from(window.last().map_or(1, |last| self.shift[usize::from(*last)]));
            }
        }
        // A needle may have begun in the last octets.
        Found::NotBefore(at.min(hay.len()).max(from))
    }
}

enum Tail {
    Is(End),
    IsNot,
    NotYet,
}

fn tail(hay: &[u8], at: usize) -> Tail {
    match hay.get(at..).unwrap_or_default() {
        [] => Tail::NotYet,
        [flag, rest @ ..] => match (End::parse(*flag), rest) {
            (Some(_), [] | [b'\r']) => Tail::NotYet,
            (Some(end), [b'\r', b'\n', ..]) => Tail::Is(end),
            _ => Tail::IsNot,
        },
    }
}

fn narrow(octets: usize) -> u8 {
    u8::try_from(octets).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn end_line(id: &str) -> EndLine {
        EndLine::new(&TransactionId::parse(id.as_bytes()).unwrap())
    }

    #[test]
    fn the_first_one_with_a_flag_and_a_line_end() {
        let line = end_line("abcd");
        let hay =
            b"x\r\n-------abcd!\r\n-------abcd$\n\r\n-------abcde$\r\n-------abc$\r\n-------abcd+\r\nrest";
        let Found::At { at, to, end } = line.find(hay, 0) else { panic!("not found") };
        assert_eq!((&hay[to..], end), (&b"rest"[..], End::More));
        assert_eq!(&hay[at..to], b"\r\n-------abcd+\r\n");
    }

    #[test]
    fn a_longer_transaction_that_goes_on_with_a_flag_is_another_one() {
        assert!(matches!(end_line("abcd").find(b"\r\n-------abcd+$\r\n", 0), Found::NotBefore(_)));
        let Found::At { end, .. } = end_line("abcd+").find(b"\r\n-------abcd+$\r\n", 0) else { panic!() };
        assert_eq!(end, End::Complete);
    }

    /// Octets of which end-lines and what looks like them are made.
    fn noise() -> impl Strategy<Value = Vec<u8>> {
        let parts = prop_oneof![
            Just(b"\r\n".to_vec()),
            Just(b"-------".to_vec()),
            Just(b"\r\n-------aaaa".to_vec()),
            Just(b"\r\n-------aaaa$\r\n".to_vec()),
            Just(b"aa".to_vec()),
            Just(b"$".to_vec()),
            prop::collection::vec(any::<u8>(), 0..20),
        ];
        prop::collection::vec(parts, 0..12).prop_map(|parts| parts.concat())
    }

    proptest! {
        #[test]
        fn finds_what_a_plain_search_finds(hay in noise()) {
            let line = end_line("aaaa");
            let plain = hay.windows(16).position(|window| {
                window.starts_with(b"\r\n-------aaaa") && End::parse(window[13]).is_some() && window.ends_with(b"\r\n")
            });
            match line.find(&hay, 0) {
                Found::At { at, .. } => prop_assert_eq!(Some(at), plain),
                Found::NotBefore(at) => {
                    prop_assert_eq!(plain, None);
                    prop_assert!(at <= hay.len());
                    // Whatever follows, the end is not before that place.
                    for tail in [&b"\r\n-------aaaa$\r\n"[..], b"\n-------aaaa$\r\n", b"aaaa$\r\n", b"a$\r\n", b"$\r\n", b"\n"] {
                        let whole = [&hay[..], tail].concat();
                        if let Found::At { at: later, .. } = line.find(&whole, 0) {
                            prop_assert!(later >= at, "{later} < {at}");
                            prop_assert_eq!(line.find(&whole, at), line.find(&whole, 0));
                        }
                    }
                }
            }
        }
    }
}
