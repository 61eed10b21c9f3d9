//! The judge's own SMPP 3.4: just enough to submit, answer, deliver and read receipts.
//!
//! Written apart from `adapters/smpp` on purpose. What judges the gateway must not share its mistakes.

use std::io::{self, Read};

pub(crate) const BIND_TRANSCEIVER: u32 = 0x0000_0009;
pub(crate) const SUBMIT_SM: u32 = 0x0000_0004;
pub(crate) const DELIVER_SM: u32 = 0x0000_0005;
pub(crate) const UNBIND: u32 = 0x0000_0006;
pub(crate) const ENQUIRE_LINK: u32 = 0x0000_0015;
pub(crate) const RESPONSE: u32 = 0x8000_0000;

pub(crate) const OK: u32 = 0;
pub(crate) const THROTTLED: u32 = 0x58;
pub(crate) const QUEUE_FULL: u32 = 0x14;

const HEADER_OCTETS: usize = 16;
/// No PDU of ours or of a peer comes near it; a larger one means that the framing is lost.
const PDU_OCTETS_MAX: usize = 70_000;
const ESM_RECEIPT: u8 = 0x04;

/// One PDU inside a receive buffer.
#[derive(Clone, Copy)]
pub(crate) struct Pdu<'a> {
    pub(crate) command: u32,
    pub(crate) status: u32,
    pub(crate) sequence: u32,
    pub(crate) body: &'a [u8],
}

/// What `submit_sm` and `deliver_sm` carry, as far as a judge cares.
pub(crate) struct Message<'a> {
    pub(crate) from: &'a [u8],
    pub(crate) to: &'a [u8],
    pub(crate) esm_class: u8,
    pub(crate) registered_delivery: u8,
    pub(crate) octets: &'a [u8],
}

impl Message<'_> {
    pub(crate) fn is_receipt(&self) -> bool {
        self.esm_class & 0x3C == ESM_RECEIPT
    }

    pub(crate) fn wants_receipt(&self) -> bool {
        self.registered_delivery & 0x03 != 0
    }
}

/// Receives into one buffer and cuts PDUs out of it.
pub(crate) struct Intake {
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

impl Intake {
    pub(crate) fn new() -> Self {
        Self { buffer: vec![0; 512 * 1024], start: 0, end: 0 }
    }

    /// One read; `Ok(false)` when nothing came before the socket's timeout.
    pub(crate) fn fill(&mut self, from: &mut impl Read) -> io::Result<bool> {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        match from.read(&mut self.buffer[self.end..]) {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(octets) => {
                self.end += octets;
                Ok(true)
            }
            Err(error) if is_timeout(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The next whole PDU, if one is there.
    pub(crate) fn next(&mut self) -> io::Result<Option<Pdu<'_>>> {
        let waiting = &self.buffer[self.start..self.end];
        let Some(length) = word(waiting, 0) else { return Ok(None) };
        let length = length as usize;
        if !(HEADER_OCTETS..=PDU_OCTETS_MAX).contains(&length) {
            return Err(io::Error::other(format!("a PDU of {length} octets")));
        }
        if waiting.len() < length {
            return Ok(None);
        }
        let head = |at| word(waiting, at).unwrap_or_default();
        let pdu = Pdu {
            command: head(4),
            status: head(8),
            sequence: head(12),
            body: &waiting[HEADER_OCTETS..length],
        };
        self.start += length;
        Ok(Some(pdu))
    }
}

pub(crate) fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted)
}

fn word(octets: &[u8], at: usize) -> Option<u32> {
    octets.get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes)
}

/// Cuts the C string at the front.
pub(crate) fn c_string<'a>(octets: &mut &'a [u8]) -> Option<&'a [u8]> {
    let end = octets.iter().position(|octet| *octet == 0)?;
    let (string, rest) = octets.split_at(end);
    *octets = &rest[1..];
    Some(string)
}

fn skip(octets: &mut &[u8], count: usize) -> Option<()> {
    *octets = octets.get(count..)?;
    Some(())
}

/// Reads the body of `submit_sm` or `deliver_sm`; a `message_payload` is the text when there is no short one.
pub(crate) fn message(mut body: &[u8]) -> Option<Message<'_>> {
    let rest = &mut body;
    c_string(rest)?;
    skip(rest, 2)?;
    let from = c_string(rest)?;
    skip(rest, 2)?;
    let to = c_string(rest)?;
    let esm_class = *rest.first()?;
    skip(rest, 3)?;
    c_string(rest)?;
    c_string(rest)?;
    let registered_delivery = *rest.first()?;
    skip(rest, 4)?;
    let length = usize::from(*rest.first()?);
    skip(rest, 1)?;
    let mut octets = rest.get(..length)?;
    skip(rest, length)?;
    while octets.is_empty() && rest.len() >= 4 {
        let tag = u16::from_be_bytes([rest[0], rest[1]]);
        let length = usize::from(u16::from_be_bytes([rest[2], rest[3]]));
        let value = rest.get(4..4 + length)?;
        if tag == 0x0424 {
            octets = value;
        }
        skip(rest, 4 + length)?;
    }
    Some(Message { from, to, esm_class, registered_delivery, octets })
}

/// Writes one PDU: the body by `write`, then the length.
fn pdu(out: &mut Vec<u8>, command: u32, status: u32, sequence: u32, write: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    for value in [command, status, sequence] {
        out.extend_from_slice(&value.to_be_bytes());
    }
    write(out);
    let length = u32::try_from(out.len() - start).unwrap_or(u32::MAX);
    out[start..start + 4].copy_from_slice(&length.to_be_bytes());
}

fn text(out: &mut Vec<u8>, string: &[u8]) {
    out.extend_from_slice(string);
    out.push(0);
}

pub(crate) fn bind(out: &mut Vec<u8>, sequence: u32, system_id: &str, password: &str) {
    pdu(out, BIND_TRANSCEIVER, OK, sequence, |out| {
        text(out, system_id.as_bytes());
        text(out, password.as_bytes());
        out.extend_from_slice(&[0, 0x34, 0, 0, 0]);
    });
}

/// An answer whose body is one C string: binds, `submit_sm_resp`, `deliver_sm_resp`.
pub(crate) fn answer(out: &mut Vec<u8>, to: &Pdu<'_>, status: u32, string: &[u8]) {
    pdu(out, to.command | RESPONSE, status, to.sequence, |out| text(out, string));
}

/// An answer without a body: `enquire_link_resp`, `unbind_resp`.
pub(crate) fn empty(out: &mut Vec<u8>, command: u32, sequence: u32) {
    pdu(out, command, OK, sequence, |_| {});
}

/// What one message to be sent looks like.
pub(crate) struct Outgoing<'a> {
    pub(crate) from: &'a [u8],
    pub(crate) to: &'a [u8],
    pub(crate) receipt: bool,
    pub(crate) octets: &'a [u8],
}

/// A `submit_sm`, or with the same body a `deliver_sm` that is no receipt.
pub(crate) fn send(out: &mut Vec<u8>, command: u32, sequence: u32, message: &Outgoing<'_>) {
    pdu(out, command, OK, sequence, |out| {
        out.extend_from_slice(&[0, 0, 1]);
        text(out, message.from);
        out.extend_from_slice(&[1, 1]);
        text(out, message.to);
        out.extend_from_slice(&[0, 0, 0, 0, 0, u8::from(message.receipt), 0, 0, 0]);
        out.push(u8::try_from(message.octets.len()).unwrap_or(u8::MAX));
        out.extend_from_slice(message.octets);
    });
}

/// A `deliver_sm` that says in words (SMPP 3.4 appendix B) and in TLVs that `id` reached the handset.
pub(crate) fn receipt(out: &mut Vec<u8>, sequence: u32, from: &[u8], to: &[u8], id: &[u8]) {
    pdu(out, DELIVER_SM, OK, sequence, |out| {
        out.extend_from_slice(&[0, 1, 1]);
        text(out, from);
        out.extend_from_slice(&[0, 1]);
        text(out, to);
        out.extend_from_slice(&[ESM_RECEIPT, 0, 0, 0, 0, 0, 0, 0, 0]);
        let words: [&[u8]; 3] = [
            b"id:",
            id,
            b" sub:001 dlvrd:001 submit date:2611230000 done date:2611230000 stat:DELIVRD err:000 text:",
        ];
        out.push(u8::try_from(words.iter().map(|part| part.len()).sum::<usize>()).unwrap_or(u8::MAX));
        words.iter().for_each(|part| out.extend_from_slice(part));
        let octets = u16::try_from(id.len() + 1).unwrap_or(u16::MAX);
        out.extend_from_slice(&[0x00, 0x1E]);
        out.extend_from_slice(&octets.to_be_bytes());
        text(out, id);
        out.extend_from_slice(&[0x04, 0x27, 0, 1, 2]);
    });
}

/// The id and the state that a receipt's words name.
pub(crate) fn receipt_words<'a>(octets: &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
    let field = |name: &[u8]| -> Option<&'a [u8]> {
        let start = octets.windows(name.len()).position(|window| window == name)? + name.len();
        let rest = octets.get(start..)?;
        let end = rest.iter().position(|octet| *octet == b' ').unwrap_or(rest.len());
        rest.get(..end)
    };
    Some((field(b"id:")?, field(b"stat:")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn through(octets: &[u8], pieces: usize) -> Vec<(u32, u32, Vec<u8>)> {
        let mut intake = Intake::new();
        let mut seen = Vec::new();
        for mut piece in octets.chunks(pieces) {
            intake.fill(&mut piece).unwrap();
            while let Some(pdu) = intake.next().unwrap() {
                seen.push((pdu.command, pdu.sequence, pdu.body.to_vec()));
            }
        }
        seen
    }

    #[test]
    fn a_message_survives_any_cut_of_the_stream() {
        let mut octets = Vec::new();
        let outgoing =
            Outgoing { from: b"15881234", to: b"821012345678", receipt: true, octets: b"k-1 hello" };
        send(&mut octets, SUBMIT_SM, 7, &outgoing);
        receipt(&mut octets, 8, b"821012345678", b"15881234", b"0042");
        for pieces in [1, 3, 17, 4096] {
            let seen = through(&octets, pieces);
            assert_eq!(
                seen.iter().map(|pdu| (pdu.0, pdu.1)).collect::<Vec<_>>(),
                [(SUBMIT_SM, 7), (DELIVER_SM, 8)]
            );
            let submitted = message(&seen[0].2).unwrap();
            assert_eq!((submitted.from, submitted.to), (outgoing.from, outgoing.to));
            assert!(submitted.wants_receipt() && !submitted.is_receipt());
            assert_eq!(submitted.octets, outgoing.octets);
            let receipt = message(&seen[1].2).unwrap();
            assert!(receipt.is_receipt());
            assert_eq!(receipt_words(receipt.octets), Some((&b"0042"[..], &b"DELIVRD"[..])));
        }
    }

    #[test]
    fn a_lost_framing_is_an_error_not_a_wait() {
        let mut intake = Intake::new();
        intake.fill(&mut &[0xFF; 32][..]).unwrap();
        assert!(intake.next().is_err());
    }
}
