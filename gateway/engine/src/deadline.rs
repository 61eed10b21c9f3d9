//! What becomes due: retries, schedules, validity, windows.

use model::{Cause, Disposition, Timestamp};

use crate::{
    core::Core,
    delivery::State,
    journal::Event,
    open::{Key, seconds},
};

impl Core {
    /// A retry, a schedule or the wait for a lost answer is due.
    pub(crate) fn wake(&mut self, key: Key) {
        let Some(open) = self.open.get(key) else { return };
        match open.state {
            // Where its channel is down it moves on when it arrives there.
            State::Waiting => self.enqueue(key),
            State::Unknown => self.resend(key),
            State::Reporting => self.enqueue_report(key.slot),
            _ => {}
        }
    }

    /// The deadline of a message has passed: its validity, or a window.
    pub(crate) fn deadline(&mut self, now: Timestamp, slot: u32) {
        let Some(open) = self.open.at(slot) else { return };
        let (state, disposition) = (open.state, open.disposition);
        let grace = seconds(now) + 60;
        if state.is_ended() {
            // The sender was away for the whole report window.
            if state == State::Reporting {
                let (message, birth) = (open.message, open.birth);
                self.record(now, message, birth, Event::Reported { given_up: true });
                self.close(slot);
            } else {
                self.open.set_deadline(slot, grace);
            }
            return;
        }
        if state == State::InFlight {
            // Its answer decides; the channel answers or gives up in its own time.
            return self.open.set_deadline(slot, grace);
        }
        if self.hot(slot).is_none() {
            return self.open.set_deadline(slot, seconds(now) + 5);
        }
        match (state, disposition) {
            (State::Sent | State::Unknown, _) => {
                self.end(now, slot, Disposition::Lost, Some(Cause::AnswerLost))
            }
            _ => self.end(now, slot, Disposition::Expired, Some(Cause::Expired)),
        }
    }
}
