//! `a=fingerprint`: which certificate the other end will show (RFC 8122, RFC 4975 §14.4).

use std::fmt;

/// SHA-256 over the DER form of a certificate. Others are not taken.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// The digest of a certificate.
    pub const fn new(sha256: [u8; 32]) -> Self {
        Self(sha256)
    }

    /// The digest.
    pub const fn octets(&self) -> &[u8; 32] {
        &self.0
    }

    /// Reads `SHA-256 AB:CD:…`, the value of the attribute; the letters may be small.
    pub fn parse(text: &str) -> Option<Self> {
        let (function, digest) = text.trim().split_once(' ')?;
        if !function.eq_ignore_ascii_case("sha-256") {
            return None;
        }
        let mut octets = [0; 32];
        let mut pairs = digest.trim().split(':');
        for octet in &mut octets {
            let pair = pairs.next()?;
            let legal = pair.len() == 2 && pair.bytes().all(|digit| digit.is_ascii_hexdigit());
            *octet = legal.then(|| u8::from_str_radix(pair, 16).ok())??;
        }
        pairs.next().is_none().then_some(Self(octets))
    }
}

/// As in the attribute.
impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SHA-256 ")?;
        for (at, octet) in self.0.iter().enumerate() {
            write!(f, "{}{octet:02X}", if at == 0 { "" } else { ":" })?;
        }
        Ok(())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc8122_written_and_read_back() {
        let one = Fingerprint::new(std::array::from_fn(|at| (at * 7) as u8));
        assert!(one.to_string().starts_with("SHA-256 00:07:0E:15:"));
        assert_eq!(Fingerprint::parse(&one.to_string()), Some(one));
        assert_eq!(Fingerprint::parse(&one.to_string().to_lowercase()), Some(one));
    }

    #[test]
    fn other_functions_and_lengths_are_none() {
        let good = Fingerprint::new([7; 32]).to_string();
        assert_eq!(Fingerprint::parse(&good.replace("256", "1")), None);
        assert_eq!(Fingerprint::parse(&format!("{good}:07")), None);
        assert_eq!(Fingerprint::parse(good.trim_end_matches(":07")), None);
        assert_eq!(Fingerprint::parse(&good.replace("07:07", "7:007")), None);
        assert_eq!(Fingerprint::parse(&good.replace("07:07", "+7:07")), None);
    }
}
