//! `multipart/mixed` and its like (RFC 2046 §5.1): SDP beside a list or a first message, notifications in one bunch.

use bytes::Bytes;
use smallvec::SmallVec;

use crate::mime;
use crate::sink::{Sink, put_number};

/// Parts of one body.
pub const PARTS_MAX: usize = 32;
/// Octets of the headers of one part.
pub const PART_HEAD_OCTETS_MAX: usize = 8 * 1024;
/// RFC 2046 §5.1.1.
pub const BOUNDARY_OCTETS_MAX: usize = 70;

/// Why a body has no parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MultipartError {
    #[error("no boundary, or one longer than {BOUNDARY_OCTETS_MAX} octets")]
    Boundary,
    #[error("the boundary does not occur")]
    NoParts,
    #[error("more than {PARTS_MAX} parts")]
    TooManyParts,
    #[error("headers of a part longer than {PART_HEAD_OCTETS_MAX} octets")]
    HeadTooLong,
}

/// One part: its headers and its content, slices of the body.
#[derive(Clone, PartialEq, Eq)]
pub struct Part {
    head: Bytes,
    pub content: Bytes,
}

impl Part {
    /// A header of the part, which may be folded.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.split_inclusive(|&octet| octet == b'\n');
        let mut at = 0;
        let value_from = lines.by_ref().find_map(|line| {
            let from = at;
            at += line.len();
            let colon = line.iter().position(|&octet| octet == b':')?;
            let found = line[..colon].trim_ascii().eq_ignore_ascii_case(name.as_bytes());
            found.then_some(from + colon + 1)
        })?;
        for line in lines.take_while(|line| line.starts_with(b" ") || line.starts_with(b"\t")) {
            at += line.len();
        }
        std::str::from_utf8(self.head.get(value_from..at)?).ok().map(str::trim_ascii)
    }

    #[must_use]
    pub fn content_type(&self) -> Option<&str> {
        self.header("Content-Type")
    }

    /// A part that does not say is text (RFC 2046 §5.1).
    #[must_use]
    pub fn kind(&self) -> mime::Kind {
        self.content_type().map_or(mime::Kind::Text, mime::Kind::of)
    }

    /// `recipient-list`, `notification` and so on, without parameters.
    #[must_use]
    pub fn disposition(&self) -> Option<&str> {
        self.header("Content-Disposition").map(mime::essence)
    }

    /// The content with its `Content-Transfer-Encoding` undone.
    #[must_use]
    pub fn decoded(&self) -> Option<Bytes> {
        mime::decode(self.header("Content-Transfer-Encoding"), &self.content)
    }
}

impl std::fmt::Debug for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let octets = self.content.len();
        f.debug_struct("Part").field("kind", &self.kind()).field("octets", &octets).finish_non_exhaustive()
    }
}

/// Cuts a body into its parts. A missing last delimiter is forgiven, what stands before the first and after the
/// last is not looked at.
pub fn read(content_type: &str, body: &Bytes) -> Result<SmallVec<[Part; 3]>, MultipartError> {
    let boundary = mime::parameter(content_type, "boundary").ok_or(MultipartError::Boundary)?;
    if boundary.is_empty() || boundary.len() > BOUNDARY_OCTETS_MAX {
        return Err(MultipartError::Boundary);
    }
    let mut parts = SmallVec::new();
    // Where the current part begins, once a delimiter was seen.
    let mut part_from = None;
    let mut at = 0;
    let mut closed = false;
    for line in body.split_inclusive(|&octet| octet == b'\n') {
        let from = at;
        at += line.len();
        let rest = line.strip_prefix(b"--").and_then(|line| line.strip_prefix(boundary.as_bytes()));
        let Some(rest) = rest.map(<[u8]>::trim_ascii_end).filter(|rest| matches!(*rest, b"" | b"--")) else {
            continue;
        };
        if let Some(part_from) = part_from.replace(at) {
            push(&mut parts, body, part_from, from)?;
        }
        closed = rest == b"--";
        if closed {
            break;
        }
    }
    match part_from {
        None => return Err(MultipartError::NoParts),
        Some(from) if !closed && from < body.len() => push(&mut parts, body, from, body.len())?,
        Some(_) => {}
    }
    Ok(parts)
}

fn push(
    parts: &mut SmallVec<[Part; 3]>,
    body: &Bytes,
    from: usize,
    until: usize,
) -> Result<(), MultipartError> {
    if parts.len() == PARTS_MAX {
        return Err(MultipartError::TooManyParts);
    }
    let part = body.slice(from..until);
    // The line end before a delimiter belongs to the delimiter.
    let ends =
        part.strip_suffix(b"\n").map_or(part.len(), |part| part.strip_suffix(b"\r").unwrap_or(part).len());
    let mut head_ends = 0;
    let mut content_from = part.len();
    for line in part.split_inclusive(|&octet| octet == b'\n') {
        let after = head_ends + line.len();
        if line.trim_ascii_end().is_empty() {
            content_from = after;
            break;
        }
        head_ends = after;
        if head_ends > PART_HEAD_OCTETS_MAX {
            return Err(MultipartError::HeadTooLong);
        }
    }
    let content = part.slice(content_from.min(ends)..ends);
    parts.push(Part { head: part.slice(..head_ends), content });
    Ok(())
}

/// Writes parts one after the other; the boundary must not occur in any of them.
pub struct Writer<'o, S> {
    out: &'o mut S,
    boundary: &'o str,
}

impl<'o, S: Sink> Writer<'o, S> {
    pub const fn new(out: &'o mut S, boundary: &'o str) -> Self {
        Self { out, boundary }
    }

    /// One part. `disposition` is its `Content-Disposition`.
    #[must_use]
    pub fn part(self, content_type: &str, disposition: Option<&str>, content: &[u8]) -> Self {
        self.out.put(b"--");
        self.out.put(self.boundary.as_bytes());
        self.out.put(b"\r\nContent-Type: ");
        self.out.put(content_type.as_bytes());
        if let Some(disposition) = disposition {
            self.out.put(b"\r\nContent-Disposition: ");
            self.out.put(disposition.as_bytes());
        }
        self.out.put(b"\r\nContent-Length: ");
        put_number(self.out, content.len() as u64);
        self.out.put(b"\r\n\r\n");
        self.out.put(content);
        self.out.put(b"\r\n");
        self
    }

    /// The delimiter after the last part.
    pub fn end(self) {
        self.out.put(b"--");
        self.out.put(self.boundary.as_bytes());
        self.out.put(b"--\r\n");
    }
}
