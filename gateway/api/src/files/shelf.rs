//! The folder of files.
//!
//! A file is `<short>.data`, its thumbnail `<short>.thumb`, and what is known of it `<short>.json`: in one of many folders,
//! so that none becomes long. The card is written beside and renamed, after the content is on the disk: it is what makes
//! a file exist. `<transaction>.tid` says which file an upload transaction became. Names come from us only.

use std::{
    fs, io,
    io::Write as _,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::SystemTime,
};

use model::{Duration, Timestamp};

use super::{
    card::{self, Card, Transaction},
    id::{FileId, ShortId},
};

/// What has no card and was not touched for so long is left over from a crash.
const STRAY: Duration = Duration::from_secs(2 * 86_400);

/// See the module. Everything here may wait for the disk.
pub(super) struct Shelf {
    folder: PathBuf,
    /// Octets of content, and of what is being received.
    used: AtomicU64,
}

/// Room that is kept for somebody; gives back what was not used.
pub(super) struct Room {
    shelf: Arc<Shelf>,
    octets: u64,
}

/// What a sweep threw away.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Files whose time was over.
    pub expired: u64,
    /// Uploads that nobody went on with.
    pub abandoned: u64,
    /// Octets of both.
    pub octets: u64,
}

impl Shelf {
    /// Opens the folder, and makes it where it is not there yet.
    pub(super) fn open(folder: &Path) -> io::Result<Arc<Self>> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let shelf = Self { folder: folder.to_owned(), used: AtomicU64::new(0) };
        let mut used = 0;
        shelf.each(|path, metadata| {
            if is_content(path) {
                used += metadata.len();
            }
        })?;
        shelf.used.store(used, Ordering::Relaxed);
        Ok(Arc::new(shelf))
    }

    pub(super) fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    /// Keeps room for so many octets, if they fit into `space_max` and leave `free_min` of the disk.
    pub(super) fn reserve(self: &Arc<Self>, octets: u64, space_max: u64, free_min: u64) -> Option<Room> {
        let free =
            rustix::fs::statvfs(&self.folder).ok().map(|room| room.f_bavail.saturating_mul(room.f_frsize));
        if free.is_some_and(|free| free < octets.saturating_add(free_min)) {
            return None;
        }
        let add = |used: u64| used.checked_add(octets).filter(|used| *used <= space_max);
        self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add).ok()?;
        Some(Room { shelf: self.clone(), octets })
    }

    fn path(&self, name: &str, extension: &str) -> PathBuf {
        let folder = name.get(..2).unwrap_or_default();
        self.folder.join(folder).join(format!("{name}.{extension}"))
    }

    pub(super) fn data(&self, short: &ShortId) -> PathBuf {
        self.path(short.as_str(), "data")
    }

    pub(super) fn thumbnail(&self, short: &ShortId) -> PathBuf {
        self.path(short.as_str(), "thumb")
    }

    /// Creates the file for the content; it must not be there.
    pub(super) fn create(&self, short: &ShortId) -> io::Result<fs::File> {
        self.create_at(&self.data(short))
    }

    /// Opens an interrupted upload at its end, and says where that is.
    pub(super) fn append(&self, short: &ShortId) -> io::Result<(fs::File, u64)> {
        let file = fs::OpenOptions::new().append(true).open(self.data(short))?;
        let stored = file.metadata()?.len();
        Ok((file, stored))
    }

    /// Writes a thumbnail to the disk.
    pub(super) fn put_thumbnail(&self, short: &ShortId, content: &[u8]) -> io::Result<()> {
        let mut file = self.create_at(&self.thumbnail(short))?;
        file.write_all(content)?;
        file.sync_all()
    }

    fn create_at(&self, path: &Path) -> io::Result<fs::File> {
        self.make_folder_of(path)?;
        fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
    }

    fn make_folder_of(&self, path: &Path) -> io::Result<()> {
        let Some(folder) = path.parent() else { return Ok(()) };
        match fs::DirBuilder::new().mode(0o700).create(folder) {
            Ok(()) => sync_folder(&self.folder),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Octets of content that have arrived.
    pub(super) fn stored(&self, short: &ShortId) -> u64 {
        fs::metadata(self.data(short)).map_or(0, |metadata| metadata.len())
    }

    pub(super) fn card(&self, short: &ShortId) -> io::Result<Option<Card>> {
        read_card(&self.path(short.as_str(), "json"))
    }

    /// Replaces what is known of a file. When this returns, that of a complete one survives a loss of power.
    pub(super) fn put_card(&self, card: &Card) -> io::Result<()> {
        let short = card::short(card).ok_or(io::ErrorKind::InvalidInput)?;
        let path = self.path(short.as_str(), "json");
        self.replace(&path, &serde_json::to_vec(card)?, card.size.is_some())
    }

    fn replace(&self, path: &Path, content: &[u8], durably: bool) -> io::Result<()> {
        self.make_folder_of(path)?;
        let beside = path.with_extension("new");
        let mut file =
            fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
        file.write_all(content)?;
        if durably {
            file.sync_all()?;
        }
        fs::rename(&beside, path)?;
        if durably { path.parent().map_or(Ok(()), sync_folder) } else { Ok(()) }
    }

    /// Which file an upload transaction became.
    pub(super) fn transaction(&self, transaction: &Transaction) -> io::Result<Option<FileId>> {
        let text = match fs::read_to_string(self.path(transaction.as_str(), "tid")) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        Ok(FileId::parse(text.trim_end()))
    }

    pub(super) fn put_transaction(&self, transaction: &Transaction, id: &FileId) -> io::Result<()> {
        self.replace(&self.path(transaction.as_str(), "tid"), id.as_str().as_bytes(), false)
    }

    /// Removes a file, its card first. Gives back its octets.
    pub(super) fn remove(&self, short: &ShortId) -> io::Result<u64> {
        gone(fs::remove_file(self.path(short.as_str(), "json")))?;
        let mut octets = 0;
        for path in [self.data(short), self.thumbnail(short)] {
            let size = fs::metadata(&path).map_or(0, |metadata| metadata.len());
            gone(fs::remove_file(&path))?;
            octets += size;
        }
        self.release(octets);
        Ok(octets)
    }

    fn release(&self, octets: u64) {
        let subtract = |used: u64| Some(used.saturating_sub(octets));
        // It always succeeds.
        self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, subtract).unwrap_or_default();
    }

    /// Throws away what is over at `now`, and what crashes left behind.
    pub(super) fn sweep(&self, now: Timestamp) -> io::Result<Swept> {
        let mut swept = Swept::default();
        let today = SystemTime::now();
        self.each(|path, metadata| {
            let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
            let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
            match extension {
                "json" => {
                    let (Ok(card), Some(short)) = (read_card(path), ShortId::parse(name)) else { return };
                    let over = match &card {
                        Some(card) => card.is_over(now),
                        None => is_stray(metadata, today),
                    };
                    if over && let Ok(octets) = self.remove(&short) {
                        let complete = card.is_none_or(|card| card.size.is_some());
                        *if complete { &mut swept.expired } else { &mut swept.abandoned } += 1;
                        swept.octets += octets;
                    }
                }
                "data" | "thumb" | "tid" | "new"
                    if is_stray(metadata, today) && !self.is_spoken_of(path, name, extension) =>
                {
                    let removed = fs::remove_file(path).is_ok();
                    if removed && is_content(path) {
                        self.release(metadata.len());
                        swept.octets += metadata.len();
                        swept.abandoned += u64::from(extension == "data");
                    }
                }
                _ => {}
            }
        })?;
        Ok(swept)
    }

    /// Whether there is a card for it.
    fn is_spoken_of(&self, path: &Path, name: &str, extension: &str) -> bool {
        match extension {
            "new" => false,
            "tid" => fs::read_to_string(path)
                .ok()
                .and_then(|id| FileId::parse(id.trim_end()))
                .is_some_and(|id| self.path(id.short().as_str(), "json").exists()),
            _ => self.path(name, "json").exists(),
        }
    }

    /// Every file of the folder, whoever put it there.
    fn each(&self, mut look: impl FnMut(&Path, &fs::Metadata)) -> io::Result<()> {
        for folder in fs::read_dir(&self.folder)? {
            let folder = folder?;
            if !folder.file_type()?.is_dir() {
                continue;
            }
            for file in fs::read_dir(folder.path())? {
                let file = file?;
                // It may have gone meanwhile.
                if let Ok(metadata) = file.metadata()
                    && metadata.is_file()
                {
                    look(&file.path(), &metadata);
                }
            }
        }
        Ok(())
    }
}

impl Room {
    /// So much is on the disk now; the rest is free again.
    pub(super) fn settle(mut self, octets: u64) {
        let kept = octets.min(self.octets);
        self.octets -= kept;
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.shelf.release(self.octets);
    }
}

fn is_stray(metadata: &fs::Metadata, today: SystemTime) -> bool {
    let age = metadata.modified().ok().and_then(|at| today.duration_since(at).ok());
    age.is_some_and(|age| age > STRAY)
}

fn is_content(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "data" || extension == "thumb")
}

fn read_card(path: &Path) -> io::Result<Option<Card>> {
    match fs::read(path) {
        Ok(octets) => Ok(serde_json::from_slice(&octets).ok()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn gone(removed: io::Result<()>) -> io::Result<()> {
    removed.or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })
}

/// Names of new files survive a loss of power only after this.
fn sync_folder(folder: &Path) -> io::Result<()> {
    fs::File::open(folder)?.sync_all()
}
