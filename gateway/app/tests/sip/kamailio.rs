//! Kamailio: a registrar, an S-CSCF, a relay for MSRP, a phone for SMS over IMS, by its configuration.

use std::{
    net::SocketAddr,
    path::Path,
    process::{Command, Stdio},
};

use tempfile::TempDir;

use crate::program::{PATIENCE, Program};

pub(crate) struct Kamailio {
    program: Program,
    _home: TempDir,
}

impl Kamailio {
    /// Starts it with a configuration of `kamailio/` and waits until it answers at `address`.
    #[track_caller]
    pub(crate) fn start(configuration: &str, address: SocketAddr, definitions: &[(&str, &str)]) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sip/kamailio");
        Self::start_with(&folder.join(configuration), address, definitions)
    }

    /// Starts it with any configuration. `LISTEN` is defined in it as `address`, and whatever else is said.
    #[track_caller]
    pub(crate) fn start_with(file: &Path, address: SocketAddr, definitions: &[(&str, &str)]) -> Self {
        let home = tempfile::tempdir().expect("the system has room for a folder");
        let mut command = Command::new("/usr/sbin/kamailio");
        // In the foreground, with its log on the standard error.
        command.args(["-DD", "-E", "-m", "64", "-M", "8"]).arg("-f").arg(file);
        command.arg("-Y").arg(home.path()).arg("-w").arg(home.path()).arg("-P").arg(home.path().join("pid"));
        command.args(["-A", &format!("LISTEN={address}")]);
        for (name, value) in definitions {
            command.args(["-A", &format!("{name}={value}")]);
        }
        let mut kamailio = Self { program: Program::start("kamailio", home.path(), &command), _home: home };
        kamailio.wait_until_ready(address);
        kamailio
    }

    #[track_caller]
    fn wait_until_ready(&mut self, address: SocketAddr) {
        let end = std::time::Instant::now() + PATIENCE;
        while !answers(address) {
            if let Some(status) = self.program.ended() {
                panic!("Kamailio ended with {status}:\n{}", self.program.last_words());
            }
            let waits = std::time::Instant::now() < end;
            assert!(waits, "Kamailio does not answer at {address}:\n{}", self.program.last_words());
        }
    }

    /// Waits for a line of its log that contains this, and gives back what follows it.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, words: &str) -> String {
        self.program.wait_for(words, |line| line.split_once(words).map(|(_, rest)| rest.to_owned()))
    }
}

/// Whether sipsak gets an answer of 200 to its OPTIONS.
pub(crate) fn answers(address: SocketAddr) -> bool {
    let mut command = Command::new("sipsak");
    command.args(["-s", &format!("sip:ping@{address}")]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().expect("sipsak is there, `cargo xtask peers` installs it").success()
}
