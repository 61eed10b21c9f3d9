//! How values of the trade stand in columns: small numbers that never change their meaning.

use billing::{UsageEvent, UsageKey, UsageOutcome, UsageRecord, UsageService};
use engine::journal::FactKind;
use model::{Cause, ChannelId, ChannelKind, Class, Lane, MessageId, Msisdn, Timestamp};

use crate::{Rating, StoreError, UsageRow};

/// Signed, as databases count. Nothing of ours comes near the end.
pub(crate) fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

pub(crate) fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

pub(crate) fn message(value: i64) -> Option<MessageId> {
    u64::try_from(value).ok().and_then(MessageId::from_u64)
}

pub(crate) const fn class(class: Class) -> u8 {
    match class {
        Class::Person => 1,
        Class::OneTimePassword => 2,
        Class::Transactional => 3,
        Class::Advertising => 4,
    }
}

const CLASSES: [Class; 4] = [Class::Person, Class::OneTimePassword, Class::Transactional, Class::Advertising];

pub(crate) const fn lane(lane: Lane) -> u8 {
    match lane {
        Lane::Urgent => 1,
        Lane::Person => 2,
        Lane::Bulk => 3,
    }
}

pub(crate) const fn channel_kind(kind: ChannelKind) -> &'static str {
    match kind {
        ChannelKind::Smsc => "smsc",
        ChannelKind::Esme => "esme",
        ChannelKind::Messenger => "messenger",
        ChannelKind::Http => "http",
        ChannelKind::Rcs => "rcs",
    }
}

pub(crate) fn read_channel_kind(text: &str) -> Option<ChannelKind> {
    [ChannelKind::Smsc, ChannelKind::Esme, ChannelKind::Messenger, ChannelKind::Http, ChannelKind::Rcs]
        .into_iter()
        .find(|kind| channel_kind(*kind) == text)
}

pub(crate) fn read_fact_kind(value: i64) -> Option<FactKind> {
    FactKind::ALL.into_iter().find(|kind| i64::from(*kind as u8) == value)
}

/// The columns of a usage row as either database gives them back.
#[derive(Debug, Clone)]
pub(crate) struct UsageColumns {
    pub(crate) sequence: i64,
    pub(crate) batch: i64,
    pub(crate) rating: i64,
    pub(crate) message: i64,
    pub(crate) leg: i64,
    pub(crate) event: i64,
    pub(crate) at: i64,
    pub(crate) service: i64,
    pub(crate) outcome: i64,
    pub(crate) origin: i64,
    pub(crate) channel: i64,
    pub(crate) class: i64,
    pub(crate) lane: i64,
    pub(crate) segments: i64,
    pub(crate) octets: i64,
    pub(crate) sender: Option<i64>,
    pub(crate) recipient: Option<i64>,
    pub(crate) cause: Option<String>,
    pub(crate) parent: Option<i64>,
    pub(crate) charging_id: Option<String>,
}

impl UsageColumns {
    pub(crate) fn read(self) -> Result<UsageRow, StoreError> {
        let (seq, what) = (unsigned(self.batch), "a usage row cannot be read");
        self.values().ok_or(StoreError::Corrupt { seq, what })
    }

    fn values(self) -> Option<UsageRow> {
        let cause = match self.cause {
            Some(code) => Some(Cause::ALL.iter().copied().find(|cause| cause.code() == code)?),
            None => None,
        };
        let key = UsageKey {
            message: message(self.message)?,
            leg: self.leg.try_into().ok()?,
            event: UsageEvent::ALL.into_iter().find(|event| i64::from(*event as u8) == self.event)?,
        };
        let record = UsageRecord {
            key,
            at: Timestamp::from_micros(self.at),
            service: UsageService::ALL
                .into_iter()
                .find(|service| i64::from(*service as u8) == self.service)?,
            outcome: UsageOutcome::ALL
                .into_iter()
                .find(|outcome| i64::from(*outcome as u8) == self.outcome)?,
            origin: ChannelId(self.origin.try_into().ok()?),
            channel: ChannelId(self.channel.try_into().ok()?),
            class: CLASSES.into_iter().find(|one| i64::from(class(*one)) == self.class)?,
            lane: Lane::ALL.into_iter().find(|one| i64::from(lane(*one)) == self.lane)?,
            segments: self.segments.try_into().ok()?,
            octets: self.octets.try_into().ok()?,
            from: self.sender.map(|number| Msisdn::from_u64(unsigned(number))),
            to: self.recipient.map(|number| Msisdn::from_u64(unsigned(number))),
            cause,
            parent: match self.parent {
                Some(leg) => Some(leg.try_into().ok()?),
                None => None,
            },
            charging_id: self.charging_id.map(Into::into),
        };
        Some(UsageRow {
            sequence: self.sequence.try_into().ok()?,
            batch: self.batch.try_into().ok()?,
            rating: Rating::ALL.into_iter().find(|rating| i64::from(*rating as u8) == self.rating)?,
            record,
        })
    }
}
