//! `geo:37.5665,126.978;crs=wgs84;u=30;rcs-l=Office` (RFC 5870, and the label of RCS).

use super::{Place, Position, metres};
use crate::percent::{self, is_unreserved};
use crate::private::Private;
use crate::sink::{Sink, put_number};

/// Octets of a URI that is looked at.
const URI_OCTETS_MAX: usize = 1_024;

/// Reads a text that is nothing but a `geo:` URI. `None` for everything else, and for positions in another system
/// than WGS 84: those stay text.
#[must_use]
pub fn read_uri(text: &str) -> Option<Place> {
    let text = text.trim_ascii();
    let (scheme, rest) = text.split_at_checked("geo:".len())?;
    if !scheme.eq_ignore_ascii_case("geo:") || text.len() > URI_OCTETS_MAX {
        return None;
    }
    let mut parts = rest.split(';');
    let mut numbers = parts.next()?.split(',');
    let position = Position::read(numbers.next()?, numbers.next()?)?;
    // An altitude may follow, and is not kept.
    let altitude = numbers.next().is_none_or(|altitude| altitude.parse::<f64>().is_ok());
    if !altitude || numbers.next().is_some() {
        return None;
    }
    let mut place = Place { position, ..Place::default() };
    for parameter in parts {
        if parameter.contains(|letter: char| letter.is_whitespace() || letter.is_control()) {
            return None;
        }
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        if name.eq_ignore_ascii_case("crs") && !value.eq_ignore_ascii_case("wgs84") {
            return None;
        } else if name.eq_ignore_ascii_case("u") {
            place.radius_m = metres(value);
        } else if name.eq_ignore_ascii_case("rcs-l") && !value.is_empty() {
            place.label = Some(Private(percent::decoded(value).into_owned()));
        }
    }
    Some(place)
}

/// Writes the URI.
pub fn write_uri(out: &mut impl Sink, place: &Place) {
    out.put(b"geo:");
    place.position.write(out, ",");
    out.put(b";crs=wgs84");
    if let Some(radius) = place.radius_m {
        out.put(b";u=");
        put_number(out, u64::from(radius));
    }
    if let Some(label) = &place.label {
        out.put(b";rcs-l=");
        percent::encode(out, label, is_unreserved);
    }
}
