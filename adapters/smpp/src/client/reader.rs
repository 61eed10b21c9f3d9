//! The reading half of a link, and its life from the bind to the end (SMPP 3.4 §2.2, SMS sheet §1.7).

use std::{fmt, io, sync::Arc, sync::atomic::Ordering, time::Duration};

use bytes::BytesMut;
use model::{Inbound, SessionId, UpstreamId};
use tokio::{io::AsyncReadExt, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{
    Client, ClientSettings,
    arrival::{NotTaken, Reading},
    flights::{Answered, Flights, Queued},
    link::{Link, Post},
    refused,
    writer::WriterTask,
};
use crate::{
    Command, CommandStatus, Frame, Framer, Version,
    frame::{Batch, End, FramingError},
    ids::{IdText, Transform},
    pdu::{self, Bind, BindKind, BindResp, SubmitSmResp},
    retry::{RetryClass, retry_class},
    session::{
        Due, NackVerdict, Party, State, TimerOptions, Timers, Verdict, after_answer, after_request,
        nack_verdict, verdict,
    },
    socket::{self, Reader, Writer},
    tlv::Leniency,
    translate::outcome_refusal,
};

/// Requests that make no sense, on one connection, before it is closed.
const STRIKES_MAX: u32 = 100;
/// Deliveries without an answer on one link; more are to be repeated by the SMSC.
const UNANSWERED_MAX: usize = 10_000;
/// What the other side gets to finish an unbind.
const UNBIND_US: i64 = 5_000_000;
/// What our writer gets to flush its last words.
const FLUSH: Duration = Duration::from_secs(1);

/// Why a link ended.
#[derive(Debug)]
pub(super) enum Ending {
    Stopped,
    Refused(CommandStatus),
    /// The bind cannot be written.
    Settings(pdu::EncodeError),
    NotBound,
    Closed,
    Broken(io::Error),
    Unbound,
    Silent,
    Stalled,
    Framing(FramingError),
    Strikes,
    /// The SMSC says that we are not bound, or that it has lost the thread.
    Confused(CommandStatus),
}

impl Ending {
    /// Whether what we still have to say may reach the other side.
    const fn is_orderly(&self) -> bool {
        !matches!(self, Self::Closed | Self::Broken(_) | Self::Silent | Self::Stalled)
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stopped => f.write_str("told to stop"),
            Self::Refused(status) => write!(f, "bind refused: {status}"),
            Self::Settings(error) => write!(f, "cannot bind: {error}"),
            Self::NotBound => f.write_str("no answer to the bind"),
            Self::Closed => f.write_str("closed by the SMSC"),
            Self::Broken(error) => write!(f, "{error}"),
            Self::Unbound => f.write_str("unbound by the SMSC"),
            Self::Silent => f.write_str("no answer to enquire_link"),
            Self::Stalled => f.write_str("stopped in the middle of a PDU"),
            Self::Framing(error) => write!(f, "{error}"),
            Self::Strikes => f.write_str("too many requests that make no sense"),
            Self::Confused(status) => write!(f, "the SMSC answered {status}"),
        }
    }
}

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

/// What one batch of PDUs comes to.
#[derive(Default)]
struct Heard {
    inbound: Vec<Inbound>,
    replies: BytesMut,
    again: Vec<Queued>,
    /// Outcomes among `inbound` that end a hand-over.
    released: usize,
    /// Deliveries among `inbound`.
    arrived: usize,
    taken: u32,
    throttled: bool,
    congestion: Option<u8>,
    /// When the last answered submission was sent.
    sent_us: Option<i64>,
    go: bool,
    ending: Option<Ending>,
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

    fn frames(&mut self, batch: &Batch) -> Heard {
        let mut heard = Heard::default();
        let settings = self.client.settings();
        let mut reading = Reading {
            learned: settings.ids.learned(),
            session: self.session.unwrap_or(SessionId(0)),
            version: self.link.version(),
            now: socket::now(),
            closed: self.client.intake.closed_for_submissions(),
            settings: &settings,
        };
        let now_us = self.client.now_us();
        let link = self.link.clone();
        let mut flights = None;
        for frame in batch.frames() {
            let header = frame.header;
            match verdict(&header, Party::MessageCentre, self.state) {
                // Nothing else was asked yet, whatever sequence number the answer has.
                Verdict::Match if self.phase == Phase::Binding => {
                    if let Err(ending) = self.bound(&frame, now_us) {
                        heard.ending = Some(ending);
                        break;
                    }
                    reading.session = self.session.unwrap_or(reading.session);
                    reading.version = link.version();
                }
                Verdict::Match => {
                    let flights = flights.get_or_insert_with(|| link.flights());
                    self.response(&frame, now_us, flights, &mut heard);
                }
                Verdict::Handle => self.request(&frame, &reading, &mut heard),
                Verdict::Refuse { status, strike } => {
                    self.strikes += u32::from(strike);
                    pdu::answer(header.command, status, header.sequence, &mut heard.replies);
                }
                Verdict::Ignore { strike } => self.strikes += u32::from(strike),
            }
        }
        if let Some(flights) = &mut flights
            && flights.starved
            && flights.window.room() > 0
        {
            flights.starved = false;
            heard.go = true;
        }
        if self.strikes > STRIKES_MAX {
            heard.ending.get_or_insert(Ending::Strikes);
        }
        heard
    }

    /// The answer to our bind.
    fn bound(&mut self, frame: &Frame<'_>, now_us: i64) -> Result<(), Ending> {
        let status = frame.header.status;
        if frame.header.command != self.kind.response() || !status.is_ok() {
            return Err(Ending::Refused(status));
        }
        // The body of a bind response is read leniently and never refused.
        let theirs = BindResp::decode(frame.body, Leniency::Lenient)
            .ok()
            .and_then(|response| response.tlvs.sc_interface_version());
        self.link.set_version(Version::negotiate(self.settings.version, theirs));
        self.state = after_answer(self.kind.command(), status, self.state);
        self.phase = Phase::Bound;
        self.timers.bound(now_us);
        self.bound_us = Some(now_us);
        self.session = Some(self.client.intake.open(self.link.clone()));
        Ok(())
    }

    fn response(&mut self, frame: &Frame<'_>, now_us: i64, flights: &mut Flights, heard: &mut Heard) {
        let header = frame.header;
        let (mut status, mut id) = (header.status, None);
        match header.command {
            Command::SubmitSmResp => {
                if !frame.body.is_empty()
                    && let Ok(response) = SubmitSmResp::decode(frame.body, Leniency::Lenient)
                {
                    if status.is_ok() {
                        id = response.id().and_then(upstream);
                    }
                    if !response.tlvs.is_empty() {
                        heard.congestion = response.tlvs.congestion_state().or(heard.congestion);
                    }
                }
            }
            Command::GenericNack => {
                if status.is_ok() {
                    // A nack that says all is well says nothing; that it was not taken is certain.
                    status = CommandStatus::RUNKNOWNERR;
                }
            }
            Command::UnbindResp if matches!(self.phase, Phase::Unbinding { .. }) => {
                heard.ending = Some(Ending::Stopped);
                return;
            }
            Command::EnquireLinkResp => return,
            _ => {
                self.unmatched(header.command);
                return;
            }
        }
        let (answered, sent_us) = flights.answered(header.sequence, status, id, now_us);
        heard.sent_us = sent_us.or(heard.sent_us);
        if matches!(answered, Answered::Nobody) {
            self.unmatched(header.command);
            return;
        }
        if status.is_ok() {
            heard.taken += 1;
        } else {
            self.client.watch.refused(&outcome_refusal(status));
            let class = retry_class(status);
            heard.throttled |= class == Some(RetryClass::SlowDown);
            let lost = header.command == Command::GenericNack && nack_verdict(status) == NackVerdict::Close;
            if lost || class == Some(RetryClass::Rebind) {
                heard.ending.get_or_insert(Ending::Confused(status));
            }
        }
        match answered {
            Answered::Outcome(attempt, outcome) => {
                heard.released += 1;
                heard.inbound.push(Inbound::Outcome { attempt, outcome });
            }
            Answered::Late(attempt, outcome) => heard.inbound.push(Inbound::Outcome { attempt, outcome }),
            Answered::Again(queued) => heard.again.push(queued),
            Answered::Partly | Answered::Nobody => {}
        }
    }

    fn unmatched(&self, command: Command) {
        self.client.unmatched.fetch_add(1, Ordering::Relaxed);
        tracing::debug!(channel = %self.settings.name, command = command.name(), "a late response, or one to nothing");
    }

    fn request(&mut self, frame: &Frame<'_>, reading: &Reading<'_>, heard: &mut Heard) {
        let Frame { header, .. } = frame;
        match header.command {
            Command::DeliverSm | Command::DataSm => self.deliver(frame, reading, heard),
            Command::EnquireLink => {
                pdu::answer(header.command, CommandStatus::ROK, header.sequence, &mut heard.replies)
            }
            Command::Unbind => match self.phase {
                Phase::Bound | Phase::Draining { .. } => {
                    let until_us = self.client.now_us().saturating_add(UNBIND_US);
                    self.phase = Phase::Leaving { sequence: header.sequence, until_us };
                }
                _ => pdu::answer(header.command, CommandStatus::ROK, header.sequence, &mut heard.replies),
            },
            Command::AlertNotification => {
                tracing::debug!(channel = %self.settings.name, "alert_notification is not used");
            }
            other => self.state = after_request(other, self.state),
        }
    }

    fn deliver(&self, frame: &Frame<'_>, reading: &Reading<'_>, heard: &mut Heard) {
        let unanswered = self.link.unanswered.load(Ordering::Acquire) + heard.arrived;
        let accepts =
            matches!(self.phase, Phase::Bound | Phase::Draining { .. }) && unanswered < UNANSWERED_MAX;
        let status = match accepts.then(|| reading.arrival(frame)) {
            Some(Ok(inbound)) => {
                heard.arrived += 1;
                heard.inbound.push(inbound);
                return;
            }
            Some(Err(NotTaken::Unreadable(status))) => {
                self.client.watch.malformed(false);
                status
            }
            Some(Err(NotTaken::Closed(cause))) => {
                self.client.watch.refusing(cause);
                CommandStatus::RX_T_APPN
            }
            None => CommandStatus::RX_T_APPN,
        };
        pdu::answer(frame.header.command, status, frame.header.sequence, &mut heard.replies);
    }
}

/// The id to remember: as the SMSC writes it, but for leading zeros, which its receipts may leave out.
/// Letters keep their case, for some ids differ in nothing else.
fn upstream(id: &[u8]) -> Option<UpstreamId> {
    let id = Transform::Stripped.apply(&IdText::new(id)?)?;
    Some(UpstreamId(id.as_str()?.into()))
}
