//! Subscriptions (RFC 6665): who wants to hear about what, and for how long.
//!
//! [`Notifier`] is the side that tells, [`Subscriber`] the side that wants to know. Both are values; the requests that
//! they call for travel in their [`crate::dialog::Dialog`].

mod header;
mod notifier;
mod subscriber;

pub use header::{Event, Reason, SubscriptionState, Substate};
pub use notifier::{
    Do as NotifierDo, Notifier, ROWS as NOTIFIER, Settings, State as NotifierState, TooBrief,
    Trigger as NotifierTrigger,
};
pub use subscriber::{
    Again, Do as SubscriberDo, ROWS as SUBSCRIBER, State as SubscriberState, Subscriber,
    Trigger as SubscriberTrigger,
};
