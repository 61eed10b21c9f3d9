//! The carrier: SMSCs that take or refuse, phones that get messages, and receipts about them.

use model::{
    Address, Cause, ChannelId, Class, Content, Duration, For, MessageId, Number, Outcome, Outgoing,
    OutgoingMessage, Pii, Receipt, ReceiptState, Refusal, Retry, UpstreamId,
};
use smallvec::{SmallVec, smallvec};
use smol_str::format_smolstr;

use crate::{
    Sabotage,
    book::Life,
    links::{HandOver, Request, Wish},
    people::Act,
    policy, texts,
    world::{Event, Scripted, World},
};

/// What SMSCs took.
#[derive(Debug, Default)]
pub(crate) struct Carrier {
    copies: Vec<Copied>,
    /// Ids given by each SMSC. All count alike: an id means something only together with its channel.
    given: std::collections::BTreeMap<ChannelId, u64>,
}

/// One message as an SMSC took it; a repetition is another copy.
#[derive(Debug, Clone)]
struct Copied {
    smsc: ChannelId,
    message: MessageId,
    ids: SmallVec<[UpstreamId; 1]>,
    from: Number,
    to: Number,
    class: Class,
    /// What a one-time code says.
    code: Option<u32>,
}

impl World {
    /// An SMSC answers a `submit_sm`, or as many as the message has segments.
    pub(crate) fn submit_sm(&mut self, handover: usize, scripted: Scripted) -> (Outcome, Duration) {
        let faults = self.scenario.faults;
        let channel = self.handovers[handover].channel;
        let delay = if self.fault(faults.receipt_early) {
            self.random.millis(50, 800)
        } else {
            self.random.millis(2, 40)
        };
        if self.fault(faults.throttled) || scripted == Scripted::Throttles {
            let after = Retry::After(self.random.millis(500, 5_000));
            return (refused(Cause::Throttled, after, 0x58), delay);
        }
        if self.fault(faults.temporary) {
            let (cause, code) = self.random.pick(&[
                (Cause::Unreachable, 0xfe),
                (Cause::NetworkFailure, 0x08),
                (Cause::QueueFull, 0x14),
            ]);
            return (refused(cause, Retry::Scheduled, code), delay);
        }
        if self.fault(faults.permanent) {
            let (cause, code) =
                self.random.pick(&[(Cause::UnknownSubscriber, 0x0b), (Cause::NetworkRefused, 0x45)]);
            return (refused(cause, Retry::Never, code), delay);
        }
        if self.fault(faults.other_route) {
            return (refused(Cause::NetworkRefused, Retry::OtherRoute, 0x45), delay);
        }
        let Outgoing::Message(message) = &self.handovers[handover].outgoing else {
            return (refused(Cause::Malformed, Retry::Never, 0x03), delay);
        };
        let (Some(from), Some(to)) = between(message) else {
            return (refused(Cause::BadDestination, Retry::Never, 0x0b), delay);
        };
        let submission = &message.submission;
        let (class, content, message) = (submission.class, submission.content.clone(), message.message);
        let code = match (&content, class) {
            (Content::Text(text), Class::OneTimePassword) => text.parse().ok(),
            _ => None,
        };
        let parts = content
            .words()
            .map_or(1, |text| sms::count(text, &texts::PROFILE).map_or(1, |count| u64::from(count.segments)));
        let given = self.carrier.given.entry(channel).or_insert(0x9a3e);
        let ids: SmallVec<[UpstreamId; 1]> =
            (1..=parts).map(|part| UpstreamId(format_smolstr!("{:X}", *given + part))).collect();
        *given += parts;
        let copy = self.carrier.copies.len();
        self.carrier.copies.push(Copied { smsc: channel, message, ids: ids.clone(), from, to, class, code });
        let early = self.fault(faults.receipt_early);
        let trip = if early { self.random.millis(0, 20) } else { self.random.millis(100, 4_000) };
        self.after(trip, Event::Phone { copy });
        (Outcome::Sent(ids), delay)
    }

    /// The phone gets a copy, or not; its network says so.
    pub(crate) fn phone(&mut self, copy: usize) {
        let faults = self.scenario.faults;
        let copied = self.carrier.copies[copy].clone();
        let total = copied.ids.len();
        let mut whole = true;
        let mut states = Vec::with_capacity(total);
        for _ in 0..total {
            let failed = self.fault(faults.undelivered);
            whole &= !failed;
            states.push(if failed {
                self.random.pick(&[
                    ReceiptState::Undeliverable,
                    ReceiptState::Expired,
                    ReceiptState::Rejected,
                    ReceiptState::Unknown,
                ])
            } else {
                ReceiptState::Delivered
            });
        }
        let name = policy::name(copied.smsc);
        if whole && self.sabotage != Some(Sabotage::ReceiptInvented) {
            self.delivered.insert((copied.message, copied.smsc));
            self.story.says(self.now, name, "phone", "delivered");
            self.reads(&copied);
        } else {
            self.story.notes(self.now, name, "cannot deliver to the phone");
        }
        for (part, state) in (0..).zip(states) {
            if !self.fault(faults.receipt_never) {
                self.send_receipt(&copied, part, state);
            }
        }
    }

    /// Another message between the same two was taken there under an id that the gateway was never told.
    pub(crate) fn has_unknown_copy(&self, message: MessageId, channel: ChannelId) -> bool {
        let last = self.handed.get(&message).and_then(|all| all.last());
        let Some(Outgoing::Message(own)) = last.map(|index| &self.handovers[*index].outgoing) else {
            return false;
        };
        let (Some(from), Some(to)) = between(own) else { return false };
        let same = |one: &Number, other: &Number| {
            let e164 = |number| self.policy.numbering.e164(number);
            one.digits == other.digits || e164(one).is_some() && e164(one) == e164(other)
        };
        self.carrier.copies.iter().any(|copy| {
            let life = self.book.lives.get(&copy.message);
            let named = |life: &Life, id: &UpstreamId| {
                let earlier = |known: &(ChannelId, UpstreamId)| known.0 == copy.smsc && known.1 == *id;
                life.parts.contains(id) || life.earlier.iter().any(earlier)
            };
            let told = life.is_some_and(|life| copy.ids.iter().all(|id| named(life, id)));
            let same = same(&copy.from, &from) && same(&copy.to, &to);
            copy.smsc == channel && same && !told && copy.message != message
        })
    }

    fn send_receipt(&mut self, copied: &Copied, part: u8, state: ReceiptState) {
        let faults = self.scenario.faults;
        let late = if self.fault(faults.receipt_late) {
            // Some after the window is over.
            self.random.millis(1_000, 4_000_000)
        } else {
            self.random.millis(0, 5) + self.receipts_take
        };
        let Some(id) = copied.ids.get(usize::from(part)).cloned() else { return };
        let told = self.random.chance(700) || self.scenario.faults == crate::Faults::default();
        let about = told.then(|| Box::new((Pii::new(copied.to.clone()), Pii::new(copied.from.clone()))));
        // Both spellings of an id, where it is not clear which one the SMSC means.
        let upstream = if self.fault(200) {
            smallvec![UpstreamId(format_smolstr!("x{}", id.0)), id]
        } else {
            smallvec![id]
        };
        let receipt = Receipt { upstream, state, code: None, at: None, about };
        let mut request = Request::new(copied.smsc, Wish::Receipt(receipt.clone()), true);
        request.about = Some((copied.message, part));
        if self.fault(faults.enroute) {
            let receipt = Receipt { state: ReceiptState::Enroute, ..receipt };
            let first = self.request(Request { wish: Wish::Receipt(receipt), ..request });
            self.after(late / 2, Event::Ask { request: first });
        }
        if self.fault(faults.receipt_twice) {
            let second = self.request(request.clone());
            let again = late + self.random.millis(0, 20_000);
            self.after(again, Event::Ask { request: second });
        }
        let index = self.request(request);
        self.after(late, Event::Ask { request: index });
    }

    /// The person reads it, and may do something about it.
    fn reads(&mut self, copied: &Copied) {
        if let Some(code) = copied.code {
            return self.types_code(code);
        }
        let answers = self.random.chance(self.scenario.replies);
        if answers && !self.quiet && copied.class == Class::Person {
            let delay = self.random.millis(1_000, 20_000);
            let (phone, to) = (copied.to.clone(), copied.from.clone());
            self.after(delay, Event::Act(Act::PhoneWrites { smsc: copied.smsc, phone, to, text: "ok" }));
        }
    }

    /// ESMEs and messengers take what is for them, or do not.
    pub(crate) fn peer_takes(&mut self, handover: usize) -> (Outcome, Duration) {
        let faults = self.scenario.faults;
        let delay = self.random.millis(2, 40);
        if self.fault(faults.throttled) {
            let after = Retry::After(self.random.millis(500, 5_000));
            return (refused(Cause::Throttled, after, 429), delay);
        }
        if self.fault(faults.temporary) {
            return (refused(Cause::NetworkFailure, Retry::Scheduled, 503), delay);
        }
        let is_report = matches!(self.handovers[handover].outgoing, Outgoing::Report(_));
        if self.fault(faults.other_route) {
            return (refused(Cause::NetworkRefused, Retry::OtherRoute, 404), delay);
        }
        if self.fault(faults.permanent) {
            return (refused(Cause::UnknownSubscriber, Retry::Never, 404), delay);
        }
        if is_report {
            return (Outcome::Sent(SmallVec::new()), delay);
        }
        let HandOver { channel, message, .. } = self.handovers[handover];
        self.delivered.insert((message, channel));
        if !policy::is_messenger(channel) {
            return (Outcome::Sent(SmallVec::new()), delay);
        }
        // Its server may say later that it was seen.
        let id = UpstreamId(format_smolstr!("e{message}"));
        self.may_be_seen(channel, message, id.clone());
        (Outcome::Sent(smallvec![id]), delay)
    }
}

fn between(message: &OutgoingMessage) -> (Option<Number>, Option<Number>) {
    let submission = &message.submission;
    let (from, to) = (message.from.as_ref(), message.to.as_ref());
    (number(from.unwrap_or(&submission.from)), number(to.unwrap_or(&submission.to)))
}

fn number(address: &Pii<Address>) -> Option<Number> {
    address.reveal(For::Signalling).number().cloned()
}

const fn refused(cause: Cause, retry: Retry, code: u32) -> Outcome {
    Outcome::Refused(Refusal::theirs(cause, retry, code))
}
