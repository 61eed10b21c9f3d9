//! Requests that wait for the gateway: no positive answer leaves before what they brought is stored (I1).

use model::{Answer, Cause, Ticket};
use sip_message::{HeaderValue, Name, StatusCode};
use sip_transaction::ServerKey;

use super::{Core, slots::Slot, status};

/// A request and what it waits for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Waiting {
    /// A message.
    Submission(ServerKey),
    /// Notifications: answered when the gateway has answered all of them.
    Receipts { key: ServerKey, left: u32, refused: Option<Cause> },
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
        let refusal = match answer {
            Answer::Refused(refusal) => Some(refusal.cause),
            _ => None,
        };
        let Some(waiting) = self.waiting.get_mut(slot) else {
            self.counts.late += 1;
            return;
        };
        let (key, refused) = match waiting {
            Waiting::Submission(key) => (*key, refusal),
            Waiting::Receipts { key, left, refused } => {
                *left = left.saturating_sub(1);
                *refused = refused.or(refusal);
                if *left > 0 {
                    return;
                }
                (*key, *refused)
            }
        };
        let is_submission = matches!(waiting, Waiting::Submission(_));
        self.waiting.remove(slot);
        match refused {
            Some(cause) => self.refuse(now_us, key, cause),
            None if is_submission => {
                let taken =
                    if self.settings.trust.accept_with_200 { StatusCode::OK } else { StatusCode::ACCEPTED };
                self.answer(now_us, key, taken);
            }
            None => self.answer(now_us, key, StatusCode::OK),
        }
    }

    /// Answers a request whose content the gateway does not take.
    pub(super) fn refuse(&mut self, now_us: i64, key: ServerKey, cause: Cause) {
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
