//! Everything has a bound, and whoever meets it is told so.

use std::sync::atomic::Ordering;

use api::{FileEvent, FileRefusal, MediaRange};
use model::Duration;
use tokio::{io::AsyncWriteExt, net::TcpStream};

use super::cabinet::{Cabinet, JUN, MINA, content, end, form, part, rest, resume, transfer};

#[tokio::test]
async fn a_file_over_the_size_is_a_413() {
    let cabinet = Cabinet::with(|limits| {
        limits.octets_max = 1_000;
        limits.thumbnail_octets_max = 100;
    })
    .await;
    transfer(&cabinet.post(MINA, form(Some("a"), Some(&[1; 100]), "a.jpg", &content(1_000))).await);
    // Found out on the way, with and without a transaction …
    let reply = cabinet.post(MINA, form(Some("b"), None, "a.jpg", &content(1_001))).await;
    let problem = reply.problem(413, "file_too_large");
    assert!(problem["detail"].as_str().unwrap().contains("1000"));
    cabinet.ask(MINA, "b", "get_upload_info").await.problem(404, "no_such_file");
    cabinet.post(MINA, form(None, None, "a.jpg", &content(30_000))).await.problem(413, "file_too_large");
    cabinet.post(MINA, form(None, Some(&[1; 101]), "a.jpg", b"x")).await.problem(413, "file_too_large");
    // … and before anything has come.
    let head = format!(
        "POST /files HTTP/1.1\r\nhost: x\r\nauthorization: {MINA}\r\ncontent-type: multipart/form-data; boundary=b\r\ncontent-length: 999999999999\r\n\r\n"
    );
    let mut stream = TcpStream::connect(cabinet.world.traffic).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    assert!(rest(&mut stream).await.starts_with("HTTP/1.1 413"));
    assert_eq!(cabinet.refused(FileRefusal::TooLarge), 4);
    assert_eq!(cabinet.space(), 1_100);
}

#[tokio::test]
async fn a_length_that_is_not_announced_is_a_411() {
    let cabinet = Cabinet::new().await;
    for head in [
        "POST /files HTTP/1.1\r\ncontent-type: multipart/form-data; boundary=b",
        "PUT /files/u/00000000000000000000000000 HTTP/1.1\r\ncontent-range: bytes 0-1/2",
        "POST /v1/files HTTP/1.1\r\ncontent-type: image/jpeg",
    ] {
        let mut stream = TcpStream::connect(cabinet.world.traffic).await.unwrap();
        let who =
            if head.contains("/v1/") { format!("Bearer {}", crate::world::KEY) } else { MINA.to_owned() };
        let head = format!("{head}\r\nhost: x\r\nauthorization: {who}\r\ntransfer-encoding: chunked\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let answer = rest(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 411"), "{answer}");
    }
}

#[tokio::test]
async fn a_type_that_is_not_taken_is_a_415() {
    let cabinet = Cabinet::with(|limits| {
        limits.types = ["image/*", "application/pdf"].map(|text| MediaRange::parse(text).unwrap()).to_vec();
    })
    .await;
    let file = |content_type: &str| [part("name=\"File\"", content_type, b"octets"), end()].concat();
    for (content_type, status) in [
        ("image/jpeg", 200),
        ("Image/PNG; x=y", 200),
        ("application/pdf", 200),
        ("text/html", 415),
        ("video/mp4", 415),
    ] {
        assert_eq!(cabinet.post(MINA, file(content_type)).await.status, status, "{content_type}");
    }
    let thumbnail = [part("name=\"Thumbnail\"", "text/html", b"x"), file("image/jpeg")].concat();
    cabinet.post(MINA, thumbnail).await.problem(415, "unsupported_media_type");
    for content_type in ["application/json", "multipart/mixed; boundary=b", ""] {
        let call =
            cabinet.call("POST", "/files").header("authorization", MINA).header("content-type", content_type);
        let reply = call.body("{}").send(cabinet.world.traffic).await;
        reply.problem(415, "unsupported_media_type");
    }
    let call = cabinet.call("POST", "/files").header("authorization", MINA);
    let reply =
        call.header("content-type", "multipart/form-data").body("{}").send(cabinet.world.traffic).await;
    reply.problem(400, "malformed");
}

#[tokio::test]
async fn a_full_folder_is_a_507() {
    let cabinet = Cabinet::with(|limits| limits.space_max = 10_000).await;
    transfer(&cabinet.post(MINA, form(None, None, "a.jpg", &content(8_000))).await);
    cabinet.post(MINA, form(None, None, "a.jpg", &content(3_000))).await.problem(507, "no_room");
    // What was refused keeps no room.
    transfer(&cabinet.post(MINA, form(None, None, "a.jpg", &content(1_000))).await);
    assert_eq!((cabinet.space(), cabinet.refused(FileRefusal::NoRoom)), (9_000, 1));
    let disk = Cabinet::with(|limits| limits.free_min = u64::MAX / 2).await;
    disk.post(MINA, form(None, None, "a.jpg", b"x")).await.problem(507, "no_room");
}

#[tokio::test]
async fn an_upload_that_stalls_is_a_408_and_can_go_on() {
    let cabinet = Cabinet::with(|limits| limits.stall_timeout = Duration::from_millis(100)).await;
    let file = content(20_000);
    let mut stalled = cabinet.begin(MINA, &form(Some("tid"), None, "a.jpg", &file), 10_000).await;
    assert!(rest(&mut stalled).await.starts_with("HTTP/1.1 408"));
    assert_eq!(cabinet.refused(FileRefusal::Slow), 1);
    let info = resume(&cabinet.ask(MINA, "tid", "get_upload_info").await);
    assert!(info.end > 9_000);
}

#[tokio::test]
async fn one_user_has_so_many_in_a_minute() {
    let cabinet = Cabinet::with(|limits| limits.user_uploads_per_minute_max = 2).await;
    for _ in 0..2 {
        transfer(&cabinet.post(MINA, form(None, None, "a.jpg", b"x")).await);
    }
    let reply = cabinet.post(MINA, form(None, None, "a.jpg", b"x")).await;
    reply.problem(429, "throttled");
    assert!((1..=60).contains(&reply.header("retry-after").parse::<u32>().unwrap()));
    transfer(&cabinet.post(JUN, form(None, None, "a.jpg", b"x")).await);
    cabinet.clock.fetch_add(60_000_000, Ordering::Relaxed);
    transfer(&cabinet.post(MINA, form(None, None, "a.jpg", b"x")).await);
}

#[tokio::test]
async fn so_many_uploads_at_once() {
    let cabinet = Cabinet::with(|limits| limits.uploads_max = 1).await;
    let whole = form(Some("tid"), None, "a.jpg", &content(10_000));
    let mut first = cabinet.begin(MINA, &whole, 5_000).await;
    while !cabinet.events().iter().any(|event| matches!(event, FileEvent::Received(_))) {
        tokio::task::yield_now().await;
    }
    let second = cabinet.post(JUN, form(None, None, "a.jpg", b"x")).await;
    second.problem(503, "too_many_uploads");
    assert!(!second.header("retry-after").is_empty());
    first.write_all(&whole[5_000..]).await.unwrap();
    assert!(rest(&mut first).await.starts_with("HTTP/1.1 200"));
    transfer(&cabinet.post(JUN, form(None, None, "a.jpg", b"x")).await);
}

#[tokio::test]
async fn nothing_is_taken_while_draining_and_everything_is_given() {
    let cabinet = Cabinet::new().await;
    let told = transfer(&cabinet.post(MINA, form(None, None, "a.jpg", b"octets")).await);
    cabinet.draining.store(true, Ordering::Relaxed);
    let reply = cabinet.post(MINA, form(None, None, "a.jpg", b"octets")).await;
    reply.problem(503, "draining");
    assert!(!reply.header("retry-after").is_empty());
    assert_eq!(cabinet.get(super::cabinet::path(&told.file.url)).await.status, 200);
}

#[tokio::test]
async fn limits_are_changed_while_serving() {
    let cabinet = Cabinet::new().await;
    transfer(&cabinet.post(MINA, form(None, None, "a.jpg", b"octets")).await);
    cabinet.files.set_limits(api::FileLimits { octets_max: 3, ..api::FileLimits::default() });
    cabinet.post(MINA, form(None, None, "a.jpg", b"octets")).await.problem(413, "file_too_large");
}
