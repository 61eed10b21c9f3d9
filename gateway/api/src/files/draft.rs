//! A file that is being received.

use std::sync::Arc;

use tokio::{fs::File, io::AsyncWriteExt as _};
use tokio_util::sync::CancellationToken;

use super::{
    FileEvent, Files,
    answer::{self, Stop},
    blocking,
    card::{Card, Owner, Thumbnail, Transaction},
    id::FileId,
    shelf::Room,
    turns::Turn,
};
use crate::Problem;

/// Octets that wait for the disk, of one upload.
const UNWRITTEN_OCTETS_MAX: usize = 128 << 10;

/// What is known before the content comes.
pub(super) struct Beginning {
    pub(super) owner: Owner,
    /// With one, an interrupted upload can go on.
    pub(super) transaction: Option<Transaction>,
    /// Clean.
    pub(super) name: String,
    pub(super) content_type: String,
    /// Its type and its octets.
    pub(super) thumbnail: Option<(String, Vec<u8>)>,
}

/// See the module. Ends with [`Draft::complete`] or [`Draft::leave`].
pub(super) struct Draft {
    files: Arc<Files>,
    id: FileId,
    card: Card,
    file: File,
    /// Octets of content.
    stored: u64,
    /// Octets on the disk that are not of this upload's room.
    settled: u64,
    octets_max: u64,
    room: Room,
    turn: Turn,
    /// Whether somebody can go on with it.
    resumable: bool,
}

impl Draft {
    /// Makes the file, and notes the transaction.
    pub(super) async fn begin(files: Arc<Files>, from: Beginning, room: Room) -> Result<Self, Stop> {
        let limits = files.limits.load_full();
        let id = files.new_id();
        let thumbnail = from.thumbnail.as_ref();
        let thumbnail = thumbnail
            .map(|(kind, octets)| Thumbnail { content_type: kind.clone(), size: octets.len() as u64 });
        let card = Card {
            id: id.as_str().to_owned(),
            owner: from.owner,
            name: from.name,
            content_type: from.content_type,
            size: None,
            thumbnail,
            until_us: files.until(limits.unfinished_keep),
        };
        // Two that begin at the same time must not both find nothing to forget.
        let _order = match &from.transaction {
            Some(transaction) => {
                let order = files.turns.take(transaction.as_str()).await;
                forget(&files, transaction.clone()).await?;
                Some(order)
            }
            None => None,
        };
        let turn = files.turns.take(id.short().as_str()).await;
        let (shelf, written, resumable) = (files.shelf.clone(), card.clone(), from.transaction.is_some());
        let file = blocking(move || {
            let file = shelf.create(&id.short())?;
            if let Some((_, octets)) = &from.thumbnail {
                shelf.put_thumbnail(&id.short(), octets)?;
            }
            if let Some(transaction) = &from.transaction {
                shelf.put_card(&written)?;
                shelf.put_transaction(transaction, &id)?;
            }
            Ok(file)
        })
        .await?;
        let octets_max = limits.octets_max;
        Ok(Self {
            file: bounded(file),
            files,
            id,
            card,
            stored: 0,
            settled: 0,
            octets_max,
            room,
            turn,
            resumable,
        })
    }

    /// Goes on with what has arrived before.
    pub(super) async fn go_on(
        files: Arc<Files>,
        (id, card): (FileId, Card),
        room: Room,
        turn: Turn,
    ) -> Result<Self, Problem> {
        let shelf = files.shelf.clone();
        let (file, stored) =
            blocking(move || shelf.append(&id.short())).await.map_err(|error| answer::disk(&error))?;
        let octets_max = files.limits.load().octets_max;
        let thumbnail = card.thumbnail.as_ref().map_or(0, |thumbnail| thumbnail.size);
        let settled = stored + thumbnail;
        Ok(Self {
            file: bounded(file),
            files,
            id,
            card,
            stored,
            settled,
            octets_max,
            room,
            turn,
            resumable: true,
        })
    }

    /// Fires when somebody else goes on with it.
    pub(super) fn stop(&self) -> CancellationToken {
        self.turn.stop.clone()
    }

    /// Octets of content so far.
    pub(super) const fn stored(&self) -> u64 {
        self.stored
    }

    /// More of the content.
    pub(super) async fn write(&mut self, octets: &[u8]) -> Result<(), Stop> {
        if self.stored + octets.len() as u64 > self.octets_max {
            return Err(answer::too_large(self.octets_max).into());
        }
        self.file.write_all(octets).await?;
        self.stored += octets.len() as u64;
        self.files.observe(FileEvent::Received(octets.len() as u64));
        Ok(())
    }

    /// All is there: from now on it can be fetched, also after a loss of power.
    pub(super) async fn complete(mut self) -> Result<(FileId, Card), Problem> {
        let keep = self.files.limits.load().keep;
        self.card.size = Some(self.stored);
        self.card.until_us = self.files.until(keep);
        let (shelf, card) = (self.files.shelf.clone(), self.card.clone());
        let written = match self.file.sync_all().await {
            Ok(()) => blocking(move || shelf.put_card(&card)).await,
            Err(error) => Err(error),
        };
        if let Err(error) = written {
            let problem = answer::disk(&error);
            return Err(self.leave(problem.into()).await);
        }
        self.files.observe(FileEvent::Stored(self.stored));
        let (files, id, card) = (self.files.clone(), self.id, self.card.clone());
        self.settle();
        files.observe(FileEvent::Space(files.shelf.used()));
        Ok((id, card))
    }

    /// All that was announced has come, and more is missing.
    pub(super) async fn pause(self) -> Result<(FileId, u64), Problem> {
        if let Err(error) = self.file.sync_data().await {
            let problem = answer::disk(&error);
            return Err(self.leave(problem.into()).await);
        }
        let (id, stored) = (self.id, self.stored);
        self.settle();
        Ok((id, stored))
    }

    /// No more comes, or no more is taken. What has arrived stays where somebody can go on with it.
    pub(super) async fn leave(self, stop: Stop) -> Problem {
        // What is buffered counts as stored only when it is.
        let flushed = self.file.sync_data().await;
        let (problem, kept) = match stop {
            Stop::Broken(broken) => (broken.into(), self.resumable && flushed.is_ok() && self.stored > 0),
            Stop::Refused(problem) => (problem, false),
        };
        let (files, id) = (self.files.clone(), self.id);
        // Nobody else may begin before it is gone.
        let _turn = self.settle();
        if !kept {
            let shelf = files.shelf.clone();
            if let Err(error) = blocking(move || shelf.remove(&id.short())).await {
                tracing::warn!(kind = ?error.kind(), "a file that was not taken could not be removed");
            }
        }
        files.observe(FileEvent::Space(files.shelf.used()));
        problem
    }

    /// What is on the disk is used from now on; the rest of the room is free.
    fn settle(self) -> Turn {
        let thumbnail = self.card.thumbnail.as_ref().map_or(0, |thumbnail| thumbnail.size);
        let on_disk = self.files.shelf.stored(&self.id.short()) + thumbnail;
        self.room.settle(on_disk.saturating_sub(self.settled));
        self.turn
    }
}

/// What this transaction was before: a device that begins anew wants nothing of it. A complete file stays, as others
/// may know of it.
async fn forget(files: &Files, transaction: Transaction) -> Result<(), Stop> {
    let shelf = files.shelf.clone();
    let Some(old) = blocking(move || shelf.transaction(&transaction)).await? else { return Ok(()) };
    let _turn = files.turns.take(old.short().as_str()).await;
    let shelf = files.shelf.clone();
    blocking(move || {
        let unfinished = shelf.card(&old.short())?.is_some_and(|card| card.size.is_none());
        if unfinished { shelf.remove(&old.short()).map(drop) } else { Ok(()) }
    })
    .await?;
    Ok(())
}

fn bounded(file: std::fs::File) -> File {
    let mut file = File::from_std(file);
    file.set_max_buf_size(UNWRITTEN_OCTETS_MAX);
    file
}
