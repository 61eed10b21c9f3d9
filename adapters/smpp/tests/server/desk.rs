//! The gateway's side of the server: starts it, takes what it hands in, answers when told.

use std::{
    collections::HashMap,
    future::Future,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use kit::{Channel, Closed, Intake, Lookup, Session, Taking, Watch};
use model::{
    Address, Answer, AttemptId, Cause, ChannelId, Class, Command, Content, Disposition, For, Inbound,
    MessageId, Number, Outcome, Outgoing, OutgoingMessage, Pii, ReceiptsWanted, Refusal, Report, Retry,
    SessionId, Standing, Submission, Ticket, Timestamp,
};
use smpp::{
    Version,
    server::{Account, AccountSettings, PasswordCheck, Server, ServerSettings},
};
use tokio::{net::TcpListener, sync::mpsc, task::JoinHandle};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

/// Nothing here takes so long; a test that waits for it has failed.
const FAILED: Duration = Duration::from_secs(20);

/// Waits for what must happen.
pub(crate) async fn within<T>(what: &str, happens: impl Future<Output = T>) -> T {
    match tokio::time::timeout(FAILED, happens).await {
        Ok(happened) => happened,
        Err(_) => panic!("{what} did not happen"),
    }
}

pub(crate) const CHANNEL: ChannelId = ChannelId(9);

struct Taker {
    batches: mpsc::UnboundedSender<Vec<Inbound>>,
    rooms: mpsc::UnboundedSender<u32>,
    sessions: Mutex<HashMap<SessionId, Arc<dyn Session>>>,
    closed: Mutex<Option<Cause>>,
}

impl Intake for Taker {
    fn take(&self, batch: Vec<Inbound>) -> Taking<'_> {
        Box::pin(async move {
            if let [Inbound::Room { channel, room }] = batch[..] {
                assert_eq!(channel, CHANNEL);
                return self.rooms.send(room).map_err(|_| Closed);
            }
            self.batches.send(batch).map_err(|_| Closed)
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

#[derive(Default)]
struct Ended(Mutex<HashMap<MessageId, Standing>>);

/// Whoever sent the messages that have ended.
pub(crate) const ENDED_FROM: &str = "821000000001";

impl Lookup for Ended {
    fn standing(
        &self,
        origin: ChannelId,
        message: MessageId,
        from: Option<Pii<Number>>,
    ) -> kit::Standing<'_> {
        assert_eq!(origin, CHANNEL);
        if from.is_some_and(|from| from.reveal(For::Decision).digits != ENDED_FROM) {
            return Box::pin(async { None });
        }
        Box::pin(async move { self.0.lock().expect("no test panics with it").get(&message).cloned() })
    }
}

/// Counts what an operator is told.
#[derive(Default)]
pub(crate) struct Told {
    pub(crate) auth_failed: std::sync::atomic::AtomicUsize,
    pub(crate) refusing: Mutex<Vec<Cause>>,
}

impl Watch for Told {
    fn refusing(&self, cause: Cause) {
        self.refusing.lock().expect("no test panics with it").push(cause);
    }

    fn auth_failed(&self) {
        self.auth_failed.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    }
}

/// A running server with one account, and everything it hands in.
pub(crate) struct Desk {
    pub(crate) server: Arc<Server>,
    pub(crate) account: Arc<Account>,
    pub(crate) address: SocketAddr,
    pub(crate) told: Arc<Told>,
    taker: Arc<Taker>,
    ended: Arc<Ended>,
    batches: mpsc::UnboundedReceiver<Vec<Inbound>>,
    inbound: std::vec::IntoIter<Inbound>,
    rooms: mpsc::UnboundedReceiver<u32>,
    pub(crate) stop: CancellationToken,
    pub(crate) running: JoinHandle<std::io::Result<()>>,
}

pub(crate) fn account() -> AccountSettings {
    AccountSettings {
        system_types: Vec::new(),
        channel: CHANNEL,
        name: "esme".into(),
        system_id: "esme".into(),
        password: PasswordCheck::of(b"secret"),
        binds_max: 4,
        window: 1_000,
        rate: 0,
        allowed: Arc::new(|_| true),
        version_max: Version::V50,
        text: Default::default(),
        class: Class::Person,
    }
}

pub(crate) fn settings() -> ServerSettings {
    ServerSettings { refusal_delay: Duration::from_millis(10), ..ServerSettings::default() }
}

impl Desk {
    pub(crate) async fn start() -> Self {
        Self::with(settings(), account()).await
    }

    pub(crate) async fn with(settings: ServerSettings, account: AccountSettings) -> Self {
        Self::over(settings, account, None).await
    }

    pub(crate) async fn over(
        settings: ServerSettings,
        account: AccountSettings,
        tls: Option<Arc<dyn Fn() -> TlsAcceptor + Send + Sync>>,
    ) -> Self {
        let (batches_sender, batches) = mpsc::unbounded_channel();
        let (rooms_sender, rooms) = mpsc::unbounded_channel();
        let taker = Arc::new(Taker {
            batches: batches_sender,
            rooms: rooms_sender,
            sessions: Mutex::default(),
            closed: Mutex::default(),
        });
        let (ended, told) = (Arc::new(Ended::default()), Arc::new(Told::default()));
        let server = Server::new(settings, taker.clone(), ended.clone(), told.clone());
        let account = Account::new(account, taker.clone(), told.clone());
        server.set_accounts([account.clone()]);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
        let address = listener.local_addr().expect("bound");
        let stop = CancellationToken::new();
        let running = tokio::spawn(server.clone().serve(listener, tls, stop.clone()));
        let inbound = Vec::new().into_iter();
        Self { server, account, address, told, taker, ended, batches, inbound, rooms, stop, running }
    }

    /// From now on messages are not welcome.
    pub(crate) fn close(&self, cause: Option<Cause>) {
        *self.taker.closed.lock().expect("no test panics with it") = cause;
    }

    pub(crate) fn ended(&self, message: MessageId, disposition: Disposition) {
        let standing = standing(message, disposition);
        self.ended.0.lock().expect("no test panics with it").insert(message, standing);
    }

    pub(crate) async fn room(&mut self) -> u32 {
        within("a room", self.rooms.recv()).await.expect("the server runs")
    }

    pub(crate) async fn inbound(&mut self) -> Inbound {
        loop {
            if let Some(item) = self.inbound.next() {
                return item;
            }
            let batch = within("something inbound", self.batches.recv()).await.expect("the server runs");
            self.inbound = batch.into_iter();
        }
    }

    /// Whether nothing is there without waiting.
    pub(crate) fn nothing(&mut self) -> bool {
        self.inbound.len() == 0 && self.batches.is_empty()
    }

    pub(crate) async fn submitted(&mut self) -> (Arc<Submission>, Ticket) {
        match self.inbound().await {
            Inbound::Submit { submission, ticket } => (submission, ticket),
            other => panic!("no submission: {other:?}"),
        }
    }

    /// The next submission: its text, and where its answer goes.
    pub(crate) async fn text(&mut self) -> (String, Ticket) {
        let (submission, ticket) = self.submitted().await;
        let Content::Coded(coded) = &submission.content else { panic!("SMPP hands in octets") };
        (String::from_utf8_lossy(&coded.octets).into_owned(), ticket)
    }

    pub(crate) async fn asked(&mut self) -> (Command, Ticket) {
        match self.inbound().await {
            Inbound::Command { command, ticket } => (command, ticket),
            other => panic!("no command: {other:?}"),
        }
    }

    pub(crate) async fn outcome(&mut self) -> (u32, Outcome) {
        match self.inbound().await {
            Inbound::Outcome { attempt, outcome } => (attempt.slot, outcome),
            other => panic!("no outcome: {other:?}"),
        }
    }

    /// Answers as the engine does after its commit.
    pub(crate) fn answer(&self, ticket: Ticket, answer: Answer) {
        let session = self.taker.sessions.lock().expect("no test panics with it")[&ticket.session].clone();
        session.answer(&mut vec![(ticket.token, answer)]);
    }

    pub(crate) fn send(&self, items: Vec<Outgoing>) {
        self.account.send(items);
    }
}

pub(crate) fn id(number: u64) -> MessageId {
    MessageId::from_u64(number).expect("not zero")
}

pub(crate) fn accepted(number: u64) -> Answer {
    Answer::Accepted(id(number))
}

pub(crate) fn refused(cause: Cause) -> Answer {
    Answer::Refused(Refusal::ours(cause))
}

pub(crate) fn standing(message: MessageId, disposition: Disposition) -> Standing {
    Standing { message, disposition, cause: None, changed_at: Timestamp::from_secs(1_700_000_000) }
}

pub(crate) fn link_down() -> Outcome {
    Outcome::Refused(Refusal { retry: Retry::Scheduled, ..Refusal::ours(Cause::LinkDown) })
}

/// What a number reads as.
pub(crate) fn digits(address: &Pii<Address>) -> String {
    match address.reveal(For::Decision) {
        Address::Number(number) => number.digits.to_string(),
        Address::User(_) => panic!("SMPP hands in numbers"),
    }
}

fn submission(pair: u32, text: &str) -> Arc<Submission> {
    let number = |digits: u64| Pii::new(Address::Number(Number::written(&format!("+{digits}"))));
    Arc::new(Submission {
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
    })
}

/// The `slot`-th message, from the pair of people of that number.
pub(crate) fn message(slot: u32, pair: u32, text: &str) -> Outgoing {
    Outgoing::Message(OutgoingMessage {
        attempt: AttemptId { slot, generation: 3 },
        message: id(u64::from(slot) + 1),
        submission: submission(pair, text),
        from: None,
        to: None,
        concat_ref: 77,
        want_receipt: false,
        possible_duplicate: false,
    })
}

/// Messages of one pair, numbered from 0.
pub(crate) fn messages(count: u32) -> Vec<Outgoing> {
    (0..count).map(|slot| message(slot, 1, &format!("text {slot}"))).collect()
}

pub(crate) fn report(slot: u32, number: u64) -> Outgoing {
    Outgoing::Report(Report {
        attempt: AttemptId { slot, generation: 3 },
        message: id(number),
        submission: submission(1, "told"),
        disposition: Disposition::Delivered,
        cause: None,
        code: None,
        at: Timestamp::from_secs(1_700_000_000),
        segments: 1,
        displayed: false,
        intermediate: false,
        via: None,
    })
}
