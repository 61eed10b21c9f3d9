//! Cutting frames out of a stream, wherever the reads end (RFC 4975 §7.1).
//!
//! Nothing is collected for a length that somebody claims: a head is held until its last line is there, at
//! most [`HEADERS_MAX`] lines of [`LINE_OCTETS_MAX`] octets; a body until its end-line is there, at most
//! [`PIECE_OCTETS`] and a read, and from then on it is handed on in pieces.

use bytes::{Buf, Bytes, BytesMut};

use super::{
    End, Fault, Frame, Piece, Request,
    head::{self, Head, Kind},
    search::{EndLine, Found},
};
use crate::{
    Path, TransactionId,
    limits::{CHUNK_OCTETS_MAX, HEADERS_MAX, LINE_OCTETS_MAX, PIECE_OCTETS},
};

/// What a peer may make a [`Decoder`] hold.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Octets of one header line, its end included.
    pub line_octets: usize,
    /// Lines of one head.
    pub headers: usize,
    /// Octets of a body that are collected before they are handed on.
    pub piece_octets: usize,
    /// Octets of the body of one chunk.
    pub chunk_octets: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            line_octets: LINE_OCTETS_MAX,
            headers: HEADERS_MAX,
            piece_octets: PIECE_OCTETS,
            chunk_octets: CHUNK_OCTETS_MAX,
        }
    }
}

/// A stream that cannot be followed any further: answer if it can be answered, then close.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct FrameError {
    /// What is wrong.
    pub kind: FrameErrorKind,
    /// Where it went wrong, as far as that could be read.
    pub within: Option<Box<Within>>,
}

/// The request or response in which a stream broke.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Within {
    /// Its transaction.
    pub transaction: TransactionId,
    /// Where it went; maybe empty.
    pub to_path: Path,
    /// Where it came from; maybe empty.
    pub from_path: Path,
}

/// What is wrong with a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum FrameErrorKind {
    /// The octets do not begin with `MSRP `.
    #[error("the stream does not speak MSRP")]
    NotMsrp,
    /// The transaction identifier is none.
    #[error("the transaction identifier is illegal")]
    TransactionId,
    /// A header line is too long.
    #[error("a header line is too long")]
    LineTooLong,
    /// A head has too many lines.
    #[error("a head has too many lines")]
    TooManyHeaders,
    /// A body does not end where it should at the latest.
    #[error("a body does not end")]
    BodyTooLong,
}

/// Where frames end in one stream.
#[derive(Debug, Default)]
pub struct Decoder {
    limits: Limits,
    state: State,
}

#[derive(Debug, Default)]
enum State {
    /// Between frames: line ends are let be.
    #[default]
    Between,
    /// In a head: so many octets of it are known to be whole lines, of which so many.
    Head { octets: usize, lines: usize, transaction: TransactionId, kind: Kind },
    /// In a body.
    Body(Box<Body>),
    /// After an error nothing more comes out.
    Broken(FrameErrorKind),
}

struct Body {
    end_line: EndLine,
    /// The head that waits for the first octets of its body.
    head: Option<Frame>,
    /// Octets of the buffer without an end-line.
    searched: usize,
    /// Octets handed on.
    passed: u64,
    /// The line end before the first octet of the body, 2 or 0: an end-line may share it.
    lead: usize,
    transaction: TransactionId,
    /// Responses have no bodies; what comes all the same is dropped.
    drop: bool,
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Body").field("passed", &self.passed).finish_non_exhaustive()
    }
}

/// What a step came to.
enum Step {
    /// Look again, with a frame or without.
    Done,
    NeedMore,
}

impl Decoder {
    /// A decoder with limits of its own.
    pub const fn new(limits: Limits) -> Self {
        Self { limits, state: State::Between }
    }

    /// Takes the next frame off the head of `buffer`; `None` when its end has not come yet.
    ///
    /// # Errors
    ///
    /// When the stream cannot be followed; from then on always.
    pub fn next(&mut self, buffer: &mut BytesMut) -> Result<Option<Frame>, FrameError> {
        let mut out = None;
        loop {
            let step = match &self.state {
                State::Between => self.start(buffer),
                State::Head { .. } => self.head(buffer, &mut out),
                State::Body(_) => self.body(buffer, &mut out),
                State::Broken(kind) => Err(FrameError { kind: *kind, within: None }),
            };
            match step {
                Ok(Step::NeedMore) => return Ok(None),
                Ok(Step::Done) if out.is_none() => {}
                Ok(Step::Done) => return Ok(out),
                Err(error) => {
                    self.state = State::Broken(error.kind);
                    return Err(error);
                }
            }
        }
    }

    /// Takes every frame off the head of `buffer`.
    ///
    /// # Errors
    ///
    /// As [`next`](Self::next); the frames before the error are in `frames`.
    pub fn cut(&mut self, buffer: &mut BytesMut, frames: &mut Vec<Frame>) -> Result<(), FrameError> {
        while let Some(frame) = self.next(buffer)? {
            frames.push(frame);
        }
        Ok(())
    }

    fn start(&mut self, buffer: &mut BytesMut) -> Result<Step, FrameError> {
        while buffer.starts_with(b"\r\n") {
            buffer.advance(2);
        }
        let error = |kind| FrameError { kind, within: None };
        let seen = head::START.len().min(buffer.len());
        let speaks = buffer.get(..seen) == head::START.get(..seen) || buffer[..] == b"\r"[..];
        if !speaks {
            return Err(error(FrameErrorKind::NotMsrp));
        }
        match self.line(buffer, 0).map_err(error)? {
            None => Ok(Step::NeedMore),
            Some(end) => {
                let line = buffer.get(..end - 2).unwrap_or_default();
                let start = head::start_line(line).ok_or_else(|| error(FrameErrorKind::TransactionId))?;
                self.state = State::Head { octets: end, lines: 0, transaction: start.0, kind: start.1 };
                Ok(Step::Done)
            }
        }
    }

    /// The end of the line that begins at `from`, if it is there.
    fn line(&self, buffer: &BytesMut, from: usize) -> Result<Option<usize>, FrameErrorKind> {
        let rest = buffer.get(from..).unwrap_or_default();
        let near = rest.get(..self.limits.line_octets).unwrap_or(rest);
        match head::line_end(near, 0) {
            Some(end) => Ok(Some(from + end)),
            None if rest.len() >= self.limits.line_octets => Err(FrameErrorKind::LineTooLong),
            None => Ok(None),
        }
    }

    fn head(&mut self, buffer: &mut BytesMut, out: &mut Option<Frame>) -> Result<Step, FrameError> {
        let State::Head { mut octets, mut lines, transaction, kind } = std::mem::take(&mut self.state) else {
            return Ok(Step::NeedMore);
        };
        let start = head::line_end(buffer, 0).unwrap_or_default();
        loop {
            let end = match self.line(buffer, octets) {
                Ok(Some(end)) => end,
                Ok(None) => {
                    self.state = State::Head { octets, lines, transaction, kind };
                    return Ok(Step::NeedMore);
                }
                Err(kind) => return Err(broken_head(kind, transaction, buffer.get(start..octets))),
            };
            let line = buffer.get(octets..end - 2).unwrap_or_default();
            if let Some(flag) = end_line(line, &transaction) {
                let head = buffer.split_to(end);
                let mut frame =
                    Head::read(head.get(start..octets).unwrap_or_default()).finish(transaction, kind);
                if let Frame::Request(request) = &mut frame {
                    request.end = Some(flag);
                }
                *out = Some(frame);
                return Ok(Step::Done);
            }
            if line.is_empty() {
                // The line end stays in the buffer: an end-line that follows at once needs it.
                let head = buffer.split_to(octets);
                let drop = matches!(kind, Kind::Response(_));
                let head =
                    Head::read(head.get(start..).unwrap_or_default()).finish(transaction.clone(), kind);
                self.state = State::Body(Box::new(Body {
                    end_line: EndLine::new(&transaction),
                    head: Some(head),
                    searched: 0,
                    passed: 0,
                    lead: 2,
                    transaction,
                    drop,
                }));
                return Ok(Step::Done);
            }
            lines += 1;
            if lines > self.limits.headers {
                let kind = FrameErrorKind::TooManyHeaders;
                return Err(broken_head(kind, transaction, buffer.get(start..octets)));
            }
            octets = end;
        }
    }

    fn body(&mut self, buffer: &mut BytesMut, out: &mut Option<Frame>) -> Result<Step, FrameError> {
        let State::Body(body) = &mut self.state else { return Ok(Step::NeedMore) };
        let (octets, to, end) = match body.end_line.find(buffer, body.searched) {
            Found::At { at, to, end } => (at, to, Some(end)),
            Found::NotBefore(at) => {
                body.searched = at;
                let long = at >= body.lead + self.limits.piece_octets;
                (if long { at } else { 0 }, if long { at } else { 0 }, None)
            }
        };
        let known = (body.searched.max(octets).saturating_sub(body.lead)) as u64;
        if body.passed.saturating_add(known) > self.limits.chunk_octets {
            let (to_path, from_path) = match body.head.take() {
                Some(Frame::Request(request)) => (request.to_path, request.from_path),
                _ => Default::default(),
            };
            let within = Within { transaction: body.transaction.clone(), to_path, from_path };
            return Err(FrameError { kind: FrameErrorKind::BodyTooLong, within: Some(Box::new(within)) });
        }
        if to == 0 {
            return Ok(Step::NeedMore);
        }
        let mut octets_of_it = buffer.split_to(to);
        octets_of_it.truncate(octets);
        octets_of_it.advance(body.lead.min(octets));
        body.passed += octets_of_it.len() as u64;
        body.lead = 0;
        body.searched = 0;
        let octets = if body.drop { Bytes::new() } else { octets_of_it.freeze() };
        *out = with_body(body.head.take(), octets, end, body.drop);
        if end.is_some() {
            self.state = State::Between;
        }
        Ok(Step::Done)
    }
}

fn with_body(head: Option<Frame>, body: Bytes, end: Option<End>, drop: bool) -> Option<Frame> {
    match head {
        Some(Frame::Request(mut request)) => {
            if !body.is_empty() && request.content_type.is_none() {
                request.fault.get_or_insert(Fault::ContentType);
            }
            Some(Frame::Request(Request { body, end, ..request }))
        }
        Some(response) => Some(response),
        None if drop => None,
        None => Some(Frame::Piece(Piece { body, end })),
    }
}

fn end_line(line: &[u8], transaction: &TransactionId) -> Option<End> {
    let rest = line.strip_prefix(b"-------")?.strip_prefix(transaction.as_str().as_bytes())?;
    match rest {
        [flag] => End::parse(*flag),
        _ => None,
    }
}

fn broken_head(kind: FrameErrorKind, transaction: TransactionId, lines: Option<&[u8]>) -> FrameError {
    let Head { to_path, from_path, .. } = Head::read(lines.unwrap_or_default());
    FrameError { kind, within: Some(Box::new(Within { transaction, to_path, from_path })) }
}
