//! What rsip 0.4 does with input that we must take, and what our gate in front of it does. When one of the first halves
//! fails after an update, a gap has closed.

use std::str::FromStr;

use bytes::Bytes;
use rsip::headers::UntypedHeader;
use rsip::prelude::{HeadersExt, ToTypedHeader};
use sip_message::digest::{Algorithm, Credentials};
use sip_message::values::{ContactPreference, MediaType};
use sip_message::{
    Contacts, Frame, Framer, Limits, Message, Method, Name, NameAddr, Request, StatusCode, Uri, Via,
    parse_datagram,
};

const CORE: &str = "Via: SIP/2.0/UDP h.example;branch=z9hG4bK1\r\nFrom: <sip:a@h.example>;tag=1\r\n\
To: <sip:b@h.example>\r\nCall-ID: k\r\nCSeq: 1 MESSAGE\r\nMax-Forwards: 70\r\n";

fn message(uri: &str, more: &str) -> String {
    format!("MESSAGE {uri} SIP/2.0\r\n{CORE}{more}\r\n")
}

fn theirs(octets: &[u8]) -> Result<rsip::Request, rsip::Error> {
    rsip::Request::try_from(octets)
}

fn ours(octets: &[u8]) -> Request {
    match parse_datagram(Bytes::copy_from_slice(octets), &Limits::DATAGRAM) {
        Ok(Message::Request(request)) => request,
        other => panic!("{other:?}"),
    }
}

#[test]
fn bodies_are_written_through_text() {
    let mut octets = message("sip:b@h.example", "Content-Type: application/vnd.3gpp.sms\r\n").into_bytes();
    let body = [0x00, 0x11, 0xff, 0x80, 0xc3, 0x28];
    octets.extend_from_slice(&body);
    let written: Vec<u8> = theirs(&octets).unwrap().into();
    assert!(!written.ends_with(&body), "rsip replaces what is no UTF-8");
    assert!(ours(&octets).to_bytes().ends_with(&body));
}

#[test]
fn compact_names_are_unknown() {
    let octets =
        message("sip:b@h.example", "c: text/plain\r\n").replace("Via:", "v:").replace("Call-ID:", "i:");
    let request = theirs(octets.as_bytes()).unwrap();
    assert!(request.via_header().is_err() && request.call_id_header().is_err());
    let request = ours(octets.as_bytes());
    assert_eq!((request.call_id(), request.via().unwrap().branch), ("k", Some("z9hG4bK1")));
    assert_eq!(request.headers.media_type().as_deref(), Some("text/plain"));
    assert!(request.to_rsip().unwrap().via_header().is_ok(), "behind the gate it finds them");
}

#[test]
fn folded_lines_and_blanks_before_the_colon_fail() {
    for line in ["Subject: one\r\n two\r\n", "Subject : one two\r\n"] {
        let octets = message("sip:b@h.example", line);
        assert!(theirs(octets.as_bytes()).is_err());
        assert_eq!(ours(octets.as_bytes()).headers.text(Name::Subject), Some("one two"));
    }
}

#[test]
fn tel_is_no_scheme() {
    assert!(rsip::Uri::try_from("tel:+821012345678").is_err());
    assert!(theirs(message("tel:+821012345678", "").as_bytes()).is_err());
    let request = ours(message("tel:+821012345678", "").as_bytes());
    assert_eq!(request.uri.telephone().unwrap().e164(None).as_deref(), Some("821012345678"));
    assert_eq!(rsip::Uri::from(&request.uri).to_string(), "tel:+821012345678");
}

#[test]
fn users_end_at_the_first_dot() {
    let uri = "sip:acme.shop@bots.example";
    let parsed = rsip::Uri::try_from(uri);
    assert!(parsed.is_err() || parsed.is_ok_and(|uri| uri.auth.is_none_or(|auth| auth.user != "acme.shop")));
    let uri = Uri::new(uri).unwrap();
    assert_eq!((uri.user(), uri.host_text()), (Some("acme.shop"), "bots.example"));
}

#[test]
fn ipv6_hosts_fail() {
    let uri = "sip:gw@[2001:db8::1]:5060";
    let parsed = rsip::Uri::try_from(uri);
    assert!(parsed.is_err() || parsed.is_ok_and(|parsed| parsed.to_string() != uri));
    let parsed = Uri::new(uri).unwrap();
    assert_eq!((parsed.port(), parsed.to_string()), (Some(5060), uri.to_owned()));
    assert_eq!(parsed.host().unwrap().ip(), Some("2001:db8::1".parse().unwrap()));
}

#[test]
fn headers_of_a_uri_are_not_read() {
    let uri = "sip:b@h.example?Route=%3Csip:evil.example%3E";
    let parsed = rsip::Uri::try_from(uri);
    assert!(parsed.is_err() || parsed.is_ok_and(|parsed| parsed.to_string() != uri));
    assert_eq!(Uri::new(uri).unwrap().headers(), "Route=%3Csip:evil.example%3E");
    let refused = parse_datagram(message(uri, "").into(), &Limits::DATAGRAM).unwrap_err();
    assert_eq!(refused.status(), Some(StatusCode::BAD_REQUEST), "and never acted on in a request line");
}

#[test]
fn feature_tags_break_a_contact() {
    let value =
        "<sip:a@h.example>;+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.msg,x\";expires=60";
    assert!(rsip::headers::Contact::new(value).typed().is_err());
    let contact = NameAddr::parse(value.as_bytes()).unwrap();
    let tag = contact.params.find("+G.3GPP.icsi-ref").unwrap();
    assert!(tag.is_feature() && tag.is_quoted());
    assert_eq!(tag.feature_values().count(), 2);
    assert_eq!(contact.params.number("expires"), Some(60));
    let request = ours(
        message("sip:b@h.example", &format!("a: *;{};require\r\n", value.split_once(';').unwrap().1))
            .as_bytes(),
    );
    let preference = request.headers.typed::<ContactPreference<'_>>().unwrap().unwrap();
    assert!(preference.require && !preference.explicit && preference.params.has("+g.3gpp.icsi-ref"));
}

#[test]
fn only_the_first_via_of_a_list_is_read() {
    let value = "SIP/2.0/UDP one.example;branch=z9hG4bK1, SIP/2.0/TCP two.example;branch=z9hG4bK2";
    let typed = rsip::headers::Via::new(value).typed().unwrap();
    assert!(!typed.to_string().contains("two.example"), "rsip loses the second");
    let octets = message("sip:b@h.example", "").replace("SIP/2.0/UDP h.example;branch=z9hG4bK1", value);
    let request = ours(octets.as_bytes());
    let hosts: Vec<_> =
        request.headers.list(Name::Via).map(|via| Via::parse(via).unwrap().host.to_string()).collect();
    assert_eq!(hosts, ["one.example", "two.example"]);
    assert_eq!(request.response(StatusCode::OK, None).headers.list(Name::Via).count(), 2);
}

#[test]
fn an_unknown_method_fails_and_case_is_ignored() {
    assert!(rsip::Method::from_str("NEWMETHOD").is_err());
    assert_eq!(rsip::Method::from_str("message"), Ok(rsip::Method::Message));
    let octets = message("sip:b@h.example", "").replace("MESSAGE", "NEWMETHOD");
    assert!(theirs(octets.as_bytes()).is_err());
    assert_eq!(ours(octets.as_bytes()).method, Method::Other("NEWMETHOD".into()));
    assert_eq!(Method::parse(b"message"), Some(Method::Other("message".into())));
}

#[test]
fn digest_counts_in_decimal_and_misses_names() {
    use rsip::headers::auth;
    let tenth = auth::AuthQop::Auth { cnonce: "c".into(), nc: 10 };
    assert!(
        tenth.to_string().contains("nc=00000010"),
        "the tenth use of a nonce is written as the sixteenth"
    );
    assert!(auth::Algorithm::from_str("SHA-256").is_err());
    assert!(auth::Algorithm::from_str("AKAv1-MD5").is_err());
    let value = "Digest username=\"u\", realm=\"r\", nonce=\"n\", uri=\"sip:h.example\", response=\"0\", \
                 algorithm=SHA-256, qop=auth, cnonce=\"c\", nc=0000000a";
    let credentials = Credentials::parse(value.as_bytes()).unwrap();
    assert_eq!((credentials.count(), credentials.algorithm), (10, Algorithm::SHA_256));
    assert_eq!(Algorithm::parse("AKAv1-MD5"), Some(Algorithm::AKAV1_MD5));
}

#[test]
fn content_length_is_not_looked_at() {
    let octets =
        message("sip:b@h.example", "Content-Length: 2\r\nContent-Type: text/plain\r\n") + "hi and more";
    assert_eq!(theirs(octets.as_bytes()).unwrap().body.len(), 11);
    assert_eq!(&ours(octets.as_bytes()).body[..], b"hi");
    let mut framer = Framer::new(Limits::STREAM);
    framer.push(octets.as_bytes());
    let Some(Ok(Frame::Message(message))) = framer.next_frame() else { panic!("a message") };
    assert_eq!(&message.body()[..], b"hi");
}

#[test]
fn nothing_is_bounded() {
    let many = message("sip:b@h.example", &"X: y\r\n".repeat(10_000));
    assert!(theirs(many.as_bytes()).is_ok());
    let refused = parse_datagram(
        many.into(),
        &Limits { head_octets: 1 << 20, message_octets: 1 << 20, ..Limits::DATAGRAM },
    );
    assert_eq!(refused.unwrap_err().status(), Some(StatusCode::BAD_REQUEST));
}

#[test]
fn a_head_that_does_not_end_is_taken() {
    let cut = message("sip:b@h.example", "");
    let cut = cut.strip_suffix("\r\n").unwrap();
    assert!(theirs(cut.as_bytes()).is_ok());
    assert!(parse_datagram(Bytes::copy_from_slice(cut.as_bytes()), &Limits::DATAGRAM).is_err());
}

#[test]
fn octets_that_are_no_text_fail_the_head() {
    let octets = message("sip:b@h.example", "Subject: \u{1}\r\n").into_bytes();
    let octets: Vec<u8> = octets.into_iter().map(|b| if b == 1 { 0xe9 } else { b }).collect();
    assert!(theirs(&octets).is_err());
    let request = ours(&octets);
    assert_eq!(request.headers.get(Name::Subject), Some(&b"\xe9"[..]));
    assert_eq!(request.headers.text(Name::Subject), None);
    assert!(request.to_bytes().windows(2).any(|pair| pair == b" \xe9"), "and it leaves as it came");
}

#[test]
fn phrases_and_202_have_no_word() {
    assert_eq!(rsip::StatusCode::from(202), rsip::StatusCode::Other(202, "Other".into()));
    assert_eq!(rsip::StatusCode::from(415).to_string(), "415 UnsupportedMediaType");
    assert_eq!(StatusCode::ACCEPTED.phrase(), "Accepted");
    assert_eq!(rsip::StatusCode::from(StatusCode::ACCEPTED), rsip::StatusCode::Other(202, "Accepted".into()));
    assert_eq!(StatusCode::from(rsip::StatusCode::UnsupportedMediaType), StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[test]
fn numbers_are_not_checked() {
    assert!(rsip::headers::MaxForwards::new("300").num().is_ok());
    let octets = message("sip:b@h.example", "").replace("Max-Forwards: 70", "Max-Forwards: 300");
    assert!(parse_datagram(octets.into(), &Limits::DATAGRAM).is_err());
    let octets = message("sip:b@h.example", "").replace("CSeq: 1 ", "CSeq: 2147483648 ");
    assert!(theirs(octets.as_bytes()).unwrap().cseq_header().unwrap().typed().is_ok());
    assert!(parse_datagram(octets.into(), &Limits::DATAGRAM).is_err());
}

/// The vocabulary at work: what passed the gate is typed by rsip, and what rsip builds is written by us.
#[test]
fn behind_the_gate_its_words_serve() {
    let octets = message("sip:b@h.example", "Content-Type: message/cpim\r\nSupported: path\r\n");
    let request = ours(octets.as_bytes());
    let theirs = request.to_rsip().unwrap();
    let cseq = theirs.cseq_header().unwrap().typed().unwrap();
    assert_eq!((cseq.seq, cseq.method), (1, rsip::Method::Message));
    assert_eq!(sip_message::CSeq::from(cseq), request.cseq().unwrap());
    assert_eq!(theirs.max_forwards_header().unwrap().num().unwrap(), 70);
    let mut response = request.response(StatusCode::OK, Some("t"));
    response.headers.push_rsip(rsip::headers::MinExpires::from(60_u32));
    response.headers.push_rsip(rsip::Header::Other("X-Kept".into(), "yes\r\nno: line of its own".into()));
    let written = String::from_utf8(response.to_bytes().to_vec()).unwrap();
    assert!(written.contains("\r\nMin-Expires: 60\r\n"), "{written}");
    assert!(written.contains("\r\nX-Kept: yes  no: line of its own\r\n"), "{written}");
    let media = request.headers.typed::<MediaType<'_>>().unwrap().unwrap();
    assert!(media.is("message/cpim"));
    assert_eq!(
        request
            .headers
            .contacts()
            .map(|contacts| matches!(contacts, Contacts::List(list) if list.is_empty())),
        Ok(true)
    );
}
