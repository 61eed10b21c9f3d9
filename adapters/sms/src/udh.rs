//! The user data header (3GPP TS 23.040 §9.2.3.24): elements in front of the text.
//!
//! Every element is kept as it came, known or not. What the elements say is asked of the header; of a repeated
//! element the last usable one counts.

use std::fmt;

use smallvec::SmallVec;

use crate::national::{Language, Shifts};

/// Information element identifiers.
pub mod iei {
    pub const CONCATENATION_8: u8 = 0x00;
    pub const SPECIAL_MESSAGE: u8 = 0x01;
    pub const PORTS_8: u8 = 0x04;
    pub const PORTS_16: u8 = 0x05;
    pub const SMSC_CONTROL: u8 = 0x06;
    pub const SOURCE_INDICATOR: u8 = 0x07;
    pub const CONCATENATION_16: u8 = 0x08;
    pub const SINGLE_SHIFT: u8 = 0x24;
    pub const LOCKING_SHIFT: u8 = 0x25;
}

/// A reference number shared by the segments of one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reference {
    Eight(u8),
    Sixteen(u16),
}

/// Which segment of which message this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Concatenation {
    pub reference: Reference,
    /// Segments of the message, at least one.
    pub total: u8,
    /// This segment, from one to `total`.
    pub number: u8,
}

impl Concatenation {
    /// A segment that can exist: total and number at least one, number not beyond total.
    pub const fn new(reference: Reference, total: u8, number: u8) -> Option<Self> {
        if total == 0 || number == 0 || number > total {
            return None;
        }
        Some(Self { reference, total, number })
    }
}

/// Application port addressing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ports {
    pub destination: u16,
    pub source: u16,
    /// Written with 16-bit ports.
    pub is_wide: bool,
}

/// One element as it came.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Element<'a> {
    pub id: u8,
    pub data: &'a [u8],
}

/// A user data header without its length octet. Common ones stay off the heap.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Udh {
    octets: SmallVec<[u8; 16]>,
}

impl Udh {
    /// An empty header, to push elements to.
    pub fn new() -> Self {
        Self::default()
    }

    /// Splits user data into its header and what follows. `None` when the header would be longer than the user
    /// data: then all of it is text.
    pub fn split(user_data: &[u8]) -> Option<(Self, &[u8])> {
        let (&length, rest) = user_data.split_first()?;
        let (header, text) = rest.split_at_checked(usize::from(length))?;
        Some((Self { octets: SmallVec::from_slice(header) }, text))
    }

    /// Adds an element. False, and nothing added, when the header would pass 255 octets.
    pub fn push(&mut self, id: u8, data: &[u8]) -> bool {
        let room = usize::from(u8::MAX) - self.octets.len();
        let Some(length) = u8::try_from(data.len()).ok().filter(|_| data.len() + 2 <= room) else {
            return false;
        };
        self.octets.extend_from_slice(&[id, length]);
        self.octets.extend_from_slice(data);
        true
    }

    /// Adds the concatenation element of the reference's width.
    pub fn push_concatenation(&mut self, concatenation: Concatenation) -> bool {
        let Concatenation { reference, total, number } = concatenation;
        match reference {
            Reference::Eight(reference) => self.push(iei::CONCATENATION_8, &[reference, total, number]),
            Reference::Sixteen(reference) => {
                let [high, low] = reference.to_be_bytes();
                self.push(iei::CONCATENATION_16, &[high, low, total, number])
            }
        }
    }

    /// Adds the ports, in eight bits when both fit and they are not marked wide.
    pub fn push_ports(&mut self, ports: Ports) -> bool {
        match (u8::try_from(ports.destination), u8::try_from(ports.source)) {
            (Ok(destination), Ok(source)) if !ports.is_wide => {
                self.push(iei::PORTS_8, &[destination, source])
            }
            _ => {
                let ([dh, dl], [sh, sl]) = (ports.destination.to_be_bytes(), ports.source.to_be_bytes());
                self.push(iei::PORTS_16, &[dh, dl, sh, sl])
            }
        }
    }

    /// Adds the elements that name national tables.
    pub fn push_shifts(&mut self, shifts: Shifts) -> bool {
        let single = shifts.single.is_none_or(|language| self.push(iei::SINGLE_SHIFT, &[language.id()]));
        let locking = shifts.locking.is_none_or(|language| self.push(iei::LOCKING_SHIFT, &[language.id()]));
        single && locking
    }

    /// The elements in order. One that overruns the header ends the list.
    pub fn elements(&self) -> Elements<'_> {
        Elements { rest: &self.octets }
    }

    /// Which segment this is. Impossible values (total or number zero, number beyond total) are ignored.
    pub fn concatenation(&self) -> Option<Concatenation> {
        self.last(|element| match (element.id, element.data) {
            (iei::CONCATENATION_8, &[reference, total, number, ..]) => {
                Concatenation::new(Reference::Eight(reference), total, number)
            }
            (iei::CONCATENATION_16, &[high, low, total, number, ..]) => {
                Concatenation::new(Reference::Sixteen(u16::from_be_bytes([high, low])), total, number)
            }
            _ => None,
        })
    }

    /// The application ports.
    pub fn ports(&self) -> Option<Ports> {
        self.last(|element| match (element.id, element.data) {
            (iei::PORTS_8, &[destination, source, ..]) => {
                Some(Ports { destination: destination.into(), source: source.into(), is_wide: false })
            }
            (iei::PORTS_16, &[dh, dl, sh, sl, ..]) => Some(Ports {
                destination: u16::from_be_bytes([dh, dl]),
                source: u16::from_be_bytes([sh, sl]),
                is_wide: true,
            }),
            _ => None,
        })
    }

    /// The national tables named. A reserved language means the default table.
    pub fn shifts(&self) -> Shifts {
        let language = |id| self.last(|element| (element.id == id).then_some(*element.data.first()?));
        Shifts {
            locking: language(iei::LOCKING_SHIFT).and_then(Language::from_id),
            single: language(iei::SINGLE_SHIFT).and_then(Language::from_id),
        }
    }

    /// Octets on the wire, the length octet included.
    pub fn wire_octets(&self) -> usize {
        1 + self.octets.len()
    }

    /// Appends the length octet and the elements.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        // `push` and `split` keep the header within 255 octets.
        debug_assert!(self.octets.len() <= usize::from(u8::MAX));
        out.push(u8::try_from(self.octets.len()).unwrap_or(u8::MAX));
        out.extend_from_slice(&self.octets);
    }

    fn last<T>(&self, read: impl Fn(Element<'_>) -> Option<T>) -> Option<T> {
        self.elements().filter_map(read).last()
    }
}

/// Elements by identifier and length: their data may name people (a reply address, an e-mail header).
impl fmt::Debug for Udh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.elements()).finish()
    }
}

impl fmt::Debug for Element<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{:02X}[{}]", self.id, self.data.len())
    }
}

/// The elements of a header, in order.
#[derive(Clone)]
pub struct Elements<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Elements<'a> {
    type Item = Element<'a>;

    fn next(&mut self) -> Option<Element<'a>> {
        let (&[id, length], rest) = self.rest.split_first_chunk::<2>()?;
        let Some((data, rest)) = rest.split_at_checked(usize::from(length)) else {
            self.rest = &[];
            return None;
        };
        self.rest = rest;
        Some(Element { id, data })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(octets: &[u8]) -> Udh {
        Udh::split(octets).unwrap().0
    }

    #[test]
    fn the_last_usable_element_counts() {
        let eight = |reference, total, number| Concatenation::new(Reference::Eight(reference), total, number);
        assert_eq!(header(&[10, 0, 3, 1, 2, 1, 0, 3, 9, 3, 2]).concatenation(), eight(9, 3, 2));
        // Impossible ones are passed over, wherever they stand.
        assert_eq!(header(&[10, 0, 3, 1, 2, 1, 0, 3, 9, 3, 4]).concatenation(), eight(1, 2, 1));
        for impossible in [[5, 0, 3, 1, 0, 1], [5, 0, 3, 1, 2, 0], [5, 0, 3, 1, 2, 3]] {
            assert_eq!(header(&impossible).concatenation(), None);
        }
    }

    #[test]
    fn an_overrun_is_not_a_header_and_a_bad_element_ends_the_list() {
        assert_eq!(Udh::split(&[6, 0, 3, 1, 2, 1]), None);
        assert_eq!(Udh::split(&[]), None);
        let (header, text) = Udh::split(&[5, 0x70, 0, 0x24, 9, 1, b'x']).unwrap();
        assert_eq!(text, b"x");
        assert_eq!(header.elements().map(|element| element.id).collect::<Vec<_>>(), [0x70]);
        assert_eq!(header.shifts(), Shifts::NONE);
    }

    #[test]
    fn unknown_elements_are_kept_and_written_back() {
        let wire = [9, 0xC3, 2, 7, 8, 0x05, 3, 1, 2, 3];
        let header = header(&wire);
        assert_eq!(header.ports(), None, "three octets hold no pair of 16-bit ports");
        let mut out = Vec::new();
        header.write_to(&mut out);
        assert_eq!(out, wire);
    }

    #[test]
    fn a_header_never_passes_its_length_octet() {
        let mut header = Udh::new();
        assert!(header.push(0x80, &[0; 200]));
        assert!(!header.push(0x81, &[0; 52]));
        assert!(header.push(0x81, &[0; 51]));
        assert_eq!(header.wire_octets(), 256);
    }
}
