//! A foreign program: started, listened to, told what to do, ended with the test.

use std::{
    env, fs,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

/// The longest that any one thing takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(40);
/// Jasmin starts three servers, one after the other.
const START: Duration = Duration::from_secs(180);

pub(crate) struct Foreign {
    name: String,
    child: Child,
    orders: Option<ChildStdin>,
    lines: Receiver<String>,
    seen: Vec<Value>,
    errors: PathBuf,
}

impl Foreign {
    /// A script of this folder under Python, with the packages of `requirements.txt`.
    pub(crate) fn python(script: &str, words: &[&str]) -> Self {
        let mut command = Command::new(installed("venv/bin/python"));
        command.arg("-B").arg(scripts().join(script));
        Self::start(script, command, words)
    }

    /// A script of this folder under Node, with the packages of `package.json`.
    pub(crate) fn node(script: &str, words: &[&str]) -> Self {
        let mut command = Command::new("node");
        command.arg(scripts().join(script)).env("NODE_PATH", installed("node/node_modules"));
        Self::start(script, command, words)
    }

    /// The program around the `smpp34` crate.
    pub(crate) fn smpp34(words: &[&str]) -> Self {
        Self::start("smpp34", Command::new(installed("smpp34/debug/smpp34-peer")), words)
    }

    fn start(name: &str, mut command: Command, words: &[&str]) -> Self {
        let errors = crate::world::folder(name).join("errors");
        let log = fs::File::create(&errors).expect("the temporary folder takes a file");
        command.args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log);
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{name} does not start: {error}"));
        let orders = child.stdin.take();
        let output = BufReader::new(child.stdout.take().expect("its output is piped"));
        let (sender, lines) = channel();
        thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Self { name: name.to_owned(), child, orders, lines, seen: Vec::new(), errors }
    }

    /// The next event of this kind that `fits`; what else is said meanwhile is kept for later questions.
    pub(crate) fn wait_for(&mut self, event: &str, fits: impl Fn(&Value) -> bool) -> Value {
        self.wait(event, fits, PATIENCE)
    }

    fn wait(&mut self, event: &str, fits: impl Fn(&Value) -> bool, patience: Duration) -> Value {
        let wanted = |said: &Value| said["event"] == event && fits(said);
        if let Some(at) = self.seen.iter().position(wanted) {
            return self.seen.remove(at);
        }
        let end = Instant::now() + patience;
        loop {
            match self.lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    let said: Value = serde_json::from_str(&line)
                        .unwrap_or_else(|_| panic!("{} said something that is not JSON: {line}", self.name));
                    if wanted(&said) {
                        return said;
                    }
                    self.seen.push(said);
                }
                Err(RecvTimeoutError::Timeout) => {
                    panic!("{} did not say {event}; {}", self.name, self.last_words())
                }
                Err(RecvTimeoutError::Disconnected) => {
                    panic!("{} ended without {event}; {}", self.name, self.last_words())
                }
            }
        }
    }

    pub(crate) fn wait_for_any(&mut self, event: &str) -> Value {
        self.wait_for(event, |_| true)
    }

    /// The port that it says it listens on.
    pub(crate) fn port(&mut self) -> u16 {
        let ready = self.wait("ready", |_| true, START);
        ready["port"].as_u64().and_then(|port| port.try_into().ok()).expect("ready comes with a port")
    }

    pub(crate) fn order(&mut self, order: &Value) {
        let orders = self.orders.as_mut().expect("it still listens");
        writeln!(orders, "{order}").unwrap_or_else(|error| panic!("{} takes no order: {error}", self.name));
    }

    /// Waits until it ends by itself, having seen what it was asked to see.
    pub(crate) fn succeed(mut self) {
        self.wait_for_any("done");
        self.orders = None;
        let status = self.child.wait().expect("it can be waited for");
        assert!(status.success(), "{} ended with {status}; {}", self.name, self.last_words());
    }

    /// Waits until it ends by itself, and tells why it is unhappy.
    pub(crate) fn complaint(mut self) -> String {
        let status = self.child.wait().expect("it can be waited for");
        assert!(!status.success(), "{} should have failed", self.name);
        fs::read_to_string(&self.errors).unwrap_or_default()
    }

    fn last_words(&self) -> String {
        let errors = fs::read_to_string(&self.errors).unwrap_or_default();
        let said: Vec<_> = self.seen.iter().map(ToString::to_string).collect();
        format!("it said {} and complained {errors:?}", said.join(" "))
    }
}

impl Drop for Foreign {
    /// The end of its input asks it to stop; its own servers must stop with it, so it gets time for that.
    fn drop(&mut self) {
        self.orders = None;
        let end = Instant::now() + Duration::from_secs(15);
        while Instant::now() < end {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers")
}

fn installed(what: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/peers").join(what);
    assert!(path.exists(), "{what} is not installed; run `cargo xtask peers` first");
    path
}
