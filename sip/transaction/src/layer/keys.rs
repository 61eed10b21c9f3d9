//! What makes two requests copies of one another (RFC 3261 §17.2.3).

use sip_message::{Host, Method, Name, Params, Request, Via};

use crate::hash::{Hasher, Seed};

/// Whose copy a request is, in 128 keyed bits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Identity {
    /// Equal for copies; ACK counts as INVITE.
    pub(super) key: u128,
    /// The key of the INVITE that an ACK or CANCEL belongs to. For other methods nobody's.
    pub(super) invite: u128,
}

impl Identity {
    /// By branch, sent-by and method; for RFC 2543 peers by what their rule names.
    pub(super) fn of(seed: Seed, request: &Request, via: &Via<'_>) -> Self {
        let mut hasher = Hasher::new(seed);
        match via.unique_branch() {
            Some(branch) => {
                hasher.part(branch.as_bytes());
                match via.host {
                    Host::Name(name) => hasher.part_ignoring_case(name.as_bytes()),
                    Host::Ip(address) => match address.to_canonical() {
                        std::net::IpAddr::V4(address) => hasher.part(&address.octets()),
                        std::net::IpAddr::V6(address) => hasher.part(&address.octets()),
                    },
                }
                hasher.word(via.port_or_default().into());
            }
            None => by_rfc_2543(&mut hasher, request),
        }
        let of = |method: &str| {
            let mut hasher = hasher.clone();
            hasher.part(method.as_bytes());
            hasher.finish()
        };
        match &request.method {
            &Method::INVITE | &Method::ACK => {
                let key = of("INVITE");
                Self { key, invite: key }
            }
            &Method::CANCEL => Self { key: of("CANCEL"), invite: of("INVITE") },
            other => {
                let key = of(other.as_str());
                Self { key, invite: key }
            }
        }
    }

    /// The To tag of our answers. CANCEL is answered with the tag of its INVITE (RFC 3261 §9.2).
    pub(super) const fn tag(&self) -> Tag {
        Tag::of_bits((self.invite >> 64) as u64)
    }
}

/// The tag of a From or To that was read before. On the way of every message, so it looks at nothing else.
pub(super) fn tag_of(value: &[u8]) -> Option<&str> {
    let mut at = 0;
    if value.first() == Some(&b'"') {
        at = 1;
        loop {
            match value.get(at)? {
                b'"' => break,
                b'\\' => at += 2,
                _ => at += 1,
            }
        }
    }
    let rest = value.get(at..)?;
    let params = match rest.iter().position(|b| *b == b'<') {
        Some(open) => open + rest.get(open..)?.iter().position(|b| *b == b'>')? + 1,
        None => rest.iter().position(|b| *b == b';')?,
    };
    Params::parse(rest.get(params..)?).ok()?.get("tag")
}

pub(super) fn to_tag(request: &Request) -> Option<&str> {
    request.headers.get(Name::To).and_then(tag_of)
}

fn from_tag(request: &Request) -> &str {
    request.headers.get(Name::From).and_then(tag_of).unwrap_or_default()
}

/// R-URI, tags, Call-ID, CSeq number and the whole top Via. The To tag is left out where ACK and CANCEL must find
/// their INVITE: an ACK has the tag of the answer.
fn by_rfc_2543(hasher: &mut Hasher, request: &Request) {
    hasher.word(2543);
    hasher.part(request.uri.as_str().as_bytes());
    hasher.part(from_tag(request).as_bytes());
    if !matches!(request.method, Method::INVITE | Method::ACK | Method::CANCEL) {
        hasher.part(to_tag(request).unwrap_or_default().as_bytes());
    }
    hasher.part(request.call_id().as_bytes());
    hasher.word(request.cseq().map_or(0, |cseq| cseq.number).into());
    hasher.part(request.headers.list(Name::Via).next().unwrap_or_default());
}

/// What an ACK of a 2xx has in common with its INVITE (RFC 3261 §13.2.2.4).
pub(super) fn of_ack(seed: Seed, request: &Request, to_tag: &str) -> u64 {
    let mut hasher = Hasher::new(seed);
    hasher.part(b"ACK of 2xx");
    hasher.part(request.call_id().as_bytes());
    hasher.part(from_tag(request).as_bytes());
    hasher.part(to_tag.as_bytes());
    hasher.word(request.cseq().map_or(0, |cseq| cseq.number).into());
    hasher.finish() as u64
}

/// What a request that came by two ways has in common (RFC 3261 §8.2.2.2).
pub(super) fn of_merged(seed: Seed, request: &Request) -> u64 {
    let mut hasher = Hasher::new(seed);
    hasher.part(b"merged");
    hasher.part(request.call_id().as_bytes());
    hasher.part(from_tag(request).as_bytes());
    hasher.part(request.headers.get(Name::CSeq).unwrap_or_default());
    hasher.finish() as u64
}

/// A tag that we put into To: thirteen letters and digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tag([u8; Self::OCTETS]);

impl Tag {
    pub(super) const OCTETS: usize = 13;

    /// 64 bits, five to a letter.
    #[must_use]
    pub const fn of_bits(mut bits: u64) -> Self {
        const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
        let mut text = [0; Self::OCTETS];
        let mut at = 0;
        while at < Self::OCTETS {
            text[at] = LETTERS[(bits & 31) as usize];
            bits >>= 5;
            at += 1;
        }
        Self(text)
    }

    /// As written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sip_message::NameAddr;

    use super::*;

    proptest! {
        /// Whatever the strict reader takes, the quick one finds the same tag in.
        #[test]
        fn the_quick_look_agrees_with_the_reader(
            display in "(\"([a-z<>;=, ]|\\\\\")*\" ?|[a-z ]*)",
            uri in "(<sip:[a-z]{1,5}(;tag=no)?>|sip:[a-z]{1,5})",
            params in "( ?;(x=\"a;tag=q\"|TAG=[a-z0-9]{1,4}|tag=[a-z0-9]{1,4}|lr|y=<>)){0,3}",
        ) {
            let value = format!("{display}{uri}{params}");
            if let Ok(read) = NameAddr::parse_with(value.as_bytes(), true) {
                prop_assert_eq!(tag_of(value.as_bytes()), read.tag(), "{}", value);
            }
        }

        #[test]
        fn any_octets_are_looked_at_in_peace(value: Vec<u8>) {
            tag_of(&value);
        }
    }

    #[test]
    fn tags_are_thirteen_letters() {
        assert_eq!(Tag::of_bits(0).as_str(), "0000000000000");
        assert_eq!(Tag::of_bits(u64::MAX).as_str(), "zzzzzzzzzzzzf");
    }
}
