//! Datagrams out: many for one call of the system, and never a wait.

mod alike;
mod reader;

use std::{
    collections::VecDeque,
    io::{self, IoSlice},
    net::{Ipv4Addr, SocketAddr, UdpSocket as StdSocket},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use bytes::Bytes;
use quinn_udp::{Transmit, UdpSocketState};
use rustix::net::{MMsgHdr, SendAncillaryBuffer, SendFlags, SocketAddrAny, sendmmsg};
use smallvec::SmallVec;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::{io::Interest, net::UdpSocket, sync::Notify};

pub(crate) use self::reader::read;
use crate::{
    Flow, Listen, Settings, Transport,
    counters::Counters,
    inbox::{Event, Feed},
};

/// Datagrams handed to the system in one call.
const SEND_BATCH: usize = 32;

/// One socket of an address.
pub(crate) struct Udp {
    socket: UdpSocket,
    id: u32,
    class: u8,
    local: SocketAddr,
    /// Calls that move many datagrams.
    many: UdpSocketState,
    /// Datagrams of one length for one peer may leave as one; none when 1.
    alike_max: usize,
    /// What the system did not take at once.
    waiting: Mutex<VecDeque<(Flow, Bytes)>>,
    waiting_max: usize,
    /// Whether something waits; spares the lock.
    behind: AtomicBool,
    wake: Notify,
}

impl Udp {
    /// Binds the sockets of one address; with several, the system spreads peers over them.
    pub(crate) fn bind(listen: Listen, first_id: u32, settings: &Settings) -> io::Result<Vec<Self>> {
        let mut address = listen.address;
        let count = settings.udp_sockets.max(1);
        let mut bound = Vec::with_capacity(count);
        for id in (first_id..).take(count) {
            let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
            if address.is_ipv6() {
                socket.set_only_v6(true)?;
            }
            // Only where it is needed: it would let a second process take part of the traffic.
            if count > 1 {
                socket.set_reuse_port(true)?;
            }
            enlarge(&socket, settings.udp_buffer_octets, id == first_id);
            socket.set_nonblocking(true)?;
            socket.bind(&address.into())?;
            let socket = UdpSocket::from_std(socket.into())?;
            address = socket.local_addr()?;
            // Made over another socket: it would forbid fragments on ours, and large answers to peers that
            // speak only UDP need them. Only its calls are wanted.
            let other = StdSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
            let many = UdpSocketState::new((&other).into())?;
            bound.push(Self {
                socket,
                id,
                class: listen.class,
                local: address,
                alike_max: if settings.udp_segmentation { many.max_gso_segments() } else { 1 },
                many,
                waiting: Mutex::default(),
                waiting_max: settings.udp_waiting_max,
                behind: AtomicBool::new(false),
                wake: Notify::new(),
            });
        }
        Ok(bound)
    }

    pub(crate) const fn local(&self) -> SocketAddr {
        self.local
    }

    pub(crate) const fn class(&self) -> u8 {
        self.class
    }

    /// Whether it is worth something that the datagrams for one peer are neighbours.
    pub(crate) const fn groups(&self) -> bool {
        self.alike_max > 1
    }

    /// The way from here to that address.
    pub(crate) const fn flow(&self, remote: SocketAddr) -> Flow {
        Flow { id: self.id, remote, transport: Transport::Udp, class: self.class }
    }

    /// Hands datagrams of the driver to the system. What it does not take now waits, up to a bound; what it
    /// refuses is told.
    pub(crate) fn send(&self, run: &[(Flow, Bytes)], counters: &Counters, feed: &Feed) {
        let behind = self.behind.load(Ordering::Acquire);
        let left = if behind { run } else { self.submit(run, counters, Some(feed)) };
        if left.is_empty() {
            return;
        }
        let mut waiting = self.lock();
        let room = self.waiting_max.saturating_sub(waiting.len()).min(left.len());
        let (kept, lost) = left.split_at(room);
        waiting.extend(kept.iter().cloned());
        counters.send_waited.add(kept.len());
        counters.send_dropped.add(lost.len());
        self.behind.store(!waiting.is_empty(), Ordering::Release);
        drop(waiting);
        self.wake.notify_one();
    }

    /// Hands refusals to the system. What it does not take now is lost, and nobody is told: whoever provokes
    /// them must not fill a queue.
    pub(crate) fn refuse(&self, run: &[(Flow, Bytes)], counters: &Counters) {
        let behind = self.behind.load(Ordering::Acquire);
        counters.send_dropped.add(if behind { run } else { self.submit(run, counters, None) }.len());
    }

    /// Sends what had to wait as soon as the system takes it again. Runs for the life of the socket.
    pub(crate) async fn flush(&self, counters: &Counters, feed: &Feed) {
        loop {
            self.wake.notified().await;
            while self.behind.load(Ordering::Acquire) {
                if self.socket.writable().await.is_err() {
                    return;
                }
                let mut waiting = self.lock();
                let count = waiting.len().min(SEND_BATCH);
                let run = waiting.make_contiguous();
                let left = self.submit(run.get(..count).unwrap_or_default(), counters, Some(feed)).len();
                waiting.drain(..count - left);
                self.behind.store(!waiting.is_empty(), Ordering::Release);
            }
        }
    }

    /// Gives back what the system would have blocked on.
    fn submit<'a>(
        &self,
        mut run: &'a [(Flow, Bytes)],
        counters: &Counters,
        feed: Option<&Feed>,
    ) -> &'a [(Flow, Bytes)] {
        while let Some((flow, octets)) = run.first() {
            let sent = match run {
                [_] => self.socket.try_send_to(octets, flow.remote).map(|_| 1),
                several => self.submit_several(several),
            };
            match sent {
                Ok(count) => {
                    counters.datagrams_out.add(count);
                    run = run.get(count.max(1)..).unwrap_or_default();
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // The error is that of the first one.
                Err(_) => {
                    counters.send_failed.one();
                    if let Some(feed) = feed {
                        feed.tell(Event::Unsent { flow: *flow, octets: octets.clone() });
                    }
                    run = run.get(1..).unwrap_or_default();
                }
            }
        }
        run
    }

    /// Takes as many from the front as one call can carry.
    fn submit_several(&self, run: &[(Flow, Bytes)]) -> io::Result<usize> {
        if self.alike_max < alike::WORTH {
            return self.submit_many(run);
        }
        let front = alike::front(run, self.alike_max);
        if front < alike::WORTH {
            let mixed = alike::mixed(run, self.alike_max);
            return self.submit_many(run.get(..mixed).unwrap_or(run));
        }
        let group = run.get(..front).unwrap_or(run);
        match self.submit_alike(group) {
            // Too large for the path, or not for this kind of network card.
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => self.submit_many(group),
            sent => sent,
        }
    }

    fn submit_alike(&self, group: &[(Flow, Bytes)]) -> io::Result<usize> {
        let Some((flow, first)) = group.first() else { return Ok(0) };
        let mut contents = Vec::with_capacity(group.iter().map(|(_, octets)| octets.len()).sum());
        for (_, octets) in group {
            contents.extend_from_slice(octets);
        }
        let transmit = Transmit {
            destination: flow.remote,
            ecn: None,
            contents: &contents,
            segment_size: Some(first.len()),
            src_ip: None,
        };
        let (many, socket) = (&self.many, &self.socket);
        socket.try_io(Interest::WRITABLE, || many.try_send(socket.into(), &transmit))?;
        Ok(group.len())
    }

    fn submit_many(&self, run: &[(Flow, Bytes)]) -> io::Result<usize> {
        let run = run.get(..run.len().min(SEND_BATCH)).unwrap_or_default();
        let addresses: SmallVec<[SocketAddrAny; SEND_BATCH]> =
            run.iter().map(|(flow, _)| flow.remote.into()).collect();
        let slices: SmallVec<[[IoSlice<'_>; 1]; SEND_BATCH]> =
            run.iter().map(|(_, octets)| [IoSlice::new(octets)]).collect();
        let mut controls: SmallVec<[SendAncillaryBuffer<'_, '_, '_>; SEND_BATCH]> =
            run.iter().map(|_| SendAncillaryBuffer::default()).collect();
        let mut headers: SmallVec<[MMsgHdr<'_>; SEND_BATCH]> = addresses
            .iter()
            .zip(&slices)
            .zip(&mut controls)
            .map(|((address, slice), control)| MMsgHdr::new_with_addr(address, slice, control))
            .collect();
        self.socket.try_io(Interest::WRITABLE, || {
            sendmmsg(&self.socket, &mut headers, SendFlags::empty()).map_err(io::Error::from)
        })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<(Flow, Bytes)>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Asks for large buffers. The system gives what it allows; less only means that more is lost in a burst.
fn enlarge(socket: &Socket, wanted: usize, say: bool) {
    let asked = socket.set_recv_buffer_size(wanted).and_then(|()| socket.set_send_buffer_size(wanted));
    match socket.recv_buffer_size() {
        Ok(given) if asked.is_ok() && given >= wanted => {}
        given if say => tracing::warn!(
            wanted,
            given = given.unwrap_or(0),
            "the system allows only small UDP buffers (net.core.rmem_max): bursts of SIP may be lost"
        ),
        _ => {}
    }
}
