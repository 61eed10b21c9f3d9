//! `message/cpim` (RFC 3862): headers that travel end to end, then one MIME content.
//!
//! [`Cpim::read`] keeps the octets as they came and knows where each header lies in them, so that what we do not
//! understand is relayed octet for octet ([`Cpim::relay`]). Names are resolved by the URI of their namespace.
//! [`Writer`] makes new ones.

mod address;
mod escape;
mod field;
mod lines;
mod names;
mod read;
mod relay;
mod write;

pub use address::Address;
pub use escape::{escape, unescape};
pub use field::{Field, Namespace, ns};
pub use read::{Cpim, Header};
pub use relay::Edit;
pub use write::Writer;

/// The sender and recipient that clients write in one-to-one messages: identity is what SIP says.
pub const ANONYMOUS: &str = "sip:anonymous@anonymous.invalid";

/// Octets of the headers, and again of the MIME headers of the content.
pub const HEAD_OCTETS_MAX: usize = 8 * 1024;
/// Headers, and again MIME headers.
pub const HEADERS_MAX: usize = 64;
pub const NAME_OCTETS_MAX: usize = 128;
pub const VALUE_OCTETS_MAX: usize = 2 * 1024;

/// Why octets are no CPIM message. `line` counts from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CpimError {
    #[error("headers are longer than {HEAD_OCTETS_MAX} octets")]
    HeadTooLong,
    #[error("more than {HEADERS_MAX} headers")]
    TooManyHeaders,
    #[error("line {line}: a name longer than {NAME_OCTETS_MAX} octets")]
    NameTooLong { line: u8 },
    #[error("line {line}: a value longer than {VALUE_OCTETS_MAX} octets")]
    ValueTooLong { line: u8 },
    #[error("line {line}: not a header")]
    NotAHeader { line: u8 },
    #[error("line {line}: a control character")]
    Control { line: u8 },
    #[error("the content has an encoding that is not known, or is damaged")]
    Encoding,
}
