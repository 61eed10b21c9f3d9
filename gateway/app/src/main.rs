//! The composition root and the one binary.
fn main() {}
