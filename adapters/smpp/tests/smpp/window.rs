//! Outstanding requests (SMPP 3.4 §2.8; faults F31, F34).

use std::collections::BTreeMap;

use proptest::prelude::*;
use smpp::limits::SEQUENCE_MAX;
use smpp::window::Window;

const TIMEOUT: i64 = 60;

#[test]
fn answers_may_come_in_any_order() {
    let mut window = Window::new(4, TIMEOUT);
    let numbers: Vec<_> = ["a", "b", "c", "d"].map(|name| window.insert(0, name).unwrap()).into();
    assert_eq!(numbers, [1, 2, 3, 4]);
    assert_eq!(window.insert(0, "e"), Err("e"), "a full window hands the request back");
    assert_eq!(window.complete(3), Some("c"));
    assert_eq!(window.complete(3), None, "a second answer finds nothing");
    assert_eq!(window.complete(99), None);
    assert_eq!(window.insert(0, "e"), Ok(5));
    assert_eq!(window.complete(1), Some("a"));
    assert_eq!(window.drain().collect::<Vec<_>>(), [(2, "b"), (4, "d"), (5, "e")]);
    assert!(window.is_empty() && window.next_deadline_us().is_none());
}

#[test]
fn requests_expire_oldest_first_and_late_answers_find_nothing() {
    let mut window = Window::new(10, TIMEOUT);
    for now in [0, 5, 10] {
        window.insert(now, now).unwrap();
    }
    assert_eq!(window.next_deadline_us(), Some(60));
    assert_eq!(window.expire(59).count(), 0);
    assert_eq!(window.expire(65).collect::<Vec<_>>(), [(1, 0), (2, 5)]);
    assert_eq!(window.complete(1), None);
    assert_eq!((window.complete(3), window.next_deadline_us()), (Some(10), None));
}

#[test]
fn numbers_wrap_to_one_and_pass_over_what_still_waits() {
    let mut window = Window::new(40, TIMEOUT).starting_at(SEQUENCE_MAX - 1);
    assert_eq!(window.insert(0, 'a'), Ok(SEQUENCE_MAX - 1));
    assert_eq!(window.insert(0, 'b'), Ok(SEQUENCE_MAX));
    assert_eq!(window.insert(0, 'c'), Ok(1), "0 is never sent");
    // Once round: number 1 is still out, whatever its slot is called meanwhile.
    for _ in 0..1_000 {
        let number = window.insert(0, 'x').unwrap();
        assert!((2..=2_000).contains(&number));
        assert_eq!(window.complete(number), Some('x'));
    }
    assert_eq!(window.complete(1), Some('c'));
    assert_eq!(window.complete(SEQUENCE_MAX), Some('b'));
}

#[test]
fn enquiries_go_past_a_full_window() {
    let mut window = Window::new(1, TIMEOUT);
    assert_eq!(window.insert(0, ()), Ok(1));
    assert!(window.is_full());
    assert_eq!(window.sequence(), 2);
    assert_eq!(window.sequence(), 3);
    assert_eq!(window.complete(2), None);
    window.resize(2);
    assert_eq!((window.room(), window.insert(0, ())), (1, Ok(4)));
}

#[derive(Debug, Clone)]
enum Step {
    Insert,
    Complete(usize),
    Stray(u32),
    Pass(i64),
    Enquire,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Insert),
        3 => (0_usize..64).prop_map(Step::Complete),
        1 => any::<u32>().prop_map(Step::Stray),
        1 => (0_i64..40).prop_map(Step::Pass),
        1 => Just(Step::Enquire),
    ]
}

proptest! {
    /// The window against a map that does the same the slow way.
    #[test]
    fn it_is_a_map_with_deadlines(
        steps in proptest::collection::vec(step(), 0..400),
        size in 1_usize..60,
        start in prop_oneof![Just(1_u32), SEQUENCE_MAX - 50..=SEQUENCE_MAX],
    ) {
        let mut window = Window::new(size, TIMEOUT).starting_at(start);
        let mut model: BTreeMap<u32, (i64, usize)> = BTreeMap::new();
        let (mut now, mut made) = (0, 0);
        for step in steps {
            match step {
                Step::Insert => {
                    made += 1;
                    match window.insert(now, made) {
                        Ok(number) => {
                            prop_assert!((1..=SEQUENCE_MAX).contains(&number));
                            prop_assert!(model.insert(number, (now + TIMEOUT, made)).is_none(), "in use");
                        }
                        Err(back) => {
                            prop_assert_eq!(back, made);
                            prop_assert_eq!(model.len(), size);
                        }
                    }
                }
                Step::Complete(nth) => {
                    if let Some(number) = model.keys().copied().nth(nth) {
                        let (_, made) = model.remove(&number).unwrap();
                        prop_assert_eq!(window.complete(number), Some(made));
                    }
                }
                Step::Stray(number) => {
                    if !model.contains_key(&number) {
                        prop_assert_eq!(window.complete(number), None);
                    }
                }
                Step::Pass(by) => {
                    now += by;
                    let expired: Vec<_> = window.expire(now).collect();
                    prop_assert!(expired.is_sorted_by_key(|(_, made)| *made), "oldest first");
                    for (number, made) in expired {
                        let (deadline, was) = model.remove(&number).unwrap();
                        prop_assert!(deadline <= now && was == made);
                    }
                    prop_assert!(model.values().all(|(deadline, _)| *deadline > now));
                }
                Step::Enquire => prop_assert!(!model.contains_key(&window.sequence())),
            }
            prop_assert_eq!(window.len(), model.len());
            let deadline = model.values().map(|(deadline, _)| *deadline).min();
            prop_assert_eq!(window.next_deadline_us(), deadline);
        }
    }
}
