//! SMS-SUBMIT as a submission (TS 23.040 §9.2.2.2, rcs sheet §12.2).

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use bytes::Bytes;
use model::{
    Address, Cause, ChannelId, Class, Coded, Content, Duration, Part, Pii, ReceiptsWanted, Submission,
    Timestamp,
};
use sip_transaction::hash::{Hasher, Seed};
use smol_str::SmolStr;
use sms::{
    tpdu::{Period, Submit, Validity},
    udh::Reference,
};

use super::{super::Back, Kept, data_coding_of, number_of_tpdu};
use crate::translate::Line;

/// Where an SMS-SUBMIT came from.
#[derive(Debug, Clone)]
pub struct Origin<'a> {
    pub channel: ChannelId,
    pub from: Address,
    pub line: &'a Line,
    /// When its first copy came.
    pub taken: Timestamp,
    /// Where from: its status report goes to that handset of several.
    pub back: Option<Back>,
    /// Call-ID of the MESSAGE that brought it.
    pub call_id: &'a str,
    pub charging_id: Option<SmolStr>,
}

/// What tells one submission from another when a handset repeats itself (rcs sheet §12.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Repeat {
    /// Sender, TP-MR and TP-DA.
    pub slot: u128,
    /// All of the TPDU but the bit that says that it is a repetition.
    pub content: u64,
    /// TP-RD.
    pub reject_duplicates: bool,
}

/// TP-RD in the first octet; set in a repetition and not in its original.
const REJECT_DUPLICATES: u8 = 0x04;

const fn hasher(kind: u64) -> Hasher {
    // Not a secret: whoever aims at a collision only loses a message of his own.
    Hasher::new(Seed(0x7368_6f72_745f_6d65, kind))
}

impl Repeat {
    /// Of a TPDU as it came, and as it was read.
    #[must_use]
    pub fn of(line: &Line, tpdu: &[u8], submit: &Submit) -> Self {
        let mut slot = hasher(1);
        slot.part(line.as_str().as_bytes());
        slot.word(u64::from(submit.reference));
        slot.word(submit.destination.ton() as u64);
        slot.part(submit.destination.value().as_bytes());
        let mut content = hasher(2);
        if let Some((first, rest)) = tpdu.split_first() {
            content.word(u64::from(first & !REJECT_DUPLICATES));
            content.part(rest);
        }
        Self {
            slot: slot.finish(),
            content: content.finish() as u64,
            reject_duplicates: submit.reject_duplicates,
        }
    }

    /// The idempotency key: the same for the same submission, first seen in the same span of time as the `nth` of its
    /// slot. RP-MR is no part of it: a handset that hears nothing repeats itself under the next one.
    #[must_use]
    pub fn key(&self, nth: u32, span: i64) -> SmolStr {
        let mut hasher = hasher(3);
        hasher.word(self.slot as u64);
        hasher.word((self.slot >> 64) as u64);
        hasher.word(self.content);
        hasher.word(u64::from(nth));
        hasher.word(span.unsigned_abs());
        let mut text = [0; 22];
        // Sixteen octets take twenty-two characters.
        let _written = STANDARD_NO_PAD.encode_slice(hasher.finish().to_be_bytes(), &mut text);
        SmolStr::new(std::str::from_utf8(&text).unwrap_or_default())
    }
}

/// Octets of a Call-ID that is kept.
const CALL_ID_OCTETS_MAX: usize = 256;

/// A message for the service centre to deliver.
///
/// # Errors
/// `BadDestination` without a number to send to, `Unencodable` for compressed and reserved codings.
pub fn submission_of_submit(submit: &Submit, origin: Origin<'_>, key: SmolStr) -> Result<Submission, Cause> {
    let to = number_of_tpdu(&submit.destination).ok_or(Cause::BadDestination)?;
    let data_coding = data_coding_of(submit.dcs).ok_or(Cause::Unencodable)?;
    let user_data = &submit.user_data;
    let mut octets = Vec::with_capacity(160);
    if let Some(header) = &user_data.header {
        header.write_to(&mut octets);
    }
    octets.extend_from_slice(&user_data.octets);
    let kept = Kept {
        reference: submit.reference,
        pid: submit.pid.0,
        dcs: submit.dcs.0,
        reply_path: submit.reply_path,
        report_wanted: submit.status_report_requested,
        taken_s: origin.taken.secs(),
        back: origin.back.filter(|_| submit.status_report_requested),
    };
    let call_id = Some(origin.call_id).filter(|id| !id.is_empty() && id.len() <= CALL_ID_OCTETS_MAX);
    Ok(Submission {
        id: None,
        origin: origin.channel,
        from: Pii::new(origin.from),
        to: Pii::new(Address::Number(to)),
        class: Class::Person,
        receipts: if submit.status_report_requested { ReceiptsWanted::FINAL } else { ReceiptsWanted::NONE },
        received_at: origin.taken,
        scheduled_at: None,
        expires_at: expires_at(submit.validity, origin.taken),
        reference: call_id.map(SmolStr::new),
        idempotency_key: Some(key),
        carried: kept.encode(),
        part: part(submit),
        charging_id: origin.charging_id,
        elsewhere: None,
        content: Content::Coded(Coded {
            data_coding,
            udhi: user_data.header.is_some(),
            octets: Bytes::from(octets),
        }),
    })
}

fn part(submit: &Submit) -> Option<Part> {
    let concatenation = submit.user_data.header.as_ref()?.concatenation()?;
    let reference = match concatenation.reference {
        Reference::Eight(reference) => u16::from(reference),
        Reference::Sixteen(reference) => reference,
    };
    let (total, number) = (concatenation.total, concatenation.number);
    (total > 1).then_some(Part { reference, total, number })
}

/// TP-VP (TS 23.040 §9.2.3.12). One that says nothing readable says nothing.
fn expires_at(validity: Validity, taken: Timestamp) -> Option<Timestamp> {
    let after = |seconds: u32| Some(taken + Duration::from_secs(u64::from(seconds)));
    match validity {
        Validity::Unspecified => None,
        Validity::Relative(period) => after(period.seconds()),
        Validity::Absolute(at) => at.unix_seconds().map(Timestamp::from_secs),
        Validity::Enhanced(enhanced) => match enhanced.period()? {
            Period::Unspecified => None,
            Period::Relative(period) => after(period.seconds()),
            Period::Seconds(seconds) => after(u32::from(seconds)),
            Period::Clock { hours, minutes, seconds } => {
                after((u32::from(hours) * 60 + u32::from(minutes)) * 60 + u32::from(seconds))
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use model::{Number, NumberingPlan};
    use sms::tpdu::{Carrier, Direction, Enhanced, Relative, Tpdu};

    use super::*;

    fn submit(octets: &[u8]) -> Submit {
        match Tpdu::decode(octets, Direction::FromMobile, Carrier::Data) {
            Ok(Tpdu::Submit(submit)) => submit,
            other => panic!("{other:?}"),
        }
    }

    fn line() -> Line {
        Line::of(&Number::written("+821011110001"), &NumberingPlan::korea())
    }

    fn origin(line: &Line) -> Origin<'_> {
        Origin {
            channel: ChannelId(7),
            from: Address::Number(line.number()),
            line,
            taken: Timestamp::from_secs(1_800_000_000),
            back: None,
            call_id: "c@x",
            charging_id: None,
        }
    }

    /// To +821012345678, UCS-2, part 2 of 3 of message 0x5A, "\0A", validity 72 h, a report wanted.
    const PART: &[u8] = &[
        0x71, 0x21, 0x0C, 0x91, 0x28, 0x01, 0x21, 0x43, 0x65, 0x87, 0x00, 0x08, 0xA9, 0x08, 0x05, 0x00, 0x03,
        0x5A, 0x03, 0x02, 0x00, 0x41,
    ];

    #[test]
    fn a_segment_keeps_its_header_and_says_its_place() {
        let line = line();
        let read = submission_of_submit(&submit(PART), origin(&line), "k".into()).expect("readable");
        assert_eq!(read.part, Some(Part { reference: 0x5A, total: 3, number: 2 }));
        let Content::Coded(coded) = &read.content else { panic!("octets") };
        assert_eq!((coded.data_coding, coded.udhi, &coded.octets[..]), (8, true, &PART[14..]));
        assert_eq!(read.receipts, ReceiptsWanted::FINAL);
        assert_eq!(read.expires_at, Some(Timestamp::from_secs(1_800_000_000 + 72 * 3_600)));
        let kept = Kept::decode(&read.carried).expect("kept");
        assert_eq!((kept.reference, kept.dcs, kept.taken_s), (0x21, 8, 1_800_000_000));
    }

    #[test]
    fn what_cannot_be_carried_is_refused_with_its_cause() {
        let line = line();
        let mut compressed = PART.to_vec();
        compressed[11] = 0x28;
        let refused = submission_of_submit(&submit(&compressed), origin(&line), "k".into());
        assert_eq!(refused.err(), Some(Cause::Unencodable));
        // No digits to send to.
        let nobody = [0x01, 0x21, 0x00, 0x91, 0x00, 0x00, 0x00];
        let refused = submission_of_submit(&submit(&nobody), origin(&line), "k".into());
        assert_eq!(refused.err(), Some(Cause::BadDestination));
    }

    #[test]
    fn validity_in_all_its_forms() {
        let taken = Timestamp::from_secs(1_000_000);
        let left = |validity| expires_at(validity, taken).map(|at| at.secs() - 1_000_000);
        assert_eq!(left(Validity::Unspecified), None);
        assert_eq!(left(Validity::Relative(Relative(0))), Some(300));
        let clock = Period::Clock { hours: 1, minutes: 2, seconds: 3 };
        assert_eq!(left(Validity::Enhanced(Enhanced::new(clock, false))), Some(3_723));
        assert_eq!(left(Validity::Enhanced(Enhanced::new(Period::Seconds(9), true))), Some(9));
        assert_eq!(left(Validity::Enhanced(Enhanced([0x04, 0, 0, 0, 0, 0, 0]))), None);
        assert_eq!(left(Validity::Absolute(sms::tpdu::Timestamp([0xFF; 7]))), None);
    }

    #[test]
    fn a_repetition_is_known_by_all_but_its_mark() {
        let line = line();
        let mut again = PART.to_vec();
        again[0] |= REJECT_DUPLICATES;
        let (first, again) =
            (Repeat::of(&line, PART, &submit(PART)), Repeat::of(&line, &again, &submit(&again)));
        assert!(again.reject_duplicates && !first.reject_duplicates);
        assert_eq!((first.slot, first.content), (again.slot, again.content));
        assert_eq!(first.key(0, 1), again.key(0, 1));
        assert_ne!(first.key(0, 1), first.key(1, 1));
        assert_ne!(first.key(0, 1), first.key(0, 2));
        let mut other = PART.to_vec();
        other[21] = 0x42;
        let other = Repeat::of(&line, &other, &submit(&other));
        assert!(other.slot == first.slot && other.content != first.content);
    }
}
