//! Labels: every value a label can take is known before the program runs.

use billing::{UsageEvent, UsageService};
use engine::journal::{Event, FactKind};
use model::{Cause, ChannelKind, Class, Disposition, Lane, ReceiptState};

/// A closed set of label values.
pub trait Label: Copy + 'static {
    /// In the order of [`Label::index`].
    const VALUES: &'static [&'static str];

    /// The place of this value in [`Label::VALUES`].
    fn index(self) -> usize;

    /// The value as Prometheus sees it.
    fn value(self) -> &'static str {
        Self::VALUES.get(self.index()).copied().unwrap_or("other")
    }
}

/// An enumeration that exists only as a label.
macro_rules! labels {
    ($($(#[$about:meta])+ $name:ident { $($(#[$meta:meta])* $variant:ident = $value:literal),+ $(,)? })+) => {$(
        $(#[$about])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$meta])* $variant),+ }

        impl $name {
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
        }

        impl Label for $name {
            const VALUES: &'static [&'static str] = &[$($value),+];

            fn index(self) -> usize {
                self as usize
            }
        }
    )+};
}

pub(crate) use labels;

/// An enumeration of another room; the compiler says when a variant is missing here.
macro_rules! foreign {
    ($($name:ident { $($variant:ident = $value:literal),+ $(,)? })+) => {$(
        impl Label for $name {
            const VALUES: &'static [&'static str] = &[$($value),+];

            fn index(self) -> usize {
                #[derive(Clone, Copy)]
                enum Place { $($variant),+ }
                (match self { $(Self::$variant => Place::$variant),+ }) as usize
            }
        }
    )+};
}

labels! {
    /// How an attempt to hand a message on ended.
    AttemptEnd {
        Ok = "ok",
        /// It failed and will be tried again.
        Temporary = "temp",
        /// It failed for good.
        Permanent = "perm",
        /// The answer was lost (invariant I6).
        Timeout = "timeout",
        Throttled = "throttle",
        /// There was no link to hand it to.
        Link = "link",
    }
    /// What happened to a file of the content server.
    FileAction {
        Stored = "stored",
        Fetched = "fetched",
        /// An interrupted upload went on.
        Resumed = "resumed",
        /// Its time was over.
        Expired = "expired",
        /// An upload that nobody went on with.
        Abandoned = "abandoned",
        /// A call about one; [`FileRefusal`] says why.
        Refused = "refused",
    }
    /// Why a call about a file was refused.
    FileRefusal {
        Malformed = "malformed",
        Forbidden = "forbidden",
        Unknown = "unknown",
        Expired = "expired",
        LengthMissing = "length_missing",
        TooLarge = "too_large",
        MediaType = "media_type",
        Range = "range",
        Slow = "slow",
        /// A later upload of the same file.
        Superseded = "superseded",
        /// One user left too many.
        Rate = "rate",
        /// Too many uploads at once.
        Busy = "busy",
        /// No space, or not as much as is kept free.
        NoRoom = "no_room",
        Internal = "internal",
    }
    /// Causes folded into what an operator reacts to; the causes themselves are in the journal.
    CauseClass {
        /// The sender's mistake.
        Syntax = "syntax",
        /// A rule said no.
        Policy = "policy",
        /// It leads nowhere.
        NoRoute = "no_route",
        /// Over an agreed rate.
        Throttle = "throttle",
        /// One of our queues is full.
        Overload = "overload",
        Storage = "storage",
        Draining = "draining",
        Internal = "internal",
        /// The next network said no.
        Refused = "refused",
        /// The next network or the recipient cannot be reached.
        Unreachable = "unreachable",
    }
    /// Where a connection stands, worst first.
    PeerState {
        Down = "down",
        Connecting = "connecting",
        /// Up, but it does not answer as it should.
        Suspect = "suspect",
        Bound = "bound",
        /// Switched off by an operator.
        Disabled = "disabled",
    }
    /// What waits for a channel: the lanes of messages, then reports.
    Queue {
        Urgent = "urgent",
        Person = "person",
        Bulk = "bulk",
        Reports = "reports",
    }
    /// Which door.
    Ingress {
        Smpp = "smpp",
        Http = "http",
        Sip = "sip",
        Hook = "hook",
        Management = "management",
    }
    /// Why somebody was not let in.
    AuthFailure {
        UnknownAccount = "unknown_account",
        WrongSecret = "wrong_secret",
        SourceAddress = "source_address",
        Signature = "signature",
        /// Known, but not allowed to do this.
        Forbidden = "forbidden",
    }
    /// Whose octets could not be understood.
    Protocol {
        Smpp = "smpp",
        Http = "http",
        Sip = "sip",
        Msrp = "msrp",
        /// CPIM, IMDN and other bodies of RCS.
        RcsBody = "rcs_body",
        Hook = "hook",
        /// User data, headers and alphabets of a short message.
        ShortMessage = "short_message",
        /// The text of a receipt.
        Receipt = "receipt",
    }
    /// What was wrong with them.
    ParseError {
        Framing = "framing",
        Truncated = "truncated",
        Unknown = "unknown",
        Value = "value",
        TooLarge = "too_large",
    }
    /// Which part of the process broke its own promise.
    Task {
        Core = "core",
        Commit = "commit",
        Dispatch = "dispatch",
        Session = "session",
        Api = "api",
        Other = "other",
    }
    /// A reconciliation (charging sheet §16).
    Check {
        /// Accepted = final + open.
        R1 = "r1",
        /// Chargeable events in the journal = usage records, both ways.
        R2 = "r2",
        /// Usage records = rated + zero-rated + suspended + not chargeable.
        R3 = "r3",
    }
}

foreign! {
    ChannelKind { Smsc = "smsc", Esme = "esme", Messenger = "messenger", Http = "http", Rcs = "rcs" }
    Lane { Urgent = "urgent", Person = "person", Bulk = "bulk" }
    Class { Person = "person", OneTimePassword = "otp", Transactional = "transactional", Advertising = "advertising" }
    ReceiptState {
        Enroute = "enroute", Delivered = "delivered", Displayed = "displayed", Expired = "expired",
        Deleted = "deleted", Undeliverable = "undeliverable", Accepted = "accepted", Unknown = "unknown",
        Rejected = "rejected",
    }
    UsageService { Sms = "sms", Messenger = "messenger", Esme = "esme", Rcs = "rcs" }
    UsageEvent { Submit = "submit", Deliver = "deliver", Reversal = "reversal" }
    FactKind {
        Link = "link", Epoch = "epoch", Challenge = "challenge", Lease = "lease", Consent = "consent",
        Idempotency = "idempotency", Paused = "paused", Presence = "presence", Kept = "kept",
    }
}

impl Label for Cause {
    const VALUES: &'static [&'static str] = &{
        let mut values = [""; Self::ALL.len()];
        let mut i = 0;
        while i < values.len() {
            values[i] = Self::ALL[i].code();
            i += 1;
        }
        values
    };

    fn index(self) -> usize {
        self as usize
    }
}

/// A [`Disposition`] that is an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct End(Disposition);

impl End {
    /// `None` while the message is under way.
    pub(crate) fn of(disposition: Disposition) -> Option<Self> {
        disposition.is_final().then_some(Self(disposition))
    }
}

impl Label for End {
    const VALUES: &'static [&'static str] =
        &["delivered", "handed_over", "expired", "cancelled", "undeliverable", "rejected", "lost"];

    fn index(self) -> usize {
        (self.0 as usize).saturating_sub(Disposition::Delivered as usize)
    }
}

/// The kind of a journal entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Transition(usize);

impl Transition {
    pub(crate) const fn of(event: &Event) -> Self {
        Self(match event {
            Event::Accepted(_) => 0,
            Event::Sent { .. } => 1,
            Event::Deferred { .. } => 2,
            Event::AnswerLost { .. } => 3,
            Event::Rerouted { .. } => 4,
            Event::Receipt { .. } => 5,
            Event::LateReceipt { .. } => 6,
            Event::Replaced { .. } => 7,
            Event::Joined { .. } => 8,
            Event::Final { .. } => 9,
            Event::Reported { given_up: false, .. } => 10,
            Event::Reported { given_up: true, .. } => 11,
            Event::Revocation { refused: None, .. } => 12,
            Event::Revocation { refused: Some(_), .. } => 13,
            Event::Displayed => 14,
            Event::Unread => 15,
        })
    }
}

impl Label for Transition {
    const VALUES: &'static [&'static str] = &[
        "accepted",
        "sent",
        "deferred",
        "answer_lost",
        "rerouted",
        "receipt",
        "late_receipt",
        "replaced",
        "joined",
        "final",
        "reported",
        "report_given_up",
        "revoked",
        "revocation_refused",
        "displayed",
        "unread",
    ];

    fn index(self) -> usize {
        self.0
    }
}

impl CauseClass {
    #[must_use]
    pub const fn of(cause: Cause) -> Self {
        match cause {
            Cause::Malformed
            | Cause::BadDestination
            | Cause::BadSender
            | Cause::TooLong
            | Cause::Unencodable
            | Cause::IdReuse
            | Cause::Expired
            | Cause::NotFound
            | Cause::TooLate
            | Cause::WrongCode => Self::Syntax,
            Cause::SenderNotRegistered
            | Cause::OptedOut
            | Cause::AdvertisingRule
            | Cause::QuietHours
            | Cause::Policy
            | Cause::Cancelled => Self::Policy,
            Cause::NoRoute | Cause::UnknownSubscriber => Self::NoRoute,
            Cause::Throttled => Self::Throttle,
            Cause::QueueFull => Self::Overload,
            Cause::StoreUnavailable => Self::Storage,
            Cause::Draining => Self::Draining,
            Cause::Internal => Self::Internal,
            Cause::NetworkRefused | Cause::AttemptsExhausted => Self::Refused,
            Cause::Unreachable | Cause::NetworkFailure | Cause::LinkDown | Cause::AnswerLost => {
                Self::Unreachable
            }
        }
    }
}

impl AttemptEnd {
    /// How an attempt that was refused and will be repeated counts.
    pub(crate) const fn deferred(cause: Cause) -> Self {
        match cause {
            Cause::Throttled | Cause::QueueFull => Self::Throttled,
            Cause::LinkDown => Self::Link,
            _ => Self::Temporary,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_has_its_own_code_at_its_own_place() {
        for cause in Cause::ALL {
            assert_eq!(cause.value(), cause.code());
        }
    }

    #[test]
    fn labels_agree_with_the_words_of_the_model() {
        for end in ["delivered", "lost"] {
            assert!(End::VALUES.contains(&end));
        }
        for disposition in [
            Disposition::Delivered,
            Disposition::HandedOver,
            Disposition::Expired,
            Disposition::Cancelled,
            Disposition::Undeliverable,
            Disposition::Rejected,
            Disposition::Lost,
        ] {
            assert_eq!(End::of(disposition).expect("an end").value(), disposition.as_str());
        }
        assert_eq!(End::of(Disposition::Unknown), None);
        for class in [Class::Person, Class::OneTimePassword, Class::Transactional, Class::Advertising] {
            assert_eq!(class.value(), class.as_str());
        }
        for service in [UsageService::Sms, UsageService::Messenger, UsageService::Esme, UsageService::Rcs] {
            assert_eq!(service.value(), service.as_str());
        }
        for event in UsageEvent::ALL {
            assert_eq!(event.value(), event.as_str());
        }
    }

    #[test]
    fn our_own_faults_are_told_apart_from_the_senders() {
        assert_eq!(CauseClass::of(Cause::StoreUnavailable), CauseClass::Storage);
        assert_eq!(CauseClass::of(Cause::QueueFull), CauseClass::Overload);
        assert_eq!(CauseClass::of(Cause::Internal), CauseClass::Internal);
        assert_eq!(CauseClass::of(Cause::Malformed), CauseClass::Syntax);
    }
}
