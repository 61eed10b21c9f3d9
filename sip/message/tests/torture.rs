//! RFC 4475 and RFC 5118: what the codec and the judge make of every case.

use bytes::Bytes;
use sip_message::digest::{Guard, NonceKey};
use sip_message::torture::{Case, Verdict, rfc4475, rfc5118};
use sip_message::{Frame, Framer, Limits, Message, Method, Name, Served, Unreadable, judge, parse_datagram};

const SENT_BY: &str = "198.51.100.7:5070";

const METHODS: &[Method] = &[
    Method::INVITE,
    Method::ACK,
    Method::BYE,
    Method::CANCEL,
    Method::OPTIONS,
    Method::MESSAGE,
    Method::REGISTER,
];

const SERVED: Served<'_> = Served {
    methods: METHODS,
    extensions: &["timer", "path"],
    media: &["application/sdp", "message/cpim", "multipart/mixed", "text/plain"],
    answers: &["application/sdp"],
    forwards: true,
};

/// The verdict on what was read.
fn verdict(outcome: Result<Message, Unreadable>) -> Verdict {
    let request = match outcome {
        Ok(Message::Request(request)) => request,
        Ok(Message::Response(_)) => return Verdict::Accept,
        Err(unreadable) => {
            let Some(answer) = unreadable.response("our-tag") else { return Verdict::Discard };
            assert_eq!(answer.via().expect("a way back").host.to_string(), "198.51.100.7");
            return Verdict::Answer(answer.status.code());
        }
    };
    match judge(&request, &SERVED) {
        Ok(()) => Verdict::Accept,
        Err(objection) => Verdict::Answer(objection.response(&request, "our-tag").status.code()),
    }
}

fn datagram(case: &Case) -> Result<Message, Unreadable> {
    parse_datagram(Bytes::from(case.octets(SENT_BY)), &Limits::DATAGRAM)
}

#[test]
fn every_case_gets_one_of_its_verdicts() {
    for case in rfc4475().iter().chain(&rfc5118()) {
        let verdict = verdict(datagram(case));
        let right = match case.name {
            // Whose credentials these are and what was asked for is for others to say.
            "regaut01" | "bcast" | "zeromf" => verdict == Verdict::Accept,
            _ => case.verdicts.contains(&verdict),
        };
        assert!(right, "{} ({}): {verdict:?}, allowed {:?}", case.name, case.section, case.verdicts);
    }
}

#[test]
fn what_may_be_refused_or_forgiven_is_refused_unless_asked() {
    for (name, strict, lenient) in [
        ("trws", Verdict::Answer(400), Verdict::Accept),
        ("baddn", Verdict::Answer(400), Verdict::Accept),
        ("baddate", Verdict::Accept, Verdict::Accept),
        ("badbranch", Verdict::Accept, Verdict::Accept),
    ] {
        let case = named(name);
        assert_eq!(verdict(datagram(&case)), strict, "{name}");
        let limits = Limits { lenient: true, ..Limits::DATAGRAM };
        assert_eq!(verdict(parse_datagram(Bytes::from(case.octets(SENT_BY)), &limits)), lenient, "{name}");
    }
}

/// Reads a case from a stream, octets in chunks of `size`, an OPTIONS behind it.
fn stream(case: &Case, size: usize) -> (Vec<Verdict>, bool) {
    let mut octets = case.octets(SENT_BY);
    octets.extend_from_slice(&named("lwsdisp").octets(SENT_BY));
    let mut framer = Framer::new(Limits::STREAM);
    let mut verdicts = Vec::new();
    for chunk in octets.chunks(size) {
        framer.push(chunk);
        while let Some(frame) = framer.next_frame() {
            match frame {
                Ok(Frame::Message(message)) => verdicts.push(verdict(Ok(message))),
                Ok(_) => {}
                Err(unreadable) => {
                    assert_eq!(unreadable.close, framer.is_broken());
                    verdicts.push(verdict(Err(unreadable)));
                }
            }
        }
    }
    (verdicts, framer.is_broken())
}

#[test]
fn a_stream_survives_every_case_that_keeps_its_framing() {
    for case in rfc4475().iter().chain(&rfc5118()) {
        let whole = stream(case, usize::MAX);
        assert_eq!(whole, stream(case, 1), "{}: chunks", case.name);
        assert_eq!(whole, stream(case, 7), "{}: chunks", case.name);
        let (verdicts, broken) = whole;
        match case.name {
            // It waits for the rest; the clock of the connection ends that.
            "clerr" => assert_eq!((verdicts.len(), broken), (0, false)),
            _ if case.closes => assert_eq!((verdicts.len(), broken), (1, true), "{}", case.name),
            // The second request of the case is a message of its own here.
            "dblreq" => assert_eq!(verdicts.len(), 3),
            name => {
                assert_eq!((verdicts.len(), broken), (2, false), "{name}: {verdicts:?}");
                assert_eq!(verdicts[1], Verdict::Accept, "{name}");
            }
        }
        if !matches!(case.name, "regaut01" | "bcast" | "zeromf" | "clerr") {
            assert!(case.verdicts.contains(&verdicts[0]), "{}", case.name);
        }
    }
}

fn named(name: &str) -> Case {
    rfc4475().into_iter().chain(rfc5118()).find(|case| case.name == name).expect("a case of that name")
}

fn request(name: &str) -> sip_message::Request {
    match datagram(&named(name)) {
        Ok(Message::Request(request)) => request,
        other => panic!("{name}: {other:?}"),
    }
}

#[test]
fn there_are_all_of_them() {
    let cases = rfc4475();
    assert_eq!(cases.len(), 49);
    let mut sections: Vec<_> = cases.iter().map(|case| case.section).collect();
    sections.dedup();
    assert_eq!(sections.len(), 49);
    assert_eq!(rfc5118().len(), 12);
}

#[test]
fn wsinv_means_what_it_says() {
    let request = request("wsinv");
    assert_eq!(request.from().unwrap().display().as_deref(), Some("M Kim \\\""));
    assert_eq!((request.from_tag(), request.to_tag()), (Some("31fold"), Some("77aa77n")));
    assert_eq!(request.cseq().unwrap().number, 12);
    assert_eq!(request.headers.max_forwards(), Some(70));
    let branches: Vec<_> = request
        .headers
        .list(Name::Via)
        .map(|via| sip_message::Via::parse(via).unwrap().branch.unwrap())
        .collect();
    assert_eq!(branches, ["59wide-branch", "z9hG4bK3wide", "z9hG4bK77003"]);
    assert_eq!(request.headers.text(Name::from("newfangled-thing")), Some("a new value and its second line"));
    assert_eq!(request.headers.text(Name::Subject), Some(""));
    let contact = request.headers.addresses(Name::Contact).next().unwrap().unwrap();
    assert_eq!(contact.params.get("q"), Some("0.33"));
}

#[test]
fn intmeth_keeps_its_odd_octets() {
    let request = request("intmeth");
    assert_eq!(request.method.as_str(), "!odd-Method9876543210_*+`.%yes'~");
    assert_eq!(request.from().unwrap().params.text("odd''~+*_!.-%").as_deref(), Some("민아"));
    assert_eq!(request.to().unwrap().display().as_deref(), Some("BEL:  NUL:  DEL: "), "no text has NUL");
    assert_eq!(request.uri.password(), Some("&this+is=2,odd!*pass$wo~rd_too.(isn't-it)"));
}

#[test]
fn escapes_are_kept_and_compared() {
    let esc01 = request("esc01");
    assert_eq!(esc01.uri.user(), Some("sips%3Amina%40bots.example"));
    assert_eq!(esc01.to().unwrap().uri.address_of_record(), "sip:mina@bots.example");
    let escnull = request("escnull");
    let contacts: Vec<_> =
        escnull.headers.addresses(Name::Contact).map(|contact| contact.unwrap().uri).collect();
    assert!(!contacts[0].is_same_as(&contacts[1]));
    assert!(contacts[0].is_same_as(&contacts[0]));
    assert_ne!(contacts[0].address_of_record(), contacts[1].address_of_record());
    assert_eq!(request("semiuri").uri.user(), Some("mina;par=m%40bots.example"));
}

#[test]
fn parameters_belong_where_the_brackets_say() {
    let outside = request("cparam01");
    let contact = outside.headers.addresses(Name::Contact).next().unwrap().unwrap();
    assert!(contact.params.has("strange") && !contact.uri.params().has("strange"));
    let inside = request("cparam02");
    let contact = inside.headers.addresses(Name::Contact).next().unwrap().unwrap();
    assert!(!contact.params.has("strange") && contact.uri.params().has("strange"));
    let route = request("regescrt");
    let contact = route.headers.addresses(Name::Contact).next().unwrap().unwrap();
    assert_eq!(contact.uri.headers(), "Route=%3Csip:hop.ims.example%3E");
}

#[test]
fn a_scheme_that_nobody_knows_is_no_credential() {
    let guard = Guard::new("ims.example", NonceKey::new([0; 32]));
    assert!(guard.credentials(&request("regaut01"), Name::Authorization).is_none());
}

#[test]
fn a_cookie_alone_is_no_key() {
    assert_eq!(request("badbranch").via().unwrap().unique_branch(), None);
    assert_eq!(request("inv2543").via().unwrap().unique_branch(), None);
}

#[test]
fn hops_are_needed_by_all_but_options() {
    assert_eq!(verdict(datagram(&named("zeromf"))), Verdict::Accept);
    let mut message = request("mpart01");
    message.headers.set(Name::MaxForwards, 0);
    assert_eq!(judge(&message, &SERVED).unwrap_err().status.code(), 483);
    assert!(judge(&message, &Served { forwards: false, ..SERVED }).is_ok());
}

#[test]
fn a_date_in_another_zone_counts_as_none() {
    assert!(request("baddate").headers.date().unwrap().is_err());
}

#[test]
fn refusals_say_what_would_do() {
    let refused = |name: &str| {
        let request = request(name);
        judge(&request, &SERVED).unwrap_err().response(&request, "t")
    };
    assert_eq!(
        refused("bext01").headers.text(Name::Unsupported),
        Some("not-even-thought-of, neither-this, no-proxy-does, nor-this-one")
    );
    assert_eq!(refused("invut").headers.text(Name::Accept), Some(SERVED.media.join(", ").as_str()));
    assert_eq!(refused("esc02").headers.list(Name::Allow).count(), METHODS.len());
    assert_eq!(refused("sdp01").to_tag(), Some("t"));
}

#[test]
fn the_answer_to_what_cannot_be_read_repeats_what_was_sent() {
    let answer = |name: &str| datagram(&named(name)).unwrap_err().response("t").unwrap();
    let quotbal = answer("quotbal");
    assert_eq!(
        quotbal.headers.text(Name::To),
        Some("\"M. Kim <sip:mina@ims.example>"),
        "nothing to hang a tag on"
    );
    assert_eq!(answer("badaspec").headers.text(Name::CallId), Some("badaspec.0ha0isndaksdj@198.51.100.7"));
    let insuf = answer("insuf");
    assert_eq!(insuf.headers.len(), 2);
    assert_eq!(insuf.reason(), b"Missing From");
    assert_eq!(answer("multi01").headers.all(Name::To).count(), 1);
    assert_eq!(answer("badvers").to_tag(), Some("t"));
}

#[test]
fn addresses_are_compared_by_value() {
    use sip_message::{Host, Uri};
    let host = |text: &str| Uri::new(text).map(|uri| (uri.host_text().to_owned(), uri.port()));
    assert_eq!(host("sip:[2001:db8::10:5070]"), Ok(("[2001:db8::10:5070]".into(), None)));
    assert_eq!(host("sip:[2001:db8::10]:5070"), Ok(("[2001:db8::10]".into(), Some(5070))));
    assert_eq!(Host::parse("[::ffff:192.0.2.1]"), Host::parse("192.0.2.1"));
    assert_eq!(Host::parse("[2001:DB8:0:0::1]"), Host::parse("2001:db8::1"));
    for name in ["via-received-param-with-delim", "via-received-param-no-delim"] {
        assert_eq!(request(name).via().unwrap().received, "2001:db8::9:255".parse().ok(), "{name}");
    }
}
