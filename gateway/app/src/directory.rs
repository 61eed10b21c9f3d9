//! Who is who, for the HTTP API: accounts by key, messengers by token, channels by name.

use std::{
    collections::HashMap,
    num::NonZeroU32,
    sync::{Arc, PoisonError, RwLock},
};

use api::{Access, Account, ChannelView, Federation, KeyHash, Messenger, Pull, Rate, Reach};
use bytes::Bytes;
use config::Cidr;
use engine::Depth;
use http::{Request, Response};
use kit::{HookError, HttpAdapter, HttpInbound, Taken};
use messengers::webhook::Webhook;
use model::{ChannelId, ChannelKind, Number, NumberingPlan, Timestamp};
use monitoring::{AuthFailure, Ingress, Registry};
use smol_str::SmolStr;

/// As configured now; replaced as a whole on reload.
#[derive(Default)]
pub(crate) struct Names {
    pub(crate) accounts: HashMap<KeyHash, Arc<Account>>,
    pub(crate) messengers: Vec<(Option<KeyHash>, Arc<Messenger>)>,
    pub(crate) channels: Vec<(ChannelId, SmolStr, ChannelKind)>,
    pub(crate) numbering: Option<NumberingPlan>,
}

/// See the module.
pub(crate) struct Directory {
    names: RwLock<Arc<Names>>,
    depths: Arc<RwLock<Vec<Depth>>>,
}

impl Directory {
    pub(crate) fn new(names: Names, depths: Arc<RwLock<Vec<Depth>>>) -> Arc<Self> {
        Arc::new(Self { names: RwLock::new(Arc::new(names)), depths })
    }

    pub(crate) fn set(&self, names: Names) {
        *self.names.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(names);
    }

    fn names(&self) -> Arc<Names> {
        self.names.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What the configuration holds this account or messenger to: `allow`, where empty means everywhere, and
    /// `rate`, where 0 means no limit. Whoever comes from elsewhere is counted. A rate that has not changed
    /// goes on as it stands, so that a reload gives nobody a second helping.
    pub(crate) fn access(
        &self,
        channel: ChannelId,
        ingress: Ingress,
        allow: &[Cidr],
        rate: u32,
        registry: &Arc<Registry>,
    ) -> Access {
        let (allow, registry) = (allow.to_vec(), registry.clone());
        let allowed = move |ip| {
            let allowed = allow.is_empty() || allow.iter().any(|range| range.contains(ip));
            if !allowed {
                registry.auth_failed(ingress, AuthFailure::SourceAddress);
            }
            allowed
        };
        let rate = NonZeroU32::new(rate).map(|rate| {
            let known = self.rate(channel);
            known.filter(|known| known.per_second() == rate).unwrap_or_else(|| Rate::new(rate))
        });
        Access { allowed: Arc::new(allowed), rate }
    }

    /// The rate of this account or messenger as it stands.
    fn rate(&self, channel: ChannelId) -> Option<Arc<Rate>> {
        let names = self.names();
        let accounts = names.accounts.values().map(|account| (account.channel, &account.access));
        let messengers = names.messengers.iter().map(|(_, messenger)| (messenger.channel, &messenger.access));
        accounts.chain(messengers).find(|(known, _)| *known == channel)?.1.rate.clone()
    }
}

impl api::Directory for Directory {
    fn account(&self, key: &KeyHash) -> Option<Arc<Account>> {
        self.names().accounts.get(key).cloned()
    }

    fn messenger_by_key(&self, key: &KeyHash) -> Option<Arc<Messenger>> {
        self.names()
            .messengers
            .iter()
            .find(|(known, _)| known.as_ref() == Some(key))
            .map(|(_, messenger)| messenger.clone())
    }

    fn messenger(&self, name: &str) -> Option<Arc<Messenger>> {
        self.names()
            .messengers
            .iter()
            .find(|(_, messenger)| messenger.name == name)
            .map(|(_, messenger)| messenger.clone())
    }

    fn channels(&self) -> Vec<ChannelView> {
        let depths = self.depths.read().unwrap_or_else(PoisonError::into_inner).clone();
        let names = self.names();
        let view = |(id, name, kind): &(ChannelId, SmolStr, ChannelKind)| {
            let depth = depths.iter().find(|depth| depth.channel == *id);
            ChannelView {
                id: *id,
                name: name.clone(),
                kind: *kind,
                up: depth.is_some_and(|depth| depth.room > 0),
                paused: depth.is_some_and(|depth| depth.paused),
                room: depth.map_or(0, |depth| depth.room),
                in_flight: depth.map_or(0, |depth| u64::from(depth.outstanding)),
                ready: depth
                    .map_or(0, |depth| (depth.urgent + depth.person + depth.bulk + depth.reports) as u64),
                later: 0,
            }
        };
        names.channels.iter().map(view).collect()
    }

    fn reach(&self, number: &Number) -> Reach {
        // The same answer for every number of the plan: whether it exists is not ours to tell (T72).
        match &self.names().numbering {
            Some(plan) if plan.e164(number).is_some() => Reach::Yes,
            _ => Reach::Unknown,
        }
    }
}

/// The federation profile as the HTTP API wants it: each item with the sender's own id.
pub(crate) struct Federated(pub(crate) Webhook);

impl Federation for Federated {
    fn authenticate(&self, now: Timestamp, call: &Request<Bytes>) -> Result<(), HookError> {
        self.0.authenticate(now, call)
    }

    fn read(&self, now: Timestamp, call: &Request<Bytes>) -> Result<Vec<(String, HttpInbound)>, HookError> {
        Ok(self.0.read(now, call)?.into_iter().map(|item| (item.id, item.inbound)).collect())
    }

    fn reply(&self, answers: &[Taken]) -> Response<Bytes> {
        self.0.reply(answers)
    }
}

/// The pages of a messenger that pulls.
pub(crate) fn pull(push: &Arc<api::push::Push>) -> Arc<dyn Pull> {
    push.clone()
}

#[cfg(test)]
mod tests {
    use api::Directory as _;
    use model::Class;
    use monitoring::BuildInfo;

    use super::*;

    const DEMO: ChannelId = ChannelId(7);

    fn named(channel: ChannelId, access: Access) -> Names {
        let account = Account { channel, name: "demo".into(), class: Class::Person, access };
        Names { accounts: HashMap::from([(KeyHash::of(b"key"), Arc::new(account))]), ..Names::default() }
    }

    #[test]
    fn whoever_comes_from_elsewhere_is_turned_away_and_counted() {
        let registry = Registry::new(BuildInfo { version: "0", commit: "0" }).unwrap();
        let directory = Directory::new(Names::default(), Arc::default());
        let access = |allow: &[&str]| {
            let allow: Vec<Cidr> = allow.iter().map(|range| range.parse().unwrap()).collect();
            directory.access(DEMO, Ingress::Http, &allow, 0, &registry)
        };
        let office = access(&["192.0.2.0/24", "2001:db8::/32"]);
        assert!((office.allowed)("192.0.2.7".parse().unwrap()));
        assert!((office.allowed)("2001:db8::1".parse().unwrap()));
        assert!((access(&[]).allowed)("203.0.113.9".parse().unwrap()), "no range means everywhere");
        let counted = |times: u32| {
            let line = format!(
                "gateway_auth_failures_total{{ingress=\"http\",reason=\"source_address\"}} {times}\n"
            );
            registry.render().contains(&line)
        };
        assert!(counted(0));
        assert!(!(office.allowed)("192.0.3.7".parse().unwrap()));
        assert!(counted(1));
        assert!(office.rate.is_none(), "0 means no limit");
    }

    #[test]
    fn a_reload_keeps_what_was_used_of_a_rate_unless_the_rate_changed() {
        let registry = Registry::new(BuildInfo { version: "0", commit: "0" }).unwrap();
        let directory = Directory::new(Names::default(), Arc::default());
        let load = |rate| {
            let access = directory.access(DEMO, Ingress::Http, &[], rate, &registry);
            directory.set(named(DEMO, access));
            directory.account(&KeyHash::of(b"key")).unwrap().access.rate.clone().unwrap()
        };
        let at = Timestamp::from_secs(1_800_000_000);
        assert_eq!(load(2).take(at, 2), Ok(()));
        assert!(load(2).take(at, 1).is_err(), "nothing changed");
        assert_eq!(load(3).take(at, 1), Ok(()), "another rate begins anew");
        let other = directory.access(ChannelId(8), Ingress::Http, &[], 3, &registry).rate.unwrap();
        assert_eq!(other.take(at, 3), Ok(()), "everybody has a rate of their own");
    }
}
