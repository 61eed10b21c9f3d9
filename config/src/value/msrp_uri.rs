//! Where a relay of MSRP is.

use std::{fmt, str::FromStr};

use super::{
    host_port::HostPort,
    spelling::{Misspelt, Spelled, spelled},
};

/// An `msrp://` or `msrps://` URI without a session (RFC 4975 §6): `msrps` is over TLS.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MsrpUri {
    /// `msrps`.
    pub secure: bool,
    pub at: HostPort,
}

const HELP: &str = r#"write a URI with its port and transport, such as "msrps://relay.ims.example:2855;tcp""#;

impl FromStr for MsrpUri {
    type Err = Misspelt;

    fn from_str(text: &str) -> Result<Self, Misspelt> {
        let wrong = |what: &'static str| Misspelt::new(what, HELP);
        let (secure, rest) = match text.split_once("://") {
            Some(("msrps", rest)) => (true, rest),
            Some(("msrp", rest)) => (false, rest),
            _ => return Err(wrong("this is not an msrp or msrps URI")),
        };
        let at =
            rest.strip_suffix(";tcp").ok_or_else(|| wrong("this URI does not end with its transport"))?;
        if at.contains('@') {
            return Err(wrong("this URI has a user in it, which has a key of its own"));
        }
        if at.contains('/') {
            return Err(wrong("this URI names a session, and a relay has none of its own"));
        }
        Ok(Self { secure, at: at.parse().map_err(|error: Misspelt| Misspelt::new(error.what, HELP))? })
    }
}

impl fmt::Display for MsrpUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.secure { "msrps" } else { "msrp" };
        write!(f, "{scheme}://{};tcp", self.at)
    }
}

impl Spelled for MsrpUri {
    const EXPECTED: &'static str = r#"a URI such as "msrps://relay.ims.example:2855;tcp""#;
}

spelled!(MsrpUri, "MsrpUri", {
    "description": "An msrp:// or msrps:// URI with a port and without a session.",
    "type": "string",
    "pattern": "^msrps?://[^/@]+:[0-9]+;tcp$",
    "examples": ["msrps://relay.ims.example:2855;tcp"]
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relay_is_written_as_it_is_read() {
        for (text, secure, host, port) in [
            ("msrp://192.0.2.7:2855;tcp", false, "192.0.2.7", 2855),
            ("msrps://relay.ims.example:443;tcp", true, "relay.ims.example", 443),
            ("msrps://[2001:db8::1]:2855;tcp", true, "2001:db8::1", 2855),
        ] {
            let uri: MsrpUri = text.parse().unwrap();
            assert_eq!((uri.secure, uri.at.host.as_str(), uri.at.port), (secure, host, port));
            assert_eq!(uri.to_string(), text);
        }
    }

    #[test]
    fn says_what_is_wrong() {
        for (text, what) in [
            ("relay.ims.example:2855", "this is not an msrp or msrps URI"),
            ("http://relay.ims.example:2855;tcp", "this is not an msrp or msrps URI"),
            ("msrp://relay.ims.example:2855", "this URI does not end with its transport"),
            ("msrp://gw@relay.ims.example:2855;tcp", "this URI has a user in it, which has a key of its own"),
            (
                "msrp://relay.ims.example:2855/x;tcp",
                "this URI names a session, and a relay has none of its own",
            ),
            ("msrp://relay.ims.example;tcp", "this address has no port"),
            ("msrp://relay ims:1;tcp", "the host is not a name or an address"),
        ] {
            assert_eq!(text.parse::<MsrpUri>().unwrap_err().what, what, "{text}");
        }
    }
}
