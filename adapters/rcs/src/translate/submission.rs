//! A message that came in, as the gateway keeps it (rcs sheet §5, §7).

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use bytes::Bytes;
use model::{Address, Body, ChannelId, Class, Content, Duration, Pii, ReceiptsWanted, Submission, Timestamp};
use sip_message::{Headers, Name, Request, values::ChargingVector};
use sip_rcs::{
    Cpim,
    cpim::{ANONYMOUS, Field, Namespace},
    imdn::Requested,
};
use sip_transaction::hash::{Hasher, Seed};
use smol_str::SmolStr;

use super::{
    Carried, Id, Line,
    carried::{self, Back},
    content::{Reading, Unread, about, read_content},
};

/// Octets of a Message-ID or an icid that are kept; longer ones are not a name but a body.
const ID_OCTETS_MAX: usize = 256;
/// Octets of a Route that is kept.
const ROUTE_OCTETS_MAX: usize = 1_024;
/// A message that is to be delivered now or dropped (`Expires: 0`) has so long.
const NOW: Duration = Duration::from_secs(30);

/// Everything about a message that its body does not say.
#[derive(Debug, Clone, Copy)]
pub struct Envelope<'a> {
    pub origin: ChannelId,
    pub from: &'a Address,
    pub to: &'a Address,
    /// The same two, as keys.
    pub lines: (&'a Line, &'a Line),
    pub now: Timestamp,
    pub request: &'a Request,
    /// Whether the request came from a peer that is believed.
    pub trusted: bool,
    pub back: Option<Back>,
    pub reading: Reading<'a>,
    /// The group it is said in.
    pub room: Option<Room<'a>>,
}

/// A group: what its members are shown instead of what the sender's client wrote (rcs sheet §10.3).
#[derive(Clone, Copy)]
pub struct Room<'a> {
    pub id: &'a str,
    /// From of CPIM: the sender as the focus knows it.
    pub from: &'a str,
}

impl std::fmt::Debug for Room<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Room").finish_non_exhaustive()
    }
}

/// A MESSAGE with a body that is not CPIM: what plain SIP clients send. Nobody wants receipts of it.
///
/// # Errors
/// [`Unread`].
pub fn submission_of_text(envelope: &Envelope<'_>, content_type: Option<&str>) -> Result<Submission, Unread> {
    let content = read_content(content_type, &envelope.request.body, None, envelope.reading)?;
    let request = envelope.request;
    let cseq = request.cseq().map_or(0, |cseq| cseq.number);
    let key = key(envelope, request.call_id().as_bytes(), u64::from(cseq) << 1 | 1);
    let route = if envelope.trusted { onward(&request.headers) } else { None };
    let carried = Carried { route: route.as_deref(), ..Carried::default() };
    Ok(Submission { carried: carried.encode(), ..base(envelope, content, key) })
}

/// A MESSAGE with CPIM. `known_as` says what the recipient's side calls a message that the sender refers to, where
/// that is known.
///
/// # Errors
/// [`Unread`].
pub fn submission_of_cpim(
    envelope: &Envelope<'_>,
    cpim: &Cpim,
    known_as: impl Fn(&str) -> Option<SmolStr>,
) -> Result<Submission, Unread> {
    if !cpim.understood() {
        return Err(Unread::Unsupported);
    }
    let octets = cpim.decoded().map_err(|_| Unread::Malformed)?;
    let mut about = about(cpim);
    let mut referenced = about.is_some();
    if let Some(about) = &mut about
        && let Some(known) = known_as(&about.reference)
    {
        about.reference = known;
        referenced = false;
    }
    let content = read_content(cpim.content_type(), &octets, about, envelope.reading)?;
    let headers = &envelope.request.headers;
    let reference = cpim.message_id();
    if reference.is_some_and(|id| id.len() > ID_OCTETS_MAX) {
        return Err(Unread::Malformed);
    }
    let wanted = if reference.is_some() { Requested::of(cpim) } else { Requested::NONE };
    let key = match reference {
        Some(id) => key(envelope, id.as_bytes(), 0),
        None => {
            let cseq = envelope.request.cseq().map_or(0, |cseq| cseq.number);
            key(envelope, envelope.request.call_id().as_bytes(), u64::from(cseq) << 1 | 1)
        }
    };
    let lines = kept_lines(cpim, referenced);
    let route = if envelope.trusted { onward(headers) } else { None };
    let carried = Carried {
        // Repeated in a report; without one nobody misses it.
        date_time: cpim.text(Field::DateTime).filter(|_| !wanted.is_empty()),
        from: envelope.room.map_or_else(|| named(cpim.text(Field::From)), |room| Some(room.from)),
        lines: &lines,
        referenced,
        document: document(&content, &octets),
        conversation: headers.text(Name::ConversationId).map(Id::read),
        contribution: headers.text(Name::ContributionId).map(Id::read),
        in_reply_to: headers.text(Name::InReplyToContributionId).map(Id::read),
        wanted: carried::bits(wanted),
        back: envelope.back.filter(|_| !wanted.is_empty()),
        route: route.as_deref(),
        group: envelope.room.map(|room| room.id),
    };
    let class = if envelope.trusted { class(cpim) } else { Class::Person };
    Ok(Submission {
        reference: reference.map(SmolStr::new),
        receipts: ReceiptsWanted {
            success: wanted.contains(Requested::POSITIVE_DELIVERY),
            failure: wanted.contains(Requested::NEGATIVE_DELIVERY),
            intermediate: wanted.contains(Requested::INTERWORKING) || wanted.contains(Requested::PROCESSING),
            displayed: wanted.contains(Requested::DISPLAY),
        },
        class,
        carried: carried.encode(),
        ..base(envelope, content, key)
    })
}

fn base(envelope: &Envelope<'_>, content: Content, key: SmolStr) -> Submission {
    let headers = &envelope.request.headers;
    Submission {
        id: None,
        origin: envelope.origin,
        from: Pii::new(envelope.from.clone()),
        to: Pii::new(envelope.to.clone()),
        class: Class::Person,
        receipts: ReceiptsWanted::NONE,
        received_at: envelope.now,
        scheduled_at: None,
        expires_at: expires_at(headers, envelope.now),
        reference: None,
        idempotency_key: Some(key),
        carried: Bytes::new(),
        part: None,
        charging_id: if envelope.trusted { charging_id(headers) } else { None },
        elsewhere: None,
        content,
    }
}

/// The same message sent again has the same key: sender, recipient, and the id that the sender gave it. It is a
/// hash, so that a long id costs no more than a short one.
fn key(envelope: &Envelope<'_>, id: &[u8], kind: u64) -> SmolStr {
    keyed(envelope.lines, id, kind)
}

/// The same for messages that one request brings to several people; `kind` keeps them apart from others.
#[must_use]
pub fn submission_key(lines: (&Line, &Line), id: &str, kind: u64) -> SmolStr {
    keyed(lines, id.as_bytes(), kind)
}

fn keyed(lines: (&Line, &Line), id: &[u8], kind: u64) -> SmolStr {
    // Not a secret: whoever aims at a collision only loses a message of his own.
    let mut hasher = Hasher::new(Seed(0x7263_735f_6964_656d, 0x706f_7465_6e63_795f));
    hasher.part(lines.0.as_str().as_bytes());
    hasher.part(lines.1.as_str().as_bytes());
    hasher.part(id);
    hasher.word(kind);
    let mut text = [0; 22];
    // Sixteen octets take twenty-two characters.
    let _written = STANDARD_NO_PAD.encode_slice(hasher.finish().to_be_bytes(), &mut text);
    SmolStr::new(std::str::from_utf8(&text).unwrap_or_default())
}

/// `Expires` counts from `Date` (RFC 3428 §4); without a date, or with one in the future, from now.
fn expires_at(headers: &Headers, now: Timestamp) -> Option<Timestamp> {
    let seconds = headers.expires()?;
    if seconds == 0 {
        return Some(now + NOW);
    }
    let sent = headers.date().and_then(Result::ok).map(Timestamp::from_micros).filter(|sent| *sent < now);
    Some(sent.unwrap_or(now) + Duration::from_secs(u64::from(seconds)))
}

/// `icid-value` of P-Charging-Vector (RFC 7315 §4.6).
pub(crate) fn charging_id(headers: &Headers) -> Option<SmolStr> {
    let vector = headers.typed::<ChargingVector<'_>>()?.ok()?;
    (!vector.icid.is_empty() && vector.icid.len() <= ID_OCTETS_MAX).then(|| SmolStr::new(vector.icid))
}

/// Clients write the anonymous URI in one-to-one messages: that says nothing.
fn named(address: Option<&str>) -> Option<&str> {
    address.filter(|address| {
        let address = address.trim_ascii();
        let bare = address.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).unwrap_or(address);
        !bare.is_empty() && bare != ANONYMOUS
    })
}

/// Header lines that we do not write ourselves, each behind the NS lines that it may need, octet for octet. What the
/// message refers to is among them unless we say it ourselves.
fn kept_lines(cpim: &Cpim, referenced: bool) -> Vec<u8> {
    let mut kept = Vec::new();
    let mut declared: Vec<&[u8]> = Vec::new();
    for header in cpim.headers() {
        match header.field() {
            Field::Ns => {
                let value = header.value();
                // We declare that one ourselves.
                if !value
                    .windows(sip_rcs::cpim::ns::IMDN.len())
                    .any(|at| at == sip_rcs::cpim::ns::IMDN.as_bytes())
                {
                    declared.push(header.line());
                }
            }
            Field::From
            | Field::To
            | Field::DateTime
            | Field::Require
            | Field::MessageId
            | Field::DispositionNotification
            | Field::RecordRoute
            | Field::Route
            | Field::PayloadType => {}
            Field::ReferenceId
            | Field::ReferenceType
            | Field::InReplyToMessageId
            | Field::MessageReplyType
            | Field::ReplyingToMessageId
                if !referenced => {}
            _ if header.namespace() == Namespace::Imdn => {}
            _ => {
                declared.drain(..).for_each(|line| kept.extend_from_slice(line));
                kept.extend_from_slice(header.line());
            }
        }
    }
    kept
}

/// The entries of Route behind the first, which is our own: among them the one by which the core knows its session
/// again (TS 24.229 §5.7.3).
pub(crate) fn onward(headers: &Headers) -> Option<String> {
    let mut route = String::new();
    for entry in headers.list(Name::Route).skip(1) {
        if !route.is_empty() {
            route.push_str(", ");
        }
        route.push_str(std::str::from_utf8(entry).ok()?);
    }
    (!route.is_empty() && route.len() <= ROUTE_OCTETS_MAX).then_some(route)
}

/// The octets behind content that is kept in words of our own.
fn document<'a>(content: &Content, octets: &'a Bytes) -> &'a [u8] {
    match content {
        Content::Rich(rich) if matches!(rich.body, Body::File(_) | Body::Place(_)) => octets,
        _ => &[],
    }
}

/// What kind of traffic a chatbot platform says it is (RCC.07 §3.6.6).
fn class(cpim: &Cpim) -> Class {
    match cpim.text(Field::TrafficType).map(str::trim_ascii) {
        None => Class::Person,
        Some(kind) if kind.eq_ignore_ascii_case("advertisement") => Class::Advertising,
        Some(_) => Class::Transactional,
    }
}
