//! Writing a PDU straight behind what a send buffer already holds.

use bytes::{BufMut, BytesMut};

use crate::limits::HEADER_OCTETS;
use crate::{Command, CommandStatus, Header};

/// A send buffer. `Vec<u8>` and `BytesMut` are.
pub trait Out {
    /// Appends octets.
    fn put(&mut self, octets: &[u8]);
    /// Octets held.
    fn held(&self) -> usize;
    /// Overwrites four octets at `at`, which were appended before.
    fn patch(&mut self, at: usize, octets: [u8; 4]);
    /// Forgets everything behind the first `held` octets.
    fn cut_back(&mut self, held: usize);
    /// Puts a NUL in front of the octet at `at`.
    fn insert_nul(&mut self, at: usize);
}

impl Out for Vec<u8> {
    #[inline]
    fn put(&mut self, octets: &[u8]) {
        self.extend_from_slice(octets);
    }

    #[inline]
    fn held(&self) -> usize {
        self.len()
    }

    #[inline]
    fn patch(&mut self, at: usize, octets: [u8; 4]) {
        if let Some(place) = self.get_mut(at..).and_then(<[u8]>::first_chunk_mut) {
            *place = octets;
        }
    }

    fn cut_back(&mut self, held: usize) {
        self.truncate(held);
    }

    fn insert_nul(&mut self, at: usize) {
        self.insert(at.min(self.len()), 0);
    }
}

impl Out for BytesMut {
    #[inline]
    fn put(&mut self, octets: &[u8]) {
        self.put_slice(octets);
    }

    #[inline]
    fn held(&self) -> usize {
        self.len()
    }

    #[inline]
    fn patch(&mut self, at: usize, octets: [u8; 4]) {
        if let Some(place) = self.get_mut(at..).and_then(<[u8]>::first_chunk_mut) {
            *place = octets;
        }
    }

    fn cut_back(&mut self, held: usize) {
        self.truncate(held);
    }

    fn insert_nul(&mut self, at: usize) {
        self.put_u8(0);
        if let Some(moved) = self.get_mut(at..) {
            moved.rotate_right(1);
        }
    }
}

/// A value that has no place in its field. Nothing was appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// Longer than the field.
    #[error("{field} is longer than {octets_max} octets")]
    TooLong {
        /// The standard's name of the field.
        field: &'static str,
        /// What the field can hold, without a NUL.
        octets_max: usize,
    },
    /// A NUL inside a C-octet string.
    #[error("{field} holds a NUL")]
    NulInside {
        /// The standard's name of the field.
        field: &'static str,
    },
}

/// Appends one PDU, or nothing. `absent`: the body starts with a C-octet string that may be left out,
/// and is; if anything stands behind it after all, its place is marked by its NUL.
#[inline]
pub(crate) fn pdu<O: Out>(
    out: &mut O,
    command: Command,
    status: CommandStatus,
    sequence: u32,
    absent: bool,
    body: impl FnOnce(&mut O) -> Result<(), EncodeError>,
) -> Result<(), EncodeError> {
    let start = out.held();
    out.put(&Header { command, status, sequence }.encode(0));
    if let Err(error) = body(out) {
        out.cut_back(start);
        return Err(error);
    }
    debug_assert!(out.held() >= start + HEADER_OCTETS, "a PDU never shrinks while it is written");
    if absent && out.held() > start + HEADER_OCTETS {
        out.insert_nul(start + HEADER_OCTETS);
    }
    let Ok(length) = u32::try_from(out.held() - start) else {
        out.cut_back(start);
        return Err(EncodeError::TooLong { field: "command_length", octets_max: u32::MAX as usize });
    };
    out.patch(start, length.to_be_bytes());
    Ok(())
}

/// A C-octet string and its NUL.
#[inline]
pub(crate) fn text<O: Out>(
    out: &mut O,
    text: &[u8],
    max: usize,
    field: &'static str,
) -> Result<(), EncodeError> {
    if text.len() >= max {
        return Err(EncodeError::TooLong { field, octets_max: max - 1 });
    }
    if text.contains(&0) {
        return Err(EncodeError::NulInside { field });
    }
    out.put(text);
    out.put(&[0]);
    Ok(())
}

/// `sm_length` and the message.
#[inline]
pub(crate) fn short_message<O: Out>(out: &mut O, message: &[u8]) -> Result<(), EncodeError> {
    let Ok(length) = u8::try_from(message.len()) else {
        return Err(EncodeError::TooLong { field: "short_message", octets_max: usize::from(u8::MAX) });
    };
    out.put(&[length]);
    out.put(message);
    Ok(())
}
