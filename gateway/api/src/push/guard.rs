//! Where the gateway may be told to connect to (threat T65): whoever can write a callback address must not
//! be able to make us call our own neighbours.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::Uri;

/// Why an address to push to is not acceptable, as far as can be said without resolving its host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadTarget {
    #[error("an address to push to begins with https:// (or http:// where private addresses are allowed)")]
    Scheme,
    #[error("an address to push to names a host")]
    Host,
    #[error("an address to push to carries no user or password")]
    Userinfo,
    #[error("the host is private, loopback or link-local; `allow_private_addresses` permits that")]
    Private,
}

/// Whether `url` can be pushed to. Names are judged again each time they are resolved.
///
/// # Errors
/// See [`BadTarget`].
pub fn check_target(url: &Uri, allow_private: bool) -> Result<(), BadTarget> {
    match url.scheme_str() {
        Some("https") => {}
        Some("http") if allow_private => {}
        _ => return Err(BadTarget::Scheme),
    }
    if url.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        return Err(BadTarget::Userinfo);
    }
    let host = host(url).ok_or(BadTarget::Host)?;
    match host.parse::<IpAddr>() {
        Ok(address) if !allow_private && !is_public(address) => Err(BadTarget::Private),
        _ => Ok(()),
    }
}

/// The host without the brackets of an IPv6 address.
pub(super) fn host(url: &Uri) -> Option<&str> {
    let host = url.host().filter(|host| !host.is_empty())?;
    Some(host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host))
}

/// Whether an address is one of the open internet (IANA special-purpose registries, RFC 6890).
pub(super) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// Network and length of what is not public.
const SPECIAL_V4: &[(Ipv4Addr, u32)] = &[
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    // Shared address space of carriers; also the metadata service of one cloud.
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    // Link-local; also the metadata service of most clouds.
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 3),
    // A cloud's internal services under a public address.
    (Ipv4Addr::new(168, 63, 129, 16), 32),
];

fn is_public_v4(address: Ipv4Addr) -> bool {
    let inside = |(network, length): &(Ipv4Addr, u32)| {
        let mask = u32::MAX << (u32::BITS - length);
        address.to_bits() & mask == network.to_bits()
    };
    !SPECIAL_V4.iter().any(inside)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    match segments {
        // IPv4 in disguise: mapped (RFC 4291 §2.5.5.2) and translated (RFC 6052).
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            is_public_v4(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)))
        }
        // Protocol assignments with Teredo, documentation, 6to4.
        [0x2001, second, ..] if second < 0x200 || second == 0xdb8 => false,
        [0x2002, ..] => false,
        [0x3fff, second, ..] if second < 0x1000 => false,
        // Only this eighth is handed out.
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_not_public() {
        for address in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "100.100.100.200",
            "127.0.0.1",
            "127.255.255.255",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.192",
            "192.168.0.1",
            "198.18.0.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "168.63.129.16",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "fe80::1",
            "fc00::1",
            "fd00:ec2::254",
            "fec0::1",
            "ff02::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "::127.0.0.1",
            "64:ff9b:1::1",
        ] {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn the_open_internet_is_public() {
        for address in [
            "1.1.1.1",
            "100.63.255.255",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.167.0.1",
            "192.169.0.1",
            "223.255.255.255",
            "168.63.129.17",
            "::ffff:1.1.1.1",
            "64:ff9b::101:101",
            "2001:200::1",
            "2606:4700::1",
            "2a00::1",
        ] {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn targets_are_checked_before_anything_is_resolved() {
        let check = |url: &str, allow| check_target(&url.parse().unwrap(), allow);
        assert_eq!(check("https://mc.example.kr/omf/v1/events", false), Ok(()));
        assert_eq!(check("http://mc.example.kr/", false), Err(BadTarget::Scheme));
        assert_eq!(check("http://127.0.0.1:8080/", true), Ok(()));
        assert_eq!(check("https://127.0.0.1/", false), Err(BadTarget::Private));
        assert_eq!(check("https://[::1]/", false), Err(BadTarget::Private));
        assert_eq!(check("https://user:secret@mc.example.kr/", false), Err(BadTarget::Userinfo));
        assert_eq!(check("/events", false), Err(BadTarget::Scheme));
        assert_eq!(check("ftp://mc.example.kr/", true), Err(BadTarget::Scheme));
    }
}
