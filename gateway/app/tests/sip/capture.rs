//! What went over the loopback, as tshark understands it.
//!
//! tshark is the dissector that nobody of this project wrote: what it calls malformed is.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    fmt::Write as _,
    fs::{self, File},
    io::{Read, Seek, SeekFrom, Write as _},
    net::{SocketAddr, UdpSocket},
    path::PathBuf,
    process::Command,
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use rustls::{ClientConfig, KeyLog};
use serde_json::Value;
use tempfile::TempDir;

use crate::program::{Program, free_address, until};

/// KiB after which a capture ends: the beginning of a flood says what the rest of it would.
const KIB_MAX: &str = "24576";
/// How tshark writes `Error` among the severities of its experts.
const ERROR: &str = "8388608";

/// The protocol that is spoken on an address, as tshark calls it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    Sip,
    Msrp,
    /// SIP over TLS is read where one end wrote its keys down; see [`Capture::reads`]. Inside TLS tshark knows no MSRP.
    SipOverTls,
}

impl Protocol {
    /// What `tshark -d` is to be told about a port.
    fn decoding(self, port: u16) -> Vec<String> {
        match self {
            Self::Sip => vec![format!("udp.port=={port},sip"), format!("tcp.port=={port},sip")],
            Self::Msrp => vec![format!("tcp.port=={port},msrp")],
            Self::SipOverTls => vec![format!("tcp.port=={port},tls"), format!("tls.port=={port},sip")],
        }
    }
}

pub(crate) struct Capture {
    program: RefCell<Program>,
    spoken: Vec<(u16, Protocol)>,
    /// Ports from which something malformed is sent on purpose.
    excused: RefCell<Vec<u16>>,
    /// Where only marks go to.
    marks: SocketAddr,
    marked: Cell<u32>,
    keys: Arc<Keys>,
    home: TempDir,
}

/// Where an end writes down the keys of its connections, as tshark reads them.
#[derive(Debug)]
struct Keys(Mutex<File>);

impl KeyLog for Keys {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        let mut line = format!("{label} ");
        for octet in client_random {
            write!(line, "{octet:02x}").expect("a string takes more");
        }
        line.push(' ');
        for octet in secret {
            write!(line, "{octet:02x}").expect("a string takes more");
        }
        line.push('\n');
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(line.as_bytes()).expect("the folder takes a file");
    }
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
        // What tshark captures with; it begins sooner than tshark itself.
        let mut command = Command::new("dumpcap");
        // Room for a flood: what the capture loses tshark takes for malformed.
        command.args(["-B", "128", "-q", "-i", "lo", "-w", "capture.pcapng", "-f", &filter]);
        command.args(["-a", &format!("filesize:{KIB_MAX}")]);
        let program = RefCell::new(Program::start("wireshark-common", home.path(), &command));
        let (excused, marked) = (RefCell::default(), Cell::default());
        let keys = File::create(home.path().join("keys")).expect("the folder takes a file");
        let keys = Arc::new(Keys(Mutex::new(keys)));
        let capture = Self { program, spoken, excused, marks, marked, keys, home };
        capture.waits_for_mark();
        capture
    }

    /// What this port sends is malformed on purpose; what it is answered is not.
    pub(crate) fn excuse(&self, port: u16) {
        self.excused.borrow_mut().push(port);
    }

    /// What an end with this configuration says and hears over TLS can be read.
    pub(crate) fn reads(&self, mut config: ClientConfig) -> Arc<ClientConfig> {
        config.key_log = self.keys.clone();
        Arc::new(config)
    }

    /// Ends the capture, once it has everything that was sent before.
    #[track_caller]
    pub(crate) fn finish(self) -> Captured {
        self.so_far()
    }

    /// Everything that was sent before.
    #[track_caller]
    pub(crate) fn so_far(&self) -> Captured {
        self.waits_for_mark();
        let file = fs::read(self.file()).expect("the capture has a file");
        let home = tempfile::tempdir().expect("the system has room for a folder");
        let captured = Captured { spoken: self.spoken.clone(), excused: self.excused.borrow().clone(), home };
        fs::write(captured.path(), whole_blocks(&file)).expect("the folder takes a file");
        fs::copy(self.home.path().join("keys"), captured.keys()).expect("the folder takes a file");
        captured
    }

    /// Sends a mark and waits until it is in the file: whatever was sent before it is there as well.
    #[track_caller]
    fn waits_for_mark(&self) {
        let number = self.marked.replace(self.marked.get() + 1);
        let mark = format!("mark {number} of the test");
        let socket = UdpSocket::bind("127.0.0.1:0").expect("the loopback has a free port");
        let from = fs::metadata(self.file()).map_or(0, |file| file.len());
        until(&format!("dumpcap captures {mark}"), || {
            socket.send_to(mark.as_bytes(), self.marks).expect("the loopback takes a datagram");
            let ended = self.program.borrow_mut().ended();
            if let Some(status) = ended {
                // It has as much as it may.
                assert!(status.success(), "dumpcap: {}", self.program.borrow_mut().last_words());
                return Some(());
            }
            let mut file = File::open(self.file()).ok()?;
            file.seek(SeekFrom::Start(from)).expect("a file has places");
            let mut new = Vec::new();
            file.read_to_end(&mut new).expect("a file can be read");
            new.windows(mark.len()).any(|octets| octets == mark.as_bytes()).then_some(())
        });
    }

    fn file(&self) -> PathBuf {
        self.home.path().join("capture.pcapng")
    }
}

/// The beginning of a file of pcapng up to the last block that is all there.
fn whole_blocks(file: &[u8]) -> &[u8] {
    let mut end = 0;
    let length = |at: usize| {
        let octets = file.get(at + 4..at + 8)?;
        usize::try_from(u32::from_ne_bytes(octets.try_into().ok()?)).ok()
    };
    while let Some(length) = length(end).filter(|length| (12..=file.len() - end).contains(length)) {
        end += length;
    }
    &file[..end]
}

/// A capture that is judged when its test ends, whether the test asks for that or not.
pub(crate) struct Judged(pub(crate) Capture);

impl Drop for Judged {
    fn drop(&mut self) {
        if !thread::panicking() {
            self.0.so_far().dissected();
        }
    }
}

/// What was captured up to some moment.
pub(crate) struct Captured {
    spoken: Vec<(u16, Protocol)>,
    excused: Vec<u16>,
    home: TempDir,
}

impl Captured {
    /// How often each method, and each status, was dissected; panics when tshark finds anything malformed that nobody
    /// sent on purpose.
    #[track_caller]
    pub(crate) fn dissected(&self) -> BTreeMap<String, usize> {
        const FIELDS: [&str; 10] = [
            "sip.Method",
            "sip.Status-Line",
            "msrp.method",
            "msrp.status.code",
            "tcp.srcport",
            "udp.srcport",
            "_ws.malformed",
            "_ws.expert.severity",
            "frame.protocols",
            "_ws.expert.message",
        ];
        let mut words = vec!["-Y", "sip || msrp", "-T", "fields"];
        words.extend(FIELDS.iter().flat_map(|field| ["-e", field]));
        let said = self.tshark(&words);
        let (mut counts, mut malformed) = (BTreeMap::new(), Vec::new());
        for line in said.lines() {
            let fields: Vec<_> = line.splitn(FIELDS.len(), '\t').collect();
            let [messages @ .., tcp, udp, mark, severities, _, _] = fields.as_slice() else {
                panic!("tshark said {line}")
            };
            for value in messages.iter().flat_map(|field| field.split(',')).filter(|value| !value.is_empty())
            {
                // A status line is counted by its code.
                let value = value.strip_prefix("SIP/2.0 ").and_then(|rest| rest.get(..3)).unwrap_or(value);
                *counts.entry(value.to_owned()).or_default() += 1;
            }
            let is_excused = [tcp, udp]
                .iter()
                .any(|port| port.parse().is_ok_and(|port: u16| self.excused.contains(&port)));
            let is_malformed = !mark.is_empty() || severities.split(',').any(|severity| severity == ERROR);
            if is_malformed && !is_excused {
                malformed.push(line);
            }
        }
        assert!(malformed.is_empty(), "tshark finds these malformed:\n{}", malformed.join("\n"));
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

    fn keys(&self) -> PathBuf {
        self.home.path().join("keys")
    }

    #[track_caller]
    fn tshark(&self, words: &[&str]) -> String {
        let mut command = Command::new("tshark");
        command.arg("-r").arg(self.path());
        command.arg("-o").arg(format!("tls.keylog_file:{}", self.keys().display()));
        for decoding in self.spoken.iter().flat_map(|(port, protocol)| protocol.decoding(*port)) {
            command.args(["-d", &decoding]);
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
