//! Why something was refused: one closed list that is an answer, a metric label, a column in the usage
//! record and a line in the operator's guide.

use std::time::Duration;

use serde::{Deserialize, Serialize};

macro_rules! causes {
    ($($(#[doc = $doc:literal])+ $name:ident = $code:literal $text:literal),+ $(,)?) => {
        /// See the module. The code is the stable spelling for machines.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Cause { $($(#[doc = $doc])+ $name),+ }

        impl Cause {
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// Stable, for metric labels, records and `type` URIs.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code),+ }
            }

            /// One sentence for a person.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self { $(Self::$name => $text),+ }
            }
        }
    };
}

causes! {
    /// The request cannot be understood.
    Malformed = "malformed" "the request cannot be understood",
    /// The destination is not a number or user we can address.
    BadDestination = "bad_destination" "the destination is not a valid number or user",
    /// The sender is not a number or name we can show.
    BadSender = "bad_sender" "the sender is not a valid number or name",
    /// The sender number is not registered for this account.
    SenderNotRegistered = "sender_not_registered" "the sender is not registered for this account",
    /// No route leads there.
    NoRoute = "no_route" "no route leads to this destination",
    /// The content does not fit the channel.
    TooLong = "too_long" "the content is longer than the channel can carry",
    /// The content cannot be written in any alphabet the channel accepts.
    Unencodable = "unencodable" "the content cannot be written in an alphabet of this channel",
    /// The recipient withdrew consent or never gave it.
    OptedOut = "opted_out" "the recipient has opted out",
    /// An advertising rule was broken (label, sender name, free opt-out).
    AdvertisingRule = "advertising_rule" "an advertising message breaks the labelling rules",
    /// Advertising at night without separate consent.
    QuietHours = "quiet_hours" "advertising is not delivered between 21:00 and 08:00",
    /// A policy of the operator forbids it.
    Policy = "policy" "the operator's policy forbids this message",
    /// The same idempotency key with another body.
    IdReuse = "id_reuse" "the idempotency key was used for another message",
    /// Validity ended.
    Expired = "expired" "the validity period has ended",
    /// Over the agreed rate.
    Throttled = "throttled" "the agreed rate is exceeded",
    /// A queue is at its limit.
    QueueFull = "queue_full" "the queue is full",
    /// The store does not take writes now.
    StoreUnavailable = "store_unavailable" "the store is not available",
    /// The gateway is shutting down.
    Draining = "draining" "the gateway is shutting down",
    /// The message is unknown or belongs to someone else.
    NotFound = "not_found" "no such message",
    /// The message has gone too far to be changed or cancelled.
    TooLate = "too_late" "the message can no longer be changed",
    /// The sender withdrew it.
    Cancelled = "cancelled" "the sender cancelled the message",
    /// The number or user does not exist there.
    UnknownSubscriber = "unknown_subscriber" "the recipient is unknown to the network",
    /// The handset is off or out of reach.
    Unreachable = "unreachable" "the recipient cannot be reached now",
    /// The recipient's network refused it.
    NetworkRefused = "network_refused" "the recipient's network refused the message",
    /// A temporary failure of the next network.
    NetworkFailure = "network_failure" "the next network failed temporarily",
    /// No link to the next network.
    LinkDown = "link_down" "the link to the next network is down",
    /// The answer to a hand-over never came.
    AnswerLost = "answer_lost" "the next network did not answer",
    /// Repeated failures used up the attempts.
    AttemptsExhausted = "attempts_exhausted" "all attempts were used up",
    /// The code is wrong, used up or too old.
    WrongCode = "wrong_code" "the code is wrong or no longer valid",
    /// Our own fault.
    Internal = "internal" "internal error",
}

/// Who refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Party {
    /// This gateway.
    Gateway,
    /// The network we handed it to.
    Network,
    /// The recipient.
    Recipient,
}

/// What the engine may do after a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Retry {
    Never,
    /// The same way again, not before this much time.
    After(Duration),
    /// By the schedule of the cause.
    Scheduled,
    /// Another channel may succeed.
    OtherRoute,
    /// The same way again as soon as the recipient is there ([`crate::Presence`]).
    WhenReachable,
}

/// Who refused, why, and what may be done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Refusal {
    pub by: Party,
    pub cause: Cause,
    pub retry: Retry,
    /// The peer's own code (an SMPP `command_status`, an HTTP status); zero when there is none.
    pub code: u32,
}

impl Refusal {
    /// We refuse, and asking again changes nothing.
    #[must_use]
    pub const fn ours(cause: Cause) -> Self {
        Self { by: Party::Gateway, cause, retry: Retry::Never, code: 0 }
    }

    /// The next network refused.
    #[must_use]
    pub const fn theirs(cause: Cause, retry: Retry, code: u32) -> Self {
        Self { by: Party::Network, cause, retry, code }
    }
}
