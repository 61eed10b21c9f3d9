//! A script that sends many different messages to many different people, and only counts the answers.

use crate::line::Script;
use crate::wire::{self, Outgoing};

pub(crate) const SENDER: &[u8] = b"15881234";

pub(crate) struct Flood {
    /// `submit_sm` towards a gateway, `deliver_sm` towards Kannel.
    pub(crate) command: u32,
    pub(crate) receipt: bool,
    /// Messages of this line; without it, as many as there is time for.
    pub(crate) limit: Option<u64>,
    /// Which line of the run this is, so that no two lines write to the same people in the same order.
    pub(crate) line: u64,
}

impl Script for Flood {
    fn write(&mut self, number: u64, sequence: u32, out: &mut Vec<u8>) -> bool {
        if self.limit.is_some_and(|limit| number >= limit) {
            return false;
        }
        let mut to = *b"821000000000";
        digits(&mut to[4..], scatter(number ^ (self.line << 40)));
        let mut text = *b"Your parcel 0000000000 arrives today between 14 and 16 o'clock.";
        digits(&mut text[12..22], number);
        let message = Outgoing { from: SENDER, to: &to, receipt: self.receipt, octets: &text };
        wire::send(out, self.command, sequence, &message);
        true
    }

    fn answered(&mut self, _number: u64, _status: u32, _id: &[u8]) {}
}

/// Writes the last digits of a number over all of `into`.
pub(crate) fn digits(into: &mut [u8], mut number: u64) {
    for digit in into.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

/// A number that looks random and is the same each time (the finaliser of splitmix64).
pub(crate) fn scatter(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}
