//! The engine from outside: what one message does to batches, answers and hand-overs.

use std::{sync::Arc, time::Duration};

use billing::UsageEvent;
use engine::{
    ChannelPolicy, Core, Limits, Policy, Route, Routes, Texts,
    journal::{Batch, Chapter, Event},
};
use model::{
    Address, Answer, AttemptId, Cause, ChannelId, ChannelKind, Class, Coded, Command, Content, Disposition,
    Inbound, MessageId, Msisdn, Number, NumberingPlan, Outcome, Outgoing, Pii, Receipt, ReceiptState,
    ReceiptsWanted, Refusal, Retry, SessionId, Submission, Ticket, Timestamp, UpstreamId,
};
use smallvec::smallvec;

const ESME: ChannelId = ChannelId(0);
const SMSC: ChannelId = ChannelId(1);
const SPARE: ChannelId = ChannelId(2);
const TICTOC: ChannelId = ChannelId(3);

struct PlainTexts;

impl Texts for PlainTexts {
    fn segments(&self, _channel: ChannelId, content: &Content) -> Result<u16, Cause> {
        Ok(u16::try_from(content.octets().div_ceil(140)).unwrap_or(u16::MAX).max(1))
    }

    fn text(&self, _origin: ChannelId, segments: &[&Coded]) -> Box<str> {
        segments
            .iter()
            .map(|coded| String::from_utf8_lossy(&coded.octets).into_owned())
            .collect::<String>()
            .into()
    }
}

fn policy() -> Policy {
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

struct World {
    core: Core,
    now: Timestamp,
    batches: Vec<Arc<Batch>>,
    answers: Vec<Answer>,
    handed: Vec<(ChannelId, Outgoing)>,
}

impl World {
    fn new() -> Self {
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
    fn turn(&mut self) {
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

    fn take(&mut self, inbound: Inbound) {
        self.core.take(self.now, inbound);
        self.turn();
    }

    fn submit(&mut self, submission: Submission) -> Answer {
        self.take(Inbound::Submit { submission: Arc::new(submission), ticket: ticket() });
        self.answers.pop().expect("an answer after the commit")
    }

    fn accepted(&mut self, submission: Submission) -> MessageId {
        match self.submit(submission) {
            Answer::Accepted(id) => id,
            other => panic!("not accepted: {other:?}"),
        }
    }

    fn next_handed(&mut self) -> (ChannelId, Outgoing) {
        assert!(!self.handed.is_empty(), "something was handed over");
        self.handed.remove(0)
    }

    fn handed_message(&mut self) -> (ChannelId, AttemptId) {
        match self.next_handed() {
            (channel, Outgoing::Message(message)) => (channel, message.attempt),
            (_, other) => panic!("not a message: {other:?}"),
        }
    }

    fn outcome(&mut self, attempt: AttemptId, outcome: Outcome) {
        self.take(Inbound::Outcome { attempt, outcome });
    }

    fn receipt(&mut self, id: &str, state: ReceiptState) {
        let receipt =
            Receipt { upstream: smallvec![UpstreamId(id.into())], state, code: None, at: None, about: None };
        self.take(Inbound::Receipt { channel: SMSC, receipt, ticket: Some(ticket()) });
    }

    fn pass(&mut self, seconds: u64) {
        self.now = self.now + Duration::from_secs(seconds);
        self.turn();
    }

    fn finals(&self) -> Vec<(MessageId, Disposition)> {
        let entries = self.batches.iter().flat_map(|batch| &batch.entries);
        entries
            .filter_map(|entry| match entry.event {
                Event::Final { disposition, .. } => Some((entry.message, disposition)),
                _ => None,
            })
            .collect()
    }

    fn usage(&self) -> Vec<UsageEvent> {
        self.batches.iter().flat_map(|batch| &batch.usage).map(|record| record.key.event).collect()
    }

    /// The same gateway after a crash: only what was committed is left.
    fn restarted(&self) -> Self {
        self.restarted_with(policy())
    }

    fn restarted_with(&self, policy: Policy) -> Self {
        let last = self.batches.last().map_or(0, |batch| batch.seq);
        let highest = self.batches.iter().flat_map(|b| &b.entries).map(|e| e.message).max();
        let mut core = Core::new(Arc::new(policy), Arc::new(PlainTexts), last, highest);
        let closed: Vec<u64> = self.batches.iter().flat_map(|batch| batch.close.clone()).collect();
        for batch in &self.batches {
            if batch.first_accepted().is_none() || closed.contains(&batch.seq) {
                continue;
            }
            let later = self
                .batches
                .iter()
                .filter(|other| other.seq == batch.seq || other.touches.contains(&batch.seq));
            let entries = later.flat_map(|other| other.entries.clone()).collect();
            core.recover(self.now, Chapter { birth: batch.seq, entries, contents: batch.contents.clone() });
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

fn ticket() -> Ticket {
    Ticket { session: SessionId(1), token: 1 }
}

fn text(from: &str, to: &str, text: &str) -> Submission {
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
        content: Content::Text(text.into()),
    }
}

fn hello() -> Submission {
    text("15881234", "01012345678", "hello")
}

fn sent(id: &str) -> Outcome {
    Outcome::Sent(smallvec![UpstreamId(id.into())])
}

#[test]
fn a_message_is_metered_once_delivered_and_reported() {
    let mut world = World::new();
    let id = world.accepted(hello());
    let (channel, attempt) = world.handed_message();
    assert_eq!(channel, SMSC);
    world.outcome(attempt, sent("A1"));
    world.receipt("A1", ReceiptState::Delivered);
    assert_eq!(world.answers.pop(), Some(Answer::Taken));
    let (channel, Outgoing::Report(report)) = world.next_handed() else { panic!("a report") };
    assert_eq!((channel, report.message, report.disposition), (ESME, id, Disposition::Delivered));
    world.outcome(report.attempt, Outcome::Sent(smallvec![]));
    assert_eq!(world.finals(), [(id, Disposition::Delivered)]);
    assert_eq!(world.usage(), [UsageEvent::Submit]);
    assert_eq!(world.core.open_messages(), 0);
    let closed: Vec<u64> = world.batches.iter().flat_map(|b| b.close.clone()).collect();
    assert_eq!(closed, [1], "the batch it was born in is closed with it");
}

#[test]
fn no_answer_and_no_hand_over_before_the_commit() {
    let mut world = World::new();
    world.core.take(world.now, Inbound::Submit { submission: Arc::new(hello()), ticket: ticket() });
    assert!(world.core.dispatch(world.now).is_empty());
    let sealed = world.core.seal(world.now).expect("something to commit");
    assert_eq!(sealed.batch.usage.len(), 1, "metered in the same commit");
    assert!(world.core.dispatch(world.now).is_empty());
    let answers = world.core.committed(sealed.release);
    assert!(matches!(answers[0].1[0].1, Answer::Accepted(_)));
    assert_eq!(world.core.dispatch(world.now).len(), 1);
}

#[test]
fn a_receipt_before_the_answer_waits_for_it() {
    let mut world = World::new();
    let id = world.accepted(hello());
    let (_, attempt) = world.handed_message();
    world.receipt("A1", ReceiptState::Delivered);
    assert!(world.answers.is_empty(), "the network is not told before the receipt is stored");
    world.outcome(attempt, sent("A1"));
    assert_eq!(world.finals(), [(id, Disposition::Delivered)]);
    assert_eq!(world.answers.pop(), Some(Answer::Taken));
}

#[test]
fn a_second_receipt_changes_nothing() {
    let mut world = World::new();
    world.accepted(hello());
    let (_, attempt) = world.handed_message();
    world.outcome(attempt, sent("A1"));
    world.receipt("A1", ReceiptState::Delivered);
    world.receipt("A1", ReceiptState::Undeliverable);
    world.pass(10);
    assert_eq!(world.finals().len(), 1);
    assert_eq!(world.usage(), [UsageEvent::Submit]);
    assert_eq!(world.core.take_tally().unmatched_receipts, 1);
}

#[test]
fn a_certain_failure_takes_the_charge_back() {
    let mut world = World::new();
    let id = world.accepted(hello());
    let (_, attempt) = world.handed_message();
    world.outcome(attempt, Outcome::Refused(Refusal::theirs(Cause::BadDestination, Retry::Never, 0x0b)));
    assert_eq!(world.finals(), [(id, Disposition::Undeliverable)]);
    assert_eq!(world.usage(), [UsageEvent::Submit, UsageEvent::Reversal]);
}

#[test]
fn a_temporary_failure_is_tried_again_and_expiry_ends_it() {
    let mut world = World::new();
    let id = world.accepted(hello());
    for _ in 0..3 {
        let (_, attempt) = world.handed_message();
        world.outcome(attempt, Outcome::Refused(Refusal::theirs(Cause::NetworkFailure, Retry::Scheduled, 8)));
        world.pass(20);
    }
    let (_, attempt) = world.handed_message();
    world.outcome(
        attempt,
        Outcome::Refused(Refusal::theirs(Cause::Unreachable, Retry::After(Duration::from_secs(500_000)), 8)),
    );
    world.pass(48 * 3_600);
    assert_eq!(world.finals(), [(id, Disposition::Expired)]);
}

#[test]
fn a_lost_answer_is_resolved_by_the_receipt_where_duplicates_are_unwanted() {
    let mut world = World::new();
    let mut policy = policy();
    policy.channels[1].answer_lost = engine::AnswerLost::Wait;
    world.core.set_policy(Arc::new(policy));
    let id = world.accepted(hello());
    let (_, attempt) = world.handed_message();
    world.outcome(attempt, Outcome::Unknown);
    assert!(world.handed.is_empty(), "not sent again");
    let about =
        Some(Box::new((Pii::new(Number::written("01012345678")), Pii::new(Number::written("15881234")))));
    let receipt = Receipt {
        upstream: smallvec![UpstreamId("never seen".into())],
        state: ReceiptState::Delivered,
        code: None,
        at: None,
        about,
    };
    world.take(Inbound::Receipt { channel: SMSC, receipt, ticket: Some(ticket()) });
    assert_eq!(world.finals(), [], "an answer may still come that says whose receipt it is");
    world.pass(6);
    assert_eq!(world.finals(), [(id, Disposition::Delivered)]);
}

#[test]
fn a_lost_answer_is_sent_again_where_losses_are_unwanted() {
    let mut world = World::new();
    world.accepted(hello());
    let (_, attempt) = world.handed_message();
    world.outcome(attempt, Outcome::Unknown);
    let (_, Outgoing::Message(again)) = world.next_handed() else { panic!("a message") };
    assert!(again.possible_duplicate);
    world.outcome(attempt, sent("late"));
    assert_eq!(world.core.take_tally().stale_outcomes, 1, "the first attempt is over");
}

#[test]
fn another_channel_takes_over_when_the_link_is_down() {
    let mut world = World::new();
    world.accepted(hello());
    let (channel, attempt) = world.handed_message();
    assert_eq!(channel, SMSC);
    world.take(Inbound::Room { channel: SPARE, room: 5 });
    world.take(Inbound::Room { channel: SMSC, room: 0 });
    world.outcome(
        attempt,
        Outcome::Refused(Refusal { retry: Retry::Scheduled, ..Refusal::ours(Cause::LinkDown) }),
    );
    assert_eq!(world.handed_message().0, SPARE);
}

#[test]
fn idempotency_keys_give_the_same_message_and_refuse_another_body() {
    let mut world = World::new();
    let mut submission = hello();
    submission.idempotency_key = Some("k1".into());
    let id = world.accepted(submission.clone());
    assert_eq!(world.submit(submission.clone()), Answer::Duplicate(id));
    submission.content = Content::Text("other".into());
    assert_eq!(world.submit(submission), Answer::Refused(Refusal::ours(Cause::IdReuse)));
    assert_eq!(world.usage().len(), 1);
}

#[test]
fn a_messenger_user_without_a_number_writes_and_is_answered_through_the_pool() {
    let mut world = World::new();
    let mut from_user = hello();
    from_user.origin = TICTOC;
    from_user.from = Pii::new(Address::User(model::User { messenger: "tictoc".into(), id: "u77".into() }));
    world.accepted(from_user);
    let (_, Outgoing::Message(message)) = world.next_handed() else { panic!("a message") };
    let Some(Address::Number(shown)) = message.from.map(|from| from.into_inner(model::For::Decision)) else {
        panic!("a pool number")
    };
    assert!(shown.digits.starts_with("82700000"), "{}", shown.digits);
    let mut answer = text("01012345678", &format!("+{}", shown.digits), "yes");
    answer.origin = SMSC;
    world.accepted(answer);
    let (channel, Outgoing::Message(message)) = world.next_handed() else { panic!("a message") };
    assert_eq!(channel, TICTOC);
    let to = message.to.map(|to| to.into_inner(model::For::Decision));
    assert_eq!(to, Some(Address::User(model::User { messenger: "tictoc".into(), id: "u77".into() })));
}

#[test]
fn a_number_is_linked_by_a_code_and_unlinked_again() {
    let mut world = World::new();
    let number = Pii::new(Number::written("01012345678"));
    let start = Command::LinkStart { origin: TICTOC, user: "u1".into(), number, link: 9, code: 123_456 };
    world.take(Inbound::Command { command: start, ticket: ticket() });
    assert!(matches!(world.answers.pop(), Some(Answer::Link(_))));
    let (channel, Outgoing::Message(code)) = world.next_handed() else { panic!("the code") };
    assert_eq!(channel, SMSC);
    assert_eq!(code.submission.content, Content::Text("123456".into()));
    let verify = |code| Inbound::Command {
        command: Command::LinkVerify { origin: TICTOC, link: 9, code },
        ticket: ticket(),
    };
    world.take(verify(111_111));
    assert_eq!(world.answers.pop(), Some(Answer::Refused(Refusal::ours(Cause::WrongCode))));
    world.take(verify(123_456));
    let Some(Answer::Link(link)) = world.answers.pop() else { panic!("linked") };
    assert_eq!(link.epoch, Some(1));
    let mut to_linked = text("01099998888", "01012345678", "hi");
    to_linked.origin = SMSC;
    world.accepted(to_linked);
    assert_eq!(world.next_handed().0, TICTOC);
    world.take(Inbound::Command {
        command: Command::Unlink { origin: TICTOC, user: "u1".into() },
        ticket: ticket(),
    });
    assert_eq!(world.answers.pop(), Some(Answer::Done));
}

#[test]
fn segments_for_a_messenger_are_joined_and_each_is_metered() {
    let mut world = World::new();
    let start = Command::LinkStart {
        origin: TICTOC,
        user: "u1".into(),
        number: Pii::new(Number::written("01012345678")),
        link: 9,
        code: 1,
    };
    world.take(Inbound::Command { command: start, ticket: ticket() });
    world.take(Inbound::Command {
        command: Command::LinkVerify { origin: TICTOC, link: 9, code: 1 },
        ticket: ticket(),
    });
    world.handed.clear();
    world.answers.clear();
    let before = world.usage().len();
    for (number, octets) in [(2, "world"), (1, "hello "), (2, "world")] {
        let mut segment = text("01099998888", "01012345678", "");
        segment.origin = SMSC;
        segment.part = Some(model::Part { reference: 7, total: 2, number });
        segment.content = Content::Coded(Coded {
            data_coding: 0,
            udhi: true,
            octets: bytes::Bytes::from_static(octets.as_bytes()),
        });
        world.accepted(segment);
    }
    let (channel, Outgoing::Message(whole)) = world.next_handed() else { panic!("the whole") };
    assert_eq!(channel, TICTOC);
    assert_eq!(whole.submission.content, Content::Text("hello world".into()));
    assert_eq!(world.usage().len() - before, 3);
}

#[test]
fn everything_committed_goes_on_after_a_crash() {
    let mut world = World::new();
    let waiting = world.accepted(hello());
    let (_, _lost_with_the_crash) = world.handed_message();
    let delivered = world.accepted(hello());
    let (_, attempt) = world.handed_message();
    world.outcome(attempt, sent("A2"));
    let mut world = world.restarted();
    assert_eq!(world.core.open_messages(), 2);
    let (_, Outgoing::Message(again)) = world.next_handed() else { panic!("handed over again") };
    assert_eq!((again.message, again.possible_duplicate), (waiting, true));
    world.receipt("A2", ReceiptState::Delivered);
    assert_eq!(world.finals(), [(delivered, Disposition::Delivered)]);
    assert!(world.accepted(hello()) > delivered, "ids go on ascending");
}

#[test]
fn a_refused_submission_leaves_nothing_behind() {
    let mut world = World::new();
    let cases = [(text("15881234", "", "hello"), Cause::BadDestination), {
        let mut late = hello();
        late.expires_at = Some(Timestamp::from_secs(1_799_999_999));
        (late, Cause::Expired)
    }];
    for (submission, cause) in cases {
        assert_eq!(world.submit(submission), Answer::Refused(Refusal::ours(cause)));
    }
    assert!(world.batches.is_empty());
    assert_eq!(world.core.open_messages(), 0);
}

#[test]
fn waiting_messages_can_be_cancelled_and_handed_ones_cannot() {
    let mut world = World::new();
    world.take(Inbound::Room { channel: SMSC, room: 1 });
    let first = world.accepted(hello());
    let second = world.accepted(hello());
    let cancel =
        |message| Inbound::Command { command: Command::Cancel { origin: ESME, message }, ticket: ticket() };
    world.take(cancel(first));
    assert_eq!(world.answers.pop(), Some(Answer::Refused(Refusal::ours(Cause::TooLate))));
    world.take(cancel(second));
    assert_eq!(world.answers.pop(), Some(Answer::Done));
    assert_eq!(world.finals(), [(second, Disposition::Cancelled)]);
}

#[test]
fn urgent_messages_go_before_campaigns() {
    let mut world = World::new();
    world.take(Inbound::Room { channel: SMSC, room: 0 });
    for _ in 0..3 {
        let mut bulk = hello();
        bulk.class = Class::Advertising;
        world.accepted(bulk);
    }
    let mut code = hello();
    code.class = Class::OneTimePassword;
    let code = world.accepted(code);
    world.take(Inbound::Room { channel: SMSC, room: 1 });
    let (_, Outgoing::Message(first)) = world.next_handed() else { panic!("a message") };
    assert_eq!(first.message, code);
}

#[test]
fn a_batch_stays_open_while_messages_are_accepted_in_it() {
    let mut world = World::new();
    // One message comes and goes before the batch is sealed, another comes after it.
    let silent = Submission { receipts: ReceiptsWanted::NONE, ..hello() };
    world.core.take(world.now, Inbound::Submit { submission: Arc::new(silent), ticket: ticket() });
    let first = MessageId::first_at(world.now);
    let cancel = Command::Cancel { origin: ESME, message: first };
    world.core.take(world.now, Inbound::Command { command: cancel, ticket: ticket() });
    world.take(Inbound::Submit { submission: Arc::new(hello()), ticket: ticket() });
    assert_eq!(world.finals(), [(first, Disposition::Cancelled)]);
    let batch = &world.batches[0];
    assert_eq!((batch.erase.len(), batch.close.len()), (0, 0), "the second message is open");
    let mut world = world.restarted();
    assert_eq!(world.core.open_messages(), 1);
    let (_, Outgoing::Message(message)) = world.next_handed() else { panic!("a message") };
    assert_eq!(message.submission.content, Content::Text("hello".into()));
}

#[test]
fn a_batch_in_which_everything_ended_closes_with_itself() {
    let mut world = World::new();
    let silent = Submission { receipts: ReceiptsWanted::NONE, ..hello() };
    world.core.take(world.now, Inbound::Submit { submission: Arc::new(silent), ticket: ticket() });
    let cancel = Command::Cancel { origin: ESME, message: MessageId::first_at(world.now) };
    world.take(Inbound::Command { command: cancel, ticket: ticket() });
    let batch = &world.batches[0];
    assert_eq!((batch.erase.as_slice(), batch.close.as_slice()), ([1].as_slice(), [1].as_slice()));
}

#[test]
fn a_retry_asks_for_a_commit_of_its_own() {
    let mut world = World::new();
    world.accepted(hello());
    let (_, attempt) = world.handed_message();
    world.outcome(attempt, Outcome::Refused(Refusal::theirs(Cause::NetworkFailure, Retry::Scheduled, 8)));
    assert_eq!(world.core.gathered(), 0);
    world.now = world.now + Duration::from_secs(20);
    world.core.tick(world.now);
    assert_eq!(world.core.gathered(), 1, "nothing else may happen for hours");
}

fn replace(message: MessageId, text: &str) -> Inbound {
    let content = Content::Text(text.into());
    let command = Command::Replace { origin: ESME, message, content, scheduled_at: None, expires_at: None };
    Inbound::Command { command, ticket: ticket() }
}

#[test]
fn a_replaced_message_keeps_its_place_and_leaves_after_its_commit() {
    let mut world = World::new();
    world.take(Inbound::Room { channel: SMSC, room: 0 });
    let id = world.accepted(hello());
    world.core.take(world.now, replace(id, "other"));
    world.core.take(world.now, Inbound::Room { channel: SMSC, room: 5 });
    assert!(world.core.dispatch(world.now).is_empty(), "the new text is not durable yet");
    world.turn();
    let (_, Outgoing::Message(message)) = world.next_handed() else { panic!("a message") };
    assert_eq!(message.submission.content, Content::Text("other".into()));
}

#[test]
fn what_waits_for_a_channel_that_goes_down_moves_on() {
    let mut world = World::new();
    world.take(Inbound::Room { channel: SMSC, room: 1 });
    world.take(Inbound::Room { channel: SPARE, room: 9 });
    world.accepted(hello());
    let waiting = world.accepted(hello());
    assert_eq!(world.handed_message().0, SMSC);
    world.take(Inbound::Room { channel: SMSC, room: 0 });
    world.pass(0);
    let (channel, Outgoing::Message(moved)) = world.next_handed() else { panic!("a message") };
    assert_eq!((channel, moved.message), (SPARE, waiting));
    let late = world.accepted(hello());
    world.pass(0);
    let (channel, Outgoing::Message(moved)) = world.next_handed() else { panic!("a message") };
    assert_eq!((channel, moved.message), (SPARE, late), "what comes while it is down too");
}

#[test]
fn a_channel_that_has_not_connected_yet_is_waited_for() {
    let mut world = World::new();
    let mut policy = policy();
    policy.routes = Routes::new([Route {
        prefix: String::new(),
        origin: None,
        class: None,
        channels: smallvec![SPARE, SMSC],
        balance: false,
    }]);
    world.core.set_policy(Arc::new(policy));
    world.accepted(hello());
    assert!(world.handed.is_empty(), "SPARE has said nothing so far, SMSC is up");
    world.take(Inbound::Room { channel: SPARE, room: 1 });
    assert_eq!(world.handed_message().0, SPARE);
}

fn linked(world: &mut World) {
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

#[test]
fn a_plan_through_a_messenger_reaches_the_phone_by_its_number_and_in_segments() {
    let mut world = World::new();
    linked(&mut world);
    let id = world.accepted(text("15881234", "01012345678", &"x".repeat(300)));
    let (channel, attempt) = world.handed_message();
    assert_eq!(channel, TICTOC);
    world.outcome(attempt, Outcome::Refused(Refusal::theirs(Cause::NetworkRefused, Retry::OtherRoute, 404)));
    let (channel, Outgoing::Message(message)) = world.next_handed() else { panic!("a message") };
    assert_eq!((channel, message.to.is_none()), (SMSC, true), "as the sender wrote it");
    assert_ne!(message.concat_ref, 0, "three segments that belong together");
    let ids = ["A", "B", "C"].map(|id| UpstreamId(id.into()));
    world.outcome(message.attempt, Outcome::Sent(ids.into_iter().collect()));
    world.receipt("A", ReceiptState::Delivered);
    assert!(!world.finals().contains(&(id, Disposition::Delivered)), "one of three");
    world.receipt("B", ReceiptState::Delivered);
    world.receipt("C", ReceiptState::Delivered);
    assert!(world.finals().contains(&(id, Disposition::Delivered)));
}

#[test]
fn a_repeated_receipt_for_a_segment_counts_once_after_a_restart_too() {
    let mut world = World::new();
    world.accepted(text("15881234", "01012345678", &"x".repeat(200)));
    let (_, attempt) = world.handed_message();
    let ids = ["A", "B"].map(|id| UpstreamId(id.into()));
    world.outcome(attempt, Outcome::Sent(ids.into_iter().collect()));
    world.receipt("A", ReceiptState::Delivered);
    let mut world = world.restarted();
    world.receipt("A", ReceiptState::Delivered);
    assert_eq!(world.finals(), []);
    world.receipt("B", ReceiptState::Delivered);
    assert_eq!(world.finals().len(), 1);
}

fn waiting_policy() -> Policy {
    let mut policy = policy();
    policy.channels[1].answer_lost = engine::AnswerLost::Wait;
    policy
}

#[test]
fn where_duplicates_are_unwanted_a_restart_does_not_send_again() {
    let mut world = World::new();
    world.core.set_policy(Arc::new(waiting_policy()));
    let id = world.accepted(Submission { expires_at: Some(world.now + Duration::from_secs(60)), ..hello() });
    let (_, attempt) = world.handed_message();
    world.outcome(attempt, Outcome::Unknown);
    let mut world = world.restarted_with(waiting_policy());
    world.pass(71 * 3_600);
    assert!(world.handed.is_empty(), "not sent again");
    world.pass(3_601);
    assert!(world.handed.iter().all(|(channel, _)| *channel == ESME));
    assert_eq!(world.finals(), [(id, Disposition::Lost)]);
}

#[test]
fn a_late_refusal_brings_the_validity_back() {
    let mut world = World::new();
    world.core.set_policy(Arc::new(waiting_policy()));
    let id = world.accepted(Submission { expires_at: Some(world.now + Duration::from_secs(60)), ..hello() });
    let (_, attempt) = world.handed_message();
    world.outcome(attempt, Outcome::Unknown);
    world.pass(30);
    let later = Retry::After(Duration::from_secs(60));
    world.outcome(attempt, Outcome::Refused(Refusal::theirs(Cause::NetworkFailure, later, 8)));
    world.pass(120);
    assert_eq!(world.finals(), [(id, Disposition::Expired)]);
    assert!(!world.handed.iter().any(|(channel, _)| *channel == SMSC), "not handed over after its validity");
}

#[test]
fn a_lost_answer_to_several_segments_needs_a_receipt_for_each() {
    let mut world = World::new();
    world.core.set_policy(Arc::new(waiting_policy()));
    let id = world.accepted(text("15881234", "01012345678", &"x".repeat(200)));
    let (_, attempt) = world.handed_message();
    world.outcome(attempt, Outcome::Unknown);
    let about = || {
        let (to, from) = (Number::written("+821012345678"), Number::written("15881234"));
        Some(Box::new((Pii::new(to), Pii::new(from))))
    };
    for id in ["A", "A", "B"] {
        assert_eq!(world.finals(), []);
        let upstream = smallvec![UpstreamId(id.into())];
        let state = ReceiptState::Delivered;
        let receipt = Receipt { upstream, state, code: None, at: None, about: about() };
        world.take(Inbound::Receipt { channel: SMSC, receipt, ticket: Some(ticket()) });
        world.pass(6);
    }
    assert_eq!(world.finals(), [(id, Disposition::Delivered)]);
}

#[test]
fn the_receipt_of_another_message_does_not_resolve_a_lost_answer() {
    let mut world = World::new();
    world.core.set_policy(Arc::new(waiting_policy()));
    world.accepted(hello());
    let (_, lost) = world.handed_message();
    world.outcome(lost, Outcome::Unknown);
    let second = world.accepted(hello());
    let (_, attempt) = world.handed_message();
    let numbers = (Pii::new(Number::written("01012345678")), Pii::new(Number::written("15881234")));
    let receipt = Receipt {
        upstream: smallvec![UpstreamId("A2".into())],
        state: ReceiptState::Delivered,
        code: None,
        at: None,
        about: Some(Box::new(numbers)),
    };
    let arrive = |world: &mut World| {
        let receipt = receipt.clone();
        world.take(Inbound::Receipt { channel: SMSC, receipt, ticket: Some(ticket()) });
    };
    // Before its answer, and once more when it has ended.
    arrive(&mut world);
    world.outcome(attempt, sent("A2"));
    arrive(&mut world);
    world.pass(10);
    assert_eq!(world.finals(), [(second, Disposition::Delivered)]);
}

#[test]
fn what_is_replaced_before_its_acceptance_is_durable_stays_in_memory_until_both_are() {
    let mut world = World::new();
    let mut policy = policy();
    policy.limits.hot_max = 0;
    world.core.set_policy(Arc::new(policy));
    world.take(Inbound::Room { channel: SMSC, room: 1 });
    world.accepted(hello());
    let _fills_the_room = world.handed_message();
    world.core.take(world.now, Inbound::Submit { submission: Arc::new(hello()), ticket: ticket() });
    let accepting = world.core.seal(world.now).expect("the acceptance");
    let second = accepting.batch.first_accepted().expect("a message");
    world.core.take(world.now, replace(second, "other"));
    world.core.committed(accepting.release);
    let replacing = world.core.seal(world.now).expect("the replacement");
    world.core.committed(replacing.release);
    world.core.take(world.now, Inbound::Room { channel: SMSC, room: 2 });
    let handed = world.core.dispatch(world.now);
    assert!(world.core.wanted().is_empty(), "the store could only have given the text of before");
    let Outgoing::Message(message) = &handed[0].1[0] else { panic!("a message") };
    assert_eq!(message.submission.content, Content::Text("other".into()));
}

#[test]
fn receipts_that_came_before_a_late_answer_are_not_waited_for_again() {
    let mut world = World::new();
    world.core.set_policy(Arc::new(waiting_policy()));
    let id = world.accepted(text("15881234", "01012345678", &"x".repeat(200)));
    let (_, attempt) = world.handed_message();
    world.outcome(attempt, Outcome::Unknown);
    let numbers = (Pii::new(Number::written("01012345678")), Pii::new(Number::written("15881234")));
    let receipt = Receipt {
        upstream: smallvec![UpstreamId("A".into())],
        state: ReceiptState::Delivered,
        code: None,
        at: None,
        about: Some(Box::new(numbers)),
    };
    world.take(Inbound::Receipt { channel: SMSC, receipt, ticket: Some(ticket()) });
    world.pass(6);
    let ids = ["A", "B"].map(|id| UpstreamId(id.into()));
    world.outcome(attempt, Outcome::Sent(ids.into_iter().collect()));
    assert_eq!(world.finals(), []);
    world.receipt("B", ReceiptState::Delivered);
    assert_eq!(world.finals(), [(id, Disposition::Delivered)]);
}
