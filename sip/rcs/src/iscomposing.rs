//! Typing indications (RFC 3994). Never stored, never retried, never billed.

use std::borrow::Cow;

use crate::sink::{Sink, put_number};
use crate::xml::{self, Limits, Reader, Unreadable};

pub const NS: &str = "urn:ietf:params:xml:ns:im-iscomposing";

/// How long `active` counts when nobody says, in seconds (RFC 3994 §3.3).
pub const REFRESH_DEFAULT_S: u32 = 120;
/// The least that may be asked for, in seconds.
pub const REFRESH_MIN_S: u32 = 60;

/// Whether somebody is writing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IsComposing<'a> {
    /// Anything but `active` is idle.
    pub active: bool,
    /// Seconds until `active` is over if nothing else is heard, as it was said.
    pub refresh_s: Option<u32>,
    /// What is being written: a media type or the like.
    pub content_type: Option<Cow<'a, str>>,
    /// When somebody last wrote, RFC 3339.
    pub last_active: Option<Cow<'a, str>>,
}

impl IsComposing<'_> {
    /// Somebody writes a text.
    pub const ACTIVE: Self = Self {
        active: true,
        refresh_s: Some(REFRESH_DEFAULT_S),
        content_type: Some(Cow::Borrowed("text/plain")),
        last_active: None,
    };
    /// Nobody writes.
    pub const IDLE: Self = Self { active: false, refresh_s: None, content_type: None, last_active: None };

    /// Seconds that `active` counts: never less than the minimum.
    #[must_use]
    pub fn lasts_s(&self) -> u32 {
        self.refresh_s.unwrap_or(REFRESH_DEFAULT_S).max(REFRESH_MIN_S)
    }

    pub fn write(&self, out: &mut impl Sink) {
        out.put(b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<isComposing xmlns=\"");
        out.put(NS.as_bytes());
        out.put(if self.active { b"\"><state>active</state>" } else { b"\"><state>idle</state>" });
        if let Some(last_active) = &self.last_active {
            out.put(b"<lastactive>");
            xml::text(out, last_active);
            out.put(b"</lastactive>");
        }
        if let Some(content_type) = &self.content_type {
            out.put(b"<contenttype>");
            xml::text(out, content_type);
            out.put(b"</contenttype>");
        }
        if let Some(refresh) = self.refresh_s {
            out.put(b"<refresh>");
            put_number(out, u64::from(refresh));
            out.put(b"</refresh>");
        }
        out.put(b"</isComposing>");
    }
}

/// Reads one indication.
pub fn read(document: &[u8]) -> Result<IsComposing<'_>, Unreadable> {
    let mut xml = Reader::new(document, Limits::MESSAGE)?;
    let root = xml.root()?;
    if !root.is(NS, "isComposing") {
        return Err(Unreadable::Root("isComposing"));
    }
    let mut state = None;
    let mut indication = IsComposing::IDLE;
    while let Some(element) = xml.child(&root)? {
        match element.name {
            "state" => state = Some(xml.text(&element)?),
            "refresh" => indication.refresh_s = xml.text(&element)?.parse().ok(),
            "contenttype" => indication.content_type = Some(xml.text(&element)?),
            "lastactive" => indication.last_active = Some(xml.text(&element)?),
            _ => {}
        }
    }
    xml.end()?;
    let state = state.ok_or(Unreadable::Missing("state"))?;
    Ok(IsComposing { active: state.eq_ignore_ascii_case("active"), ..indication })
}
