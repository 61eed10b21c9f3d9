//! What an operator sees: metrics, log lines, health.
//!
//! The engine knows nothing of this room. [`Observer`] reads every committed batch and moves counters and
//! writes log lines from that alone, so that counters, logs and journal cannot tell different stories
//! (invariant I12). What is no transition (connections, windows, refusals) comes through [`ChannelMetrics`].
//!
//! Start reading at `catalogue`: every metric is one field with one sentence.

mod catalogue;
mod channel;
mod document;
mod family;
mod health;
mod http;
mod label;
mod logging;
mod observer;
mod registry;
mod totals;

pub use catalogue::{CHANNELS_NAMED_MAX, definitions};
pub use channel::{ChannelMetrics, SessionMetrics};
pub use document::metrics_md;
pub use family::{Definition, Kind, LabelDefinition};
pub use health::{Condition, Health, Page};
pub use http::{HttpPath, HttpStatus};
pub use label::{
    AttemptEnd, AuthFailure, CauseClass, Check, FileAction, FileRefusal, Ingress, Label, ParseError,
    PeerState, Protocol, Queue, Task,
};
pub use logging::{LogError, LogFormat, LogGuard, LogOutput, LogSettings, init_logging};
pub use observer::Observer;
pub use registry::{BuildInfo, Registry};
pub use totals::{
    ConnectionEvent, Direction, KeepAlive, RcsMessage, RcsOddity, RcsProof, RcsSession, SipRefusal,
    SipSending, SipTransport, Standing, Total, Wire,
};
