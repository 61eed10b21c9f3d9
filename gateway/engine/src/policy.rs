//! What the operator decided, compiled for the engine. Replaced as a whole on reload.

use std::time::Duration;

use billing::ChargeAt;
use model::{ChannelId, ChannelKind, Class, Msisdn, Number, NumberingPlan};
use smol_str::SmolStr;

use crate::{retry::RetrySchedule, route::Routes};

/// Everything the engine may not decide by itself.
#[derive(Debug, Clone)]
pub struct Policy {
    pub channels: Vec<ChannelPolicy>,
    pub routes: Routes,
    pub numbering: NumberingPlan,
    /// Validity of a message that names none.
    pub validity_default: Duration,
    /// Longer wishes are cut to this.
    pub validity_max: Duration,
    /// How long an idempotency key is remembered.
    pub idempotency_window: Duration,
    pub korea: Option<Korea>,
    /// Shown as sender of one-time codes.
    pub code_sender: Number,
    /// `{code}` stands for the code.
    pub code_text: Box<str>,
    /// Keys the digests of one-time codes.
    pub code_key: [u8; 32],
    pub limits: Limits,
}

/// One channel as the engine sees it.
#[derive(Debug, Clone)]
pub struct ChannelPolicy {
    pub id: ChannelId,
    pub name: SmolStr,
    pub kind: ChannelKind,
    /// As origin: which event is charged.
    pub charge_at: ChargeAt,
    /// As origin: who its messages may claim to be from.
    pub senders: Senders,
    /// As destination: it sends receipts; without them a taken message ends as handed over.
    pub gives_receipts: bool,
    /// As destination: its receipts also say when a person has seen a message.
    pub tells_displayed: bool,
    /// As destination: it can take back what it was given ([`model::Outgoing::Revoke`]).
    pub revokes: bool,
    /// As destination: how long a message may be with this channel, from its acceptance (or its schedule), while
    /// its plan has another. After that it is taken back where the channel can do that, and goes on. Without
    /// it only a failure moves a message on.
    pub leg_wait: Option<Duration>,
    /// As origin: it wants to hear how its messages ended.
    pub takes_reports: bool,
    pub answer_lost: AnswerLost,
    pub retry: RetrySchedule,
    /// How long after hand-over a receipt is still waited for.
    pub receipt_window: Duration,
    /// How long a report is kept for a sender who is away.
    pub report_window: Duration,
    /// Messenger: its users without a number get one of these for a conversation. RCS: so do its groups.
    pub pool: Vec<Msisdn>,
}

/// Sender numbers an account may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Senders {
    Any,
    /// As written, without `+`; compared with the number as written and in E.164.
    Registered(Vec<SmolStr>),
}

/// What to do when the answer to a hand-over is lost (invariant I6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerLost {
    /// Prefer a duplicate to a loss: send again at once.
    Resend,
    /// Prefer a loss to a duplicate: wait for a receipt for the length of the receipt window.
    Wait,
    /// Wait this long for a receipt or a late answer, then send again.
    ResendAfter(Duration),
}

/// Korean rules as policy (SMS sheet §3.3).
#[derive(Debug, Clone)]
pub struct Korea {
    /// Advertising must carry its label, and a free refusal number at its end.
    pub advertising_label: bool,
    /// Local hours `[from, to)` in which advertising waits unless night consent is recorded.
    pub quiet_hours: Option<(u8, u8)>,
    /// Seconds east of UTC.
    pub utc_offset_secs: i32,
    /// Free refusal numbers (080): a message to one of them records the refusal.
    pub opt_out_numbers: Vec<SmolStr>,
}

/// Named limits (invariant I8).
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Open messages; bulk is refused at four fifths of it, people at nineteen twentieths.
    pub open_max: usize,
    /// Messages kept decoded in memory; the rest of the backlog is read back from the store.
    pub hot_max: usize,
    /// Receipts that arrived before their answer and wait for it.
    pub parked_receipts_max: usize,
    /// How long they wait: longer than any channel waits for an answer. Before that, a receipt that nobody knows may
    /// belong to a message whose answer is still under way.
    pub parked_receipt: Duration,
    /// Idempotency keys that are remembered; beyond it the oldest are forgotten before their time.
    pub idempotency_keys_max: usize,
    /// Numbers whose presence is remembered.
    pub presences_max: usize,
    /// Messages that wait for their recipient to be there; beyond it they are tried by schedule.
    pub absent_max: usize,
    /// How long after its delivery it is awaited that a message is seen.
    pub display_window: Duration,
    /// Messages of which that is awaited; beyond it nobody is told.
    pub unread_max: usize,
    /// Answers that may be lost on one leg before a message is not handed over there again (fault F50).
    pub lost_answers_max: u8,
    /// Typing marks passed on in a second.
    pub signals_per_second_max: u32,
    /// Conversations of segments that wait for the rest.
    pub gathering_max: usize,
    /// How long they wait.
    pub gathering: Duration,
    /// Octets of text in one message.
    pub text_octets_max: usize,
    /// One-time codes per number in ten minutes.
    pub codes_per_number_max: u8,
    /// How long a one-time code is valid.
    pub code_validity: Duration,
    /// Wrong codes before a link attempt ends.
    pub code_tries_max: u8,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            open_max: 5_000_000,
            hot_max: 65_536,
            parked_receipts_max: 10_000,
            parked_receipt: Duration::from_secs(5),
            idempotency_keys_max: 1_000_000,
            presences_max: 1_000_000,
            absent_max: 1_000_000,
            display_window: Duration::from_secs(86_400),
            unread_max: 100_000,
            lost_answers_max: 20,
            signals_per_second_max: 5_000,
            gathering_max: 100_000,
            gathering: Duration::from_secs(1_800),
            text_octets_max: 16_384,
            codes_per_number_max: 3,
            code_validity: Duration::from_secs(180),
            code_tries_max: 5,
        }
    }
}

impl Policy {
    /// The policy of a channel that may have been removed from the configuration since.
    #[must_use]
    pub fn channel(&self, id: ChannelId) -> Option<&ChannelPolicy> {
        // Ids are dense and given in order, so the position is nearly always the id.
        match self.channels.get(usize::from(id.0)) {
            Some(channel) if channel.id == id => Some(channel),
            _ => self.channels.iter().find(|channel| channel.id == id),
        }
    }
}

impl ChannelPolicy {
    /// The defaults of a kind; the configuration changes what it names.
    #[must_use]
    pub fn new(id: ChannelId, name: &str, kind: ChannelKind) -> Self {
        Self {
            id,
            name: name.into(),
            kind,
            charge_at: ChargeAt::Submission,
            senders: Senders::Any,
            gives_receipts: matches!(kind, ChannelKind::Smsc | ChannelKind::Rcs),
            tells_displayed: matches!(kind, ChannelKind::Messenger | ChannelKind::Rcs),
            revokes: kind == ChannelKind::Rcs,
            leg_wait: (kind == ChannelKind::Rcs).then_some(Duration::from_secs(60)),
            takes_reports: matches!(kind, ChannelKind::Esme | ChannelKind::Messenger | ChannelKind::Rcs),
            answer_lost: AnswerLost::Resend,
            retry: RetrySchedule::default(),
            receipt_window: Duration::from_secs(72 * 3_600),
            report_window: Duration::from_secs(72 * 3_600),
            pool: Vec::new(),
        }
    }
}

/// What the engine asks about short-message text. Alphabets belong to another room; the composition root
/// brings them together.
pub trait Texts: Send + Sync {
    /// How many segments this content takes on this channel.
    ///
    /// # Errors
    /// `TooLong` or `Unencodable`.
    fn segments(&self, channel: ChannelId, content: &model::Content) -> Result<u16, model::Cause>;

    /// The text of consecutive segments as `origin` coded them.
    fn text(&self, origin: ChannelId, segments: &[&model::Coded]) -> Box<str>;

    /// These octets are words for a person: neither binary nor addressed to an application or a SIM card.
    fn is_text(&self, coded: &model::Coded) -> bool;
}

/// Networks of this kind are given text, whole, and not the segments of short messages.
pub(crate) const fn reads_text(kind: ChannelKind) -> bool {
    matches!(kind, ChannelKind::Messenger | ChannelKind::Rcs)
}

/// Priority within what [`Limits::open_max`] leaves: the share of the limit a class may fill.
#[must_use]
pub(crate) const fn share(class: Class, limit: usize) -> usize {
    match class {
        Class::OneTimePassword => limit,
        Class::Person => limit / 20 * 19,
        Class::Transactional | Class::Advertising => limit / 5 * 4,
    }
}
