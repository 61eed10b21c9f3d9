//! Typed values of headers, each by its RFC.

use bytes::Bytes;
use sip_message::values::{
    AccessNetwork, CalledParty, ChargingVector, ContactPreference, ContentDisposition, Event, MediaRange,
    MediaType, RAck, Reason, ReferTo, Refresher, RetryAfter, ServedUser, SessionCase, SessionExpires,
    SubscriptionState, Substate, Value, Warning,
};
use sip_message::{CSeq, Contacts, Headers, Malformed, Method, Name, Params, Rport, Transport, Via, date};

fn headers(lines: &[(Name, &str)]) -> Headers {
    let mut headers = Headers::new();
    for (name, value) in lines {
        headers.push(name.clone(), *value);
    }
    headers
}

#[test]
fn rfc3261_20_43_warning() {
    let value = "399 gw.example \"127 Service not \\\"authorised\\\"\"";
    let warning = Warning::parse(value.as_bytes()).unwrap();
    assert_eq!((warning.code, warning.agent, warning.number()), (399, "gw.example", Some(127)));
    assert_eq!(warning.text, "127 Service not \"authorised\"");
    assert_eq!(warning.to_string(), value);
    assert_eq!(Warning::parse(b"132 h \"x\"").unwrap().number(), Some(132));
    for bad in ["", "399", "399 h", "399 h x", "39 h \"x\"", "1812 h \"x\"", "399 h \"x", "399 h \"x\" y"] {
        assert!(Warning::parse(bad.as_bytes()).is_err(), "{bad}");
    }
    let two = headers(&[(Name::Warning, "301 a \"x, y\", 302 b \"z\"")]);
    assert_eq!(
        two.each::<Warning<'_>>().filter_map(Result::ok).map(|warning| warning.code).collect::<Vec<_>>(),
        [301, 302]
    );
}

#[test]
fn rfc3326_reason() {
    let both = headers(&[(Name::Reason, "SIP;cause=200;text=\"Call completed\", Q.850 ; cause=16")]);
    let reasons: Vec<_> = both.each::<Reason<'_>>().map(Result::unwrap).collect();
    assert_eq!((reasons[0].protocol, reasons[0].cause), ("SIP", Some(200)));
    assert_eq!(reasons[0].text.as_deref(), Some("Call completed"));
    assert_eq!((reasons[1].protocol, reasons[1].cause), ("Q.850", Some(16)));
    assert_eq!(reasons[0].to_string(), "SIP;cause=200;text=\"Call completed\"");
}

#[test]
fn rfc3261_20_33_retry_after() {
    let parse = |text: &'static str| RetryAfter::parse(text.as_bytes());
    assert_eq!(parse("18000;duration=3600").unwrap().duration, Some(3600));
    assert_eq!(parse("120 (I am in a (long) meeting)").unwrap().seconds, 120);
    assert_eq!(parse("99999999999999999999").unwrap().seconds, u32::MAX, "clipped");
    assert!(parse("soon").is_err() && parse("1 (x").is_err() && parse("1 x").is_err());
}

#[test]
fn rfc6665_event_and_state() {
    let event = Event::parse(b"conference;id=7").unwrap();
    assert_eq!((event.package, event.id), ("conference", Some("7")));
    assert!(Event::parse(b"a/b").is_err() && Event::parse(b"").is_err());
    let state = SubscriptionState::parse(b"Terminated;reason=noresource;retry-after=5").unwrap();
    assert_eq!(
        (state.state, state.reason, state.retry_after),
        (Substate::Terminated, Some("noresource"), Some(5))
    );
    assert_eq!(SubscriptionState::parse(b"active;expires=600").unwrap().expires, Some(600));
}

#[test]
fn rfc4028_session_timer() {
    let timer = SessionExpires::parse(b"1800;refresher=uas").unwrap();
    assert_eq!((timer.seconds, timer.refresher), (1800, Some(Refresher::Uas)));
    assert_eq!(timer.to_string(), "1800;refresher=uas");
    assert!(SessionExpires::parse(b"x").is_err() && SessionExpires::parse(b"1;refresher=me").is_err());
}

#[test]
fn rfc3515_refer_and_rfc3262_rack() {
    let refer = ReferTo::parse(b"<sip:+8210@ims.example;method=BYE?Replaces=x%3B>").unwrap();
    assert_eq!((refer.0.uri.params().get("method"), refer.0.uri.headers()), (Some("BYE"), "Replaces=x%3B"));
    assert_eq!(RAck::parse(b"1 314 INVITE"), Ok(RAck { response: 1, number: 314, method: Method::INVITE }));
    assert!(RAck::parse(b"1 INVITE").is_err() && RAck::parse(b"1 2 INVITE x").is_err());
}

#[test]
fn rfc3261_20_1_accept() {
    let accept = headers(&[
        (Name::Accept, "text/plain;q=0.5, message/*, image/png;q=0"),
        (Name::Accept, "*/*;q=0.001"),
    ]);
    let ranges: Vec<_> = accept.each::<MediaRange<'_>>().map(Result::unwrap).collect();
    assert_eq!(ranges.iter().map(|range| range.quality).collect::<Vec<_>>(), [500, 1000, 0, 1]);
    assert!(ranges[1].matches("Message/CPIM") && !ranges[1].matches("text/plain"));
    assert!(!ranges[2].matches("image/png") && ranges[3].matches("a/b"));
    assert_eq!(headers(&[(Name::Accept, "")]).each::<MediaRange<'_>>().count(), 0);
}

#[test]
fn rfc3261_20_15_content() {
    let media = MediaType::parse(b"Multipart/Mixed ; boundary=\"a;b\"").unwrap();
    assert!(media.is("multipart/mixed"));
    assert_eq!(media.params.text("boundary").as_deref(), Some("a;b"));
    for bad in ["text", "text/", "/x", "a b/c", ""] {
        assert_eq!(MediaType::parse(bad.as_bytes()), Err(Malformed::Token), "{bad}");
    }
    let disposition = ContentDisposition::parse(b"recipient-list;handling=optional").unwrap();
    assert!(disposition.optional && disposition.kind == "recipient-list");
    assert_eq!(
        headers(&[(Name::ContentType, "Message/CPIM; charset=utf-8")]).media_type().as_deref(),
        Some("message/cpim")
    );
}

#[test]
fn rfc3841_preferences_keep_features_as_written() {
    let value = "*;+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.msg,urn%3Aurn-7%3Ax\";explicit;+g.oma.sip-im";
    let headers =
        headers(&[(Name::AcceptContact, value), (Name::AcceptContact, "*;automata;require, *;video")]);
    let all: Vec<_> = headers.each::<ContactPreference<'_>>().map(Result::unwrap).collect();
    assert_eq!(all.len(), 3);
    assert!(all[0].explicit && !all[0].require && all[1].require);
    let features: Vec<_> = all[0].params.iter().filter(|param| param.is_feature()).collect();
    assert_eq!(
        features.iter().map(|feature| feature.name).collect::<Vec<_>>(),
        ["+g.3gpp.icsi-ref", "+g.oma.sip-im"]
    );
    assert_eq!(
        features[0].feature_values().collect::<Vec<_>>(),
        ["urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.msg", "urn%3Aurn-7%3Ax"]
    );
    assert_eq!(features[1].feature_values().count(), 0);
}

#[test]
fn rfc7315_private_headers() {
    let headers = headers(&[
        (
            Name::PChargingVector,
            "icid-value=\"a;b,c\" ; icid-generated-at=192.0.2.1;orig-ioi=\"home.example\"",
        ),
        (
            Name::PAccessNetworkInfo,
            "3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=45005A1;network-provided, IEEE-802.11",
        ),
        (Name::PServedUser, "<sip:+8210@ims.example>;sescase=orig;regstate=unreg"),
        (Name::PCalledPartyId, "\"M\" <sip:+8210@ims.example>"),
        (Name::PAssertedIdentity, "\"Mina\" <sip:+8210@ims.example>, <tel:+8210>"),
        (Name::PAssociatedUri, "<sip:a@h>,<tel:+8211>"),
        (Name::PAssertedService, "urn:urn-7:3gpp-service.ims.icsi.oma.cpm.msg"),
        (Name::Path, "<sip:p1.example;lr>,<sip:p2.example;lr>"),
        (Name::ServiceRoute, "<sip:s.example;lr>"),
    ]);
    let vector = headers.typed::<ChargingVector<'_>>().unwrap().unwrap();
    assert_eq!((vector.icid.as_ref(), vector.generated_at.as_deref()), ("a;b,c", Some("192.0.2.1")));
    assert_eq!((vector.orig_ioi.as_deref(), vector.term_ioi.as_deref()), (Some("home.example"), None));
    assert!(ChargingVector::parse(b"orig-ioi=x").is_err() && ChargingVector::parse(b"").is_err());
    let networks: Vec<_> = headers.each::<AccessNetwork<'_>>().map(Result::unwrap).collect();
    assert_eq!((networks[0].access, networks[1].access), ("3GPP-E-UTRAN-FDD", "IEEE-802.11"));
    assert!(networks[0].network_provided && !networks[1].network_provided);
    let served = headers.typed::<ServedUser<'_>>().unwrap().unwrap();
    assert_eq!((served.session_case, served.registered), (Some(SessionCase::Originating), Some(false)));
    assert_eq!(headers.typed::<CalledParty<'_>>().unwrap().unwrap().0.uri.user(), Some("+8210"));
    let identities: Vec<_> = headers.addresses(Name::PAssertedIdentity).map(Result::unwrap).collect();
    assert_eq!(identities[1].uri.telephone().unwrap().e164(None).as_deref(), Some("8210"));
    for (name, count) in
        [(Name::PAssociatedUri, 2), (Name::Path, 2), (Name::ServiceRoute, 1), (Name::PAssertedService, 1)]
    {
        assert_eq!(headers.list(name).count(), count);
    }
}

#[test]
fn rfc3261_20_42_via() {
    let parse = |text: &'static str| Via::parse(text.as_bytes());
    let via =
        parse("SIP/2.0/TLS [2001:db8::1]:5070;branch=z9hG4bKx;received=192.0.2.9;rport=7000;alias").unwrap();
    assert_eq!((via.transport(), via.port, via.rport), (Some(Transport::Tls), Some(5070), Rport::Port(7000)));
    assert_eq!(via.received, "192.0.2.9".parse().ok());
    assert!(via.params.has("alias"));
    assert_eq!(parse("SIP/2.0/UDP h;rport").unwrap().rport, Rport::Asked);
    assert_eq!(parse("SIP/2.0/TLS h").unwrap().port_or_default(), 5061);
    assert_eq!(
        parse("SIP / 2.0 / TCP   h : 5080 ; branch = z9hG4bKy").unwrap().unique_branch(),
        Some("z9hG4bKy")
    );
    for bad in [
        "",
        "SIP",
        "SIP/2.0/UDP",
        "SIP/2.0/UDP ",
        "HTTP/2.0/UDP h",
        "SIP/2.0/UDP h h",
        "SIP/2.0/UDP h:0",
        "SIP/2.0/UDP h;",
        "SIP/2.0/UDP h;received=h",
        "SIP/2.0/UDP h;rport=x",
        "SIP/2.0/UDP 2001:db8::1",
        "SIP/2.0/UDP h;branch",
        "SIP/2.0/UDP h,",
    ] {
        // A branch without a value is a parameter that we do not know.
        assert_eq!(parse(bad).is_err(), bad != "SIP/2.0/UDP h;branch", "{bad}");
    }
}

#[test]
fn rfc3261_20_16_cseq() {
    assert_eq!(CSeq::parse(b"0009  \t INVITE"), Some(CSeq { number: 9, method: Method::INVITE }));
    assert_eq!(CSeq::parse(b"2147483647 X").unwrap().number, CSeq::NUMBER_MAX);
    for bad in
        ["", "1", "INVITE", "1INVITE", "2147483648 INVITE", "-1 INVITE", "1 INVITE x", "+1 INVITE", "1 "]
    {
        assert_eq!(CSeq::parse(bad.as_bytes()), None, "{bad}");
    }
}

#[test]
fn rfc3261_20_17_date() {
    for (text, time_s) in [
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("Sat, 13 Nov 2010 23:29:00 GMT", 1_289_690_940),
        ("Thu, 29 Feb 2024 12:00:01 GMT", 1_709_208_001),
        ("Wed, 25 Nov 2026 19:06:59 GMT", 1_795_633_619),
    ] {
        assert_eq!(date::parse(text.as_bytes()), Some(time_s * 1_000_000), "{text}");
        assert_eq!(date::format(time_s * 1_000_000 + 999_999), text);
    }
    for bad in [
        "",
        "Sat, 13 Nov 2010 23:29:00 EST",
        "Sat, 13 Nov 2010 23:29 GMT",
        "13 Nov 2010 23:29:00 GMT",
        "Sat, 1 Nov 2010 23:29:00 GMT",
    ] {
        assert_eq!(date::parse(bad.as_bytes()), None, "{bad}");
    }
}

#[test]
fn numbers_out_of_range_are_clipped_or_absent() {
    let headers = headers(&[(Name::Expires, "10000000000000000"), (Name::MaxForwards, "x")]);
    assert_eq!((headers.expires(), headers.max_forwards()), (Some(u32::MAX), None));
}

#[test]
fn lists_are_edited_element_by_element() {
    let mut headers =
        headers(&[(Name::Route, "<sip:a;lr>, <sip:b,x;lr>"), (Name::To, "x"), (Name::Route, "<sip:c;lr>")]);
    assert_eq!(headers.pop_first(Name::Route), Some(Bytes::from_static(b"<sip:a;lr>")));
    assert_eq!(headers.list(Name::Route).collect::<Vec<_>>(), [&b"<sip:b,x;lr>"[..], b"<sip:c;lr>"]);
    headers.replace_first(Name::Route, "<sip:d;lr>");
    assert_eq!(headers.list(Name::Route).collect::<Vec<_>>(), [&b"<sip:d;lr>"[..], b"<sip:c;lr>"]);
    headers.set(Name::Route, "<sip:e>");
    assert_eq!(headers.len(), 2);
    assert!(headers.remove(Name::Route) && !headers.remove(Name::Route));
    assert_eq!(headers.pop_first(Name::Route), None);
}

#[test]
fn a_star_is_all_contacts() {
    assert_eq!(
        headers(&[(Name::Contact, "*")]).contacts().map(|contacts| matches!(contacts, Contacts::All)),
        Ok(true)
    );
    let mixed = headers(&[(Name::Contact, "<sip:a@h>"), (Name::Contact, "*")]);
    assert_eq!(mixed.contacts().err(), Some(Malformed::Trailing));
    let two = headers(&[(Name::Contact, "<sip:a@h>;expires=0, sip:b@h;q=0.1")]);
    let Ok(Contacts::List(list)) = two.contacts() else { panic!("a list") };
    assert_eq!((list.len(), list[0].params.number("expires")), (2, Some(0)));
}

#[test]
fn parameters_are_read_where_they_stand() {
    let params = Params::parse(b" ; A = b ;flag; c=\"x;y\\\"\\\\\" ").unwrap();
    assert_eq!(params.iter().count(), 3);
    assert_eq!((params.get("a"), params.get("C")), (Some("b"), Some("\"x;y\\\"\\\\\"")));
    assert_eq!(params.text("c").as_deref(), Some("x;y\"\\"));
    assert!(params.has("FLAG") && params.get("flag").is_none());
    for bad in ["x", ";", ";a=", ";=b", ";a=b c", ";a=\"b", ";a=b,", ";a=<b>", "; ;"] {
        assert!(Params::parse(bad.as_bytes()).is_err(), "{bad}");
    }
}

#[test]
fn names_are_known_in_every_spelling() {
    for (short, name) in [
        ("v", Name::Via),
        ("F", Name::From),
        ("t", Name::To),
        ("i", Name::CallId),
        ("m", Name::Contact),
        ("l", Name::ContentLength),
        ("c", Name::ContentType),
        ("e", Name::ContentEncoding),
        ("s", Name::Subject),
        ("k", Name::Supported),
        ("o", Name::Event),
        ("u", Name::AllowEvents),
        ("r", Name::ReferTo),
        ("b", Name::ReferredBy),
        ("a", Name::AcceptContact),
        ("j", Name::RejectContact),
        ("d", Name::RequestDisposition),
        ("x", Name::SessionExpires),
        ("y", Name::Identity),
        ("n", Name::IdentityInfo),
    ] {
        assert_eq!(Name::from(short), name);
        assert_eq!(Name::from(name.as_str().to_ascii_uppercase().as_str()), name);
        assert_eq!(Name::from(name.as_str().to_ascii_lowercase().as_str()), name);
    }
    assert_eq!(Name::from("q"), Name::Other("Q".into()));
    assert_eq!(Name::from("X-Vendor").label(), "header");
}
