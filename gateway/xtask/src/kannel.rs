//! Kannel's bearerbox as a relay between two SMPP links: what one delivers, the other is submitted.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::tree::free_port;

const BEARERBOX: &str = "/usr/sbin/bearerbox";

/// What Kannel keeps of a message that it has not passed on.
#[derive(Clone, Copy)]
pub(crate) enum Keep {
    Nothing,
    File,
}

pub(crate) struct Kannel {
    child: Child,
    log: PathBuf,
}

impl Kannel {
    /// Binds to a source that delivers and to a sink that is submitted to, both on the loopback.
    pub(crate) fn start(home: &Path, source: u16, sink: u16, keep: Keep) -> Result<Self> {
        let file = home.join("kannel.conf");
        fs::write(&file, configuration(home, source, sink, keep)?)?;
        let log = File::create(home.join("bearerbox.out"))?;
        // Without `-v` it also writes every PDU to its standard error, which would measure the disk.
        let child = Command::new(BEARERBOX)
            .args(["-v", "4"])
            .arg(&file)
            .current_dir(home)
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot start {BEARERBOX}; `cargo xtask peers` installs it"))?;
        Ok(Self { child, log: home.join("bearerbox.log") })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until `probe` has something, as long as Kannel lives.
    pub(crate) fn wait_for<T>(&mut self, what: &str, probe: impl Fn() -> Option<T>) -> Result<T> {
        let end = Instant::now() + Duration::from_secs(20);
        while Instant::now() < end {
            if let Some(found) = probe() {
                return Ok(found);
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("bearerbox ended with {status}\n{}", fs::read_to_string(&self.log).unwrap_or_default());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        bail!("bearerbox: {what} did not happen in 20 s")
    }
}

impl Drop for Kannel {
    fn drop(&mut self) {
        // It may have ended already; either way nothing of it must stay.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Two links; what comes in on the first is rerouted to the second, and nothing goes out on the first.
fn configuration(home: &Path, source: u16, sink: u16, keep: Keep) -> Result<String> {
    let store = match keep {
        Keep::Nothing => String::new(),
        Keep::File => {
            format!("store-type = file\nstore-location = {}\n", home.join("kannel.store").display())
        }
    };
    let link = |id: &str, port: u16, more: &str| {
        format!(
            "group = smsc\nsmsc = smpp\nsmsc-id = {id}\nhost = 127.0.0.1\nport = {port}\ntransceiver-mode = true\n\
             smsc-username = kannel\nsmsc-password = secret\nsystem-type = \"\"\ninterface-version = 34\n\
             max-pending-submits = 50\nreconnect-delay = 1\n{more}\n"
        )
    };
    Ok(format!(
        "group = core\nadmin-port = {admin}\nadmin-interface = 127.0.0.1\nadmin-password = bench\n\
         smsbox-port = {box_port}\nsmsbox-interface = 127.0.0.1\nlog-level = 3\nlog-file = {log}\n{store}\n\
         group = smsbox\nbearerbox-host = 127.0.0.1\n\n{first}{second}",
        admin = free_port()?,
        box_port = free_port()?,
        log = home.join("bearerbox.log").display(),
        first = link("source", source, "reroute-smsc-id = sink\ndenied-smsc-id = source\n"),
        second = link("sink", sink, "preferred-smsc-id = sink\n"),
    ))
}
