//! 3GPP TS 23.040 §9.2.3.24.1: segments become a message again.

use sms::Alphabet;
use sms::reassemble::{Full, Limits, Part, Reassembler, Taken};
use sms::udh::{Concatenation, Reference};

const LIMITS: Limits =
    Limits { messages_max: 2, octets_max: 20, lifetime_micros: 1_000, remember_micros: 100 };

fn part(reference: u8, total: u8, number: u8, text: &str) -> Part {
    let concatenation = Concatenation::new(Reference::Eight(reference), total, number);
    Part {
        concatenation: concatenation.expect("a possible segment"),
        alphabet: Alphabet::Gsm7,
        octets: sms::gsm7::encode(text).expect("plain text"),
    }
}

fn text(taken: Result<Taken, Full>) -> String {
    match taken {
        Ok(Taken::Complete(joined)) => joined.text("[…]").expect("it is text"),
        other => panic!("not complete: {other:?}"),
    }
}

fn waits(taken: Result<Taken, Full>) {
    assert_eq!(taken, Ok(Taken::Waiting { abandoned: None }));
}

#[test]
fn out_of_order_and_repeated() {
    let mut messages = Reassembler::new(LIMITS);
    waits(messages.take(0, "a>b", part(1, 3, 3, "c")));
    waits(messages.take(1, "a>b", part(1, 3, 1, "a")));
    assert_eq!(messages.take(2, "a>b", part(1, 3, 3, "c")), Ok(Taken::Duplicate));
    assert_eq!(text(messages.take(3, "a>b", part(1, 3, 2, "b"))), "abc");
    assert!(messages.is_empty());
    assert_eq!((messages.octets(), messages.next_expiry()), (0, None));
}

#[test]
fn conversations_references_totals_and_widths_are_kept_apart() {
    let mut messages = Reassembler::new(Limits { messages_max: 10, ..LIMITS });
    let wide = |number, text: &str| Part {
        concatenation: Concatenation::new(Reference::Sixteen(1), 2, number).expect("a possible segment"),
        ..part(1, 2, number, text)
    };
    waits(messages.take(0, "a>b", part(1, 2, 1, "1")));
    waits(messages.take(0, "b>a", part(1, 2, 1, "2")));
    waits(messages.take(0, "a>b", part(2, 2, 1, "3")));
    waits(messages.take(0, "a>b", part(1, 3, 1, "4")));
    waits(messages.take(0, "a>b", wide(1, "5")));
    assert_eq!(messages.len(), 5);
    assert_eq!(text(messages.take(0, "a>b", wide(2, "x"))), "5x");
    assert_eq!(text(messages.take(0, "a>b", part(1, 2, 2, "x"))), "1x");
}

#[test]
fn a_message_of_one_segment_is_complete() {
    let mut messages = Reassembler::new(Limits { messages_max: 0, ..LIMITS });
    assert_eq!(text(messages.take(0, (), part(1, 1, 1, "all"))), "all");
}

#[test]
fn what_is_there_comes_out_when_time_is_up() {
    let mut messages = Reassembler::new(LIMITS);
    waits(messages.take(10, "a>b", part(1, 5, 2, "two")));
    waits(messages.take(900, "a>b", part(1, 5, 4, "four")));
    assert_eq!(messages.next_expiry(), Some(1_010), "counted from the first segment");
    assert_eq!(messages.expire(1_009), None);
    let (conversation, joined) = messages.expire(1_010).expect("its time has come");
    assert_eq!(conversation, "a>b");
    assert!(!joined.is_complete());
    assert_eq!(joined.missing().collect::<Vec<_>>(), [1, 3, 5]);
    assert_eq!(joined.text("[…]").as_deref(), Some("[…]two[…]four[…]"));
    assert_eq!(messages.expire(u64::MAX), None);
    assert_eq!(messages.octets(), 0);
}

#[test]
fn messages_are_bounded_and_the_sender_is_told() {
    let mut messages = Reassembler::new(LIMITS);
    waits(messages.take(0, 1, part(1, 2, 1, "a")));
    waits(messages.take(0, 2, part(1, 2, 1, "a")));
    assert_eq!(messages.take(0, 3, part(1, 2, 1, "a")), Err(Full));
    // What is known already may still be completed.
    assert_eq!(text(messages.take(0, 2, part(1, 2, 2, "b"))), "ab");
    waits(messages.take(0, 3, part(1, 2, 1, "a")));
}

#[test]
fn octets_are_bounded_but_the_last_segment_always_fits() {
    let mut messages = Reassembler::new(LIMITS);
    waits(messages.take(0, 1, part(1, 3, 1, "0123456789")));
    waits(messages.take(0, 1, part(1, 3, 2, "0123456789")));
    assert_eq!(messages.take(0, 2, part(1, 2, 1, "a")), Err(Full));
    assert_eq!(text(messages.take(0, 1, part(1, 3, 3, "x"))), "01234567890123456789x");
    assert_eq!(messages.octets(), 0);
}

#[test]
fn a_reference_used_again_abandons_the_older_message() {
    let mut messages = Reassembler::new(LIMITS);
    waits(messages.take(0, (), part(1, 2, 1, "old")));
    let Ok(Taken::Waiting { abandoned: Some(old) }) = messages.take(5, (), part(1, 2, 1, "new")) else {
        panic!("the older message is given back");
    };
    assert_eq!(old.text("[…]").as_deref(), Some("old[…]"));
    assert_eq!(messages.next_expiry(), Some(1_005));
    assert_eq!(text(messages.take(6, (), part(1, 2, 2, " one"))), "new one");
}

#[test]
fn a_late_repetition_of_a_completed_message_is_not_a_new_one() {
    let mut messages = Reassembler::new(LIMITS);
    waits(messages.take(0, (), part(1, 2, 1, "a")));
    assert_eq!(text(messages.take(0, (), part(1, 2, 2, "b"))), "ab");
    assert_eq!(messages.take(50, (), part(1, 2, 2, "b")), Ok(Taken::Duplicate));
    // Another text under the same reference is a new message at once, the same text after a while.
    waits(messages.take(60, (), part(1, 2, 2, "c")));
    assert_eq!(text(messages.take(60, (), part(1, 2, 1, "x"))), "xc");
    assert_eq!(messages.take(159, (), part(1, 2, 2, "c")), Ok(Taken::Duplicate));
    waits(messages.take(160, (), part(1, 2, 2, "c")));
}

#[test]
fn completed_messages_remembered_are_bounded_too() {
    let mut messages = Reassembler::new(LIMITS);
    for (at, reference) in [1, 2, 3].into_iter().enumerate() {
        waits(messages.take(at as u64, (), part(reference, 2, 1, "a")));
        assert_eq!(text(messages.take(at as u64, (), part(reference, 2, 2, "b"))), "ab");
    }
    assert_eq!(messages.take(3, (), part(3, 2, 2, "b")), Ok(Taken::Duplicate));
    assert_eq!(messages.take(3, (), part(2, 2, 2, "b")), Ok(Taken::Duplicate));
    waits(messages.take(3, (), part(1, 2, 2, "b")));
}

#[test]
fn a_character_divided_by_the_sender_is_whole_again() {
    let mut messages = Reassembler::new(Limits { octets_max: 100, ..LIMITS });
    let ucs2 = |number, octets: &[u8]| Part {
        alphabet: Alphabet::Ucs2,
        octets: octets.to_vec(),
        ..part(9, 2, number, "")
    };
    waits(messages.take(0, (), ucs2(1, &[0x00, 0x41, 0xD8, 0x3D])));
    assert_eq!(text(messages.take(0, (), ucs2(2, &[0xDE, 0x00]))), "A😀");
}

#[test]
fn parts_of_different_alphabets_join_as_text() {
    let mut messages = Reassembler::new(Limits { octets_max: 100, ..LIMITS });
    let ucs2 = Part { alphabet: Alphabet::Ucs2, octets: vec![0xAC, 0x00], ..part(9, 3, 2, "") };
    let data = Part { alphabet: Alphabet::Octets, octets: vec![1, 2, 3], ..part(9, 3, 3, "") };
    waits(messages.take(0, (), part(9, 3, 1, "[ok] ")));
    waits(messages.take(0, (), ucs2));
    assert_eq!(text(messages.take(0, (), data)), "[ok] 가[…]");
}

#[test]
fn eight_bit_data_is_not_text() {
    let mut messages = Reassembler::new(LIMITS);
    let data =
        |number, octet| Part { alphabet: Alphabet::Octets, octets: vec![octet], ..part(9, 2, number, "") };
    waits(messages.take(0, (), data(2, 2)));
    let Ok(Taken::Complete(joined)) = messages.take(0, (), data(1, 1)) else { panic!("complete") };
    assert_eq!((joined.text(""), joined.octets()), (None, vec![1, 2]));
}
