//! File transfer over HTTP: what a content server answers and a message carries (GSMA RCC.07), and what is left of an
//! interrupted upload.

use crate::private::Private;
use crate::sink::{Sink, put_number};
use crate::xml::{self, Element, Limits, Reader, Unreadable};
use crate::{mime, percent, time};

pub const NS: &str = "urn:gsma:params:xml:ns:rcs:rcs:fthttp";
/// Universal Profile: `branded-url`.
pub const EXTENSION_NS: &str = "urn:gsma:params:xml:ns:rcs:rcs:up:fthttpext";
/// Audio messages: `playing-length`.
pub const AUDIO_NS: &str = "urn:gsma:params:xml:ns:rcs:rcs:rram";
pub const RESUME_NS: &str = "urn:gsma:params:xml:ns:rcs:rcs:fthttpresume";

/// A file that can be fetched, with its thumbnail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileTransfer {
    pub file: FileInfo,
    pub thumbnail: Option<FileInfo>,
}

/// One thing to fetch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileInfo {
    /// Octets.
    pub size: Option<u64>,
    /// With its parameters.
    pub content_type: String,
    pub name: Option<Private<String>>,
    pub url: Private<String>,
    /// Until when it can be fetched, in microseconds since the epoch.
    pub until_us: Option<i64>,
    /// To be shown or played at once, not attached.
    pub render: bool,
    pub playing_length_s: Option<u32>,
    /// A shorter link for people.
    pub branded_url: Option<Private<String>>,
}

impl FileInfo {
    /// The name that was given, or else the last part of the path of the URL.
    #[must_use]
    pub fn name_or_path(&self) -> String {
        if let Some(name) = &self.name {
            return name.0.clone();
        }
        let path = self.url.split_once(['?', '#']).map_or(self.url.as_str(), |(path, _)| path);
        let path = path.split_once("://").map_or(path, |(_, path)| path);
        let last = path.split_once('/').map_or("", |(_, path)| path.rsplit('/').next().unwrap_or_default());
        percent::decoded(last).into_owned()
    }

    /// Whether somebody spoke this into their device.
    #[must_use]
    pub fn is_voice(&self) -> bool {
        let audio = mime::Kind::of(&self.content_type) == mime::Kind::Audio;
        let marked = mime::parameter(&self.content_type, "voice-recording");
        audio && (self.render || self.playing_length_s.is_some() || marked.is_some_and(|mark| mark == "yes"))
    }
}

/// Reads the document: any order, any prefix, unknown elements passed over.
pub fn read(document: &[u8]) -> Result<FileTransfer, Unreadable> {
    let mut xml = Reader::new(document, Limits::MESSAGE)?;
    let root = xml.root()?;
    if !root.is(NS, "file") {
        return Err(Unreadable::Root("file"));
    }
    let (mut file, mut thumbnail) = (None, None);
    while let Some(element) = xml.child(&root)? {
        if !element.is(NS, "file-info") {
            continue;
        }
        let is_thumbnail = match xml.attribute("type").as_deref() {
            Some("thumbnail") => true,
            Some("file") | None => false,
            Some(_) => continue,
        };
        let info = info(&mut xml, &element)?;
        let place = if is_thumbnail { &mut thumbnail } else { &mut file };
        if place.replace(info).is_some() {
            return Err(Unreadable::TooMany { what: "files", max: 1 });
        }
    }
    xml.end()?;
    Ok(FileTransfer { file: file.ok_or(Unreadable::Missing("file"))?, thumbnail })
}

fn info(xml: &mut Reader<'_>, element: &Element<'_>) -> Result<FileInfo, Unreadable> {
    let mut info = FileInfo {
        render: xml.attribute("file-disposition").as_deref() == Some("render"),
        ..FileInfo::default()
    };
    while let Some(child) = xml.child(element)? {
        match child.name {
            "file-size" => info.size = xml.text(&child)?.parse().ok(),
            "file-name" => info.name = Some(Private(xml.text(&child)?.into_owned())),
            "content-type" => info.content_type = xml.text(&child)?.into_owned(),
            "playing-length" => info.playing_length_s = whole(&xml.text(&child)?),
            "branded-url" => info.branded_url = Some(Private(xml.text(&child)?.into_owned())),
            "data" => {
                info.url = Private(xml.attribute("url").unwrap_or_default().trim_ascii().to_owned());
                info.until_us = xml.attribute("until").as_deref().and_then(time::read);
            }
            _ => {}
        }
    }
    if info.url.is_empty() {
        return Err(Unreadable::Missing("url"));
    }
    Ok(info)
}

/// The whole seconds of a decimal number.
fn whole(text: &str) -> Option<u32> {
    text.split_once('.').map_or(text, |(whole, _)| whole).parse().ok()
}

impl FileTransfer {
    pub fn write(&self, out: &mut impl Sink) {
        out.put(xml::DECLARATION.as_bytes());
        out.put(b"<file xmlns=\"");
        out.put(NS.as_bytes());
        let both = || [Some(&self.file), self.thumbnail.as_ref()].into_iter().flatten();
        if both().any(|info| info.branded_url.is_some()) {
            out.put(b"\" xmlns:x=\"");
            out.put(EXTENSION_NS.as_bytes());
        }
        if both().any(|info| info.playing_length_s.is_some()) {
            out.put(b"\" xmlns:am=\"");
            out.put(AUDIO_NS.as_bytes());
        }
        out.put(b"\">");
        if let Some(thumbnail) = &self.thumbnail {
            thumbnail.write(out, "thumbnail");
        }
        self.file.write(out, "file");
        out.put(b"</file>");
    }
}

impl FileInfo {
    fn write(&self, out: &mut impl Sink, kind: &str) {
        out.put(b"<file-info");
        xml::named_attribute(out, "type", kind);
        if self.render {
            xml::named_attribute(out, "file-disposition", "render");
        }
        out.put(b">");
        if let Some(size) = self.size {
            out.put(b"<file-size>");
            put_number(out, size);
            out.put(b"</file-size>");
        }
        if let Some(name) = &self.name {
            xml::element(out, "file-name", name);
        }
        xml::element(out, "content-type", &self.content_type);
        if let Some(seconds) = self.playing_length_s {
            out.put(b"<am:playing-length>");
            put_number(out, u64::from(seconds));
            out.put(b"</am:playing-length>");
        }
        out.put(b"<data");
        xml::named_attribute(out, "url", &self.url);
        if let Some(until) = self.until_us {
            out.put(b" until=\"");
            time::write_utc(out, until);
            out.put(b"\"");
        }
        out.put(b"/>");
        if let Some(url) = &self.branded_url {
            xml::element(out, "x:branded-url", url);
        }
        out.put(b"</file-info>");
    }
}

/// What a content server has of an interrupted upload, and where the rest goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResumeInfo {
    /// Index of the first octet that is stored.
    pub start: u64,
    /// Index of the last octet that is stored.
    pub end: u64,
    pub url: Private<String>,
}

impl ResumeInfo {
    pub fn write(&self, out: &mut impl Sink) {
        out.put(xml::DECLARATION.as_bytes());
        out.put(b"<file-resume-info xmlns=\"");
        out.put(RESUME_NS.as_bytes());
        out.put(b"\"><file-range start=\"");
        put_number(out, self.start);
        out.put(b"\" end=\"");
        put_number(out, self.end);
        out.put(b"\"/><data");
        xml::named_attribute(out, "url", &self.url);
        out.put(b"/></file-resume-info>");
    }
}

/// Reads what is left to upload.
pub fn read_resume(document: &[u8]) -> Result<ResumeInfo, Unreadable> {
    let mut xml = Reader::new(document, Limits::MESSAGE)?;
    let root = xml.root()?;
    if !root.is(RESUME_NS, "file-resume-info") {
        return Err(Unreadable::Root("file-resume-info"));
    }
    let (mut range, mut url) = (None, None);
    while let Some(element) = xml.child(&root)? {
        match element.name {
            "file-range" => {
                let number =
                    |name| xml.attribute(name).and_then(|text| text.trim_ascii().parse::<u64>().ok());
                range = number("start").zip(number("end"));
            }
            "data" => url = xml.attribute("url"),
            _ => {}
        }
    }
    xml.end()?;
    let (start, end) = range.filter(|(start, end)| start <= end).ok_or(Unreadable::Value("file-range"))?;
    let url = url.filter(|url| !url.is_empty()).ok_or(Unreadable::Missing("url"))?;
    Ok(ResumeInfo { start, end, url: Private(url.into_owned()) })
}
