//! People with RCS: their phones register with the gateway's own RCS network, go away and come back.
//!
//! The network is part of the gateway's process: what is registered is forgotten when that ends, and phones
//! register again in their own time.

use std::collections::{BTreeMap, BTreeSet};

use model::{
    Cause, ChannelId, Duration, For, Inbound, MessageId, Number, Outcome, Outgoing, Pii, Presence, Receipt,
    ReceiptState, Refusal, Retry, UpstreamId,
};
use smallvec::{SmallVec, smallvec};
use smol_str::format_smolstr;

use crate::{
    Sabotage,
    links::{Request, Wish},
    people::{PHONES, phone},
    policy::RCS,
    world::{Event, World},
};

/// Longer than any run, and an hour.
const REGISTERED: [Duration; 2] = [Duration::from_secs(4 * 86_400), Duration::from_secs(3_600)];

#[derive(Debug, Default)]
pub(crate) struct Handsets {
    /// By the number of the phone; those without RCS are not here.
    phones: BTreeMap<u64, Handset>,
    /// What the network took for a phone.
    copies: Vec<Copied>,
    /// A phone shows a message once, however often it gets it.
    shown: BTreeSet<MessageId>,
}

#[derive(Debug, Default)]
struct Handset {
    /// Switched on.
    on: bool,
    /// The network knows.
    registered: bool,
}

#[derive(Debug, Clone)]
struct Copied {
    channel: ChannelId,
    message: MessageId,
    id: UpstreamId,
    /// Taken back before anybody got it.
    revoked: bool,
    got: bool,
}

/// What happens to somebody with RCS.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Moment {
    /// The phone is switched on, or has found out that it must register again.
    Comes {
        phone: u64,
    },
    Goes {
        phone: u64,
    },
    /// The phone gets what its network took for it.
    Gets {
        copy: usize,
    },
    /// Somebody reads it.
    Reads {
        copy: usize,
    },
}

impl World {
    /// Who has RCS, and when they come and go.
    pub(crate) fn plan_handsets(&mut self) {
        let span = u64::try_from(self.scenario.span.as_millis()).unwrap_or(u64::MAX);
        for phone in 0..PHONES {
            let (has, late) = (self.random.chance(self.scenario.rcs), self.random.chance(300));
            let first = self.random.millis(1, if late { span } else { 100 });
            let away: Vec<(Duration, Duration)> = (0..self.random.below(3))
                .map(|_| (self.random.millis(0, span), self.random.millis(1_000, 400_000)))
                .collect();
            if !has {
                continue;
            }
            self.handsets.phones.insert(phone, Handset::default());
            self.after(first, Event::Handset(Moment::Comes { phone }));
            for (goes, stays) in away {
                self.after(goes, Event::Handset(Moment::Goes { phone }));
                self.after(goes + stays, Event::Handset(Moment::Comes { phone }));
            }
        }
    }

    /// In a scripted world: this phone has RCS and comes after so long.
    pub(crate) fn has_rcs(&mut self, phone: u64) {
        self.handsets.phones.insert(phone, Handset::default());
    }

    pub(crate) fn handset(&mut self, moment: Moment) {
        match moment {
            Moment::Comes { phone } => self.comes(phone),
            Moment::Goes { phone } => self.goes(phone),
            Moment::Gets { copy } => self.gets(copy),
            Moment::Reads { copy } => self.send_imdn(copy, ReceiptState::Displayed),
        }
    }

    /// In the end everybody is there.
    pub(crate) fn everybody_comes(&mut self) {
        for phone in 0..PHONES {
            self.comes(phone);
        }
    }

    /// The network is there again and knows nobody; phones find out one by one.
    pub(crate) fn rcs_begins(&mut self) {
        let phones: Vec<u64> =
            self.handsets.phones.iter().filter(|(_, handset)| handset.on).map(|(phone, _)| *phone).collect();
        for phone in phones {
            let late = self.random.millis(10, 60_000);
            self.after(late, Event::Handset(Moment::Comes { phone }));
        }
    }

    pub(crate) fn rcs_ends(&mut self) {
        self.handsets.phones.values_mut().for_each(|handset| handset.registered = false);
    }

    fn comes(&mut self, phone: u64) {
        let up = self.line(RCS).up;
        let Some(handset) = self.handsets.phones.get_mut(&phone) else { return };
        handset.on = true;
        if up {
            handset.registered = true;
            let until = self.now + self.random.pick(&REGISTERED);
            self.says_presence(phone, Presence::Here { until });
        }
    }

    fn goes(&mut self, phone: u64) {
        if self.quiet {
            return;
        }
        let Some(handset) = self.handsets.phones.get_mut(&phone) else { return };
        handset.on = false;
        if std::mem::take(&mut handset.registered) {
            let until = self.now + REGISTERED[0];
            self.says_presence(phone, Presence::Away { until });
        }
    }

    fn says_presence(&mut self, index: u64, presence: Presence) {
        let number = Pii::new(phone(index));
        if self.story.is_told() {
            let what = self.story.presence(&number, presence);
            self.story.says(self.now, "rcs", "gateway", &what);
        }
        let unheard = self.sabotage == Some(Sabotage::PresenceUnheard) && presence.is_here();
        // They are known, or nobody would write to them there.
        if !unheard || self.quiet_since.is_none() && self.random.chance(500) {
            self.take(Inbound::Presence { channel: RCS, number, presence });
        }
    }

    /// The RCS network answers a MESSAGE.
    pub(crate) fn rcs_takes(&mut self, handover: usize) -> (Outcome, Duration) {
        let faults = self.scenario.faults;
        let delay = self.random.millis(2, 40);
        let Outgoing::Message(message) = &self.handovers[handover].outgoing else {
            return (refused(Cause::Malformed, Retry::Never, 400), delay);
        };
        let to = message.to.as_ref().unwrap_or(&message.submission.to);
        let to = to.reveal(For::Signalling).number().and_then(|number| self.policy.numbering.e164(number));
        let message = message.message;
        let found = (0..PHONES).find(|index| self.policy.numbering.e164(&phone(*index)) == to);
        let Some(handset) = found.and_then(|phone| self.handsets.phones.get(&phone)) else {
            return (refused(Cause::UnknownSubscriber, Retry::OtherRoute, 404), delay);
        };
        if !handset.registered {
            return (refused(Cause::Unreachable, Retry::WhenReachable, 480), delay);
        }
        if self.fault(faults.temporary) {
            return (refused(Cause::NetworkFailure, Retry::Scheduled, 503), delay);
        }
        if self.fault(faults.other_route) {
            let (cause, code) =
                self.random.pick(&[(Cause::UnknownSubscriber, 404), (Cause::Unencodable, 415)]);
            return (refused(cause, Retry::OtherRoute, code), delay);
        }
        if self.fault(faults.permanent) {
            return (refused(Cause::NetworkRefused, Retry::Never, 603), delay);
        }
        // Written from our id, so that a receipt finds its message.
        let id = UpstreamId(format_smolstr!("m{message}"));
        let copy = self.handsets.copies.len();
        let copied = Copied { channel: RCS, message, id: id.clone(), revoked: false, got: false };
        self.handsets.copies.push(copied);
        let early = self.fault(faults.receipt_early);
        let slow = self.fault(faults.receipt_late);
        let trip = match (early, slow) {
            (true, _) => self.random.millis(0, 20),
            (_, true) => self.random.millis(1_000, 120_000),
            _ => self.random.millis(60, 3_000),
        };
        self.after(trip + self.trip, Event::Handset(Moment::Gets { copy }));
        (Outcome::Sent(smallvec![id]), delay)
    }

    /// The phone shows a message, and says so, unless its word is lost.
    fn gets(&mut self, copy: usize) {
        let faults = self.scenario.faults;
        let (failed, silent) = (self.fault(faults.undelivered), self.fault(faults.receipt_never));
        let copied = &mut self.handsets.copies[copy];
        if copied.revoked {
            return;
        }
        copied.got = true;
        let message = copied.message;
        if failed {
            self.story.notes(self.now, "rcs", "cannot deliver to the phone");
        } else {
            self.delivered.insert((message, RCS));
            if self.handsets.shown.insert(message) {
                self.story.says(self.now, "rcs", "phone", "delivered");
            }
        }
        // Some phones only say that it was read, when it was.
        let terse = self.fault(100);
        if !silent && (failed || !terse) {
            let state = if failed { ReceiptState::Undeliverable } else { ReceiptState::Delivered };
            self.send_imdn(copy, state);
        }
        let reads = self.random.chance(self.scenario.reads);
        if reads && !failed {
            let later = self.random.millis(1_000, 90_000);
            self.after(later, Event::Handset(Moment::Reads { copy }));
        }
    }

    /// A message of a messenger's server may be read there.
    pub(crate) fn may_be_seen(&mut self, channel: ChannelId, message: MessageId, id: UpstreamId) {
        let reads = self.random.chance(self.scenario.reads);
        let later = self.random.millis(1_000, 90_000);
        if reads {
            let copy = self.handsets.copies.len();
            self.handsets.copies.push(Copied { channel, message, id, revoked: false, got: true });
            self.after(later, Event::Handset(Moment::Reads { copy }));
        }
    }

    /// The network takes a message back, unless the phone has got it.
    pub(crate) fn rcs_revokes(&mut self, handover: usize) -> (Outcome, Duration) {
        let faults = self.scenario.faults;
        let delay = self.random.millis(2, 40);
        let cannot = self.fault(faults.revoke_refused);
        let message = self.handovers[handover].message;
        let mut copies = self.handsets.copies.iter_mut().filter(|copy| copy.message == message).peekable();
        if copies.peek().is_some() && copies.any(|copy| copy.got) {
            return (refused(Cause::TooLate, Retry::Never, 409), delay);
        }
        if cannot {
            return (refused(Cause::NetworkRefused, Retry::Never, 405), delay);
        }
        if self.sabotage == Some(Sabotage::RevocationFeigned) {
            return (Outcome::Sent(SmallVec::new()), delay);
        }
        let all = self.handsets.copies.iter_mut();
        all.filter(|copy| copy.message == message).for_each(|copy| copy.revoked = true);
        (Outcome::Sent(SmallVec::new()), delay)
    }

    fn send_imdn(&mut self, copy: usize, state: ReceiptState) {
        let faults = self.scenario.faults;
        let copied = self.handsets.copies[copy].clone();
        let late = if self.fault(faults.receipt_late) {
            self.random.millis(1_000, 4_000_000)
        } else if state == ReceiptState::Displayed {
            Duration::ZERO
        } else {
            self.random.millis(0, 5) + self.receipts_take
        };
        let receipt =
            Receipt { upstream: smallvec![copied.id.clone()], state, code: None, at: None, about: None };
        let mut request = Request::new(copied.channel, Wish::Receipt(receipt), true);
        request.about = Some((copied.message, 0));
        if self.fault(faults.receipt_twice) {
            let second = self.request(request.clone());
            let again = late + self.random.millis(0, 20_000);
            self.after(again, Event::Ask { request: second });
        }
        let index = self.request(request);
        self.after(late, Event::Ask { request: index });
    }

    /// Phones that can write over RCS now.
    pub(crate) fn registered(&self) -> Vec<Number> {
        let registered = self.handsets.phones.iter().filter(|(_, handset)| handset.registered);
        registered.map(|(index, _)| phone(*index)).collect()
    }
}

const fn refused(cause: Cause, retry: Retry, code: u32) -> Outcome {
    Outcome::Refused(Refusal::theirs(cause, retry, code))
}
