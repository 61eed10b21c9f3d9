//! What a channel's driver reports: connections, windows, refusals. None of it is a transition of a message.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use engine::Depth;
use model::{Cause, ChannelKind, Refusal};

use crate::{
    catalogue::ChannelSeries,
    label::{CauseClass, Label, PeerState, Queue},
    registry::count,
};

/// The metrics of one channel; cheap to clone, every call is a few atomic additions.
#[derive(Clone)]
pub struct ChannelMetrics {
    name: Arc<str>,
    kind: Option<ChannelKind>,
    shared: Arc<Shared>,
}

struct Shared {
    series: ChannelSeries,
    /// Changes with connections, not with messages.
    sessions: Mutex<Sessions>,
}

#[derive(Default)]
struct Sessions {
    in_state: [u32; PeerState::VALUES.len()],
    paused: bool,
    removed: bool,
}

impl ChannelMetrics {
    pub(crate) fn new(series: ChannelSeries, name: &str, kind: Option<ChannelKind>) -> Self {
        if let Some(kind) = kind {
            series.info[kind].set(1.0);
        }
        let made =
            Self { name: name.into(), kind, shared: Arc::new(Shared { series, sessions: Mutex::default() }) };
        made.shared.show(&Sessions::default());
        made
    }

    /// A channel that has no series of its own.
    pub(crate) fn sharing(&self, name: &str, kind: ChannelKind) -> Self {
        Self { name: name.into(), kind: Some(kind), shared: Arc::clone(&self.shared) }
    }

    pub(crate) fn series(&self) -> &ChannelSeries {
        &self.shared.series
    }

    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) const fn kind(&self) -> Option<ChannelKind> {
        self.kind
    }

    /// One connection, bind or push worker; starts as `Down`, and what it reported ends with it.
    #[must_use]
    pub fn session(&self) -> SessionMetrics {
        self.shared.change(|sessions| sessions.in_state[PeerState::Down.index()] += 1);
        SessionMetrics { shared: Arc::clone(&self.shared), state: PeerState::Down, used: 0, size: 0 }
    }

    /// Gone from the configuration, or back in it: nobody is called because of a channel that is not wanted.
    pub fn removed(&self, removed: bool) {
        self.shared.change(|sessions| sessions.removed = removed);
    }

    /// Submissions per second agreed with the channel; zero without agreement.
    pub fn rate_limit(&self, per_second: f64) {
        self.series().rate_limit.set(per_second);
    }

    /// This channel was told no, by the engine or before it.
    pub fn rejected(&self, cause: Cause) {
        self.series().refusals[CauseClass::of(cause)].inc();
    }

    /// The channel answered a hand-over after this long, positively or not.
    pub fn round_trip(&self, took: Duration) {
        self.series().round_trip.observe(took.as_secs_f64());
    }

    /// The channel answered a hand-over with an error.
    pub fn refused(&self, refusal: &Refusal) {
        self.series().errors[CauseClass::of(refusal.cause)].inc();
        if refusal.cause == Cause::Throttled {
            self.series().throttled.inc();
        }
    }

    /// A lost connection is back.
    pub fn reconnected(&self) {
        self.series().reconnects.inc();
    }

    /// What waits for this channel, as the engine says.
    pub(crate) fn depth(&self, depth: &Depth) {
        let series = self.series();
        for (queue, waiting) in Queue::ALL.iter().zip([depth.urgent, depth.person, depth.bulk, depth.reports])
        {
            series.queue[*queue].set(count(waiting.try_into().unwrap_or(u64::MAX)));
        }
        series.outstanding.set(f64::from(depth.outstanding));
        series.room.set(f64::from(depth.room));
        self.shared.change(|sessions| sessions.paused = depth.paused);
    }

    /// How long the oldest entry of a queue has been able to go; zero when there is none.
    pub fn queue_oldest(&self, queue: Queue, age: Duration) {
        self.series().queue_oldest[queue].set(age.as_secs_f64());
    }
}

impl fmt::Debug for ChannelMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChannelMetrics({})", self.name)
    }
}

impl Shared {
    fn change(&self, how: impl FnOnce(&mut Sessions)) {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        how(&mut sessions);
        self.show(&sessions);
    }

    fn show(&self, sessions: &Sessions) {
        let best = sessions.best();
        for state in PeerState::ALL {
            self.series.state[*state].set(if *state == best { 1.0 } else { 0.0 });
        }
        self.series.sessions.set(f64::from(sessions.in_state[PeerState::Bound.index()]));
    }
}

impl Sessions {
    fn best(&self) -> PeerState {
        if self.paused || self.removed {
            return PeerState::Disabled;
        }
        let up = [PeerState::Bound, PeerState::Suspect, PeerState::Connecting];
        up.into_iter().find(|state| self.in_state[state.index()] > 0).unwrap_or(PeerState::Down)
    }
}

/// What one connection adds to its channel; taken back when dropped, so a lost connection leaves no window
/// behind.
pub struct SessionMetrics {
    shared: Arc<Shared>,
    state: PeerState,
    used: u32,
    size: u32,
}

impl SessionMetrics {
    pub fn state(&mut self, state: PeerState) {
        if state == self.state {
            return;
        }
        let before = std::mem::replace(&mut self.state, state);
        self.shared.change(|sessions| {
            sessions.in_state[before.index()] = sessions.in_state[before.index()].saturating_sub(1);
            sessions.in_state[state.index()] += 1;
        });
    }

    /// How many requests are unanswered, of how many allowed.
    pub fn window(&mut self, used: u32, size: u32) {
        if used != self.used {
            self.shared.series.window_used.add(f64::from(used) - f64::from(self.used));
            self.used = used;
        }
        if size != self.size {
            self.shared.series.window_size.add(f64::from(size) - f64::from(self.size));
            self.size = size;
        }
    }
}

impl Drop for SessionMetrics {
    fn drop(&mut self) {
        self.window(0, 0);
        let state = self.state.index();
        self.shared.change(|sessions| sessions.in_state[state] = sessions.in_state[state].saturating_sub(1));
    }
}

#[cfg(test)]
mod tests {
    use model::{ChannelId, Retry};

    use super::*;
    use crate::{BuildInfo, Registry};

    fn channel() -> (Arc<Registry>, ChannelMetrics) {
        let registry = Registry::new(BuildInfo::default()).expect("a registry");
        let channel = registry.channel(ChannelId(3), ChannelKind::Smsc, "smsc-1").expect("a channel");
        (registry, channel)
    }

    #[test]
    fn a_channel_is_as_well_as_its_best_session() {
        let (_registry, channel) = channel();
        let state = |of: PeerState| channel.series().state[of].get();
        assert_eq!(state(PeerState::Down), 1.0);
        let (mut a, mut b) = (channel.session(), channel.session());
        a.state(PeerState::Bound);
        b.state(PeerState::Connecting);
        assert_eq!(
            (state(PeerState::Bound), state(PeerState::Connecting), state(PeerState::Down)),
            (1.0, 0.0, 0.0)
        );
        assert_eq!(channel.series().sessions.get(), 1.0);
        channel.removed(true);
        assert_eq!((state(PeerState::Bound), state(PeerState::Disabled)), (0.0, 1.0));
        channel.removed(false);
        drop(a);
        assert_eq!((state(PeerState::Bound), state(PeerState::Connecting)), (0.0, 1.0));
        drop(b);
        assert_eq!(state(PeerState::Down), 1.0);
    }

    #[test]
    fn windows_of_several_sessions_add_up_and_leave_with_them() {
        let (_registry, channel) = channel();
        let (mut a, mut b) = (channel.session(), channel.session());
        a.window(10, 500);
        b.window(7, 500);
        a.window(12, 500);
        assert_eq!((channel.series().window_used.get(), channel.series().window_size.get()), (19.0, 1_000.0));
        drop(a);
        assert_eq!((channel.series().window_used.get(), channel.series().window_size.get()), (7.0, 500.0));
    }

    #[test]
    fn a_throttling_answer_is_an_error_and_a_throttle() {
        let (_registry, channel) = channel();
        channel.refused(&Refusal::theirs(Cause::Throttled, Retry::Scheduled, 0x58));
        channel.refused(&Refusal::theirs(Cause::UnknownSubscriber, Retry::Never, 0x0b));
        assert_eq!(channel.series().throttled.get(), 1);
        assert_eq!(channel.series().errors[CauseClass::Throttle].get(), 1);
        assert_eq!(channel.series().errors[CauseClass::NoRoute].get(), 1);
    }
}
