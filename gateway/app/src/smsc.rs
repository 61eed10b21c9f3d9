//! The settings of a link to an SMSC, from what the operator wrote.

use std::{sync::Arc, time::Duration};

use config::{Bind, Channel, MessageIds, SmppLink};
use miette::{IntoDiagnostic, WrapErr, miette};
use model::{ChannelId, Class};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::{CertificateDer, ServerName, pem::PemObject};
use smpp::{
    client::{BindMode, ClientSettings, ClientTls, IdSpelling, Password},
    session::TimerOptions,
    translate::LinkText,
};
use tokio_rustls::TlsConnector;

pub(crate) fn settings(
    id: ChannelId,
    channel: &Channel,
    link: &SmppLink<'_>,
    password: &str,
    text: LinkText,
) -> miette::Result<ClientSettings> {
    let address = link.address.to_string();
    let mut settings = ClientSettings::new(
        id,
        channel.name.as_str(),
        &address,
        link.system_id,
        Password::new(password.as_bytes()),
    );
    settings.tls = if channel.tls { Some(tls(channel, &address)?) } else { None };
    settings.system_type.clone_from(&channel.system_type);
    settings.address_range.clone_from(&channel.address_range);
    settings.version = match channel.version {
        config::SmppVersion::V33 => smpp::Version::V33,
        config::SmppVersion::V34 => smpp::Version::V34,
        config::SmppVersion::V50 => smpp::Version::V50,
    };
    settings.binds = usize::from(channel.binds);
    settings.bind = match channel.bind {
        Bind::Transceiver => BindMode::Transceiver,
        Bind::TransmitterReceiver => BindMode::TransmitterAndReceiver,
    };
    settings.window = channel.window as usize;
    settings.rate = channel.rate;
    let micros = |duration: Duration| i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
    settings.timers =
        TimerOptions { enquire_link_us: micros(channel.enquire_link.get()), ..TimerOptions::default() };
    settings.answer_timeout = channel.answer_timeout.get();
    settings.reconnect_max = channel.reconnect_max.get();
    settings.text = text;
    settings.class = Class::Person;
    settings.ids = match channel.message_ids {
        MessageIds::Auto => IdSpelling::Auto,
        MessageIds::Same => IdSpelling::Same,
        MessageIds::HexThenDec => IdSpelling::HexThenDecimal,
        MessageIds::DecThenHex => IdSpelling::DecimalThenHex,
    };
    Ok(settings)
}

/// Trust in the carrier's own authority where one is named, else in what the operating system trusts.
fn tls(channel: &Channel, address: &str) -> miette::Result<ClientTls> {
    let name = channel.name.as_str();
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host).trim_matches(['[', ']']).to_owned();
    let server_name = ServerName::try_from(channel.tls_name.clone().unwrap_or(host))
        .map_err(|_| miette!("channel.{name}.tls_name: this is no host name"))?;
    let builder = ClientConfig::builder();
    let config = match &channel.tls_ca {
        Some(file) => {
            let mut roots = RootCertStore::empty();
            let certificates = CertificateDer::pem_file_iter(file)
                .into_diagnostic()
                .wrap_err_with(|| format!("channel.{name}.tls_ca"))?;
            for certificate in certificates {
                let certificate =
                    certificate.into_diagnostic().wrap_err_with(|| format!("channel.{name}.tls_ca"))?;
                roots
                    .add(certificate)
                    .into_diagnostic()
                    .wrap_err_with(|| format!("channel.{name}.tls_ca"))?;
            }
            builder.with_root_certificates(roots).with_no_client_auth()
        }
        None => {
            use rustls_platform_verifier::BuilderVerifierExt;
            builder.with_platform_verifier().into_diagnostic()?.with_no_client_auth()
        }
    };
    let connector = TlsConnector::from(Arc::new(config));
    Ok(ClientTls { connector: Arc::new(move || connector.clone()), server_name })
}
