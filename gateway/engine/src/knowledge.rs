//! What the gateway knows beside messages: who has which number, who agreed to what, which submissions were
//! seen before. Every change is a fact in the batch of the entry that causes it.

use hashbrown::HashMap;
use model::{ChannelId, ConsentScope, Msisdn, Presence, Timestamp};
use smol_str::SmolStr;

use crate::{
    journal::{Fact, FactChange, FactKind},
    kept::Kept,
    presence::Presences,
    seen::Seen,
};

/// A verified claim: this number belongs to this user of this messenger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) number: Msisdn,
    pub(crate) epoch: u32,
}

/// A one-time code under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Challenge {
    pub(crate) origin: ChannelId,
    pub(crate) user: SmolStr,
    pub(crate) number: Msisdn,
    pub(crate) digest: [u8; 16],
    pub(crate) tries: u8,
    pub(crate) expires_at: Timestamp,
}

type UserKey = (ChannelId, SmolStr);

#[derive(Debug, Default)]
pub(crate) struct Knowledge {
    links: HashMap<UserKey, Link>,
    by_number: HashMap<Msisdn, UserKey>,
    epochs: HashMap<Msisdn, u32>,
    challenges: HashMap<u64, Challenge>,
    /// (pool number, the other side) -> who stands behind the pool number there.
    leases: HashMap<(Msisdn, Msisdn), UserKey>,
    leased: HashMap<(UserKey, Msisdn), Msisdn>,
    consents: HashMap<(Msisdn, ConsentScope), bool>,
    pub(crate) seen: Seen,
    paused: HashMap<ChannelId, bool>,
    pub(crate) presences: Presences,
    kept: Kept,
    changes: Vec<FactChange>,
}

impl Knowledge {
    /// The changes since the last call, for the batch of that number.
    pub(crate) fn take_changes(&mut self, batch: u64) -> Vec<FactChange> {
        let mut changes = std::mem::take(&mut self.changes);
        changes.extend(self.seen.take(batch));
        changes
    }

    pub(crate) fn changes(&self) -> usize {
        self.changes.len() + self.seen.fresh()
    }

    fn change(
        &mut self,
        kind: FactKind,
        key: Vec<u8>,
        value: Option<Vec<u8>>,
        expires_at: Option<Timestamp>,
    ) {
        self.changes.push(FactChange { kind, key, value, expires_at });
    }

    pub(crate) fn link_of_user(&self, messenger: ChannelId, user: &SmolStr) -> Option<Link> {
        self.links.get(&(messenger, user.clone())).copied()
    }

    pub(crate) fn user_of_number(&self, number: Msisdn) -> Option<&UserKey> {
        if self.by_number.is_empty() { None } else { self.by_number.get(&number) }
    }

    /// Binds a number to a user. Whoever had it before loses it, and a new epoch begins (messengers sheet §11.2).
    pub(crate) fn link(&mut self, messenger: ChannelId, user: SmolStr, number: Msisdn) -> u32 {
        let key = (messenger, user);
        if let Some(link) = self.links.get(&key)
            && link.number == number
        {
            return link.epoch;
        }
        if let Some(previous) = self.by_number.get(&number).cloned() {
            self.unlink(previous.0, &previous.1);
        }
        self.unlink(key.0, &key.1);
        let epoch = self.epochs.get(&number).copied().unwrap_or(0) + 1;
        self.epochs.insert(number, epoch);
        self.change(
            FactKind::Epoch,
            number.as_u64().to_be_bytes().into(),
            Some(epoch.to_be_bytes().into()),
            None,
        );
        self.links.insert(key.clone(), Link { number, epoch });
        let mut value = number.as_u64().to_be_bytes().to_vec();
        value.extend(epoch.to_be_bytes());
        self.change(FactKind::Link, user_octets(&key), Some(value), None);
        self.by_number.insert(number, key);
        epoch
    }

    pub(crate) fn unlink(&mut self, messenger: ChannelId, user: &SmolStr) -> Option<Link> {
        let key = (messenger, user.clone());
        let link = self.links.remove(&key)?;
        self.by_number.remove(&link.number);
        self.change(FactKind::Link, user_octets(&key), None, None);
        Some(link)
    }

    pub(crate) fn challenge(&mut self, id: u64, challenge: Challenge) {
        let value = challenge_octets(&challenge);
        self.change(FactKind::Challenge, id.to_be_bytes().into(), Some(value), Some(challenge.expires_at));
        self.challenges.insert(id, challenge);
    }

    pub(crate) fn challenge_of(&self, id: u64) -> Option<&Challenge> {
        self.challenges.get(&id)
    }

    pub(crate) fn forget_challenge(&mut self, id: u64) {
        if self.challenges.remove(&id).is_some() {
            self.change(FactKind::Challenge, id.to_be_bytes().into(), None, None);
        }
    }

    pub(crate) fn challenges_for(&self, number: Msisdn, now: Timestamp) -> usize {
        self.challenges.values().filter(|c| c.number == number && c.expires_at > now).count()
    }

    /// The pool number this user has towards `other`, leasing a free one when there is none yet.
    pub(crate) fn lease(&mut self, user: &UserKey, other: Msisdn, pool: &[Msisdn]) -> Option<Msisdn> {
        if let Some(number) = self.leased.get(&(user.clone(), other)) {
            return Some(*number);
        }
        // Start somewhere else for every user, so that one pool number does not stand for everybody.
        let start = user.1.bytes().fold(7_usize, |sum, b| sum.wrapping_mul(31).wrapping_add(usize::from(b)));
        let number = (0..pool.len())
            .map(|i| pool[(start.wrapping_add(i)) % pool.len()])
            .find(|n| !self.leases.contains_key(&(*n, other)))?;
        self.set_lease(number, other, user.clone());
        let mut key = number.as_u64().to_be_bytes().to_vec();
        key.extend(other.as_u64().to_be_bytes());
        self.change(FactKind::Lease, key, Some(user_octets(user)), None);
        Some(number)
    }

    /// The number a phone knows this user by already: their own, or the one they have towards `other`.
    pub(crate) fn number_of(
        &self,
        messenger: ChannelId,
        user: &SmolStr,
        other: Option<Msisdn>,
    ) -> Option<Msisdn> {
        let key = (messenger, user.clone());
        let leased = || self.leased.get(&(key.clone(), other?)).copied();
        self.links.get(&key).map(|link| link.number).or_else(leased)
    }

    /// Whether this user has a number towards `other`, or can get one.
    pub(crate) fn has_number(
        &self,
        messenger: ChannelId,
        user: &SmolStr,
        other: Msisdn,
        pool: &[Msisdn],
    ) -> bool {
        self.number_of(messenger, user, Some(other)).is_some()
            || pool.iter().any(|number| !self.leases.contains_key(&(*number, other)))
    }

    fn set_lease(&mut self, number: Msisdn, other: Msisdn, user: UserKey) {
        self.leased.insert((user.clone(), other), number);
        self.leases.insert((number, other), user);
    }

    /// Who a phone means when it writes to a pool number.
    pub(crate) fn behind(&self, pool_number: Msisdn, other: Msisdn) -> Option<&UserKey> {
        if self.leases.is_empty() { None } else { self.leases.get(&(pool_number, other)) }
    }

    pub(crate) fn consent(&self, number: Msisdn, scope: ConsentScope) -> Option<bool> {
        self.consents.get(&(number, scope)).copied()
    }

    pub(crate) fn set_consent(&mut self, number: Msisdn, scope: ConsentScope, granted: bool, now: Timestamp) {
        self.consents.insert((number, scope), granted);
        let mut key = number.as_u64().to_be_bytes().to_vec();
        key.push(scope_code(scope));
        let mut value = vec![u8::from(granted)];
        value.extend(now.micros().to_be_bytes());
        self.change(FactKind::Consent, key, Some(value), None);
    }

    /// A channel says who can be reached on it.
    pub(crate) fn set_presence(
        &mut self,
        now: Timestamp,
        channel: ChannelId,
        number: Msisdn,
        presence: Presence,
        max: usize,
    ) {
        self.changes.extend(self.presences.learn(now, channel, number, presence, max));
    }

    pub(crate) fn set_paused(&mut self, channel: ChannelId, paused: bool) {
        self.paused.insert(channel, paused);
        self.change(FactKind::Paused, channel.0.to_be_bytes().into(), paused.then(|| vec![1]), None);
    }

    /// A channel has something kept, or forgotten.
    pub(crate) fn keep(&mut self, channel: ChannelId, key: &[u8], value: Option<&[u8]>) {
        self.changes.extend(self.kept.change(channel, key, value));
    }

    pub(crate) fn is_paused(&self, channel: ChannelId) -> bool {
        self.paused.get(&channel).copied().unwrap_or(false)
    }

    /// Forgets in memory what has expired; the store forgets by itself.
    pub(crate) fn sweep(&mut self, now: Timestamp) {
        self.seen.sweep(now);
        self.challenges.retain(|_, challenge| challenge.expires_at > now);
    }

    /// Takes a recovered fact. One that cannot be read is left out; the store keeps it.
    pub(crate) fn recover(&mut self, fact: &Fact) -> Option<()> {
        match fact.kind {
            FactKind::Link => {
                let key = read_user(&fact.key)?;
                let link = Link {
                    number: read_msisdn(fact.value.get(..8)?)?,
                    epoch: u32::from_be_bytes(fact.value.get(8..12)?.try_into().ok()?),
                };
                self.by_number.insert(link.number, key.clone());
                self.links.insert(key, link);
            }
            FactKind::Epoch => {
                self.epochs.insert(
                    read_msisdn(&fact.key)?,
                    u32::from_be_bytes(fact.value.as_slice().try_into().ok()?),
                );
            }
            FactKind::Challenge => {
                let id = u64::from_be_bytes(fact.key.as_slice().try_into().ok()?);
                self.challenges.insert(id, read_challenge(&fact.value, fact.expires_at?)?);
            }
            FactKind::Lease => {
                let (number, other) = (read_msisdn(fact.key.get(..8)?)?, read_msisdn(fact.key.get(8..16)?)?);
                self.set_lease(number, other, read_user(&fact.value)?);
            }
            FactKind::Consent => {
                let scope = read_scope(*fact.key.get(8)?)?;
                self.consents.insert((read_msisdn(fact.key.get(..8)?)?, scope), *fact.value.first()? == 1);
            }
            FactKind::Idempotency => return self.seen.recover(fact),
            FactKind::Presence => return self.presences.recover(fact),
            FactKind::Kept => self.kept.recover(&fact.key),
            FactKind::Paused => {
                self.paused.insert(ChannelId(u16::from_be_bytes(fact.key.as_slice().try_into().ok()?)), true);
            }
        }
        Some(())
    }
}

fn user_octets(user: &UserKey) -> Vec<u8> {
    let mut octets = user.0.0.to_be_bytes().to_vec();
    octets.extend(user.1.as_bytes());
    octets
}

fn read_user(octets: &[u8]) -> Option<UserKey> {
    let channel = u16::from_be_bytes(octets.get(..2)?.try_into().ok()?);
    Some((ChannelId(channel), std::str::from_utf8(octets.get(2..)?).ok()?.into()))
}

fn read_msisdn(octets: &[u8]) -> Option<Msisdn> {
    Some(Msisdn::from_u64(u64::from_be_bytes(octets.try_into().ok()?)))
}

const fn scope_code(scope: ConsentScope) -> u8 {
    match scope {
        ConsentScope::Business => 1,
        ConsentScope::Advertising => 2,
        ConsentScope::NightAdvertising => 3,
    }
}

const fn read_scope(code: u8) -> Option<ConsentScope> {
    match code {
        1 => Some(ConsentScope::Business),
        2 => Some(ConsentScope::Advertising),
        3 => Some(ConsentScope::NightAdvertising),
        _ => None,
    }
}

fn challenge_octets(challenge: &Challenge) -> Vec<u8> {
    let mut octets = challenge.number.as_u64().to_be_bytes().to_vec();
    octets.extend(challenge.digest);
    octets.push(challenge.tries);
    octets.extend(user_octets(&(challenge.origin, challenge.user.clone())));
    octets
}

fn read_challenge(octets: &[u8], expires_at: Timestamp) -> Option<Challenge> {
    let (origin, user) = read_user(octets.get(25..)?)?;
    Some(Challenge {
        origin,
        user,
        number: read_msisdn(octets.get(..8)?)?,
        digest: octets.get(8..24)?.try_into().ok()?,
        tries: *octets.get(24)?,
        expires_at,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(digits: u64) -> Msisdn {
        Msisdn::from_u64(digits)
    }

    fn recovered(knowledge: &mut Knowledge) -> Knowledge {
        let mut facts: HashMap<(FactKind, Vec<u8>), Fact> = HashMap::new();
        for change in knowledge.take_changes(1) {
            let key = (change.kind, change.key.clone());
            match change.value {
                Some(value) => facts.insert(
                    key,
                    Fact { kind: change.kind, key: change.key, value, expires_at: change.expires_at },
                ),
                None => facts.remove(&key),
            };
        }
        let mut again = Knowledge::default();
        assert!(facts.values().all(|fact| again.recover(fact).is_some()));
        again
    }

    #[test]
    fn a_number_that_changes_hands_begins_a_new_epoch() {
        let mut known = Knowledge::default();
        let (first, second) = (SmolStr::new("u1"), SmolStr::new("u2"));
        assert_eq!(known.link(ChannelId(5), first.clone(), number(821_011_110_001)), 1);
        assert_eq!(known.link(ChannelId(5), first.clone(), number(821_011_110_001)), 1, "idempotent");
        assert_eq!(known.link(ChannelId(5), second.clone(), number(821_011_110_001)), 2);
        assert_eq!(known.link_of_user(ChannelId(5), &first), None);
        let known = recovered(&mut known);
        assert_eq!(known.user_of_number(number(821_011_110_001)), Some(&(ChannelId(5), second)));
    }

    #[test]
    fn a_pool_number_stands_for_one_user_towards_one_phone() {
        let mut known = Knowledge::default();
        let pool = [number(82_701), number(82_702)];
        let (a, b, c) = (
            (ChannelId(5), SmolStr::new("a")),
            (ChannelId(5), SmolStr::new("b")),
            (ChannelId(5), SmolStr::new("c")),
        );
        let phone = number(821_011_110_009);
        let of_a = known.lease(&a, phone, &pool).expect("one of two");
        let of_b = known.lease(&b, phone, &pool).expect("the other");
        assert_ne!(of_a, of_b);
        assert_eq!(known.lease(&a, phone, &pool), Some(of_a), "kept");
        assert_eq!(known.lease(&c, phone, &pool), None, "exhausted towards this phone");
        assert!(known.lease(&c, number(821_011_110_010), &pool).is_some());
        let known = recovered(&mut known);
        assert_eq!(known.behind(of_b, phone), Some(&b));
    }

    #[test]
    fn consent_and_pauses_survive_a_restart() {
        let mut known = Knowledge::default();
        let now = Timestamp::from_secs(1_800_000_000);
        known.set_consent(number(821_011_110_001), ConsentScope::Business, false, now);
        known.set_paused(ChannelId(3), true);
        let known = recovered(&mut known);
        assert_eq!(known.consent(number(821_011_110_001), ConsentScope::Business), Some(false));
        assert!(known.is_paused(ChannelId(3)));
    }
}
