//! Those who write: a business, messengers' users, people with phones, and the operator.

use std::collections::BTreeMap;

use bytes::Bytes;
use engine::journal::FactKind;
use model::{
    Address, Answer, ChannelId, Class, Command, ConsentScope, Content, Disposition, Duration, Inbound,
    MessageId, Number, NumberingPlan, Part, Pii, ReceiptsWanted, Signal, SignalKind, Submission, User,
};
use smol_str::{SmolStr, format_smolstr};

use crate::{
    links::{Request, Wish},
    policy::{self, CONSOLE, KAKAO, OPT_OUT_NUMBER, RCS, SHOP, SHOP_NUMBERS, TICTOC},
    texts,
    violation::{Found, Invariant, ensure},
    world::{Event, World},
};

pub(crate) const PHONES: u64 = 4;
const USERS: u64 = 3;
pub(crate) const LONG: &str = "오늘 저녁 약속은 일곱 시로 미루고 장소는 그대로 두는 게 좋겠습니다. \
    비가 온다고 하니 우산을 챙기시고, 늦으면 먼저 들어가서 자리를 잡아 주세요. 조심히 오세요!";
const ADVERTISING: &str = "(광고)에이스 봄 세일 무료수신거부 080-123-4567";
/// People stop writing to a refusing gateway; their adapters do not.
const CODE: u32 = 100_000;

/// What somebody does.
#[derive(Debug)]
pub(crate) enum Act {
    /// Something drawn at that moment.
    Anything,
    Ask(Box<Request>),
    /// A person types a code into their messenger.
    Verify {
        channel: ChannelId,
        link: u64,
        code: u32,
    },
    Link {
        channel: ChannelId,
        user: SmolStr,
        number: Number,
        link: u64,
        code: u32,
    },
    PhoneWrites {
        smsc: ChannelId,
        phone: Number,
        to: Number,
        text: &'static str,
    },
    Pause {
        channel: ChannelId,
        paused: bool,
    },
}

/// What they remember.
#[derive(Debug, Default)]
pub(crate) struct People {
    /// By channel, the messages accepted from there.
    mine: BTreeMap<ChannelId, Vec<MessageId>>,
    /// Submissions with a key, to be made again.
    keyed: Vec<Submission>,
    keys: u64,
    /// One-time codes under way: code, messenger, link.
    links: Vec<(u32, ChannelId, u64)>,
    references: u16,
    pub(crate) night_consents: u32,
}

pub(crate) fn phone(index: u64) -> Number {
    Number::written(&format!("0101111000{}", index % 10))
}

pub(crate) fn user(channel: ChannelId, index: u64) -> Address {
    Address::User(User { messenger: policy::name(channel).into(), id: user_id(index) })
}

fn user_id(index: u64) -> SmolStr {
    format_smolstr!("u{index}")
}

/// A submission with nothing special about it.
pub(crate) fn submission(origin: ChannelId, from: Address, to: Number, text: &str) -> Submission {
    Submission {
        id: None,
        origin,
        from: Pii::new(from),
        to: Pii::new(Address::Number(to)),
        class: Class::Person,
        receipts: if policy::is_smsc(origin) { ReceiptsWanted::NONE } else { ReceiptsWanted::FINAL },
        received_at: model::Timestamp::ZERO,
        scheduled_at: None,
        expires_at: None,
        reference: None,
        idempotency_key: None,
        carried: Bytes::new(),
        part: None,
        charging_id: None,
        elsewhere: None,
        content: Content::Text(text.into()),
    }
}

impl World {
    pub(crate) fn plan_people(&mut self) {
        let span = u64::try_from(self.scenario.span.as_millis()).unwrap_or(u64::MAX);
        for _ in 0..self.scenario.acts {
            let at = self.random.millis(0, span);
            self.after(at, Event::Act(Act::Anything));
        }
    }

    pub(crate) fn act(&mut self, act: Act) {
        match act {
            Act::Anything => self.anything(),
            Act::Ask(request) => self.asks(*request),
            Act::Verify { channel, link, code } => {
                self.commands(channel, Command::LinkVerify { origin: channel, link, code });
            }
            Act::Link { channel, user, number, link, code } => self.link(channel, user, number, link, code),
            Act::PhoneWrites { smsc, phone, to, text } => {
                let mut submission = submission(smsc, Address::Number(phone), to, text);
                submission.content = Content::Text(text.into());
                self.asks(Request::new(smsc, Wish::Submit(submission.into()), true));
            }
            Act::Pause { channel, paused } => self.commands(CONSOLE, Command::Pause { channel, paused }),
        }
    }

    fn asks(&mut self, request: Request) {
        let index = self.request(request);
        self.ask(index);
    }

    pub(crate) fn commands(&mut self, channel: ChannelId, command: Command) {
        self.asks(Request::new(channel, Wish::Command(command), true));
    }

    fn anything(&mut self) {
        match self.random.below(100) {
            0..40 => self.shop_sends(),
            40..56 => self.user_sends(),
            56..65 => self.phone_sends(),
            65..70 => self.phone_sends_long(),
            70..77 => self.user_links(),
            77..79 => {
                let (channel, user) = self.somebody();
                self.commands(channel, Command::Unlink { origin: channel, user: user_id(user) });
            }
            79..90 => self.something_about_a_message(),
            90..95 => self.same_again(),
            95..97 => self.opts_out(),
            97 => self.types(),
            _ => self.consents(),
        }
    }

    fn somebody(&mut self) -> (ChannelId, u64) {
        (self.random.pick(&[TICTOC, TICTOC, KAKAO]), self.random.below(USERS))
    }

    fn some_phone(&mut self) -> Number {
        phone(self.random.below(PHONES))
    }

    fn some_text(&mut self) -> &'static str {
        self.random.pick(&["hello", "안녕하세요", "ok", LONG])
    }

    fn some_smsc(&mut self) -> ChannelId {
        policy::smsc(u8::try_from(self.random.index(self.scenario.smscs.into())).unwrap_or(0))
    }

    fn shop_sends(&mut self) {
        let from = if self.random.chance(60) { "0299990000" } else { self.random.pick(&SHOP_NUMBERS) };
        let (to, text) = (self.some_phone(), self.some_text());
        let mut submission = submission(SHOP, Address::Number(Number::written(from)), to, text);
        submission.class = self.random.pick(&[
            Class::Person,
            Class::Person,
            Class::Person,
            Class::Transactional,
            Class::OneTimePassword,
            Class::Advertising,
        ]);
        if submission.class == Class::Advertising {
            submission.content = Content::Text(ADVERTISING.into());
            submission.expires_at = Some(self.now + Duration::from_secs(13 * 3_600));
        }
        self.wishes(submission);
    }

    fn user_sends(&mut self) {
        let ((channel, index), to, text) = (self.somebody(), self.some_phone(), self.some_text());
        let submission = submission(channel, user(channel, index), to, text);
        self.wishes(submission);
    }

    /// A schedule, a validity and a key, each now and then.
    fn wishes(&mut self, mut submission: Submission) {
        if submission.class != Class::Advertising && self.random.chance(60) {
            submission.scheduled_at = Some(self.now + self.random.millis(500, 120_000));
        }
        if submission.expires_at.is_none() && self.random.chance(120) {
            submission.expires_at = Some(self.now + self.random.millis(0, 90_000));
        }
        if self.random.chance(100) {
            submission.receipts = ReceiptsWanted::NONE;
        }
        self.grows_curious(&mut submission);
        let mut insists = self.random.chance(500);
        if self.random.chance(350) {
            self.people.keys += 1;
            submission.idempotency_key = Some(format_smolstr!("k{}", self.people.keys));
            self.people.keyed.push(submission.clone());
            insists = true;
        }
        self.asks(Request::new(submission.origin, Wish::Submit(submission.into()), insists));
    }

    /// The same key again, mostly with the same body.
    fn same_again(&mut self) {
        if self.people.keyed.is_empty() {
            return self.shop_sends();
        }
        let index = self.random.index(self.people.keyed.len());
        let mut submission = self.people.keyed[index].clone();
        if self.random.chance(200) {
            submission.content = Content::Text("another".into());
        }
        self.asks(Request::new(submission.origin, Wish::Submit(submission.into()), true));
    }

    fn phone_sends(&mut self) {
        let (mut smsc, mut from, text) = (self.some_smsc(), self.some_phone(), self.some_text());
        let (over_rcs, registered) = (self.random.chance(600), self.registered());
        if over_rcs && !registered.is_empty() {
            (smsc, from) = (RCS, registered[self.random.index(registered.len())].clone());
        }
        let to = match self.random.below(4) {
            0 => Number::written(SHOP_NUMBERS[0]),
            1 => Number::written("827000000001"),
            _ => self.some_phone(),
        };
        let mut submission = submission(smsc, Address::Number(from), to, text);
        if smsc == RCS {
            self.grows_curious(&mut submission);
        }
        self.asks(Request::new(smsc, Wish::Submit(submission.into()), true));
    }

    /// Some want to know more than how it ended.
    fn grows_curious(&mut self, submission: &mut Submission) {
        submission.receipts.displayed = self.random.chance(self.scenario.curious);
        submission.receipts.intermediate = self.random.chance(self.scenario.curious);
    }

    /// Somebody begins to type to somebody.
    fn types(&mut self) {
        let (over_rcs, registered) = (self.random.chance(500), self.registered());
        let (channel, user) = self.somebody();
        let (to, pool) = (self.some_phone(), Number::written("827000000001"));
        let address = |number| Pii::new(Address::Number(number));
        let signal = |from, to| Signal { from, to, kind: SignalKind::Typing { on: true } };
        let (channel, signal) = match registered.first() {
            Some(phone) if over_rcs => (RCS, signal(address(phone.clone()), address(pool))),
            _ => (channel, signal(Pii::new(self::user(channel, user)), address(to))),
        };
        if self.line(channel).up {
            self.take(Inbound::Signal { channel, signal });
        }
    }

    /// Segments one by one; now and then one is missing, comes twice or out of order.
    fn phone_sends_long(&mut self) {
        let (smsc, from, to) = (self.some_smsc(), self.some_phone(), self.some_phone());
        self.people.references = self.people.references.wrapping_add(1);
        let reference = self.people.references;
        let segments = texts::coded(LONG, reference);
        let total = u8::try_from(segments.len()).unwrap_or(u8::MAX);
        for (number, coded) in (1..).zip(segments) {
            if self.fault(50) {
                continue;
            }
            let mut segment = submission(smsc, Address::Number(from.clone()), to.clone(), "");
            segment.part = Some(Part { reference, total, number });
            segment.content = Content::Coded(coded);
            let request = Request::new(smsc, Wish::Submit(segment.into()), true);
            if self.fault(50) {
                self.asks(request.clone());
            }
            let delay = self.random.millis(0, 3_000);
            self.after(delay, Event::Act(Act::Ask(Box::new(request))));
        }
    }

    fn user_links(&mut self) {
        let ((channel, index), number) = (self.somebody(), self.some_phone());
        let link = self.people.links.len() as u64 + 1;
        let code = CODE + u32::try_from(link).unwrap_or(0);
        self.link(channel, user_id(index), number, link, code);
    }

    fn link(&mut self, channel: ChannelId, user: SmolStr, number: Number, link: u64, code: u32) {
        self.people.links.push((code, channel, link));
        let number = Pii::new(number);
        self.commands(channel, Command::LinkStart { origin: channel, user, number, link, code });
    }

    /// A code has come to the phone, and is typed into the messenger.
    pub(crate) fn types_code(&mut self, code: u32) {
        let Some((_, channel, link)) = self.people.links.iter().find(|link| link.0 == code).copied() else {
            return;
        };
        let delay = self.random.millis(1_000, 8_000);
        let wrong = self.fault(200);
        let code = if wrong { code + 1 } else { code };
        self.after(delay, Event::Act(Act::Verify { channel, link, code }));
    }

    fn something_about_a_message(&mut self) {
        let origin = self.random.pick(&[SHOP, SHOP, TICTOC]);
        let Some(mine) = self.people.mine.get(&origin).filter(|mine| !mine.is_empty()) else {
            return self.shop_sends();
        };
        let message = mine[mine.len() - 1 - self.random.index(mine.len().min(4))];
        let command = match self.random.below(8) {
            0..3 => Command::Cancel { origin, message },
            3 => {
                let from = self.random.pick(&[Some(SHOP_NUMBERS[0]), Some(SHOP_NUMBERS[1]), None]);
                let from = from.map(|from| Pii::new(Number::written(from)));
                Command::Query { origin, message, from }
            }
            4 => Command::CancelMatching {
                origin,
                from: Pii::new(Number::written(SHOP_NUMBERS[0])),
                to: Pii::new(self.some_phone()),
            },
            _ => {
                self.people.keys += 1;
                let content = Content::Text(format!("instead {}", self.people.keys).into());
                let later = self.random.chance(200);
                let scheduled_at = later.then(|| self.now + Duration::from_secs(20));
                Command::Replace { origin, message, content, scheduled_at, expires_at: None }
            }
        };
        self.commands(origin, command);
    }

    fn opts_out(&mut self) {
        let (smsc, phone) = (self.some_smsc(), self.some_phone());
        let to = Number::written(OPT_OUT_NUMBER);
        self.act(Act::PhoneWrites { smsc, phone, to, text: "stop" });
    }

    fn consents(&mut self) {
        let number = Pii::new(self.some_phone());
        let (scope, granted) =
            self.random.pick(&[(ConsentScope::Business, true), (ConsentScope::NightAdvertising, true)]);
        self.people.night_consents += u32::from(scope == ConsentScope::NightAdvertising);
        self.commands(CONSOLE, Command::Consent { number, scope, granted });
    }

    /// Somebody remembers what they were told.
    pub(crate) fn learns(&mut self, request: usize, answer: &Answer) {
        if let Answer::Accepted(message) = answer {
            let channel = self.requests[request].channel;
            self.people.mine.entry(channel).or_default().push(*message);
        }
    }

    /// I1 of commands: their effect is durable when they are answered.
    pub(crate) fn commanded(&self, command: &Command, answer: &Answer) -> Result<(), Found> {
        let end = |message| self.book.lives.get(message).and_then(|life| life.end);
        let holds = match (command, answer) {
            (Command::Cancel { message, .. }, Answer::Done) => end(message) == Some(Disposition::Cancelled),
            // Who names another sender is told nothing.
            (Command::Query { message, from: Some(from), .. }, Answer::Standing(_)) => {
                let accepted = self.book.lives.get(message).map(|life| &life.accepted);
                accepted.is_some_and(|accepted| accepted.is_from(from))
            }
            (Command::Replace { message, .. }, Answer::Done) => {
                self.book.lives.get(message).is_some_and(|life| life.displaced)
            }
            (Command::LinkStart { link, .. }, Answer::Link(_)) => {
                self.store.fact(FactKind::Challenge, &link.to_be_bytes()).is_some()
            }
            (Command::LinkVerify { .. }, Answer::Link(link)) => {
                self.number_fact(FactKind::Epoch, link.number.reveal(model::For::Decision), None)
            }
            (Command::Consent { number, scope, .. }, Answer::Done) => {
                let scope = match scope {
                    ConsentScope::Business => 1,
                    ConsentScope::Advertising => 2,
                    ConsentScope::NightAdvertising => 3,
                };
                self.number_fact(FactKind::Consent, number.reveal(model::For::Decision), Some(scope))
            }
            _ => true,
        };
        ensure(holds, Invariant::AnswerAfterCommit, || {
            "a command is answered with what is not committed".into()
        })
    }

    fn number_fact(&self, kind: FactKind, number: &Number, scope: Option<u8>) -> bool {
        let Some(number) = NumberingPlan::korea().e164(number) else { return false };
        let mut key = number.as_u64().to_be_bytes().to_vec();
        key.extend(scope);
        self.store.fact(kind, &key).is_some()
    }
}
