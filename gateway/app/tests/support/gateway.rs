//! The binary as a process.

use std::{
    fs,
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
};

use serde_json::{Value, json};

use super::{Http, until};

/// Nothing said: the furniture for first tries.
pub(crate) const SIMULATED: &str = "";

/// One account over HTTP and SMPP, one messenger that pulls, every number behind the SMSC on this port.
pub(crate) fn carrier(port: u16) -> String {
    format!(
        r#"
[[account]]
name = "shop"
numbers = ["15881234"]
api = {{ keys = ["plain:shop-key"] }}
smpp = {{ system_id = "shop", password = "plain:secret" }}

[[messenger]]
name = "tictoc"
token = "plain:tictoc-token"
pool = "lent"

[[pool]]
name = "lent"
numbers = ["+827012340000..+827012340009"]

[[channel]]
name = "smsc"
address = "127.0.0.1:{port}"
system_id = "gateway"
password = "plain:secret"
reconnect_max = "1s"

[[route]]
to = "*"
channels = "smsc"
"#
    )
}

/// A folder with a configuration; outlives the processes that use it.
pub(crate) struct Home {
    folder: tempfile::TempDir,
}

/// What a command said and how it ended.
pub(crate) struct Output {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Home {
    pub(crate) fn new(configuration: &str) -> Self {
        let folder = tempfile::tempdir().expect("the system has room for a folder");
        let home = Self { folder };
        if configuration != SIMULATED {
            home.write(configuration);
        }
        home
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.path().join("gateway.db")
    }

    /// Replaces the configuration.
    pub(crate) fn write(&self, configuration: &str) {
        fs::write(self.path().join("gateway.toml"), configuration).expect("the folder takes a file");
    }

    fn arguments(&self) -> Vec<String> {
        let set = [
            "smpp.listen=127.0.0.1:0".to_owned(),
            "http.listen=127.0.0.1:0".to_owned(),
            "management.listen=127.0.0.1:0".to_owned(),
            format!("store.url=sqlite:{}", self.database().display()),
            "log.format=json".to_owned(),
            "log.level=debug".to_owned(),
        ];
        let file = self.path().join("gateway.toml");
        // Without a configuration there is no file either: that is what a first try looks like.
        let file = file.exists().then(|| ["--config".to_owned(), file.display().to_string()]);
        // What is furnished for a first try has RCS too; others say themselves whether they serve it.
        let furnished = file.is_none().then_some(["rcs.listen=127.0.0.1:0", "rcs.msrp_listen=127.0.0.1:0"]);
        let set = set.into_iter().chain(furnished.into_iter().flatten().map(str::to_owned));
        file.into_iter().flatten().chain(set.flat_map(|set| ["--set".to_owned(), set])).collect()
    }

    /// Runs a command to its end on the configuration of this folder.
    pub(crate) fn run(&self, command: &[&str]) -> Output {
        run(Command::new(env!("CARGO_BIN_EXE_gateway"))
            .args(command)
            .args(self.arguments())
            .current_dir(self.path()))
    }

    /// Runs a command to its end with these arguments only.
    pub(crate) fn run_plainly(&self, arguments: &[&str]) -> Output {
        run(Command::new(env!("CARGO_BIN_EXE_gateway")).args(arguments).current_dir(self.path()))
    }

    /// The proof of R1 to R3, on whatever state the store is in.
    #[track_caller]
    pub(crate) fn verified(&self) -> Value {
        let output = self.run(&["verify", "--json"]);
        assert_eq!(output.code, Some(0), "verify: {}{}", output.out, output.err);
        serde_json::from_str(&output.out).expect("verify prints JSON")
    }
}

fn run(command: &mut Command) -> Output {
    let output = command.stdin(Stdio::null()).output().expect("the binary runs");
    let text = |octets: Vec<u8>| String::from_utf8(octets).expect("the binary speaks UTF-8");
    Output { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

pub(crate) struct Gateway {
    child: Child,
    said: Arc<Mutex<String>>,
    readers: Vec<JoinHandle<()>>,
    pub(crate) http: SocketAddr,
    pub(crate) smpp: SocketAddr,
    pub(crate) management: SocketAddr,
}

impl Gateway {
    /// Starts it; when this returns, it is ready.
    #[track_caller]
    pub(crate) fn start(home: &Home) -> Self {
        let gateway = Self::start_unready(home);
        until("the gateway is ready", || (gateway.management("/readyz").status == 200).then_some(()));
        gateway
    }

    /// Starts it; when this returns, it listens.
    #[track_caller]
    pub(crate) fn start_unready(home: &Home) -> Self {
        // A file that may not grow is an error to handle, not a signal to die of.
        let mut child = Command::new("sh")
            .args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_gateway")])
            .args(home.arguments())
            .current_dir(home.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        let said = Arc::new(Mutex::new(String::new()));
        let mut readers = Vec::new();
        let pipes: [Box<dyn std::io::Read + Send>; 2] =
            [Box::new(child.stdout.take().expect("piped")), Box::new(child.stderr.take().expect("piped"))];
        for pipe in pipes {
            let said = said.clone();
            readers.push(thread::spawn(move || {
                for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                    let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
                    said.push_str(&line);
                    said.push('\n');
                }
            }));
        }
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut gateway = Self { child, said, readers, http: nowhere, smpp: nowhere, management: nowhere };
        let [smpp, http, management] = ["smpp", "http", "management"].map(|what| gateway.listener(what));
        (gateway.smpp, gateway.http, gateway.management) = (smpp, http, management);
        gateway
    }

    #[track_caller]
    fn listener(&mut self, what: &str) -> SocketAddr {
        let message = format!("{what} listens");
        until(&message, || {
            let line = self.log().into_iter().find(|line| line["message"] == message.as_str());
            if line.is_none()
                && let Ok(Some(status)) = self.child.try_wait()
            {
                panic!("the gateway ended with {status} while it was starting:\n{}", self.said());
            }
            line?["addr"].as_str()?.parse().ok()
        })
    }

    /// Everything it wrote to stdout and stderr.
    pub(crate) fn said(&self) -> String {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The lines of its log.
    pub(crate) fn log(&self) -> Vec<Value> {
        self.said().lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// Waits for a line of the log that contains this.
    #[track_caller]
    pub(crate) fn says(&self, words: &str) -> String {
        until(words, || self.said().lines().find(|line| line.contains(words)).map(str::to_owned))
    }

    pub(crate) fn caller(&self, key: &str) -> Http {
        Http::new(self.http, key)
    }

    #[track_caller]
    pub(crate) fn management(&self, path: &str) -> super::Answer {
        Http::new(self.management, "").get(path)
    }

    /// One value of `/metrics`; the series as it is written there.
    #[track_caller]
    pub(crate) fn metric(&self, series: &str) -> f64 {
        let text = self.management("/metrics").is(200).body;
        let value = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok());
        value.unwrap_or_else(|| panic!("there is no {series} in\n{text}"))
    }

    /// Submits one text and gives back its id.
    #[track_caller]
    pub(crate) fn submit(&self, key: &str, to: &str, text: &str) -> String {
        let answer = self
            .caller(key)
            .post("/v1/messages", &json!({ "from": "15881234", "to": to, "text": text }))
            .is(202);
        answer.json()["id"].as_str().expect("an accepted message has an id").to_owned()
    }

    /// Waits until a message stands there.
    #[track_caller]
    pub(crate) fn becomes(&self, key: &str, id: &str, status: &str) -> Value {
        until(&format!("{id} becomes {status}"), || {
            let shown = self.caller(key).get(&format!("/v1/messages/{id}")).is(200).json();
            (shown["status"] == status).then_some(shown)
        })
    }

    /// The usage records of an account.
    #[track_caller]
    pub(crate) fn usage(&self, key: &str) -> Vec<Value> {
        let page = self.caller(key).get("/v1/usage?limit=1000").is(200).json();
        page["records"].as_array().expect("a page has records").clone()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// TERM, HUP or KILL.
    pub(crate) fn signal(&self, name: &str) {
        let sent =
            Command::new("sh").args(["-c", "kill -s \"$0\" \"$1\"", name, &self.pid().to_string()]).status();
        assert!(sent.expect("the shell runs").success(), "{name} could not be sent");
    }

    /// Waits for the end; what was said, and how it ended.
    #[track_caller]
    pub(crate) fn ended(mut self) -> (ExitStatus, String) {
        let status = until("the gateway ends", || self.child.try_wait().expect("it is our child"));
        for reader in self.readers.drain(..) {
            reader.join().expect("a reader only reads");
        }
        (status, self.said())
    }

    /// SIGTERM, and a good end.
    #[track_caller]
    pub(crate) fn stopped(self) -> String {
        self.signal("TERM");
        let (status, said) = self.ended();
        assert!(status.success(), "{status} after SIGTERM:\n{said}");
        said
    }

    /// SIGKILL.
    pub(crate) fn killed(self) -> String {
        self.signal("KILL");
        self.ended().1
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // It may have ended already.
        self.child.kill().ok();
        self.child.wait().ok();
        if thread::panicking() {
            eprintln!("the gateway said:\n{}", self.said());
        }
    }
}
