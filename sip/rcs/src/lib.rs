//! What RCS puts inside SIP and MSRP: CPIM, IMDN, is-composing, capabilities, files, places, lists,
//! conferences, revocation, and the little SDP that MSRP needs.
//!
//! Octets and times come in, values and octets go out: no socket, no clock, no randomness. Every decoder is
//! total and bounded. Start with [`cpim::Cpim::read`] for what arrives in a MESSAGE or a SEND, with
//! [`cpim::Writer`] and [`imdn::Report::write_message`] for what leaves.

mod percent;
mod private;
mod sink;

pub mod conference;
pub mod cpim;
pub mod features;
pub mod file;
pub mod imdn;
pub mod iscomposing;
pub mod lists;
pub mod mime;
pub mod multipart;
pub mod operation;
pub mod place;
pub mod reginfo;
pub mod revoke;
pub mod sdp;
pub mod time;
pub mod xml;

pub use cpim::{Cpim, CpimError};
pub use features::{Capabilities, Features};
pub use private::Private;
pub use sink::Sink;
