//! Coming and going (rcs sheet §10.1, §10.3).

use rcs::core::group::{Closing, Do, MemberState, NOT_A_MEMBER, Wish};
use sip_rcs::lists;

use crate::world::*;

fn invited(done: &[Do]) -> Vec<&rcs::translate::Line> {
    done.iter()
        .filter_map(|one| match one {
            Do::Invite { member, .. } => Some(member),
            _ => None,
        })
        .collect()
}

fn closed(done: &[Do]) -> Vec<(rcs::core::group::Leg, Closing)> {
    done.iter()
        .filter_map(|one| match one {
            Do::Close { leg, why } => Some((*leg, *why)),
            _ => None,
        })
        .collect()
}

#[test]
fn everybody_on_the_list_is_invited_once() {
    let mut world = World::empty();
    world.group = world.create(MINA, &[JUN, SOO, JUN, MINA]).expect("created");
    let done = world.done();
    assert_eq!(invited(&done), [&line(JUN), &line(SOO)]);
    assert_eq!(world.state(MINA), Some(MemberState::Connected));
    assert_eq!(world.focus.ids(&world.group), Some((CONTRIBUTION, CONVERSATION)));
    let invitation =
        world.focus.invitation(&world.settings, &world.group, &line(JUN)).expect("still to be invited");
    assert_eq!(invitation.conference, format!("sip:{}@ims.example", world.group));
    assert_eq!((&*invitation.contribution, &*invitation.conversation), (CONTRIBUTION, CONVERSATION));
    assert_eq!(invitation.subject.as_ref().map(|subject| subject.as_str()), Some("Dinner"));
    assert_eq!(invitation.creator.as_ref().map(|creator| creator.as_str()), Some("tel:+821011110001"));
    let list: Vec<String> =
        lists::read(&invitation.list).expect("a list").into_iter().map(|entry| entry.uri.0).collect();
    assert_eq!(list, ["tel:+821011110001", "tel:+821011110002", "tel:+821022220003"]);
}

/// RFC 3261 §9: nobody's phone rings for a place that is gone or taken.
#[test]
fn an_invitation_that_is_not_answered_is_taken_back() {
    let taken_back = |done: &[Do]| -> Vec<rcs::translate::Line> {
        let of = |one: &Do| match one {
            Do::Uninvite { member, .. } => Some(member.clone()),
            _ => None,
        };
        done.iter().filter_map(of).collect()
    };
    let pending = || {
        let mut world = World::empty();
        world.group = world.create(MINA, &[JUN, SOO]).expect("created");
        world.done();
        world
    };
    // Removed.
    let mut world = pending();
    let (group, mina) = (world.group.clone(), line(MINA));
    let away = [(person(JUN), Wish::Remove)];
    world.focus.refer(world.now_us, &world.settings, &group, &mina, &away).expect("the chairman may");
    assert_eq!(taken_back(&world.done()), [line(JUN)]);
    // The group is over.
    let mut world = pending();
    world.focus.close(&group);
    assert_eq!(taken_back(&world.done()), [line(JUN), line(SOO)]);
    // Comes by dialling it.
    let mut world = pending();
    world.focus.rejoin(world.now_us, &world.settings, &group, &person(JUN), leg(JUN)).expect("a member");
    assert_eq!(taken_back(&world.done()), [line(JUN)]);
    world.ended(JUN, Some(200));
    assert!(taken_back(&world.done()).is_empty(), "nothing rang");
}

#[test]
fn a_group_has_as_many_members_as_the_operator_allows() {
    let mut world = World::empty();
    world.settings.groups.members_min = 3;
    world.settings.groups.members_max = 3;
    assert_eq!(world.create(MINA, &[JUN]).map_err(|refused| refused.status.code()), Err(403));
    assert_eq!(world.create(MINA, &[JUN, SOO, STRANGER]).map_err(|refused| refused.status.code()), Err(486));
    world.settings.groups.groups_max = 0;
    assert_eq!(world.create(MINA, &[JUN, SOO]).map_err(|refused| refused.status.code()), Err(503));
    assert!(world.done().is_empty() && world.focus.is_empty());
}

#[test]
fn answers_say_who_takes_part_and_how() {
    let cases = [
        (404, MemberState::Elsewhere),
        (603, MemberState::Busy),
        (480, MemberState::Away),
        (403, MemberState::Failed),
    ];
    for (status, state) in cases {
        let mut world = World::empty();
        world.group = world.create(MINA, &[JUN, SOO]).expect("created");
        world.not_joined(SOO, status);
        assert_eq!(world.state(SOO), Some(state), "{status}");
        assert!(!(state == MemberState::Busy && world.joined(SOO)), "who declined is not in it");
    }
    let mut world = World::empty();
    world.settings.groups.elsewhere = false;
    world.group = world.create(MINA, &[JUN, SOO]).expect("created");
    world.not_joined(SOO, 404);
    assert_eq!(world.state(SOO), Some(MemberState::Failed), "nothing is lent");
}

#[test]
fn a_lost_bearer_keeps_the_membership_and_a_new_session_takes_the_place_of_the_old_one() {
    let mut world = World::three();
    world.ended(JUN, None);
    assert_eq!(world.state(JUN), Some(MemberState::Away));
    let group = world.group.clone();
    let again = rcs::core::group::Leg(77);
    world.focus.rejoin(world.now_us, &world.settings, &group, &person(JUN), again).expect("a member");
    assert_eq!(world.state(JUN), Some(MemberState::Connected));
    world.done();
    let once_more = rcs::core::group::Leg(78);
    world.focus.rejoin(world.now_us, &world.settings, &group, &person(JUN), once_more).expect("a member");
    assert_eq!(closed(&world.done()), [(again, Closing::Replaced)]);
    // The BYE of the old one says nothing about the member.
    world.focus.ended(&world.settings, again, Some(200));
    assert_eq!(world.state(JUN), Some(MemberState::Connected));
}

#[test]
fn who_leaves_is_gone_and_hears_127_when_coming_back() {
    let mut world = World::three();
    world.ended(JUN, Some(200));
    assert_eq!(world.state(JUN), Some(MemberState::Departed));
    let rejoined =
        world.focus.rejoin(world.now_us, &world.settings, &world.group.clone(), &person(JUN), leg(JUN));
    assert_eq!(rejoined, Err(NOT_A_MEMBER));
    assert_eq!(NOT_A_MEMBER.warning, Some("127 Service not authorised"));
    assert!(!world.joined(JUN), "nor by an answer that comes late");
}

#[test]
fn a_lost_group_is_created_again_with_its_old_ids() {
    let mut world = World::three();
    let lost = world.group.clone();
    let mut later = World::empty();
    let rejoined = later.focus.rejoin(later.now_us, &later.settings, &lost, &person(JUN), leg(JUN));
    assert_eq!(rejoined.map_err(|refused| refused.status.code()), Err(404));
    later.group = later.create(JUN, &[MINA, SOO]).expect("restarted");
    assert_eq!(later.focus.ids(&later.group), Some((CONTRIBUTION, CONVERSATION)));
    assert_eq!(later.group, lost, "its URI and the numbers lent to it stay");
    // One that is not lost is not created twice: the others come into the same, strangers do not.
    assert_eq!(world.create(JUN, &[MINA, SOO]), Ok(lost));
    assert_eq!(world.create(STRANGER, &[MINA, SOO]), Err(NOT_A_MEMBER));
    assert_eq!(world.focus.len(), 1);
}

#[test]
fn members_are_added_by_any_member_and_removed_by_the_chairman() {
    let mut world = World::three();
    let group = world.group.clone();
    let add = [(person(STRANGER), Wish::Add), (person(STRANGER), Wish::Add), (person(MINA), Wish::Add)];
    world.focus.refer(world.now_us, &world.settings, &group, &line(JUN), &add).expect("added");
    assert_eq!(invited(&world.done()), [&line(STRANGER)]);
    let remove = [(person(STRANGER), Wish::Remove)];
    let refused = world.focus.refer(world.now_us, &world.settings, &group, &line(JUN), &remove);
    assert_eq!(refused.map_err(|refused| refused.status.code()), Err(403), "Jun is no chairman");
    let remove = [(person(JUN), Wish::Remove)];
    world.focus.refer(world.now_us, &world.settings, &group, &line(MINA), &remove).expect("removed");
    assert_eq!(world.state(JUN), Some(MemberState::Booted));
    assert_eq!(closed(&world.done()), [(leg(JUN), Closing::Gone)]);
}

#[test]
fn the_chair_passes_on_when_the_chairman_leaves() {
    let mut world = World::three();
    world.ended(MINA, Some(200));
    let remove = [(person(SOO), Wish::Remove)];
    let group = world.group.clone();
    world.focus.refer(world.now_us, &world.settings, &group, &line(JUN), &remove).expect("Jun is it now");
}

/// A chairman who declines to come back, or cannot, is as gone as one who left.
#[test]
fn the_chair_passes_on_when_the_chairman_does_not_come_back() {
    for status in [603, 403] {
        let mut world = World::three();
        let group = world.group.clone();
        world.focus.watch(&world.settings, &group, &line(MINA), 1).expect("a member");
        world.ended(MINA, None);
        let add = [(person(MINA), Wish::Add)];
        world.focus.refer(world.now_us, &world.settings, &group, &line(JUN), &add).expect("asked again");
        world.done();
        world.not_joined(MINA, status);
        assert!(world.done().contains(&Do::Unwatch { watcher: 1 }), "who is no member hears nothing more");
        let remove = [(person(MINA), Wish::Remove)];
        let refused = world.focus.refer(world.now_us, &world.settings, &group, &line(JUN), &remove);
        assert_eq!(refused.map_err(|refused| refused.status.code()), Err(404), "Jun may, but she is none");
        // Who comes back is a member as others are.
        world.focus.refer(world.now_us, &world.settings, &group, &line(JUN), &add).expect("added");
        assert!(world.joined(MINA));
        let remove = [(person(SOO), Wish::Remove)];
        let refused = world.focus.refer(world.now_us, &world.settings, &group, &line(MINA), &remove);
        assert_eq!(refused.map_err(|refused| refused.status.code()), Err(403), "{status}");
    }
}

/// What one REFER asks for is done, in whatever order it is written.
#[test]
fn who_is_added_with_a_removal_keeps_the_group_large_enough() {
    let mut world = World::empty();
    world.group = world.create(MINA, &[JUN]).expect("created");
    world.joined(JUN);
    world.done();
    let group = world.group.clone();
    let wishes = [(person(JUN), Wish::Remove), (person(SOO), Wish::Add)];
    world.focus.refer(world.now_us, &world.settings, &group, &line(MINA), &wishes).expect("both");
    assert_eq!(world.state(JUN), Some(MemberState::Booted));
    assert_eq!(world.state(SOO), Some(MemberState::Pending));
    let done = world.done();
    assert_eq!((invited(&done), closed(&done)), (vec![&line(SOO)], vec![(leg(JUN), Closing::Gone)]));
}

#[test]
fn a_group_that_is_too_small_is_over_for_everybody() {
    let mut world = World::three();
    world.ended(JUN, Some(200));
    assert!(closed(&world.done()).is_empty());
    world.writes(SOO, "leave");
    assert_eq!(closed(&world.done()), [(leg(MINA), Closing::Gone)]);
    assert!(!world.focus.knows(&world.group));
}

#[test]
fn the_quietest_group_makes_room() {
    let mut world = World::empty();
    world.settings.groups.groups_max = 1;
    let first = world.create(MINA, &[JUN]).expect("created");
    world.group = first.clone();
    world.ended(MINA, None);
    world.not_joined(JUN, 480);
    world.done();
    let second = rcs::core::group::Creation {
        creator: person(SOO),
        leg: leg(SOO),
        contribution: "another",
        conversation: "another",
        subject: None,
        members: vec![person(MINA)],
    };
    world.focus.create(world.now_us, &world.settings, second).expect("created");
    assert!(!world.focus.knows(&first));
}
