//! Groups across restarts: what is kept, and what is made of it again.

use bytes::Bytes;
use proptest::prelude::*;
use rcs::core::group::{Creation, Do, MemberState, NOT_A_MEMBER, Wish};

use crate::world::*;

const DAY_US: i64 = 86_400_000_000;

/// What is to be kept of the group from now on.
fn kept(done: &[Do]) -> Vec<Option<Bytes>> {
    done.iter()
        .filter_map(|one| match one {
            Do::Keep { value, .. } => Some(value.clone()),
            _ => None,
        })
        .collect()
}

/// The world after a restart, with that.
fn again(world: &World, value: impl Into<Bytes>, later_us: i64) -> World {
    let mut again = World::empty();
    again.group.clone_from(&world.group);
    again.now_us = world.now_us + later_us;
    let kept = vec![(Bytes::from(world.group.clone()), value.into())];
    again.focus.recall(again.now_us, &again.settings, kept);
    again
}

/// A group of three, and what is kept of it.
fn three() -> (World, Bytes) {
    let mut world = World::empty();
    world.group = world.create(MINA, &[JUN, SOO]).expect("created");
    let mut all = kept(&world.done());
    assert!(world.joined(JUN));
    world.not_joined(SOO, 404);
    let done = world.done();
    all.extend(kept(&done));
    for (ask, _) in submissions(&done) {
        world.answered(ask, None);
    }
    let last = all.pop().flatten().expect("it is kept");
    (world, last)
}

#[test]
fn a_group_is_there_again_as_it_was() {
    let (world, value) = three();
    let mut later = again(&world, value, 0);
    assert!(later.done().is_empty(), "nobody is called, nothing is written");
    assert_eq!(later.focus.ids(&later.group), Some((CONTRIBUTION, CONVERSATION)));
    let states = [MINA, JUN, SOO].map(|who| later.state(who));
    let [away, elsewhere] = [MemberState::Away, MemberState::Elsewhere].map(Some);
    assert_eq!(states, [away, away, elsewhere]);
    // By dialling its URI, or the factory with its old id, its members come back; strangers do not.
    assert_eq!(later.create(MINA, &[JUN]), Ok(world.group));
    let group = later.group.clone();
    later.focus.rejoin(later.now_us, &later.settings, &group, &person(JUN), leg(JUN)).expect("a member");
    let stranger =
        later.focus.rejoin(later.now_us, &later.settings, &group, &person(STRANGER), leg(STRANGER));
    assert_eq!(stranger, Err(NOT_A_MEMBER));
    // The chair, the names and the subject are what they were.
    let gone = [(person(SOO), Wish::Remove)];
    later.done();
    later.said(MINA, 1, plain("hi"));
    let said = submissions(&later.done());
    assert_eq!(text(&said[1].1), "Mina: hi");
    let mina = line(MINA);
    later.focus.refer(later.now_us, &later.settings, &group, &mina, &gone).expect("the chairman may");
}

/// No cost where nothing changes.
#[test]
fn sessions_and_messages_write_nothing() {
    let (mut world, _) = three();
    world.ended(JUN, None);
    assert!(world.joined(JUN));
    world.said(MINA, 1, plain("hi"));
    world.writes(SOO, "hi");
    assert!(kept(&world.done()).is_empty());
    // But that it is not idle is known on the day.
    world.now_us += 2 * DAY_US;
    world.said(MINA, 1, plain("hi"));
    world.said(MINA, 2, plain("hi"));
    assert_eq!(kept(&world.done()).len(), 1);
}

#[test]
fn whoever_goes_is_gone_after_a_restart_and_so_is_a_group_that_is_over() {
    let (mut world, _) = three();
    world.ended(JUN, Some(200));
    let value = kept(&world.done()).pop().flatten().expect("it has changed");
    let later = again(&world, value, 0);
    assert_eq!(later.state(JUN), None);
    world.writes(SOO, "leave");
    assert_eq!(kept(&world.done()).pop(), Some(None), "too small");
}

#[test]
fn a_group_in_which_nothing_happens_is_forgotten() {
    let (mut world, value) = three();
    let idle_us = i64::try_from(world.settings.groups.idle_max.as_micros()).expect("some days");
    let mut later = again(&world, value, idle_us + DAY_US);
    assert!(later.focus.is_empty());
    assert_eq!(kept(&later.done()), [None]);
    // Also while we run, when somebody else wants one.
    for member in [MINA, JUN] {
        world.ended(member, None);
    }
    world.done();
    world.now_us += idle_us + DAY_US;
    let other = Creation {
        creator: person(MINA),
        leg: leg(MINA),
        contribution: "another",
        conversation: "another",
        subject: None,
        members: vec![person(JUN)],
    };
    world.focus.create(world.now_us, &world.settings, other).expect("created");
    assert_eq!(world.focus.len(), 1);
    let all = kept(&world.done());
    assert!(all.len() == 2 && all[0].is_none() && all[1].is_some());
}

proptest! {
    /// Whatever is found there: a group, or nothing.
    #[test]
    fn any_octets_are_a_group_or_none(octets in proptest::collection::vec(any::<u8>(), 0..512), at in 0_usize..200, bit in 0_u8..8) {
        let (world, value) = three();
        let mut damaged = value.to_vec();
        let length = damaged.len();
        damaged[at % length] ^= 1 << bit;
        for octets in [octets, damaged, value[..at % length].to_vec()] {
            let mut later = again(&world, octets, 0);
            prop_assert!(later.focus.len() <= 1);
            later.writes(SOO, "hi");
        }
    }
}
