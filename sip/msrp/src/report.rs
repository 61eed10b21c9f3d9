//! Who answers what: `Failure-Report`, `Success-Report` and `Status` (RFC 4975 §5.3, §7.1.1, §7.2).

use crate::Status;

/// Which responses a sender of a chunk wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum FailureReport {
    /// Every one; silence for 30 s is a failure.
    #[default]
    Yes,
    /// Only errors.
    Partial,
    /// None.
    No,
}

impl FailureReport {
    pub(crate) fn parse(octets: &[u8]) -> Option<Self> {
        [Self::Yes, Self::Partial, Self::No]
            .into_iter()
            .find(|one| one.as_str().as_bytes().eq_ignore_ascii_case(octets))
    }

    /// The value of the header.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::Partial => "partial",
            Self::No => "no",
        }
    }
}

/// What the sender of a chunk hears about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Heard {
    /// 200.
    Success,
    /// Any other response.
    Error,
    /// Nothing for 30 s.
    Silence,
}

/// What that means for the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The next hop has the chunk.
    Taken,
    /// The message failed with the status of the response.
    Refused,
    /// The message failed as if with 408; whether it arrived is not known.
    NoAnswer,
    /// Nobody asked.
    Ignored,
}

struct Row(FailureReport, Heard, Outcome);

/// RFC 4975 §7.1.1.
const ROWS: &[Row] = &[
    Row(FailureReport::Yes, Heard::Success, Outcome::Taken),
    Row(FailureReport::Yes, Heard::Error, Outcome::Refused),
    Row(FailureReport::Yes, Heard::Silence, Outcome::NoAnswer),
    Row(FailureReport::Partial, Heard::Success, Outcome::Taken),
    Row(FailureReport::Partial, Heard::Error, Outcome::Refused),
    Row(FailureReport::Partial, Heard::Silence, Outcome::Taken),
    Row(FailureReport::No, Heard::Success, Outcome::Ignored),
    Row(FailureReport::No, Heard::Error, Outcome::Ignored),
    Row(FailureReport::No, Heard::Silence, Outcome::Ignored),
];

/// What a sender makes of what it hears.
pub fn outcome(asked: FailureReport, heard: Heard) -> Outcome {
    let row = ROWS.iter().find(|row| row.0 == asked && row.1 == heard);
    row.map_or(Outcome::Ignored, |row| row.2)
}

/// Does a SEND that asked so get a response with this status? (RFC 4975 §7.2)
pub fn answered(asked: FailureReport, status: Status) -> bool {
    let heard = if status.is_success() { Heard::Success } else { Heard::Error };
    match asked {
        FailureReport::Yes => true,
        FailureReport::Partial => heard == Heard::Error,
        FailureReport::No => false,
    }
}

/// The value of `Status` in a REPORT: the name space 000, a code, and a comment that nobody reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReportStatus {
    /// 0 is the only one there is.
    pub namespace: u16,
    /// The code.
    pub status: Status,
}

impl ReportStatus {
    pub(crate) fn parse(octets: &[u8]) -> Option<Self> {
        let mut words = octets.splitn(3, |octet| *octet == b' ');
        let namespace: &[u8; 3] = words.next()?.try_into().ok()?;
        if !namespace.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let namespace = namespace.iter().fold(0, |sum, digit| sum * 10 + u16::from(digit - b'0'));
        Some(Self { namespace, status: Status::parse(words.next()?)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_has_one_row() {
        for asked in [FailureReport::Yes, FailureReport::Partial, FailureReport::No] {
            for heard in [Heard::Success, Heard::Error, Heard::Silence] {
                assert_eq!(ROWS.iter().filter(|row| row.0 == asked && row.1 == heard).count(), 1);
            }
            assert_eq!(FailureReport::parse(asked.as_str().to_uppercase().as_bytes()), Some(asked));
        }
        assert_eq!(FailureReport::parse(b"maybe"), None);
    }

    #[test]
    fn rfc4975_7_2_who_is_answered() {
        use FailureReport::{No, Partial, Yes};
        let grid = [Yes, Partial, No]
            .map(|asked| [Status::OK, Status::STOP_SENDING].map(|status| answered(asked, status)));
        assert_eq!(grid, [[true, true], [false, true], [false, false]]);
    }

    #[test]
    fn rfc4975_7_1_2_status() {
        let status = ReportStatus::parse(b"000 200 OK").unwrap();
        assert_eq!((status.namespace, status.status), (0, Status::OK));
        assert_eq!(ReportStatus::parse(b"000 408").map(|one| one.status), Some(Status::TIMED_OUT));
        for bad in ["", "000", "200", "000 20", "000 2000", "00 200", "0x0 200", "000  200"] {
            assert_eq!(ReportStatus::parse(bad.as_bytes()), None, "{bad}");
        }
    }
}
