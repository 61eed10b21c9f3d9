//! Whether a person has seen a message: after its delivery, for those who asked (`ReceiptsWanted::displayed`).

use std::sync::Arc;

use model::{Content, Disposition, Timestamp};

use crate::{
    core::Core,
    delivery::{State, Trigger},
    journal::Event,
    open::{Open, seconds},
    upstream::Past,
};

impl Core {
    /// The sender wants to know of it, nobody has seen it yet, and its channel would tell.
    pub(crate) fn would_tell_display(&self, open: &Open) -> bool {
        open.receipts.get().displayed
            && !open.displayed
            && open.upstream != 0
            && self.policy.channel(open.channel).is_some_and(|policy| policy.tells_displayed)
    }

    /// The same of one that is delivered.
    pub(crate) fn awaits_display(&self, open: &Open) -> bool {
        open.disposition == Disposition::Delivered && self.would_tell_display(open)
    }

    /// The sender has the report, or it was given up.
    pub(crate) fn report_taken(&mut self, now: Timestamp, slot: u32, given_up: bool) {
        let Some(open) = self.open.at(slot) else { return };
        let (message, birth, displayed) = (open.message, open.birth, open.told_displayed);
        self.record(now, message, birth, Event::Reported { given_up, displayed });
        let Some(open) = self.open.at_mut(slot) else { return };
        open.told = true;
        if !given_up && open.displayed && !open.told_displayed && open.receipts.get().displayed {
            // It was seen while that report was on its way.
            self.step(slot, Trigger::ReportDeferred);
            return self.report_display(now, slot);
        }
        self.rest(now, slot);
    }

    /// Nothing is to be reported now: the message is closed, or waits to be seen.
    pub(crate) fn rest(&mut self, now: Timestamp, slot: u32) {
        let limits = self.policy.limits;
        let awaits = self.open.at(slot).is_some_and(|open| self.awaits_display(open));
        if !awaits || self.unread >= limits.unread_max || !self.step(slot, Trigger::Told) {
            self.step(slot, Trigger::ReportTaken);
            return self.close(slot);
        }
        self.unread += 1;
        // What is due about its report is due no more.
        self.open.renew(slot);
        self.open.set_deadline(slot, seconds(now + limits.display_window));
        // What it said is erased; what is left is needed for the report.
        let hot = self.open.at(slot).and_then(|open| open.hot.clone());
        if self.open.hot() > limits.hot_max {
            self.open.cool(slot);
        } else if let Some(accepted) = hot {
            self.open.heat(slot, Arc::new(accepted.with_content(Content::default())));
        }
    }

    /// A person has seen a message that has ended.
    pub(crate) fn seen(&mut self, now: Timestamp, slot: u32) {
        let Some(open) = self.open.at_mut(slot) else { return };
        let (message, birth, digest, state) = (open.message, open.birth, open.upstream, open.state);
        open.displayed = true;
        self.record(now, message, birth, Event::Displayed);
        self.upstream.forget(slot, digest, Past::heard(message, birth));
        if state == State::Unread && self.step(slot, Trigger::Seen) {
            self.unread -= 1;
            self.report_display(now, slot);
        }
    }

    fn report_display(&mut self, now: Timestamp, slot: u32) {
        let Some(origin) = self.open.at(slot).map(|open| open.origin) else { return };
        if let Some(policy) = self.policy.channel(origin) {
            let until = seconds(now + policy.report_window);
            self.open.set_deadline(slot, until);
        }
        self.enqueue_report(slot);
    }
}
