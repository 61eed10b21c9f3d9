//! Reading octets with a place in every complaint.

/// Why octets could not be read. Carries positions and values of fields, never content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The octets end inside a field.
    #[error("needs {needed} octets at {at}, {left} left")]
    Truncated { at: usize, needed: usize, left: usize },
    /// A field has a value that its definition does not allow.
    #[error("{field} is {got}, allowed up to {max}")]
    OutOfRange { field: &'static str, got: u32, max: u32 },
    /// The message type is reserved, or cannot travel in this direction or in this carrier.
    #[error("message type {got} is not expected here")]
    UnexpectedType { got: u8 },
}

/// A position in octets that only moves forward.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    octets: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(octets: &'a [u8]) -> Self {
        Self { octets, at: 0 }
    }

    pub(crate) fn octet(&mut self) -> Result<u8, DecodeError> {
        let [octet] = self.array()?;
        Ok(octet)
    }

    pub(crate) fn take(&mut self, needed: usize) -> Result<&'a [u8], DecodeError> {
        let rest = self.rest();
        let Some((taken, _)) = rest.split_at_checked(needed) else {
            return Err(DecodeError::Truncated { at: self.at, needed, left: rest.len() });
        };
        self.at += needed;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let rest = self.rest();
        let Some(taken) = rest.first_chunk::<N>() else {
            return Err(DecodeError::Truncated { at: self.at, needed: N, left: rest.len() });
        };
        self.at += N;
        Ok(*taken)
    }

    /// Everything not read yet, without reading it.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.octets.get(self.at..).unwrap_or_default()
    }
}
