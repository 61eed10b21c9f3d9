//! Typed values of headers, read where they stand when somebody asks.
//!
//! [`Headers::typed`] reads a header that stands once, [`Headers::each`] the elements of one that is a list.

mod event;
mod ims;
mod media;
mod reason;
mod session;

pub use event::{Event, SubscriptionState, Substate};
pub use ims::{AccessNetwork, CalledParty, ChargingVector, ServedUser, SessionCase};
pub(crate) use media::in_range;
pub use media::{ContactPreference, ContentDisposition, MediaRange, MediaType};
pub use reason::{Reason, RetryAfter, Warning};
pub use session::{RAck, ReferTo, ReferredBy, Refresher, SessionExpires};

use crate::fault::Malformed;
use crate::headers::Headers;
use crate::name::Name;
use crate::octets::{self, skip_spaces, trim};
use crate::params::Params;

/// A value of one header.
pub trait Value<'a>: Sized {
    /// The header it stands in.
    const NAME: Name;

    /// Of one header value, or of one element of a list.
    ///
    /// # Errors
    /// [`Malformed`] says what cannot be read.
    fn parse(value: &'a [u8]) -> Result<Self, Malformed>;
}

impl Headers {
    /// The first header of that kind; `None` when absent.
    pub fn typed<'a, V: Value<'a>>(&'a self) -> Option<Result<V, Malformed>> {
        self.get(V::NAME).map(V::parse)
    }

    /// All elements of that list header.
    pub fn each<'a, V: Value<'a>>(&'a self) -> impl Iterator<Item = Result<V, Malformed>> {
        self.list(V::NAME).map(V::parse)
    }
}

/// `value;name=value;…`: what most headers are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Item<'a> {
    /// Before the first `;`: a token, a number, `*`, a media type.
    pub value: &'a str,
    /// Behind it.
    pub params: Params<'a>,
}

impl<'a> Item<'a> {
    /// Of one header value or element.
    ///
    /// # Errors
    /// [`Malformed`] for an empty value, blanks within, or bad parameters.
    pub fn parse(octets: &'a [u8]) -> Result<Self, Malformed> {
        let octets = trim(octets);
        let (value, rest) = octets.split_at(octets::run(octets, octets::PARAM_VALUE));
        if value.is_empty() {
            return Err(Malformed::Empty);
        }
        Ok(Self { value: octets::text(value), params: Params::parse(skip_spaces(rest))? })
    }
}
