//! Handsets with SMS over IMS that are slow, deaf or out of order: each hand-over has one outcome all the same, and
//! nobody is said to have what he did not acknowledge.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use model::{
    Answer, AttemptId, Cause, Disposition, Inbound, MessageId, Outcome, Outgoing, ReceiptState, Report,
    Retry, Submission, Timestamp,
};
use proptest::prelude::*;
use rcs::settings::Mode;
use sip_message::{Message, Name, Request};
use sip_transaction::Flow;

use crate::{
    short::{SUBMIT, acknowledges, believing, old_handset, said, says, taken},
    world::{MINA, World, authorization, handset, other_handset, peer, settings, text},
};

/// Two segments.
const LONG: &str = "가나다라마바사아자차가나다라마바사아자차가나다라마바사아자차가나다라마바사아자차\
                    가나다라마바사아자차가나다라마바사아자차가나다라마바사아자차가나다라마바사아자차";

/// What is told of a message that was delivered.
fn delivered(attempt: AttemptId, message: MessageId, submission: Arc<Submission>, now_us: i64) -> Outgoing {
    Outgoing::Report(Report {
        attempt,
        message,
        submission,
        disposition: Disposition::Delivered,
        cause: None,
        code: None,
        at: Timestamp::from_micros(now_us),
        segments: 1,
        displayed: false,
        intermediate: false,
        via: None,
    })
}

/// RFC 3261 §17.1.2.2, timer F: no answer at all, and the RP-ACK comes when nobody waits for it any more.
#[test]
fn a_handset_whose_200_is_lost_may_still_say_that_it_has_the_message() {
    let mut world = believing();
    old_handset(&mut world);
    let attempt = world.text_to(MINA, "hi");
    let (_, delivery) = world.sent_request();
    world.pass(33);
    world.sent.clear();
    assert_eq!(world.outcome(), (attempt, Outcome::Unknown));
    acknowledges(&mut world, &delivery, &[0x02, 1]);
    assert_eq!(world.receipt().0.state, ReceiptState::Delivered);
    world.quiet();
}

#[test]
fn an_rp_ack_that_overtakes_the_200_counts() {
    let mut world = believing();
    old_handset(&mut world);
    world.text_to(MINA, "hi");
    let (flow, delivery) = world.sent_request();
    acknowledges(&mut world, &delivery, &[0x02, 1]);
    assert!(matches!(world.outcome().1, Outcome::Sent(_)));
    assert_eq!(world.receipt().0.state, ReceiptState::Delivered);
    world.reply(flow, &delivery, 200, &[]);
    world.quiet();
}

/// What SIP says of a segment that the handset has acknowledged means nothing for the next one.
#[test]
fn a_late_answer_to_one_segment_is_none_to_the_next() {
    for status in [None, Some(480)] {
        let mut world = believing();
        old_handset(&mut world);
        world.text_to(MINA, LONG);
        let (flow, first) = world.sent_request();
        acknowledges(&mut world, &first, &[0x02, 1]);
        let second = said(&mut world);
        match status {
            Some(status) => world.reply(flow, &first, status, &[]),
            None => world.pass(33),
        }
        world.sent.clear();
        assert!(world.inbound.is_empty(), "{:?}", world.inbound);
        acknowledges(&mut world, &second, &[0x02, 2]);
        assert!(matches!(world.outcome().1, Outcome::Sent(_)));
    }
}

/// TS 23.040 §9.2.2.1a: some say only in TP-FCS that they are full.
#[test]
fn a_full_card_is_waited_for_too() {
    let mut world = believing();
    old_handset(&mut world);
    world.text_to(MINA, "hi");
    let delivery = said(&mut world);
    acknowledges(&mut world, &delivery, &[0x04, 1, 0x01, 111, 0x41, 0x03, 0x00, 0xD0, 0x00]);
    let Outcome::Refused(refusal) = world.outcome().1 else { panic!("refused") };
    assert_eq!((refusal.cause, refusal.retry, refusal.code), (Cause::Unreachable, Retry::WhenReachable, 111));
}

#[test]
fn who_proves_himself_without_being_registered_is_answered_the_way_he_came() {
    let mut world = World::new();
    world.settle();
    says(&mut world, SUBMIT, "");
    let challenge = world.sent_response();
    let answer = authorization(&challenge, "MESSAGE", "sip:100@ims.example", MINA, "secret");
    says(&mut world, SUBMIT, &format!("\nProxy-Authorization: {answer}"));
    assert_eq!(world.status(), 202);
    let ticket = world.submission().1;
    let answer = taken(&mut world);
    world.answer(ticket, answer);
    assert_eq!(world.sent.front().map(|(flow, _)| flow.remote), Some(handset().remote));
    assert_eq!(said(&mut world).body[..2], [0x03, 0x2A]);
}

#[test]
fn of_several_handsets_the_one_that_submitted_is_answered() {
    let mut world = believing();
    old_handset(&mut world);
    let other = other_handset();
    let contact = format!("<sip:mina@{}>;+g.3gpp.smsip", other.remote);
    assert_eq!(world.register(other, MINA, &contact, "Expires: 600").status, 200);
    for flow in [other, handset()] {
        world.settle();
        let mut submit = SUBMIT.to_vec();
        submit[9] = u8::try_from(flow.remote.port() & 0x7F).expect("masked");
        let head = format!(
            "MESSAGE sip:100@ims.example
             From: <sip:{MINA}@ims.example>;tag=m
             To: <sip:100@ims.example>
             Content-Type: application/vnd.3gpp.sms"
        );
        world.request(flow, &head, &submit);
        assert_eq!(world.status(), 202);
        let (submission, ticket) = world.submission();
        let message = world.id();
        world.answer(ticket, Answer::Accepted(message));
        assert_eq!(world.sent.front().map(|(flow, _)| flow.remote), Some(flow.remote));
        assert_eq!(said(&mut world).body[0], 0x03);
        // Its status report as well.
        let attempt = world.outgoing((*submission).clone()).attempt;
        let report = delivered(attempt, message, submission, world.now_us);
        world.hand_over(report);
        assert_eq!(world.sent.front().map(|(flow, _)| flow.remote), Some(flow.remote));
        assert_eq!(said(&mut world).body[0], 0x01);
    }
}

/// A status report is no reason to knock at an address where somebody else may be now.
#[test]
fn a_status_report_waits_for_a_handset_that_has_gone() {
    let mut world = believing();
    old_handset(&mut world);
    says(&mut world, SUBMIT, "");
    assert_eq!(world.status(), 202);
    let submission = world.submission().0;
    world.register(handset(), MINA, "*", "Expires: 0");
    world.settle();
    let message = world.id();
    let attempt = world.outgoing((*submission).clone()).attempt;
    let report = delivered(attempt, message, submission, world.now_us);
    world.hand_over(report);
    let Outcome::Refused(refusal) = world.outcome().1 else { panic!("refused") };
    assert_eq!((refusal.cause, refusal.retry), (Cause::Unreachable, Retry::WhenReachable));
    world.quiet();
}

/// RFC 7315 §4.6: within networks it is said what is charged.
#[test]
fn a_core_is_told_the_charging_id_and_a_handset_is_not() {
    let mut world = believing();
    old_handset(&mut world);
    world.text_to(MINA, "hi");
    assert_eq!(said(&mut world).headers.text(Name::PChargingVector), None);
    let mut of = settings();
    of.mode = Mode::ApplicationServer;
    of.users.clear();
    of.peers[0].registrar = true;
    let mut world = World::with(of);
    world.request(
        peer(),
        &format!(
            "REGISTER sip:as.ims.example
             From: <sip:scscf.ims.example>;tag=s
             To: <sip:{MINA}@ims.example>
             Contact: <sip:192.0.2.9:6060>
             Expires: 600
             Content-Type: message/sip"
        ),
        b"REGISTER sip:ims.example SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKi\r\n\
          From: <sip:m@ims.example>;tag=u\r\nTo: <sip:m@ims.example>\r\nCall-ID: i\r\nCSeq: 1 REGISTER\r\n\
          Max-Forwards: 70\r\nContact: <sip:10.0.0.1>;+g.3gpp.smsip\r\nContent-Length: 0\r\n\r\n",
    );
    world.settle();
    world.text_to(MINA, LONG);
    let first = said(&mut world);
    let charging = first.headers.text(Name::PChargingVector).expect("a charging id").to_owned();
    assert!(charging.starts_with("icid-value="), "{charging}");
    world.request(
        peer(),
        &format!(
            "MESSAGE sip:100@ims.example
             From: <sip:{MINA}@ims.example>;tag=m
             To: <sip:100@ims.example>
             P-Asserted-Identity: <sip:{MINA}@ims.example>
             In-Reply-To: {}
             Content-Type: application/vnd.3gpp.sms",
            first.call_id()
        ),
        &[0x02, 1],
    );
    assert_eq!(world.status(), 202);
    let second = said(&mut world);
    assert_eq!(second.headers.text(Name::PChargingVector), Some(&*charging), "one message, one id");
}

#[derive(Debug, Clone)]
enum Step {
    /// A message of one segment, or of two.
    HandOver(bool),
    /// Of the requests that came, which, and its status.
    Reply(u8, u16),
    /// Of the RP-DATA that came, which, and the answer of the relay layer.
    Says(u8, Said),
    /// RP-ACK to nothing.
    Stray,
    Submit(u8),
    Answer(bool),
    Pass(u8),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    Ack,
    Full,
    Broken,
}

fn step() -> impl Strategy<Value = Step> {
    let status = prop::sample::select(vec![200_u16, 200, 202, 404, 415, 480, 488, 503, 603]);
    let said = prop::sample::select(vec![Said::Ack, Said::Ack, Said::Ack, Said::Full, Said::Broken]);
    prop_oneof![
        3 => any::<bool>().prop_map(Step::HandOver),
        3 => (any::<u8>(), status).prop_map(|(which, status)| Step::Reply(which, status)),
        4 => (any::<u8>(), said).prop_map(|(which, said)| Step::Says(which, said)),
        1 => Just(Step::Stray),
        1 => (0_u8..3).prop_map(Step::Submit),
        1 => any::<bool>().prop_map(Step::Answer),
        1 => any::<u8>().prop_map(Step::Pass),
    ]
}

struct Case {
    world: World,
    /// Every request that came.
    came: Vec<(Flow, Request)>,
    attempts: Vec<AttemptId>,
    outcomes: HashMap<AttemptId, Vec<Outcome>>,
    /// Whose last segment was acknowledged.
    acknowledged: HashSet<AttemptId>,
    acknowledgements: usize,
    receipts: usize,
    tickets: Vec<model::Ticket>,
}

impl Case {
    fn look(&mut self) {
        for (flow, message) in self.world.sent.drain(..) {
            if let Message::Request(request) = message
                && !self.came.iter().any(|(_, known)| known.call_id() == request.call_id())
            {
                self.came.push((flow, request));
            }
        }
        for inbound in self.world.inbound.drain(..) {
            match inbound {
                Inbound::Outcome { attempt, outcome } => {
                    self.outcomes.entry(attempt).or_default().push(outcome);
                }
                Inbound::Receipt { .. } => self.receipts += 1,
                Inbound::Submit { ticket, .. } => self.tickets.push(ticket),
                _ => {}
            }
        }
    }

    fn data(&self) -> Vec<&Request> {
        self.came.iter().map(|(_, request)| request).filter(|request| request.body[0] == 0x01).collect()
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::HandOver(long) => {
                // The sender says which message it is.
                let from = format!("+82107777{:04}", self.attempts.len());
                let submission = text(&from, MINA, if long { LONG } else { "hi" });
                let message = self.world.outgoing(submission);
                self.attempts.push(message.attempt);
                self.world.hand_over(Outgoing::Message(message));
            }
            Step::Reply(which, status) if !self.came.is_empty() => {
                let (flow, request) = self.came[usize::from(which) % self.came.len()].clone();
                self.world.reply(flow, &request, status, &[]);
            }
            Step::Says(which, said) => {
                let data = self.data();
                if data.is_empty() {
                    return;
                }
                let data = data[usize::from(which) % data.len()].clone();
                let reference = data.body[1];
                if said == Said::Ack && data.body[8] & 0x04 != 0 {
                    let digits = |octet: u8| usize::from(octet & 0x0F) * 10 + usize::from(octet >> 4);
                    let number = digits(data.body[15]) * 100 + digits(data.body[16]);
                    self.acknowledged.insert(self.attempts[number]);
                    self.acknowledgements += 1;
                }
                let rp: &[u8] = match said {
                    Said::Ack => &[0x02, reference],
                    Said::Full => &[0x04, reference, 0x01, 22],
                    Said::Broken => &[0x04, reference, 0x01, 111],
                };
                says(&mut self.world, rp, &format!("\nIn-Reply-To: {}", data.call_id()));
            }
            Step::Stray => says(&mut self.world, &[0x02, 250], ""),
            Step::Submit(reference) => {
                let mut submit = SUBMIT.to_vec();
                submit[9] = reference;
                says(&mut self.world, &submit, "");
            }
            Step::Answer(good) => {
                let Some(ticket) = self.tickets.pop() else { return };
                let answer = match good {
                    true => taken(&mut self.world),
                    false => Answer::Refused(model::Refusal::ours(Cause::NoRoute)),
                };
                self.world.answer(ticket, answer);
            }
            Step::Pass(seconds) => self.world.pass(i64::from(seconds % 50)),
            Step::Reply(..) => {}
        }
        self.look();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn one_outcome_each_and_none_has_what_he_did_not_acknowledge(
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let mut world = believing();
        old_handset(&mut world);
        world.settle();
        let mut case = Case {
            world,
            came: Vec::new(),
            attempts: Vec::new(),
            outcomes: HashMap::new(),
            acknowledged: HashSet::new(),
            acknowledgements: 0,
            receipts: 0,
            tickets: Vec::new(),
        };
        for step in &steps {
            case.step(step);
        }
        while !case.tickets.is_empty() {
            case.step(&Step::Answer(true));
        }
        for _ in 0..10 {
            case.step(&Step::Pass(49));
        }
        prop_assert!(case.world.core.is_idle());
        prop_assert_eq!(case.outcomes.len(), case.attempts.len());
        for (attempt, outcomes) in &case.outcomes {
            prop_assert_eq!(outcomes.len(), 1);
            if matches!(outcomes[0], Outcome::Sent(_)) {
                prop_assert!(case.acknowledged.contains(attempt));
            }
        }
        prop_assert!(case.receipts <= case.acknowledgements);
    }
}
