//! Verification finds what does not add up.

use std::sync::Arc;

use billing::ChargeAt;
use engine::journal::Event;
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
    story.says(id(0, 5), Event::Rerouted { leg: 1, channel: ChannelId(3), because: Cause::Unreachable });
    store.commit(story.batch()).await.unwrap();
    story.ends(1, id(0, 1), Disposition::Delivered);
    ends_by(&mut story, id(0, 4), 0, ChannelId(2), ChargeAt::Delivery, Disposition::Expired);
    ends_by(&mut story, id(0, 5), 1, ChannelId(3), ChargeAt::Submission, Disposition::Rejected);
    story.says(id(0, 1), Event::Reported { given_up: false });
    store.commit(story.batch()).await.unwrap();
    store
}

fn ends_by(
    story: &mut Story,
    message: MessageId,
    leg: u8,
    channel: ChannelId,
    charge_at: ChargeAt,
    disposition: Disposition,
) {
    let accepted = accepted(FROM, TO, charge_at);
    let meter = billing::Meter { leg, channel, ..meter(message, &accepted) };
    let cause = Some(Cause::NetworkRefused);
    story.batch.usage.extend(meter.ended(story.batch.at, disposition, cause));
    story.touches(1).says(message, Event::Final { disposition, cause });
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
    assert_eq!((found.usage_implied, found.usage_rows, found.last_sequence), (7, 7, 7));
    assert_eq!(found.ratings[Rating::Suspended as usize], 7);
    assert_eq!((progress.first(), progress.last()), (Some(&(0, 3)), Some(&(3, 3))));

    let beside = place.open_for(OpenMode::Read).await;
    assert_eq!(report(&*beside).await, found);
    let empty = Report::default();
    assert!(empty.is_clean());
}

pub(crate) async fn verify_finds_missing_usage(place: &Place) {
    let store = lives(place).await;
    let delete = "DELETE FROM usage WHERE sequence = 6";
    place.tamper(delete, delete).await;
    let found = report(&*store).await;
    assert_eq!(found.fault_count, 2);
    assert!(matches!(found.faults[0], Fault::SequenceBroken { expected: 6, found: 7 }));
    assert!(matches!(found.faults[1], Fault::UsageMissing { seq: 3, key } if key.message == id(0, 4)));
}

pub(crate) async fn verify_finds_invented_usage(place: &Place) {
    let store = lives(place).await;
    let invent =
        "INSERT INTO usage (sequence, batch, message, leg, event, at, service, outcome, origin, channel,
                                     class, lane, segments, octets)
                  SELECT sequence + 1, batch, message, 7, event, at, service, outcome, origin, channel, class,
                         lane, segments, octets FROM usage WHERE sequence = 7";
    place.tamper(invent, invent).await;
    let found = report(&*store).await;
    assert_eq!(found.fault_count, 1);
    assert!(matches!(found.faults[0], Fault::UsageExtra { sequence: 8, key } if key.leg == 7));
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
    assert_eq!((found.accepted, found.finals, found.open, found.usage_rows), (1, 0, 1, 9));
}
