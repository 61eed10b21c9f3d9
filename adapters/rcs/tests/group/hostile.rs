//! What must not happen, whoever wants it.

use model::{Address, Cause, For, Retry};
use proptest::prelude::*;
use rcs::core::group::{Creation, Leg, MemberState, NOT_A_MEMBER, Verdict, Wish};

use crate::{talk::notification, world::*};

#[test]
fn a_stranger_says_nothing_in_a_group() {
    let mut world = World::three();
    world.said(STRANGER, 1, plain("x"));
    let done = world.done();
    assert!(submissions(&done).is_empty() && said(&done).is_empty());
    assert!(matches!(verdicts(&done)[..], [(1, Verdict::Status(status))] if status.code() == 403));
    let attempt = world.writes(STRANGER, "x");
    let done = world.done();
    assert!(submissions(&done).is_empty());
    let [(ended, Err(refusal))] = outcomes(&done)[..] else { panic!("refused") };
    assert_eq!((ended, refusal.cause, refusal.retry), (attempt, Cause::Policy, Retry::Never));
}

#[test]
fn nobody_speaks_for_somebody_else() {
    let mut world = World::three();
    let head = "From: Mina <tel:+821011110001>\r\nTo: <sip:group@ims.example>\r\n";
    world.said(JUN, 1, cpim(head, "I pay"));
    let handed_in = submissions(&world.done());
    assert_eq!(handed_in[0].1.from.reveal(For::Decision), &Address::Number(line(JUN).number()));
    assert_eq!(text(&handed_in[1].1), "+821011110002: I pay");
    let mina = handed_in[0].1.clone();
    world.deliver(mina).expect("a session");
    let heard = said(&world.done());
    assert_eq!(heard[0].2.from().map(|from| from.uri.0), Some("tel:+821011110002"));
    assert!(heard[0].2.from().and_then(|from| from.display).is_none());
}

/// A private message (RFC 7701 §6) is refused, not shown to everybody.
#[test]
fn what_is_meant_for_one_is_not_shown_to_all() {
    let mut world = World::three();
    world.said(MINA, 1, cpim("From: <sip:a@b>\r\nTo: <tel:+821011110002>\r\n", "secret"));
    let done = world.done();
    assert!(submissions(&done).is_empty());
    assert!(matches!(verdicts(&done)[..], [(1, Verdict::Status(status))] if status.code() == 403));
}

#[test]
fn nobody_makes_up_a_receipt_for_somebody_else() {
    let mut world = World::three();
    world.said(MINA, 1, plain("x"));
    let handed_in = submissions(&world.done());
    world.deliver(handed_in[0].1.clone()).expect("a session");
    let name = said(&world.done())[0].1.expect("awaited");
    world.focus.sent(name, None);
    let rcs::core::group::Do::Outcome { outcome: model::Outcome::Sent(ids), .. } = &world.done()[0] else {
        panic!("sent")
    };
    // Mina herself says that it was delivered: it is another message then, of nobody's.
    world.said(MINA, 2, notification("tel:+821011110001", "Msg1", "delivery", "delivered"));
    let told = receipts(&world.done());
    assert_ne!(told[0].1.upstream[..], ids[..]);
    // About nothing that was ever said: it is taken and changes nothing.
    world.said(JUN, 3, notification("sip:anonymous@anonymous.invalid", "Msg9", "delivery", "delivered"));
    let done = world.done();
    assert!(receipts(&done).is_empty());
    assert_eq!(verdicts(&done), [(3, Verdict::Taken)]);
}

#[test]
fn strangers_and_members_without_the_right_change_nothing() {
    let mut world = World::three();
    let group = world.group.clone();
    let wishes = [(person(STRANGER), Wish::Add)];
    let refused = world.focus.refer(world.now_us, &world.settings, &group, &line(STRANGER), &wishes);
    assert_eq!(refused, Err(NOT_A_MEMBER));
    // All or nothing: the addition before it is not done either.
    let wishes = [(person(STRANGER), Wish::Add), (person(MINA), Wish::Remove)];
    let refused = world.focus.refer(world.now_us, &world.settings, &group, &line(JUN), &wishes);
    assert_eq!(refused.map_err(|refused| refused.status.code()), Err(403));
    assert_eq!((world.state(STRANGER), world.state(MINA)), (None, Some(MemberState::Connected)));
    let refused = world.focus.refer(world.now_us, &world.settings, &group, &line(MINA), &[]);
    assert_eq!(refused.map_err(|refused| refused.warning), Err(Some("No destinations")));
    assert!(world.done().is_empty());
    assert_eq!(Wish::of(Some("MESSAGE")), None);
}

#[test]
fn huge_lists_are_refused_before_anything_grows() {
    let mut world = World::empty();
    let many: Vec<String> = (0..1_000).map(|at| format!("+8210{at:08}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(world.create(MINA, &many).map_err(|refused| refused.status.code()), Err(486));
    let mut world = World::three();
    let group = world.group.clone();
    let wishes: Vec<_> = many.iter().map(|number| (person(number), Wish::Add)).collect();
    let refused = world.focus.refer(world.now_us, &world.settings, &group, &line(MINA), &wishes);
    assert_eq!(refused.map_err(|refused| refused.status.code()), Err(486));
    assert!(world.done().is_empty());
    // Coming and going does not make it grow either.
    world.settings.groups.members_max = 4;
    for number in many.iter().take(50) {
        let add = [(person(number), Wish::Add)];
        world.focus.refer(world.now_us, &world.settings, &group, &line(MINA), &add).expect("added");
        let remove = [(person(number), Wish::Remove)];
        world.focus.refer(world.now_us, &world.settings, &group, &line(MINA), &remove).expect("removed");
    }
    let listed = many.iter().filter(|number| world.state(number).is_some()).count();
    assert!(listed <= 8, "{listed}");
}

#[test]
fn creations_that_say_nonsense_are_refused() {
    for (contribution, conversation) in [("", "x"), (&*"x".repeat(129), "x"), ("x", &*"x".repeat(129))] {
        let mut world = World::empty();
        let creation = Creation {
            creator: person(MINA),
            leg: Leg(1),
            contribution,
            conversation,
            subject: None,
            members: vec![person(JUN)],
        };
        let refused = world.focus.create(world.now_us, &world.settings, creation);
        assert_eq!(refused.map_err(|refused| refused.status.code()), Err(400));
    }
}

#[test]
fn addresses_and_texts_do_not_print() {
    let mut world = World::three();
    world.said(MINA, 1, plain("something private"));
    let printed = format!("{:?} {:?}", world.focus, person(MINA));
    for secret in ["1011110001", "something", "Dinner", "Mina"] {
        assert!(!printed.contains(secret), "{secret}");
    }
}

proptest! {
    /// Whatever a member says is answered exactly once, at once or when the gateway has answered.
    #[test]
    fn anything_said_is_answered_once(body in prop::collection::vec(any::<u8>(), 0..300), text in ".{0,40}") {
        for body in [body, plain(&text), cpim(&text, "x"), notification(&text, &text, "delivery", &text)] {
            let mut world = World::three();
            world.said(MINA, 4, body);
            let done = world.done();
            let mut told = verdicts(&done).len();
            for (ask, _) in submissions(&done) {
                world.answered(ask, None);
            }
            for (ask, _) in receipts(&done) {
                world.answered(ask.unwrap_or_default(), None);
            }
            told += verdicts(&world.done()).len();
            prop_assert_eq!(told, 1);
        }
    }
}
