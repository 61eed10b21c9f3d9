//! The questions of a plan, put to name servers.

use std::{
    fmt,
    future::Future,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    time::Duration,
};

use hickory_resolver::{
    TokioResolver,
    config::{ConnectionConfig, NameServerConfig, ResolverConfig, ResolverOpts},
    net::{DnsError, NetError, runtime::TokioRuntimeProvider},
    proto::rr::{Name, RData, Record, RecordType},
};
use smol_str::SmolStr;

use super::{Answer, Naptr, Query, RECORDS_MAX, Srv};

/// What came of a question, and how long it may be believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    pub answer: Answer,
    /// Of no meaning without records.
    pub ttl: Duration,
}

/// Boxed, so that the trait stays usable as an object; nothing is asked on the path of a message.
pub type Asking<'a> = Pin<Box<dyn Future<Output = Answered> + Send + 'a>>;

/// Whoever knows names. Tests script it.
pub trait Dns: Send + Sync + 'static {
    fn ask<'a>(&'a self, query: &'a Query) -> Asking<'a>;
}

/// Real name servers.
pub struct SystemDns {
    resolver: TokioResolver,
}

/// One server has so long to answer one try.
const TRY_TIMEOUT: Duration = Duration::from_secs(2);

/// The name servers cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DnsUnusable {
    #[error("the configuration of the system's resolver cannot be read")]
    Configuration,
    #[error("the resolver could not be started")]
    Start,
}

impl SystemDns {
    /// The name servers of this machine.
    ///
    /// # Errors
    /// When their configuration cannot be read.
    pub fn new() -> Result<Self, DnsUnusable> {
        let mut builder = TokioResolver::builder_tokio().map_err(|_| DnsUnusable::Configuration)?;
        tune(builder.options_mut());
        Ok(Self { resolver: builder.build().map_err(|_| DnsUnusable::Start)? })
    }

    /// These name servers instead of the machine's.
    ///
    /// # Errors
    /// When the resolver cannot be started.
    pub fn with_servers(servers: &[SocketAddr]) -> Result<Self, DnsUnusable> {
        let servers = servers
            .iter()
            .map(|server| {
                let mut connections = vec![ConnectionConfig::udp(), ConnectionConfig::tcp()];
                for connection in &mut connections {
                    connection.port = server.port();
                }
                NameServerConfig::new(server.ip(), true, connections)
            })
            .collect();
        let config = ResolverConfig::from_name_servers(servers);
        let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        tune(builder.options_mut());
        Ok(Self { resolver: builder.build().map_err(|_| DnsUnusable::Start)? })
    }

    async fn records(&self, name: &str, kind: RecordType) -> Result<Vec<Record>, NetError> {
        let mut name = Name::from_ascii(name)?;
        // Only a bare host may mean something else in the domain of this machine.
        if name.num_labels() > 1 || !matches!(kind, RecordType::A | RecordType::AAAA) {
            name.set_fqdn(true);
        }
        let lookup = self.resolver.lookup(name, kind).await?;
        // A CNAME may stand between the question and its answer.
        Ok(lookup.answers().iter().filter(|record| record.record_type() == kind).cloned().collect())
    }

    async fn addresses(&self, name: &str) -> Answered {
        let both = (self.records(name, RecordType::A), self.records(name, RecordType::AAAA));
        let (ipv4, ipv6) = futures_util::future::join(both.0, both.1).await;
        let (ipv4, ipv6) = (said(ipv4), said(ipv6));
        let (mut ttl, mut addresses) = (u32::MAX, Vec::new());
        for record in [&ipv4, &ipv6].into_iter().flatten().flatten().take(2 * RECORDS_MAX) {
            match record.data {
                RData::A(ip) => addresses.push(IpAddr::V4(ip.0)),
                RData::AAAA(ip) => addresses.push(IpAddr::V6(ip.0)),
                _ => continue,
            }
            ttl = ttl.min(record.ttl);
        }
        let answer = match (addresses.is_empty(), ipv4.is_some() && ipv6.is_some()) {
            (false, _) => Answer::Addresses(addresses),
            (true, true) => Answer::Nothing,
            (true, false) => Answer::Failed,
        };
        Answered { answer, ttl: Duration::from_secs(u64::from(ttl)) }
    }

    async fn others<T>(
        &self,
        name: &str,
        kind: RecordType,
        read: impl Fn(&RData) -> Option<T>,
        wrap: impl FnOnce(Vec<T>) -> Answer,
    ) -> Answered {
        let Some(records) = said(self.records(name, kind).await) else {
            return Answered { answer: Answer::Failed, ttl: Duration::ZERO };
        };
        let read: Vec<T> = records.iter().take(RECORDS_MAX).filter_map(|record| read(&record.data)).collect();
        let ttl = records.iter().map(|record| record.ttl).min().unwrap_or(0);
        let answer = if read.is_empty() { Answer::Nothing } else { wrap(read) };
        Answered { answer, ttl: Duration::from_secs(u64::from(ttl)) }
    }
}

/// The cache is ours, because it has to outlive dead name servers.
fn tune(options: &mut ResolverOpts) {
    options.cache_size = 0;
    options.timeout = TRY_TIMEOUT;
}

/// `None` when nobody could tell; no records is an answer.
fn said(result: Result<Vec<Record>, NetError>) -> Option<Vec<Record>> {
    match result {
        Ok(records) => Some(records),
        Err(NetError::Dns(DnsError::NoRecordsFound(_))) => Some(Vec::new()),
        Err(_) => None,
    }
}

impl Dns for SystemDns {
    fn ask<'a>(&'a self, query: &'a Query) -> Asking<'a> {
        Box::pin(async move {
            match query {
                Query::Naptr(name) => self.others(name, RecordType::NAPTR, naptr, Answer::Naptr).await,
                Query::Srv(name) => self.others(name, RecordType::SRV, srv, Answer::Srv).await,
                Query::Addresses(name) => self.addresses(name).await,
            }
        })
    }
}

fn naptr(data: &RData) -> Option<Naptr> {
    let RData::NAPTR(record) = data else { return None };
    Some(Naptr {
        order: record.order,
        preference: record.preference,
        flags: text(&record.flags)?,
        service: text(&record.services)?,
        replacement: name(&record.replacement),
    })
}

fn srv(data: &RData) -> Option<Srv> {
    let RData::SRV(record) = data else { return None };
    Some(Srv {
        priority: record.priority,
        weight: record.weight,
        port: record.port,
        target: name(&record.target),
    })
}

fn text(octets: &[u8]) -> Option<SmolStr> {
    std::str::from_utf8(octets).ok().map(SmolStr::new)
}

fn name(name: &Name) -> SmolStr {
    name.to_ascii().trim_end_matches('.').to_ascii_lowercase().into()
}

impl fmt::Debug for SystemDns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SystemDns").finish_non_exhaustive()
    }
}
