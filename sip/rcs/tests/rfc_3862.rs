//! `message/cpim`: what peers write is read, what we do not know is relayed octet for octet.

use bytes::Bytes;
use sip_rcs::cpim::{
    self, ANONYMOUS, Address, Cpim, CpimError, Edit, Field, HEAD_OCTETS_MAX, HEADERS_MAX, NAME_OCTETS_MAX,
    Namespace, VALUE_OCTETS_MAX, Writer, unescape,
};
use sip_rcs::imdn::Requested;
use sip_rcs::mime::Kind;

const PAGER: &str = "From: <sip:anonymous@anonymous.invalid>\r\n\
To: <sip:anonymous@anonymous.invalid>\r\n\
NS: imdn <urn:ietf:params:imdn>\r\n\
imdn.Message-ID: Qk71-aa03\r\n\
DateTime: 2025-03-01T09:30:00.250+09:00\r\n\
imdn.Disposition-Notification: positive-delivery, display\r\n\
\r\n\
Content-Type: text/plain;charset=UTF-8\r\n\
Content-Length: 6\r\n\
\r\n\
안녕";

fn read(text: &str) -> Cpim {
    Cpim::read(Bytes::copy_from_slice(text.as_bytes())).expect("a value")
}

fn refused(text: &str) -> CpimError {
    Cpim::read(Bytes::copy_from_slice(text.as_bytes())).expect_err("an error")
}

#[test]
fn a_pager_message_is_read() {
    let message = read(PAGER);
    assert_eq!(message.message_id(), Some("Qk71-aa03"));
    assert_eq!(message.date_time(), Some(1_740_789_000_250_000));
    assert_eq!(Requested::of(&message), Requested::POSITIVE_DELIVERY | Requested::DISPLAY);
    assert_eq!(message.from().unwrap().uri.as_str(), ANONYMOUS);
    assert_eq!(message.to().unwrap(), Address::read("<sip:anonymous@anonymous.invalid>").unwrap());
    assert_eq!(message.content_type(), Some("text/plain;charset=UTF-8"));
    assert_eq!(message.kind(), Kind::Text);
    assert_eq!(message.content(), "안녕".as_bytes());
    assert_eq!(message.decoded().unwrap(), "안녕".as_bytes());
    assert!(message.understood());
    assert_eq!(message.headers().count(), 6);
}

#[test]
fn line_feeds_alone_end_lines_too() {
    let message = read(&PAGER.replace("\r\n", "\n"));
    assert_eq!(message.message_id(), Some("Qk71-aa03"));
    assert_eq!(message.content(), "안녕".as_bytes());
}

#[test]
fn prefixes_are_free_and_namespaces_count() {
    let message = read(
        "NS: d <urn:ietf:params:imdn>\r\nd.message-id: one\r\nNS: x <http://www.gsma.com/rcs/maap/>\r\n\
         x.Traffic-Type: payment\r\nNS: m <http://www.gsma.com/rcs/mls/>\r\nm.Era-Id: 7\r\n\r\n",
    );
    assert_eq!(message.message_id(), Some("one"));
    assert_eq!(message.text(Field::TrafficType), Some("payment"));
    assert_eq!(message.text(Field::EraId), Some("7"));
    assert_eq!(message.header(Field::EraId).unwrap().namespace_uri(), Some("http://www.gsma.com/rcs/mls/"));
}

#[test]
fn a_literal_prefix_of_another_namespace_means_nothing() {
    let message = read("NS: imdn <urn:example:other>\r\nimdn.Message-ID: x\r\n\r\n");
    assert_eq!(message.message_id(), None);
    let header = message.header_in("urn:example:other", "message-id").unwrap();
    assert_eq!((header.text(), header.namespace()), (Some("x"), Namespace::Other));
}

#[test]
fn imdn_is_understood_without_a_declaration_and_nothing_else_is() {
    let message = read("imdn.Message-ID: x\r\nmaap.Traffic-Type: payment\r\n\r\n");
    assert_eq!(message.message_id(), Some("x"));
    assert_eq!(message.text(Field::TrafficType), None);
    assert_eq!(message.headers().nth(1).unwrap().namespace(), Namespace::Undeclared);
}

#[test]
fn a_declaration_counts_from_its_line_on_and_the_last_one_wins() {
    let message = read(
        "a.Message-ID: early\r\nNS: a <urn:ietf:params:imdn>\r\na.Message-ID: first\r\nNS: a <urn:example:b>\r\n\
         a.Message-ID: other\r\n\r\n",
    );
    let ids: Vec<_> = message.all(Field::MessageId).map(|header| header.text().unwrap()).collect();
    assert_eq!(ids, ["first"]);
}

#[test]
fn a_default_namespace_takes_bare_names_but_does_not_hide_from() {
    let message = read("NS: <urn:ietf:params:imdn>\r\nMessage-ID: x\r\nFrom: <im:a@b.example>\r\n\r\n");
    assert_eq!(message.message_id(), Some("x"));
    assert_eq!(message.from().unwrap().uri.as_str(), "im:a@b.example");
}

#[test]
fn names_are_compared_without_case_and_keep_their_spelling() {
    let message = read("FROM: <im:a@b.example>\r\ndatetime: 2025-03-01T00:30:00Z\r\n\r\n");
    assert_eq!(message.headers().next().unwrap().name(), b"FROM");
    assert!(message.from().is_some() && message.date_time().is_some());
}

#[test]
fn parameters_stand_before_the_value() {
    let message =
        read("Subject: plain\r\nSubject:;lang=ko 한국어\r\nSubject:none\r\nSubject:;lang=x\r\n\r\n");
    let subjects: Vec<_> =
        message.all(Field::Subject).map(|subject| (subject.parameters(), subject.text().unwrap())).collect();
    assert_eq!(subjects, [(&b""[..], "plain"), (b";lang=ko", "한국어"), (b"", "none"), (b";lang=x", "")]);
}

#[test]
fn required_headers_that_nobody_knows_refuse_the_message() {
    let with = |require: &str| {
        read(&format!("NS: d <urn:ietf:params:imdn>\r\nNS: f <urn:example:f>\r\nRequire: {require}\r\n\r\n"))
    };
    assert!(with("d.Disposition-Notification, Subject").understood());
    assert!(!with("d.Message-ID, f.Vital").understood());
    assert!(!with("vital").understood());
    assert!(with("imdn.Message-ID").understood());
}

#[test]
fn escapes_in_values_are_resolved_on_demand() {
    let message = read("Subject: caf\\u00e9\\tbar\r\nFrom: \"K \\\"M\\\"\" <im:k@b.example>\r\n\r\n");
    assert_eq!(unescape(message.text(Field::Subject).unwrap()), "café\tbar");
    assert_eq!(message.from().unwrap().display.unwrap().as_str(), "K \"M\"");
}

#[test]
fn an_announcement_has_neither_content_nor_mime_headers() {
    for end in ["\r\n\r\n", "\r\n", "", "\n\n"] {
        let message = read(&format!(
            "NS: c <http://www.openmobilealliance.org/cpm/>\r\nc.Payload-Type: image/png{end}"
        ));
        assert_eq!(message.kind(), Kind::Image, "{end:?}");
        assert!(message.content().is_empty() && message.content_type().is_none());
    }
    let empty = read("From: <im:a@b.example>\r\n\r\nContent-Type: text/plain");
    assert!(empty.content().is_empty() && empty.kind() == Kind::Text);
}

#[test]
fn a_wrong_inner_length_cuts_nothing_but_line_ends() {
    let with = |length: &str, content: &str| {
        let message = read(&format!(
            "A: b\r\n\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\n\r\n{content}"
        ));
        String::from_utf8(message.content().to_vec()).unwrap()
    };
    // Characters instead of octets.
    assert_eq!(with("2", "안녕"), "안녕");
    assert_eq!(with("6", "안녕\r\n"), "안녕");
    assert_eq!(with("99", "안녕\r\n"), "안녕\r\n");
    assert_eq!(with("-1", "x"), "x");
}

#[test]
fn mime_headers_may_be_folded_and_content_encoded() {
    let message = read(
        "A: b\r\n\r\nContent-Type: text/plain;\r\n charset=utf-8\r\ncontent-transfer-encoding: Base64\r\n\r\naGVs\r\nbG8=\r\n",
    );
    assert_eq!(message.kind(), Kind::Text);
    assert_eq!(message.content_type(), Some("text/plain;\r\n charset=utf-8"));
    assert_eq!(message.decoded().unwrap(), &b"hello"[..]);
    assert_eq!(message.content(), &b"aGVs\r\nbG8=\r\n"[..]);
    let broken = read("A: b\r\n\r\nContent-Transfer-Encoding: base64\r\n\r\n***");
    assert_eq!(broken.decoded(), Err(CpimError::Encoding));
}

#[test]
fn content_is_any_octets() {
    let content: Vec<u8> = (0..=255).chain([0, 13, 10, 13, 10]).collect();
    let mut octets = Vec::new();
    Writer::new(&mut octets).from(ANONYMOUS).content("message/mls", &content);
    let message = Cpim::read(octets.into()).unwrap();
    assert_eq!(message.content(), &content);
    assert_eq!(message.kind(), Kind::Encrypted);
}

#[test]
fn what_is_no_header_is_refused_with_its_line() {
    for (text, error) in [
        ("From\r\n\r\n", CpimError::NotAHeader { line: 1 }),
        ("A: b\r\n: c\r\n\r\n", CpimError::NotAHeader { line: 2 }),
        ("A: b\r\n folded\r\n\r\n", CpimError::NotAHeader { line: 2 }),
        ("A: b\r\n폼: c\r\n\r\n", CpimError::NotAHeader { line: 2 }),
        ("A: b\0\r\n\r\n", CpimError::Control { line: 1 }),
        ("A: b\rTo: c\r\n\r\n", CpimError::Control { line: 1 }),
        ("A: b\r\n\r\nhello", CpimError::NotAHeader { line: 3 }),
    ] {
        assert_eq!(refused(text), error, "{text:?}");
    }
}

#[test]
fn limits_hold_at_their_edge() {
    let headers = |count| "A: b\r\n".repeat(count) + "\r\n";
    assert_eq!(read(&headers(HEADERS_MAX)).headers().count(), HEADERS_MAX);
    assert_eq!(refused(&headers(HEADERS_MAX + 1)), CpimError::TooManyHeaders);

    let name = |octets| format!("{}: b\r\n\r\n", "n".repeat(octets));
    assert!(read(&name(NAME_OCTETS_MAX)).headers().count() == 1);
    assert_eq!(refused(&name(NAME_OCTETS_MAX + 1)), CpimError::NameTooLong { line: 1 });

    let value = |octets| format!("A: {}\r\n\r\n", "v".repeat(octets));
    assert!(read(&value(VALUE_OCTETS_MAX)).headers().count() == 1);
    assert_eq!(refused(&value(VALUE_OCTETS_MAX + 1)), CpimError::ValueTooLong { line: 1 });
    let folded = format!("A: b\r\n\r\nX: {0}\r\n {0}\r\n\r\n", "v".repeat(VALUE_OCTETS_MAX / 2));
    assert_eq!(refused(&folded), CpimError::ValueTooLong { line: 4 });

    let head = |octets: usize| {
        let line = format!("A: {}\r\n", "v".repeat(1019));
        format!("{}A: {}\r\n\r\n", line.repeat(octets / 1024 - 1), "v".repeat(1019 + octets % 1024))
    };
    assert!(read(&head(HEAD_OCTETS_MAX)).headers().count() == 8);
    assert_eq!(refused(&head(HEAD_OCTETS_MAX + 1)), CpimError::HeadTooLong);
    let mime = format!("A: b\r\n\r\n{}", head(HEAD_OCTETS_MAX + 1));
    assert_eq!(refused(&mime), CpimError::HeadTooLong);
}

const FOREIGN: &str = "from: <tel:+821011112222>\r\n\
NS: m <http://www.gsma.com/rcs/mls>\r\n\
m.Era-Id:  12 \r\n\
NS:  v   <urn:rcs:google:>\r\n\
v.Odd_Header:;p=1 \\u00e9 x\r\n\
NS: imdn <urn:ietf:params:imdn>\n\
imdn.Message-ID: theirs\r\n\
\r\n\
Content-Type:message/mls\r\n\
\r\n\
\0\u{1}body\r\n";

#[test]
fn relaying_without_a_change_is_the_same_octets() {
    let mut out = Vec::new();
    read(FOREIGN).relay(&mut out, b"", |_| Edit::Keep, b"");
    assert_eq!(out, FOREIGN.as_bytes());
}

#[test]
fn relaying_changes_what_is_ours_and_keeps_the_rest() {
    let mut front = Vec::new();
    Writer::new(&mut front)
        .namespace("i", cpim::ns::IMDN)
        .header("i.IMDN-Record-Route", "<sip:gw.example>")
        .stop();
    let mut out = Vec::new();
    read(FOREIGN).relay(
        &mut out,
        &front,
        |header| match header.field() {
            Field::From => Edit::Value("<tel:+821033334444>"),
            Field::MessageId => Edit::Value("ours"),
            _ if header.name() == b"Odd_Header" => Edit::Drop,
            _ => Edit::Keep,
        },
        b"X: y\r\n",
    );
    let expected = "NS: i <urn:ietf:params:imdn>\r\ni.IMDN-Record-Route: <sip:gw.example>\r\n\
from: <tel:+821033334444>\r\nNS: m <http://www.gsma.com/rcs/mls>\r\nm.Era-Id:  12 \r\nNS:  v   <urn:rcs:google:>\r\n\
NS: imdn <urn:ietf:params:imdn>\nimdn.Message-ID: ours\r\nX: y\r\n\r\nContent-Type:message/mls\r\n\r\n\0\u{1}body\r\n";
    assert_eq!(String::from_utf8(out).unwrap(), expected);
}

#[test]
fn relaying_a_message_without_an_end_gives_it_one() {
    let mut out = Vec::new();
    read("To:<im:a@b.example>").relay(&mut out, b"", |_| Edit::Value("<im:c@d.example>\r\nX: y"), b"");
    assert_eq!(out, b"To: <im:c@d.example>\\r\\nX: y\r\n\r\n");
}

#[test]
fn what_is_written_is_read_and_no_value_adds_a_line() {
    let mut out = Vec::new();
    Writer::new(&mut out)
        .address("From", Some("a\"b\\c\r\nd"), "im:x>\r\nTo: y@b.example")
        .to("tel:+821011112222")
        .imdn("id\r\nX: y", Requested::NONE)
        .header("Subject", "one\ntwo")
        .date_time(1_740_789_000_250_000, 540)
        .lines(b"NS: z <urn:z>\r\nz.A: b")
        .content("text/plain\r\nX: y", b"hi");
    let message = Cpim::read(out.into()).unwrap();
    let from = message.from().unwrap();
    assert_eq!(from.display.unwrap().as_str(), "a\"b\\c\r\nd");
    assert_eq!(from.uri.as_str(), "im:x%3E%0D%0ATo:%20y@b.example");
    assert_eq!(unescape(message.message_id().unwrap()), "id\r\nX: y");
    assert_eq!(unescape(message.text(Field::Subject).unwrap()), "one\ntwo");
    assert_eq!(message.date_time(), Some(1_740_789_000_250_000));
    assert_eq!(message.header_in("urn:z", "A").unwrap().text(), Some("b"));
    assert_eq!(message.content(), &b"hi"[..]);
    assert_eq!(message.headers().count(), 8);
}

#[test]
fn debug_shows_no_text_and_no_address() {
    let shown = format!("{:?} {:?}", read(PAGER), read(PAGER).from());
    assert!(!shown.contains("anonymous") && !shown.contains("안녕") && !shown.contains("Qk71"), "{shown}");
}
