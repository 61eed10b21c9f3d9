//! ISO 8859-1, as SMPP's data_coding 3 carries it.

use crate::alphabet::NotEncodable;

/// Appends one octet per character.
pub fn encode_into(text: &str, out: &mut Vec<u8>) -> Result<(), NotEncodable> {
    out.reserve(text.len());
    for (at, c) in text.char_indices() {
        let Ok(octet) = u8::try_from(u32::from(c)) else {
            return Err(NotEncodable { at });
        };
        out.push(octet);
    }
    Ok(())
}

/// The characters of these octets; every octet is one.
pub fn decode(octets: &[u8]) -> String {
    octets.iter().map(|&octet| char::from(octet)).collect()
}
