//! 3GPP TS 23.040 §9.2.3.24: how a text becomes segments.

use sms::national::Languages;
use sms::segment::{Long, Narrow, ReferenceWidth, Unsendable};
use sms::udh::{Concatenation, Reference};
use sms::{Alphabet, Language, Profile, Shifts, count, decode_text, segment};

const SIXTEEN: Profile = Profile::GSM.with_reference(ReferenceWidth::Sixteen);

fn segments(text: &str, profile: &Profile) -> (Alphabet, u8) {
    let count = count(text, profile).expect("the text fits");
    (count.alphabet, count.segments)
}

#[test]
fn seven_bit_sizes() {
    for (septets, eight, sixteen) in
        [(0, 1, 1), (160, 1, 1), (161, 2, 2), (304, 2, 2), (305, 2, 3), (306, 2, 3), (307, 3, 3)]
    {
        let text = "a".repeat(septets);
        assert_eq!(segments(&text, &Profile::GSM), (Alphabet::Gsm7, eight), "{septets}");
        assert_eq!(segments(&text, &SIXTEEN), (Alphabet::Gsm7, sixteen), "{septets}");
    }
}

#[test]
fn ucs2_sizes() {
    for (units, eight, sixteen) in
        [(70, 1, 1), (71, 2, 2), (132, 2, 2), (133, 2, 3), (134, 2, 3), (135, 3, 3)]
    {
        let text = "ж".repeat(units);
        assert_eq!(segments(&text, &Profile::GSM), (Alphabet::Ucs2, eight), "{units}");
        assert_eq!(segments(&text, &SIXTEEN), (Alphabet::Ucs2, sixteen), "{units}");
    }
}

#[test]
fn national_sizes() {
    let turkish = Languages::NONE.with(Language::Turkish);
    let locking = Profile::GSM.with_locking_shifts(turkish);
    let shifts = Shifts { locking: Some(Language::Turkish), single: None };
    for (septets, expected) in [(155, 1), (156, 2), (298, 2), (299, 3)] {
        assert_eq!(segments(&"ı".repeat(septets), &locking), (Alphabet::Gsm7National(shifts), expected));
    }
    // Urdu letters are in the locking table only, Urdu digits in the single table only.
    let urdu = Languages::NONE.with(Language::Urdu);
    let both = Profile::GSM.with_locking_shifts(urdu).with_single_shifts(urdu);
    let shifts = Shifts { locking: Some(Language::Urdu), single: Some(Language::Urdu) };
    for (letters, expected) in [(150, 1), (151, 2), (290, 2), (291, 3)] {
        let text = format!("\u{06F0}{}", "\u{0644}".repeat(letters));
        assert_eq!(segments(&text, &both), (Alphabet::Gsm7National(shifts), expected), "{letters}");
    }
}

/// Fill bits take a septet that octets alone would leave: 20 octets hold 22 septets, a header of 4 octets 5.
#[test]
fn fill_bits_count_in_a_shorter_field() {
    assert_eq!(Alphabet::Gsm7.capacity(20, 4), 17);
    assert_eq!(
        [0, 4, 6, 7, 9, 12].map(|header| Alphabet::Gsm7.capacity(140, header)),
        [160, 155, 153, 152, 149, 146]
    );
}

#[test]
fn national_tables_are_used_only_when_allowed() {
    assert_eq!(segments("ğ", &Profile::GSM), (Alphabet::Ucs2, 1));
    let spanish = Profile::GSM.with_single_shifts(Languages::NONE.with(Language::Spanish));
    assert_eq!(segments("ğ", &spanish), (Alphabet::Ucs2, 1));
    assert!(matches!(segments("á", &spanish), (Alphabet::Gsm7National(_), 1)));
    // Spanish has no locking table to choose.
    let locking = Profile::GSM.with_locking_shifts(Languages::NONE.with(Language::Spanish));
    assert_eq!(segments("á", &locking), (Alphabet::Ucs2, 1));
}

#[test]
fn an_escape_pair_is_never_divided() {
    // 152 letters and an extension character: its escape would be the last septet of the first segment.
    let text = format!("{}€{}", "a".repeat(152), "b".repeat(10));
    let segmentation = segment(&text, &Profile::GSM).unwrap();
    let lengths: Vec<usize> = segmentation.segments().map(|segment| segment.octets.len()).collect();
    assert_eq!(lengths, [152, 12]);
}

#[test]
fn a_surrogate_pair_and_a_cluster_are_never_divided() {
    for cluster in ["😀", "👨‍👩‍👧‍👦", "e\u{0301}", "🇰🇷", "각"] {
        for before in 60..70 {
            let text = format!("{}{cluster}{}", "ж".repeat(before), "ж".repeat(20));
            let segmentation = segment(&text, &Profile::GSM).unwrap();
            let texts: Vec<String> = segmentation
                .segments()
                .filter_map(|segment| decode_text(segment.alphabet, segment.octets, false).into_text())
                .collect();
            assert_eq!(texts.concat(), text);
            assert!(texts.iter().any(|part| part.contains(cluster)), "{cluster} after {before}");
        }
    }
}

#[test]
fn a_cluster_longer_than_a_segment_is_divided_between_characters() {
    let text = format!("ж{}", "\u{0301}".repeat(200));
    let segmentation = segment(&text, &Profile::GSM).unwrap();
    let lengths: Vec<usize> = segmentation.segments().map(|segment| segment.octets.len()).collect();
    assert_eq!(lengths, [134, 134, 134]);
}

#[test]
fn cr_lf_stays_together() {
    let text = format!("{}\r\n{}", "a".repeat(152), "b".repeat(10));
    let segmentation = segment(&text, &Profile::GSM).unwrap();
    assert_eq!(segmentation.segments().map(|segment| segment.octets.len()).collect::<Vec<_>>(), [152, 12]);
}

/// Twice 153 septets, but the pair in the middle costs the first segment one.
#[test]
fn cr_lf_counts_as_it_is_cut() {
    let text = format!("{}\r\n{}", "a".repeat(152), "b".repeat(152));
    assert_eq!(segments(&text, &Profile::GSM), (Alphabet::Gsm7, 3));
}

#[test]
fn at_most_255_segments() {
    assert_eq!(segments(&"a".repeat(255 * 153), &Profile::GSM), (Alphabet::Gsm7, 255));
    let beyond = Unsendable::TooLong { units: 255 * 153 + 1, units_max: 255 * 153 };
    assert_eq!(count(&"a".repeat(255 * 153 + 1), &Profile::GSM), Err(beyond));
    // Escapes waste septets: this one would fit by its length alone.
    let wasteful = "€".repeat(255 * 76 + 1);
    assert!(matches!(count(&wasteful, &Profile::GSM), Err(Unsendable::TooLong { .. })));
    let three = Profile::GSM.with_long(Long::Segments(3));
    assert!(count(&"a".repeat(459), &three).is_ok());
    assert!(count(&"a".repeat(460), &three).is_err());
}

#[test]
fn latin1_only_for_what_the_default_alphabet_also_holds() {
    let latin1 = Profile::GSM.with_narrow(Narrow::Latin1);
    assert_eq!(segments("résumé à Ñ".replace('ê', "e").as_str(), &latin1).0, Alphabet::Latin1);
    // In Latin-1 but not in the default alphabet, and the other way round.
    assert_eq!(segments("ç", &latin1).0, Alphabet::Ucs2);
    assert_eq!(segments("€", &latin1).0, Alphabet::Ucs2);
    assert_eq!(segments(&"a".repeat(141), &latin1), (Alphabet::Latin1, 2));
}

#[test]
fn written_for_smpp_with_the_senders_reference() {
    let segmentation = segment(&"a".repeat(200), &Profile::GSM).unwrap();
    let mut wire = Vec::new();
    let second = segmentation.segments().nth(1).unwrap();
    assert!(second.write_unpacked(0x12_34, &mut wire));
    assert_eq!(wire.get(..6), Some(&[5, 0, 3, 0x34, 2, 2][..]));
    assert_eq!(wire.len(), 6 + 47);

    let wide = segment(&"a".repeat(200), &SIXTEEN).unwrap();
    wire.clear();
    wide.segments().next().unwrap().write_unpacked(0x12_34, &mut wire);
    assert_eq!(wire.get(..7), Some(&[6, 8, 4, 0x12, 0x34, 2, 1][..]));
    let read = decode_text(Alphabet::Gsm7, &wire, true);
    assert_eq!(
        read.header.and_then(|header| header.concatenation()),
        Concatenation::new(Reference::Sixteen(0x12_34), 2, 1)
    );

    wire.clear();
    let lone = segment("[a]", &Profile::GSM).unwrap();
    assert!(!lone.segments().next().unwrap().write_unpacked(1, &mut wire), "a lone segment needs no header");
    assert_eq!(wire, [0x1B, 0x3C, b'a', 0x1B, 0x3E]);
}

#[test]
fn a_national_segment_says_so_in_every_header() {
    let profile = Profile::GSM.with_locking_shifts(Languages::NONE.with(Language::Turkish));
    let text = "ışık ".repeat(40);
    let segmentation = segment(&text, &profile).unwrap();
    assert_eq!(segmentation.segments().len(), 2);
    let mut read = String::new();
    for segment in segmentation.segments() {
        let mut wire = Vec::new();
        assert!(segment.write_unpacked(7, &mut wire));
        read += &decode_text(Alphabet::Gsm7, &wire, true).into_text().unwrap();
    }
    assert_eq!(read, text);
}

#[test]
fn nothing_personal_in_debug() {
    let segmentation = segment("geheim", &Profile::GSM).unwrap();
    let shown = format!("{segmentation:?} {:?}", segmentation.segments().next());
    assert!(!shown.contains("geheim"), "{shown}");
}
