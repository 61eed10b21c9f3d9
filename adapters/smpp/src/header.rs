//! The sixteen octets in front of every PDU (SMPP 3.4 §3.2.1).

use crate::limits::HEADER_OCTETS;
use crate::{Command, CommandStatus};

/// A PDU header. `command_length` is not kept: it is the length of the frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// `command_id`.
    pub command: Command,
    /// `command_status`: meaningful in responses, ignored in requests.
    pub status: CommandStatus,
    /// `sequence_number`, echoed as it is, even 0 or above 0x7FFFFFFF.
    pub sequence: u32,
}

impl Header {
    /// Reads a header; the length word is the framer's business.
    #[inline]
    pub const fn decode(octets: &[u8; HEADER_OCTETS]) -> Self {
        let [_, _, _, _, c0, c1, c2, c3, s0, s1, s2, s3, n0, n1, n2, n3] = *octets;
        Self {
            command: Command::from_id(u32::from_be_bytes([c0, c1, c2, c3])),
            status: CommandStatus(u32::from_be_bytes([s0, s1, s2, s3])),
            sequence: u32::from_be_bytes([n0, n1, n2, n3]),
        }
    }

    /// Writes a header in front of a PDU of `command_length` octets in all.
    #[inline]
    pub const fn encode(&self, command_length: u32) -> [u8; HEADER_OCTETS] {
        let [l0, l1, l2, l3] = command_length.to_be_bytes();
        let [c0, c1, c2, c3] = self.command.id().to_be_bytes();
        let [s0, s1, s2, s3] = self.status.0.to_be_bytes();
        let [n0, n1, n2, n3] = self.sequence.to_be_bytes();
        [l0, l1, l2, l3, c0, c1, c2, c3, s0, s1, s2, s3, n0, n1, n2, n3]
    }
}
