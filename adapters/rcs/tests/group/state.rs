//! What subscribers hear (RFC 4575, rcs sheet §10.2).

use model::Cause;
use rcs::core::group::{Do, NOT_A_MEMBER, Verdict, Wish};
use sip_rcs::conference::{Disconnection, Extent, Roster, Status, Update};

use crate::world::*;

fn status(roster: &Roster, member: &str) -> (Option<Status>, Option<Disconnection>) {
    let uri = format!("tel:{member}");
    let user = roster.state().users.iter().find(|user| user.entity.as_str() == uri).expect("listed");
    (user.endpoints[0].status, user.endpoints[0].disconnection)
}

#[test]
fn the_state_comes_in_full_first_and_then_in_changes_one_version_each() {
    let mut world = World::three();
    let group = world.group.clone();
    let mut roster = Roster::default();
    world.focus.watch(&world.settings, &group, &line(MINA), 1).expect("a member");
    assert_eq!(hear(&mut roster, 1, &world.done()), [Update::Applied]);
    let state = roster.state();
    assert_eq!((state.extent, state.user_count), (Extent::Full, Some(3)));
    assert_eq!(state.subject.as_ref().map(|subject| subject.as_str()), Some("Dinner"));
    assert!(state.users[0].own && state.users[0].roles == ["chairman"]);
    assert!(!state.users[1].own);
    let version = state.version;

    // Nothing leaves before the first is answered; then all that changed at once.
    world.ended(JUN, Some(200));
    world
        .focus
        .refer(world.now_us, &world.settings, &group, &line(MINA), &[(person(STRANGER), Wish::Add)])
        .expect("added");
    assert!(hear(&mut roster, 1, &world.done()).is_empty());
    world.focus.notified(&world.settings, 1);
    assert_eq!(hear(&mut roster, 1, &world.done()), [Update::Applied]);
    assert_eq!(roster.state().version, version + 1);
    assert_eq!(status(&roster, JUN), (Some(Status::Disconnected), Some(Disconnection::Departed)));
    assert_eq!(status(&roster, STRANGER), (Some(Status::Pending), None));
    assert_eq!(status(&roster, SOO), (Some(Status::Connected), None), "takes part by short messages");

    // A refresh brings everything again, in order.
    world.focus.notified(&world.settings, 1);
    world.focus.watch(&world.settings, &group, &line(MINA), 1).expect("again");
    assert_eq!(hear(&mut roster, 1, &world.done()), [Update::Applied]);
    assert_eq!((roster.state().version, roster.state().extent), (version + 2, Extent::Full));
}

#[test]
fn the_chairman_changes_the_subject_and_everybody_hears_of_it() {
    let mut world = World::three();
    let group = world.group.clone();
    let mut roster = Roster::default();
    world.focus.watch(&world.settings, &group, &line(JUN), 1).expect("a member");
    hear(&mut roster, 1, &world.done());
    world.focus.notified(&world.settings, 1);
    let change = "From: <sip:a@b>\r\nTo: <sip:a@b>\r\n\r\n\
        Content-Type: application/vnd.oma.cpm-groupdata+xml\r\n\r\n\
        <group-data xmlns=\"urn:x\"><icon/><subject>Lunch &amp; more</subject></group-data>";
    world.said(JUN, 1, change);
    let done = world.done();
    assert!(matches!(verdicts(&done)[..], [(1, Verdict::Status(status))] if status.code() == 403));
    world.said(MINA, 2, change);
    let done = world.done();
    assert_eq!(verdicts(&done), [(2, Verdict::Taken)]);
    assert_eq!(hear(&mut roster, 1, &done), [Update::Applied]);
    assert_eq!(roster.state().subject.as_ref().map(|subject| subject.as_str()), Some("Lunch & more"));
    assert_eq!(roster.state().users.len(), 3, "the others are as they were");
}

#[test]
fn strangers_hear_nothing_and_who_is_removed_hears_nothing_more() {
    let mut world = World::three();
    let group = world.group.clone();
    let refused = world.focus.watch(&world.settings, &group, &line(STRANGER), 1);
    assert_eq!(refused, Err(NOT_A_MEMBER));
    let refused = world.focus.watch(&world.settings, "g0", &line(MINA), 1);
    assert_eq!(refused.map_err(|refused| refused.status.code()), Err(404));
    world.focus.watch(&world.settings, &group, &line(JUN), 2).expect("a member");
    world.done();
    let remove = [(person(JUN), Wish::Remove)];
    world.focus.refer(world.now_us, &world.settings, &group, &line(MINA), &remove).expect("removed");
    assert!(world.done().contains(&Do::Unwatch { watcher: 2 }));
    world.focus.watch(&world.settings, &group, &line(MINA), 3).expect("a member");
    world.done();
    world.focus.close(&group);
    assert!(world.done().contains(&Do::Unwatch { watcher: 3 }), "the group is over");
}

#[test]
fn subscriptions_are_bounded() {
    let mut world = World::three();
    let group = world.group.clone();
    for watcher in 0..4 {
        world.focus.watch(&world.settings, &group, &line(MINA), watcher).expect("room");
    }
    let refused = world.focus.watch(&world.settings, &group, &line(MINA), 4);
    assert_eq!(refused.map_err(|refused| refused.status.code()), Err(503));
    world.focus.unwatched(0);
    world.focus.watch(&world.settings, &group, &line(MINA), 4).expect("room again");
    world.settings.limits.waiting_max = 0;
    world.said(MINA, 9, plain("x"));
    assert_eq!(verdicts(&world.done()), [(9, Verdict::Refused(Cause::QueueFull))]);
}
