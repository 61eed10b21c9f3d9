//! Requests that wait for the gateway: no positive answer leaves before what they brought is stored (I1).

use model::{Answer, Cause, Ticket};
use sip_message::{HeaderValue, Name, StatusCode};
use sip_msrp::Question;
use sip_transaction::ServerKey;

use super::{Core, revocation::Asked, slots::Slot, status};

/// Who is told what came of a message or a notification, in the words of SIP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asker {
    /// A request: that is its answer.
    Request(ServerKey),
    /// Something said in a session: as far as MSRP has a word for it.
    Message(Question),
    /// An INVITE that a message came with: the session depends on it.
    Invite(Slot),
    /// A short message: RP-ACK or RP-ERROR, in a MESSAGE of its own.
    Short(Slot),
}

/// Somebody and what he waits for.
#[derive(Debug, Clone)]
pub(super) enum Waiting {
    /// A message; what its sender will call it when he wants it back, or zero.
    Submission { asker: Asker, recall: u64 },
    /// One of the things that a group handed in.
    Group { ask: u64 },
    /// A message that its sender wants back.
    Recall(Asked),
    /// Notifications: answered when the gateway has answered all of them.
    Receipts { asker: Asker, left: u32, refused: Option<Cause> },
}

impl Core {
    /// The ticket for something that came with a request.
    pub(super) fn wait(&mut self, waiting: Waiting) -> Ticket {
        let slot = self.waiting.insert(waiting);
        Ticket { session: self.session, token: slot.token() }
    }

    /// The gateway has answered.
    pub(super) fn answered(&mut self, now_us: i64, token: u64, answer: Answer) {
        let slot = Slot::of(token);
        let refusal = match &answer {
            Answer::Refused(refusal) => Some(refusal.cause),
            _ => None,
        };
        if let Some(Waiting::Receipts { left, refused, .. }) = self.waiting.get_mut(slot) {
            *left = left.saturating_sub(1);
            *refused = refused.or(refusal);
            if *left > 0 {
                return;
            }
        }
        let Some(waiting) = self.waiting.remove(slot) else {
            self.counts.late += 1;
            return;
        };
        match (waiting, refusal) {
            (Waiting::Submission { asker, .. }, Some(cause)) => self.refuse(now_us, asker, cause),
            (Waiting::Submission { asker, recall }, None) => {
                let taken =
                    if self.settings.trust.accept_with_200 { StatusCode::OK } else { StatusCode::ACCEPTED };
                self.tell(now_us, asker, taken);
                if let Answer::Accepted(message) = answer {
                    self.revocations.remember(recall, message, self.settings.limits.recallable_max);
                }
            }
            (Waiting::Receipts { asker, refused, .. }, _) => match refused {
                Some(cause) => self.refuse(now_us, asker, cause),
                None => self.tell(now_us, asker, StatusCode::OK),
            },
            (Waiting::Group { ask }, refusal) => self.group_answered(ask, refusal),
            (Waiting::Recall(asked), _) => self.recalled(now_us, &asked, &answer),
        }
    }

    /// Says what came of it.
    pub(super) fn tell(&mut self, now_us: i64, asker: Asker, status: StatusCode) {
        match asker {
            Asker::Request(key) => self.answer(now_us, key, status),
            Asker::Message(question) => self.tell_said(now_us, question, status),
            Asker::Invite(slot) => self.first_message_answered(now_us, slot, status),
            Asker::Short(slot) => self.short_answered(now_us, slot, None),
        }
    }

    /// Says that the content is not taken.
    pub(super) fn refuse(&mut self, now_us: i64, asker: Asker, cause: Cause) {
        match asker {
            Asker::Request(key) => self.refuse_request(now_us, key, cause),
            Asker::Message(question) => self.tell_said(now_us, question, status::refused(cause).status),
            Asker::Invite(slot) => {
                if let Some(key) = self.withdraw(now_us, slot) {
                    self.refuse_request(now_us, key, cause);
                }
            }
            Asker::Short(slot) => self.short_answered(now_us, slot, Some(cause)),
        }
    }

    /// Answers a request whose content the gateway does not take.
    pub(super) fn refuse_request(&mut self, now_us: i64, key: ServerKey, cause: Cause) {
        let refused = status::refused(cause);
        if refused.warning.is_none() && !refused.retry_after {
            return self.answer(now_us, key, refused.status);
        }
        let (retry_after_s, contact) = (self.settings.limits.retry_after_s, self.settings.contact.clone());
        self.respond(now_us, key, refused.status, |response| {
            if let Some(warning) = refused.warning {
                response.headers.push(Name::Warning, format_args!("399 {contact} \"{warning}\""));
            }
            if refused.retry_after {
                response.headers.push(Name::RetryAfter, HeaderValue::from(retry_after_s));
            }
        });
    }
}
