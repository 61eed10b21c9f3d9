//! Lists of recipients.

use sip_rcs::Private;
use sip_rcs::lists::{self, Copy, ENTRIES_MAX, Entry, target};
use sip_rcs::xml::Unreadable;

#[test]
fn members_are_read_with_how_visible_they_are() {
    let text = "<rl:resource-lists xmlns:rl='urn:ietf:params:xml:ns:resource-lists' xmlns:c='urn:ietf:params:xml:ns:copycontrol'>\
        <rl:list name='x'><rl:display-name>team</rl:display-name><rl:entry uri='tel:+821011112222' c:copyControl='to'/>\
        <rl:entry uri=' sip:b@b.example ' c:copyControl='bcc' c:anonymize='true'><rl:display-name>B</rl:display-name></rl:entry>\
        <rl:entry/><rl:external anchor='x'/><rl:list><rl:entry uri='tel:+821033334444' c:copyControl='cc'/></rl:list></rl:list>\
        <rl:list><rl:entry uri='tel:+821055556666'/></rl:list></rl:resource-lists>";
    let entries = lists::read(text.as_bytes()).unwrap();
    let seen: Vec<_> =
        entries.iter().map(|entry| (entry.uri.as_str(), entry.copy, entry.anonymous)).collect();
    assert_eq!(
        seen,
        [
            ("tel:+821011112222", Copy::To, false),
            ("sip:b@b.example", Copy::Bcc, true),
            ("tel:+821033334444", Copy::Cc, false),
            ("tel:+821055556666", Copy::To, false),
        ]
    );
    assert_eq!(entries[1].display.as_ref().unwrap().as_str(), "B");
    assert!(!format!("{entries:?}").contains("8210"));
}

#[test]
fn lists_are_bounded() {
    let many = |count: usize| {
        format!("<resource-lists><list>{}</list></resource-lists>", "<entry uri='a:b'/>".repeat(count))
    };
    assert_eq!(lists::read(many(ENTRIES_MAX).as_bytes()).unwrap().len(), ENTRIES_MAX);
    assert!(matches!(lists::read(many(ENTRIES_MAX + 1).as_bytes()), Err(Unreadable::TooMany { .. })));
    let deep = format!("<resource-lists>{}{}</resource-lists>", "<list>".repeat(6), "</list>".repeat(6));
    assert!(matches!(lists::read(deep.as_bytes()), Err(Unreadable::TooMany { .. })));
    assert_eq!(lists::read(b"<list/>"), Err(Unreadable::Root("resource-lists")));
    assert_eq!(lists::read(b"<resource-lists/>"), Ok(vec![]));
}

#[test]
fn what_is_written_is_read() {
    let entries = [
        Entry::to("tel:+821011112222"),
        Entry {
            uri: Private("sip:a&b@c".into()),
            display: Some(Private("<B>".into())),
            copy: Copy::Bcc,
            anonymous: true,
        },
    ];
    let mut out = Vec::new();
    lists::write(&mut out, &entries);
    assert_eq!(lists::read(&out).unwrap(), entries);
}

#[test]
fn rfc_5368_a_reference_names_an_address_and_a_method() {
    for (uri, address, method) in [
        ("tel:+821011112222;method=INVITE", "tel:+821011112222", Some("INVITE")),
        ("sip:+8210@d;user=phone;Method=BYE;x=y", "sip:+8210@d;user=phone;x=y", Some("BYE")),
        ("sip:a@b?method=BYE&Route=%3Csip:evil%3E", "sip:a@b", Some("BYE")),
        ("sip:a@b?Replaces=x", "sip:a@b", None),
        ("sip:a@b", "sip:a@b", None),
        ("", "", None),
    ] {
        assert_eq!(target(uri), (address.into(), method), "{uri}");
    }
    assert_eq!(Entry::to("sip:a@b;method=BYE").target().1, Some("BYE"));
}
