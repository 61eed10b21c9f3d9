//! Rates (fault F30; SMPP 5.0 §4.8.4.18).

use smpp::pace::{Bucket, Pace, PaceOptions, Wait};

const SECOND: i64 = 1_000_000;

/// Segments let through from `from` until `until`, asked for every millisecond.
fn through(pace: &mut Pace, from: i64, until: i64) -> u32 {
    (from..until).step_by(1_000).map(|now| u32::from(pace.take(now, 1).is_ok())).sum()
}

#[test]
fn the_agreed_rate_is_kept_and_the_wait_is_true() {
    let mut bucket = Bucket::new(10_000, 2, 0);
    assert_eq!(bucket.take(0, 2), Ok(()));
    assert_eq!(bucket.take(0, 1), Err(Wait { us: 100_000 }));
    assert_eq!(bucket.take(99_999, 1), Err(Wait { us: 1 }));
    assert_eq!(bucket.take(100_000, 1), Ok(()));
    assert_eq!(bucket.take(100_000, 2), Err(Wait { us: 200_000 }));
}

#[test]
fn a_long_message_is_never_stuck_on_its_second_segment() {
    let mut bucket = Bucket::new(1_000, 3, 0);
    assert_eq!(bucket.take(0, 3), Ok(()), "all segments or none");
    assert_eq!(bucket.take(SECOND, 2), Err(Wait { us: SECOND }));
    // Longer than the burst: passes when full, and is paid for afterwards.
    assert_eq!(bucket.take(4 * SECOND, 5), Ok(()));
    assert_eq!(bucket.take(4 * SECOND, 1), Err(Wait { us: 3 * SECOND }));
}

#[test]
fn what_did_not_go_out_is_given_back() {
    let mut bucket = Bucket::new(1_000, 2, 0);
    bucket.take(0, 2).expect("full");
    bucket.give_back(2);
    bucket.give_back(2);
    assert_eq!(bucket.take(0, 2), Ok(()));
    assert!(bucket.take(0, 1).is_err(), "never more than the burst");
}

#[test]
fn a_clock_that_steps_back_neither_fills_nor_blocks() {
    let mut bucket = Bucket::new(1_000, 1, 10 * SECOND);
    bucket.take(10 * SECOND, 1).expect("full");
    assert_eq!(bucket.take(5 * SECOND, 1), Err(Wait { us: SECOND }));
    assert_eq!(bucket.take(6 * SECOND, 1), Ok(()));
}

#[test]
fn no_rate_lets_nothing_through() {
    let mut bucket = Bucket::new(0, 1, 0);
    bucket.take(0, 1).expect("the burst");
    assert_eq!(bucket.take(i64::MAX, 1), Err(Wait { us: i64::MAX }));
}

#[test]
fn f30_throttled_halves_once_and_climbs_ten_per_cent_a_second() {
    let mut pace = Pace::new(100, 1, 0, PaceOptions::default());
    assert_eq!(through(&mut pace, 0, SECOND), 100);
    // A whole window of requests is refused at once: that is one complaint.
    for _ in 0..50 {
        pace.slow_down(SECOND);
    }
    assert_eq!(pace.rate_milli(), 50_000);
    let climbed = through(&mut pace, SECOND, 2 * SECOND);
    assert!((54..=56).contains(&climbed), "{climbed} in the first second, on the way from 50 to 60");
    assert!((59_800..=60_000).contains(&pace.rate_milli()), "{}", pace.rate_milli());
    through(&mut pace, 2 * SECOND, 7 * SECOND);
    assert_eq!(pace.rate_milli(), 100_000, "and no higher than agreed");
}

#[test]
fn f30_complaints_that_go_on_halve_again_down_to_the_floor() {
    let mut pace = Pace::new(100, 1, 0, PaceOptions::default());
    let mut now = 0;
    for _ in 0..200 {
        pace.slow_down(now);
        now += SECOND;
    }
    // Between halvings it climbs by 10: it settles where the two meet.
    assert!((10_000..=20_000).contains(&pace.rate_milli()), "{}", pace.rate_milli());
    let mut slow = Pace::new(1, 1, 0, PaceOptions::default());
    slow.slow_down(0);
    assert_eq!(slow.rate_milli(), 1_000, "never slower than the floor");
}

#[test]
fn congestion_state_slows_holds_and_releases() {
    let mut pace = Pace::new(100, 1, 0, PaceOptions::default());
    pace.congestion(0, 95);
    assert_eq!(pace.rate_milli(), 50_000);
    // At optimum load the rate stays, as long as the peer says so.
    for now in 1..=10 {
        pace.congestion(now * SECOND / 2, 85);
    }
    let held = pace.rate_milli();
    assert!((50_000..=56_000).contains(&held), "{held}");
    pace.congestion(5 * SECOND, 10);
    assert_eq!(pace.take(6 * SECOND, 1), Ok(()));
    assert_eq!(pace.rate_milli(), held + 10_000);
}

#[test]
fn a_reload_changes_the_agreed_rate() {
    let mut pace = Pace::new(100, 1, 0, PaceOptions::default());
    pace.set_agreed(0, 200);
    assert_eq!(pace.rate_milli(), 200_000);
    pace.slow_down(0);
    pace.set_agreed(0, 50);
    assert_eq!(pace.rate_milli(), 50_000);
}
