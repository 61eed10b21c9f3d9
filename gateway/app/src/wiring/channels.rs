//! Every way out: ESMEs, SMSCs, messengers, RCS devices, and the simulated carrier.

use std::{collections::HashMap, sync::Arc};

use api::push::{ClientSettings, Push, PushSettings};
use bytes::Bytes;
use config::{Config, ProcessEnvironment};
use kit::Channel;
use messengers::{Account as MessengerAccount, Secret, TokenDigest, webhook::Webhook};
use miette::{IntoDiagnostic, miette};
use model::{ChannelId, ChannelKind};
use monitoring::Ingress;
use smpp::{client::Client, server::Account as EsmeAccount};

use super::Gateway;
use crate::{
    devices::{Devices, Surroundings},
    directory::{Federated, pull},
    loopback::Loopback,
    policy,
    runtime::now,
    settings::{digest, esme_settings, random, smsc_settings},
    texts::Texts,
    watch::{LinkWatch, SipWatch},
};

impl Gateway {
    /// Every way out, by channel id. Those that exist already are told their new settings.
    pub(super) fn channels(&mut self, texts: &Texts) -> miette::Result<HashMap<ChannelId, Arc<dyn Channel>>> {
        let mut channels: HashMap<ChannelId, Arc<dyn Channel>> = HashMap::new();
        let config = self.config.clone();
        for account in &config.accounts {
            let name = account.name.as_str();
            let Some(smpp) = &account.smpp else { continue };
            let id = self.id(name)?;
            let settings = esme_settings(id, account, smpp, texts)?;
            let esme = match self.esmes.get(name) {
                Some(esme) => {
                    esme.set(settings);
                    esme.clone()
                }
                None => EsmeAccount::new(
                    settings,
                    self.gate.clone(),
                    Arc::new(self.watch(id, ChannelKind::Esme, name)?),
                ),
            };
            self.esmes.insert(name.to_owned(), esme.clone());
            channels.insert(id, esme);
        }
        self.esmes
            .retain(|name, _| config.accounts.iter().any(|a| a.name.as_str() == name && a.smpp.is_some()));
        for channel in &config.channels {
            let name = channel.name.as_str();
            let id = self.id(name)?;
            if channel.kind == config::ChannelKind::Loopback {
                if !self.loopbacks.contains_key(name) {
                    let settings = channel.loopback.clone().unwrap_or_default();
                    let (loopback, task) =
                        Loopback::start(id, &settings, self.gate.clone(), self.edge.clone());
                    self.tasks.spawn(async move {
                        // It ends with the edge.
                        let _ended = task.await;
                    });
                    self.loopbacks.insert(name.to_owned(), loopback);
                }
                if let Some(loopback) = self.loopbacks.get(name) {
                    channels.insert(id, loopback.clone());
                }
                continue;
            }
            let settings = smsc_settings(id, channel, texts)?;
            let client = match self.smscs.get(name) {
                Some(client) => {
                    client.set(settings);
                    client.clone()
                }
                None => {
                    let watch = Arc::new(self.watch(id, ChannelKind::Smsc, name)?);
                    let client = Client::new(settings, self.gate.clone(), watch);
                    self.tasks.spawn(client.clone().run(self.edge.clone()));
                    client
                }
            };
            self.smscs.insert(name.to_owned(), client.clone());
            channels.insert(id, client);
        }
        for messenger in &config.messengers {
            let name = messenger.name.as_str();
            let id = self.id(name)?;
            let account = messenger_account(id, messenger)?;
            let push = match self.pushes.get(name) {
                Some(push) => push.clone(),
                None => {
                    let push = self.push(messenger, &account)?;
                    self.tasks.spawn(push.clone().run(self.edge.clone()));
                    self.pushes.insert(name.to_owned(), push.clone());
                    push
                }
            };
            // Its calls are judged by what is configured now.
            let adapter = Arc::new(Federated(Webhook::new(account)));
            let access =
                self.directory.access(id, Ingress::Hook, &messenger.allow, messenger.rate, &self.registry);
            let entry =
                api::Messenger { channel: id, name: name.into(), adapter, pull: Some(pull(&push)), access };
            self.messengers.insert(name.to_owned(), Arc::new(entry));
            channels.insert(id, push);
        }
        if let Some(rcs) = &config.rcs {
            let id = self.id(rcs.name.as_str())?;
            channels.insert(id, self.devices(&config, rcs, id)?);
        }
        for (name, kind) in policy::peers(&config) {
            let id = self.id(&name)?;
            self.registry.channel(id, kind, &name).into_diagnostic()?;
        }
        // What was taken out of the file stays until the next start: it may be waiting for answers.
        let smscs = self.smscs.iter().map(|(name, client)| (name, client.clone() as Arc<dyn Channel>));
        let pushes = self.pushes.iter().map(|(name, push)| (name, push.clone() as Arc<dyn Channel>));
        for (name, channel) in smscs.chain(pushes) {
            channels.entry(self.id(name)?).or_insert(channel);
        }
        Ok(channels)
    }

    /// The way to RCS devices: opened once, told of new settings afterwards.
    fn devices(
        &mut self,
        config: &Config,
        rcs: &config::Rcs,
        id: ChannelId,
    ) -> miette::Result<Arc<dyn Channel>> {
        if let Some(devices) = &self.rcs {
            devices.set(config, rcs, id)?;
            return Ok(devices.channel());
        }
        let watch = Arc::new(SipWatch(self.watch(id, ChannelKind::Rcs, rcs.name.as_str())?));
        let around = Surroundings {
            intake: self.gate.clone(),
            watch,
            registry: self.registry.clone(),
            kept: self.kept.remove(&id).unwrap_or_default(),
            edge: &self.edge,
            tasks: &self.tasks,
        };
        let devices = Devices::start(config, rcs, id, self.id_key, around)?;
        self.tls.extend(devices.tls());
        self.listening.extend_from_slice(devices.listening());
        let channel = devices.channel();
        self.rcs = Some(devices);
        Ok(channel)
    }

    fn watch(&self, id: ChannelId, kind: ChannelKind, name: &str) -> miette::Result<LinkWatch> {
        Ok(LinkWatch::new(self.registry.clone(), self.registry.channel(id, kind, name).into_diagnostic()?))
    }

    /// The way out to one messenger.
    fn push(&self, messenger: &config::Messenger, account: &MessengerAccount) -> miette::Result<Arc<Push>> {
        let name = messenger.name.as_str();
        let kind = messengers::find("webhook").ok_or_else(|| miette!("no such kind of messenger"))?;
        let mut settings = PushSettings::new(
            account.channel,
            (kind.build)(account.clone()),
            Arc::new(now),
            Arc::new(random),
        );
        if messenger.push.is_some() {
            settings.push = Some(ClientSettings {
                allow_private_addresses: messenger.allow_private_addresses,
                call_timeout: messenger.push_timeout.get(),
                ..ClientSettings::default()
            });
        }
        let speller = Webhook::new(account.clone());
        settings.pull = Some(Arc::new(move |at, outgoing| speller.event(at, outgoing).map(Bytes::from)));
        settings.batch_events_max = messenger.batch_max as usize;
        settings.calls_max = messenger.window as usize;
        // Every call under way may be full.
        settings.room = settings.room.max(messenger.window.saturating_mul(messenger.batch_max));
        Push::new(settings, self.gate.clone()).map_err(|error| miette!("messenger.{name}: {error}"))
    }
}

/// How one messenger is told from others, in both directions.
fn messenger_account(id: ChannelId, messenger: &config::Messenger) -> miette::Result<MessengerAccount> {
    let name = messenger.name.as_str();
    let push_secret = match &messenger.secret {
        None => None,
        Some(reference) => {
            let secret = reference
                .resolve(&ProcessEnvironment)
                .map_err(|error| miette!("messenger.{name}.secret: {error}"))?;
            Some(
                Secret::parse(secret.expose())
                    .map_err(|error| miette!("messenger.{name}.secret: {error}"))?,
            )
        }
    };
    let mut credentials =
        vec![messengers::Credential::Bearer(TokenDigest::from_octets(digest(&messenger.token)?))];
    credentials.extend(push_secret.clone().map(messengers::Credential::Signature));
    let push_url = messenger.push.as_ref().map(|url| url.as_str().parse()).transpose().into_diagnostic()?;
    Ok(MessengerAccount { channel: id, name: name.into(), credentials, push_url, push_secret })
}
