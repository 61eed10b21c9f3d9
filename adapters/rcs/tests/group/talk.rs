//! What is said: to everybody, once each, and what comes back (rcs sheet §7.2, §10.3, §13.3).

use model::{Address, Cause, For, ReceiptState, Retry};
use rcs::core::group::{Do, MemberState, Verdict};
use sip_msrp::Status;
use sip_rcs::{cpim::Field, imdn, mime::Kind};

use crate::world::*;

/// I1, I3: one submission for each member; the sender hears of it when all of them are answered.
#[test]
fn a_message_is_a_submission_for_each_member_and_is_taken_when_all_are_answered() {
    let mut world = World::three();
    world.said(MINA, 5, plain("안녕"));
    let handed_in = submissions(&world.done());
    assert_eq!(handed_in.iter().map(|(_, one)| to(one)).collect::<Vec<_>>(), [JUN, SOO]);
    let (jun, soo) = (&handed_in[0].1, &handed_in[1].1);
    assert_eq!((text(jun), text(soo)), ("안녕", "Mina: 안녕"));
    let mina = line(MINA).number();
    assert_eq!(jun.from.reveal(For::Decision), &Address::Number(mina));
    let Address::User(user) = soo.from.reveal(For::Decision) else { panic!("a group is no number") };
    assert_eq!((user.messenger.as_str(), user.id.as_str()), ("rcs", world.group.as_str()));
    // What is given back by Jun's devices is the group's on his phone, too.
    let elsewhere = jun.elsewhere.as_deref().expect("another face");
    assert_eq!((&elsewhere.from, &**elsewhere.lead.reveal(For::Decision)), (&soo.from, "Mina: "));
    assert_eq!(soo.elsewhere, None);
    assert_eq!(jun.reference.as_deref(), Some("Msg1"));
    assert!(jun.receipts.success && jun.receipts.displayed);
    assert_ne!(jun.idempotency_key, soo.idempotency_key);

    world.answered(handed_in[0].0, None);
    assert!(verdicts(&world.done()).is_empty(), "one is still open");
    world.answered(handed_in[1].0, Some(Cause::NoRoute));
    assert_eq!(verdicts(&world.done()), [(5, Verdict::Taken)], "somebody will get it");

    // The same message again has the same keys, so that nobody gets it twice.
    world.said(MINA, 6, plain("안녕"));
    let again = submissions(&world.done());
    let keys = |all: &[(u64, std::sync::Arc<model::Submission>)]| {
        all.iter().map(|(_, one)| one.idempotency_key.clone()).collect::<Vec<_>>()
    };
    assert_eq!(keys(&again), keys(&handed_in));
    for (ask, _) in again {
        world.answered(ask, Some(Cause::StoreUnavailable));
    }
    assert_eq!(verdicts(&world.done()), [(6, Verdict::Refused(Cause::StoreUnavailable))]);
}

/// I1: a positive answer says that it is safe for everybody who may get it. What failed for a while is said again by
/// the sender, with the same keys, and nobody gets it twice.
#[test]
fn a_message_that_is_not_safe_for_everybody_yet_is_not_taken() {
    for causes in [[None, Some(Cause::StoreUnavailable)], [Some(Cause::Throttled), None]] {
        let mut world = World::three();
        world.said(MINA, 5, plain("안녕"));
        let handed_in = submissions(&world.done());
        for ((ask, _), cause) in handed_in.iter().zip(causes) {
            world.answered(*ask, cause);
        }
        let cause = causes.into_iter().flatten().next().expect("one of them");
        assert_eq!(verdicts(&world.done()), [(5, Verdict::Refused(cause))]);
    }
    // Whatever came first or last: what passes is why it is worth saying again.
    for causes in [[Cause::NoRoute, Cause::QueueFull], [Cause::QueueFull, Cause::NoRoute]] {
        let mut world = World::three();
        world.said(MINA, 5, plain("안녕"));
        for ((ask, _), cause) in submissions(&world.done()).into_iter().zip(causes) {
            world.answered(ask, Some(cause));
        }
        assert_eq!(verdicts(&world.done()), [(5, Verdict::Refused(Cause::QueueFull))]);
    }
    // So is what a phone said: the gateway hands it over once more.
    let mut world = World::three();
    let attempt = world.writes(SOO, "I come");
    let handed_in = submissions(&world.done());
    world.answered(handed_in[0].0, None);
    world.answered(handed_in[1].0, Some(Cause::Draining));
    let done = world.done();
    let [(ended, Err(refusal))] = outcomes(&done)[..] else { panic!("not safe for Jun") };
    assert_eq!((ended, refusal.retry), (attempt, Retry::Scheduled));
    assert!(receipts(&done).is_empty());
}

/// Rcs sheet §13.3: whoever has RCS and got an SMS in its place answers that, and is heard as before.
#[test]
fn a_member_with_rcs_is_heard_by_its_phone() {
    let mut world = World::three();
    world.ended(JUN, None);
    let attempt = world.writes(JUN, "no RCS here");
    let handed_in = submissions(&world.done());
    assert_eq!(handed_in.iter().map(|(_, one)| to(one)).collect::<Vec<_>>(), [MINA, SOO]);
    assert_eq!(handed_in[0].1.from.reveal(For::Decision), &Address::Number(line(JUN).number()));
    for (ask, _) in handed_in {
        world.answered(ask, None);
    }
    assert_eq!(outcomes(&world.done()), [(attempt, Ok(1))]);
    assert_eq!(world.state(JUN), Some(MemberState::Away), "still one with RCS");
}

#[test]
fn a_member_gets_it_in_the_session_as_the_sender_named_it() {
    let mut world = World::three();
    world.said(MINA, 1, plain("안녕"));
    let jun = submissions(&world.done())[0].1.clone();
    let attempt = world.deliver(jun).expect("Jun has a session");
    let heard = said(&world.done());
    let (to, name, cpim) = &heard[0];
    assert_eq!(*to, leg(JUN));
    assert_eq!(cpim.from().map(|from| from.uri.0), Some("tel:+821011110001"));
    assert_eq!(cpim.from().and_then(|from| from.display.map(|name| name.to_string())), Some("Mina".into()));
    assert_eq!(cpim.to().map(|to| to.uri.0), Some(format!("sip:{}@ims.example", world.group).as_str()));
    assert_eq!((cpim.message_id(), cpim.text(Field::DateTime)), (Some("Msg1"), Some("2027-01-15T08:00:00Z")));
    assert_eq!(&cpim.content()[..], "안녕".as_bytes());
    world.focus.sent(name.expect("awaited"), None);
    assert_eq!(outcomes(&world.done()), [(attempt, Ok(1))]);
}

/// Rcs sheet §10.3: the next message invites again who has no session.
#[test]
fn a_member_without_a_session_is_invited_and_gets_all_that_waited() {
    let mut world = World::three();
    world.ended(JUN, None);
    let mut attempts = Vec::new();
    for text in ["a", "b"] {
        world.said(MINA, 1, plain(text));
        let jun = submissions(&world.done())[0].1.clone();
        attempts.push(world.deliver(jun).expect("it waits"));
        let invited = world.done().iter().filter(|one| matches!(one, Do::Invite { .. })).count();
        assert_eq!(invited, usize::from(text == "a"), "once");
    }
    assert!(world.joined(JUN));
    let heard = said(&world.done());
    assert_eq!(heard.iter().map(|(.., cpim)| &cpim.content()[..]).collect::<Vec<_>>(), [b"a", b"b"]);
    world.focus.sent(heard[0].1.expect("awaited"), None);
    world.focus.unconfirmed(leg(JUN));
    let ends = outcomes(&world.done());
    assert_eq!(ends[0], (attempts[0], Ok(1)));
    let (attempt, Err(refusal)) = ends[1] else { panic!("not confirmed") };
    assert_eq!((attempt, refusal.retry), (attempts[1], Retry::Scheduled));
}

#[test]
fn what_waits_for_a_member_who_does_not_come_goes_back_to_the_gateway() {
    let mut world = World::three();
    world.settings.groups.waiting_per_member_max = 1;
    world.ended(JUN, None);
    world.said(MINA, 1, plain("a"));
    let jun = submissions(&world.done())[0].1.clone();
    let first = world.deliver(jun.clone()).expect("it waits");
    let second = world.deliver(jun).expect("it is refused");
    let [(attempt, Err(refusal))] = outcomes(&world.done())[..] else { panic!("the queue is full") };
    assert_eq!((attempt, refusal.cause), (second, Cause::QueueFull));
    world.not_joined(JUN, 480);
    let [(attempt, Err(refusal))] = outcomes(&world.done())[..] else { panic!("nobody came") };
    assert_eq!((attempt, refusal.retry), (first, Retry::WhenReachable));
    assert_eq!(world.state(JUN), Some(MemberState::Away));
}

#[test]
fn what_msrp_refuses_is_refused() {
    for (status, retry) in [(Status::MEDIA_TYPE, Retry::OtherRoute), (Status::NO_SESSION, Retry::Scheduled)] {
        let mut world = World::three();
        world.said(MINA, 1, plain("a"));
        let jun = submissions(&world.done())[0].1.clone();
        world.deliver(jun).expect("a session");
        let name = said(&world.done())[0].1.expect("awaited");
        world.focus.sent(name, Some(status));
        let [(_, Err(refusal))] = outcomes(&world.done())[..] else { panic!("refused") };
        assert_eq!(refusal.retry, retry);
    }
}

/// Rcs sheet §10.3: a notification goes to the sender only, with the identity of the participant.
#[test]
fn notifications_go_back_to_the_sender_alone() {
    let mut world = World::three();
    world.said(MINA, 1, plain("a"));
    let jun = submissions(&world.done())[0].1.clone();
    world.deliver(jun.clone()).expect("a session");
    let name = said(&world.done())[0].1.expect("awaited");
    world.focus.sent(name, None);
    let Do::Outcome { outcome: model::Outcome::Sent(ids), .. } = &world.done()[0] else { panic!("sent") };

    // To whom it is addressed, or to nobody in particular.
    for to in ["tel:+821011110001", "sip:anonymous@anonymous.invalid"] {
        world.said(JUN, 9, notification(to, "Msg1", "display", "displayed"));
        let told = receipts(&world.done());
        let [(Some(ask), receipt)] = &told[..] else { panic!("one receipt") };
        assert_eq!((&receipt.upstream[..], receipt.state), (&ids[..], ReceiptState::Displayed));
        world.answered(*ask, None);
        assert_eq!(verdicts(&world.done()), [(9, Verdict::Taken)]);
    }

    let (told, attempt) = world.report(jun);
    assert!(told);
    let heard = said(&world.done());
    let [(to, Some(name), cpim)] = &heard[..] else { panic!("one notification") };
    assert_eq!((*to, cpim.kind()), (leg(MINA), Kind::Imdn));
    assert_eq!(cpim.from().map(|from| from.uri.0), Some("tel:+821011110002"), "who has it");
    assert_eq!(cpim.to().map(|to| to.uri.0), Some("tel:+821011110001"));
    let reports = imdn::read(cpim.content()).expect("a notification");
    assert_eq!((&*reports[0].message_id, reports[0].disposition), ("Msg1", imdn::Disposition::Delivered));
    world.focus.sent(*name, None);
    assert_eq!(outcomes(&world.done()), [(attempt, Ok(0))]);
}

/// A text whose sender wants to hear when it fails.
fn asking(text: &str) -> Vec<u8> {
    let asks = String::from_utf8(plain(text)).expect("text");
    asks.replace("positive-delivery, display", "positive-delivery, negative-delivery").into_bytes()
}

/// What Mina is told about whom.
fn failures(done: &[Do]) -> Vec<(String, String, imdn::Disposition)> {
    said(done)
        .iter()
        .map(|(to, _, cpim)| {
            assert_eq!((*to, cpim.kind()), (leg(MINA), Kind::Imdn));
            let report = imdn::read(cpim.content()).expect("a notification").remove(0);
            let recipient = report.recipient.as_ref().expect("about somebody").0.to_string();
            assert_eq!(cpim.from().map(|from| from.uri.0), Some(recipient.as_str()));
            (report.message_id.to_string(), recipient, report.disposition)
        })
        .collect()
}

/// Rcs sheet §7.2: of whom the gateway says at once that it can never reach them, and of whom it says so later.
#[test]
fn a_sender_who_asked_hears_of_members_who_can_never_get_it() {
    let failed = |whom: &str| ("Msg1".to_owned(), format!("tel:{whom}"), imdn::Disposition::Failed);
    let mut world = World::three();
    world.said(MINA, 5, asking("a"));
    let handed_in = submissions(&world.done());
    world.answered(handed_in[1].0, Some(Cause::NoRoute));
    assert!(failures(&world.done()).is_empty(), "it may be said again");
    world.answered(handed_in[0].0, None);
    let done = world.done();
    assert_eq!(verdicts(&done), [(5, Verdict::Taken)]);
    assert_eq!(failures(&done), [failed(SOO)]);
    // No way was left for Jun's, or its time is over.
    for ended in [model::Disposition::Undeliverable, model::Disposition::Expired] {
        let (told, _) = world.report_that(handed_in[0].1.clone(), ended);
        assert!(told);
        assert_eq!(failures(&world.done()), [failed(JUN)]);
    }
    // Whichever way it went to him.
    world.report(handed_in[0].1.clone());
    assert_eq!(failures(&world.done())[0].2, imdn::Disposition::Delivered);
}

#[test]
fn what_is_refused_as_a_whole_or_of_a_sender_who_did_not_ask_fails_for_nobody() {
    let mut world = World::three();
    for (body, causes, verdict) in [
        (plain("a"), [None, Some(Cause::NoRoute)], Verdict::Taken),
        (asking("b"), [Some(Cause::NoRoute), Some(Cause::NoRoute)], Verdict::Refused(Cause::NoRoute)),
        (asking("c"), [Some(Cause::NoRoute), Some(Cause::Throttled)], Verdict::Refused(Cause::Throttled)),
    ] {
        world.said(MINA, 5, body);
        for ((ask, _), cause) in submissions(&world.done()).into_iter().zip(causes) {
            world.answered(ask, cause);
        }
        let done = world.done();
        assert_eq!(verdicts(&done), [(5, verdict)]);
        assert!(said(&done).is_empty());
    }
}

#[test]
fn a_sender_without_a_session_gets_the_report_some_other_way() {
    let mut world = World::three();
    world.said(MINA, 1, plain("a"));
    let jun = submissions(&world.done())[0].1.clone();
    world.ended(MINA, None);
    world.done();
    assert!(!world.report(jun).0);
    assert!(world.done().is_empty());
}

pub(crate) fn notification(to: &str, message_id: &str, kind: &str, status: &str) -> Vec<u8> {
    format!(
        "From: <sip:anonymous@anonymous.invalid>\r\nTo: <{to}>\r\n\
         NS: imdn <urn:ietf:params:imdn>\r\nimdn.Message-ID: n1\r\n\r\n\
         Content-Type: message/imdn+xml\r\nContent-Disposition: notification\r\n\r\n\
         <imdn xmlns=\"urn:ietf:params:xml:ns:imdn\"><message-id>{message_id}</message-id>\
         <datetime>2027-01-15T08:00:00Z</datetime>\
         <{kind}-notification><status><{status}/></status></{kind}-notification></imdn>"
    )
    .into_bytes()
}

fn composing(state: &str) -> Vec<u8> {
    format!(
        "From: <tel:+821000000000>\r\nTo: <sip:anonymous@anonymous.invalid>\r\n\r\n\
         Content-Type: application/im-iscomposing+xml\r\n\r\n\
         <isComposing xmlns=\"urn:ietf:params:xml:ns:im-iscomposing\"><state>{state}</state></isComposing>"
    )
    .into_bytes()
}

/// Rcs sheet §7.3: relayed to all, never stored, never as a short message.
#[test]
fn typing_is_relayed_now_or_never() {
    let mut world = World::three();
    world.said(MINA, 3, composing("active"));
    let done = world.done();
    assert_eq!(verdicts(&done), [(3, Verdict::Taken)]);
    assert!(submissions(&done).is_empty());
    let [(to, None, cpim)] = &said(&done)[..] else { panic!("to Jun alone") };
    assert_eq!((*to, cpim.from().map(|from| from.uri.0)), (leg(JUN), Some("tel:+821011110001")));
    world.said(MINA, 3, composing("active"));
    assert!(said(&world.done()).is_empty(), "an eager client");
    world.said(MINA, 3, composing("idle"));
    assert_eq!(said(&world.done()).len(), 1, "every end is told");
}

/// Rcs sheet §13.3.
#[test]
fn a_plain_phone_is_asked_hears_and_answers_by_short_messages() {
    let mut world = World::empty();
    world.group = world.create(MINA, &[JUN, SOO]).expect("created");
    world.joined(JUN);
    world.done();
    world.not_joined(SOO, 404);
    let first = submissions(&world.done());
    let [(ask, invitation)] = &first[..] else { panic!("an invitation") };
    assert_eq!(to(invitation), SOO);
    let words = text(invitation);
    assert!(words.contains("Mina") && words.contains("Dinner") && words.contains("LEAVE"), "{words}");
    assert!(matches!(invitation.from.reveal(For::Decision), Address::User(_)));
    world.answered(*ask, None);
    assert_eq!(world.state(SOO), Some(MemberState::Elsewhere));

    let attempt = world.writes(SOO, "I come");
    let told = submissions(&world.done());
    assert_eq!(told.iter().map(|(_, one)| to(one)).collect::<Vec<_>>(), [MINA, JUN]);
    assert_eq!(
        (text(&told[0].1), told[0].1.from.reveal(For::Decision)),
        ("I come", &Address::Number(line(SOO).number()))
    );
    for (ask, _) in &told {
        world.answered(*ask, None);
    }
    let done = world.done();
    assert_eq!(outcomes(&done), [(attempt, Ok(1))]);
    assert_eq!(receipts(&done)[0].1.state, ReceiptState::Delivered);
    world.deliver(told[0].1.clone()).expect("Mina has a session");
    let heard = said(&world.done());
    assert_eq!(heard[0].2.from().map(|from| from.uri.0), Some("tel:+821022220003"));
    assert_eq!(&heard[0].2.content()[..], b"I come");

    world.writes(SOO, " 나가기 ");
    assert_eq!(world.state(SOO), Some(MemberState::Departed));
    let late = world.writes(SOO, "hello?");
    let ends = outcomes(&world.done());
    assert!(
        matches!(ends[..], [.., (attempt, Err(refusal))] if attempt == late && refusal.cause == Cause::Policy)
    );
}

#[test]
fn a_phone_that_cannot_be_reached_is_no_member() {
    let mut world = World::empty();
    world.group = world.create(MINA, &[JUN, SOO]).expect("created");
    world.not_joined(SOO, 404);
    let [(ask, _)] = submissions(&world.done())[..] else { panic!("an invitation") };
    world.answered(ask, Some(Cause::NoRoute));
    assert_eq!(world.state(SOO), Some(MemberState::Failed));
}

#[test]
fn when_nobody_gets_what_a_phone_said_its_message_is_refused() {
    let mut world = World::three();
    let attempt = world.writes(SOO, "I come");
    for (ask, _) in submissions(&world.done()) {
        world.answered(ask, Some(Cause::StoreUnavailable));
    }
    let [(ended, Err(refusal))] = outcomes(&world.done())[..] else { panic!("refused") };
    assert_eq!((ended, refusal.retry), (attempt, Retry::Scheduled));
}
