//! Whatever comes, there is an answer, nothing stays behind, and the next one is served.

use proptest::{
    collection::vec,
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, TestRunner},
};
use tokio::{io::AsyncWriteExt, net::TcpStream};

use super::cabinet::{BOUNDARY, Cabinet, MINA, content, form, part, path, rest, transfer};

/// A good form, spoilt.
fn spoilt() -> impl Strategy<Value = Vec<u8>> {
    let whole = form(Some("tid"), Some(&content(50)), "a.jpg", &content(300));
    let octets = whole.len();
    let flip = (0..octets, any::<u8>());
    let insert = (
        0..octets,
        prop_oneof![
            Just(b"\r\n".to_vec()),
            Just(b"\0".to_vec()),
            Just(format!("\r\n--{BOUNDARY}\r\n").into_bytes()),
            Just(format!("\r\n--{BOUNDARY}--").into_bytes()),
            Just(b"Content-Disposition: form-data; name=\"File\"\r\n\r\n".to_vec()),
            vec(any::<u8>(), 0..50),
        ],
    );
    (vec(flip, 0..4), vec(insert, 0..3), 0..octets, any::<bool>()).prop_map(
        move |(flips, inserts, cut, is_cut)| {
            let mut form = whole.clone();
            for (at, octet) in flips {
                form[at] = octet;
            }
            for (at, octets) in inserts {
                form.splice(at..at, octets);
            }
            if is_cut {
                form.truncate(cut.max(1));
            }
            form
        },
    )
}

#[tokio::test]
async fn spoilt_forms_are_answered() {
    let cabinet = Cabinet::new().await;
    let mut runner = TestRunner::new_with_rng(
        Config::default(),
        proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha),
    );
    for _ in 0..300 {
        let form = spoilt().new_tree(&mut runner).unwrap().current();
        let reply = cabinet.post(MINA, form.clone()).await;
        match reply.status {
            200 => {
                let told = transfer(&reply);
                let fetched = cabinet.get(path(&told.file.url)).await;
                assert_eq!(fetched.status, 200);
                assert!(form.windows(fetched.body.len()).any(|window| window == fetched.body));
            }
            400 | 413 | 415 => {}
            other => panic!("{other}: {:?}", String::from_utf8_lossy(&form)),
        }
    }
    // What was not complete is gone; each complete one has its card, its content, and perhaps a thumbnail.
    let found = cabinet.on_disk();
    let of = |extension: &str| found.iter().filter(|(name, _)| name.ends_with(extension)).count();
    assert_eq!((of(".json"), of(".new")), (of(".data"), 0), "{found:?}");
    let octets: u64 = found
        .iter()
        .filter(|(name, _)| name.ends_with(".data") || name.ends_with(".thumb"))
        .map(|(_, octets)| octets)
        .sum();
    assert_eq!(cabinet.space(), octets);
}

#[tokio::test]
async fn heads_without_end_are_refused() {
    let cabinet = Cabinet::new().await;
    let long = part(&format!("name=\"File\"; filename=\"{}\"", "a".repeat(20_000)), "image/jpeg", b"x");
    cabinet.post(MINA, long).await.problem(400, "malformed");
    let many = format!("--{BOUNDARY}\r\n{}\r\n", "x: y\r\n".repeat(1_000));
    cabinet.post(MINA, many.into_bytes()).await.problem(400, "malformed");
    let parts = part("name=\"what\"", "a/b", b"x").repeat(500);
    cabinet.post(MINA, parts).await.problem(400, "malformed");
    let preamble = vec![b'x'; 100_000];
    cabinet.post(MINA, preamble).await.problem(400, "malformed");
    let mut stream = TcpStream::connect(cabinet.world.traffic).await.unwrap();
    let head = format!("POST /files HTTP/1.1\r\nhost: x\r\nx: {}", "a".repeat(200_000));
    drop(stream.write_all(head.as_bytes()).await);
    let answer = rest_or_reset(&mut stream).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
}

async fn rest_or_reset(stream: &mut TcpStream) -> String {
    use tokio::io::AsyncReadExt;

    let mut octets = Vec::new();
    stream.read_to_end(&mut octets).await.unwrap_or_default();
    String::from_utf8_lossy(&octets).into_owned()
}

/// The connection stays usable after a challenge, and after an upload.
#[tokio::test]
async fn both_steps_over_one_connection() {
    let cabinet = Cabinet::new().await;
    let form = form(None, None, "a.jpg", b"octets");
    let mut stream = TcpStream::connect(cabinet.world.traffic).await.unwrap();
    let step = |who: &str, octets: usize, more: &str| {
        format!(
            "POST /files HTTP/1.1\r\nhost: x\r\n{who}content-type: multipart/form-data; boundary={BOUNDARY}\r\ncontent-length: {octets}\r\n{more}\r\n"
        )
    };
    let known = format!("authorization: {MINA}\r\n");
    stream.write_all(step("", 0, "").as_bytes()).await.unwrap();
    stream.write_all(step(&known, form.len(), "").as_bytes()).await.unwrap();
    stream.write_all(&form).await.unwrap();
    stream.write_all(step(&known, form.len(), "connection: close\r\n").as_bytes()).await.unwrap();
    stream.write_all(&form).await.unwrap();
    let answers = rest(&mut stream).await;
    assert_eq!(answers.matches("HTTP/1.1 401").count(), 1, "{answers}");
    assert_eq!(answers.matches("HTTP/1.1 200").count(), 2, "{answers}");
}
