//! The timers of one session, but for those of its requests (SMPP 3.4 §7.2).
//!
//! Each is an instant to remember and a span to wait; the driver asks what is due, and when to ask
//! again.

/// How long to wait, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimerOptions {
    /// From the connection to a bind.
    pub session_init_us: i64,
    /// Of silence before we ask whether the peer is there.
    pub enquire_link_us: i64,
    /// For the answer to that.
    pub response_us: i64,
    /// Without a message in either direction.
    pub inactivity_us: i64,
    /// For the rest of a PDU that has begun to arrive.
    pub pdu_read_us: i64,
}

impl Default for TimerOptions {
    fn default() -> Self {
        const SECOND_US: i64 = 1_000_000;
        Self {
            session_init_us: 30 * SECOND_US,
            enquire_link_us: 30 * SECOND_US,
            response_us: 60 * SECOND_US,
            inactivity_us: 300 * SECOND_US,
            pdu_read_us: 10 * SECOND_US,
        }
    }
}

/// What is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Due {
    /// Nothing before this instant.
    Nothing {
        /// When to ask again.
        until_us: i64,
    },
    /// Send `enquire_link`, past the window and the pace, and tell [`Timers::enquired`].
    Enquire,
    /// No bind in time: close.
    NotBound,
    /// Half a PDU and no more of it: close.
    Stalled,
    /// No answer to `enquire_link`: close.
    Silent,
    /// No messages for long: unbind, then close.
    Inactive,
}

/// The instants of one session.
#[derive(Debug, Clone, Copy)]
pub struct Timers {
    options: TimerOptions,
    opened_us: i64,
    bound: bool,
    heard_us: i64,
    worked_us: i64,
    partial_since_us: Option<i64>,
    enquired_us: Option<i64>,
}

impl Timers {
    /// A session that has just been connected.
    pub const fn new(now_us: i64, options: TimerOptions) -> Self {
        Self {
            options,
            opened_us: now_us,
            bound: false,
            heard_us: now_us,
            worked_us: now_us,
            partial_since_us: None,
            enquired_us: None,
        }
    }

    /// The session is bound.
    pub const fn bound(&mut self, now_us: i64) {
        self.bound = true;
        self.worked_us = now_us;
    }

    /// Octets came in; `partial` when they end inside a PDU. `whole` when they completed one.
    pub const fn heard(&mut self, now_us: i64, whole: bool, partial: bool) {
        self.heard_us = now_us;
        if whole {
            self.enquired_us = None;
        }
        self.partial_since_us = match (partial, self.partial_since_us) {
            (false, _) => None,
            (true, Some(since_us)) if !whole => Some(since_us),
            (true, _) => Some(now_us),
        };
    }

    /// A message, or its answer, went either way: anything but `enquire_link`.
    pub const fn worked(&mut self, now_us: i64) {
        self.worked_us = now_us;
    }

    /// `enquire_link` was sent.
    pub const fn enquired(&mut self, now_us: i64) {
        self.enquired_us = Some(now_us);
    }

    /// What is due now.
    pub fn due(&self, now_us: i64) -> Due {
        let options = &self.options;
        let closing = [
            (!self.bound).then(|| (self.opened_us.saturating_add(options.session_init_us), Due::NotBound)),
            self.partial_since_us
                .map(|since_us| (since_us.saturating_add(options.pdu_read_us), Due::Stalled)),
            self.enquired_us.map(|since_us| (since_us.saturating_add(options.response_us), Due::Silent)),
            self.bound.then(|| (self.worked_us.saturating_add(options.inactivity_us), Due::Inactive)),
            (self.bound && self.enquired_us.is_none())
                .then(|| (self.heard_us.saturating_add(options.enquire_link_us), Due::Enquire)),
        ];
        let mut until_us = i64::MAX;
        for (at_us, due) in closing.into_iter().flatten() {
            if at_us <= now_us {
                return due;
            }
            until_us = until_us.min(at_us);
        }
        Due::Nothing { until_us }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;

    #[test]
    fn a_session_that_never_binds_is_closed() {
        let timers = Timers::new(0, TimerOptions::default());
        assert_eq!(timers.due(29 * SECOND), Due::Nothing { until_us: 30 * SECOND });
        assert_eq!(timers.due(30 * SECOND), Due::NotBound);
    }

    #[test]
    fn half_a_pdu_is_given_ten_seconds_from_its_first_octet() {
        let mut timers = Timers::new(0, TimerOptions::default());
        timers.heard(SECOND, false, true);
        timers.heard(9 * SECOND, false, true);
        assert_eq!(timers.due(11 * SECOND), Due::Stalled);
        timers.heard(10 * SECOND, true, true);
        assert_eq!(timers.due(11 * SECOND), Due::Nothing { until_us: 20 * SECOND });
    }

    #[test]
    fn a_silent_peer_is_asked_and_then_left() {
        let mut timers = Timers::new(0, TimerOptions::default());
        timers.bound(0);
        assert_eq!(timers.due(30 * SECOND), Due::Enquire);
        timers.enquired(30 * SECOND);
        assert_eq!(timers.due(31 * SECOND), Due::Nothing { until_us: 90 * SECOND });
        assert_eq!(timers.due(90 * SECOND), Due::Silent);
        timers.heard(89 * SECOND, true, false);
        assert_eq!(timers.due(90 * SECOND), Due::Nothing { until_us: 119 * SECOND });
    }

    #[test]
    fn enquiries_alone_do_not_keep_an_idle_session() {
        let mut timers = Timers::new(0, TimerOptions::default());
        timers.bound(0);
        timers.heard(299 * SECOND, true, false);
        assert_eq!(timers.due(300 * SECOND), Due::Inactive);
        timers.worked(299 * SECOND);
        assert_eq!(timers.due(300 * SECOND), Due::Nothing { until_us: 329 * SECOND });
    }
}
