//! The reading half of a session: octets become batches for the gateway.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc, OnceLock, PoisonError,
        atomic::{AtomicU8, Ordering},
    },
    time::Duration,
};

use bytes::BytesMut;
use kit::Session;
use model::{Answer, Inbound, MessageId, Outcome, SessionId, Timestamp};
use smallvec::SmallVec;
use tokio::{io::AsyncReadExt, sync::mpsc::UnboundedSender};
use tokio_util::sync::CancellationToken;

use super::{
    Account, Server,
    account::AccountSettings,
    writer::{Post, Shared, WriterTask},
};
use crate::{
    Command, CommandStatus, Frame, Framer, Version,
    frame::End,
    pdu::{self, Bind, BindKind, BindResp},
    session::{
        BindManners, BindRefusal, Due, NackVerdict, Party, State, Timers, Verdict, nack_verdict, verdict,
    },
    socket::{self, Reader, Writer},
    tlv::Leniency,
    translate,
};

/// How long a session may take to finish what it has in hand.
const DRAIN_MAX: Duration = Duration::from_secs(10);
/// Octets of our own answers that a slow peer may leave unread; then its socket is not read either.
const OWED_MAX: usize = 256 << 10;
/// Overdue deliveries are looked for at least so often.
const TICK: Duration = Duration::from_secs(1);
/// How long a closed connection is still read, so that what we said last is not torn away by a reset.
const LINGER: Duration = Duration::from_millis(500);

/// Answers of the gateway go straight to the writer.
struct Answers(UnboundedSender<Post>, Arc<Lookups>);

/// What looking up an ended message takes.
pub(super) struct Lookups {
    lookup: Arc<dyn kit::Lookup>,
    /// Queries under way: sequence and message.
    pub(super) asked: std::sync::Mutex<std::collections::HashMap<u64, (model::ChannelId, MessageId, u32)>>,
}

impl Session for Answers {
    fn answer(&self, answers: &mut Vec<(u64, Answer)>) {
        let mut asked = self.1.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if !asked.is_empty() {
            answers.retain(|(token, answer)| match (asked.remove(token), answer) {
                (Some((origin, message, sequence)), Answer::NotOpen) => {
                    WriterTask::look_up(&self.1.lookup, &self.0, origin, message, sequence);
                    false
                }
                _ => true,
            });
        }
        // A writer that has ended reads nothing any more, and the peer has lost its connection.
        let _gone = self.0.send(Post::Answers(std::mem::take(answers)));
    }
}

/// Runs one connection to its end.
pub(super) async fn run(
    server: &Server,
    mut reader: Reader,
    writer: Writer,
    peer: SocketAddr,
    stop: CancellationToken,
) -> io::Result<()> {
    let (posts, received) = tokio::sync::mpsc::unbounded_channel();
    let shared = Arc::new(Shared::new(server.settings.timers.response_us));
    let version = Arc::new(AtomicU8::new(Version::V33.octet()));
    let account = Arc::new(OnceLock::new());
    let writing = WriterTask::new(
        shared.clone(),
        received,
        writer,
        server.intake.clone(),
        version.clone(),
        account.clone(),
    );
    let writing = tokio::spawn(writing.run());
    let lookups = Arc::new(Lookups { lookup: server.lookup.clone(), asked: std::sync::Mutex::default() });
    let session = server.intake.open(Arc::new(Answers(posts.clone(), lookups.clone())));

    let mut connection = Connection {
        server,
        peer,
        session,
        shared,
        posts: posts.clone(),
        version,
        lookups,
        account,
        bound: None,
        window: usize::MAX,
        ends: CancellationToken::new(),
        stop,
        unbinding: None,
        state: State::Open,
        timers: Timers::new(socket::now().micros(), server.settings.timers),
        strikes: 0,
        turns: 0,
        replies: BytesMut::new(),
        batch: Vec::new(),
    };
    let result = connection.read_all(&mut reader).await;
    connection.retire().await;
    if let Some((account, id)) = connection.bound.take() {
        account.leave(id);
    }
    server.intake.close(session);
    let _gone = posts.send(Post::Close);
    drop((connection, posts));
    let written = writing.await.unwrap_or(Ok(()));
    // The peer closes too, or it took too long.
    let _late = tokio::time::timeout(LINGER, tokio::io::copy(&mut reader, &mut tokio::io::sink())).await;
    result.and(written)
}

pub(super) struct Connection<'a> {
    pub(super) server: &'a Server,
    peer: SocketAddr,
    pub(super) session: SessionId,
    pub(super) shared: Arc<Shared>,
    posts: UnboundedSender<Post>,
    version: Arc<AtomicU8>,
    pub(super) lookups: Arc<Lookups>,
    account: Arc<OnceLock<Arc<Account>>>,
    /// The account and our number among its sessions.
    pub(super) bound: Option<(Arc<Account>, u64)>,
    /// Submissions that may be unanswered.
    window: usize,
    /// The account wants the session to end.
    ends: CancellationToken,
    /// The server wants all to end.
    stop: CancellationToken,
    /// We have sent `unbind`: until when its answer is waited for.
    pub(super) unbinding: Option<i64>,
    state: State,
    pub(super) timers: Timers,
    strikes: u32,
    pub(super) turns: u16,
    /// What this half answers by itself.
    pub(super) replies: BytesMut,
    pub(super) batch: Vec<Inbound>,
}

/// Whether the connection goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Goes {
    On,
    Ends,
}

impl Connection<'_> {
    async fn read_all(&mut self, reader: &mut Reader) -> io::Result<()> {
        let framer = Framer::new(self.server.settings.pdu_octets_max);
        let mut buffer = BytesMut::with_capacity(socket::READ_OCTETS);
        loop {
            if self.has_room(!buffer.is_empty()).await == Goes::Ends {
                return Ok(());
            }
            self.expire().await;
            let sleep = match self.sleep().await {
                Some(sleep) => sleep,
                None => return Ok(()),
            };
            if buffer.capacity() - buffer.len() < socket::READ_OCTETS / 4 {
                buffer.reserve(socket::READ_OCTETS);
            }
            let read = tokio::select! {
                read = reader.read_buf(&mut buffer) => read?,
                () = tokio::time::sleep(sleep) => continue,
                () = self.posts.closed() => return Ok(()),
                () = told(&self.stop, &self.ends), if self.unbinding.is_none() => match self.unbind().await {
                    Goes::On => continue,
                    Goes::Ends => return Ok(()),
                },
            };
            if read == 0 {
                return Ok(());
            }
            self.follow();
            let frames = framer.cut(&mut buffer);
            let now = socket::now();
            self.timers.heard(now.micros(), !frames.is_empty(), !buffer.is_empty());
            let mut goes = Goes::On;
            for frame in frames.frames() {
                goes = match self.has_room(!buffer.is_empty()).await {
                    Goes::On => self.frame(frame, now).await,
                    Goes::Ends => Goes::Ends,
                };
                if goes == Goes::Ends {
                    break;
                }
            }
            if goes == Goes::On
                && let End::Broken(error) = frames.end()
            {
                self.server.watch.malformed(true);
                tracing::info!(speaks = ?error.speaks, length = error.command_length, "an SMPP connection lost its framing and is closed");
                let answer = error.answer();
                pdu::encode_empty(answer.command, answer.status, answer.sequence, &mut self.replies);
                goes = Goes::Ends;
            }
            self.flush().await?;
            if goes == Goes::Ends {
                self.drained().await;
                return Ok(());
            }
        }
    }

    /// How long nothing is due; `None` when the connection is to be closed.
    async fn sleep(&mut self) -> Option<Duration> {
        loop {
            let now = socket::now().micros();
            if self.unbinding.is_some_and(|until_us| until_us <= now) {
                return None;
            }
            match self.timers.due(now) {
                Due::Nothing { until_us } => {
                    let overdue =
                        self.shared.window.lock().unwrap_or_else(PoisonError::into_inner).next_deadline_us();
                    let until_us = [Some(until_us), overdue, self.unbinding]
                        .into_iter()
                        .flatten()
                        .min()
                        .unwrap_or(until_us);
                    // One more than nothing, so that the clock has moved when we look again.
                    let sleep = Duration::from_micros(u64::try_from(until_us - now).unwrap_or(0).max(1_000));
                    return Some(sleep.min(TICK));
                }
                Due::Enquire => {
                    self.timers.enquired(now);
                    self.post(Post::Enquire);
                }
                Due::Inactive => {
                    self.timers.worked(now);
                    if self.unbinding.is_none() && self.unbind().await == Goes::Ends {
                        return None;
                    }
                }
                Due::NotBound | Due::Stalled | Due::Silent => return None,
            }
        }
    }

    /// Takes the settings of the account as they are now.
    fn follow(&mut self) {
        if let Some((account, _)) = &self.bound {
            self.window = account.settings().window.max(1);
        }
    }

    /// More is unanswered than the peer may have.
    fn is_full(&self) -> bool {
        let owed = self.shared.owed.load(Ordering::Relaxed) + self.replies.len();
        owed >= OWED_MAX || self.shared.unanswered.load(Ordering::Relaxed) >= self.window
    }

    /// Waits until the peer may have more unanswered. The socket is not read meanwhile, and the peer feels it.
    async fn has_room(&mut self, partial: bool) -> Goes {
        if !self.is_full() {
            return Goes::On;
        }
        if self.flush().await.is_err() {
            return Goes::Ends;
        }
        while self.is_full() {
            tokio::select! {
                () = self.shared.answered.notified() => {}
                () = self.posts.closed() => return Goes::Ends,
                () = tokio::time::sleep(TICK) => self.expire().await,
                () = told(&self.stop, &self.ends) => {
                    self.drained().await;
                    return if self.is_full() { Goes::Ends } else { Goes::On };
                }
            }
        }
        // We did not listen: its silence says nothing.
        let now = socket::now().micros();
        self.timers.heard(now, true, partial);
        self.timers.worked(now);
        Goes::On
    }

    /// No more deliveries: the session is about to end.
    async fn retire(&mut self) {
        if self.shared.quiet.swap(true, Ordering::Relaxed) {
            return;
        }
        if let Some((account, id)) = &self.bound
            && account.retire(*id)
        {
            account.announce().await;
        }
    }

    /// We end the session: answers first, then `unbind`, whose answer is waited for.
    async fn unbind(&mut self) -> Goes {
        if self.bound.is_none() {
            return Goes::Ends;
        }
        self.retire().await;
        self.drained().await;
        self.post(Post::Unbind);
        let wait_us = i64::try_from(DRAIN_MAX.as_micros()).unwrap_or(i64::MAX);
        self.unbinding = Some(socket::now().micros() + wait_us.min(self.server.settings.timers.response_us));
        Goes::On
    }

    /// Everything asked is answered, or it took too long.
    async fn drained(&self) {
        let waiting = async {
            while self.shared.unanswered.load(Ordering::Relaxed) > 0 {
                tokio::select! {
                    () = self.shared.answered.notified() => {}
                    () = self.posts.closed() => return,
                }
            }
        };
        if tokio::time::timeout(DRAIN_MAX, waiting).await.is_err() {
            tracing::warn!("an SMPP session ended with requests unanswered");
        }
    }

    fn post(&self, post: Post) {
        // A writer that has ended closes the connection; the next read notices.
        let _gone = self.posts.send(post);
    }

    /// Hands over what the last read held.
    async fn flush(&mut self) -> io::Result<()> {
        if !self.replies.is_empty() {
            let replies = std::mem::take(&mut self.replies);
            self.shared.owed.fetch_add(replies.len(), Ordering::Relaxed);
            self.post(Post::Octets(replies));
        }
        if self.batch.is_empty() {
            return Ok(());
        }
        let batch = std::mem::take(&mut self.batch);
        self.server.intake.take(batch).await.map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))
    }

    /// Deliveries whose answer is overdue: neither taken nor refused.
    async fn expire(&self) {
        let overdue = self.overdue();
        if !overdue.is_empty() {
            self.post(Post::Go);
            let _closed = self.server.intake.take(overdue).await;
        }
    }

    fn overdue(&self) -> Vec<Inbound> {
        let mut window = self.shared.window.lock().unwrap_or_else(PoisonError::into_inner);
        window
            .expire(socket::now().micros())
            .map(|(_, attempt)| Inbound::Outcome { attempt, outcome: Outcome::Unknown })
            .collect()
    }

    async fn frame(&mut self, frame: Frame<'_>, now: Timestamp) -> Goes {
        let header = frame.header;
        match verdict(&header, Party::Esme, self.state) {
            Verdict::Match => return self.response(&frame),
            Verdict::Ignore { strike } => return self.strike(strike),
            Verdict::Refuse { status, strike } => {
                pdu::answer(header.command, status, header.sequence, &mut self.replies);
                return self.strike(strike);
            }
            Verdict::Handle => match header.command {
                Command::SubmitSm => self.submit(&frame, now),
                Command::EnquireLink => {
                    pdu::encode_empty(
                        Command::EnquireLinkResp,
                        CommandStatus::ROK,
                        header.sequence,
                        &mut self.replies,
                    );
                }
                Command::DataSm => self.data(&frame, now),
                Command::SubmitMulti => self.multi(&frame, now),
                Command::QuerySm | Command::CancelSm | Command::ReplaceSm => self.ask(&frame, now),
                Command::BindTransmitter | Command::BindReceiver | Command::BindTransceiver => {
                    return self.bind(&frame, now).await;
                }
                Command::Unbind => {
                    self.retire().await;
                    // Answers first: the peer counts on them.
                    let _sent = self.flush().await;
                    self.drained().await;
                    pdu::encode_empty(
                        Command::UnbindResp,
                        CommandStatus::ROK,
                        header.sequence,
                        &mut self.replies,
                    );
                    return Goes::Ends;
                }
                // Cell broadcast is another trade.
                Command::BroadcastSm => {
                    pdu::answer(header.command, CommandStatus(0x10D), header.sequence, &mut self.replies)
                }
                Command::QueryBroadcastSm => {
                    pdu::answer(header.command, CommandStatus(0x10E), header.sequence, &mut self.replies)
                }
                Command::CancelBroadcastSm => {
                    pdu::answer(header.command, CommandStatus(0x10F), header.sequence, &mut self.replies)
                }
                other => pdu::answer(other, CommandStatus::RINVCMDID, header.sequence, &mut self.replies),
            },
        }
        Goes::On
    }

    fn strike(&mut self, counts: bool) -> Goes {
        if counts {
            self.strikes += 1;
            self.server.watch.malformed(false);
        }
        if self.strikes > self.server.settings.strikes_max { Goes::Ends } else { Goes::On }
    }

    pub(super) fn version(&self) -> Version {
        Version::from_octet(self.version.load(Ordering::Relaxed))
    }

    async fn bind(&mut self, frame: &Frame<'_>, now: Timestamp) -> Goes {
        let (command, sequence) = (frame.header.command, frame.header.sequence);
        let Some(kind) = BindKind::of(command) else { return Goes::On };
        if self.server.failures.is_barred(self.peer.ip(), now) {
            self.server.watch.auth_failed();
            return Goes::Ends;
        }
        let result = match Bind::decode(frame.body, Leniency::Lenient) {
            Ok(bind) => self.admit(&bind),
            Err(error) => {
                pdu::answer(command, error.status, sequence, &mut self.replies);
                return self.strike(true);
            }
        };
        match result {
            Ok((account, id, version)) => {
                self.version.store(version.octet(), Ordering::Relaxed);
                let _first = self.account.set(account.clone());
                let ours = version.min(self.server.settings.version);
                let system_id = self.server.settings.system_id.as_bytes();
                let _fits =
                    BindResp::encode_accepted(system_id, kind, ours, version, sequence, &mut self.replies);
                // The answer goes out before anything is delivered on the new session.
                let _sent = self.flush().await;
                self.state = bound_as(kind);
                self.timers.bound(now.micros());
                self.bound = Some((account.clone(), id));
                self.follow();
                if kind.receives() {
                    account.receive(id);
                    account.announce().await;
                }
                Goes::On
            }
            Err(refusal) => {
                if refusal.is_delayed() {
                    self.server.failures.count(self.peer.ip(), now);
                    self.server.watch.auth_failed();
                    tokio::time::sleep(self.server.settings.refusal_delay).await;
                }
                pdu::answer(command, refusal.status(&BindManners::default()), sequence, &mut self.replies);
                Goes::Ends
            }
        }
    }

    fn admit(&self, bind: &Bind<'_>) -> Result<(Arc<Account>, u64, Version), BindRefusal> {
        let account = self.server.account(bind.system_id).ok_or(BindRefusal::WrongSystemId)?;
        let settings = account.settings();
        if !(settings.allowed)(self.peer.ip()) {
            return Err(BindRefusal::WrongSystemId);
        }
        if !settings.password.accepts(bind.password) {
            return Err(BindRefusal::WrongPassword);
        }
        let version = Version::negotiate(
            settings.version_max.min(self.server.settings.version),
            Some(bind.interface_version),
        );
        let id = account.join(&self.posts, &self.ends).ok_or(BindRefusal::OverLimit)?;
        Ok((account, id, version))
    }

    /// The account's settings, once per PDU that needs them; an `Arc`, so this is cheap.
    pub(super) fn settings(&self) -> Option<Arc<AccountSettings>> {
        self.bound.as_ref().map(|(account, _)| account.settings())
    }

    /// The answer to a request of ours. One to nothing we wait for is late, and left alone.
    fn response(&mut self, frame: &Frame<'_>) -> Goes {
        match frame.header.command {
            Command::UnbindResp if self.unbinding.is_some() => return Goes::Ends,
            Command::DeliverSmResp | Command::GenericNack => {}
            _ => return Goes::On,
        }
        let mut window = self.shared.window.lock().unwrap_or_else(PoisonError::into_inner);
        let was_full = window.is_full();
        let Some(attempt) = window.complete(frame.header.sequence) else { return Goes::On };
        drop(window);
        let status = frame.header.status;
        let outcome = match (frame.header.command, status) {
            (Command::DeliverSmResp, CommandStatus::ROK) => Outcome::Sent(SmallVec::new()),
            _ => {
                let refusal = translate::outcome_refusal(status);
                self.server.watch.refused(&refusal);
                Outcome::Refused(refusal)
            }
        };
        self.timers.worked(socket::now().micros());
        self.batch.push(Inbound::Outcome { attempt, outcome });
        if was_full {
            self.post(Post::Go);
        }
        match (frame.header.command, nack_verdict(status)) {
            (Command::GenericNack, NackVerdict::Close) => Goes::Ends,
            _ => Goes::On,
        }
    }
}

/// The server is told to stop, or the account is gone.
async fn told(stop: &CancellationToken, ends: &CancellationToken) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = ends.cancelled() => {}
    }
}

const fn bound_as(kind: BindKind) -> State {
    match kind {
        BindKind::Transmitter => State::BoundTx,
        BindKind::Receiver => State::BoundRx,
        BindKind::Transceiver => State::BoundTrx,
    }
}
