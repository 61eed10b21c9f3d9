//! How entries and contents stand in the database: a format version, a checksum, and the values.
//!
//! A journal row carries its own number and time inside what its digest covers, so that a flipped bit, a
//! torn page and two rows that changed places are all found when the row is read. Contents have a checksum
//! inside their own octets instead of one in the journal: when they are erased nothing may stay behind by
//! which a text could be guessed.

use engine::journal::{Batch, Entry};
use model::{Content, MessageId, Timestamp};
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};

use crate::StoreError;

/// Raised when entries are written in another way. From the first release on, older versions stay readable.
const FORMAT: u8 = 3;

/// Version, batch number, time, and what stands for the rest of the batch.
const JOURNAL_HEAD: usize = 1 + 8 + 8 + 8;

/// Octets of a checksum over contents.
const CHECK: usize = 8;

pub(crate) type Digest32 = [u8; 32];

/// The payload of a journal row and its digest. `rest` stands for what the batch holds beside entries, so
/// that a replay is told from another batch with the same entries.
pub(crate) fn journal(batch: &Batch, rest: u64) -> Result<(Vec<u8>, Digest32), StoreError> {
    let mut payload = Vec::with_capacity(JOURNAL_HEAD + batch.entries.len() * 160);
    payload.push(FORMAT);
    payload.extend_from_slice(&batch.seq.to_be_bytes());
    payload.extend_from_slice(&batch.at.micros().to_be_bytes());
    payload.extend_from_slice(&rest.to_be_bytes());
    let payload = append(batch.seq, &batch.entries, payload)?;
    let digest = Sha256::digest(&payload).into();
    Ok((payload, digest))
}

/// Reads a journal row back, strictly.
pub(crate) fn read_journal(
    seq: u64,
    at: Timestamp,
    digest: &[u8],
    payload: &[u8],
) -> Result<Vec<Entry>, StoreError> {
    let corrupt = |what| StoreError::Corrupt { seq, what };
    if Sha256::digest(payload).as_slice() != digest {
        return Err(corrupt("the entries do not match their digest"));
    }
    let Some((head, values)) = payload.split_at_checked(JOURNAL_HEAD) else {
        return Err(corrupt("the entries are cut short"));
    };
    if head.first() != Some(&FORMAT) {
        return Err(corrupt("the entries are in an unknown format"));
    }
    if head.get(1..9) != Some(&seq.to_be_bytes()) || head.get(9..17) != Some(&at.micros().to_be_bytes()) {
        return Err(corrupt("the entries belong to another batch"));
    }
    values_of(values).ok_or_else(|| corrupt("the entries cannot be read"))
}

/// The contents of one batch, or of one message.
pub(crate) fn contents(seq: u64, contents: &[(MessageId, &Content)]) -> Result<Vec<u8>, StoreError> {
    let octets: usize = contents.iter().map(|(_, content)| content.octets() + 16).sum();
    let mut framed = Vec::with_capacity(1 + CHECK + 8 + octets);
    framed.push(FORMAT);
    framed.extend_from_slice(&[0; CHECK]);
    let mut framed = append(seq, contents, framed)?;
    let check = check(framed.get(1 + CHECK..).unwrap_or_default());
    if let Some(place) = framed.get_mut(1..=CHECK) {
        place.copy_from_slice(&check);
    }
    Ok(framed)
}

pub(crate) fn read_contents(seq: u64, framed: &[u8]) -> Result<Vec<(MessageId, Content)>, StoreError> {
    let corrupt = |what| StoreError::Corrupt { seq, what };
    let Some((head, values)) = framed.split_at_checked(1 + CHECK) else {
        return Err(corrupt("the contents are cut short"));
    };
    if head.first() != Some(&FORMAT) {
        return Err(corrupt("the contents are in an unknown format"));
    }
    if head.get(1..) != Some(&check(values)) {
        return Err(corrupt("the contents do not match their checksum"));
    }
    values_of(values).ok_or_else(|| corrupt("the contents cannot be read"))
}

fn append<T: Serialize + ?Sized>(seq: u64, values: &T, into: Vec<u8>) -> Result<Vec<u8>, StoreError> {
    postcard::to_extend(values, into)
        .map_err(|_| StoreError::Corrupt { seq, what: "the entries cannot be written" })
}

/// Everything, or nothing: octets left over are damage too.
fn values_of<T: DeserializeOwned>(octets: &[u8]) -> Option<T> {
    let (values, rest) = postcard::take_from_bytes(octets).ok()?;
    rest.is_empty().then_some(values)
}

fn check(octets: &[u8]) -> [u8; CHECK] {
    let digest: Digest32 = Sha256::digest(octets).into();
    let mut check = [0; CHECK];
    check.copy_from_slice(digest.first_chunk::<CHECK>().unwrap_or(&[0; CHECK]));
    check
}

#[cfg(test)]
mod tests {
    use engine::journal::Event;
    use model::ChannelId;

    use super::*;

    fn batch() -> Batch {
        let message = MessageId::from_u64(77).expect("an id");
        let event = Event::Sent { channel: ChannelId(3), parts: std::iter::empty().collect() };
        let at = Timestamp::from_secs(9);
        Batch { seq: 5, at, entries: vec![Entry { message, at, event }], ..Batch::default() }
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_found() {
        let batch = batch();
        let (payload, digest) = journal(&batch, 1).expect("encodes");
        assert_eq!(read_journal(5, batch.at, &digest, &payload).as_deref(), Ok(&*batch.entries));
        for bit in 0..payload.len() * 8 {
            let mut damaged = payload.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(read_journal(5, batch.at, &digest, &damaged).is_err(), "bit {bit}");
        }
        for length in 0..payload.len() {
            assert!(read_journal(5, batch.at, &digest, &payload[..length]).is_err(), "cut at {length}");
        }
    }

    #[test]
    fn rows_that_changed_places_are_found() {
        let batch = batch();
        let (payload, digest) = journal(&batch, 1).expect("encodes");
        assert!(read_journal(6, batch.at, &digest, &payload).is_err());
        assert!(read_journal(5, Timestamp::ZERO, &digest, &payload).is_err());
    }

    #[test]
    fn a_replay_is_told_from_another_batch_with_the_same_entries() {
        let (one, other) = (journal(&batch(), 1).expect("encodes"), journal(&batch(), 2).expect("encodes"));
        assert_ne!(one.1, other.1);
        assert_eq!(one, journal(&batch(), 1).expect("encodes"));
    }

    #[test]
    fn damaged_contents_are_found() {
        let content = Content::Text("hello".into());
        let message = MessageId::from_u64(77).expect("an id");
        let framed = contents(5, &[(message, &content)]).expect("encodes");
        assert_eq!(read_contents(5, &framed), Ok(vec![(message, content)]));
        for bit in 0..framed.len() * 8 {
            let mut damaged = framed.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(read_contents(5, &damaged).is_err(), "bit {bit}");
        }
    }
}
