//! What holds for every text and every octet: round trips, agreement of counting and cutting, no panic.

use proptest::prelude::*;
use sms::dcs::Dcs;
use sms::national::Languages;
use sms::reassemble::{Limits, Part, Reassembler, Taken};
use sms::segment::{Long, Narrow, ReferenceWidth};
use sms::user_data::UserData;
use sms::{Alphabet, Language, Profile, Shifts, Udh, count, cp949, decode_text, gsm7, segment, ucs2};
use unicode_segmentation::UnicodeSegmentation;

/// Texts that meet every branch: plain, extended, Korean, national, combining, beyond the basic plane.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~\r\n]{0,400}",
        "[a-c€\\[\\]^{}|\r\n]{0,400}",
        "[가-힣a-z ]{0,300}",
        "[ğışİáñçãõ a-z]{0,200}",
        "[\u{0627}-\u{063A}\u{06F0}-\u{06F9} ]{0,300}",
        "[ऀ-ॿ ]{0,300}",
        "[e\u{0301}\u{200D}👨👩😀🇰🇷ㄱ\u{1100}\u{1161}\u{11A8}]{0,200}",
        "\\PC{0,200}",
    ]
}

fn languages() -> impl Strategy<Value = Languages> {
    prop_oneof![
        Just(Languages::NONE),
        Just(Languages::ALL),
        proptest::sample::select(Language::ALL.as_slice())
            .prop_map(|language| Languages::NONE.with(language)),
    ]
}

fn profile() -> impl Strategy<Value = Profile> {
    let narrow = proptest::sample::select(vec![Narrow::Gsm7, Narrow::Latin1, Narrow::Off]);
    let long = prop_oneof![any::<u8>().prop_map(Long::Segments), Just(Long::Lms(2_000)), Just(Long::Refuse)];
    let width = proptest::sample::select(vec![ReferenceWidth::Eight, ReferenceWidth::Sixteen]);
    let octets_max = proptest::sample::select(vec![0, 20, 21, 80, 90, 140, 255]);
    (narrow, long, width, octets_max, languages(), languages(), any::<(bool, bool)>()).prop_map(
        |(narrow, long, width, octets_max, single, locking, (cp949, ucs2))| {
            Profile::GSM
                .with_narrow(narrow)
                .with_long(long)
                .with_reference(width)
                .with_octets_max(octets_max)
                .with_single_shifts(single)
                .with_locking_shifts(locking)
                .with_cp949(cp949)
                .with_ucs2(ucs2)
        },
    )
}

fn alphabet() -> impl Strategy<Value = Alphabet> {
    let language = || proptest::option::of(proptest::sample::select(Language::ALL.as_slice()));
    prop_oneof![
        Just(Alphabet::Gsm7),
        (language(), language()).prop_map(|(locking, single)| Alphabet::gsm7(Shifts { locking, single })),
        Just(Alphabet::Octets),
        Just(Alphabet::Latin1),
        Just(Alphabet::Cp949),
        Just(Alphabet::Ucs2),
    ]
}

fn octets() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(any::<u8>(), 0..300)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn text_comes_back_from_every_alphabet_that_spells_it(text in text(), alphabet in alphabet()) {
        let mut out = Vec::new();
        match alphabet.units(&text) {
            Some(units) => {
                prop_assert_eq!(alphabet.encode_into(&text, &mut out), Ok(()));
                prop_assert_eq!(out.len(), units * alphabet.unit_octets());
                prop_assert_eq!(alphabet.decode(&out), Some(text));
            }
            None => prop_assert!(alphabet.encode_into(&text, &mut out).is_err()),
        }
    }

    #[test]
    fn packing_comes_back(septets in proptest::collection::vec(0..128_u8, 0..200), fill in 0..7_usize) {
        let mut packed = Vec::new();
        gsm7::pack_into(&septets, fill, &mut packed);
        prop_assert_eq!(packed.len(), (septets.len() * 7 + fill).div_ceil(8));
        prop_assert_eq!(gsm7::unpack(&packed, fill, septets.len()), septets);
    }

    #[test]
    fn counting_agrees_with_cutting(text in text(), profile in profile()) {
        let counted = count(&text, &profile);
        let cut = segment(&text, &profile);
        prop_assert_eq!(counted, cut.as_ref().map(|cut| cut.count()).map_err(|&error| error));
        let Ok(cut) = cut else { return Ok(()) };
        prop_assert_eq!(cut.segments().len(), usize::from(cut.count().segments));
    }

    #[test]
    fn segments_fit_join_and_never_divide_a_cluster(text in text(), profile in profile()) {
        let Ok(cut) = segment(&text, &profile) else { return Ok(()) };
        let mut texts = Vec::new();
        for segment in cut.segments() {
            let data = UserData::of_segment(&segment, 77);
            if cut.form() == sms::Form::Sms {
                let mut packed = Vec::new();
                prop_assert_eq!(data.pack_into(segment.alphabet, profile.octets_max(), &mut packed), Some(()));
                let (&length, packed) = packed.split_first().expect("a length octet");
                let unpacked = UserData::unpack(segment.alphabet, length, data.header.is_some(), packed);
                prop_assert_eq!(&unpacked, &data);
            }
            let mut wire = Vec::new();
            let udhi = segment.write_unpacked(77, &mut wire);
            let coding = if segment.alphabet.is_septets() { Alphabet::Gsm7 } else { segment.alphabet };
            texts.push(decode_text(coding, &wire, udhi).into_text().expect("it is text"));
        }
        prop_assert_eq!(texts.concat(), text.as_str());
        // A cut inside a cluster is allowed only when the cluster is longer than a segment could be.
        let shortest = cut.alphabet().capacity(profile.octets_max(), 13);
        let mut at = 0;
        let cuts: Vec<usize> = texts.iter().map(|text| { at += text.len(); at }).collect();
        for (start, cluster) in text.grapheme_indices(true) {
            let divided = cuts.iter().any(|&cut| start < cut && cut < start + cluster.len());
            prop_assert!(!divided || cut.alphabet().units(cluster) > Some(shortest));
        }
    }

    #[test]
    fn a_shuffled_message_is_put_together(text in "[가-힣😀 ]{71,400}", seed in any::<u64>()) {
        let cut = segment(&text, &Profile::GSM).expect("it fits");
        let mut parts: Vec<Part> = cut
            .segments()
            .map(|segment| Part {
                concatenation: segment.concatenation(9).expect("there are several"),
                alphabet: segment.alphabet,
                octets: segment.octets.to_vec(),
            })
            .collect();
        let turn = usize::try_from(seed % parts.len() as u64).expect("a small number");
        parts.rotate_left(turn);
        if seed % 2 == 0 {
            parts.reverse();
        }
        let mut messages = Reassembler::new(Limits::default());
        let last = parts.pop().expect("there are several");
        for part in parts {
            prop_assert_eq!(messages.take(0, (), part.clone()), Ok(Taken::Waiting { abandoned: None }));
            prop_assert_eq!(messages.take(0, (), part), Ok(Taken::Duplicate));
        }
        let Ok(Taken::Complete(joined)) = messages.take(0, (), last) else { panic!("complete") };
        prop_assert_eq!(joined.text(""), Some(text));
    }

    #[test]
    fn any_octets_are_read(octets in octets(), alphabet in alphabet(), udhi in any::<bool>(), length in any::<u8>()) {
        let read = decode_text(alphabet, &octets, udhi);
        prop_assert!(read.octets.len() <= octets.len());
        let data = UserData::unpack(alphabet, length, udhi, &octets);
        prop_assert!(data.octets.len() <= usize::from(length));
        let _ = (data.text(alphabet), UserData::unpack_unmeasured(udhi, &octets));
        let _ = (gsm7::unpack_filled(&octets), ucs2::decode(&octets), cp949::decode(&octets));
        for octet in &octets {
            let dcs = Dcs(*octet);
            let _ = (dcs.alphabet(), dcs.class(), dcs.indication());
        }
    }

    #[test]
    fn a_header_is_kept_as_it_came(octets in octets()) {
        let Some((header, rest)) = Udh::split(&octets) else { return Ok(()) };
        let mut written = Vec::new();
        header.write_to(&mut written);
        written.extend_from_slice(rest);
        prop_assert_eq!(written, octets);
        if let Some(concatenation) = header.concatenation() {
            prop_assert!(1 <= concatenation.number && concatenation.number <= concatenation.total);
        }
    }

    #[test]
    fn user_data_comes_back(alphabet in alphabet(), header in proptest::option::of(octets()), body in octets()) {
        let header = header.and_then(|octets| Some(Udh::split(&octets)?.0));
        let mask = if alphabet.is_septets() { 0x7F } else { 0xFF };
        let octets = body.iter().map(|octet| octet & mask).collect();
        let data = UserData { header, octets, is_truncated: false };
        let mut packed = Vec::new();
        if data.pack_into(alphabet, 140, &mut packed).is_some() {
            prop_assert!(packed.len() <= 141);
            let (&length, rest) = packed.split_first().expect("a length octet");
            prop_assert_eq!(UserData::unpack(alphabet, length, data.header.is_some(), rest), data);
        } else {
            prop_assert!(packed.is_empty());
        }
    }
}
