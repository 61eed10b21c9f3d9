//! Events to the gateway's words (messengers sheet §8.4).

use kit::HttpInbound;
use model::{
    Cause, Class, Command, ConsentScope, Content, Duration, For, Number, Pii, ReceiptState, ReceiptsWanted,
    SignalKind, Submission, Timestamp,
};
use proptest::prelude::*;

use super::{call, now, number, read, user, webhook};

/// The sheet's example.
const EXAMPLE: &str = r#"{"id":"018e1c2a-77aa-7c3e-9b1f-3f2a1b0c9d8e","kind":"text","conv":"c_9fK2","cs":4711,"prev":4710,
 "from":{"tel":"+821012345678","epoch":3,"usr":"u_77"},"to":[{"tel":"+821087654321"}],
 "ts":1772410353123,"ttl":172800,"body":{"text":"지금 집에 가는 중이에요"},
 "re":{"reply":"018e...","thread":null,"target":null},"want":["delivered","read"],
 "fb":{"sms":"지금 집에 가는 중이에요","policy":"on_fail","after_s":120},
 "class":"p2p","crypto":"hop","must":[]}"#;

fn submitted(event: &str) -> Submission {
    match read(event).pop() {
        Some(HttpInbound::Submit(submission)) => *submission,
        other => panic!("{other:?}"),
    }
}

fn refused(event: &str) -> Cause {
    match read(event).as_slice() {
        [HttpInbound::Refused { cause, detail, .. }] => {
            assert!(!detail.contains("8210"), "{detail}");
            *cause
        }
        other => panic!("{other:?}"),
    }
}

/// A text event with `fields` added.
fn text_with(fields: &str) -> String {
    format!(
        r#"{{"id":"1","kind":"text","from":{{"usr":"u"}},"to":[{{"tel":"114"}}],"body":{{"text":"x"}}{fields}}}"#
    )
}

#[test]
fn the_example_of_the_sheet() {
    let submission = submitted(EXAMPLE);
    assert_eq!(submission.from, Pii::new(user("u_77")));
    assert_eq!(submission.to, Pii::new(number("+821087654321")));
    assert_eq!(submission.content, Content::Text("지금 집에 가는 중이에요".into()));
    assert_eq!(submission.class, Class::Person);
    assert_eq!(
        submission.receipts,
        ReceiptsWanted { success: true, failure: true, intermediate: false, displayed: true }
    );
    assert_eq!(submission.expires_at, Some(now() + Duration::from_secs(172_800)));
    assert_eq!(submission.reference.as_deref(), Some("018e1c2a-77aa-7c3e-9b1f-3f2a1b0c9d8e"));
    assert_eq!(submission.idempotency_key, submission.reference);
    let carried = std::str::from_utf8(&submission.carried).unwrap();
    assert_eq!(
        carried,
        r#"{"conv":"c_9fK2","fb":{"sms":"지금 집에 가는 중이에요","policy":"on_fail","after_s":120}}"#
    );
}

#[test]
fn each_recipient_gets_a_submission_with_a_key_of_its_own() {
    let event = r#"{"id":"m","kind":"text","from":{"tel":"15881234"},"class":"a2p_auth",
        "to":[{"tel":"010-8765-4321"},{"usr":"u_2"},{"usr":"u_3","net":"other"}],"body":{"text":"123456"}}"#;
    let items = webhook().read(now(), &call(format!(r#"{{"events":[{event}]}}"#))).unwrap();
    assert!(items.iter().all(|item| item.id == "m"));
    let of = |index: usize| match &items[index].inbound {
        HttpInbound::Submit(submission) => (**submission).clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(items.len(), 3);
    assert_eq!(of(0).class, Class::OneTimePassword);
    assert_eq!(of(1).to, Pii::new(user("u_2")));
    assert!(of(2).to != Pii::new(user("u_3")), "a user of another messenger");
    let keys: Vec<_> = (0..3).map(|index| of(index).idempotency_key.unwrap().to_string()).collect();
    assert_eq!(keys, ["m", "m/1", "m/2"]);
    assert_eq!(of(2).reference.as_deref(), Some("m"));
}

#[test]
fn text_is_normal_and_may_quote() {
    let event = r#"{"id":"1","kind":"text","from":{"usr":"u"},"to":[{"tel":"114"}],
        "body":{"text":"\u1112\u1161\u11ab\r\n글","quote":"몇 시에 만날까?"}}"#;
    assert_eq!(submitted(event).content, Content::Text("> 몇 시에 만날까?\n한\n글".into()));
}

#[test]
fn limits_are_told_one_by_one() {
    let long = |n: usize| {
        EXAMPLE.replace(
            "\"body\":{\"text\":\"지금 집에 가는 중이에요\"}",
            &format!("\"body\":{{\"text\":\"{}\"}}", "x".repeat(n)),
        )
    };
    assert_eq!(submitted(&long(16_384)).content.octets(), 16_384);
    assert_eq!(refused(&long(16_385)), Cause::TooLong);
    // NFD Hangul is judged by what it becomes.
    let pieces = EXAMPLE.replace(
        "\"body\":{\"text\":\"지금 집에 가는 중이에요\"}",
        &format!("\"body\":{{\"text\":\"{}\"}}", "\u{1112}\u{1161}\u{11ab}".repeat(5_000)),
    );
    assert_eq!(submitted(&pieces).content.octets(), 15_000);
    let id = |n: usize| EXAMPLE.replace("018e1c2a-77aa-7c3e-9b1f-3f2a1b0c9d8e", &"i".repeat(n));
    assert_eq!(submitted(&id(64)).reference.unwrap().len(), 64);
    assert_eq!(refused(&id(65)), Cause::Malformed);
    assert_eq!(refused(&id(0)), Cause::Malformed);
    let to = |n: usize| EXAMPLE.replace(r#"{"tel":"+821087654321"}"#, &vec![r#"{"tel":"114"}"#; n].join(","));
    assert_eq!(read(&to(100)).len(), 100);
    assert_eq!(refused(&to(101)), Cause::BadDestination);
    assert_eq!(refused(&to(0)), Cause::BadDestination);
}

#[test]
fn a_call_has_limits_too() {
    let events =
        |n: usize| call(format!(r#"{{"events":[{}]}}"#, vec![r#"{"id":"1","kind":"x"}"#; n].join(",")));
    assert_eq!(webhook().read(now(), &events(100)).unwrap().len(), 100);
    assert_eq!(webhook().read(now(), &events(101)).unwrap_err().status, 413);
    assert_eq!(webhook().read(now(), &events(0)).unwrap().len(), 0);
    let wide = text_with("")
        .replace(r#"[{"tel":"114"}]"#, &format!("[{}]", vec![r#"{"tel":"114"}"#; 100].join(",")));
    let calls = |n: usize| call(format!(r#"{{"events":[{}]}}"#, vec![wide.as_str(); n].join(",")));
    assert_eq!(webhook().read(now(), &calls(10)).unwrap().len(), 1_000);
    assert_eq!(webhook().read(now(), &calls(11)).unwrap_err().status, 413);
}

#[test]
fn one_spoilt_event_leaves_the_others_alone() {
    let body = format!(r#"{{"events":[{{"id":"bad","kind":5}},{EXAMPLE},7,{{"kind":"text"}}]}}"#);
    let items = webhook().read(now(), &call(body)).unwrap();
    assert_eq!(items.len(), 4);
    assert_eq!(items[0].id, "bad");
    assert!(matches!(items[0].inbound, HttpInbound::Refused { cause: Cause::Malformed, .. }));
    assert!(matches!(items[1].inbound, HttpInbound::Submit(_)));
    assert!(matches!(items[2].inbound, HttpInbound::Refused { .. }));
    assert_eq!(items[3].id, "");
}

#[test]
fn what_cannot_be_done_is_refused_with_its_cause() {
    for (event, cause) in [
        (text_with(r#","ttl":0"#), Cause::Expired),
        (text_with(r#","class":"gift""#), Cause::Malformed),
        (text_with(r#","crypto":"e2e(mls)""#), Cause::Unencodable),
        (text_with(r#","must":["text","self_destruct"]"#), Cause::Unencodable),
        (text_with("").replace(r#""from":{"usr":"u"},"#, ""), Cause::BadSender),
        (text_with("").replace(r#"{"usr":"u"}"#, r#"{"usr":"u","net":"kakao"}"#), Cause::BadSender),
        (text_with("").replace(r#"{"usr":"u"}"#, r#"{"tel":"ACME"}"#), Cause::BadSender),
        (text_with("").replace(r#"{"tel":"114"}"#, r#"{"name":"ACME"}"#), Cause::BadDestination),
        (text_with("").replace(r#"{"tel":"114"}"#, "{}"), Cause::BadDestination),
        (text_with("").replace(r#""x""#, r#""""#), Cause::Malformed),
        (text_with("").replace(r#","body":{"text":"x"}"#, ""), Cause::Malformed),
        (r#"{"id":"1","kind":"hologram","must":["kind"]}"#.to_owned(), Cause::Unencodable),
    ] {
        assert_eq!(refused(&event), cause, "{event}");
    }
    assert_eq!(
        submitted(&text_with(r#","must":["ttl","body.text"],"ttl":1"#)).reference.as_deref(),
        Some("1")
    );
    assert_eq!(submitted(&text_with(r#","ttl":18446744073709551615"#)).expires_at, Some(Timestamp::NEVER));
    let nothing = text_with(r#","want":null,"fb":null,"re":null,"must":null"#);
    assert!(!submitted(&nothing).receipts.success);
}

#[test]
fn a_business_may_send_under_its_name() {
    let event = text_with(r#","class":"a2p_ad""#).replace(r#"{"usr":"u"}"#, r#"{"name":"ACME"}"#);
    let submission = submitted(&event);
    assert_eq!(submission.class, Class::Advertising);
    assert_eq!(submission.from, Pii::new(number("ACME")));
}

#[test]
fn receipts_name_their_messages() {
    let states = |event: &str| -> Vec<(String, ReceiptState)> {
        let receipts = read(event).into_iter().map(|item| match item {
            HttpInbound::Receipt(receipt) => (receipt.upstream[0].0.to_string(), receipt.state),
            other => panic!("{other:?}"),
        });
        receipts.collect()
    };
    let own = |id: &str, state| (id.to_owned(), state);
    assert_eq!(
        states(r#"{"id":"r","kind":"delivered","body":{"ids":["11","12"]}}"#),
        [own("11", ReceiptState::Delivered), own("12", ReceiptState::Delivered)]
    );
    assert_eq!(
        states(r#"{"id":"r","kind":"read","re":{"target":"11"}}"#),
        [own("11", ReceiptState::Displayed)]
    );
    for (word, state) in [
        ("sent", ReceiptState::Enroute),
        ("uncertain", ReceiptState::Enroute),
        ("handed_over", ReceiptState::Accepted),
        ("expired", ReceiptState::Expired),
        ("recalled", ReceiptState::Deleted),
        ("failed", ReceiptState::Undeliverable),
        ("rejected", ReceiptState::Rejected),
        ("lost", ReceiptState::Unknown),
    ] {
        let event = format!(
            r#"{{"id":"r","kind":"receipt","body":{{"ids":["11"],"state":"{word}","native":"E7"}},"ts":5}}"#
        );
        assert_eq!(states(&event), [own("11", state)], "{word}");
        let Some(HttpInbound::Receipt(receipt)) = read(&event).pop() else { panic!() };
        assert_eq!(receipt.code.as_deref(), Some("E7"));
        assert_eq!(receipt.at, Some(Timestamp::from_millis(5)));
    }
    assert!(matches!(
        read(r#"{"id":"r","kind":"receipt","body":{"ids":["1"],"state":"dreaming"}}"#)[..],
        [HttpInbound::Ignored { .. }]
    ));
    // A watermark alone would be lost silently.
    assert_eq!(refused(r#"{"id":"r","kind":"read","body":{"upto_cs":4711}}"#), Cause::Malformed);
    assert_eq!(refused(r#"{"id":"r","kind":"read","body":{"ids":[""]}}"#), Cause::Malformed);
}

#[test]
fn typing_is_a_signal_for_each_recipient() {
    let items = read(
        r#"{"id":"t","kind":"typing","from":{"usr":"u"},"to":[{"tel":"+821087654321"},{"usr":"v"}],"body":{"on":false}}"#,
    );
    assert_eq!(items.len(), 2);
    let HttpInbound::Signal(signal) = &items[1] else { panic!("{items:?}") };
    assert_eq!(signal.kind, SignalKind::Typing { on: false });
    assert_eq!(signal.to, Pii::new(user("v")));
}

#[test]
fn numbers_are_unlinked_but_never_linked_by_a_claim() {
    let event = |word: &str| {
        format!(
            r#"{{"id":"n","kind":"number","from":{{"usr":"u_77"}},"body":{{"tel":"+821012345678","event":"{word}"}}}}"#
        )
    };
    for word in ["unlinked", "recycled"] {
        let items = read(&event(word));
        let [HttpInbound::Command(Command::Unlink { origin, user })] = &items[..] else {
            panic!("{items:?}")
        };
        assert_eq!((origin.0, user.as_str()), (7, "u_77"));
    }
    assert_eq!(refused(&event("linked")), Cause::Policy);
    for word in ["ported", "sim_swap", "blessed"] {
        assert!(matches!(read(&event(word))[..], [HttpInbound::Ignored { .. }]));
    }
    assert_eq!(refused(&event("unlinked").replace("u_77", "")), Cause::BadSender);
}

#[test]
fn consent_belongs_to_a_number() {
    for (word, scope) in [
        ("business", ConsentScope::Business),
        ("ad", ConsentScope::Advertising),
        ("ad_night", ConsentScope::NightAdvertising),
    ] {
        let items = read(&format!(
            r#"{{"id":"c","kind":"consent","body":{{"who":{{"tel":"+821012345678"}},"scope":"{word}","on":true,"proof":"p"}}}}"#
        ));
        let [HttpInbound::Command(Command::Consent { number, scope: got, granted: true })] = &items[..]
        else {
            panic!("{items:?}")
        };
        assert_eq!(*got, scope);
        assert_eq!(number.reveal(For::Owner), &Number::written("+821012345678"));
    }
    assert_eq!(
        refused(r#"{"id":"c","kind":"consent","body":{"who":{"usr":"u"},"scope":"ad","on":true}}"#),
        Cause::BadDestination
    );
    assert_eq!(
        refused(r#"{"id":"c","kind":"consent","body":{"who":{"tel":"114"},"scope":"all","on":true}}"#),
        Cause::Malformed
    );
}

proptest! {
    #[test]
    fn any_octets_are_answered(body in prop::collection::vec(any::<u8>(), 0..400)) {
        if let Err(error) = webhook().read(now(), &call(body)) {
            prop_assert!(error.status.is_client_error());
        }
    }

    #[test]
    fn any_text_comes_through_in_normal_form(said in "\\PC{1,40}") {
        let event = format!(
            r#"{{"id":"1","kind":"text","from":{{"usr":"u"}},"to":[{{"tel":"114"}}],"body":{{"text":{}}}}}"#,
            serde_json::to_string(&said).unwrap()
        );
        let Content::Text(got) = submitted(&event).content else { panic!() };
        prop_assert!(unicode_normalization::is_nfc(&got));
        use unicode_normalization::UnicodeNormalization;
        prop_assert_eq!(got.into_string(), said.nfc().collect::<String>());
    }
}
