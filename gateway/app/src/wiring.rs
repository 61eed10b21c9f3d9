//! The composition root: the one place where configuration, engine, store, adapters and listeners meet.

use std::{
    collections::HashMap,
    sync::{Arc, RwLock},
};

use api::{
    Api, KeyHash, Pages, RenderedPage, Services, Tls, TlsFiles,
    push::{ClientSettings, Push, PushSettings},
};
use bytes::Bytes;
use config::{Config, ProcessEnvironment, StoreUrl};
use engine::Core;
use kit::Channel;
use messengers::{Account as MessengerAccount, Secret, TokenDigest, webhook::Webhook};
use miette::{IntoDiagnostic, WrapErr, miette};
use model::{ChannelId, ChannelKind};
use monitoring::{BuildInfo, Condition, Health, Ingress, Observer, Registry};
use smpp::{
    client::Client,
    server::{Account as EsmeAccount, Server},
};
use store::{OpenMode, Store, StoreTarget};
use tokio::{net::TcpListener, sync::mpsc, task::JoinHandle};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    devices::{Devices, Surroundings},
    directory::{Directory, Federated, Names, pull},
    lookup::Journal,
    loopback::Loopback,
    policy::{self, Ids},
    runtime::{Control, Gate, Runtime, now},
    settings::{api_limits, bind, digest, esme_settings, random, random_key, server_settings, smsc_settings},
    texts::Texts,
    upkeep,
    watch::{LinkWatch, ListenerWatch, SipWatch},
};

/// Batches read at once when the gateway comes back.
const RECOVERY_PAGE: usize = 64;

/// A gateway that is up.
pub(crate) struct Gateway {
    config: Config,
    ids: Ids,
    registry: Arc<Registry>,
    health: Arc<Health>,
    gate: Arc<Gate>,
    store: Arc<dyn Store>,
    control: mpsc::Sender<Control>,
    directory: Arc<Directory>,
    server: Arc<Server>,
    esmes: HashMap<String, Arc<EsmeAccount>>,
    smscs: HashMap<String, Arc<Client>>,
    loopbacks: HashMap<String, Arc<Loopback>>,
    pushes: HashMap<String, Arc<Push>>,
    rcs: Option<Devices>,
    messengers: HashMap<String, Arc<api::Messenger>>,
    tls: Vec<Arc<Tls>>,
    code_key: [u8; 32],
    /// Keys the ids that messages have on devices.
    id_key: [u8; 16],
    /// Listeners and links; stopped first.
    edge: CancellationToken,
    /// The engine's loop; stopped when the edge is quiet.
    core: CancellationToken,
    tasks: TaskTracker,
    runtime: JoinHandle<Result<(), store::StoreError>>,
    listening: Vec<(&'static str, std::net::SocketAddr)>,
}

/// Opens the store that the configuration names.
pub(crate) async fn open_store(config: &Config, mode: OpenMode) -> miette::Result<Arc<dyn Store>> {
    let target =
        match config.store.url.resolve(&ProcessEnvironment).map_err(|error| miette!("store.url: {error}"))? {
            StoreUrl::Sqlite(path) => {
                if mode == OpenMode::Write
                    && let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty())
                {
                    std::fs::create_dir_all(folder)
                        .into_diagnostic()
                        .wrap_err_with(|| format!("the folder of the store, {}", folder.display()))?;
                }
                StoreTarget::Sqlite(path)
            }
            StoreUrl::Postgres(url) => StoreTarget::Postgres(url.into()),
            StoreUrl::Secret(_) => {
                return Err(miette!("store.url: this reference leads to another reference"));
            }
        };
    store::open(&target, mode).await.into_diagnostic().wrap_err_with(|| {
        format!("the store {target:?} cannot be opened; `store.url` in the configuration says where it is")
    })
}

impl Gateway {
    /// Starts everything; when this returns, the gateway serves.
    pub(crate) async fn start(config: Config, registry: Arc<Registry>) -> miette::Result<Self> {
        let environment = ProcessEnvironment;
        let health = Health::new(registry.clone());
        let store = open_store(&config, OpenMode::Write).await?;
        let ids = ids(&config, &*store).await?;
        let secret = async |name| store.secret(name, random_key()).await.into_diagnostic();
        let code_key: [u8; 32] = secret("codes").await?;
        let id_key = secret("ids").await?[..16].try_into().into_diagnostic()?;
        let texts = Arc::new(Texts::new(&config, &ids));
        let policy = Arc::new(policy::compile(&config, &ids, &environment, code_key)?);
        let core = recovered(&*store, policy, texts.clone(), &registry).await?;

        let (gate, inbound) = Gate::new(config.limits.intake_batches_max as usize);
        let (control, controls) = mpsc::channel(16);
        let depths = Arc::new(RwLock::new(Vec::new()));
        let (edge, core_stop, tasks) =
            (CancellationToken::new(), CancellationToken::new(), TaskTracker::new());
        let directory = Directory::new(Names::default(), depths.clone());
        let server = Server::new(
            server_settings(&config),
            gate.clone(),
            Arc::new(Journal(store.clone())),
            Arc::new(ListenerWatch(registry.clone())),
        );

        let mut gateway = Self {
            ids,
            registry: registry.clone(),
            health: health.clone(),
            gate: gate.clone(),
            store: store.clone(),
            control,
            directory,
            server,
            esmes: HashMap::new(),
            smscs: HashMap::new(),
            loopbacks: HashMap::new(),
            pushes: HashMap::new(),
            rcs: None,
            messengers: HashMap::new(),
            tls: Vec::new(),
            code_key,
            id_key,
            edge,
            core: core_stop.clone(),
            tasks,
            // Replaced below; the channels must exist before the loop runs.
            runtime: tokio::spawn(async { Ok(()) }),
            listening: Vec::new(),
            config,
        };
        let channels = gateway.channels(&texts)?;
        gateway.server.set_accounts(gateway.esmes.values().cloned());
        gateway.directory.set(gateway.names()?);
        let runtime = Runtime {
            core,
            store,
            gate,
            inbound,
            control: controls,
            channels,
            observer: Observer::new(registry),
            health: health.clone(),
            depths,
            batch_max: gateway.config.limits.batch_messages_max as usize,
            batch_delay: gateway.config.limits.batch_delay.get(),
            stop: core_stop,
            drain_max: gateway.config.limits.drain.get(),
        };
        gateway.runtime = tokio::spawn(runtime.run());
        gateway.listen().await?;
        for condition in [
            Condition::Configuration,
            Condition::Journal,
            Condition::Ingress,
            Condition::Space,
            Condition::Serving,
        ] {
            health.met(condition);
        }
        // After the good words above: it may find at once that there is no space.
        let (store, gate, registry, stop) =
            (gateway.store.clone(), gateway.gate.clone(), gateway.registry.clone(), gateway.edge.clone());
        gateway.tasks.spawn(upkeep::run(store, gate, health.clone(), registry, stop));
        gateway.registry.configuration_loaded(true, now());
        Ok(gateway)
    }

    /// What is open, for the first lines of the log.
    pub(crate) fn listening(&self) -> &[(&'static str, std::net::SocketAddr)] {
        &self.listening
    }

    /// Resolves when the engine's loop has ended by itself: the store is lost.
    pub(crate) async fn broken(&mut self) -> miette::Report {
        match (&mut self.runtime).await {
            Ok(Ok(())) => miette!("the engine stopped"),
            Ok(Err(error)) => miette!("{error}"),
            Err(error) => miette!("the engine failed: {error}"),
        }
    }

    /// Stops taking, finishes what is in hand, closes everything.
    pub(crate) async fn drain(self) -> miette::Result<()> {
        self.health.unmet(Condition::Serving, "the gateway is shutting down");
        self.gate.set_closed(Some(model::Cause::Draining));
        self.edge.cancel();
        self.tasks.close();
        let quiet = tokio::time::timeout(self.config.limits.drain.get(), self.tasks.wait()).await;
        if quiet.is_err() {
            tracing::warn!(
                "some connections did not finish in time; what they had open goes on after the next start"
            );
        }
        self.core.cancel();
        let ended = self.runtime.await.into_diagnostic()?;
        self.store.close().await;
        ended.into_diagnostic()
    }

    /// The old configuration stays in force, and whoever watches can see it.
    pub(crate) fn not_reloaded(&self) {
        self.registry.configuration_loaded(false, now());
    }

    /// Takes a new configuration as far as that works without a restart, and says what does not.
    pub(crate) async fn reload(&mut self, new: Config) -> miette::Result<()> {
        let changes = config::diff(&self.config, &new);
        if changes.is_empty() {
            tracing::info!("the configuration has not changed");
        }
        for change in &changes.reloadable {
            tracing::info!(%change, "reloaded");
        }
        for change in &changes.needs_restart {
            tracing::warn!(%change, "takes effect with the next start");
        }
        for tls in &self.tls {
            if let Err(error) = tls.reload() {
                tracing::error!(%error, "the certificate was not reloaded; the old one stays in use");
            }
        }
        self.ids.extend(ids(&new, &*self.store).await?);
        let texts = Arc::new(Texts::new(&new, &self.ids));
        let policy = Arc::new(policy::compile(&new, &self.ids, &ProcessEnvironment, self.code_key)?);
        self.config = new;
        let channels = self.channels(&texts)?;
        self.server.set_accounts(self.esmes.values().cloned());
        self.directory.set(self.names()?);
        let drain_max = self.config.limits.drain.get();
        self.control.send(Control::Policy(policy, channels, drain_max)).await.into_diagnostic()?;
        self.registry.configuration_loaded(true, now());
        Ok(())
    }

    /// Every way out, by channel id. Those that exist already are told their new settings.
    fn channels(&mut self, texts: &Texts) -> miette::Result<HashMap<ChannelId, Arc<dyn Channel>>> {
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
        let around = Surroundings { intake: self.gate.clone(), watch, edge: &self.edge, tasks: &self.tasks };
        let devices = Devices::start(config, rcs, id, self.id_key, around)?;
        self.tls.extend(devices.tls());
        self.listening.extend_from_slice(devices.listening());
        let channel = devices.channel();
        self.rcs = Some(devices);
        Ok(channel)
    }

    fn id(&self, name: &str) -> miette::Result<ChannelId> {
        self.ids.get(name).copied().ok_or_else(|| miette!("{name} has no id in the store"))
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

    fn names(&self) -> miette::Result<Names> {
        let mut names = Names { numbering: Some(policy::numbering(&self.config.policy)), ..Names::default() };
        for account in &self.config.accounts {
            let Some(api) = &account.api else { continue };
            let name = account.name.as_str();
            let id = self.id(name)?;
            let access = self.directory.access(id, Ingress::Http, &api.allow, api.rate, &self.registry);
            let entry = Arc::new(api::Account {
                channel: id,
                name: name.into(),
                class: policy::class(account.class),
                access,
            });
            for key in &api.keys {
                names.accounts.insert(KeyHash::from_octets(digest(key)?), entry.clone());
            }
        }
        for messenger in &self.config.messengers {
            if let Some(entry) = self.messengers.get(messenger.name.as_str()) {
                names.messengers.push((Some(KeyHash::from_octets(digest(&messenger.token)?)), entry.clone()));
            }
        }
        for (name, kind) in policy::peers(&self.config) {
            names.channels.push((self.id(&name)?, name.into(), kind));
        }
        Ok(names)
    }

    async fn listen(&mut self) -> miette::Result<()> {
        let config = self.config.clone();
        if let Some((listener, tls)) =
            self.open("smpp", config.smpp.listen, config.smpp.tls.as_ref(), &[]).await?
        {
            let (server, stop) = (self.server.clone(), self.edge.clone());
            let acceptor = tls.map(|tls| {
                let make: Arc<dyn Fn() -> tokio_rustls::TlsAcceptor + Send + Sync> =
                    Arc::new(move || tls.acceptor());
                make
            });
            self.tasks.spawn(async move {
                if let Err(error) = server.serve(listener, acceptor, stop).await {
                    tracing::error!(%error, "the SMPP listener broke");
                }
            });
        }
        let api = Api::new(self.services(&config)?);
        let limits = api_limits(&config).connections;
        if let Some((listener, tls)) =
            self.open("http", config.http.listen, config.http.tls.as_ref(), &[b"http/1.1"]).await?
        {
            self.tasks.spawn(api::serve(
                listener,
                tls,
                api::traffic(&api),
                limits.clone(),
                self.edge.clone(),
            ));
        }
        if let Some((listener, tls)) = self
            .open("management", config.management.listen, config.management.tls.as_ref(), &[b"http/1.1"])
            .await?
        {
            // Operators watch the drain: this listener goes last, with the engine.
            tokio::spawn(api::serve(listener, tls, api::management(&api), limits, self.core.clone()));
        }
        Ok(())
    }

    async fn open(
        &mut self,
        what: &'static str,
        listen: config::Listen,
        tls: Option<&config::Tls>,
        protocols: &[&[u8]],
    ) -> miette::Result<Option<(TcpListener, Option<Arc<Tls>>)>> {
        let Some(addr) = listen.addr() else { return Ok(None) };
        let listener = bind(addr).into_diagnostic().wrap_err_with(|| {
            format!("{what}.listen: {addr} cannot be opened; is another gateway running? Choose another address with --set {what}.listen=ADDRESS")
        })?;
        let tls = match tls {
            None => None,
            Some(tls) => {
                let files = TlsFiles {
                    certificate: tls.cert.clone(),
                    key: tls.key.clone(),
                    client_ca: tls.client_ca.clone(),
                };
                let tls = Arc::new(
                    Tls::load(files, protocols).into_diagnostic().wrap_err_with(|| format!("{what}.tls"))?,
                );
                self.tls.push(tls.clone());
                Some(tls)
            }
        };
        self.listening.push((what, listener.local_addr().into_diagnostic()?));
        Ok(Some((listener, tls)))
    }

    fn services(&self, config: &Config) -> miette::Result<Services> {
        let (registry, livez, readyz) = (self.registry.clone(), self.health.clone(), self.health.clone());
        let page = |page: monitoring::Page| RenderedPage {
            status: http::StatusCode::from_u16(page.status)
                .unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR),
            content_type: "application/json",
            body: page.body.into(),
        };
        let control = self.control.clone();
        Ok(Services {
            files: None,
            intake: self.gate.clone(),
            store: self.store.clone(),
            directory: self.directory.clone(),
            pages: Pages {
                metrics: Arc::new(move || RenderedPage {
                    status: http::StatusCode::OK,
                    content_type: Registry::CONTENT_TYPE,
                    body: registry.render().into(),
                }),
                livez: Arc::new(move || page(livez.livez())),
                readyz: Arc::new(move || page(readyz.readyz())),
            },
            now: Arc::new(now),
            random: Arc::new(random),
            // Phones show no typing marks; another messenger on this gateway does not exist yet.
            signals: Arc::new(|_, _| {}),
            find_event: Arc::new(move |channel, key| {
                let control = control.clone();
                Box::pin(async move {
                    let (reply, found) = tokio::sync::oneshot::channel();
                    control.send(Control::Find(channel, key, reply)).await.ok()?;
                    found.await.ok().flatten()
                })
            }),
            observe: Arc::new(|_| {}),
            operators: config
                .management
                .keys
                .iter()
                .map(|key| digest(key).map(KeyHash::from_octets))
                .collect::<miette::Result<Vec<_>>>()?
                .into(),
            public_url: None,
            stopping: self.edge.clone(),
            limits: api_limits(config),
        })
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

/// Gives every configured name its id.
async fn ids(config: &Config, store: &dyn Store) -> miette::Result<Ids> {
    let mut ids = Ids::new();
    for (name, kind) in policy::peers(config) {
        let id = store.channel_id(&name, kind).await.into_diagnostic()?;
        ids.insert(name, id);
    }
    Ok(ids)
}

/// The engine as it was when the last process ended.
async fn recovered(
    store: &dyn Store,
    policy: Arc<engine::Policy>,
    texts: Arc<Texts>,
    registry: &Registry,
) -> miette::Result<Core> {
    let recovery = store.recover().await.into_diagnostic()?;
    let mut core = Core::new(policy, texts, recovery.last_seq, recovery.last_message);
    for fact in &recovery.facts {
        core.recover_fact(fact);
    }
    let births = store.open_births().await.into_diagnostic()?;
    for page in births.chunks(RECOVERY_PAGE) {
        for chapter in store.chapters(page).await.into_diagnostic()? {
            core.recover(now(), chapter);
        }
    }
    registry.recovered(core.open_messages() as u64);
    if core.open_messages() > 0 {
        tracing::info!(open = core.open_messages(), batches = births.len(), "open messages go on");
    }
    Ok(core)
}

/// The registry, with what this binary is.
pub(crate) fn registry() -> miette::Result<Arc<Registry>> {
    Registry::new(BuildInfo {
        version: env!("CARGO_PKG_VERSION"),
        commit: option_env!("GATEWAY_COMMIT").unwrap_or("unknown"),
    })
    .into_diagnostic()
}
