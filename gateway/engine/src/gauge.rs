//! What an operator reads off the engine: gauges of the moment, and what is counted beside transitions.

use model::{Cause, ChannelId, Lane};

use crate::{core::Core, lanes::Lanes};

/// Happenings that are no transitions but that an operator counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    pub unmatched_receipts: u64,
    pub stale_outcomes: u64,
    pub duplicates: u64,
    pub refused: [u64; Cause::ALL.len()],
}

/// What memory holds, by kind. All zero when nothing is open and nothing is waited for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Footprint {
    pub open: usize,
    /// Open messages with their content.
    pub hot: usize,
    pub queued: usize,
    pub outstanding: u32,
    pub due: usize,
    pub upstream: usize,
    pub parked: usize,
    pub unknown: usize,
    /// Messages that wait for their recipient to be there.
    pub absent: usize,
    /// Messages of which it is awaited that somebody sees them.
    pub unread: usize,
    pub revoking: usize,
    pub fleeting: usize,
    pub gathering: usize,
    pub codes: usize,
    /// Batches being read back.
    pub cold: usize,
}

/// Gauges of the moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Depth {
    pub channel: ChannelId,
    pub room: u32,
    pub outstanding: u32,
    pub paused: bool,
    pub urgent: usize,
    pub person: usize,
    pub bulk: usize,
    pub reports: usize,
}

impl Core {
    /// Queues of all channels.
    #[must_use]
    pub fn depths(&self) -> Vec<Depth> {
        let depth = |(channel, lanes): (&ChannelId, &Lanes)| Depth {
            channel: *channel,
            room: lanes.room,
            outstanding: lanes.outstanding,
            paused: lanes.paused,
            urgent: lanes.len(Lane::Urgent),
            person: lanes.len(Lane::Person),
            bulk: lanes.len(Lane::Bulk),
            reports: lanes.reports(),
        };
        self.channels.iter().map(depth).collect()
    }

    /// What memory holds.
    #[must_use]
    pub fn footprint(&self) -> Footprint {
        let lanes = self.channels.values();
        let queued =
            |lanes: &Lanes| Lane::ALL.map(|lane| lanes.len(lane)).iter().sum::<usize>() + lanes.reports();
        Footprint {
            open: self.open.len(),
            hot: self.open.hot(),
            queued: lanes.clone().map(queued).sum(),
            outstanding: lanes.map(|lanes| lanes.outstanding).sum(),
            due: self.due.len(),
            upstream: self.upstream.len(),
            parked: self.parked.len(),
            unknown: self.unknown.len(),
            absent: self.absent.len(),
            unread: self.unread,
            revoking: self.revoking.len(),
            fleeting: self.fleeting.len(),
            gathering: self.gathering.len(),
            codes: self.codes.len(),
            cold: self.cold.len(),
        }
    }
}
