//! Answers the sockets give themselves: to what cannot be read, and when there is no room.

use std::{hash::BuildHasher, net::SocketAddr};

use bytes::Bytes;
use hashbrown::DefaultHashBuilder;
use sip_message::{Method, Name, Request, StatusCode, Unreadable};

use crate::{
    Flow,
    route::{answer_address, mark},
};

/// Makes answers without remembering anything: a repeated request gets the same tag again (RFC 3261 §8.2.7).
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    tags: DefaultHashBuilder,
}

impl Refusals {
    /// 503 with Retry-After (RFC 3261 §21.5.4), and where that goes; nothing for an ACK, which is never
    /// answered.
    pub(crate) fn overloaded(
        &self,
        request: &Request,
        came: Flow,
        retry_after_s: u32,
    ) -> Option<(SocketAddr, Bytes)> {
        if request.method == Method::ACK {
            return None;
        }
        let via = request.via()?;
        let tag = self.tag(via.branch.unwrap_or_default());
        let mut response = request.response(StatusCode::SERVICE_UNAVAILABLE, Some(&tag));
        mark(&mut response.headers, came.remote);
        let octets = response.with(Name::RetryAfter, retry_after_s).to_bytes();
        Some((answer_address(&via, came.remote, came.transport), octets))
    }

    /// What answers a request that could not be read, and where that goes; nothing for everything else.
    pub(crate) fn unreadable(&self, unreadable: &Unreadable, came: Flow) -> Option<(SocketAddr, Bytes)> {
        let via = unreadable.via()?;
        let to = answer_address(&via, came.remote, came.transport);
        let mut response = unreadable.response(&self.tag(via.branch.unwrap_or_default()))?;
        mark(&mut response.headers, came.remote);
        Some((to, response.to_bytes()))
    }

    fn tag(&self, branch: &str) -> String {
        format!("{:016x}", self.tags.hash_one(branch))
    }
}
