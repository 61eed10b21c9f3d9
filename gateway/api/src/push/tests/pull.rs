//! Being fetched from, alone and beside pushing.

use std::sync::atomic::Ordering;

use model::{Cause, Coded, Content, Duration, Outcome, Outgoing, Retry};
use serde_json::Value;
use tokio::net::TcpListener;

use super::{Bench, START_S, alone, refused, sent, server::Server};
use crate::pull::{Page, Pull, PullError};

const NOW: Duration = Duration::ZERO;
/// Longer than any test: whoever waits so long has missed the news.
const LONG: Duration = Duration::from_secs(3_600);

fn ids(page: &Page) -> Vec<String> {
    let id = |event: &bytes::Bytes| {
        let event: Value = serde_json::from_slice(event).unwrap();
        event["id"].as_str().unwrap().to_owned()
    };
    page.events.iter().map(id).collect()
}

#[tokio::test]
async fn pages_follow_the_cursor_and_acknowledgement_settles() {
    let mut bench = Bench::start(None, true, |_| {});
    bench.send((1..=5).map(alone));
    let first = bench.push.page(None, 2, NOW).await.unwrap();
    assert_eq!(ids(&first), ["1", "2"]);
    let second = bench.push.page(Some(&first.next), 100, NOW).await.unwrap();
    assert_eq!(ids(&second), ["3", "4", "5"]);
    let none = bench.push.page(Some(&second.next), 100, NOW).await.unwrap();
    assert_eq!((ids(&none).len(), &none.next), (0, &second.next));
    // A page asked for again is the same page.
    assert_eq!(bench.push.page(None, 2, NOW).await.unwrap(), first);

    bench.push.ack(&first.next).unwrap();
    assert_eq!(bench.outcomes(2).await, [sent(1), sent(2)]);
    assert_eq!(ids(&bench.push.page(None, 100, NOW).await.unwrap()), ["3", "4", "5"]);
    bench.push.ack(&second.next).unwrap();
    bench.push.ack(&second.next).unwrap();
    assert_eq!(bench.outcomes(3).await, [sent(3), sent(4), sent(5)]);
    assert!(bench.end().await.is_empty(), "exactly one outcome each");
}

/// A peer that says that a message was delivered has it, whatever it has acknowledged.
#[tokio::test]
async fn what_a_peer_speaks_of_has_arrived() {
    let mut bench = Bench::start(None, true, |_| {});
    bench.send((1..=3).map(alone));
    bench.push.arrived("1");
    let page = bench.push.page(None, 2, NOW).await.unwrap();
    assert_eq!(ids(&page), ["1", "2"], "it was on no page yet");
    for message in ["2", "2", "3", "4", "no id"] {
        bench.push.arrived(message);
    }
    assert_eq!(bench.outcome().await, sent(2));
    bench.push.ack(&page.next).unwrap();
    assert_eq!(bench.outcome().await, sent(1));
    assert_eq!(ids(&bench.push.page(None, 100, NOW).await.unwrap()), ["3"]);
}

#[tokio::test]
async fn a_peer_that_waits_is_woken() {
    let bench = Bench::start(None, true, |_| {});
    let push = bench.push.clone();
    let waiting = tokio::spawn(async move { push.page(None, 10, LONG).await });
    tokio::task::yield_now().await;
    bench.send([alone(1)]);
    assert_eq!(ids(&waiting.await.unwrap().unwrap()), ["1"]);
}

#[tokio::test]
async fn waiting_ends_with_the_gateway() {
    let bench = Bench::start(None, true, |_| {});
    let push = bench.push.clone();
    let waiting = tokio::spawn(async move { push.page(None, 10, LONG).await });
    tokio::task::yield_now().await;
    bench.end().await;
    assert_eq!(waiting.await.unwrap(), Err(PullError::Closed));
}

#[tokio::test]
async fn only_so_many_may_wait() {
    let bench = Bench::start(None, true, |_| {});
    let mut waiting = Vec::new();
    for _ in 0..super::super::POLLERS_MAX {
        let push = bench.push.clone();
        waiting.push(tokio::spawn(async move { push.page(None, 10, LONG).await }));
    }
    while bench.push.pollers.available_permits() > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(bench.push.page(None, 10, LONG).await.unwrap().events.len(), 0);
    bench.send([alone(1)]);
    for waiting in waiting {
        assert_eq!(ids(&waiting.await.unwrap().unwrap()), ["1"]);
    }
}

#[tokio::test]
async fn a_cursor_that_was_not_given_out_settles_nothing() {
    let bench = Bench::start(None, true, |_| {});
    bench.send((1..=3).map(alone));
    let page = bench.push.page(None, 1, NOW).await.unwrap();
    let beyond = page.next.replace("-1", "-3");
    assert_eq!(bench.push.ack(&beyond), Err(PullError::BadCursor));
    assert_eq!(bench.push.page(Some(&beyond), 1, NOW).await, Err(PullError::BadCursor));
    for nonsense in ["", "-", "x", "1", "zz-1", "1-", "1-x", "-5-1-1", "1--1"] {
        assert_eq!(bench.push.ack(nonsense), Err(PullError::BadCursor), "{nonsense:?}");
    }
    let outcomes = bench.end().await;
    assert_eq!(outcomes.len(), 3);
    for outcome in outcomes {
        assert_eq!(refused(outcome).1, Cause::LinkDown);
    }
}

#[tokio::test]
async fn after_a_restart_everything_comes_again() {
    let before = Bench::start(None, true, |_| {});
    before.send((1..=3).map(alone));
    let old = before.push.page(None, 100, NOW).await.unwrap().next;
    before.end().await;

    let mut after = Bench::start(None, true, |settings| {
        settings.now = std::sync::Arc::new(|| model::Timestamp::from_secs(START_S + 1));
    });
    after.send((1..=3).map(alone));
    after.push.ack(&old).unwrap();
    let page = after.push.page(Some(&old), 100, NOW).await.unwrap();
    assert_eq!(ids(&page), ["1", "2", "3"]);
    after.push.ack(&page.next).unwrap();
    assert_eq!(after.outcomes(3).await, [sent(1), sent(2), sent(3)]);
}

#[tokio::test]
async fn what_is_not_fetched_in_time_expires() {
    let mut bench = Bench::start(None, true, |_| {});
    bench.send([alone(1)]);
    let page = bench.push.page(None, 10, NOW).await.unwrap();
    bench.clock.store(START_S + 60, Ordering::Relaxed);
    assert_eq!(bench.push.page(None, 10, NOW).await.unwrap().events.len(), 0);
    assert_eq!(refused(bench.outcome().await), (1, Cause::Expired, Retry::Never));
    bench.push.ack(&page.next).unwrap();
    assert!(bench.end().await.is_empty(), "exactly one outcome each");
}

#[tokio::test]
async fn what_has_no_spelling_does_not_block_the_page() {
    let mut bench = Bench::start(None, true, |_| {});
    let Outgoing::Message(mut message) = alone(1) else { panic!() };
    let coded = Coded { data_coding: 0, udhi: false, octets: bytes::Bytes::from_static(b"x") };
    std::sync::Arc::make_mut(&mut message.submission).content = Content::Coded(coded);
    bench.send([Outgoing::Message(message), alone(2)]);
    let page = bench.push.page(None, 1, NOW).await.unwrap();
    assert_eq!(ids(&page), ["2"]);
    assert_eq!(refused(bench.outcome().await), (1, Cause::Unencodable, Retry::Never));
}

#[tokio::test]
async fn pulling_is_not_offered_where_it_is_not_configured() {
    let server = Server::start().await;
    let bench = Bench::start(Some(&server.url), false, |_| {});
    assert_eq!(bench.push.page(None, 1, NOW).await, Err(PullError::NotOffered));
    assert_eq!(bench.push.ack("1-1"), Err(PullError::NotOffered));
}

#[tokio::test]
async fn a_peer_that_cannot_be_called_can_fetch() {
    let url = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        format!("http://{}/", listener.local_addr().unwrap())
    };
    let mut bench = Bench::start(Some(&url), true, |settings| settings.room = 50);
    assert_eq!(bench.room().await, 50);
    bench.send([alone(1)]);
    while bench.push.is_up() {
        tokio::task::yield_now().await;
    }
    let page = bench.push.page(None, 10, NOW).await.unwrap();
    assert_eq!(ids(&page), ["1"]);
    bench.push.ack(&page.next).unwrap();
    assert_eq!(bench.outcome().await, sent(1));
    assert!(bench.end().await.is_empty(), "neither a refusal nor less room");
}

#[tokio::test]
async fn whichever_comes_first_settles_an_event_once() {
    let mut server = Server::start().await;
    let mut bench = Bench::start(Some(&server.url), true, |_| {});
    bench.send([alone(1)]);
    let call = server.call().await;
    let page = bench.push.page(None, 10, NOW).await.unwrap();
    assert_eq!(ids(&page), ["1"]);
    bench.push.ack(&page.next).unwrap();
    assert_eq!(bench.outcome().await, sent(1));
    call.accept();
    bench.send([alone(2)]);
    server.accept().await;
    assert_eq!(bench.outcome().await, sent(2));
    assert_eq!(bench.push.page(None, 10, NOW).await.unwrap().events.len(), 0);
    assert_eq!(bench.end().await, Vec::<(u32, Outcome)>::new());
}
