//! Message ids that a peer spells in two ways.

use smpp::ids::{IdText, Learned, Transform, candidates, key};

fn id(text: &str) -> IdText {
    IdText::new(text.as_bytes()).expect("an id")
}

fn found(submitted: &str, receipted: &str) -> Option<Transform> {
    let stored = id(submitted);
    candidates(&id(receipted), None).find(|(_, form)| *form == stored).map(|(transform, _)| transform)
}

#[test]
fn each_known_difference_is_bridged() {
    for (submitted, receipted, transform) in [
        ("38601fa", "38601fa", Transform::Exact),
        ("38601fa", "38601FA", Transform::Lower),
        ("38601FA", "38601fa", Transform::Upper),
        ("59113978", "0059113978", Transform::Stripped),
        ("9a3f", "009A3F", Transform::Key),
        ("38601fa", "0059113978", Transform::Hex),
        ("38601FA", "59113978", Transform::HexUpper),
        ("59113978", "38601fa", Transform::Decimal),
        ("18446744073709551615", "-1", Transform::Unsigned64),
        ("4294967295", "-1", Transform::Unsigned32),
        ("-1", "18446744073709551615", Transform::Signed64),
        ("123456789", "SMSC1-123456789", Transform::Unprefixed),
        ("ffffffffffffffff", "18446744073709551615", Transform::Hex),
    ] {
        assert_eq!(found(submitted, receipted), Some(transform), "{submitted} {receipted}");
    }
    assert_eq!(found("1", "2"), None);
}

#[test]
fn exact_comes_first_and_nothing_twice() {
    let forms: Vec<_> = candidates(&id("123"), None).collect();
    let texts: Vec<_> = forms.iter().map(|(_, form)| form.to_string()).collect();
    assert_eq!(texts, ["123", "7b", "7B", "291"]);
    assert_eq!(forms[0].0, Transform::Exact);
    // A UUID has no number in it, and no prefix.
    let uuid = "8F6E1F0A-0C5B-4C8E-9A55-1D2E3F4A5B6C";
    let texts: Vec<_> = candidates(&id(uuid), None).map(|(_, form)| form.to_string()).collect();
    assert_eq!(texts, [uuid.to_owned(), uuid.to_lowercase()]);
}

#[test]
fn the_stored_key_is_found_whatever_the_zeros() {
    for (submitted, receipted) in
        [("00000000038601FA", "38601fa"), ("38601FA", "000038601fA"), ("0059113978", "38601FA"), ("0", "000")]
    {
        let stored = key(submitted.as_bytes());
        assert!(candidates(&id(receipted), None).any(|(_, form)| Some(form) == stored), "{submitted}");
    }
}

#[test]
fn what_hit_before_is_tried_first() {
    let mut learned = Learned::default();
    for _ in 0..2 {
        learned.hit(Transform::Hex);
    }
    assert_eq!(learned.hint(), None, "two hits may be chance");
    learned.hit(Transform::Hex);
    assert_eq!(learned.hint(), Some(Transform::Hex));
    let first = candidates(&id("59113978"), learned.hint()).next();
    assert_eq!(first, Some((Transform::Hex, id("38601fa"))));
    assert!(candidates(&id("59113978"), learned.hint()).any(|(transform, _)| transform == Transform::Exact));
    learned.hit(Transform::Exact);
    assert_eq!(learned.hint(), None);
}

#[test]
fn our_own_ids_survive_what_partners_do_to_them() {
    assert_eq!(IdText::issue(0), None);
    assert_eq!(IdText::issue(1_000_000_000_000_000_000), None);
    let own = IdText::issue(999_999_999_999_999_999).expect("the largest");
    assert_eq!(own.to_string(), "999999999999999999");
    assert!(own.as_str().expect("ASCII").parse::<i64>().is_ok());
    for foreign in ["de0b6b3a763ffff", "DE0B6B3A763FFFF", "0999999999999999999"] {
        assert!(found("999999999999999999", foreign).is_some(), "{foreign}");
    }
}

#[test]
fn ids_have_a_length() {
    assert_eq!(IdText::new(b""), None);
    assert!(IdText::new(&[b'7'; 65]).is_some());
    assert_eq!(IdText::new(&[b'7'; 66]), None);
    // Longer than any number: no other base, and no panic.
    assert_eq!(candidates(&id(&"9".repeat(64)), None).count(), 1);
}
