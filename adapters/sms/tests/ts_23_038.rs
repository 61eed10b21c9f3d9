//! 3GPP TS 23.038: the seven-bit alphabet, packing, national tables, the data coding scheme.

mod support;

use sms::dcs::{Dcs, MessageClass, Waiting, WaitingKind};
use sms::national::Languages;
use sms::user_data::UserData;
use sms::{Alphabet, Language, NotEncodable, Shifts, Udh, gsm7};
use support::hex;

fn packs(text: &str, septets: usize, packed: &str) {
    let unpacked = gsm7::encode(text).expect("every character has a code");
    assert_eq!(unpacked.len(), septets);
    assert_eq!(gsm7::septets(text), Some(septets));
    assert_eq!(gsm7::pack(&unpacked), hex(packed));
    assert_eq!(gsm7::unpack(&hex(packed), 0, septets), unpacked);
    assert_eq!(gsm7::decode(&unpacked), text);
}

#[test]
fn g1_plain_text() {
    packs("test text", 9, "F4F29C0EA297F174");
}

#[test]
fn g2_extension_characters() {
    packs(
        "enhanced ^ {][} test |+~ ^ test",
        39,
        "65373AEC1E97C9A00D05B4416D7C1BDE2605A297E774D006B8DAF4401B0A885E9ED301",
    );
}

#[test]
fn g3_one_septet_more_in_as_many_octets() {
    packs(
        "enhanced ^ {][} test |+~ ^ tests",
        40,
        "65373AEC1E97C9A00D05B4416D7C1BDE2605A297E774D006B8DAF4401B0A885E9ED3E7",
    );
}

#[test]
fn g4_ten_septets() {
    packs("hellohello", 10, "E8329BFD4697D9EC37");
}

#[test]
fn g5_eight_septets_fill_seven_octets() {
    packs("12345678", 8, "31D98C56B3DD70");
}

#[test]
fn g6_seven_spare_bits() {
    packs("1234567", 7, "31D98C56B3DD00");
    let septets = gsm7::encode("1234567").unwrap();
    assert_eq!(gsm7::pack_filled(&septets), hex("31D98C56B3DD1A"));
    assert_eq!(gsm7::unpack_filled(&hex("31D98C56B3DD1A")), septets);
    // A text that really ends in CR on an octet boundary gets a second one.
    assert_eq!(gsm7::pack_filled(b"1234567\r"), hex("31D98C56B3DD1A0D"));
}

#[test]
fn g7_text_behind_a_concatenation_header() {
    let octets = hex("0500036F02024074747A0E4ACF4161D0BC3C7EBBC9207A794E6F97E7F3F0B9EC0295DD6410BA2C2FBB00");
    let data = UserData::unpack(Alphabet::Gsm7, 47, true, &octets);
    assert_eq!(data.text(Alphabet::Gsm7).unwrap(), " this is a second testmessage. end here.");
    assert_eq!(data.octets.len(), 40);
    assert!(!data.is_truncated);
    repacks(&data, 47, &octets);
}

/// Some SMPP peers send packed septets, and nothing says how many.
#[test]
fn packed_septets_without_their_number() {
    let text =
        |octets: &str, udhi| UserData::unpack_unmeasured(udhi, &hex(octets)).text(Alphabet::Gsm7).unwrap();
    assert_eq!(text("E8329BFD4697D9EC37", false), "hellohello");
    assert_eq!(text("31D98C56B3DD00", false), "1234567");
    assert_eq!(text("31D98C56B3DD1A", false), "1234567");
    assert_eq!(text("31D98C56B3DD70", false), "12345678");
    assert_eq!(text("0325010100CEE961B7B8CE06313A", true), "İstanbul ğş");
}

#[test]
fn g8_turkish_locking_shift() {
    shifted(
        Shifts { locking: Some(Language::Turkish), single: None },
        "İstanbul ğş",
        16,
        "0325010100CEE961B7B8CE06313A",
    );
}

#[test]
fn g9_spanish_single_shift() {
    shifted(
        Shifts { locking: None, single: Some(Language::Spanish) },
        "mañana está",
        17,
        "032401026887FB617718549ED33761",
    );
}

#[test]
fn g10_the_same_code_under_urdu_and_default() {
    let urdu = Shifts { locking: Some(Language::Urdu), single: None };
    assert_eq!(urdu.decode(&[0x03]), "\u{067B}");
    assert_eq!(Shifts::NONE.decode(&[0x03]), "¥");
    assert_eq!(gsm7::decode(&[0x03]), "¥");
}

fn shifted(shifts: Shifts, text: &str, length: u8, packed: &str) {
    let data = UserData::unpack(Alphabet::Gsm7, length, true, &hex(packed));
    assert_eq!(data.header.as_ref().map(Udh::shifts), Some(shifts));
    assert_eq!(data.text(Alphabet::Gsm7).as_deref(), Some(text));
    repacks(&data, length, &hex(packed));
    let mut septets = Vec::new();
    assert_eq!(shifts.encode_into(text, &mut septets), Ok(()));
    assert_eq!(septets, data.octets);
}

fn repacks(data: &UserData, length: u8, octets: &[u8]) {
    let mut out = Vec::new();
    assert_eq!(data.pack_into(Alphabet::Gsm7, 140, &mut out), Some(()));
    assert_eq!(out.split_first(), Some((&length, octets)));
}

#[test]
fn known_national_code_points() {
    let single = |language, septet| Shifts { locking: None, single: Some(language) }.decode(&[0x1B, septet]);
    let locking = |language, septet| Shifts { locking: Some(language), single: None }.decode(&[septet]);
    assert_eq!(single(Language::Turkish, 0x47), "Ğ");
    assert_eq!(single(Language::Portuguese, 0x7F), "â");
    assert_eq!(single(Language::Hindi, 0x1C), "\u{0966}");
    assert_eq!(single(Language::Telugu, 0x19), gsm7::decode(&[0x19]), "Telugu has no danda");
    assert_eq!(locking(Language::Hindi, 0x00), "\u{0901}");
    assert_eq!(locking(Language::Kannada, 0x24), "\u{0CA1}");
    assert_eq!(locking(Language::Portuguese, 0x15), "∞");
    assert_eq!(locking(Language::Tamil, 0x40), " ", "an empty place");
    assert_eq!(locking(Language::Spanish, 0x03), "¥", "no locking table: the default");
}

#[test]
fn reserved_languages_mean_the_default_tables() {
    for id in [0, 14, 255] {
        assert_eq!(Language::from_id(id), None);
    }
    assert!(Language::ALL.iter().all(|&language| Language::from_id(language.id()) == Some(language)));
    assert_eq!(Languages::ALL.iter().collect::<Vec<_>>(), Language::ALL);
}

/// Clause 4: every octet has one meaning.
#[test]
fn data_coding_scheme() {
    let alphabet = |octet| Dcs(octet).alphabet();
    for (octet, expected) in [
        (0x00, Alphabet::Gsm7),
        (0x04, Alphabet::Octets),
        (0x08, Alphabet::Ucs2),
        (0x0C, Alphabet::Gsm7),
        (0x10, Alphabet::Gsm7),
        (0x18, Alphabet::Ucs2),
        (0x20, Alphabet::Octets),
        (0x48, Alphabet::Ucs2),
        (0x80, Alphabet::Gsm7),
        (0x84, Alphabet::Cp949),
        (0xBF, Alphabet::Gsm7),
        (0xC8, Alphabet::Gsm7),
        (0xD8, Alphabet::Gsm7),
        (0xE8, Alphabet::Ucs2),
        (0xF0, Alphabet::Gsm7),
        (0xF5, Alphabet::Octets),
    ] {
        assert_eq!(alphabet(octet), expected, "0x{octet:02X}");
    }
    assert_eq!(Dcs(0x00).class(), None);
    assert_eq!(Dcs(0x18).class(), Some(MessageClass::Flash));
    assert_eq!(Dcs(0xF5).class(), Some(MessageClass::MobileEquipment));
    assert_eq!(Dcs(0xC8).class(), None);
    assert!(Dcs(0x20).is_compressed() && !Dcs(0xA0).is_compressed());
    assert!(Dcs(0x40).is_auto_delete() && !Dcs(0x80).is_auto_delete());
    assert_eq!(Dcs::new(Alphabet::Ucs2, Some(MessageClass::Flash)), Some(Dcs(0x18)));
    assert_eq!(Dcs::new(Alphabet::Cp949, None), Some(Dcs(0x84)));
    assert_eq!(Dcs::new(Alphabet::Cp949, Some(MessageClass::Flash)), None);
    assert_eq!(Dcs::new(Alphabet::Latin1, None), None);
}

#[test]
fn message_waiting_groups() {
    let voicemail = Waiting { kind: WaitingKind::Voicemail, is_active: true, discard: true };
    assert_eq!(Dcs(0xC8).indication(), Some(voicemail));
    assert_eq!(
        Dcs(0xE2).indication(),
        Some(Waiting { kind: WaitingKind::Email, is_active: false, discard: false })
    );
    assert_eq!(Dcs(0xF0).indication(), None);
    for octet in 0xC0..=0xEF_u8 {
        let dcs = Dcs(octet);
        let waiting = dcs.indication().unwrap();
        assert_eq!(
            Dcs::waiting(waiting, dcs.alphabet() == Alphabet::Ucs2),
            Dcs(octet & !0x04),
            "bit 2 is reserved"
        );
    }
}

#[test]
fn what_has_no_code_is_said_with_its_place() {
    assert_eq!(gsm7::encode("a한"), Err(NotEncodable { at: 1 }));
    assert_eq!(Alphabet::Octets.units("a"), None);
    assert_eq!(Alphabet::Latin1.units("€"), None);
}
