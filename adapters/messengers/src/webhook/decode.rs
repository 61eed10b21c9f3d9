//! From events to the gateway's words.

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use kit::{HookError, HttpInbound};
use model::{
    Address, Cause, Class, Command, ConsentScope, Content, Pii, Receipt, ReceiptState, ReceiptsWanted,
    Signal, SignalKind, Submission, Timestamp, UpstreamId,
};
use serde::{Deserialize, Serialize};
use smallvec::smallvec;
use smol_str::{SmolStr, format_smolstr};

use super::{
    BATCH_EVENTS_MAX, BATCH_OCTETS_MAX, ID_OCTETS_MAX, ITEMS_MAX, RECIPIENTS_MAX, TEXT_OCTETS_MAX,
    envelope::{Batch, Capped, Event, Fallback, Identified, Party},
    text,
};
use crate::Account;

/// One item of a call, and the sender's id of the event it came from.
#[derive(Debug, Clone)]
pub struct Item {
    pub id: String,
    pub inbound: HttpInbound,
}

/// What an event says beyond the gateway's own words, kept with the message and echoed in its receipts.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Carried<'a> {
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub(super) conv: Option<std::borrow::Cow<'a, str>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub(super) fb: Option<Fallback<'a>>,
}

/// Names that an event may list in `must`: what this profile understands.
const UNDERSTOOD: &[&str] = &[
    "id",
    "kind",
    "conv",
    "from",
    "to",
    "ts",
    "ttl",
    "body",
    "re",
    "want",
    "class",
    "crypto",
    "must",
    "body.text",
    "body.quote",
    "body.ids",
    "re.target",
];

/// Why one event is refused.
struct Refused(Cause, String);

type Read = Result<Vec<HttpInbound>, Refused>;

fn refused<T>(cause: Cause, detail: impl Into<String>) -> Result<T, Refused> {
    Err(Refused(cause, detail.into()))
}

pub(super) fn batch(account: &Account, now: Timestamp, body: &Bytes) -> Result<Vec<Item>, HookError> {
    if body.len() > BATCH_OCTETS_MAX {
        return Err(too_large(format!("a call has at most {BATCH_OCTETS_MAX} octets")));
    }
    let batch: Batch<'_> = serde_json::from_slice(body).map_err(|error| malformed(&error))?;
    if batch.events.over {
        return Err(too_large(format!("a call has at most {BATCH_EVENTS_MAX} events")));
    }
    let mut items = Vec::with_capacity(batch.events.items.len());
    for raw in &batch.events.items {
        let (id, read) = match serde_json::from_str::<Event<'_>>(raw.get()) {
            Ok(event) => (event.id.to_string(), Reader { account, now, event: &event }.read()),
            Err(error) => {
                // The parser's own words would repeat what was sent; only the place is told.
                let detail = format!("the event does not fit at column {}", error.column());
                let id = serde_json::from_str::<Identified<'_>>(raw.get()).map(|event| event.id.to_string());
                (id.unwrap_or_default(), refused(Cause::Malformed, detail))
            }
        };
        let id = bounded(id);
        match read {
            Ok(read) => items.extend(read.into_iter().map(|inbound| Item { id: id.clone(), inbound })),
            Err(Refused(cause, detail)) => {
                items.push(Item { inbound: HttpInbound::Refused { id: id.clone(), cause, detail }, id });
            }
        }
        if items.len() > ITEMS_MAX {
            return Err(too_large(format!(
                "a call has at most {ITEMS_MAX} recipients and receipts together"
            )));
        }
    }
    Ok(items)
}

/// An id that is too long is answered by its beginning.
fn bounded(mut id: String) -> String {
    while id.len() > ID_OCTETS_MAX {
        id.pop();
    }
    id
}

struct Reader<'a> {
    account: &'a Account,
    now: Timestamp,
    event: &'a Event<'a>,
}

impl Reader<'_> {
    fn read(&self) -> Read {
        let id = &self.event.id;
        if id.is_empty() || id.len() > ID_OCTETS_MAX || !id.bytes().all(|octet| octet.is_ascii_graphic()) {
            return refused(
                Cause::Malformed,
                format!("an id has 1 to {ID_OCTETS_MAX} visible ASCII characters"),
            );
        }
        if let Some(unknown) = self.event.must.items.iter().find(|name| !UNDERSTOOD.contains(&name.as_ref()))
        {
            return refused(
                Cause::Unencodable,
                format!("`must` names `{unknown:.32}`, which is not understood here"),
            );
        }
        if self.event.must.over {
            return refused(Cause::Unencodable, "`must` names more than is understood here");
        }
        match self.event.kind.as_ref() {
            "text" => self.text(),
            "delivered" => self.receipts(ReceiptState::Delivered),
            "read" => self.receipts(ReceiptState::Displayed),
            "receipt" => self.state(),
            "typing" => self.typing(),
            "number" => self.number(),
            "consent" => self.consent(),
            _ if self.event.must.items.iter().any(|name| name == "kind") => {
                refused(Cause::Unencodable, "this kind of event is not understood here")
            }
            _ => Ok(vec![self.ignored()]),
        }
    }

    fn text(&self) -> Read {
        #[derive(Deserialize)]
        struct Body<'a> {
            #[serde(borrow)]
            text: std::borrow::Cow<'a, str>,
            #[serde(borrow, default)]
            quote: Option<std::borrow::Cow<'a, str>>,
        }
        let event = self.event;
        if !matches!(event.crypto.as_deref(), None | Some("clear" | "hop")) {
            return refused(Cause::Unencodable, "encrypted content cannot cross into another network");
        }
        let body: Body<'_> = self.body()?;
        let mut said = text::normal(&body.text);
        if said.is_empty() {
            return refused(Cause::Malformed, "a text has at least one character");
        }
        if said.len() > TEXT_OCTETS_MAX {
            return refused(Cause::TooLong, format!("a text has at most {TEXT_OCTETS_MAX} octets"));
        }
        if let Some(quote) = &body.quote {
            said = text::quoted(quote, &said);
        }
        let class = match event.class.as_deref() {
            None | Some("p2p") => Class::Person,
            Some("a2p_info") => Class::Transactional,
            Some("a2p_auth") => Class::OneTimePassword,
            Some("a2p_ad") => Class::Advertising,
            // Guessing here would send an advertisement as a letter.
            Some(_) => return refused(Cause::Malformed, "`class` is p2p, a2p_info, a2p_auth or a2p_ad"),
        };
        let expires_at = match event.ttl {
            Some(0) => return refused(Cause::Expired, Cause::Expired.text()),
            // The peer's clock is for display only, so the time to live begins here.
            Some(seconds) => Some(self.now + Duration::from_secs(seconds)),
            None => None,
        };
        let from = self.sender()?;
        let recipients = self.recipients()?;
        let carried = self.carried()?;
        let id = SmolStr::from(event.id.as_ref());
        let submission = |(index, to)| Submission {
            id: None,
            origin: self.account.channel,
            from: from.clone(),
            to,
            class,
            receipts: self.receipts_wanted(),
            received_at: self.now,
            scheduled_at: None,
            expires_at,
            reference: Some(id.clone()),
            idempotency_key: Some(if index == 0 { id.clone() } else { format_smolstr!("{id}/{index}") }),
            carried: carried.clone(),
            part: None,
            charging_id: None,
            elsewhere: None,
            content: Content::Text(said.as_str().into()),
        };
        Ok(recipients
            .into_iter()
            .enumerate()
            .map(submission)
            .map(Box::new)
            .map(HttpInbound::Submit)
            .collect())
    }

    /// A peer may be given fewer receipts than it wants; that a message failed is always told.
    fn receipts_wanted(&self) -> ReceiptsWanted {
        let wants = |name: &str| self.event.want.items.iter().any(|want| want == name);
        ReceiptsWanted {
            success: wants("delivered") || wants("read"),
            failure: true,
            intermediate: wants("sent"),
            displayed: wants("read"),
        }
    }

    fn carried(&self) -> Result<Bytes, Refused> {
        let event = self.event;
        if event.conv.is_none() && event.fb.is_none() {
            return Ok(Bytes::new());
        }
        let fallback_octets = event.fb.as_ref().and_then(|fb| fb.sms.as_ref()).map_or(0, |sms| sms.len());
        let conversation_octets = event.conv.as_ref().map_or(0, |conv| conv.len());
        if fallback_octets > TEXT_OCTETS_MAX || conversation_octets > ID_OCTETS_MAX * 2 {
            return refused(Cause::TooLong, "`fb` or `conv` is too long");
        }
        #[derive(Serialize)]
        struct Kept<'a> {
            #[serde(skip_serializing_if = "Option::is_none")]
            conv: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            fb: Option<&'a Fallback<'a>>,
        }
        serde_json::to_vec(&Kept { conv: event.conv.as_deref(), fb: event.fb.as_ref() })
            .map(Bytes::from)
            .map_err(|_| Refused(Cause::Internal, Cause::Internal.text().to_owned()))
    }

    /// `delivered` and `read` name the messages they are about. Watermarks (`upto_cs`) would need the state
    /// of a conversation, which this profile does not keep.
    fn receipts(&self, state: ReceiptState) -> Read {
        #[derive(Default, Deserialize)]
        struct Body<'a> {
            #[serde(borrow, default)]
            ids: Capped<std::borrow::Cow<'a, str>, ITEMS_MAX>,
            #[serde(borrow, default)]
            native: Option<std::borrow::Cow<'a, str>>,
        }
        let body: Body<'_> = if self.event.body.is_some() { self.body()? } else { Body::default() };
        let target = self.event.re.as_ref().and_then(|re| re.target.as_deref());
        let ids = body.ids.items.iter().map(AsRef::as_ref);
        let ids: Vec<&str> =
            if body.ids.items.is_empty() { target.into_iter().collect() } else { ids.collect() };
        if body.ids.over {
            return refused(Cause::Malformed, format!("a receipt is about at most {ITEMS_MAX} messages"));
        }
        if ids.is_empty() {
            return refused(Cause::Malformed, "a receipt names its messages in `body.ids` or `re.target`");
        }
        if ids.iter().any(|id| id.is_empty() || id.len() > ID_OCTETS_MAX) {
            return refused(Cause::Malformed, "a message id in the receipt is empty or too long");
        }
        let at = self.event.ts.map(Timestamp::from_millis);
        let code = body.native.filter(|native| native.len() <= ID_OCTETS_MAX).map(SmolStr::from);
        let receipt = |id: &str| {
            HttpInbound::Receipt(Receipt {
                upstream: smallvec![UpstreamId(id.into())],
                state,
                code: code.clone(),
                at,
                about: None,
            })
        };
        Ok(ids.into_iter().map(receipt).collect())
    }

    /// The states of §2.4 that are not watermarks.
    fn state(&self) -> Read {
        #[derive(Deserialize)]
        struct Body<'a> {
            #[serde(borrow)]
            state: std::borrow::Cow<'a, str>,
        }
        let state = match self.body::<Body<'_>>()?.state.as_ref() {
            "accepted" | "queued" | "submitted" | "sent" | "uncertain" => ReceiptState::Enroute,
            "delivered" => ReceiptState::Delivered,
            "read" => ReceiptState::Displayed,
            "handed_over" => ReceiptState::Accepted,
            "expired" => ReceiptState::Expired,
            "recalled" => ReceiptState::Deleted,
            "failed" => ReceiptState::Undeliverable,
            "rejected" => ReceiptState::Rejected,
            "lost" => ReceiptState::Unknown,
            // A later minor version may know more states.
            _ => return Ok(vec![self.ignored()]),
        };
        self.receipts(state)
    }

    fn typing(&self) -> Read {
        #[derive(Deserialize)]
        struct Body {
            #[serde(default = "yes")]
            on: bool,
        }
        const fn yes() -> bool {
            true
        }
        let Body { on } = self.body()?;
        let from = self.sender()?;
        let signal =
            |to| HttpInbound::Signal(Signal { from: from.clone(), to, kind: SignalKind::Typing { on } });
        Ok(self.recipients()?.into_iter().map(signal).collect())
    }

    /// What happens to a number. A link is never made by claiming it: that takes a code over SMS.
    fn number(&self) -> Read {
        #[derive(Deserialize)]
        struct Body<'a> {
            #[serde(borrow)]
            event: std::borrow::Cow<'a, str>,
            #[serde(borrow, default)]
            usr: Option<std::borrow::Cow<'a, str>>,
        }
        let body: Body<'_> = self.body()?;
        match body.event.as_ref() {
            "unlinked" | "recycled" => {
                let named = Party { usr: body.usr, ..Party::default() };
                let user = named
                    .sender(&self.account.name)
                    .or_else(|| self.event.from.as_ref().and_then(|from| from.sender(&self.account.name)));
                let Some(Address::User(user)) = user.filter(|user| self.owns(user)) else {
                    return refused(
                        Cause::BadSender,
                        "`body.usr` or `from.usr` names the user who is unlinked",
                    );
                };
                Ok(vec![HttpInbound::Command(Command::Unlink {
                    origin: self.account.channel,
                    user: user.id,
                })])
            }
            "linked" => refused(Cause::Policy, "a number is linked by a code: POST links, then verify"),
            _ => Ok(vec![self.ignored()]),
        }
    }

    fn consent(&self) -> Read {
        #[derive(Deserialize)]
        struct Body<'a> {
            #[serde(borrow)]
            who: Party<'a>,
            #[serde(borrow)]
            scope: std::borrow::Cow<'a, str>,
            on: bool,
        }
        let body: Body<'_> = self.body()?;
        let Some(Address::Number(number)) = body.who.number() else {
            return refused(Cause::BadDestination, "consent belongs to a number: `body.who.tel`");
        };
        let scope = match body.scope.as_ref() {
            "business" => ConsentScope::Business,
            "ad" => ConsentScope::Advertising,
            "ad_night" => ConsentScope::NightAdvertising,
            _ => return refused(Cause::Malformed, "`body.scope` is business, ad or ad_night"),
        };
        Ok(vec![HttpInbound::Command(Command::Consent { number: Pii::new(number), scope, granted: body.on })])
    }

    fn body<'b, T: Deserialize<'b>>(&'b self) -> Result<T, Refused> {
        let Some(raw) = self.event.body else { return refused(Cause::Malformed, "`body` is missing") };
        serde_json::from_str(raw.get()).map_err(|error| {
            Refused(Cause::Malformed, format!("`body` does not fit at column {}", error.column()))
        })
    }

    /// A peer speaks for its own users and for its numbers, not for the users of another messenger.
    fn sender(&self) -> Result<Pii<Address>, Refused> {
        let address = self.event.from.as_ref().and_then(|from| from.sender(&self.account.name));
        match address.filter(|address| self.owns(address)) {
            Some(address) => Ok(Pii::new(address)),
            None => refused(Cause::BadSender, "`from` names a user, a number or a sender name"),
        }
    }

    fn owns(&self, address: &Address) -> bool {
        match address {
            Address::User(user) => user.messenger == self.account.name,
            Address::Number(_) => true,
        }
    }

    fn recipients(&self) -> Result<Vec<Pii<Address>>, Refused> {
        if self.event.to.over {
            return refused(
                Cause::BadDestination,
                format!("an event has at most {RECIPIENTS_MAX} recipients"),
            );
        }
        let to: Option<Vec<_>> =
            self.event.to.items.iter().map(|to| to.recipient(&self.account.name).map(Pii::new)).collect();
        match to {
            Some(to) if !to.is_empty() => Ok(to),
            _ => refused(Cause::BadDestination, "every `to` names a number or a user"),
        }
    }

    fn ignored(&self) -> HttpInbound {
        HttpInbound::Ignored { id: self.event.id.to_string() }
    }
}

fn malformed(error: &serde_json::Error) -> HookError {
    let detail = format!("the body does not fit at line {}, column {}", error.line(), error.column());
    HookError { status: StatusCode::BAD_REQUEST, code: "malformed", detail }
}

fn too_large(detail: String) -> HookError {
    HookError { status: StatusCode::PAYLOAD_TOO_LARGE, code: "too_large", detail }
}
