//! `gateway doctor`: is everything the configuration relies on there?

use std::{process::ExitCode, time::Duration};

use config::{ProcessEnvironment, Sources};
use store::OpenMode;

use crate::wiring::open_store;

pub(crate) fn doctor(sources: &Sources) -> ExitCode {
    let loaded = match super::load(sources) {
        Ok(loaded) => loaded,
        Err(code) => return code,
    };
    super::block_on(async move { Ok(examine(loaded.config).await) })
}

/// One finding of the examination.
struct Finding {
    what: String,
    /// What is wrong and what to do.
    trouble: Option<String>,
}

#[expect(clippy::print_stdout, reason = "the answer of the command")]
async fn examine(config: config::Config) -> ExitCode {
    let mut findings = vec![store(&config).await];
    for (what, listen) in [
        ("smpp.listen", config.smpp.listen),
        ("http.listen", config.http.listen),
        ("management.listen", config.management.listen),
    ] {
        if let Some(addr) = listen.addr() {
            findings.push(listener(what, addr).await);
        }
    }
    for channel in &config.channels {
        if let Some(link) = channel.link() {
            findings.push(port(channel.name.as_str(), &link.address.to_string()).await);
            let secret = link.password.resolve(&ProcessEnvironment);
            findings.push(Finding {
                what: format!("password of channel {}", channel.name),
                trouble: secret.err().map(|error| error.to_string()),
            });
        }
    }
    for (what, tls) in [
        ("smpp.tls", &config.smpp.tls),
        ("http.tls", &config.http.tls),
        ("management.tls", &config.management.tls),
    ] {
        if let Some(tls) = tls {
            let files = api::TlsFiles {
                certificate: tls.cert.clone(),
                key: tls.key.clone(),
                client_ca: tls.client_ca.clone(),
            };
            let trouble = api::Tls::load(files, &[]).err().map(|error| error.to_string());
            findings.push(Finding { what: what.to_owned(), trouble });
        }
    }
    let mut sick = false;
    for finding in findings {
        match finding.trouble {
            None => println!("ok       {}", finding.what),
            Some(trouble) => {
                sick = true;
                println!("TROUBLE  {}\n         {trouble}", finding.what);
            }
        }
    }
    if sick { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

async fn store(config: &config::Config) -> Finding {
    let what = "store".to_owned();
    match open_store(config, OpenMode::Read).await {
        Ok(store) => {
            let trouble = store.size().await.err().map(|error| error.to_string());
            Finding { what, trouble }
        }
        Err(error) => {
            let missing = matches!(config.store.url, config::StoreUrl::Sqlite(ref path) if !path.exists());
            let trouble = (!missing).then(|| error.to_string());
            Finding {
                what: if missing { "store: not there yet, `run` makes it".into() } else { what },
                trouble,
            }
        }
    }
}

async fn listener(what: &str, addr: std::net::SocketAddr) -> Finding {
    let trouble = match tokio::net::TcpListener::bind(addr).await {
        Ok(_) => None,
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
            Some(format!("{addr} is in use: a gateway that is running, or something else; see `ss -ltnp`"))
        }
        Err(error) => Some(format!("{addr}: {error}")),
    };
    Finding { what: format!("{what} {addr}"), trouble }
}

async fn port(channel: &str, address: &str) -> Finding {
    let connected =
        tokio::time::timeout(Duration::from_secs(5), tokio::net::TcpStream::connect(address)).await;
    let trouble = match connected {
        Ok(Ok(_)) => None,
        Ok(Err(error)) => Some(format!("{error}: is the SMSC up, and does its firewall know this host?")),
        Err(_) => {
            Some("no answer in 5 s: the address is wrong or a firewall drops the connection".to_owned())
        }
    };
    Finding { what: format!("SMSC of channel {channel} at {address}"), trouble }
}
