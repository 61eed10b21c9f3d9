//! Vectors are written in hexadecimal, as the standards print them.

pub(crate) fn hex(digits: &str) -> Vec<u8> {
    let nibbles: Vec<u8> = digits
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| match c.to_digit(16) {
            Some(digit) => digit as u8,
            None => panic!("{c} is not a hexadecimal digit"),
        })
        .collect();
    let (pairs, odd) = nibbles.as_chunks::<2>();
    assert!(odd.is_empty(), "half an octet in {digits}");
    pairs.iter().map(|[high, low]| high << 4 | low).collect()
}
