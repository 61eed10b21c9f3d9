//! Media types: which may be stored here, and which a browser may be told.

/// Longer ones are not kept.
const TYPE_OCTETS_MAX: usize = 200;
/// Of what has none.
pub(super) const UNKNOWN: &str = "application/octet-stream";

/// `image/jpeg`, or a whole family as `image/*`, or `*/*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaRange {
    family: Option<String>,
    kind: Option<String>,
}

impl MediaRange {
    /// `None` when it is neither a type nor a family.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (family, kind) = text.split_once('/')?;
        let part = |part: &str| match part {
            "*" => Some(None),
            token => is_token(token).then(|| Some(token.to_ascii_lowercase())),
        };
        let range = Self { family: part(family)?, kind: part(kind)? };
        (range.family.is_some() || range.kind.is_none()).then_some(range)
    }

    fn holds(&self, essence: &str) -> bool {
        let Some((family, kind)) = essence.split_once('/') else { return false };
        let same = |wanted: &Option<String>, is: &str| {
            wanted.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(is))
        };
        same(&self.family, family) && same(&self.kind, kind)
    }
}

/// Whether a file of this type may be stored.
pub(super) fn is_allowed(ranges: &[MediaRange], content_type: &str) -> bool {
    let essence = sip_rcs::mime::essence(content_type);
    ranges.iter().any(|range| range.holds(essence))
}

/// The type as it is kept, with its parameters; `None` when it is not one.
pub(super) fn read(written: Option<&str>) -> Option<String> {
    let Some(written) = written.map(str::trim).filter(|written| !written.is_empty()) else {
        return Some(UNKNOWN.to_owned());
    };
    let (family, kind) = sip_rcs::mime::essence(written).split_once('/')?;
    let printable = written.bytes().all(|octet| (b' '..=b'~').contains(&octet));
    (is_token(family) && is_token(kind) && printable && written.len() <= TYPE_OCTETS_MAX)
        .then(|| written.to_owned())
}

pub(super) fn is_image(content_type: &str) -> bool {
    content_type.get(..6).is_some_and(|family| family.eq_ignore_ascii_case("image/"))
}

/// RFC 9110 §5.6.2.
fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&octet))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_hold_their_types() {
        let ranges =
            |texts: &[&str]| texts.iter().map(|text| MediaRange::parse(text).unwrap()).collect::<Vec<_>>();
        let some = ranges(&["image/*", "video/MP4"]);
        for (content_type, allowed) in [
            ("image/jpeg", true),
            ("IMAGE/x-y; a=b", true),
            ("video/mp4", true),
            ("video/mpeg", false),
            ("text/html", false),
            ("image", false),
        ] {
            assert_eq!(is_allowed(&some, content_type), allowed, "{content_type}");
        }
        assert!(is_allowed(&ranges(&["*/*"]), "a/b"));
        for text in ["image", "*/jpeg", "a b/c", "/", "image/"] {
            assert_eq!(MediaRange::parse(text), None, "{text}");
        }
    }

    #[test]
    fn types_keep_their_parameters_and_nothing_else_gets_through() {
        assert_eq!(
            read(Some("audio/amr;voice-recording=yes")).as_deref(),
            Some("audio/amr;voice-recording=yes")
        );
        assert_eq!(read(None).as_deref(), Some(UNKNOWN));
        assert_eq!(read(Some(" ")).as_deref(), Some(UNKNOWN));
        for text in ["text", "a/b\r\nx: y", "a /b", "가/b", &format!("a/{}", "b".repeat(300))] {
            assert_eq!(read(Some(text)), None, "{text:?}");
        }
        assert!(is_image("Image/png") && !is_image("imag") && !is_image("video/mp4"));
    }
}
