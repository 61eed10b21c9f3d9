//! Reading fixed fields from a PDU body.

use crate::CommandStatus;
use crate::limits::ADDRESS;
use crate::pdu::Address;

/// Why a body cannot be read, and what the response should say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem} ({status})")]
pub struct DecodeError {
    /// The status of the response; the sequence number is that of the request.
    pub status: CommandStatus,
    /// The standard's name of the field.
    pub field: &'static str,
    /// What is wrong with it.
    pub problem: Problem,
}

/// What is wrong with a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The mandatory part stops before the field does.
    #[error("the body ends early")]
    Short,
    /// A C-octet string without a NUL inside its maximum.
    #[error("no NUL inside its maximum")]
    NoNul,
    /// A length that runs past the PDU.
    #[error("runs past the PDU")]
    Overrun,
    /// Octets behind the last TLV that are no TLV.
    #[error("stray octets")]
    Stray,
    /// A TLV whose value has an impossible length.
    #[error("wrong length")]
    WrongLength,
    /// A TLV the PDU cannot do without.
    #[error("missing")]
    Missing,
    /// A value the standard does not know.
    #[error("impossible value")]
    Value,
    /// Two fields that exclude each other.
    #[error("excluded by another field")]
    Conflict,
}

/// What is left of a body.
#[derive(Debug, Clone, Copy)]
pub struct Cursor<'a> {
    left: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(crate) const fn new(body: &'a [u8]) -> Self {
        Self { left: body }
    }

    pub(crate) const fn left(&self) -> &'a [u8] {
        self.left
    }

    #[inline]
    pub(crate) fn octet(&mut self, field: &'static str) -> Result<u8, DecodeError> {
        let [octet] = self.fixed(field)?;
        Ok(octet)
    }

    #[inline]
    pub(crate) fn fixed<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], DecodeError> {
        let Some((octets, left)) = self.left.split_first_chunk::<N>() else { return Err(short(field)) };
        self.left = left;
        Ok(*octets)
    }

    /// A C-octet string of at most `max` octets with its NUL, which is not part of what is returned.
    /// `status` answers a missing NUL; a body that simply ends is `ESME_RINVCMDLEN`.
    #[inline]
    pub(crate) fn text(
        &mut self,
        max: usize,
        status: CommandStatus,
        field: &'static str,
    ) -> Result<&'a [u8], DecodeError> {
        let window = self.left.get(..max).unwrap_or(self.left);
        let Some(end) = window.iter().position(|&octet| octet == 0) else {
            return Err(if window.len() < max {
                short(field)
            } else {
                DecodeError { status, field, problem: Problem::NoNul }
            });
        };
        let (text, rest) = self.left.split_at_checked(end).unwrap_or_default();
        self.left = rest.get(1..).unwrap_or_default();
        Ok(text)
    }

    /// The `message_id` of a response. Absent, or without its NUL, it is `None`: a response is taken
    /// as received whatever its body looks like.
    #[inline]
    pub(crate) fn optional_text(&mut self, max: usize) -> Option<&'a [u8]> {
        if let Ok(text) = self.text(max, CommandStatus::ROK, "message_id") {
            return Some(text);
        }
        self.left = &[];
        None
    }

    /// `sm_length` and that many octets.
    #[inline]
    pub(crate) fn short_message(&mut self) -> Result<&'a [u8], DecodeError> {
        let length = usize::from(self.octet("sm_length")?);
        let Some((message, left)) = self.left.split_at_checked(length) else {
            return Err(DecodeError {
                status: CommandStatus::RINVMSGLEN,
                field: "short_message",
                problem: Problem::Overrun,
            });
        };
        self.left = left;
        Ok(message)
    }

    /// TON, NPI and address.
    #[inline]
    pub(crate) fn address(
        &mut self,
        max: usize,
        status: CommandStatus,
        field: &'static str,
    ) -> Result<Address<'a>, DecodeError> {
        debug_assert!(max >= ADDRESS, "no address of the standard is shorter");
        let [ton, npi] = self.fixed(field)?;
        Ok(Address { ton, npi, digits: self.text(max, status, field)? })
    }
}

pub(crate) const fn short(field: &'static str) -> DecodeError {
    DecodeError { status: CommandStatus::RINVCMDLEN, field, problem: Problem::Short }
}
