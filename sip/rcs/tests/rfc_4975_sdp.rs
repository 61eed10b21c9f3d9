//! Descriptions of MSRP sessions: offers, answers, and what comes of them.

use std::net::IpAddr;

use sip_rcs::Private;
use sip_rcs::sdp::{
    Agreed, Connect, Direction, Local, Refused, Role, SDP_OCTETS_MAX, SdpError, Setup, Types, read, target,
};

fn local(address: &str, setup: Setup) -> Local {
    let address: IpAddr = address.parse().expect("an address");
    let host = if address.is_ipv6() { format!("[{address}]") } else { address.to_string() };
    Local {
        session_id: 3_920_001_000,
        session_version: 3_920_001_001,
        address,
        port: 2_855,
        path: Private(format!("msrp://{host}:2855/s1a2b3;tcp")),
        tls: false,
        fingerprint: None,
        setup,
        cema: true,
        accept_types: Types::read("message/cpim application/im-iscomposing+xml"),
        accept_wrapped_types: Types::read("text/plain message/imdn+xml"),
        max_size: Some(1_048_576),
        direction: Direction::SendRecv,
        more: vec![],
    }
}

fn offered(local: &Local) -> String {
    let mut out = Vec::new();
    local.offer(&mut out);
    String::from_utf8(out).expect("text")
}

/// An offer of a client: lines of its stream after the fixed ones.
fn offer(media: &str, lines: &str) -> String {
    format!(
        "v=0\r\no=- 123 123 IN IP4 198.51.100.7\r\ns=-\r\nc=IN IP4 198.51.100.7\r\nt=0 0\r\n{media}\r\n{lines}"
    )
}

const PATH: &str = "a=path:msrp://198.51.100.7:7654/p1;tcp\r\n";

fn answer(body: &str) -> Result<(String, Agreed), Refused> {
    let answer =
        local("192.0.2.10", Setup::ActPass).answer(&read(body.as_bytes()).expect("a description"))?;
    Ok((String::from_utf8(answer.body).expect("text"), answer.agreed))
}

#[test]
fn our_offer_says_what_it_has_to() {
    assert_eq!(
        offered(&local("192.0.2.10", Setup::ActPass)),
        "v=0\r\no=- 3920001000 3920001001 IN IP4 192.0.2.10\r\ns=-\r\nc=IN IP4 192.0.2.10\r\nt=0 0\r\n\
         m=message 2855 TCP/MSRP *\r\na=path:msrp://192.0.2.10:2855/s1a2b3;tcp\r\na=setup:actpass\r\na=connection:new\r\na=msrp-cema\r\n\
         a=accept-types:message/cpim application/im-iscomposing+xml\r\na=accept-wrapped-types:text/plain message/imdn+xml\r\n\
         a=max-size:1048576\r\na=sendrecv\r\n"
    );
    let tls = Local {
        tls: true,
        fingerprint: Some("SHA-256 AB:CD".into()),
        path: Private("msrps://[2001:db8::1]:2855/x;tcp".into()),
        more: vec![("chatroom".into(), Private("private-messages\r\na=evil".into()))],
        ..local("2001:db8::1", Setup::Active)
    };
    let text = offered(&tls);
    assert!(
        text.contains("c=IN IP6 2001:db8::1\r\n") && text.contains("m=message 9 TCP/TLS/MSRP *\r\n"),
        "{text}"
    );
    assert!(
        text.contains("a=fingerprint:SHA-256 AB:CD\r\n")
            && text.contains("a=chatroom:private-messagesa=evil\r\n"),
        "{text}"
    );
}

#[test]
fn a_description_is_read_and_what_is_unknown_is_kept() {
    let text = offer(
        "m=message 7654 TCP/MSRP *",
        "c=IN IP6 2001:db8::7\r\na=path:msrp://relay.example:2855/r;tcp msrp://[2001:db8::7]:7654/p1;tcp\r\na=accept-types:*\r\n\
         a=file-selector:name:\"a b.jpg\" type:image/jpeg size:182340 hash:sha-1:72:24\r\na=file-transfer-id:vBnG916b\r\n\
         a=sendonly\r\na=x-odd:1\r\nb=AS:1\r\n",
    );
    for text in [text.clone(), text.replace("\r\n", "\n")] {
        let description = read(text.as_bytes()).unwrap();
        assert!(description.numeric_id);
        let media = &description.media[0];
        assert!(media.is_msrp() && !media.is_tls() && media.port == 7_654);
        assert_eq!(media.connection.as_ref().unwrap().0.ip(), "2001:db8::7".parse().ok());
        assert_eq!(description.connection.as_ref().unwrap().as_str(), "198.51.100.7");
        assert_eq!(
            media.path().collect::<Vec<_>>(),
            ["msrp://relay.example:2855/r;tcp", "msrp://[2001:db8::7]:7654/p1;tcp"]
        );
        assert!(
            media.accept_types().admits("image/png")
                && media.accept_wrapped_types() == Types::read("text/plain")
        );
        assert_eq!(media.attribute("x-odd"), Some("1"));
        assert!(media.attribute("file-selector").unwrap().contains("size:182340"));
        assert_eq!((media.direction(), media.setup(), media.max_size()), (Direction::SendOnly, None, None));
        assert_eq!(media.attributes().count(), 6);
        assert!(!format!("{description:?}").contains("2001"));
    }
}

#[test]
fn attributes_of_the_session_count_for_its_media() {
    let text = "v=0\r\no=- x1 1 IN IP4 192.0.2.1\r\na=setup:passive\r\na=fingerprint:SHA-256 AB\r\na=sendonly\r\na=tool:x\r\n\
        m=message 1 TCP/TLS/MSRP *\r\nm=message 2 TCP/TLS/MSRP *\r\na=setup:active\r\na=recvonly\r\n";
    let description = read(text.as_bytes()).unwrap();
    assert!(!description.numeric_id);
    let [first, second] = &description.media[..] else { panic!("two media") };
    assert_eq!(
        (first.setup(), first.direction(), first.fingerprint()),
        (Some(Setup::Passive), Direction::SendOnly, Some("SHA-256 AB"))
    );
    assert_eq!((second.setup(), second.direction()), (Some(Setup::Active), Direction::RecvOnly));
    assert_eq!(first.attribute("tool"), None);
}

#[test]
fn what_is_no_description_is_refused_with_its_line() {
    for (text, error) in [
        ("", SdpError::Version),
        ("o=- 1 1 IN IP4 192.0.2.1\r\nv=0\r\n", SdpError::Version),
        ("v=1\r\n", SdpError::Version),
        ("v=0\r\nhello\r\n", SdpError::Line { line: 2 }),
        ("v=0\r\nab=c\r\n", SdpError::Line { line: 2 }),
        ("v=0\r\nc=IN IP6 [2001:db8::1]\r\n", SdpError::Address { line: 2 }),
        ("v=0\r\nc=IN IP4 2001:db8::1\r\n", SdpError::Address { line: 2 }),
        ("v=0\r\nc=IN IP4 192.0.2.256\r\n", SdpError::Address { line: 2 }),
        ("v=0\r\nc=IN IP4\r\n", SdpError::Address { line: 2 }),
        ("v=0\r\nm=message\r\n", SdpError::Media { line: 2 }),
        ("v=0\r\nm=message 70000 TCP/MSRP *\r\n", SdpError::Media { line: 2 }),
    ] {
        assert_eq!(read(text.as_bytes()), Err(error), "{text}");
    }
    assert_eq!(read(b"v=0\r\ns=\xFF\r\n"), Err(SdpError::NotText));
    assert_eq!(read(&vec![b' '; SDP_OCTETS_MAX + 1]), Err(SdpError::TooLong));
    assert_eq!(
        read(format!("v=0\r\n{}", "m=audio 1 RTP/AVP 0\r\n".repeat(9)).as_bytes()),
        Err(SdpError::TooManyMedia)
    );
    assert_eq!(read(format!("v=0\r\n{}", "a=x\r\n".repeat(65)).as_bytes()), Err(SdpError::TooManyAttributes));
    assert!(read(b"v=0\r\nc=IN IP4 host.example\r\n").is_ok());
}

#[test]
fn the_answer_takes_the_other_end_of_the_connection() {
    for (said, answered, role) in [
        ("a=setup:actpass\r\n", "active", Role::Active),
        ("a=setup:active\r\n", "passive", Role::Passive),
        ("a=setup:passive\r\n", "active", Role::Active),
        ("", "passive", Role::Passive),
    ] {
        let (body, agreed) = answer(&offer("m=message 7654 TCP/MSRP *", &format!("{PATH}{said}"))).unwrap();
        assert!(body.contains(&format!("a=setup:{answered}\r\n")), "{body}");
        assert_eq!(agreed.role, role);
        let port = if role == Role::Active { 9 } else { 2_855 };
        assert!(body.contains(&format!("m=message {port} TCP/MSRP *\r\n")), "{body}");
    }
    let held = offer("m=message 7654 TCP/MSRP *", &format!("{PATH}a=setup:holdconn\r\n"));
    assert_eq!(answer(&held).unwrap_err(), Refused::Setup);
    let waiting = local("192.0.2.10", Setup::Passive);
    let description =
        read(offer("m=message 7654 TCP/MSRP *", &format!("{PATH}a=setup:actpass\r\n")).as_bytes()).unwrap();
    assert_eq!(waiting.answer(&description).unwrap().agreed.role, Role::Passive);
}

#[test]
fn the_answer_says_our_types_and_learns_theirs() {
    let text = offer(
        "m=message 7654 TCP/MSRP *",
        &format!(
            "{PATH}a=accept-types:message/cpim\r\na=accept-wrapped-types:text/plain image/*\r\na=max-size:2048\r\na=recvonly\r\n"
        ),
    );
    let (body, agreed) = answer(&text).unwrap();
    assert!(body.contains("a=accept-types:message/cpim application/im-iscomposing+xml\r\n"));
    assert!(body.contains("a=sendonly\r\n") && !body.contains("msrp-cema"), "{body}");
    assert_eq!((agreed.direction, agreed.max_size, agreed.cema), (Direction::SendOnly, Some(2_048), false));
    assert!(agreed.takes_wrapped("text/plain;charset=UTF-8") && agreed.takes_wrapped("Image/PNG"));
    assert!(!agreed.takes_wrapped("message/imdn+xml"));
    assert!(!agreed.may_send.admits("text/plain"));
    let silent = offer("m=message 7654 TCP/MSRP *", &format!("{PATH}a=accept-types:message/cpim\r\n"));
    let (_, silent) = answer(&silent).unwrap();
    assert!(silent.takes_wrapped("text/plain") && !silent.takes_wrapped("message/imdn+xml"));
    assert_eq!(agreed.connect, Connect { host: Private("198.51.100.7".into()), port: 7_654 });
    assert!(!agreed.middle_box);
}

#[test]
fn the_first_stream_is_taken_and_the_others_are_refused_in_their_places() {
    let text = offer(
        "m=audio 4000 RTP/AVP 0 8",
        &format!(
            "m=message 0 TCP/MSRP *\r\nm=message 7654 TCP/MSRP *\r\n{PATH}m=message 7655 TCP/MSRP *\r\n{PATH}"
        ),
    );
    let (body, _) = answer(&text).unwrap();
    let media: Vec<_> = body.lines().filter(|line| line.starts_with("m=")).collect();
    assert_eq!(
        media,
        [
            "m=audio 0 RTP/AVP 0 8",
            "m=message 0 TCP/MSRP *",
            "m=message 2855 TCP/MSRP *",
            "m=message 0 TCP/MSRP *"
        ]
    );
    assert_eq!(body.matches("a=path:").count(), 1);
}

#[test]
fn offers_without_a_stream_for_us_are_refused() {
    for (text, refused) in [
        (offer("m=audio 4000 RTP/AVP 0", ""), Refused::NoMsrp),
        (offer("m=message 0 TCP/MSRP *", PATH), Refused::NoMsrp),
        (offer("m=message 7654 UDP/MSRP *", PATH), Refused::NoMsrp),
        (offer("m=message 7654 TCP/MSRP *", ""), Refused::Path),
        (offer("m=message 7654 TCP/MSRP *", "a=path:http://x/y;tcp\r\n"), Refused::Path),
        (offer("m=message 7654 TCP/MSRP *", "a=path:msrps://198.51.100.7:7654/p1;tcp\r\n"), Refused::Path),
        (offer("m=message 7654 TCP/MSRP *", "a=path:msrp://a:1/x;tcp broken\r\n"), Refused::Path),
        (
            offer("m=message 7654 TCP/TLS/MSRP *", "a=path:msrps://198.51.100.7:7654/p1;tcp\r\n"),
            Refused::Security,
        ),
    ] {
        assert_eq!(answer(&text).unwrap_err(), refused, "{text}");
    }
}

#[test]
fn rfc_5547_an_offered_file_is_named_in_the_answer() {
    let lines = format!(
        "{PATH}a=sendonly\r\na=file-selector:name:\"a.jpg\" size:5\r\na=file-transfer-id:q1\r\na=file-disposition:attachment\r\n"
    );
    let (body, agreed) = answer(&offer("m=message 7654 TCP/MSRP *", &lines)).unwrap();
    assert!(body.contains("a=file-selector:name:\"a.jpg\" size:5\r\na=file-transfer-id:q1\r\n"), "{body}");
    assert!(body.contains("a=recvonly\r\n") && !body.contains("file-disposition"));
    assert_eq!(agreed.direction, Direction::RecvOnly);
}

#[test]
fn our_offer_and_our_answer_agree() {
    for (ours, theirs) in [
        (Setup::ActPass, Setup::ActPass),
        (Setup::ActPass, Setup::Passive),
        (Setup::Active, Setup::ActPass),
        (Setup::Passive, Setup::ActPass),
    ] {
        let caller = local("2001:db8::1", ours);
        let called = local("192.0.2.20", theirs);
        let answer = called.answer(&read(offered(&caller).as_bytes()).unwrap()).unwrap();
        let agreed = caller.accept(&read(&answer.body).unwrap()).unwrap();
        assert_ne!(agreed.role, answer.agreed.role);
        assert!(agreed.cema && answer.agreed.cema && !agreed.middle_box && !answer.agreed.middle_box);
        let (active, connect_to) = match agreed.role {
            Role::Active => (&agreed, "192.0.2.20"),
            Role::Passive => (&answer.agreed, "2001:db8::1"),
        };
        assert_eq!(active.connect, Connect { host: Private(connect_to.into()), port: 2_855 });
    }
}

#[test]
fn answers_that_do_not_fit_are_refused() {
    let accept = |setup: Setup, lines: &str| {
        let text = offer("m=message 7654 TCP/MSRP *", &format!("{PATH}{lines}"));
        local("192.0.2.10", setup)
            .accept(&read(text.as_bytes()).expect("a description"))
            .map(|agreed| agreed.role)
    };
    assert_eq!(accept(Setup::Active, "a=setup:active\r\n"), Err(Refused::Setup));
    assert_eq!(accept(Setup::Passive, "a=setup:passive\r\n"), Err(Refused::Setup));
    assert_eq!(accept(Setup::ActPass, "a=setup:actpass\r\n"), Err(Refused::Setup));
    assert_eq!(accept(Setup::Passive, ""), Err(Refused::Setup));
    assert_eq!(accept(Setup::ActPass, ""), Ok(Role::Active));
    let declined = offer("m=message 0 TCP/MSRP *", "");
    let accept = |text: &str| {
        local("192.0.2.10", Setup::ActPass).accept(&read(text.as_bytes()).expect("a description"))
    };
    assert_eq!(accept(&declined).unwrap_err(), Refused::Declined);
    assert_eq!(accept(&offer("m=audio 1 RTP/AVP 0", "")).unwrap_err(), Refused::NoMsrp);
}

#[test]
fn rfc_6714_a_middle_box_shows() {
    let accept = |lines: &str, cema: bool| {
        let text = offer("m=message 40000 TCP/MSRP *", &format!("a=setup:passive\r\n{lines}"));
        let ours = Local { cema, ..local("192.0.2.10", Setup::ActPass) };
        ours.accept(&read(text.as_bytes()).expect("a description")).expect("agreed")
    };
    let medium = Connect { host: Private("198.51.100.7".into()), port: 40_000 };
    let path = Connect { host: Private("10.0.0.7".into()), port: 7_654 };
    let rewritten = "a=path:msrp://10.0.0.7:7654/p1;tcp\r\n";
    let agreed = accept(&format!("{rewritten}a=msrp-cema\r\n"), true);
    assert_eq!((agreed.connect, agreed.cema, agreed.middle_box), (medium, true, false));
    for (lines, cema) in [(rewritten.to_owned(), true), (format!("{rewritten}a=msrp-cema\r\n"), false)] {
        let agreed = accept(&lines, cema);
        assert_eq!((agreed.connect, agreed.cema, agreed.middle_box), (path.clone(), false, true));
    }
    let relayed = accept("a=path:msrp://10.0.0.7:7654/r;tcp msrp://198.51.100.7:40000/p1;tcp\r\n", true);
    assert_eq!((relayed.connect, relayed.middle_box), (path, false));
    let mapped = accept("a=path:msrp://[::ffff:198.51.100.7]:40000/p1;tcp\r\n", true);
    assert!(!mapped.middle_box);
}

#[test]
fn uris_of_paths_are_taken_apart() {
    let parts =
        |uri: &'static str| target(uri).map(|target| (target.tls, target.host, target.port, target.session));
    assert_eq!(parts("msrp://a.example:7654/s1;tcp"), Some((false, "a.example", 7_654, "s1")));
    assert_eq!(parts("MSRPS://user@[2001:db8::1]:99/s;tcp;x=y"), Some((true, "2001:db8::1", 99, "s")));
    assert_eq!(parts("msrps://[2001:db8::1]/s;TCP"), Some((true, "2001:db8::1", 2_855, "s")));
    assert_eq!(parts("msrps://relay.example:2855;tcp"), Some((true, "relay.example", 2_855, "")));
    for uri in [
        "",
        "msrp://a/b",
        "msrp://a/b;udp",
        "sip://a/b;tcp",
        "msrp:///b;tcp",
        "msrp://a:b/c;tcp",
        "msrp://[a/c;tcp",
        "msrp://a:70000/c;tcp",
    ] {
        assert_eq!(parts(uri), None, "{uri}");
    }
}

#[test]
fn types_of_two_legs_are_intersected() {
    let both = |one: &str, other: &str| Types::read(one).intersection(&Types::read(other)).to_string();
    assert_eq!(both("text/plain message/mls", "message/mls image/png"), "message/mls");
    assert_eq!(both("*", "message/mls text/plain"), "message/mls text/plain");
    assert_eq!(both("text/plain", "*"), "text/plain");
    assert_eq!(both("*", "*"), "*");
    assert_eq!(both("image/*", "image/png text/plain"), "image/png");
    assert_eq!(both("text/plain", "image/png"), "");
    assert_eq!(Types::read(&"a/b ".repeat(500)).to_string().split(' ').count(), 64);
}
