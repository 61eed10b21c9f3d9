//! Event and Subscription-State (RFC 6665 §8.2).

use std::borrow::Cow;
use std::fmt;

use sip_message::{Headers, Name, Params};

/// Event: a package and the id that keeps two subscriptions of one dialog apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event<'a> {
    /// `conference`, `reg`, `refer` …; compares with case (RFC 6665 §8.2.1).
    pub package: &'a str,
    /// The `id` parameter.
    pub id: Option<Cow<'a, str>>,
}

impl<'a> Event<'a> {
    /// Of a message; `None` without one that can be read (489).
    #[must_use]
    pub fn of(headers: &'a Headers) -> Option<Self> {
        let (package, params) = token(headers.get(Name::Event)?)?;
        Some(Self { package, id: params.text("id") })
    }
}

impl fmt::Display for Event<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.id {
            Some(id) => write!(f, "{};id={id}", self.package),
            None => f.write_str(self.package),
        }
    }
}

/// First word of Subscription-State.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Substate {
    /// Nobody has decided yet.
    Pending,
    /// Decided and valid.
    Active,
    /// Over.
    Terminated,
}

/// Why a subscription is over (RFC 6665 §4.1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Subscribe again at once.
    Deactivated,
    /// Subscribe again later.
    Probation,
    /// Not wanted.
    Rejected,
    /// It was not refreshed.
    Timeout,
    /// Nobody decided in time.
    GiveUp,
    /// What it is about is no more.
    NoResource,
    /// What it is about never changes.
    Invariant,
}

impl Reason {
    const ALL: [Self; 7] = [
        Self::Deactivated,
        Self::Probation,
        Self::Rejected,
        Self::Timeout,
        Self::GiveUp,
        Self::NoResource,
        Self::Invariant,
    ];

    /// As written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deactivated => "deactivated",
            Self::Probation => "probation",
            Self::Rejected => "rejected",
            Self::Timeout => "timeout",
            Self::GiveUp => "giveup",
            Self::NoResource => "noresource",
            Self::Invariant => "invariant",
        }
    }
}

/// Subscription-State.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SubscriptionState {
    /// How it stands.
    pub substate: Substate,
    /// Seconds left.
    pub expires_s: Option<u32>,
    /// Why it is over; `None` for words that we do not know.
    pub reason: Option<Reason>,
    /// Seconds before which it makes no sense to subscribe again.
    pub retry_after_s: Option<u32>,
}

impl SubscriptionState {
    /// Of a NOTIFY; `None` without one that can be read (400). An unknown word counts as active (RFC 6665 §4.1.3).
    #[must_use]
    pub fn of(headers: &Headers) -> Option<Self> {
        let (word, params) = token(headers.get(Name::SubscriptionState)?)?;
        let is = |text: &str| word.eq_ignore_ascii_case(text);
        let substate = match () {
            () if is("pending") => Substate::Pending,
            () if is("terminated") => Substate::Terminated,
            () => Substate::Active,
        };
        let reason = params.get("reason");
        Some(Self {
            substate,
            expires_s: params.number("expires"),
            reason: Reason::ALL
                .into_iter()
                .find(|r| reason.is_some_and(|text| text.eq_ignore_ascii_case(r.as_str()))),
            retry_after_s: params.number("retry-after"),
        })
    }
}

impl fmt::Display for SubscriptionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.substate {
            Substate::Pending => "pending",
            Substate::Active => "active",
            Substate::Terminated => "terminated",
        })?;
        if let Some(reason) = self.reason {
            write!(f, ";reason={}", reason.as_str())?;
        }
        if let Some(expires_s) = self.expires_s {
            write!(f, ";expires={expires_s}")?;
        }
        if let Some(retry_after_s) = self.retry_after_s {
            write!(f, ";retry-after={retry_after_s}")?;
        }
        Ok(())
    }
}

/// The word a value begins with, and its parameters.
fn token(value: &[u8]) -> Option<(&str, Params<'_>)> {
    let end = value.iter().position(|b| *b == b';').unwrap_or(value.len());
    let (word, params) = value.split_at_checked(end)?;
    let word = std::str::from_utf8(word).ok()?.trim();
    let sound = !word.is_empty() && word.bytes().all(|b| b.is_ascii_graphic());
    sound.then_some(())?;
    Some((word, Params::parse(params).ok()?))
}
