//! URIs: RFC 3261 §19.1, RFC 3966, RFC 4694.

use sip_message::{Host, NameAddr, Scheme, Uri};

fn uri(text: &str) -> Uri {
    Uri::new(text).unwrap_or_else(|_| panic!("{text}"))
}

#[test]
fn rfc3261_19_1_1_parts_are_found() {
    let full = uri("sips:mina:pass@host.example:5061;transport=tcp;lr?subject=a&priority=b");
    assert_eq!(full.scheme(), Scheme::Sips);
    assert_eq!((full.user(), full.password()), (Some("mina"), Some("pass")));
    assert_eq!((full.host_text(), full.port()), ("host.example", Some(5061)));
    assert_eq!(full.params().get("Transport"), Some("tcp"));
    assert!(full.params().has("lr"));
    assert_eq!(full.headers(), "subject=a&priority=b");
    let bare = uri("sip:host.example");
    assert_eq!((bare.user(), bare.password(), bare.port(), bare.headers()), (None, None, None, ""));
    assert!(bare.params().is_empty());
    assert_eq!(uri("sip:a:@h").password(), Some(""));
    assert_eq!(uri("SIP:a@h").scheme(), Scheme::Sip);
    assert_eq!(uri("urn:service:sos").scheme(), Scheme::Other);
    assert_eq!(uri("sip:acme.shop.kr@bots.example").user(), Some("acme.shop.kr"));
}

#[test]
fn rfc3261_25_1_strangers_are_refused() {
    for text in [
        "",
        "sip:",
        "sip",
        ":x",
        "sip:@h",
        "sip:a@",
        "sip:a b@h",
        "sip:a@h;",
        "sip:a@h;;lr",
        "sip:a@h;=x",
        "sip:a@h;x=",
        "sip:a@h:0",
        "sip:a@h:65536",
        "sip:a@h:x",
        "sip:a@h:",
        "sip:a@h?",
        "sip:a%4@h",
        "sip:a%zz@h",
        "sip:a@h>",
        "<sip:a@h>",
        "sip:a@[::1",
        "sip:a@[1.2.3.4]",
        "sip:a@[fe80::1%25eth0]",
        "sip:2001:db8::1",
        "sip:a@h\u{e9}",
        "sip:\u{e9}@h",
        "sip:a@h;x=\"y\"",
        "tel:",
        "tel:+82 10",
        "tel:+82;",
        "tel:+82;x=\u{e9}",
        "1x:y",
        "x y:z",
        "mailto:a b",
        "sip:a@h,sip:b@h",
        "sip:a@.h",
    ] {
        assert!(Uri::new(text).is_err(), "{text}");
    }
    assert!(Uri::new(&format!("sip:{}@h", "a".repeat(10_000))).is_err());
}

/// The pairs of the RFC's rules, in our words.
#[test]
fn rfc3261_19_1_4_equivalence() {
    for (a, b) in [
        ("sip:%61lice@ims.example;transport=TCP", "sip:alice@IMS.example;Transport=tcp"),
        ("sip:carol@ims.example", "sip:carol@ims.example;newparam=5"),
        ("sip:carol@ims.example;security=on", "sip:carol@ims.example;newparam=5"),
        (
            "sip:ims.example;transport=tcp;method=REGISTER?to=sip:b%40c",
            "sip:ims.example;method=REGISTER;transport=tcp?to=sip:b%40c",
        ),
        ("sip:a@h?subject=x&priority=y", "sip:a@h?priority=y&subject=x"),
        ("sip:a@[2001:db8::1]", "sip:a@[2001:DB8:0::1]"),
        ("sip:a@192.0.2.1", "sip:a@[::ffff:192.0.2.1]"),
        ("tel:+82-10-1234-5678", "TEL:+821012345678"),
        ("tel:1234;phone-context=+82;ext=1", "tel:12-34;ext=1;phone-context=+82"),
    ] {
        assert!(uri(a).is_same_as(&uri(b)) && uri(b).is_same_as(&uri(a)), "{a} {b}");
    }
    for (a, b) in [
        ("SIP:ALICE@ims.example;transport=udp", "sip:alice@ims.example;transport=UDP"),
        ("sip:bob@ims.example", "sip:bob@ims.example:5060"),
        ("sip:bob@ims.example", "sip:bob@ims.example;transport=udp"),
        ("sip:bob@ims.example", "sip:bob@ims.example;user=phone"),
        ("sip:bob@ims.example", "sip:bob@ims.example;maddr=h"),
        ("sip:carol@ims.example;newparam=5", "sip:carol@ims.example;newparam=6"),
        ("sip:carol@ims.example", "sip:carol@ims.example?subject=x"),
        ("sip:carol@ims.example", "sips:carol@ims.example"),
        ("sip:carol@ims.example", "sip:ims.example"),
        ("sip:carol@ims.example", "sip:carol:pw@ims.example"),
        ("sip:%00@h", "sip:%00%00@h"),
        ("sip:a%40b@h", "sip:a%3Ab@h"),
        ("tel:+8210", "tel:8210"),
        ("tel:1234;phone-context=+82", "tel:1234;phone-context=+81"),
        ("tel:+8210", "sip:+8210@h;user=phone"),
    ] {
        assert!(!uri(a).is_same_as(&uri(b)) && !uri(b).is_same_as(&uri(a)), "{a} {b}");
    }
}

#[test]
fn rfc3966_numbers_become_e164() {
    let e164 = |text: &str, country| uri(text).telephone().and_then(|number| number.e164(country));
    for (text, country, expected) in [
        ("tel:+82-10-1234-5678", None, Some("821012345678")),
        ("tel:+82.10(1234)5678;npdi;rn=+8210999", None, Some("821012345678")),
        ("sip:+821012345678@ims.example;user=phone", None, Some("821012345678")),
        ("sip:+821012345678@ims.example", None, Some("821012345678")),
        ("sip:%2B821012345678@ims.example;user=phone", None, Some("821012345678")),
        ("sip:+82-10-1234-5678;npdi@ims.example;user=phone", None, Some("821012345678")),
        ("sip:01012345678@ims.example;user=phone", Some("82"), Some("821012345678")),
        ("sip:01012345678@ims.example;user=phone", None, None),
        ("sip:01012345678@ims.example", Some("82"), None),
        ("sip:mina@ims.example", Some("82"), None),
        ("tel:01012345678;phone-context=+82", None, Some("821012345678")),
        ("tel:1588-1234;phone-context=+82", Some("81"), Some("8215881234")),
        ("tel:01012345678;phone-context=ims.example", Some("82"), Some("821012345678")),
        ("tel:01012345678;phone-context=ims.example", None, None),
        ("tel:*123%23", None, None),
        ("tel:*123;phone-context=+82", None, None),
        ("tel:+1234567890123456", None, None),
        ("tel:+", None, None),
        ("tel:+--", None, None),
        ("tel:+82a", None, None),
        ("mailto:a@b", Some("82"), None),
    ] {
        let found = Uri::new(text).ok().and_then(|_| e164(text, country));
        assert_eq!(found.as_deref(), expected, "{text}");
    }
}

#[test]
fn rfc4694_routing_parameters_stay() {
    let ported = uri("tel:+821012345678;npdi;rn=+82109990000");
    let number = ported.telephone().unwrap();
    assert!(number.is_global() && number.params.has("npdi"));
    assert_eq!(number.params.get("rn"), Some("+82109990000"));
    assert_eq!(ported.as_str(), "tel:+821012345678;npdi;rn=+82109990000");
    let inside = uri("sip:+8210;rn=+82109@ims.example;user=phone");
    assert_eq!(inside.telephone().unwrap().params.get("rn"), Some("+82109"));
}

#[test]
fn an_address_of_record_is_a_key() {
    for (text, key) in [
        ("sip:Mina:pw@IMS.Example.:5060;transport=tcp?x=y", "sip:Mina@ims.example"),
        ("sip:m%69na@ims.example", "sip:mina@ims.example"),
        ("sip:a%40b@ims.example", "sip:a%40b@ims.example"),
        ("sip:a%3ab@ims.example", "sip:a%3Ab@ims.example"),
        ("sips:a@[2001:DB8::0:1]", "sips:a@[2001:db8::1]"),
        ("sip:a@[::ffff:192.0.2.1]", "sip:a@192.0.2.1"),
        ("tel:+82-10-1234;npdi", "tel:+82101234"),
        ("sip:ims.example", "sip:ims.example"),
    ] {
        assert_eq!(uri(text).address_of_record(), key);
        assert_eq!(uri(key).address_of_record(), key, "its own key");
    }
}

#[test]
fn hosts_are_compared_by_value() {
    assert_eq!(Host::parse("Ims.Example"), Host::parse("ims.example."));
    assert_ne!(Host::parse("192.0.2.1"), Host::parse("192.0.2.2"));
    assert_eq!(Host::parse("a b"), None);
    assert_eq!(Host::parse(""), None);
    assert_eq!(Host::parse("[::1]").unwrap().to_string(), "[::1]");
}

#[test]
fn rfc3261_20_10_name_addr() {
    let parse = |text: &'static str| NameAddr::parse(text.as_bytes());
    let quoted = parse("\"Kim, \\\"M\\\" <x>\" <sip:a@h;x?y=z>;tag=1 ; q=0.5").unwrap();
    assert_eq!(quoted.display().as_deref(), Some("Kim, \"M\" <x>"));
    assert_eq!((quoted.tag(), quoted.params.get("q")), (Some("1"), Some("0.5")));
    assert!(quoted.uri.params().has("x") && quoted.uri.headers() == "y=z");
    assert_eq!(parse("Mina Kim<tel:+8210>").unwrap().display().as_deref(), Some("Mina Kim"));
    assert_eq!(parse("sip:a@h;tag=2").unwrap().tag(), Some("2"));
    assert_eq!(parse("<sip:a@h>").unwrap().display(), None);
    assert_eq!(parse("\"\" <sip:a@h>").unwrap().display().as_deref(), Some(""));
    for bad in [
        "",
        " ",
        "\"a <sip:a@h>",
        "\"a\" sip:a@h",
        "<sip:a@h",
        "< sip:a@h>",
        "<sip:a@h >",
        "a, b <sip:a@h>",
        "<sip:a@h> x",
        "<sip:a@h>;",
        "<sip:a@h>;;",
        "sip:a@h?x=y",
        "sip:a@h, sip:b@h",
        "<sip:a@h>, <sip:b@h>",
        "<>",
        "mina",
        "<sip:a@h>;t=\"x",
    ] {
        assert!(parse(bad).is_err(), "{bad}");
    }
    assert!(NameAddr::parse_with(b"Kim, M. \xe9 <sip:a@h>", true).is_ok());
}

#[test]
fn nobody_is_named_in_debug() {
    let text = "sip:+821012345678@ims.example";
    let value = format!("Mina <{text}>;tag=9");
    let shown =
        format!("{:?} {:?} {:?}", uri(text), NameAddr::parse(value.as_bytes()), uri(text).telephone());
    assert!(!shown.contains("8210") && !shown.contains("Mina"), "{shown}");
}
