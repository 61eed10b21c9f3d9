//! Messages out of a stream: framing by Content-Length, keep-alives (RFC 3261 §18.3, RFC 5626 §3.5.1).

use bytes::{Buf, Bytes, BytesMut};

use crate::fault::{Fault, Unreadable};
use crate::limits::Limits;
use crate::message::Message;
use crate::octets::find;
use crate::read::Head;
use crate::salvage;

/// What a stream yields.
#[derive(Debug, Clone)]
pub enum Frame {
    /// A message.
    Message(Message),
    /// CRLF CRLF between messages: answer [`Framer::PONG`].
    Ping,
    /// A single CRLF between messages: the answer to our ping, or nothing.
    Pong,
}

/// Cuts the octets of one connection into messages.
#[derive(Debug)]
pub struct Framer {
    buffer: BytesMut,
    limits: Limits,
    /// Octets of `buffer` that hold no end of a head.
    searched: usize,
    /// A head that waits for its body.
    head: Option<Waiting>,
    /// A lone CRLF was given out as a pong; another one makes it a ping.
    half_ping: bool,
    broken: bool,
}

/// What stands where a message may begin.
enum Between {
    KeepAlive(Frame),
    /// Too little to say.
    Wait,
    Message,
}

#[derive(Debug)]
struct Waiting {
    octets: Bytes,
    outcome: Result<Head, Fault>,
    body: usize,
}

impl Framer {
    /// What answers a [`Frame::Ping`].
    pub const PONG: &'static [u8] = b"\r\n";
    /// What asks for a [`Frame::Pong`].
    pub const PING: &'static [u8] = b"\r\n\r\n";

    /// For one connection.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { buffer: BytesMut::new(), limits, searched: 0, head: None, half_ping: false, broken: false }
    }

    /// Where a reader puts what came: read behind what it holds, then call [`Framer::next_frame`] until it has no more.
    pub const fn buffer_mut(&mut self) -> &mut BytesMut {
        &mut self.buffer
    }

    /// Takes over what came.
    pub fn push(&mut self, octets: &[u8]) {
        self.buffer.extend_from_slice(octets);
    }

    /// Whether a message has begun and is not complete: the caller's clock runs.
    #[must_use]
    pub fn is_mid_message(&self) -> bool {
        self.head.is_some() || !self.buffer.is_empty()
    }

    /// Whether framing is lost: nothing more will come out, the connection is to be closed.
    #[must_use]
    pub const fn is_broken(&self) -> bool {
        self.broken
    }

    /// The next message or keep-alive; `None` until more octets come.
    ///
    /// # Errors
    /// [`Unreadable`]; with `close` set the stream is lost, otherwise the next message follows.
    pub fn next_frame(&mut self) -> Option<Result<Frame, Unreadable>> {
        if self.broken {
            self.buffer.clear();
            return None;
        }
        if self.head.is_none() {
            match self.between() {
                Between::KeepAlive(frame) => return Some(Ok(frame)),
                Between::Wait => return None,
                Between::Message => {}
            }
            let head = match self.cut_head()? {
                Ok(head) => head,
                Err(unreadable) => {
                    self.broken = true;
                    return Some(Err(unreadable.closing()));
                }
            };
            self.head = Some(head);
        }
        let body = self.head.as_ref()?.body;
        if self.buffer.len() < body {
            return None;
        }
        let Waiting { octets, outcome, body } = self.head.take()?;
        let body = self.buffer.split_to(body).freeze();
        let message = outcome.and_then(|head| head.finish(body, &self.limits));
        Some(message.map(Frame::Message).map_err(|fault| salvage::unreadable(&octets, fault)))
    }

    /// Takes the CRLFs in front of a message.
    fn between(&mut self) -> Between {
        loop {
            let (frame, octets) = match &self.buffer[..] {
                [] | [b'\r'] | [b'\r', b'\n', b'\r'] => return Between::Wait,
                [b'\r', b'\n', b'\r', b'\n', ..] => (Some(Frame::Ping), 4),
                [b'\r', b'\n'] if self.half_ping => (Some(Frame::Ping), 2),
                [b'\r', b'\n'] => (Some(Frame::Pong), 2),
                [b'\r', b'\n', ..] => (None, 2),
                _ => {
                    self.half_ping = false;
                    return Between::Message;
                }
            };
            self.buffer.advance(octets);
            self.half_ping = matches!(frame, Some(Frame::Pong));
            if let Some(frame) = frame {
                return Between::KeepAlive(frame);
            }
        }
    }

    /// The head, once its blank line is there, and how long the body is.
    fn cut_head(&mut self) -> Option<Result<Waiting, Unreadable>> {
        if let Some(lf) = find(&self.buffer, b'\n', 0)
            && !salvage::may_be_start_line(&self.buffer[..lf])
        {
            return Some(Err(Unreadable::discard(Fault::NotSip)));
        }
        let end = self.blank_line();
        if end.unwrap_or(self.buffer.len()) > self.limits.head_octets {
            let octets = self.buffer.split().freeze();
            return Some(Err(salvage::unreadable(&octets, Fault::HeadTooLong)));
        }
        let end = end?;
        let octets = self.buffer.split_to(end).freeze();
        self.searched = 0;
        let outcome = Head::read(&octets, &self.limits);
        // A fault that leaves the framing intact costs one message, not the connection.
        let length = match &outcome {
            Ok(head) => head.content_length.ok_or(Fault::LengthMissing),
            Err(fault @ (Fault::NotSip | Fault::LengthInvalid | Fault::LengthConflict)) => Err(*fault),
            Err(_) => salvage::content_length(&octets),
        };
        let body = match length {
            Ok(length) if length > self.limits.body_octets => Err(Fault::BodyTooLarge),
            Ok(length) if octets.len() + length > self.limits.message_octets => Err(Fault::TooLarge),
            other => other,
        };
        Some(match body {
            Ok(body) => Ok(Waiting { octets, outcome, body }),
            Err(fault) => Err(salvage::unreadable(&octets, fault)),
        })
    }

    /// Where the head ends, blank line included.
    fn blank_line(&mut self) -> Option<usize> {
        let mut at = self.searched;
        while let Some(lf) = find(&self.buffer, b'\n', at) {
            if lf >= 3 && self.buffer[lf - 3..=lf] == b"\r\n\r\n"[..] {
                return Some(lf + 1);
            }
            at = lf + 1;
        }
        self.searched = self.buffer.len();
        None
    }
}
