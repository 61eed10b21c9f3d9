//! Places: the document of RCS and the URI of short messages.

use sip_rcs::Private;
use sip_rcs::place::{self, Place, Position, read_uri, write_uri};
use sip_rcs::xml::Unreadable;

fn document(shape: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?><rcsenvelope xmlns=\"urn:gsma:params:xml:ns:rcs:rcs:geolocation\" \
         xmlns:rpid=\"urn:ietf:params:xml:ns:pidf:rpid\" xmlns:gp=\"urn:ietf:params:xml:ns:pidf:geopriv10\" \
         xmlns:gml=\"http://www.opengis.net/gml\" xmlns:gs=\"http://www.opengis.net/pidflo/1.0\" entity=\"tel:+821011112222\">\
         <rcspushlocation id=\"p7\" label=\"시청 &amp; 광장\"><rpid:place-type rpid:until=\"2025-03-01T10:00:00Z\"><rpid:other>x</rpid:other>\
         </rpid:place-type><rpid:time-offset rpid:until=\"2025-03-01T10:00:00Z\">540</rpid:time-offset>\
         <gp:geopriv><gp:location-info>{shape}</gp:location-info><gp:usage-rules><gp:retention-expiry>2025-03-01T10:00:00Z\
         </gp:retention-expiry></gp:usage-rules></gp:geopriv><timestamp>2025-03-01T00:30:00Z</timestamp></rcspushlocation></rcsenvelope>"
    )
}

fn position(latitude: &str, longitude: &str) -> Position {
    Position::read(latitude, longitude).expect("a position")
}

#[test]
fn a_circle_is_read() {
    let text = document(
        "<gs:Circle srsName=\"urn:ogc:def:crs:EPSG::4326\"><gml:pos>37.56650 126.9780</gml:pos><gs:radius uom=\"urn:ogc:def:uom:EPSG::9001\">29.2</gs:radius></gs:Circle>",
    );
    let place = place::read(text.as_bytes()).unwrap();
    assert_eq!(place.position, position("37.5665", "126.978"));
    assert_eq!((place.position.latitude_e7(), place.position.longitude_e7()), (375_665_000, 1_269_780_000));
    assert_eq!(place.radius_m, Some(30));
    assert_eq!(place.label.as_ref().unwrap().as_str(), "시청 & 광장");
    assert_eq!(place.entity.as_ref().unwrap().as_str(), "tel:+821011112222");
    assert_eq!((place.id.as_deref(), place.time_offset_minutes), (Some("p7"), Some(540)));
    assert_eq!((place.at_us, place.until_us), (Some(1_740_789_000_000_000), Some(1_740_823_200_000_000)));
}

#[test]
fn a_point_and_foreign_prefixes_are_read() {
    let point = document("<gml:Point srsName=\"x\"><gml:pos> -33.8568\n151.2153 12 </gml:pos></gml:Point>");
    let place = place::read(point.as_bytes()).unwrap();
    assert_eq!((place.position, place.radius_m), (position("-33.8568", "151.2153"), None));
    let renamed = point
        .replace("gml:", "q:")
        .replace("xmlns:gml", "xmlns:q")
        .replace("gp:", "g2:")
        .replace("xmlns:gp", "xmlns:g2");
    assert_eq!(place::read(renamed.as_bytes()).unwrap().position, place.position);
}

#[test]
fn what_is_not_on_the_earth_is_refused() {
    for pos in [
        "90.0000001 0",
        "-91 0",
        "0 180.1",
        "0 -181",
        "37.5",
        "a b",
        "1e2 3",
        "NaN 0",
        "1.2.3 4",
        "4000 1",
        "",
    ] {
        let text = document(&format!("<gml:Point><gml:pos>{pos}</gml:pos></gml:Point>"));
        assert_eq!(place::read(text.as_bytes()), Err(Unreadable::Value("pos")), "{pos}");
    }
    for edge in ["90 180", "-90 -180.0000000"] {
        assert!(
            place::read(document(&format!("<gml:Point><gml:pos>{edge}</gml:pos></gml:Point>")).as_bytes())
                .is_ok()
        );
    }
    assert_eq!(place::read(document("").as_bytes()), Err(Unreadable::Missing("pos")));
    assert_eq!(place::read(b"<rcspushlocation/>"), Err(Unreadable::Root("rcsenvelope")));
    assert_eq!(Position::new(900_000_001, 0), None);
}

fn full() -> Place {
    Place {
        position: position("-0.0000001", "179.5"),
        radius_m: Some(5),
        label: Some(Private("a \"b\" <c>;d=한".into())),
        id: Some("x1".into()),
        entity: Some(Private("sip:a@b.example".into())),
        until_us: Some(1_740_823_200_000_000),
        time_offset_minutes: Some(-210),
        at_us: Some(1_740_789_000_000_000),
    }
}

#[test]
fn what_is_written_is_read() {
    for place in [full(), Place { id: Some("a1".into()), position: position("1", "2"), ..Place::default() }] {
        let mut out = Vec::new();
        place.write(&mut out);
        assert_eq!(place::read(&out), Ok(place));
    }
    assert!(!format!("{:?}", full()).contains("179"));
}

#[test]
fn rfc_5870_uris_are_read() {
    let place = read_uri(" geo:37.5665,126.9780;crs=wgs84;u=30;rcs-l=%EC%8B%9C%EC%B2%AD%20A\r\n").unwrap();
    assert_eq!((place.position, place.radius_m), (position("37.5665", "126.978"), Some(30)));
    assert_eq!(place.label.unwrap().as_str(), "시청 A");
    assert_eq!(read_uri("GEO:1,-2").unwrap().position, position("1", "-2"));
    assert_eq!(read_uri("geo:1,2,30.5;CRS=WGS84;U=0.5;x").unwrap().radius_m, Some(1));
    assert_eq!(read_uri("geo:1,2;u=about").unwrap().radius_m, None);
}

#[test]
fn what_is_no_such_uri_stays_text() {
    for text in [
        "",
        "geo:",
        "geo:1",
        "geo:1,2;crs=nad27",
        "geo:1,2,3,4",
        "geo:1,2,high",
        "geo:91,0",
        "geo:1,2;u=3 see you there",
        "see geo:1,2",
        "http://x",
        "gé",
    ] {
        assert_eq!(read_uri(text), None, "{text}");
    }
    assert_eq!(read_uri(&format!("geo:1,2;rcs-l={}", "x".repeat(2_000))), None);
}

#[test]
fn a_place_survives_as_an_uri() {
    let mut out = Vec::new();
    write_uri(&mut out, &full());
    let text = String::from_utf8(out).unwrap();
    assert_eq!(text, "geo:-0.0000001,179.5;crs=wgs84;u=5;rcs-l=a%20%22b%22%20%3Cc%3E%3Bd%3D%ED%95%9C");
    let back = read_uri(&text).unwrap();
    assert_eq!((back.position, back.radius_m, back.label), (full().position, Some(5), full().label));
}
