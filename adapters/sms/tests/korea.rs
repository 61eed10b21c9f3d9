//! Korean text: CP949 octets, the limits of the networks, long messages.

mod support;

use sms::segment::{Long, Narrow, Unsendable};
use sms::{Alphabet, Form, Profile, count, cp949, decode_text, segment, ucs2};
use support::hex;

#[test]
fn charset_counts() {
    for (text, octets, expected) in [
        ("안녕하세요", 10, "BEC8B3E7C7CFBCBCBFE4"),
        ("똠방각하", 8, "8C63B9E6B0A2C7CF"),
        ("SMAT해요", 8, "534D4154C7D8BFE4"),
        ("(광고)", 6, "28B1A4B0ED29"),
        ("€", 2, "A2E6"),
    ] {
        assert_eq!(cp949::octets(text), Some(octets), "{text}");
        let mut out = Vec::new();
        assert_eq!(cp949::encode_into(text, &mut out), Ok(()));
        assert_eq!(out, hex(expected), "{text}");
        assert_eq!(cp949::decode(&out), text);
    }
}

#[test]
fn the_same_text_counted_as_ucs2() {
    assert_eq!(ucs2::units("SMAT해요") * 2, 12);
    let mut out = Vec::new();
    ucs2::encode_into("안녕하세요", &mut out);
    assert_eq!(out, hex("C548B155D558C138C694"));
}

#[test]
fn outside_cp949_there_is_no_substitute() {
    for text in ["😀", "é", "하\u{0301}"] {
        assert_eq!(cp949::octets(text), None, "{text}");
    }
    // Syllables are never composed from eight octets of letters.
    assert_eq!(cp949::octets("똠"), Some(2));
}

#[test]
fn malformed_cp949_shows_replacements_and_keeps_the_rest() {
    assert_eq!(cp949::decode(&hex("BEC8FF41")), "안\u{FFFD}A");
    assert_eq!(cp949::decode(&hex("BE")), "\u{FFFD}");
}

#[test]
fn since_2013_seventy_hangul_or_160_latin() {
    let segments = |text: &str| count(text, &Profile::KOREA).map(|count| (count.alphabet, count.segments));
    assert_eq!(segments(&"a".repeat(160)), Ok((Alphabet::Gsm7, 1)));
    assert_eq!(segments(&"가".repeat(70)), Ok((Alphabet::Cp949, 1)));
    assert_eq!(segments(&"가".repeat(71)), Ok((Alphabet::Cp949, 2)));
    assert_eq!(segments(&"가".repeat(134)), Ok((Alphabet::Cp949, 2)));
    assert_eq!(segments(&"가".repeat(135)), Ok((Alphabet::Cp949, 3)));
    assert_eq!(segments("가😀"), Ok((Alphabet::Ucs2, 1)));
}

#[test]
fn application_texts_beyond_90_octets_are_lms() {
    let form =
        |text: &str| count(text, &Profile::KOREA_A2P).map(|count| (count.form, count.units, count.segments));
    assert_eq!(form(&"가".repeat(45)), Ok((Form::Sms, 90, 1)));
    assert_eq!(form(&"a".repeat(90)), Ok((Form::Sms, 90, 1)));
    assert_eq!(form(&"a".repeat(91)), Ok((Form::Lms, 91, 1)));
    assert_eq!(form(&"가".repeat(1_000)), Ok((Form::Lms, 2_000, 1)));
    assert_eq!(form(&"가".repeat(1_001)), Err(Unsendable::TooLong { units: 2_002, units_max: 2_000 }));
    assert_eq!(form("가😀"), Err(Unsendable::NotEncodable));
}

#[test]
fn lms_of_a_profile_with_gsm7_is_counted_in_cp949() {
    let profile = Profile::KOREA.with_long(Long::Lms(2_000));
    let long = count(&"[".repeat(161), &profile).unwrap();
    assert_eq!((long.alphabet, long.form, long.units), (Alphabet::Cp949, Form::Lms, 161));
}

#[test]
fn until_2013_eighty_octets_and_nothing_longer() {
    assert!(count(&"가".repeat(40), &Profile::KOREA_2012).is_ok());
    let too_long = Unsendable::TooLong { units: 81, units_max: 80 };
    assert_eq!(count(&format!("a{}", "가".repeat(40)), &Profile::KOREA_2012), Err(too_long));
}

#[test]
fn a_two_octet_character_is_never_divided() {
    // One Latin letter shifts every Hangul to an odd octet; 134 octets hold 66 of them behind it.
    let text = format!("a{}", "가".repeat(100));
    let profile = Profile::KOREA.with_narrow(Narrow::Off);
    let segmentation = segment(&text, &profile).unwrap();
    let lengths: Vec<usize> = segmentation.segments().map(|segment| segment.octets.len()).collect();
    assert_eq!(lengths, [133, 68]);
    for segment in segmentation.segments() {
        let text = decode_text(Alphabet::Cp949, segment.octets, false).into_text().unwrap();
        assert!(!text.contains(char::REPLACEMENT_CHARACTER));
    }
}
