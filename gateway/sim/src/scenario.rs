//! What a run is about: who is there, how much they write, and what goes wrong.

use billing::ChargeAt;
use engine::AnswerLost;
use model::{Duration, Timestamp};

use crate::random::Random;

/// How often something goes wrong, in cases of a thousand; how many times, where it says "count".
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Faults {
    /// The hand-over never reaches the other side.
    pub submit_lost: u16,
    /// It does, but the answer is lost.
    pub answer_lost: u16,
    /// Of those: the answer comes after all, too late.
    pub answer_late: u16,
    /// The network is slow to answer, and a receipt overtakes the answer.
    pub receipt_early: u16,
    pub receipt_twice: u16,
    pub receipt_never: u16,
    /// Receipts are up to an hour late, and out of order.
    pub receipt_late: u16,
    /// An intermediate notification comes first.
    pub enroute: u16,
    pub throttled: u16,
    pub temporary: u16,
    pub permanent: u16,
    pub other_route: u16,
    /// The phone never gets what its network took.
    pub undelivered: u16,
    /// A network cannot take back what it has.
    pub revoke_refused: u16,
    /// Our answer is lost on its way to the one who asked.
    pub reply_lost: u16,
    /// Count of links going down.
    pub link_drops: u16,
    /// Count of crashes.
    pub restarts: u16,
    /// Count of channels paused for a while.
    pub pauses: u16,
    pub commit_slow: u16,
    /// A commit fails; in half the cases it was done all the same.
    pub commit_fails: u16,
    pub load_slow: u16,
}

/// One world. [`Scenario::of`] draws one from a seed; [`Scenario::calm`] has no faults at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scenario {
    pub start: Timestamp,
    /// The length of time in which people write.
    pub span: Duration,
    pub smscs: u8,
    pub acts: u16,
    /// What each SMSC's channel does about a lost answer.
    pub answer_lost: [AnswerLost; 3],
    /// Of the ESME and of the first messenger.
    pub charge_at: [ChargeAt; 2],
    /// Messages kept in memory with their content.
    pub hot_max: usize,
    pub open_max: usize,
    /// Hand-overs a channel can hold unanswered.
    pub room: u32,
    /// Messages are spread over the SMSCs instead of preferring the first.
    pub balance: bool,
    /// So many phones of a thousand have RCS.
    pub rcs: u16,
    /// How long RCS may have a message while there is another way, and whether it takes messages back.
    pub rcs_wait: Option<Duration>,
    pub rcs_revokes: bool,
    /// What RCS does about a lost answer.
    pub rcs_lost: AnswerLost,
    /// How long the first messenger may have a message.
    pub messenger_wait: Option<Duration>,
    /// Messages are read in so many cases of a thousand.
    pub reads: u16,
    /// So many senders of a thousand want to know that, and as many where a message is on its way.
    pub curious: u16,
    /// Answers lost on one leg before a message is not sent there again.
    pub lost_max: u8,
    /// Messages of which it is awaited that they are read.
    pub unread_max: usize,
    /// Phones answer in so many cases of a thousand.
    pub replies: u16,
    pub faults: Faults,
}

impl Scenario {
    /// Nothing goes wrong, and nobody writes by themselves.
    #[must_use]
    pub fn calm() -> Self {
        Self {
            // 2027-01-15, 17:00 in Seoul.
            start: Timestamp::from_secs(1_800_000_000),
            span: Duration::from_secs(60),
            smscs: 1,
            acts: 0,
            answer_lost: [AnswerLost::Resend; 3],
            charge_at: [ChargeAt::Submission; 2],
            hot_max: 65_536,
            open_max: 5_000_000,
            room: 10,
            balance: false,
            rcs: 0,
            rcs_wait: None,
            rcs_revokes: true,
            rcs_lost: AnswerLost::Resend,
            messenger_wait: None,
            reads: 0,
            curious: 0,
            lost_max: 20,
            unread_max: 100_000,
            replies: 0,
            faults: Faults::default(),
        }
    }

    /// The scenario of a seed. Each fault is absent from half of all scenarios, so that many meet few
    /// others and some meet all.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        let mut random = Random::new(seed ^ 0x5ce0_a210);
        let mut rate = |max: u64| {
            let present = random.chance(500);
            let rate = u16::try_from(1 + random.below(max)).unwrap_or(u16::MAX);
            if present { rate } else { 0 }
        };
        let faults = Faults {
            submit_lost: rate(150),
            answer_lost: rate(250),
            answer_late: rate(900),
            receipt_early: rate(500),
            receipt_twice: rate(400),
            receipt_never: rate(200),
            receipt_late: rate(500),
            enroute: rate(400),
            throttled: rate(300),
            temporary: rate(250),
            permanent: rate(150),
            other_route: rate(150),
            undelivered: rate(300),
            revoke_refused: rate(400),
            reply_lost: rate(150),
            link_drops: rate(6),
            restarts: rate(4),
            pauses: rate(3),
            commit_slow: rate(300),
            commit_fails: rate(200),
            load_slow: rate(500),
        };
        let answer_lost = std::array::from_fn(|_| match random.below(3) {
            0 => AnswerLost::Resend,
            1 => AnswerLost::Wait,
            _ => AnswerLost::ResendAfter(random.millis(1_000, 60_000)),
        });
        let charge_at = std::array::from_fn(|_| {
            random.pick(&[ChargeAt::Submission, ChargeAt::Submission, ChargeAt::Delivery])
        });
        // Any time of day, so that some runs meet the night.
        let start = Timestamp::from_secs(1_800_000_000) + random.millis(0, 86_400_000);
        Self {
            start,
            span: if random.chance(500) { random.millis(200, 2_000) } else { random.millis(10_000, 900_000) },
            smscs: u8::try_from(1 + random.below(3)).unwrap_or(1),
            acts: u16::try_from(3 + random.below(28)).unwrap_or(3),
            answer_lost,
            charge_at,
            hot_max: if random.chance(400) { random.index(4) } else { 65_536 },
            open_max: if random.chance(100) { 20 } else { 5_000_000 },
            room: u32::try_from(1 + random.below(12)).unwrap_or(1),
            balance: random.chance(300),
            rcs: if random.chance(500) { 0 } else { u16::try_from(random.below(1_000)).unwrap_or(0) },
            rcs_wait: if random.chance(600) { Some(random.millis(1_000, 90_000)) } else { None },
            rcs_revokes: random.chance(700),
            rcs_lost: match random.below(3) {
                0 => AnswerLost::Resend,
                1 => AnswerLost::Wait,
                _ => AnswerLost::ResendAfter(random.millis(1_000, 60_000)),
            },
            messenger_wait: if random.chance(300) { Some(random.millis(1_000, 30_000)) } else { None },
            reads: u16::try_from(random.below(800)).unwrap_or(0),
            curious: u16::try_from(random.below(900)).unwrap_or(0),
            lost_max: if random.chance(300) { 2 } else { 20 },
            unread_max: if random.chance(200) { 2 } else { 100_000 },
            replies: u16::try_from(random.below(600)).unwrap_or(0),
            faults,
        }
    }
}
