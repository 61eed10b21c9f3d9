//! From a URI to servers (RFC 3263): a plan that asks, a cache that remembers, DNS that answers.

mod cache;
mod dns;
mod plan;

pub use self::{
    cache::{CacheLimits, Resolver},
    dns::{Answered, Asking, Dns, DnsUnusable, SystemDns},
    plan::{
        Abilities, Answer, CANDIDATES_MAX, Candidate, Candidates, Destination, Host, NAME_OCTETS_MAX, Naptr,
        Plan, QUERIES_MAX, Query, RECORDS_MAX, Srv, Unresolved,
    },
};
