//! What is inside a message: text, or a type that RCS has a form for (rcs sheet §7, §11, §16.2).

use std::borrow::Cow;

use bytes::Bytes;
use model::{About, Body, Content, File, Place, Relation, Rich, Thumbnail, Timestamp};
use sip_rcs::{
    Cpim, file,
    mime::{self, Kind},
    operation::{Operation, Verb},
    place,
};
use smol_str::SmolStr;

use super::words::{self, normal};
use crate::settings::TextPolicy;

/// Octets of a media type or a reference that are kept.
const NAME_OCTETS_MAX: usize = 256;

/// Why content is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unread {
    /// 400.
    #[error("the content cannot be read")]
    Malformed,
    /// 415.
    #[error("the content has a type or charset that is not supported")]
    Unsupported,
}

/// How content is read.
#[derive(Debug, Clone, Copy)]
pub struct Reading<'a> {
    pub text: &'a TextPolicy,
}

/// Content of that type. Texts are copied: a slice would keep the whole receive buffer alive for as long as the
/// message is open.
///
/// # Errors
/// [`Unread`].
pub fn read_content(
    content_type: Option<&str>,
    octets: &Bytes,
    about: Option<About>,
    reading: Reading<'_>,
) -> Result<Content, Unread> {
    let kind = content_type.map_or(Kind::Text, Kind::of);
    let rich = |text: Box<str>, body: Body, about| Content::Rich(Box::new(Rich { text, body, about }));
    Ok(match kind {
        Kind::Text => {
            let text = normal(&decoded(content_type.unwrap_or_default(), octets)?);
            match about {
                None => Content::Text(text),
                Some(about) => rich(text, Body::Text, Some(about)),
            }
        }
        Kind::FileTransfer => {
            let transfer = file::read(octets).map_err(|_| Unread::Malformed)?;
            let file = file_of(&transfer)?;
            // The link that is made for people, where there is one.
            let short = reading.text.short_links.as_ref().and_then(|links| links.shorten(&file.url));
            let branded = transfer.file.branded_url.as_ref().map(|link| link.as_str());
            let link = branded.or(short.as_deref()).unwrap_or(&file.url);
            rich(words::file(&file, link), Body::File(Box::new(file)), about)
        }
        Kind::Location => {
            let place = place_of(&place::read(octets).map_err(|_| Unread::Malformed)?);
            rich(words::place(&place, &reading.text.map_link), Body::Place(place), about)
        }
        Kind::VCard => rich(words::card(octets), Body::Card(Bytes::copy_from_slice(octets)), about),
        _ => {
            let media_type = content_type.unwrap_or("application/octet-stream");
            let text = match kind {
                Kind::Encrypted => reading.text.encrypted.as_str().into(),
                _ => reading.text.unknown.replace("{type}", mime::essence(media_type)).into(),
            };
            let media_type = bounded(media_type).ok_or(Unread::Malformed)?;
            rich(text, Body::Opaque { media_type, octets: Bytes::copy_from_slice(octets) }, about)
        }
    })
}

/// Text in the charset that its type names; UTF-8 when it names none.
fn decoded<'a>(content_type: &str, octets: &'a Bytes) -> Result<Cow<'a, str>, Unread> {
    let charset = mime::parameter(content_type, "charset");
    let charset = charset.as_deref().unwrap_or("utf-8");
    let is = |names: &[&str]| names.iter().any(|name| charset.eq_ignore_ascii_case(name));
    if is(&["utf-8", "utf8", "us-ascii", "ascii", ""]) {
        return std::str::from_utf8(octets).map(Cow::Borrowed).map_err(|_| Unread::Malformed);
    }
    if is(&["iso-8859-1", "latin1"]) {
        return Ok(octets.iter().map(|&octet| char::from(octet)).collect::<String>().into());
    }
    if is(&["euc-kr", "ks_c_5601-1987", "cp949", "windows-949"]) {
        return sms::Alphabet::Cp949.decode(octets).map(Cow::Owned).ok_or(Unread::Malformed);
    }
    Err(Unread::Unsupported)
}

fn bounded(text: &str) -> Option<SmolStr> {
    (text.len() <= NAME_OCTETS_MAX).then(|| SmolStr::new(text))
}

/// A file as the gateway keeps it.
fn file_of(transfer: &file::FileTransfer) -> Result<File, Unread> {
    let info = &transfer.file;
    let until = |info: &file::FileInfo| info.until_us.map(Timestamp::from_micros);
    let media_type = |info: &file::FileInfo| bounded(&info.content_type).ok_or(Unread::Malformed);
    let thumbnail = match &transfer.thumbnail {
        Some(info) => Some(Thumbnail {
            media_type: media_type(info)?,
            octets: info.size.unwrap_or(0),
            url: info.url.as_str().into(),
            until: until(info),
        }),
        None => None,
    };
    Ok(File {
        name: info.name_or_path().into(),
        media_type: media_type(info)?,
        octets: info.size.unwrap_or(0),
        url: info.url.as_str().into(),
        until: until(info),
        thumbnail,
        inline: info.render || info.is_voice(),
        playing_secs: info.playing_length_s,
    })
}

/// A file as RCS writes it.
pub(super) fn transfer_of(file: &File) -> file::FileTransfer {
    let private = |text: &str| sip_rcs::Private(text.to_owned());
    file::FileTransfer {
        file: file::FileInfo {
            size: Some(file.octets),
            content_type: file.media_type.to_string(),
            name: (!file.name.is_empty()).then(|| private(&file.name)),
            url: private(&file.url),
            until_us: file.until.map(Timestamp::micros),
            render: file.inline,
            playing_length_s: file.playing_secs,
            branded_url: None,
        },
        thumbnail: file.thumbnail.as_ref().map(|thumbnail| file::FileInfo {
            size: Some(thumbnail.octets),
            content_type: thumbnail.media_type.to_string(),
            url: private(&thumbnail.url),
            until_us: thumbnail.until.map(Timestamp::micros),
            ..file::FileInfo::default()
        }),
    }
}

/// The gateway keeps millionths of a degree, RCS ten-millionths.
const E7_PER_UDEG: i32 = 10;

fn place_of(place: &place::Place) -> Place {
    Place {
        latitude_udeg: place.position.latitude_e7() / E7_PER_UDEG,
        longitude_udeg: place.position.longitude_e7() / E7_PER_UDEG,
        radius_m: place.radius_m,
        label: place.label.as_ref().map(|label| label.as_str().into()),
    }
}

/// A place as RCS writes it; `None` for one that is not on the earth.
pub(super) fn location_of(place: &Place, at: Timestamp) -> Option<place::Place> {
    let e7 = |udeg: i32| udeg.checked_mul(E7_PER_UDEG);
    Some(place::Place {
        position: place::Position::new(e7(place.latitude_udeg)?, e7(place.longitude_udeg)?)?,
        radius_m: place.radius_m,
        label: place.label.as_deref().map(|label| sip_rcs::Private(label.to_owned())),
        at_us: Some(at.micros()),
        ..place::Place::default()
    })
}

/// What a message refers to (rcs sheet §16.2). A token that nobody knows is a reply: the text stands, and what it
/// refers to is shown.
pub(super) fn about(cpim: &Cpim) -> Option<About> {
    let operation = Operation::of(cpim)?;
    let relation = match operation.verb {
        Verb::React => Relation::Reaction,
        Verb::Unreact => Relation::ReactionWithdrawn,
        Verb::Reply | Verb::Other => Relation::Reply,
        Verb::Edit => Relation::Edit,
        Verb::Recall => Relation::Recall,
    };
    Some(About { reference: bounded(&operation.target)?, relation })
}

/// As RCS writes it.
pub(super) fn operation(about: &About) -> Operation<'_> {
    let verb = match about.relation {
        Relation::Reaction => Verb::React,
        Relation::ReactionWithdrawn => Verb::Unreact,
        Relation::Reply => Verb::Reply,
        Relation::Edit => Verb::Edit,
        Relation::Recall => Verb::Recall,
    };
    Operation { target: Cow::Borrowed(&about.reference), verb }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content_type: Option<&str>, octets: &'static [u8]) -> Result<Content, Unread> {
        let text = TextPolicy::default();
        read_content(content_type, &Bytes::from_static(octets), None, Reading { text: &text })
    }

    #[test]
    fn text_is_utf8_unless_a_charset_says_otherwise() {
        assert_eq!(read(Some("text/plain"), "안녕\r\n".as_bytes()), Ok(Content::Text("안녕\n".into())));
        assert_eq!(read(None, b"hi"), Ok(Content::Text("hi".into())));
        assert_eq!(read(Some("text/plain;charset=ISO-8859-1"), b"\xe9"), Ok(Content::Text("é".into())));
        assert_eq!(
            read(Some("text/plain; charset=euc-kr"), b"\xbe\xc8\xb3\xe7"),
            Ok(Content::Text("안녕".into()))
        );
        assert_eq!(read(Some("text/plain"), b"\xff"), Err(Unread::Malformed));
        assert_eq!(read(Some("text/plain; charset=utf-7"), b"x"), Err(Unread::Unsupported));
    }

    #[test]
    fn what_we_do_not_know_is_kept_octet_for_octet() {
        let Ok(Content::Rich(rich)) = read(Some("application/x-sticker;v=1"), b"\0\xff") else {
            panic!("rich")
        };
        assert_eq!(&*rich.text, "[application/x-sticker]");
        let Body::Opaque { media_type, octets } = rich.body else { panic!("opaque") };
        assert_eq!((media_type.as_str(), &octets[..]), ("application/x-sticker;v=1", &b"\0\xff"[..]));
        let Ok(Content::Rich(rich)) = read(Some("message/mls"), b"\x01") else { panic!("rich") };
        assert_eq!(&*rich.text, "[encrypted message]");
    }

    /// Rcs sheet §11.2, §13.2.
    #[test]
    fn a_file_is_kept_and_said_in_words() {
        let document = br#"<file xmlns="urn:gsma:params:xml:ns:rcs:rcs:fthttp">
            <file-info type="thumbnail"><file-size>4210</file-size><content-type>image/jpeg</content-type>
              <data url="https://ft.example.net/t" until="2027-04-01T00:00:00Z"/></file-info>
            <file-info type="file"><file-size>182340</file-size><file-name>a.jpg</file-name>
              <content-type>image/jpeg</content-type>
              <data url="https://ft.example.net/d" until="2027-04-01T00:00:00Z"/></file-info></file>"#;
        let Ok(Content::Rich(rich)) = read(Some(mime::FILE_TRANSFER), document) else { panic!("rich") };
        assert_eq!(&*rich.text, "a.jpg (179 KB) https://ft.example.net/d");
        let Body::File(file) = rich.body else { panic!("a file") };
        assert_eq!((file.octets, file.thumbnail.as_ref().map(|t| t.octets)), (182_340, Some(4210)));
        let mut written = Vec::new();
        transfer_of(&file).write(&mut written);
        let again = file_of(&file::read(&written).expect("what we write")).expect("a file");
        assert!(again == *file, "it comes back as it was");
    }

    /// Rcs sheet §11.4.
    #[test]
    fn a_place_is_kept_and_said_in_words() {
        let document = br#"<rcsenvelope xmlns="urn:gsma:params:xml:ns:rcs:rcs:geolocation"
            xmlns:gp="urn:ietf:params:xml:ns:pidf:geopriv10" xmlns:gml="http://www.opengis.net/gml"
            xmlns:gs="http://www.opengis.net/pidflo/1.0"><rcspushlocation id="a1" label="Office"><gp:geopriv>
            <gp:location-info><gs:Circle srsName="urn:ogc:def:crs:EPSG::4326"><gml:pos>37.5665 126.978</gml:pos>
            <gs:radius uom="urn:ogc:def:uom:EPSG::9001">30</gs:radius></gs:Circle></gp:location-info></gp:geopriv>
            </rcspushlocation></rcsenvelope>"#;
        let Ok(Content::Rich(rich)) = read(Some(mime::LOCATION), document) else { panic!("rich") };
        assert_eq!(&*rich.text, "Office https://www.openstreetmap.org/?mlat=37.5665&mlon=126.978");
        let Body::Place(place) = rich.body else { panic!("a place") };
        assert_eq!((place.latitude_udeg, place.radius_m), (37_566_500, Some(30)));
        let mut written = Vec::new();
        location_of(&place, Timestamp::ZERO).expect("on the earth").write(&mut written);
        let again = place_of(&place::read(&written).expect("what we write"));
        assert!(again == place, "it comes back as it was");
        assert_eq!(read(Some(mime::LOCATION), b"<rcsenvelope/>"), Err(Unread::Malformed));
    }

    #[test]
    fn references_are_read_in_each_dialect() {
        let about_of = |headers: &str| {
            let body = format!("{headers}\r\nContent-Type: text/plain\r\n\r\nx");
            about(&Cpim::read(Bytes::from(body)).expect("CPIM"))
                .map(|about| (about.reference.to_string(), about.relation))
        };
        let gsma = |kind: &str| {
            about_of(&format!(
                "NS: g <http://www.gsma.com>\r\ng.Reference-ID: M1\r\ng.Reference-Type: {kind}\r\n"
            ))
        };
        assert_eq!(gsma("+Reaction"), Some(("M1".into(), Relation::Reaction)));
        assert_eq!(gsma("-reaction"), Some(("M1".into(), Relation::ReactionWithdrawn)));
        assert_eq!(gsma("Edit"), Some(("M1".into(), Relation::Edit)));
        assert_eq!(gsma("+Sparkle"), Some(("M1".into(), Relation::Reply)));
        assert_eq!(
            about_of(
                "NS: r <urn:rcs:message:reactions:>\r\nr.In-Reply-To-Message-Id: M2\r\nr.Message-Reply-Type: message-reaction-add\r\n"
            ),
            Some(("M2".into(), Relation::Reaction))
        );
        assert_eq!(about_of("Subject: x\r\n"), None);
    }
}
