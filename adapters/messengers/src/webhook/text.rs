//! Text rules (messengers sheet §9.3, §9.4).

use unicode_normalization::{UnicodeNormalization, is_nfc};
use unicode_segmentation::UnicodeSegmentation;

/// Graphemes of a quoted message.
const QUOTE_GRAPHEMES: usize = 20;

/// NFC, for some devices send Hangul in pieces at three times the size, and LF line ends.
pub(super) fn normal(text: &str) -> String {
    let text: String = if is_nfc(text) { text.to_owned() } else { text.nfc().collect() };
    if text.contains('\r') { text.replace("\r\n", "\n").replace('\r', "\n") } else { text }
}

/// The beginning of the message that `text` answers, on a line of its own above it.
pub(super) fn quoted(quote: &str, text: &str) -> String {
    let quote = normal(quote);
    let first: String = quote.trim().graphemes(true).take(QUOTE_GRAPHEMES).collect();
    if first.is_empty() { text.to_owned() } else { format!("> {}\n{text}", first.replace('\n', " ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hangul_in_pieces_becomes_syllables() {
        assert_eq!(normal("\u{1112}\u{1161}\u{11ab}\r\n글\r끝"), "한\n글\n끝");
    }

    #[test]
    fn a_quote_is_cut_between_graphemes() {
        let family = "👨‍👩‍👧‍👦".repeat(30);
        assert_eq!(quoted(&family, "네"), format!("> {}\n네", "👨‍👩‍👧‍👦".repeat(20)));
        assert_eq!(quoted("두 줄\n입니다", "네"), "> 두 줄 입니다\n네");
        assert_eq!(quoted(" ", "네"), "네");
    }
}
