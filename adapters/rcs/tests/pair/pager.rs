//! MESSAGE in (rcs sheet §3, §5, §15.3).

use model::{About, Answer, Body, Cause, Class, Content, For, Refusal, Relation, Retry, Timestamp};
use rcs::{settings::Trust, translate::Carried};
use sip_message::Name;

use crate::world::{JUN, MINA, PHONE, World, peer, settings, udp};

const CPIM: &str = "From: <sip:anonymous@anonymous.invalid>\r\n\
                    To: <sip:anonymous@anonymous.invalid>\r\n\
                    NS: imdn <urn:ietf:params:imdn>\r\n\
                    imdn.Message-ID: Msg7d3a91\r\n\
                    DateTime: 2025-03-01T09:30:00.000+09:00\r\n\
                    imdn.Disposition-Notification: positive-delivery, display\r\n\
                    \r\n\
                    Content-Type: text/plain;charset=UTF-8\r\n\
                    \r\n\
                    hello";

fn head(content_type: &str) -> String {
    format!(
        "MESSAGE tel:{PHONE}
         From: <sip:{MINA}@ims.example>;tag=f
         To: <tel:{PHONE}>
         P-Asserted-Identity: \"Mina\" <sip:{MINA}@ims.example>, <tel:{MINA}>
         P-Charging-Vector: icid-value=\"icid-77\";orig-ioi=home
         Conversation-ID: 5b1c7d30-8e0a-4a52-9f6d-2f1f0c9a7e11
         Contribution-ID: c2a4f0de-6b39-4d0e-8a77-90b1d5e3f642
         Content-Type: {content_type}"
    )
}

/// I1: no 2xx before the gateway has stored it.
#[test]
fn a_message_is_accepted_after_the_gateway_stored_it() {
    let mut world = World::new();
    world.settle();
    world.request(peer(), &head("message/cpim"), CPIM.as_bytes());
    let (submission, ticket) = world.submission();
    world.quiet();
    assert_eq!(submission.content, Content::Text("hello".into()));
    assert_eq!(submission.from.reveal(For::Decision).number().unwrap().digits, "821011110001");
    assert_eq!(submission.to.reveal(For::Decision).number().unwrap().digits, "821099998888");
    assert_eq!(submission.reference.as_deref(), Some("Msg7d3a91"));
    assert_eq!(submission.charging_id.as_deref(), Some("icid-77"));
    assert!(submission.receipts.success && submission.receipts.displayed && !submission.receipts.failure);
    let carried = Carried::decode(&submission.carried);
    assert_eq!(carried.date_time, Some("2025-03-01T09:30:00.000+09:00"));
    assert_eq!(carried.conversation.unwrap().to_string(), "5b1c7d30-8e0a-4a52-9f6d-2f1f0c9a7e11");
    assert!(carried.back.is_some());
    let id = world.id();
    world.answer(ticket, Answer::Accepted(id));
    let response = world.sent_response();
    assert_eq!(response.status, 202);
    assert!(response.to_tag().is_some());
    world.quiet();
}

#[test]
fn a_repetition_is_accepted_like_the_first_and_200_is_said_where_configured() {
    let mut of = settings();
    of.trust = Trust { accept_with_200: true, ..Trust::default() };
    let mut world = World::with(of);
    world.settle();
    world.request(peer(), &head("message/cpim"), CPIM.as_bytes());
    let (first, ticket) = world.submission();
    let id = world.id();
    world.answer(ticket, Answer::Accepted(id));
    assert_eq!(world.status(), 200);
    // The same Message-ID under a new Call-ID (rcs sheet §5).
    world.request(peer(), &head("message/cpim"), CPIM.as_bytes());
    let (second, ticket) = world.submission();
    assert!(first.idempotency_key.is_some());
    assert_eq!(first.idempotency_key, second.idempotency_key);
    world.answer(ticket, Answer::Duplicate(id));
    assert_eq!(world.status(), 200);
}

#[test]
fn plain_text_is_a_message_that_wants_nothing() {
    let mut world = World::new();
    world.settle();
    world.request(peer(), &head("text/plain"), "안녕\r\n".as_bytes());
    let (submission, _) = world.submission();
    assert_eq!(submission.content, Content::Text("안녕\n".into()));
    assert_eq!(submission.receipts, model::ReceiptsWanted::NONE);
    assert!(submission.carried.is_empty(), "nothing to remember");
}

/// Each cause in its own words (rcs sheet §5, issue: what bad input gets).
#[test]
fn a_refusal_is_told_by_its_cause() {
    for (cause, status) in [
        (Cause::NoRoute, 404),
        (Cause::UnknownSubscriber, 404),
        (Cause::Policy, 403),
        (Cause::TooLong, 413),
        (Cause::Unencodable, 415),
        (Cause::Unreachable, 480),
        (Cause::Throttled, 503),
        (Cause::QueueFull, 503),
        (Cause::StoreUnavailable, 503),
        (Cause::Internal, 500),
    ] {
        let mut world = World::new();
        world.settle();
        world.request(peer(), &head("text/plain"), b"x");
        let (_, ticket) = world.submission();
        world.answer(ticket, Answer::Refused(Refusal { retry: Retry::Never, ..Refusal::ours(cause) }));
        let response = world.sent_response();
        assert_eq!(response.status, status, "{cause:?}");
        assert_eq!(response.headers.contains(Name::RetryAfter), status == 503, "{cause:?}");
        assert_eq!(response.headers.contains(Name::Warning), matches!(status, 403 | 413), "{cause:?}");
        world.quiet();
    }
}

/// RFC 3261 §8.2: what is refused before anybody is asked.
#[test]
fn what_cannot_be_taken_is_refused_by_its_own_status() {
    let mut world = World::new();
    world.settle();
    let cases: [(&str, &str, &[u8], u16); 6] = [
        ("MESSAGE mailto:a@b.example", "text/plain", b"x", 416),
        ("MESSAGE sip:alice@ims.example", "text/plain", b"x", 404),
        ("MESSAGE tel:+821099998888", "image/jpeg", b"x", 415),
        ("MESSAGE tel:+821099998888", "text/plain;charset=utf-7", b"x", 415),
        ("MESSAGE tel:+821099998888", "text/plain", b"\xff\xfe", 400),
        ("MESSAGE tel:+821099998888", "message/cpim", b"no header here\r\n\r\nx", 400),
    ];
    for (line, content_type, body, status) in cases {
        let head = head(content_type).replacen(&format!("MESSAGE tel:{PHONE}"), line, 1);
        world.request(peer(), &head, body);
        let response = world.sent_response();
        assert_eq!(response.status, status, "{line} {content_type}");
        assert_eq!(response.headers.contains(Name::Accept), status == 415);
        world.quiet();
    }
    world.request(peer(), &head("text/plain").replacen("MESSAGE", "PUBLISH", 1), b"x");
    let response = world.sent_response();
    assert_eq!(response.status, 405);
    assert!(response.headers.contains(Name::Allow));
    world.request(peer(), &head("text/plain").replacen("MESSAGE", "WINK", 1), b"x");
    assert_eq!(world.status(), 501);
    world.request(peer(), &format!("{}\nRequire: sparkles", head("text/plain")), b"x");
    let response = world.sent_response();
    assert_eq!((response.status.code(), response.headers.text(Name::Unsupported)), (420, Some("sparkles")));
    world.request(peer(), &head("text/plain"), &vec![b'x'; 70_000]);
    assert_eq!(world.status(), 413);
    world.quiet();
}

/// RFC 3325: who is not trusted is not believed.
#[test]
fn an_asserted_identity_of_a_stranger_counts_for_nothing() {
    let mut world = World::new();
    world.settle();
    world.request(udp("203.0.113.5:5060"), &head("text/plain"), b"x");
    let response = world.sent_response();
    assert_eq!(response.status, 407);
    assert!(response.headers.all(Name::ProxyAuthenticate).count() >= 2, "each algorithm");
    assert_eq!(world.core.counts().asserted_dropped, 1);
    world.quiet();
}

#[test]
fn a_peer_without_an_assertion_vouches_for_from() {
    let mut world = World::new();
    world.settle();
    world.request(
        peer(),
        &format!(
            "MESSAGE sip:{PHONE}@127.0.0.1
             From: <sip:{JUN}@ims.example>;tag=f
             To: <sip:{PHONE}@127.0.0.1>
             P-Called-Party-ID: <tel:{MINA}>
             Content-Type: text/plain"
        ),
        b"x",
    );
    let (submission, _) = world.submission();
    assert_eq!(submission.from.reveal(For::Decision).number().unwrap().digits, "821011110002");
    // The terminating network says who was called (rcs sheet §2).
    assert_eq!(submission.to.reveal(For::Decision).number().unwrap().digits, "821011110001");
}

#[test]
fn a_strict_peer_must_name_its_conversation() {
    let mut of = settings();
    of.peers[0].strict = true;
    let mut world = World::with(of);
    world.settle();
    let without = head("message/cpim").replace("Conversation-ID", "X-Other");
    world.request(peer(), &without, CPIM.as_bytes());
    assert_eq!(world.status(), 400);
    world.request(peer(), &head("message/cpim"), CPIM.as_bytes());
    world.submission();
}

/// RFC 3428 §4: Expires counts from Date.
#[test]
fn validity_counts_from_its_date() {
    let mut world = World::new();
    world.settle();
    let received_s = world.now_us / 1_000_000;
    world.request(peer(), &format!("{}\nExpires: 600", head("text/plain")), b"x");
    assert_eq!(world.submission().0.expires_at, Some(Timestamp::from_secs(received_s + 600)));
    let date = sip_message::date::format(world.now_us - 60_000_000);
    world.request(peer(), &format!("{}\nExpires: 600\nDate: {date}", head("text/plain")), b"x");
    assert_eq!(world.submission().0.expires_at, Some(Timestamp::from_secs(received_s + 540)));
}

#[test]
fn while_the_gateway_takes_nothing_the_sender_is_told_when_to_come_back() {
    let mut world = World::new();
    world.settle();
    world.core.set_closed(Some(Cause::StoreUnavailable));
    world.request(peer(), &head("text/plain"), b"x");
    let response = world.sent_response();
    assert_eq!((response.status.code(), response.headers.text(Name::RetryAfter)), (503, Some("5")));
    world.core.set_closed(None);
    world.core.drain(world.now_us);
    world.collect();
    world.inbound.clear();
    world.request(peer(), &head("text/plain"), b"x");
    assert_eq!(world.status(), 503);
}

/// Rcs sheet §16.2, §7.1: what it refers to is understood, and kept octet for octet.
#[test]
fn a_reaction_says_what_it_is_about_and_keeps_its_headers() {
    let mut world = World::new();
    world.settle();
    let body = CPIM.replace(
        "imdn.Disposition",
        "NS: g <http://www.gsma.com>\r\ng.Reference-ID: M1\r\ng.Reference-Type: +Reaction\r\nimdn.Disposition",
    );
    world.request(peer(), &head("message/cpim"), body.as_bytes());
    let (submission, _) = world.submission();
    let Content::Rich(rich) = &submission.content else { panic!("rich") };
    assert!(rich.body == Body::Text);
    assert!(rich.about == Some(About { reference: "M1".into(), relation: Relation::Reaction }));
    let lines = Carried::decode(&submission.carried).lines;
    assert_eq!(
        lines,
        b"NS: g <http://www.gsma.com>\r\ng.Reference-ID: M1\r\ng.Reference-Type: +Reaction\r\n"
    );
}

#[test]
fn what_a_platform_says_about_its_traffic_is_believed_from_peers() {
    let mut world = World::new();
    world.settle();
    let body = CPIM.replace(
        "imdn.Disposition",
        "NS: m <http://www.gsma.com/rcs/maap/>\r\nm.Traffic-Type: advertisement\r\nimdn.Disposition",
    );
    world.request(peer(), &head("message/cpim"), body.as_bytes());
    assert_eq!(world.submission().0.class, Class::Advertising);
}

/// RFC 3261 §20.12: liblinphone deflates what it does not show; a body that grows without end is not unfolded.
#[test]
fn a_deflated_body_is_read_and_a_bomb_is_not() {
    use miniz_oxide::deflate::compress_to_vec_zlib;

    let mut world = World::new();
    world.settle();
    let head = format!("{}\nContent-Encoding: deflate", head("message/cpim"));
    world.request(peer(), &head, &compress_to_vec_zlib(CPIM.as_bytes(), 6));
    assert_eq!(world.submission().0.content, Content::Text("hello".into()));
    world.request(peer(), &head, &compress_to_vec_zlib(&vec![b'x'; 1 << 20], 9));
    assert_eq!(world.status(), 413);
    world.request(peer(), &head, b"no zlib at all");
    assert_eq!(world.status(), 400);
    let gzip = head.replace("deflate", "gzip");
    world.request(peer(), &gzip, b"x");
    let response = world.sent_response();
    assert_eq!(response.status, 415);
    assert!(response.headers.contains(Name::AcceptEncoding));
    world.quiet();
}

/// RFC 4475 §3.1.1.11: of several parts the one that we read, octet for octet.
#[test]
fn of_several_parts_the_readable_one_is_the_message() {
    let mut world = World::new();
    world.settle();
    let head = head("multipart/mixed;boundary=b");
    let binary = "--b\r\nContent-Type: application/octet-stream\r\n\r\n\0\r\n--x\r\n";
    let body = format!("{binary}--b\r\nContent-Type: message/cpim\r\n\r\n{CPIM}\r\n--b--\r\n");
    world.request(peer(), &head, body.as_bytes());
    assert_eq!(world.submission().0.content, Content::Text("hello".into()));
    let body = "--b\r\nContent-Transfer-Encoding: base64\r\n\r\naGk=\r\n--b--\r\n";
    world.request(peer(), &head, body.as_bytes());
    assert_eq!(world.submission().0.content, Content::Text("hi".into()), "a part that does not say is text");
    for unread in [format!("{binary}--b--\r\n"), "no part at all".to_owned()] {
        world.request(peer(), &head, unread.as_bytes());
        assert_eq!(world.status(), 415);
    }
    world.quiet();
}
