//! A gateway's surroundings, made up: an intake that answers by script, a store with what a test puts in,
//! and real sockets in between.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use api::{
    Access, Account, Api, ChannelView, Directory, Federation, KeyHash, Limits, Messenger, Page, Pages,
    Paging, Pull, PullError, Reach, RenderedPage, Services,
};
use async_trait::async_trait;
use bytes::Bytes;
use engine::journal::{Batch, Chapter, Entry};
use http::{Request, StatusCode};
use kit::{Closed, HookError, HttpInbound, Intake, Session, Taken, Taking};
use model::{
    Address, Answer, Cause, ChannelId, ChannelKind, Class, Content, Duration, Inbound, MessageId, Number,
    Pii, Receipt, ReceiptState, ReceiptsWanted, SessionId, Submission, Timestamp, UpstreamId,
};
use store::{Bounds, Channel, Purged, Recovery, Search, Store, StoreError, StoreSize, UsageRow, Written};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub(crate) use crate::call::{Call, Reply};

pub(crate) const KEY: &str = "demo-key";
pub(crate) const OTHER_KEY: &str = "other-key";
pub(crate) const TOKEN: &str = "messenger-token";
pub(crate) const ACCOUNT: ChannelId = ChannelId(7);
pub(crate) const MESSENGER: ChannelId = ChannelId(9);
pub(crate) const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

/// What the intake does with an item: an answer, or silence.
pub(crate) type Script = Box<dyn FnMut(&Inbound) -> Option<Answer> + Send>;

#[derive(Default)]
pub(crate) struct FakeIntake {
    pub(crate) script: Mutex<Option<Script>>,
    pub(crate) seen: Mutex<Vec<Inbound>>,
    pub(crate) refusing: Mutex<Option<Cause>>,
    /// Items still taken before the intake closes.
    pub(crate) open_for: Mutex<Option<usize>>,
    pub(crate) takes: AtomicUsize,
    sessions: Mutex<HashMap<SessionId, Arc<dyn Session>>>,
    ids: AtomicU64,
}

impl FakeIntake {
    pub(crate) fn answer(&self, answers: Vec<(model::Ticket, Answer)>) {
        for (ticket, answer) in answers {
            let session = self.sessions.lock().unwrap().get(&ticket.session).cloned();
            if let Some(session) = session {
                session.answer(&mut vec![(ticket.token, answer)]);
            }
        }
    }

    pub(crate) fn sessions(&self) -> usize {
        self.sessions.lock().unwrap().len()
    }

    /// Ascending ids from 1001.
    pub(crate) fn next_id(&self) -> MessageId {
        MessageId::from_u64(1_001 + self.ids.fetch_add(1, Ordering::Relaxed)).unwrap()
    }

    pub(crate) fn submissions(&self) -> Vec<Arc<Submission>> {
        let seen = self.seen.lock().unwrap();
        seen.iter()
            .filter_map(|inbound| match inbound {
                Inbound::Submit { submission, .. } => Some(submission.clone()),
                _ => None,
            })
            .collect()
    }
}

pub(crate) fn ticket(inbound: &Inbound) -> model::Ticket {
    match inbound {
        Inbound::Submit { ticket, .. } | Inbound::Command { ticket, .. } => *ticket,
        Inbound::Receipt { ticket: Some(ticket), .. } => *ticket,
        other => panic!("no ticket in {other:?}"),
    }
}

impl Intake for FakeIntake {
    fn take(&self, batch: Vec<Inbound>) -> Taking<'_> {
        Box::pin(async move {
            self.takes.fetch_add(1, Ordering::Relaxed);
            for inbound in batch {
                if let Some(left) = self.open_for.lock().unwrap().as_mut() {
                    if *left == 0 {
                        return Err(Closed);
                    }
                    *left -= 1;
                }
                let scripted = self.script.lock().unwrap().as_mut().map(|script| script(&inbound));
                let answer = match scripted {
                    Some(answer) => answer,
                    None => Some(Answer::Accepted(self.next_id())),
                };
                if let Some(answer) = answer {
                    self.answer(vec![(ticket(&inbound), answer)]);
                }
                self.seen.lock().unwrap().push(inbound);
            }
            Ok(())
        })
    }

    fn closed_for_submissions(&self) -> Option<Cause> {
        *self.refusing.lock().unwrap()
    }

    fn open(&self, session: Arc<dyn Session>) -> SessionId {
        let mut sessions = self.sessions.lock().unwrap();
        let id = SessionId(sessions.len() as u64 + 1);
        sessions.insert(id, session);
        id
    }

    fn close(&self, session: SessionId) {
        self.sessions.lock().unwrap().remove(&session);
    }
}

#[derive(Default)]
pub(crate) struct FakeStore {
    pub(crate) histories: Mutex<HashMap<MessageId, Vec<Entry>>>,
    pub(crate) usage: Mutex<Vec<UsageRow>>,
    pub(crate) found: Mutex<Vec<MessageId>>,
    pub(crate) searched: Mutex<Vec<Search>>,
    pub(crate) failing: Mutex<bool>,
}

impl FakeStore {
    fn check(&self) -> Result<(), StoreError> {
        if *self.failing.lock().unwrap() {
            return Err(StoreError::Unavailable("secret path".into()));
        }
        Ok(())
    }
}

#[async_trait]
impl Store for FakeStore {
    async fn commit(&self, _: Arc<Batch>) -> Result<(), StoreError> {
        Err(StoreError::ReadOnly)
    }

    async fn recover(&self) -> Result<Recovery, StoreError> {
        Ok(Recovery::default())
    }

    async fn open_births(&self) -> Result<Vec<u64>, StoreError> {
        Ok(Vec::new())
    }

    async fn chapters(&self, _: &[u64]) -> Result<Vec<Chapter>, StoreError> {
        Ok(Vec::new())
    }

    async fn history(&self, message: MessageId) -> Result<Option<Vec<Entry>>, StoreError> {
        self.check()?;
        Ok(self.histories.lock().unwrap().get(&message).cloned())
    }

    async fn content(&self, _: MessageId) -> Result<Option<Content>, StoreError> {
        Ok(None)
    }

    async fn search(&self, query: &Search) -> Result<Vec<MessageId>, StoreError> {
        self.check()?;
        self.searched.lock().unwrap().push(query.clone());
        Ok(self.found.lock().unwrap().iter().copied().take(query.limit as usize).collect())
    }

    async fn usage(
        &self,
        after: u64,
        limit: u32,
        origin: Option<ChannelId>,
    ) -> Result<Vec<UsageRow>, StoreError> {
        self.check()?;
        let usage = self.usage.lock().unwrap();
        let wanted = usage
            .iter()
            .filter(|row| row.sequence > after && origin.is_none_or(|origin| row.record.origin == origin));
        Ok(wanted.take(limit as usize).cloned().collect())
    }

    async fn channel_id(&self, _: &str, _: ChannelKind) -> Result<ChannelId, StoreError> {
        Err(StoreError::ReadOnly)
    }

    async fn secret(&self, _: &str, _: [u8; 32]) -> Result<[u8; 32], StoreError> {
        Err(StoreError::ReadOnly)
    }

    async fn channels(&self) -> Result<Vec<Channel>, StoreError> {
        Ok(Vec::new())
    }

    async fn size(&self) -> Result<StoreSize, StoreError> {
        Ok(StoreSize::default())
    }

    async fn bounds(&self) -> Result<Bounds, StoreError> {
        Ok(Bounds::default())
    }

    async fn journal(&self, _: u64, _: u32) -> Result<Vec<Written>, StoreError> {
        Ok(Vec::new())
    }

    async fn purge(&self, _: Timestamp, _: Duration) -> Result<Purged, StoreError> {
        Err(StoreError::ReadOnly)
    }

    async fn close(&self) {}
}

/// Spells events as lines of `id:digits`; `!` is refused, `~` is ignored, `=7` is a receipt for 7.
pub(crate) struct Lines;

impl Federation for Lines {
    fn authenticate(&self, _: Timestamp, call: &Request<Bytes>) -> Result<(), HookError> {
        if call.headers().get("signature").is_some_and(|signature| signature == "good") {
            return Ok(());
        }
        Err(HookError {
            status: StatusCode::UNAUTHORIZED,
            code: "unauthorized",
            detail: "the signature does not fit".to_owned(),
        })
    }

    fn read(&self, now: Timestamp, call: &Request<Bytes>) -> Result<Vec<(String, HttpInbound)>, HookError> {
        if !call.headers().contains_key("authorization") {
            self.authenticate(now, call)?;
        }
        let lines = std::str::from_utf8(call.body()).map_err(|_| HookError {
            status: StatusCode::BAD_REQUEST,
            code: "malformed",
            detail: "not text".to_owned(),
        })?;
        let read = |line: &str| {
            let (id, what) = line.split_once(':').unwrap();
            let inbound = match what {
                "!" => HttpInbound::Refused {
                    id: id.to_owned(),
                    cause: Cause::BadDestination,
                    detail: "who?".to_owned(),
                },
                "~" => HttpInbound::Ignored { id: id.to_owned() },
                "panic" => panic!("010-1234-5678"),
                of if of.starts_with('=') => HttpInbound::Receipt(Receipt {
                    upstream: [UpstreamId(of.trim_start_matches('=').into())].into_iter().collect(),
                    state: ReceiptState::Delivered,
                    code: None,
                    at: None,
                    about: None,
                }),
                digits => HttpInbound::Submit(Box::new(submission(MESSENGER, "+8210", digits))),
            };
            (id.to_owned(), inbound)
        };
        Ok(lines.lines().map(read).collect())
    }

    fn reply(&self, answers: &[Taken]) -> http::Response<Bytes> {
        let line = |taken: &Taken| format!("{} {:?} {:?}\n", taken.id, taken.answer, taken.detail);
        http::Response::new(answers.iter().map(line).collect::<String>().into())
    }
}

/// A pull with two events and a memory of what was acknowledged.
#[derive(Default)]
pub(crate) struct Mailbox {
    pub(crate) acked: Mutex<Vec<String>>,
    pub(crate) arrived: Mutex<Vec<String>>,
    pub(crate) asked: Mutex<Vec<(Option<String>, usize, Duration)>>,
    pub(crate) endless: bool,
}

impl Pull for Mailbox {
    fn page<'a>(&'a self, cursor: Option<&'a str>, limit: usize, wait: Duration) -> Paging<'a> {
        self.asked.lock().unwrap().push((cursor.map(str::to_owned), limit, wait));
        Box::pin(async move {
            if self.endless {
                std::future::pending::<()>().await;
            }
            match cursor {
                Some("bad") => Err(PullError::BadCursor),
                _ => Ok(Page {
                    events: vec!["{\"id\":\"a\"}".into(), "{\"id\":\"b\"}".into()],
                    next: "2".into(),
                }),
            }
        })
    }

    fn ack(&self, cursor: &str) -> Result<(), PullError> {
        if cursor == "bad" {
            return Err(PullError::BadCursor);
        }
        self.acked.lock().unwrap().push(cursor.to_owned());
        Ok(())
    }

    fn arrived(&self, message: &str) {
        self.arrived.lock().unwrap().push(message.to_owned());
    }
}

pub(crate) struct FakeDirectory {
    pub(crate) mailbox: Arc<Mailbox>,
    pub(crate) pulls: bool,
    /// Of the demo account, and of the messenger.
    pub(crate) access: Access,
}

impl Default for FakeDirectory {
    fn default() -> Self {
        Self { mailbox: Arc::default(), pulls: true, access: Access::free() }
    }
}

impl FakeDirectory {
    fn messenger_there(&self) -> Arc<Messenger> {
        Arc::new(Messenger {
            channel: MESSENGER,
            name: "tictoc".into(),
            adapter: Arc::new(Lines),
            pull: self.pulls.then(|| self.mailbox.clone() as Arc<dyn Pull>),
            access: self.access.clone(),
        })
    }
}

impl Directory for FakeDirectory {
    fn account(&self, key: &KeyHash) -> Option<Arc<Account>> {
        let account = |channel, name: &str, access| {
            Some(Arc::new(Account { channel, name: name.into(), class: Class::Transactional, access }))
        };
        match key {
            key if *key == KeyHash::of(KEY.as_bytes()) => account(ACCOUNT, "demo", self.access.clone()),
            key if *key == KeyHash::of(OTHER_KEY.as_bytes()) => {
                account(ChannelId(8), "other", Access::free())
            }
            _ => None,
        }
    }

    fn messenger_by_key(&self, key: &KeyHash) -> Option<Arc<Messenger>> {
        (*key == KeyHash::of(TOKEN.as_bytes())).then(|| self.messenger_there())
    }

    fn messenger(&self, name: &str) -> Option<Arc<Messenger>> {
        (name == "tictoc").then(|| self.messenger_there())
    }

    fn channels(&self) -> Vec<ChannelView> {
        let view = |id, name: &str, kind, up| ChannelView {
            id: ChannelId(id),
            name: name.into(),
            kind,
            up,
            paused: false,
            room: 10,
            in_flight: 1,
            ready: 2,
            later: 3,
        };
        vec![
            view(1, "smsc-1", ChannelKind::Smsc, true),
            view(2, "smsc-2", ChannelKind::Smsc, false),
            view(7, "demo", ChannelKind::Http, true),
            view(9, "tictoc", ChannelKind::Messenger, true),
        ]
    }

    fn reach(&self, number: &Number) -> Reach {
        if number.digits.starts_with("8210") { Reach::Yes } else { Reach::No }
    }
}

pub(crate) fn submission(origin: ChannelId, from: &str, to: &str) -> Submission {
    Submission {
        id: None,
        origin,
        from: Pii::new(Address::Number(Number::written(from))),
        to: Pii::new(Address::Number(Number::written(to))),
        class: Class::Person,
        receipts: ReceiptsWanted::FINAL,
        received_at: NOW,
        scheduled_at: None,
        expires_at: None,
        reference: None,
        idempotency_key: None,
        carried: Bytes::new(),
        part: None,
        charging_id: None,
        elsewhere: None,
        content: Content::Text("hello".into()),
    }
}

/// A gateway with both listeners.
pub(crate) struct World {
    pub(crate) intake: Arc<FakeIntake>,
    pub(crate) store: Arc<FakeStore>,
    pub(crate) mailbox: Arc<Mailbox>,
    pub(crate) seen: Arc<Mutex<Vec<(String, u16)>>>,
    pub(crate) traffic: SocketAddr,
    pub(crate) management: SocketAddr,
    pub(crate) stopping: CancellationToken,
    pub(crate) served: Vec<tokio::task::JoinHandle<()>>,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut Services)) -> Self {
        Self::build(FakeDirectory::default(), change).await
    }

    pub(crate) async fn build(directory: FakeDirectory, change: impl FnOnce(&mut Services)) -> Self {
        let (intake, store) = (Arc::<FakeIntake>::default(), Arc::<FakeStore>::default());
        let mailbox = directory.mailbox.clone();
        let seen = Arc::<Mutex<Vec<(String, u16)>>>::default();
        let stopping = CancellationToken::new();
        let page = |status, body: &'static str| -> api::PageSource {
            Arc::new(move || RenderedPage { status, content_type: "text/plain", body: body.into() })
        };
        let randoms = AtomicU64::new(0);
        let mut services = Services {
            intake: intake.clone(),
            store: store.clone(),
            directory: Arc::new(directory),
            pages: Pages {
                metrics: page(StatusCode::OK, "gateway_up 1\n"),
                livez: page(StatusCode::OK, "ok"),
                readyz: page(StatusCode::SERVICE_UNAVAILABLE, "draining"),
            },
            now: Arc::new(|| NOW),
            random: Arc::new(move || 1_000_000 * randoms.fetch_add(1, Ordering::Relaxed) + 123_456),
            signals: Arc::new(|_, _| {}),
            files: None,
            find_event: Arc::new(|_, id| {
                Box::pin(async move { (id == "event-1").then(|| MessageId::from_u64(5_000)).flatten() })
            }),
            observe: {
                let seen = seen.clone();
                Arc::new(move |call| seen.lock().unwrap().push((call.path.to_owned(), call.status.as_u16())))
            },
            operators: Arc::new([]),
            public_url: Some("https://gw.example.kr".into()),
            stopping: stopping.clone(),
            limits: Limits::default(),
        };
        change(&mut services);
        let limits = services.limits.connections.clone();
        let api = Api::new(services);
        let mut served = Vec::new();
        let mut listen = async |router| {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            served.push(tokio::spawn(api::serve(listener, None, router, limits.clone(), stopping.clone())));
            address
        };
        let traffic = listen(api::traffic(&api)).await;
        let management = listen(api::management(&api)).await;
        Self { intake, store, mailbox, seen, traffic, management, stopping, served }
    }

    pub(crate) fn script(&self, script: impl FnMut(&Inbound) -> Option<Answer> + Send + 'static) {
        *self.intake.script.lock().unwrap() = Some(Box::new(script));
    }

    /// Everything answers the same.
    pub(crate) fn always(&self, answer: Answer) {
        self.script(move |_| Some(answer.clone()));
    }

    pub(crate) fn keep(
        &self,
        message: u64,
        origin: ChannelId,
        events: Vec<engine::journal::Event>,
    ) -> MessageId {
        let id = MessageId::from_u64(message).unwrap();
        let entry = |(n, event)| Entry { message: id, at: NOW + Duration::from_secs(n), event };
        let accepted = engine::journal::Event::Accepted(
            engine::journal::Accepted {
                submission: Arc::new(submission(origin, "15881234", "+821012345678")),
                plan: engine::journal::Plan {
                    legs: [ChannelId(1), ChannelId(2)].into_iter().collect(),
                    from: None,
                    to: None,
                },
                metered: billing::Metered {
                    charge_at: billing::ChargeAt::Submission,
                    service: billing::UsageService::Sms,
                    segments: 2,
                    octets: 100,
                    from: None,
                    to: None,
                    leg: 0,
                    replaces: None,
                },
                expires_at: NOW + Duration::from_secs(86_400),
            }
            .into(),
        );
        let life = (0..).zip(std::iter::once(accepted).chain(events)).map(entry).collect();
        self.store.histories.lock().unwrap().insert(id, life);
        id
    }

    /// A call with the demo account's key.
    pub(crate) async fn call(&self, method: &str, path: &str, body: &str) -> Reply {
        Call::new(method, path).key(KEY).json(body).send(self.traffic).await
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        Call::new("GET", path).key(KEY).send(self.traffic).await
    }

    /// A call of the messenger.
    pub(crate) async fn peer(&self, method: &str, path: &str, body: &str) -> Reply {
        Call::new(method, path).key(TOKEN).json(body).send(self.traffic).await
    }

    pub(crate) async fn operator(&self, method: &str, path: &str) -> Reply {
        Call::new(method, path).send(self.management).await
    }
}
