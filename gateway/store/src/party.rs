//! Finding messages by who they are from or to, without an index per message.
//!
//! Each batch keeps the sorted 32-bit hashes of its parties. A search looks for four octets in these lists
//! and reads only the batches where it finds them; what it reads decides, so a collision costs a little
//! time and never a wrong answer.

use engine::journal::{Accepted, Batch, Event};
use model::{Address, For, Msisdn};

/// A batch of this many acceptances has at most eight times as many parties.
const WIDTH: usize = 4;

/// FNV-1a. Part of the database: changing it needs a new column.
pub(crate) fn hash(party: &str) -> [u8; WIDTH] {
    let mut hash: u32 = 0x811c_9dc5;
    for octet in party.bytes() {
        hash = (hash ^ u32::from(octet)).wrapping_mul(0x0100_0193);
    }
    hash.to_be_bytes()
}

/// The hashes of everyone who takes part in the messages accepted here, one after the other.
pub(crate) fn hashes(batch: &Batch) -> Vec<u8> {
    let mut hashes = Vec::with_capacity(batch.entries.len() * 2);
    for entry in &batch.entries {
        if let Event::Accepted(accepted) = &entry.event {
            each(accepted, |party| hashes.push(hash(party)));
        }
    }
    hashes.sort_unstable();
    hashes.dedup();
    hashes.concat()
}

pub(crate) fn takes_part(accepted: &Accepted, party: &str) -> bool {
    let mut found = false;
    each(accepted, |one| found |= one == party);
    found
}

/// As written by the sender, as shown to the recipient, and in E.164 form.
fn each(accepted: &Accepted, mut visit: impl FnMut(&str)) {
    let submission = &accepted.submission;
    let (from, to) = (text(submission.from.reveal(For::Record)), text(submission.to.reveal(For::Record)));
    visit(from);
    visit(to);
    for shown in [&accepted.plan.from, &accepted.plan.to].into_iter().flatten() {
        visit(text(shown.reveal(For::Record)));
    }
    for (number, written) in [(accepted.metered.from, from), (accepted.metered.to, to)] {
        if let Some(digits) = number.map(Msisdn::digits)
            && digits != written
        {
            visit(&digits);
        }
    }
}

fn text(address: &Address) -> &str {
    match address {
        Address::Number(number) => &number.digits,
        Address::User(user) => &user.id,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_never_changes() {
        // Vectors of FNV-1a, 32 bit: the empty text and "a".
        assert_eq!(hash(""), [0x81, 0x1c, 0x9d, 0xc5]);
        assert_eq!(hash("a"), [0xe4, 0x0c, 0x29, 0x2c]);
    }
}
