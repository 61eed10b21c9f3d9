//! A foreign program: started in a folder of its own, listened to, told what to do, ended with the test.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket},
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    sync::{
        atomic::{AtomicU32, Ordering},
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    thread,
    time::{Duration, Instant},
};

/// The longest that any one thing takes on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(40);
/// How long a program may take to end once it was asked to.
const FAREWELL: Duration = Duration::from_secs(10);

/// Ports below those that the system gives to whoever does not care.
const PORTS: std::ops::Range<u32> = 10_000..32_000;

/// An address of the loopback on which nobody listens now, over UDP nor TCP; no two are the same. Tests run side by side
/// in processes of their own, so each begins somewhere else.
pub(crate) fn free_address() -> SocketAddr {
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    for _ in PORTS {
        let offset = std::process::id().wrapping_mul(97).wrapping_add(GIVEN.fetch_add(1, Ordering::Relaxed));
        let port = PORTS.start + offset % (PORTS.end - PORTS.start);
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, u16::try_from(port).expect("a port")));
        if TcpListener::bind(address).is_ok() && UdpSocket::bind(address).is_ok() {
            return address;
        }
    }
    panic!("no port of the loopback is free for both UDP and TCP");
}

/// Asks until there is an answer.
#[track_caller]
pub(crate) fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < end, "in vain: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// A running program. What it says, on either stream, is read line by line.
pub(crate) struct Program {
    name: String,
    child: Child,
    orders: Option<ChildStdin>,
    lines: Receiver<String>,
    /// The Debian package that brings it.
    package: &'static str,
    /// What it said and nobody has asked for yet.
    unasked: Vec<String>,
    /// Everything it said.
    said: Vec<String>,
}

impl Program {
    /// Starts it in `home`; `package` is what brings it.
    #[track_caller]
    pub(crate) fn start(package: &'static str, home: &Path, command: &Command) -> Self {
        let name = command.get_program().to_string_lossy().into_owned();
        // It ends with us, however we end; and whatever it forks is of its group, and ends with it.
        let mut wrapped = Command::new("setpriv");
        wrapped.args(["--pdeathsig", "TERM"]).arg(&name).args(command.get_args()).process_group(0);
        wrapped.current_dir(home).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = wrapped.spawn().expect("setpriv is part of every Debian");
        let orders = child.stdin.take();
        let (sender, lines) = channel();
        forward(child.stdout.take().expect("its output is piped"), sender.clone());
        forward(child.stderr.take().expect("its errors are piped"), sender);
        Self { name, child, orders, lines, package, unasked: Vec::new(), said: Vec::new() }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Says one line to it.
    #[track_caller]
    pub(crate) fn tell(&mut self, line: &str) {
        let orders = self.orders.as_mut().expect("it still listens");
        writeln!(orders, "{line}").unwrap_or_else(|error| panic!("{} takes no order: {error}", self.name));
    }

    /// The first line in which `find` finds something, from what nobody has asked for so far.
    #[track_caller]
    pub(crate) fn wait_for<T>(&mut self, what: &str, find: impl Fn(&str) -> Option<T>) -> T {
        let known = (0..).zip(&self.unasked).find_map(|(at, line)| find(line).map(|found| (at, found)));
        if let Some((at, found)) = known {
            self.unasked.remove(at);
            return found;
        }
        let end = Instant::now() + PATIENCE;
        loop {
            match self.lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    self.said.push(line.clone());
                    match find(&line) {
                        Some(found) => return found,
                        None => self.unasked.push(line),
                    }
                }
                Err(RecvTimeoutError::Timeout) => {
                    let words = self.last_words();
                    panic!("{} in vain: {what}; it said\n{words}", self.name)
                }
                Err(RecvTimeoutError::Disconnected) => {
                    let words = self.last_words();
                    let package = self.package;
                    panic!("{} ({package}) ended without {what}; it said\n{words}", self.name)
                }
            }
        }
    }

    /// Lets nobody ask for what it said so far in lines with these words.
    pub(crate) fn forget(&mut self, words: &str) {
        let more: Vec<_> = self.lines.try_iter().collect();
        self.said.extend(more.iter().cloned());
        self.unasked.extend(more);
        self.unasked.retain(|line| !line.contains(words));
    }

    /// Waits until it ends by itself.
    #[track_caller]
    pub(crate) fn ends(&mut self) -> ExitStatus {
        self.orders = None;
        until(&format!("the end of {}", self.name), || self.child.try_wait().expect("it can be waited for"))
    }

    /// How it ended, if it did.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("it can be waited for")
    }

    /// Asks it to stop, as its operator would, and waits until it did.
    pub(crate) fn stop(&mut self, signal: &str) {
        self.orders = None;
        // What has ended already needs no signal.
        Command::new("kill").args([signal, &self.pid().to_string()]).stderr(Stdio::null()).status().ok();
        let end = Instant::now() + FAREWELL;
        while Instant::now() < end && matches!(self.child.try_wait(), Ok(None)) {
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Everything it said so far.
    pub(crate) fn last_words(&mut self) -> String {
        let more: Vec<_> = self.lines.try_iter().collect();
        self.unasked.extend(more.iter().cloned());
        self.said.extend(more);
        let skipped = self.said.len().saturating_sub(60);
        self.said.get(skipped..).unwrap_or_default().join("\n")
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.stop("-TERM");
        // What did not stop is killed, with what it has forked: Kamailio forgets its children while it starts.
        let group = format!("-{}", self.pid());
        Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status().ok();
        self.child.wait().ok();
    }
}

/// Lines end with LF; a carriage return overwrites what stands before it, as on a terminal.
fn forward(stream: impl Read + Send + 'static, sender: Sender<String>) {
    thread::spawn(move || {
        let mut stream = BufReader::new(stream);
        let mut octets = Vec::new();
        while stream.read_until(b'\n', &mut octets).is_ok_and(|read| read > 0) {
            let text = String::from_utf8_lossy(&octets).trim_end().to_owned();
            let line = text.rsplit('\r').next().unwrap_or_default().to_owned();
            octets.clear();
            if sender.send(line).is_err() {
                return;
            }
        }
    });
}
