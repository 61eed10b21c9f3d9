//! From sections of the configuration to the settings of the parts they describe.

use std::{io, sync::Arc};

use api::Limits as ApiLimits;
use config::{Config, Credential, ProcessEnvironment};
use miette::miette;
use model::ChannelId;
use smpp::{
    CommandStatus,
    client::ClientSettings as SmscSettings,
    server::{AccountSettings, PasswordCheck, ServerSettings},
    session::{BindManners, TimerOptions},
};
use tokio::net::TcpListener;

use crate::{policy, texts::Texts};

pub(crate) fn random() -> u64 {
    let (high, low) = uuid::Uuid::new_v4().as_u64_pair();
    // A version 4 UUID has six fixed bits; mixing the halves leaves none.
    high.rotate_left(32) ^ low
}

pub(crate) fn random_key() -> [u8; 32] {
    let mut key = [0; 32];
    for chunk in key.chunks_exact_mut(8) {
        chunk.copy_from_slice(&random().to_be_bytes());
    }
    key
}

/// SHA-256 of a credential, however it is written.
pub(crate) fn digest(credential: &Credential) -> miette::Result<[u8; 32]> {
    use sha2::{Digest, Sha256};
    match credential {
        Credential::Sha256(digest) => Ok(*digest),
        Credential::Secret(reference) => {
            let secret = reference.resolve(&ProcessEnvironment).map_err(|error| miette!("{error}"))?;
            Ok(Sha256::digest(secret.expose().as_bytes()).into())
        }
    }
}

pub(crate) const fn version(version: config::SmppVersion) -> smpp::Version {
    match version {
        config::SmppVersion::V33 => smpp::Version::V33,
        config::SmppVersion::V34 => smpp::Version::V34,
        config::SmppVersion::V50 => smpp::Version::V50,
    }
}

pub(crate) fn micros(period: config::Period) -> i64 {
    i64::try_from(period.get().as_micros()).unwrap_or(i64::MAX)
}

pub(crate) fn server_settings(config: &Config) -> ServerSettings {
    let smpp = &config.smpp;
    ServerSettings {
        system_id: smpp.system_id.clone(),
        version: version(smpp.version),
        timers: TimerOptions {
            session_init_us: micros(smpp.bind_timeout),
            enquire_link_us: micros(smpp.enquire_link),
            response_us: micros(smpp.answer_timeout),
            inactivity_us: micros(smpp.inactivity),
            pdu_read_us: micros(smpp.pdu_timeout),
        },
        pdu_octets_max: usize::try_from(smpp.pdu_octets_max.get()).unwrap_or(usize::MAX),
        connections_max: smpp.connections_max as usize,
        manners: BindManners {
            over_limit: match smpp.over_binds {
                config::OverBinds::Failed => CommandStatus::RBINDFAIL,
                config::OverBinds::AlreadyBound => CommandStatus::RALYBND,
            },
            hide_which: smpp.hide_accounts,
        },
        ..ServerSettings::default()
    }
}

pub(crate) fn esme_settings(
    id: ChannelId,
    account: &config::Account,
    smpp: &config::AccountSmpp,
    texts: &Texts,
) -> miette::Result<AccountSettings> {
    let allow = smpp.allow.clone();
    Ok(AccountSettings {
        channel: id,
        name: account.name.as_str().to_owned(),
        system_id: smpp.system_id.clone(),
        password: PasswordCheck::Digest(digest(&smpp.password)?),
        system_types: smpp.system_types.clone(),
        binds_max: usize::from(smpp.binds_max),
        window: smpp.window as usize,
        rate: smpp.rate,
        allowed: Arc::new(move |ip| allow.is_empty() || allow.iter().any(|cidr| cidr.contains(ip))),
        version_max: version(smpp.version),
        text: texts.link(id),
        class: policy::class(account.class),
    })
}

pub(crate) fn smsc_settings(
    id: ChannelId,
    channel: &config::Channel,
    texts: &Texts,
) -> miette::Result<SmscSettings> {
    let name = channel.name.as_str();
    let link = channel
        .link()
        .ok_or_else(|| miette!("channel.{name}: an SMPP channel needs address, system_id and password"))?;
    let password = link
        .password
        .resolve(&ProcessEnvironment)
        .map_err(|error| miette!("channel.{name}.password: {error}"))?;
    crate::smsc::settings(id, channel, &link, password.expose(), texts.link(id))
}

pub(crate) fn api_limits(config: &Config) -> ApiLimits {
    let http = &config.http;
    let mut limits = ApiLimits {
        batch_octets_max: usize::try_from(http.body_octets_max.get()).unwrap_or(usize::MAX),
        batch_messages_max: (http.batch_max as usize).min(ApiLimits::BATCH_MESSAGES_CEILING),
        answer_timeout: http.request_timeout.get(),
        body_timeout: http.request_timeout.get(),
        ..ApiLimits::default()
    };
    limits.body_octets_max = limits.body_octets_max.min(limits.batch_octets_max);
    limits.connections.connections_max = http.connections_max as usize;
    limits.connections.head_timeout = http.idle_timeout.get();
    limits
}

/// A listener that can be opened again at once after a restart.
pub(crate) fn bind(addr: std::net::SocketAddr) -> io::Result<TcpListener> {
    let socket =
        if addr.is_ipv4() { tokio::net::TcpSocket::new_v4()? } else { tokio::net::TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(addr)?;
    socket.listen(1_024)
}
