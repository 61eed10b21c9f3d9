//! Where a long text is cut: after the last grapheme cluster that fits.
//!
//! An escape pair, a surrogate pair and a two-octet Korean character are each one character, and a character
//! is never divided. A cluster is divided, between characters, only when it is longer than a whole segment.

use unicode_segmentation::UnicodeSegmentation;

use crate::alphabet::Alphabet;

/// Fills segments of `capacity` code units and reports the position, in code units, of every cut. Stops when
/// `each` says so.
pub(super) fn cuts(text: &str, alphabet: Alphabet, capacity: usize, mut each: impl FnMut(usize) -> bool) {
    let mut filling = Filling { capacity, used: 0, at: 0 };
    if text.chars().all(stands_alone) {
        // Characters are much quicker to walk than clusters.
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            let mut units = alphabet.char_units(c);
            if c == '\r'
                && let Some(lf) = chars.next_if_eq(&'\n')
            {
                units += alphabet.char_units(lf);
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

/// Characters that no rule of UAX 29 joins with another of them, CR LF apart. Not all there are: the everyday
/// letters of Europe and East Asia.
fn stands_alone(c: char) -> bool {
    matches!(c,
        '\0'..='\u{02FF}'                  // Latin
        | '\u{0370}'..='\u{0482}'          // Greek, Cyrillic
        | '\u{2010}'..='\u{2027}' | '€'    // punctuation
        | '\u{3000}'..='\u{3029}'
        | '\u{3041}'..='\u{3096}' | '\u{30A0}'..='\u{30FF}'
        | '\u{3131}'..='\u{318E}'          // Hangul letters that do not compose
        | '\u{4E00}'..='\u{9FFF}'
        | '가'..='힣'
        | '\u{FF01}'..='\u{FF60}')
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_alone_is_a_cluster_beside_every_kind_of_neighbour() {
        for c in ('\0'..=char::MAX).filter(|&c| stands_alone(c) && c != '\r' && c != '\n') {
            // A neighbour of each class that the rules name and that stands alone itself.
            let text: String = [c, c, 'a', c, '\r', c, '\n', c, '가', c, '각', c, '©', c].iter().collect();
            assert_eq!(text.graphemes(true).count(), text.chars().count(), "U+{:04X}", u32::from(c));
        }
    }
}
