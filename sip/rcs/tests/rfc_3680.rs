//! Registration state, and the service information of a third-party REGISTER.

use sip_rcs::Capabilities;
use sip_rcs::reginfo::{self, Event, RegistrationState, read_service_info};
use sip_rcs::xml::Unreadable;

const FULL: &str = "<?xml version=\"1.0\"?><reginfo xmlns=\"urn:ietf:params:xml:ns:reginfo\" xmlns:gr=\"urn:ietf:params:xml:ns:gruuinfo\" version=\"0\" state=\"full\">\
<registration aor=\"sip:+821011112222@ims.example\" id=\"r1\" state=\"active\"><contact id=\"c1\" state=\"active\" event=\"registered\" expires=\"600\" callid=\"x\" cseq=\"1\">\
<uri>sip:192.0.2.7:5060;transport=tcp</uri><display-name>A</display-name>\
<unknown-param name=\"+g.3gpp.icsi-ref\">\"urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.msg\"</unknown-param>\
<unknown-param name=\"+sip.instance\">\"&lt;urn:gsma:imei:35555555-555555-0&gt;\"</unknown-param>\
<unknown-param name=\"+g.3gpp.smsip\"/><gr:pub-gruu uri=\"sip:+821011112222@ims.example;gr=1\"/><gr:temp-gruu>sip:t@ims.example;gr</gr:temp-gruu></contact>\
<contact id=\"c2\" state=\"terminated\" event=\"expired\"><uri>sip:old</uri></contact><contact id=\"c3\" state=\"active\" event=\"moved\"><uri>sip:new</uri></contact></registration>\
<registration aor=\"tel:+821011112222\" id=\"r2\" state=\"terminated\"/></reginfo>";

#[test]
fn registrations_are_read_with_what_their_devices_can_do() {
    let info = reginfo::read(FULL.as_bytes()).unwrap();
    assert!(info.full && info.version == 0 && info.registrations.len() == 2);
    let [first, second] = &info.registrations[..] else { panic!("two") };
    assert_eq!(
        (first.aor.as_str(), first.state),
        ("sip:+821011112222@ims.example", RegistrationState::Active)
    );
    assert_eq!((second.state, second.contacts.len()), (RegistrationState::Terminated, 0));
    let [device, expired, odd] = &first.contacts[..] else { panic!("three") };
    assert!(device.active && device.event == Some(Event::Registered) && device.expires_s == Some(600));
    assert_eq!(device.uri.as_str(), "sip:192.0.2.7:5060;transport=tcp");
    assert_eq!(device.parameter("+SIP.instance"), Some("\"<urn:gsma:imei:35555555-555555-0>\""));
    assert_eq!(
        Capabilities::of(&device.features()),
        Capabilities::STANDALONE_PAGER | Capabilities::SMS_OVER_IP
    );
    assert_eq!(device.public_gruu.as_ref().unwrap().as_str(), "sip:+821011112222@ims.example;gr=1");
    assert_eq!(device.temporary_gruu.as_ref().unwrap().as_str(), "sip:t@ims.example;gr");
    assert_eq!((expired.active, expired.event), (false, Some(Event::Expired)));
    assert_eq!((odd.active, odd.event), (true, None));
    assert!(!format!("{info:?}").contains("8210"));
}

#[test]
fn what_is_no_state_is_refused() {
    for (text, error) in [
        ("<reg/>", Unreadable::Root("reginfo")),
        ("<reginfo/>", Unreadable::Value("version")),
        ("<reginfo version='1'><registration state='active'/></reginfo>", Unreadable::Missing("aor")),
        ("<reginfo version='1'><registration aor='a' state='on'/></reginfo>", Unreadable::Value("state")),
        (
            "<reginfo version='1'><registration aor='a' state='init'><contact/></registration></reginfo>",
            Unreadable::Missing("uri"),
        ),
    ] {
        assert_eq!(reginfo::read(text.as_bytes()), Err(error), "{text}");
    }
    let partial = reginfo::read(b"<reginfo version='7' state='partial'/>").unwrap();
    assert!(!partial.full && partial.version == 7);
    let contacts = "<contact><uri>u</uri></contact>".repeat(65);
    let many = format!(
        "<reginfo version='1'><registration aor='a' state='init'>{contacts}</registration></reginfo>"
    );
    assert!(matches!(reginfo::read(many.as_bytes()), Err(Unreadable::TooMany { .. })));
}

#[test]
fn service_information_is_free_text() {
    let text = "<?xml version='1.0'?><ims-3gpp version=\"1\"><alternative/><service-info><![CDATA[gold & more]]></service-info></ims-3gpp>";
    assert_eq!(read_service_info(text.as_bytes()).as_deref(), Ok("gold & more"));
    assert_eq!(read_service_info(b"<ims-3gpp/>").as_deref(), Ok(""));
    assert_eq!(read_service_info(b"<x/>"), Err(Unreadable::Root("ims-3gpp")));
}
