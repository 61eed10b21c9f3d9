//! Downloads: whole, in part, and not at all (RFC 9110 §13, §14).

use api::FileEvent;

use super::cabinet::{Cabinet, MINA, content, form, path, transfer};

#[tokio::test]
async fn parts_of_a_file() {
    let cabinet = Cabinet::new().await;
    let file = content(1_000);
    let url = transfer(&cabinet.post(MINA, form(None, None, "a.jpg", &file)).await).file.url;
    let whole = cabinet.get(path(&url)).await;
    let etag = whole.header("etag").to_owned();
    assert!(etag.starts_with('"') && etag.len() > 10);
    assert_eq!(whole.header("accept-ranges"), "bytes");
    let ask = |range: &'static str| cabinet.call("GET", path(&url)).header("range", range);
    for (range, from, to) in [
        ("bytes=0-", 0, 1_000),
        ("bytes=999-", 999, 1_000),
        ("bytes=10-19", 10, 20),
        ("bytes=-3", 997, 1_000),
    ] {
        let reply = ask(range).send(cabinet.world.traffic).await;
        assert_eq!((reply.status, &reply.body[..]), (206, &file[from..to]), "{range}");
        assert_eq!(reply.header("content-range"), format!("bytes {from}-{}/1000", to - 1));
        assert_eq!(reply.header("content-length"), (to - from).to_string());
        assert_eq!(reply.header("etag"), etag);
    }
    let beyond = ask("bytes=1000-").send(cabinet.world.traffic).await;
    beyond.problem(416, "no_such_range");
    assert_eq!(beyond.header("content-range"), "bytes */1000");
    for odd in ["bytes=5-1", "lines=1-2", "bytes=0-1,3-4"] {
        let reply = ask(odd).send(cabinet.world.traffic).await;
        assert_eq!((reply.status, &reply.body[..]), (200, &file[..]), "{odd}");
    }
    let same = ask("bytes=5-").header("if-range", &etag).send(cabinet.world.traffic).await;
    assert_eq!((same.status, same.body.len()), (206, 995));
    let other = ask("bytes=5-").header("if-range", "\"other\"").send(cabinet.world.traffic).await;
    assert_eq!((other.status, other.body.len()), (200, 1_000));
    let known = cabinet.call("GET", path(&url)).header("if-none-match", &format!("\"x\", {etag}"));
    let known = known.send(cabinet.world.traffic).await;
    assert_eq!((known.status, known.body.len(), known.header("etag")), (304, 0, etag.as_str()));
}

/// A device whose download breaks goes on, and has the same octets in the end.
#[tokio::test]
async fn a_download_goes_on_wherever_it_was_cut() {
    let cabinet = Cabinet::new().await;
    let file = content(300_000);
    let url = transfer(&cabinet.post(MINA, form(None, None, "a.jpg", &file)).await).file.url;
    for cut in [1, 65_535, 65_536, 65_537, 131_072, 299_999] {
        let rest = cabinet.call("GET", path(&url)).header("range", &format!("bytes={cut}-"));
        let rest = rest.send(cabinet.world.traffic).await;
        assert_eq!([&file[..cut], &rest.body[..]].concat(), file, "{cut}");
    }
    let parts = cabinet.events().iter().filter(|event| **event == FileEvent::Fetched(true)).count();
    assert_eq!(parts, 6);
}

#[tokio::test]
async fn a_look_at_the_head_tells_all_but_the_file() {
    let cabinet = Cabinet::new().await;
    let url = transfer(&cabinet.post(MINA, form(None, None, "a.jpg", &content(5_000))).await).file.url;
    let head = cabinet.call("HEAD", path(&url)).send(cabinet.world.traffic).await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), "5000");
    assert_eq!(head.header("content-type"), "image/jpeg");
    let none = cabinet.call("HEAD", "/files/d/00000000000000000000000000").send(cabinet.world.traffic).await;
    assert_eq!(none.status, 404);
    let wrong =
        cabinet.call("DELETE", path(&url)).header("authorization", MINA).send(cabinet.world.traffic).await;
    wrong.problem(405, "method_not_allowed");
}

/// A file of a stranger is not a page of ours.
#[tokio::test]
async fn browsers_save_and_do_not_show() {
    let cabinet = Cabinet::new().await;
    let name = "%EC%82%AC%EC%A7%84%22%0d%0aSet-Cookie%3a%20x.html";
    let told = transfer(&cabinet.post(MINA, form(None, Some(b"small"), name, b"<script>")).await);
    let fetched = cabinet.get(path(&told.file.url)).await;
    assert_eq!(told.file.name.unwrap().as_str(), "사진_Set-Cookie_ x.html");
    assert_eq!(
        fetched.header("content-disposition"),
        "attachment; filename=\"___Set-Cookie__x.html\"; filename*=UTF-8''%EC%82%AC%EC%A7%84_Set-Cookie_%20x.html"
    );
    assert!(!fetched.headers.contains_key("set-cookie"));
    assert_eq!(fetched.header("x-content-type-options"), "nosniff");
    assert!(fetched.header("content-security-policy").contains("sandbox"));
    let small = cabinet.get(path(&told.thumbnail.unwrap().url)).await;
    assert!(small.header("content-disposition").starts_with("attachment"));
}

#[tokio::test]
async fn names_that_nobody_was_given_lead_nowhere() {
    let cabinet = Cabinet::new().await;
    let told = transfer(&cabinet.post(MINA, form(None, None, "a.jpg", b"octets")).await);
    let id = told.file.url.rsplit('/').next().unwrap().to_owned();
    let short = told.file.branded_url.unwrap().rsplit('/').next().unwrap().to_owned();
    assert_eq!((id.len(), short.len()), (26, 16), "128 and 80 bits");
    // Who knows only the beginning of the long name has the short one, and nothing else.
    let forged = format!("{short}{}", "0".repeat(10));
    for path in [
        format!("/files/d/{forged}"),
        format!("/files/d/{short}"),
        format!("/f/{id}"),
        format!("/files/d/{}", id.to_uppercase()),
        "/files/d/..%2F..%2F..%2Fetc%2Fpasswd".into(),
        "/files/d/....................json".into(),
        "/f/..%2f..%2fetc%2fhosts".into(),
        format!("/files/d/{id}%00"),
    ] {
        cabinet.get(&path).await.problem(404, "no_such_file");
    }
    cabinet.get(&format!("/files/d/../d/{id}")).await.problem(404, "no_such_path");
}
