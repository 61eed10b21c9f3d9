//! The newest things under their keys, within a limit: what is forgotten was of no more use, or costs a nicety.

use std::{borrow::Borrow, hash::Hash};

use hashbrown::HashMap;

/// Two generations, each within the limit: the older one goes as a whole.
#[derive(Debug)]
pub(super) struct Recent<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
}

impl<K, V> Default for Recent<K, V> {
    fn default() -> Self {
        Self { young: HashMap::new(), old: HashMap::new() }
    }
}

impl<K: Eq + Hash, V> Recent<K, V> {
    pub(super) fn insert(&mut self, key: K, thing: V, max: usize) {
        if self.young.len() >= max {
            // The room stays: growing into it again would stop everything each time.
            std::mem::swap(&mut self.old, &mut self.young);
            self.young.clear();
        }
        self.young.insert(key, thing);
    }

    pub(super) fn get<Q>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.young.get(key).or_else(|| self.old.get(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_are_remembered_within_the_limit() {
        let mut recent = Recent::default();
        for key in 1..=15 {
            recent.insert(key, key * 10, 10);
        }
        assert_eq!(recent.get(&1), Some(&10));
        for key in 16..40 {
            recent.insert(key, key * 10, 10);
        }
        assert_eq!(recent.get(&1), None);
        assert_eq!(recent.get(&39), Some(&390));
        assert!(recent.young.len() + recent.old.len() <= 20);
    }
}
