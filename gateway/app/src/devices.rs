//! RCS devices: from the configuration to the channel, its sockets and its certificate.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use api::{Tls, TlsFiles};
use config::{Config, ProcessEnvironment, RcsMode};
use kit::{Intake, Kept, Watch};
use miette::{IntoDiagnostic, WrapErr, miette};
use model::ChannelId;
use monitoring::Registry;
use rcs::{
    Rcs,
    core::HttpDigest,
    settings::{
        CapabilityPolicy, Credential, Groups, Mode, Msrp, MsrpRelay, MsrpTls, Peer, Range, Registration,
        RelayAccount, Secret, Settings, ShortLinks, ShortMessages, TextPolicy, Trust, User,
    },
    translate::Line,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use sip_net::{Endpoint, Listen, Transport, msrp, resolve::SystemDns};
use sip_transaction::dialog::SessionTimerSettings;
use tokio_rustls::{TlsAcceptor, TlsConnector, rustls};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    figures::{self, Sources},
    policy,
};

/// The way to RCS devices, with its sockets.
pub(crate) struct Devices {
    channel: Arc<Rcs>,
    at: At,
    secret: [u8; 16],
    /// The certificate, where it came from files.
    tls: Option<Arc<Tls>>,
    listening: Vec<(&'static str, SocketAddr)>,
    /// The passwords of its users, for the content server.
    passwords: Arc<Passwords>,
    /// Known once the content server is open.
    links: OnceLock<ShortLinks>,
}

/// The users of the channel, as the content server asks for them.
pub(crate) type Passwords = Mutex<HttpDigest>;

/// Where the channel listens.
#[derive(Debug, Clone, Copy)]
struct At {
    sip: Option<SocketAddr>,
    msrp: Option<SocketAddr>,
    msrp_tls: Option<(SocketAddr, msrp::Fingerprint)>,
}

/// What surrounds the channel.
pub(crate) struct Surroundings<'a> {
    pub(crate) intake: Arc<dyn Intake>,
    pub(crate) watch: Arc<dyn Watch>,
    pub(crate) registry: Arc<Registry>,
    /// What the channel had kept when the last process ended.
    pub(crate) kept: Kept,
    /// Ends what comes in.
    pub(crate) edge: &'a CancellationToken,
    pub(crate) tasks: &'a TaskTracker,
}

impl Devices {
    /// Opens the sockets of `[rcs]` and lets the channel go.
    pub(crate) fn start(
        config: &Config,
        rcs: &config::Rcs,
        id: ChannelId,
        secret: [u8; 16],
        around: Surroundings<'_>,
    ) -> miette::Result<Self> {
        // The sockets outlive the channel, so that its last answers leave.
        let stop = CancellationToken::new();
        let (settings, listeners, tls) = sockets(rcs)?;
        let resolver = SystemDns::new().into_diagnostic().wrap_err("the name servers of this machine")?;
        let (endpoint, inbox) =
            Endpoint::bind(settings, Arc::new(resolver), stop.clone()).into_diagnostic().wrap_err_with(|| {
                format!(
                    "rcs.listen: {} cannot be opened; is another SIP server running? Choose another address with --set rcs.listen=ADDRESS",
                    rcs.listen
                )
            })?;
        let mut listening: Vec<_> =
            listeners.into_iter().zip(endpoint.listeners().iter().map(|listen| listen.address)).collect();
        let sip = listening.first().map(|(_, address)| *address);
        let media = sessions(rcs, &stop)?;
        let msrp = media.as_ref().map(|media| media.address);
        let msrp_tls = media.as_ref().and_then(|media| media.tls);
        listening.extend(msrp.map(|address| ("msrp", address)));
        listening.extend(msrp_tls.map(|(address, _)| ("msrp over tls", address)));
        let at = At { sip, msrp, msrp_tls };
        let settings = settings_of(config, rcs, id, at, secret)?;
        let passwords = Arc::new(Mutex::new(HttpDigest::new(Arc::new(settings.clone()))));
        let connections = media.as_ref().map(|media| media.connections.clone());
        let (channel, task) = Rcs::with_sessions(
            settings,
            (endpoint.clone(), inbox),
            media.map(|media| (media.connections, media.inbox)),
            around.kept,
            around.intake,
            around.watch,
            around.edge.clone(),
        );
        let sources =
            Sources { channel: channel.clone(), endpoint: endpoint.clone(), media: connections.clone() };
        around.tasks.spawn(figures::run(sources, around.registry, around.edge.clone()));
        around.tasks.spawn(async move {
            task.await;
            stop.cancel();
            endpoint.closed().await;
            if let Some(connections) = connections {
                connections.closed().await;
            }
        });
        Ok(Self { channel, at, secret, tls, listening, passwords, links: OnceLock::new() })
    }

    /// Follows a new configuration.
    pub(crate) fn set(&self, config: &Config, rcs: &config::Rcs, id: ChannelId) -> miette::Result<()> {
        let mut settings = settings_of(config, rcs, id, self.at, self.secret)?;
        settings.text.short_links = self.links.get().cloned();
        self.passwords.lock().unwrap_or_else(PoisonError::into_inner).set(Arc::new(settings.clone()));
        self.channel.set(settings);
        Ok(())
    }

    /// How addresses of our own files become links for people; takes effect with [`Self::set`].
    pub(crate) fn set_links(&self, links: api::ShortLinks) {
        let api::ShortLinks { long, short, digits } = links;
        // It is told once, when the content server opens.
        let _known = self.links.set(ShortLinks { long, short, digits });
    }

    pub(crate) fn channel(&self) -> Arc<Rcs> {
        self.channel.clone()
    }

    pub(crate) fn passwords(&self) -> Arc<Passwords> {
        self.passwords.clone()
    }

    pub(crate) fn tls(&self) -> Option<Arc<Tls>> {
        self.tls.clone()
    }

    pub(crate) fn listening(&self) -> &[(&'static str, SocketAddr)] {
        &self.listening
    }
}

type Opened = (sip_net::Settings, Vec<&'static str>, Option<Arc<Tls>>);

/// Where to listen, with what certificate; the names are in the order of the addresses.
fn sockets(rcs: &config::Rcs) -> miette::Result<Opened> {
    let mut settings = sip_net::Settings {
        udp_sockets: usize::from(rcs.udp_sockets),
        udp_segmentation: rcs.udp_segmentation,
        connections_max: rcs.connections_max as usize,
        ..sip_net::Settings::default()
    };
    settings.stream.message_octets = usize::try_from(rcs.message_octets_max.get()).unwrap_or(usize::MAX);
    let mut names = Vec::new();
    if let Some(address) = rcs.listen.addr() {
        // One port for both: the system chooses it once.
        let address = if address.port() == 0 { free(address)? } else { address };
        for (name, transport) in [("sip over udp", Transport::Udp), ("sip over tcp", Transport::Tcp)] {
            settings.listen.push(Listen { transport, address, class: 0 });
            names.push(name);
        }
    }
    let mut tls = None;
    if let Some(address) = rcs.tls_listen.addr() {
        settings.listen.push(Listen { transport: Transport::Tls, address, class: 0 });
        names.push("sip over tls");
        settings.tls.acceptor = Some(match &rcs.tls {
            Some(files) => {
                let files = TlsFiles {
                    certificate: files.cert.clone(),
                    key: files.key.clone(),
                    client_ca: files.client_ca.clone(),
                };
                let loaded = Arc::new(Tls::load(files, &[]).into_diagnostic().wrap_err("rcs.tls")?);
                tls = Some(loaded.clone());
                Arc::new(move || loaded.acceptor())
            }
            None => {
                tracing::warn!(
                    "rcs.tls names no certificate: one was made for this run, and devices must be told to trust it"
                );
                let made = self_signed(&rcs.domain)?;
                Arc::new(move || made.clone())
            }
        });
    }
    settings.tls.connector = Some(connector()?);
    Ok((settings, names, tls))
}

/// The sockets of MSRP.
struct Media {
    connections: msrp::Connections,
    inbox: msrp::Inbox,
    address: SocketAddr,
    /// With what it is known by.
    tls: Option<(SocketAddr, msrp::Fingerprint)>,
}

/// Opens them. `None` where sessions are not wanted.
fn sessions(rcs: &config::Rcs, stop: &CancellationToken) -> miette::Result<Option<Media>> {
    let Some(address) = rcs.msrp_listen.addr() else { return Ok(None) };
    let own = Own::new(&rcs.domain)?;
    let settings = msrp::Settings {
        by_fingerprint: Some(msrp::tls::connector(own.chain(), own.key()).into_diagnostic()?),
        by_name: Some(connector()?),
        connections_max: rcs.connections_max as usize,
        ..msrp::Settings::default()
    };
    let (connections, inbox) = msrp::Connections::new(settings, stop.clone());
    let listen = |key: &str, address, acceptor| {
        connections.listen(address, acceptor).into_diagnostic().wrap_err_with(|| {
            format!(
                "rcs.{key}: {address} cannot be opened; choose another address with --set rcs.{key}=ADDRESS"
            )
        })
    };
    let address = listen("msrp_listen", address, None)?;
    let tls = match rcs.msrp_tls_listen.addr() {
        None => None,
        Some(address) => {
            let acceptor = msrp::tls::acceptor(own.chain(), own.key()).into_diagnostic()?;
            let address = listen("msrp_tls_listen", address, Some(acceptor))?;
            Some((address, msrp::tls::fingerprint(&own.certificate)))
        }
    };
    Ok(Some(Media { connections, inbox, address, tls }))
}

/// What stands before a text in CPIM, at most.
const CPIM_HEAD_OCTETS_MAX: usize = 8 << 10;

/// How sessions are described. Devices are told an address, not a name.
fn sessions_at(config: &Config, rcs: &config::Rcs, at: At, listens: SocketAddr) -> miette::Result<Msrp> {
    let public = rcs.public_address.as_ref().and_then(config::HostPort::socket_addr);
    let ip = public.unwrap_or(listens).ip();
    if ip.is_unspecified() {
        return Err(miette!(
            help =
                "write the IP address that devices reach this gateway by, with a port, as rcs.public_address",
            "rcs.msrp_listen: {} is no address that devices can be told to connect to",
            rcs.msrp_listen
        ));
    }
    // Devices are told what they would be refused for, and find another way before they have said it.
    let text_octets_max = usize::try_from(config.limits.text_octets_max.get()).unwrap_or(usize::MAX);
    let message_octets_max = text_octets_max.saturating_add(CPIM_HEAD_OCTETS_MAX);
    let tls = at.msrp_tls.map(|(address, fingerprint)| MsrpTls { port: address.port(), fingerprint });
    let usual = Msrp::at(ip, listens.port());
    Ok(Msrp {
        message_octets_max,
        tls,
        relay: rcs.msrp_relay.as_ref().map(relay).transpose()?,
        idle: rcs.session_idle.get(),
        timer: SessionTimerSettings { interval_s: seconds(rcs.session_refresh), ..usual.timer },
        switchover_octets: usize::try_from(rcs.large_message_over.get()).unwrap_or(usize::MAX),
        ..usual
    })
}

/// What sessions go through, and who we are to it.
fn relay(relay: &config::MsrpRelay) -> miette::Result<MsrpRelay> {
    let at = MsrpRelay::at(&relay.uri.to_string())
        .map_err(|error| miette!("rcs.msrp_relay.uri: {}: {error}", relay.uri))?;
    let account = match (&relay.user, &relay.password) {
        (Some(user), Some(password)) => {
            let password = password
                .resolve(&ProcessEnvironment)
                .map_err(|error| miette!("rcs.msrp_relay.password: {error}"))?;
            Some(RelayAccount { user: user.into(), password: Secret::new(password.expose().into()) })
        }
        _ => None,
    };
    Ok(MsrpRelay { account, ..at })
}

/// A port that is free for UDP and TCP.
fn free(address: SocketAddr) -> miette::Result<SocketAddr> {
    let taken = || std::net::UdpSocket::bind(address).and_then(|socket| socket.local_addr());
    for _ in 0..16 {
        let candidate = taken().into_diagnostic()?;
        if std::net::TcpListener::bind(candidate).is_ok() {
            return Ok(candidate);
        }
    }
    Err(miette!("no port of {} is free for both UDP and TCP", address.ip()))
}

/// From what the operator wrote to what the channel follows.
fn settings_of(
    config: &Config,
    rcs: &config::Rcs,
    id: ChannelId,
    at: At,
    secret: [u8; 16],
) -> miette::Result<Settings> {
    let numbering = policy::numbering(&config.policy);
    let contact = match (&rcs.public_address, at.sip) {
        (Some(public), _) => public.to_string(),
        (None, Some(address)) => address.to_string(),
        (None, None) => rcs.domain.clone(),
    };
    let mut users = hashbrown::HashMap::new();
    for user in &rcs.users {
        let Some(number) = user.number.numbers().and_then(|mut numbers| numbers.next()) else { continue };
        let password = user
            .password
            .resolve(&ProcessEnvironment)
            .map_err(|error| miette!("rcs.user.password: {error}"))?;
        let credential = Credential::Password(Secret::new(password.expose().into()));
        let allowed = user.allow.iter().map(range).collect();
        users.insert(Line::of(&model::Number::written(&number), &numbering), User { credential, allowed });
    }
    let is_as = rcs.mode == RcsMode::ApplicationServer;
    let peers = rcs.peers.iter().map(|peer| Peer {
        name: peer.name.as_str().into(),
        addresses: peer.addresses.iter().map(range).collect(),
        registrar: is_as,
        strict: false,
    });
    let next_hop = match &rcs.next_hop {
        None => None,
        Some(hop) => Some(
            format!("sip:{hop};lr").parse().map_err(|_| miette!("rcs.next_hop: {hop} is not an address"))?,
        ),
    };
    let micros = |period: config::Period| i64::try_from(period.get().as_micros()).unwrap_or(i64::MAX);
    Ok(Settings {
        channel: id,
        name: rcs.name.as_str().into(),
        mode: if is_as { Mode::ApplicationServer } else { Mode::Standalone },
        domain: rcs.domain.as_str().into(),
        realm: rcs.domain.as_str().into(),
        contact: contact.into(),
        users,
        peers: peers.collect(),
        digests: rcs.digests.iter().map(|digest| algorithm(*digest)).collect(),
        next_hop,
        numbering,
        timers: sip_transaction::Timers {
            t1_us: micros(rcs.t1),
            t2_us: micros(rcs.t2),
            t4_us: micros(rcs.t4),
        },
        limits: rcs::settings::Limits { window: rcs.window, ..rcs::settings::Limits::default() },
        registration: Registration {
            expires_s_min: seconds(rcs.registration_min),
            expires_s_max: seconds(rcs.registration_max),
            ..Registration::default()
        },
        capabilities: CapabilityPolicy {
            expiry: rcs.capability_expiry.get(),
            ask: rcs.ask_capabilities,
            ..CapabilityPolicy::default()
        },
        trust: Trust::default(),
        msrp: at.msrp.map(|address| sessions_at(config, rcs, at, address)).transpose()?,
        short: ShortMessages {
            centre: model::Number::written(&rcs.service_centre),
            // Korea's clock; elsewhere stamps are in UTC and say so.
            quarter_hours: if config.policy.country == "82" { 36 } else { 0 },
            answer_s: seconds(rcs.handset_answer),
        },
        text: TextPolicy { map_link: rcs.map_link.clone(), ..TextPolicy::default() },
        secret: Secret::new(secret),
        groups: Groups {
            factory: rcs.group_factory.as_str().into(),
            members_max: usize::from(rcs.group_members_max),
            ..Groups::default()
        },
    })
}

const fn algorithm(digest: config::RcsDigest) -> sip_message::digest::Algorithm {
    use sip_message::digest::Algorithm;
    match digest {
        config::RcsDigest::Sha256 => Algorithm::SHA_256,
        config::RcsDigest::Sha512256 => Algorithm::SHA_512_256,
        config::RcsDigest::Md5 => Algorithm::MD5,
    }
}

fn seconds(period: config::Period) -> u32 {
    u32::try_from(period.get().as_secs()).unwrap_or(u32::MAX)
}

fn range(cidr: &config::Cidr) -> Range {
    let (address, bits) = cidr.parts();
    Range::new(address, bits)
}

/// A certificate of our own making, for as long as we run.
struct Own {
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
}

impl Own {
    fn new(domain: &str) -> miette::Result<Self> {
        let names = vec![domain.to_owned(), "localhost".to_owned(), "127.0.0.1".to_owned()];
        let made = rcgen::generate_simple_self_signed(names).into_diagnostic()?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
        Ok(Self { certificate: CertificateDer::from(made.cert), key })
    }

    fn chain(&self) -> Vec<CertificateDer<'static>> {
        vec![self.certificate.clone()]
    }

    fn key(&self) -> PrivateKeyDer<'static> {
        self.key.clone_key()
    }
}

/// A certificate for first tries.
fn self_signed(domain: &str) -> miette::Result<TlsAcceptor> {
    let own = Own::new(domain)?;
    let config = rustls::ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .into_diagnostic()?
        .with_no_client_auth()
        .with_single_cert(own.chain(), own.key())
        .into_diagnostic()?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// How we look at the certificates of others: by the authorities that this machine trusts.
fn connector() -> miette::Result<Arc<dyn Fn() -> TlsConnector + Send + Sync>> {
    use rustls_platform_verifier::BuilderVerifierExt as _;
    let config = rustls::ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .into_diagnostic()?
        .with_platform_verifier()
        .into_diagnostic()?
        .with_no_client_auth();
    let connector = TlsConnector::from(Arc::new(config));
    Ok(Arc::new(move || connector.clone()))
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}
