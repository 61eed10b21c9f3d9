//! File transfer over HTTP: the document of a message and of an interrupted upload.

use sip_rcs::Private;
use sip_rcs::file::{self, FileInfo, FileTransfer, ResumeInfo};
use sip_rcs::xml::Unreadable;

const BOTH: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
<file xmlns=\"urn:gsma:params:xml:ns:rcs:rcs:fthttp\" xmlns:x=\"urn:gsma:params:xml:ns:rcs:rcs:up:fthttpext\">\n\
 <file-info type=\"file\" file-disposition=\"attachment\"><file-size>90210</file-size><file-name>여름 &amp; 바다.jpg</file-name>\
<content-type>image/jpeg</content-type><data url=\"https://ft.example.net/d/7c?k=1&amp;v=2\" until=\"2025-04-01T00:00:00Z\"/>\
<x:branded-url>https://s.example/7c</x:branded-url><n:new xmlns:n=\"u\">1</n:new></file-info>\n\
 <file-info type=\"thumbnail\"><data until=\"2025-04-01T09:00:00+09:00\" url=\"https://ft.example.net/d/7c/t\"/>\
<content-type>image/png</content-type><file-size>2048</file-size></file-info>\n</file>";

#[test]
fn a_file_with_its_thumbnail_is_read_in_any_order() {
    let FileTransfer { file, thumbnail } = file::read(BOTH.as_bytes()).unwrap();
    assert_eq!((file.size, file.content_type.as_str()), (Some(90_210), "image/jpeg"));
    assert_eq!(file.url.as_str(), "https://ft.example.net/d/7c?k=1&v=2");
    assert_eq!(file.name.as_ref().unwrap().as_str(), "여름 & 바다.jpg");
    assert_eq!(file.branded_url.as_ref().unwrap().as_str(), "https://s.example/7c");
    assert_eq!(file.until_us, Some(1_743_465_600_000_000));
    assert!(!file.render);
    let thumbnail = thumbnail.unwrap();
    assert_eq!((thumbnail.size, thumbnail.until_us), (Some(2_048), Some(1_743_465_600_000_000)));
}

#[test]
fn prefixes_are_free_and_what_is_missing_has_a_stand_in() {
    let text = "<f:file xmlns:f='urn:gsma:params:xml:ns:rcs:rcs:fthttp'><f:file-info><f:content-type>audio/ogg;voice-recording=yes</f:content-type>\
        <f:data url='https://ft.example.net/d/a%20b.ogg?x=/y'/></f:file-info></f:file>";
    let FileTransfer { file, thumbnail } = file::read(text.as_bytes()).unwrap();
    assert_eq!((file.until_us, file.size, file.name.as_ref(), thumbnail), (None, None, None, None));
    assert_eq!(file.name_or_path(), "a b.ogg");
    assert!(file.is_voice());
    let bare = FileInfo { url: Private("https://ft.example.net".into()), ..file };
    assert_eq!(bare.name_or_path(), "");
}

#[test]
fn voice_is_told_by_length_disposition_or_mark() {
    let audio = |render, playing_length_s, content_type: &str| FileInfo {
        render,
        playing_length_s,
        content_type: content_type.into(),
        ..FileInfo::default()
    };
    assert!(audio(true, None, "audio/amr").is_voice());
    assert!(audio(false, Some(3), "audio/amr").is_voice());
    assert!(!audio(false, None, "audio/mpeg").is_voice());
    assert!(!audio(true, Some(3), "video/mp4").is_voice());
}

#[test]
fn what_is_written_is_read() {
    let file = FileInfo {
        size: Some(u64::MAX),
        content_type: "audio/ogg".into(),
        name: Some(Private("a<\"&'>.ogg".into())),
        url: Private("https://ft.example.net/d?a=\"1\"&b=<2>".into()),
        until_us: Some(1_743_465_600_000_000),
        render: true,
        playing_length_s: Some(12),
        branded_url: Some(Private("https://s.example".into())),
    };
    for thumbnail in [None, Some(FileInfo { url: Private("https://t".into()), ..FileInfo::default() })] {
        let transfer = FileTransfer { file: file.clone(), thumbnail };
        let mut out = Vec::new();
        transfer.write(&mut out);
        assert_eq!(file::read(&out), Ok(transfer));
    }
    let length = "<file xmlns:am='urn:gsma:params:xml:ns:rcs:rcs:rram'><file-info type='file'><am:playing-length>7.5</am:playing-length><data url='u'/></file-info></file>";
    assert_eq!(file::read(length.as_bytes()).unwrap().file.playing_length_s, Some(7));
}

#[test]
fn exactly_one_file_with_a_link_is_needed() {
    for (text, error) in [
        ("<imdn/>", Unreadable::Root("file")),
        ("<file/>", Unreadable::Missing("file")),
        ("<file><file-info type='thumbnail'><data url='u'/></file-info></file>", Unreadable::Missing("file")),
        ("<file><file-info type='file'><data/></file-info></file>", Unreadable::Missing("url")),
        ("<file><file-info type='file'/></file>", Unreadable::Missing("url")),
        (
            "<file><file-info type='file'><data url='u'/></file-info><file-info type='file'><data url='v'/></file-info></file>",
            Unreadable::TooMany { what: "files", max: 1 },
        ),
    ] {
        assert_eq!(file::read(text.as_bytes()), Err(error), "{text}");
    }
    let other = "<file><file-info type='preview'/><file-info type='file'><data url='u'/></file-info></file>";
    assert_eq!(file::read(other.as_bytes()).unwrap().file.url.as_str(), "u");
}

#[test]
fn what_is_left_of_an_upload_goes_both_ways() {
    let info =
        ResumeInfo { start: 0, end: 43_023, url: Private("https://ft.example.net/u/af?x=1&y=2".into()) };
    let mut out = Vec::new();
    info.write(&mut out);
    assert_eq!(file::read_resume(&out), Ok(info));
    for (text, error) in [
        ("<file/>", Unreadable::Root("file-resume-info")),
        ("<file-resume-info><data url='u'/></file-resume-info>", Unreadable::Value("file-range")),
        (
            "<file-resume-info><file-range start='5' end='4'/><data url='u'/></file-resume-info>",
            Unreadable::Value("file-range"),
        ),
        (
            "<file-resume-info><file-range start='0' end='-4'/><data url='u'/></file-resume-info>",
            Unreadable::Value("file-range"),
        ),
        ("<file-resume-info><file-range start='0' end='4'/></file-resume-info>", Unreadable::Missing("url")),
    ] {
        assert_eq!(file::read_resume(text.as_bytes()), Err(error), "{text}");
    }
}

#[test]
fn debug_shows_no_name_and_no_link() {
    let shown = format!("{:?}", file::read(BOTH.as_bytes()).unwrap());
    assert!(!shown.contains("바다") && !shown.contains("ft.example"), "{shown}");
}
