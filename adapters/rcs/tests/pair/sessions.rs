//! Whatever happens to sessions, each hand-over gets exactly one outcome, what was taken is answered, and in the end
//! no session is left.

use std::collections::HashMap;

use model::{Answer, AttemptId, Cause, Inbound, Outgoing, Refusal, Ticket};
use proptest::prelude::*;
use sip_message::{Message, Method, Name, Request, Response};
use sip_msrp::{Action, Answer as Said, SessionKey, Status};
use sip_transaction::Flow;

use crate::{
    chat::world_with,
    handset::{Handset, cpim},
    world::{MINA, PHONE, World, handset, text},
};

#[derive(Debug, Clone)]
enum Step {
    /// Something for Mina, short or long.
    HandOver(bool),
    /// Mina opens a chat; whether she acknowledges it and comes.
    Chat(bool, bool),
    /// Of the INVITEs that are out, which she takes; whether she comes.
    Take(u8, bool),
    /// Of the requests that are out, which, and what.
    Reply(u8, u16),
    /// Mina says something.
    Say(u8),
    /// Of the dialogs that she opened, which she ends.
    Bye(u8),
    /// What she answers to what is said from now on.
    Answers(Option<Said>),
    Lose,
    Store(u8, bool),
    Pass(u8),
    Dead(bool),
}

fn step() -> impl Strategy<Value = Step> {
    let status = prop_oneof![
        Just(100_u16),
        Just(180),
        Just(200),
        Just(404),
        Just(415),
        Just(480),
        Just(481),
        Just(486),
        Just(488),
        Just(603)
    ];
    let answers = prop_oneof![
        3 => Just(Some(Said::Taken)),
        1 => Just(None),
        1 => Just(Some(Said::Refused(Status::STOP_SENDING))),
        1 => Just(Some(Said::Refused(Status::NO_SESSION))),
        1 => Just(Some(Said::Refused(Status::MEDIA_TYPE))),
    ];
    prop_oneof![
        4 => any::<bool>().prop_map(Step::HandOver),
        2 => (any::<bool>(), any::<bool>()).prop_map(|(acks, comes)| Step::Chat(acks, comes)),
        3 => (any::<u8>(), any::<bool>()).prop_map(|(which, comes)| Step::Take(which, comes)),
        2 => (any::<u8>(), status).prop_map(|(which, status)| Step::Reply(which, status)),
        2 => any::<u8>().prop_map(Step::Say),
        1 => any::<u8>().prop_map(Step::Bye),
        2 => answers.prop_map(Step::Answers),
        1 => Just(Step::Lose),
        2 => (any::<u8>(), any::<bool>()).prop_map(|(which, good)| Step::Store(which, good)),
        2 => any::<u8>().prop_map(Step::Pass),
        1 => any::<bool>().prop_map(Step::Dead),
    ]
}

struct Case {
    world: World,
    mina: Handset,
    is_attached: bool,
    out: Vec<(Flow, Request)>,
    answered: Vec<Response>,
    sessions: Vec<SessionKey>,
    dialogs: Vec<(Response, u32)>,
    tickets: Vec<Ticket>,
    outcomes: HashMap<AttemptId, u32>,
    handed: u32,
    said: u32,
    calls: u32,
}

impl Case {
    fn new(contact: &str) -> Self {
        let (mut world, mina) = world_with(|_| {});
        assert_eq!(world.register(handset(), MINA, contact, "Expires: 3600").status, 200);
        world.settle();
        Self {
            world,
            mina,
            is_attached: false,
            out: Vec::new(),
            answered: Vec::new(),
            sessions: Vec::new(),
            dialogs: Vec::new(),
            tickets: Vec::new(),
            outcomes: HashMap::new(),
            handed: 0,
            said: 0,
            calls: 0,
        }
    }

    fn look(&mut self) {
        if self.is_attached {
            self.mina.exchange(&mut self.world);
        }
        let line = self.mina.line;
        if self.world.msrp.drain(..).any(|action| action == Action::Close { connection: line }) {
            self.lose();
        }
        for (flow, message) in self.world.sent.drain(..) {
            match message {
                Message::Request(request) if request.method != Method::ACK => self.out.push((flow, request)),
                Message::Request(_) => {}
                Message::Response(response) => self.answered.push(response),
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

    fn lose(&mut self) {
        if std::mem::take(&mut self.is_attached) {
            self.mina.lose(&mut self.world);
            // Another connection has another number.
            self.mina.line.0 += 1_000;
        }
    }

    fn come(&mut self, description: &str) {
        let session = self.mina.open(description);
        self.sessions.push(session);
        if !self.is_attached {
            self.is_attached = true;
            self.mina.attach(&mut self.world);
        }
        let (now, line) = (self.world.now_us, self.mina.line);
        self.mina.act(&mut self.world, |endpoint, out| endpoint.bind(now, session, line, out));
    }

    fn new_uri(&mut self) {
        self.calls += 1;
        self.mina.uri = format!("msrp://127.0.0.1:7101/device{};tcp", self.calls);
    }

    fn store(&mut self, ticket: Ticket, good: bool) {
        let answer = match good {
            true => Answer::Accepted(self.world.id()),
            false => Answer::Refused(Refusal::ours(Cause::NoRoute)),
        };
        self.world.answer(ticket, answer);
    }

    fn step(&mut self, step: &Step) {
        let of = |which: u8, count: usize| (count > 0).then(|| usize::from(which) % count.max(1));
        match step.clone() {
            Step::HandOver(is_long) => {
                self.handed += 1;
                let words = if is_long { "long ".repeat(400) } else { "hi".into() };
                let message = self.world.outgoing(text(PHONE, MINA, &words));
                self.world.hand_over(Outgoing::Message(message));
            }
            Step::Chat(acks, comes) => {
                self.new_uri();
                let sdp = self.mina.sdp("a=setup:active\r\n");
                self.look();
                let call = self.calls + 100;
                let head =
                    self.mina.invite_head(MINA, PHONE, call) + "\n             Content-Type: application/sdp";
                self.world.request(self.mina.flow, &head, sdp.as_bytes());
                self.look();
                let Some(ok) = self.answered.pop().filter(|response| response.status.is_success()) else {
                    return;
                };
                if acks {
                    self.mina.ack(&mut self.world, &ok, call, MINA, PHONE);
                }
                if comes {
                    self.come(&String::from_utf8_lossy(&ok.body));
                }
                self.dialogs.push((ok, call));
            }
            Step::Take(which, comes) => {
                let invites: Vec<_> =
                    self.out.iter().filter(|(_, request)| request.method == Method::INVITE).collect();
                let Some(at) = of(which, invites.len()) else { return };
                let (flow, invite) = invites[at].clone();
                self.new_uri();
                self.mina.take(&mut self.world, flow, &invite, "a=setup:active\r\n");
                if comes && !invite.body.is_empty() {
                    self.come(&String::from_utf8_lossy(&invite.body));
                }
            }
            Step::Reply(which, status) => {
                let Some(at) = of(which, self.out.len()) else { return };
                let (flow, request) = self.out[at].clone();
                self.world.reply(flow, &request, status, &[(Name::Accept, "text/plain")]);
            }
            Step::Say(which) => {
                let Some(at) = of(which, self.sessions.len()) else { return };
                self.said += 1;
                let (id, now, session) = (format!("m{:04}", self.said), self.world.now_us, self.sessions[at]);
                let message =
                    sip_msrp::Message::new(id.clone(), "message/cpim", cpim(&format!("Msg{id}"), "hello"));
                self.mina.act(&mut self.world, |endpoint, out| {
                    // Its session may be over.
                    let _over = endpoint.send(now, session, message, out);
                });
            }
            Step::Bye(which) => {
                let Some(at) = of(which, self.dialogs.len()) else { return };
                let (ok, call) = self.dialogs.swap_remove(at);
                let bye = self.mina.within("BYE", &ok, call, 2, MINA, PHONE);
                self.world.request(self.mina.flow, &bye, b"");
            }
            Step::Answers(answers) => self.mina.answers = answers,
            Step::Lose => self.lose(),
            Step::Store(which, good) => {
                let Some(at) = of(which, self.tickets.len()) else { return };
                let ticket = self.tickets.swap_remove(at);
                self.store(ticket, good);
            }
            Step::Pass(seconds) => self.world.pass(i64::from(seconds % 50)),
            Step::Dead(dead) => self.world.wire.lock().expect("no test panics with it").dead = dead,
        }
        self.look();
    }

    /// Everything that is under way ends by itself.
    fn end(&mut self) {
        while let Some(ticket) = self.tickets.pop() {
            self.store(ticket, true);
            self.look();
        }
        self.lose();
        for _ in 0..60 {
            self.world.pass(40);
            self.look();
            while let Some(ticket) = self.tickets.pop() {
                self.store(ticket, true);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn one_outcome_each_and_no_session_left(
        steps in proptest::collection::vec(step(), 1..40),
        device in 0..3_usize,
    ) {
        let contact = [
            "<sip:mina@127.0.0.1:6001>",
            "<sip:mina@127.0.0.1:6001>;+g.gsma.rcs.cpm.pager-large",
            "<sip:mina@127.0.0.1:6001>;+g.oma.sip-im",
        ][device];
        let mut case = Case::new(contact);
        for step in &steps {
            case.step(step);
        }
        case.end();
        prop_assert!(case.world.core.is_idle());
        prop_assert_eq!(case.outcomes.len(), case.handed as usize);
        prop_assert!(case.outcomes.values().all(|count| *count == 1), "{:?}", case.outcomes);
        prop_assert_eq!(case.world.core.sessions(), 0);
    }
}
