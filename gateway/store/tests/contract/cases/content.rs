//! Content: held while it is needed, gone after.

use engine::journal::Event;
use model::{Disposition, Duration};

use crate::{
    place::Place,
    world::{Story, accepted, at, id, text},
};

const FROM: &str = "821011112222";
const TO: &str = "01012345678";
const CANARY: &str = "canary-5b0e6a52-yellow-bird";

pub(crate) async fn erased_content_is_gone(place: &Place) {
    let store = place.open().await;
    let mut story = Story::new();
    // Long enough to fill pages of its own, too.
    let long = format!("{CANARY}{}", "sings ".repeat(3_000));
    story.accepts(id(0, 1), FROM, TO, CANARY).accepts(id(0, 2), FROM, TO, &long);
    store.commit(story.batch()).await.unwrap();
    store.commit(story.accepts(id(1, 1), FROM, TO, CANARY).batch()).await.unwrap();
    store.commit(replaced(&mut story, 2, id(1, 1), CANARY).batch()).await.unwrap();
    assert!(place.holds(CANARY).await, "the canary is there to be found");
    assert_eq!(store.content(id(0, 2)).await.unwrap(), Some(text(&long)));

    for message in [id(0, 1), id(0, 2)] {
        story.ends(1, message, Disposition::Delivered);
    }
    story.ends(2, id(1, 1), Disposition::Delivered);
    store.commit(story.erases(1).closes(2).batch()).await.unwrap();
    assert_eq!(store.content(id(0, 2)).await.unwrap(), None);
    assert_eq!(store.content(id(1, 1)).await.unwrap(), None);
    assert_eq!(store.open_births().await.unwrap(), [1]);
    store.purge(at(10), Duration::from_secs(1_000_000)).await.unwrap();
    assert!(!place.holds(CANARY).await, "erased content is still in a file");
    assert_eq!(store.history(id(0, 2)).await.unwrap().map(|life| life.len()), Some(2));
}

pub(crate) async fn closed_batches_are_not_recovered(place: &Place) {
    let store = place.open().await;
    let mut story = Story::new();
    store.commit(story.accepts(id(0, 1), FROM, TO, "one").batch()).await.unwrap();
    store.commit(story.accepts(id(1, 1), FROM, TO, "two").batch()).await.unwrap();
    assert_eq!(store.open_births().await.unwrap(), [1, 2]);
    store.commit(story.ends(1, id(0, 1), Disposition::Delivered).erases(1).closes(1).batch()).await.unwrap();
    assert_eq!(store.open_births().await.unwrap(), [2]);
    assert_eq!(store.bounds().await.unwrap().open_births, [2]);
    assert_eq!(store.history(id(0, 1)).await.unwrap().map(|life| life.len()), Some(2));
}

pub(crate) async fn a_batch_that_ends_where_it_began_leaves_nothing_open(place: &Place) {
    let store = place.open().await;
    let mut story = Story::new();
    story.accepts(id(0, 1), FROM, TO, CANARY).ends(1, id(0, 1), Disposition::Rejected);
    store.commit(story.erases(1).closes(1).batch()).await.unwrap();
    assert!(store.open_births().await.unwrap().is_empty());
    story.accepts(id(1, 1), FROM, TO, CANARY).ends(2, id(1, 1), Disposition::Rejected);
    store.commit(story.erases(2).batch()).await.unwrap();
    assert_eq!(store.open_births().await.unwrap(), [2], "a report is still owed");
    assert_eq!(store.content(id(1, 1)).await.unwrap(), None);
    assert!(!place.holds(CANARY).await, "content was never needed");
}

pub(crate) async fn replaced_content_takes_the_place_of_the_first(place: &Place) {
    let store = place.open().await;
    let mut story = Story::new();
    store
        .commit(story.accepts(id(0, 1), FROM, TO, "one").accepts(id(0, 2), FROM, TO, "two").batch())
        .await
        .unwrap();
    store.commit(replaced(&mut story, 1, id(0, 1), "uno").batch()).await.unwrap();
    assert_eq!(store.content(id(0, 1)).await.unwrap(), Some(text("uno")));
    store.commit(replaced(&mut story, 1, id(0, 1), "eins").batch()).await.unwrap();
    assert_eq!(store.content(id(0, 1)).await.unwrap(), Some(text("eins")));
    assert_eq!(store.content(id(0, 2)).await.unwrap(), Some(text("two")));
    // Replaced in the batch of its acceptance: the last word counts.
    story.accepts(id(5, 1), FROM, TO, "first");
    replaced(&mut story, 4, id(5, 1), "last");
    store.commit(story.batch()).await.unwrap();
    assert_eq!(store.content(id(5, 1)).await.unwrap(), Some(text("last")));

    let chapters = store.chapters(&[1, 4]).await.unwrap();
    assert_eq!(chapters[0].contents, [(id(0, 1), text("eins")), (id(0, 2), text("two"))]);
    assert_eq!(chapters[1].contents, [(id(5, 1), text("last"))]);

    // Replaced and erased in one breath.
    replaced(&mut story, 1, id(0, 2), "zwei");
    store.commit(story.erases(1).batch()).await.unwrap();
    assert_eq!(store.content(id(0, 1)).await.unwrap(), None);
    assert_eq!(store.content(id(0, 2)).await.unwrap(), None);
}

fn replaced<'a>(story: &'a mut Story, birth: u64, message: model::MessageId, says: &str) -> &'a mut Story {
    let metered = accepted(FROM, TO, Default::default()).metered;
    story.batch.contents.push((message, text(says)));
    story
        .touches(birth)
        .says(message, Event::Replaced { scheduled_at: None, expires_at: at(90_000), metered })
}
