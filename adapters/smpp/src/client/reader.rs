//! The reading half of a link, and its life from the bind to the end (SMPP 3.4 §2.2, SMS sheet §1.7).

mod ending;
mod frames;

use std::{io, sync::Arc, sync::atomic::Ordering, time::Duration};

use bytes::BytesMut;
use model::SessionId;
use tokio::{io::AsyncReadExt, time::Instant};
use tokio_util::sync::CancellationToken;

pub(super) use self::ending::Ending;
use super::{
    Client, ClientSettings,
    link::{Link, Post},
    refused,
    writer::WriterTask,
};
use crate::{
    Command, CommandStatus, Framer,
    frame::{Batch, End},
    pdu::{self, Bind, BindKind},
    session::{Due, State, TimerOptions, Timers, after_answer},
    socket::{self, Reader, Writer},
};

/// What the other side gets to finish an unbind.
const UNBIND_US: i64 = 5_000_000;
/// What our writer gets to flush its last words.
const FLUSH: Duration = Duration::from_secs(1);

/// Where we stand, beside the state of the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Binding,
    Bound,
    /// We stop: nothing more is taken, answers are waited for.
    Draining {
        until_us: i64,
    },
    /// `unbind` is sent.
    Unbinding {
        until_us: i64,
    },
    /// The SMSC sent `unbind`; it is answered when nothing is under way.
    Leaving {
        sequence: u32,
        until_us: i64,
    },
    /// Everything is said.
    Closing {
        until_us: i64,
    },
}

/// Runs one connection to its end. Tells why it ended, and how long it was bound.
pub(super) async fn run(
    client: &Arc<Client>,
    kind: BindKind,
    settings: Arc<ClientSettings>,
    reader: Reader,
    writer: Writer,
    stop: &CancellationToken,
) -> (Ending, Option<Duration>) {
    let (posts, received) = tokio::sync::mpsc::unbounded_channel();
    let answer_us = i64::try_from(settings.answer_timeout.as_micros()).unwrap_or(i64::MAX);
    let link = Link::new(posts, settings.window.max(1), answer_us);
    let bind_sequence = link.flights().window.sequence();
    let mut octets = BytesMut::new();
    if let Err(error) = bind(&settings).encode(kind, bind_sequence, &mut octets) {
        return (Ending::Settings(error), None);
    }
    link.post(Post::Octets(octets));
    let writing = tokio::spawn(WriterTask::new(client.clone(), link.clone(), received, writer).run());

    let now_us = client.now_us();
    // A channel stays bound to receive, however quiet it is.
    let timers = TimerOptions { inactivity_us: i64::MAX, ..settings.timers };
    let mut connection = Connection {
        client,
        kind,
        link: link.clone(),
        settings,
        session: None,
        state: State::Open,
        phase: Phase::Binding,
        joined: false,
        bound_us: None,
        timers: Timers::new(now_us, timers),
        strikes: 0,
    };
    let ending = connection.read_all(reader, stop).await;

    client.leave(&link).await;
    if let Some(session) = connection.session.take() {
        client.intake.close(session);
    }
    link.post(Post::Close);
    if !ending.is_orderly() || tokio::time::timeout(FLUSH, link.broken.cancelled()).await.is_err() {
        link.cut.cancel();
    }
    // A writer that panicked has nothing to hand back.
    if let Ok((mut ended, _)) = writing.await {
        ended.outcomes.extend(refused(client.distribute(ended.unsent)));
        client.outcomes(ended.outcomes).await;
    }
    let bound_for = connection
        .bound_us
        .map(|since_us| Duration::from_micros((client.now_us() - since_us).max(0).unsigned_abs()));
    if bound_for.is_some() {
        client.watch.down();
    }
    (ending, bound_for)
}

fn bind(settings: &ClientSettings) -> Bind<'_> {
    Bind {
        system_id: settings.system_id.as_bytes(),
        password: settings.password.reveal(),
        system_type: settings.system_type.as_bytes(),
        interface_version: settings.version.octet(),
        address_range: settings.address_range.as_bytes(),
        ..Bind::default()
    }
}

struct Connection<'a> {
    client: &'a Arc<Client>,
    kind: BindKind,
    link: Arc<Link>,
    settings: Arc<ClientSettings>,
    session: Option<SessionId>,
    state: State,
    phase: Phase,
    joined: bool,
    bound_us: Option<i64>,
    timers: Timers,
    strikes: u32,
}

impl Connection<'_> {
    async fn read_all(&mut self, mut reader: Reader, stop: &CancellationToken) -> Ending {
        let framer = Framer::default();
        let mut buffer = BytesMut::with_capacity(socket::READ_OCTETS);
        let mut stopping = false;
        let sleep = tokio::time::sleep(Duration::ZERO);
        tokio::pin!(sleep);
        let link = self.link.clone();
        loop {
            let wake_us = match self.due(self.client.now_us()) {
                Ok(wake_us) => wake_us,
                Err(ending) => return ending,
            };
            let wake = Instant::now() + self.client.until(wake_us);
            if sleep.is_elapsed() || wake < sleep.deadline() {
                sleep.as_mut().reset(wake);
            }
            if buffer.capacity() - buffer.len() < socket::READ_OCTETS / 4 {
                buffer.reserve(socket::READ_OCTETS);
            }
            tokio::select! {
                biased;
                () = stop.cancelled(), if !stopping => {
                    stopping = true;
                    match self.phase {
                        Phase::Binding => return Ending::Stopped,
                        Phase::Bound => self.drain().await,
                        _ => {}
                    }
                }
                // What the SMSC said before the link broke still counts.
                read = reader.read_buf(&mut buffer) => match read {
                    Ok(0) if matches!(self.phase, Phase::Closing { .. }) => return Ending::Unbound,
                    Ok(0) => return Ending::Closed,
                    Ok(_) => {
                        let batch = framer.cut(&mut buffer);
                        self.timers.heard(self.client.now_us(), !batch.is_empty(), !buffer.is_empty());
                        if let Some(ending) = self.heard(&batch).await {
                            return ending;
                        }
                    }
                    Err(error) => return Ending::Broken(error),
                },
                () = link.broken.cancelled() => return Ending::Broken(io::ErrorKind::ConnectionAborted.into()),
                () = link.changed.notified() => {}
                () = &mut sleep => {}
            }
        }
    }

    /// Does what is due, and says when to look again.
    fn due(&mut self, now_us: i64) -> Result<i64, Ending> {
        match self.phase {
            Phase::Draining { until_us } if self.link.is_empty() || until_us <= now_us => {
                self.link.post(Post::Unbind);
                self.phase = Phase::Unbinding { until_us: now_us.saturating_add(UNBIND_US) };
            }
            Phase::Leaving { sequence, until_us } if self.link.is_empty() || until_us <= now_us => {
                let mut octets = BytesMut::new();
                pdu::answer(Command::Unbind, CommandStatus::ROK, sequence, &mut octets);
                self.link.post(Post::Octets(octets));
                self.state = after_answer(Command::Unbind, CommandStatus::ROK, self.state);
                self.phase = Phase::Closing { until_us: now_us.saturating_add(UNBIND_US) };
            }
            Phase::Unbinding { until_us } if until_us <= now_us => return Err(Ending::Stopped),
            Phase::Closing { until_us } if until_us <= now_us => return Err(Ending::Unbound),
            _ => {}
        }
        let until_us = match self.timers.due(now_us) {
            Due::Nothing { until_us } => until_us,
            Due::Enquire => {
                self.link.post(Post::Enquire);
                self.timers.enquired(now_us);
                now_us
            }
            Due::NotBound => return Err(Ending::NotBound),
            Due::Stalled => return Err(Ending::Stalled),
            Due::Silent => return Err(Ending::Silent),
            Due::Inactive => i64::MAX,
        };
        Ok(match self.phase {
            Phase::Binding | Phase::Bound => until_us,
            Phase::Draining { until_us: end_us }
            | Phase::Unbinding { until_us: end_us }
            | Phase::Leaving { until_us: end_us, .. }
            | Phase::Closing { until_us: end_us } => until_us.min(end_us),
        })
    }

    async fn drain(&mut self) {
        self.link.emptying.store(true, Ordering::Release);
        self.client.leave(&self.link).await;
        let drain_us = i64::try_from(self.settings.drain_max.as_micros()).unwrap_or(i64::MAX);
        self.phase = Phase::Draining { until_us: self.client.now_us().saturating_add(drain_us) };
    }

    /// Takes one batch of PDUs.
    async fn heard(&mut self, batch: &Batch) -> Option<Ending> {
        let was = self.phase;
        let mut heard = self.frames(batch);
        if let End::Broken(error) = batch.end() {
            self.client.watch.malformed(true);
            heard.replies.extend_from_slice(&error.answer().encode(16));
            heard.ending.get_or_insert(Ending::Framing(error));
        }
        if self.phase == Phase::Bound && !self.joined {
            self.joined = true;
            self.client.watch.up();
            tracing::info!(channel = %self.settings.name, bind = ?self.kind, version = ?self.link.version(), "bound to the SMSC");
            if self.kind.transmits() {
                self.client.join(&self.link).await;
            }
        }
        if matches!(self.phase, Phase::Leaving { .. }) && !matches!(was, Phase::Leaving { .. }) {
            self.link.emptying.store(true, Ordering::Release);
            self.client.leave(&self.link).await;
            self.link.post(Post::Halt);
        }
        if !heard.replies.is_empty() {
            self.link.post(Post::Octets(heard.replies));
        }
        if heard.taken > 0 || heard.throttled || heard.congestion.is_some() {
            self.client
                .with_rate(|rate, now_us| rate.heard(heard.taken, heard.throttled, heard.congestion, now_us));
        }
        if !heard.again.is_empty() {
            self.link.post(Post::Again(heard.again));
        } else if heard.go {
            self.link.post(Post::Go);
        }
        if let Some(sent_us) = heard.sent_us {
            let now_us = self.client.now_us();
            self.client.watch.round_trip(Duration::from_micros((now_us - sent_us).max(0).unsigned_abs()));
            self.client.tell_window(now_us);
        }
        if !heard.inbound.is_empty() {
            self.link.unanswered.fetch_add(heard.arrived, Ordering::AcqRel);
            // A gateway that is closed has no use for us any more, and neither have we for it.
            if self.client.intake.take(heard.inbound).await.is_err() {
                heard.ending.get_or_insert(Ending::Stopped);
            }
            self.link.released(heard.released);
        }
        heard.ending
    }
}
