//! SMPP 3.4 and 5.0 by clause: what goes in, what must come out.

mod answers;
mod frames;
mod ids;
mod pace;
mod peer;
mod properties;
mod receipts;
mod sessions;
mod times;
mod user_data;
mod vectors;
mod window;

use bytes::BytesMut;

/// Octets from hexadecimal digits; spaces are for the reader.
fn hex(digits: &str) -> Vec<u8> {
    let digits: Vec<_> = digits.chars().filter(|c| !c.is_whitespace()).collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(&pair.iter().collect::<String>(), 16).expect("hexadecimal"))
        .collect()
}

/// The one PDU of a vector.
fn only(digits: &str) -> smpp::frame::OwnedFrame {
    let batch = smpp::Framer::default().cut(&mut BytesMut::from(hex(digits).as_slice()));
    assert!(matches!(batch.end(), smpp::frame::End::NeedMore { .. }));
    let mut frames = batch.into_owned_frames();
    let frame = frames.next().expect("a whole PDU");
    assert!(frames.next().is_none(), "one PDU and no more");
    frame
}
