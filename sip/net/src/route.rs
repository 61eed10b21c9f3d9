//! Where answers go, and which transport a request takes (RFC 3261 §18, RFC 3581).

use std::{io::Write, net::SocketAddr};

use sip_message::{Headers, Name, Rport, Via};

use crate::Transport;

/// A request of more octets does not go by UDP when its path is not known (RFC 3261 §18.1.1).
pub const DATAGRAM_OCTETS_MAX: usize = 1_300;
/// What is left free of a known path, for answers that grow.
const PATH_MARGIN: usize = 200;

/// Which transport to try, and which one when nobody listens there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    pub first: Transport,
    /// For the request only that was moved off UDP for its size. Its top Via names the transport it takes.
    pub then: Option<Transport>,
}

/// Takes a large request off UDP (RFC 3261 §18.1.1). `path_octets_max` is the MTU of the path, when known.
#[must_use]
pub const fn choose_transport(octets: usize, wanted: Transport, path_octets_max: Option<usize>) -> Choice {
    let fits = match path_octets_max {
        Some(path) => octets.saturating_add(PATH_MARGIN) <= path,
        None => octets <= DATAGRAM_OCTETS_MAX,
    };
    match wanted {
        Transport::Udp if !fits => Choice { first: Transport::Tcp, then: Some(Transport::Udp) },
        wanted => Choice { first: wanted, then: None },
    }
}

/// Where the answer to a request goes (RFC 3261 §18.2.2, RFC 3581 §4): over a connection the way it came; over
/// UDP to the address it came from, at the port it came from if the sender asks for that, else at the port
/// of its Via. `maddr` is not followed: an answer never goes to a host that only the Via names.
#[must_use]
pub fn answer_address(via: &Via<'_>, source: SocketAddr, transport: Transport) -> SocketAddr {
    match (transport, via.rport) {
        (Transport::Udp, Rport::Absent) => SocketAddr::new(source.ip(), via.port_or_default()),
        _ => source,
    }
}

/// Writes into the top Via where the request came from (RFC 3261 §18.2.1, RFC 3581 §4). What the sender
/// claimed there itself is replaced.
pub(crate) fn mark(headers: &mut Headers, source: SocketAddr) {
    let Some(raw) = headers.list(Name::Via).next() else { return };
    let Ok(via) = Via::parse(raw) else { return };
    let source_ip = source.ip().to_canonical();
    let honest = via.host.ip() == Some(source_ip);
    if honest && via.rport == Rport::Absent && via.received.is_none() {
        return;
    }
    let sent_by = raw.len().saturating_sub(via.params.as_bytes().len());
    let mut marked = Vec::with_capacity(raw.len() + 64);
    marked.extend_from_slice(raw.get(..sent_by).unwrap_or_default());
    for param in via.params.iter() {
        let ours = |name: &str| param.name.eq_ignore_ascii_case(name);
        if ours("received") || ours("rport") {
            continue;
        }
        marked.push(b';');
        marked.extend_from_slice(param.name.as_bytes());
        if let Some(value) = param.value {
            marked.push(b'=');
            marked.extend_from_slice(value);
        }
    }
    // RFC 5118 §4.5: an address of version 6 stands here without brackets. Writing to memory does not fail.
    let written = match via.rport {
        Rport::Absent => write!(marked, ";received={source_ip}"),
        _ => write!(marked, ";rport={};received={source_ip}", source.port()),
    };
    debug_assert!(written.is_ok());
    headers.replace_first(Name::Via, marked);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(via: &str, source: &str) -> String {
        let mut headers = Headers::new();
        headers.push(Name::Via, via);
        mark(&mut headers, source.parse().unwrap());
        headers
            .all(Name::Via)
            .map(|value| String::from_utf8(value.to_vec()).unwrap())
            .collect::<Vec<_>>()
            .join(" | ")
    }

    #[test]
    fn rfc3261_18_2_1_received_is_added_when_the_host_is_not_the_source() {
        let rows = [
            ("SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bKa", "SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bKa"),
            (
                "SIP/2.0/UDP pc.example;branch=z9hG4bKa",
                "SIP/2.0/UDP pc.example;branch=z9hG4bKa;received=192.0.2.1",
            ),
            (
                "SIP/2.0/TCP 10.0.0.1:5070;branch=z9hG4bKa;received=10.9.9.9",
                "SIP/2.0/TCP 10.0.0.1:5070;branch=z9hG4bKa;received=192.0.2.1",
            ),
            (
                "SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKa, SIP/2.0/UDP 10.0.0.2;branch=z9hG4bKb",
                "SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKa;received=192.0.2.1 | SIP/2.0/UDP 10.0.0.2;branch=z9hG4bKb",
            ),
        ];
        for (came, expected) in rows {
            assert_eq!(marked(came, "192.0.2.1:4000"), expected);
        }
    }

    #[test]
    fn rfc3581_4_rport_is_filled_and_received_always_comes_with_it() {
        assert_eq!(
            marked("SIP/2.0/UDP 192.0.2.1:5070;rport;branch=z9hG4bKa;x=\"y;z\"", "192.0.2.1:4000"),
            "SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bKa;x=\"y;z\";rport=4000;received=192.0.2.1",
        );
        // A port the sender wrote itself is worth nothing.
        assert_eq!(
            marked("SIP/2.0/UDP a.example;rport=9;branch=z9hG4bKa", "192.0.2.1:4000"),
            "SIP/2.0/UDP a.example;branch=z9hG4bKa;rport=4000;received=192.0.2.1",
        );
    }

    #[test]
    fn rfc5118_4_5_an_ipv6_source_is_written_without_brackets() {
        assert_eq!(
            marked("SIP/2.0/UDP [2001:db8::9]:5060;branch=z9hG4bKa", "[2001:db8::1]:5060"),
            "SIP/2.0/UDP [2001:db8::9]:5060;branch=z9hG4bKa;received=2001:db8::1",
        );
        assert_eq!(
            marked("SIP/2.0/UDP [2001:DB8:0::1]:5060;branch=z9hG4bKa", "[2001:db8::1]:5060"),
            "SIP/2.0/UDP [2001:DB8:0::1]:5060;branch=z9hG4bKa",
        );
    }

    #[test]
    fn s15_2_answers_go_back_where_the_request_came_from() {
        let source = "192.0.2.1:4000".parse().unwrap();
        let rows = [
            ("SIP/2.0/UDP 10.0.0.1:5070;rport;branch=z9hG4bKa", Transport::Udp, "192.0.2.1:4000"),
            ("SIP/2.0/UDP 10.0.0.1:5070;branch=z9hG4bKa", Transport::Udp, "192.0.2.1:5070"),
            ("SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKa", Transport::Udp, "192.0.2.1:5060"),
            ("SIP/2.0/UDP 10.0.0.1;maddr=203.0.113.9;branch=z9hG4bKa", Transport::Udp, "192.0.2.1:5060"),
            ("SIP/2.0/TCP 10.0.0.1:5070;branch=z9hG4bKa", Transport::Tcp, "192.0.2.1:4000"),
            ("SIP/2.0/TLS 10.0.0.1:5070;branch=z9hG4bKa", Transport::Tls, "192.0.2.1:4000"),
        ];
        for (via, transport, expected) in rows {
            let parsed = Via::parse(via.as_bytes()).unwrap();
            assert_eq!(answer_address(&parsed, source, transport), expected.parse().unwrap(), "{via}");
        }
    }

    #[test]
    fn rfc3261_18_1_1_a_large_request_leaves_udp() {
        use Transport::{Tcp, Tls, Udp};
        let stays = |transport| Choice { first: transport, then: None };
        let moves = Choice { first: Tcp, then: Some(Udp) };
        let rows = [
            (1_300, Udp, None, stays(Udp)),
            (1_301, Udp, None, moves),
            (1_301, Tcp, None, stays(Tcp)),
            (9_000, Tls, None, stays(Tls)),
            (1_300, Udp, Some(1_500), stays(Udp)),
            (1_301, Udp, Some(1_500), moves),
            (8_000, Udp, Some(65_535), stays(Udp)),
            (600, Udp, Some(576), moves),
            (usize::MAX, Udp, Some(usize::MAX), stays(Udp)),
        ];
        for (octets, wanted, path, expected) in rows {
            assert_eq!(choose_transport(octets, wanted, path), expected, "{octets} over {path:?}");
        }
    }
}
