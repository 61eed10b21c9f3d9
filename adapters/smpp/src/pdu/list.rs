//! Counted lists inside a body: a count octet and that many items.

use std::fmt;
use std::marker::PhantomData;

use crate::pdu::cursor::Cursor;
use crate::pdu::{DecodeError, EncodeError, Out};

/// Something a list may hold. Not for implementing outside this crate.
pub trait Item<'a>: Copy + PartialEq + fmt::Debug {
    /// The standard's name of the count.
    const COUNT: &'static str;
    /// May the body end before the count?
    const MAY_BE_ABSENT: bool = false;

    /// Judges the count.
    #[doc(hidden)]
    fn check_count(count: u8) -> Result<(), DecodeError> {
        let _ = count;
        Ok(())
    }

    #[doc(hidden)]
    fn read(cursor: &mut Cursor<'a>) -> Result<Self, DecodeError>;

    #[doc(hidden)]
    fn write<O: Out>(&self, out: &mut O) -> Result<(), EncodeError>;
}

/// A counted list: read from a body, or given by whoever writes one.
#[derive(Clone, Copy)]
pub struct Listed<'a, T> {
    from: From<'a, T>,
}

#[derive(Clone, Copy)]
enum From<'a, T> {
    /// Walked once already: every item in it is whole.
    Wire {
        count: u8,
        octets: &'a [u8],
        items: PhantomData<T>,
    },
    Given(&'a [T]),
    Absent,
}

impl<'a, T: Item<'a>> Listed<'a, T> {
    /// A list to be written; at most 255 items.
    pub const fn of(items: &'a [T]) -> Self {
        Self { from: From::Given(items) }
    }

    /// Items in the list.
    pub const fn len(&self) -> usize {
        match self.from {
            From::Wire { count, .. } => count as usize,
            From::Given(items) => items.len(),
            From::Absent => 0,
        }
    }

    /// True when there are none.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The items in order.
    pub fn iter(&self) -> impl Iterator<Item = T> + use<'a, T> {
        let (mut cursor, given) = match self.from {
            From::Wire { octets, .. } => (Cursor::new(octets), [].as_slice()),
            From::Given(items) => (Cursor::new(&[]), items),
            From::Absent => (Cursor::new(&[]), [].as_slice()),
        };
        let wire =
            std::iter::from_fn(
                move || {
                    if cursor.left().is_empty() { None } else { T::read(&mut cursor).ok() }
                },
            );
        given.iter().copied().chain(wire)
    }

    pub(crate) fn read(cursor: &mut Cursor<'a>) -> Result<Self, DecodeError> {
        if T::MAY_BE_ABSENT && cursor.left().is_empty() {
            return Ok(Self::default());
        }
        let count = cursor.octet(T::COUNT)?;
        T::check_count(count)?;
        let all = cursor.left();
        for _ in 0..count {
            T::read(cursor)?;
        }
        let octets = all.get(..all.len() - cursor.left().len()).unwrap_or_default();
        Ok(Self { from: From::Wire { count, octets, items: PhantomData } })
    }

    pub(crate) fn write<O: Out>(&self, out: &mut O) -> Result<(), EncodeError> {
        match self.from {
            From::Wire { count, octets, .. } => {
                out.put(&[count]);
                out.put(octets);
                Ok(())
            }
            From::Given(items) => {
                let Ok(count) = u8::try_from(items.len()) else {
                    return Err(EncodeError::TooLong { field: T::COUNT, octets_max: usize::from(u8::MAX) });
                };
                out.put(&[count]);
                items.iter().try_for_each(|item| item.write(out))
            }
            From::Absent => Ok(()),
        }
    }
}

impl<T> Default for Listed<'_, T> {
    fn default() -> Self {
        Self { from: From::Absent }
    }
}

impl<'a, T: Item<'a>> PartialEq for Listed<'a, T> {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

impl<'a, T: Item<'a>> Eq for Listed<'a, T> {}

impl<'a, T: Item<'a>> fmt::Debug for Listed<'a, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
