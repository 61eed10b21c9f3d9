//! Interrupted uploads go on where they stopped.

use api::{FileEvent, FileRefusal};
use tokio::io::AsyncWriteExt;

use super::cabinet::{BOUNDARY, Cabinet, JUN, MINA, content, form, path, rest, resume, transfer};

const OCTETS: usize = 150;

#[tokio::test]
async fn an_upload_goes_on_wherever_it_was_cut() {
    let cabinet = Cabinet::new().await;
    let file = content(OCTETS);
    let thumbnail = content(50);
    let whole = form(Some("tid"), Some(&thumbnail), "a.jpg", &file);
    let begins = whole.windows(file.len()).position(|window| window == file).unwrap();
    let delimiter = format!("\r\n--{BOUNDARY}");
    // Before the file, in it, in the boundary behind it, and one octet before the end.
    let cuts =
        (0..begins).step_by(61).chain(begins - 2..=begins + OCTETS).chain(begins + OCTETS + 1..whole.len());
    for cut in cuts {
        cabinet.break_off(MINA, &whole, cut).await;
        let reply = cabinet.ask(MINA, "tid", "get_upload_info").await;
        if reply.status == 404 {
            assert!(cut <= begins + delimiter.len(), "{cut}: everything is lost");
            cabinet.ask(MINA, "tid", "get_download_info").await.problem(404, "no_such_file");
            continue;
        }
        if cut >= begins + OCTETS + delimiter.len() + 2 {
            // The last boundary has come: nothing is missing.
            assert_eq!(resume(&reply).end, OCTETS as u64 - 1);
            assert_eq!(
                cabinet
                    .get(path(&transfer(&cabinet.ask(MINA, "tid", "get_download_info").await).file.url))
                    .await
                    .body,
                file
            );
            continue;
        }
        let info = resume(&reply);
        assert_eq!(info.start, 0);
        let stored = info.end as usize + 1;
        let came = (cut - begins).min(OCTETS);
        assert!(stored <= came && stored + delimiter.len() > came, "{cut}: {stored} of {came} are kept");
        cabinet.ask(MINA, "tid", "get_download_info").await.problem(404, "no_such_file");
        if stored == OCTETS {
            // All of it, but the device does not know: there is no range left, and nothing to be sent.
            continue;
        }
        let range = format!("bytes {stored}-{}/{OCTETS}", OCTETS - 1);
        let told = transfer(&cabinet.put(MINA, &info.url, &range, &file[stored..]).await);
        assert_eq!(told.file.size, Some(OCTETS as u64));
        assert_eq!(cabinet.get(path(&told.file.url)).await.body, file, "{cut}");
        let small = told.thumbnail.clone().expect("the thumbnail is part of what was stored");
        assert_eq!(cabinet.get(path(&small.url)).await.body, thumbnail);
        assert_eq!(transfer(&cabinet.ask(MINA, "tid", "get_download_info").await), told);
    }
    assert!(cabinet.events().contains(&FileEvent::Resumed));
}

#[tokio::test]
async fn it_goes_on_in_pieces_and_over_restarts() {
    let mut cabinet = Cabinet::new().await;
    let file = content(100_000);
    let whole = form(Some("tid"), None, "a.jpg", &file);
    cabinet.break_off(MINA, &whole, 20_000).await;
    let mut info = resume(&cabinet.ask(MINA, "tid", "get_upload_info").await);
    assert!(info.end > 19_000);
    loop {
        cabinet = cabinet.restarted().await;
        let asked = resume(&cabinet.ask(MINA, "tid", "get_upload_info").await);
        assert_eq!(asked, info, "nothing was lost");
        let first = info.end as usize + 1;
        let last = (first + 25_000).min(file.len()) - 1;
        let range = format!("bytes {first}-{last}/{}", file.len());
        let reply = cabinet.put(MINA, &info.url, &range, &file[first..=last]).await;
        if last + 1 == file.len() {
            let told = transfer(&reply);
            cabinet = cabinet.restarted().await;
            assert_eq!(cabinet.get(path(&told.file.url)).await.body, file);
            assert_eq!(cabinet.space(), file.len() as u64, "counted anew");
            return;
        }
        info = resume(&reply);
        assert_eq!(info.end as usize, last);
    }
}

#[tokio::test]
async fn the_rest_may_break_off_too() {
    let cabinet = Cabinet::new().await;
    let file = content(50_000);
    cabinet.break_off(MINA, &form(Some("tid"), None, "a.jpg", &file), 10_000).await;
    let first = resume(&cabinet.ask(MINA, "tid", "get_upload_info").await);
    let begin = first.end as usize + 1;
    let mut stream = tokio::net::TcpStream::connect(cabinet.world.traffic).await.unwrap();
    let head = format!(
        "PUT {} HTTP/1.1\r\nhost: x\r\nauthorization: {MINA}\r\ncontent-range: {begin}-49999/50000\r\ncontent-length: {}\r\n\r\n",
        path(&first.url),
        file.len() - begin
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&file[begin..begin + 7_000]).await.unwrap();
    stream.shutdown().await.unwrap();
    rest(&mut stream).await;
    let second = resume(&cabinet.ask(MINA, "tid", "get_upload_info").await);
    assert_eq!(second.end, first.end + 7_000);
    let begin = second.end as usize + 1;
    // Some devices leave the unit out.
    let told =
        transfer(&cabinet.put(MINA, &second.url, &format!("{begin}-49999/50000"), &file[begin..]).await);
    assert_eq!(cabinet.get(path(&told.file.url)).await.body, file);
    assert_eq!(cabinet.space(), 50_000);
}

#[tokio::test]
async fn a_device_that_is_here_again_takes_over() {
    let cabinet = Cabinet::new().await;
    let file = content(60_000);
    let whole = form(Some("tid"), None, "a.jpg", &file);
    // This connection is dead, and nobody told us.
    let mut dead = cabinet.begin(MINA, &whole, 30_000).await;
    let info = loop {
        let reply = cabinet.ask(MINA, "tid", "get_upload_info").await;
        if reply.status == 200 {
            break resume(&reply);
        }
    };
    let answer = rest(&mut dead).await;
    assert!(answer.starts_with("HTTP/1.1 409"), "{answer}");
    assert_eq!(cabinet.refused(FileRefusal::Superseded), 1);
    let begin = info.end as usize + 1;
    let told =
        transfer(&cabinet.put(MINA, &info.url, &format!("bytes {begin}-59999/60000"), &file[begin..]).await);
    assert_eq!(cabinet.get(path(&told.file.url)).await.body, file);

    // And it may begin anew instead.
    let mut dead = cabinet.begin(MINA, &form(Some("new"), None, "a.jpg", &file), 30_000).await;
    let told = loop {
        let reply = cabinet.post(MINA, form(Some("new"), None, "b.jpg", &file)).await;
        let told = transfer(&reply);
        if cabinet.refused(FileRefusal::Superseded) == 2 {
            break told;
        }
    };
    rest(&mut dead).await;
    assert_eq!(told.file.name.unwrap().as_str(), "b.jpg");
}

#[tokio::test]
async fn what_does_not_join_is_refused() {
    let cabinet = Cabinet::with(|limits| limits.octets_max = 5_000).await;
    let file = content(1_000);
    let whole = form(Some("tid"), None, "a.jpg", &file);
    cabinet.break_off(MINA, &whole, whole.len() - 500).await;
    let info = resume(&cabinet.ask(MINA, "tid", "get_upload_info").await);
    let stored = info.end as usize + 1;
    let put = |range: String, octets: usize| {
        let (cabinet, url) = (&cabinet, info.url.clone());
        async move { cabinet.put(MINA, &url, &range, &vec![0; octets]).await }
    };
    put("bytes 0-999/1000".into(), 1_000).await.problem(400, "malformed");
    put(format!("bytes {}-999/1000", stored - 1), 1_001 - stored).await.problem(400, "malformed");
    put(String::new(), 10).await.problem(400, "malformed");
    put(format!("bytes {stored}-999/*"), 1_000 - stored).await.problem(400, "malformed");
    put(format!("bytes {stored}-999/1000"), 5).await.problem(400, "malformed");
    let beyond = put(format!("bytes {}-999/1000", stored + 1), 999 - stored).await;
    beyond.problem(416, "no_such_range");
    assert_eq!(beyond.header("content-range"), format!("bytes */{stored}"));
    put("bytes 999-500/1000".into(), 10).await.problem(416, "no_such_range");
    put(format!("bytes {stored}-1000/1000"), 1_001 - stored).await.problem(416, "no_such_range");
    put(format!("bytes {stored}-5999/6000"), 6_000 - stored).await.problem(413, "file_too_large");
    // Of somebody else, of nobody, and without a word who it is.
    let range = format!("bytes {stored}-999/1000");
    let others = cabinet.put(JUN, &info.url, &range, &file[stored..]).await;
    others.problem(404, "no_such_file");
    for url in ["/files/u/x", "/files/u/00000000000000000000000000", "/files/u/..%2f..%2fetc%2fpasswd"] {
        cabinet.put(MINA, url, &range, &file[stored..]).await.problem(404, "no_such_file");
    }
    cabinet.put("Nothing", &info.url, &range, &file[stored..]).await.problem(401, "unauthorized");
    cabinet.ask(JUN, "tid", "get_upload_info").await.problem(404, "no_such_file");
    // None of it did any harm.
    assert_eq!(resume(&cabinet.ask(MINA, "tid", "get_upload_info").await), info);
    transfer(&cabinet.put(MINA, &info.url, &range, &file[stored..]).await);
    let again = cabinet.put(MINA, &info.url, "bytes 1000-1009/2000", &[0; 10]).await;
    again.problem(416, "no_such_range");
}

#[tokio::test]
async fn an_upload_without_a_transaction_leaves_nothing() {
    let cabinet = Cabinet::new().await;
    let whole = form(None, Some(b"small"), "a.jpg", &content(10_000));
    cabinet.break_off(MINA, &whole, 5_000).await;
    assert_eq!(cabinet.space(), 0);
    assert_eq!(cabinet.on_disk(), []);
}

#[tokio::test]
async fn all_but_the_last_boundary_is_all() {
    let cabinet = Cabinet::new().await;
    let file = content(1_000);
    let whole = form(Some("tid"), None, "a.jpg", &file);
    cabinet.break_off(MINA, &whole, whole.len() - 4).await;
    let info = resume(&cabinet.ask(MINA, "tid", "get_upload_info").await);
    assert_eq!(info.end, 999);
}
