//! What holds for every octet that claims to be a payload: a value or an error, never more than came in.

use bytes::Bytes;
use proptest::prelude::*;
use sip_rcs::cpim::{Address, Cpim, Edit, Field, HEADERS_MAX, Writer, escape, unescape};
use sip_rcs::features::{FEATURES_MAX, Wanted};
use sip_rcs::imdn::{self, Requested};
use sip_rcs::lists::Entry;
use sip_rcs::operation::Operation;
use sip_rcs::place::{self, Place, Position};
use sip_rcs::sdp::{self, Types};
use sip_rcs::xml::{Limits, Reader};
use sip_rcs::{
    Features, Private, conference, file, iscomposing, lists, mime, multipart, reginfo, revoke, time,
};

/// Pieces that make almost-lawful heads.
fn head() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        "(From|To|DateTime|Subject|NS|Require|imdn\\.Message-ID|x\\.Y|Content-Type|Content-Length): ?",
        "(imdn <urn:ietf:params:imdn>|<urn:x>|x <http://www.gsma.com>|[ -~]{0,20})",
        "(\r\n|\n|\r|\r\n\r\n|\n\n|:|;|\\.|\\\\u00|\t)",
        "\\PC{0,8}",
    ];
    prop_oneof![
        proptest::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat().into_bytes()),
        proptest::collection::vec(any::<u8>(), 0..400),
    ]
}

/// Pieces that make almost-lawful documents.
fn document() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        "(<imdn|<isComposing|<p:imdn|<message-id|<state|<status|<delivered|<x|</x|</imdn|</message-id|</status)",
        "( xmlns=\"urn:ietf:params:xml:ns:imdn\"| xmlns:p='u'| a='1'| a=\"&lt;\"|>|/>|>)",
        "(&amp;|&#65;|&#x;|&b;|<!--|-->|<!\\[CDATA\\[|\\]\\]>|<\\?x|\\?>|<!DOCTYPE|active|[a-z ]{0,5})",
        "\\PC{0,4}",
    ];
    prop_oneof![
        proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat().into_bytes()),
        proptest::collection::vec(any::<u8>(), 0..200),
    ]
}

/// Pieces of the documents that servers send.
fn other_document() -> impl Strategy<Value = Vec<u8>> {
    let root = proptest::sample::select(vec![
        "file",
        "file-resume-info",
        "rcsenvelope",
        "resource-lists",
        "conference-info",
        "reginfo",
        "ims-3gpp",
        "imRevoke",
    ]);
    let piece = prop_oneof![
        "<(file-info|data url='u'|file-range start='1' end='2'|rcspushlocation|geopriv|x|pos|list|entry uri='u')( [a-z]='[0-9]')?/?>",
        "<(users|user|endpoint|status|roles|registration aor='a' state='active'|contact|uri|unknown-param|Message-ID|result)/?>",
        "</(file-info|rcspushlocation|geopriv|x|pos|list|entry|users|user|endpoint|status|registration|contact|uri|Message-ID)>",
        "(1 2|connected|success|&amp;|[a-z0-9.]{0,6})",
    ];
    (root, proptest::collection::vec(piece, 0..30), any::<bool>()).prop_map(|(root, pieces, closed)| {
        let end = if closed { format!("</{root}>") } else { String::new() };
        format!("<{root} version='1'>{}{end}", pieces.concat()).into_bytes()
    })
}

/// Lines of almost-lawful descriptions.
fn description() -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![
        "m=(message|audio) (0|9|7654|70000) (TCP/MSRP|TCP/TLS/MSRP|RTP/AVP) ?\\*?",
        "c=IN (IP4|IP6) (192.0.2.1|2001:db8::1|host.example|\\[::1\\])",
        "a=path:(msrp://192.0.2.1:7654/s;tcp|msrps://x/y;tcp|x) ?(msrp://[a-z]{0,3}/s;tcp)?",
        "a=(setup:(active|passive|actpass|holdconn|x)|msrp-cema|sendonly|recvonly|inactive|max-size:[0-9]{0,4}|fingerprint:SHA-256 AB)",
        "a=(accept-types|accept-wrapped-types|file-selector|file-transfer-id):[a-z/* ]{0,20}",
        "[a-z]=\\PC{0,10}",
    ];
    prop_oneof![
        9 => proptest::collection::vec(line, 0..20).prop_map(|lines| format!("v=0\r\n{}\r\n", lines.join("\r\n")).into_bytes()),
        1 => proptest::collection::vec(any::<u8>(), 0..200),
    ]
}

proptest! {
    #[test]
    fn any_octets_are_a_cpim_message_or_an_error(octets in head()) {
        let Ok(message) = Cpim::read(octets.clone().into()) else { return Ok(()) };
        prop_assert!(message.headers().count() <= HEADERS_MAX);
        prop_assert!(message.content().len() <= octets.len());
        for header in message.headers() {
            prop_assert!(header.line().len() <= octets.len());
            let _ = (header.name(), header.value(), header.parameters(), header.namespace_uri(), header.text());
        }
        let _ = (message.from(), message.to(), message.date_time(), message.kind(), Requested::of(&message));
        if let Ok(decoded) = message.decoded() {
            prop_assert!(decoded.len() <= octets.len());
        }
        // Lines, in order, are all there is before the content.
        let mut relayed = Vec::new();
        message.relay(&mut relayed, b"", |_| Edit::Keep, b"");
        prop_assert!(relayed.starts_with(&octets));
        let again = Cpim::read(relayed.into()).unwrap();
        prop_assert_eq!(again.headers().count(), message.headers().count());
        prop_assert_eq!(again.content(), message.content());
    }

    #[test]
    fn a_relayed_message_has_the_new_value_and_the_same_content(octets in head(), value in "\\PC{0,30}") {
        let Ok(message) = Cpim::read(octets.into()) else { return Ok(()) };
        let mut relayed = Vec::new();
        let edit = |header: sip_rcs::cpim::Header<'_>| match header.field() {
            Field::MessageId => Edit::Value(&value),
            _ => Edit::Keep,
        };
        message.relay(&mut relayed, b"", edit, b"");
        let Ok(again) = Cpim::read(relayed.into()) else {
            // Only a head at its limit may have grown over it.
            return Ok(());
        };
        prop_assert_eq!(again.headers().count(), message.headers().count());
        prop_assert_eq!(again.content(), message.content());
        for header in again.all(Field::MessageId) {
            let unescaped = header.text().map(unescape);
            prop_assert_eq!(unescaped.as_deref(), Some(value.trim_ascii()));
        }
    }

    #[test]
    fn what_a_writer_writes_is_read(from in "\\PC{1,40}", id in "[!-~]{1,40}", subject in any::<String>(), content in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut out = Vec::new();
        Writer::new(&mut out)
            .from(&from)
            .imdn(&id, Requested::DISPLAY)
            .header("Subject", &subject)
            .date_time(0, 0)
            .content("image/png", &content);
        let message = Cpim::read(out.into()).unwrap();
        prop_assert_eq!(message.headers().count(), 6);
        let read_id = message.message_id().map(unescape);
        prop_assert_eq!(read_id.as_deref(), Some(id.as_str()));
        let read_subject = message.text(Field::Subject).map(unescape).unwrap_or_default();
        prop_assert_eq!(read_subject.trim_ascii(), subject.trim_ascii());
        // A length that is right cuts nothing, not even line ends of the content itself.
        prop_assert_eq!(message.content(), &content);
    }

    #[test]
    fn escapes_are_undone(text in any::<String>()) {
        let mut out = Vec::new();
        escape(&mut out, &text);
        let line = String::from_utf8(out).unwrap();
        prop_assert!(!line.contains(['\r', '\n', '\0']));
        prop_assert_eq!(unescape(&line), text);
    }

    #[test]
    fn any_text_is_an_address_a_time_a_type_or_none(text in any::<String>()) {
        let _ = (Address::read(&text), unescape(&text), Requested::read(&text));
        let _ = (mime::Kind::of(&text), mime::parameter(&text, "boundary"));
        if let Some(at) = time::read(&text) {
            let mut out = Vec::new();
            time::write(&mut out, at, 0);
            prop_assert!(time::read(std::str::from_utf8(&out).unwrap()).is_some());
        }
    }

    #[test]
    fn times_survive_to_the_millisecond(at_ms in -62_000_000_000_000_i64..250_000_000_000_000, offset in -1_439_i16..=1_439) {
        let mut out = Vec::new();
        time::write(&mut out, at_ms * 1_000, offset);
        prop_assert_eq!(time::read(std::str::from_utf8(&out).unwrap()), Some(at_ms * 1_000));
    }

    #[test]
    fn any_octets_are_a_document_or_an_error(octets in document()) {
        drop((imdn::read(&octets), iscomposing::read(&octets)));
        let Ok(mut xml) = Reader::new(&octets, Limits::MESSAGE) else { return Ok(()) };
        let Ok(root) = xml.root() else { return Ok(()) };
        let mut elements = 0;
        while let Ok(Some(child)) = xml.child(&root) {
            elements += 1;
            prop_assert!(elements <= octets.len());
            drop(xml.attribute("a"));
            if let Ok(text) = xml.text(&child) {
                prop_assert!(text.len() <= octets.len());
            }
        }
    }

    #[test]
    fn damage_to_a_notification_is_an_error_or_another_notification(at in 0_usize..400, octet in any::<u8>()) {
        let mut octets = b"<?xml version=\"1.0\"?><imdn xmlns=\"urn:ietf:params:xml:ns:imdn\"><message-id>m</message-id>\
            <datetime>2025-03-01T00:30:00Z</datetime><display-notification><status><displayed/></status></display-notification></imdn>".to_vec();
        let at = at % octets.len();
        octets[at] = octet;
        if let Ok(reports) = imdn::read(&octets) {
            prop_assert_eq!(reports.len(), 1);
        }
    }

    #[test]
    fn any_octets_are_parts_or_an_error(octets in proptest::collection::vec(prop_oneof![Just(b'-'), Just(b'b'), Just(b'\r'), Just(b'\n'), any::<u8>()], 0..300)) {
        let body = Bytes::from(octets);
        if let Ok(parts) = multipart::read("multipart/mixed;boundary=b", &body) {
            let total: usize = parts.iter().map(|part| part.content.len()).sum();
            prop_assert!(total <= body.len());
            for part in &parts {
                let _ = (part.kind(), part.disposition(), part.decoded());
            }
        }
    }

    #[test]
    fn features_survive_their_own_writing(parameters in proptest::collection::vec(("(\\+[a-z.]{1,4}|\\+g.3gpp.icsi-ref|\\+g.3gpp.iari-ref|automata|require|\\PC{0,5})", proptest::option::of("(\"?[a-z%3A:,# =]{0,30}\"?|\\PC{0,10})")), 0..20)) {
        let pairs = parameters.iter().map(|(name, value)| (name.as_str(), value.as_deref()));
        let wanted = Wanted::read(pairs);
        prop_assert!(wanted.features.admits(&wanted) || wanted.require);
        let mut out = Vec::new();
        wanted.features.write(&mut out);
        prop_assert!(out.iter().filter(|&&octet| octet == b';').count() <= 2 * FEATURES_MAX);
        let text = String::from_utf8(out).unwrap();
        prop_assert!(!text.contains(['\r', '\n']));
        // Quotation marks come in pairs: no value ends early.
        prop_assert_eq!(text.matches('"').count() % 2, 0);
        let _ = Features::read([("x", Some(text.as_str()))]);
    }

    #[test]
    fn any_octets_are_one_of_the_other_documents_or_an_error(octets in other_document()) {
        drop((file::read(&octets), file::read_resume(&octets), place::read(&octets), revoke::read(&octets)));
        drop((lists::read(&octets), conference::read(&octets), reginfo::read(&octets), reginfo::read_service_info(&octets)));
    }

    #[test]
    fn any_octets_are_a_description_or_an_error(octets in description()) {
        let Ok(read) = sdp::read(&octets) else { return Ok(()) };
        for media in &read.media {
            for uri in media.path() {
                prop_assert!(sdp::target(uri).is_none_or(|target| !target.host.is_empty()));
            }
            let _ = (media.accept_types(), media.setup(), media.direction(), media.max_size());
        }
        let local = sdp::Local {
            session_id: 1,
            session_version: 1,
            address: std::net::Ipv4Addr::LOCALHOST.into(),
            port: 2_855,
            path: Private("msrp://127.0.0.1:2855/s;tcp".into()),
            tls: false,
            fingerprint: None,
            setup: sdp::Setup::ActPass,
            cema: true,
            accept_types: Types::any(),
            accept_wrapped_types: Types::any(),
            max_size: None,
            direction: sdp::Direction::SendRecv,
            more: vec![],
        };
        drop(local.accept(&read));
        if let Ok(answer) = local.answer(&read) {
            // One answer for each medium, and what we write we read.
            let back = sdp::read(&answer.body).unwrap();
            prop_assert_eq!(back.media.len(), read.media.len());
            prop_assert_eq!(back.media.iter().filter(|media| media.is_msrp()).count(), 1);
        }
    }

    #[test]
    fn places_survive_both_ways(latitude in -900_000_000..=900_000_000_i32, longitude in -1_800_000_000..=1_800_000_000_i32, label in "\\PC{1,20}", radius in any::<Option<u32>>()) {
        let place = Place {
            position: Position::new(latitude, longitude).unwrap(),
            radius_m: radius,
            label: Some(Private(label)),
            id: Some("p".into()),
            ..Place::default()
        };
        let mut out = Vec::new();
        place.write(&mut out);
        prop_assert_eq!(place::read(&out), Ok(place.clone()));
        let mut uri = Vec::new();
        place::write_uri(&mut uri, &place);
        let back = place::read_uri(std::str::from_utf8(&uri).unwrap()).unwrap();
        prop_assert_eq!((back.position, back.radius_m, back.label), (place.position, place.radius_m, place.label));
    }

    #[test]
    fn lists_survive(uris in proptest::collection::vec("[!-~]{1,30}", 0..20)) {
        let entries: Vec<_> = uris.iter().map(|uri| Entry::to(uri)).collect();
        let mut out = Vec::new();
        lists::write(&mut out, &entries);
        prop_assert_eq!(lists::read(&out), Ok(entries));
    }

    #[test]
    fn any_text_is_an_address_with_a_method_or_without(text in any::<String>()) {
        let (address, method) = lists::target(&text);
        prop_assert!(address.len() <= text.len() && method.is_none_or(|method| method.len() <= text.len()));
        let _ = (place::read_uri(&text), sdp::target(&text), sip_rcs::operation::Verb::read(&text));
        if let Ok(message) = Cpim::read(text.into_bytes().into()) {
            drop(Operation::of(&message));
        }
    }
}
