//! A phone with liblinphone: CPIM, receipts, is-composing. `linphone.py` says why it is not `linphonec`.

use std::{path::Path, process::Command};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    account::{Account, DOMAIN},
    program::Program,
};

/// How a message goes out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wrapping {
    /// `message/cpim` that asks for receipts.
    Cpim,
    /// `text/plain`; receipts are asked for all the same, in bare `message/imdn+xml`.
    Plain,
}

pub(crate) struct Linphone {
    program: Program,
    // Dropped after the program, which keeps its database there.
    _home: TempDir,
}

impl Linphone {
    /// Starts it and registers.
    #[track_caller]
    pub(crate) fn register(account: &Account<'_>, wrapping: Wrapping) -> Self {
        let mut phone = Self::start(account, wrapping);
        phone.wait_for_registration("ok");
        phone
    }

    /// Starts it and registers, with a content server that it uploads files to.
    #[track_caller]
    pub(crate) fn register_with_files(account: &Account<'_>, content_server: &str) -> Self {
        let mut phone = Self::start_with(account, Wrapping::Cpim, &["--file-server", content_server]);
        phone.wait_for_registration("ok");
        phone
    }

    /// Starts it; how its registration goes is to be seen.
    #[track_caller]
    pub(crate) fn start(account: &Account<'_>, wrapping: Wrapping) -> Self {
        Self::start_with(account, wrapping, &[])
    }

    #[track_caller]
    fn start_with(account: &Account<'_>, wrapping: Wrapping, words: &[&str]) -> Self {
        let home = tempfile::tempdir().expect("the system has room for a folder");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sip/linphone.py");
        let mut command = Command::new("python3");
        command.arg("-B").arg(script).arg("--home").arg(home.path());
        command.args(["--user", account.user, "--password", account.password, "--domain", DOMAIN]);
        command.args(["--proxy", &account.registrar.to_string(), "--transport", account.transport.as_str()]);
        command.args(words);
        if wrapping == Wrapping::Plain {
            command.arg("--no-cpim");
        }
        Self { program: Program::start("linphone-cli", home.path(), &command), _home: home }
    }

    #[track_caller]
    pub(crate) fn wait_for_registration(&mut self, state: &str) {
        self.wait_for("registration", |said| said["state"] == state);
    }

    #[track_caller]
    pub(crate) fn unregister(&mut self) {
        self.order(&json!({ "order": "unregister" }));
        self.wait_for_registration("cleared");
    }

    /// Registers again, at the same address.
    #[track_caller]
    pub(crate) fn come_back(&mut self) {
        self.order(&json!({ "order": "register" }));
        self.wait_for_registration("ok");
    }

    #[track_caller]
    pub(crate) fn send(&mut self, to: &str, text: &str) {
        self.order(&json!({ "order": "send", "to": to, "text": text }));
    }

    /// Uploads a file and sends where it is (RCC.07 §3.2.5.3).
    #[track_caller]
    pub(crate) fn send_file(&mut self, to: &str, path: &Path, content_type: (&str, &str)) {
        let (kind, subtype) = content_type;
        self.order(&json!({ "order": "file", "to": to, "path": path, "type": kind, "subtype": subtype }));
    }

    /// Downloads what the message with this id tells of, and waits until it is there.
    #[track_caller]
    pub(crate) fn fetch(&mut self, id: &Value, path: &Path) {
        self.order(&json!({ "order": "fetch", "id": id, "path": path }));
        self.wait_for("state", |said| said["id"] == *id && said["state"] == "file_done");
    }

    /// Its user types something to `to`.
    #[track_caller]
    pub(crate) fn compose(&mut self, to: &str) {
        self.order(&json!({ "order": "compose", "to": to }));
    }

    /// Its user looks at what `of` wrote.
    #[track_caller]
    pub(crate) fn read(&mut self, of: &str) {
        self.order(&json!({ "order": "read", "of": of }));
    }

    /// The next message; its `from`, `text`, `type`, `id`.
    #[track_caller]
    pub(crate) fn wait_for_message(&mut self) -> Value {
        self.wait_for("message", |_| true)
    }

    /// What it said of typing so far does not count: liblinphone says so in front of every message, too.
    pub(crate) fn forget_composing(&mut self) {
        self.program.forget("\"composing\"");
    }

    /// Waits until somebody begins (or ends) to type.
    #[track_caller]
    pub(crate) fn wait_for_composing(&mut self, active: bool) -> Value {
        self.wait_for("composing", |said| said["active"] == active)
    }

    /// Waits until a message of its own with this text is `in_progress`, `sent`, `failed`, `delivered` or `displayed`.
    #[track_caller]
    pub(crate) fn wait_for_state(&mut self, text: &str, state: &str) {
        self.wait_for("state", |said| said["text"] == text && said["state"] == state);
    }

    #[track_caller]
    fn order(&mut self, order: &Value) {
        self.program.tell(&order.to_string());
    }

    #[track_caller]
    fn wait_for(&mut self, event: &str, fits: impl Fn(&Value) -> bool) -> Value {
        self.program.wait_for(event, |line| {
            let said: Value = serde_json::from_str(line).ok()?;
            (said["event"] == event && fits(&said)).then_some(said)
        })
    }
}
