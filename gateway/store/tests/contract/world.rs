//! A small world: messages, and the batches that tell their lives.

use std::sync::Arc;

use billing::{ChargeAt, Meter, Metered, UsageService};
use engine::journal::{Accepted, Batch, Entry, Event, Plan};
use model::{
    Address, ChannelId, Class, Content, Disposition, Elsewhere, MessageId, Msisdn, Number, Pii,
    ReceiptsWanted, Submission, Timestamp, UpstreamId,
};

pub(crate) const ORIGIN: ChannelId = ChannelId(1);
pub(crate) const CHANNEL: ChannelId = ChannelId(2);

/// Noon of a day, and so many seconds.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_secs(1_800_000_000 + seconds)
}

/// The `place`th message accepted in this second.
pub(crate) fn id(seconds: i64, place: u64) -> MessageId {
    MessageId::from_u64(MessageId::first_at(at(seconds)).as_u64() + place).expect("an id")
}

pub(crate) fn text(text: &str) -> Content {
    Content::Text(text.into())
}

pub(crate) fn number(digits: &str) -> Pii<Address> {
    Pii::new(Address::Number(Number::written(digits)))
}

pub(crate) fn accepted(from: &str, to: &str, charge_at: ChargeAt) -> Accepted {
    Accepted {
        submission: Arc::new(Submission {
            id: None,
            origin: ORIGIN,
            from: number(from),
            to: number(to),
            class: Class::Transactional,
            receipts: ReceiptsWanted::FINAL,
            received_at: at(0),
            scheduled_at: None,
            expires_at: None,
            reference: Some("ref".into()),
            idempotency_key: None,
            carried: Default::default(),
            part: None,
            charging_id: None,
            elsewhere: Some(Box::new(Elsewhere { from: number(to), lead: Pii::new("Mina: ".into()) })),
            content: Content::default(),
        }),
        plan: Plan { legs: [CHANNEL, ChannelId(3)].into_iter().collect(), from: None, to: None },
        metered: Metered {
            charge_at,
            service: UsageService::Sms,
            segments: 2,
            octets: 160,
            from: Msisdn::parse(from),
            to: Msisdn::parse("821012345678"),
            leg: 0,
            replaces: None,
        },
        expires_at: at(86_400),
    }
}

/// Builds one batch after the other as the engine would.
pub(crate) struct Story {
    pub(crate) seq: u64,
    pub(crate) batch: Batch,
}

impl Story {
    pub(crate) fn new() -> Self {
        Self::after(0)
    }

    pub(crate) fn after(seq: u64) -> Self {
        Self { seq, batch: Batch { seq: seq + 1, at: at(0), ..Batch::default() } }
    }

    /// Gives the batch and begins the next.
    pub(crate) fn batch(&mut self) -> Arc<Batch> {
        self.seq += 1;
        let next = Batch { seq: self.seq + 1, at: at(i64::try_from(self.seq).unwrap()), ..Batch::default() };
        Arc::new(std::mem::replace(&mut self.batch, next))
    }

    pub(crate) fn says(&mut self, message: MessageId, event: Event) -> &mut Self {
        self.batch.entries.push(Entry { message, at: self.batch.at, event });
        self
    }

    /// Accepts and charges a message.
    pub(crate) fn accepts(&mut self, message: MessageId, from: &str, to: &str, says: &str) -> &mut Self {
        self.accepts_at(message, from, to, says, ChargeAt::Submission)
    }

    pub(crate) fn accepts_at(
        &mut self,
        message: MessageId,
        from: &str,
        to: &str,
        says: &str,
        charge_at: ChargeAt,
    ) -> &mut Self {
        let accepted = accepted(from, to, charge_at);
        self.batch.usage.extend(meter(message, &accepted).accepted(self.batch.at));
        self.batch.contents.push((message, text(says)));
        self.says(message, Event::Accepted(Arc::new(accepted)))
    }

    pub(crate) fn sent(&mut self, birth: u64, message: MessageId) -> &mut Self {
        let parts = [UpstreamId("up-1".into())].into_iter().collect();
        self.touches(birth).says(message, Event::Sent { channel: CHANNEL, parts })
    }

    /// Ends a message that was charged at its acceptance.
    pub(crate) fn ends(&mut self, birth: u64, message: MessageId, disposition: Disposition) -> &mut Self {
        let accepted = accepted("821011112222", "821012345678", ChargeAt::Submission);
        self.batch.usage.extend(meter(message, &accepted).ended(self.batch.at, disposition, None));
        self.touches(birth).says(message, Event::Final { disposition, cause: None, channel: None })
    }

    pub(crate) fn touches(&mut self, birth: u64) -> &mut Self {
        if birth < self.batch.seq && !self.batch.touches.contains(&birth) {
            self.batch.touches.push(birth);
            self.batch.touches.sort_unstable();
        }
        self
    }

    pub(crate) fn erases(&mut self, birth: u64) -> &mut Self {
        self.batch.erase.push(birth);
        self
    }

    pub(crate) fn closes(&mut self, birth: u64) -> &mut Self {
        self.batch.close.push(birth);
        self
    }
}

pub(crate) fn meter(message: MessageId, accepted: &Accepted) -> Meter<'_> {
    accepted.meter(message, CHANNEL)
}
