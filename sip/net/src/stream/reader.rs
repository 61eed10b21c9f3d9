//! Octets in: messages by their Content-Length, keep-alives, and a clock on both.

use std::{sync::atomic::Ordering, time::Duration};

use bytes::Bytes;
use sip_message::{Frame, Framer, Message, Unreadable};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    time::{Instant, timeout_at},
};

use super::connection::Connection;
use crate::{
    endpoint::Shared,
    inbox::{Ended, Event, GATHERING, now},
};

/// Octets asked for at once: few from a peer that says little, because what was read stays in memory as long
/// as a message of it.
const READ_OCTETS_MIN: usize = 4 << 10;
const READ_OCTETS_MAX: usize = 64 << 10;
/// Messages handed over at once; a larger read comes in several batches.
const BATCH_MESSAGES: usize = 128;
/// A stream whose responses find no room for so long is no use any more.
const RESPONSES_PATIENCE: Duration = Duration::from_secs(30);

/// Reads until the connection ends, and says why.
pub(super) async fn read<R: AsyncRead + Unpin>(
    shared: &Shared,
    connection: &Connection,
    mut reader: R,
) -> Ended {
    let mut state = Reading {
        shared,
        connection,
        framer: Framer::new(shared.settings.stream),
        // Whoever comes to us has something to say.
        begun: connection.source.is_some().then(Instant::now),
        heard: Instant::now(),
    };
    let mut room = READ_OCTETS_MIN;
    loop {
        state.framer.buffer_mut().reserve(room);
        let came = tokio::select! {
            came = timeout_at(state.due(), reader.read_buf(state.framer.buffer_mut())) => came,
            () = connection.ending.cancelled() => return Ended::Stopped,
        };
        let mut empty = true;
        match came {
            Ok(Ok(0)) => return Ended::Closed,
            Ok(Ok(octets)) if octets >= room => {
                room = (room * 2).min(READ_OCTETS_MAX);
                empty = false;
            }
            Ok(Ok(octets)) if octets < room / 4 => room = (room / 2).max(READ_OCTETS_MIN),
            Ok(Ok(_)) => {}
            Ok(Err(_)) => return Ended::Broken,
            Err(_elapsed) => match state.overdue() {
                Some(why) => return why,
                None => continue,
            },
        }
        state.heard = Instant::now();
        if let Err(why) = state.take().await {
            return why;
        }
        if empty {
            tokio::time::sleep(GATHERING).await;
        }
    }
}

struct Reading<'a> {
    shared: &'a Shared,
    connection: &'a Connection,
    framer: Framer,
    /// Since when a message has been coming.
    begun: Option<Instant>,
    heard: Instant,
}

impl Reading<'_> {
    fn due(&self) -> Instant {
        match self.begun {
            Some(begun) => begun + self.shared.settings.message_timeout,
            None => self.heard + self.shared.settings.idle_timeout,
        }
    }

    fn overdue(&mut self) -> Option<Ended> {
        if self.begun.is_some() {
            return Some(Ended::Slow);
        }
        if self.connection.wrote.swap(false, Ordering::Relaxed) {
            self.heard = Instant::now();
            return None;
        }
        Some(Ended::Idle)
    }

    /// Everything that is complete.
    async fn take(&mut self) -> Result<(), Ended> {
        let mut events = Vec::new();
        let mut ended = None;
        while let Some(frame) = self.framer.next_frame() {
            match frame {
                Ok(Frame::Message(message)) => {
                    // The clock of the next message starts with what is left of this read.
                    self.begun = None;
                    events.push(Event::Message { flow: self.connection.flow, message });
                    if events.len() >= BATCH_MESSAGES {
                        self.deliver(std::mem::take(&mut events)).await?;
                    }
                }
                Ok(Frame::Ping) => {
                    self.shared.counters.pings.one();
                    self.connection.push(Bytes::from_static(Framer::PONG))?;
                }
                Ok(Frame::Pong) => {}
                Err(unreadable) => {
                    self.begun = None;
                    self.unreadable(&unreadable)?;
                    if unreadable.close {
                        ended = Some(Ended::Framing);
                        break;
                    }
                }
            }
        }
        // What came before the damage is good.
        self.deliver(events).await?;
        match ended {
            Some(why) => return Err(why),
            None if !self.framer.is_mid_message() => {}
            None => {
                self.begun.get_or_insert(self.heard);
            }
        }
        Ok(())
    }

    fn unreadable(&self, unreadable: &Unreadable) -> Result<(), Ended> {
        let Shared { refusals, counters, .. } = self.shared;
        match refusals.unreadable(unreadable, self.connection.flow) {
            Some((_, octets)) => {
                counters.refused.one();
                self.connection.push(octets)
            }
            None => {
                counters.unreadable.one();
                Ok(())
            }
        }
    }

    fn delivered(&self) -> Result<(), Ended> {
        self.connection.set_known();
        Ok(())
    }

    /// While this waits nothing is read, and the peer feels it. Then requests are refused; responses come
    /// only once on a stream, so they wait longer.
    async fn deliver(&self, mut events: Vec<Event>) -> Result<(), Ended> {
        let Shared { feed, settings, counters, refusals, .. } = self.shared;
        counters.stream_messages_in.add(events.len());
        let at = now();
        let mut overflow = Ok(());
        self.shared.throttle(at, &mut events, |_, octets| {
            overflow = overflow.and_then(|()| self.connection.push(octets));
        });
        overflow?;
        if events.is_empty() {
            return Ok(());
        }
        let Err(events) = feed.offer(at, events) else { return self.delivered() };
        let offered = feed.offer_within(settings.patience, at, events).await;
        let Err(events) = offered else { return self.delivered() };
        let mut kept = Vec::new();
        for event in events {
            let Event::Message { message: Message::Request(request), .. } = &event else {
                kept.push(event);
                continue;
            };
            match refusals.overloaded(request, self.connection.flow, settings.retry_after_s) {
                Some((_, octets)) => {
                    counters.overloaded.one();
                    self.connection.push(octets)?;
                }
                None => counters.dropped.one(),
            }
        }
        if kept.is_empty() {
            return Ok(());
        }
        match feed.offer_within(RESPONSES_PATIENCE, at, kept).await {
            Ok(()) => self.delivered(),
            Err(lost) => {
                counters.dropped.add(lost.len());
                Err(Ended::Stopped)
            }
        }
    }
}
