//! Messages out, each its own way.

use std::net::SocketAddr;

use bytes::Bytes;
use sip_message::{List, Via};

use super::{Endpoint, Shared, Target, index};
use crate::{Flow, Transport, inbox::Event};

/// The top Via of a response stands within so many octets, or is not looked for.
const VIA_WITHIN: usize = 2_048;
impl Endpoint {
    /// Sends one message. See [`Self::send_all`].
    pub fn send(&self, flow: Flow, octets: Bytes) {
        self.send_run(flow, &mut [(flow, octets)]);
    }

    /// Sends messages, each its own way, in their order to each peer. Never waits. What certainly did not leave
    /// comes back as [`Event::Unsent`]; what breaks later as [`Event::Ended`].
    pub fn send_all(&self, messages: &mut Vec<(Flow, Bytes)>) {
        // Stable: the order to each peer is kept. Usually sorted already.
        messages.sort_by_key(|(flow, _)| flow.id);
        for run in messages.chunk_by_mut(|(one, _), (next, _)| one.id == next.id) {
            if let Some(flow) = run.first().map(|(flow, _)| *flow) {
                self.send_run(flow, run);
            }
        }
        messages.clear();
    }

    fn send_run(&self, flow: Flow, run: &mut [(Flow, Bytes)]) {
        let Shared { counters, feed, table, .. } = &*self.shared;
        if flow.transport == Transport::Udp {
            match self.sockets.get(index(flow)) {
                Some(udp) => {
                    if udp.groups() {
                        run.sort_by_key(|(flow, _)| flow.remote);
                    }
                    udp.send(run, counters, feed);
                }
                None => self.unsent(run),
            }
            return;
        }
        let connection = table.get(flow.id);
        for (at, (_, octets)) in run.iter().enumerate() {
            let pushed =
                connection.as_ref().is_some_and(|connection| connection.push(octets.clone()).is_ok());
            if !pushed {
                return self.send_elsewhere(run.get(at..).unwrap_or_default());
            }
            counters.stream_messages_out.one();
        }
        if let Some(connection) = connection {
            connection.set_known();
        }
    }

    /// The connection is gone. A response may still find its peer at the port of its Via (RFC 3261 §18.2.2).
    fn send_elsewhere(&self, run: &[(Flow, Bytes)]) {
        for message in run {
            let (gone, octets) = message;
            let connection = self.way_back(*gone, octets).and_then(|flow| self.shared.table.get(flow.id));
            match connection {
                Some(connection) if connection.push(octets.clone()).is_ok() => {
                    self.shared.counters.stream_messages_out.one();
                }
                _ => self.unsent(std::slice::from_ref(message)),
            }
        }
    }

    fn way_back(&self, gone: Flow, octets: &Bytes) -> Option<Flow> {
        let line = octets.strip_prefix(b"SIP/2.0 ")?;
        let head = line.get(..line.len().min(VIA_WITHIN))?;
        let via = head.split(|&octet| octet == b'\n').find_map(|line| line.strip_prefix(b"Via:"))?;
        let via = Via::parse(List::new(via.trim_ascii()).next()?).ok()?;
        // Nobody else than who sent the request: the Via alone could name anybody.
        let remote = SocketAddr::new(gone.remote.ip(), via.port_or_default());
        let target = Target {
            transport: gone.transport,
            remote,
            server_name: smol_str::format_smolstr!("{}", via.host),
            class: gone.class,
        };
        self.flow(&target).ok().filter(|flow| flow.id != gone.id)
    }

    fn unsent(&self, run: &[(Flow, Bytes)]) {
        self.shared.counters.send_lost.add(run.len());
        for (flow, octets) in run {
            self.shared.feed.tell(Event::Unsent { flow: *flow, octets: octets.clone() });
        }
    }
}
