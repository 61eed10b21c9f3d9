//! Ranges of IP addresses.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use super::spelling::{Misspelt, Spelled, spelled};

/// An address or a range of addresses in the notation of RFC 4632 §3.1, `"192.0.2.0/24"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cidr {
    base: IpAddr,
    bits: u8,
}

const HELP: &str =
    r#"write an address or a range, for example "192.0.2.7", "192.0.2.0/24" or "2001:db8::/32""#;

impl Cidr {
    /// This machine.
    pub const LOOPBACK_V4: Self = Self { base: IpAddr::V4(Ipv4Addr::new(127, 0, 0, 0)), bits: 8 };
    /// This machine.
    pub const LOOPBACK_V6: Self = Self { base: IpAddr::V6(Ipv6Addr::LOCALHOST), bits: 128 };

    /// The first address, and how many of its bits count.
    #[must_use]
    pub const fn parts(&self) -> (IpAddr, u8) {
        (self.base, self.bits)
    }

    #[must_use]
    pub fn contains(&self, ip: IpAddr) -> bool {
        // An IPv4 peer on a dual-stack listener shows as ::ffff:a.b.c.d.
        match (self.base, ip.to_canonical()) {
            (IpAddr::V4(base), IpAddr::V4(ip)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.bits)).unwrap_or(0);
                base.to_bits() & mask == ip.to_bits() & mask
            }
            (IpAddr::V6(base), IpAddr::V6(ip)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.bits)).unwrap_or(0);
                base.to_bits() & mask == ip.to_bits() & mask
            }
            _ => false,
        }
    }

    /// Nobody outside this machine is in it.
    #[must_use]
    pub const fn is_loopback(&self) -> bool {
        match self.base {
            IpAddr::V4(base) => base.is_loopback() && self.bits >= 8,
            IpAddr::V6(base) => base.is_loopback() && self.bits == 128,
        }
    }
}

impl FromStr for Cidr {
    type Err = Misspelt;

    fn from_str(text: &str) -> Result<Self, Misspelt> {
        let (base, bits) = text.split_once('/').map_or((text, None), |(base, bits)| (base, Some(bits)));
        let Ok(base) = base.parse::<IpAddr>() else {
            return Err(Misspelt::new("this is not an IP address or range", HELP));
        };
        let all = if base.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Some(all), |bits| bits.parse().ok().filter(|bits| *bits <= all));
        let Some(bits) = bits else {
            return Err(Misspelt::new(
                format!("the length of this range is not a number from 0 to {all}"),
                HELP,
            ));
        };
        Ok(Self { base, bits })
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = self.bits == if self.base.is_ipv4() { 32 } else { 128 };
        if whole { self.base.fmt(f) } else { write!(f, "{}/{}", self.base, self.bits) }
    }
}

impl Spelled for Cidr {
    const EXPECTED: &'static str = r#"an address or range such as "192.0.2.0/24""#;
}

spelled!(Cidr, "Cidr", {
    "description": "An IP address or a range of them.",
    "type": "string",
    "examples": ["192.0.2.7", "192.0.2.0/24", "2001:db8::/32"]
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contains_its_range() {
        let has = |range: &str, ip: &str| range.parse::<Cidr>().unwrap().contains(ip.parse().unwrap());
        assert!(has("192.0.2.0/24", "192.0.2.255"));
        assert!(!has("192.0.2.0/24", "192.0.3.0"));
        assert!(has("0.0.0.0/0", "255.255.255.255"));
        assert!(has("192.0.2.7", "::ffff:192.0.2.7"));
        assert!(has("2001:db8::/32", "2001:db8:1::1"));
        assert!(has("::/0", "2001:db8:1::1"));
        assert!(!has("::/0", "192.0.2.1"));
    }

    #[test]
    fn says_what_is_wrong() {
        assert_eq!(
            "192.0.2.0/33".parse::<Cidr>().unwrap_err().what,
            "the length of this range is not a number from 0 to 32"
        );
        assert_eq!("example.net".parse::<Cidr>().unwrap_err().what, "this is not an IP address or range");
    }
}
