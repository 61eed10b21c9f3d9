//! Where messages stand that ended long ago: read from the journal.

use std::sync::Arc;

use engine::journal::{Entry, Event};
use kit::Lookup;
use model::{ChannelId, Disposition, MessageId, Number, Pii, Standing};
use store::Store;

pub(crate) struct Journal(pub(crate) Arc<dyn Store>);

impl Lookup for Journal {
    fn standing(
        &self,
        origin: ChannelId,
        message: MessageId,
        from: Option<Pii<Number>>,
    ) -> kit::Standing<'_> {
        Box::pin(async move {
            let entries = match self.0.history(message).await {
                Ok(entries) => entries?,
                Err(error) => {
                    tracing::warn!(%error, "a message could not be looked up");
                    return None;
                }
            };
            standing(origin, message, from.as_ref(), &entries)
        })
    }
}

fn standing(
    origin: ChannelId,
    message: MessageId,
    from: Option<&Pii<Number>>,
    entries: &[Entry],
) -> Option<Standing> {
    let mine = entries.iter().any(|entry| match &entry.event {
        Event::Accepted(accepted) => {
            accepted.submission.origin == origin && from.is_none_or(|from| accepted.is_from(from))
        }
        _ => false,
    });
    if !mine {
        return None;
    }
    let ended = entries.iter().rev().find_map(|entry| match entry.event {
        Event::Final { disposition, cause, .. } => {
            Some(Standing { message, disposition, cause, changed_at: entry.at })
        }
        _ => None,
    });
    let open = || Standing {
        message,
        disposition: Disposition::Accepted,
        cause: None,
        changed_at: message.accepted_at(),
    };
    Some(ended.unwrap_or_else(open))
}

#[cfg(test)]
mod tests {
    use billing::{ChargeAt, Metered, UsageService};
    use engine::journal::{Accepted, Plan};
    use model::{Address, Class, Content, ReceiptsWanted, Submission, Timestamp};

    use super::*;

    const ORIGIN: ChannelId = ChannelId(4);

    fn life(ended: bool) -> (MessageId, Vec<Entry>) {
        let message = MessageId::from_u64(1 << 40).expect("an id");
        let at = Timestamp::from_secs(1_800_000_000);
        let submission = Submission {
            id: None,
            origin: ORIGIN,
            from: Pii::new(Address::Number(Number::written("15881234"))),
            to: Pii::new(Address::Number(Number::written("01012345678"))),
            class: Class::Person,
            receipts: ReceiptsWanted::NONE,
            received_at: at,
            scheduled_at: None,
            expires_at: None,
            reference: None,
            idempotency_key: None,
            carried: bytes::Bytes::new(),
            part: None,
            charging_id: None,
            elsewhere: None,
            content: Content::default(),
        };
        let accepted = Accepted {
            submission: Arc::new(submission),
            plan: Plan { legs: smallvec::SmallVec::new(), from: None, to: None },
            metered: Metered {
                charge_at: ChargeAt::default(),
                service: UsageService::Sms,
                segments: 1,
                octets: 5,
                from: None,
                to: None,
                leg: 0,
                replaces: None,
            },
            expires_at: at,
        };
        let end = Event::Final { disposition: Disposition::Delivered, cause: None, channel: None };
        let accepted = Entry { message, at, event: Event::Accepted(Arc::new(accepted)) };
        let end = Entry { message, at, event: end };
        (message, if ended { vec![accepted, end] } else { vec![accepted] })
    }

    #[test]
    fn only_its_origin_and_its_sender_are_told_where_a_message_stands() {
        let cases = [
            (ORIGIN, None, true),
            (ORIGIN, Some("15881234"), true),
            (ORIGIN, Some("15889999"), false),
            (ChannelId(5), None, false),
            (ChannelId(5), Some("15881234"), false),
        ];
        for (ended, disposition) in [(true, Disposition::Delivered), (false, Disposition::Accepted)] {
            let (message, entries) = life(ended);
            for (origin, from, known) in cases {
                let from = from.map(|digits| Pii::new(Number::written(digits)));
                let told = standing(origin, message, from.as_ref(), &entries).map(|told| told.disposition);
                assert_eq!(told, known.then_some(disposition), "ended: {ended}");
            }
        }
    }
}
