//! When a session reads, when it waits, and how it ends.

use std::{
    sync::{PoisonError, atomic::Ordering},
    time::Duration,
};

use model::{Inbound, Outcome};
use tokio_util::sync::CancellationToken;

use super::{
    reader::{Connection, Goes},
    writer::Post,
};
use crate::{session::Due, socket};

/// How long a session may take to finish what it has in hand.
const DRAIN_MAX: Duration = Duration::from_secs(10);
/// Octets of our own answers that a slow peer may leave unread; then its socket is not read either.
const OWED_MAX: usize = 256 << 10;
/// Overdue deliveries are looked for at least so often.
const TICK: Duration = Duration::from_secs(1);

impl Connection<'_> {
    /// How long nothing is due; `None` when the connection is to be closed.
    pub(super) async fn sleep(&mut self) -> Option<Duration> {
        loop {
            let now = socket::now().micros();
            if self.unbinding.is_some_and(|until_us| until_us <= now) {
                return None;
            }
            match self.timers.due(now) {
                Due::Nothing { until_us } => {
                    let overdue =
                        self.shared.window.lock().unwrap_or_else(PoisonError::into_inner).next_deadline_us();
                    let until_us = [Some(until_us), overdue, self.unbinding]
                        .into_iter()
                        .flatten()
                        .min()
                        .unwrap_or(until_us);
                    // One more than nothing, so that the clock has moved when we look again.
                    let sleep = Duration::from_micros(u64::try_from(until_us - now).unwrap_or(0).max(1_000));
                    return Some(sleep.min(TICK));
                }
                Due::Enquire => {
                    self.timers.enquired(now);
                    self.post(Post::Enquire);
                }
                Due::Inactive => {
                    self.timers.worked(now);
                    if self.unbinding.is_none() && self.unbind().await == Goes::Ends {
                        return None;
                    }
                }
                Due::NotBound | Due::Stalled | Due::Silent => return None,
            }
        }
    }

    /// Takes the settings of the account as they are now.
    pub(super) fn follow(&mut self) {
        if let Some((account, _)) = &self.bound {
            self.window = account.settings().window.max(1);
        }
    }

    /// More is unanswered than the peer may have.
    fn is_full(&self) -> bool {
        let owed = self.shared.owed.load(Ordering::Relaxed) + self.replies.len();
        owed >= OWED_MAX || self.shared.unanswered.load(Ordering::Relaxed) >= self.window
    }

    /// Waits until the peer may have more unanswered. The socket is not read meanwhile, and the peer feels it.
    pub(super) async fn has_room(&mut self, partial: bool) -> Goes {
        if !self.is_full() {
            return Goes::On;
        }
        if self.flush().await.is_err() {
            return Goes::Ends;
        }
        while self.is_full() {
            tokio::select! {
                () = self.shared.answered.notified() => {}
                () = self.posts.closed() => return Goes::Ends,
                () = tokio::time::sleep(TICK) => self.expire().await,
                () = told(&self.stop, &self.ends) => {
                    self.drained().await;
                    return if self.is_full() { Goes::Ends } else { Goes::On };
                }
            }
        }
        // We did not listen: its silence says nothing.
        let now = socket::now().micros();
        self.timers.heard(now, true, partial);
        self.timers.worked(now);
        Goes::On
    }

    /// No more deliveries: the session is about to end.
    pub(super) async fn retire(&mut self) {
        if self.shared.quiet.swap(true, Ordering::Relaxed) {
            return;
        }
        if let Some((account, id)) = &self.bound
            && account.retire(*id)
        {
            account.announce().await;
        }
    }

    /// We end the session: answers first, then `unbind`, whose answer is waited for.
    pub(super) async fn unbind(&mut self) -> Goes {
        if self.bound.is_none() {
            return Goes::Ends;
        }
        self.retire().await;
        self.drained().await;
        self.post(Post::Unbind);
        let wait_us = i64::try_from(DRAIN_MAX.as_micros()).unwrap_or(i64::MAX);
        self.unbinding = Some(socket::now().micros() + wait_us.min(self.server.settings.timers.response_us));
        Goes::On
    }

    /// Everything asked is answered, or it took too long.
    pub(super) async fn drained(&self) {
        let waiting = async {
            while self.shared.unanswered.load(Ordering::Relaxed) > 0 {
                tokio::select! {
                    () = self.shared.answered.notified() => {}
                    () = self.posts.closed() => return,
                }
            }
        };
        if tokio::time::timeout(DRAIN_MAX, waiting).await.is_err() {
            tracing::warn!("an SMPP session ended with requests unanswered");
        }
    }

    /// Deliveries whose answer is overdue: neither taken nor refused.
    pub(super) async fn expire(&self) {
        let overdue = self.overdue();
        if !overdue.is_empty() {
            self.post(Post::Go);
            let _closed = self.server.intake.take(overdue).await;
        }
    }

    fn overdue(&self) -> Vec<Inbound> {
        let mut window = self.shared.window.lock().unwrap_or_else(PoisonError::into_inner);
        window
            .expire(socket::now().micros())
            .map(|(_, attempt)| Inbound::Outcome { attempt, outcome: Outcome::Unknown })
            .collect()
    }
}

/// The server is told to stop, or the account is gone.
pub(super) async fn told(stop: &CancellationToken, ends: &CancellationToken) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = ends.cancelled() => {}
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::BytesMut;
    use kit::{Intake, Lookup, Session, Taking, Unwatched};
    use model::{Cause, ChannelId, MessageId, Number, Pii, SessionId};
    use tokio::io::AsyncWriteExt;

    use super::*;
    use crate::{
        Command, CommandStatus, pdu,
        server::{Server, ServerSettings, reader},
    };

    struct Nobody;

    impl Intake for Nobody {
        fn take(&self, _: Vec<Inbound>) -> Taking<'_> {
            Box::pin(async { Ok(()) })
        }

        fn closed_for_submissions(&self) -> Option<Cause> {
            None
        }

        fn open(&self, _: Arc<dyn Session>) -> SessionId {
            SessionId(1)
        }

        fn close(&self, _: SessionId) {}
    }

    impl Lookup for Nobody {
        fn standing(&self, _: ChannelId, _: MessageId, _: Option<Pii<Number>>) -> kit::Standing<'_> {
            Box::pin(async { None })
        }
    }

    #[tokio::test]
    async fn a_session_that_cannot_write_does_not_read_on() {
        let server =
            Server::new(ServerSettings::default(), Arc::new(Nobody), Arc::new(Nobody), Arc::new(Unwatched));
        let (mut peer, reader) = tokio::io::duplex(1 << 10);
        let (gone, writer) = tokio::io::duplex(1 << 10);
        drop(gone);
        let mut enquiry = BytesMut::new();
        pdu::encode_empty(Command::EnquireLink, CommandStatus::ROK, 1, &mut enquiry);
        peer.write_all(&enquiry).await.expect("it is read");
        let session = reader::run(
            &server,
            Box::new(reader),
            Box::new(writer),
            ([127, 0, 0, 1], 1).into(),
            CancellationToken::new(),
        );
        let ended = tokio::time::timeout(Duration::from_secs(10), session).await;
        assert!(ended.expect("the peer is still there, but it ended").is_err());
    }
}
