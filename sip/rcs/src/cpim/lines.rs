//! The lines of a head, as positions: nothing is copied.

use super::{CpimError, Field, HEAD_OCTETS_MAX, NAME_OCTETS_MAX, Namespace, VALUE_OCTETS_MAX};
use crate::sink::next_control;

/// Positions in a head. Heads are limited, so they fit.
#[derive(Clone, Copy, Default)]
pub(super) struct Span {
    pub(super) from: u16,
    pub(super) until: u16,
}

impl Span {
    pub(super) fn of(self, octets: &[u8]) -> &[u8] {
        octets.get(usize::from(self.from)..usize::from(self.until)).unwrap_or_default()
    }
}

/// One header.
#[derive(Clone, Copy)]
pub(super) struct Line {
    pub(super) field: Field,
    pub(super) namespace: Namespace,
    /// Which of the declared namespaces; past the last when it is none of them.
    pub(super) declared: u8,
    /// With its line end.
    pub(super) whole: Span,
    /// Without prefix once it is resolved.
    pub(super) name: Span,
    /// Without white space around.
    pub(super) value: Span,
    /// `;lang=fr` and the like.
    pub(super) parameters: Span,
}

/// Walks over the lines of a head until the empty one.
pub(super) struct Lines<'a> {
    octets: &'a [u8],
    /// Positions count from here.
    start: usize,
    /// The line to be read next.
    pub(super) at: usize,
    /// Where the empty line begins, once it was met.
    pub(super) ended: usize,
    number: u8,
}

impl<'a> Lines<'a> {
    pub(super) const fn new(octets: &'a [u8]) -> Self {
        Self { octets, start: 0, at: 0, ended: 0, number: 0 }
    }

    /// The next head begins where this one ended.
    pub(super) const fn again(self) -> Self {
        Self { start: self.at, ended: self.at, ..self }
    }

    /// The next header; `None` after the empty line, which is consumed, and at the end of the octets.
    pub(super) fn next(&mut self) -> Result<Option<Line>, CpimError> {
        let from = self.at;
        let (ends, after) = self.line_end(from)?;
        if ends == from {
            (self.ended, self.at) = (from, after);
            return Ok(None);
        }
        let number = self.number;
        let line = &self.octets[from..ends];
        let colon =
            line.iter().position(|&octet| octet == b':').ok_or(CpimError::NotAHeader { line: number })?;
        let name = line[..colon].trim_ascii_end();
        if name.is_empty() || !name.iter().all(u8::is_ascii_graphic) {
            return Err(CpimError::NotAHeader { line: number });
        }
        if name.len() > NAME_OCTETS_MAX {
            return Err(CpimError::NameTooLong { line: number });
        }
        let rest = &line[colon + 1..];
        let parameters = match rest.first() {
            Some(b';') => rest.iter().position(|&octet| octet == b' ').unwrap_or(rest.len()),
            _ => 0,
        };
        let value_from = ends - rest[parameters..].trim_ascii_start().len();
        let value = self.octets[value_from..ends].trim_ascii_end();
        if value.len() > VALUE_OCTETS_MAX {
            return Err(CpimError::ValueTooLong { line: number });
        }
        self.at = after;
        let parameters_from = from + colon + 1;
        Ok(Some(Line {
            field: Field::Other,
            namespace: Namespace::Undeclared,
            declared: u8::MAX,
            whole: self.span(from, after)?,
            name: self.span(from, from + name.len())?,
            value: self.span(value_from, value_from + value.len())?,
            parameters: self.span(parameters_from, parameters_from + parameters)?,
        }))
    }

    /// As [`next`](Self::next), but a line that begins with white space continues the one `before` it
    /// (RFC 5322 §2.2.3).
    pub(super) fn next_mime(&mut self, before: &mut [Line]) -> Result<Option<Line>, CpimError> {
        while let Some(line) = before.last_mut()
            && self.octets.get(self.at).is_some_and(|octet| b" \t".contains(octet))
        {
            let (ends, after) = self.line_end(self.at)?;
            line.value.until = self.span(self.at, ends)?.until;
            if usize::from(line.value.until - line.value.from) > VALUE_OCTETS_MAX {
                return Err(CpimError::ValueTooLong { line: self.number });
            }
            self.at = after;
        }
        self.next()
    }

    /// Where the line that begins at `from` ends, and where the next one begins. LF alone is taken for CRLF.
    fn line_end(&mut self, from: usize) -> Result<(usize, usize), CpimError> {
        self.number = self.number.saturating_add(1);
        let mut search = from;
        while let Some(at) = next_control(self.octets, search) {
            match (self.octets[at], self.octets.get(at + 1)) {
                (b'\n', _) => return Ok((at, at + 1)),
                (b'\r', Some(b'\n')) => return Ok((at, at + 2)),
                (b'\t', _) => search = at + 1,
                _ => return Err(CpimError::Control { line: self.number }),
            }
        }
        Ok((self.octets.len(), self.octets.len()))
    }

    fn span(&self, from: usize, until: usize) -> Result<Span, CpimError> {
        if until - self.start > HEAD_OCTETS_MAX {
            return Err(CpimError::HeadTooLong);
        }
        Ok(Span { from: (from - self.start) as u16, until: (until - self.start) as u16 })
    }
}
