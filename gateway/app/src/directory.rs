//! Who is who, for the HTTP API: accounts by key, messengers by token, channels by name.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use api::{Account, ChannelView, Federation, KeyHash, Messenger, Pull, Reach};
use bytes::Bytes;
use engine::Depth;
use http::{Request, Response};
use kit::{HookError, HttpAdapter, HttpInbound, Taken};
use messengers::webhook::Webhook;
use model::{ChannelId, ChannelKind, Number, NumberingPlan, Timestamp};
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
}

impl api::Directory for Directory {
    fn account(&self, key: &KeyHash) -> Option<Arc<Account>> {
        self.names().accounts.get(key).cloned()
    }

    fn messenger_by_key(&self, key: &KeyHash) -> Option<Arc<Messenger>> {
        self.names().messengers.iter().find(|(known, _)| known.as_ref() == Some(key)).map(|(_, messenger)| messenger.clone())
    }

    fn messenger(&self, name: &str) -> Option<Arc<Messenger>> {
        self.names().messengers.iter().find(|(_, messenger)| messenger.name == name).map(|(_, messenger)| messenger.clone())
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
                ready: depth.map_or(0, |depth| (depth.urgent + depth.person + depth.bulk + depth.reports) as u64),
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
