//! What is read back is what was written, or an error that names the batch.

use store::StoreError;

use crate::{
    place::Place,
    world::{Story, id},
};

async fn three_batches(place: &Place) -> std::sync::Arc<dyn store::Store> {
    let store = place.open().await;
    let mut story = Story::new();
    for second in 0..3 {
        store.commit(story.accepts(id(second, 1), "821011112222", "114", "text").batch()).await.unwrap();
    }
    store
}

pub(crate) async fn damage_is_found_and_named(place: &Place) {
    let store = three_batches(place).await;
    place
        .tamper(
            "UPDATE journal SET payload =
             CAST(substr(payload, 1, 40) || x'00' || substr(payload, 42) AS BLOB) WHERE seq = 2",
            "UPDATE journal SET payload = overlay(payload PLACING '\\x00'::bytea FROM 41) WHERE seq = 2",
        )
        .await;
    assert!(matches!(store.history(id(1, 1)).await, Err(StoreError::Corrupt { seq: 2, .. })));
    assert!(matches!(store.journal(0, 10).await, Err(StoreError::Corrupt { seq: 2, .. })));
    assert!(matches!(store.chapters(&[1, 2]).await, Err(StoreError::Corrupt { seq: 2, .. })));
    assert!(store.history(id(0, 1)).await.unwrap().is_some(), "the others are served");

    place
        .tamper(
            "UPDATE open_batch SET contents =
             CAST(substr(contents, 1, 12) || x'00' || substr(contents, 14) AS BLOB) WHERE seq = 3",
            "UPDATE open_batch SET contents = overlay(contents PLACING '\\x00'::bytea FROM 13) WHERE seq = 3",
        )
        .await;
    assert!(matches!(store.content(id(2, 1)).await, Err(StoreError::Corrupt { seq: 3, .. })));
}

pub(crate) async fn rows_that_changed_places_are_found(place: &Place) {
    let store = three_batches(place).await;
    let swap = "UPDATE journal SET payload = (SELECT payload FROM journal WHERE seq = 3),
                digest = (SELECT digest FROM journal WHERE seq = 3) WHERE seq = 1";
    place.tamper(swap, swap).await;
    assert!(matches!(store.history(id(0, 1)).await, Err(StoreError::Corrupt { seq: 1, .. })));
}
