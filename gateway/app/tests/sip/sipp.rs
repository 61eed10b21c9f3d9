//! SIPp: a scenario of `scenarios/`, run some number of times.

use std::{
    collections::HashMap,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

use crate::{
    account::{DOMAIN, Transport},
    program::Program,
};

/// What a scenario is run with. The rest of its words stand in `keys`, as `[key]` in the scenario.
pub(crate) struct Scenario<'a> {
    /// A file of `scenarios/`, without its ending.
    pub(crate) name: &'a str,
    pub(crate) local: SocketAddr,
    /// Where its requests go; one that only answers has nobody.
    pub(crate) remote: Option<SocketAddr>,
    pub(crate) transport: Transport,
    pub(crate) calls: u64,
    /// Calls that begin each second.
    pub(crate) rate: u64,
    pub(crate) keys: &'a [(&'a str, &'a str)],
    /// Lines of `[field0]`, `[field1]`, …, one for each call in turn, with `;` between them.
    pub(crate) fields: &'a [String],
    /// What `[file name="body"]` holds.
    pub(crate) body: &'a [u8],
    /// The scenario for calls that it did not begin.
    pub(crate) strangers: Option<&'a str>,
}

impl<'a> Scenario<'a> {
    /// One call over UDP, from wherever is free.
    pub(crate) fn new(name: &'a str, remote: SocketAddr) -> Self {
        Self {
            name,
            local: crate::program::free_address(),
            remote: Some(remote),
            transport: Transport::Udp,
            calls: 1,
            rate: 100,
            keys: &[],
            fields: &[],
            body: b"",
            strangers: None,
        }
    }
}

/// A line of fields for `register_md5`.
pub(crate) fn with_password(user: &str, password: &str) -> String {
    format!("{user};[authentication username={user} password={password}]")
}

/// A line of fields for `register_aka`: the key material of test set 2 of TS 35.207, whose RAND is
/// `c00d603103dcee52c4478119494202e8`, AUTN `39f96cd9800faf175df5b31807e258b0`, RES `d3a628ed988620f0`.
pub(crate) fn with_aka(user: &str) -> String {
    let key =
        "aka_OP=0xFF53BADE17DF5D4E793073CE9D7579FA aka_K=0x0396EB317B6D1C36F19C1C84CD6FFD16 aka_AMF=0xAF17";
    format!("{user};[authentication username={user}@ims.example {key}]")
}

pub(crate) struct Sipp {
    program: Program,
    home: TempDir,
}

/// What SIPp counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counters {
    pub(crate) successful: u64,
    pub(crate) failed: u64,
    pub(crate) retransmissions: u64,
}

impl Sipp {
    /// Runs a scenario to its end.
    #[track_caller]
    pub(crate) fn run(scenario: &Scenario<'_>) -> Counters {
        Self::start(scenario).finish()
    }

    #[track_caller]
    pub(crate) fn start(scenario: &Scenario<'_>) -> Self {
        let home = tempfile::tempdir().expect("the system has room for a folder");
        let mut command = Command::new("sipp");
        if let Some(remote) = scenario.remote {
            command.arg(remote.to_string());
        }
        command.arg("-sf").arg(file_of(scenario.name));
        command.args(["-i", &scenario.local.ip().to_string(), "-p", &scenario.local.port().to_string()]);
        let over = match scenario.transport {
            Transport::Udp => "u1",
            Transport::Tcp => "t1",
            Transport::Tls => panic!("Debian builds SIPp without TLS"),
        };
        command.args(["-t", over]);
        // By default it signs for its peer's address, whatever it asks for.
        command.args(["-auth_uri", DOMAIN]);
        command.args(["-m", &scenario.calls.to_string(), "-r", &scenario.rate.to_string()]);
        command.args([
            "-nostdin",
            "-timeout",
            "30s",
            "-timeout_error",
            "-trace_stat",
            "-stf",
            "counters.csv",
        ]);
        command.args(["-trace_err", "-error_file", "errors", "-trace_msg", "-message_file", "messages"]);
        if let Some(strangers) = scenario.strangers {
            // A peer that is SIPp itself continues our call with `///`; here that is a stranger as well.
            command.arg("-callid_slash_ign").arg("-oocsf").arg(file_of(strangers));
        }
        for (key, value) in scenario.keys {
            command.args(["-key", key, value]);
        }
        if !scenario.fields.is_empty() {
            let lines = format!("SEQUENTIAL\n{}\n", scenario.fields.join("\n"));
            fs::write(home.path().join("fields.csv"), lines).expect("the folder takes a file");
            command.args(["-inf", "fields.csv"]);
        }
        fs::write(home.path().join("body"), scenario.body).expect("the folder takes a file");
        Self { program: Program::start("sip-tester", home.path(), &command), home }
    }

    /// Waits until it has run its calls.
    #[track_caller]
    pub(crate) fn finish(self) -> Counters {
        self.finish_with_messages().0
    }

    /// The same, and every message that it sent and received, as it writes them down.
    #[track_caller]
    pub(crate) fn finish_with_messages(mut self) -> (Counters, String) {
        let status = self.program.ends();
        // 1 is its word for calls that failed, which the test may want.
        assert!(matches!(status.code(), Some(0 | 1)), "SIPp ended with {status}:\n{}", self.complaints());
        let counters = self.counters();
        if counters.failed > 0 {
            eprintln!("SIPp says of {counters:?}:\n{}", self.complaints());
        }
        (counters, self.messages())
    }

    fn messages(&self) -> String {
        let octets = fs::read(self.home.path().join("messages")).unwrap_or_default();
        String::from_utf8_lossy(&octets).into_owned()
    }

    /// The last line of its statistics, under their names; `(C)` are the cumulative ones.
    #[track_caller]
    fn counters(&mut self) -> Counters {
        let last_words = self.program.last_words();
        let file = fs::read_to_string(self.home.path().join("counters.csv")).unwrap_or_default();
        let mut lines = file.lines().filter(|line| !line.is_empty());
        let names = lines.next().unwrap_or_default().split(';');
        let values = lines.next_back().unwrap_or_default().split(';');
        let table: HashMap<_, _> = names.zip(values).collect();
        let count = |name: &str| {
            let value = table.get(name).and_then(|value| value.parse().ok());
            value.unwrap_or_else(|| panic!("SIPp did not count {name}:\n{last_words}"))
        };
        Counters {
            successful: count("SuccessfulCall(C)"),
            failed: count("FailedCall(C)"),
            retransmissions: count("Retransmissions(C)"),
        }
    }

    fn complaints(&mut self) -> String {
        let errors = fs::read_to_string(self.home.path().join("errors")).unwrap_or_default();
        format!("{errors}\n{}\n{}", self.messages(), self.program.last_words())
    }
}

fn file_of(scenario: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sip/scenarios").join(scenario).with_extension("xml")
}
