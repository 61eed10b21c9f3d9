//! Rows as records of decimal digits of fixed width, for statements that take many rows in one value.

use billing::UsageRecord;
use engine::journal::FactChange;
use model::{MessageId, Msisdn};

use crate::columns;

/// Octets of a usage record; the places are those in `sql::SESSION`.
const USAGE: usize = 144;
const CAUSE: usize = 25;

/// Records, and beside them what few of them have: a parent and a charging id.
pub(super) fn usage(records: &[UsageRecord]) -> (Vec<u8>, Vec<u8>) {
    let mut packed = Vec::with_capacity(records.len() * USAGE);
    let mut rest = Vec::new();
    for record in records {
        let number = |number: Option<Msisdn>| number.map_or(0, Msisdn::as_u64);
        digits::<18>(&mut packed, record.key.message.as_u64());
        digits::<3>(&mut packed, record.key.leg.into());
        digits::<1>(&mut packed, record.key.event as u64);
        signed(&mut packed, record.at.micros());
        digits::<1>(&mut packed, record.service as u64);
        digits::<1>(&mut packed, record.outcome as u64);
        digits::<5>(&mut packed, record.origin.0.into());
        digits::<5>(&mut packed, record.channel.0.into());
        digits::<1>(&mut packed, columns::class(record.class).into());
        digits::<1>(&mut packed, columns::lane(record.lane).into());
        digits::<5>(&mut packed, record.segments.into());
        digits::<10>(&mut packed, record.octets.into());
        digits::<19>(&mut packed, number(record.from));
        digits::<19>(&mut packed, number(record.to));
        let mut cause = [b' '; CAUSE];
        if let Some(code) = record.cause {
            cause.iter_mut().zip(code.code().bytes()).for_each(|(place, octet)| *place = octet);
        }
        packed.extend_from_slice(&cause);
        let charging_id = record.charging_id.as_deref().unwrap_or_default();
        if record.parent.is_none() && charging_id.is_empty() {
            packed.extend_from_slice(&[b' '; 10]);
            continue;
        }
        digits::<10>(&mut packed, rest.len() as u64);
        digits::<4>(&mut rest, record.parent.map_or(0, |leg| u64::from(leg) + 1));
        digits::<10>(&mut rest, charging_id.len() as u64);
        rest.extend_from_slice(charging_id.as_bytes());
    }
    (packed, rest)
}

/// Records that say where in the data each value stands, and the data.
#[derive(Default)]
pub(super) struct Pieces {
    pub(super) index: Vec<u8>,
    pub(super) data: Vec<u8>,
    pub(super) count: i64,
}

pub(super) fn overrides(overrides: &[(MessageId, Vec<u8>)]) -> Pieces {
    let mut pieces = Pieces::default();
    for (message, contents) in overrides {
        digits::<18>(&mut pieces.index, message.as_u64());
        digits::<10>(&mut pieces.index, pieces.data.len() as u64);
        digits::<10>(&mut pieces.index, contents.len() as u64);
        pieces.data.extend_from_slice(contents);
        pieces.count += 1;
    }
    pieces
}

/// What is known from now on, and an index of what is forgotten with how many that are.
pub(super) fn facts<'a>(facts: impl Iterator<Item = &'a FactChange>) -> (Pieces, Vec<u8>, i64) {
    let mut kept = Pieces::default();
    let (mut forgotten, mut count) = (Vec::new(), 0);
    for fact in facts {
        let index = match &fact.value {
            Some(_) => &mut kept.index,
            None => &mut forgotten,
        };
        digits::<3>(index, fact.kind as u64);
        digits::<10>(index, kept.data.len() as u64);
        digits::<10>(index, fact.key.len() as u64);
        digits::<10>(index, fact.value.as_ref().map_or(0, Vec::len) as u64);
        match fact.expires_at {
            Some(at) => signed(index, at.micros()),
            None => index.extend_from_slice(&[b' '; 20]),
        }
        kept.data.extend_from_slice(&fact.key);
        match &fact.value {
            Some(value) => {
                kept.data.extend_from_slice(value);
                kept.count += 1;
            }
            None => count += 1,
        }
    }
    (kept, forgotten, count)
}

/// A list of numbers as JSON.
pub(super) fn json(numbers: &[u64]) -> String {
    let mut text = String::with_capacity(2 + numbers.len() * 8);
    text.push('[');
    for (place, number) in numbers.iter().enumerate() {
        if place > 0 {
            text.push(',');
        }
        text.push_str(&number.to_string());
    }
    text.push(']');
    text
}

fn digits<const WIDTH: usize>(packed: &mut Vec<u8>, mut value: u64) {
    let mut text = [b'0'; WIDTH];
    for place in text.iter_mut().rev() {
        if value == 0 {
            break;
        }
        *place = b'0' + u8::try_from(value % 10).unwrap_or(0);
        value /= 10;
    }
    packed.extend_from_slice(&text);
}

fn signed(packed: &mut Vec<u8>, value: i64) {
    packed.push(if value < 0 { b'-' } else { b'0' });
    digits::<19>(packed, value.unsigned_abs());
}

#[cfg(test)]
mod tests {
    use model::Cause;

    use super::*;

    #[test]
    fn every_cause_fits() {
        assert!(Cause::ALL.iter().all(|cause| cause.code().len() < CAUSE));
    }

    #[test]
    fn digits_fill_their_width() {
        let mut packed = Vec::new();
        digits::<5>(&mut packed, 42);
        signed(&mut packed, -7);
        signed(&mut packed, i64::MAX);
        assert_eq!(packed, b"00042-000000000000000000709223372036854775807");
    }

    #[test]
    fn lists_are_json() {
        assert_eq!(json(&[]), "[]");
        assert_eq!(json(&[1, 20]), "[1,20]");
    }
}
