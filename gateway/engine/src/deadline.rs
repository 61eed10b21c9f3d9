//! What becomes due: retries, schedules, validity, windows, and the time of a leg.

use model::{Cause, Disposition, Outcome, Timestamp};

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

    /// The deadline of a message has passed: its validity, a window, or the time of its leg.
    pub(crate) fn deadline(&mut self, now: Timestamp, slot: u32) {
        let Some(open) = self.open.at(slot) else { return };
        let (state, message, birth, leg) = (open.state, open.message, open.birth, open.leg);
        match state {
            // The sender was away for the whole report window.
            State::Reporting => return self.report_taken(now, slot, true),
            State::Unread => {
                self.record(now, message, birth, Event::Unread);
                return self.close(slot);
            }
            // Its answer decides; the channel answers or gives up in its own time.
            State::InFlight | State::Revoking | State::ReportInFlight | State::Closed => {
                return self.open.set_deadline(slot, seconds(now) + 60);
            }
            _ => {}
        }
        let Some(accepted) = self.hot(slot) else {
            return self.open.set_deadline(slot, seconds(now) + 5);
        };
        let Some(key) = self.open.key(slot) else { return };
        let over = self.is_leg_over(now, slot, &accepted);
        let expired = accepted.expires_at <= now;
        match state {
            // The channel had no room for it.
            State::Overdue => self.revocation_ended(now, key, Outcome::Unknown),
            State::Sent | State::Unknown if over => self.overdue(now, key, &accepted),
            State::Sent | State::Unknown => {
                self.end(now, slot, Disposition::Lost, Some(Cause::AnswerLost));
            }
            State::Waiting | State::Absent if over && !expired => match self.next_leg(&accepted, leg) {
                Some(next) => self.reroute(now, key, next, Cause::Unreachable, true),
                None => {
                    // No later leg can carry it.
                    if let Some(open) = self.open.at_mut(slot) {
                        open.kept = true;
                    }
                    self.open.set_deadline(slot, seconds(accepted.expires_at));
                }
            },
            State::Waiting | State::Absent if !expired => {
                let until = self.by(slot, &accepted, seconds(accepted.expires_at));
                self.open.set_deadline(slot, until);
            }
            _ => self.end(now, slot, Disposition::Expired, Some(Cause::Expired)),
        }
    }
}
