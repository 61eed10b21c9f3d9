//! A focus with everything around it played.

use std::sync::Arc;

use bytes::Bytes;
use model::{
    Address, AttemptId, Cause, ChannelId, ChannelKind, Class, Content, Disposition, For, MessageId,
    MessageIds, Number, NumberingPlan, Outcome, OutgoingMessage, Pii, Receipt, ReceiptsWanted, Refusal,
    Report, Submission, Timestamp,
};
use rcs::{
    Settings,
    core::group::{Creation, Do, Focus, Leg, Person, Refused, Said, Verdict},
    settings::Secret,
    translate::{Line, Namer},
};
use sip_message::StatusCode;
use sip_rcs::{
    Cpim,
    conference::{self, Roster, Update},
};
use sip_transaction::hash::Seed;

pub(crate) const MINA: &str = "+821011110001";
pub(crate) const JUN: &str = "+821011110002";
/// Has a plain phone.
pub(crate) const SOO: &str = "+821022220003";
pub(crate) const STRANGER: &str = "+821099990009";
pub(crate) const CONTRIBUTION: &str = "c2a4f0de-6b39-4d0e-8a77-90b1d5e3f642";
pub(crate) const CONVERSATION: &str = "5b1c7d30-8e0a-4a52-9f6d-2f1f0c9a7e11";
const CHANNEL: ChannelId = ChannelId(7);
const START_US: i64 = 1_800_000_000_000_000;

pub(crate) fn line(text: &str) -> Line {
    Line::of(&Number::written(text), &NumberingPlan::korea())
}

pub(crate) fn person(text: &str) -> Person {
    Person { line: line(text), display: None }
}

/// What stands for the members' sessions: one number for each.
pub(crate) fn leg(text: &str) -> Leg {
    Leg(text.bytes().map(u64::from).fold(0, |sum: u64, octet| sum.wrapping_mul(31) + octet))
}

pub(crate) struct World {
    pub(crate) focus: Focus,
    pub(crate) settings: Settings,
    pub(crate) namer: Namer,
    pub(crate) now_us: i64,
    pub(crate) group: String,
    ids: MessageIds,
    attempts: u32,
}

impl World {
    pub(crate) fn empty() -> Self {
        let settings = Settings::new(CHANNEL, "ims.example", "127.0.0.1:5060", [9; 16]);
        Self {
            focus: Focus::new(Seed(3, 4)),
            namer: Namer::new(&Secret::new([9; 16])),
            settings,
            now_us: START_US,
            group: String::new(),
            ids: MessageIds::default(),
            attempts: 0,
        }
    }

    /// Mina has created a group with Jun, who is in it, and Soo, who has been asked by a short message.
    pub(crate) fn three() -> Self {
        let mut world = Self::empty();
        world.group = world.create(MINA, &[JUN, SOO]).expect("created");
        world.done();
        assert!(world.joined(JUN));
        world.not_joined(SOO, 404);
        for (ask, _) in submissions(&world.done()) {
            world.answered(ask, None);
        }
        world.done();
        world
    }

    pub(crate) fn create(&mut self, creator: &str, members: &[&str]) -> Result<String, Refused> {
        let mina = Person { display: Some(sip_rcs::Private("Mina".into())), ..person(creator) };
        let creation = Creation {
            creator: mina,
            leg: leg(creator),
            contribution: CONTRIBUTION,
            conversation: CONVERSATION,
            subject: Some("Dinner"),
            members: members.iter().map(|member| person(member)).collect(),
        };
        self.focus.create(self.now_us, &self.settings, creation).map(|id| id.to_string())
    }

    /// What is to be done by now.
    pub(crate) fn done(&mut self) -> Vec<Do> {
        std::mem::take(self.focus.out())
    }

    pub(crate) fn joined(&mut self, member: &str) -> bool {
        self.focus.joined(self.now_us, &self.settings, &self.group, &line(member), leg(member))
    }

    pub(crate) fn not_joined(&mut self, member: &str, status: u16) {
        let status = StatusCode::new(status);
        self.focus.not_joined(self.now_us, &self.settings, &self.group, &line(member), status);
    }

    pub(crate) fn answered(&mut self, ask: u64, refused: Option<Cause>) {
        self.focus.answered(&self.settings, ask, refused);
    }

    pub(crate) fn ended(&mut self, member: &str, cause: Option<u16>) {
        self.focus.ended(&self.settings, leg(member), cause);
    }

    pub(crate) fn state(&self, member: &str) -> Option<rcs::core::group::MemberState> {
        self.focus.state_of(&self.group, &line(member))
    }

    /// Somebody says that in his session.
    pub(crate) fn said(&mut self, member: &str, asker: u64, body: impl Into<Bytes>) {
        let said =
            Said { leg: leg(member), asker, id: "msrp1", content_type: "message/cpim", body: body.into() };
        self.focus.said(self.now_us, &self.settings, &self.namer, said);
    }

    pub(crate) fn outgoing(&mut self, submission: Arc<Submission>) -> OutgoingMessage {
        self.attempts += 1;
        OutgoingMessage {
            attempt: AttemptId { slot: self.attempts, generation: 0 },
            message: self.message_id(),
            submission,
            from: None,
            to: None,
            concat_ref: 0,
            want_receipt: true,
            possible_duplicate: false,
        }
    }

    fn message_id(&mut self) -> MessageId {
        self.ids.next(Timestamp::from_micros(self.now_us))
    }

    /// The gateway hands a message over that it took.
    pub(crate) fn deliver(&mut self, submission: Arc<Submission>) -> Result<AttemptId, Box<OutgoingMessage>> {
        let message = self.outgoing(submission);
        let attempt = message.attempt;
        self.focus.deliver(&self.settings, &self.namer, message).map(|()| attempt).map_err(Box::new)
    }

    /// A phone writes to the group's number, or a messenger's user to its name.
    pub(crate) fn writes(&mut self, from: &str, text: &str) -> AttemptId {
        let number = |text: &str| Pii::new(Address::Number(Number::written(text)));
        let submission = Submission {
            id: None,
            origin: ChannelId(1),
            from: number(from),
            to: Pii::new(Address::User(model::User {
                messenger: "rcs".into(),
                id: self.group.as_str().into(),
            })),
            class: Class::Person,
            receipts: ReceiptsWanted::NONE,
            received_at: Timestamp::from_micros(self.now_us),
            scheduled_at: None,
            expires_at: None,
            reference: None,
            idempotency_key: None,
            carried: Bytes::new(),
            part: None,
            charging_id: None,
            elsewhere: None,
            content: Content::Text(text.into()),
        };
        let message = self.outgoing(Arc::new(submission));
        let group = self.group.clone();
        self.focus.from_elsewhere(self.now_us, &self.settings, &self.namer, &group, &message);
        message.attempt
    }

    pub(crate) fn report(&mut self, submission: Arc<Submission>) -> (bool, AttemptId) {
        self.report_that(submission, Disposition::Delivered)
    }

    /// The gateway says how a message ended.
    pub(crate) fn report_that(
        &mut self,
        submission: Arc<Submission>,
        disposition: Disposition,
    ) -> (bool, AttemptId) {
        let message = self.outgoing(submission);
        let report = Report {
            attempt: message.attempt,
            message: message.message,
            submission: message.submission,
            disposition,
            cause: None,
            code: None,
            at: Timestamp::from_micros(self.now_us),
            segments: 1,
            displayed: false,
            intermediate: false,
            via: Some(ChannelKind::Rcs),
        };
        (self.focus.report(self.now_us, &self.settings, &report, "n1"), message.attempt)
    }
}

/// A message as a client writes it; `head` goes before the text's own headers.
pub(crate) fn cpim(head: &str, text: &str) -> Vec<u8> {
    format!(
        "{head}NS: imdn <urn:ietf:params:imdn>\r\nimdn.Message-ID: Msg1\r\n\
         imdn.Disposition-Notification: positive-delivery, display\r\n\
         DateTime: 2027-01-15T08:00:00Z\r\n\r\n\
         Content-Type: text/plain;charset=UTF-8\r\n\r\n{text}"
    )
    .into_bytes()
}

/// The same, from nobody to nobody.
pub(crate) fn plain(text: &str) -> Vec<u8> {
    cpim("From: <sip:anonymous@anonymous.invalid>\r\nTo: <sip:anonymous@anonymous.invalid>\r\n", text)
}

pub(crate) fn submissions(done: &[Do]) -> Vec<(u64, Arc<Submission>)> {
    done.iter()
        .filter_map(|one| match one {
            Do::Submit { ask, submission } => Some((*ask, submission.clone())),
            _ => None,
        })
        .collect()
}

pub(crate) fn to(submission: &Submission) -> String {
    match submission.to.reveal(For::Decision) {
        Address::Number(number) => format!("+{}", number.digits),
        Address::User(user) => user.id.to_string(),
    }
}

pub(crate) fn text(submission: &Submission) -> &str {
    match &submission.content {
        Content::Text(text) => text,
        _ => "",
    }
}

pub(crate) fn verdicts(done: &[Do]) -> Vec<(u64, Verdict)> {
    done.iter()
        .filter_map(|one| match one {
            Do::Tell { asker, verdict } => Some((*asker, *verdict)),
            _ => None,
        })
        .collect()
}

pub(crate) fn outcomes(done: &[Do]) -> Vec<(AttemptId, Result<usize, Refusal>)> {
    done.iter()
        .filter_map(|one| match one {
            Do::Outcome { attempt, outcome: Outcome::Sent(ids) } => Some((*attempt, Ok(ids.len()))),
            Do::Outcome { attempt, outcome: Outcome::Refused(refusal) } => Some((*attempt, Err(*refusal))),
            _ => None,
        })
        .collect()
}

pub(crate) fn receipts(done: &[Do]) -> Vec<(Option<u64>, Receipt)> {
    done.iter()
        .filter_map(|one| match one {
            Do::Receipt { ask, receipt } => Some((*ask, receipt.clone())),
            _ => None,
        })
        .collect()
}

/// What is said in whose session.
pub(crate) fn said(done: &[Do]) -> Vec<(Leg, Option<u64>, Cpim)> {
    done.iter()
        .filter_map(|one| match one {
            Do::Say { leg, name, body, .. } => {
                Some((*leg, *name, Cpim::read(body.clone()).expect("what we write can be read")))
            }
            _ => None,
        })
        .collect()
}

/// What a subscriber makes of the notifications.
pub(crate) fn hear(roster: &mut Roster, watcher: u64, done: &[Do]) -> Vec<Update> {
    done.iter()
        .filter_map(|one| match one {
            Do::Notify { watcher: to, document } if *to == watcher => {
                Some(roster.apply(conference::read(document).expect("what we write can be read")))
            }
            _ => None,
        })
        .collect()
}
