//! Who can be reached on which channel, as channels have said it.
//!
//! Registrations are refreshed all the time. What is remembered holds a while longer than the channel says,
//! so that most refreshes change nothing and write nothing; memory and store always say the same, and so a
//! restart changes no route.

use hashbrown::HashMap;
use model::{ChannelId, Msisdn, Presence, Timestamp};
use smallvec::SmallVec;

use crate::{
    journal::{Fact, FactChange, FactKind},
    open::seconds,
};

/// [`Presence`] without its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Reach {
    Here = 1,
    Away = 2,
    Nobody = 3,
    Handset = 4,
}

impl Reach {
    pub(crate) const fn is_here(self) -> bool {
        matches!(self, Self::Here | Self::Handset)
    }
}

#[derive(Debug, Clone, Copy)]
struct Known {
    reach: Reach,
    /// Seconds since 1970.
    until: u32,
}

/// What all channels have said, by channel: few channels say anything, and those about many people.
#[derive(Debug, Default)]
pub(crate) struct Presences {
    channels: Vec<(ChannelId, HashMap<Msisdn, Known>)>,
    swept: Timestamp,
}

/// Room for numbers is looked for so often at most: every look is at all of them.
const SWEEP: std::time::Duration = std::time::Duration::from_secs(60);

impl Presences {
    /// What holds now of this number on this channel.
    pub(crate) fn reach(&self, channel: ChannelId, number: Msisdn, now: Timestamp) -> Option<Reach> {
        let (_, people) = self.channels.iter().find(|(id, _)| *id == channel)?;
        people.get(&number).filter(|known| known.holds(now)).map(|known| known.reach)
    }

    /// The channels on which this number is a user, in the order in which channels began to speak.
    pub(crate) fn users(&self, number: Msisdn, now: Timestamp) -> SmallVec<[(ChannelId, Reach); 1]> {
        let known = |(channel, people): &(ChannelId, HashMap<Msisdn, Known>)| {
            let known =
                people.get(&number).filter(|known| known.holds(now) && known.reach != Reach::Nobody)?;
            Some((*channel, known.reach))
        };
        self.channels.iter().filter_map(known).collect()
    }

    /// Takes the newest word. Returns what is to be written down, where that changes anything. Beyond `max`
    /// numbers nothing more is remembered.
    pub(crate) fn learn(
        &mut self,
        now: Timestamp,
        channel: ChannelId,
        number: Msisdn,
        presence: Presence,
        max: usize,
    ) -> Option<FactChange> {
        let (reach, until) = match presence {
            Presence::Here { until } => (Reach::Here, until),
            Presence::Away { until } => (Reach::Away, until),
            Presence::Nobody { until } => (Reach::Nobody, until),
            Presence::Handset { until } => (Reach::Handset, until),
        };
        let until = seconds(until);
        let life = until.saturating_sub(seconds(now));
        let known = self.people(channel).get(&number).copied();
        if life == 0 {
            self.people(channel).remove(&number);
            return known.map(|_| change(channel, number, None));
        }
        let spare = if reach == Reach::Nobody { 0 } else { life / 2 };
        if let Some(known) = known.filter(|known| known.reach == reach && known.until >= until)
            && known.until - until <= life
        {
            return None;
        }
        if known.is_none() && self.len() >= max {
            if now.since(self.swept) >= SWEEP {
                self.sweep(now);
            }
            if self.len() >= max {
                return None;
            }
        }
        let known = Known { reach, until: until.saturating_add(spare) };
        self.people(channel).insert(number, known);
        Some(change(channel, number, Some(known)))
    }

    pub(crate) fn len(&self) -> usize {
        self.channels.iter().map(|(_, people)| people.len()).sum()
    }

    fn sweep(&mut self, now: Timestamp) {
        self.swept = now;
        for (_, people) in &mut self.channels {
            people.retain(|_, known| known.holds(now));
        }
    }

    /// Takes a recovered fact.
    pub(crate) fn recover(&mut self, fact: &Fact) -> Option<()> {
        let channel = ChannelId(u16::from_be_bytes(fact.key.get(..2)?.try_into().ok()?));
        let number = Msisdn::from_u64(u64::from_be_bytes(fact.key.get(2..10)?.try_into().ok()?));
        let reach = match fact.value.first()? {
            1 => Reach::Here,
            2 => Reach::Away,
            3 => Reach::Nobody,
            4 => Reach::Handset,
            _ => return None,
        };
        let until = seconds(fact.expires_at?);
        self.people(channel).insert(number, Known { reach, until });
        Some(())
    }

    fn people(&mut self, channel: ChannelId) -> &mut HashMap<Msisdn, Known> {
        let place = self.channels.iter().position(|(id, _)| *id == channel).unwrap_or_else(|| {
            // In the order of ids, so that a restart finds the same order.
            let place = self.channels.partition_point(|(id, _)| *id < channel);
            self.channels.insert(place, (channel, HashMap::new()));
            place
        });
        &mut self.channels[place].1
    }
}

impl Known {
    fn holds(self, now: Timestamp) -> bool {
        i64::from(self.until) > now.secs()
    }
}

fn change(channel: ChannelId, number: Msisdn, known: Option<Known>) -> FactChange {
    let mut key = channel.0.to_be_bytes().to_vec();
    key.extend(number.as_u64().to_be_bytes());
    FactChange {
        kind: FactKind::Presence,
        key,
        value: known.map(|known| vec![known.reach as u8]),
        expires_at: known.map(|known| Timestamp::from_secs(i64::from(known.until))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RCS: ChannelId = ChannelId(7);
    const MAX: usize = 3;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_secs(1_800_000_000 + second)
    }

    fn number(index: u64) -> Msisdn {
        Msisdn::from_u64(821_011_110_000 + index)
    }

    #[test]
    fn a_refresh_of_the_same_is_written_now_and_then_only() {
        let mut known = Presences::default();
        let mut written = 0;
        // Refreshed at half time, for a day.
        for refresh in 0..48 {
            let now = at(refresh * 1_800);
            let here = Presence::Here { until: at(refresh * 1_800 + 3_600) };
            written += usize::from(known.learn(now, RCS, number(1), here, MAX).is_some());
            assert_eq!(known.reach(RCS, number(1), at(refresh * 1_800 + 3_599)), Some(Reach::Here));
        }
        assert!((1..=24).contains(&written), "{written}");
    }

    #[test]
    fn a_change_of_state_or_a_much_shorter_time_is_written() {
        let mut known = Presences::default();
        let mut learn = |presence| known.learn(at(0), RCS, number(1), presence, MAX).is_some();
        assert!(learn(Presence::Here { until: at(86_400) }));
        assert!(!learn(Presence::Here { until: at(86_400) }));
        assert!(learn(Presence::Here { until: at(600) }));
        assert!(learn(Presence::Away { until: at(600) }));
        assert!(learn(Presence::Handset { until: at(600) }));
        assert!(learn(Presence::Nobody { until: at(600) }));
        assert!(learn(Presence::Nobody { until: at(0) }), "forgotten");
        assert!(!learn(Presence::Nobody { until: at(0) }));
    }

    #[test]
    fn what_is_written_brings_the_same_back() {
        let mut known = Presences::default();
        let mut facts = Vec::new();
        for (index, presence) in (1..).zip([
            Presence::Here { until: at(100) },
            Presence::Away { until: at(100) },
            Presence::Nobody { until: at(100) },
        ]) {
            let change = known.learn(at(0), RCS, number(index), presence, MAX).expect("a change");
            let (kind, key, expires_at) = (change.kind, change.key, change.expires_at);
            facts.push(Fact { kind, key, value: change.value.expect("a value"), expires_at });
        }
        let mut again = Presences::default();
        assert!(facts.iter().all(|fact| again.recover(fact).is_some()));
        for second in [0, 99, 100, 149, 150, 151] {
            for index in 1..=4 {
                let (before, after) = (
                    known.reach(RCS, number(index), at(second)),
                    again.reach(RCS, number(index), at(second)),
                );
                assert_eq!(before, after, "{index} at {second}");
            }
        }
        assert_eq!(again.users(number(3), at(0)).as_slice(), [], "nobody is no user");
        assert_eq!(again.users(number(2), at(0)).as_slice(), [(RCS, Reach::Away)]);
    }

    #[test]
    fn numbers_are_bounded_and_make_room_when_their_time_is_over() {
        let mut known = Presences::default();
        for index in 0..5 {
            known.learn(at(0), RCS, number(index), Presence::Here { until: at(10) }, MAX);
        }
        assert_eq!(known.len(), MAX);
        assert!(known.learn(at(60), RCS, number(9), Presence::Here { until: at(90) }, MAX).is_some());
        assert_eq!(known.len(), 1);
    }
}
