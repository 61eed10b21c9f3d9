//! One contact of an address of record.

use sip_message::{NameAddr, Scheme, UriRef};
use smol_str::SmolStr;

use super::Register;
use crate::flow::Flow;

/// A contact and all that is needed to reach it.
#[derive(Clone, PartialEq, Eq)]
pub struct Binding {
    /// Names this contact as long as it is refreshed; never used twice.
    pub number: u64,
    /// Thousandths; how much it is preferred.
    pub q: u16,
    /// It has run out at this instant.
    pub expires_us: i64,
    /// Which of several flows of one instance this is (RFC 5626).
    pub reg_id: Option<u32>,
    /// The way its registration came; `None` once that connection is gone.
    pub flow: Option<Flow>,
    call_id: SmolStr,
    cseq: u32,
    uri: SmolStr,
    params: Box<str>,
    path: Box<str>,
    instance: Option<SmolStr>,
}

impl Binding {
    pub(super) fn new(number: u64, contact: &NameAddr<'_>, asked: &Register<'_>, expires_us: i64) -> Self {
        Self {
            number,
            q: q(contact.params.get("q")),
            expires_us,
            reg_id: reg_id(contact),
            flow: Some(asked.flow),
            call_id: SmolStr::new(asked.call_id),
            cseq: asked.cseq,
            uri: SmolStr::new(contact.uri.as_str()),
            params: String::from_utf8_lossy(contact.params.as_bytes()).into(),
            path: asked.path.into(),
            instance: contact.params.text("+sip.instance").map(SmolStr::new),
        }
    }

    /// The URI to put into the request line.
    #[must_use]
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// The parameters of the Contact as written, from the first `;` on: feature tags among them.
    #[must_use]
    pub fn params(&self) -> &str {
        &self.params
    }

    /// The Path values joined by commas, to be written as Route; empty without (RFC 3327).
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// `+sip.instance` without its quotes.
    #[must_use]
    pub fn instance(&self) -> Option<&str> {
        self.instance.as_deref()
    }

    /// Call-ID of the last REGISTER.
    #[must_use]
    pub fn call_id(&self) -> &str {
        &self.call_id
    }

    /// CSeq number of the last REGISTER.
    #[must_use]
    pub const fn cseq(&self) -> u32 {
        self.cseq
    }

    /// Seconds left at `now_us`, rounded up.
    #[must_use]
    pub fn left_s(&self, now_us: i64) -> u32 {
        let left_us = self.expires_us.saturating_sub(now_us).max(0);
        u32::try_from((left_us + 999_999) / 1_000_000).unwrap_or(u32::MAX)
    }

    /// RFC 3261 §10.3 item 7: of one Call-ID, only a higher CSeq counts.
    pub(super) fn is_newer_than(&self, asked: &Register<'_>) -> bool {
        self.call_id == asked.call_id && self.cseq >= asked.cseq
    }

    pub(super) fn octets(&self) -> usize {
        self.uri.len() + self.params.len() + self.path.len() + self.call_id.len()
    }
}

impl std::fmt::Debug for Binding {
    /// Leaves addresses out.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Binding")
            .field("number", &self.number)
            .field("q", &self.q)
            .field("octets", &self.octets())
            .finish_non_exhaustive()
    }
}

/// RFC 5626 §4.2: 1 to 2³¹ - 1.
pub(super) fn reg_id(contact: &NameAddr<'_>) -> Option<u32> {
    contact.params.number("reg-id").filter(|id| (1..1 << 31).contains(id))
}

/// `q` in thousandths; 1 when absent or unreadable (RFC 3261 §20.10 leaves the default to us).
fn q(text: Option<&str>) -> u16 {
    let Some(text) = text else { return 1000 };
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = part.bytes().take(3).all(|b| b.is_ascii_digit()) && part.len() <= 3;
    match (whole, digits) {
        ("1", true) => 1000,
        ("0", true) => format!("{part:0<3}").parse().unwrap_or(1000),
        _ => 1000,
    }
}

/// Whether two contacts are one (RFC 3261 §10.3 item 7 with §19.1.4). What is no SIP URI compares as text.
pub(super) fn same_contact(a: &str, b: &str) -> bool {
    let (Ok(a), Ok(b)) = (UriRef::parse(a.as_bytes()), UriRef::parse(b.as_bytes())) else { return a == b };
    if a.as_str() == b.as_str() {
        return true;
    }
    let sip = |uri: &UriRef<'_>| matches!(uri.scheme(), Scheme::Sip | Scheme::Sips);
    if !sip(&a) || a.scheme() != b.scheme() {
        return false;
    }
    let params = |a: UriRef<'_>, b: UriRef<'_>| {
        a.params().iter().all(|mine| match b.params().find(mine.name) {
            Some(theirs) => match (mine.value, theirs.value) {
                (Some(mine), Some(theirs)) => mine.eq_ignore_ascii_case(theirs),
                (mine, theirs) => mine == theirs,
            },
            None => !["user", "ttl", "method", "maddr", "transport"]
                .iter()
                .any(|name| name.eq_ignore_ascii_case(mine.name)),
        })
    };
    a.user() == b.user()
        && a.password() == b.password()
        && a.host() == b.host()
        && a.port() == b.port()
        && a.headers() == b.headers()
        && params(a, b)
        && params(b, a)
}
