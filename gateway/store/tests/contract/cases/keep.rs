//! What is kept beside messages: usage, facts, channels; and what is let go.

use std::sync::Arc;

use billing::{UsageEvent, UsageKey, UsageOutcome, UsageRecord, UsageService};
use engine::journal::{Batch, Fact, FactChange, FactKind};
use model::{Cause, ChannelId, ChannelKind, Class, Disposition, Duration, Lane, Msisdn, Timestamp};
use store::{Rating, StoreError};

use crate::{
    place::Place,
    world::{Story, at, id},
};

const FROM: &str = "821011112222";
const TO: &str = "01012345678";

pub(crate) async fn usage_is_read_back_as_it_was(place: &Place) {
    let store = place.open().await;
    let record = UsageRecord {
        key: UsageKey { message: id(0, 1), leg: 255, event: UsageEvent::Reversal },
        at: Timestamp::from_micros(-1),
        service: UsageService::Esme,
        outcome: UsageOutcome::Unknown,
        origin: ChannelId(u16::MAX),
        channel: ChannelId(7),
        class: Class::OneTimePassword,
        lane: Lane::Urgent,
        segments: u16::MAX,
        octets: u32::MAX,
        from: Msisdn::parse("999999999999999"),
        to: None,
        cause: Some(Cause::SenderNotRegistered),
        parent: Some(255),
        charging_id: Some("AyretyU0dm+6O2IrT5tAFrbHLso=023551024".into()),
    };
    let mut records = vec![record.clone()];
    for (leg, cause) in (0..).zip(Cause::ALL) {
        let key = UsageKey { message: id(0, 2), leg, event: UsageEvent::Deliver };
        let parent = (leg % 3 == 0).then_some(leg);
        let charging_id = (leg % 2 == 0).then(|| "é".repeat(leg.into()).into()).filter(|_| leg > 0);
        records.push(UsageRecord {
            key,
            cause: Some(*cause),
            origin: ChannelId(1),
            parent,
            charging_id,
            service: UsageService::ALL[usize::from(leg) % UsageService::ALL.len()],
            outcome: UsageOutcome::ALL[usize::from(leg) % UsageOutcome::ALL.len()],
            ..record.clone()
        });
    }
    records.push(UsageRecord {
        key: UsageKey { message: id(0, 3), leg: 0, event: UsageEvent::Submit },
        at: Timestamp::NEVER,
        cause: None,
        from: None,
        to: Msisdn::parse("12345"),
        class: Class::Advertising,
        lane: Lane::Bulk,
        parent: None,
        charging_id: None,
        ..record
    });
    let (half, rest) = records.split_at(5);
    for (seq, usage) in [(1, half), (2, rest)] {
        let batch = Batch { seq, usage: usage.to_vec(), ..Batch::default() };
        store.commit(Arc::new(batch)).await.unwrap();
    }
    let rows = store.usage(0, 1_000, None).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.record.clone()).collect::<Vec<_>>(), records);
    assert!(rows.iter().zip(1..).all(|(row, sequence)| row.sequence == sequence));
    assert!(rows.iter().all(|row| row.rating == Rating::Suspended));
    assert_eq!((rows[4].batch, rows[5].batch), (1, 2));
    let page = store.usage(3, 2, None).await.unwrap();
    assert_eq!(page.iter().map(|row| row.sequence).collect::<Vec<_>>(), [4, 5]);
    let of_origin = store.usage(0, 1_000, Some(ChannelId(1))).await.unwrap();
    assert_eq!(of_origin.len(), Cause::ALL.len());
}

pub(crate) async fn facts_are_kept_changed_and_forgotten(place: &Place) {
    let store = place.open().await;
    let change = |kind, key: &[u8], value: Option<&[u8]>, expires_at| FactChange {
        kind,
        key: key.to_vec(),
        value: value.map(<[u8]>::to_vec),
        expires_at,
    };
    let commit = |seq, facts| store.commit(Arc::new(Batch { seq, facts, ..Batch::default() }));
    commit(
        1,
        vec![
            change(FactKind::Link, b"a", Some(b"old"), None),
            change(FactKind::Link, b"a", Some(b"one"), None),
            change(FactKind::Link, b"b", Some(b"two"), None),
            change(FactKind::Epoch, b"", Some(b""), None),
            change(FactKind::Idempotency, b"\0\xff", Some(b"\0"), Some(at(100))),
            change(FactKind::Kept, b"\0\x07k", Some(b"v"), None),
            change(FactKind::Presence, b"here", Some(b"x"), Some(at(100))),
            change(FactKind::Paused, b"gone", Some(b"x"), None),
            change(FactKind::Paused, b"gone", None, None),
        ],
    )
    .await
    .unwrap();
    let fact = |kind, key: &[u8], value: &[u8], expires_at| Fact {
        kind,
        key: key.to_vec(),
        value: value.to_vec(),
        expires_at,
    };
    assert_eq!(
        store.recover().await.unwrap().facts,
        [
            fact(FactKind::Link, b"a", b"one", None),
            fact(FactKind::Link, b"b", b"two", None),
            fact(FactKind::Epoch, b"", b"", None),
            fact(FactKind::Idempotency, b"\0\xff", b"\0", Some(at(100))),
            fact(FactKind::Presence, b"here", b"x", Some(at(100))),
            fact(FactKind::Kept, b"\0\x07k", b"v", None),
        ]
    );
    commit(
        2,
        vec![
            change(FactKind::Link, b"a", None, None),
            change(FactKind::Link, b"unknown", None, None),
            change(FactKind::Link, b"b", Some(b"three"), Some(at(200))),
        ],
    )
    .await
    .unwrap();
    assert_eq!(store.purge(at(99), Duration::ZERO).await.unwrap().facts, 0);
    assert_eq!(store.purge(at(100), Duration::ZERO).await.unwrap().facts, 2);
    assert_eq!(
        store.recover().await.unwrap().facts,
        [
            fact(FactKind::Link, b"b", b"three", Some(at(200))),
            fact(FactKind::Epoch, b"", b"", None),
            fact(FactKind::Kept, b"\0\x07k", b"v", None),
        ]
    );
    let many: Vec<FactChange> = (0..3_000_u32)
        .map(|key| change(FactKind::Idempotency, &key.to_be_bytes(), Some(&[7; 40]), Some(at(300))))
        .collect();
    commit(3, many).await.unwrap();
    assert_eq!(store.size().await.unwrap().facts, 3_003);
    assert_eq!(store.purge(at(300), Duration::ZERO).await.unwrap().facts, 3_001);
}

pub(crate) async fn a_secret_stays_what_it_was(place: &Place) {
    let store = place.open().await;
    assert_eq!(store.secret("ids", [1; 32]).await, Ok([1; 32]));
    assert_eq!(store.secret("codes", [2; 32]).await, Ok([2; 32]));
    drop(store);
    let store = place.open().await;
    assert_eq!(store.secret("ids", [3; 32]).await, Ok([1; 32]));
    assert_eq!(store.secret("codes", [3; 32]).await, Ok([2; 32]));
}

pub(crate) async fn channels_keep_their_ids(place: &Place) {
    let store = place.open().await;
    assert_eq!(store.channel_id("kt", ChannelKind::Smsc).await, Ok(ChannelId(1)));
    assert_eq!(store.channel_id("kakao", ChannelKind::Messenger).await, Ok(ChannelId(2)));
    assert_eq!(store.channel_id("kt", ChannelKind::Smsc).await, Ok(ChannelId(1)));
    assert_eq!(store.channel_id("ims", ChannelKind::Rcs).await, Ok(ChannelId(3)));
    assert_eq!(store.channel_id("kt", ChannelKind::Http).await, Err(StoreError::OtherKind("kt".into())));
    drop(store);
    let store = place.open().await;
    assert_eq!(store.channel_id("shop", ChannelKind::Http).await, Ok(ChannelId(4)));
    assert_eq!(store.channel_id("kt", ChannelKind::Smsc).await, Ok(ChannelId(1)));
    let names: Vec<_> =
        store.channels().await.unwrap().into_iter().map(|c| (c.id.0, c.name, c.kind)).collect();
    assert_eq!(
        names,
        [
            (1, "kt".into(), ChannelKind::Smsc),
            (2, "kakao".into(), ChannelKind::Messenger),
            (3, "ims".into(), ChannelKind::Rcs),
            (4, "shop".into(), ChannelKind::Http),
        ]
    );
    assert_eq!(store.recover().await.unwrap().channels.len(), 4);
}

pub(crate) async fn purging_keeps_what_is_open(place: &Place) {
    let store = place.open().await;
    let mut story = Story::new();
    for second in 0..600 {
        let birth = story.batch.seq;
        story.accepts(id(second, 1), FROM, TO, "a");
        if second != 500 {
            story.ends(birth, id(second, 1), Disposition::Delivered).erases(birth).closes(birth);
        }
        store.commit(story.batch()).await.unwrap();
    }
    let keep = Duration::from_secs(300);
    assert_eq!(store.purge(at(600), keep).await.unwrap().batches, 300);
    assert_eq!(store.bounds().await.unwrap().first_seq, 301);
    assert_eq!(store.history(id(299, 1)).await.unwrap(), None);
    assert!(store.history(id(300, 1)).await.unwrap().is_some());
    // The open message holds everything after it.
    assert_eq!(store.purge(at(6_000), keep).await.unwrap().batches, 200);
    let bounds = store.bounds().await.unwrap();
    assert_eq!((bounds.first_seq, bounds.last_seq, bounds.last_usage), (501, 600, 600));
    store
        .commit(story.ends(501, id(500, 1), Disposition::Delivered).erases(501).closes(501).batch())
        .await
        .unwrap();
    // The last batch, and the last that accepted something, stay: ids and numbers go on from there.
    store.purge(at(60_000), keep).await.unwrap();
    assert_eq!(store.bounds().await.unwrap().first_seq, 600);
    let recovery = store.recover().await.unwrap();
    assert_eq!((recovery.last_seq, recovery.last_message), (601, Some(id(599, 1))));
    let size = store.size().await.unwrap();
    assert_eq!((size.batches, size.open_batches, size.usage), (2, 0, 600));
    assert!(size.octets > 0);
}

pub(crate) async fn large_batches_fit(place: &Place) {
    let store = place.open().await;
    let mut story = Story::new();
    for message in 1..=5_000 {
        story.accepts(id(0, message), FROM, TO, "a");
    }
    store.commit(story.batch()).await.unwrap();
    assert_eq!(store.usage(4_999, 10, None).await.unwrap().len(), 1);
    let mut batch = Batch { seq: 2, ..Batch::default() };
    batch.touches = (0..200_000).collect();
    assert!(matches!(store.commit(Arc::new(batch)).await, Err(StoreError::TooLarge { .. })));
}
