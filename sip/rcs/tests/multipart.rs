//! Bodies of several parts.

use bytes::Bytes;
use sip_rcs::mime::Kind;
use sip_rcs::multipart::{
    self, BOUNDARY_OCTETS_MAX, MultipartError, PART_HEAD_OCTETS_MAX, PARTS_MAX, Writer,
};

fn body(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

#[test]
fn parts_are_slices_of_the_body() {
    let text = body(
        "preamble\r\n--b1\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n\r\n--b1 \t\r\ncontent-TYPE: application/resource-lists+xml\r\n\
         Content-Disposition: recipient-list;\r\n handling=optional\r\n\r\n<x/>\r\n--b1x\r\n\r\n--b1--\r\nepilogue\r\n--b1\r\n",
    );
    let parts = multipart::read("multipart/mixed; boundary=b1", &text).unwrap();
    assert_eq!(parts.len(), 2);
    assert_eq!((parts[0].kind(), parts[0].content.as_ref()), (Kind::Sdp, &b"v=0\r\n"[..]));
    assert_eq!(parts[1].kind(), Kind::ResourceLists);
    assert_eq!(parts[1].disposition(), Some("recipient-list"));
    assert_eq!(parts[1].content, &b"<x/>\r\n--b1x\r\n"[..]);
    assert!(text.as_ptr_range().contains(&parts[1].content.as_ptr()));
}

#[test]
fn line_feeds_and_a_missing_end_are_forgiven() {
    let parts = multipart::read(
        "multipart/mixed; boundary=\"a b\"",
        &body("--a b\n\nplain\n--a b\nContent-Type: text/html\n\nlast\n"),
    )
    .unwrap();
    assert_eq!((parts[0].kind(), parts[0].content.as_ref()), (Kind::Text, &b"plain"[..]));
    assert_eq!((parts[1].kind(), parts[1].content.as_ref()), (Kind::Unknown, &b"last"[..]));
    let empty = multipart::read("multipart/mixed;boundary=b", &body("--b\r\n--b\r\nX: y\r\n--b--")).unwrap();
    assert_eq!(empty.len(), 2);
    assert!(empty.iter().all(|part| part.content.is_empty()));
}

#[test]
fn what_has_no_parts_is_refused() {
    let read =
        |content_type: &str, text: &str| multipart::read(content_type, &body(text)).map(|parts| parts.len());
    assert_eq!(read("multipart/mixed", "--b\r\n"), Err(MultipartError::Boundary));
    assert_eq!(read("multipart/mixed;boundary=", "--\r\n"), Err(MultipartError::Boundary));
    let long = "b".repeat(BOUNDARY_OCTETS_MAX + 1);
    assert_eq!(
        read(&format!("multipart/mixed;boundary={long}"), &format!("--{long}\r\n")),
        Err(MultipartError::Boundary)
    );
    assert_eq!(read("multipart/mixed;boundary=b", "nothing"), Err(MultipartError::NoParts));
    assert_eq!(
        read("multipart/mixed;boundary=b", &("--b\r\n\r\nx\r\n".repeat(PARTS_MAX) + "--b--")),
        Ok(PARTS_MAX)
    );
    assert_eq!(
        read("multipart/mixed;boundary=b", &("--b\r\n\r\nx\r\n".repeat(PARTS_MAX + 1) + "--b--")),
        Err(MultipartError::TooManyParts)
    );
    let head = format!("--b\r\nX: {}\r\n\r\n--b--", "y".repeat(PART_HEAD_OCTETS_MAX));
    assert_eq!(read("multipart/mixed;boundary=b", &head), Err(MultipartError::HeadTooLong));
}

#[test]
fn what_is_written_is_read() {
    let mut out = Vec::new();
    Writer::new(&mut out, "bound")
        .part("application/sdp", None, b"v=0\r\n")
        .part("message/cpim", Some("render"), b"\0\r\n--bound!\r\n")
        .end();
    let parts = multipart::read("multipart/mixed;boundary=bound", &out.into()).unwrap();
    assert_eq!(parts[0].content, &b"v=0\r\n"[..]);
    assert_eq!(parts[1].content, &b"\0\r\n--bound!\r\n"[..]);
    assert_eq!((parts[1].disposition(), parts[1].kind()), (Some("render"), Kind::Cpim));
}
