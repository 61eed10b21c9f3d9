//! Numbered places whose numbers are never mistaken: a place that is used again has another generation.

/// Names a thing until it is taken out; fits into a token of 64 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Slot {
    at: u32,
    generation: u32,
}

/// Things under numbers.
#[derive(Debug)]
pub(crate) struct Slots<T> {
    places: Vec<Place<T>>,
    free: Vec<u32>,
}

#[derive(Debug)]
struct Place<T> {
    generation: u32,
    thing: Option<T>,
}

impl Slot {
    /// As a ticket or a transaction remembers it.
    pub(crate) const fn token(self) -> u64 {
        (self.generation as u64) << 32 | self.at as u64
    }

    pub(crate) const fn of(token: u64) -> Self {
        Self { at: token as u32, generation: (token >> 32) as u32 }
    }
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Slots<T> {
    pub(crate) const fn new() -> Self {
        Self { places: Vec::new(), free: Vec::new() }
    }

    pub(crate) fn len(&self) -> usize {
        self.places.len() - self.free.len()
    }

    pub(crate) fn insert(&mut self, thing: T) -> Slot {
        match self.free.pop().and_then(|at| Some((at, self.places.get_mut(at as usize)?))) {
            Some((at, place)) => {
                place.thing = Some(thing);
                Slot { at, generation: place.generation }
            }
            None => {
                // Limits keep the number of things far below 2^32.
                let at = u32::try_from(self.places.len()).unwrap_or(u32::MAX);
                self.places.push(Place { generation: 0, thing: Some(thing) });
                Slot { at, generation: 0 }
            }
        }
    }

    pub(crate) fn get_mut(&mut self, slot: Slot) -> Option<&mut T> {
        let place = self.places.get_mut(slot.at as usize)?;
        place.thing.as_mut().filter(|_| place.generation == slot.generation)
    }

    pub(crate) fn get(&self, slot: Slot) -> Option<&T> {
        let place = self.places.get(slot.at as usize)?;
        place.thing.as_ref().filter(|_| place.generation == slot.generation)
    }

    pub(crate) fn remove(&mut self, slot: Slot) -> Option<T> {
        let place = self.places.get_mut(slot.at as usize)?;
        if place.generation != slot.generation {
            return None;
        }
        let thing = place.thing.take()?;
        place.generation = place.generation.wrapping_add(1);
        self.free.push(slot.at);
        Some(thing)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Slot, &T)> {
        self.places.iter().zip(0..).filter_map(|(place, at)| {
            place.thing.as_ref().map(|thing| (Slot { at, generation: place.generation }, thing))
        })
    }

    pub(crate) fn into_things(self) -> impl Iterator<Item = T> {
        self.places.into_iter().filter_map(|place| place.thing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_used_again_is_not_taken_for_the_one_before() {
        let mut slots = Slots::new();
        let a = slots.insert('a');
        assert_eq!(Slot::of(a.token()), a);
        assert_eq!(slots.remove(a), Some('a'));
        let b = slots.insert('b');
        assert_ne!(a, b);
        assert_eq!(slots.get(a), None);
        assert_eq!(slots.remove(a), None);
        assert_eq!((slots.get(b), slots.len()), (Some(&'b'), 1));
        if let Some(thing) = slots.get_mut(b) {
            *thing = 'c';
        }
        assert_eq!(slots.into_things().collect::<Vec<_>>(), ['c']);
    }
}
