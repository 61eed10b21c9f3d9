//! Cutting PDUs out of a stream by `command_length` (SMPP 3.4 §3.2).
//!
//! One read of a socket usually holds many PDUs, so they are cut in batches: the complete PDUs at
//! the head of the receive buffer are frozen together, once, and walked by reference. Nothing after
//! this module ever looks outside its own PDU, and nothing is buffered for a length that lies.

use std::fmt;

use bytes::{Bytes, BytesMut};

use crate::limits::{HEADER_OCTETS, PDU_OCTETS_MAX};
use crate::{CommandStatus, Header};

/// Where PDUs end. Holds the limit, no octets.
#[derive(Debug, Clone, Copy)]
pub struct Framer {
    pdu_octets_max: usize,
}

impl Default for Framer {
    fn default() -> Self {
        Self::new(PDU_OCTETS_MAX)
    }
}

impl Framer {
    /// A framer that refuses PDUs of more than `pdu_octets_max` octets.
    pub const fn new(pdu_octets_max: usize) -> Self {
        let pdu_octets_max = if pdu_octets_max < HEADER_OCTETS { HEADER_OCTETS } else { pdu_octets_max };
        Self { pdu_octets_max }
    }

    /// Takes every complete PDU from the head of `buffer`; an incomplete one stays there.
    pub fn cut(&self, buffer: &mut BytesMut) -> Batch {
        let mut at = 0;
        let end = loop {
            match self.look(buffer.get(at..).unwrap_or_default()) {
                Look::Whole(octets) => at += octets,
                Look::Need(octets) => break End::NeedMore { octets },
                Look::Broken(error) => break End::Broken(error),
            }
        };
        let octets = if at == 0 { Bytes::new() } else { buffer.split_to(at).freeze() };
        Batch { octets, end }
    }

    fn look(&self, octets: &[u8]) -> Look {
        let Some((length, _)) = octets.split_first_chunk::<4>() else {
            return Look::Need(HEADER_OCTETS - octets.len());
        };
        let length = u32::from_be_bytes(*length) as usize;
        if length < HEADER_OCTETS || length > self.pdu_octets_max {
            return Look::Broken(FramingError::at(octets, length > self.pdu_octets_max));
        }
        if octets.len() < length { Look::Need(length - octets.len()) } else { Look::Whole(length) }
    }
}

enum Look {
    Whole(usize),
    Need(usize),
    Broken(FramingError),
}

/// What follows the complete PDUs of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The stream is in order; at least this many octets are missing to the next PDU.
    NeedMore {
        /// Missing octets, never more than the limit.
        octets: usize,
    },
    /// The stream cannot be trusted any further: answer, then close.
    Broken(FramingError),
}

/// The complete PDUs of one cut, sharing one buffer.
#[derive(Clone)]
pub struct Batch {
    octets: Bytes,
    end: End,
}

impl Batch {
    /// The PDUs in order, by reference: the fast way.
    #[inline]
    pub fn frames(&self) -> Frames<'_> {
        Frames { left: &self.octets }
    }

    /// A part of a frame of this batch that is to outlive it; shares the buffer.
    #[inline]
    pub fn keep(&self, part: &[u8]) -> Bytes {
        if part.is_empty() { Bytes::new() } else { self.octets.slice_ref(part) }
    }

    /// What follows these PDUs.
    pub const fn end(&self) -> End {
        self.end
    }

    /// True when the buffer held no complete PDU.
    pub fn is_empty(&self) -> bool {
        self.octets.is_empty()
    }

    /// Octets of all PDUs together.
    pub fn octets(&self) -> usize {
        self.octets.len()
    }

    /// The PDUs with bodies of their own, for a driver that hands them to another task.
    pub fn into_owned_frames(self) -> impl Iterator<Item = OwnedFrame> {
        let mut left = self.octets;
        std::iter::from_fn(move || {
            let (header, octets) = first(&left)?;
            let mut body = left.split_to(octets);
            bytes::Buf::advance(&mut body, HEADER_OCTETS);
            Some(OwnedFrame { header, body })
        })
    }
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch").field("octets", &self.octets.len()).field("end", &self.end).finish()
    }
}

/// One PDU: its header, and its body in the receive buffer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The header.
    pub header: Header,
    /// What `command_length` gives to the body.
    pub body: &'a [u8],
}

impl fmt::Debug for Frame<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frame").field("header", &self.header).field("octets", &self.body.len()).finish()
    }
}

/// One PDU that keeps the receive buffer alive.
#[derive(Clone, PartialEq, Eq)]
pub struct OwnedFrame {
    /// The header.
    pub header: Header,
    /// The body.
    pub body: Bytes,
}

impl OwnedFrame {
    /// The same PDU by reference.
    pub fn frame(&self) -> Frame<'_> {
        Frame { header: self.header, body: &self.body }
    }
}

impl fmt::Debug for OwnedFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.frame(), f)
    }
}

/// The PDUs of a [`Batch`], in order.
#[derive(Debug, Clone)]
pub struct Frames<'a> {
    left: &'a [u8],
}

impl<'a> Iterator for Frames<'a> {
    type Item = Frame<'a>;

    #[inline]
    fn next(&mut self) -> Option<Frame<'a>> {
        let (header, octets) = first(self.left)?;
        let (pdu, left) = self.left.split_at_checked(octets)?;
        self.left = left;
        Some(Frame { header, body: pdu.get(HEADER_OCTETS..)? })
    }
}

/// The header and the length of the first PDU; the framer has already seen that it is whole.
#[inline]
fn first(octets: &[u8]) -> Option<(Header, usize)> {
    let (head, _) = octets.split_first_chunk::<HEADER_OCTETS>()?;
    let [a, b, c, d, ..] = *head;
    Some((Header::decode(head), u32::from_be_bytes([a, b, c, d]) as usize))
}

/// A `command_length` that cannot be followed. The link is closed after the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FramingError {
    /// What is wrong with the length.
    pub kind: FramingErrorKind,
    /// The length as sent.
    pub command_length: u32,
    /// What the first octets look like.
    pub speaks: Speaks,
    sequence: Option<u32>,
}

/// What is wrong with a `command_length`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FramingErrorKind {
    /// Below 16.
    TooShort,
    /// Above our limit.
    TooLong,
}

/// Another protocol that dialled the SMPP port, told by the four octets of the length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaks {
    /// An HTTP request or status line.
    Http,
    /// An AMQP protocol header.
    Amqp,
    /// A NATS greeting.
    Nats,
    /// A TLS ClientHello on a port without TLS.
    Tls,
    /// Nothing we recognise.
    Unknown,
}

impl Speaks {
    const fn of(length: [u8; 4]) -> Self {
        match &length {
            b"HTTP" | b"GET " | b"POST" | b"PUT " | b"HEAD" | b"OPTI" | b"CONN" | b"PRI " => Self::Http,
            b"AMQP" => Self::Amqp,
            b"INFO" => Self::Nats,
            [0x16, 0x03, ..] => Self::Tls,
            _ => Self::Unknown,
        }
    }
}

impl FramingError {
    fn at(octets: &[u8], too_long: bool) -> Self {
        let head = octets.first_chunk::<4>().copied().unwrap_or_default();
        Self {
            kind: if too_long { FramingErrorKind::TooLong } else { FramingErrorKind::TooShort },
            command_length: u32::from_be_bytes(head),
            speaks: Speaks::of(head),
            sequence: octets.first_chunk().map(|header| Header::decode(header).sequence),
        }
    }

    /// The `generic_nack` that is due: the sequence of the header when it was in hand, else 0.
    pub fn answer(&self) -> Header {
        Header {
            command: crate::Command::GenericNack,
            status: CommandStatus::RINVCMDLEN,
            sequence: self.sequence.unwrap_or(0),
        }
    }
}

impl fmt::Display for FramingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = match self.speaks {
            Speaks::Http => ": the peer speaks HTTP",
            Speaks::Amqp => ": the peer speaks AMQP",
            Speaks::Nats => ": the peer speaks NATS",
            Speaks::Tls => ": the peer speaks TLS to a port without TLS",
            Speaks::Unknown => "",
        };
        write!(f, "command_length {}{said}", self.command_length)
    }
}

impl std::error::Error for FramingError {}
