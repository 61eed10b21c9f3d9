//! Lists of recipients (RFC 4826 with RFC 5364): the members of a new group, the recipients of one message.

use std::borrow::Cow;

use crate::private::Private;
use crate::sink::Sink;
use crate::xml::{self, Element, Limits, Reader, Unreadable};

pub const NS: &str = "urn:ietf:params:xml:ns:resource-lists";
pub const COPY_CONTROL_NS: &str = "urn:ietf:params:xml:ns:copycontrol";

/// Entries of one document.
pub const ENTRIES_MAX: usize = 1_000;
/// Lists inside lists.
const LISTS_DEPTH_MAX: u32 = 4;

/// How visible an entry is to the others (RFC 5364 §4).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Copy {
    #[default]
    To,
    Cc,
    Bcc,
}

const COPIES: &[(&str, Copy)] = &[("to", Copy::To), ("cc", Copy::Cc), ("bcc", Copy::Bcc)];

/// Somebody on a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entry {
    pub uri: Private<String>,
    pub display: Option<Private<String>>,
    pub copy: Copy,
    /// Not to be named to the others.
    pub anonymous: bool,
}

impl Entry {
    /// An entry like any other.
    #[must_use]
    pub fn to(uri: &str) -> Self {
        Self { uri: Private(uri.to_owned()), ..Self::default() }
    }

    /// The address, and the method that a REFER asks for with it: see [`target`].
    #[must_use]
    pub fn target(&self) -> (Cow<'_, str>, Option<&str>) {
        target(&self.uri)
    }
}

/// The address in a `Refer-To` or a list of them, without its `method`, and that method (RFC 3515 §2.1, RFC 5368):
/// `tel:+82…;method=BYE` or `sip:a@b?method=BYE`. Other headers in the URI are dropped, never acted on.
#[must_use]
pub fn target(uri: &str) -> (Cow<'_, str>, Option<&str>) {
    let (address, headers) = uri.split_once('?').unwrap_or((uri, ""));
    let in_parameters = address.split(';').skip(1).find_map(method);
    let in_headers = headers.split('&').find_map(method);
    let address = match in_parameters {
        None => Cow::Borrowed(address),
        Some(_) => {
            let parts =
                address.split(';').enumerate().filter(|(at, part)| *at == 0 || method(part).is_none());
            Cow::Owned(parts.map(|(_, part)| part).collect::<Vec<_>>().join(";"))
        }
    };
    (address, in_parameters.or(in_headers))
}

fn method(part: &str) -> Option<&str> {
    let (name, value) = part.split_once('=')?;
    name.eq_ignore_ascii_case("method").then_some(value)
}

/// Reads all entries, those of lists inside lists included.
pub fn read(document: &[u8]) -> Result<Vec<Entry>, Unreadable> {
    let mut xml = Reader::new(document, Limits::DOCUMENT)?;
    let root = xml.root()?;
    if !root.is(NS, "resource-lists") {
        return Err(Unreadable::Root("resource-lists"));
    }
    let mut entries = Vec::new();
    while let Some(list) = xml.child(&root)? {
        if list.is(NS, "list") {
            read_list(&mut xml, &list, &mut entries, LISTS_DEPTH_MAX)?;
        }
    }
    xml.end()?;
    Ok(entries)
}

fn read_list(
    xml: &mut Reader<'_>,
    list: &Element<'_>,
    entries: &mut Vec<Entry>,
    depth: u32,
) -> Result<(), Unreadable> {
    while let Some(child) = xml.child(list)? {
        if child.is(NS, "entry") {
            if entries.len() == ENTRIES_MAX {
                return Err(Unreadable::TooMany { what: "entries", max: ENTRIES_MAX });
            }
            entries.extend(read_entry(xml, &child)?);
        } else if child.is(NS, "list") {
            let depth = depth.checked_sub(1);
            let depth = depth.ok_or(Unreadable::TooMany { what: "lists", max: LISTS_DEPTH_MAX as usize })?;
            read_list(xml, &child, entries, depth)?;
        }
    }
    Ok(())
}

/// `None` for an entry without an address.
fn read_entry(xml: &mut Reader<'_>, entry: &Element<'_>) -> Result<Option<Entry>, Unreadable> {
    let uri = xml.attribute("uri").unwrap_or_default().trim_ascii().to_owned();
    let said = xml.attribute_in(COPY_CONTROL_NS, "copyControl");
    let copy = COPIES.iter().find(|(name, _)| Some(*name) == said.as_deref()).map_or(Copy::To, |copy| copy.1);
    let anonymous = xml.attribute_in(COPY_CONTROL_NS, "anonymize").as_deref() == Some("true");
    let mut display = None;
    while let Some(child) = xml.child(entry)? {
        if child.is(NS, "display-name") {
            display = Some(Private(xml.text(&child)?.into_owned()));
        }
    }
    Ok((!uri.is_empty()).then_some(Entry { uri: Private(uri), display, copy, anonymous }))
}

/// Writes one list.
pub fn write<'a>(out: &mut impl Sink, entries: impl IntoIterator<Item = &'a Entry>) {
    out.put(xml::DECLARATION.as_bytes());
    out.put(b"<resource-lists");
    xml::named_attribute(out, "xmlns", NS);
    xml::named_attribute(out, "xmlns:cp", COPY_CONTROL_NS);
    out.put(b"><list>");
    for entry in entries {
        out.put(b"<entry");
        xml::named_attribute(out, "uri", &entry.uri);
        let copy = COPIES.iter().find(|(_, copy)| *copy == entry.copy).map_or("to", |(name, _)| name);
        xml::named_attribute(out, "cp:copyControl", copy);
        if entry.anonymous {
            xml::named_attribute(out, "cp:anonymize", "true");
        }
        match &entry.display {
            Some(display) => {
                out.put(b">");
                xml::element(out, "display-name", display);
                out.put(b"</entry>");
            }
            None => out.put(b"/>"),
        }
    }
    out.put(b"</list></resource-lists>");
}
