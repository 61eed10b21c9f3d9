//! The driver against servers on real loopback sockets.

mod pull;
mod push;
mod server;

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicI64, Ordering},
};

use bytes::Bytes;
use kit::{Channel, Closed, Intake, Session, Taking};
use messengers::{Account, Secret, webhook::Webhook};
use model::{
    Address, AttemptId, Cause, ChannelId, Class, Content, Duration, Inbound, MessageId, Number, Outcome,
    Outgoing, OutgoingMessage, Pii, ReceiptsWanted, SessionId, Submission, Timestamp, User,
};
use tokio::{sync::mpsc, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use super::{ClientSettings, Push, PushSettings};

const SECRET: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3";
pub(super) const START_S: i64 = 1_772_410_353;

/// The gateway's side: everything handed in comes out of a queue.
struct Gateway(mpsc::UnboundedSender<Inbound>);

impl Intake for Gateway {
    fn take(&self, batch: Vec<Inbound>) -> Taking<'_> {
        for inbound in batch {
            self.0.send(inbound).ok();
        }
        Box::pin(async { Ok::<(), Closed>(()) })
    }

    fn closed_for_submissions(&self) -> Option<Cause> {
        None
    }

    fn open(&self, _: Arc<dyn Session>) -> SessionId {
        SessionId(1)
    }

    fn close(&self, _: SessionId) {}
}

/// A driver at work.
struct Bench {
    push: Arc<Push>,
    inbound: mpsc::UnboundedReceiver<Inbound>,
    stop: CancellationToken,
    task: JoinHandle<()>,
    /// Seconds of the driver's clock.
    clock: Arc<AtomicI64>,
    /// Outcomes that came while something else was waited for.
    early: Mutex<Vec<(u32, Outcome)>>,
}

impl Bench {
    /// Pushes to `url` if there is one, and offers pulling if `pull`.
    fn start(url: Option<&str>, pull: bool, change: impl FnOnce(&mut PushSettings)) -> Self {
        let webhook = Arc::new(Webhook::new(Account {
            channel: ChannelId(7),
            name: "tictoc".into(),
            credentials: Vec::new(),
            push_url: url.map(|url| url.parse().unwrap()),
            push_secret: Some(Secret::parse(SECRET).unwrap()),
        }));
        let clock = Arc::new(AtomicI64::new(START_S));
        let now = {
            let clock = clock.clone();
            Arc::new(move || Timestamp::from_secs(clock.load(Ordering::Relaxed)))
        };
        let mut settings = PushSettings::new(ChannelId(7), webhook.clone(), now, Arc::new(|| 0));
        settings.push = url.map(|_| ClientSettings {
            allow_private_addresses: true,
            connect_timeout: Duration::from_secs(5),
            ..ClientSettings::default()
        });
        settings.pull = pull.then(|| -> super::Spell {
            Arc::new(move |now, outgoing| webhook.event(now, outgoing).map(Bytes::from))
        });
        change(&mut settings);
        let (sender, inbound) = mpsc::unbounded_channel();
        let push = Push::new(settings, Arc::new(Gateway(sender))).unwrap();
        let stop = CancellationToken::new();
        let task = tokio::spawn(push.clone().run(stop.clone()));
        Self { push, inbound, stop, task, clock, early: Mutex::default() }
    }

    fn send(&self, batch: impl IntoIterator<Item = Outgoing>) {
        self.push.send(batch.into_iter().collect());
    }

    /// The next outcome, by message.
    async fn outcome(&mut self) -> (u32, Outcome) {
        if let Some(early) = self.early.lock().unwrap().pop() {
            return early;
        }
        loop {
            match self.inbound.recv().await.unwrap() {
                Inbound::Outcome { attempt, outcome } => return (attempt.slot, outcome),
                Inbound::Room { .. } => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// The next `count` outcomes in the order of their messages.
    async fn outcomes(&mut self, count: usize) -> Vec<(u32, Outcome)> {
        let mut outcomes = Vec::new();
        while outcomes.len() < count {
            outcomes.push(self.outcome().await);
        }
        outcomes.sort_by_key(|(slot, _)| *slot);
        outcomes
    }

    /// The next announcement of room.
    async fn room(&mut self) -> u32 {
        loop {
            match self.inbound.recv().await.unwrap() {
                Inbound::Room { channel, room } => {
                    assert_eq!(channel, ChannelId(7));
                    return room;
                }
                Inbound::Outcome { attempt, outcome } => {
                    self.early.lock().unwrap().insert(0, (attempt.slot, outcome));
                }
                other => panic!("{other:?}"),
            }
        }
    }

    /// Stops, and returns what was told on the way out.
    async fn end(mut self) -> Vec<(u32, Outcome)> {
        self.stop.cancel();
        self.task.await.unwrap();
        let mut outcomes = self.early.into_inner().unwrap();
        while let Ok(inbound) = self.inbound.try_recv() {
            if let Inbound::Outcome { attempt, outcome } = inbound {
                outcomes.push((attempt.slot, outcome));
            }
        }
        outcomes.sort_by_key(|(slot, _)| *slot);
        outcomes
    }
}

/// Message `id` from the phone `from` to the user `to`.
pub(super) fn text(id: u32, from: &str, to: &str, text: &str) -> Outgoing {
    let submission = Submission {
        id: None,
        origin: ChannelId(1),
        from: Pii::new(Address::Number(Number::written(from))),
        to: Pii::new(Address::User(User { messenger: "tictoc".into(), id: to.into() })),
        class: Class::Person,
        receipts: ReceiptsWanted::FINAL,
        received_at: Timestamp::from_secs(START_S),
        scheduled_at: None,
        expires_at: Some(Timestamp::from_secs(START_S + 60)),
        reference: None,
        idempotency_key: None,
        carried: Bytes::new(),
        part: None,
        charging_id: None,
        elsewhere: None,
        content: Content::Text(text.into()),
    };
    Outgoing::Message(OutgoingMessage {
        attempt: AttemptId { slot: id, generation: 1 },
        message: MessageId::from_u64(id.into()).unwrap(),
        submission: Arc::new(submission),
        from: None,
        to: None,
        concat_ref: 0,
        want_receipt: true,
        possible_duplicate: false,
    })
}

/// Message `id` between people who have nothing else under way.
pub(super) fn alone(id: u32) -> Outgoing {
    text(id, &format!("+8210{id:08}"), "u_77", "안녕")
}

fn sent(id: u32) -> (u32, Outcome) {
    let upstream = model::UpstreamId(id.to_string().into());
    (id, Outcome::Sent([upstream].into_iter().collect()))
}

/// The cause and the code of a refusal.
fn refused((id, outcome): (u32, Outcome)) -> (u32, Cause, model::Retry) {
    match outcome {
        Outcome::Refused(refusal) => (id, refusal.cause, refusal.retry),
        other => panic!("{id}: {other:?}"),
    }
}
