//! Whole flows, played without chance and told as ladders. The committed files beside this crate are these.

use engine::AnswerLost;
use model::{Class, Content, Duration, Number, ReceiptsWanted, Submission};
use smol_str::SmolStr;

use crate::{
    Scenario, Violation, World,
    handset::Moment,
    links::{Request, Wish},
    people::{Act, LONG, phone, submission, user},
    policy::{OPT_OUT_NUMBER, RCS, SHOP, SHOP_NUMBERS, TICTOC, smsc},
    texts,
    world::{Event, Scripted},
};

/// One flow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ladder {
    /// Of its file, without the extension.
    pub name: &'static str,
    pub text: String,
}

/// A name, what is shown, and how the stage is set.
type Scene = (&'static str, &'static str, fn(&mut Stage));

const SCENES: [Scene; 15] = [
    (
        "messenger-to-sms",
        "A messenger's user without a number writes to a phone; the receipt comes back.",
        |stage| {
            stage.user_writes(0);
        },
    ),
    (
        "phone-answers",
        "The phone answers the pool number it saw, and the messenger's user gets the answer.",
        |stage| {
            stage.world.scenario.replies = 1_000;
            stage.user_writes(0);
        },
    ),
    (
        "long-korean-text",
        "A long Korean text travels in segments; it is delivered when each of them is.",
        |stage| {
            stage.shop_writes(0, Class::Person, LONG);
        },
    ),
    ("throttling", "The SMSC throttles twice; the message waits, and no attempt is counted.", |stage| {
        stage.script([Scripted::Throttles, Scripted::Throttles]);
        stage.shop_writes(0, Class::Person, "hello");
    }),
    (
        "lost-submit-sm-resp",
        "The answer of the SMSC is lost: neither sent nor failed, until the receipt says what became of it.",
        |stage| {
            stage.script([Scripted::AnswersNobody]);
            stage.receipts_late();
            stage.shop_writes(0, Class::Person, "hello");
        },
    ),
    (
        "lost-answer-sent-again",
        "The same where duplicates are preferred to losses: sent again, and marked.",
        |stage| {
            stage.script([Scripted::AnswersNobody]);
            stage.shop_writes(0, Class::Person, "hello");
        },
    ),
    ("smsc-failover", "The first SMSC is cut off; what waits for it goes through the second.", |stage| {
        stage.shop_writes(0, Class::Person, "hello");
        let until = stage.time(60_000);
        stage.event(500, Event::LineDown { channel: smsc(0), until });
        stage.shop_writes(1_000, Class::Person, "hello");
    }),
    (
        "opt-out",
        "A person writes to the free refusal number; businesses are refused from then on.",
        |stage| {
            stage.shop_writes(0, Class::Transactional, "hello");
            let to = Number::written(OPT_OUT_NUMBER);
            stage.at(2_000, Act::PhoneWrites { smsc: smsc(0), phone: phone(1), to, text: "stop" });
            stage.shop_writes(3_000, Class::Transactional, "hello");
            stage.shop_writes(4_000, Class::Person, "hello");
        },
    ),
    (
        "otp-link",
        "A number is linked by a code that comes by SMS; texts to the number reach the messenger from then on, \
         segments joined.",
        |stage| {
            stage.links();
            stage.phone_writes_long(5_000);
        },
    ),
    (
        "sms-to-rcs",
        "A long text from a phone without RCS reaches one that has it: joined, and not as SMS.",
        |stage| {
            stage.rcs(1, [(0, true)]);
            stage.phone_writes_long(1_000);
        },
    ),
    (
        "deferred-delivery",
        "A phone with RCS is away: the message waits for it, and what comes later waits behind.",
        |stage| {
            stage.rcs(1, [(0, true), (1_000, false), (8_000, true)]);
            stage.shop_writes(2_000, Class::Person, "hello");
            stage.shop_writes(3_000, Class::Person, "hello");
        },
    ),
    (
        "rcs-to-sms-fallback",
        "RCS has a message for its time and no receipt comes: it goes on as SMS; the RCS receipt that comes after \
         that is counted, and neither applied nor charged.",
        |stage| {
            stage.rcs(1, [(0, true)]);
            stage.world.receipts_take = Duration::from_secs(25);
            stage.shop_writes(1_000, Class::Person, LONG);
        },
    ),
    ("revocation", "The same where the network can take a message back before the phone has it.", |stage| {
        stage.rcs(1, [(0, true)]);
        stage.world.trip = Duration::from_secs(60);
        stage.shop_writes(1_000, Class::Person, "hello");
    }),
    (
        "rcs-to-messenger-displayed",
        "Somebody with RCS writes to a messenger's user who is linked to a number, and hears that it was read.",
        |stage| {
            stage.rcs(2, [(0, true)]);
            stage.world.scenario.reads = 1_000;
            stage.links();
            stage.rcs_writes(5_000);
        },
    ),
    (
        "crash",
        "The gateway crashes between the SMSC's answer and its commit, and goes on where the store is.",
        |stage| {
            stage.shop_writes(0, Class::Person, "hello");
            // The commit of that answer is under way.
            let at = stage.time(5) + Duration::from_micros(500);
            stage.world.agenda.enter(at, Event::Crash { down: Duration::from_secs(2) });
        },
    ),
];

/// Plays every flow.
///
/// # Errors
/// The first broken promise; flows are checked like any other run.
pub fn all() -> Result<Vec<Ladder>, Violation> {
    SCENES.iter().map(play).collect()
}

fn play((name, shows, set): &Scene) -> Result<Ladder, Violation> {
    let mut scenario = Scenario::calm();
    match *name {
        "smsc-failover" => scenario.smscs = 2,
        "rcs-to-sms-fallback" => {
            scenario.rcs_wait = Some(Duration::from_secs(20));
            scenario.rcs_revokes = false;
        }
        "revocation" => scenario.rcs_wait = Some(Duration::from_secs(20)),
        "lost-submit-sm-resp" => scenario.answer_lost = [AnswerLost::Wait; 3],
        _ => {}
    }
    let mut stage = Stage { world: World::new(0, scenario).told() };
    set(&mut stage);
    stage.world.perform()?;
    Ok(Ladder { name, text: format!("{shows}\n\n{}", stage.world.ladder()) })
}

/// Where a flow is prepared. Times are milliseconds after everybody is connected.
struct Stage {
    world: World,
}

/// When everybody is connected.
const CURTAIN: u64 = 100;

impl Stage {
    fn time(&self, millis: u64) -> model::Timestamp {
        self.world.now + Duration::from_millis(CURTAIN + millis)
    }

    fn event(&mut self, millis: u64, event: Event) {
        let at = self.time(millis);
        self.world.agenda.enter(at, event);
    }

    fn at(&mut self, millis: u64, act: Act) {
        self.event(millis, Event::Act(act));
    }

    fn script<const N: usize>(&mut self, script: [Scripted; N]) {
        self.world.script = script.into();
    }

    /// After the time in which an answer could have come.
    fn receipts_late(&mut self) {
        self.world.receipts_take = Duration::from_secs(12);
    }

    fn asks(&mut self, millis: u64, submission: Submission) {
        let request = Request::new(submission.origin, Wish::Submit(submission.into()), true);
        self.at(millis, Act::Ask(Box::new(request)));
    }

    /// A phone has RCS, and is there (or not) from these times on.
    fn rcs<const N: usize>(&mut self, phone: u64, times: [(u64, bool); N]) {
        self.world.has_rcs(phone);
        for (millis, comes) in times {
            let moment = if comes { Moment::Comes { phone } } else { Moment::Goes { phone } };
            self.event(millis, Event::Handset(moment));
        }
    }

    fn user_writes(&mut self, millis: u64) {
        self.asks(millis, submission(TICTOC, user(TICTOC, 1), phone(1), "안녕하세요"));
    }

    fn shop_writes(&mut self, millis: u64, class: Class, text: &str) {
        let from = model::Address::Number(Number::written(SHOP_NUMBERS[0]));
        self.asks(millis, Submission { class, ..submission(SHOP, from, phone(1), text) });
    }

    /// From the phone that has RCS to the number that is linked.
    fn rcs_writes(&mut self, millis: u64) {
        let mut submission = submission(RCS, model::Address::Number(phone(2)), phone(1), "안녕하세요");
        submission.receipts = ReceiptsWanted { intermediate: true, displayed: true, ..submission.receipts };
        self.asks(millis, submission);
    }

    fn links(&mut self) {
        let (user, link) = (SmolStr::new("u1"), 1);
        self.at(0, Act::Link { channel: TICTOC, user, number: phone(1), link, code: 482_913 });
    }

    fn phone_writes_long(&mut self, millis: u64) {
        let segments = texts::coded(LONG, 7);
        let total = u8::try_from(segments.len()).unwrap_or(u8::MAX);
        for (number, coded) in (1..).zip(segments) {
            let from = model::Address::Number(phone(2));
            let mut segment = submission(smsc(0), from, phone(1), "");
            segment.part = Some(model::Part { reference: 7, total, number });
            segment.content = Content::Coded(coded);
            self.asks(millis + 200 * u64::from(number), segment);
        }
    }
}
