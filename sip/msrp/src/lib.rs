//! MSRP: framing, sessions and reports (RFC 4975, RFC 4976, RFC 6135, RFC 6714, RFC 7701).
//!
//! Octets and instants (`i64` microseconds since the epoch) come in, octets and [`Action`]s go out. Octets
//! become [`Frame`]s in a [`Decoder`]; frames, sessions and messages meet in an [`Endpoint`].

mod accept;
mod action;
mod body;
mod chunk;
mod endpoint;
mod fingerprint;
mod frame;
pub mod limits;
mod message;
mod path;
mod range;
mod reassemble;
mod report;
mod session;
mod status;
mod transaction;
mod uri;

pub use accept::Accepts;
pub use action::{Action, Answer, Challenge, Ending, Failure, Question};
pub use chunk::{Chunk, Chunks, transaction_for};
pub use endpoint::{ConnectionId, Endpoint, Security, SessionKey, Settings};
pub use fingerprint::Fingerprint;
pub use frame::{
    Decoder, End, Fault, Frame, FrameError, FrameErrorKind, Header, Headers, Limits, Method, Piece, Request,
    Response, Within, Writer,
};
pub use message::{Message, SendError, message_id};
pub use path::Path;
pub use range::ByteRange;
pub use reassemble::{Reassembly, TooLarge};
pub use report::{FailureReport, Heard, Outcome, ReportStatus, answered, outcome};
pub use session::{Matching, Session};
pub use status::Status;
pub use transaction::TransactionId;
pub use uri::{Uri, UriError};
