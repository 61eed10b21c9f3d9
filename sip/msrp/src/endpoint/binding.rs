//! Sessions find connections, and lose them (RFC 4975 §5.4, §7.3; RFC 6135).

use super::{
    ConnectionId, Endpoint, Security, SessionKey,
    states::{Event, State, Then, step},
};
use crate::{Action, Ending, Failure, limits};

impl Endpoint {
    /// Binds, if it can be bound. `false`: it is over, or it was bound before.
    pub(super) fn bind_session(
        &mut self,
        now: i64,
        session: SessionKey,
        connection: ConnectionId,
        out: &mut Vec<Action>,
    ) -> bool {
        let Some(open) = self.sessions.get_mut(&session) else { return false };
        let Some(one) = self.connections.get_mut(&connection).filter(|one| !one.closing) else {
            return false;
        };
        let Some(Then::Go(state)) = step(open.state, Event::Bind) else { return false };
        if let Some(announced) = open.session.fingerprint
            && one.security != Security::Tls(Some(announced))
        {
            // RCS sheet §9.2: whoever this is, it is not who was invited.
            self.shut(connection);
            self.end(now, session, Ending::Fingerprint, out);
            return false;
        }
        open.state = state;
        open.since = now;
        open.active_at = now;
        open.connection = Some(connection);
        one.sessions.push(session);
        out.push(Action::Bound { session, connection });
        if open.session.keep_alive {
            one.keeper = Some(session);
        }
        self.arm_session(session);
        self.arm_connection(connection);
        true
    }

    /// Finds the session that keeps this connection alive.
    pub(super) fn choose_keeper(&mut self, connection: ConnectionId) {
        let Self { sessions, connections, .. } = self;
        let Some(one) = connections.get_mut(&connection) else { return };
        let keeps = |key: &&SessionKey| sessions.get(*key).is_some_and(|open| open.session.keep_alive);
        one.keeper = one.sessions.iter().find(keeps).copied();
    }

    /// The connection is gone.
    pub(super) fn lose(&mut self, now: i64, connection: ConnectionId, out: &mut Vec<Action>) {
        let Some(one) = self.connections.remove(&connection) else { return };
        if one.questions > 0 {
            self.questions.retain(|_, asked| asked.connection != connection);
        }
        for session in one.sessions {
            let Some(open) = self.sessions.get_mut(&session) else { continue };
            let Some(Then::Go(state)) = step(open.state, Event::Lose) else { continue };
            debug_assert_eq!(state, State::Parted, "what is lost may be found again");
            open.state = state;
            open.since = now;
            open.connection = None;
            // Chunks of one connection do not go on on another one.
            open.incomplete.clear();
            open.outbox.rewind();
            out.push(Action::Parted { session });
            self.arm_session(session);
        }
    }

    /// Forgets a session. What it still had to send fails.
    pub(super) fn forget(&mut self, now: i64, session: SessionKey, out: &mut Vec<Action>) {
        let Some(mut open) = self.sessions.remove(&session) else { return };
        if let Some(id) = open.session.local.session_id() {
            self.ids.remove(id);
        }
        for (message_id, whole) in open.outbox.drain() {
            out.push(Action::Failed { session, message_id, failure: Failure::SessionOver, whole });
        }
        let Some(connection) = open.connection else { return };
        if let Some(one) = self.connections.get_mut(&connection) {
            let held: usize = open.incomplete.iter().map(|one| one.reassembly.octets()).sum();
            one.incomplete = one.incomplete.saturating_sub(held);
            one.sessions.retain(|other| *other != session);
            one.unused_until = now + limits::NEXT_SESSION_WAIT_US;
            if one.keeper == Some(session) {
                self.choose_keeper(connection);
            }
        }
        self.arm_connection(connection);
    }
}
