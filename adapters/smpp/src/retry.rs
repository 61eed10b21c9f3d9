//! What a refusal from upstream means for the message and for the bind.

use crate::CommandStatus;

/// What to do about an error status in a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RetryClass {
    /// Slow the whole bind and repeat the message in order; not counted as a delivery attempt.
    SlowDown,
    /// Repeat this message later, with back-off.
    Later,
    /// Never repeat: the message has failed.
    Never,
    /// Bind again, then repeat.
    Rebind,
    /// A refused bind: keep trying slowly, and raise an alarm.
    BindRefused,
    /// Nobody has said what this means; per-peer policy, [`RetryClass::Later`] by default.
    Unlisted,
}

/// The class of an error status. `ESME_ROK` is no error and has none.
pub const fn retry_class(status: CommandStatus) -> Option<RetryClass> {
    Some(match status.0 {
        0x00 => return None,
        0x14 | 0x58 => RetryClass::SlowDown,
        0x08 | 0x45 | 0x64 => RetryClass::Later,
        0x01 | 0x0A | 0x0B | 0x43 | 0x61 | 0x62 | 0x65 | 0x66 | 0xC0..=0xC4 | 0x100..=0x104 => {
            RetryClass::Never
        }
        0x04 => RetryClass::Rebind,
        0x05 | 0x0D | 0x0E | 0x0F => RetryClass::BindRefused,
        // What is wrong with the request itself stays wrong however often it is repeated.
        0x02
        | 0x03
        | 0x06
        | 0x07
        | 0x15
        | 0x33
        | 0x34
        | 0x40
        | 0x42
        | 0x44
        | 0x48..=0x51
        | 0x54
        | 0x63
        | 0x105..=0x10C => RetryClass::Never,
        _ => RetryClass::Unlisted,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use RetryClass::{BindRefused, Later, Never, Rebind, SlowDown, Unlisted};

    #[test]
    fn each_listed_status_has_its_class() {
        let table: &[(&[u32], RetryClass)] = &[
            (&[0x58, 0x14], SlowDown),
            (&[0x08, 0x64, 0x45], Later),
            (
                &[
                    0x0A, 0x0B, 0x01, 0x43, 0x65, 0x66, 0x61, 0x62, 0xC0, 0xC1, 0xC2, 0xC3, 0xC4, 0x100,
                    0x101, 0x102, 0x103, 0x104,
                ],
                Never,
            ),
            (&[0x04], Rebind),
            (&[0x05, 0x0D, 0x0E, 0x0F], BindRefused),
            (&[0xFF, 0x22, 0x400, 0x4FF, u32::MAX], Unlisted),
        ];
        for (statuses, class) in table {
            for &status in *statuses {
                assert_eq!(retry_class(CommandStatus(status)), Some(*class), "{status:#x}");
            }
        }
        assert_eq!(retry_class(CommandStatus::ROK), None);
    }
}
