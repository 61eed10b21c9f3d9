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
use model::{Answer, Inbound, MessageId, Number, Outcome, Pii, SessionId, Timestamp};
use smallvec::SmallVec;
use tokio::{io::AsyncReadExt, sync::mpsc::UnboundedSender};
use tokio_util::sync::CancellationToken;

use super::{
    Account, Server,
    account::AccountSettings,
    waiting::told,
    writer::{Post, Shared, WriterTask},
};
use crate::{
    Command, CommandStatus, Frame, Framer, Version,
    frame::End,
    pdu,
    session::{NackVerdict, Party, State, Timers, Verdict, nack_verdict, verdict},
    socket::{self, Reader, Writer},
    translate,
};

/// How long a closed connection is still read, so that what we said last is not torn away by a reset.
const LINGER: Duration = Duration::from_millis(500);

/// Answers of the gateway go straight to the writer.
struct Answers(UnboundedSender<Post>, Arc<Lookups>);

/// What looking up an ended message takes.
pub(super) struct Lookups {
    lookup: Arc<dyn kit::Lookup>,
    /// Queries under way.
    pub(super) asked: std::sync::Mutex<std::collections::HashMap<u64, Asked>>,
}

/// A query whose message may have ended.
pub(super) struct Asked {
    pub(super) origin: model::ChannelId,
    pub(super) message: MessageId,
    /// Who sent it, where the query says so.
    pub(super) from: Option<Pii<Number>>,
    pub(super) sequence: u32,
}

impl Session for Answers {
    fn answer(&self, answers: &mut Vec<(u64, Answer)>) {
        let mut asked = self.1.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if !asked.is_empty() {
            answers.retain(|(token, answer)| match (asked.remove(token), answer) {
                (Some(asked), Answer::NotOpen) => {
                    WriterTask::look_up(&self.1.lookup, &self.0, asked);
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
    pub(super) peer: SocketAddr,
    pub(super) session: SessionId,
    pub(super) shared: Arc<Shared>,
    pub(super) posts: UnboundedSender<Post>,
    pub(super) version: Arc<AtomicU8>,
    pub(super) lookups: Arc<Lookups>,
    pub(super) account: Arc<OnceLock<Arc<Account>>>,
    /// The account and our number among its sessions.
    pub(super) bound: Option<(Arc<Account>, u64)>,
    /// Submissions that may be unanswered.
    pub(super) window: usize,
    /// The account wants the session to end.
    pub(super) ends: CancellationToken,
    /// The server wants all to end.
    pub(super) stop: CancellationToken,
    /// We have sent `unbind`: until when its answer is waited for.
    pub(super) unbinding: Option<i64>,
    pub(super) state: State,
    pub(super) timers: Timers,
    pub(super) strikes: u32,
    pub(super) turns: u16,
    /// What this half answers by itself.
    pub(super) replies: BytesMut,
    pub(super) batch: Vec<Inbound>,
}

/// Whether the connection goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Goes {
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
            let Some(sleep) = self.sleep().await else { return Ok(()) };
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

    pub(super) fn post(&self, post: Post) {
        // A writer that has ended closes the connection; the next read notices.
        let _gone = self.posts.send(post);
    }

    /// Hands over what the last read held.
    pub(super) async fn flush(&mut self) -> io::Result<()> {
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

    pub(super) fn strike(&mut self, counts: bool) -> Goes {
        if counts {
            self.strikes += 1;
            self.server.watch.malformed(false);
        }
        if self.strikes > self.server.settings.strikes_max { Goes::Ends } else { Goes::On }
    }

    pub(super) fn version(&self) -> Version {
        Version::from_octet(self.version.load(Ordering::Relaxed))
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
