//! Acceptance: from a submission to a stored, planned and metered message, or to a refusal with its cause.

use std::sync::Arc;

use billing::Metered;
use model::{
    Address, Answer, Cause, ChannelId, ChannelKind, Class, Content, Disposition, For, Msisdn, Number, Pii,
    ReceiptsWanted, Rich, Submission, Ticket, Timestamp,
};
use sha2::{Digest, Sha256};
use smallvec::SmallVec;

use crate::{
    core::Core,
    delivery::State,
    destination::Journey,
    fallback::service,
    gates::{self, Verdict},
    journal::{Accepted, Event, Plan},
    open::{Open, seconds},
    policy::{ChannelPolicy, reads_text, share},
    seen::KeyDigest,
};

/// What acceptance found out before anything is written.
struct Decided {
    plan: Plan,
    from: Option<Msisdn>,
    to: Option<Msisdn>,
    scheduled_at: Option<Timestamp>,
    /// The destination is the gateway itself: the message is an opt-out.
    opt_out: Option<Msisdn>,
}

impl Core {
    pub(crate) fn submit(&mut self, now: Timestamp, submission: Arc<Submission>, ticket: Ticket) {
        match self.accept(now, submission) {
            Ok(answer) => self.answer(ticket, answer),
            Err(cause) => self.refuse(ticket, cause),
        }
    }

    pub(crate) fn accept(
        &mut self,
        now: Timestamp,
        mut submission: Arc<Submission>,
    ) -> Result<Answer, Cause> {
        if self.open.len() >= share(submission.class, self.policy.limits.open_max) {
            return Err(Cause::QueueFull);
        }
        let origin = submission.origin;
        let policy = self.policy.clone();
        let origin_policy = policy.channel(origin).ok_or(Cause::Policy)?;

        let key = submission.idempotency_key.as_deref().map(|key| KeyDigest::of(origin, key));
        let key = key.map(|key| (key, body_digest(&submission)));
        if let Some((key, body)) = key
            && let Some((message, seen)) = self.known.seen.get(key, now)
        {
            self.tally.duplicates += 1;
            return if seen == body { Ok(Answer::Duplicate(message)) } else { Err(Cause::IdReuse) };
        }

        let decided = self.decide(now, &submission, origin_policy)?;
        let expires_at = submission
            .expires_at
            .unwrap_or(now + policy.validity_default)
            .min(decided.scheduled_at.unwrap_or(now).max(now) + policy.validity_max);
        if expires_at <= now || decided.scheduled_at.is_some_and(|at| at >= expires_at) {
            return Err(Cause::Expired);
        }

        let first = decided.plan.legs.first().copied().unwrap_or(origin);
        let first_kind = policy.channel(first).map(|channel| channel.kind);
        let coded = match &submission.content {
            Content::Coded(coded) => Some(coded),
            _ => None,
        };
        // Octets that nobody reads go as they came, each segment for itself.
        let as_it_came =
            first_kind.is_some_and(reads_text) && coded.is_some_and(|coded| !self.reads(first, coded));
        let reads_text = first_kind.is_some_and(reads_text) && !as_it_came;
        let gathers = submission.part.is_some() && reads_text;
        // Segments are joined before they are read.
        let text = coded
            .filter(|_| reads_text && !gathers)
            .map(|coded| Content::Text(self.texts.text(origin, &[coded])));
        if text.as_ref().unwrap_or(&submission.content).octets() > policy.limits.text_octets_max {
            return Err(Cause::TooLong);
        }
        let segments = self.count(first, &self.content_on(first, &submission))?;

        // Nothing can be refused any more: from here on the message exists.
        let id = self.ids.next(now);
        let receipts = if origin_policy.takes_reports { submission.receipts } else { ReceiptsWanted::NONE };
        let metered = Metered {
            charge_at: origin_policy.charge_at,
            service: service(first_kind),
            segments,
            octets: u32::try_from(submission.content.octets()).unwrap_or(u32::MAX),
            from: decided.from,
            to: decided.to,
            leg: 0,
            replaces: None,
        };
        let held = Arc::make_mut(&mut submission);
        held.id = Some(id);
        held.received_at = now;
        held.scheduled_at = decided.scheduled_at;
        if let Some(text) = text {
            held.content = text;
        }
        if as_it_came {
            held.part = None;
        }
        if let Some((key, body)) = key {
            let until = now + policy.idempotency_window;
            self.known.seen.remember(key, id, body, until, policy.limits.idempotency_keys_max);
        }
        let class = submission.class;
        let scheduled_at = decided.scheduled_at;
        let accepted = Arc::new(Accepted { submission, plan: decided.plan, metered, expires_at });
        self.pending.contents.push((id, accepted.submission.content.clone()));
        let birth = self.pending.seq;
        self.record(now, id, birth, Event::Accepted(accepted.clone()));
        self.charge(accepted.meter(id, first).accepted(now));
        let key = self.insert(Open {
            message: id,
            birth,
            hot: Some(accepted.clone()),
            upstream: 0,
            generation: 0,
            deadline: seconds(expires_at),
            attempts: 0,
            lost: 0,
            segments,
            segments_done: 0,
            origin,
            channel: first,
            state: if gathers { State::Gathering } else { State::Waiting },
            leg: 0,
            lane: class.lane(),
            receipts: receipts.into(),
            disposition: Disposition::Accepted,
            cause: None,
            possible_duplicate: false,
            kept: false,
            displayed: false,
            told: false,
            told_displayed: false,
        });
        if accepted.plan.legs.len() > 1 {
            let until = self.by(key.slot, &accepted, seconds(expires_at));
            self.open.set_deadline(key.slot, until);
        }
        if let Some(person) = decided.opt_out {
            self.known.set_consent(person, model::ConsentScope::Business, false, now);
            self.end(now, key.slot, Disposition::Delivered, None);
        } else if gathers {
            self.gather(now, key, &accepted);
        } else if let Some(at) = scheduled_at.filter(|at| *at > now) {
            self.due.push(std::cmp::Reverse((at, key)));
        } else {
            self.enqueue(key);
        }
        Ok(Answer::Accepted(id))
    }

    /// Gates and routing: everything that may refuse.
    fn decide(
        &mut self,
        now: Timestamp,
        submission: &Submission,
        origin: &ChannelPolicy,
    ) -> Result<Decided, Cause> {
        let policy = self.policy.clone();
        let to = submission.to.reveal(For::Decision);
        let from = submission.from.reveal(For::Decision);
        let number_of = |address: &Address| address.number().and_then(|number| policy.numbering.e164(number));
        let (to_e164, from_e164) = (number_of(to), number_of(from));

        if let Address::Number(number) = from {
            pass(gates::sender(origin, number, from_e164))?;
        }
        pass(gates::consent(submission.class, to_e164, &self.known))?;
        let mut scheduled_at = submission.scheduled_at.filter(|at| *at > now);
        if let Some(korea) = &policy.korea {
            if submission.class == Class::Advertising {
                let text = match &submission.content {
                    Content::Text(text) => text.clone(),
                    Content::Rich(rich) => rich.text.clone(),
                    Content::Coded(coded) => self.texts.text(submission.origin, &[coded]),
                };
                pass(gates::advertising_label(korea, submission.class, &text))?;
            }
            match gates::quiet_hours(
                korea,
                submission.class,
                to_e164,
                &self.known,
                scheduled_at.unwrap_or(now),
            ) {
                Verdict::Hold(until) => scheduled_at = Some(until),
                other => pass(other)?,
            }
            if origin.kind == ChannelKind::Smsc
                && let (Address::Number(number), Some(person)) = (to, from_e164)
                && korea.opt_out_numbers.contains(&number.digits)
            {
                let plan = Plan { legs: SmallVec::new(), from: None, to: None };
                return Ok(Decided {
                    plan,
                    from: from_e164,
                    to: to_e164,
                    scheduled_at: None,
                    opt_out: Some(person),
                });
            }
        }

        let coded = match &submission.content {
            Content::Coded(coded) => Some(coded),
            Content::Text(_) | Content::Rich(_) => None,
        };
        let journey = Journey {
            now,
            origin: submission.origin,
            class: submission.class,
            to,
            to_e164,
            from_e164,
            coded,
        };
        let mut plan = self.destination(journey)?;
        let mut shown_from = from_e164;
        if let Address::User(user) = from {
            let reads_users =
                |leg: &ChannelId| policy.channel(*leg).is_some_and(|leg| leg.kind == ChannelKind::Messenger);
            // A phone must see a number; where none is free the plan keeps the legs that need none.
            if !plan.legs.iter().all(reads_users) {
                if let Some(number) = self.number_for(origin, user, to_e164) {
                    shown_from = Some(number);
                    plan.from = Some(Pii::new(Address::Number(Number::international(number))));
                } else {
                    plan.legs.retain(|leg| reads_users(leg));
                }
            }
            if plan.legs.is_empty() {
                return Err(Cause::BadSender);
            }
        }
        if submission.elsewhere.is_some() {
            plan.legs.retain(|leg| self.has_sender_on(*leg, submission, to_e164));
            let first = *plan.legs.first().ok_or(Cause::BadSender)?;
            shown_from = self.lend_on(first, submission, to_e164).or(shown_from);
        }
        Ok(Decided { plan, from: shown_from, to: to_e164, scheduled_at, opt_out: None })
    }
}

fn pass(verdict: Verdict) -> Result<(), Cause> {
    match verdict {
        Verdict::Refuse(cause) => Err(cause),
        Verdict::Pass | Verdict::Hold(_) => Ok(()),
    }
}

/// What must be equal for two submissions with one key to be the same message.
fn body_digest(submission: &Submission) -> [u8; 8] {
    let mut hash = Sha256::new();
    for address in [&submission.from, &submission.to] {
        match address.reveal(For::Decision) {
            Address::Number(number) => {
                hash.update([&[number.ton.0, number.npi.0], number.digits.as_bytes(), &[0]].concat())
            }
            Address::User(user) => {
                hash.update([user.messenger.as_bytes(), &[0], user.id.as_bytes(), &[0]].concat())
            }
        }
    }
    hash.update([submission.class as u8]);
    match &submission.content {
        Content::Text(text) => hash.update(text.as_bytes()),
        Content::Rich(rich) => rich_digest(rich, &mut hash),
        Content::Coded(coded) => {
            hash.update([coded.data_coding, u8::from(coded.udhi)]);
            hash.update(&coded.octets);
        }
    }
    let mut digest = [0; 8];
    digest.copy_from_slice(&hash.finalize()[..8]);
    digest
}

fn rich_digest(rich: &Rich, hash: &mut Sha256) {
    // A content that cannot be written down cannot be journalled either; it never comes here.
    hash.update(postcard::to_allocvec(rich).unwrap_or_default());
}

impl Accepted {
    #[must_use]
    /// The channel the plan starts with; none when the gateway itself was meant.
    pub fn first_leg(&self) -> Option<ChannelId> {
        self.plan.legs.first().copied()
    }
}
