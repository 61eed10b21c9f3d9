//! The writing half of a session: answers and deliveries become octets, as many as are there in one write.

use std::{
    collections::HashMap,
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::BytesMut;
use kit::Intake;
use model::{Answer, AttemptId, Cause, Inbound, Outcome, Outgoing, Refusal, Retry, Standing};
use tokio::sync::{Notify, mpsc::UnboundedReceiver};

use super::{account::DELIVERIES_MAX, reader::Asked};
use crate::{
    Command, CommandStatus, Version,
    ids::IdText,
    pdu::{self, QuerySmResp, SubmitMultiResp, Unsuccessful},
    socket::{self, Writer},
    time,
    tlv::Tag,
    translate::{
        LinkText, deliver_message, deliver_report, message_state, status_of_answer, status_of_cause,
    },
    window::Window,
};

/// `congestion_state` over the agreed rate: 90 to 99 is nearing congestion.
const NEARING_CONGESTION: u8 = 95;
/// `congestion_state` with a full queue.
const CONGESTED: u8 = 100;

/// What the writer is given to do.
pub(super) enum Post {
    /// From the gateway, after the commit.
    Answers(Vec<(u64, Answer)>),
    /// Octets that the reader has made: refusals, enquire_link_resp.
    Octets(BytesMut),
    /// Messages and receipts for the ESME.
    Deliver(Vec<Outgoing>),
    /// Where a message stood that had ended; see [`kit::Lookup`].
    Looked(u32, Option<Standing>),
    /// Room in the window again.
    Go,
    /// Ask whether the peer is there.
    Enquire,
    /// We end the session.
    Unbind,
    /// Write what there is, then close.
    Close,
}

/// A peer that takes nothing for so long while we close is gone.
const SHUTDOWN_MAX: Duration = Duration::from_secs(5);

/// What a ticket's token says: the sequence number, which PDU it was, and which destination of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) sequence: u32,
    pub(super) request: Request,
    pub(super) index: u8,
    /// Tells requests apart that share a sequence number (row 26 of the SMS sheet §1.8).
    pub(super) turn: u16,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Request {
    Submit = 0,
    Data = 1,
    Multi = 2,
    Query = 3,
    Cancel = 4,
    Replace = 5,
}

impl Request {
    const ALL: [Self; 6] = [Self::Submit, Self::Data, Self::Multi, Self::Query, Self::Cancel, Self::Replace];

    const fn command(self) -> Command {
        match self {
            Self::Submit => Command::SubmitSm,
            Self::Data => Command::DataSm,
            Self::Multi => Command::SubmitMulti,
            Self::Query => Command::QuerySm,
            Self::Cancel => Command::CancelSm,
            Self::Replace => Command::ReplaceSm,
        }
    }
}

impl Token {
    pub(super) const fn encode(self) -> u64 {
        (self.turn as u64) << 48
            | (self.index as u64) << 40
            | (self.request as u64) << 32
            | self.sequence as u64
    }

    fn decode(token: u64) -> Option<Self> {
        let [t0, t1, index, request, s0, s1, s2, s3] = token.to_be_bytes();
        let request = *Request::ALL.get(usize::from(request))?;
        Some(Self {
            sequence: u32::from_be_bytes([s0, s1, s2, s3]),
            request,
            index,
            turn: u16::from_be_bytes([t0, t1]),
        })
    }
}

/// What both halves of a session share.
pub(super) struct Shared {
    /// Deliveries on their way.
    pub(super) window: Mutex<Window<AttemptId>>,
    /// Submissions not answered yet.
    pub(super) unanswered: AtomicUsize,
    /// Octets of the reader's own answers that are not written yet.
    pub(super) owed: AtomicUsize,
    /// Told when one of the two has shrunk.
    pub(super) answered: Notify,
    /// Set when the session is about to end: nothing more is delivered on it.
    pub(super) quiet: AtomicBool,
    /// By turn and sequence number.
    pub(super) multis: Mutex<HashMap<(u16, u32), Multi>>,
}

/// A `submit_multi` whose destinations are answered one by one.
pub(super) struct Multi {
    pub(super) left: usize,
    pub(super) id: Option<IdText>,
    /// TON, NPI and digits of each destination, for the list of those that failed.
    pub(super) destinations: Vec<(u8, u8, Vec<u8>)>,
    pub(super) failed: Vec<(usize, CommandStatus)>,
}

impl Shared {
    pub(super) fn new(response_us: i64) -> Self {
        Self {
            window: Mutex::new(Window::new(DELIVERIES_MAX, response_us)),
            unanswered: AtomicUsize::new(0),
            owed: AtomicUsize::new(0),
            answered: Notify::new(),
            quiet: AtomicBool::new(false),
            multis: Mutex::default(),
        }
    }
}

/// Everything a writer needs.
pub(super) struct WriterTask {
    pub(super) shared: Arc<Shared>,
    pub(super) posts: UnboundedReceiver<Post>,
    pub(super) writer: Writer,
    pub(super) intake: Arc<dyn Intake>,
    pub(super) version: Arc<std::sync::atomic::AtomicU8>,
    pub(super) account: Arc<std::sync::OnceLock<Arc<super::Account>>>,
    /// Deliveries that found the window full.
    waiting: std::collections::VecDeque<Outgoing>,
    /// Outcomes of deliveries that could not be written, not handed in yet.
    refused: Vec<Inbound>,
}

impl WriterTask {
    pub(super) fn new(
        shared: Arc<Shared>,
        posts: UnboundedReceiver<Post>,
        writer: Writer,
        intake: Arc<dyn Intake>,
        version: Arc<std::sync::atomic::AtomicU8>,
        account: Arc<std::sync::OnceLock<Arc<super::Account>>>,
    ) -> Self {
        Self {
            shared,
            posts,
            writer,
            intake,
            version,
            account,
            waiting: Default::default(),
            refused: Vec::new(),
        }
    }

    fn version(&self) -> Version {
        Version::from_octet(self.version.load(Ordering::Relaxed))
    }

    /// Runs until the connection breaks or is to be closed. What was not written is handed back.
    pub(super) async fn run(mut self) -> io::Result<()> {
        let result = self.write_all().await;
        // From here on nothing is sent: whatever waits certainly was not.
        self.posts.close();
        let mut unsent: Vec<Outgoing> = self.waiting.drain(..).collect();
        while let Ok(post) = self.posts.try_recv() {
            if let Post::Deliver(items) = post {
                unsent.extend(items);
            }
        }
        let refusal = Refusal { retry: Retry::Scheduled, ..Refusal::ours(Cause::LinkDown) };
        let mut outcomes = super::account::outcomes(unsent, &Outcome::Refused(refusal));
        // What was sent and not answered may have arrived.
        outcomes.extend(self.unanswered());
        outcomes.append(&mut self.refused);
        if !outcomes.is_empty() {
            let _closed = self.intake.take(outcomes).await;
        }
        result
    }

    fn unanswered(&self) -> Vec<Inbound> {
        let mut window = self.shared.window.lock().unwrap_or_else(PoisonError::into_inner);
        window.drain().map(|(_, attempt)| Inbound::Outcome { attempt, outcome: Outcome::Unknown }).collect()
    }

    async fn write_all(&mut self) -> io::Result<()> {
        let mut buffer = BytesMut::with_capacity(socket::READ_OCTETS);
        while let Some(first) = self.posts.recv().await {
            let (mut close, mut paid) = (false, 0);
            let mut post = Some(first);
            while let Some(item) = post {
                if let Post::Octets(octets) = &item {
                    paid += octets.len();
                }
                close |= self.take(item, &mut buffer);
                // A bounded write, so that answers do not wait behind a mountain of deliveries.
                post = if close || buffer.len() > 4 * socket::READ_OCTETS {
                    None
                } else {
                    self.posts.try_recv().ok()
                };
            }
            socket::write(&mut self.writer, &mut buffer).await?;
            if paid > 0 {
                self.shared.owed.fetch_sub(paid, Ordering::Relaxed);
                self.shared.answered.notify_one();
            }
            if !self.refused.is_empty() {
                let refused = std::mem::take(&mut self.refused);
                let _closed = self.intake.take(refused).await;
            }
            if close {
                let closing = tokio::io::AsyncWriteExt::shutdown(&mut self.writer);
                return tokio::time::timeout(SHUTDOWN_MAX, closing).await.unwrap_or(Ok(()));
            }
        }
        Ok(())
    }

    /// True when the connection is to be closed after writing.
    fn take(&mut self, post: Post, buffer: &mut BytesMut) -> bool {
        match post {
            Post::Octets(octets) => buffer.extend_from_slice(&octets),
            Post::Answers(answers) => self.answers(answers, buffer),
            Post::Deliver(items) => {
                self.waiting.extend(items);
                self.deliver(buffer);
            }
            Post::Go => self.deliver(buffer),
            Post::Looked(sequence, standing) => {
                let version = self.version();
                match standing {
                    Some(standing) => query_resp(sequence, &standing, version, buffer),
                    None => pdu::answer(Command::QuerySm, CommandStatus::RINVMSGID, sequence, buffer),
                }
                self.done(1);
            }
            Post::Enquire => self.ask(Command::EnquireLink, buffer),
            Post::Unbind => self.ask(Command::Unbind, buffer),
            Post::Close => return true,
        }
        false
    }

    fn ask(&self, command: Command, buffer: &mut BytesMut) {
        let sequence = self.shared.window.lock().unwrap_or_else(PoisonError::into_inner).sequence();
        pdu::encode_empty(command, CommandStatus::ROK, sequence, buffer);
    }

    fn answers(&mut self, answers: Vec<(u64, Answer)>, buffer: &mut BytesMut) {
        let version = self.version();
        let mut done = 0;
        for (token, answer) in answers {
            let Some(token) = Token::decode(token) else { continue };
            done += usize::from(self.spell(token, &answer, version, buffer));
        }
        self.done(done);
    }

    fn done(&self, count: usize) {
        if count > 0 {
            self.shared.unanswered.fetch_sub(count, Ordering::Relaxed);
            self.shared.answered.notify_one();
        }
    }

    /// True when the request has got its answer.
    fn spell(&mut self, token: Token, answer: &Answer, version: Version, buffer: &mut BytesMut) -> bool {
        let command = token.request.command();
        match (token.request, answer) {
            (Request::Multi, _) => return self.spell_multi(token, answer, version, buffer),
            (Request::Submit | Request::Data, Answer::Accepted(id) | Answer::Duplicate(id)) => {
                if let Some(id) = IdText::issue(id.as_u64()) {
                    let _fits = pdu::answer_with_id(command, token.sequence, id.as_bytes(), buffer);
                }
            }
            (Request::Query, Answer::Standing(standing)) => {
                query_resp(token.sequence, standing, version, buffer)
            }
            (Request::Cancel, Answer::Refused(_) | Answer::NotOpen | Answer::Count(0)) => {
                pdu::answer(command, CommandStatus::RCANCELFAIL, token.sequence, buffer);
            }
            (Request::Replace, Answer::Refused(_) | Answer::NotOpen) => {
                pdu::answer(command, CommandStatus::RREPLACEFAIL, token.sequence, buffer);
            }
            (_, answer) => {
                refused(command, status_of_answer(answer, version), token.sequence, version, buffer);
            }
        }
        true
    }

    fn spell_multi(
        &mut self,
        token: Token,
        answer: &Answer,
        version: Version,
        buffer: &mut BytesMut,
    ) -> bool {
        let mut multis = self.shared.multis.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(multi) = multis.get_mut(&(token.turn, token.sequence)) else { return false };
        match answer {
            // One id answers for all; it is that of the first destination that was accepted.
            Answer::Accepted(id) | Answer::Duplicate(id) => {
                if multi.id.is_none() {
                    multi.id = IdText::issue(id.as_u64());
                }
            }
            other => multi.failed.push((usize::from(token.index), status_of_answer(other, version))),
        }
        multi.left -= 1;
        if multi.left > 0 {
            return false;
        }
        if let Some(multi) = multis.remove(&(token.turn, token.sequence)) {
            multi.spell(token.sequence, buffer);
        }
        true
    }

    fn deliver(&mut self, buffer: &mut BytesMut) {
        if self.waiting.is_empty() || self.shared.quiet.load(Ordering::Relaxed) {
            return;
        }
        let text = self.account.get().map_or_else(LinkText::default, |account| account.settings().text);
        let (version, now) = (self.version(), socket::now().micros());
        let mut window = self.shared.window.lock().unwrap_or_else(PoisonError::into_inner);
        while !window.is_full() {
            let Some(item) = self.waiting.pop_front() else { break };
            let Some(attempt) = item.attempt() else { continue };
            let Ok(sequence) = window.insert(now, attempt) else { break };
            let written = match &item {
                Outgoing::Message(message) => deliver_message(message, &text, version, sequence, buffer),
                Outgoing::Report(report) => {
                    deliver_report(report, version, sequence, buffer).map_err(|_| Cause::TooLong)
                }
                // An ESME has what it answered for.
                Outgoing::Revoke(_) | Outgoing::Signal(_) => Err(Cause::Policy),
            };
            if let Err(cause) = written {
                window.complete(sequence);
                self.refused
                    .push(Inbound::Outcome { attempt, outcome: Outcome::Refused(Refusal::ours(cause)) });
            }
        }
    }

    /// Looks an ended message up and posts the answer to ourselves.
    pub(super) fn look_up(
        lookup: &Arc<dyn kit::Lookup>,
        own: &tokio::sync::mpsc::UnboundedSender<Post>,
        asked: Asked,
    ) {
        let (lookup, own) = (lookup.clone(), own.clone());
        tokio::spawn(async move {
            let standing = lookup.standing(asked.origin, asked.message, asked.from).await;
            let _gone = own.send(Post::Looked(asked.sequence, standing));
        });
    }
}

impl Multi {
    fn spell(self, sequence: u32, buffer: &mut BytesMut) {
        let Some(id) = self.id else {
            // None was accepted: the request as a whole failed, with the first reason.
            let status = self.failed.first().map_or(CommandStatus::RSUBMITFAIL, |(_, status)| *status);
            return pdu::answer(Command::SubmitMulti, status, sequence, buffer);
        };
        let failed: Vec<Unsuccessful<'_>> = self
            .failed
            .iter()
            .filter_map(|(index, status)| {
                let (ton, npi, digits) = self.destinations.get(*index)?;
                Some(Unsuccessful { address: pdu::Address { ton: *ton, npi: *npi, digits }, status: *status })
            })
            .collect();
        let response = SubmitMultiResp {
            message_id: Some(id.as_bytes()),
            unsuccessful: pdu::Listed::of(&failed),
            ..SubmitMultiResp::default()
        };
        let _fits = response.encode(CommandStatus::ROK, sequence, buffer);
    }
}

fn query_resp(sequence: u32, standing: &Standing, version: Version, buffer: &mut BytesMut) {
    let Some(id) = IdText::issue(standing.message.as_u64()) else { return };
    let date = time::absolute(standing.changed_at.micros(), 0);
    let response = QuerySmResp {
        message_id: id.as_bytes(),
        final_date: if standing.disposition.is_final() { &date } else { &[] },
        message_state: message_state(standing.disposition).for_peer(version).octet(),
        error_code: 0,
        ..QuerySmResp::default()
    };
    let _fits = response.encode(CommandStatus::ROK, sequence, buffer);
}

/// The status for a submission that is refused before the engine sees it.
/// A refusal. Who is slowed down and speaks 5.0 hears how full we are (SMPP 5.0 §4.8.4.18).
pub(super) fn refused(
    command: Command,
    status: CommandStatus,
    sequence: u32,
    version: Version,
    out: &mut BytesMut,
) {
    let congestion = match status {
        CommandStatus::RTHROTTLED => NEARING_CONGESTION,
        CommandStatus::RMSGQFUL => CONGESTED,
        _ => return pdu::answer(command, status, sequence, out),
    };
    if version < Version::V50 {
        return pdu::answer(command, status, sequence, out);
    }
    let _fits = pdu::answer_with(command, status, sequence, out, |tlvs| {
        tlvs.octet(Tag::CONGESTION_STATE, congestion).map(drop)
    });
}

pub(super) const fn refusal(cause: Cause, version: Version) -> CommandStatus {
    status_of_cause(cause, version)
}
