//! Every way in: the listeners, and what stands behind them.

use std::sync::Arc;

use api::{Api, Files, KeyHash, Pages, RenderedPage, Services, Tls, TlsFiles};
use config::Config;
use miette::{IntoDiagnostic, WrapErr};
use monitoring::{Ingress, Registry};
use tokio::net::TcpListener;

use super::Gateway;
use crate::{
    devices::Devices,
    directory::Names,
    policy,
    runtime::{Control, now},
    settings::{api_limits, bind, digest, random},
    shelf::{self, Shelf},
};

impl Gateway {
    pub(super) async fn listen(&mut self) -> miette::Result<()> {
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
        let http = self.open("http", config.http.listen, config.http.tls.as_ref(), &[b"http/1.1"]).await?;
        let files = match (&config.files, &http) {
            (Some(written), Some((listener, tls))) => {
                let address = listener.local_addr().into_diagnostic()?;
                let shelf = Shelf::open(written, address, tls.is_some(), self.around_files()).await?;
                let files = self.shelf.insert(shelf).files();
                if let (Some(devices), Some(rcs)) = (&self.rcs, &config.rcs) {
                    devices.set_links(files.short_links());
                    devices.set(&config, rcs, self.id(rcs.name.as_str())?)?;
                }
                Some(files)
            }
            _ => None,
        };
        let api = Api::new(self.services(&config, files)?);
        let limits = api_limits(&config).connections;
        if let Some((listener, tls)) = http {
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

    fn around_files(&self) -> shelf::Surroundings<'_> {
        shelf::Surroundings {
            passwords: self.rcs.as_ref().map(Devices::passwords),
            gate: self.gate.clone(),
            registry: self.registry.clone(),
            edge: &self.edge,
            tasks: &self.tasks,
        }
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

    fn services(&self, config: &Config, files: Option<Arc<Files>>) -> miette::Result<Services> {
        let (registry, livez, readyz) = (self.registry.clone(), self.health.clone(), self.health.clone());
        let calls = self.registry.clone();
        let page = |page: monitoring::Page| RenderedPage {
            status: http::StatusCode::from_u16(page.status)
                .unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR),
            content_type: "application/json",
            body: page.body.into(),
        };
        let (control, gate) = (self.control.clone(), self.gate.clone());
        Ok(Services {
            files,
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
            signals: Arc::new(move |channel, signal| gate.signal(channel, signal)),
            find_event: Arc::new(move |channel, key| {
                let control = control.clone();
                Box::pin(async move {
                    let (reply, found) = tokio::sync::oneshot::channel();
                    control.send(Control::Find(channel, key, reply)).await.ok()?;
                    found.await.ok().flatten()
                })
            }),
            observe: Arc::new(move |seen| calls.http_call(seen.path, seen.status.as_u16())),
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

    pub(super) fn names(&self) -> miette::Result<Names> {
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
}
