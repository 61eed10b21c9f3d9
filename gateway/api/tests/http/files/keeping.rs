//! How long, where, and what remains.

use std::{fs, sync::atomic::Ordering, time::SystemTime};

use api::{FileEvent, Swept};

use super::cabinet::{Cabinet, MINA, content, form, path, resume, transfer};

const DAY: i64 = 86_400_000_000;

#[tokio::test]
async fn a_file_is_kept_as_long_as_was_said() {
    let cabinet = Cabinet::new().await;
    let told = transfer(&cabinet.post(MINA, form(Some("t"), Some(b"small"), "a.jpg", b"octets")).await);
    let link = told.file.branded_url.unwrap();
    let small = told.thumbnail.unwrap().url;
    let all = [path(&told.file.url), path(&link), path(&small)];
    cabinet.clock.fetch_add(30 * DAY - 1, Ordering::Relaxed);
    assert_eq!(cabinet.files.sweep().await.unwrap(), Swept::default());
    for path in all {
        assert_eq!(cabinet.get(path).await.status, 200);
    }
    cabinet.clock.fetch_add(1, Ordering::Relaxed);
    for path in all {
        cabinet.get(path).await.problem(410, "file_expired");
    }
    cabinet.ask(MINA, "t", "get_download_info").await.problem(410, "file_expired");
    assert_eq!(cabinet.files.sweep().await.unwrap(), Swept { expired: 1, abandoned: 0, octets: 11 });
    for path in all {
        cabinet.get(path).await.problem(404, "no_such_file");
    }
    assert_eq!(cabinet.space(), 0);
    assert!(cabinet.events().contains(&FileEvent::Swept { expired: 1, abandoned: 0 }));
    assert!(cabinet.on_disk().iter().all(|(name, _)| name.ends_with(".tid")));
}

#[tokio::test]
async fn an_upload_that_nobody_goes_on_with_is_given_up() {
    let cabinet = Cabinet::new().await;
    cabinet.break_off(MINA, &form(Some("t"), None, "a.jpg", &content(9_000)), 5_000).await;
    let info = resume(&cabinet.ask(MINA, "t", "get_upload_info").await);
    assert_eq!(cabinet.space(), info.end + 1);
    // Each try gives it another day.
    cabinet.clock.fetch_add(DAY - 1, Ordering::Relaxed);
    let next = info.end + 1;
    let reply = cabinet
        .put(
            MINA,
            &info.url,
            &format!("bytes {next}-{next}/9000"),
            &content(9_000)[next as usize..=next as usize],
        )
        .await;
    assert_eq!(resume(&reply).end, next);
    cabinet.clock.fetch_add(DAY, Ordering::Relaxed);
    assert_eq!(cabinet.files.sweep().await.unwrap(), Swept::default());
    cabinet.clock.fetch_add(1, Ordering::Relaxed);
    cabinet.ask(MINA, "t", "get_upload_info").await.problem(410, "file_expired");
    cabinet.put(MINA, &info.url, "bytes 1-8999/9000", &[0; 8_999]).await.problem(410, "file_expired");
    assert_eq!(cabinet.files.sweep().await.unwrap(), Swept { expired: 0, abandoned: 1, octets: next + 1 });
    cabinet.ask(MINA, "t", "get_upload_info").await.problem(404, "no_such_file");
    assert_eq!(cabinet.space(), 0);
}

/// What a crash left behind goes, what is under way and what is complete stays.
#[tokio::test]
async fn strays_are_swept_when_they_are_old() {
    let cabinet = Cabinet::new().await;
    let told = transfer(&cabinet.post(MINA, form(Some("t"), Some(b"small"), "a.jpg", b"octets")).await);
    let folder = cabinet.folder.path().join("files/zz");
    fs::create_dir(&folder).unwrap();
    let old = SystemTime::now() - std::time::Duration::from_secs(3 * 86_400);
    for (name, is_old) in [
        ("zz00000000000000.data", true),
        ("zz00000000000000.thumb", true),
        ("zz00000000000001.json", true),
        ("zz00000000000002.new", true),
        ("zzzz.tid", true),
        ("zz00000000000003.data", false),
        ("notes.txt", true),
    ] {
        fs::write(folder.join(name), "0123456789").unwrap();
        if is_old {
            fs::File::options().write(true).open(folder.join(name)).unwrap().set_modified(old).unwrap();
        }
    }
    let cabinet = cabinet.restarted().await;
    assert_eq!(cabinet.space(), 6 + 5 + 30);
    let swept = cabinet.files.sweep().await.unwrap();
    assert_eq!((swept.abandoned, swept.octets), (1, 20));
    let mut left: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    assert_eq!(left, ["notes.txt", "zz00000000000003.data"]);
    assert_eq!(cabinet.space(), 6 + 5 + 10);
    assert_eq!(cabinet.get(path(&told.file.url)).await.body, "octets");
    // The note of its transaction is old, too, and still needed.
    for (name, _) in cabinet.on_disk().iter().filter(|(name, _)| name.ends_with(".tid")) {
        let note = fs::File::options().write(true).open(cabinet.folder.path().join(name)).unwrap();
        note.set_modified(old).unwrap();
    }
    cabinet.files.sweep().await.unwrap();
    transfer(&cabinet.ask(MINA, "t", "get_download_info").await);
}

#[tokio::test]
async fn a_file_that_was_cut_on_the_disk_is_not_sent() {
    let cabinet = Cabinet::new().await;
    let told = transfer(&cabinet.post(MINA, form(None, None, "a.jpg", &content(1_000))).await);
    let (name, _) = cabinet.on_disk().into_iter().find(|(name, _)| name.ends_with(".data")).unwrap();
    fs::write(cabinet.folder.path().join(name), "short").unwrap();
    cabinet.get(path(&told.file.url)).await.problem(500, "internal");
}

/// Names on the disk come from us, and only we may read there.
#[tokio::test]
async fn names_of_others_are_nowhere_on_the_disk() {
    use std::os::unix::fs::PermissionsExt;

    let cabinet = Cabinet::new().await;
    for name in [
        "../../../escape.jpg",
        "..%2f..%2f..%2fescape.jpg",
        "/etc/cron.d/escape",
        "C:\\escape.jpg",
        "nul%00escape",
    ] {
        let told = transfer(&cabinet.post(MINA, form(Some(name), None, name, b"octets")).await);
        let name = told.file.name.unwrap().as_str().to_owned();
        assert!(!name.contains(['/', '\\', '\0']) && name.contains("escape"), "{name}");
    }
    let found = cabinet.on_disk();
    assert_eq!(found.len(), 5 * 3);
    for (name, _) in &found {
        assert!(name.starts_with("files/") && !name.contains("escape"), "{name}");
        let mode = fs::metadata(cabinet.folder.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}
