//! An account: who may bind as it, what it may do, and its sessions. Towards the gateway it is a channel.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError, RwLock, Weak},
};

use kit::{Channel, Intake, Watch};
use model::{Cause, ChannelId, Class, For, Inbound, Outcome, Outgoing, Refusal, Retry};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tokio::sync::mpsc::UnboundedSender;
use tokio_util::sync::CancellationToken;

use super::writer::Post;
use crate::{Version, pace::Bucket, socket, translate::LinkText};

/// Compares a password with what is stored.
#[derive(Clone)]
pub enum PasswordCheck {
    /// SHA-256 of the password.
    Digest([u8; 32]),
}

impl PasswordCheck {
    #[must_use]
    pub fn of(password: &[u8]) -> Self {
        Self::Digest(Sha256::digest(password).into())
    }

    pub(super) fn accepts(&self, password: &[u8]) -> bool {
        let Self::Digest(stored) = self;
        let given: [u8; 32] = Sha256::digest(password).into();
        given.ct_eq(stored).into()
    }
}

/// What an operator sets about an account.
#[derive(Clone)]
pub struct AccountSettings {
    pub channel: ChannelId,
    pub name: String,
    pub system_id: String,
    pub password: PasswordCheck,
    /// The `system_type`s it may name; empty for any.
    pub system_types: Vec<String>,
    pub binds_max: usize,
    /// Submissions that may be unanswered on one session; then its socket is not read.
    pub window: usize,
    /// Segments per second; none when zero.
    pub rate: u32,
    /// Whether connections from this address may bind.
    pub allowed: Arc<dyn Fn(IpAddr) -> bool + Send + Sync>,
    /// Versions it may speak; higher ones are spoken down to the highest of these.
    pub version_max: Version,
    pub text: LinkText,
    pub class: Class,
}

/// Deliveries that may be unanswered on one session.
pub(super) const DELIVERIES_MAX: usize = 500;

/// See the module.
pub struct Account {
    settings: RwLock<Arc<AccountSettings>>,
    intake: Arc<dyn Intake>,
    watch: Arc<dyn Watch>,
    pub(super) bucket: Mutex<Option<Bucket>>,
    sessions: Mutex<Sessions>,
    /// Held while the room is announced, so that the gateway hears the last word last.
    announcing: tokio::sync::Mutex<()>,
    me: Weak<Self>,
}

#[derive(Default)]
struct Sessions {
    next: u64,
    /// All that are bound.
    bound: HashMap<u64, Member>,
    /// Those that receive, in the order they came.
    receiving: Vec<u64>,
}

struct Member {
    post: UnboundedSender<Post>,
    /// Tells the session to unbind.
    ends: CancellationToken,
}

impl Account {
    #[must_use]
    pub fn new(settings: AccountSettings, intake: Arc<dyn Intake>, watch: Arc<dyn Watch>) -> Arc<Self> {
        let bucket = bucket(&settings);
        Arc::new_cyclic(|me| Self {
            settings: RwLock::new(Arc::new(settings)),
            intake,
            watch,
            bucket: Mutex::new(bucket),
            sessions: Mutex::default(),
            announcing: tokio::sync::Mutex::default(),
            me: me.clone(),
        })
    }

    #[must_use]
    pub fn settings(&self) -> Arc<AccountSettings> {
        self.settings.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn system_id(&self) -> String {
        self.settings().system_id.clone()
    }

    /// Takes new settings; bound sessions follow them from their next batch on.
    pub fn set(&self, settings: AccountSettings) {
        *self.bucket.lock().unwrap_or_else(PoisonError::into_inner) = bucket(&settings);
        *self.settings.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(settings);
    }

    /// Sessions bound now.
    #[must_use]
    pub fn binds(&self) -> usize {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner).bound.len()
    }

    /// Adds a session, unless the account has as many as it may.
    pub(super) fn join(&self, post: &UnboundedSender<Post>, ends: &CancellationToken) -> Option<u64> {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        if sessions.bound.len() >= self.settings().binds_max {
            return None;
        }
        sessions.next += 1;
        let id = sessions.next;
        sessions.bound.insert(id, Member { post: post.clone(), ends: ends.clone() });
        drop(sessions);
        self.watch.up();
        Some(id)
    }

    /// From now on the session is given deliveries. Called once its bind response is on its way.
    pub(super) fn receive(&self, id: u64) {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner).receiving.push(id);
    }

    /// From now on it is given none; true when it was given some.
    pub(super) fn retire(&self, id: u64) -> bool {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let before = sessions.receiving.len();
        sessions.receiving.retain(|receiving| *receiving != id);
        sessions.receiving.len() < before
    }

    pub(super) fn leave(&self, id: u64) {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.bound.remove(&id);
        sessions.receiving.retain(|receiving| *receiving != id);
        drop(sessions);
        self.watch.down();
    }

    /// Tells the gateway how many deliveries the account can take now.
    pub(super) async fn announce(&self) {
        let _mine = self.announcing.lock().await;
        let receiving = self.sessions.lock().unwrap_or_else(PoisonError::into_inner).receiving.len();
        let room = u32::try_from(receiving * DELIVERIES_MAX).unwrap_or(u32::MAX);
        // A gateway that has shut down hands nothing out.
        let _closed = self.intake.take(vec![Inbound::Room { channel: self.settings().channel, room }]).await;
    }

    pub(super) fn close(&self) {
        for member in self.sessions.lock().unwrap_or_else(PoisonError::into_inner).bound.values() {
            member.ends.cancel();
        }
    }

    /// What could not be handed to a session certainly was not sent.
    fn refuse(&self, batch: Vec<Outgoing>) {
        let refusal = Refusal { retry: Retry::Scheduled, ..Refusal::ours(Cause::LinkDown) };
        let outcomes = outcomes(batch, &Outcome::Refused(refusal));
        let Some(me) = self.me.upgrade() else { return };
        tokio::spawn(async move {
            let _closed = me.intake.take(outcomes).await;
        });
    }
}

/// The same outcome for all of them; fleeting signals have none.
pub(crate) fn outcomes(batch: Vec<Outgoing>, outcome: &Outcome) -> Vec<Inbound> {
    batch
        .iter()
        .filter_map(Outgoing::attempt)
        .map(|attempt| Inbound::Outcome { attempt, outcome: outcome.clone() })
        .collect()
}

fn bucket(settings: &AccountSettings) -> Option<Bucket> {
    // A burst of a second, and never less than the longest message (SMS sheet §1.9).
    (settings.rate > 0).then(|| {
        Bucket::new(u64::from(settings.rate) * 1_000, settings.rate.max(255), socket::now().micros())
    })
}

impl Channel for Account {
    fn send(&self, batch: Vec<Outgoing>) {
        let sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let count = sessions.receiving.len();
        if count == 0 {
            drop(sessions);
            return self.refuse(batch);
        }
        let mut by_session: Vec<Vec<Outgoing>> = (0..count).map(|_| Vec::new()).collect();
        if count == 1 {
            by_session[0] = batch;
        } else {
            for item in batch {
                by_session[turn(&item) % count].push(item);
            }
        }
        let mut left = Vec::new();
        for (session, items) in
            sessions.receiving.iter().zip(by_session).filter(|(_, items)| !items.is_empty())
        {
            match sessions.bound.get(session) {
                Some(member) => {
                    if let Err(unsent) = member.post.send(Post::Deliver(items))
                        && let Post::Deliver(items) = unsent.0
                    {
                        left.extend(items);
                    }
                }
                None => left.extend(items),
            }
        }
        drop(sessions);
        if !left.is_empty() {
            self.refuse(left);
        }
    }
}

/// The same pair of people always uses the same session, so that their messages keep their order (I7).
pub(crate) fn turn(item: &Outgoing) -> usize {
    let (from, to) = match item {
        Outgoing::Message(message) | Outgoing::Revoke(message) => {
            (&message.submission.from, &message.submission.to)
        }
        Outgoing::Report(report) => (&report.submission.from, &report.submission.to),
        Outgoing::Signal(_) => return 0,
    };
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for address in [from, to] {
        let octets = match address.reveal(For::Decision) {
            model::Address::Number(number) => number.digits.as_bytes(),
            model::Address::User(user) => user.id.as_bytes(),
        };
        for octet in octets {
            hash = (hash ^ u64::from(*octet)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    usize::try_from(hash >> 33).unwrap_or(0)
}
