//! A cursor over elements: parent and child by depth, text on demand.

use std::borrow::Cow;

use quick_xml::escape::{resolve_xml_entity, unescape_with};
use quick_xml::events::Event;
use quick_xml::events::attributes::{AttrError, Attributes};
use smallvec::SmallVec;

use super::XmlError;
use crate::sink::next_control;

const XML: &str = "http://www.w3.org/XML/1998/namespace";

/// How much of a document is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Octets of the whole document, checked before parsing.
    pub octets: usize,
    /// Elements inside each other; the root is 1.
    pub depth: u16,
    /// Elements of the whole document.
    pub elements: u32,
    /// Attributes of one element, and namespaces in scope.
    pub attributes: u16,
    /// Octets of one attribute or of the text of one element.
    pub value: usize,
}

impl Limits {
    /// What people send each other: notifications, indications, files, places.
    pub const MESSAGE: Self =
        Self { octets: 16 * 1024, depth: 16, elements: 256, attributes: 32, value: 4 * 1024 };
    /// What servers send: lists, conferences, registrations.
    pub const DOCUMENT: Self =
        Self { octets: 256 * 1024, depth: 16, elements: 16 * 1024, attributes: 32, value: 8 * 1024 };
}

/// An element that was opened. Its attributes are asked of the [`Reader`] until it reads on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Element<'a> {
    /// URI of the namespace; empty when there is none, or the prefix was never declared.
    pub namespace: &'a str,
    /// Without prefix.
    pub name: &'a str,
    depth: u16,
}

impl Element<'_> {
    /// By namespace and name. Peers that forget to declare a namespace are taken at their word.
    #[must_use]
    pub fn is(&self, namespace: &str, name: &str) -> bool {
        self.name == name && (self.namespace == namespace || self.namespace.is_empty())
    }

    /// Whether both are of one namespace, which is quickly told when one declaration counts for both.
    #[must_use]
    pub fn is_kin_of(&self, other: &Element<'_>) -> bool {
        std::ptr::eq(self.namespace, other.namespace)
            || self.namespace.is_empty()
            || self.namespace == other.namespace
    }
}

/// Reads one document. See the [module](super) for what it refuses.
pub struct Reader<'a> {
    source: &'a str,
    events: quick_xml::Reader<&'a [u8]>,
    limits: Limits,
    /// Elements that are open.
    depth: u16,
    elements: u32,
    /// The element last opened was `<empty/>`: its end is still to be told.
    closing: bool,
    scopes: SmallVec<[Scope<'a>; 6]>,
    attributes: SmallVec<[Attribute<'a>; 6]>,
}

struct Scope<'a> {
    prefix: &'a str,
    uri: &'a str,
    depth: u16,
}

struct Attribute<'a> {
    namespace: &'a str,
    name: &'a str,
    value: &'a str,
}

enum Token<'a> {
    Open(Element<'a>),
    Close,
    Text(Cow<'a, str>),
    Skipped,
    End,
}

impl<'a> Reader<'a> {
    /// Looks at the size and the characters only.
    pub fn new(octets: &'a [u8], limits: Limits) -> Result<Self, XmlError> {
        if octets.len() > limits.octets {
            return Err(XmlError::TooLarge { octets: octets.len(), max: limits.octets });
        }
        let octets = octets.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(octets);
        let source = std::str::from_utf8(octets).map_err(|_| XmlError::NotText)?;
        let mut from = 0;
        while let Some(at) = next_control(octets, from) {
            if !matches!(octets[at], b'\t' | b'\n' | b'\r') {
                return Err(XmlError::NotText);
            }
            from = at + 1;
        }
        Ok(Self {
            source,
            events: quick_xml::Reader::from_str(source),
            limits,
            depth: 0,
            elements: 0,
            closing: false,
            scopes: SmallVec::new(),
            attributes: SmallVec::new(),
        })
    }

    /// Opens the root element.
    pub fn root(&mut self) -> Result<Element<'a>, XmlError> {
        loop {
            match self.token()? {
                Token::Open(element) => return Ok(element),
                Token::Skipped => {}
                Token::Text(text) if text.trim_ascii().is_empty() => {}
                Token::Text(_) | Token::Close | Token::End => return Err(XmlError::Malformed),
            }
        }
    }

    /// Opens the next child of an element that is still open, and skips what was left of the one before; `None`
    /// after the last, and then `of` is closed.
    pub fn child(&mut self, of: &Element<'_>) -> Result<Option<Element<'a>>, XmlError> {
        while self.depth >= of.depth {
            match self.token()? {
                Token::Open(element) if element.depth == of.depth + 1 => return Ok(Some(element)),
                Token::End => return Err(XmlError::Malformed),
                _ => {}
            }
        }
        Ok(None)
    }

    /// The text of an element, without that of elements within and without white space around; closes it.
    pub fn text(&mut self, of: &Element<'_>) -> Result<Cow<'a, str>, XmlError> {
        let mut collected = Cow::Borrowed("");
        while self.depth >= of.depth {
            match self.token()? {
                Token::Text(text) if self.depth == of.depth => {
                    if collected.len() + text.len() > self.limits.value {
                        return Err(XmlError::ValueTooLong { max: self.limits.value });
                    }
                    if collected.is_empty() {
                        collected = text;
                    } else {
                        collected.to_mut().push_str(&text);
                    }
                }
                Token::End => return Err(XmlError::Malformed),
                _ => {}
            }
        }
        Ok(match collected {
            Cow::Borrowed(text) => Cow::Borrowed(text.trim_ascii()),
            Cow::Owned(text) if text.trim_ascii().len() == text.len() => Cow::Owned(text),
            Cow::Owned(text) => Cow::Owned(text.trim_ascii().to_owned()),
        })
    }

    /// An attribute of the element opened last, by name and without a namespace.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<Cow<'a, str>> {
        self.attribute_in("", name)
    }

    /// An attribute of the element opened last in a namespace, or in none.
    #[must_use]
    pub fn attribute_in(&self, namespace: &str, name: &str) -> Option<Cow<'a, str>> {
        let wanted = |attribute: &&Attribute<'_>| {
            attribute.name == name && (attribute.namespace == namespace || attribute.namespace.is_empty())
        };
        // That it unescapes was checked when its element was opened.
        self.attributes.iter().find(wanted).and_then(|attribute| unescape(attribute.value).ok())
    }

    /// Everything after the root: white space and comments, nothing else.
    pub fn end(mut self) -> Result<(), XmlError> {
        loop {
            match self.token()? {
                Token::End => return Ok(()),
                Token::Open(element) if element.depth == 1 => return Err(XmlError::Malformed),
                Token::Text(text) if self.depth == 0 && !text.trim_ascii().is_empty() => {
                    return Err(XmlError::Malformed);
                }
                _ => {}
            }
        }
    }

    fn token(&mut self) -> Result<Token<'a>, XmlError> {
        if self.closing {
            self.closing = false;
            self.close();
            return Ok(Token::Close);
        }
        let before = self.events.buffer_position();
        let event = self.events.read_event().map_err(|_| XmlError::Malformed)?;
        match event {
            Event::Start(_) => {
                let element = self.open(before)?;
                Ok(Token::Open(element))
            }
            Event::Empty(_) => {
                let element = self.open(before)?;
                self.closing = true;
                Ok(Token::Open(element))
            }
            Event::End(_) => {
                self.close();
                Ok(Token::Close)
            }
            Event::Text(text) => Ok(Token::Text(text.into_inner())),
            Event::CData(text) => Ok(Token::Text(text.into_inner())),
            Event::GeneralRef(reference) => {
                let character = match reference.resolve_char_ref() {
                    Ok(Some(character)) => Cow::Owned(String::from(legal(character)?)),
                    Ok(None) => Cow::Borrowed(resolve_xml_entity(&reference).ok_or(XmlError::Entity)?),
                    Err(_) => return Err(XmlError::Entity),
                };
                Ok(Token::Text(character))
            }
            Event::DocType(_) => Err(XmlError::DocumentType),
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => Ok(Token::Skipped),
            Event::Eof if self.depth == 0 => Ok(Token::End),
            Event::Eof => Err(XmlError::Malformed),
        }
    }

    fn open(&mut self, at: u64) -> Result<Element<'a>, XmlError> {
        self.depth += 1;
        self.elements += 1;
        if self.depth > self.limits.depth {
            return Err(XmlError::TooDeep { max: self.limits.depth });
        }
        if self.elements > self.limits.elements {
            return Err(XmlError::TooManyElements { max: self.limits.elements });
        }
        self.attributes.clear();
        let until = self.events.buffer_position();
        let tag = usize::try_from(at)
            .ok()
            .zip(usize::try_from(until).ok())
            .and_then(|(from, until)| self.source.get(from..until))
            .ok_or(XmlError::Malformed)?;
        let tag = tag.strip_prefix('<').and_then(|tag| tag.strip_suffix('>')).ok_or(XmlError::Malformed)?;
        let tag = tag.strip_suffix('/').unwrap_or(tag);
        let name_ends = tag.bytes().position(|octet| octet.is_ascii_whitespace()).unwrap_or(tag.len());
        if name_ends < tag.len() {
            self.read_attributes(tag, name_ends)?;
        }
        let (prefix, name) = split(tag.get(..name_ends).unwrap_or(tag))?;
        Ok(Element { namespace: self.resolve(prefix), name, depth: self.depth })
    }

    fn read_attributes(&mut self, tag: &'a str, name_ends: usize) -> Result<(), XmlError> {
        let too_many = XmlError::TooManyAttributes { max: self.limits.attributes };
        let max = usize::from(self.limits.attributes);
        for attribute in Attributes::new(tag, name_ends) {
            let attribute = attribute.map_err(|error| match error {
                AttrError::Duplicated(..) => XmlError::AttributeTwice,
                _ => XmlError::Malformed,
            })?;
            let (prefix, name) = split(attribute.key.into_inner())?;
            let Cow::Borrowed(value) = attribute.value else { return Err(XmlError::Malformed) };
            if value.len() > self.limits.value {
                return Err(XmlError::ValueTooLong { max: self.limits.value });
            }
            if value.contains('<') {
                return Err(XmlError::Malformed);
            }
            unescape(value)?;
            let declared = match (prefix, name) {
                ("xmlns", name) => Some(name),
                ("", "xmlns") => Some(""),
                _ => None,
            };
            if self.attributes.len() >= max || self.scopes.len() >= max {
                return Err(too_many);
            }
            match declared {
                Some(prefix) => self.scopes.push(Scope { prefix, uri: value, depth: self.depth }),
                // The prefix for now: a namespace may be declared after its use.
                None => self.attributes.push(Attribute { namespace: prefix, name, value }),
            }
        }
        for at in 0..self.attributes.len() {
            let prefix = self.attributes[at].namespace;
            if !prefix.is_empty() {
                self.attributes[at].namespace = self.resolve(prefix);
            }
        }
        Ok(())
    }

    fn resolve(&self, prefix: &str) -> &'a str {
        let same = |scope: &&Scope<'_>| {
            scope.prefix.len() == prefix.len() && (prefix.is_empty() || scope.prefix == prefix)
        };
        match self.scopes.iter().rev().find(same) {
            Some(scope) => scope.uri,
            None if prefix == "xml" => XML,
            None => "",
        }
    }

    fn close(&mut self) {
        while self.scopes.last().is_some_and(|scope| scope.depth == self.depth) {
            self.scopes.pop();
        }
        self.depth = self.depth.saturating_sub(1);
    }
}

/// Prefix and name of a qualified name.
fn split(qualified: &str) -> Result<(&str, &str), XmlError> {
    let legal = |name: &str| !name.is_empty() && name.bytes().all(may_be_in_a_name);
    let (prefix, name) = match qualified.split_once(':') {
        Some((prefix, _)) if !legal(prefix) => return Err(XmlError::Malformed),
        Some(split) => split,
        None => ("", qualified),
    };
    if !legal(name) {
        return Err(XmlError::Malformed);
    }
    Ok((prefix, name))
}

const fn may_be_in_a_name(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_' | b'.' | 0x80..)
}

fn unescape(value: &str) -> Result<Cow<'_, str>, XmlError> {
    if !value.contains('&') {
        return Ok(Cow::Borrowed(value));
    }
    let plain = unescape_with(value, resolve_xml_entity).map_err(|_| XmlError::Entity)?;
    for character in plain.chars() {
        legal(character)?;
    }
    Ok(plain)
}

/// XML 1.0 §2.2: what a character reference may stand for.
const fn legal(character: char) -> Result<char, XmlError> {
    match character {
        '\t' | '\n' | '\r' | '\u{20}'..='\u{FFFD}' | '\u{10000}'.. => Ok(character),
        _ => Err(XmlError::NotText),
    }
}
