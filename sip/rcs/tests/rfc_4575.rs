//! Conference notifications, and what a subscriber knows after some of them.

use sip_rcs::Private;
use sip_rcs::conference::{
    self, ConferenceInfo, Disconnection, Endpoint, Extent, Joining, Roster, Status, USERS_MAX, Update, User,
};
use sip_rcs::xml::Unreadable;

const FULL: &str = "<conference-info xmlns=\"urn:ietf:params:xml:ns:conference-info\" entity=\"sip:g1@focus.example\" state=\"full\" version=\"1\">\
<conference-description><display-text>x</display-text><subject>저녁 &amp; 술</subject><maximum-user-count>100</maximum-user-count></conference-description>\
<conference-state><user-count>2</user-count><active>true</active></conference-state><users>\
<user entity=\"tel:+821011112222\" state=\"full\" yourown=\"true\"><display-text>A</display-text><roles><entry>chairman</entry></roles>\
<endpoint entity=\"tel:+821011112222\"><status>connected</status><joining-method>dialed-in</joining-method><media id=\"1\"><type>message</type></media></endpoint></user>\
<user entity=\"tel:+821033334444\"><endpoint entity=\"tel:+821033334444\"><status>disconnected</status><disconnection-method>departed</disconnection-method>\
<disconnection-info><when>2025-03-01T00:00:00Z</when><reason>SIP;cause=200;text=\"Call completed\"</reason></disconnection-info></endpoint></user></users></conference-info>";

fn private(text: &str) -> Private<String> {
    Private(text.to_owned())
}

fn user(entity: &str, extent: Extent, status: Status) -> User {
    let endpoint = Endpoint { entity: private(entity), status: Some(status), ..Endpoint::default() };
    User { entity: private(entity), extent, endpoints: vec![endpoint], ..User::default() }
}

fn partial(version: u32, users: Vec<User>) -> ConferenceInfo {
    ConferenceInfo { extent: Extent::Partial, version, users, ..ConferenceInfo::default() }
}

#[test]
fn a_full_state_is_read() {
    let info = conference::read(FULL.as_bytes()).unwrap();
    assert_eq!((info.extent, info.version), (Extent::Full, 1));
    assert_eq!(info.subject.as_ref().unwrap().as_str(), "저녁 & 술");
    assert_eq!((info.maximum_users, info.user_count, info.active), (Some(100), Some(2), Some(true)));
    let [first, second] = &info.users[..] else { panic!("two users") };
    assert!(first.own && first.is_connected() && first.roles == ["chairman"]);
    assert_eq!(first.endpoints[0].joining, Some(Joining::DialedIn));
    assert!(!second.own && !second.is_connected());
    assert_eq!(second.endpoints[0].disconnection, Some(Disconnection::Departed));
    assert_eq!(second.endpoints[0].reason.as_deref(), Some("SIP;cause=200;text=\"Call completed\""));
    assert!(!format!("{info:?}").contains("8210"));
}

#[test]
fn what_is_written_is_read() {
    let mut info = conference::read(FULL.as_bytes()).unwrap();
    info.users.push(User { extent: Extent::Deleted, ..user("sip:c@d", Extent::Full, Status::Pending) });
    info.users[1].endpoints[0].extent = Extent::Partial;
    for extent in [Extent::Full, Extent::Partial, Extent::Deleted] {
        info.extent = extent;
        let mut out = Vec::new();
        info.write(&mut out);
        assert_eq!(conference::read(&out).as_ref(), Ok(&info));
    }
    let mut out = Vec::new();
    ConferenceInfo::default().write(&mut out);
    assert_eq!(conference::read(&out), Ok(ConferenceInfo::default()));
}

#[test]
fn every_status_is_one_of_three() {
    for (text, connected, pending) in [
        ("pending", false, true),
        ("dialing-out", false, true),
        ("alerting", false, true),
        ("connected", true, false),
        ("on-hold", true, false),
        ("muted-via-focus", true, false),
        ("disconnected", false, false),
    ] {
        let document = format!(
            "<conference-info version='1'><users><user><endpoint><status>{text}</status></endpoint></user></users></conference-info>"
        );
        let status = conference::read(document.as_bytes()).unwrap().users[0].endpoints[0].status.unwrap();
        assert_eq!((status.is_connected(), status.is_pending()), (connected, pending), "{text}");
    }
    let unknown = "<conference-info><users><user><endpoint><status>floating</status></endpoint></user></users></conference-info>";
    assert_eq!(conference::read(unknown.as_bytes()).unwrap().users[0].endpoints[0].status, None);
}

#[test]
fn what_is_no_state_is_refused() {
    for (text, error) in [
        ("<conference/>", Unreadable::Root("conference-info")),
        ("<conference-info version='x'/>", Unreadable::Value("version")),
        ("<conference-info version='-1'/>", Unreadable::Value("version")),
        ("<conference-info state='some'/>", Unreadable::Value("state")),
    ] {
        assert_eq!(conference::read(text.as_bytes()), Err(error), "{text}");
    }
    let many =
        format!("<conference-info><users>{}</users></conference-info>", "<user/>".repeat(USERS_MAX + 1));
    assert!(matches!(conference::read(many.as_bytes()), Err(Unreadable::TooMany { .. })));
}

#[test]
fn partial_states_change_what_they_name() {
    let mut roster = Roster::default();
    assert_eq!(roster.apply(conference::read(FULL.as_bytes()).unwrap()), Update::Applied);
    let renamed = ConferenceInfo {
        subject: Some(private("lunch")),
        ..partial(
            2,
            vec![
                user("tel:+821033334444", Extent::Partial, Status::Connected),
                user("tel:+821055556666", Extent::Full, Status::Pending),
            ],
        )
    };
    assert_eq!(roster.apply(renamed), Update::Applied);
    let state = roster.state();
    assert_eq!((state.version, state.users.len(), state.maximum_users), (2, 3, Some(100)));
    assert_eq!(state.subject.as_ref().unwrap().as_str(), "lunch");
    let back = &state.users[1].endpoints[0];
    assert_eq!((back.status, back.disconnection), (Some(Status::Connected), None));

    let gone = partial(3, vec![user("tel:+821011112222", Extent::Deleted, Status::Disconnected)]);
    assert_eq!(roster.apply(gone), Update::Applied);
    assert_eq!(roster.state().users.len(), 2);
}

#[test]
fn a_gap_asks_for_everything_and_old_news_are_no_news() {
    let mut roster = Roster::default();
    assert_eq!(roster.apply(partial(1, vec![])), Update::Gap);
    let full = ConferenceInfo { version: 5, ..ConferenceInfo::default() };
    assert_eq!(roster.apply(full.clone()), Update::Applied);
    assert_eq!(roster.apply(partial(7, vec![])), Update::Gap);
    assert_eq!(roster.apply(partial(5, vec![])), Update::Stale);
    assert_eq!(roster.apply(full), Update::Stale);
    assert_eq!(roster.apply(ConferenceInfo { version: 9, ..ConferenceInfo::default() }), Update::Applied);
    let over = ConferenceInfo { version: 10, extent: Extent::Deleted, ..ConferenceInfo::default() };
    assert_eq!(roster.apply(over), Update::Deleted);
    assert_eq!(roster, Roster::default());
    let last = ConferenceInfo { version: u32::MAX, ..ConferenceInfo::default() };
    assert_eq!(roster.apply(last), Update::Applied);
    assert_eq!(roster.apply(partial(0, vec![])), Update::Stale);
}

#[test]
fn a_roster_does_not_grow_over_its_limit() {
    let mut roster = Roster::default();
    roster.apply(ConferenceInfo { version: 1, ..ConferenceInfo::default() });
    for version in 2..6 {
        let users = (0..500)
            .map(|number| user(&format!("sip:{version}-{number}@x"), Extent::Partial, Status::Connected))
            .collect();
        assert_eq!(roster.apply(partial(version, users)), Update::Applied);
    }
    assert_eq!(roster.state().users.len(), USERS_MAX);
}
