//! Numbered places for many small things, in pieces, so that growing neither copies nor doubles.

/// Places to a piece.
const PIECE: usize = 1024;

/// Things under numbers that are reused. Memory is that of the most things ever held at once, rounded up to a piece.
#[derive(Debug)]
pub(crate) struct Slab<T> {
    pieces: Vec<Vec<Place<T>>>,
    /// First free place, as a chain through the free ones.
    free: u32,
    len: usize,
}

#[derive(Debug)]
enum Place<T> {
    Used(T),
    Free(u32),
}

/// No place.
pub(crate) const NONE: u32 = u32::MAX;

const fn split(at: u32) -> (usize, usize) {
    (at as usize / PIECE, at as usize % PIECE)
}

impl<T> Slab<T> {
    pub(crate) const fn new() -> Self {
        Self { pieces: Vec::new(), free: NONE, len: 0 }
    }

    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// Puts a thing somewhere.
    pub(crate) fn insert(&mut self, thing: T) -> u32 {
        self.len += 1;
        if self.free != NONE {
            let at = self.free;
            let (piece, place) = split(at);
            if let Some(cell @ Place::Free(_)) = self.pieces.get_mut(piece).and_then(|p| p.get_mut(place)) {
                if let Place::Free(next) = std::mem::replace(cell, Place::Used(thing)) {
                    self.free = next;
                }
                return at;
            }
            unreachable!("the chain of free places leads through free places");
        }
        if self.pieces.last().is_none_or(|piece| piece.len() == PIECE) {
            self.pieces.push(Vec::with_capacity(PIECE));
        }
        let before = (self.pieces.len() - 1) * PIECE;
        let Some(piece) = self.pieces.last_mut() else { unreachable!("one was just pushed") };
        let at = before + piece.len();
        piece.push(Place::Used(thing));
        assert!(at < NONE as usize, "limits keep the number of things far below 2^32");
        at as u32
    }

    pub(crate) fn get(&self, at: u32) -> Option<&T> {
        let (piece, place) = split(at);
        match self.pieces.get(piece)?.get(place)? {
            Place::Used(thing) => Some(thing),
            Place::Free(_) => None,
        }
    }

    pub(crate) fn get_mut(&mut self, at: u32) -> Option<&mut T> {
        let (piece, place) = split(at);
        match self.pieces.get_mut(piece)?.get_mut(place)? {
            Place::Used(thing) => Some(thing),
            Place::Free(_) => None,
        }
    }

    pub(crate) fn remove(&mut self, at: u32) -> Option<T> {
        let (piece, place) = split(at);
        let cell = self.pieces.get_mut(piece)?.get_mut(place)?;
        if matches!(cell, Place::Free(_)) {
            return None;
        }
        let Place::Used(thing) = std::mem::replace(cell, Place::Free(self.free)) else { return None };
        self.free = at;
        self.len -= 1;
        Some(thing)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn behaves_like_a_map(steps in proptest::collection::vec((any::<bool>(), 0_u32..40), 0..400)) {
            let mut slab = Slab::new();
            let mut model = std::collections::BTreeMap::new();
            let mut most = 0;
            for (step, (insert, at)) in steps.into_iter().enumerate() {
                if insert {
                    let at = slab.insert(step);
                    prop_assert!(model.insert(at, step).is_none());
                } else {
                    prop_assert_eq!(slab.remove(at), model.remove(&at));
                }
                most = most.max(model.len());
                prop_assert_eq!(slab.len(), model.len());
                prop_assert_eq!(slab.get(at).copied(), model.get(&at).copied());
                prop_assert!(model.keys().all(|at| (*at as usize) < most), "free places are used first");
            }
        }
    }
}
