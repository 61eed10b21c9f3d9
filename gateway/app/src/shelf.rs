//! The content server: where files of RCS devices lie, who may leave some, and when they go.

use std::{
    net::{IpAddr, SocketAddr},
    sync::{Arc, PoisonError},
    time::Duration,
};

use api::{
    FileEvent, FileLimits, FileRefusal, Files, FilesSettings, MediaRange, Shown, UploadGuard, Verdict,
};
use kit::Intake as _;
use miette::{IntoDiagnostic, WrapErr};
use monitoring::{FileAction, Registry};
use rcs::core::{HttpCall, Proof};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    devices::Passwords,
    runtime::{Gate, now},
    settings::random,
};

/// Files whose time is over are thrown away this often.
const SWEEP_EVERY: Duration = Duration::from_secs(600);

/// A content server that is open.
pub(crate) struct Shelf {
    files: Arc<Files>,
    registry: Arc<Registry>,
}

/// What surrounds it.
pub(crate) struct Surroundings<'a> {
    /// Who is known; without RCS only accounts and messengers leave files.
    pub(crate) passwords: Option<Arc<Passwords>>,
    pub(crate) gate: Arc<Gate>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) edge: &'a CancellationToken,
    pub(crate) tasks: &'a TaskTracker,
}

impl Shelf {
    /// Opens the folder. `address` is that of the HTTP listener.
    pub(crate) async fn open(
        written: &config::Files,
        address: SocketAddr,
        secure: bool,
        around: Surroundings<'_>,
    ) -> miette::Result<Self> {
        let public_url = match &written.public_url {
            Some(url) => url.as_str().trim_end_matches('/').to_owned(),
            None => format!("http{}://{address}", if secure { "s" } else { "" }),
        };
        let (gate, registry) = (around.gate, around.registry.clone());
        let settings = FilesSettings {
            folder: written.folder.clone(),
            public_url,
            guard: Arc::new(Doorkeeper(around.passwords)),
            closed: Arc::new(move || gate.closed_for_submissions()),
            now: Arc::new(now),
            random: Arc::new(random),
            observe: Arc::new(move |event| observe(&registry, event)),
        };
        let files = Files::open(settings, limits(written))
            .await
            .into_diagnostic()
            .wrap_err_with(|| format!("files.folder: {} cannot be opened", written.folder.display()))?;
        around.tasks.spawn(sweep(files.clone(), around.edge.clone()));
        around.registry.files_room(written.space_max.get());
        Ok(Self { files, registry: around.registry })
    }

    /// Follows a new configuration.
    pub(crate) fn set(&self, written: &config::Files) {
        self.files.set_limits(limits(written));
        self.registry.files_room(written.space_max.get());
    }

    pub(crate) fn files(&self) -> Arc<Files> {
        self.files.clone()
    }
}

fn observe(registry: &Registry, event: FileEvent) {
    match event {
        FileEvent::Stored(_) => registry.files(FileAction::Stored, 1),
        FileEvent::Received(octets) => registry.file_octets(octets, 0),
        FileEvent::Sent(octets) => registry.file_octets(0, octets),
        FileEvent::Fetched(_) => registry.files(FileAction::Fetched, 1),
        FileEvent::Resumed => registry.files(FileAction::Resumed, 1),
        FileEvent::Swept { expired, abandoned } => {
            registry.files(FileAction::Expired, expired);
            registry.files(FileAction::Abandoned, abandoned);
        }
        FileEvent::Space(octets) => registry.files_size(octets),
        FileEvent::Refused(reason) => {
            tracing::debug!(?reason, "a call about a file was refused");
            registry.file_refused(refusal(reason));
        }
    }
}

const fn refusal(reason: FileRefusal) -> monitoring::FileRefusal {
    use monitoring::FileRefusal as Label;
    match reason {
        FileRefusal::Malformed => Label::Malformed,
        FileRefusal::Forbidden => Label::Forbidden,
        FileRefusal::Unknown => Label::Unknown,
        FileRefusal::Expired => Label::Expired,
        FileRefusal::LengthMissing => Label::LengthMissing,
        FileRefusal::TooLarge => Label::TooLarge,
        FileRefusal::MediaType => Label::MediaType,
        FileRefusal::Range => Label::Range,
        FileRefusal::Slow => Label::Slow,
        FileRefusal::Superseded => Label::Superseded,
        FileRefusal::Rate => Label::Rate,
        FileRefusal::Busy => Label::Busy,
        FileRefusal::NoRoom => Label::NoRoom,
        FileRefusal::Internal => Label::Internal,
    }
}

async fn sweep(files: Arc<Files>, stop: CancellationToken) {
    loop {
        if let Err(error) = files.sweep().await {
            tracing::warn!(%error, "old files could not be thrown away; it is tried again in ten minutes");
        }
        tokio::select! {
            () = tokio::time::sleep(SWEEP_EVERY) => {}
            () = stop.cancelled() => return,
        }
    }
}

fn limits(written: &config::Files) -> FileLimits {
    FileLimits {
        octets_max: written.file_octets_max.get(),
        thumbnail_octets_max: written.thumbnail_octets_max.get(),
        space_max: written.space_max.get(),
        free_min: written.free_min.get(),
        keep: written.keep.get(),
        unfinished_keep: written.unfinished_keep.get(),
        types: written.types.iter().filter_map(|range| MediaRange::parse(range)).collect(),
        uploads_max: written.uploads_max as usize,
        user_uploads_per_minute_max: written.uploads_per_minute_max,
        stall_timeout: written.stall_timeout.get(),
    }
}

/// Asks devices for the password that they register with.
struct Doorkeeper(Option<Arc<Passwords>>);

impl UploadGuard for Doorkeeper {
    fn judge(&self, call: &Shown<'_>) -> Verdict {
        let Some(passwords) = &self.0 else { return Verdict::Forbidden };
        let call = HttpCall {
            method: call.method,
            target: call.target,
            authorization: call.authorization,
            source: call.peer.unwrap_or(IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED)),
        };
        let nonce = (u128::from(random()) << 64 | u128::from(random())).to_be_bytes();
        let proof =
            passwords.lock().unwrap_or_else(PoisonError::into_inner).judge(now().micros(), nonce, call);
        match proof {
            Proof::Known(user) => Verdict::Known(user),
            Proof::Challenge(values) => Verdict::Challenge(
                values.iter().filter_map(|value| value.as_slice().try_into().ok()).collect(),
            ),
            Proof::Refused => Verdict::Forbidden,
        }
    }
}
