//! KS C 5601 in its CP949 form: ASCII in one octet, everything else in two.
//!
//! CP949 holds all 11,172 modern Hangul syllables. The eight-octet composition that KS X 1001 offers for the
//! syllables it lacks is never written: no handset shows it.

use encoding_rs::{EUC_KR, EncoderResult};

use crate::alphabet::NotEncodable;

/// Octets encoded at a time; keeps the counting off the heap.
const CHUNK_OCTETS: usize = 256;

/// Appends the text's CP949 octets.
pub fn encode_into(text: &str, out: &mut Vec<u8>) -> Result<(), NotEncodable> {
    out.reserve(text.len());
    chunks(text, |octets| out.extend_from_slice(octets))
}

/// How many CP949 octets the text takes, or `None` when a character is outside the set.
pub fn octets(text: &str) -> Option<usize> {
    text.chars().try_fold(0, |sum, c| {
        Some(match c {
            '\0'..='\x7F' => sum + 1,
            // All of them are in the set, and looking them up there takes far longer.
            '가'..='힣' => sum + 2,
            _ => {
                chunks(c.encode_utf8(&mut [0; 4]), |_| {}).ok()?;
                sum + 2
            }
        })
    })
}

/// The text of these octets; octets that form no character read as U+FFFD.
pub fn decode(octets: &[u8]) -> String {
    let (text, _had_errors) = EUC_KR.decode_without_bom_handling(octets);
    text.into_owned()
}

/// Encodes piece by piece through a buffer on the stack.
fn chunks(text: &str, mut each: impl FnMut(&[u8])) -> Result<(), NotEncodable> {
    let mut encoder = EUC_KR.new_encoder();
    let mut buffer = [0; CHUNK_OCTETS];
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let (result, read, written) = encoder.encode_from_utf8_without_replacement(rest, &mut buffer, true);
        each(buffer.get(..written).unwrap_or_default());
        at += read;
        if let EncoderResult::Unmappable(c) = result {
            return Err(NotEncodable { at: at - c.len_utf8() });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_crosses_the_chunk_without_loss() {
        let text = "가a나".repeat(200);
        let mut out = Vec::new();
        encode_into(&text, &mut out).unwrap();
        assert_eq!(out.len(), 1_000);
        assert_eq!(octets(&text), Some(1_000));
        assert_eq!(decode(&out), text);
    }

    #[test]
    fn what_is_outside_the_set_is_an_error_with_its_place() {
        let mut out = Vec::new();
        assert_eq!(encode_into("한글 😀", &mut out), Err(NotEncodable { at: 7 }));
        assert_eq!(octets("é 한"), None);
    }

    #[test]
    fn counting_agrees_with_encoding_for_every_character() {
        let mut out = Vec::new();
        for c in '\0'..=char::MAX {
            out.clear();
            let text = c.encode_utf8(&mut [0; 4]).to_owned();
            let encoded = encode_into(&text, &mut out).ok().map(|()| out.len());
            assert_eq!(octets(&text), encoded, "U+{:04X}", u32::from(c));
            if ('가'..='힣').contains(&c) {
                assert_eq!(encoded, Some(2), "all syllables are in the set");
            }
        }
    }
}
