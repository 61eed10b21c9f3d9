//! From the hash of a key to the place of the thing that has the key, in nine octets for each.
//!
//! Over UDP every answer is kept for 32 s, most of a million at full load. Many small tables grow one at a time; a
//! large one would stop everything while it does.

use hashbrown::HashTable;

/// Places by hash. The keys themselves, or their 128 bits, stay with the things.
#[derive(Debug)]
pub(crate) struct Index {
    /// Place, and 32 bits of the hash to find it and to grow by; the table is chosen by other bits.
    tables: Vec<HashTable<(u32, u32)>>,
    len: usize,
}

const TABLES: usize = 1 << 8;

impl Default for Index {
    fn default() -> Self {
        Self { tables: (0..TABLES).map(|_| HashTable::new()).collect(), len: 0 }
    }
}

const fn table(hash: u128) -> usize {
    (hash >> 32) as usize % TABLES
}

/// The table takes its bucket from the lowest bits and its tag from the highest seven.
const fn spread(part: u32) -> u64 {
    ((part as u64) << 32) | part as u64
}

impl Index {
    pub(crate) fn find(&self, hash: u128, mut is: impl FnMut(u32) -> bool) -> Option<u32> {
        let part = hash as u32;
        let table = self.tables.get(table(hash))?;
        table.find(spread(part), |(at, theirs)| *theirs == part && is(*at)).map(|(at, _)| *at)
    }

    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// Adds a place that is not in it yet.
    pub(crate) fn insert(&mut self, hash: u128, at: u32) {
        let part = hash as u32;
        if let Some(table) = self.tables.get_mut(table(hash)) {
            table.insert_unique(spread(part), (at, part), |(_, part)| spread(*part));
            self.len += 1;
        }
    }

    pub(crate) fn remove(&mut self, hash: u128, at: u32) {
        let part = hash as u32;
        let Some(table) = self.tables.get_mut(table(hash)) else { return };
        if let Ok(entry) = table.find_entry(spread(part), |(theirs, _)| *theirs == at) {
            entry.remove();
            self.len -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Hashes that agree in the part that is kept are told apart by whoever keeps the whole.
        #[test]
        fn finds_what_was_put_in(steps in proptest::collection::vec((any::<bool>(), 0_u128..50), 0..400)) {
            let whole = |key: u128| (key << 64) | (key % 3) << 32 | (key % 7);
            let mut index = Index::default();
            let mut model = std::collections::BTreeSet::new();
            for (insert, key) in steps {
                let found = index.find(whole(key), |at| u128::from(at) == key);
                prop_assert_eq!(found.map(u128::from), model.get(&key).copied());
                match (insert, found) {
                    (true, None) => {
                        index.insert(whole(key), key as u32);
                        model.insert(key);
                    }
                    (false, Some(at)) => {
                        index.remove(whole(key), at);
                        model.remove(&key);
                    }
                    _ => {}
                }
                prop_assert_eq!(index.len(), model.len());
            }
        }
    }
}
