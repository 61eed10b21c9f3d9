//! Parts of files: `Range` of who fetches (RFC 9110 §14.2), `Content-Range` of who goes on sending (§14.4, §14.5).

use http::{HeaderMap, header};

/// What a download wants of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    Whole,
    /// Indices of the first and the last octet; both are there.
    Part(u64, u64),
    /// Nothing of the file: 416.
    Nothing,
}

/// What the headers ask for of a file of `size` octets. What cannot be read asks for the whole (RFC 9110 §14.2), and
/// so does more than one range.
pub(super) fn wanted(headers: &HeaderMap, size: u64, etag: &str) -> Wanted {
    let range = headers.get(header::RANGE).and_then(|range| range.to_str().ok()).and_then(range);
    let Some((first, last)) = range else { return Wanted::Whole };
    // Of another version of the file, or of an unknown date: the whole file (RFC 9110 §13.1.5).
    if headers.get(header::IF_RANGE).is_some_and(|condition| condition.as_bytes() != etag.as_bytes()) {
        return Wanted::Whole;
    }
    match (first, last) {
        (Some(first), last) if first < size => {
            Wanted::Part(first, last.map_or(size - 1, |last| last.min(size - 1)))
        }
        (None, Some(octets)) if octets > 0 && size > 0 => Wanted::Part(size.saturating_sub(octets), size - 1),
        _ => Wanted::Nothing,
    }
}

/// `bytes=first-last`, `bytes=first-`, `bytes=-octets`.
fn range(text: &str) -> Option<(Option<u64>, Option<u64>)> {
    let (unit, range) = text.split_once('=')?;
    let (first, last) = range.trim().split_once('-')?;
    let number = |text: &str| if text.is_empty() { Some(None) } else { digits(text).map(Some) };
    let (first, last) = (number(first.trim())?, number(last.trim())?);
    let ordered = first.zip(last).is_none_or(|(first, last)| first <= last);
    (unit.trim().eq_ignore_ascii_case("bytes") && ordered && (first.is_some() || last.is_some()))
        .then_some((first, last))
}

/// Where a piece of an upload belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) first: u64,
    pub(super) last: u64,
    /// Octets of the whole file.
    pub(super) total: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BadPiece {
    /// Not `bytes first-last/total`.
    Malformed,
    /// The numbers contradict each other.
    Impossible,
}

impl Piece {
    /// Of a `Content-Range`. Some devices leave the unit out (RCS sheet §23).
    pub(super) fn parse(text: &str) -> Result<Self, BadPiece> {
        let text = text.trim();
        let numbers = match text.split_once(' ') {
            Some((unit, numbers)) if unit.eq_ignore_ascii_case("bytes") => numbers,
            _ => text,
        };
        let piece = || {
            let (range, total) = numbers.split_once('/')?;
            let (first, last) = range.split_once('-')?;
            let [first, last, total] = [first, last, total].map(|number| digits(number.trim()));
            Some(Self { first: first?, last: last?, total: total? })
        };
        let piece = piece().ok_or(BadPiece::Malformed)?;
        if piece.first <= piece.last && piece.last < piece.total {
            Ok(piece)
        } else {
            Err(BadPiece::Impossible)
        }
    }

    pub(super) const fn octets(&self) -> u64 {
        // No overflow: `last` is below `total`.
        self.last - self.first + 1
    }
}

/// No sign, no blanks.
fn digits(text: &str) -> Option<u64> {
    text.bytes().all(|digit| digit.is_ascii_digit()).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn asked(range: &str, size: u64) -> Wanted {
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, HeaderValue::from_str(range).unwrap());
        wanted(&headers, size, "\"tag\"")
    }

    #[test]
    fn ranges_of_rfc_9110() {
        for (range, is) in [
            ("bytes=0-0", Wanted::Part(0, 0)),
            ("bytes=0-", Wanted::Part(0, 99)),
            ("bytes=99-", Wanted::Part(99, 99)),
            ("bytes=5-1000", Wanted::Part(5, 99)),
            ("bytes=-1", Wanted::Part(99, 99)),
            ("bytes=-1000", Wanted::Part(0, 99)),
            ("Bytes = 1 - 2", Wanted::Part(1, 2)),
            ("bytes=100-", Wanted::Nothing),
            ("bytes=-0", Wanted::Nothing),
            ("bytes=2-1", Wanted::Whole),
            ("bytes=-", Wanted::Whole),
            ("bytes=0-1,5-6", Wanted::Whole),
            ("bytes=+1-2", Wanted::Whole),
            ("octets=0-1", Wanted::Whole),
            ("bytes=99999999999999999999-", Wanted::Whole),
        ] {
            assert_eq!(asked(range, 100), is, "{range}");
        }
        assert_eq!(wanted(&HeaderMap::new(), 100, ""), Wanted::Whole);
    }

    #[test]
    fn a_part_of_another_version_is_not_wanted() {
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, HeaderValue::from_static("bytes=5-"));
        for (condition, is) in [
            ("\"tag\"", Wanted::Part(5, 9)),
            ("\"other\"", Wanted::Whole),
            ("Sat, 01 Mar 2025 00:00:00 GMT", Wanted::Whole),
        ] {
            headers.insert(header::IF_RANGE, HeaderValue::from_static(condition));
            assert_eq!(wanted(&headers, 10, "\"tag\""), is, "{condition}");
        }
    }

    #[test]
    fn pieces_with_and_without_their_unit() {
        let piece = Ok(Piece { first: 43_024, last: 99_999, total: 100_000 });
        for text in ["bytes 43024-99999/100000", "43024-99999/100000", "BYTES  43024-99999/100000 "] {
            assert_eq!(Piece::parse(text), piece, "{text}");
        }
        for text in [
            "",
            "bytes",
            "bytes */100",
            "bytes 0-9/*",
            "bytes=0-9/10",
            "0-9",
            "-9/10",
            "0-/10",
            "octets 0-9/10",
        ] {
            assert_eq!(Piece::parse(text), Err(BadPiece::Malformed), "{text}");
        }
        for text in ["bytes 9-0/10", "bytes 0-10/10", "0-0/0"] {
            assert_eq!(Piece::parse(text), Err(BadPiece::Impossible), "{text}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_asked_for_is_within_the_file(range in "(bytes=)?[0-9-]{0,22}", size in 0_u64..200) {
            match asked(&range, size) {
                Wanted::Part(first, last) => prop_assert!(first <= last && last < size),
                Wanted::Whole | Wanted::Nothing => {}
            }
        }

        #[test]
        fn whatever_is_sent_is_within_its_total(text in "(bytes )?[0-9]{0,21}-[0-9]{0,21}/[0-9]{0,21}") {
            if let Ok(piece) = Piece::parse(&text) {
                prop_assert!(piece.octets() <= piece.total && piece.first + piece.octets() <= piece.total);
            }
        }
    }
}
