//! Verification finds what does not add up.

use std::sync::Arc;

use billing::{ChargeAt, Metered, UsageService};
use engine::journal::{Accepted, Event};
use model::{Cause, ChannelId, Disposition, Duration, MessageId};
use store::{
    OpenMode, Rating, Store, StoreError,
    verify::{Fault, Report, verify},
};

use crate::{
    place::Place,
    world::{Story, accepted, at, id, meter},
};

const FROM: &str = "821011112222";
const TO: &str = "01012345678";

/// Six messages: delivered, failed, open, charged at delivery, rerouted and failed, replaced.
async fn lives(place: &Place) -> Arc<dyn Store> {
    let store = place.open().await;
    let mut story = Story::new();
    for message in 1..=3 {
        story.accepts(id(0, message), FROM, TO, "a");
    }
    story.accepts_at(id(0, 4), FROM, TO, "d", ChargeAt::Delivery);
    story.accepts(id(0, 5), FROM, TO, "e");
    store.commit(story.batch()).await.unwrap();
    story.sent(1, id(0, 1)).ends(1, id(0, 2), Disposition::Undeliverable);
    falls_back(&mut story, id(0, 5));
    store.commit(story.batch()).await.unwrap();
    story.ends(1, id(0, 1), Disposition::Delivered);
    ends_by(
        &mut story,
        id(0, 4),
        &accepted(FROM, TO, ChargeAt::Delivery),
        ChannelId(2),
        Disposition::Expired,
    );
    ends_by(&mut story, id(0, 5), &fallen_back(), ChannelId(3), Disposition::Rejected);
    story.says(id(0, 1), Event::Reported { given_up: false, displayed: false });
    store.commit(story.batch()).await.unwrap();
    store
}

/// A message as it is metered after its fallback.
fn fallen_back() -> Accepted {
    let first = accepted(FROM, TO, ChargeAt::Submission);
    let metered =
        Metered { service: UsageService::Rcs, segments: 1, leg: 1, replaces: Some(0), ..first.metered };
    Accepted { metered, ..first }
}

fn falls_back(story: &mut Story, message: MessageId) {
    let (first, second) = (accepted(FROM, TO, ChargeAt::Submission), fallen_back());
    let (at, because, channel) = (story.batch.at, Cause::Unreachable, ChannelId(3));
    story.batch.usage.push(meter(message, &first).replaced(at, because));
    story.batch.usage.extend(second.meter(message, channel).accepted(at));
    story.says(message, Event::Rerouted { leg: 1, channel, because, metered: Some(second.metered) });
}

fn ends_by(
    story: &mut Story,
    message: MessageId,
    accepted: &Accepted,
    channel: ChannelId,
    disposition: Disposition,
) {
    let cause = Some(Cause::NetworkRefused);
    story.batch.usage.extend(accepted.meter(message, channel).ended(story.batch.at, disposition, cause));
    story.touches(1).says(message, Event::Final { disposition, cause, channel: Some(channel) });
}

async fn report(store: &dyn Store) -> Report {
    verify(store, |_, _| {}).await.unwrap()
}

pub(crate) async fn a_true_store_verifies(place: &Place) {
    let store = lives(place).await;
    let mut progress = Vec::new();
    let found = verify(&*store, |done, of| progress.push((done, of))).await.unwrap();
    assert_eq!(found.faults, []);
    assert!(found.is_clean());
    assert_eq!((found.accepted, found.finals, found.open), (5, 4, 1));
    assert_eq!((found.usage_implied, found.usage_rows, found.last_sequence), (9, 9, 9));
    assert_eq!(found.ratings[Rating::Suspended as usize], 9);
    assert_eq!((progress.first(), progress.last()), (Some(&(0, 3)), Some(&(3, 3))));

    let beside = place.open_for(OpenMode::Read).await;
    assert_eq!(report(&*beside).await, found);
    let empty = Report::default();
    assert!(empty.is_clean());
}

pub(crate) async fn verify_finds_missing_usage(place: &Place) {
    let store = lives(place).await;
    let delete = "DELETE FROM usage WHERE sequence = 8";
    place.tamper(delete, delete).await;
    let found = report(&*store).await;
    assert_eq!(found.fault_count, 2);
    assert!(matches!(found.faults[0], Fault::SequenceBroken { expected: 8, found: 9 }));
    assert!(matches!(found.faults[1], Fault::UsageMissing { seq: 3, key } if key.message == id(0, 4)));
}

pub(crate) async fn verify_finds_invented_usage(place: &Place) {
    let store = lives(place).await;
    let invent =
        "INSERT INTO usage (sequence, batch, message, leg, event, at, service, outcome, origin, channel,
                                     class, lane, segments, octets)
                  SELECT sequence + 1, batch, message, 7, event, at, service, outcome, origin, channel, class,
                         lane, segments, octets FROM usage WHERE sequence = 9";
    place.tamper(invent, invent).await;
    let found = report(&*store).await;
    assert_eq!(found.fault_count, 1);
    assert!(matches!(found.faults[0], Fault::UsageExtra { sequence: 10, key } if key.leg == 7));
}

pub(crate) async fn verify_finds_changed_usage(place: &Place) {
    let store = lives(place).await;
    let change = "UPDATE usage SET segments = 1, rating = 1 WHERE sequence = 2";
    place.tamper(change, change).await;
    let found = report(&*store).await;
    assert_eq!(found.fault_count, 1);
    assert!(matches!(found.faults[0], Fault::UsageDiffers { sequence: 2, .. }));
    assert_eq!(found.ratings[Rating::Rated as usize], 1);
}

pub(crate) async fn verify_finds_a_lost_message(place: &Place) {
    let store = lives(place).await;
    // Message 3 never ended, and now nobody will come back to it.
    let close = "DELETE FROM open_batch WHERE seq = 1";
    place.tamper(close, close).await;
    assert_eq!(report(&*store).await.faults, [Fault::FinalMissing { message: id(0, 3), birth: 1 }]);
}

pub(crate) async fn verify_finds_a_lost_batch(place: &Place) {
    let store = lives(place).await;
    let delete = "DELETE FROM journal WHERE seq = 2";
    place.tamper(delete, delete).await;
    let found = report(&*store).await;
    assert!(found.faults.contains(&Fault::BatchMissing { after: 1, next: 3 }));
    assert!(found.faults.iter().any(|fault| matches!(fault, Fault::UsageExtra { sequence: 5, .. })));
    place
        .tamper(
            "UPDATE journal SET payload = x'01' WHERE seq = 1",
            "UPDATE journal SET payload = '\\x01' WHERE seq = 1",
        )
        .await;
    assert!(matches!(verify(&*store, |_, _| {}).await, Err(StoreError::Corrupt { seq: 1, .. })));
}

pub(crate) async fn verify_works_after_a_purge(place: &Place) {
    let store = lives(place).await;
    let mut story = Story::after(3);
    story.batch.at = at(100_000);
    story.ends(1, id(0, 3), Disposition::Undeliverable).closes(1).erases(1);
    store.commit(story.batch()).await.unwrap();
    story.batch.at = at(100_001);
    story.accepts(id(100_001, 1), FROM, TO, "z");
    store.commit(story.batch()).await.unwrap();
    assert!(report(&*store).await.is_clean());
    assert_eq!(store.purge(at(100_010), Duration::from_secs(1_000)).await.unwrap().batches, 3);
    let found = report(&*store).await;
    assert_eq!(found.faults, []);
    assert_eq!((found.accepted, found.finals, found.open, found.usage_rows), (1, 0, 1, 11));
}
