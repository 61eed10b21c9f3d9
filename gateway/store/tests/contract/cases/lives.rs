//! Lives of messages, found again.

use model::{Disposition, MessageId};
use store::Search;

use crate::{
    place::Place,
    world::{ORIGIN, Story, at, id, text},
};

const FROM: &str = "821011112222";
const TO: &str = "01012345678";

pub(crate) async fn a_life_is_read_across_batches(place: &Place) {
    let store = place.open().await;
    let mut story = Story::new();
    let born = story.accepts(id(0, 1), FROM, TO, "one").accepts(id(0, 2), FROM, TO, "two").batch();
    let sent = story.sent(1, id(0, 1)).sent(1, id(0, 2)).accepts(id(1, 1), FROM, TO, "three").batch();
    let ended = story.ends(1, id(0, 2), Disposition::Delivered).batch();
    for batch in [&born, &sent, &ended] {
        store.commit(batch.clone()).await.unwrap();
    }
    let life = store.history(id(0, 2)).await.unwrap().unwrap();
    assert_eq!(life, [born.entries[1].clone(), sent.entries[1].clone(), ended.entries[0].clone()]);
    for never in [id(-5, 1), id(0, 7), id(9, 1)] {
        assert_eq!(store.history(never).await.unwrap(), None);
        assert_eq!(store.content(never).await.unwrap(), None);
    }
}

pub(crate) async fn chapters_hold_open_messages_whole(place: &Place) {
    let store = place.open().await;
    let mut story = Story::new();
    for second in 0..10 {
        story.accepts(id(second, 1), FROM, TO, "a").accepts(id(second, 2), FROM, TO, "b");
        if second > 0 {
            let born = u64::try_from(second).unwrap();
            story.sent(born, id(second - 1, 1));
        }
        store.commit(story.batch()).await.unwrap();
    }
    let births = store.open_births().await.unwrap();
    assert_eq!(births, (1..=10).collect::<Vec<_>>());
    let whole = store.chapters(&births).await.unwrap();
    let mut paged = Vec::new();
    for page in births.chunks(3) {
        paged.extend(store.chapters(page).await.unwrap());
    }
    assert_eq!(whole, paged);
    assert_eq!(whole[4].birth, 5);
    let of: Vec<MessageId> = whole[4].entries.iter().map(|entry| entry.message).collect();
    assert_eq!(of, [id(4, 1), id(4, 2), id(4, 1)]);
    assert_eq!(whole[4].contents, [(id(4, 1), text("a")), (id(4, 2), text("b"))]);
    // In the order asked for, without what does not exist.
    let some: Vec<u64> =
        store.chapters(&[7, 99, 2]).await.unwrap().iter().map(|chapter| chapter.birth).collect();
    assert_eq!(some, [7, 2]);
}

pub(crate) async fn messages_are_found_by_party_and_time(place: &Place) {
    let store = place.open().await;
    let mut story = Story::new();
    for second in 0..40 {
        let from = if second % 4 == 0 { "15881234" } else { FROM };
        story.accepts(id(second, 1), from, TO, "a").accepts(id(second, 2), FROM, "114", "b");
        store.commit(story.batch()).await.unwrap();
    }
    let search = |party: &str| Search { party: Some(party.into()), limit: 1_000, ..Search::default() };
    let found = store.search(&search("15881234")).await.unwrap();
    assert_eq!(found, (0..10).rev().map(|tenth| id(tenth * 4, 1)).collect::<Vec<_>>());
    assert_eq!(store.search(&search(TO)).await.unwrap().len(), 40, "as written");
    assert_eq!(store.search(&search("821012345678")).await.unwrap().len(), 80, "in E.164 form");
    assert!(store.search(&search("0101234567")).await.unwrap().is_empty(), "half a number");

    let window = Search { from: Some(at(8)), until: Some(at(13)), ..search("15881234") };
    assert_eq!(store.search(&window).await.unwrap(), [id(12, 1), id(8, 1)]);
    let all = Search { until: Some(at(2)), limit: 1_000, ..Search::default() };
    assert_eq!(store.search(&all).await.unwrap(), [id(1, 2), id(1, 1), id(0, 2), id(0, 1)]);
    let other = Search { origin: Some(model::ChannelId(9)), ..all.clone() };
    assert!(store.search(&other).await.unwrap().is_empty());
    let ours = Search { origin: Some(ORIGIN), ..all };
    assert_eq!(store.search(&ours).await.unwrap().len(), 4);
}

pub(crate) async fn search_pages_do_not_overlap(place: &Place) {
    let store = place.open().await;
    let mut story = Story::new();
    for second in 0..40 {
        for message in 1..=3 {
            story.accepts(id(second, message), FROM, TO, "a");
        }
        store.commit(story.batch()).await.unwrap();
    }
    let mut page = Search { party: Some(TO.into()), limit: 7, ..Search::default() };
    let mut all: Vec<MessageId> = Vec::new();
    loop {
        let found = store.search(&page).await.unwrap();
        all.extend(&found);
        if found.len() < 7 {
            break;
        }
        page.before = found.last().copied();
    }
    assert_eq!(all.len(), 120);
    assert!(all.is_sorted_by(|a, b| a > b));
}
