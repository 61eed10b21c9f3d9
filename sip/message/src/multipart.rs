//! Multipart bodies (RFC 2046 §5.1): split without a copy, written octet for octet. Parts may hold any octets.

use bytes::{BufMut, Bytes, BytesMut};
use smol_str::SmolStr;

use crate::fault::Malformed;
use crate::headers::{HeaderValue, Headers};
use crate::limits::Limits;
use crate::lines::header_lines;
use crate::name::Name;
use crate::octets::{find, is_space};
use crate::values::{MediaType, Value};

/// Parts of one body.
pub const PARTS_MAX: usize = 64;
/// Octets of a boundary (RFC 2046 §5.1.1).
const BOUNDARY_MAX: usize = 70;

/// Bounds of the head of one part.
const PART_HEAD: Limits =
    Limits { head_octets: 8 * 1024, headers: 32, header_octets: 4 * 1024, ..Limits::DATAGRAM };

/// One part.
#[derive(Debug, Clone, Default)]
pub struct Part {
    /// Content-Type, Content-Disposition, …
    pub headers: Headers,
    /// Octet for octet.
    pub body: Bytes,
}

/// Why a body is no multipart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MultipartError {
    /// No boundary, or one that is none.
    #[error("no boundary")]
    Boundary,
    /// No first delimiter.
    #[error("no part begins")]
    NoPart,
    /// The last delimiter is missing.
    #[error("the last part does not end")]
    Unfinished,
    /// Over [`PARTS_MAX`].
    #[error("too many parts")]
    TooMany,
    /// The head of a part cannot be read.
    #[error("the head of a part cannot be read")]
    Head,
    /// The boundary occurs within a part.
    #[error("the boundary occurs within a part")]
    Ambiguous,
}

impl Part {
    /// Of that type.
    #[must_use]
    pub fn new(content_type: &str, body: Bytes) -> Self {
        let mut headers = Headers::new();
        headers.push(Name::ContentType, content_type);
        Self { headers, body }
    }

    /// With one more header.
    #[must_use]
    pub fn with(mut self, name: Name, value: impl Into<HeaderValue>) -> Self {
        self.headers.push(name, value);
        self
    }
}

/// The boundary that a Content-Type of `multipart/*` names.
///
/// # Errors
/// [`MultipartError::Boundary`] for other types and for what is no boundary.
pub fn boundary(content_type: &[u8]) -> Result<SmolStr, MultipartError> {
    let read = || -> Result<Option<SmolStr>, Malformed> {
        let media = MediaType::parse(content_type)?;
        let multipart = media.essence.get(..10).is_some_and(|start| start.eq_ignore_ascii_case("multipart/"));
        Ok(media.params.text("boundary").filter(|_| multipart).map(SmolStr::new))
    };
    read().ok().flatten().filter(|boundary| is_boundary(boundary)).ok_or(MultipartError::Boundary)
}

fn is_boundary(boundary: &str) -> bool {
    let ok = |b: u8| b.is_ascii_alphanumeric() || b" '()+_,-./:=?".contains(&b);
    (1..=BOUNDARY_MAX).contains(&boundary.len()) && boundary.bytes().all(ok) && !boundary.ends_with(' ')
}

/// A line that divides parts.
struct Delimiter {
    /// Where the CRLF in front of it begins.
    from: usize,
    /// Behind its CRLF, or behind the last one's dashes.
    to: usize,
    last: bool,
}

/// The next delimiter whose dashes begin at or after `at`.
fn delimiter(body: &[u8], boundary: &[u8], mut at: usize) -> Option<Delimiter> {
    while let Some(start) = find(body, b'-', at) {
        at = start + 1;
        let at_line_start = start == 0 || body[..start].ends_with(b"\r\n");
        let Some(rest) = body[start..].strip_prefix(b"--").and_then(|rest| rest.strip_prefix(boundary))
        else {
            continue;
        };
        if !at_line_start {
            continue;
        }
        let from = start.saturating_sub(2);
        let behind = body.len() - rest.len();
        if rest.starts_with(b"--") {
            return Some(Delimiter { from, to: behind + 2, last: true });
        }
        // Blanks that a relay added do not matter.
        let blanks = rest.iter().take_while(|&&b| is_space(b)).count();
        if rest[blanks..].starts_with(b"\r\n") {
            return Some(Delimiter { from, to: behind + blanks + 2, last: false });
        }
    }
    None
}

/// The parts between the delimiters; preamble and epilogue are left out.
///
/// # Errors
/// [`MultipartError`] says why it cannot be split.
pub fn split(body: &Bytes, boundary: &str) -> Result<Vec<Part>, MultipartError> {
    if !is_boundary(boundary) {
        return Err(MultipartError::Boundary);
    }
    let mut parts = Vec::new();
    let mut opening = delimiter(body, boundary.as_bytes(), 0).ok_or(MultipartError::NoPart)?;
    while !opening.last {
        if parts.len() == PARTS_MAX {
            return Err(MultipartError::TooMany);
        }
        // The CRLF of the opening line may also be the one in front of the next delimiter.
        let from = opening.to;
        let closing = delimiter(body, boundary.as_bytes(), from).ok_or(MultipartError::Unfinished)?;
        parts.push(part(body.slice(from..closing.from.max(from)))?);
        opening = closing;
    }
    Ok(parts)
}

fn part(octets: Bytes) -> Result<Part, MultipartError> {
    let mut headers = Headers::over(octets.clone());
    let end = header_lines(&octets, 0, &PART_HEAD, &mut headers).map_err(|_| MultipartError::Head)?;
    Ok(Part { headers, body: octets.slice(end..) })
}

/// The body of those parts.
///
/// # Errors
/// [`MultipartError::Ambiguous`] when the boundary occurs in a part: take another one.
pub fn write(parts: &[Part], boundary: &str) -> Result<Bytes, MultipartError> {
    if !is_boundary(boundary) {
        return Err(MultipartError::Boundary);
    }
    let size = parts.iter().map(|part| part.body.len() + 256).sum();
    let mut out = BytesMut::with_capacity(size);
    for part in parts {
        if contains(&part.body, boundary.as_bytes()) {
            return Err(MultipartError::Ambiguous);
        }
        out.put_slice(b"--");
        out.put_slice(boundary.as_bytes());
        out.put_slice(b"\r\n");
        for (name, value) in part.headers.iter() {
            out.put_slice(name.as_str().as_bytes());
            out.put_slice(b": ");
            out.put_slice(value);
            out.put_slice(b"\r\n");
        }
        out.put_slice(b"\r\n");
        out.put_slice(&part.body);
        out.put_slice(b"\r\n");
    }
    out.put_slice(b"--");
    out.put_slice(boundary.as_bytes());
    out.put_slice(b"--\r\n");
    Ok(out.freeze())
}

/// Whether a delimiter could be seen in a part.
fn contains(body: &[u8], boundary: &[u8]) -> bool {
    let mut at = 0;
    while let Some(start) = find(body, b'-', at) {
        if body[start..].strip_prefix(b"--").is_some_and(|rest| rest.starts_with(boundary)) {
            return true;
        }
        at = start + 1;
    }
    false
}
