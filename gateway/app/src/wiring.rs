//! The composition root: the one place where configuration, engine, store, adapters and listeners meet.

mod channels;
mod listeners;

use std::{
    collections::HashMap,
    sync::{Arc, RwLock},
};

use api::{Tls, push::Push};
use bytes::Bytes;
use config::{Config, ProcessEnvironment, StoreUrl};
use engine::Core;
use kit::Kept;
use miette::{IntoDiagnostic, WrapErr, miette};
use model::ChannelId;
use monitoring::{BuildInfo, Condition, Health, Observer, Registry};
use smpp::{
    client::Client,
    server::{Account as EsmeAccount, Server},
};
use store::{OpenMode, Store, StoreTarget};
use tokio::{sync::mpsc, task::JoinHandle};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    devices::Devices,
    directory::{Directory, Names},
    lookup::Journal,
    loopback::Loopback,
    policy::{self, Ids},
    runtime::{Control, Gate, Runtime, now},
    settings::{random_key, server_settings},
    shelf::Shelf,
    texts::Texts,
    upkeep,
    watch::ListenerWatch,
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
    /// What channels had kept and have not got back yet.
    kept: HashMap<ChannelId, Kept>,
    shelf: Option<Shelf>,
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
        let (core, kept) = recovered(&*store, policy, texts.clone(), &registry).await?;

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
            kept,
            shelf: None,
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
        if let (Some(shelf), Some(files)) = (&self.shelf, &self.config.files) {
            shelf.set(files);
        }
        self.server.set_accounts(self.esmes.values().cloned());
        self.directory.set(self.names()?);
        let drain_max = self.config.limits.drain.get();
        self.control.send(Control::Policy(policy, channels, drain_max)).await.into_diagnostic()?;
        self.registry.configuration_loaded(true, now());
        Ok(())
    }

    fn id(&self, name: &str) -> miette::Result<ChannelId> {
        self.ids.get(name).copied().ok_or_else(|| miette!("{name} has no id in the store"))
    }
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
) -> miette::Result<(Core, HashMap<ChannelId, Kept>)> {
    let recovery = store.recover().await.into_diagnostic()?;
    let mut core = Core::new(policy, texts, recovery.last_seq, recovery.last_message);
    let mut kept: HashMap<ChannelId, Kept> = HashMap::new();
    for fact in &recovery.facts {
        core.recover_fact(fact);
        if let Some((channel, key)) = fact.kept() {
            let own = (Bytes::copy_from_slice(key), Bytes::copy_from_slice(&fact.value));
            kept.entry(channel).or_default().push(own);
        }
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
    Ok((core, kept))
}

/// The registry, with what this binary is.
pub(crate) fn registry() -> miette::Result<Arc<Registry>> {
    Registry::new(BuildInfo {
        version: env!("CARGO_PKG_VERSION"),
        commit: option_env!("GATEWAY_COMMIT").unwrap_or("unknown"),
    })
    .into_diagnostic()
}
