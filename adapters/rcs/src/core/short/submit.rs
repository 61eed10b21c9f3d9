//! A handset submits (rcs sheet §12.2): 202 at once, RP-ACK or RP-ERROR after the commit, and once for all its repetitions.

use std::sync::Arc;

use model::{Cause, Inbound};
use sip_message::{Request, StatusCode};
use sip_transaction::{Flow, ServerKey};
use smol_str::SmolStr;
use sms::{
    rp::{self, Body},
    tpdu::{Carrier, Direction, FailureCause, Submit, Tpdu},
};

use super::{super::slots::Slots, *};
use crate::{
    core::{
        recent::Recent,
        waiting::{Asker, Waiting},
    },
    translate::{
        charging_id,
        short::{Origin, Repeat, submission_of_submit, submit_report_tpdu},
    },
};

/// A repetition comes within minutes; after that the same reference is another message.
const REPEATED_US: i64 = 600_000_000;
/// One that neither says that it is a repetition nor has the RP-MR of the first comes at once (TR1M), or is a message of
/// a handset that does not count its references.
const UNMARKED_US: i64 = 60_000_000;
/// First copies within one span of time have one key, also across a restart.
const SPAN_US: i64 = 3_600_000_000;

/// Submissions under way, and those that were.
#[derive(Debug, Default)]
pub(super) struct Submissions {
    open: Slots<Submitted>,
    seen: Recent<u128, Again>,
}

/// One that waits for its commit.
#[derive(Debug)]
struct Submitted {
    aim: Aim,
    line: Line,
    /// Of the newest copy.
    reference: u8,
    call_id: SmolStr,
    taken_us: i64,
    repeat: Repeat,
    nth: u32,
}

/// What is known of a submission that may come again.
#[derive(Debug, Clone, Copy)]
pub(super) struct Again {
    content: u64,
    /// RP-MR of the newest copy.
    reference: u8,
    taken_us: i64,
    /// How many others its slot had before it in its span of time.
    nth: u32,
    /// Under way there; `None`: it was taken.
    open: Option<Slot>,
}

impl Core {
    pub(super) fn short_submitted(
        &mut self,
        now_us: i64,
        key: ServerKey,
        flow: Flow,
        request: &Request,
        sender: &Sender,
        (reference, tpdu): (u8, &[u8]),
    ) {
        let full = self.waiting.len() >= self.settings.limits.waiting_max;
        let unwilling = if self.draining { Some(Cause::Draining) } else { full.then_some(Cause::QueueFull) };
        if let Some(cause) = self.closed.or(unwilling) {
            self.counts.refused += 1;
            self.watch.refusing(cause);
            return self.refuse_request(now_us, key, cause);
        }
        self.answer(now_us, key, StatusCode::ACCEPTED);
        let to = To { reference, call_id: request.call_id() };
        let submit = match Tpdu::decode(tpdu, Direction::FromMobile, Carrier::Data) {
            Ok(Tpdu::Submit(submit)) => submit,
            Ok(Tpdu::Command(_)) => {
                let report = self.submit_report(now_us, Some(FailureCause::COMMAND_UNSUPPORTED));
                let body = Body::Error {
                    cause: rp::Cause::FACILITY_NOT_IMPLEMENTED,
                    diagnostic: None,
                    tpdu: report,
                };
                return self.rp_back(now_us, flow, sender, to, body);
            }
            Ok(_) => {
                let cause = rp::Cause::MESSAGE_TYPE_NON_EXISTENT;
                return self.rp_back(
                    now_us,
                    flow,
                    sender,
                    to,
                    Body::Error { cause, diagnostic: None, tpdu: None },
                );
            }
            Err(error) => {
                self.counts.refused += 1;
                let cause = rp::Cause::of_tpdu(error);
                return self.rp_back(
                    now_us,
                    flow,
                    sender,
                    to,
                    Body::Error { cause, diagnostic: None, tpdu: None },
                );
            }
        };
        let repeat = Repeat::of(&sender.line, tpdu, &submit);
        if let Some(again) = self.short_again(now_us, &repeat, reference) {
            self.counts.repeated += 1;
            match again.open {
                // The answer goes to the newest copy.
                Some(slot) => {
                    if let Some(open) = self.shorts.submissions.open.get_mut(slot) {
                        (open.reference, open.call_id) = (reference, SmolStr::new(request.call_id()));
                    }
                }
                None => {
                    let report = self.submit_report(again.taken_us, None);
                    self.rp_back(now_us, flow, sender, to, Body::Ack { tpdu: report });
                }
            }
            return;
        }
        self.short_taken(now_us, flow, request, sender, to, &submit, repeat);
    }

    fn short_again(&self, now_us: i64, repeat: &Repeat, reference: u8) -> Option<Again> {
        let again = self.shorts.submissions.seen.get(&repeat.slot)?;
        let marked = repeat.reject_duplicates || again.reference == reference || again.open.is_some();
        let within_us = if marked { REPEATED_US } else { UNMARKED_US };
        (again.content == repeat.content && now_us - again.taken_us < within_us).then_some(*again)
    }

    /// Which one of its slot this is. The first of a handset that counts its TP-MR is the first in another process, too;
    /// one that does not count says different things in one slot, and all of them are to be told apart.
    fn short_nth(&self, now_us: i64, repeat: &Repeat) -> u32 {
        let before = self.shorts.submissions.seen.get(&repeat.slot);
        let span = |at_us: i64| at_us.div_euclid(SPAN_US);
        match before.filter(|before| span(before.taken_us) == span(now_us)) {
            // It was refused, so nobody else has its key.
            Some(before) if before.content == !repeat.content => before.nth,
            Some(before) => before.nth.wrapping_add(1),
            None => 0,
        }
    }

    #[expect(clippy::too_many_arguments, reason = "a submission has that many sides")]
    fn short_taken(
        &mut self,
        now_us: i64,
        flow: Flow,
        request: &Request,
        sender: &Sender,
        to: To<'_>,
        submit: &Submit,
        repeat: Repeat,
    ) {
        let origin = Origin {
            channel: self.settings.channel,
            from: sender.address(),
            line: &sender.line,
            taken: Self::timestamp(now_us),
            back: Some(sender.back.unwrap_or_else(|| Back::new(flow.transport, flow.remote))),
            call_id: to.call_id,
            charging_id: sender.trusted.then(|| charging_id(&request.headers)).flatten(),
        };
        let nth = self.short_nth(now_us, &repeat);
        let key = repeat.key(nth, now_us.div_euclid(SPAN_US));
        let submission = match submission_of_submit(submit, origin, key) {
            Ok(submission) => submission,
            Err(cause) => {
                self.counts.refused += 1;
                let body = self.short_error(now_us, cause);
                return self.rp_back(now_us, flow, sender, to, body);
            }
        };
        self.counts.submissions += 1;
        let slot = self.shorts.submissions.open.insert(Submitted {
            aim: self.handset(now_us, sender, flow),
            line: sender.line.clone(),
            reference: to.reference,
            call_id: SmolStr::new(to.call_id),
            taken_us: now_us,
            repeat,
            nth,
        });
        let (content, reference) = (repeat.content, to.reference);
        let again = Again { content, reference, taken_us: now_us, nth, open: Some(slot) };
        self.shorts.submissions.seen.insert(repeat.slot, again, self.settings.limits.recallable_max);
        let ticket = self.wait(Waiting::Submission { asker: Asker::Short(slot), recall: 0 });
        self.out.inbound.push(Inbound::Submit { submission: Arc::new(submission), ticket });
    }

    /// The gateway has it, or refuses it: only now the handset is told.
    pub(in crate::core) fn short_answered(&mut self, now_us: i64, slot: Slot, refused: Option<Cause>) {
        let Some(open) = self.shorts.submissions.open.remove(slot) else { return };
        let Submitted { aim, line, reference, call_id, taken_us, repeat, nth } = open;
        // What was refused may be tried again as it is.
        let content = if refused.is_some() { !repeat.content } else { repeat.content };
        let max = self.settings.limits.recallable_max;
        let again = Again { content, reference, taken_us, nth, open: None };
        self.shorts.submissions.seen.insert(repeat.slot, again, max);
        let body = match refused {
            None => Body::Ack { tpdu: self.submit_report(taken_us, None) },
            Some(cause) => self.short_error(taken_us, cause),
        };
        self.rp_answer(now_us, &aim, &line, To { reference, call_id: &call_id }, body);
    }

    fn short_error(&self, taken_us: i64, cause: Cause) -> Body {
        let (said, failure) = cause::refused(cause);
        Body::Error { cause: said, diagnostic: None, tpdu: self.submit_report(taken_us, Some(failure)) }
    }

    fn submit_report(&self, taken_us: i64, failure: Option<FailureCause>) -> Option<Vec<u8>> {
        submit_report_tpdu(taken_us.div_euclid(1_000_000), failure, self.centre())
    }
}
