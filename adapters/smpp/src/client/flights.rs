//! Submissions on their way over one link: which sequence number belongs to which part of which message,
//! and what the answers come to.
//!
//! A message of several segments has one outcome, given when no more answers are to come: *sent* when the
//! SMSC took all of them, *refused* when it refused one, else *unknown* when an answer is missing. A refused
//! message may have parts that were taken; when it is sent again the concatenation reference is the same,
//! so a handset puts the repeated parts in the place of the first ones.

use std::collections::{HashMap, VecDeque};

use model::{AttemptId, Cause, Outcome, Outgoing, OutgoingMessage, Refusal, Retry, UpstreamId};
use smallvec::SmallVec;

use crate::{
    CommandStatus,
    retry::{RetryClass, retry_class},
    translate::{Parts, outcome_refusal},
    window::Window,
};

/// Answers that come later than this after their time find nobody.
const LATE_KEPT_US: i64 = 300_000_000;
/// Lost answers remembered on one link.
const LATE_MAX: usize = 10_000;
/// A message that the SMSC throttles for so long goes back to the engine, which may know another way.
const THROTTLED_MAX_US: i64 = 60_000_000;

/// A message of the engine, as this link has it in hand.
#[derive(Debug)]
pub(super) struct Item {
    /// Place among all that this link was handed.
    pub(super) order: u64,
    pub(super) message: OutgoingMessage,
    /// When the SMSC first answered that it was too fast.
    pub(super) throttled_us: Option<i64>,
}

impl Item {
    /// Whether the SMSC has been given long enough to take it.
    pub(super) fn is_stuck(&self, now_us: i64) -> bool {
        self.throttled_us.is_some_and(|since_us| now_us.saturating_sub(since_us) > THROTTLED_MAX_US)
    }
}

/// What waits to be written.
#[derive(Debug)]
pub(super) enum Queued {
    Message(Item),
    /// The rest of a message with several segments.
    Parts {
        order: u64,
        group: u32,
    },
}

impl Queued {
    pub(super) const fn order(&self) -> u64 {
        match self {
            Self::Message(item) => item.order,
            Self::Parts { order, .. } => *order,
        }
    }
}

/// What was written and not answered.
#[derive(Debug)]
pub(super) enum Flight {
    Whole { item: Item, sent_us: i64 },
    Part { group: u32, part: u8, sent_us: i64 },
}

/// A message with several segments.
#[derive(Debug)]
struct Group {
    item: Item,
    parts: Parts,
    /// What each part got; `None` while it is not taken.
    taken: SmallVec<[Option<Option<UpstreamId>>; 4]>,
    /// Parts to write, the last one first.
    to_write: SmallVec<[u8; 4]>,
    /// Of those, how many the rate has been asked for.
    paid: usize,
    in_flight: usize,
    /// Written, and their answers lost.
    lost: usize,
    refused: Option<Refusal>,
    /// The engine has been told that the outcome is unknown.
    told: bool,
    /// A late answer would no longer find it.
    forgotten: bool,
}

/// Whose answer was lost.
#[derive(Debug, Clone, Copy)]
enum Late {
    Whole(AttemptId),
    Part { group: u32, part: u8 },
}

/// What one answer of the SMSC comes to.
#[derive(Debug)]
pub(super) enum Answered {
    /// Nobody had asked, or so long ago that it is forgotten.
    Nobody,
    /// Other parts are still missing.
    Partly,
    Outcome(AttemptId, Outcome),
    /// An outcome after the engine was told that it is unknown.
    Late(AttemptId, Outcome),
    /// The SMSC was too busy: write it again, in its old place.
    Again(Queued),
}

/// See the module.
#[derive(Debug)]
pub(super) struct Flights {
    pub(super) window: Window<Flight>,
    groups: HashMap<u32, Group>,
    next_group: u32,
    late: HashMap<u32, Late>,
    late_until: VecDeque<(i64, u32)>,
    /// The writer waits for room in the window.
    pub(super) starved: bool,
}

impl Flights {
    pub(super) fn new(window: usize, answer_us: i64) -> Self {
        Self {
            window: Window::new(window, answer_us),
            groups: HashMap::new(),
            next_group: 0,
            late: HashMap::new(),
            late_until: VecDeque::new(),
            starved: false,
        }
    }

    /// Begins a message of several parts, for all of which the rate has been asked.
    pub(super) fn gather(&mut self, item: Item, parts: Parts) -> Queued {
        let count = u8::try_from(parts.len()).unwrap_or(u8::MAX);
        let (order, group) = (item.order, self.next_group);
        self.next_group = self.next_group.wrapping_add(1);
        let gathered = Group {
            item,
            taken: (0..count).map(|_| None).collect(),
            to_write: (0..count).rev().collect(),
            paid: usize::from(count),
            parts,
            in_flight: 0,
            lost: 0,
            refused: None,
            told: false,
            forgotten: false,
        };
        self.groups.insert(group, gathered);
        Queued::Parts { order, group }
    }

    /// Whether the rate was asked for the next part of a message; `None` when no part is to be written.
    pub(super) fn next_is_paid(&self, group: u32) -> Option<bool> {
        let group = self.groups.get(&group)?;
        group.to_write.last().map(|_| group.paid > 0)
    }

    /// Takes the next part into the window and lends what is needed to write it.
    pub(super) fn send_part(
        &mut self,
        group: u32,
        now_us: i64,
    ) -> Option<(u32, u8, &Parts, &OutgoingMessage)> {
        let gathered = self.groups.get_mut(&group)?;
        let part = *gathered.to_write.last()?;
        let sequence = self.window.insert(now_us, Flight::Part { group, part, sent_us: now_us }).ok()?;
        gathered.to_write.pop();
        gathered.paid = gathered.paid.saturating_sub(1);
        gathered.in_flight += 1;
        Some((sequence, part, &gathered.parts, &gathered.item.message))
    }

    /// A part could not be written after all, and so the message cannot be sent.
    pub(super) fn part_failed(&mut self, sequence: u32, refusal: Refusal) -> Answered {
        match self.window.complete(sequence) {
            Some(Flight::Part { group, .. }) => {
                if let Some(gathered) = self.groups.get_mut(&group) {
                    gathered.in_flight -= 1;
                    gathered.refuse(refusal);
                }
                self.settle(group)
            }
            Some(Flight::Whole { item, .. }) => {
                Answered::Outcome(item.message.attempt, Outcome::Refused(refusal))
            }
            None => Answered::Nobody,
        }
    }

    /// The SMSC answered. `sent_us` is told for the round trip.
    pub(super) fn answered(
        &mut self,
        sequence: u32,
        status: CommandStatus,
        id: Option<UpstreamId>,
        now_us: i64,
    ) -> (Answered, Option<i64>) {
        let throttled = retry_class(status) == Some(RetryClass::SlowDown);
        match self.window.complete(sequence) {
            Some(Flight::Whole { mut item, sent_us }) => {
                let answered = if throttled && !item.is_stuck(now_us) {
                    item.throttled_us.get_or_insert(now_us);
                    Answered::Again(Queued::Message(item))
                } else {
                    Answered::Outcome(item.message.attempt, outcome(status, id))
                };
                (answered, Some(sent_us))
            }
            Some(Flight::Part { group, part, sent_us }) => {
                let Some(gathered) = self.groups.get_mut(&group) else {
                    return (Answered::Nobody, Some(sent_us));
                };
                gathered.in_flight -= 1;
                if throttled && gathered.refused.is_none() && !gathered.item.is_stuck(now_us) {
                    gathered.item.throttled_us.get_or_insert(now_us);
                    let queued = !gathered.to_write.is_empty();
                    let place = gathered.to_write.partition_point(|&other| other > part);
                    gathered.to_write.insert(place, part);
                    let order = gathered.item.order;
                    let again = if queued {
                        Answered::Partly
                    } else {
                        Answered::Again(Queued::Parts { order, group })
                    };
                    return (again, Some(sent_us));
                }
                gathered.answered(part, status, id);
                (self.settle(group), Some(sent_us))
            }
            None => (self.late(sequence, status, id), None),
        }
    }

    fn late(&mut self, sequence: u32, status: CommandStatus, id: Option<UpstreamId>) -> Answered {
        match self.late.remove(&sequence) {
            Some(Late::Whole(attempt)) => Answered::Late(attempt, outcome(status, id)),
            Some(Late::Part { group, part }) => {
                let Some(gathered) = self.groups.get_mut(&group) else { return Answered::Nobody };
                gathered.lost -= 1;
                gathered.answered(part, status, id);
                self.settle(group)
            }
            None => Answered::Nobody,
        }
    }

    /// Gives up what was not answered in time, and says what that comes to.
    pub(super) fn expire(&mut self, now_us: i64, outcomes: &mut Vec<(AttemptId, Outcome)>) {
        let expired: SmallVec<[(u32, Flight); 8]> = self.window.expire(now_us).collect();
        for (sequence, flight) in expired {
            match flight {
                Flight::Whole { item, .. } => {
                    outcomes.push((item.message.attempt, Outcome::Unknown));
                    self.remember(sequence, Late::Whole(item.message.attempt), now_us);
                }
                Flight::Part { group, part, .. } => {
                    let Some(gathered) = self.groups.get_mut(&group) else { continue };
                    gathered.in_flight -= 1;
                    gathered.lost += 1;
                    self.remember(sequence, Late::Part { group, part }, now_us);
                    if let Answered::Outcome(attempt, outcome) = self.settle(group) {
                        outcomes.push((attempt, outcome));
                    }
                }
            }
        }
        while let Some(&(until_us, sequence)) = self.late_until.front()
            && (until_us <= now_us || self.late_until.len() > LATE_MAX)
        {
            self.late_until.pop_front();
            if let Some(Late::Part { group, .. }) = self.late.remove(&sequence)
                && let Some(gathered) = self.groups.get_mut(&group)
            {
                gathered.forgotten = true;
                if gathered.told {
                    self.groups.remove(&group);
                }
            }
        }
    }

    fn remember(&mut self, sequence: u32, late: Late, now_us: i64) {
        self.late.insert(sequence, late);
        self.late_until.push_back((now_us.saturating_add(LATE_KEPT_US), sequence));
    }

    /// What the answers so far come to.
    fn settle(&mut self, group: u32) -> Answered {
        let Some(gathered) = self.groups.get_mut(&group) else { return Answered::Nobody };
        let attempt = gathered.item.message.attempt;
        if gathered.in_flight > 0 || !gathered.to_write.is_empty() {
            return Answered::Partly;
        }
        let told = gathered.told;
        let outcome = match gathered.refused {
            Some(refusal) => Outcome::Refused(refusal),
            None if gathered.lost > 0 && told => return Answered::Partly,
            None if gathered.lost > 0 => {
                gathered.told = true;
                if gathered.forgotten {
                    self.groups.remove(&group);
                }
                return Answered::Outcome(attempt, Outcome::Unknown);
            }
            // Without the id of one part its receipt cannot be matched, and the message would wait for it.
            None => Outcome::Sent(
                std::mem::take(&mut gathered.taken)
                    .into_iter()
                    .map(Option::flatten)
                    .collect::<Option<_>>()
                    .unwrap_or_default(),
            ),
        };
        self.groups.remove(&group);
        if told { Answered::Late(attempt, outcome) } else { Answered::Outcome(attempt, outcome) }
    }

    /// The link is gone. What may have arrived has an unknown outcome; what certainly did not, or not as a
    /// whole, goes to `unsent` or is refused.
    pub(super) fn end(&mut self, ended: &mut Ended) {
        let flights: Vec<Flight> = self.window.drain().map(|(_, flight)| flight).collect();
        for flight in flights {
            if let Flight::Whole { item, .. } = flight {
                ended.outcomes.push((item.message.attempt, Outcome::Unknown));
            }
        }
        let mut groups: Vec<Group> =
            self.groups.drain().map(|(_, group)| group).filter(|group| !group.told).collect();
        groups.sort_unstable_by_key(|group| group.item.order);
        for group in groups {
            let attempt = group.item.message.attempt;
            if let Some(refusal) = group.refused {
                ended.outcomes.push((attempt, Outcome::Refused(refusal)));
            } else if group.in_flight > 0 || group.lost > 0 {
                ended.outcomes.push((attempt, Outcome::Unknown));
            } else if group.taken.iter().any(Option::is_some) {
                ended.outcomes.push((attempt, Outcome::Refused(link_down())));
            } else {
                ended.unsent.push(Outgoing::Message(group.item.message));
            }
        }
        self.late.clear();
        self.late_until.clear();
    }
}

/// What is left when a link ends.
#[derive(Debug, Default)]
pub(super) struct Ended {
    pub(super) outcomes: Vec<(AttemptId, Outcome)>,
    /// Never written: another link may have it.
    pub(super) unsent: Vec<Outgoing>,
}

/// What certainly was not sent.
pub(super) fn link_down() -> Refusal {
    Refusal { retry: Retry::Scheduled, ..Refusal::ours(Cause::LinkDown) }
}

impl Group {
    fn answered(&mut self, part: u8, status: CommandStatus, id: Option<UpstreamId>) {
        if status.is_ok() {
            if let Some(taken) = self.taken.get_mut(usize::from(part)) {
                *taken = Some(id);
            }
        } else {
            self.refuse(outcome_refusal(status));
        }
    }

    /// The first refusal says why; parts not written yet stay unwritten.
    fn refuse(&mut self, refusal: Refusal) {
        self.refused.get_or_insert(refusal);
        self.to_write.clear();
    }
}

fn outcome(status: CommandStatus, id: Option<UpstreamId>) -> Outcome {
    if status.is_ok() {
        Outcome::Sent(id.into_iter().collect())
    } else {
        Outcome::Refused(outcome_refusal(status))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use model::{
        Address, ChannelId, Class, Content, MessageId, Number, Pii, ReceiptsWanted, Submission, Timestamp,
    };

    use super::*;
    use crate::translate::{LinkText, submit_parts};

    const SECOND_US: i64 = 1_000_000;
    const OK: CommandStatus = CommandStatus::ROK;

    fn item(slot: u32, text: &str) -> Item {
        let submission = Submission {
            id: None,
            origin: ChannelId(1),
            from: Pii::new(Address::Number(Number::written("+821012345678"))),
            to: Pii::new(Address::Number(Number::written("+821087654321"))),
            class: Class::Person,
            receipts: ReceiptsWanted::NONE,
            received_at: Timestamp::ZERO,
            scheduled_at: None,
            expires_at: None,
            reference: None,
            idempotency_key: None,
            carried: Default::default(),
            part: None,
            charging_id: None,
            elsewhere: None,
            content: Content::Text(text.into()),
        };
        let message = OutgoingMessage {
            attempt: AttemptId { slot, generation: 1 },
            message: MessageId::from_u64(1).expect("not zero"),
            submission: Arc::new(submission),
            from: None,
            to: None,
            concat_ref: 1,
            want_receipt: false,
            possible_duplicate: false,
        };
        Item { order: u64::from(slot), message, throttled_us: None }
    }

    /// A message of two parts, `written` of them.
    fn two_parts(flights: &mut Flights, slot: u32, written: usize) -> Vec<u32> {
        let item = item(slot, &"0123456789".repeat(20));
        let parts = submit_parts(&item.message, &LinkText::default()).expect("it fits");
        assert_eq!(parts.len(), 2);
        let Queued::Parts { group, .. } = flights.gather(item, parts) else { panic!("parts") };
        (0..written).map(|_| flights.send_part(group, 0).expect("room in the window").0).collect()
    }

    fn whole(flights: &mut Flights, item: Item) -> u32 {
        flights.window.insert(0, Flight::Whole { item, sent_us: 0 }).expect("room in the window")
    }

    fn id(text: &str) -> Option<UpstreamId> {
        Some(UpstreamId(text.into()))
    }

    #[test]
    fn an_smsc_that_throttles_for_a_minute_has_refused() {
        let mut flights = Flights::new(10, SECOND_US);
        let sequence = whole(&mut flights, item(0, "hi"));
        let throttled = CommandStatus::RTHROTTLED;
        let (Answered::Again(Queued::Message(again)), _) = flights.answered(sequence, throttled, None, 5)
        else {
            panic!("again")
        };
        let sequence = whole(&mut flights, again);
        let (Answered::Again(Queued::Message(again)), _) =
            flights.answered(sequence, throttled, None, 60 * SECOND_US)
        else {
            panic!("and again")
        };
        let sequence = whole(&mut flights, again);
        let answered = flights.answered(sequence, throttled, None, 60 * SECOND_US + 6).0;
        let Answered::Outcome(_, Outcome::Refused(refusal)) = answered else { panic!("{answered:?}") };
        assert_eq!((refusal.cause, refusal.retry), (Cause::Throttled, Retry::Scheduled));
    }

    #[test]
    fn a_link_that_ends_says_of_each_message_what_is_certain() {
        let mut flights = Flights::new(10, SECOND_US);
        whole(&mut flights, item(0, "in flight"));
        two_parts(&mut flights, 1, 0);
        two_parts(&mut flights, 2, 1);
        let taken = two_parts(&mut flights, 3, 1);
        flights.answered(taken[0], OK, id("a"), 0);
        let mut ended = Ended::default();
        flights.end(&mut ended);
        let outcomes: Vec<_> =
            ended.outcomes.iter().map(|(attempt, outcome)| (attempt.slot, outcome)).collect();
        let down = Outcome::Refused(link_down());
        assert_eq!(outcomes, [(0, &Outcome::Unknown), (2, &Outcome::Unknown), (3, &down)]);
        let [Outgoing::Message(unsent)] = ended.unsent.as_slice() else { panic!("one was not written") };
        assert_eq!(unsent.attempt.slot, 1);
    }

    #[test]
    fn lost_answers_are_forgotten_after_a_while_and_nothing_stays() {
        let mut flights = Flights::new(10, SECOND_US);
        let alone = whole(&mut flights, item(0, "hi"));
        let parts = two_parts(&mut flights, 1, 2);
        let mut outcomes = Vec::new();
        flights.expire(SECOND_US, &mut outcomes);
        assert_eq!(outcomes.len(), 2);
        assert!(matches!(flights.answered(parts[0], OK, id("a"), 0).0, Answered::Partly));
        flights.expire(SECOND_US + LATE_KEPT_US, &mut outcomes);
        for sequence in [alone, parts[1]] {
            assert!(matches!(flights.answered(sequence, OK, id("b"), 0).0, Answered::Nobody));
        }
        assert!(flights.late.is_empty() && flights.late_until.is_empty() && flights.groups.is_empty());
        assert_eq!(outcomes.len(), 2, "and nothing is told twice");
    }

    #[test]
    fn a_late_refusal_of_one_part_refuses_the_message() {
        let mut flights = Flights::new(10, SECOND_US);
        let parts = two_parts(&mut flights, 0, 2);
        flights.answered(parts[0], OK, id("a"), 0);
        flights.expire(SECOND_US, &mut Vec::new());
        let answered = flights.answered(parts[1], CommandStatus::RINVDSTADR, None, 0).0;
        assert!(matches!(answered, Answered::Late(_, Outcome::Refused(_))), "{answered:?}");
    }
}
