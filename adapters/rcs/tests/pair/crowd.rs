//! Whatever happens in a group, each hand-over gets exactly one outcome, whatever was said is answered, and in the end
//! nothing is under way.

use std::{collections::HashMap, sync::Arc};

use model::{Answer, AttemptId, Cause, Inbound, Outgoing, OutgoingMessage, Refusal, Submission, Ticket};
use proptest::prelude::*;
use sip_message::{Message, Method, Name, Request, Response};
use sip_msrp::{Action, SessionKey};
use sip_transaction::Flow;

use crate::{
    chat::world_with,
    handset::{Handset, cpim},
    party::{FACTORY, body, delivered, list},
    world::{JUN, MINA, PHONE, World, other_handset, text},
};

const CONTACT: &str = "+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.session\"";

#[derive(Debug, Clone)]
enum Step {
    /// Creates the group, or comes back to it by creating it again.
    Create(bool),
    /// Dials the group; whether she comes.
    Dial(bool, bool),
    /// Of the INVITEs that are out, which is taken; whether the device comes.
    Take(u8, bool),
    /// Of the requests that are out, which, and what.
    Reply(u8, u16),
    /// Somebody says something in a session.
    Say(bool, u8),
    /// Of the dialogs that devices opened, which ends; whether for good.
    Bye(u8, bool),
    /// Adds or removes somebody.
    Refer(bool, bool, u8),
    Subscribe(bool, u8),
    /// What the phone writes to the group.
    Phone(bool),
    /// Of the messages that the gateway took, which is handed over.
    HandOver(u8),
    /// Of those that were, which is to disappear, or is reported.
    Revoke(u8),
    Report(u8),
    Store(u8, bool),
    Lose(bool),
    Pass(u8),
}

fn step() -> impl Strategy<Value = Step> {
    let status = prop::sample::select(vec![100_u16, 180, 200, 404, 408, 480, 481, 486, 488, 503, 603]);
    prop_oneof![
        2 => any::<bool>().prop_map(Step::Create),
        2 => (any::<bool>(), any::<bool>()).prop_map(|(who, comes)| Step::Dial(who, comes)),
        4 => (any::<u8>(), any::<bool>()).prop_map(|(which, comes)| Step::Take(which, comes)),
        2 => (any::<u8>(), status).prop_map(|(which, status)| Step::Reply(which, status)),
        4 => (any::<bool>(), any::<u8>()).prop_map(|(who, which)| Step::Say(who, which)),
        2 => (any::<u8>(), any::<bool>()).prop_map(|(which, for_good)| Step::Bye(which, for_good)),
        2 => (any::<bool>(), any::<bool>(), 0..4_u8).prop_map(|(who, adds, whom)| Step::Refer(who, adds, whom)),
        2 => (any::<bool>(), any::<u8>()).prop_map(|(who, expires)| Step::Subscribe(who, expires)),
        2 => any::<bool>().prop_map(Step::Phone),
        5 => any::<u8>().prop_map(Step::HandOver),
        1 => any::<u8>().prop_map(Step::Revoke),
        1 => any::<u8>().prop_map(Step::Report),
        4 => (any::<u8>(), prop::bool::weighted(0.8)).prop_map(|(which, good)| Step::Store(which, good)),
        1 => any::<bool>().prop_map(Step::Lose),
        2 => any::<u8>().prop_map(Step::Pass),
    ]
}

struct Person {
    handset: Handset,
    number: &'static str,
    is_attached: bool,
    sessions: Vec<SessionKey>,
}

struct Case {
    world: World,
    people: [Person; 2],
    group: Option<String>,
    out: Vec<(Flow, Request)>,
    answered: Vec<Response>,
    /// Whose, the answer, and the Call-ID.
    dialogs: Vec<(usize, Response, String, String)>,
    tickets: Vec<(Ticket, Option<Arc<Submission>>)>,
    taken: Vec<Arc<Submission>>,
    given: Vec<OutgoingMessage>,
    outcomes: HashMap<AttemptId, u32>,
    handed: usize,
    said: u32,
    fates: u32,
    calls: u32,
}

impl Case {
    fn new() -> Self {
        let (mut world, mina) = world_with(|_| {});
        let jun = Handset::new(other_handset(), 102);
        for (flow, number) in [(mina.flow, MINA), (jun.flow, JUN)] {
            let contact = format!("<sip:x@{}>;{CONTACT}", flow.remote);
            assert_eq!(world.register(flow, number, &contact, "Expires: 3600").status, 200);
        }
        world.settle();
        let person = |handset, number| Person { handset, number, is_attached: false, sessions: Vec::new() };
        Self {
            world,
            people: [person(mina, MINA), person(jun, JUN)],
            group: None,
            out: Vec::new(),
            answered: Vec::new(),
            dialogs: Vec::new(),
            tickets: Vec::new(),
            taken: Vec::new(),
            given: Vec::new(),
            outcomes: HashMap::new(),
            handed: 0,
            said: 0,
            fates: 0,
            calls: 0,
        }
    }

    fn look(&mut self) {
        for at in 0..self.people.len() {
            if self.people[at].is_attached {
                self.people[at].handset.exchange(&mut self.world);
            }
            while self.people[at].handset.fate().is_some() {
                self.fates += 1;
            }
            while self.people[at].handset.delivered().is_some() {}
        }
        let closed: Vec<_> = self.world.msrp.drain(..).collect();
        for at in 0..self.people.len() {
            let line = self.people[at].handset.line;
            if closed.iter().any(|action| *action == Action::Close { connection: line }) {
                self.lose(at);
            }
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
                Inbound::Submit { ticket, submission } => self.tickets.push((ticket, Some(submission))),
                Inbound::Receipt { ticket: Some(ticket), .. } => self.tickets.push((ticket, None)),
                _ => {}
            }
        }
    }

    fn lose(&mut self, at: usize) {
        let person = &mut self.people[at];
        if std::mem::take(&mut person.is_attached) {
            person.handset.lose(&mut self.world);
            // Another connection has another number.
            person.handset.line.0 += 1_000;
        }
    }

    fn come(&mut self, at: usize, description: &str) {
        let person = &mut self.people[at];
        let session = person.handset.open(description);
        person.sessions.push(session);
        if !person.is_attached {
            person.is_attached = true;
            person.handset.attach(&mut self.world);
        }
        let (now, line) = (self.world.now_us, person.handset.line);
        person.handset.act(&mut self.world, |endpoint, out| endpoint.bind(now, session, line, out));
    }

    fn new_uri(&mut self, at: usize) {
        self.calls += 1;
        self.people[at].handset.uri = format!("msrp://127.0.0.1:7101/device{}-{at};tcp", self.calls);
    }

    /// Sends an INVITE; what it is answered.
    fn dial(&mut self, at: usize, uri: &str, members: Option<&[&str]>, comes: bool) {
        self.new_uri(at);
        let person = &self.people[at];
        let (number, flow) = (person.number, person.handset.flow);
        let sdp = person.handset.sdp("a=setup:active\r\n");
        let call_id = format!("crowd{}", self.calls);
        let content_type = if members.is_some() { "multipart/mixed;boundary=b" } else { "application/sdp" };
        let head = format!(
            "INVITE {uri}
             From: <sip:{number}@ims.example>;tag=h{call_id}
             To: <{uri}>
             Call-ID: {call_id}
             CSeq: 1 INVITE
             Contact: <sip:x@{}>
             Contribution-ID: one
             Conversation-ID: one
             Content-Type: {content_type}",
            flow.remote
        );
        let octets = members.map_or_else(|| sdp.clone(), |members| body(&sdp, &list(members)));
        self.look();
        self.answered.clear();
        self.world.request(flow, &head, octets.as_bytes());
        self.look();
        let Some(ok) = self.answered.pop().filter(|response| response.status.is_success()) else { return };
        let contact = ok.headers.text(Name::Contact).expect("a Contact");
        let group = contact.split(['<', '>']).nth(1).expect("a URI").to_owned();
        assert!(self.group.replace(group.clone()).is_none_or(|before| before == group), "one group");
        let ack = within("ACK", &group, number, uri, &ok, &call_id, 1, "");
        self.world.request(flow, &ack, b"");
        if comes {
            self.come(at, &String::from_utf8_lossy(&ok.body));
        }
        self.dialogs.push((at, ok, call_id, uri.to_owned()));
    }

    fn store(&mut self, (ticket, submission): (Ticket, Option<Arc<Submission>>), good: bool) {
        let answer = match (good, submission) {
            (true, Some(submission)) => {
                self.taken.push(submission);
                Answer::Accepted(self.world.id())
            }
            (true, None) => Answer::Taken,
            (false, _) => Answer::Refused(Refusal::ours(Cause::NoRoute)),
        };
        self.world.answer(ticket, answer);
    }

    fn step(&mut self, step: &Step) {
        let of = |which: u8, count: usize| (count > 0).then(|| usize::from(which) % count.max(1));
        match step.clone() {
            Step::Create(who) => self.dial(usize::from(who), FACTORY, Some(&[MINA, JUN, PHONE]), true),
            Step::Dial(who, comes) => {
                if let Some(group) = self.group.clone() {
                    self.dial(usize::from(who), &group, None, comes);
                }
            }
            Step::Take(which, comes) => {
                let invites: Vec<_> =
                    self.out.iter().filter(|(_, request)| request.method == Method::INVITE).collect();
                let Some(at) = of(which, invites.len()) else { return };
                let (flow, invite) = invites[at].clone();
                let who = usize::from(flow.remote == other_handset().remote);
                self.new_uri(who);
                self.people[who].handset.take(&mut self.world, flow, &invite, "a=setup:active\r\n");
                if comes && !invite.body.is_empty() {
                    self.come(who, &String::from_utf8_lossy(&invite.body));
                }
            }
            Step::Reply(which, status) => {
                let Some(at) = of(which, self.out.len()) else { return };
                let (flow, request) = self.out[at].clone();
                self.world.reply(flow, &request, status, &[]);
            }
            Step::Say(who, which) => {
                let person = &mut self.people[usize::from(who)];
                let Some(at) = of(which, person.sessions.len()) else { return };
                let (id, now, session) =
                    (format!("m{:04}", self.said), self.world.now_us, person.sessions[at]);
                let words = cpim(&format!("Msg{id}"), "hello");
                let message = sip_msrp::Message::new(id, "message/cpim", words);
                let (mut is_sent, said) = (false, &mut self.said);
                person.handset.act(&mut self.world, |endpoint, out| {
                    // Its session may be over.
                    is_sent = endpoint.send(now, session, message, out).is_ok();
                });
                *said += u32::from(is_sent);
            }
            Step::Bye(which, for_good) => {
                let Some(at) = of(which, self.dialogs.len()) else { return };
                let (who, ok, call_id, uri) = self.dialogs.swap_remove(at);
                let (number, flow) = (self.people[who].number, self.people[who].handset.flow);
                let reason = if for_good { "\nReason: SIP;cause=200" } else { "" };
                let group = self.group.clone().unwrap_or_default();
                let bye = within("BYE", &group, number, &uri, &ok, &call_id, 2, reason);
                self.world.request(flow, &bye, b"");
            }
            Step::Refer(who, adds, whom) => {
                let Some(group) = self.group.clone() else { return };
                let person = &self.people[usize::from(who)];
                let whom = [MINA, JUN, PHONE, "+821033330003"][usize::from(whom) % 4];
                let method = if adds { "INVITE" } else { "BYE" };
                let head = format!(
                    "REFER {group}\nFrom: <sip:{}@ims.example>;tag=r\nTo: <{group}>\nContact: <sip:x@{}>\n\
                     Refer-To: <tel:{whom};method={method}>",
                    person.number, person.handset.flow.remote
                );
                self.world.request(person.handset.flow, &head, b"");
            }
            Step::Subscribe(who, expires) => {
                let Some(group) = self.group.clone() else { return };
                let person = &self.people[usize::from(who)];
                let head = format!(
                    "SUBSCRIBE {group}\nFrom: <sip:{}@ims.example>;tag=s\nTo: <{group}>\nContact: <sip:x@{}>\n\
                     Event: conference\nExpires: {}",
                    person.number,
                    person.handset.flow.remote,
                    u32::from(expires) * 4
                );
                self.world.request(person.handset.flow, &head, b"");
            }
            Step::Phone(leaves) => {
                let Some(group) = self.group.clone() else { return };
                let id = group.split([':', '@']).nth(1).expect("an id");
                let to = model::Address::User(model::User { messenger: "rcs".into(), id: id.into() });
                let words = if leaves { "LEAVE" } else { "hello" };
                let submission = Submission { to: model::Pii::new(to), ..text(PHONE, MINA, words) };
                self.give(submission);
            }
            Step::HandOver(which) => {
                let Some(at) = of(which, self.taken.len()) else { return };
                let submission = self.taken.swap_remove(at);
                self.give((*submission).clone());
            }
            Step::Revoke(which) => {
                let Some(at) = of(which, self.given.len()) else { return };
                self.handed += 1;
                let again = self.world.outgoing((*self.given[at].submission).clone());
                let revoked = OutgoingMessage { attempt: again.attempt, ..self.given[at].clone() };
                self.world.hand_over(Outgoing::Revoke(revoked));
            }
            Step::Report(which) => {
                let Some(at) = of(which, self.given.len()) else { return };
                self.handed += 1;
                let about = self.world.outgoing((*self.given[at].submission).clone());
                self.world.hand_over(delivered(&about.submission, &about));
            }
            Step::Store(which, good) => {
                let Some(at) = of(which, self.tickets.len()) else { return };
                let one = self.tickets.swap_remove(at);
                self.store(one, good);
            }
            Step::Lose(who) => self.lose(usize::from(who)),
            Step::Pass(seconds) => self.world.pass(i64::from(seconds % 70)),
        }
        self.look();
    }

    fn give(&mut self, submission: Submission) {
        self.handed += 1;
        let message = self.world.outgoing(submission);
        self.given.push(message.clone());
        self.world.hand_over(Outgoing::Message(message));
    }

    /// Everything that is under way ends by itself.
    fn end(&mut self) {
        for round in 0..70 {
            while let Some(one) = self.tickets.pop() {
                self.store(one, true);
                self.look();
            }
            if round == 0 {
                self.lose(0);
                self.lose(1);
            }
            self.world.pass(40);
            self.look();
        }
    }
}

#[expect(clippy::too_many_arguments, reason = "all that names a dialog")]
fn within(
    method: &str,
    target: &str,
    number: &str,
    to: &str,
    ok: &Response,
    call_id: &str,
    cseq: u32,
    more: &str,
) -> String {
    format!(
        "{method} {target}\nFrom: <sip:{number}@ims.example>;tag=h{call_id}\nTo: <{to}>;tag={}\nCall-ID: {call_id}\n\
         CSeq: {cseq} {method}{more}",
        ok.to_tag().expect("a tag")
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn in_a_group_there_is_one_outcome_each_and_no_session_is_left(
        steps in proptest::collection::vec(step(), 1..60),
    ) {
        let mut case = Case::new();
        case.step(&Step::Create(false));
        for step in &steps {
            case.step(step);
        }
        case.end();
        prop_assert_eq!(case.outcomes.len(), case.handed);
        prop_assert!(case.outcomes.values().all(|count| *count == 1), "{:?}", case.outcomes);
        prop_assert!(case.world.core.is_idle());
        prop_assert_eq!(case.world.core.sessions(), 0);
        // What a lost connection took along was heard of by nobody.
        prop_assert!(case.fates <= case.said);
    }
}
