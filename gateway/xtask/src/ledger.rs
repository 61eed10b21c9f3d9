//! The independent ledger of a kill run: what was promised to the load side, what reached the sink, what was billed.
//!
//! Every message goes to a recipient of its own, so one number finds it again at the sink, in receipts and in usage
//! records. Promises are appended to a file the moment they are heard, before anything is compared.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::flood::digits;
use crate::sink::Judge;
use crate::wire::{self, Message};

/// The number of a message: the last eight digits of its recipient.
pub(crate) type Key = u64;

/// What is known of one message.
#[derive(Default)]
pub(crate) struct Entry {
    /// The id of the positive answer.
    pub(crate) promised: Option<String>,
    /// Whether its sender hears of receipts.
    pub(crate) over_smpp: bool,
    /// In which lives of the gateway it reached the sink.
    pub(crate) arrivals: Vec<u32>,
    /// Final receipts heard by the sender.
    pub(crate) receipts: u32,
    /// Usage records of the submission.
    pub(crate) billed: u32,
}

pub(crate) struct Ledger {
    keys: AtomicU64,
    /// Counts starts of the gateway.
    life: AtomicU32,
    inner: Mutex<Inner>,
}

struct Inner {
    entries: HashMap<Key, Entry>,
    /// By the id of the positive answer.
    ids: HashMap<String, Key>,
    file: File,
    /// What the sink received that nobody sent, or not as it was sent.
    strange: Vec<String>,
    /// Receipts that came before the answer that names their id, or whose answer was lost.
    early: HashMap<String, u32>,
}

/// Everything that must be zero, and what may happen at a kill.
#[derive(Default)]
pub(crate) struct Verdict {
    pub(crate) promised: u64,
    pub(crate) arrived: u64,
    pub(crate) lost: Vec<Key>,
    pub(crate) unbilled: Vec<Key>,
    pub(crate) billed_twice: Vec<Key>,
    /// Twice in one life of the gateway: no answer was lost, so there was no reason.
    pub(crate) duplicates_without_reason: Vec<Key>,
    /// Again in a later life, because the answer of the sink was lost with the earlier one.
    pub(crate) duplicates_at_a_kill: u64,
    pub(crate) without_receipt: Vec<Key>,
    /// Heard again, because our answer to the first was lost.
    pub(crate) receipts_repeated: u64,
    pub(crate) strange: Vec<String>,
}

impl Ledger {
    pub(crate) fn new(file: &Path) -> io::Result<Self> {
        Ok(Self {
            keys: AtomicU64::new(1),
            life: AtomicU32::new(0),
            inner: Mutex::new(Inner {
                entries: HashMap::new(),
                ids: HashMap::new(),
                file: File::create(file)?,
                strange: Vec::new(),
                early: HashMap::new(),
            }),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn next_life(&self) -> u32 {
        self.life.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(crate) fn next_key(&self) -> Key {
        self.keys.fetch_add(1, Ordering::Relaxed)
    }

    /// Messages written so far, answered or not.
    pub(crate) fn sent(&self) -> u64 {
        self.keys.load(Ordering::Relaxed) - 1
    }

    /// A positive answer was heard.
    pub(crate) fn promise(&self, key: Key, id: &str, over_smpp: bool) {
        let inner = &mut *self.lock();
        // What the file cannot take is in memory still; it is there for people who look into a failure.
        writeln!(inner.file, "{key}\t{id}").ok();
        let heard_early = inner.early.remove(id).unwrap_or_default();
        let entry = inner.entries.entry(key).or_default();
        entry.promised = Some(id.to_owned());
        entry.over_smpp = over_smpp;
        entry.receipts += heard_early;
        if let Some(other) = inner.ids.insert(id.to_owned(), key) {
            inner.strange.push(format!("the id {id} was given to {other} and to {key}"));
        }
    }

    /// A final receipt was heard.
    pub(crate) fn receipt(&self, id: &str) {
        let inner = &mut *self.lock();
        match inner.ids.get(id) {
            Some(key) => inner.entries.entry(*key).or_default().receipts += 1,
            None => *inner.early.entry(id.to_owned()).or_default() += 1,
        }
    }

    /// A usage record was read back.
    pub(crate) fn bill(&self, key: Key) {
        self.lock().entries.entry(key).or_default().billed += 1;
    }

    pub(crate) fn forget_bills(&self) {
        self.lock().entries.values_mut().for_each(|entry| entry.billed = 0);
    }

    /// What is still to come: promised messages that the sink has not, and receipts that the sender has not.
    pub(crate) fn open(&self) -> (usize, usize) {
        let inner = self.lock();
        let promised = || inner.entries.values().filter(|entry| entry.promised.is_some());
        let messages = promised().filter(|entry| entry.arrivals.is_empty()).count();
        let receipts = promised().filter(|entry| entry.over_smpp && entry.receipts == 0).count();
        (messages, receipts)
    }

    pub(crate) fn judge(&self) -> Verdict {
        let inner = self.lock();
        let mut verdict = Verdict { strange: inner.strange.clone(), ..Verdict::default() };
        for (key, entry) in &inner.entries {
            let arrived = !entry.arrivals.is_empty();
            verdict.promised += u64::from(entry.promised.is_some());
            verdict.arrived += u64::from(arrived);
            let find = |finding: bool, list: &mut Vec<Key>| {
                if finding {
                    list.push(*key);
                }
            };
            find(entry.promised.is_some() && !arrived, &mut verdict.lost);
            find((entry.promised.is_some() || arrived) && entry.billed == 0, &mut verdict.unbilled);
            find(entry.billed > 1, &mut verdict.billed_twice);
            let again_in_one_life = entry.arrivals.windows(2).any(|pair| pair[0] == pair[1]);
            find(again_in_one_life, &mut verdict.duplicates_without_reason);
            if !again_in_one_life {
                verdict.duplicates_at_a_kill += entry.arrivals.len().saturating_sub(1) as u64;
            }
            find(
                entry.promised.is_some() && entry.over_smpp && entry.receipts == 0,
                &mut verdict.without_receipt,
            );
            verdict.receipts_repeated += u64::from(entry.receipts.saturating_sub(1));
        }
        verdict
    }
}

impl Judge for Ledger {
    fn submitted(&self, _id: u64, message: &Message<'_>) -> u32 {
        let life = self.life.load(Ordering::Relaxed);
        let inner = &mut *self.lock();
        match key_of(message.to) {
            Some(key) if message.octets == text_of(key) => {
                inner.entries.entry(key).or_default().arrivals.push(life)
            }
            _ => inner.strange.push(format!(
                "the sink received something else: to {:?}, {:?}",
                String::from_utf8_lossy(message.to),
                String::from_utf8_lossy(message.octets)
            )),
        }
        wire::OK
    }
}

const COUNTRY_AND_NETWORK: &[u8] = b"8210";

/// The recipient of a message, without a plus.
pub(crate) fn recipient(key: Key) -> [u8; 12] {
    let mut to = *b"821000000000";
    digits(&mut to[4..], key);
    to
}

pub(crate) fn text_of(key: Key) -> [u8; 30] {
    let mut text = *b"Your code of today is 00000000";
    digits(&mut text[22..], key);
    text
}

/// The message that went to this recipient, however the number is written.
pub(crate) fn key_of(to: &[u8]) -> Option<Key> {
    let number = to.strip_prefix(b"+").unwrap_or(to).strip_prefix(COUNTRY_AND_NETWORK)?;
    std::str::from_utf8(number).ok().filter(|digits| digits.len() == 8)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ledger() -> (tempfile::TempDir, Ledger) {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::new(&folder.path().join("ledger")).unwrap();
        (folder, ledger)
    }

    fn arrive(ledger: &Ledger, key: Key) {
        let (to, text) = (recipient(key), text_of(key));
        ledger.submitted(
            1,
            &Message { from: b"1", to: &to, esm_class: 0, registered_delivery: 1, octets: &text },
        );
    }

    #[test]
    fn a_loss_a_missing_bill_and_a_missing_receipt_are_found() {
        let (_folder, ledger) = ledger();
        ledger.next_life();
        (1..=4).for_each(|key| ledger.promise(key, &format!("id{key}"), true));
        (1..=3).for_each(|key| arrive(&ledger, key));
        [1, 2].iter().for_each(|key| ledger.bill(*key));
        ledger.receipt("id1");
        assert_eq!(ledger.open(), (1, 3));
        let verdict = ledger.judge();
        assert_eq!(verdict.lost, [4]);
        assert_eq!(sorted(verdict.unbilled), [3, 4]);
        assert_eq!(sorted(verdict.without_receipt), [2, 3, 4]);
    }

    #[test]
    fn a_duplicate_is_excused_only_by_a_kill() {
        let (_folder, ledger) = ledger();
        ledger.next_life();
        arrive(&ledger, 1);
        arrive(&ledger, 2);
        arrive(&ledger, 2);
        ledger.next_life();
        arrive(&ledger, 1);
        let verdict = ledger.judge();
        assert_eq!(verdict.duplicates_at_a_kill, 1);
        assert_eq!(verdict.duplicates_without_reason, [2]);
    }

    #[test]
    fn a_second_bill_and_a_strange_text_are_found() {
        let (_folder, ledger) = ledger();
        ledger.bill(9);
        ledger.bill(9);
        let to = recipient(9);
        ledger.submitted(
            1,
            &Message { from: b"1", to: &to, esm_class: 0, registered_delivery: 0, octets: b"else" },
        );
        let verdict = ledger.judge();
        assert_eq!((verdict.billed_twice.as_slice(), verdict.strange.len()), (&[9][..], 1));
    }

    #[test]
    fn a_receipt_that_overtakes_its_answer_counts() {
        let (_folder, ledger) = ledger();
        ledger.receipt("id7");
        ledger.promise(7, "id7", true);
        arrive(&ledger, 7);
        assert_eq!(ledger.open(), (0, 0));
    }

    fn sorted(mut keys: Vec<Key>) -> Vec<Key> {
        keys.sort_unstable();
        keys
    }
}
