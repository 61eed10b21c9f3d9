//! Answers the sockets give themselves: to what cannot be read, and when there is no room.

use std::{hash::BuildHasher, net::SocketAddr};

use bytes::Bytes;
use hashbrown::DefaultHashBuilder;
use sip_message::{Method, Name, Request, StatusCode, Unreadable};

use crate::{
    Transport,
    route::{answer_address, mark},
};

/// Makes answers without remembering anything: a repeated request gets the same tag again (RFC 3261 §8.2.7).
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    tags: DefaultHashBuilder,
}

impl Refusals {
    /// 503 with Retry-After (RFC 3261 §21.5.4); nothing for an ACK, which is never answered.
    pub(crate) fn overloaded(&self, request: &Request, retry_after_s: u32) -> Option<Bytes> {
        if request.method == Method::ACK {
            return None;
        }
        let tag = self.tag(request.via().and_then(|via| via.branch).unwrap_or_default());
        let response = request.response(StatusCode::SERVICE_UNAVAILABLE, Some(&tag));
        Some(response.with(Name::RetryAfter, retry_after_s).to_bytes())
    }

    /// What answers a request that could not be read, and where that goes; nothing for everything else.
    pub(crate) fn unreadable(
        &self,
        unreadable: &Unreadable,
        source: SocketAddr,
        transport: Transport,
    ) -> Option<(SocketAddr, Bytes)> {
        let via = unreadable.via()?;
        let to = answer_address(&via, source, transport);
        let mut response = unreadable.response(&self.tag(via.branch.unwrap_or_default()))?;
        mark(&mut response.headers, source);
        Some((to, response.to_bytes()))
    }

    fn tag(&self, branch: &str) -> String {
        format!("{:016x}", self.tags.hash_one(branch))
    }
}
