//! Where a long text is cut: after the last grapheme cluster that fits.
//!
//! An escape pair, a surrogate pair and a two-octet Korean character are each one character, and a character
//! is never divided. A cluster is divided, between characters, only when it is longer than a whole segment.

use unicode_segmentation::UnicodeSegmentation;

use crate::alphabet::Alphabet;

/// Fills segments of `capacity` code units and reports the position, in code units, of every cut. Stops when
/// `each` says so.
pub(super) fn cuts(text: &str, alphabet: Alphabet, capacity: usize, mut each: impl FnMut(usize) -> bool) {
    // CR LF is the only cluster of two characters that these alphabets can spell, and characters are quicker
    // to walk than clusters.
    let mut filling = Filling { capacity, used: 0, at: 0 };
    if matches!(alphabet, Alphabet::Gsm7 | Alphabet::Latin1) {
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            let mut units = alphabet.char_units(c);
            if c == '\r' && chars.next_if_eq(&'\n').is_some() {
                units += 1;
            }
            if filling.add(units).is_some_and(|cut| !each(cut)) {
                return;
            }
        }
        return;
    }
    for cluster in text.graphemes(true) {
        let units: usize = cluster.chars().map(|c| alphabet.char_units(c)).sum();
        if units <= capacity {
            if filling.add(units).is_some_and(|cut| !each(cut)) {
                return;
            }
            continue;
        }
        for c in cluster.chars() {
            if filling.add(alphabet.char_units(c)).is_some_and(|cut| !each(cut)) {
                return;
            }
        }
    }
}

struct Filling {
    capacity: usize,
    used: usize,
    at: usize,
}

impl Filling {
    /// Adds what may not be divided; the position of the cut, when one falls in front of it.
    fn add(&mut self, units: usize) -> Option<usize> {
        debug_assert!(units <= self.capacity, "a segment holds at least one character");
        let cut = (self.used + units > self.capacity).then_some(self.at);
        if cut.is_some() {
            self.used = 0;
        }
        self.used += units;
        self.at += units;
        cut
    }
}
