//! Lines to media.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::{ATTRIBUTES_MAX, DIRECTIONS, IpAddrText, MEDIA_MAX, Media, SDP_OCTETS_MAX, Sdp};
use crate::private::Private;

/// Why a body is no description. `line` counts from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SdpError {
    #[error("longer than {SDP_OCTETS_MAX} octets")]
    TooLong,
    #[error("not UTF-8")]
    NotText,
    #[error("does not begin with v=0")]
    Version,
    #[error("line {line}: not a line of SDP")]
    Line { line: u16 },
    #[error("line {line}: no address of its kind")]
    Address { line: u16 },
    #[error("line {line}: no medium")]
    Media { line: u16 },
    #[error("more than {MEDIA_MAX} media")]
    TooManyMedia,
    #[error("more than {ATTRIBUTES_MAX} attributes of one medium")]
    TooManyAttributes,
}

/// Reads a description. Lines of types that mean nothing to MSRP are passed over.
pub fn read(body: &[u8]) -> Result<Sdp, SdpError> {
    if body.len() > SDP_OCTETS_MAX {
        return Err(SdpError::TooLong);
    }
    let text = std::str::from_utf8(body).map_err(|_| SdpError::NotText)?;
    let mut sdp = Sdp::default();
    let mut of_session = Vec::new();
    let mut begun = false;
    for (number, line) in (1_u16..).zip(text.lines()) {
        let line = line.trim_ascii_end();
        if line.is_empty() {
            continue;
        }
        let (kind, value) = line.split_once('=').ok_or(SdpError::Line { line: number })?;
        match kind {
            "v" if value == "0" && !begun => begun = true,
            _ if !begun => return Err(SdpError::Version),
            "o" => {
                let id = value.split_ascii_whitespace().nth(1).unwrap_or_default();
                sdp.numeric_id = !id.is_empty() && id.bytes().all(|digit| digit.is_ascii_digit());
            }
            "c" => {
                let address = connection(value).ok_or(SdpError::Address { line: number })?;
                let place = sdp.media.last_mut().map_or(&mut sdp.connection, |media| &mut media.connection);
                *place = Some(Private(address));
            }
            "m" if sdp.media.len() == MEDIA_MAX => return Err(SdpError::TooManyMedia),
            "m" => sdp.media.push(media(value).ok_or(SdpError::Media { line: number })?),
            "a" => {
                let (name, value) = value.split_once(':').unwrap_or((value, ""));
                let attributes = sdp.media.last_mut().map_or(&mut of_session, |media| &mut media.attributes);
                if attributes.len() == ATTRIBUTES_MAX {
                    return Err(SdpError::TooManyAttributes);
                }
                attributes.push((name.to_owned(), Private(value.trim_ascii().to_owned())));
            }
            _ if kind.len() == 1 => {}
            _ => return Err(SdpError::Line { line: number }),
        }
    }
    if !begun {
        return Err(SdpError::Version);
    }
    sdp.media.iter_mut().for_each(|media| inherit(media, &of_session));
    Ok(sdp)
}

/// Attributes that count for every medium that does not say otherwise (RFC 4145 §4, RFC 8122 §5, RFC 8866 §6.7).
const INHERITED: [&str; 3] = ["setup", "connection", "fingerprint"];

fn inherit(media: &mut Media, of_session: &[(String, Private<String>)]) {
    let is_direction = |name: &str| DIRECTIONS.iter().any(|(direction, _)| *direction == name);
    for (name, value) in of_session {
        let said = match is_direction(name) {
            true => media.attributes.iter().any(|(known, _)| is_direction(known)),
            false => !INHERITED.contains(&name.as_str()) || media.attribute(name).is_some(),
        };
        if !said {
            media.attributes.push((name.clone(), value.clone()));
        }
    }
}

/// `IN IP4 192.0.2.1` or `IN IP6 2001:db8::1`, without brackets; a host name is taken as it is.
fn connection(value: &str) -> Option<IpAddrText> {
    let mut words = value.split_ascii_whitespace();
    let (network, family, address) = (words.next()?, words.next()?, words.next()?);
    // A time to live or a range of addresses belongs to multicast.
    let numeric = address.bytes().all(|octet| octet.is_ascii_digit() || octet == b'.');
    let legal = match family {
        "IP4" => address.parse::<Ipv4Addr>().is_ok() || (!numeric && is_host(address)),
        "IP6" => address.parse::<Ipv6Addr>().is_ok() || (!numeric && is_host(address)),
        _ => false,
    };
    (network == "IN" && legal).then(|| IpAddrText(address.to_owned()))
}

fn is_host(text: &str) -> bool {
    text.bytes().all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'.'))
}

/// `message 9 TCP/MSRP *`.
fn media(value: &str) -> Option<Media> {
    let mut words = value.splitn(4, ' ').map(str::trim_ascii).filter(|word| !word.is_empty());
    let (kind, port, protocol) = (words.next()?, words.next()?, words.next()?);
    let port = port.split_once('/').map_or(port, |(port, _)| port).parse().ok()?;
    let formats = words.next().unwrap_or_default().to_owned();
    Some(Media { kind: kind.to_owned(), port, protocol: protocol.to_owned(), formats, ..Media::default() })
}
