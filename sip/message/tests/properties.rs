//! Any octets: a value or an error, bounded, the same in whatever pieces they come. What is written is read back.

use std::hint::black_box;

use bytes::{Bytes, BytesMut};
use proptest::collection::vec;
use proptest::prelude::*;
use sip_message::digest::{Challenge, Credentials};
use sip_message::multipart::{self, Part};
use sip_message::torture::{rfc4475, rfc5118};
use sip_message::values::{
    AccessNetwork, ChargingVector, ContactPreference, Event, MediaRange, MediaType, Reason, RetryAfter,
    ServedUser, SessionExpires, SubscriptionState, Value, Warning,
};
use sip_message::{
    Frame, Framer, HeaderValue, Limits, List, Message, Method, Name, NameAddr, Params, Request, Served,
    StatusCode, Uri, Via, date, judge, parse_datagram,
};

/// Reads a value, whatever it is.
fn read<T>(value: T) {
    drop(black_box(value));
}

/// Octets that look like SIP more often than chance has it.
fn near_sip() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just("MESSAGE sip:a@b SIP/2.0\r\n".to_owned()),
        Just("SIP/2.0 200 OK\r\n".to_owned()),
        Just("Via: SIP/2.0/UDP h;branch=z9hG4bKx\r\n".to_owned()),
        Just("v: SIP/2.0/TCP [::1]:5060;rport, SIP/2.0/UDP h\r\n".to_owned()),
        Just("f: \"x\" <sip:a@b;c=d>;tag=1\r\n".to_owned()),
        Just("To: tel:+82-10;phone-context=x\r\n".to_owned()),
        Just("Call-ID: k\r\n".to_owned()),
        Just("CSeq: 1 MESSAGE\r\n".to_owned()),
        Just("Content-Length: 3\r\n".to_owned()),
        Just("Contact: *, <sip:x>\r\n".to_owned()),
        Just("\r\n".to_owned()),
        Just(" folded\r\n".to_owned()),
        "[A-Za-z-]{1,8} ?: ?[ -~]{0,20}\r\n",
        "[\"<>;,=:@%\\\\ \r\n\t]{1,6}",
    ];
    prop_oneof![
        vec(any::<u8>(), 0..300),
        vec(piece, 0..16).prop_map(|pieces| pieces.concat().into_bytes()),
        damaged(),
    ]
}

/// A torture message with a few octets changed, cut or doubled.
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let cases: Vec<Vec<u8>> =
        rfc4475().iter().chain(&rfc5118()).map(|case| case.octets("h.example")).collect();
    (
        proptest::sample::select(cases),
        vec((any::<proptest::sample::Index>(), any::<u8>()), 0..4),
        any::<u16>(),
    )
        .prop_map(|(mut octets, changes, cut)| {
            for (at, octet) in changes {
                let at = at.index(octets.len());
                octets[at] = octet;
            }
            if cut % 4 == 0 {
                octets.truncate(usize::from(cut) % octets.len());
            }
            octets
        })
}

const SERVED: Served<'_> = Served {
    methods: &[Method::MESSAGE, Method::INVITE, Method::OPTIONS, Method::REGISTER],
    extensions: &[],
    media: &["text/plain"],
    answers: &["application/sdp"],
    forwards: true,
};

/// Everything that a layer above could ask of a message; what it writes must be readable.
fn exercise(message: &Message, limits: &Limits) {
    let headers = message.headers();
    assert!(
        headers.via().is_some()
            && headers.from().is_some()
            && headers.to().is_some()
            && headers.cseq().is_some()
    );
    assert!(!headers.call_id().is_empty());
    read((
        headers.date(),
        headers.expires(),
        headers.max_forwards(),
        headers.media_type(),
        headers.contacts().is_ok(),
    ));
    read(headers.to_rsip());
    let mut out = BytesMut::new();
    match message {
        Message::Request(request) => {
            read((
                request.uri.telephone().and_then(|number| number.e164(Some("82"))),
                request.uri.address_of_record(),
            ));
            assert!(request.uri.is_same_as(&request.uri));
            let answer = match judge(request, &SERVED) {
                Ok(()) => request.response(StatusCode::OK, Some("t")),
                Err(objection) => objection.response(request, "t"),
            };
            read_back(&answer.to_bytes());
            read_back(&request.cancel().to_bytes());
            read_back(&request.ack(&answer).to_bytes());
            request.write(&mut out);
        }
        Message::Response(response) => response.write(&mut out),
    }
    // Full names are longer than compact ones, and Content-Length may be a line more.
    let wide = Limits {
        message_octets: usize::MAX,
        head_octets: usize::MAX,
        headers: limits.headers + 1,
        ..*limits
    };
    let again = parse_datagram(out.freeze(), &wide).expect("readable");
    assert_eq!(again.body(), message.body());
    let lines = |message: &Message| -> Vec<(String, Vec<u8>)> {
        let named = |(name, value): (&Name, &[u8])| (name.as_str().to_owned(), value.to_vec());
        message.headers().iter().filter(|(name, _)| **name != Name::ContentLength).map(named).collect()
    };
    assert_eq!(lines(&again), lines(message));
}

fn read_back(octets: &Bytes) {
    let limits = Limits {
        message_octets: usize::MAX,
        lenient: true,
        headers: 1000,
        head_octets: 1 << 20,
        ..Limits::DATAGRAM
    };
    assert!(parse_datagram(octets.clone(), &limits).is_ok(), "{}", String::from_utf8_lossy(octets));
}

/// Kind and length of what a stream yields.
fn frames(chunks: &[&[u8]], limits: Limits) -> (Vec<String>, bool) {
    let mut framer = Framer::new(limits);
    let mut frames = Vec::new();
    for chunk in chunks {
        framer.push(chunk);
        while let Some(frame) = framer.next_frame() {
            match frame {
                Ok(Frame::Message(message)) => {
                    exercise(&message, &limits);
                    frames.push(format!("{message:?}"));
                }
                // How CRLFs fall into pieces decides what they are taken for.
                Ok(Frame::Ping | Frame::Pong) => {}
                Err(unreadable) => {
                    if let Some(answer) = unreadable.response("t") {
                        assert!(!answer.to_bytes().is_empty() && answer.via().is_some());
                    }
                    frames.push(format!("{:?} {}", unreadable.fault, unreadable.close));
                }
            }
        }
    }
    (frames, framer.is_broken())
}

proptest! {
    #[test]
    fn any_octets_are_a_message_or_an_error(octets in near_sip(), lenient: bool) {
        let limits = Limits { lenient, ..Limits::DATAGRAM };
        let length = octets.len();
        match parse_datagram(Bytes::from(octets), &limits) {
            Ok(message) => {
                prop_assert!(message.body().len() <= length);
                exercise(&message, &limits);
            }
            Err(unreadable) => {
                prop_assert!(!unreadable.close);
                if let Some(answer) = unreadable.response("t") {
                    prop_assert!(answer.to_bytes().len() <= 2 * length + 200, "an answer is no amplifier");
                    prop_assert!(answer.via().is_some());
                }
            }
        }
    }

    #[test]
    fn pieces_do_not_matter(one in near_sip(), two in near_sip(), cuts in vec(any::<proptest::sample::Index>(), 0..12)) {
        let octets = [one, two].concat();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(octets.len() + 1)).collect();
        cuts.extend([0, octets.len()]);
        cuts.sort_unstable();
        let chunks: Vec<&[u8]> = cuts.windows(2).map(|pair| &octets[pair[0]..pair[1]]).collect();
        let whole = frames(&[&octets], Limits::STREAM);
        prop_assert_eq!(frames(&chunks, Limits::STREAM), whole);
    }

    #[test]
    fn limits_hold_for_any_octets(octets in near_sip(), small in 1_usize..400) {
        let limits = Limits {
            message_octets: small * 2, body_octets: small, head_octets: small + 60, start_line_octets: small,
            headers: small % 20, header_octets: small, vias: small % 5, lenient: false,
        };
        if let Ok(message) = parse_datagram(Bytes::from(octets.clone()), &limits) {
            prop_assert!(message.body().len() <= small && message.headers().len() <= small % 20);
            prop_assert!(message.headers().list(Name::Via).count() <= small % 5);
            prop_assert!(message.headers().iter().all(|(_, value)| value.len() <= small));
        }
        frames(&[&octets], limits);
    }

    #[test]
    fn any_octets_are_a_value_or_an_error(octets in prop_oneof![
        vec(any::<u8>(), 0..80), "[a-z0-9\"<>;,=:@%\\\\ \\[\\]().*+/-]{0,40}".prop_map(String::into_bytes)
    ]) {
        let text = String::from_utf8_lossy(&octets).into_owned();
        read((Via::parse(&octets).is_ok(), Params::parse(&octets).is_ok(), Params::parse_bare(&octets).is_ok()));
        read((NameAddr::parse(&octets).map(|address| address.display().is_some()), Method::parse(&octets), Name::parse(&octets)));
        read((Warning::parse(&octets), Reason::parse(&octets), RetryAfter::parse(&octets), Event::parse(&octets)));
        read((SubscriptionState::parse(&octets), SessionExpires::parse(&octets), MediaRange::parse(&octets)));
        read((MediaType::parse(&octets), ContactPreference::parse(&octets), ChargingVector::parse(&octets).is_ok()));
        read((ServedUser::parse(&octets).is_ok(), AccessNetwork::parse(&octets), date::parse(&octets)));
        read((Challenge::parse(&octets), Credentials::parse(&octets)));
        read((Challenge::parse(&[b"Digest ", &octets[..]].concat()), Credentials::parse(&[b"Digest ", &octets[..]].concat())));
        let joined: usize = List::new(&octets).map(<[u8]>::len).sum();
        prop_assert!(joined <= octets.len());
        for text in [text.clone(), format!("sip:{text}"), format!("tel:{text}"), format!("sip:a@{text}")] {
            if let Ok(uri) = Uri::new(&text) {
                prop_assert_eq!(uri.as_str(), &text);
                prop_assert!(uri.is_same_as(&uri));
                let key = uri.address_of_record();
                if let Ok(again) = Uri::new(&key) {
                    prop_assert_eq!(again.address_of_record(), key);
                }
                read((uri.telephone().and_then(|number| number.e164(Some("82"))), uri.params().iter().count(), uri.headers()));
            }
        }
    }

    #[test]
    fn what_is_written_is_read(
        user in "[a-z0-9.+-]{1,20}", tag in "[a-zA-Z0-9]{1,12}", number in 0_u32..1 << 31,
        values in vec(("[A-Za-z][A-Za-z0-9-]{0,20}", vec(any::<u8>(), 0..60)), 0..10),
        body in vec(any::<u8>(), 0..400),
    ) {
        let mut builder = Request::builder(Method::MESSAGE, Uri::new(&format!("sip:{user}@h.example")).unwrap())
            .from(format_args!("sip:{user}@ims.example"), &tag)
            .to("tel:+821012345678", None)
            .call_id(&tag)
            .cseq(number);
        for (name, value) in &values {
            // What has a grammar of its own is not filled with anything.
            let name = Name::Other(format!("X{name}").into());
            builder = builder.header(name, HeaderValue::from(value.as_slice()));
        }
        let mut request = builder.body("application/octet-stream", Bytes::from(body.clone())).build();
        request.push_via(sip_message::Transport::Tcp, "[2001:db8::1]:5060", "z9hG4bKx");
        let written = request.to_bytes();
        let Ok(Message::Request(read)) = parse_datagram(written.clone(), &Limits::DATAGRAM) else {
            return Err(TestCaseError::fail("unreadable"));
        };
        prop_assert_eq!(&read.body[..], &body[..]);
        prop_assert_eq!(read.from_tag(), Some(tag.as_str()));
        prop_assert_eq!(read.cseq().unwrap().number, number);
        prop_assert_eq!(read.uri.user(), Some(user.as_str()));
        prop_assert_eq!(read.headers.len(), request.headers.len() + 1, "nothing began a line of its own");
        let mut framer = Framer::new(Limits::STREAM);
        framer.push(&written);
        prop_assert!(matches!(framer.next_frame(), Some(Ok(Frame::Message(_)))));
        prop_assert!(!framer.is_mid_message());
    }

    #[test]
    fn multiparts_come_back(bodies in vec(vec(prop_oneof![any::<u8>(), Just(b'-'), Just(b'\r'), Just(b'\n'), Just(b'b')], 0..60), 0..6)) {
        let parts: Vec<Part> = bodies.iter().map(|body| Part::new("a/b", Bytes::from(body.clone()))).collect();
        if let Ok(body) = multipart::write(&parts, "b-b") {
            let read = multipart::split(&body, "b-b").unwrap();
            if parts.is_empty() {
                prop_assert!(read.is_empty());
            }
            prop_assert_eq!(read.iter().map(|part| part.body.to_vec()).collect::<Vec<_>>(), bodies);
        }
    }

    #[test]
    fn any_octets_are_split_or_refused(octets in vec(prop_oneof![any::<u8>(), Just(b'-'), Just(b'\r'), Just(b'\n'), Just(b'b')], 0..200)) {
        let body = Bytes::from(octets);
        if let Ok(parts) = multipart::split(&body, "b") {
            prop_assert!(parts.iter().map(|part| part.body.len()).sum::<usize>() <= body.len());
        }
    }

    #[test]
    fn dates_come_back(seconds in -62_135_596_800_i64..253_402_300_799) {
        prop_assume!(seconds >= 0 || seconds > -60_000_000_000);
        let text = date::format(seconds * 1_000_000);
        prop_assert_eq!(date::parse(text.as_bytes()), Some(seconds * 1_000_000));
    }

    #[test]
    fn no_value_begins_a_line(octets in vec(any::<u8>(), 0..60)) {
        let value = HeaderValue::from(octets.as_slice());
        prop_assert!(!value.as_bytes().iter().any(|b| matches!(b, b'\r' | b'\n' | 0)));
        prop_assert_eq!(value.as_bytes().len(), octets.len());
    }
}
