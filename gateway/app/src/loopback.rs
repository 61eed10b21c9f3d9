//! A carrier in the process, for first tries: it answers as SMSC and as handset. Nothing leaves the machine,
//! and everything it says is marked as simulated.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use kit::{Channel, Intake, Session};
use model::{
    Answer, ChannelId, Class, Content, Inbound, Outcome, Outgoing, OutgoingMessage, Receipt, ReceiptState,
    ReceiptsWanted, Submission, Ticket, Timestamp, UpstreamId,
};
use smallvec::smallvec;
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

use crate::runtime::now;

/// Hand-overs it holds: far more than a first try needs.
const ROOM: u32 = 2_000;

/// See the module.
pub(crate) struct Loopback {
    channel: ChannelId,
    receipt_after: Duration,
    /// None where the handset does not answer.
    reply_after: Option<Duration>,
    handed: mpsc::UnboundedSender<Vec<Outgoing>>,
    ids: AtomicU64,
}

/// The answers to what the handset sends: nobody on a phone reads them.
struct Handset;

impl Session for Handset {
    fn answer(&self, answers: &mut Vec<(u64, Answer)>) {
        answers.clear();
    }
}

impl Channel for Loopback {
    fn send(&self, batch: Vec<Outgoing>) {
        // Once the task has ended the gateway is going down, and the hand-over stays open in the journal.
        let _gone = self.handed.send(batch);
    }
}

impl Loopback {
    pub(crate) fn start(
        channel: ChannelId,
        settings: &config::Loopback,
        intake: Arc<dyn Intake>,
        stop: CancellationToken,
    ) -> (Arc<Self>, tokio::task::JoinHandle<()>) {
        let (handed, received) = mpsc::unbounded_channel();
        let loopback = Arc::new(Self {
            channel,
            receipt_after: settings.receipt_after.get(),
            reply_after: settings.reply.then(|| settings.reply_after.get()),
            handed,
            ids: AtomicU64::new(1),
        });
        let task = tokio::spawn(loopback.clone().run(intake, received, stop));
        (loopback, task)
    }

    async fn run(
        self: Arc<Self>,
        intake: Arc<dyn Intake>,
        mut handed: mpsc::UnboundedReceiver<Vec<Outgoing>>,
        stop: CancellationToken,
    ) {
        let session = intake.open(Arc::new(Handset));
        if intake.take(vec![Inbound::Room { channel: self.channel, room: ROOM }]).await.is_err() {
            return;
        }
        let mut later: BTreeMap<Instant, Vec<Inbound>> = BTreeMap::new();
        loop {
            let next = later.first_key_value().map(|(at, _)| *at);
            let batch = tokio::select! {
                batch = handed.recv() => match batch {
                    Some(batch) => self.taken(batch, session, &mut later),
                    None => return,
                },
                () = async { sleep_until(next.unwrap_or_else(Instant::now)).await }, if next.is_some() => {
                    later.pop_first().map(|(_, due)| due).unwrap_or_default()
                }
                () = stop.cancelled() => return,
            };
            if intake.take(batch).await.is_err() {
                return;
            }
        }
    }

    /// The SMSC takes everything; the handset gets it and, where people write, answers.
    fn taken(
        &self,
        batch: Vec<Outgoing>,
        session: model::SessionId,
        later: &mut BTreeMap<Instant, Vec<Inbound>>,
    ) -> Vec<Inbound> {
        let (receipt_at, reply_at) =
            (Instant::now() + self.receipt_after, self.reply_after.map(|after| Instant::now() + after));
        let mut outcomes = Vec::new();
        for item in batch {
            let Outgoing::Message(message) = item else { continue };
            let id =
                UpstreamId(smol_str::format_smolstr!("sim-{}", self.ids.fetch_add(1, Ordering::Relaxed)));
            outcomes.push(Inbound::Outcome {
                attempt: message.attempt,
                outcome: Outcome::Sent(smallvec![id.clone()]),
            });
            let receipt = Receipt {
                upstream: smallvec![id],
                state: ReceiptState::Delivered,
                code: None,
                at: Some(now()),
                about: None,
            };
            later.entry(receipt_at).or_default().push(Inbound::Receipt {
                channel: self.channel,
                receipt,
                ticket: None,
            });
            if let Some(at) = reply_at.filter(|_| message.submission.class == Class::Person) {
                later.entry(at).or_default().push(self.reply(&message, session));
            }
        }
        outcomes
    }

    fn reply(&self, message: &OutgoingMessage, session: model::SessionId) -> Inbound {
        let submission = Submission {
            id: None,
            origin: self.channel,
            from: message.to.clone().unwrap_or_else(|| message.submission.to.clone()),
            to: message.from.clone().unwrap_or_else(|| message.submission.from.clone()),
            class: Class::Person,
            receipts: ReceiptsWanted::NONE,
            received_at: Timestamp::ZERO,
            scheduled_at: None,
            expires_at: None,
            reference: None,
            idempotency_key: None,
            carried: bytes::Bytes::new(),
            part: None,
            charging_id: None,
            elsewhere: None,
            content: Content::Text("(simulated handset) got it, thanks".into()),
        };
        Inbound::Submit { submission: Arc::new(submission), ticket: Ticket { session, token: 0 } }
    }
}
