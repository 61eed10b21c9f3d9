//! When a record is cut (charging sheet §4.1): at acceptance, or when the end is known.

use model::{Cause, ChannelId, Class, Disposition, MessageId, Msisdn, Timestamp};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::{UsageEvent, UsageKey, UsageOutcome, UsageRecord, UsageService};

/// Which event of a message is the billable one. Agreed per account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
pub enum ChargeAt {
    /// The record is cut with the positive answer; a certain failure cuts a reversal.
    #[default]
    Submission,
    /// The record is cut when the message ends, with its outcome.
    Delivery,
}

/// What a message uses, known from its acceptance on and measured again when another way takes over. Part of
/// the journal, so that metering the end of a message needs nothing but its own history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metered {
    pub charge_at: ChargeAt,
    pub service: UsageService,
    pub segments: u16,
    pub octets: u32,
    pub from: Option<Msisdn>,
    pub to: Option<Msisdn>,
    /// The leg of the plan that this was measured for.
    pub leg: u8,
    /// The leg that was metered before a fallback, and is not charged any more.
    pub replaces: Option<u8>,
}

/// The message being metered.
#[derive(Debug, Clone, Copy)]
pub struct Meter<'a> {
    pub message: MessageId,
    pub origin: ChannelId,
    /// Where it goes, or went last.
    pub channel: ChannelId,
    pub class: Class,
    pub metered: Metered,
    /// The charging id of the network it came from.
    pub charging_id: Option<&'a SmolStr>,
}

impl Meter<'_> {
    /// The record of acceptance, if that is the billable event. After a fallback, the same of the leg that took
    /// over.
    #[must_use]
    pub fn accepted(&self, at: Timestamp) -> Option<UsageRecord> {
        (self.metered.charge_at == ChargeAt::Submission)
            .then(|| self.record(UsageEvent::Submit, at, UsageOutcome::Accepted, None))
    }

    /// Closes what was metered because another leg takes over: it is not charged (charging sheet §4.2).
    #[must_use]
    pub fn replaced(&self, at: Timestamp, because: Cause) -> UsageRecord {
        let event = match self.metered.charge_at {
            ChargeAt::Submission => UsageEvent::Reversal,
            ChargeAt::Delivery => UsageEvent::Deliver,
        };
        self.record(event, at, UsageOutcome::Replaced, Some(because))
    }

    /// The record of the end, if the end is billable or takes an earlier record back. A message that was
    /// never charged because it failed cuts a `deliver` record with its outcome, so that usage and journal
    /// can be compared one to one.
    #[must_use]
    pub fn ended(
        &self,
        at: Timestamp,
        disposition: Disposition,
        cause: Option<Cause>,
    ) -> Option<UsageRecord> {
        let outcome = match disposition {
            Disposition::Delivered => UsageOutcome::Delivered,
            Disposition::HandedOver => UsageOutcome::HandedOver,
            Disposition::Expired => UsageOutcome::Expired,
            Disposition::Cancelled => UsageOutcome::Cancelled,
            Disposition::Undeliverable | Disposition::Rejected => UsageOutcome::Failed,
            Disposition::Lost => UsageOutcome::Unknown,
            Disposition::Accepted | Disposition::Sent | Disposition::Unknown => return None,
        };
        match self.metered.charge_at {
            ChargeAt::Delivery => Some(self.record(UsageEvent::Deliver, at, outcome, cause)),
            // Unknown stays charged: it may well have arrived (charging sheet §4.6).
            ChargeAt::Submission if disposition.is_success() || disposition == Disposition::Lost => None,
            ChargeAt::Submission => Some(self.record(UsageEvent::Reversal, at, outcome, cause)),
        }
    }

    fn record(
        &self,
        event: UsageEvent,
        at: Timestamp,
        outcome: UsageOutcome,
        cause: Option<Cause>,
    ) -> UsageRecord {
        debug_assert!(self.metered.segments >= 1, "a billable event has at least one unit");
        let leg = self.metered.leg;
        UsageRecord {
            key: UsageKey { message: self.message, leg, event },
            at,
            service: self.metered.service,
            outcome,
            origin: self.origin,
            channel: self.channel,
            class: self.class,
            lane: self.class.lane(),
            segments: self.metered.segments,
            octets: self.metered.octets,
            from: self.metered.from,
            to: self.metered.to,
            cause,
            parent: if event == UsageEvent::Reversal { Some(leg) } else { self.metered.replaces },
            charging_id: self.charging_id.cloned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meter(charge_at: ChargeAt) -> Meter<'static> {
        Meter {
            message: MessageId::from_u64(9).expect("an id"),
            charging_id: None,
            origin: ChannelId(1),
            channel: ChannelId(2),
            class: Class::Person,
            metered: Metered {
                charge_at,
                service: UsageService::Sms,
                segments: 2,
                octets: 100,
                from: None,
                to: None,
                leg: 0,
                replaces: None,
            },
        }
    }

    /// The same message after RCS gave way to SMS.
    fn fallen_back(charge_at: ChargeAt) -> (Meter<'static>, Meter<'static>) {
        let sms = meter(charge_at);
        let rcs =
            Meter { metered: Metered { service: UsageService::Rcs, segments: 1, ..sms.metered }, ..sms };
        (rcs, Meter { metered: Metered { leg: 1, replaces: Some(0), ..sms.metered }, ..sms })
    }

    #[test]
    fn charged_at_submission_a_failure_takes_the_record_back() {
        let meter = meter(ChargeAt::Submission);
        let charged = meter.accepted(Timestamp::ZERO).expect("charged");
        assert_eq!((charged.key.event, charged.segments), (UsageEvent::Submit, 2));
        assert_eq!(meter.ended(Timestamp::ZERO, Disposition::Delivered, None), None);
        let reversal =
            meter.ended(Timestamp::ZERO, Disposition::Undeliverable, Some(Cause::UnknownSubscriber));
        assert_eq!(reversal.map(|r| r.key.event), Some(UsageEvent::Reversal));
    }

    #[test]
    fn charged_at_delivery_there_is_one_record_at_the_end() {
        let meter = meter(ChargeAt::Delivery);
        assert_eq!(meter.accepted(Timestamp::ZERO), None);
        let record = meter.ended(Timestamp::ZERO, Disposition::Delivered, None).expect("a record");
        assert_eq!((record.key.event, record.outcome), (UsageEvent::Deliver, UsageOutcome::Delivered));
    }

    #[test]
    fn a_fallback_is_charged_once_and_names_what_it_replaced() {
        let (rcs, sms) = fallen_back(ChargeAt::Submission);
        let first = rcs.accepted(Timestamp::ZERO).expect("charged");
        let closed = rcs.replaced(Timestamp::ZERO, Cause::Unreachable);
        assert_eq!((closed.key.event, closed.outcome), (UsageEvent::Reversal, UsageOutcome::Replaced));
        assert_eq!(closed.parent(), Some(first.key));
        let second = sms.accepted(Timestamp::ZERO).expect("charged");
        assert_eq!((second.service, second.segments), (UsageService::Sms, 2));
        assert_eq!(second.parent(), Some(first.key));
        let failed = sms.ended(Timestamp::ZERO, Disposition::Expired, None).expect("taken back");
        assert_eq!(failed.parent(), Some(second.key));
        let keys = [first.key, closed.key, second.key, failed.key];
        assert_eq!(keys.iter().collect::<std::collections::HashSet<_>>().len(), 4);
    }

    #[test]
    fn charged_at_delivery_a_fallback_leaves_a_record_of_each_leg() {
        let (rcs, sms) = fallen_back(ChargeAt::Delivery);
        let closed = rcs.replaced(Timestamp::ZERO, Cause::Unreachable);
        assert_eq!((closed.key.event, closed.outcome), (UsageEvent::Deliver, UsageOutcome::Replaced));
        assert_eq!(closed.parent(), None);
        let delivered = sms.ended(Timestamp::ZERO, Disposition::Delivered, None).expect("charged");
        assert_eq!(delivered.parent(), Some(closed.key));
    }

    #[test]
    fn nothing_is_cut_while_the_message_is_under_way() {
        for disposition in [Disposition::Accepted, Disposition::Sent, Disposition::Unknown] {
            assert_eq!(meter(ChargeAt::Delivery).ended(Timestamp::ZERO, disposition, None), None);
        }
    }
}
