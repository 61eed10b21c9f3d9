//! A gateway with a content server, and the calls of a device.

use std::{
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    },
};

use api::{FileEvent, FileLimits, FileRefusal, Files, FilesSettings, Shown, UploadGuard, Verdict};
use http::HeaderValue;
use model::{Cause, Timestamp};
use sip_rcs::file::{FileTransfer, ResumeInfo};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::world::{Call, NOW, Reply, World};

pub(super) const BOUNDARY: &str = "----b0undary";
pub(super) const MINA: &str = "Test +821011110001";
pub(super) const JUN: &str = "Test +821011110002";
const FORM: &str = "multipart/form-data; boundary=----b0undary";

/// Takes `Test USER` for a digest.
struct Doorman;

impl UploadGuard for Doorman {
    fn judge(&self, call: &Shown<'_>) -> Verdict {
        assert!(call.peer.is_some() && call.target.starts_with('/'));
        let user = call.authorization.first().and_then(|shown| std::str::from_utf8(shown).ok());
        match user.and_then(|shown| shown.strip_prefix("Test ")) {
            Some("barred") => Verdict::Forbidden,
            Some(user) => Verdict::Known(user.into()),
            None => Verdict::Challenge(vec![
                HeaderValue::from_static("Digest realm=\"x\", algorithm=SHA-256"),
                HeaderValue::from_static("Digest realm=\"x\", algorithm=MD5"),
            ]),
        }
    }
}

/// See the module.
pub(super) struct Cabinet {
    pub(super) world: World,
    pub(super) files: Arc<Files>,
    pub(super) folder: Arc<tempfile::TempDir>,
    pub(super) clock: Arc<AtomicI64>,
    pub(super) draining: Arc<AtomicBool>,
    events: Arc<Mutex<Vec<FileEvent>>>,
}

impl Cabinet {
    pub(super) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub(super) async fn with(change: impl FnOnce(&mut FileLimits)) -> Self {
        let mut limits = FileLimits { user_uploads_per_minute_max: 100_000, ..FileLimits::default() };
        change(&mut limits);
        let folder = Arc::new(tempfile::tempdir().unwrap());
        Self::open(folder, Arc::new(AtomicI64::new(NOW.micros())), limits, 1).await
    }

    /// A process that comes after this one was killed.
    pub(super) async fn restarted(self) -> Self {
        let limits = FileLimits { user_uploads_per_minute_max: 100_000, ..FileLimits::default() };
        for served in &self.world.served {
            served.abort();
        }
        Self::open(self.folder, self.clock, limits, 2).await
    }

    async fn open(
        folder: Arc<tempfile::TempDir>,
        clock: Arc<AtomicI64>,
        limits: FileLimits,
        life: u64,
    ) -> Self {
        let events = Arc::<Mutex<Vec<FileEvent>>>::default();
        let draining = Arc::<AtomicBool>::default();
        let chance = AtomicU64::new(life << 40);
        let (time, seen, drains) = (clock.clone(), events.clone(), draining.clone());
        let settings = FilesSettings {
            folder: folder.path().join("files"),
            public_url: "https://ft.test/base".to_owned(),
            guard: Arc::new(Doorman),
            closed: Arc::new(move || drains.load(Ordering::Relaxed).then_some(Cause::Draining)),
            now: Arc::new(move || Timestamp::from_micros(time.load(Ordering::Relaxed))),
            random: Arc::new(move || chance.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed)),
            observe: Arc::new(move |event| seen.lock().unwrap().push(event)),
        };
        let files = Files::open(settings, limits).await.unwrap();
        let served = files.clone();
        let world = World::with(move |services| services.files = Some(served)).await;
        Self { world, files, folder, clock, draining, events }
    }

    pub(super) fn call(&self, method: &str, path: &str) -> Call {
        Call::new(method, path)
    }

    pub(super) async fn get(&self, path: &str) -> Reply {
        self.call("GET", path).send(self.world.traffic).await
    }

    /// Uploads a form with the credentials of `who`.
    pub(super) async fn post(&self, who: &str, form: Vec<u8>) -> Reply {
        let call = self.call("POST", "/files").header("authorization", who).header("content-type", FORM);
        call.body(form).send(self.world.traffic).await
    }

    pub(super) async fn ask(&self, who: &str, tid: &str, what: &str) -> Reply {
        let call = self.call("GET", &format!("/files?tid={tid}&{what}")).header("authorization", who);
        call.send(self.world.traffic).await
    }

    pub(super) async fn put(&self, who: &str, url: &str, range: &str, body: &[u8]) -> Reply {
        let call = self.call("PUT", path(url)).header("authorization", who).header("content-range", range);
        call.body(body.to_vec()).send(self.world.traffic).await
    }

    /// The head of an upload, and as much of its form as there is; the connection stays open.
    pub(super) async fn begin(&self, who: &str, form: &[u8], sent: usize) -> TcpStream {
        let mut stream = TcpStream::connect(self.world.traffic).await.unwrap();
        let octets = form.len();
        let head = format!(
            "POST /files HTTP/1.1\r\nhost: x\r\nauthorization: {who}\r\ncontent-type: {FORM}\r\ncontent-length: {octets}\r\nconnection: close\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&form[..sent]).await.unwrap();
        stream
    }

    /// An upload whose connection breaks after so many octets of its form.
    pub(super) async fn break_off(&self, who: &str, form: &[u8], sent: usize) {
        let mut stream = self.begin(who, form, sent).await;
        stream.shutdown().await.unwrap();
        // The answer comes when what has arrived is put away.
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap_or_default();
    }

    pub(super) fn events(&self) -> Vec<FileEvent> {
        self.events.lock().unwrap().clone()
    }

    pub(super) fn refused(&self, refusal: FileRefusal) -> usize {
        self.events().iter().filter(|event| **event == FileEvent::Refused(refusal)).count()
    }

    /// Octets of all files, as last told.
    pub(super) fn space(&self) -> u64 {
        let space = |event: &FileEvent| match event {
            FileEvent::Space(octets) => Some(*octets),
            _ => None,
        };
        self.events().iter().rev().find_map(space).unwrap()
    }

    /// Names and lengths of everything below the folder of the test.
    pub(super) fn on_disk(&self) -> Vec<(String, u64)> {
        let mut found = Vec::new();
        walk(self.folder.path(), self.folder.path(), &mut found);
        found.sort();
        found
    }
}

fn walk(root: &Path, folder: &Path, found: &mut Vec<(String, u64)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            walk(root, &entry.path(), found);
        } else {
            let name = entry.path().strip_prefix(root).unwrap().display().to_string();
            found.push((name, entry.metadata().unwrap().len()));
        }
    }
}

/// The path of a URL of ours.
pub(super) fn path(url: &str) -> &str {
    url.strip_prefix("https://ft.test/base").unwrap_or(url)
}

/// One part of a form.
pub(super) fn part(disposition: &str, content_type: &str, content: &[u8]) -> Vec<u8> {
    let head = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; {disposition}\r\nContent-Type: {content_type}\r\n\r\n"
    );
    [head.as_bytes(), content, b"\r\n"].concat()
}

pub(super) fn end() -> Vec<u8> {
    format!("--{BOUNDARY}--\r\n").into_bytes()
}

/// What a device sends.
pub(super) fn form(tid: Option<&str>, thumbnail: Option<&[u8]>, name: &str, content: &[u8]) -> Vec<u8> {
    let mut form = Vec::new();
    if let Some(tid) = tid {
        form.extend(part("name=\"tid\"", "text/plain", tid.as_bytes()));
    }
    if let Some(thumbnail) = thumbnail {
        form.extend(part("name=\"Thumbnail\"; filename=\"thumb_a.jpg\"", "image/jpeg", thumbnail));
    }
    form.extend(part(&format!("name=\"File\"; filename=\"{name}\""), "image/jpeg", content));
    form.extend(end());
    form
}

/// Octets with everything in them that looks like a boundary.
pub(super) fn content(octets: usize) -> Vec<u8> {
    let pattern = b"\r\n------b0undar\r\n--\x00\xff\r\r\n";
    (0..octets)
        .map(|at| if at % 97 < pattern.len() { pattern[at % 97] } else { (at * 31 % 251) as u8 })
        .collect()
}

#[track_caller]
pub(super) fn transfer(reply: &Reply) -> FileTransfer {
    assert_eq!(reply.status, 200, "{:?}", reply.body);
    assert_eq!(reply.header("content-type"), "application/vnd.gsma.rcs-ft-http+xml");
    sip_rcs::file::read(&reply.body).unwrap()
}

#[track_caller]
pub(super) fn resume(reply: &Reply) -> ResumeInfo {
    assert_eq!(reply.status, 200, "{:?}", reply.body);
    sip_rcs::file::read_resume(&reply.body).unwrap()
}

/// What comes until the other side closes.
pub(super) async fn rest(stream: &mut TcpStream) -> String {
    let mut rest = Vec::new();
    let end = tokio::time::timeout(std::time::Duration::from_secs(20), stream.read_to_end(&mut rest)).await;
    assert!(end.is_ok(), "the connection is still open");
    String::from_utf8_lossy(&rest).into_owned()
}
