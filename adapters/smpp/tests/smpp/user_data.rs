//! What bad input is answered with: the rows of `sms.md` §1.8 about TLVs and user data.

use smpp::pdu::{BothTexts, BroadcastSm, EsmClass, SubmitSm};
use smpp::tlv::Leniency::{Lenient, Strict};
use smpp::tlv::Sar;
use smpp::{CommandStatus, Tag, Tlvs};

use crate::peer::{Peer, body, raw, submission, submit, wire};

#[test]
fn row_15_stray_octets_behind_the_last_tlv() {
    for stray in 1..=3 {
        let mut octets = body(&wire(|_| (), |tlvs| tlvs.word(Tag::USER_MESSAGE_REFERENCE, 77).map(|_| ())));
        octets.extend(vec![0; stray]);
        submit(&raw(4, &octets)).keeps_with(CommandStatus::RINVTLVSTREAM);
        let lenient = SubmitSm::decode(&octets, Lenient).expect("lenient").tlvs;
        assert_eq!(lenient.user_message_reference(), Ok(Some(77)));
        assert_eq!(usize::from(lenient.dropped()), stray, "counted");
    }
}

#[test]
fn row_16_tlv_longer_than_the_pdu() {
    let mut octets = body(&wire(|_| (), |tlvs| tlvs.word(Tag::USER_MESSAGE_REFERENCE, 77).map(|_| ())));
    octets.extend([0x00, 0x1E, 0x00, 0x41, b'3', b'0']);
    submit(&raw(4, &octets)).keeps_with(CommandStatus::RINVTLVSTREAM);
    let lenient = SubmitSm::decode(&octets, Lenient).expect("lenient").tlvs;
    assert_eq!((lenient.iter().count(), lenient.receipted_message_id()), (1, None));
}

#[test]
fn row_17_known_tlv_of_the_wrong_length() {
    // Somebody needs it: refused.
    let segmented = wire(
        |_| (),
        |tlvs| {
            tlvs.octet(Tag::SAR_MSG_REF_NUM, 1)?.octet(Tag::SAR_TOTAL_SEGMENTS, 2)?;
            tlvs.octet(Tag::SAR_SEGMENT_SEQNUM, 1).map(|_| ())
        },
    );
    submit(&segmented).keeps_with(CommandStatus::RINVTLVLEN);
    // Nobody needs it: kept as it is.
    let opaque = wire(|_| (), |tlvs| tlvs.put(Tag::LANGUAGE_INDICATOR, b"ko").map(|_| ()));
    submit(&opaque).keeps_with(CommandStatus::ROK);
    let octets = body(&opaque);
    let tlvs = SubmitSm::decode(&octets, Strict).expect("legal").tlvs;
    assert_eq!(tlvs.get(Tag::LANGUAGE_INDICATOR), Some(&b"ko"[..]));
    // source_telematics_id has one octet in 3.4, two in 5.0.
    let shape = Tag::SOURCE_TELEMATICS_ID.shape().expect("known");
    assert_eq!((shape.octets_min, shape.octets_max), (1, 2));
}

#[test]
fn row_18_tlvs_not_listed_unknown_or_of_a_vendor() {
    let octets = wire(
        |_| (),
        |tlvs| {
            tlvs.octet(Tag::MESSAGE_STATE, 2)?.put(Tag(0x1403), b"vendor")?;
            tlvs.put(Tag(0x0BAD), &[0; 300]).map(|_| ())
        },
    );
    submit(&octets).keeps_with(CommandStatus::ROK);
    // And passed on octet for octet.
    let octets = body(&octets);
    let incoming = SubmitSm::decode(&octets, Strict).expect("legal");
    let mut out = Vec::new();
    incoming.encode(1, &mut out).expect("fits");
    assert_eq!(body(&out), octets);
    out.clear();
    submission()
        .encode_with(1, &mut out, |more| more.pass_on(incoming.tlvs, |tlv| tlv.tag.is_vendor()).map(|_| ()))
        .expect("fits");
    assert!(body(&out).ends_with(b"\x14\x03\x00\x06vendor"));
}

#[test]
fn row_19_required_tlv_missing_or_impossible() {
    let data = raw(0x103, b"\0\x01\x01123\0\x01\x01456\0\0\0\0");
    submit(&data).keeps_with(CommandStatus::RMISSINGTLV);
    let broadcast = BroadcastSm::default();
    assert_eq!(broadcast.check_mandatory().map_err(|e| e.status), Err(CommandStatus::RMISSINGTLV));
    let area = crate::hex("0606000200 41 0601000300 0000 06040001 05 0605000308 0001");
    let broadcast = BroadcastSm { tlvs: Tlvs::decode(&area, Strict).expect("whole"), ..broadcast };
    assert_eq!(broadcast.check_mandatory().map_err(|e| e.status), Err(CommandStatus::RINVTLVLEN));
}

#[test]
fn row_20_duplicate_of_a_tlv_that_stands_once() {
    let octets = wire(
        |_| (),
        |tlvs| {
            tlvs.word(Tag::USER_MESSAGE_REFERENCE, 1)?.word(Tag::USER_MESSAGE_REFERENCE, 2)?;
            tlvs.put(Tag::CALLBACK_NUM, b"\x01\x01\x011")?
                .put(Tag::CALLBACK_NUM, b"\x01\x01\x012")
                .map(|_| ())
        },
    );
    submit(&octets).keeps_with(CommandStatus::ROK);
    let octets = body(&octets);
    let tlvs = SubmitSm::decode(&octets, Strict).expect("legal").tlvs;
    assert_eq!(tlvs.user_message_reference(), Ok(Some(1)), "the first");
    assert_eq!(tlvs.duplicates(), 1, "callback_num may repeat");
    assert_eq!(tlvs.all(Tag::CALLBACK_NUM).count(), 2);
}

#[test]
fn row_21_text_in_both_places() {
    let octets = wire(|_| (), |tlvs| tlvs.put(Tag::MESSAGE_PAYLOAD, b"payload").map(|_| ()));
    submit(&octets).keeps_with(CommandStatus::RINVMSGLEN);
    let both = BothTexts::PreferPayload;
    Peer { both, ..Peer::message_centre() }.takes(&octets).keeps_with(CommandStatus::ROK);
    let octets = body(&octets);
    let submit_sm = SubmitSm::decode(&octets, Strict).expect("legal");
    assert_eq!(submit_sm.user_data(both).expect("preferred").text, b"payload");
    // An empty one in either place is no second text.
    let empty = wire(|_| (), |tlvs| tlvs.put(Tag::MESSAGE_PAYLOAD, b"").map(|_| ()));
    submit(&empty).keeps_with(CommandStatus::ROK);
    let payload = wire(
        |submit| submit.short_message = b"",
        |tlvs| tlvs.put(Tag::MESSAGE_PAYLOAD, &[b'x'; 65_535]).map(|_| ()),
    );
    submit(&payload).keeps_with(CommandStatus::ROK);
}

#[test]
fn row_22_header_and_sar_tlvs() {
    let sar = Sar { reference: 1, total: 2, number: 1 };
    let octets = wire(
        |submit| {
            submit.esm_class = EsmClass::UDHI;
            submit.short_message = b"\x05\x00\x03\xAA\x02\x01text";
        },
        |tlvs| tlvs.sar(sar).map(|_| ()),
    );
    submit(&octets).keeps_with(CommandStatus::ROK);
    let octets = body(&octets);
    let data = SubmitSm::decode(&octets, Strict).expect("legal").user_data(BothTexts::Refuse).expect("legal");
    assert_eq!((data.header, data.text), (&b"\x05\x00\x03\xAA\x02\x01"[..], &b"text"[..]));
    assert_eq!((data.sar, data.sar_ignored), (None, true));
}

#[test]
fn row_23_header_longer_than_the_user_data() {
    for (text, status) in [
        (&b""[..], CommandStatus::RINVESMCLASS),
        (b"\x05\x00\x03\xAA\x02", CommandStatus::RINVESMCLASS),
        (b"\x05\x00\x03\xAA\x02\x01", CommandStatus::ROK),
    ] {
        let octets = wire(
            |submit| {
                submit.esm_class = EsmClass::UDHI;
                submit.short_message = text;
            },
            |_| Ok(()),
        );
        submit(&octets).keeps_with(status);
    }
}

#[test]
fn row_24_segment_numbers_that_make_no_sense() {
    for (total, number) in [(0, 0), (0, 1), (2, 0), (2, 3)] {
        let octets = wire(|_| (), |tlvs| tlvs.sar(Sar { reference: 1, total, number }).map(|_| ()));
        submit(&octets).keeps_with(CommandStatus::ROK);
        let octets = body(&octets);
        assert_eq!(SubmitSm::decode(&octets, Strict).expect("legal").tlvs.sar(), Ok(None));
    }
    // Two of three are none.
    let octets = body(&wire(
        |_| (),
        |tlvs| tlvs.word(Tag::SAR_MSG_REF_NUM, 1)?.octet(Tag::SAR_TOTAL_SEGMENTS, 2).map(|_| ()),
    ));
    assert_eq!(SubmitSm::decode(&octets, Strict).expect("legal").tlvs.sar(), Ok(None));
}
