//! What went over the loopback, as tshark understands it.
//!
//! tshark is the dissector that nobody of this project wrote: what it calls malformed is.

use std::{
    collections::BTreeMap,
    fs,
    net::{SocketAddr, UdpSocket},
    path::PathBuf,
    process::Command,
};

use serde_json::Value;
use tempfile::TempDir;

use crate::program::{Program, free_address, until};

/// The protocol that is spoken on an address, as tshark calls it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    Sip,
    Msrp,
}

pub(crate) struct Capture {
    program: Program,
    spoken: Vec<(u16, Protocol)>,
    /// Where only marks go to.
    marks: SocketAddr,
    home: TempDir,
}

/// A message as it went over the wire.
pub(crate) struct Seen {
    /// Up to the empty line.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Capture {
    /// Starts to capture what comes from or goes to these addresses.
    #[track_caller]
    pub(crate) fn start(spoken: &[(SocketAddr, Protocol)]) -> Self {
        let home = tempfile::tempdir().expect("the system has room for a folder");
        let marks = free_address();
        let spoken: Vec<_> = spoken.iter().map(|(address, protocol)| (address.port(), *protocol)).collect();
        let ports = spoken.iter().map(|(port, _)| *port).chain([marks.port()]);
        let filter = ports.map(|port| format!("port {port}")).collect::<Vec<_>>().join(" or ");
        let mut command = Command::new("tshark");
        // Room for a flood: what the capture loses tshark takes for malformed.
        command.args(["-B", "128", "-q", "-i", "lo", "-w", "capture.pcapng", "-f", &filter]);
        let capture = Self { program: Program::start("tshark", home.path(), &command), spoken, marks, home };
        capture.wait_for_mark("begin");
        capture
    }

    /// Ends the capture, once it has everything that was sent before.
    #[track_caller]
    pub(crate) fn finish(mut self) -> Captured {
        self.wait_for_mark("end");
        self.program.stop("-INT");
        Captured { spoken: self.spoken.clone(), home: self.home }
    }

    /// Sends a mark and waits until it is in the file: whatever was sent before it is there as well.
    #[track_caller]
    fn wait_for_mark(&self, word: &str) {
        let mark = format!("mark of the test: {word}");
        let socket = UdpSocket::bind("127.0.0.1:0").expect("the loopback has a free port");
        until(&format!("tshark captures the {word}"), || {
            socket.send_to(mark.as_bytes(), self.marks).expect("the loopback takes a datagram");
            let file = fs::read(self.home.path().join("capture.pcapng")).ok()?;
            file.windows(mark.len()).any(|octets| octets == mark.as_bytes()).then_some(())
        });
    }
}

/// A capture that has ended.
pub(crate) struct Captured {
    spoken: Vec<(u16, Protocol)>,
    home: TempDir,
}

impl Captured {
    /// How often each method, and each status, was dissected; panics when tshark finds anything malformed.
    #[track_caller]
    pub(crate) fn dissected(&self) -> BTreeMap<String, usize> {
        let malformed = self.tshark(&[
            "-Y",
            "(sip || msrp) && (_ws.malformed || _ws.expert.severity == \"Error\")",
            "-T",
            "fields",
            "-e",
            "frame.number",
            "-e",
            "_ws.col.Info",
            "-e",
            "_ws.expert.message",
        ]);
        assert!(malformed.is_empty(), "tshark finds these malformed:\n{malformed}");
        let fields = ["sip.Method", "sip.Status-Line", "msrp.method", "msrp.status.code"];
        let mut words = vec!["-Y", "sip || msrp", "-T", "fields"];
        words.extend(fields.iter().flat_map(|field| ["-e", field]));
        let mut counts = BTreeMap::new();
        for line in self.tshark(&words).lines() {
            for value in line.split('\t').flat_map(|field| field.split(',')).filter(|value| !value.is_empty())
            {
                // A status line is counted by its code.
                let value = value.strip_prefix("SIP/2.0 ").and_then(|rest| rest.get(..3)).unwrap_or(value);
                *counts.entry(value.to_owned()).or_default() += 1;
            }
        }
        counts
    }

    /// The SIP messages that a display filter of tshark selects, in order.
    #[track_caller]
    pub(crate) fn sip(&self, filter: &str) -> Vec<Seen> {
        let filter = format!("sip && ({filter})");
        let said = self.tshark(&["-Y", &filter, "-T", "jsonraw", "-J", "sip", "--no-duplicate-keys"]);
        let frames: Value = serde_json::from_str(&said).expect("tshark writes JSON");
        let frames = frames.as_array().expect("tshark writes a list of frames");
        frames.iter().flat_map(|frame| messages(&frame["_source"]["layers"]["sip_raw"])).collect()
    }

    /// The bodies of MESSAGEs in frames that a display filter selects: of those that answer another one by In-Reply-To,
    /// or of the others. Filters judge frames, and a frame of a stream may hold several messages.
    #[track_caller]
    pub(crate) fn short(&self, filter: &str, is_answer: bool) -> Vec<Vec<u8>> {
        let fits = |seen: &Seen| {
            seen.head.starts_with("MESSAGE ") && seen.head.contains("\r\nIn-Reply-To:") == is_answer
        };
        let seen = self.sip(&format!("sip.Method == MESSAGE && {filter}"));
        seen.into_iter().filter(fits).map(|seen| seen.body).collect()
    }

    /// The values of one field of tshark in all frames that have it.
    #[track_caller]
    pub(crate) fn field(&self, field: &str) -> Vec<String> {
        let said = self.tshark(&["-Y", field, "-T", "fields", "-e", field]);
        said.lines().flat_map(|line| line.split(',')).map(str::to_owned).collect()
    }

    /// How many frames a display filter of tshark selects.
    #[track_caller]
    pub(crate) fn frames(&self, filter: &str) -> usize {
        self.tshark(&["-Y", filter, "-T", "fields", "-e", "frame.number"]).lines().count()
    }

    /// The file itself.
    pub(crate) fn path(&self) -> PathBuf {
        self.home.path().join("capture.pcapng")
    }

    #[track_caller]
    fn tshark(&self, words: &[&str]) -> String {
        let mut command = Command::new("tshark");
        command.arg("-r").arg(self.path());
        for (port, protocol) in &self.spoken {
            let name = if *protocol == Protocol::Sip { "sip" } else { "msrp" };
            command.args(["-d", &format!("tcp.port=={port},{name}")]);
            if *protocol == Protocol::Sip {
                command.args(["-d", &format!("udp.port=={port},{name}")]);
            }
        }
        let output = command.args(words).output().expect("tshark is there, `cargo xtask peers` installs it");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "tshark ended with {}: {errors}", output.status);
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

/// One `[hexadecimal, …]`, or a list of them where a frame holds several messages.
fn messages(raw: &Value) -> Vec<Seen> {
    let one = |raw: &Value| raw.get(0).and_then(Value::as_str).and_then(octets).map(seen);
    one(raw).map_or_else(
        || raw.as_array().into_iter().flatten().filter_map(one).collect(),
        |message| vec![message],
    )
}

fn octets(hexadecimal: &str) -> Option<Vec<u8>> {
    hexadecimal
        .as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}

fn seen(octets: Vec<u8>) -> Seen {
    let end = octets.windows(4).position(|window| window == b"\r\n\r\n").unwrap_or(octets.len());
    let head = String::from_utf8_lossy(octets.get(..end).unwrap_or_default()).into_owned();
    Seen { head, body: octets.get(end + 4..).unwrap_or_default().to_vec() }
}
