//! What waits for one messenger, in the order it was handed over.
//!
//! An entry leaves when a call or an acknowledgement settled it. Between two people order is kept: while
//! something of theirs is under way, the rest of theirs waits.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    hash::{BuildHasher, RandomState},
};

use model::{Address, AttemptId, Duration, For, MessageId, Outgoing, Pii, Timestamp};

/// Entries looked at for one batch: one busy pair of people must not make every search long.
const LOOKED_AT_MAX: usize = 4_096;
/// A typing mark is worth nothing after this.
const SIGNAL_LIFE: Duration = Duration::from_secs(5);
/// JSON around a text, and what escaping may add to it.
const ENVELOPE_OCTETS: usize = 1_024;

pub(super) struct Outbox {
    entries: BTreeMap<u64, Entry>,
    last: u64,
    /// The highest number on any page: an acknowledgement cannot reach further.
    shown: u64,
    /// Under way: entry and pair. Stays until the call ends, also when the entry has left.
    flying: HashMap<u64, u64>,
    /// Pairs with something under way, and how much.
    busy: HashMap<u64, usize>,
    hasher: RandomState,
    room: usize,
}

struct Entry {
    outgoing: Outgoing,
    pair: u64,
    expires_at: Timestamp,
    /// Its batch was refused as a whole: next time it goes by itself.
    alone: bool,
    /// It stood on a page.
    shown: bool,
}

/// There is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Full(pub(super) Option<AttemptId>);

/// A number on a page is beyond what was given out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NeverShown;

impl Outbox {
    pub(super) fn new(room: usize) -> Self {
        Self {
            entries: BTreeMap::new(),
            last: 0,
            shown: 0,
            flying: HashMap::new(),
            busy: HashMap::new(),
            hasher: RandomState::new(),
            room,
        }
    }

    /// Without room the item is dropped, and the error says who waits for its outcome.
    pub(super) fn put(&mut self, now: Timestamp, outgoing: Outgoing) -> Result<(), Full> {
        if self.entries.len() >= self.room {
            return Err(Full(attempt(&outgoing)));
        }
        let (pair, expires_at) = match &outgoing {
            Outgoing::Message(message) | Outgoing::Revoke(message) => {
                let submission = &message.submission;
                let from = message.from.as_ref().unwrap_or(&submission.from);
                let to = message.to.as_ref().unwrap_or(&submission.to);
                (self.pair(from, to), submission.expires_at.unwrap_or(Timestamp::NEVER))
            }
            Outgoing::Report(report) => {
                (self.pair(&report.submission.from, &report.submission.to), Timestamp::NEVER)
            }
            Outgoing::Signal(signal) => (self.pair(&signal.from, &signal.to), now + SIGNAL_LIFE),
        };
        self.last += 1;
        self.entries.insert(self.last, Entry { outgoing, pair, expires_at, alone: false, shown: false });
        Ok(())
    }

    /// The same both ways, so that an answer stays behind the receipt for what it answers.
    fn pair(&self, a: &Pii<Address>, b: &Pii<Address>) -> u64 {
        let hash = |address: &Pii<Address>| self.hasher.hash_one(address.reveal(For::Decision));
        hash(a).wrapping_add(hash(b))
    }

    /// The next batch to call with; what is in it is under way until [`Self::land`].
    pub(super) fn take(&mut self, events_max: usize, octets_max: usize) -> Vec<(u64, Outgoing)> {
        let mut batch = Vec::new();
        let mut octets = 0;
        let mut held = HashSet::new();
        for (&number, entry) in
            self.entries.iter().filter(|(number, _)| !self.flying.contains_key(number)).take(LOOKED_AT_MAX)
        {
            if batch.len() >= events_max {
                break;
            }
            let size = octets_of(&entry.outgoing);
            let fits = batch.is_empty() || octets + size <= octets_max;
            if held.contains(&entry.pair)
                || self.busy.contains_key(&entry.pair)
                || !fits
                || (entry.alone && !batch.is_empty())
            {
                held.insert(entry.pair);
                continue;
            }
            octets += size;
            batch.push((number, entry.outgoing.clone()));
            if entry.alone {
                break;
            }
        }
        for (number, _) in &batch {
            if let Some(entry) = self.entries.get(number) {
                self.flying.insert(*number, entry.pair);
                *self.busy.entry(entry.pair).or_default() += 1;
            }
        }
        batch
    }

    /// The call with this entry has ended.
    pub(super) fn land(&mut self, number: u64) {
        let Some(pair) = self.flying.remove(&number) else { return };
        if let Some(count) = self.busy.get_mut(&pair) {
            *count -= 1;
            if *count == 0 {
                self.busy.remove(&pair);
            }
        }
    }

    /// It goes by itself next time.
    pub(super) fn set_alone(&mut self, number: u64) {
        if let Some(entry) = self.entries.get_mut(&number) {
            entry.alone = true;
        }
    }

    /// It is settled. `None` when it was before, or when nobody waits for its outcome.
    pub(super) fn settle(&mut self, number: u64) -> Option<AttemptId> {
        attempt(&self.entries.remove(&number)?.outgoing)
    }

    /// Removes everything that is not under way.
    pub(super) fn clear_waiting(&mut self) -> Vec<AttemptId> {
        self.remove(|_| true)
    }

    /// Removes what is past its time and not under way.
    pub(super) fn remove_expired(&mut self, now: Timestamp) -> Vec<AttemptId> {
        self.remove(|entry| entry.expires_at <= now)
    }

    fn remove(&mut self, which: impl Fn(&Entry) -> bool) -> Vec<AttemptId> {
        let flying = &self.flying;
        let removed =
            self.entries.extract_if(.., |number, entry| !flying.contains_key(number) && which(entry));
        removed.filter_map(|(_, entry)| attempt(&entry.outgoing)).collect()
    }

    /// What a peer that pulls has not seen: at most `events_max` entries after `after`.
    pub(super) fn page(
        &self,
        now: Timestamp,
        after: u64,
        events_max: usize,
        octets_max: usize,
    ) -> Vec<(u64, Outgoing)> {
        let mut page = Vec::new();
        let mut octets = 0;
        for (&number, entry) in self.entries.range(after.saturating_add(1)..) {
            if entry.expires_at <= now {
                continue;
            }
            octets += octets_of(&entry.outgoing);
            if page.len() >= events_max || (octets > octets_max && !page.is_empty()) {
                break;
            }
            page.push((number, entry.outgoing.clone()));
        }
        page
    }

    /// These stood on a page that was given out.
    pub(super) fn show(&mut self, numbers: &[u64]) {
        for number in numbers {
            self.shown = self.shown.max(*number);
            if let Some(entry) = self.entries.get_mut(number) {
                entry.shown = true;
            }
        }
    }

    /// Whether `number` was given out.
    pub(super) const fn was_shown(&self, number: u64) -> Result<(), NeverShown> {
        if number <= self.shown { Ok(()) } else { Err(NeverShown) }
    }

    /// Settles everything up to `number` that stood on a page.
    pub(super) fn settle_up_to(&mut self, number: u64) -> Vec<Outgoing> {
        self.entries.extract_if(..=number, |_, entry| entry.shown).map(|(_, entry)| entry.outgoing).collect()
    }

    /// Settles one message that stood on a page.
    pub(super) fn settle_shown(&mut self, message: MessageId) -> Option<Outgoing> {
        let is_it = |entry: &Entry| {
            entry.shown
                && matches!(&entry.outgoing, Outgoing::Message(outgoing) if outgoing.message == message)
        };
        let number = *self.entries.iter().find(|(_, entry)| is_it(entry))?.0;
        self.entries.remove(&number).map(|entry| entry.outgoing)
    }

    /// The highest number so far.
    pub(super) const fn last(&self) -> u64 {
        self.last
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

/// Whose outcome somebody waits for.
pub(super) const fn attempt(outgoing: &Outgoing) -> Option<AttemptId> {
    outgoing.attempt()
}

fn octets_of(outgoing: &Outgoing) -> usize {
    match outgoing {
        Outgoing::Message(message) => message.submission.content.octets().saturating_mul(2) + ENVELOPE_OCTETS,
        Outgoing::Report(_) | Outgoing::Revoke(_) | Outgoing::Signal(_) => ENVELOPE_OCTETS,
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::tests::{START_S, alone, text},
        *,
    };

    const NOW: Timestamp = Timestamp::from_secs(START_S);
    /// When the tests' messages are past their time.
    const AFTER: Timestamp = Timestamp::from_secs(START_S + 60);

    fn outbox(ids: impl IntoIterator<Item = u32>) -> Outbox {
        let mut outbox = Outbox::new(10);
        for id in ids {
            outbox.put(NOW, alone(id)).unwrap();
        }
        outbox
    }

    fn numbers(batch: &[(u64, Outgoing)]) -> Vec<u64> {
        batch.iter().map(|(number, _)| *number).collect()
    }

    #[test]
    fn what_is_under_way_is_settled_by_its_call_alone() {
        let mut outbox = outbox([1, 2, 3]);
        assert_eq!(numbers(&outbox.take(1, 9_999)), [1]);
        assert_eq!(outbox.remove_expired(NOW), []);
        assert_eq!(outbox.remove_expired(AFTER).len(), 2);
        assert_eq!(outbox.clear_waiting(), []);
        outbox.land(1);
        assert!(outbox.settle(1).is_some());
        assert!(outbox.settle(1).is_none(), "once");
        assert!(outbox.is_empty());
    }

    #[test]
    fn what_expired_before_it_was_shown_is_not_taken_as_arrived() {
        let mut outbox = outbox([1]);
        outbox.put(AFTER, text(2, "114", "u", "x")).unwrap();
        outbox.entries.get_mut(&2).unwrap().expires_at = Timestamp::NEVER;
        let page = outbox.page(AFTER, 0, 10, 9_999);
        assert_eq!(numbers(&page), [2]);
        outbox.show(&numbers(&page));
        assert_eq!(outbox.settle_up_to(2).len(), 1);
        assert_eq!(outbox.remove_expired(AFTER).len(), 1);
    }

    #[test]
    fn a_settled_entry_frees_its_pair_only_when_its_call_has_ended() {
        let mut outbox = Outbox::new(10);
        for id in 1..=2 {
            outbox.put(NOW, text(id, "114", "u", "x")).unwrap();
        }
        assert_eq!(numbers(&outbox.take(1, 9_999)), [1]);
        outbox.settle(1);
        assert!(outbox.take(10, 9_999).is_empty());
        outbox.land(1);
        assert_eq!(numbers(&outbox.take(10, 9_999)), [2]);
    }

    #[test]
    fn an_answer_waits_behind_what_it_answers() {
        let mut outbox = Outbox::new(10);
        let Outgoing::Message(there) = text(1, "114", "u", "x") else { panic!() };
        let mut back = there.clone();
        back.from = Some(there.submission.to.clone());
        back.to = Some(there.submission.from.clone());
        for message in [there, back] {
            outbox.put(NOW, Outgoing::Message(message)).unwrap();
        }
        assert_eq!(outbox.take(1, 9_999).len(), 1);
        assert!(outbox.take(1, 9_999).is_empty());
    }
}
