//! The gateway under test: its release binary with a configuration of its own in a folder of its own.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::http::Http;
use crate::tree::free_port;
use crate::{process, shell, tree};

pub(crate) const SYSTEM_ID: &str = "esme";
pub(crate) const PASSWORD: &str = "secret";
pub(crate) const KEY: &str = "demo";
const READY: Duration = Duration::from_secs(60);
const DRAINED: Duration = Duration::from_secs(60);

/// Where the gateway of one run keeps its things and listens.
pub(crate) struct Site {
    pub(crate) home: PathBuf,
    pub(crate) smpp: SocketAddr,
    pub(crate) http: SocketAddr,
    pub(crate) management: SocketAddr,
    pub(crate) sip: SocketAddr,
}

/// A running gateway.
pub(crate) struct Gateway {
    child: Child,
    begin: Instant,
    /// From the start of the process to its first `ready`.
    pub(crate) start: Duration,
}

/// The release binary, built if it is not.
pub(crate) fn build() -> Result<PathBuf> {
    shell::run(shell::cargo().args(["build", "--release", "--package", "gateway"]))?;
    Ok(tree::target().join("release/gateway"))
}

impl Site {
    /// Ports and a configuration like `config/examples/smpp-relay.toml`: one account, one channel, all roads to it.
    pub(crate) fn new(home: &Path, smsc: SocketAddr) -> Result<Self> {
        let local = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let site = Self {
            home: home.to_owned(),
            smpp: local(free_port()?),
            http: local(free_port()?),
            management: local(free_port()?),
            sip: local(free_port()?),
        };
        fs::write(site.configuration(), site.text(smsc)).context("cannot write the configuration")?;
        Ok(site)
    }

    /// An example of the tree as it is, at the addresses that it says; its relative paths are of `home`.
    pub(crate) fn example(home: &Path, name: &str) -> Result<Self> {
        let local = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let file = tree::root().join("config/examples").join(name);
        let site = Self {
            home: home.to_owned(),
            smpp: local(2776),
            http: local(8080),
            management: local(9464),
            sip: local(5060),
        };
        fs::copy(&file, site.configuration()).with_context(|| format!("{} is not there", file.display()))?;
        Ok(site)
    }

    pub(crate) fn configuration(&self) -> PathBuf {
        self.home.join("gateway.toml")
    }

    fn text(&self, smsc: SocketAddr) -> String {
        format!(
            r#"[store]
url = "sqlite:{store}"

[smpp]
listen = "{smpp}"

[http]
listen = "{http}"

[management]
listen = "{management}"

[rcs]
listen = "{sip}"
msrp_listen = "off"

[[rcs.peer]]
name = "network"
addresses = ["127.0.0.1"]

[[account]]
name = "esme"
senders = "any"
smpp = {{ system_id = "{SYSTEM_ID}", password = "plain:{PASSWORD}", window = 1000, binds_max = 16 }}
api = {{ keys = ["plain:{KEY}"] }}

[[channel]]
name = "smsc"
address = "{smsc}"
system_id = "gateway"
password = "plain:secret"
binds = 4
window = 500
on_answer_lost = "resend"
reconnect_max = "1s"

[[route]]
channels = "smsc"
"#,
            store = self.home.join("relay.db").display(),
            smpp = self.smpp,
            http = self.http,
            management = self.management,
            sip = self.sip,
        )
    }

    /// Starts the binary and waits until it is ready.
    pub(crate) fn start(&self, binary: &Path) -> Result<Gateway> {
        let mut gateway = self.spawn(binary)?;
        gateway.wait_ready(self)?;
        Ok(gateway)
    }

    /// Starts the binary.
    pub(crate) fn spawn(&self, binary: &Path) -> Result<Gateway> {
        let log = File::options().create(true).append(true).open(self.home.join("gateway.log"))?;
        let begin = Instant::now();
        let child = Command::new(binary)
            .args(["run", "--config"])
            .arg(self.configuration())
            .current_dir(&self.home)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot start {}", binary.display()))?;
        Ok(Gateway { child, begin, start: Duration::ZERO })
    }

    fn is_ready(&self) -> bool {
        let asked = Http::connect(self.management, KEY).and_then(|mut http| http.get("/readyz"));
        asked.is_ok_and(|answer| answer.status == 200)
    }

    /// The end of its log, for an error.
    pub(crate) fn last_words(&self) -> String {
        let log = fs::read_to_string(self.home.join("gateway.log")).unwrap_or_default();
        let skipped = log.lines().count().saturating_sub(20);
        log.lines().skip(skipped).collect::<Vec<_>>().join("\n")
    }

    /// What `gateway verify` says about the store of a gateway that stopped.
    pub(crate) fn verify(&self, binary: &Path) -> Result<String> {
        let mut verify = Command::new(binary);
        verify.args(["verify", "--config"]).arg(self.configuration()).current_dir(&self.home);
        shell::quietly(&mut verify)
    }
}

impl Gateway {
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// SIGKILL: no drain, no last write.
    pub(crate) fn kill(mut self) -> Result<()> {
        self.child.kill().context("the gateway had ended before it was killed")?;
        self.child.wait()?;
        Ok(())
    }

    /// Waits until it says that it is ready.
    pub(crate) fn wait_ready(&mut self, site: &Site) -> Result<()> {
        while self.begin.elapsed() < READY {
            if let Some(status) = self.child.try_wait()? {
                bail!("the gateway ended with {status} while it was starting\n{}", site.last_words());
            }
            if site.is_ready() {
                self.start = self.begin.elapsed();
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        bail!("the gateway was not ready after {READY:?}\n{}", site.last_words())
    }

    /// SIGTERM, and waits until it has drained.
    pub(crate) fn stop(mut self) -> Result<()> {
        process::terminate(self.pid())?;
        let end = Instant::now() + DRAINED;
        while Instant::now() < end {
            if let Some(status) = self.child.try_wait()? {
                anyhow::ensure!(status.success(), "the gateway stopped with {status}");
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        bail!("the gateway was still there {DRAINED:?} after SIGTERM")
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // It may have ended already; either way nothing of it must stay.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
