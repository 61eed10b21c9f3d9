//! Taking messages back (rcs sheet §16.1).

use model::{Cause, Outcome, OutgoingMessage, Refusal};

use super::Core;

impl Core {
    /// A message that was handed over is to disappear.
    pub(super) fn revoke(&mut self, message: &OutgoingMessage) {
        self.outcome(message.attempt, Outcome::Refused(Refusal::ours(Cause::Policy)));
    }
}
