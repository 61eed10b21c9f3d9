//! Media types: the ones we know, and how their parameters are read (RFC 2045 §5.1).

use std::borrow::Cow;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;

pub const CPIM: &str = "message/cpim";
pub const IMDN: &str = "message/imdn+xml";
pub const IS_COMPOSING: &str = "application/im-iscomposing+xml";
pub const TEXT: &str = "text/plain";
/// What we write a text as.
pub const TEXT_UTF8: &str = "text/plain;charset=UTF-8";
pub const FILE_TRANSFER: &str = "application/vnd.gsma.rcs-ft-http+xml";
pub const LOCATION: &str = "application/vnd.gsma.rcspushlocation+xml";
pub const RESOURCE_LISTS: &str = "application/resource-lists+xml";
pub const CONFERENCE_INFO: &str = "application/conference-info+xml";
pub const REGISTRATION_INFO: &str = "application/reginfo+xml";
pub const REVOCATION: &str = "application/vnd.gsma.rcsrevoke+xml";
pub const SDP: &str = "application/sdp";
pub const MIXED: &str = "multipart/mixed";
pub const SMS: &str = "application/vnd.3gpp.sms";
pub const IMS: &str = "application/3gpp-ims+xml";
pub const SIP: &str = "message/sip";
pub const BOT_MESSAGE: &str = "application/vnd.gsma.botmessage.v1.0+json";
pub const BOT_SUGGESTION: &str = "application/vnd.gsma.botsuggestion.v1.0+json";
pub const BOT_RESPONSE: &str = "application/vnd.gsma.botsuggestion.response.v1.0+json";
pub const GROUP_DATA: &str = "application/vnd.oma.cpm-groupdata+xml";

/// What a content is to us, by its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    Text,
    Cpim,
    /// A disposition notification.
    Imdn,
    IsComposing,
    FileTransfer,
    Location,
    VCard,
    ResourceLists,
    ConferenceInfo,
    RegistrationInfo,
    Revocation,
    Sdp,
    Multipart,
    Sms,
    /// Service information of a third-party REGISTER.
    Ims,
    /// A SIP message inside.
    Sip,
    /// Rich cards, chips and what users tap.
    Bot,
    SpamReport,
    LinkReport,
    AliasManagement,
    GroupData,
    /// Encrypted end to end: octets, names and order are kept.
    Encrypted,
    Image,
    Audio,
    Video,
    /// None of these, or not a type at all.
    Unknown,
}

const KINDS: &[(&str, Kind)] = &[
    (TEXT, Kind::Text),
    (CPIM, Kind::Cpim),
    (IMDN, Kind::Imdn),
    (IS_COMPOSING, Kind::IsComposing),
    // Cut short by some clients.
    ("application/im-iscomposing+xm", Kind::IsComposing),
    (FILE_TRANSFER, Kind::FileTransfer),
    (LOCATION, Kind::Location),
    ("text/vcard", Kind::VCard),
    ("text/x-vcard", Kind::VCard),
    (RESOURCE_LISTS, Kind::ResourceLists),
    (CONFERENCE_INFO, Kind::ConferenceInfo),
    (REGISTRATION_INFO, Kind::RegistrationInfo),
    (REVOCATION, Kind::Revocation),
    (SDP, Kind::Sdp),
    (SMS, Kind::Sms),
    (IMS, Kind::Ims),
    (SIP, Kind::Sip),
    ("application/vnd.gsma.rcsspam-report+xml", Kind::SpamReport),
    ("application/vnd.gsma.rcslink-report+xml", Kind::LinkReport),
    ("application/vnd.gsma.rcsalias-mgmt+xml", Kind::AliasManagement),
    (GROUP_DATA, Kind::GroupData),
];

const FAMILIES: &[(&str, Kind)] = &[
    ("application/vnd.gsma.bot", Kind::Bot),
    ("message/mls", Kind::Encrypted),
    ("application/vnd.google.rcs.", Kind::Encrypted),
    ("multipart/", Kind::Multipart),
    ("image/", Kind::Image),
    ("audio/", Kind::Audio),
    ("video/", Kind::Video),
];

impl Kind {
    /// Of a content type with or without parameters, in any case.
    #[must_use]
    pub fn of(content_type: &str) -> Self {
        let essence = essence(content_type);
        let same = |known: &&(&str, Self)| essence.eq_ignore_ascii_case(known.0);
        let family = |known: &&(&str, Self)| {
            let start = essence.as_bytes().get(..known.0.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(known.0.as_bytes()))
        };
        let found = KINDS.iter().find(same).or_else(|| FAMILIES.iter().find(family));
        found.map_or(Self::Unknown, |&(_, kind)| kind)
    }
}

/// The type without its parameters.
#[must_use]
pub fn essence(content_type: &str) -> &str {
    content_type.split_once(';').map_or(content_type, |(essence, _)| essence).trim_ascii()
}

/// A parameter of a type or a disposition: `boundary`, `charset`, `filename`.
#[must_use]
pub fn parameter<'a>(value: &'a str, name: &str) -> Option<Cow<'a, str>> {
    let (_, mut rest) = value.split_once(';')?;
    loop {
        let (key, after) = rest.split_once('=')?;
        // A parameter without a value is passed over.
        let key = key.rsplit_once(';').map_or(key, |(_, key)| key).trim_ascii();
        let after = after.trim_ascii_start();
        let (found, after) = match after.strip_prefix('"') {
            Some(quoted) => unquote(quoted)?,
            None => {
                let (token, after) = after.split_once(';').unwrap_or((after, ""));
                (Cow::Borrowed(token.trim_ascii()), after)
            }
        };
        if key.eq_ignore_ascii_case(name) {
            return Some(found);
        }
        rest = after;
    }
}

/// The text up to the closing quotation mark, and what follows.
fn unquote(quoted: &str) -> Option<(Cow<'_, str>, &str)> {
    let mut escaped = false;
    let mut plain = true;
    for (at, letter) in quoted.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' => (escaped, plain) = (true, false),
            '"' => {
                let (text, after) = quoted.split_at_checked(at)?;
                let text = if plain { Cow::Borrowed(text) } else { Cow::Owned(without_escapes(text)) };
                return Some((text, after.strip_prefix('"')?));
            }
            _ => {}
        }
    }
    None
}

fn without_escapes(text: &str) -> String {
    let mut escaped = false;
    text.chars()
        .filter(|&letter| {
            escaped = letter == '\\' && !escaped;
            !escaped
        })
        .collect()
}

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Undoes a `Content-Transfer-Encoding`; `None` when it is not known or the octets are damaged.
#[must_use]
pub fn decode(encoding: Option<&str>, content: &Bytes) -> Option<Bytes> {
    let encoding = encoding.map_or("", str::trim_ascii);
    if encoding.eq_ignore_ascii_case("base64") {
        let dense: Vec<u8> = content.iter().copied().filter(|octet| !octet.is_ascii_whitespace()).collect();
        return BASE64.decode(dense).ok().map(Bytes::from);
    }
    let plain = ["", "7bit", "8bit", "binary", "identity"];
    plain.iter().any(|plain| encoding.eq_ignore_ascii_case(plain)).then(|| content.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_told_by_type_in_any_case_and_with_parameters() {
        for (content_type, kind) in [
            ("text/plain;charset=UTF-8", Kind::Text),
            ("Message/CPIM", Kind::Cpim),
            ("message/imdn+xml", Kind::Imdn),
            ("application/im-iscomposing+xml", Kind::IsComposing),
            ("application/im-iscomposing+xm", Kind::IsComposing),
            ("multipart/mixed; boundary=b", Kind::Multipart),
            ("application/vnd.gsma.botsuggestion.response.v1.0+json", Kind::Bot),
            ("message/mls-rcs-client", Kind::Encrypted),
            ("application/vnd.google.rcs.encrypted", Kind::Encrypted),
            ("image/jpeg", Kind::Image),
            ("application/json", Kind::Unknown),
            ("", Kind::Unknown),
        ] {
            assert_eq!(Kind::of(content_type), kind, "{content_type}");
        }
    }

    #[test]
    fn parameters_are_read_quoted_or_not() {
        let value = "multipart/mixed; odd ; type=\"a;b\\\"c\\\\\"; Boundary = b1 ;charset=";
        assert_eq!(parameter(value, "boundary").as_deref(), Some("b1"));
        assert_eq!(parameter(value, "type").as_deref(), Some("a;b\"c\\"));
        assert_eq!(parameter(value, "charset").as_deref(), Some(""));
        assert_eq!(parameter(value, "name"), None);
        assert_eq!(parameter("a/b; x=\"open", "x"), None);
    }

    #[test]
    fn transfer_encodings_are_undone() {
        let content = Bytes::from_static(b"aGVs\r\nbG8");
        assert_eq!(decode(Some("BASE64"), &content).as_deref(), Some(&b"hello"[..]));
        assert_eq!(decode(Some("8bit"), &content).as_ref(), Some(&content));
        assert_eq!(decode(None, &content).as_ref(), Some(&content));
        assert_eq!(decode(Some("base64"), &Bytes::from_static(b"a*")), None);
        assert_eq!(decode(Some("x-uuencode"), &content), None);
    }
}
