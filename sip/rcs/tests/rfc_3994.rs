//! Typing indications.

use std::borrow::Cow;

use sip_rcs::iscomposing::{self, IsComposing, REFRESH_DEFAULT_S, REFRESH_MIN_S};
use sip_rcs::xml::{Unreadable, XmlError};

#[test]
fn active_and_idle_are_read() {
    let text = "<?xml version=\"1.0\"?><isComposing xmlns=\"urn:ietf:params:xml:ns:im-iscomposing\" \
        xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:schemaLocation=\"a b\">\n<state>active</state>\
        <contenttype>text/plain</contenttype><refresh>90</refresh><x:new xmlns:x=\"u\"/></isComposing>";
    let read = iscomposing::read(text.as_bytes()).unwrap();
    assert!(read.active && read.refresh_s == Some(90) && read.content_type.as_deref() == Some("text/plain"));
    assert_eq!(read.lasts_s(), 90);
    let text = "<c:isComposing xmlns:c=\"urn:ietf:params:xml:ns:im-iscomposing\"><c:lastactive>2025-03-01T00:00:00Z</c:lastactive><c:state> Idle </c:state></c:isComposing>";
    let read = iscomposing::read(text.as_bytes()).unwrap();
    assert!(!read.active && read.last_active.as_deref() == Some("2025-03-01T00:00:00Z"));
}

#[test]
fn how_long_it_lasts_has_a_default_and_a_minimum() {
    let with = |refresh: &str| {
        let text = format!("<isComposing><state>active</state>{refresh}</isComposing>");
        iscomposing::read(text.as_bytes()).unwrap().lasts_s()
    };
    assert_eq!(with(""), REFRESH_DEFAULT_S);
    assert_eq!(with("<refresh>5</refresh>"), REFRESH_MIN_S);
    assert_eq!(with("<refresh>soon</refresh>"), REFRESH_DEFAULT_S);
    assert_eq!(with("<refresh>300</refresh>"), 300);
}

#[test]
fn what_is_no_indication_is_refused() {
    assert_eq!(iscomposing::read(b"<imdn/>"), Err(Unreadable::Root("isComposing")));
    assert_eq!(iscomposing::read(b"<isComposing/>"), Err(Unreadable::Missing("state")));
    assert_eq!(iscomposing::read(b"<isComposing><state>"), Err(Unreadable::Xml(XmlError::Malformed)));
}

#[test]
fn what_is_written_is_read() {
    let full = IsComposing {
        active: true,
        refresh_s: Some(61),
        content_type: Some(Cow::Borrowed("a<b")),
        last_active: Some(Cow::Borrowed("2025-03-01T00:00:00Z")),
    };
    for indication in [IsComposing::ACTIVE, IsComposing::IDLE, full] {
        let mut out = Vec::new();
        indication.write(&mut out);
        assert_eq!(iscomposing::read(&out), Ok(indication));
    }
}
