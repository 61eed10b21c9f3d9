//! Octets to headers: one pass, no copy.

use bytes::Bytes;
use smallvec::SmallVec;

use super::lines::{Line, Lines, Span};
use super::names::Names;
use super::{Address, CpimError, Field, HEADERS_MAX, Namespace};
use crate::{mime, time};

/// A CPIM message as it was received. Cloning shares the octets.
#[derive(Clone)]
pub struct Cpim {
    octets: Bytes,
    headers: SmallVec<[Line; 12]>,
    names: Names,
    mime: SmallVec<[Line; 4]>,
    /// Where the empty line after the headers begins.
    pub(super) head_ends: usize,
    /// Where the MIME headers begin.
    pub(super) entity: usize,
    content: Bytes,
    understood: bool,
}

/// One header where it lies.
#[derive(Clone, Copy)]
pub struct Header<'a> {
    of: &'a Cpim,
    line: &'a Line,
}

impl Cpim {
    /// Reads the body of a `message/cpim`. Everything that is understood or kept lies in `octets`.
    pub fn read(octets: Bytes) -> Result<Self, CpimError> {
        let mut headers: SmallVec<[Line; 12]> = SmallVec::new();
        let mut names = Names::default();
        let mut understood = true;
        let mut lines = Lines::new(&octets);
        while let Some(mut line) = lines.next()? {
            if headers.len() == HEADERS_MAX {
                return Err(CpimError::TooManyHeaders);
            }
            names.resolve(&octets, &mut line);
            match line.field {
                Field::Ns => names.declare(&octets, line.value),
                Field::Require => understood &= names.all_known(&octets, line.value),
                _ => {}
            }
            headers.push(line);
        }
        let (head_ends, entity) = (lines.ended, lines.at);
        let mut lines = lines.again();
        let mut mime: SmallVec<[Line; 4]> = SmallVec::new();
        // Without content there need not be MIME headers: the CPIM part of an INVITE for a large message.
        while let Some(line) = lines.next_mime(&mut mime)? {
            if mime.len() == HEADERS_MAX {
                return Err(CpimError::TooManyHeaders);
            }
            mime.push(line);
        }
        let mut content = octets.slice(lines.at..);
        let mut read =
            Self { octets, headers, names, mime, head_ends, entity, content: Bytes::new(), understood };
        // Lengths are counted wrongly by some peers, so only line ends after the content are cut away by them.
        let length = read.mime("Content-Length").and_then(|length| length.parse::<usize>().ok());
        if let Some(length) = length
            && content.get(length..).is_some_and(|rest| rest.iter().all(|octet| b"\r\n".contains(octet)))
        {
            content.truncate(length);
        }
        read.content = content;
        Ok(read)
    }

    /// The headers in order, those that declare namespaces included.
    pub fn headers(&self) -> impl Iterator<Item = Header<'_>> {
        self.headers.iter().map(|line| Header { of: self, line })
    }

    /// The first header of this kind.
    #[must_use]
    pub fn header(&self, field: Field) -> Option<Header<'_>> {
        self.all(field).next()
    }

    /// Every header of this kind, in order.
    pub fn all(&self, field: Field) -> impl Iterator<Item = Header<'_>> {
        self.headers().filter(move |header| header.line.field == field)
    }

    /// A header of any namespace, by URI and name.
    #[must_use]
    pub fn header_in(&self, namespace: &str, name: &str) -> Option<Header<'_>> {
        self.headers().find(|header| {
            header.namespace_uri() == Some(namespace) && header.name().eq_ignore_ascii_case(name.as_bytes())
        })
    }

    /// The value of the first header of this kind, escapes and all.
    #[must_use]
    pub fn text(&self, field: Field) -> Option<&str> {
        self.header(field).and_then(|header| header.text())
    }

    #[must_use]
    pub fn from(&self) -> Option<Address<'_>> {
        self.text(Field::From).and_then(Address::read)
    }

    #[must_use]
    pub fn to(&self) -> Option<Address<'_>> {
        self.text(Field::To).and_then(Address::read)
    }

    /// `imdn.Message-ID`.
    #[must_use]
    pub fn message_id(&self) -> Option<&str> {
        self.text(Field::MessageId).filter(|id| !id.is_empty())
    }

    /// Microseconds since the epoch; `None` when absent or no time: the time of arrival is taken then.
    #[must_use]
    pub fn date_time(&self) -> Option<i64> {
        self.text(Field::DateTime).and_then(time::read)
    }

    /// False when `Require` names a header that we do not know (RFC 3862 §4.8): such a message is refused.
    #[must_use]
    pub const fn understood(&self) -> bool {
        self.understood
    }

    /// A MIME header of the content, which may be folded.
    #[must_use]
    pub fn mime(&self, name: &str) -> Option<&str> {
        let entity = self.octets.get(self.entity..)?;
        let line =
            self.mime.iter().find(|line| line.name.of(entity).eq_ignore_ascii_case(name.as_bytes()))?;
        std::str::from_utf8(line.value.of(entity)).ok()
    }

    /// The type of the content with its parameters; `None` when nobody said.
    #[must_use]
    pub fn content_type(&self) -> Option<&str> {
        self.mime("Content-Type")
    }

    /// What the content is. Without content, what `Payload-Type` announces.
    #[must_use]
    pub fn kind(&self) -> mime::Kind {
        let announced = || self.text(Field::PayloadType);
        self.content_type().or_else(announced).map_or(mime::Kind::Unknown, mime::Kind::of)
    }

    /// The content as it came, in whatever transfer encoding.
    #[must_use]
    pub const fn content(&self) -> &Bytes {
        &self.content
    }

    /// The content with its `Content-Transfer-Encoding` undone.
    pub fn decoded(&self) -> Result<Bytes, CpimError> {
        mime::decode(self.mime("Content-Transfer-Encoding"), &self.content).ok_or(CpimError::Encoding)
    }

    /// All of it, as it came.
    #[must_use]
    pub const fn octets(&self) -> &Bytes {
        &self.octets
    }
}

impl std::fmt::Debug for Cpim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cpim")
            .field("headers", &self.headers.iter().map(|line| line.field).collect::<Vec<_>>())
            .field("kind", &self.kind())
            .field("content_octets", &self.content.len())
            .finish()
    }
}

impl<'a> Header<'a> {
    #[must_use]
    pub const fn field(&self) -> Field {
        self.line.field
    }

    #[must_use]
    pub const fn namespace(&self) -> Namespace {
        self.line.namespace
    }

    /// The URI of the namespace as it was declared; `None` for the default one and for undeclared prefixes.
    #[must_use]
    pub fn namespace_uri(&self) -> Option<&'a str> {
        let uri = self.of.names.uri(self.line.declared)?;
        std::str::from_utf8(self.at(uri)).ok()
    }

    /// As it was spelled, without its prefix.
    #[must_use]
    pub fn name(&self) -> &'a [u8] {
        self.at(self.line.name)
    }

    /// Without white space around, escapes not resolved: see [`unescape`](super::unescape).
    #[must_use]
    pub fn value(&self) -> &'a [u8] {
        self.at(self.line.value)
    }

    /// The value, when it is UTF-8 as it should be.
    #[must_use]
    pub fn text(&self) -> Option<&'a str> {
        std::str::from_utf8(self.value()).ok()
    }

    /// What stands between the name and the value, `;lang=fr` for one; empty as a rule.
    #[must_use]
    pub fn parameters(&self) -> &'a [u8] {
        self.at(self.line.parameters)
    }

    /// The whole line as it came, line end included.
    #[must_use]
    pub fn line(&self) -> &'a [u8] {
        self.at(self.line.whole)
    }

    fn at(&self, span: Span) -> &'a [u8] {
        span.of(&self.of.octets)
    }

    /// Where the value lies in the line.
    pub(super) fn value_in_line(&self) -> std::ops::Range<usize> {
        let from = self.line.whole.from;
        usize::from(self.line.value.from - from)..usize::from(self.line.value.until - from)
    }
}
