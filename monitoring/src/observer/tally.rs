//! What one batch adds, in plain integers.

use billing::{UsageEvent, UsageRecord, UsageService};
use engine::journal::{FactChange, FactKind};
use model::{Cause, ChannelId, ChannelKind, Class, Lane, ReceiptState};
use prometheus::{IntCounter, local::LocalHistogram};

use super::waiting::Waiting;
use crate::{
    catalogue::ProcessMetrics,
    label::{AttemptEnd, CauseClass, End, Label, Transition},
    registry::{Channels, count},
};

/// One place for every value of a label.
macro_rules! places {
    ($($label:ty),+) => { [u32; 1 $(* <$label as Label>::VALUES.len())+] };
}

/// Zeroed after each batch; histograms keep their own sums and hand them over likewise.
pub(super) struct Tally {
    pub(super) accepted: u32,
    pub(super) ends: places!(End),
    pub(super) failed: places!(Cause),
    pub(super) receipts: places!(ReceiptState),
    pub(super) receipts_late: places!(ReceiptState),
    pub(super) accept_duration: [LocalHistogram; ChannelKind::VALUES.len()],
    pub(super) first_attempt: [LocalHistogram; Lane::VALUES.len()],
    pub(super) submit_to_deliver: LocalHistogram,
    pub(super) waiting: Waiting,
    transitions: places!(Transition),
    usage_records: places!(UsageService, UsageEvent),
    usage_segments: places!(UsageService, UsageEvent),
    facts_stored: places!(FactKind),
    facts_forgotten: places!(FactKind),
    /// By channel id; the last stands for ids nobody registered.
    channels: Vec<ChannelTally>,
    touched: Vec<u16>,
}

#[derive(Clone, Default)]
pub(super) struct ChannelTally {
    pub(super) accepted: places!(Class),
    pub(super) attempts: places!(AttemptEnd),
    pub(super) segments: u32,
    pub(super) fallbacks: places!(CauseClass),
    touched: bool,
}

impl Tally {
    pub(super) fn new(metrics: &ProcessMetrics) -> Self {
        let accept = metrics.accept_duration.children();
        let first = metrics.first_attempt_delay.children();
        Self {
            accepted: 0,
            ends: [0; _],
            failed: [0; _],
            receipts: [0; _],
            receipts_late: [0; _],
            accept_duration: std::array::from_fn(|i| accept[i].local()),
            first_attempt: std::array::from_fn(|i| first[i].local()),
            submit_to_deliver: metrics.submit_to_deliver.local(),
            waiting: Waiting::new(),
            transitions: [0; _],
            usage_records: [0; _],
            usage_segments: [0; _],
            facts_stored: [0; _],
            facts_forgotten: [0; _],
            channels: Vec::new(),
            touched: Vec::new(),
        }
    }

    /// Channels may have come since the last batch; they never go.
    pub(super) fn begin(&mut self, channels: usize) {
        if self.channels.len() != channels + 1 {
            self.channels.resize(channels + 1, ChannelTally::default());
        }
    }

    pub(super) fn transition(&mut self, transition: Transition) {
        self.transitions[transition.index()] += 1;
    }

    pub(super) fn channel(&mut self, id: ChannelId) -> &mut ChannelTally {
        let place = usize::from(id.0).min(self.channels.len() - 1);
        let tally = &mut self.channels[place];
        if !tally.touched {
            tally.touched = true;
            self.touched.push(u16::try_from(place).unwrap_or(u16::MAX));
        }
        tally
    }

    pub(super) fn usage(&mut self, record: &UsageRecord) {
        let place = record.service.index() * UsageEvent::VALUES.len() + record.key.event.index();
        self.usage_records[place] += 1;
        self.usage_segments[place] += u32::from(record.segments);
    }

    pub(super) fn fact(&mut self, change: &FactChange) {
        let facts = if change.value.is_some() { &mut self.facts_stored } else { &mut self.facts_forgotten };
        facts[change.kind.index()] += 1;
    }

    /// Adds every child once and starts anew.
    pub(super) fn flush(&mut self, metrics: &ProcessMetrics, channels: &Channels) {
        let ended: u32 = self.ends.iter().sum();
        if self.accepted != ended {
            metrics.messages_open.add(count(self.accepted.into()) - count(ended.into()));
        }
        self.accepted = 0;
        hand_over(&mut self.transitions, metrics.transitions.children());
        hand_over(&mut self.ends, metrics.messages_final.children());
        hand_over(&mut self.failed, metrics.messages_failed.children());
        hand_over(&mut self.receipts, metrics.receipts.children());
        hand_over(&mut self.receipts_late, metrics.receipts_late.children());
        hand_over(&mut self.usage_records, metrics.usage_records.children());
        hand_over(&mut self.usage_segments, metrics.usage_segments.children());
        hand_over(&mut self.facts_stored, metrics.facts_stored.children());
        hand_over(&mut self.facts_forgotten, metrics.facts_forgotten.children());
        self.accept_duration.iter().chain(&self.first_attempt).for_each(LocalHistogram::flush);
        self.submit_to_deliver.flush();
        for place in self.touched.drain(..) {
            let tally = &mut self.channels[usize::from(place)];
            let series = channels.get(ChannelId(place)).series();
            hand_over(&mut tally.accepted, series.accepted.children());
            hand_over(&mut tally.attempts, series.attempts.children());
            hand_over(std::slice::from_mut(&mut tally.segments), series.segments.children());
            hand_over(&mut tally.fallbacks, series.fallbacks.children());
            tally.touched = false;
        }
    }
}

fn hand_over(counts: &mut [u32], children: &[IntCounter]) {
    debug_assert_eq!(counts.len(), children.len(), "one place per child");
    for (count, child) in counts.iter_mut().zip(children) {
        if *count > 0 {
            child.inc_by(u64::from(*count));
            *count = 0;
        }
    }
}
