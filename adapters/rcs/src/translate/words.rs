//! Rich content in words, for networks that only read text (rcs sheet §13.2).

use model::{File, Place};
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// NFC with LF line ends: some devices send Hangul in pieces at three times the size.
#[must_use]
pub fn normal(text: &str) -> Box<str> {
    let returns = text.contains('\r');
    if text.is_ascii() || is_nfc_quick(text.chars()) == IsNormalized::Yes {
        return if returns { unix(text) } else { text.into() };
    }
    let composed: String = text.nfc().collect();
    if returns { unix(&composed) } else { composed.into() }
}

fn unix(text: &str) -> Box<str> {
    text.replace("\r\n", "\n").replace('\r', "\n").into()
}

/// `name (size) link`.
pub(super) fn file(file: &File, link: &str) -> Box<str> {
    let name = if file.name.is_empty() { file.media_type.as_str() } else { &file.name };
    format!("{} ({}) {}", normal(name), Size(file.octets), link).into()
}

/// Label and link, each when there is one.
pub(super) fn place(place: &Place, template: &str) -> Box<str> {
    let link = map_link(template, place);
    match place.label.as_deref().map(normal).filter(|label| !label.is_empty()) {
        Some(label) => format!("{label} {link}").into(),
        None => link.into(),
    }
}

/// The link to a map: `{lat}` and `{lon}` stand for the degrees.
#[must_use]
pub fn map_link(template: &str, place: &Place) -> String {
    let degrees = |udeg: i32| Degrees(udeg).to_string();
    template.replace("{lat}", &degrees(place.latitude_udeg)).replace("{lon}", &degrees(place.longitude_udeg))
}

/// Millionths of a degree as decimal degrees, without trailing zeros.
pub(super) struct Degrees(pub(super) i32);

impl std::fmt::Display for Degrees {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (sign, udeg) = (if self.0 < 0 { "-" } else { "" }, self.0.unsigned_abs());
        write!(f, "{sign}{}", udeg / 1_000_000)?;
        let mut fraction = udeg % 1_000_000;
        if fraction == 0 {
            return Ok(());
        }
        let mut digits = 6;
        while fraction % 10 == 0 {
            fraction /= 10;
            digits -= 1;
        }
        write!(f, ".{fraction:0digits$}")
    }
}

/// Octets for people.
struct Size(u64);

impl std::fmt::Display for Size {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const KIB: u64 = 1 << 10;
        const MIB: u64 = 1 << 20;
        match self.0 {
            octets @ 0..KIB => write!(f, "{octets} B"),
            octets @ KIB..MIB => write!(f, "{} KB", octets.div_ceil(KIB)),
            octets => write!(f, "{}.{} MB", octets / MIB, octets % MIB * 10 / MIB),
        }
    }
}

/// Names and numbers of a vCard, a line each (RFC 6350 §3.3: lines may be folded and grouped).
pub(super) fn card(octets: &[u8]) -> Box<str> {
    /// What people look for in a card, in the order it is shown.
    const SHOWN: [&str; 3] = ["FN", "TEL", "EMAIL"];
    /// Lines of the summary.
    const LINES_MAX: usize = 12;

    let text = String::from_utf8_lossy(octets).replace("\r\n", "\n");
    let text = text.replace("\n ", "").replace("\n\t", "");
    let mut lines: Vec<String> = Vec::new();
    for wanted in SHOWN {
        for line in text.lines() {
            let Some((head, value)) = line.split_once(':') else { continue };
            let name = head.split(';').next().unwrap_or(head);
            let name = name.rsplit('.').next().unwrap_or(name);
            let value = value.trim().trim_start_matches("tel:").replace("\\,", ",").replace("\\n", " ");
            if name.eq_ignore_ascii_case(wanted) && !value.is_empty() && lines.len() < LINES_MAX {
                lines.push(value);
            }
        }
    }
    normal(&lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hangul_in_pieces_becomes_syllables_and_lines_end_the_same() {
        assert_eq!(&*normal("\u{1112}\u{1161}\u{11ab}\r\n글\r끝"), "한\n글\n끝");
        assert_eq!(&*normal("a\r\nb"), "a\nb");
        assert_eq!(&*normal("한글"), "한글");
    }

    #[test]
    fn a_file_is_its_name_its_size_and_its_link() {
        let mut of = File {
            name: "a.jpg".into(),
            media_type: "image/jpeg".into(),
            octets: 182_340,
            url: "https://ft.example.net/d/9f".into(),
            until: None,
            thumbnail: None,
            inline: false,
            playing_secs: None,
        };
        assert_eq!(&*file(&of, &of.url), "a.jpg (179 KB) https://ft.example.net/d/9f");
        (of.octets, of.name) = (5 << 20, "".into());
        assert_eq!(&*file(&of, "https://f.example/9f"), "image/jpeg (5.0 MB) https://f.example/9f");
    }

    #[test]
    fn a_place_is_its_label_and_a_map() {
        let mut at = Place {
            latitude_udeg: 37_566_500,
            longitude_udeg: -126_978_000,
            radius_m: None,
            label: Some("Office".into()),
        };
        let template = "https://maps.example/?q={lat},{lon}";
        assert_eq!(&*place(&at, template), "Office https://maps.example/?q=37.5665,-126.978");
        at.label = None;
        (at.latitude_udeg, at.longitude_udeg) = (-500, 180_000_000);
        assert_eq!(&*place(&at, template), "https://maps.example/?q=-0.0005,180");
    }

    #[test]
    fn a_card_is_its_name_and_its_numbers() {
        let octets = b"BEGIN:VCARD\r\nVERSION:4.0\r\nitem1.TEL;VALUE=uri:tel:+82-10-1111-2222\r\nFN:Kim\\, Mi\r\n na\r\nX:1\r\nEND:VCARD";
        assert_eq!(&*card(octets), "Kim, Mina\n+82-10-1111-2222");
        assert_eq!(&*card(b"\xff\xfe"), "");
    }
}
