//! What is known of a file, beside it on the disk.

use model::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::id::{FileId, ShortId};

/// Written as JSON. No `Debug`: names of files and people stay out of logs.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Card {
    /// Digits of the [`FileId`].
    pub(super) id: String,
    pub(super) owner: Owner,
    /// Clean.
    pub(super) name: String,
    pub(super) content_type: String,
    /// Octets; `None` until the upload is complete.
    pub(super) size: Option<u64>,
    pub(super) thumbnail: Option<Thumbnail>,
    pub(super) until_us: i64,
}

#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Thumbnail {
    pub(super) content_type: String,
    pub(super) size: u64,
}

impl Card {
    /// `None` for what was tampered with.
    pub(super) fn id(&self) -> Option<FileId> {
        FileId::parse(&self.id)
    }

    /// Whether this is its whole name. Takes the same time wherever they differ.
    pub(super) fn is_named(&self, id: &FileId) -> bool {
        self.id.as_bytes().ct_eq(id.as_str().as_bytes()).into()
    }

    pub(super) const fn until(&self) -> Timestamp {
        Timestamp::from_micros(self.until_us)
    }

    pub(super) fn is_over(&self, now: Timestamp) -> bool {
        self.until() <= now
    }

    /// The content under a name never changes, so its name is its version; the name itself is not told.
    pub(super) fn etag(&self, part: &str) -> String {
        format!("\"{}\"", hex(&Sha256::digest(format!("{part} {}", self.id)), 10))
    }
}

/// Whose file it is: enough to recognise its owner, not to read who it is.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct Owner(String);

impl Owner {
    /// A device's user.
    pub(super) fn user(user: &str) -> Self {
        Self::of("user", user)
    }

    /// An account or a messenger.
    pub(super) fn peer(name: &str) -> Self {
        Self::of("peer", name)
    }

    fn of(kind: &str, name: &str) -> Self {
        Self(hex(&Sha256::digest(format!("{kind} {name}")), 16))
    }

    /// Where the file of an upload transaction of this owner is noted.
    pub(super) fn transaction(&self, tid: &[u8]) -> Transaction {
        Transaction(hex(&Sha256::digest([self.0.as_bytes(), b" ", tid].concat()), 16))
    }
}

/// An upload transaction of somebody; names a note on the disk.
#[derive(Clone)]
pub(super) struct Transaction(String);

impl Transaction {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// The first octets in hexadecimal.
fn hex(octets: &[u8], octets_max: usize) -> String {
    let digit = |nibble: u8| char::from_digit(nibble.into(), 16);
    octets
        .iter()
        .take(octets_max)
        .flat_map(|octet| [digit(octet >> 4), digit(octet & 15)])
        .flatten()
        .collect()
}

/// The short name of a card.
pub(super) fn short(card: &Card) -> Option<ShortId> {
    card.id().map(|id| id.short())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_has_another_one_s_transaction() {
        let transaction = |owner: Owner, tid: &str| owner.transaction(tid.as_bytes()).as_str().to_owned();
        let mine = transaction(Owner::user("821011110001"), "t");
        assert_eq!(mine, transaction(Owner::user("821011110001"), "t"));
        assert_eq!(mine.len(), 32);
        for other in [
            transaction(Owner::user("821011110002"), "t"),
            transaction(Owner::user("821011110001"), "u"),
            transaction(Owner::peer("821011110001"), "t"),
        ] {
            assert_ne!(mine, other);
        }
    }

    #[test]
    fn a_card_survives_the_disk_and_knows_its_name() {
        let id = FileId::new([1, 2]);
        let card = Card {
            id: id.as_str().to_owned(),
            owner: Owner::user("x"),
            name: "a.jpg".to_owned(),
            content_type: "image/jpeg".to_owned(),
            size: Some(5),
            thumbnail: None,
            until_us: 10,
        };
        let read: Card = serde_json::from_str(&serde_json::to_string(&card).unwrap()).unwrap();
        assert!(read.is_named(&id) && !read.is_named(&FileId::new([1, 3])));
        assert!(read.is_over(Timestamp::from_micros(10)) && !read.is_over(Timestamp::from_micros(9)));
        assert_ne!(read.etag("file"), read.etag("thumbnail"));
        assert!(!read.etag("file").contains(id.short().as_str()));
    }
}
