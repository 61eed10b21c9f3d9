//! The value of `From`, `To`, `cc` and the IMDN routes: an optional name, then a URI in angle brackets.

use std::borrow::Cow;

use super::escape::unescape;
use crate::private::Private;

/// Who a message is from or to, as the client wrote it. Never an identity: that is what SIP says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address<'a> {
    /// Without quotation marks and escapes.
    pub display: Option<Private<Cow<'a, str>>>,
    pub uri: Private<&'a str>,
}

impl<'a> Address<'a> {
    /// Reads `Name <uri>`, `"Na\"me" <uri>`, `<uri>` and, as some peers write it, the bare URI. `None` when there is
    /// no URI.
    #[must_use]
    pub fn read(value: &'a str) -> Option<Self> {
        let value = value.trim_ascii();
        // The last bracket: a name may hold one inside its quotation marks.
        let Some((display, rest)) = value.rsplit_once('<') else {
            let uri = Private(value);
            return (!value.is_empty()).then_some(Self { display: None, uri });
        };
        let (uri, _) = rest.split_once('>')?;
        let display = display.trim_ascii();
        let unquoted =
            display.strip_prefix('"').and_then(|display| display.strip_suffix('"')).unwrap_or(display);
        let display = (!unquoted.is_empty()).then(|| Private(unescape(unquoted)));
        let uri = uri.trim_ascii();
        (!uri.is_empty()).then_some(Self { display, uri: Private(uri) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_uris_are_read_as_peers_write_them() {
        let read = |value| {
            let address = Address::read(value).unwrap();
            (address.display.map(|display| display.to_string()), address.uri.0)
        };
        assert_eq!(read("<sip:anonymous@anonymous.invalid>"), (None, "sip:anonymous@anonymous.invalid"));
        assert_eq!(read("Kim Min <tel:+821011112222>"), (Some("Kim Min".into()), "tel:+821011112222"));
        assert_eq!(read(r#""a \"<b\"" <im:c@d.example> "#), (Some("a \"<b\"".into()), "im:c@d.example"));
        assert_eq!(read("tel:+821011112222"), (None, "tel:+821011112222"));
        assert_eq!(Address::read(""), None);
        assert_eq!(Address::read("Kim <>"), None);
        assert_eq!(Address::read("Kim <tel:+8210"), None);
    }
}
