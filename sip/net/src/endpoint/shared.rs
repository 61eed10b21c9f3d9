//! What the tasks of an endpoint share.

use std::{
    future::Future,
    net::{IpAddr, SocketAddr},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use sip_message::Message;
use socket2::{SockRef, TcpKeepalive};
use tokio::{net::TcpStream, sync::Semaphore};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    Listen, Settings, Transport,
    counters::Counters,
    inbox::{Event, Feed, Inbox},
    rate::{Sources, Verdict},
    refusal::Refusals,
    stream::{Bounds, Table},
};

/// Connections being opened at the same time.
const DIALS_MAX: usize = 256;
/// A silent peer is asked after so long whether its host still stands (F21).
const PROBE_AFTER: Duration = Duration::from_secs(60);
const PROBE_EVERY: Duration = Duration::from_secs(15);
/// Probes without an answer that end a connection.
const PROBES_MAX: u32 = 3;

/// What the tasks of an endpoint share.
pub(crate) struct Shared {
    pub(crate) settings: Settings,
    pub(crate) counters: Counters,
    pub(crate) feed: Feed,
    pub(crate) refusals: Refusals,
    pub(crate) table: Table,
    pub(crate) dials: Semaphore,
    sources: Mutex<Sources>,
    pub(super) listeners: Vec<Listen>,
    pub(super) stop: CancellationToken,
    pub(super) tasks: TaskTracker,
}

impl Shared {
    pub(crate) fn new(settings: Settings, listeners: Vec<Listen>, stop: CancellationToken) -> (Self, Inbox) {
        let (feed, inbox) = Feed::new(settings.queue_messages_max);
        let shared = Self {
            counters: Counters::default(),
            feed,
            refusals: Refusals::default(),
            table: Table::new(stop.clone()),
            dials: Semaphore::new(DIALS_MAX),
            sources: Mutex::default(),
            listeners,
            stop,
            tasks: TaskTracker::new(),
            settings,
        };
        (shared, inbox)
    }

    pub(crate) const fn bounds(&self) -> Bounds {
        Bounds {
            connections_max: self.settings.connections_max,
            per_source_max: self.settings.connections_per_source_max,
            octets_max: self.settings.connection_octets_max,
        }
    }

    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(task);
    }

    /// Takes out the requests of sources that ask too much; `refuse` gets what those that are to be told
    /// are told. Also where to.
    pub(crate) fn throttle(
        &self,
        now_us: i64,
        events: &mut Vec<Event>,
        mut refuse: impl FnMut(SocketAddr, Bytes),
    ) {
        let Some(rate) = &self.settings.source_rate else { return };
        let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        events.retain(|event| {
            let Event::Message { flow, message: Message::Request(request) } = event else { return true };
            let verdict = sources.judge(now_us, flow.remote.ip(), rate);
            if verdict == Verdict::Pass {
                return true;
            }
            let told = match verdict {
                Verdict::Refuse => self.refusals.overloaded(request, *flow, self.settings.retry_after_s),
                _ => None,
            };
            match told {
                Some((to, octets)) => {
                    self.counters.throttled.one();
                    refuse(to, octets);
                }
                None => self.counters.throttled_dropped.one(),
            }
            false
        });
    }

    /// What every connection gets, whoever opened it.
    pub(crate) fn tune(&self, stream: &TcpStream) {
        let probes =
            TcpKeepalive::new().with_time(PROBE_AFTER).with_interval(PROBE_EVERY).with_retries(PROBES_MAX);
        if stream.set_nodelay(true).is_err() || SockRef::from(stream).set_tcp_keepalive(&probes).is_err() {
            tracing::debug!("a SIP connection took no options");
        }
    }

    /// The address we go by towards a peer; none when the system is to choose.
    pub(crate) fn local_ip(&self, transport: Transport, class: u8, remote: SocketAddr) -> Option<IpAddr> {
        self.listeners
            .iter()
            .filter(|listen| {
                listen.transport == transport
                    && listen.address.is_ipv4() == remote.is_ipv4()
                    && !listen.address.ip().is_unspecified()
            })
            .min_by_key(|listen| listen.class != class)
            .map(|listen| listen.address.ip())
    }
}
