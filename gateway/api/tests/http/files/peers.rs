//! `POST /v1/files`: accounts and messengers put files here, too.

use api::MediaRange;

use super::cabinet::{Cabinet, content, path};
use crate::world::{KEY, TOKEN};

#[tokio::test]
async fn an_account_and_a_messenger_store_a_file() {
    let cabinet = Cabinet::new().await;
    let file = content(200_000);
    for key in [KEY, TOKEN] {
        let call = cabinet.call("POST", "/v1/files?filename=..%2F%EC%82%AC%EC%A7%84.jpg").key(key);
        let reply =
            call.header("content-type", "image/jpeg").body(file.clone()).send(cabinet.world.traffic).await;
        assert_eq!(reply.status, 201, "{:?}", reply.body);
        let json = reply.json();
        assert_eq!(json["size"], 200_000);
        assert_eq!(json["name"], "사진.jpg");
        assert_eq!(json["content_type"], "image/jpeg");
        assert_eq!(json["until"], "2027-02-14T08:00:00Z");
        assert_eq!(reply.header("location"), json["url"].as_str().unwrap());
        for url in ["url", "link"] {
            let fetched = cabinet.get(path(json[url].as_str().unwrap())).await;
            assert_eq!((fetched.status, &fetched.body[..]), (200, &file[..]));
        }
    }
    assert_eq!(cabinet.space(), 400_000);
}

#[tokio::test]
async fn nobody_else_does() {
    let cabinet = Cabinet::with(|limits| {
        limits.octets_max = 1_000;
        limits.types = MediaRange::parse("image/*").into_iter().collect();
    })
    .await;
    let call = |key: &str| cabinet.call("POST", "/v1/files").key(key).header("content-type", "image/png");
    call("wrong").body("x").send(cabinet.world.traffic).await.problem(401, "unauthorized");
    let nobody = cabinet.call("POST", "/v1/files").body("x").send(cabinet.world.traffic).await;
    nobody.problem(401, "unauthorized");
    call(KEY).body(vec![0; 1_001]).send(cabinet.world.traffic).await.problem(413, "file_too_large");
    call(KEY).send(cabinet.world.traffic).await.problem(411, "length_missing");
    let html = cabinet.call("POST", "/v1/files").key(KEY).header("content-type", "text/html").body("x");
    html.send(cabinet.world.traffic).await.problem(415, "unsupported_media_type");
    let unnamed = call(KEY).body("x").send(cabinet.world.traffic).await;
    assert_eq!(unnamed.json()["name"], "file");
}
