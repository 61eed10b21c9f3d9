//! An engine with a store that always commits, and the words the tests use.

use std::{sync::Arc, time::Duration};

use billing::UsageEvent;
use engine::{
    ChannelPolicy, Core, Limits, Policy, Route, Routes, Texts,
    journal::{Batch, Chapter, Entry, Event, Fact, FactChange},
};
use model::{
    Address, Answer, AttemptId, Cause, ChannelId, ChannelKind, Class, Coded, Command, Content, Disposition,
    Inbound, MessageId, Msisdn, Number, NumberingPlan, Outcome, Outgoing, Pii, Receipt, ReceiptState,
    ReceiptsWanted, SessionId, Submission, Ticket, Timestamp, UpstreamId,
};
use smallvec::smallvec;

pub(crate) const ESME: ChannelId = ChannelId(0);
pub(crate) const SMSC: ChannelId = ChannelId(1);
pub(crate) const SPARE: ChannelId = ChannelId(2);
pub(crate) const TICTOC: ChannelId = ChannelId(3);

/// No short message can say this.
pub(crate) const UNSENDABLE: &str = "unsendable";

pub(crate) struct PlainTexts;

impl Texts for PlainTexts {
    fn segments(&self, _channel: ChannelId, content: &Content) -> Result<u16, Cause> {
        if content.words() == Some(UNSENDABLE) {
            return Err(Cause::Unencodable);
        }
        Ok(u16::try_from(content.octets().div_ceil(140)).unwrap_or(u16::MAX).max(1))
    }

    fn text(&self, _origin: ChannelId, segments: &[&Coded]) -> Box<str> {
        segments
            .iter()
            .map(|coded| String::from_utf8_lossy(&coded.octets).into_owned())
            .collect::<String>()
            .into()
    }

    fn is_text(&self, coded: &Coded) -> bool {
        coded.data_coding != 4
    }
}

pub(crate) fn policy() -> Policy {
    let mut tictoc = ChannelPolicy::new(TICTOC, "tictoc", ChannelKind::Messenger);
    tictoc.pool = vec![Msisdn::from_u64(827_000_001), Msisdn::from_u64(827_000_002)];
    Policy {
        channels: vec![
            ChannelPolicy::new(ESME, "esme", ChannelKind::Esme),
            ChannelPolicy::new(SMSC, "smsc-1", ChannelKind::Smsc),
            ChannelPolicy::new(SPARE, "smsc-2", ChannelKind::Smsc),
            tictoc,
        ],
        routes: Routes::new([Route {
            prefix: String::new(),
            origin: None,
            class: None,
            channels: smallvec![SMSC, SPARE],
            balance: false,
        }]),
        numbering: NumberingPlan::korea(),
        validity_default: Duration::from_secs(48 * 3_600),
        validity_max: Duration::from_secs(72 * 3_600),
        idempotency_window: Duration::from_secs(86_400),
        korea: None,
        code_sender: Number::written("15880000"),
        code_text: "{code}".into(),
        code_key: [7; 32],
        limits: Limits::default(),
    }
}

pub(crate) struct World {
    pub(crate) core: Core,
    pub(crate) now: Timestamp,
    pub(crate) batches: Vec<Arc<Batch>>,
    pub(crate) answers: Vec<Answer>,
    pub(crate) handed: Vec<(ChannelId, Outgoing)>,
}

impl World {
    pub(crate) fn new() -> Self {
        let mut core = Core::new(Arc::new(policy()), Arc::new(PlainTexts), 0, None);
        let now = Timestamp::from_secs(1_800_000_000);
        for channel in [ESME, SMSC, TICTOC] {
            core.take(now, Inbound::Room { channel, room: 10 });
        }
        let mut world = Self { core, now, batches: Vec::new(), answers: Vec::new(), handed: Vec::new() };
        world.turn();
        world
    }

    /// One turn of the loop: seal, "commit", release, dispatch.
    pub(crate) fn turn(&mut self) {
        self.core.tick(self.now);
        while let Some(sealed) = self.core.seal(self.now) {
            if !sealed.batch.is_empty() {
                self.batches.push(sealed.batch);
            }
            for (_, answers) in self.core.committed(sealed.release) {
                self.answers.extend(answers.into_iter().map(|(_, answer)| answer));
            }
        }
        for (channel, items) in self.core.dispatch(self.now) {
            self.handed.extend(items.into_iter().map(|item| (channel, item)));
        }
    }

    pub(crate) fn take(&mut self, inbound: Inbound) {
        self.core.take(self.now, inbound);
        self.turn();
    }

    pub(crate) fn submit(&mut self, submission: Submission) -> Answer {
        self.take(Inbound::Submit { submission: Arc::new(submission), ticket: ticket() });
        self.answers.pop().expect("an answer after the commit")
    }

    pub(crate) fn accepted(&mut self, submission: Submission) -> MessageId {
        match self.submit(submission) {
            Answer::Accepted(id) => id,
            other => panic!("not accepted: {other:?}"),
        }
    }

    pub(crate) fn next_handed(&mut self) -> (ChannelId, Outgoing) {
        assert!(!self.handed.is_empty(), "something was handed over");
        self.handed.remove(0)
    }

    pub(crate) fn handed_message(&mut self) -> (ChannelId, AttemptId) {
        match self.next_handed() {
            (channel, Outgoing::Message(message)) => (channel, message.attempt),
            (_, other) => panic!("not a message: {other:?}"),
        }
    }

    pub(crate) fn outcome(&mut self, attempt: AttemptId, outcome: Outcome) {
        self.take(Inbound::Outcome { attempt, outcome });
    }

    pub(crate) fn receipt(&mut self, id: &str, state: ReceiptState) {
        self.receipt_from(SMSC, id, state);
    }

    pub(crate) fn receipt_from(&mut self, channel: ChannelId, id: &str, state: ReceiptState) {
        let receipt =
            Receipt { upstream: smallvec![UpstreamId(id.into())], state, code: None, at: None, about: None };
        self.take(Inbound::Receipt { channel, receipt, ticket: Some(ticket()) });
    }

    pub(crate) fn pass(&mut self, seconds: u64) {
        self.now = self.now + Duration::from_secs(seconds);
        self.turn();
    }

    pub(crate) fn finals(&self) -> Vec<(MessageId, Disposition)> {
        let entries = self.batches.iter().flat_map(|batch| &batch.entries);
        entries
            .filter_map(|entry| match entry.event {
                Event::Final { disposition, .. } => Some((entry.message, disposition)),
                _ => None,
            })
            .collect()
    }

    pub(crate) fn usage(&self) -> Vec<UsageEvent> {
        self.batches.iter().flat_map(|batch| &batch.usage).map(|record| record.key.event).collect()
    }

    /// What the store has of a batch.
    pub(crate) fn chapter(&self, birth: u64) -> Chapter {
        let about = |batch: &&Arc<Batch>| batch.seq == birth || batch.touches.contains(&birth);
        let batches: Vec<&Arc<Batch>> = self.batches.iter().filter(about).collect();
        let entries: Vec<_> = batches.iter().flat_map(|batch| batch.entries.clone()).collect();
        let begun = |message: &MessageId| {
            let accepted = |entry: &&Entry| matches!(entry.event, Event::Accepted(_));
            entries.iter().filter(accepted).any(|entry| entry.message == *message)
        };
        let contents = batches.iter().flat_map(|batch| batch.contents.clone());
        let contents = contents.filter(|(message, _)| begun(message)).collect();
        Chapter { birth, entries, contents }
    }

    /// Reads back what the engine has asked for. Returns how many batches that were.
    pub(crate) fn read_back(&mut self) -> usize {
        let chapters: Vec<Chapter> =
            self.core.wanted().into_iter().map(|birth| self.chapter(birth)).collect();
        let count = chapters.len();
        self.core.loaded(self.now, chapters);
        self.turn();
        count
    }

    /// The same gateway after a crash: only what was committed is left.
    pub(crate) fn restarted(&self) -> Self {
        self.restarted_with(policy())
    }

    pub(crate) fn restarted_with(&self, policy: Policy) -> Self {
        let last = self.batches.last().map_or(0, |batch| batch.seq);
        let highest = self.batches.iter().flat_map(|b| &b.entries).map(|e| e.message).max();
        let mut core = Core::new(Arc::new(policy), Arc::new(PlainTexts), last, highest);
        let changes = self.batches.iter().flat_map(|batch| &batch.facts);
        let mut facts = std::collections::BTreeMap::new();
        for FactChange { kind, key, value, expires_at } in changes.cloned() {
            facts.insert((kind, key), value.map(|value| (value, expires_at)));
        }
        for ((kind, key), value) in facts {
            if let Some((value, expires_at)) = value {
                core.recover_fact(&Fact { kind, key, value, expires_at });
            }
        }
        let closed: Vec<u64> = self.batches.iter().flat_map(|batch| batch.close.clone()).collect();
        for batch in &self.batches {
            if batch.first_accepted().is_none() || closed.contains(&batch.seq) {
                continue;
            }
            core.recover(self.now, self.chapter(batch.seq));
        }
        for channel in [ESME, SMSC, TICTOC] {
            core.take(self.now, Inbound::Room { channel, room: 10 });
        }
        let mut world = Self {
            core,
            now: self.now,
            batches: self.batches.clone(),
            answers: Vec::new(),
            handed: Vec::new(),
        };
        world.turn();
        world
    }
}

pub(crate) fn ticket() -> Ticket {
    Ticket { session: SessionId(1), token: 1 }
}

pub(crate) fn text(from: &str, to: &str, text: &str) -> Submission {
    Submission {
        id: None,
        origin: ESME,
        from: Pii::new(Address::Number(Number::written(from))),
        to: Pii::new(Address::Number(Number::written(to))),
        class: Class::Person,
        receipts: ReceiptsWanted::FINAL,
        received_at: Timestamp::ZERO,
        scheduled_at: None,
        expires_at: None,
        reference: None,
        idempotency_key: None,
        carried: bytes::Bytes::new(),
        part: None,
        charging_id: None,
        elsewhere: None,
        content: Content::Text(text.into()),
    }
}

pub(crate) fn hello() -> Submission {
    text("15881234", "01012345678", "hello")
}

pub(crate) fn sent(id: &str) -> Outcome {
    Outcome::Sent(smallvec![UpstreamId(id.into())])
}

pub(crate) fn replace(message: MessageId, text: &str) -> Inbound {
    let content = Content::Text(text.into());
    let command = Command::Replace { origin: ESME, message, content, scheduled_at: None, expires_at: None };
    Inbound::Command { command, ticket: ticket() }
}

pub(crate) fn linked(world: &mut World) {
    let number = Pii::new(Number::written("01012345678"));
    for command in [
        Command::LinkStart { origin: TICTOC, user: "u1".into(), number, link: 9, code: 1 },
        Command::LinkVerify { origin: TICTOC, link: 9, code: 1 },
    ] {
        world.take(Inbound::Command { command, ticket: ticket() });
    }
    world.handed.clear();
    world.answers.clear();
}

pub(crate) fn waiting_policy() -> Policy {
    let mut policy = policy();
    policy.channels[1].answer_lost = engine::AnswerLost::Wait;
    policy
}
