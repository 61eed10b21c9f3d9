//! Segments that come one by one and are meant for somebody who reads text: they wait for each other.
//!
//! Each segment is a message of its own, stored and metered when it arrives. When all are there, the last
//! one carries the joined text and the others end as handed over.

use std::sync::Arc;

use hashbrown::HashMap;
use model::{ChannelId, Coded, Content, Disposition, Timestamp};

use crate::{
    core::Core,
    delivery::Trigger,
    dispatch::recipient_digest,
    journal::{Accepted, Event},
    open::Key,
};

/// Which segments belong together (TS 23.040 §9.2.3.24.1).
type Whole = (ChannelId, u64, u64, u16, u8);

#[derive(Debug, Default)]
pub(crate) struct Gathering {
    wholes: HashMap<Whole, (Timestamp, Vec<(u8, Key)>)>,
}

impl Gathering {
    pub(crate) fn len(&self) -> usize {
        self.wholes.len()
    }

    /// When the first of them stops waiting.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        self.wholes.values().map(|(until, _)| *until).min()
    }
}

impl Core {
    /// A segment has come; it may be the last.
    pub(crate) fn gather(&mut self, now: Timestamp, key: Key, accepted: &Arc<Accepted>) {
        let submission = &accepted.submission;
        let Some(part) = submission.part else { return };
        let whole = (
            submission.origin,
            recipient_digest(&submission.from),
            recipient_digest(&submission.to),
            part.reference,
            part.total,
        );
        let limits = self.policy.limits;
        if self.gathering.wholes.len() >= limits.gathering_max && !self.gathering.wholes.contains_key(&whole)
        {
            // No room to wait: the segment goes alone.
            return self.join(now, vec![(part.number, key)]);
        }
        let (_, segments) =
            self.gathering.wholes.entry(whole).or_insert_with(|| (now + limits.gathering, Vec::new()));
        if segments.iter().any(|(number, _)| *number == part.number) {
            // A repetition of a segment ends at once; its first copy is the one that counts.
            return self.end(now, key.slot, Disposition::HandedOver, None);
        }
        segments.push((part.number, key));
        if segments.len() == usize::from(part.total)
            && let Some((_, segments)) = self.gathering.wholes.remove(&whole)
        {
            self.join(now, segments);
        }
    }

    /// What did not become whole in time goes as it is, with a mark where something is missing.
    pub(crate) fn stop_gathering(&mut self, now: Timestamp) {
        if self.gathering.wholes.is_empty() {
            return;
        }
        let mut late: Vec<(Timestamp, Whole)> = self
            .gathering
            .wholes
            .iter()
            .filter(|(_, (until, _))| *until <= now)
            .map(|(whole, (until, _))| (*until, *whole))
            .collect();
        // In the order in which they began, whatever the map's: a run can be replayed.
        late.sort_unstable();
        for (_, whole) in late {
            if let Some((_, segments)) = self.gathering.wholes.remove(&whole) {
                self.join(now, segments);
            }
        }
    }

    fn join(&mut self, now: Timestamp, mut segments: Vec<(u8, Key)>) {
        segments.sort_unstable();
        let there: Vec<(u8, Key, Arc<Accepted>)> = segments
            .into_iter()
            .filter_map(|(number, key)| Some((number, key, self.open.get(key)?.hot.clone()?)))
            .collect();
        // The newest carries the whole: the others end in a batch that is not later than its own.
        let Some((_, leader, accepted)) = there.iter().max_by_key(|(_, _, accepted)| accepted.submission.id)
        else {
            return;
        };
        let (leader, accepted) = (*leader, accepted.clone());
        let total = accepted.submission.part.map_or(1, |part| part.total);
        let content = Content::Text(self.joined_text(total, &there));
        for (_, key, _) in there.iter().filter(|(_, key, _)| *key != leader) {
            self.end(now, key.slot, Disposition::HandedOver, None);
        }
        let Some(open) = self.open.get(leader) else { return };
        let (message, birth) = (open.message, open.birth);
        self.pending.contents.push((message, content.clone()));
        self.record(
            now,
            message,
            birth,
            Event::Joined { parts: u8::try_from(there.len()).unwrap_or(u8::MAX) },
        );
        self.open.heat(leader.slot, Arc::new(accepted.with_content(content)));
        self.fresh.insert(leader.slot, self.pending.seq);
        self.step(leader.slot, Trigger::Complete);
        self.enqueue(leader);
    }

    fn joined_text(&self, total: u8, there: &[(u8, Key, Arc<Accepted>)]) -> Box<str> {
        let Some((_, _, first)) = there.first() else { return Box::default() };
        let origin = first.submission.origin;
        let coded: Vec<&Coded> = there
            .iter()
            .filter_map(|(_, _, accepted)| match &accepted.submission.content {
                Content::Coded(coded) => Some(coded),
                Content::Text(_) | Content::Rich(_) => None,
            })
            .collect();
        if there.len() == usize::from(total) {
            return self.texts.text(origin, &coded);
        }
        let mut text = String::new();
        let mut expected = 1;
        for ((number, _, _), coded) in there.iter().zip(coded) {
            if *number != expected {
                text.push_str("[…]");
            }
            text.push_str(&self.texts.text(origin, &[coded]));
            expected = number.saturating_add(1);
        }
        if expected <= total {
            text.push_str("[…]");
        }
        text.into()
    }
}

impl Accepted {
    /// The same message saying something else.
    pub(crate) fn with_content(&self, content: Content) -> Self {
        let mut submission = (*self.submission).clone();
        submission.content = content;
        Self { submission: Arc::new(submission), ..self.clone() }
    }
}
