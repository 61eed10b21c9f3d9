//! Commits: durable, once, in order, by the owner.

use std::{future::Future, task::Poll};

use model::Disposition;
use store::{OpenMode, StoreError};

use crate::{
    place::Place,
    world::{Story, at, id},
};

const FROM: &str = "821011112222";
const TO: &str = "01012345678";

pub(crate) async fn what_is_committed_is_recovered(place: &Place) {
    let store = place.open().await;
    let empty = store.recover().await.unwrap();
    assert_eq!((empty.last_seq, empty.last_message), (0, None));

    let mut story = Story::new();
    let one = story.accepts(id(0, 1), FROM, TO, "one").accepts(id(0, 2), FROM, TO, "two").batch();
    let two = story.sent(1, id(0, 1)).batch();
    store.commit(one.clone()).await.unwrap();
    store.commit(two.clone()).await.unwrap();

    let recovery = store.recover().await.unwrap();
    assert_eq!((recovery.last_seq, recovery.last_message), (2, Some(id(0, 2))));
    let journal = store.journal(0, 10).await.unwrap();
    assert_eq!(journal.iter().map(|b| (b.seq, b.at)).collect::<Vec<_>>(), [(1, one.at), (2, two.at)]);
    assert_eq!(journal[0].entries, one.entries);
    assert_eq!(journal[1].entries, two.entries);
}

pub(crate) async fn a_batch_written_twice_is_written_once(place: &Place) {
    let store = place.open().await;
    let mut story = Story::new();
    let one = story.accepts(id(0, 1), FROM, TO, "one").batch();
    let two = story.accepts(id(1, 1), FROM, TO, "two").batch();
    for batch in [&one, &one, &two, &one, &two] {
        store.commit(batch.clone()).await.unwrap();
    }
    assert_eq!(store.journal(0, 10).await.unwrap().len(), 2);
    assert_eq!(store.usage(0, 10, None).await.unwrap().len(), 2);
}

pub(crate) async fn another_batch_with_the_same_number_is_refused(place: &Place) {
    let store = place.open().await;
    store.commit(Story::new().accepts(id(0, 1), FROM, TO, "one").batch()).await.unwrap();
    let other = Story::new().accepts(id(0, 2), FROM, TO, "one").batch();
    assert_eq!(store.commit(other).await, Err(StoreError::Conflict { seq: 1 }));
    assert_eq!(store.usage(0, 10, None).await.unwrap().len(), 1);
}

pub(crate) async fn batches_leave_no_gap(place: &Place) {
    let store = place.open().await;
    let late = Story::after(1).accepts(id(0, 1), FROM, TO, "one").batch();
    assert_eq!(store.commit(late.clone()).await, Err(StoreError::OutOfOrder { seq: 2, expected: 1 }));
    store.commit(Story::new().accepts(id(-1, 1), FROM, TO, "one").batch()).await.unwrap();
    store.commit(late).await.unwrap();
}

pub(crate) async fn a_second_charge_for_one_event_is_refused(place: &Place) {
    let store = place.open().await;
    let mut story = Story::new();
    let first = story.accepts(id(0, 1), FROM, TO, "one").batch();
    store.commit(first.clone()).await.unwrap();
    story.accepts(id(1, 1), FROM, TO, "two");
    story.batch.usage.push(first.usage[0].clone());
    let twice = story.batch();
    assert_eq!(store.commit(twice).await, Err(StoreError::Duplicate { seq: 2 }));

    // Nothing of it was written, and the store goes on.
    assert_eq!(store.bounds().await.unwrap().last_seq, 1);
    assert_eq!(store.usage(0, 10, None).await.unwrap().len(), 1);
    store.commit(Story::after(1).accepts(id(1, 1), FROM, TO, "two").batch()).await.unwrap();
    let sequences: Vec<u64> =
        store.usage(0, 10, None).await.unwrap().iter().map(|row| row.sequence).collect();
    assert_eq!(sequences, [1, 2]);
}

pub(crate) async fn a_former_owner_cannot_write(place: &Place) {
    let former = place.open().await;
    let mut story = Story::new();
    former.commit(story.accepts(id(0, 1), FROM, TO, "one").batch()).await.unwrap();

    let owner = place.open().await;
    let next = story.accepts(id(1, 1), FROM, TO, "two").batch();
    assert_eq!(former.commit(next.clone()).await, Err(StoreError::Fenced));
    assert_eq!(former.commit(next.clone()).await, Err(StoreError::Fenced));
    assert_eq!(former.purge(at(0), std::time::Duration::ZERO).await, Err(StoreError::Fenced));
    owner.commit(next).await.unwrap();
    let epochs: Vec<u64> = owner.journal(0, 10).await.unwrap().iter().map(|batch| batch.epoch).collect();
    assert_eq!(epochs, [1, 2]);
}

pub(crate) async fn a_reader_cannot_write_and_disturbs_nobody(place: &Place) {
    let store = place.open().await;
    let mut story = Story::new();
    store.commit(story.accepts(id(0, 1), FROM, TO, "one").batch()).await.unwrap();

    let reader = place.open_for(OpenMode::Read).await;
    assert_eq!(reader.bounds().await.unwrap().last_seq, 1);
    let next = story.accepts(id(1, 1), FROM, TO, "two").batch();
    assert_eq!(reader.commit(next.clone()).await, Err(StoreError::ReadOnly));
    store.commit(next).await.unwrap();
    assert_eq!(reader.history(id(1, 1)).await.unwrap().map(|life| life.len()), Some(1));
    reader.close().await;

    store.close().await;
    let alone = place.open_for(OpenMode::Read).await;
    assert_eq!(alone.recover().await.unwrap().last_message, Some(id(1, 1)));
}

pub(crate) async fn a_restart_goes_on_where_it_stopped(place: &Place) {
    let mut story = Story::new();
    let store = place.open().await;
    store.commit(story.accepts(id(0, 1), FROM, TO, "one").batch()).await.unwrap();
    // Not closed: dropped as by a crash.
    drop(store);
    let store = place.open().await;
    assert_eq!(store.recover().await.unwrap().last_seq, 1);
    store.commit(story.ends(1, id(0, 1), Disposition::Undeliverable).batch()).await.unwrap();
    let rows = store.usage(0, 10, None).await.unwrap();
    assert_eq!(rows.iter().map(|row| (row.sequence, row.batch)).collect::<Vec<_>>(), [(1, 1), (2, 2)]);
}

pub(crate) async fn an_abandoned_commit_is_found_or_made(place: &Place) {
    let store = place.open().await;
    let mut story = Story::new();
    for round in 0..12 {
        let batch = story.accepts(id(round, 1), FROM, TO, "one").batch();
        // Polled a few times, then dropped: what became of it nobody knows.
        let mut polls = 0;
        let mut commit = Box::pin(store.commit(batch.clone()));
        std::future::poll_fn(|context| {
            polls += 1;
            match commit.as_mut().poll(context) {
                Poll::Pending if polls <= round / 3 => Poll::Pending,
                _ => Poll::Ready(()),
            }
        })
        .await;
        drop(commit);
        store.commit(batch).await.unwrap();
    }
    let journal = store.journal(0, 100).await.unwrap();
    assert_eq!(journal.iter().map(|batch| batch.seq).collect::<Vec<_>>(), (1..=12).collect::<Vec<_>>());
    let sequences: Vec<u64> =
        store.usage(0, 100, None).await.unwrap().iter().map(|row| row.sequence).collect();
    assert_eq!(sequences, (1..=12).collect::<Vec<_>>());
}
