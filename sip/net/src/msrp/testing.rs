//! An MSRP user agent for tests: real sockets, a task of its own, everything it hears in order.

use std::{
    fmt, io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use sip_msrp::{Action, Answer, Endpoint, Message, Path, Question, SendError, Session, SessionKey, Uri};
use tokio::{
    sync::{
        Notify,
        mpsc::{self, UnboundedReceiver, UnboundedSender},
    },
    time::{Instant, timeout_at},
};
use tokio_util::sync::CancellationToken;

use super::{Acceptor, Connections, Inbox, Node, Settings, Target};
use crate::inbox::now;

/// Longer than any timer that matters.
const NEVER: Duration = Duration::from_secs(86_400);

/// One user agent. It ends when it is dropped.
#[derive(Debug)]
pub struct Peer {
    agent: Arc<Agent>,
    heard: UnboundedReceiver<Action>,
    address: SocketAddr,
    secure: bool,
    random: u64,
    stop: CancellationToken,
}

struct Agent {
    inner: Mutex<Inner>,
    heard: UnboundedSender<Action>,
    /// Somebody else has done something: look at the timers again.
    wake: Notify,
}

struct Inner {
    node: Node,
    answers: Option<Answer>,
}

impl Peer {
    /// Listens at a port of 127.0.0.1 that nobody has, with TLS when there is an acceptor. Inside of a runtime.
    ///
    /// # Errors
    ///
    /// No port is left.
    pub fn new(settings: Settings, tls: Option<Acceptor>) -> io::Result<Self> {
        Self::at(SocketAddr::from(([127, 0, 0, 1], 0)), settings, tls)
    }

    /// Listens at this address.
    ///
    /// # Errors
    ///
    /// The address cannot be listened at.
    pub fn at(address: SocketAddr, settings: Settings, tls: Option<Acceptor>) -> io::Result<Self> {
        let stop = CancellationToken::new();
        let (connections, inbox) = Connections::new(settings, stop.clone());
        let secure = tls.is_some();
        let address = connections.listen(address, tls)?;
        let random = now().unsigned_abs() ^ (u64::from(address.port()) << 48);
        let node = Node::new(Endpoint::new(sip_msrp::Settings::default(), random), connections);
        let (sender, heard) = mpsc::unbounded_channel();
        let inner = Mutex::new(Inner { node, answers: Some(Answer::Taken) });
        let agent = Arc::new(Agent { inner, heard: sender, wake: Notify::new() });
        tokio::spawn(stop.clone().run_until_cancelled_owned(work(agent.clone(), inbox)));
        Ok(Self { agent, heard, address, secure, random, stop })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What messages and nicknames are answered at once: taken, unless told otherwise. `None`: each by
    /// [`answer`](Self::answer).
    pub fn answers(&self, answers: Option<Answer>) {
        self.agent.lock().answers = answers;
    }

    /// A new URI of its own, for `a=path`.
    pub fn uri(&mut self) -> Uri {
        self.random = self.random.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        let random = [self.random, now().unsigned_abs()];
        let host = self.address.ip().to_string();
        let uri = Uri::ours(self.secure, &host, self.address.port(), random);
        uri.unwrap_or_else(|_| unreachable!("an address is a host"))
    }

    /// A session with the other end's `a=path`.
    pub fn session(&self, local: Uri, remote: Path) -> Option<SessionKey> {
        self.open(Session::new(local, remote))
    }

    /// A session with everything that can be agreed on. `None`: our URI is in use.
    pub fn open(&self, session: Session) -> Option<SessionKey> {
        self.agent.does(|node, out| node.with(out, |endpoint, _| endpoint.open(now(), session)))
    }

    /// Is the active end of this session.
    pub fn reach(&self, session: SessionKey, target: Target) {
        self.agent.does(|node, out| node.reach(now(), session, target, out));
    }

    /// Asks a relay for an address; what follows is heard.
    pub fn authorize(&self, target: Target, relay: Path, local: Uri) {
        self.agent.does(|node, out| node.authorize(now(), target, relay, local, None, out));
    }

    /// Answers the challenge of a relay.
    pub fn credentials(&self, connection: super::ConnectionId, authorization: &str) {
        self.agent.does(|node, out| {
            node.with(out, |endpoint, out| endpoint.credentials(now(), connection, authorization, out));
        });
    }

    /// Sends a message.
    ///
    /// # Errors
    ///
    /// As [`Endpoint::send`].
    pub fn send(&self, session: SessionKey, message: Message) -> Result<(), SendError> {
        self.agent
            .does(|node, out| node.with(out, |endpoint, out| endpoint.send(now(), session, message, out)))
    }

    /// Answers what was not answered at once.
    pub fn answer(&self, question: Question, answer: Answer) {
        self.agent.does(|node, out| {
            node.with(out, |endpoint, out| endpoint.answer(now(), [(question, answer)], out));
        });
    }

    /// Ends a session.
    pub fn close(&self, session: SessionKey) {
        self.agent.does(|node, out| node.with(out, |endpoint, out| endpoint.close(now(), session, out)));
    }

    /// Looks at its sessions and sockets.
    pub fn look<T>(&self, at: impl FnOnce(&Node) -> T) -> T {
        at(&self.agent.lock().node)
    }

    /// The next thing it hears, if it hears one in time.
    pub async fn next(&mut self, within: Duration) -> Option<Action> {
        tokio::time::timeout(within, self.heard.recv()).await.ok()?
    }

    /// The next thing that `wanted` picks; what comes before is let go.
    pub async fn wait<T>(
        &mut self,
        within: Duration,
        mut wanted: impl FnMut(Action) -> Option<T>,
    ) -> Option<T> {
        let until = Instant::now() + within;
        loop {
            let heard = timeout_at(until, self.heard.recv()).await.ok()??;
            if let Some(found) = wanted(heard) {
                return Some(found);
            }
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Agent {
    /// Does something, answers what is to be answered at once, and tells what was heard.
    fn does<T>(&self, what: impl FnOnce(&mut Node, &mut Vec<Action>) -> T) -> T {
        let mut out = Vec::new();
        let mut inner = self.lock();
        let Inner { node, answers } = &mut *inner;
        let done = what(node, &mut out);
        if let Some(answer) = *answers {
            let asked = out.iter().filter_map(|action| match action {
                Action::Deliver { question, .. } | Action::Nickname { question, .. } => {
                    Some((*question, answer))
                }
                _ => None,
            });
            let asked: Vec<_> = asked.collect();
            node.with(&mut out, |endpoint, out| endpoint.answer(now(), asked, out));
        }
        for heard in out {
            // Nobody listens to a peer that is being dropped.
            drop(self.heard.send(heard));
        }
        drop(inner);
        self.wake.notify_one();
        done
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One batch or one tick after the other.
async fn work(agent: Arc<Agent>, mut inbox: Inbox) {
    loop {
        let due = agent.lock().node.endpoint().next_tick();
        let due = due.and_then(|due| u64::try_from(due.saturating_sub(now()).max(0)).ok());
        let due = Instant::now() + due.map_or(NEVER, Duration::from_micros);
        tokio::select! {
            batch = inbox.recv() => match batch {
                Some(batch) => agent.does(|node, out| node.take(now(), batch, out)),
                None => return,
            },
            () = agent.wake.notified() => {}
            () = tokio::time::sleep_until(due) => {
                agent.does(|node, out| node.with(out, |endpoint, out| endpoint.tick(now(), out)));
            }
        }
    }
}

impl fmt::Debug for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Agent")
    }
}
