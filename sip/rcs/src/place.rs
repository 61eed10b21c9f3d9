//! Geolocation push (GSMA RCC.07 with OMA and OGC documents), and the `geo:` URI that says the same in a short
//! message (RFC 5870).

mod position;
mod uri;

pub use position::Position;
pub use uri::{read_uri, write_uri};

use crate::private::Private;
use crate::sink::{Sink, put_number};
use crate::time;
use crate::xml::{self, Element, Limits, Reader, Unreadable};

pub const NS: &str = "urn:gsma:params:xml:ns:rcs:rcs:geolocation";
const RPID_NS: &str = "urn:ietf:params:xml:ns:pidf:rpid";
const GEOPRIV_NS: &str = "urn:ietf:params:xml:ns:pidf:geopriv10";
const GML_NS: &str = "http://www.opengis.net/gml";
const SHAPES_NS: &str = "http://www.opengis.net/pidflo/1.0";
/// WGS 84, latitude first.
const SYSTEM: &str = "urn:ogc:def:crs:EPSG::4326";
const METRES: &str = "urn:ogc:def:uom:EPSG::9001";

/// Elements inside `geopriv` that are looked into: the position lies four levels down.
const SEARCH_DEPTH_MAX: u32 = 8;

/// Where somebody is or wants to meet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    pub position: Position,
    /// Metres around the position.
    pub radius_m: Option<u32>,
    pub label: Option<Private<String>>,
    pub id: Option<String>,
    /// Whose place it is, as the client wrote it.
    pub entity: Option<Private<String>>,
    /// Until when it counts, in microseconds since the epoch.
    pub until_us: Option<i64>,
    /// Offset of the place from UTC, in minutes.
    pub time_offset_minutes: Option<i16>,
    /// When it was taken, in microseconds since the epoch.
    pub at_us: Option<i64>,
}

/// Reads a location document: a circle or a point, any prefix, any order.
pub fn read(document: &[u8]) -> Result<Place, Unreadable> {
    let mut xml = Reader::new(document, Limits::MESSAGE)?;
    let root = xml.root()?;
    if !root.is(NS, "rcsenvelope") {
        return Err(Unreadable::Root("rcsenvelope"));
    }
    let mut place = Place {
        entity: xml.attribute("entity").map(|entity| Private(entity.into_owned())),
        ..Place::default()
    };
    let mut found = None;
    while let Some(push) = xml.child(&root)? {
        if !push.is(NS, "rcspushlocation") || found.is_some() {
            continue;
        }
        place.id = xml.attribute("id").map(|id| id.into_owned());
        place.label =
            xml.attribute("label").filter(|label| !label.is_empty()).map(|label| Private(label.into_owned()));
        while let Some(child) = xml.child(&push)? {
            match child.name {
                "timestamp" => place.at_us = time::read(&xml.text(&child)?),
                "time-offset" => place.time_offset_minutes = xml.text(&child)?.parse().ok(),
                "geopriv" if child.is(GEOPRIV_NS, "geopriv") => {
                    search(&mut xml, &child, &mut place, &mut found, SEARCH_DEPTH_MAX)?;
                }
                _ => {}
            }
        }
    }
    xml.end()?;
    place.position = found.ok_or(Unreadable::Missing("pos"))?;
    Ok(place)
}

/// The first position below an element, its radius, and how long it may be kept.
fn search(
    xml: &mut Reader<'_>,
    of: &Element<'_>,
    place: &mut Place,
    found: &mut Option<Position>,
    depth: u32,
) -> Result<(), Unreadable> {
    while let Some(child) = xml.child(of)? {
        match child.name {
            "pos" if child.is(GML_NS, "pos") && found.is_none() => {
                let text = xml.text(&child)?;
                let mut numbers = text.split_ascii_whitespace();
                let pair = numbers.next().zip(numbers.next());
                let position = pair.and_then(|(latitude, longitude)| Position::read(latitude, longitude));
                *found = Some(position.ok_or(Unreadable::Value("pos"))?);
            }
            "radius" if child.is(SHAPES_NS, "radius") => place.radius_m = metres(&xml.text(&child)?),
            "retention-expiry" => place.until_us = time::read(&xml.text(&child)?),
            _ if depth > 0 => search(xml, &child, place, found, depth - 1)?,
            _ => {}
        }
    }
    Ok(())
}

/// Whole metres, rounded up; a radius that is none is no radius.
fn metres(text: &str) -> Option<u32> {
    let text = text.trim_ascii();
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|digit| digit.is_ascii_digit());
    if !digits(whole) || !digits(fraction) {
        return None;
    }
    let whole: u32 = whole.parse().ok()?;
    Some(whole.saturating_add(u32::from(fraction.bytes().any(|digit| digit != b'0'))))
}

impl Place {
    pub fn write(&self, out: &mut impl Sink) {
        out.put(xml::DECLARATION.as_bytes());
        out.put(b"<rcsenvelope");
        for (prefix, uri) in [
            ("xmlns", NS),
            ("xmlns:rpid", RPID_NS),
            ("xmlns:gp", GEOPRIV_NS),
            ("xmlns:gml", GML_NS),
            ("xmlns:gs", SHAPES_NS),
        ] {
            xml::named_attribute(out, prefix, uri);
        }
        if let Some(entity) = &self.entity {
            xml::named_attribute(out, "entity", entity);
        }
        out.put(b"><rcspushlocation");
        xml::named_attribute(out, "id", self.id.as_deref().unwrap_or("a1"));
        if let Some(label) = &self.label {
            xml::named_attribute(out, "label", label);
        }
        out.put(b">");
        if let Some(offset) = self.time_offset_minutes {
            out.put(b"<rpid:time-offset>");
            out.put(offset.to_string().as_bytes());
            out.put(b"</rpid:time-offset>");
        }
        out.put(b"<gp:geopriv><gp:location-info>");
        self.write_shape(out);
        out.put(b"</gp:location-info><gp:usage-rules>");
        if let Some(until) = self.until_us {
            out.put(b"<gp:retention-expiry>");
            time::write_utc(out, until);
            out.put(b"</gp:retention-expiry>");
        }
        out.put(b"</gp:usage-rules></gp:geopriv>");
        if let Some(at) = self.at_us {
            out.put(b"<timestamp>");
            time::write_utc(out, at);
            out.put(b"</timestamp>");
        }
        out.put(b"</rcspushlocation></rcsenvelope>");
    }

    fn write_shape(&self, out: &mut impl Sink) {
        let shape = if self.radius_m.is_some() { "gs:Circle" } else { "gml:Point" };
        out.put(b"<");
        out.put(shape.as_bytes());
        xml::named_attribute(out, "srsName", SYSTEM);
        out.put(b"><gml:pos>");
        self.position.write(out, " ");
        out.put(b"</gml:pos>");
        if let Some(radius) = self.radius_m {
            out.put(b"<gs:radius");
            xml::named_attribute(out, "uom", METRES);
            out.put(b">");
            put_number(out, u64::from(radius));
            out.put(b"</gs:radius>");
        }
        out.put(b"</");
        out.put(shape.as_bytes());
        out.put(b">");
    }
}
