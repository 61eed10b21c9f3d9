//! Datagrams in: as many as are there for one wake-up, one batch for the driver.

use std::{
    io::{self, IoSliceMut},
    net::SocketAddr,
    sync::Arc,
};

use bytes::{Bytes, BytesMut};
use quinn_udp::RecvMeta;
use sip_message::{Fault, Message, parse_datagram};
use smallvec::SmallVec;
use tokio::io::Interest;

use super::Udp;
use crate::{
    Flow,
    endpoint::Shared,
    inbox::{Event, GATHERING, now},
};

/// Datagrams taken from the system in one call.
const READ_BATCH: usize = quinn_udp::BATCH_SIZE;
/// Calls for one wake-up; what else is there comes with the next batch.
const ROUNDS: usize = 4;
/// The largest datagram there is.
const DATAGRAM_OCTETS: usize = 1 << 16;

/// Reads one socket for its life.
///
/// # Errors
/// When the socket cannot be waited for.
pub(crate) async fn read(udp: Arc<Udp>, shared: Arc<Shared>) -> io::Result<()> {
    let mut reader = Reader::new(&udp, &shared);
    loop {
        udp.socket.readable().await?;
        if !reader.drain() {
            tokio::time::sleep(GATHERING).await;
        }
        // Other tasks come to their turn also when datagrams never end.
        tokio::task::consume_budget().await;
    }
}

struct Reader<'a> {
    udp: &'a Udp,
    shared: &'a Shared,
    scratch: Vec<u8>,
    answers: Vec<(Flow, Bytes)>,
}

impl<'a> Reader<'a> {
    fn new(udp: &'a Udp, shared: &'a Shared) -> Self {
        Self { udp, shared, scratch: vec![0; READ_BATCH * DATAGRAM_OCTETS], answers: Vec::new() }
    }

    /// Everything that is there, up to a bound. Says whether there may be more.
    fn drain(&mut self) -> bool {
        let mut events = Vec::new();
        let mut more = true;
        for _ in 0..ROUNDS {
            let mut meta = [RecvMeta::default(); READ_BATCH];
            let count = match self.receive(&mut meta) {
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    more = false;
                    break;
                }
                // An error left over from something sent; the next call reads.
                Err(_) => continue,
            };
            self.shared.counters.datagrams_in.add(count);
            let came = self.copy_out(meta.get(..count).unwrap_or_default());
            for (datagram, source) in came {
                events.extend(self.take(datagram, source));
            }
            if count < READ_BATCH {
                more = false;
                break;
            }
        }
        let at = now();
        let (udp, answers) = (self.udp, &mut self.answers);
        self.shared.throttle(at, &mut events, |to, octets| answers.push((udp.flow(to), octets)));
        if !events.is_empty()
            && let Err(refused) = self.shared.feed.offer(at, events)
        {
            self.refuse(refused);
        }
        if !self.answers.is_empty() {
            self.udp.refuse(&self.answers, &self.shared.counters);
            self.answers.clear();
        }
        more
    }

    fn receive(&mut self, meta: &mut [RecvMeta; READ_BATCH]) -> io::Result<usize> {
        let mut slots: SmallVec<[IoSliceMut<'_>; READ_BATCH]> =
            self.scratch.chunks_mut(DATAGRAM_OCTETS).map(IoSliceMut::new).collect();
        let (many, socket) = (&self.udp.many, &self.udp.socket);
        socket.try_io(Interest::READABLE, || many.recv(socket.into(), &mut slots, meta))
    }

    /// One piece of memory for the whole batch, just large enough: it lives as long as the longest-lived of
    /// its messages.
    fn copy_out(&self, meta: &[RecvMeta]) -> SmallVec<[(Bytes, SocketAddr); READ_BATCH]> {
        let mut arena = BytesMut::with_capacity(meta.iter().map(|meta| meta.len).sum());
        for (meta, slot) in meta.iter().zip(self.scratch.chunks(DATAGRAM_OCTETS)) {
            arena.extend_from_slice(slot.get(..meta.len).unwrap_or_default());
        }
        let mut rest = arena.freeze();
        meta.iter().map(|meta| (rest.split_to(meta.len.min(rest.len())), meta.addr)).collect()
    }

    fn take(&mut self, datagram: Bytes, source: SocketAddr) -> Option<Event> {
        let counters = &self.shared.counters;
        match parse_datagram(datagram, &self.shared.settings.datagram) {
            Ok(message) => Some(Event::Message { flow: self.udp.flow(source), message }),
            Err(unreadable) => {
                match self.shared.refusals.unreadable(&unreadable, self.udp.flow(source)) {
                    Some((to, octets)) => {
                        counters.refused.one();
                        self.answers.push((self.udp.flow(to), octets));
                    }
                    None if unreadable.fault == Fault::KeepAlive => counters.noise.one(),
                    None => counters.unreadable.one(),
                }
                None
            }
        }
    }

    /// There is no room: requests are told so, the rest is lost as datagrams are.
    fn refuse(&mut self, events: Vec<Event>) {
        let Shared { counters, settings, refusals, .. } = self.shared;
        for event in events {
            let Event::Message { flow, message } = event else { continue };
            let answer = match &message {
                Message::Request(request) => refusals.overloaded(request, flow, settings.retry_after_s),
                Message::Response(_) => None,
            };
            match answer {
                Some((to, octets)) => {
                    counters.overloaded.one();
                    self.answers.push((self.udp.flow(to), octets));
                }
                None => counters.dropped.one(),
            }
        }
    }
}
