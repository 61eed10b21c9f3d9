//! A small gateway's worth of journal.

use std::{sync::Arc, time::Duration};

use billing::{ChargeAt, Meter, Metered, UsageRecord, UsageService};
use engine::journal::{Accepted, Batch, Entry, Event, Plan};
use model::{
    Address, Cause, ChannelId, ChannelKind, Class, Content, Disposition, MessageId, MessageIds, Number, Pii,
    ReceiptsWanted, Submission, Timestamp, UpstreamId,
};
use monitoring::{BuildInfo, ChannelMetrics, Registry};
use smallvec::{SmallVec, smallvec};

pub(crate) const ESME: ChannelId = ChannelId(1);
pub(crate) const SMSC: ChannelId = ChannelId(2);
const START: Timestamp = Timestamp::from_secs(1_790_000_000);

/// A registry with an ESME and an SMSC.
pub(crate) fn gateway() -> (Arc<Registry>, ChannelMetrics) {
    let registry = Registry::new(BuildInfo { version: "0.1.0", commit: "abcdef" }).expect("a registry");
    registry.channel(ESME, ChannelKind::Esme, "esme-1").expect("a channel");
    let smsc = registry.channel(SMSC, ChannelKind::Smsc, "smsc-1").expect("a channel");
    (registry, smsc)
}

/// The value of one series as scraped; labels in the order of their names.
pub(crate) fn value(registry: &Registry, series: &str) -> f64 {
    let text = registry.render();
    let line =
        text.lines().find_map(|line| line.strip_prefix(series).and_then(|rest| rest.strip_prefix(' ')));
    line.unwrap_or_else(|| panic!("{series} is not there:\n{text}")).parse().expect("a number")
}

pub(crate) fn upstream(parts: usize) -> SmallVec<[UpstreamId; 1]> {
    (0..parts).map(|n| UpstreamId(format!("{n}").into())).collect()
}

/// One message under way.
pub(crate) struct Life {
    id: MessageId,
    batch: Batch,
}

const METERED: Metered = Metered {
    charge_at: ChargeAt::Submission,
    service: UsageService::Sms,
    segments: 3,
    octets: 400,
    from: None,
    to: None,
    leg: 0,
    replaces: None,
};

impl Life {
    pub(crate) fn accepted() -> Self {
        Self::of(MessageIds::default().next(START))
    }

    pub(crate) fn of(id: MessageId) -> Self {
        let at = id.accepted_at();
        let person = |digits| Pii::new(Address::Number(Number::written(digits)));
        let submission = Submission {
            id: Some(id),
            origin: ESME,
            from: person("01000005309"),
            to: person("+821000086753"),
            class: Class::OneTimePassword,
            receipts: ReceiptsWanted::FINAL,
            received_at: at - Duration::from_millis(1),
            scheduled_at: None,
            expires_at: None,
            reference: None,
            idempotency_key: None,
            carried: Default::default(),
            part: None,
            charging_id: None,
            elsewhere: None,
            content: Content::Text("canary text".into()),
        };
        let accepted = Accepted {
            submission: Arc::new(submission),
            plan: Plan { legs: smallvec![SMSC], from: None, to: None },
            metered: METERED,
            expires_at: at + Duration::from_secs(3_600),
        };
        let mut life = Self { id, batch: Batch { seq: 1, at, ..Batch::default() } };
        life.then(Duration::ZERO, Event::Accepted(accepted.into()));
        life.batch.usage.extend(life.meter().accepted(at));
        life
    }

    /// What happened so long after acceptance.
    pub(crate) fn then(&mut self, after: Duration, event: Event) {
        let at = self.id.accepted_at() + after;
        self.batch.entries.push(Entry { message: self.id, at, event });
    }

    /// The end, with the usage record that takes the charge back.
    pub(crate) fn fails(&mut self, disposition: Disposition, cause: Cause) {
        self.then(
            Duration::from_secs(1),
            Event::Final { disposition, cause: Some(cause), channel: Some(SMSC) },
        );
        let record: Option<UsageRecord> = self.meter().ended(self.batch.at, disposition, Some(cause));
        self.batch.usage.extend(record);
    }

    /// What happened since the last batch.
    pub(crate) fn batch(&mut self) -> Batch {
        let next = Batch { seq: self.batch.seq + 1, at: self.batch.at, ..Batch::default() };
        std::mem::replace(&mut self.batch, next)
    }

    fn meter(&self) -> Meter<'static> {
        Meter {
            message: self.id,
            charging_id: None,
            origin: ESME,
            channel: SMSC,
            class: Class::OneTimePassword,
            metered: METERED,
        }
    }
}
