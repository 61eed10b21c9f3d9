//! The gateway binary with a configuration of one test, in a folder of its own.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::http::Http;

const PATIENCE: Duration = Duration::from_secs(60);
const KEY: &str = "test-key";

/// A folder that no other test has.
pub(crate) fn folder(name: &str) -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let path =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("peers-{}-{number}-{name}", std::process::id()));
    fs::create_dir_all(&path).expect("the temporary folder takes a folder");
    path
}

fn free_port() -> u16 {
    let probe = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("the loopback has a free port");
    probe.local_addr().expect("a listener has an address").port()
}

/// One SMSC that the gateway binds to.
pub(crate) struct Smsc {
    pub(crate) port: u16,
    /// Further keys of its channel.
    pub(crate) more: &'static str,
}

pub(crate) struct World {
    child: Child,
    home: PathBuf,
    http: SocketAddr,
    pub(crate) smpp: u16,
}

impl World {
    /// One account that may do everything, every road through the given SMSC.
    pub(crate) fn start(smsc: &Smsc) -> Self {
        let home = folder("gateway");
        let (smpp, management) = (free_port(), free_port());
        let http = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
        let configuration = format!(
            r#"
[store]
url = "sqlite:{home}/gateway.db"

[smpp]
listen = "127.0.0.1:{smpp}"

[http]
listen = "{http}"

[management]
listen = "127.0.0.1:{management}"

[[account]]
name = "esme"
numbers = ["15881234"]
smpp = {{ system_id = "esme", password = "plain:secret" }}
api = {{ keys = ["plain:{KEY}"] }}

[[channel]]
name = "smsc"
address = "127.0.0.1:{smsc_port}"
system_id = "gateway"
password = "plain:secret"
reconnect_max = "1s"
{more}

[[route]]
to = "*"
channels = "smsc"
"#,
            home = home.display(),
            smsc_port = smsc.port,
            more = smsc.more,
        );
        let file = home.join("gateway.toml");
        fs::write(&file, configuration).expect("the temporary folder takes a file");
        let log = fs::File::create(home.join("log")).expect("the temporary folder takes a file");
        let child = Command::new(env!("CARGO_BIN_EXE_gateway"))
            .args(["run", "--config"])
            .arg(&file)
            .current_dir(&home)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a file can be shared"))
            .stderr(log)
            .spawn()
            .expect("the gateway starts");
        let mut world = Self { child, home, http, smpp };
        world.wait_until_ready(SocketAddr::from((Ipv4Addr::LOCALHOST, management)));
        world
    }

    fn wait_until_ready(&mut self, management: SocketAddr) {
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            let asked = Http::connect(management, KEY).and_then(|mut http| http.get("/readyz"));
            if asked.is_ok_and(|answer| answer.status == 200) {
                return;
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                panic!("the gateway ended with {status} while it was starting\n{}", self.log());
            }
            thread::sleep(Duration::from_millis(20));
        }
        panic!("the gateway was not ready in time\n{}", self.log());
    }

    /// Submits over HTTP and gives back the id.
    pub(crate) fn submit(&self, text: &str) -> String {
        let message = json!({ "from": "15881234", "to": crate::PHONE, "text": text });
        let answer = self.http().post("/v1/messages", &message).expect("the gateway answers");
        let said = answer.json().unwrap_or_default();
        assert!((200..300).contains(&answer.status), "the text was refused with {}: {said}", answer.status);
        said["id"].as_str().expect("an accepted message has an id").to_owned()
    }

    /// Waits until a message has this status.
    pub(crate) fn wait_for_status(&self, id: &str, status: &str) -> Value {
        let end = Instant::now() + PATIENCE;
        let mut said = Value::Null;
        while Instant::now() < end {
            let answer = self.http().get(&format!("/v1/messages/{id}")).expect("the gateway answers");
            said = answer.json().expect("a message is shown as JSON");
            if said["status"] == status {
                return said;
            }
            thread::sleep(Duration::from_millis(20));
        }
        panic!("{id} did not become {status}, but is {said}\n{}", self.log());
    }

    /// How often the account was charged for submissions.
    pub(crate) fn charged(&self) -> usize {
        let answer = self.http().get("/v1/usage?limit=1000").expect("the gateway answers");
        let page = answer.json().expect("usage is shown as JSON");
        let records = page["records"].as_array().expect("a page has records");
        records.iter().filter(|record| record["event"] == "submit").count()
    }

    fn http(&self) -> Http {
        Http::connect(self.http, KEY).expect("the gateway listens")
    }

    fn log(&self) -> String {
        fs::read_to_string(self.home.join("log")).unwrap_or_default()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
        if thread::panicking() {
            eprintln!("the gateway said:\n{}", self.log());
        } else {
            fs::remove_dir_all(&self.home).ok();
        }
    }
}
