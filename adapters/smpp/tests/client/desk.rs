//! The gateway's side of the client: takes what it hands in, answers, and starts it.

use std::{
    collections::HashMap,
    future::Future,
    sync::{Arc, Mutex},
    time::Duration,
};

use kit::{Channel, Closed, Intake, Session, Taking, Unwatched};
use model::{
    Address, Answer, AttemptId, Cause, ChannelId, Class, Content, Inbound, MessageId, Number, Outcome,
    Outgoing, OutgoingMessage, Pii, ReceiptsWanted, Refusal, Retry, SessionId, Submission, Ticket, Timestamp,
    UpstreamId,
};
use smpp::client::{Client, ClientSettings, Password};
use tokio::{sync::mpsc, task::JoinHandle};
use tokio_util::sync::CancellationToken;

/// Nothing here takes so long; a test that waits for it has failed.
pub(crate) const FAILED: Duration = Duration::from_secs(20);

/// Waits for what must happen.
pub(crate) async fn within<T>(what: &str, happens: impl Future<Output = T>) -> T {
    match tokio::time::timeout(FAILED, happens).await {
        Ok(happened) => happened,
        Err(_) => panic!("{what} did not happen"),
    }
}

struct Taker {
    inbound: mpsc::UnboundedSender<Inbound>,
    rooms: mpsc::UnboundedSender<u32>,
    sessions: Mutex<HashMap<SessionId, Arc<dyn Session>>>,
    closed: Mutex<Option<Cause>>,
}

impl Intake for Taker {
    fn take(&self, batch: Vec<Inbound>) -> Taking<'_> {
        Box::pin(async move {
            for item in batch {
                match item {
                    Inbound::Room { channel, room } => {
                        assert_eq!(channel, CHANNEL);
                        self.rooms.send(room).map_err(|_| Closed)?;
                    }
                    other => self.inbound.send(other).map_err(|_| Closed)?,
                }
            }
            Ok(())
        })
    }

    fn closed_for_submissions(&self) -> Option<Cause> {
        *self.closed.lock().expect("no test panics with it")
    }

    fn open(&self, session: Arc<dyn Session>) -> SessionId {
        let mut sessions = self.sessions.lock().expect("no test panics with it");
        let id = SessionId(sessions.len() as u64 + 1);
        sessions.insert(id, session);
        id
    }

    fn close(&self, _: SessionId) {}
}

pub(crate) const CHANNEL: ChannelId = ChannelId(7);

/// A running client and everything it hands in.
pub(crate) struct Desk {
    pub(crate) client: Arc<Client>,
    taker: Arc<Taker>,
    inbound: mpsc::UnboundedReceiver<Inbound>,
    rooms: mpsc::UnboundedReceiver<u32>,
    pub(crate) stop: CancellationToken,
    pub(crate) running: JoinHandle<()>,
}

/// Settings with timers that do not slow a test down.
pub(crate) fn settings(address: String) -> ClientSettings {
    ClientSettings {
        reconnect_max: Duration::from_millis(20),
        ..ClientSettings::new(CHANNEL, "smsc-1", &address, "gateway", Password::new("secret"))
    }
}

impl Desk {
    pub(crate) fn start(settings: ClientSettings) -> Self {
        let (inbound_sender, inbound) = mpsc::unbounded_channel();
        let (rooms_sender, rooms) = mpsc::unbounded_channel();
        let taker = Arc::new(Taker {
            inbound: inbound_sender,
            rooms: rooms_sender,
            sessions: Mutex::default(),
            closed: Mutex::default(),
        });
        let client = Client::new(settings, taker.clone(), Arc::new(Unwatched));
        let stop = CancellationToken::new();
        let running = tokio::spawn(client.clone().run(stop.clone()));
        Self { client, taker, inbound, rooms, stop, running }
    }

    /// From now on messages are not welcome.
    pub(crate) fn close(&self, cause: Cause) {
        *self.taker.closed.lock().expect("no test panics with it") = Some(cause);
    }

    pub(crate) async fn room(&mut self) -> u32 {
        within("a room", self.rooms.recv()).await.expect("the client runs")
    }

    /// Waits until just this room is announced.
    pub(crate) async fn room_is(&mut self, expected: u32) {
        while self.room().await != expected {}
    }

    pub(crate) async fn inbound(&mut self) -> Inbound {
        within("something inbound", self.inbound.recv()).await.expect("the client runs")
    }

    pub(crate) async fn outcome(&mut self) -> (u32, Outcome) {
        match self.inbound().await {
            Inbound::Outcome { attempt, outcome } => (attempt.slot, outcome),
            other => panic!("no outcome: {other:?}"),
        }
    }

    /// Outcomes that are there without waiting.
    pub(crate) fn all(&mut self) -> Vec<(u32, Outcome)> {
        let mut outcomes = Vec::new();
        while let Ok(item) = self.inbound.try_recv() {
            let Inbound::Outcome { attempt, outcome } = item else { panic!("no outcome: {item:?}") };
            outcomes.push((attempt.slot, outcome));
        }
        outcomes
    }

    /// Whether nothing is there without waiting.
    pub(crate) fn nothing(&mut self) -> bool {
        self.inbound.try_recv().is_err()
    }

    /// Answers as the engine does after its commit.
    pub(crate) fn answer(&self, ticket: Ticket, answer: Answer) {
        let session = self.taker.sessions.lock().expect("no test panics with it")[&ticket.session].clone();
        session.answer(&mut vec![(ticket.token, answer)]);
    }

    pub(crate) fn send(&self, messages: Vec<Outgoing>) {
        self.client.send(messages);
    }
}

/// The `slot`-th message, from the pair of people of that number.
pub(crate) fn message(slot: u32, pair: u32, text: &str) -> Outgoing {
    let submission = Submission {
        id: None,
        origin: ChannelId(1),
        from: number(821_000_000_000 + u64::from(pair)),
        to: number(821_090_000_000 + u64::from(pair)),
        class: Class::Person,
        receipts: ReceiptsWanted::FINAL,
        received_at: Timestamp::ZERO,
        scheduled_at: None,
        expires_at: None,
        reference: None,
        idempotency_key: None,
        carried: Default::default(),
        part: None,
        charging_id: None,
        elsewhere: None,
        content: Content::Text(text.into()),
    };
    Outgoing::Message(OutgoingMessage {
        attempt: attempt(slot),
        message: MessageId::from_u64(u64::from(slot) + 1).expect("not zero"),
        submission: Arc::new(submission),
        from: None,
        to: None,
        concat_ref: 77,
        want_receipt: true,
        possible_duplicate: false,
    })
}

/// Messages of one pair, numbered from 0.
pub(crate) fn messages(count: u32) -> Vec<Outgoing> {
    (0..count).map(|slot| message(slot, 1, &format!("text {slot}"))).collect()
}

pub(crate) fn attempt(slot: u32) -> AttemptId {
    AttemptId { slot, generation: 3 }
}

fn number(digits: u64) -> Pii<Address> {
    Pii::new(Address::Number(Number::written(&format!("+{digits}"))))
}

pub(crate) fn sent(ids: &[&str]) -> Outcome {
    Outcome::Sent(ids.iter().map(|id| UpstreamId((*id).into())).collect())
}

pub(crate) fn link_down() -> Outcome {
    Outcome::Refused(Refusal { retry: Retry::Scheduled, ..Refusal::ours(Cause::LinkDown) })
}
