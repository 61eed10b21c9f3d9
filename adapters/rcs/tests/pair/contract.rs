//! Whatever happens, each hand-over gets exactly one outcome and each request exactly one final answer.

use std::collections::HashMap;

use model::{Answer, AttemptId, Cause, Inbound, Outgoing, Refusal, Ticket};
use proptest::prelude::*;
use sip_message::{Message, Name, Request, Uri};
use sip_transaction::{Flow, Transport};

use crate::world::{JUN, MINA, PHONE, World, peer, settings, text};

#[derive(Debug, Clone)]
enum Step {
    /// To whom.
    HandOver(u8),
    /// Of the requests that are out, which, and what.
    Reply(u8, u16),
    Break(u8, bool),
    Pass(u8),
    Submit,
    Answer(u8, bool),
    Dead(bool),
}

fn step() -> impl Strategy<Value = Step> {
    let status = prop_oneof![
        Just(200_u16),
        Just(202),
        Just(404),
        Just(408),
        Just(415),
        Just(480),
        Just(503),
        Just(603),
        Just(100)
    ];
    prop_oneof![
        3 => any::<u8>().prop_map(Step::HandOver),
        3 => (any::<u8>(), status).prop_map(|(which, status)| Step::Reply(which, status)),
        1 => (any::<u8>(), any::<bool>()).prop_map(|(which, stood)| Step::Break(which, stood)),
        1 => any::<u8>().prop_map(Step::Pass),
        1 => Just(Step::Submit),
        1 => (any::<u8>(), any::<bool>()).prop_map(|(which, good)| Step::Answer(which, good)),
        1 => any::<bool>().prop_map(Step::Dead),
    ]
}

struct Case {
    world: World,
    out: Vec<(Flow, Request)>,
    tickets: Vec<Ticket>,
    outcomes: HashMap<AttemptId, u32>,
    handed: u32,
    submitted: u32,
    finals: HashMap<String, u32>,
}

impl Case {
    fn look(&mut self) {
        for (flow, message) in self.world.sent.drain(..) {
            match message {
                Message::Request(request) => self.out.push((flow, request)),
                Message::Response(response) if response.status.code() >= 200 => {
                    *self.finals.entry(response.call_id().to_owned()).or_default() += 1;
                }
                Message::Response(_) => {}
            }
        }
        for inbound in self.world.inbound.drain(..) {
            match inbound {
                Inbound::Outcome { attempt, .. } => *self.outcomes.entry(attempt).or_default() += 1,
                Inbound::Submit { ticket, .. } => self.tickets.push(ticket),
                _ => {}
            }
        }
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::HandOver(to) => {
                self.handed += 1;
                let to = [MINA, JUN, PHONE][usize::from(to) % 3];
                let message = self.world.outgoing(text(PHONE, to, "hi"));
                self.world.hand_over(Outgoing::Message(message));
            }
            Step::Reply(which, status) if !self.out.is_empty() => {
                let at = usize::from(which) % self.out.len();
                let (flow, request) = self.out[at].clone();
                self.world.reply(flow, &request, status, &[(Name::Accept, "text/plain")]);
            }
            Step::Break(which, never_stood) if !self.out.is_empty() => {
                let at = usize::from(which) % self.out.len();
                let (flow, request) = self.out[at].clone();
                if which % 2 == 0 {
                    self.world.core.ended(self.world.now_us, flow, never_stood);
                } else {
                    self.world.core.unsent(self.world.now_us, flow, &request.to_bytes());
                }
                self.world.collect();
            }
            Step::Pass(seconds) => self.world.pass(i64::from(seconds % 40)),
            Step::Submit => {
                self.submitted += 1;
                self.world.request(
                    peer(),
                    &format!(
                        "MESSAGE tel:{PHONE}
                         From: <tel:{MINA}>;tag=f
                         To: <tel:{PHONE}>
                         Content-Type: text/plain"
                    ),
                    b"x",
                );
            }
            Step::Answer(which, good) if !self.tickets.is_empty() => {
                let at = usize::from(which) % self.tickets.len();
                let ticket = self.tickets.swap_remove(at);
                let answer = match good {
                    true => Answer::Accepted(self.world.id()),
                    false => Answer::Refused(Refusal::ours(Cause::NoRoute)),
                };
                self.world.answer(ticket, answer);
            }
            Step::Dead(dead) => self.world.wire.lock().expect("no test panics with it").dead = dead,
            _ => {}
        }
        self.look();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn one_outcome_and_one_answer_each(
        steps in proptest::collection::vec(step(), 1..40),
        next_hop: bool,
        ask: bool,
    ) {
        let mut of = settings();
        of.next_hop = next_hop.then(|| Uri::new("sip:198.51.100.7").expect("a URI"));
        of.capabilities.ask = ask;
        let mut world = World::with(of);
        world.mina();
        let tcp = world.connection(40, "127.0.0.1:7001", Transport::Tcp);
        world.register(tcp, JUN, "<sip:jun@127.0.0.1:7001;transport=tcp>", "Expires: 3600");
        world.settle();
        let mut case = Case {
            world,
            out: Vec::new(),
            tickets: Vec::new(),
            outcomes: HashMap::new(),
            handed: 0,
            submitted: 0,
            finals: HashMap::new(),
        };
        for step in &steps {
            case.step(step);
        }
        while let Some(ticket) = case.tickets.pop() {
            let id = case.world.id();
            case.world.answer(ticket, Answer::Accepted(id));
            case.look();
        }
        // Everything ends, one after the other between two people.
        for _ in 0..40 {
            case.world.pass(40);
            case.look();
        }
        prop_assert!(case.world.core.is_idle());
        prop_assert_eq!(case.outcomes.len(), case.handed as usize);
        prop_assert!(case.outcomes.values().all(|count| *count == 1), "{:?}", case.outcomes);
        // A sender that gave up needs no answer any more, so there may be fewer.
        prop_assert!(case.finals.values().all(|count| *count == 1));
        prop_assert!(case.finals.len() <= case.submitted as usize);
    }
}
