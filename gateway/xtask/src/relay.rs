//! Kamailio as a stateful relay: every MESSAGE gets a transaction and goes to one place.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::{process, shell};

const KAMAILIO: &str = "/usr/sbin/kamailio";
const READY: Duration = Duration::from_secs(20);

pub(crate) struct Relay {
    child: Child,
    log: PathBuf,
    pub(crate) address: SocketAddr,
}

impl Relay {
    /// Relays from `address`, over UDP and TCP, to `to`, over what it came with.
    pub(crate) fn start(home: &Path, address: SocketAddr, to: SocketAddr) -> Result<Self> {
        let file = home.join("relay.cfg");
        fs::write(&file, configuration(address, to))?;
        let log = File::create(home.join("kamailio.log"))?;
        let child = Command::new(KAMAILIO)
            .args(["-DD", "-E", "-m", "1024", "-M", "16", "-f"])
            .arg(&file)
            .arg("-Y")
            .arg(home)
            .arg("-P")
            .arg(home.join("pid"))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot start {KAMAILIO}; `cargo xtask peers` installs it"))?;
        let mut relay = Self { child, log: home.join("kamailio.log"), address };
        relay.wait_until_ready()?;
        Ok(relay)
    }

    /// The first process and all that it has forked.
    pub(crate) fn pids(&self) -> Result<Vec<u32>> {
        let first = self.child.id();
        let mut pids = vec![first];
        pids.extend(process::children(first)?);
        Ok(pids)
    }

    fn wait_until_ready(&mut self) -> Result<()> {
        let end = Instant::now() + READY;
        while Instant::now() < end {
            if let Some(status) = self.child.try_wait()? {
                bail!("Kamailio ended with {status}\n{}", fs::read_to_string(&self.log).unwrap_or_default());
            }
            if shell::answers("sipsak", &["-s", &format!("sip:ping@{}", self.address)]) {
                return Ok(());
            }
        }
        bail!("Kamailio did not answer OPTIONS in {READY:?}")
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        // SIGTERM, so that it takes its children with it; it may have ended already.
        process::terminate(self.child.id()).ok();
        self.child.wait().ok();
    }
}

/// One worker a core, as its manual recommends for work that does not wait.
fn configuration(address: SocketAddr, to: SocketAddr) -> String {
    format!(
        r#"#!KAMAILIO
debug=0
log_stderror=yes
children=2
tcp_children=2
listen=udp:{address}
listen=tcp:{address}
auto_aliases=no
dns=no
maxbuffer=4194304
tcp_conn_wq_max=4194304
tcp_wq_max=67108864
tcp_rd_buf_size=65536

loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "textops.so"

request_route {{
    if (is_method("OPTIONS")) {{
        sl_send_reply("200", "OK");
        exit;
    }}
    $du = "sip:{to};transport=" + $proto;
    if (!t_relay()) {{
        sl_reply_error();
    }}
}}
"#
    )
}
