//! The world: one gateway, its store, and everybody it talks to, on a virtual clock.
//!
//! Everything that happens is an [`Event`] on the agenda. After each one the gateway gets a turn, as the
//! loop of the real process gives it one; between turns no time passes.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    sync::Arc,
};

use engine::{Policy, journal::Chapter};
use model::{ChannelId, Duration, MessageId, Outcome, Timestamp};

use crate::{
    Sabotage, Summary,
    agenda::Agenda,
    book::{Book, Flow},
    carrier::Carrier,
    gateway::Gateway,
    handset::{Handsets, Moment},
    links::{HandOver, Line, Request},
    people::Act,
    policy,
    random::Random,
    scenario::Scenario,
    store::MemoryStore,
    story::Story,
    violation::{Found, Invariant, Violation, ensure},
};

/// How long after the last word all faults end.
const SETTLING: Duration = Duration::from_secs(600);
/// And how long after that everything flows: the longest line that is down, lost answer and retry.
const FLOWING: Duration = Duration::from_secs(800);
/// No run lasts longer than the longest validity and both windows.
const HORIZON: Duration = Duration::from_secs(3 * 86_400);
/// A run that takes more does not come to rest.
const EVENTS_MAX: u32 = 200_000;

/// Something that happens at a moment.
#[derive(Debug)]
pub(crate) enum Event {
    /// The engine asked to be woken.
    Wake {
        process: u32,
    },
    CommitEnds {
        process: u32,
    },
    LoadEnds {
        process: u32,
        births: Vec<u64>,
        read: Option<Vec<Chapter>>,
    },
    /// A request reaches the gateway.
    Arrives {
        session: u64,
        request: usize,
    },
    /// A hand-over reaches the other side.
    Reaches {
        session: u64,
        handover: usize,
    },
    /// A channel learns how a hand-over ended.
    Resolves {
        session: u64,
        handover: usize,
        outcome: Outcome,
    },
    /// A phone gets what its network took, or does not.
    Phone {
        copy: usize,
    },
    /// Somebody asks something of the gateway.
    Ask {
        request: usize,
    },
    Act(Act),
    /// Something about a phone with RCS.
    Handset(Moment),
    LineUp {
        channel: ChannelId,
    },
    LineDown {
        channel: ChannelId,
        until: Timestamp,
    },
    /// The engine hears that a line is down.
    NoRoom {
        channel: ChannelId,
        session: u64,
    },
    Crash {
        down: Duration,
    },
    Start,
    /// From here on nothing goes wrong any more.
    Quiet,
    /// After some quiet, nothing that could go waits.
    Flowing,
}

/// See the module.
#[derive(Debug)]
pub struct World {
    seed: u64,
    pub(crate) scenario: Scenario,
    pub(crate) sabotage: Option<Sabotage>,
    pub(crate) policy: Arc<Policy>,
    pub(crate) random: Random,
    pub(crate) now: Timestamp,
    pub(crate) agenda: Agenda<Event>,
    pub(crate) quiet: bool,
    pub(crate) quiet_since: Option<Timestamp>,
    pub(crate) gateway: Gateway,
    pub(crate) store: MemoryStore,
    pub(crate) book: Book,
    pub(crate) story: Story,
    /// By channel.
    pub(crate) lines: Vec<Line>,
    pub(crate) sessions: u64,
    pub(crate) handovers: Vec<HandOver>,
    pub(crate) handed: BTreeMap<MessageId, Vec<usize>>,
    /// Hand-overs of this process that are unanswered.
    pub(crate) unanswered: BTreeSet<usize>,
    pub(crate) requests: Vec<Request>,
    /// Requests that were asked and not answered.
    pub(crate) asked: BTreeSet<usize>,
    pub(crate) carrier: Carrier,
    pub(crate) handsets: Handsets,
    /// Messages that reached whom they were for, and by which channel.
    pub(crate) delivered: BTreeSet<(MessageId, ChannelId)>,
    /// The newest message of each flow that a channel saw first.
    pub(crate) order: HashMap<(ChannelId, Flow), MessageId>,
    pub(crate) people: crate::people::People,
    pub(crate) crashes: u32,
    /// What the next `submit_sm`s meet, in a scripted world.
    pub(crate) script: VecDeque<Scripted>,
    /// How long receipts take there.
    pub(crate) receipts_take: Duration,
    /// How long messages are on their way from the RCS network to a phone there.
    pub(crate) trip: Duration,
    found: Option<Found>,
}

/// What an SMSC does with one `submit_sm`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scripted {
    Takes,
    Throttles,
    /// Takes it, but its answer never comes.
    AnswersNobody,
}

impl World {
    /// The world of a seed and a scenario, with nothing planned yet.
    #[must_use]
    pub fn new(seed: u64, scenario: Scenario) -> Self {
        let channels = policy::policy(&scenario).channels.len();
        Self {
            seed,
            sabotage: None,
            policy: Arc::new(policy::policy(&scenario)),
            random: Random::new(seed),
            now: scenario.start,
            agenda: Agenda::new(),
            quiet: false,
            quiet_since: None,
            gateway: Gateway::default(),
            store: MemoryStore::default(),
            book: Book::default(),
            story: Story::default(),
            lines: vec![Line::default(); channels],
            sessions: 0,
            handovers: Vec::new(),
            handed: BTreeMap::new(),
            unanswered: BTreeSet::new(),
            requests: Vec::new(),
            asked: BTreeSet::new(),
            carrier: Carrier::default(),
            handsets: Handsets::default(),
            delivered: BTreeSet::new(),
            order: HashMap::new(),
            people: crate::people::People::default(),
            crashes: 0,
            script: VecDeque::new(),
            receipts_take: Duration::ZERO,
            trip: Duration::ZERO,
            found: None,
            scenario,
        }
    }

    /// Something in this world is broken on purpose, so that a check must find it.
    #[must_use]
    pub const fn sabotaged(mut self, sabotage: Sabotage) -> Self {
        self.sabotage = Some(sabotage);
        self
    }

    /// What happens is written down; see [`World::ladder`].
    #[must_use]
    pub fn told(mut self) -> Self {
        self.story = Story::told(self.now);
        self
    }

    /// Lets everything that the scenario draws happen, and checks what came of it.
    ///
    /// # Errors
    /// The first broken promise.
    pub fn run(&mut self) -> Result<Summary, Violation> {
        self.plan_people();
        self.plan_faults();
        self.plan_handsets();
        let quiet = self.now + self.scenario.span + SETTLING;
        self.agenda.enter(quiet, Event::Quiet);
        self.start();
        self.play()?;
        self.finish().map_err(|found| self.violation(found))?;
        Ok(self.summary())
    }

    /// Plays what is on the agenda and nothing else, without chance, and checks what came of it.
    pub(crate) fn perform(&mut self) -> Result<(), Violation> {
        self.random = Random::still();
        self.start();
        self.play()?;
        self.finish().map_err(|found| self.violation(found))
    }

    /// What was written down so far.
    pub fn ladder(&mut self) -> String {
        self.story.take()
    }

    /// Until nothing happens any more.
    pub(crate) fn play(&mut self) -> Result<(), Violation> {
        let end = self.scenario.start + HORIZON;
        let mut events = 0_u32;
        self.turn();
        while let Some((at, event)) = self.agenda.next() {
            events += 1;
            if at > end || events > EVENTS_MAX {
                let what = format!("no rest after {events} events");
                return Err(self.violation((Invariant::NothingLeft, what)));
            }
            self.now = at;
            self.happen(event);
            self.turn();
            if let Some(found) = self.found.take() {
                return Err(self.violation(found));
            }
        }
        Ok(())
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Wake { process } => self.woken(process),
            Event::CommitEnds { process } => self.commit_ends(process),
            Event::LoadEnds { process, births, read } => self.load_ends(process, births, read),
            Event::Arrives { session, request } => self.arrives(session, request),
            Event::Reaches { session, handover } => self.reaches(session, handover),
            Event::Resolves { session, handover, outcome } => {
                if self.line(self.handovers[handover].channel).session == session {
                    self.resolves(handover, outcome);
                }
            }
            Event::Phone { copy } => self.phone(copy),
            Event::Ask { request } => self.ask(request),
            Event::Act(act) => self.act(act),
            Event::Handset(moment) => self.handset(moment),
            Event::LineUp { channel } => self.line_up(channel),
            Event::LineDown { channel, until } => self.line_down(channel, until),
            Event::NoRoom { channel, session } => self.no_room(channel, session),
            Event::Crash { down } => self.crash(down),
            Event::Start => self.start(),
            Event::Quiet => self.fall_quiet(),
            Event::Flowing => {
                let result = self.flows();
                self.check(result);
            }
        }
    }

    /// A fault, if its time has come.
    pub(crate) fn fault(&mut self, per_mille: u16) -> bool {
        self.random.chance(per_mille) && !self.quiet
    }

    pub(crate) fn after(&mut self, delay: Duration, event: Event) {
        self.agenda.enter(self.now + delay, event);
    }

    pub(crate) fn line(&self, channel: ChannelId) -> &Line {
        &self.lines[usize::from(channel.0)]
    }

    pub(crate) fn line_mut(&mut self, channel: ChannelId) -> &mut Line {
        &mut self.lines[usize::from(channel.0)]
    }

    /// Keeps the first broken promise.
    pub(crate) fn check(&mut self, result: Result<(), Found>) {
        if let Err(found) = result {
            self.found.get_or_insert(found);
        }
    }

    fn violation(&self, (invariant, what): Found) -> Violation {
        Violation { seed: self.seed, invariant, at: self.now.since(self.scenario.start), what }
    }

    fn plan_faults(&mut self) {
        let faults = self.scenario.faults;
        let span = u64::try_from(self.scenario.span.as_millis()).unwrap_or(u64::MAX);
        for _ in 0..faults.link_drops {
            let channel = ChannelId(u16::try_from(self.random.index(self.lines.len())).unwrap_or(0));
            let at = self.now + self.random.millis(0, span + 30_000);
            let until = at + self.random.millis(50, 60_000);
            self.agenda.enter(at, Event::LineDown { channel, until });
        }
        for _ in 0..faults.restarts {
            let at = self.now + self.random.millis(0, span + 60_000);
            let down = self.random.millis(50, 20_000);
            self.agenda.enter(at, Event::Crash { down });
        }
        for _ in 0..faults.pauses {
            let channel =
                policy::smsc(u8::try_from(self.random.index(self.scenario.smscs.into())).unwrap_or(0));
            let at = self.now + self.random.millis(0, span);
            let resumed = at + self.random.millis(100, 120_000);
            self.agenda.enter(at, Event::Act(Act::Pause { channel, paused: true }));
            self.agenda.enter(resumed, Event::Act(Act::Pause { channel, paused: false }));
        }
    }

    fn fall_quiet(&mut self) {
        self.quiet = true;
        self.quiet_since = Some(self.now);
        self.after(FLOWING, Event::Flowing);
        self.everybody_comes();
        for index in 0..self.scenario.smscs {
            self.act(Act::Pause { channel: policy::smsc(index), paused: false });
        }
    }

    /// Nothing waits for long when everybody is there.
    fn flows(&self) -> Result<(), Found> {
        for (message, life) in &self.book.lives {
            let policy = self.policy.channel(life.channel).map(|channel| channel.answer_lost);
            let waits = policy == Some(engine::AnswerLost::Wait);
            let stuck = life.is_stuck(self.now, waits) || life.is_forgotten(&self.policy, self.now);
            ensure(!stuck, Invariant::HandOver, || format!("{message} waits for nothing"))?;
        }
        Ok(())
    }

    /// What must hold when all is over.
    fn finish(&mut self) -> Result<(), Found> {
        let open = self.book.open();
        ensure(open == 0, Invariant::OneEnd, || format!("{open} accepted messages have no final state"))?;
        let unanswered = self.asked.len() + self.lines.iter().map(|line| line.waiting.len()).sum::<usize>();
        ensure(unanswered == 0, Invariant::Answers, || format!("{unanswered} requests were never answered"))?;
        let lost = self.book.lost.len();
        ensure(lost == 0, Invariant::LostIsVisible, || {
            format!("{lost} lost answers are not in the journal")
        })?;
        let outstanding = self.unanswered.len();
        ensure(outstanding == 0, Invariant::NothingLeft, || {
            format!("{outstanding} hand-overs were never answered")
        })?;
        let births = self.store.open_births();
        ensure(births.is_empty(), Invariant::NothingLeft, || {
            format!("batches {births:?} were never closed")
        })?;
        let held = self.store.held();
        ensure(held == 0, Invariant::NothingLeft, || format!("the content of {held} batches is still held"))?;
        self.book.charged_once()?;
        self.book.displays_told()?;
        self.delivered_once()?;
        self.gateway_is_empty()
    }

    fn summary(&self) -> Summary {
        Summary {
            seed: self.seed,
            lasted: self.now.since(self.scenario.start),
            accepted: self.book.accepted,
            ends: self.book.finals.clone(),
            usage: self.book.usage_records,
            batches: self.store.last_seq,
            hand_overs: self.handovers.len() as u64,
            answers_lost: self.book.answers_lost,
            rerouted: self.book.rerouted,
            late: self.book.late,
            taken_back: self.book.taken_back,
            displayed: self.book.displayed,
            crashes: self.crashes,
        }
    }
}
