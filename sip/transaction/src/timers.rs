//! The timers of RFC 3261 §17 (table 4), RFC 6026 and RFC 4320, derived from T1, T2 and T4.

/// The three round-trip estimates everything else follows from, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timers {
    /// Round trip estimate.
    pub t1_us: i64,
    /// Longest pause between two repetitions of a non-INVITE request or of an INVITE's answer.
    pub t2_us: i64,
    /// Longest time that a message stays in the network.
    pub t4_us: i64,
}

/// What a clock inside a transaction is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Timer {
    /// INVITE request again, doubling without a cap.
    A,
    /// INVITE without any answer, or without a final one after CANCEL (RFC 3261 §9.1).
    B,
    /// INVITE with provisional answers only (RFC 3261 §16.6 item 11).
    C,
    /// Absorb copies of the final answer to INVITE.
    D,
    /// Non-INVITE request again, doubling up to T2.
    E,
    /// Non-INVITE without a final answer; on the server side: the peer has given up.
    F,
    /// Final answer to INVITE again, doubling up to T2.
    G,
    /// Wait for the ACK of a 3xx to 6xx.
    H,
    /// Absorb copies of that ACK.
    I,
    /// Answer copies of a non-INVITE request.
    J,
    /// Absorb copies of the answer to a non-INVITE request.
    K,
    /// Absorb copies of an INVITE that was accepted, and wait for its ACK (RFC 6026).
    L,
    /// Take 2xx of further forks (RFC 6026).
    M,
    /// 100 to an INVITE whose user is silent (RFC 3261 §17.2.1).
    Hundred,
    /// 100 to a non-INVITE request whose user is silent (RFC 4320 §4.1).
    LateHundred,
    /// 2xx to INVITE again, doubling up to T2, on every transport (RFC 3261 §13.3.1.4).
    TwoHundred,
}

/// Which of the two hands of a transaction's clock a timer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hand {
    /// Sends something once more.
    Repeat,
    /// Ends something.
    End,
}

/// 100 to an INVITE unless the user answers within this time (RFC 3261 §17.2.1).
const HUNDRED_US: i64 = 200_000;
/// "Greater than 3 minutes" (RFC 3261 §16.6 item 11).
const C_US: i64 = 181_000_000;
/// "At least 32 seconds" (RFC 3261 §17.1.1.2).
const D_US_MIN: i64 = 32_000_000;

impl Timers {
    /// The values of RFC 3261, for the core network.
    pub const CORE: Self = Self { t1_us: 500_000, t2_us: 4_000_000, t4_us: 5_000_000 };
    /// The values of TS 24.229 §7.7 between a handset and its P-CSCF.
    pub const ACCESS: Self = Self { t1_us: 2_000_000, t2_us: 16_000_000, t4_us: 17_000_000 };

    /// T1 × 64: how long a transaction tries at all.
    #[must_use]
    pub const fn patience_us(&self) -> i64 {
        self.t1_us.saturating_mul(64)
    }

    /// How long until `timer` fires first; `None` where the transport makes it needless, zero where it is due at
    /// once.
    #[must_use]
    pub const fn first_us(&self, timer: Timer, reliable: bool) -> Option<i64> {
        use Timer::*;
        match timer {
            A | E | G if reliable => None,
            A | E | G | TwoHundred => Some(self.t1_us),
            D | I | J | K if reliable => Some(0),
            D => Some(if self.patience_us() > D_US_MIN { self.patience_us() } else { D_US_MIN }),
            I | K => Some(self.t4_us),
            B | F | H | J | L | M => Some(self.patience_us()),
            C => Some(C_US),
            Hundred => Some(HUNDRED_US),
            LateHundred => Some(self.late_hundred_us()),
        }
    }

    /// The pause after a pause of `last_us`.
    #[must_use]
    pub const fn next_us(&self, timer: Timer, last_us: i64) -> i64 {
        let doubled = last_us.saturating_mul(2);
        match timer {
            Timer::A => doubled,
            _ if doubled > self.t2_us => self.t2_us,
            _ => doubled,
        }
    }

    /// When a client's Timer E is first set to T2: T1 + 2·T1 + 4·T1 … (RFC 4320 §4.1).
    const fn late_hundred_us(&self) -> i64 {
        let mut pause_us = if self.t1_us > 1 { self.t1_us } else { 1 };
        let mut sum_us = 0_i64;
        while pause_us < self.t2_us {
            sum_us = sum_us.saturating_add(pause_us);
            pause_us = pause_us.saturating_mul(2);
        }
        if sum_us > 0 { sum_us } else { self.t2_us }
    }
}

impl Default for Timers {
    fn default() -> Self {
        Self::CORE
    }
}

impl Timer {
    /// Which hand it is.
    #[must_use]
    pub const fn hand(self) -> Hand {
        use Timer::*;
        match self {
            A | E | G | Hundred | LateHundred | TwoHundred => Hand::Repeat,
            B | C | D | F | H | I | J | K | L | M => Hand::End,
        }
    }

    /// Its letter, or what is said when it fires.
    #[must_use]
    pub const fn name(self) -> &'static str {
        use Timer::*;
        match self {
            A => "A",
            B => "B",
            C => "C",
            D => "D",
            E => "E",
            F => "F",
            G => "G",
            H => "H",
            I => "I",
            J => "J",
            K => "K",
            L => "L",
            M => "M",
            Hundred | LateHundred => "100",
            TwoHundred => "2xx",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 3261 table 4 and RFC 6026 §7, row by row.
    #[test]
    fn values_of_the_core() {
        let of = |timer, reliable| Timers::CORE.first_us(timer, reliable);
        for timer in [Timer::A, Timer::E, Timer::G] {
            assert_eq!((of(timer, false), of(timer, true)), (Some(500_000), None), "{timer:?}");
        }
        for timer in [Timer::B, Timer::F, Timer::H, Timer::L, Timer::M] {
            assert_eq!(
                (of(timer, false), of(timer, true)),
                (Some(32_000_000), Some(32_000_000)),
                "{timer:?}"
            );
        }
        for timer in [Timer::D, Timer::J] {
            assert_eq!((of(timer, false), of(timer, true)), (Some(32_000_000), Some(0)), "{timer:?}");
        }
        for timer in [Timer::I, Timer::K] {
            assert_eq!((of(timer, false), of(timer, true)), (Some(5_000_000), Some(0)), "{timer:?}");
        }
        assert_eq!(
            (of(Timer::TwoHundred, false), of(Timer::TwoHundred, true)),
            (Some(500_000), Some(500_000))
        );
        assert!(of(Timer::C, true) > Some(180_000_000));
    }

    /// RFC 4320 §4.1: 0.5 + 1 + 2 seconds, then Timer E stands at T2.
    #[test]
    fn hundred_to_a_non_invite_comes_when_timer_e_reaches_t2() {
        assert_eq!(Timers::CORE.first_us(Timer::LateHundred, false), Some(3_500_000));
        assert_eq!(Timers::ACCESS.first_us(Timer::LateHundred, true), Some(14_000_000));
        let odd = Timers { t1_us: 0, t2_us: 0, t4_us: 0 };
        assert_eq!(odd.first_us(Timer::LateHundred, false), Some(0));
    }

    /// RFC 3261 §17.1.1.2 and §17.1.2.2.
    #[test]
    fn timer_a_has_no_cap_and_the_others_stop_at_t2() {
        let mut pauses = [500_000_i64; 3];
        for _ in 0..5 {
            for (pause, timer) in pauses.iter_mut().zip([Timer::A, Timer::E, Timer::G]) {
                *pause = Timers::CORE.next_us(timer, *pause);
            }
        }
        assert_eq!(pauses, [16_000_000, 4_000_000, 4_000_000]);
    }

    #[test]
    fn timer_d_is_never_under_32_seconds() {
        let quick = Timers { t1_us: 100_000, ..Timers::CORE };
        assert_eq!(quick.first_us(Timer::D, false), Some(32_000_000));
        assert_eq!(Timers::ACCESS.first_us(Timer::D, false), Some(128_000_000));
    }
}
