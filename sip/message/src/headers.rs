//! The headers of one message: an ordered list of names and values, the values slices of the octets received.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;

use crate::address::{Contacts, NameAddr};
use crate::cseq::CSeq;
use crate::fault::Malformed;
use crate::name::Name;
use crate::octets::{self, List, find_control, find_outside, trim};
use crate::via::Via;

/// Headers in order. Values hold no CR or LF, wherever they came from, and no other control octet but the tab and what
/// a received quoted string escapes.
#[derive(Clone, Default)]
pub struct Headers {
    /// What spans point into.
    buffer: Bytes,
    entries: Vec<Entry>,
}

#[derive(Clone)]
struct Entry {
    name: Name,
    value: Value,
}

#[derive(Clone)]
enum Value {
    /// From and to in the buffer. A message is bounded far below 4 GiB.
    Span(u32, u32),
    Own(Bytes),
}

/// A value to be set: octets that were cleared of control characters.
#[derive(Clone, PartialEq, Eq)]
pub struct HeaderValue(Bytes);

impl HeaderValue {
    /// Of a constant.
    #[must_use]
    pub fn from_static(value: &'static str) -> Self {
        Self::from(Bytes::from_static(value.as_bytes()))
    }

    /// Of anything that prints itself.
    #[must_use]
    pub fn display(value: impl fmt::Display) -> Self {
        Self::from(value.to_string())
    }

    /// The octets.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl From<Bytes> for HeaderValue {
    /// Control characters become spaces: nothing we write can begin a line of its own.
    fn from(value: Bytes) -> Self {
        if find_control(&value, 0).is_none() {
            return Self(value);
        }
        let clean = |&b: &u8| if b < b' ' || b == 0x7f { b' ' } else { b };
        Self(value.iter().map(clean).collect())
    }
}

impl From<&[u8]> for HeaderValue {
    fn from(value: &[u8]) -> Self {
        Self::from(Bytes::copy_from_slice(value))
    }
}

impl From<Vec<u8>> for HeaderValue {
    fn from(value: Vec<u8>) -> Self {
        Self::from(Bytes::from(value))
    }
}

impl From<&str> for HeaderValue {
    fn from(value: &str) -> Self {
        Self::from(value.as_bytes())
    }
}

impl From<String> for HeaderValue {
    fn from(value: String) -> Self {
        Self::from(value.into_bytes())
    }
}

impl From<fmt::Arguments<'_>> for HeaderValue {
    fn from(value: fmt::Arguments<'_>) -> Self {
        Self::from(value.to_string())
    }
}

impl From<u32> for HeaderValue {
    fn from(value: u32) -> Self {
        Self::from(value.to_string())
    }
}

/// Values may name people: only the length is shown.
impl fmt::Debug for HeaderValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HeaderValue({} octets)", self.0.len())
    }
}

impl Headers {
    /// None yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { buffer: Bytes::new(), entries: Vec::new() }
    }

    pub(crate) fn over(buffer: Bytes) -> Self {
        Self { buffer, entries: Vec::with_capacity(16) }
    }

    pub(crate) fn push_span(&mut self, name: Name, from: usize, to: usize) {
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        self.entries.push(Entry { name, value: Value::Span(offset(from), offset(to)) });
    }

    fn octets<'a>(&'a self, value: &'a Value) -> &'a [u8] {
        match value {
            Value::Span(from, to) => self.buffer.get(*from as usize..*to as usize).unwrap_or_default(),
            Value::Own(octets) => octets,
        }
    }

    /// How many lines.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// All, in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&Name, &[u8])> {
        self.entries.iter().map(|entry| (&entry.name, self.octets(&entry.value)))
    }

    /// The first of that name.
    #[must_use]
    pub fn get(&self, name: Name) -> Option<&[u8]> {
        self.entries.iter().find(|entry| entry.name == name).map(|entry| self.octets(&entry.value))
    }

    /// The first of that name as text; `None` when absent or not UTF-8.
    #[must_use]
    pub fn text(&self, name: Name) -> Option<&str> {
        self.get(name).and_then(|value| std::str::from_utf8(value).ok())
    }

    /// The first of that name as a slice that may be kept (it keeps the octets received alive).
    #[must_use]
    pub fn bytes(&self, name: Name) -> Option<Bytes> {
        self.entries.iter().find(|entry| entry.name == name).map(|entry| match &entry.value {
            Value::Span(from, to) => self.buffer.slice(*from as usize..*to as usize),
            Value::Own(octets) => octets.clone(),
        })
    }

    /// Whether there is one of that name.
    #[must_use]
    pub fn contains(&self, name: Name) -> bool {
        self.entries.iter().any(|entry| entry.name == name)
    }

    /// All of that name, line by line.
    pub fn all(&self, name: Name) -> impl Iterator<Item = &[u8]> {
        self.entries.iter().filter(move |entry| entry.name == name).map(|entry| self.octets(&entry.value))
    }

    /// All elements of a list header: comma lists and repeated lines are the same (RFC 3261 §7.3.1).
    pub fn list(&self, name: Name) -> impl Iterator<Item = &[u8]> {
        self.all(name).flat_map(List::new)
    }

    /// All elements of a list of tokens as text; what is no text is left out.
    pub fn tokens(&self, name: Name) -> impl Iterator<Item = &str> {
        self.list(name).filter_map(|token| std::str::from_utf8(token).ok())
    }

    /// All elements of a list of addresses.
    pub fn addresses(&self, name: Name) -> impl Iterator<Item = Result<NameAddr<'_>, Malformed>> {
        self.list(name).map(NameAddr::parse)
    }

    /// Behind the others.
    pub fn push(&mut self, name: Name, value: impl Into<HeaderValue>) {
        self.entries.push(Entry { name, value: Value::Own(value.into().0) });
    }

    /// Before the first of the same name, or before everything.
    pub fn push_front(&mut self, name: Name, value: impl Into<HeaderValue>) {
        let at = self.entries.iter().position(|entry| entry.name == name).unwrap_or(0);
        self.entries.insert(at, Entry { name, value: Value::Own(value.into().0) });
    }

    /// Instead of all of that name, where the first one was.
    pub fn set(&mut self, name: Name, value: impl Into<HeaderValue>) {
        let value = Value::Own(value.into().0);
        match self.entries.iter().position(|entry| entry.name == name) {
            Some(at) => {
                self.entries[at].value = value;
                let mut index = 0;
                self.entries.retain(|entry| {
                    index += 1;
                    index - 1 <= at || entry.name != name
                });
            }
            None => self.entries.push(Entry { name, value }),
        }
    }

    /// All of that name; whether there was one.
    pub fn remove(&mut self, name: Name) -> bool {
        let before = self.entries.len();
        self.entries.retain(|entry| entry.name != name);
        self.entries.len() < before
    }

    /// Takes away the first element of a list header: the top Via, the topmost Route.
    pub fn pop_first(&mut self, name: Name) -> Option<Bytes> {
        let at = self.entries.iter().position(|entry| entry.name == name)?;
        let line = match &self.entries[at].value {
            Value::Span(from, to) => self.buffer.slice(*from as usize..*to as usize),
            Value::Own(octets) => octets.clone(),
        };
        let comma = find_outside(&line, b',', 0);
        if comma < line.len() {
            self.entries[at].value = Value::Own(line.slice_ref(trim(&line[comma + 1..])));
        } else {
            self.entries.remove(at);
        }
        Some(line.slice_ref(trim(&line[..comma])))
    }

    /// Puts another first element into a list header: the top Via with `received`.
    pub fn replace_first(&mut self, name: Name, value: impl Into<HeaderValue>) {
        self.pop_first(name.clone());
        self.push_front(name, value);
    }

    /// Another value for the first line of that name.
    pub(crate) fn replace_first_line(&mut self, name: Name, value: HeaderValue) {
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.name == name) {
            entry.value = Value::Own(value.0);
        }
    }

    /// The headers of those names, in the order they stand here, sharing the octets.
    pub(crate) fn only(&self, wanted: impl Fn(&Name) -> bool) -> Self {
        let mut entries = Vec::with_capacity(12);
        entries.extend(self.entries.iter().filter(|entry| wanted(&entry.name)).cloned());
        Self { buffer: self.buffer.clone(), entries }
    }

    /// All headers of that name from elsewhere, behind the others.
    pub fn copy_from(&mut self, other: &Self, name: Name) {
        for entry in other.entries.iter().filter(|entry| entry.name == name) {
            let value = match &entry.value {
                Value::Span(from, to) => other.buffer.slice(*from as usize..*to as usize),
                Value::Own(octets) => octets.clone(),
            };
            self.entries.push(Entry { name: entry.name.clone(), value: Value::Own(value) });
        }
    }

    // What decides where a message goes. A received message was checked: these are there.

    /// The top Via.
    #[must_use]
    pub fn via(&self) -> Option<Via<'_>> {
        self.get(Name::Via).and_then(|value| Via::parse_prefix(value).ok()).map(|(via, _)| via)
    }

    /// From.
    #[must_use]
    pub fn from(&self) -> Option<NameAddr<'_>> {
        self.get(Name::From).and_then(|value| NameAddr::parse_with(value, true).ok())
    }

    /// To.
    #[must_use]
    pub fn to(&self) -> Option<NameAddr<'_>> {
        self.get(Name::To).and_then(|value| NameAddr::parse_with(value, true).ok())
    }

    /// Call-ID; empty when absent.
    #[must_use]
    pub fn call_id(&self) -> &str {
        self.text(Name::CallId).unwrap_or("")
    }

    /// CSeq.
    #[must_use]
    pub fn cseq(&self) -> Option<CSeq> {
        self.get(Name::CSeq).and_then(CSeq::parse)
    }

    /// Max-Forwards; `None` when absent.
    #[must_use]
    pub fn max_forwards(&self) -> Option<u32> {
        self.get(Name::MaxForwards).and_then(|value| octets::number(value).ok())
    }

    /// Expires in seconds, clipped to 2³² − 1; `None` when absent or no number.
    #[must_use]
    pub fn expires(&self) -> Option<u32> {
        match octets::number(self.get(Name::Expires)?) {
            Ok(seconds) => Some(seconds),
            Err(octets::NotANumber::TooBig) => Some(u32::MAX),
            Err(octets::NotANumber::Digits) => None,
        }
    }

    /// Type and subtype of the body in lower case, without parameters.
    #[must_use]
    pub fn media_type(&self) -> Option<Cow<'_, str>> {
        let value = self.text(Name::ContentType)?;
        let media = value.split(';').next()?.trim();
        Some(if media.bytes().any(|b| b.is_ascii_uppercase()) {
            Cow::Owned(media.to_ascii_lowercase())
        } else {
            Cow::Borrowed(media)
        })
    }

    /// What the Contact headers say together.
    ///
    /// # Errors
    /// [`Malformed`] of the first that cannot be read; [`Malformed::Trailing`] for `*` and something else.
    pub fn contacts(&self) -> Result<Contacts<Vec<NameAddr<'_>>>, Malformed> {
        if self.list(Name::Contact).any(|value| value == b"*") {
            let alone = self.list(Name::Contact).nth(1).is_none();
            return if alone { Ok(Contacts::All) } else { Err(Malformed::Trailing) };
        }
        self.addresses(Name::Contact).collect::<Result<_, _>>().map(Contacts::List)
    }
}

/// Values may name people: only the names of the headers are shown.
impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.entries.iter().map(|entry| entry.name.label())).finish()
    }
}
