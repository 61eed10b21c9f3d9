//! Requests about messages, identities and channels.

use std::sync::Arc;

use hmac::{Hmac, KeyInit, Mac};
use model::{
    Address, Answer, Cause, ChannelId, ChannelKind, Class, Command, Content, Disposition, For, LinkAnswer,
    MessageId, Number, Pii, ReceiptsWanted, Standing, Submission, Ticket, Timestamp,
};
use sha2::Sha256;
use smol_str::SmolStr;
use subtle::ConstantTimeEq;

use crate::{
    core::Core,
    delivery::{State, Trigger},
    journal::Event,
    knowledge::Challenge,
    open::{Key, seconds},
};

impl Core {
    pub(crate) fn command(&mut self, now: Timestamp, command: Command, ticket: Ticket) {
        if let Some(birth) = self.unread_subject(&command) {
            return self.ask_again(birth, command, ticket);
        }
        let answer = match command {
            Command::Query { origin, message, from } => self.query(origin, message, from.as_ref()),
            Command::Cancel { origin, message } => self.cancel(now, origin, message),
            Command::CancelMatching { origin, from, to } => {
                return self.cancel_matching(now, origin, (from, to), ticket);
            }
            Command::Replace { origin, message, content, scheduled_at, expires_at } => {
                self.replace(now, origin, message, content, scheduled_at, expires_at)
            }
            Command::LinkStart { origin, user, number, link, code } => {
                self.link_start(now, origin, user, &number, link, code)
            }
            Command::LinkVerify { origin, link, code } => self.link_verify(now, origin, link, code),
            Command::Unlink { origin, user } => {
                self.known.unlink(origin, &user).map_or(Err(Cause::NotFound), |_| Ok(Answer::Done))
            }
            Command::Consent { number, scope, granted } => {
                match self.policy.numbering.e164(number.reveal(For::Decision)) {
                    Some(number) => {
                        self.known.set_consent(number, scope, granted, now);
                        Ok(Answer::Done)
                    }
                    None => Err(Cause::BadDestination),
                }
            }
            Command::Pause { channel, paused } => {
                self.known.set_paused(channel, paused);
                self.lanes(channel).paused = paused;
                self.list(channel);
                Ok(Answer::Done)
            }
        };
        match answer {
            Ok(answer) => self.answer(ticket, answer),
            Err(cause) => self.refuse(ticket, cause),
        }
    }

    /// The batch to be read back first: what the command is about is not in memory, and has to be.
    fn unread_subject(&self, command: &Command) -> Option<u64> {
        let (origin, message) = match command {
            Command::Query { origin, message, from: Some(_) }
            | Command::Cancel { origin, message }
            | Command::Replace { origin, message, .. } => (*origin, *message),
            _ => return None,
        };
        let open = self.open.at(self.own(origin, message)?)?;
        // One that is out of reach for a change needs not be read to say so.
        let matters = matches!(open.state, State::Waiting | State::Absent | State::Gathering)
            || matches!(command, Command::Query { .. });
        (open.hot.is_none() && matters).then_some(open.birth)
    }

    /// The slot of an open message of this origin. Others' messages do not exist for it (T60).
    fn own(&self, origin: ChannelId, message: MessageId) -> Option<u32> {
        let key = self.open.find(message)?;
        (self.open.get(key)?.origin == origin).then_some(key.slot)
    }

    fn query(
        &mut self,
        origin: ChannelId,
        message: MessageId,
        from: Option<&Pii<Number>>,
    ) -> Result<Answer, Cause> {
        let Some(slot) = self.own(origin, message) else { return Ok(Answer::NotOpen) };
        let Some(open) = self.open.at(slot) else { return Ok(Answer::NotOpen) };
        if let (Some(from), Some(accepted)) = (from, &open.hot)
            && !accepted.is_from(from)
        {
            // It is here and not theirs: nobody needs to look for it in the store.
            return Err(Cause::NotFound);
        }
        Ok(Answer::Standing(Standing {
            message,
            disposition: open.disposition,
            cause: open.cause,
            changed_at: message.accepted_at(),
        }))
    }

    fn cancel(&mut self, now: Timestamp, origin: ChannelId, message: MessageId) -> Result<Answer, Cause> {
        let Some(slot) = self.own(origin, message) else { return Ok(Answer::NotOpen) };
        match self.open.at(slot).map(|open| open.state) {
            Some(State::Waiting | State::Absent | State::Gathering) => {}
            _ => return Err(Cause::TooLate),
        }
        self.withdraw(now, slot);
        Ok(Answer::Done)
    }

    /// Ends a message that has not left. Call only when it is hot.
    pub(crate) fn withdraw(&mut self, now: Timestamp, slot: u32) {
        if let Some(open) = self.open.at(slot).filter(|open| open.state == State::Waiting) {
            let key = Key { slot, generation: open.generation };
            self.withdrawn.insert(key, self.pending.seq);
        }
        self.end(now, slot, Disposition::Cancelled, Some(Cause::Cancelled));
    }

    fn replace(
        &mut self,
        now: Timestamp,
        origin: ChannelId,
        message: MessageId,
        content: Content,
        scheduled_at: Option<Timestamp>,
        expires_at: Option<Timestamp>,
    ) -> Result<Answer, Cause> {
        let Some(slot) = self.own(origin, message) else { return Ok(Answer::NotOpen) };
        let Some(open) =
            self.open.at(slot).filter(|open| matches!(open.state, State::Waiting | State::Absent))
        else {
            return Err(Cause::TooLate);
        };
        let (birth, channel) = (open.birth, open.channel);
        let Some(accepted) = self.hot(slot) else { return Err(Cause::QueueFull) };
        let segments = self.count(channel, &content)?;
        if segments != accepted.metered.segments {
            // The record of acceptance names the segments; a replacement that costs something else is a new message.
            return Err(Cause::Policy);
        }
        let expires_at = expires_at.unwrap_or(accepted.expires_at).min(now + self.policy.validity_max);
        if expires_at <= now {
            return Err(Cause::Expired);
        }
        let metered = billing::Metered {
            octets: u32::try_from(content.octets()).unwrap_or(u32::MAX),
            ..accepted.metered
        };
        self.pending.contents.push((message, content.clone()));
        self.record(now, message, birth, Event::Replaced { scheduled_at, expires_at, metered });
        let mut replaced = accepted.with_content(content);
        replaced.expires_at = expires_at;
        replaced.metered = metered;
        if let Some(at) = scheduled_at {
            Arc::make_mut(&mut replaced.submission).scheduled_at = Some(at);
        }
        let until = self.by(slot, &replaced, seconds(expires_at));
        self.open.heat(slot, Arc::new(replaced));
        self.fresh.insert(slot, self.pending.seq);
        self.open.set_deadline(slot, until);
        // Without a new time it keeps its place.
        if let Some(at) = scheduled_at.filter(|at| *at > now) {
            self.no_longer_absent(slot);
            self.step(slot, Trigger::Deferred);
            let Some(key) = self.open.renew(slot) else { return Ok(Answer::Done) };
            self.due.push(std::cmp::Reverse((at, key)));
        }
        Ok(Answer::Done)
    }

    /// Sends a code to the number that is to be linked (messengers sheet §11.2).
    fn link_start(
        &mut self,
        now: Timestamp,
        origin: ChannelId,
        user: SmolStr,
        number: &Pii<Number>,
        link: u64,
        code: u32,
    ) -> Result<Answer, Cause> {
        let policy = self.policy.clone();
        let limits = policy.limits;
        if policy.channel(origin).is_none_or(|channel| channel.kind != ChannelKind::Messenger) {
            return Err(Cause::Policy);
        }
        let msisdn = policy.numbering.e164(number.reveal(For::Decision)).ok_or(Cause::BadDestination)?;
        if self.known.challenges_for(msisdn, now) >= usize::from(limits.codes_per_number_max) {
            return Err(Cause::Throttled);
        }
        let expires_at = now + limits.code_validity;
        let text = policy.code_text.replace("{code}", &format!("{:06}", code % 1_000_000));
        let submission = Submission {
            id: None,
            origin,
            from: Pii::new(Address::Number(policy.code_sender.clone())),
            to: Pii::new(Address::Number(Number::international(msisdn))),
            class: Class::OneTimePassword,
            receipts: ReceiptsWanted::NONE,
            received_at: now,
            scheduled_at: None,
            expires_at: Some(expires_at),
            reference: None,
            idempotency_key: None,
            carried: bytes::Bytes::new(),
            part: None,
            charging_id: None,
            elsewhere: None,
            content: Content::Text(text.into()),
        };
        // The plan never leads back to where it came from, so the code is not sent over the channel being linked.
        self.accept(now, Arc::new(submission))?;
        let digest = code_digest(&policy.code_key, link, code);
        self.known.challenge(link, Challenge { origin, user, number: msisdn, digest, tries: 0, expires_at });
        Ok(Answer::Link(LinkAnswer {
            link,
            epoch: None,
            number: Pii::new(Number::international(msisdn)),
            expires_at: Some(expires_at),
        }))
    }

    fn link_verify(
        &mut self,
        now: Timestamp,
        origin: ChannelId,
        link: u64,
        code: u32,
    ) -> Result<Answer, Cause> {
        let Some(challenge) =
            self.known.challenge_of(link).filter(|c| c.origin == origin && c.expires_at > now).cloned()
        else {
            return Err(Cause::WrongCode);
        };
        let digest = code_digest(&self.policy.code_key, link, code);
        if !bool::from(digest.ct_eq(&challenge.digest)) {
            let tries = challenge.tries + 1;
            if tries >= self.policy.limits.code_tries_max {
                self.known.forget_challenge(link);
            } else {
                self.known.challenge(link, Challenge { tries, ..challenge });
            }
            return Err(Cause::WrongCode);
        }
        let epoch = self.known.link(origin, challenge.user, challenge.number);
        // The challenge stays until it expires: the same code verifies the same link again.
        Ok(Answer::Link(LinkAnswer {
            link,
            epoch: Some(epoch),
            number: Pii::new(Number::international(challenge.number)),
            expires_at: None,
        }))
    }
}

fn code_digest(key: &[u8; 32], link: u64, code: u32) -> [u8; 16] {
    let mut digest = [0; 16];
    if let Ok(mut mac) = <Hmac<Sha256> as KeyInit>::new_from_slice(key) {
        mac.update(&link.to_be_bytes());
        mac.update(&(code % 1_000_000).to_be_bytes());
        digest.copy_from_slice(&mac.finalize().into_bytes()[..16]);
    }
    digest
}
