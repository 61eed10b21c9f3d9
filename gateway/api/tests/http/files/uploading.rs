//! The two steps (RCS sheet §11.1), and the document at their end (§11.2).

use api::FileEvent;
use model::Duration;
use sha2::{Digest, Sha256};

use super::cabinet::{Cabinet, JUN, MINA, content, end, form, part, path, transfer};
use crate::world::{Call, NOW, World};

#[tokio::test]
async fn the_first_step_asks_who_is_there() {
    let cabinet = Cabinet::new().await;
    let stranger = cabinet.call("POST", "/files").send(cabinet.world.traffic).await;
    stranger.problem(401, "unauthorized");
    assert_eq!(stranger.headers.get_all("www-authenticate").iter().count(), 2, "one for each algorithm");
    let known =
        cabinet.call("POST", "/files").header("authorization", MINA).send(cabinet.world.traffic).await;
    assert_eq!((known.status, known.body.len()), (204, 0));
    // Without a length there is no body either.
    let plain = cabinet.call("POST", "/files").header("authorization", MINA).header("content-length", "0");
    assert_eq!(plain.send(cabinet.world.traffic).await.status, 204);
    let barred = cabinet.post("Test barred", form(None, None, "a.jpg", b"x")).await;
    barred.problem(403, "forbidden");
}

#[tokio::test]
async fn what_was_sent_is_fetched_octet_for_octet() {
    let cabinet = Cabinet::new().await;
    for octets in [1, 2, 4_095, 65_536, 3_000_001] {
        let (file, thumbnail) = (content(octets), content(4_210));
        let told = transfer(&cabinet.post(MINA, form(Some("t"), Some(&thumbnail), "a.jpg", &file)).await);
        assert_eq!(told.file.size, Some(octets as u64));
        assert_eq!(told.file.name.as_ref().unwrap().as_str(), "a.jpg");
        assert_eq!(told.file.content_type, "image/jpeg");
        let until = (NOW + Duration::from_secs(30 * 86_400)).micros();
        assert_eq!(told.file.until_us, Some(until));
        let small = told.thumbnail.unwrap();
        assert_eq!((small.size, small.until_us), (Some(4_210), Some(until)));

        for url in [&told.file.url, &told.file.branded_url.unwrap()] {
            assert!(url.starts_with("https://ft.test/base/"), "absolute");
            let fetched = cabinet.get(path(url)).await;
            assert_eq!(fetched.status, 200);
            assert_eq!(Sha256::digest(&fetched.body), Sha256::digest(&file), "{octets}");
            assert_eq!(fetched.header("content-length"), octets.to_string());
        }
        let fetched = cabinet.get(path(&small.url)).await;
        assert_eq!(fetched.body, thumbnail);
        assert_eq!(fetched.header("content-type"), "image/jpeg");
    }
    let stored = cabinet.events().iter().filter(|event| matches!(event, FileEvent::Stored(_))).count();
    assert_eq!(stored, 5);
    let received: u64 = cabinet
        .events()
        .iter()
        .map(|event| if let FileEvent::Received(octets) = event { *octets } else { 0 })
        .sum();
    assert_eq!(received, 1 + 2 + 4_095 + 65_536 + 3_000_001);
    assert_eq!(cabinet.space(), received + 5 * 4_210);
}

#[tokio::test]
async fn tid_and_thumbnail_may_be_missing() {
    let cabinet = Cabinet::new().await;
    let told = transfer(&cabinet.post(MINA, form(None, None, "a.jpg", b"octets")).await);
    assert!(told.thumbnail.is_none());
    cabinet.get(&format!("{}/t", path(&told.file.url))).await.problem(404, "no_such_file");
    // Only the content and its card are there: nothing was noted for a transaction.
    assert_eq!(cabinet.on_disk().len(), 2, "{:?}", cabinet.on_disk());
}

#[tokio::test]
async fn a_complete_upload_is_told_once_more() {
    let cabinet = Cabinet::new().await;
    let first = cabinet.post(MINA, form(Some("t 1"), None, "a.jpg", b"octets")).await;
    let again = cabinet.ask(MINA, "t%201", "get_download_info").await;
    assert_eq!(transfer(&again), transfer(&first));
    cabinet.ask(JUN, "t%201", "get_download_info").await.problem(404, "no_such_file");
    cabinet.ask(MINA, "t%202", "get_download_info").await.problem(404, "no_such_file");
    let nobody = cabinet.get("/files?tid=t%201&get_download_info").await;
    nobody.problem(401, "unauthorized");
    for question in ["/files", "/files?tid=t", "/files?get_upload_info", "/files?tid=&get_download_info"] {
        let reply =
            cabinet.call("GET", question).header("authorization", MINA).send(cabinet.world.traffic).await;
        reply.problem(400, "malformed");
    }
}

#[tokio::test]
async fn a_transaction_that_begins_anew_leaves_the_complete_file_alone() {
    let cabinet = Cabinet::new().await;
    let first = transfer(&cabinet.post(MINA, form(Some("t"), None, "a.jpg", b"first")).await);
    let second = transfer(&cabinet.post(MINA, form(Some("t"), None, "a.jpg", b"second")).await);
    assert_ne!(first.file.url, second.file.url);
    assert_eq!(cabinet.get(path(&first.file.url)).await.body, "first");
    assert_eq!(cabinet.get(path(&second.file.url)).await.body, "second");
    assert_eq!(transfer(&cabinet.ask(MINA, "t", "get_download_info").await), second);
}

#[tokio::test]
async fn a_form_that_is_none_is_refused_and_leaves_nothing() {
    let cabinet = Cabinet::new().await;
    let file = part("name=\"File\"; filename=\"a.jpg\"", "image/jpeg", b"octets");
    let tid = part("name=\"tid\"", "text/plain", b"t");
    let thumbnail = part("name=\"Thumbnail\"", "image/jpeg", b"octets");
    for body in [
        b"no form at all".to_vec(),
        end(),
        [tid.clone(), end()].concat(),
        [file.clone(), tid.clone(), end()].concat(),
        [file.clone(), thumbnail.clone(), end()].concat(),
        [file.clone(), file.clone(), end()].concat(),
        [tid.clone(), tid.clone(), file.clone(), end()].concat(),
        [thumbnail.clone(), tid.clone(), file.clone(), end()].concat(),
        [thumbnail.clone(), thumbnail.clone(), file.clone(), end()].concat(),
        [tid.clone(), file.clone()].concat(),
        [part("name=\"tid\"", "text/plain", b" "), file.clone(), end()].concat(),
        [part("name=\"tid\"", "text/plain", &[b't'; 200]), file.clone(), end()].concat(),
        [part("name=\"what\"", "text/plain", &[b't'; 20_000]), file.clone(), end()].concat(),
        [part("name=\"File\"", "not a type", b"octets"), end()].concat(),
        [part("name=\"File\"", "image/jpeg", b""), end()].concat(),
        [part("filename=\"a.jpg\"", "image/jpeg", b"octets"), end()].concat(),
    ] {
        let text = String::from_utf8_lossy(&body).into_owned();
        let reply = cabinet.post(MINA, body).await;
        assert_eq!(reply.status, 400, "{text}: {:?}", reply.body);
        reply.problem(400, "malformed");
    }
    // What nobody knows and is short does no harm.
    let body =
        [part("name=\"what\"", "text/plain", b"?"), file.clone(), part("name=\"more\"", "a/b", b"?"), end()];
    transfer(&cabinet.post(MINA, body.concat()).await);
    let left: Vec<_> = cabinet.on_disk().into_iter().filter(|(name, _)| !name.ends_with(".tid")).collect();
    assert_eq!(left.len(), 2, "{left:?}");
    assert_eq!(cabinet.space(), 6);
}

#[tokio::test]
async fn without_a_content_server_there_is_nothing() {
    let world = World::new().await;
    for (method, path) in [
        ("POST", "/files"),
        ("GET", "/files?tid=t&get_upload_info"),
        ("PUT", "/files/u/00000000000000000000000000"),
        ("GET", "/files/d/00000000000000000000000000"),
        ("GET", "/f/0000000000000000"),
        ("POST", "/v1/files"),
    ] {
        let reply = Call::new(method, path).key(crate::world::KEY).send(world.traffic).await;
        reply.problem(404, "no_such_path");
    }
}
