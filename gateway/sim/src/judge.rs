//! Judgement at the moment: what may be committed, leave, arrive or be said now (the book judges batches).

use engine::{
    AnswerLost,
    journal::{Batch, Event as Step, FactKind},
};
use model::{
    Answer, Cause, ChannelId, Class, ConsentScope, Duration, For, MessageId, Outgoing, OutgoingMessage,
    Timestamp,
};

use crate::{
    book::Life,
    links::{Fate, HandOver, Request, Wish},
    policy::{self, RCS},
    violation::{Found, Invariant, ensure},
    world::World,
};

/// The last faults before the quiet may hold up an attempt for so long: a line that is down, a lost answer.
const LATE_MAX: Duration = Duration::from_secs(150);

impl World {
    /// Nobody who refused businesses gets a message accepted after that.
    pub(crate) fn permitted(&self, batch: &Batch) -> Result<(), Found> {
        for entry in &batch.entries {
            let Step::Accepted(accepted) = &entry.event else { continue };
            let (Class::Transactional | Class::Advertising, Some(to)) =
                (accepted.submission.class, accepted.metered.to)
            else {
                continue;
            };
            let mut key = to.as_u64().to_be_bytes().to_vec();
            key.push(1); // business
            let changed = batch.facts.iter().any(|fact| fact.kind == FactKind::Consent && fact.key == key);
            let refused =
                self.store.fact(FactKind::Consent, &key).is_some_and(|fact| fact.value.first() == Some(&0));
            ensure(changed || !refused, Invariant::HandOver, || "accepted for one who has opted out".into())?;
        }
        Ok(())
    }

    /// I5: what came before a change of channel has failed for certain, or the policy's time is over.
    pub(crate) fn failed_for_certain(&mut self, message: MessageId, at: Timestamp) -> Result<(), Found> {
        let index = self.handed.get(&message).and_then(|all| all.last()).copied();
        let Some(life) = self.book.lives.get(&message) else { return Ok(()) };
        let (Some(index), Some(left)) = (index, life.left) else { return Ok(()) };
        let last = &mut self.handovers[index];
        let taken_back = left.revocation == Some(None);
        last.void |= taken_back || left.failed;
        // What an earlier process heard and did not commit, nobody knows.
        if last.process != self.gateway.process || last.channel != left.channel {
            return Ok(());
        }
        let policy = self.policy.channel(last.channel);
        let loses = policy.is_some_and(|policy| policy.answer_lost == AnswerLost::Wait);
        let certain = match last.fate {
            Fate::Refused | Fate::Dead => true,
            Fate::Open | Fate::Sent => false,
            Fate::Lost => !loses,
        };
        let over = life.leg_end(&self.policy, left.channel, left.leg).is_some_and(|end| end <= at);
        let agreed = match left.revocation {
            Some(None) => true,
            Some(Some(cause)) => cause != Cause::TooLate && !loses,
            None => policy.is_some_and(|policy| !policy.revokes) && !(left.unknown && loses),
        };
        let (fate, holds) = (last.fate, certain || left.failed || over && agreed);
        ensure(holds, Invariant::CertainFallback, || {
            format!("the hand-over before it is {fate:?}; {left:?}; its time is over: {over}")
        })
    }

    /// I5 at the end: nobody got a message over RCS and as SMS where it could have been taken back.
    pub(crate) fn delivered_once(&self) -> Result<(), Found> {
        for (message, life) in &self.book.lives {
            let by = |channel: &ChannelId| self.delivered.contains(&(*message, *channel));
            let twice = by(&RCS) && life.accepted.plan.legs.iter().any(|leg| *leg != RCS && by(leg));
            let taken_back =
                life.left.is_some_and(|left| left.revocation == Some(None) && left.channel == RCS);
            // A crash between the revocation and its commit undoes what was known.
            ensure(
                !(twice && taken_back) || life.ever_lost || self.crashes > 0,
                Invariant::CertainFallback,
                || format!("{message} was taken back from RCS and is seen there and elsewhere"),
            )?;
        }
        Ok(())
    }

    /// What the journal calls delivered did arrive.
    pub(crate) fn truly(&self, message: MessageId, channel: Option<ChannelId>) -> Result<(), Found> {
        let Some(life) = self.book.lives.get(&message) else { return Ok(()) };
        let to_us = life.accepted.plan.legs.is_empty();
        // A receipt without a known id is matched by its two numbers, and may then be another message's:
        // one whose answer was lost too, a second one of before a crash, or, segment by segment, that of an
        // earlier attempt. There is no way to tell.
        let attempts = self.handed.get(&message).map_or(0, Vec::len);
        let segments = attempts > 1 && life.receipted.len() > 1;
        let guessed = life.ever_lost
            && life.parts.is_empty()
            && (self.crashes > 0 || segments || self.has_unknown_copy(message, life.channel));
        let there = channel.is_some_and(|channel| self.delivered.contains(&(message, channel)));
        ensure(to_us || guessed || there, Invariant::Truth, || {
            "a message is called delivered that nobody has got there".into()
        })
    }

    /// Committed, valid, permitted, within the room, in words that the channel knows (§ hand-over).
    pub(crate) fn may_leave(&self, channel: ChannelId, outgoing: &Outgoing) -> Result<(), Found> {
        let line = self.line(channel);
        ensure(line.outstanding <= line.room, Invariant::HandOver, || {
            format!("{} unanswered where there is room for {}", line.outstanding, line.room)
        })?;
        match outgoing {
            Outgoing::Message(message) => self.message_may_leave(channel, message),
            Outgoing::Report(report) if report.intermediate => {
                let known = self.book.lives.contains_key(&report.message);
                ensure(known && report.via.is_some(), Invariant::HandOver, || {
                    "a notification of nothing".into()
                })
            }
            Outgoing::Report(report) => {
                let end = self.book.lives.get(&report.message).and_then(|life| life.end);
                ensure(end == Some(report.disposition), Invariant::HandOver, || {
                    format!("a report says {:?}, the journal {end:?}", report.disposition)
                })
            }
            Outgoing::Revoke(message) => {
                let revokes = self.policy.channel(channel).is_some_and(|policy| policy.revokes);
                let handed = self.handed.get(&message.message).is_some_and(|all| !all.is_empty());
                ensure(revokes && handed, Invariant::HandOver, || "taken back from where it is not".into())
            }
            Outgoing::Signal(signal) => {
                let numbers = signal.to.reveal(For::Decision).number().is_some()
                    && signal.from.reveal(For::Decision).number().is_some();
                let fits = if channel == RCS { numbers } else { policy::is_messenger(channel) };
                ensure(fits, Invariant::HandOver, || "a typing mark where nobody knows such marks".into())
            }
        }
    }

    fn message_may_leave(&self, channel: ChannelId, message: &OutgoingMessage) -> Result<(), Found> {
        let Some(life) = self.book.lives.get(&message.message) else {
            return Err((Invariant::HandOver, "handed over before its commit".into()));
        };
        ensure(life.end.is_none(), Invariant::HandOver, || "handed over after its end".into())?;
        ensure(life.content == message.submission.content, Invariant::HandOver, || {
            "handed over with a content that is not the committed one".into()
        })?;
        let late = self.now.since(life.expires_at);
        ensure(late <= Duration::from_secs(1), Invariant::HandOver, || {
            format!("handed over {late:?} after its validity")
        })?;
        let to = message.to.as_ref().unwrap_or(&message.submission.to).reveal(For::Decision);
        let from = message.from.as_ref().unwrap_or(&message.submission.from).reveal(For::Decision);
        let words = policy::is_messenger(channel) || to.number().is_some() && from.number().is_some();
        ensure(words, Invariant::HandOver, || "a messenger's user towards a network of numbers".into())?;
        self.day_or_consent(life)?;
        let early = life.due.is_some_and(|due| due > self.now);
        ensure(!early, Invariant::HandOver, || "an attempt is made before it is due".into())?;
        let last = self.handed.get(&message.message).and_then(|all| all.last());
        let lost = last.is_some_and(|index| self.handovers[*index].fate == Fate::Lost);
        let waits =
            self.policy.channel(channel).is_some_and(|channel| channel.answer_lost == AnswerLost::Wait);
        ensure(!(lost && waits && life.is_unknown()), Invariant::LostIsVisible, || {
            "sent again where a loss is preferred to a duplicate".into()
        })?;
        self.in_time(life)?;
        let earlier = self.handed.get(&message.message).into_iter().flatten();
        let may_have_arrived = earlier
            .map(|index| &self.handovers[*index])
            .any(|handover| handover.fate != Fate::Refused && !handover.void);
        ensure(message.possible_duplicate || !may_have_arrived, Invariant::LostIsVisible, || {
            "an earlier hand-over may have arrived, and this one does not say so".into()
        })
    }

    /// Where nothing goes wrong any more, an attempt is made when it is due.
    pub(crate) fn in_time(&self, life: &Life) -> Result<(), Found> {
        let (Some(due), Some(since)) = (life.due, self.quiet_since) else { return Ok(()) };
        if life.accepted.submission.class == Class::Advertising {
            // It may be due in the night.
            return Ok(());
        }
        let late = self.now.since(due.max(since));
        ensure(late < LATE_MAX, Invariant::HandOver, || format!("an attempt is {late:?} late"))
    }

    /// Advertising by night needs its own consent.
    fn day_or_consent(&self, life: &Life) -> Result<(), Found> {
        let Some(korea) = &self.policy.korea else { return Ok(()) };
        let local = (self.now.secs() + i64::from(korea.utc_offset_secs)).rem_euclid(86_400) / 3_600;
        let night = life.accepted.submission.class == Class::Advertising && !(8..21).contains(&local);
        if !night {
            return Ok(());
        }
        let consent = life.accepted.metered.to.and_then(|to| {
            let mut key = to.as_u64().to_be_bytes().to_vec();
            key.push(3); // night advertising
            self.store.fact(FactKind::Consent, &key)
        });
        // The engine may know of consent before it is committed; people here never give it twice.
        let given = consent.is_some_and(|fact| fact.value.first() == Some(&1));
        let asked = self.people.night_consents > 0 && consent.is_none();
        ensure(given || asked, Invariant::HandOver, || {
            format!("advertising at {local}:00 without {:?}", ConsentScope::NightAdvertising)
        })
    }

    /// I7: of messages that were handed over once and as they were accepted, the other side sees those of
    /// one sender to one recipient in the order of their acceptance. Not held to it are messages that were
    /// refused, lost or repeated (they come again later), rerouted, replaced, scheduled by their sender, or
    /// segments of another message.
    pub(crate) fn in_order(&mut self, index: usize) -> Result<(), Found> {
        let HandOver { channel, message, .. } = self.handovers[index];
        let Some(life) = self.book.lives.get(&message) else { return Ok(()) };
        let submission = &life.accepted.submission;
        // Advertising that waits for the morning keeps its order too, unless night consent comes meanwhile.
        let advertising = submission.class == Class::Advertising && self.people.night_consents == 0;
        let scheduled = submission.scheduled_at.is_some() && !advertising;
        let once = self.handed.get(&message).is_some_and(|all| all.len() == 1);
        if life.displaced || life.ever_lost || scheduled || !once {
            return Ok(());
        }
        let newest = self.order.insert((channel, life.flow()), message);
        ensure(newest.is_none_or(|newest| newest < message), Invariant::Order, || {
            format!("{} sees a message after a younger one between the same two", policy::name(channel))
        })
    }

    /// I1 of what is not a submission: what was said to be done is durable.
    pub(crate) fn stored(&mut self, index: usize, answer: &Answer) -> Result<(), Found> {
        let request = &self.requests[index];
        match &request.wish {
            Wish::Submit(submission) => self.book.keyed(submission, answer),
            Wish::Receipt(_) => {
                let applied = request.about.and_then(|(message, part)| {
                    let life = self.book.lives.get(&message)?;
                    // Where the answer was lost, segments are counted in the order of their receipts.
                    let counted = life.ever_lost && !life.receipted.is_empty();
                    Some(life.end.is_some() || counted || life.receipted.contains(&part) || life.late > 0)
                });
                let owed = *answer == Answer::Taken && request.known && applied == Some(false);
                ensure(!owed, Invariant::AnswerAfterCommit, || {
                    "a receipt is taken and not in the journal".into()
                })
            }
            Wish::Command(command) => self.commanded(command, answer),
        }
    }

    /// The committed journal has the upstream id that this receipt names.
    pub(crate) fn is_known(&self, request: usize, message: MessageId) -> bool {
        let Request { channel, wish: Wish::Receipt(receipt), .. } = &self.requests[request] else {
            return false;
        };
        // Other networks give the same ids.
        let life = self.book.lives.get(&message).filter(|life| life.channel == *channel);
        receipt.state.disposition().is_some()
            && life.is_some_and(|life| receipt.upstream.iter().any(|id| life.parts.contains(id)))
    }
}
