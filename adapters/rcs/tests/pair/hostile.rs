//! Whatever a stranger sends: one answer or none, nothing handed in, nothing grown (issue: what bad input gets).

use std::collections::HashMap;

use proptest::prelude::*;
use sip_message::Message;

use crate::{
    chat::with_msrp,
    world::{MINA, PHONE, World, peer, udp},
};

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(format!("<tel:{MINA}>")),
        Just(format!("<sip:{PHONE}@ims.example>;tag=x")),
        Just("*".to_owned()),
        Just("0".to_owned()),
        Just("4294967296".to_owned()),
        Just("message/cpim".to_owned()),
        Just("multipart/mixed;boundary=b".to_owned()),
        Just("application/vnd.gsma.rcsrevoke+xml".to_owned()),
        Just("reg".to_owned()),
        Just("conference".to_owned()),
        Just("<cid:list@test>".to_owned()),
        Just("<tel:+821011110002;method=BYE>".to_owned()),
        Just("application/resource-lists+xml".to_owned()),
        "[ -~]{0,40}",
        "\\PC{0,20}",
    ]
}

const METHODS: [&str; 9] =
    ["MESSAGE", "REGISTER", "OPTIONS", "NOTIFY", "SUBSCRIBE", "INVITE", "BYE", "REFER", "FROB"];
const NAMES: [&str; 19] = [
    "Refer-To",
    "Subject",
    "Contribution-ID",
    "Contact",
    "Expires",
    "P-Asserted-Identity",
    "P-Served-User",
    "P-Called-Party-ID",
    "P-Charging-Vector",
    "Route",
    "Path",
    "Event",
    "Subscription-State",
    "Authorization",
    "Proxy-Authorization",
    "Accept-Contact",
    "Date",
    "Require",
    "Conversation-ID",
];

fn body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..200),
        "\\PC{0,80}".prop_map(String::into_bytes),
        ("[a-zA-Z.-]{0,20}", "\\PC{0,40}", "[a-z/+.-]{0,30}", "\\PC{0,60}").prop_map(
            |(name, value, kind, inner)| {
                format!("{name}: {value}\r\n\r\nContent-Type: {kind}\r\n\r\n{inner}").into_bytes()
            }
        ),
        Just(
            b"--b\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n\r\n--b\r\n\
              Content-Type: application/resource-lists+xml\r\n\r\n<resource-lists><list>\r\n--b--\r\n"
                .to_vec()
        ),
        Just(
            b"NS: imdn <urn:ietf:params:imdn>\r\nimdn.Message-ID: x\r\n\r\nContent-Type: message/imdn+xml\r\n\r\n<imdn"
                .to_vec()
        ),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_request_is_answered_once_and_a_stranger_hands_nothing_in(
        method in 0..METHODS.len(),
        uri in prop_oneof![
            Just(format!("tel:{PHONE}")), Just("sip:ims.example".to_owned()),
            Just("sip:conference-factory@ims.example".to_owned()),
            Just("sip:g0123456789abcdef01234567@ims.example".to_owned()), "sip:[a-z0-9+%]{1,12}@[a-z.]{1,8}"
        ],
        content_type in value(),
        headers in proptest::collection::vec((0..NAMES.len(), value()), 0..5),
        body in body(),
        trusted: bool,
    ) {
        let mut world = World::with(with_msrp());
        world.settle();
        let flow = if trusted { peer() } else { udp("203.0.113.77:5060") };
        let mut octets = format!(
            "{} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {};branch=z9hG4bKh;rport\r\nFrom: <tel:{MINA}>;tag=f\r\n\
             To: <tel:{PHONE}>\r\nCall-ID: h@test\r\nCSeq: 1 {}\r\nContent-Type: {content_type}\r\n",
            METHODS[method], flow.remote, METHODS[method]
        );
        for (name, value) in &headers {
            octets.push_str(&format!("{}: {value}\r\n", NAMES[*name]));
        }
        octets.push_str(&format!("Content-Length: {}\r\n\r\n", body.len()));
        let mut octets = octets.into_bytes();
        octets.extend_from_slice(&body);
        let Ok(message) = sip_message::parse_datagram(octets.into(), &sip_message::Limits::DATAGRAM) else {
            // Answered before anybody else sees it.
            return Ok(());
        };
        world.core.received(world.now_us, flow, message.clone());
        // A copy changes nothing.
        world.core.received(world.now_us, flow, message);
        world.collect();
        let mut finals: HashMap<Vec<u8>, u16> = HashMap::new();
        for (_, message) in world.sent.drain(..) {
            if let Message::Response(response) = message {
                let status = response.status.code();
                if status >= 200 {
                    // The same answer again for the copy.
                    let before = finals.insert(b"h@test".to_vec(), status);
                    prop_assert!(before.is_none_or(|before| before == status));
                }
            }
        }
        if !trusted {
            prop_assert!(world.inbound.is_empty(), "{:?}", world.inbound);
            prop_assert_eq!(finals.len(), 1);
        }
    }
}
