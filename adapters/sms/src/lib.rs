//! The short message itself: alphabets, segmentation, reassembly, TPDU and RP, as values and octets.
//!
//! No socket, no clock, no randomness: octets and times come in, values and octets go out. Every decoder
//! is total over its input. Start with [`segment::segment`] for what leaves, [`user_data::decode_text`]
//! for what arrives.

mod octets;

pub mod alphabet;
pub mod cp949;
pub mod dcs;
pub mod gsm7;
pub mod latin1;
pub mod national;
pub mod reassemble;
pub mod rp;
pub mod segment;
pub mod tpdu;
pub mod ucs2;
pub mod udh;
pub mod user_data;

pub use alphabet::{Alphabet, NotEncodable};
pub use national::{Language, Shifts};
pub use octets::DecodeError;
pub use segment::{Count, Form, Profile, Segmentation, Unsendable, count, segment};
pub use udh::Udh;
pub use user_data::decode_text;
