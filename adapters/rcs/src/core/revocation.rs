//! Taking messages back (rcs sheet §16.1). A device is asked by a message, and says by a message what came of it.

use hashbrown::HashMap;
use model::{Answer, AttemptId, Cause, Command, Inbound, MessageId, Outcome, OutgoingMessage, Refusal};
use sip_message::{Request, StatusCode};
use sip_rcs::{Capabilities, Cpim, cpim::Writer, imdn::Requested, mime, revoke};
use sip_transaction::hash::{Hasher, Seed};
use smol_str::SmolStr;

use super::{
    Core,
    alarms::Alarm,
    flights::shown,
    identity::Sender,
    pager::recipient,
    recent::Recent,
    sends::{Heard, Owner},
    slots::{Slot, Slots},
    waiting::{Asker, Waiting},
};
use crate::translate::{Carried, Ends, Form, Letter, Line, MessageName};

/// A device has so long to say what came of it.
const PATIENCE_US: i64 = 10_000_000;

/// A message that is to be taken back.
#[derive(Debug)]
struct Revoking {
    attempt: AttemptId,
    name: SmolStr,
    /// Devices that have not answered the request itself.
    unheard: u8,
    taken: bool,
}

/// Messages that are to be taken back, on either side.
#[derive(Debug)]
pub(super) struct Revocations {
    open: Slots<Revoking>,
    by_name: HashMap<SmolStr, Slot>,
    /// By what their senders call them: see [`recall`].
    recent: Recent<u64, MessageId>,
}

impl Default for Revocations {
    fn default() -> Self {
        Self { open: Slots::new(), by_name: HashMap::new(), recent: Recent::default() }
    }
}

impl Revocations {
    pub(super) fn is_idle(&self) -> bool {
        self.open.len() == 0
    }

    pub(super) fn abandon(&mut self) -> impl Iterator<Item = AttemptId> + use<> {
        self.by_name.clear();
        std::mem::take(&mut self.open).into_things().map(|revoking| revoking.attempt)
    }

    /// A message was accepted, and its sender may want it back by the id that he gave it.
    pub(super) fn remember(&mut self, recall: u64, message: MessageId, max: usize) {
        if recall != 0 {
            self.recent.insert(recall, message, max);
        }
    }

    /// The message that its sender calls so.
    pub(super) fn called(&self, recall: u64) -> Option<MessageId> {
        self.recent.get(&recall).copied()
    }
}

/// What is to be told to whom when the gateway has answered.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    asker: Asker,
    sender: Box<Sender>,
    to: Line,
    message_id: SmolStr,
}

/// Names a message by its sender, its recipient and the sender's id for it; never zero.
pub(super) fn recall(from: &Line, to: &Line, message_id: &str) -> u64 {
    let mut hasher = Hasher::new(Seed(0x7265_6361, 0x6c6c));
    hasher.part(from.as_str().as_bytes());
    hasher.part(to.as_str().as_bytes());
    hasher.part(message_id.as_bytes());
    (hasher.finish() as u64).max(1)
}

impl Core {
    /// A message that was handed over is to disappear.
    pub(super) fn revoke(&mut self, now_us: i64, message: &OutgoingMessage) {
        let attempt = message.attempt;
        let refuse = |cause| Outcome::Refused(Refusal::ours(cause));
        let (from, to) = (
            shown(message.from.as_ref(), &message.submission.from).clone(),
            shown(message.to.as_ref(), &message.submission.to).clone(),
        );
        let Some(number) = to.number() else { return self.outcome(attempt, refuse(Cause::BadDestination)) };
        let line = Line::of(number, &self.settings.numbering);
        if self.revoke_in_group(message, &line) {
            return;
        }
        if let Some(waiting) = self.take_waiting(message.message, &from, &line) {
            // Not even sent: it waits behind another one.
            self.outcome(waiting, refuse(Cause::Cancelled));
            return self.outcome(attempt, Outcome::Sent(Default::default()));
        }
        let aims: Vec<_> = self
            .aims(now_us, &line)
            .into_iter()
            .filter(|aim| aim.form == Form::Cpim && aim.capabilities.contains(Capabilities::REVOCATION))
            .collect();
        let Some(first) = aims.first() else { return self.outcome(attempt, refuse(Cause::Policy)) };
        let name = self.namer.name(message.message, &line);
        let letter = self.revocation_letter(&name, &from, &to, first.spelling, None);
        let carried = Carried::decode(if message.submission.origin == self.settings.channel {
            &message.submission.carried
        } else {
            &[]
        });
        let more = self.conversation(&carried, &from, &to, message.message.as_u64());
        let unheard = u8::try_from(aims.len()).unwrap_or(u8::MAX);
        let slot =
            self.revocations.open.insert(Revoking { attempt, name: name.clone(), unheard, taken: false });
        self.revocations.by_name.insert(name, slot);
        for aim in aims {
            let request = self.compose(&aim, &from, &to, &letter, &more);
            if self.send(now_us, aim.toward, request, Owner::Revocation(slot)).is_err() {
                self.revocation_heard(now_us, slot, &Heard::NotSent);
            }
        }
    }

    fn revocation_letter(
        &mut self,
        message_id: &str,
        from: &model::Address,
        to: &model::Address,
        spelling: crate::translate::Spelling,
        result: Option<bool>,
    ) -> Letter {
        let ends = Ends::of(from, to, &self.settings.domain, spelling);
        let revocation = revoke::Revocation {
            message_id: message_id.into(),
            from: Some(sip_rcs::Private(ends.from.as_str().into())),
            to: Some(sip_rcs::Private(ends.to.as_str().into())),
            result,
        };
        // The document speaks of the message that is taken back; its answer goes the other way.
        let (from, to) = if result.is_some() { (&ends.to, &ends.from) } else { (&ends.from, &ends.to) };
        let mut document = Vec::with_capacity(512);
        self.settings.text.revocation.write(&mut document, &revocation);
        let name = self.draw.text();
        let mut body = Vec::with_capacity(1_024);
        Writer::new(&mut body)
            .from(from)
            .to(to)
            .imdn(&name, Requested::NONE)
            .content(mime::REVOCATION, &document);
        Letter { content_type: mime::CPIM, body: body.into(), application: None }
    }

    /// What came of the request to one device.
    pub(super) fn revocation_heard(&mut self, now_us: i64, slot: Slot, heard: &Heard) {
        let Some(revoking) = self.revocations.open.get_mut(slot) else { return };
        revoking.unheard = revoking.unheard.saturating_sub(1);
        if matches!(heard, Heard::Answer(response) if response.status.code() < 300) && !revoking.taken {
            revoking.taken = true;
            self.alarms.set(now_us + PATIENCE_US, Alarm::Revocation(slot));
        } else if revoking.unheard == 0 && !revoking.taken {
            self.revocation_over(slot, Outcome::Refused(Refusal::ours(Cause::Policy)));
        }
    }

    /// No device has said what came of it.
    pub(super) fn revocation_due(&mut self, slot: Slot) {
        self.revocation_over(slot, Outcome::Refused(Refusal::ours(Cause::AnswerLost)));
    }

    fn revocation_over(&mut self, slot: Slot, outcome: Outcome) {
        if let Some(revoking) = self.revocations.open.remove(slot) {
            self.revocations.by_name.remove(&revoking.name);
            self.outcome(revoking.attempt, outcome);
        }
    }

    /// A device says what came of it, or a sender wants a message back.
    pub(super) fn revocation(
        &mut self,
        now_us: i64,
        asker: Asker,
        sender: &Sender,
        request: &Request,
        cpim: &Cpim,
    ) {
        let read = cpim.decoded().ok();
        let Some(revocation) = read.as_deref().and_then(|document| revoke::read(document).ok()) else {
            return self.tell(now_us, asker, StatusCode::BAD_REQUEST);
        };
        if let Some(taken_back) = revocation.result {
            self.tell(now_us, asker, StatusCode::OK);
            let ours = MessageName::read(&revocation.message_id)
                .is_some_and(|name| sender.trusted || self.namer.is_to(&name, &sender.line));
            let slot = self.revocations.by_name.get(revocation.message_id.as_ref()).copied();
            let Some(slot) = slot.filter(|_| ours) else {
                self.counts.orphans += 1;
                return;
            };
            let outcome = match taken_back {
                true => Outcome::Sent(Default::default()),
                false => Outcome::Refused(Refusal::theirs(Cause::TooLate, model::Retry::Never, 0)),
            };
            return self.revocation_over(slot, outcome);
        }
        let Some(to) = recipient(request, sender) else {
            return self.tell(now_us, asker, StatusCode::NOT_FOUND);
        };
        let to = Line::of(&to, &self.settings.numbering);
        let message_id = SmolStr::new(&revocation.message_id);
        let known = self.revocations.called(recall(&sender.line, &to, &message_id));
        let asked = Asked { asker, sender: Box::new(sender.clone()), to, message_id };
        match known {
            Some(message) => {
                let origin = self.settings.channel;
                let ticket = self.wait(Waiting::Recall(asked));
                self.out
                    .inbound
                    .push(Inbound::Command { command: Command::Cancel { origin, message }, ticket });
            }
            None => self.say_recalled(now_us, &asked, false),
        }
    }

    /// The gateway has said whether the message could still be withdrawn.
    pub(super) fn recalled(&mut self, now_us: i64, asked: &Asked, answer: &Answer) {
        self.say_recalled(now_us, asked, matches!(answer, Answer::Done));
    }

    /// Answers the request, and says in a message what came of it.
    fn say_recalled(&mut self, now_us: i64, asked: &Asked, taken_back: bool) {
        self.tell(now_us, asked.asker, StatusCode::OK);
        let sender = asked.sender.address();
        let to = model::Address::Number(asked.to.number());
        let carried = Carried { back: asked.sender.back, ..Carried::default() };
        let Ok(aims) = self.back_to(now_us, &carried, &asked.sender.line) else { return };
        for aim in aims {
            let letter =
                self.revocation_letter(&asked.message_id, &sender, &to, aim.spelling, Some(taken_back));
            let more = self.conversation(
                &carried,
                &to,
                &sender,
                recall(&asked.sender.line, &asked.to, &asked.message_id),
            );
            let request = self.compose(&aim, &to, &sender, &letter, &more);
            // Whether it arrives changes nothing here.
            let _not_sent = self.send(now_us, aim.toward, request, Owner::Nobody);
        }
    }
}
