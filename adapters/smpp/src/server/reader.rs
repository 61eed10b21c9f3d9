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
use model::{Answer, Cause, Command as Ask, Inbound, MessageId, Outcome, Pii, SessionId, Submission, Ticket, Timestamp};
use smallvec::SmallVec;
use tokio::{io::AsyncReadExt, sync::mpsc::UnboundedSender};
use tokio_util::sync::CancellationToken;

use super::{
    Account, Server,
    account::AccountSettings,
    writer::{Multi, Post, Request, Shared, Token, WriterTask, refusal},
};
use crate::{
    Command, CommandStatus, Frame, Framer, Version,
    frame::End,
    pdu::{self, Bind, BindKind, BindResp, CancelSm, DataSm, Destination, QuerySm, ReplaceSm, SubmitMulti, SubmitSm},
    session::{BindManners, BindRefusal, Due, Party, State, Timers, Verdict, after_request, verdict},
    socket::{self, Reader, Writer},
    tlv::Leniency,
    translate,
};

/// How long a session may take to finish what it has in hand.
const DRAIN_MAX: Duration = Duration::from_secs(10);

/// Answers of the gateway go straight to the writer.
struct Answers(UnboundedSender<Post>, Arc<Lookups>);

/// What looking up an ended message takes.
struct Lookups {
    lookup: Arc<dyn kit::Lookup>,
    /// Queries under way: sequence and message.
    asked: std::sync::Mutex<std::collections::HashMap<u64, (model::ChannelId, MessageId, u32)>>,
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
pub(super) async fn run(server: &Server, reader: Reader, writer: Writer, peer: SocketAddr, stop: CancellationToken) -> io::Result<()> {
    let (posts, received) = tokio::sync::mpsc::unbounded_channel();
    let shared = Arc::new(Shared::new(server.settings.timers.response_us));
    let version = Arc::new(AtomicU8::new(Version::V33.octet()));
    let account = Arc::new(OnceLock::new());
    let writing = WriterTask::new(shared.clone(), received, writer, server.intake.clone(), version.clone(), account.clone());
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
        state: State::Open,
        timers: Timers::new(socket::now().micros(), server.settings.timers),
        strikes: 0,
        replies: BytesMut::new(),
        batch: Vec::new(),
    };
    let result = connection.read_all(reader, stop).await;
    if let Some((account, id)) = connection.bound.take() {
        account.leave(id);
        let _closed = server.intake.take(vec![account.room()]).await;
    }
    server.intake.close(session);
    let _gone = posts.send(Post::Close);
    drop((connection, posts));
    let written = writing.await.unwrap_or(Ok(()));
    result.and(written)
}

struct Connection<'a> {
    server: &'a Server,
    peer: SocketAddr,
    session: SessionId,
    shared: Arc<Shared>,
    posts: UnboundedSender<Post>,
    version: Arc<AtomicU8>,
    lookups: Arc<Lookups>,
    account: Arc<OnceLock<Arc<Account>>>,
    /// The account and our number among its sessions.
    bound: Option<(Arc<Account>, u64)>,
    state: State,
    timers: Timers,
    strikes: u32,
    /// What this half answers by itself.
    replies: BytesMut,
    batch: Vec<Inbound>,
}

/// Whether the connection goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Goes {
    On,
    Ends,
}

impl Connection<'_> {
    async fn read_all(&mut self, mut reader: Reader, stop: CancellationToken) -> io::Result<()> {
        let framer = Framer::new(self.server.settings.pdu_octets_max);
        let mut buffer = BytesMut::with_capacity(socket::READ_OCTETS);
        let mut stopping = false;
        loop {
            self.has_room().await;
            if buffer.capacity() - buffer.len() < socket::READ_OCTETS / 4 {
                buffer.reserve(socket::READ_OCTETS);
            }
            let sleep = match self.timers.due(socket::now().micros()) {
                Due::Nothing { until_us } => Duration::from_micros(u64::try_from(until_us - socket::now().micros()).unwrap_or(1)),
                due => {
                    if self.timer(due) == Goes::Ends {
                        return Ok(());
                    }
                    continue;
                }
            };
            let read = tokio::select! {
                read = reader.read_buf(&mut buffer) => read?,
                () = tokio::time::sleep(sleep.min(Duration::from_secs(1))) => {
                    self.expire().await;
                    continue;
                }
                () = stop.cancelled(), if !stopping => {
                    stopping = true;
                    self.drained().await;
                    self.post(Post::Unbind);
                    continue;
                }
            };
            if read == 0 {
                return Ok(());
            }
            let frames = framer.cut(&mut buffer);
            let now = socket::now();
            let mut goes = Goes::On;
            for frame in frames.frames() {
                goes = self.frame(frame, now).await;
                if goes == Goes::Ends {
                    break;
                }
            }
            self.timers.heard(now.micros(), !frames.is_empty(), !buffer.is_empty());
            self.flush().await?;
            if goes == Goes::Ends {
                self.drained().await;
                return Ok(());
            }
            if let End::Broken(error) = frames.end() {
                self.server.watch.malformed(true);
                tracing::info!(speaks = ?error.speaks, length = error.command_length, "an SMPP connection lost its framing and is closed");
                let answer = error.answer();
                pdu::encode_empty(answer.command, answer.status, answer.sequence, &mut self.replies);
                self.flush().await?;
                return Ok(());
            }
        }
    }

    /// Waits until the peer may have more submissions unanswered. The socket is not read meanwhile, and the
    /// peer feels it.
    async fn has_room(&self) {
        let Some((account, _)) = &self.bound else { return };
        let window = account.settings().window.max(1);
        while self.shared.unanswered.load(Ordering::Relaxed) >= window {
            let answered = self.shared.answered.notified();
            if self.shared.unanswered.load(Ordering::Relaxed) < window {
                return;
            }
            answered.await;
        }
    }

    /// Everything asked is answered, or it took too long.
    async fn drained(&self) {
        let waiting = async {
            while self.shared.unanswered.load(Ordering::Relaxed) > 0 {
                let answered = self.shared.answered.notified();
                if self.shared.unanswered.load(Ordering::Relaxed) == 0 {
                    return;
                }
                answered.await;
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
            self.post(Post::Octets(replies));
        }
        if self.batch.is_empty() {
            return Ok(());
        }
        let batch = std::mem::take(&mut self.batch);
        self.server.intake.take(batch).await.map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))
    }

    fn timer(&mut self, due: Due) -> Goes {
        let now = socket::now().micros();
        match due {
            Due::Nothing { .. } => Goes::On,
            Due::Enquire => {
                self.timers.enquired(now);
                self.post(Post::Enquire);
                Goes::On
            }
            Due::Inactive => {
                self.post(Post::Unbind);
                Goes::Ends
            }
            Due::NotBound | Due::Stalled | Due::Silent => Goes::Ends,
        }
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
            Verdict::Match => self.response(&frame),
            Verdict::Ignore { strike } => return self.strike(strike),
            Verdict::Refuse { status, strike } => {
                pdu::answer(header.command, status, header.sequence, &mut self.replies);
                return self.strike(strike);
            }
            Verdict::Handle => match header.command {
                Command::SubmitSm => self.submit(&frame, now),
                Command::EnquireLink => {
                    pdu::encode_empty(Command::EnquireLinkResp, CommandStatus::ROK, header.sequence, &mut self.replies);
                }
                Command::DataSm => self.data(&frame, now),
                Command::SubmitMulti => self.multi(&frame, now),
                Command::QuerySm | Command::CancelSm | Command::ReplaceSm => self.ask(&frame, now),
                Command::BindTransmitter | Command::BindReceiver | Command::BindTransceiver => return self.bind(&frame, now).await,
                Command::Unbind => {
                    self.state = after_request(Command::Unbind, self.state);
                    // Answers first: the peer counts on them.
                    let _sent = self.flush().await;
                    self.drained().await;
                    pdu::encode_empty(Command::UnbindResp, CommandStatus::ROK, header.sequence, &mut self.replies);
                    return Goes::Ends;
                }
                // Cell broadcast is another trade.
                Command::BroadcastSm => pdu::answer(header.command, CommandStatus(0x10D), header.sequence, &mut self.replies),
                Command::QueryBroadcastSm => pdu::answer(header.command, CommandStatus(0x10E), header.sequence, &mut self.replies),
                Command::CancelBroadcastSm => pdu::answer(header.command, CommandStatus(0x10F), header.sequence, &mut self.replies),
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

    fn version(&self) -> Version {
        Version::from_octet(self.version.load(Ordering::Relaxed))
    }

    async fn bind(&mut self, frame: &Frame<'_>, now: Timestamp) -> Goes {
        let (command, sequence) = (frame.header.command, frame.header.sequence);
        let Some(kind) = BindKind::of(command) else { return Goes::On };
        let result = match Bind::decode(frame.body, Leniency::Lenient) {
            Ok(bind) => self.admit(&bind, now),
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
                let _fits = BindResp::encode_accepted(system_id, kind, ours, version, sequence, &mut self.replies);
                // The answer goes out before anything is delivered on the new session.
                let _sent = self.flush().await;
                self.state = bound_as(kind);
                self.timers.bound(now.micros());
                if kind.receives() {
                    account.receive(id);
                    self.batch.push(account.room());
                }
                self.bound = Some((account, id));
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

    fn admit(&self, bind: &Bind<'_>, now: Timestamp) -> Result<(Arc<Account>, u64, Version), BindRefusal> {
        if self.server.failures.is_barred(self.peer.ip(), now) {
            return Err(BindRefusal::WrongPassword);
        }
        let account = self.server.account(bind.system_id).ok_or(BindRefusal::WrongSystemId)?;
        let settings = account.settings();
        if !(settings.allowed)(self.peer.ip()) {
            return Err(BindRefusal::WrongSystemId);
        }
        if !settings.password.accepts(bind.password) {
            return Err(BindRefusal::WrongPassword);
        }
        let version = Version::negotiate(settings.version_max.min(self.server.settings.version), Some(bind.interface_version));
        let id = account.join(&self.posts).ok_or(BindRefusal::OverLimit)?;
        Ok((account, id, version))
    }

    /// The account's settings, once per PDU that needs them; an `Arc`, so this is cheap.
    fn settings(&self) -> Option<Arc<AccountSettings>> {
        self.bound.as_ref().map(|(account, _)| account.settings())
    }

    /// Why a submission is refused before it is read: the gateway takes none, or the account is too fast.
    fn gate(&self, now: Timestamp) -> Option<Cause> {
        if let Some(cause) = self.server.intake.closed_for_submissions() {
            return Some(cause);
        }
        let (account, _) = self.bound.as_ref()?;
        let mut bucket = account.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        bucket.as_mut().and_then(|bucket| bucket.take(now.micros(), 1).err()).map(|_| Cause::Throttled)
    }

    fn submit(&mut self, frame: &Frame<'_>, now: Timestamp) {
        self.timers.worked(now.micros());
        let (command, sequence) = (frame.header.command, frame.header.sequence);
        let version = self.version();
        if let Some(cause) = self.gate(now) {
            self.server.watch.refusing(cause);
            return pdu::answer(command, refusal(cause, version), sequence, &mut self.replies);
        }
        let Some(settings) = self.settings() else { return };
        let from = from(&settings, version, now);
        let submission = SubmitSm::decode(frame.body, Leniency::Lenient)
            .map_err(|error| error.status)
            .and_then(|pdu| translate::submission_of_submit(&pdu, &from));
        self.submission(submission, command, Request::Submit, sequence);
    }

    fn data(&mut self, frame: &Frame<'_>, now: Timestamp) {
        self.timers.worked(now.micros());
        let (command, sequence) = (frame.header.command, frame.header.sequence);
        let version = self.version();
        if let Some(cause) = self.gate(now) {
            return pdu::answer(command, refusal(cause, version), sequence, &mut self.replies);
        }
        let Some(settings) = self.settings() else { return };
        let from = from(&settings, version, now);
        let submission = DataSm::decode(frame.body, Leniency::Lenient)
            .map_err(|error| error.status)
            .and_then(|pdu| translate::submission_of_data(&pdu, &from));
        self.submission(submission, command, Request::Data, sequence);
    }

    fn submission(&mut self, submission: Result<Arc<Submission>, CommandStatus>, command: Command, request: Request, sequence: u32) {
        match submission {
            Ok(submission) => {
                let ticket = self.ticket(Token { sequence, request, index: 0 });
                self.shared.unanswered.fetch_add(1, Ordering::Relaxed);
                self.batch.push(Inbound::Submit { submission, ticket });
            }
            Err(status) => {
                self.server.watch.malformed(false);
                pdu::answer(command, status, sequence, &mut self.replies);
            }
        }
    }

    const fn ticket(&self, token: Token) -> Ticket {
        Ticket { session: self.session, token: token.encode() }
    }

    fn multi(&mut self, frame: &Frame<'_>, now: Timestamp) {
        self.timers.worked(now.micros());
        let (command, sequence) = (frame.header.command, frame.header.sequence);
        let version = self.version();
        if let Some(cause) = self.gate(now) {
            return pdu::answer(command, refusal(cause, version), sequence, &mut self.replies);
        }
        let Some(settings) = self.settings() else { return };
        let from = from(&settings, version, now);
        let decoded = SubmitMulti::decode(frame.body, Leniency::Lenient)
            .and_then(|pdu| pdu.check_destinations(version, usize::MAX).map(|()| pdu));
        let pdu = match decoded {
            Ok(pdu) => pdu,
            Err(error) => {
                self.server.watch.malformed(false);
                return pdu::answer(command, error.status, sequence, &mut self.replies);
            }
        };
        let mut multi = Multi { left: 0, id: None, destinations: Vec::new(), failed: Vec::new() };
        let mut submissions: SmallVec<[(u8, Arc<Submission>); 8]> = SmallVec::new();
        for (index, destination) in (0_u8..=u8::MAX).zip(pdu.destinations.iter()) {
            let outcome = match destination {
                Destination::Address(address) => {
                    multi.destinations.push((address.ton, address.npi, address.digits.to_vec()));
                    translate::submission_of_multi(&pdu, address, &from)
                }
                Destination::List(name) => {
                    multi.destinations.push((0, 0, name.to_vec()));
                    Err(CommandStatus::RINVDLNAME)
                }
            };
            match outcome {
                Ok(submission) => submissions.push((index, submission)),
                Err(status) => multi.failed.push((usize::from(index), status)),
            }
        }
        if submissions.is_empty() {
            let status = multi.failed.first().map_or(CommandStatus::RSUBMITFAIL, |(_, status)| *status);
            return pdu::answer(command, status, sequence, &mut self.replies);
        }
        multi.left = submissions.len();
        self.shared.multis.lock().unwrap_or_else(PoisonError::into_inner).insert(sequence, multi);
        self.shared.unanswered.fetch_add(1, Ordering::Relaxed);
        for (index, submission) in submissions {
            let ticket = self.ticket(Token { sequence, request: Request::Multi, index });
            self.batch.push(Inbound::Submit { submission, ticket });
        }
    }

    /// query_sm, cancel_sm, replace_sm.
    fn ask(&mut self, frame: &Frame<'_>, now: Timestamp) {
        let (command, sequence) = (frame.header.command, frame.header.sequence);
        let Some(settings) = self.settings() else { return };
        let origin = settings.channel;
        let number = |address: pdu::Address<'_>| {
            Pii::new(model::Number {
                ton: model::Ton(address.ton),
                npi: model::Npi(address.npi),
                digits: String::from_utf8_lossy(address.digits).into(),
            })
        };
        let id = |text: &[u8]| std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).ok_or(CommandStatus::RINVMSGID);
        let asked: Result<(Request, Ask), CommandStatus> = match command {
            Command::QuerySm => QuerySm::decode(frame.body, Leniency::Lenient).map_err(|e| e.status).and_then(|pdu| {
                let message: MessageId = id(pdu.message_id)?;
                let from = (!pdu.source.digits.is_empty()).then(|| number(pdu.source));
                Ok((Request::Query, Ask::Query { origin, message, from }))
            }),
            Command::CancelSm => CancelSm::decode(frame.body, Leniency::Lenient).map_err(|e| e.status).and_then(|pdu| {
                if pdu.message_id.is_empty() {
                    let (from, to) = (number(pdu.source), number(pdu.destination));
                    return Ok((Request::Cancel, Ask::CancelMatching { origin, from, to }));
                }
                Ok((Request::Cancel, Ask::Cancel { origin, message: id(pdu.message_id)? }))
            }),
            _ => ReplaceSm::decode(frame.body, Leniency::Lenient).map_err(|e| e.status).and_then(|pdu| {
                let message = id(pdu.message_id)?;
                let (content, scheduled_at, expires_at) = translate::replacement(&pdu, &from(&settings, self.version(), now))?;
                Ok((Request::Replace, Ask::Replace { origin, message, content, scheduled_at, expires_at }))
            }),
        };
        match asked {
            Ok((request, ask)) => {
                let ticket = self.ticket(Token { sequence, request, index: 0 });
                if let Ask::Query { origin, message, .. } = &ask {
                    let mut asked = self.lookups.asked.lock().unwrap_or_else(PoisonError::into_inner);
                    asked.insert(ticket.token, (*origin, *message, sequence));
                }
                self.shared.unanswered.fetch_add(1, Ordering::Relaxed);
                self.batch.push(Inbound::Command { command: ask, ticket });
            }
            Err(status) => pdu::answer(command, status, sequence, &mut self.replies),
        }
    }

    /// The answer to a delivery of ours.
    fn response(&mut self, frame: &Frame<'_>) {
        let mut window = self.shared.window.lock().unwrap_or_else(PoisonError::into_inner);
        let was_full = window.is_full();
        let Some(attempt) = window.complete(frame.header.sequence) else { return };
        drop(window);
        let outcome = match frame.header.status {
            CommandStatus::ROK => Outcome::Sent(SmallVec::new()),
            status => Outcome::Refused(translate::outcome_refusal(status)),
        };
        self.timers.worked(socket::now().micros());
        self.batch.push(Inbound::Outcome { attempt, outcome });
        if was_full {
            self.post(Post::Go);
        }
    }
}

fn from(settings: &AccountSettings, version: Version, now: Timestamp) -> translate::From<'_> {
    translate::From { origin: settings.channel, text: &settings.text, class: settings.class, version, now }
}

const fn bound_as(kind: BindKind) -> State {
    match kind {
        BindKind::Transmitter => State::BoundTx,
        BindKind::Receiver => State::BoundRx,
        BindKind::Transceiver => State::BoundTrx,
    }
}
