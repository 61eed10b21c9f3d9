//! What a file is called: read from senders, cleaned, and written for browsers.
//!
//! It never names anything on our disk.

use std::fmt::Write as _;

use http::HeaderValue;

/// Letters of a name; the end with the extension is kept.
const NAME_CHARS_MAX: usize = 100;
/// Of a name that has nothing left.
const NAMELESS: &str = "file";

/// A name without folders, controls, and what turns text around or hides it.
pub(super) fn clean(written: &str) -> String {
    let last = written.rsplit(['/', '\\']).next().unwrap_or_default();
    let kept = last.chars().filter(|c| !c.is_control() && !is_invisible(*c)).map(|c| match c {
        '"' | '<' | '>' | '|' | ':' | '*' | '?' => '_',
        other => other,
    });
    let kept: String = kept.collect();
    let name = kept.trim_matches(|c: char| c == '.' || c.is_whitespace());
    if name.is_empty() { NAMELESS.to_owned() } else { shortened(name) }
}

/// Marks that turn the direction of text, so that `exe.jpg` may be `gpj.exe`, and marks that nobody sees.
const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

fn shortened(name: &str) -> String {
    let count = name.chars().count();
    if count <= NAME_CHARS_MAX {
        return name.to_owned();
    }
    let extension = name.rsplit_once('.').map(|(_, extension)| extension).filter(|end| end.len() <= 10);
    let extension = extension.map(|end| format!(".{end}")).unwrap_or_default();
    let head: String = name.chars().take(NAME_CHARS_MAX - extension.chars().count()).collect();
    head + &extension
}

/// The parameters of a `Content-Disposition` of a part (RFC 7578 §4.2).
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Disposition {
    pub(super) name: Option<String>,
    /// Decoded; not yet clean.
    pub(super) filename: Option<String>,
}

impl Disposition {
    /// `None` when it is not `form-data; …`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (kind, mut rest) = text.split_once(';').unwrap_or((text, ""));
        if !kind.trim().eq_ignore_ascii_case("form-data") {
            return None;
        }
        let mut found = Self::default();
        let mut extended = None;
        while let Some((name, after)) = rest.split_once('=') {
            let name = name.trim_start_matches([';', ' ', '\t']).trim_end().to_ascii_lowercase();
            let (value, after) = value(after.trim_start());
            rest = after;
            match name.as_str() {
                "name" => found.name = Some(value),
                "filename" => found.filename = Some(percent_decoded(&value)),
                // RFC 8187: charset'language'value.
                "filename*" => extended = value.splitn(3, '\'').nth(2).map(percent_decoded),
                _ => {}
            }
        }
        found.filename = extended.or(found.filename);
        Some(found)
    }
}

/// A token or a quoted string, and what follows it. Only quotes and backslashes are escaped: old browsers send folders
/// of their disks.
fn value(text: &str) -> (String, &str) {
    let Some(mut rest) = text.strip_prefix('"') else {
        let (token, rest) = text.split_once(';').unwrap_or((text, ""));
        return (token.trim().to_owned(), rest);
    };
    let mut value = String::new();
    while let Some(c) = rest.chars().next() {
        rest = rest.split_at(c.len_utf8()).1;
        match c {
            '"' => break,
            '\\' if rest.starts_with(['"', '\\']) => {
                value.extend(rest.chars().next());
                rest = rest.split_at(1).1;
            }
            other => value.push(other),
        }
    }
    (value, rest)
}

/// Names come percent-encoded (RCS sheet §11.1); what is no encoding stays as it is.
pub(super) fn percent_decoded(text: &str) -> String {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let digit = |at: usize| after.get(at).and_then(|digit| char::from(*digit).to_digit(16));
        match (first, digit(0), digit(1)) {
            (b'%', Some(high), Some(low)) => {
                octets.push(u8::try_from(high << 4 | low).unwrap_or_default());
                rest = after.split_at(2).1;
            }
            _ => {
                octets.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&octets).into_owned()
}

/// `attachment` with the name, in ASCII for the old and in UTF-8 for the rest (RFC 6266 §4, appendix D).
pub(super) fn attachment(clean: &str) -> HeaderValue {
    let plain: String =
        clean.chars().map(|c| if c.is_ascii_graphic() && c != '\\' && c != '%' { c } else { '_' }).collect();
    let mut value = format!("attachment; filename=\"{plain}\"");
    if plain != clean {
        value.push_str("; filename*=UTF-8''");
        for octet in clean.bytes() {
            if octet.is_ascii_alphanumeric() || b"-._~".contains(&octet) {
                value.push(char::from(octet));
            } else {
                write!(value, "%{octet:02X}").unwrap_or_default();
            }
        }
    }
    HeaderValue::try_from(value).unwrap_or(HeaderValue::from_static("attachment"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn folders_and_tricks_are_gone() {
        for (written, name) in [
            ("a.jpg", "a.jpg"),
            ("../../etc/passwd", "passwd"),
            ("..\\..\\boot.ini", "boot.ini"),
            ("/etc/", "file"),
            ("..", "file"),
            ("", "file"),
            (".bashrc", "bashrc"),
            ("a\r\nSet-Cookie: x.jpg", "aSet-Cookie_ x.jpg"),
            ("photo\u{202e}gpj.exe", "photogpj.exe"),
            ("사진 1.jpg", "사진 1.jpg"),
            ("nul\0.txt", "nul.txt"),
        ] {
            assert_eq!(clean(written), name, "{written:?}");
        }
        let long = clean(&format!("{}.jpeg", "가".repeat(300)));
        assert_eq!(long.chars().count(), NAME_CHARS_MAX);
        assert!(long.ends_with(".jpeg"));
    }

    #[test]
    fn dispositions_as_clients_write_them() {
        let parsed = |text: &str| {
            let found = Disposition::parse(text).unwrap();
            (found.name.unwrap_or_default(), found.filename.unwrap_or_default())
        };
        let both = |name: &str, filename: &str| (name.to_owned(), filename.to_owned());
        assert_eq!(parsed(r#"form-data; name="tid""#), both("tid", ""));
        assert_eq!(parsed("form-data; name=File; filename=a.jpg"), both("File", "a.jpg"));
        assert_eq!(parsed(r#"form-data;name="File";filename="a%20b.jpg""#), both("File", "a b.jpg"));
        assert_eq!(parsed(r#"form-data; filename="a;b\".jpg"; name="File""#), both("File", "a;b\".jpg"));
        assert_eq!(parsed(r#"form-data; name="File"; filename="C:\x\a.jpg""#), both("File", "C:\\x\\a.jpg"));
        assert_eq!(
            parsed("Form-Data; name=\"File\"; filename=\"x\"; filename*=UTF-8''%EC%82%AC.jpg"),
            both("File", "사.jpg")
        );
        assert_eq!(parsed("form-data; name=\"File\"; filename=\"100%.jpg\""), both("File", "100%.jpg"));
        assert_eq!(Disposition::parse("attachment; filename=x"), None);
    }

    #[test]
    fn attachments_are_named_for_everybody() {
        assert_eq!(attachment("a.jpg"), "attachment; filename=\"a.jpg\"");
        assert_eq!(
            attachment("사 1%.jpg"),
            "attachment; filename=\"__1_.jpg\"; filename*=UTF-8''%EC%82%AC%201%25.jpg"
        );
    }

    proptest! {
        #[test]
        fn a_clean_name_is_harmless(written in any::<String>()) {
            let name = clean(&written);
            prop_assert!(!name.is_empty() && !name.starts_with('.'));
            prop_assert!(!name.contains(['/', '\\', '"', '\r', '\n', '\0']));
            prop_assert!(name.chars().count() <= NAME_CHARS_MAX);
            let header = attachment(&name);
            prop_assert!(header.to_str().unwrap().starts_with("attachment; filename=\""));
        }

        #[test]
        fn dispositions_are_read_to_their_end(text in any::<String>()) {
            let _ = Disposition::parse(&text);
        }

        #[test]
        fn names_survive_the_way(name in "[^\"\\\\%\\p{C}]{1,40}") {
            let encoded: String = name.bytes().map(|octet| format!("%{octet:02x}")).collect();
            let found = Disposition::parse(&format!("form-data; name=\"File\"; filename=\"{encoded}\"")).unwrap();
            prop_assert_eq!(found.filename.unwrap(), name);
        }
    }
}
