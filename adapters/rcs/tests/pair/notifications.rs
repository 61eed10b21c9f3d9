//! IMDN and is-composing in (RFC 5438, RFC 3994, rcs sheet §7.2, §7.3).

use model::{Answer, Cause, For, Inbound, Outcome, ReceiptState, Refusal, SignalKind};
use sip_rcs::Cpim;

use crate::world::{MINA, PHONE, World, peer, udp};

fn imdn(id: &str, notification: &str, status: &str) -> String {
    format!(
        "<imdn xmlns=\"urn:ietf:params:xml:ns:imdn\"><message-id>{id}</message-id>\
         <datetime>2025-03-01T09:30:00Z</datetime>\
         <{notification}><status><{status}/></status></{notification}></imdn>"
    )
}

fn cpim(content_type: &str, document: &str) -> Vec<u8> {
    format!(
        "From: <sip:anonymous@anonymous.invalid>\r\nTo: <sip:anonymous@anonymous.invalid>\r\n\
         NS: imdn <urn:ietf:params:imdn>\r\nimdn.Message-ID: n1\r\nDateTime: 2027-01-15T08:00:05Z\r\n\r\n\
         Content-Type: {content_type}\r\nContent-Disposition: notification\r\n\r\n{document}"
    )
    .into_bytes()
}

/// From Mina's handset by way of the peer, so that nobody asks for a password.
fn head(from: &str, content_type: &str) -> String {
    format!(
        "MESSAGE tel:{PHONE}
         From: <tel:{from}>;tag=f
         To: <tel:{PHONE}>
         P-Asserted-Identity: <tel:{from}>
         Content-Type: {content_type}"
    )
}

/// Sends a message to Mina; gives the name that she saw.
fn sent(world: &mut World) -> String {
    world.text_to(MINA, "hi");
    let (flow, request) = world.sent_request();
    let cpim = Cpim::read(request.body.clone()).expect("CPIM");
    let name = cpim.message_id().expect("a name").to_owned();
    world.reply(flow, &request, 200, &[]);
    assert!(matches!(world.outcome().1, Outcome::Sent(_)));
    name
}

#[test]
fn a_notification_is_answered_after_the_gateway_took_it() {
    let mut world = World::new();
    world.mina();
    let name = sent(&mut world);
    for (notification, status, state) in [
        ("delivery-notification", "delivered", ReceiptState::Delivered),
        ("display-notification", "displayed", ReceiptState::Displayed),
        ("delivery-notification", "failed", ReceiptState::Undeliverable),
    ] {
        let body = cpim("message/imdn+xml", &imdn(&name, notification, status));
        world.request(peer(), &head(MINA, "message/cpim"), &body);
        let (receipt, ticket) = world.receipt();
        world.quiet();
        assert_eq!(receipt.state, state);
        assert_eq!(receipt.upstream[0].0, name);
        assert_eq!(receipt.at.unwrap().secs(), 1_800_000_005);
        let (recipient, sender) = *receipt.about.unwrap();
        assert_eq!(recipient.reveal(For::Decision).digits, "821011110001");
        assert_eq!(sender.reveal(For::Decision).digits, "821099998888");
        world.answer(ticket.unwrap(), Answer::Taken);
        assert_eq!(world.status(), 200);
    }
}

/// RFC 5438 §8.2.1 with what linphone sends: several in one body, one answer.
#[test]
fn several_notifications_in_one_body_are_answered_together() {
    let mut world = World::new();
    world.mina();
    let (one, two) = (sent(&mut world), sent(&mut world));
    let parts = format!(
        "--b\r\nContent-Type: message/imdn+xml\r\n\r\n{}\r\n--b\r\nContent-Type: message/imdn+xml\r\n\r\n{}\r\n--b--\r\n",
        imdn(&one, "delivery-notification", "delivered"),
        imdn(&two, "delivery-notification", "delivered")
    );
    let body = cpim("multipart/mixed; boundary=b", &parts);
    world.request(peer(), &head(MINA, "message/cpim"), &body);
    let (_, first) = world.receipt();
    let (_, second) = world.receipt();
    assert_eq!(first, second, "one request, one ticket");
    world.answer(first.unwrap(), Answer::Taken);
    world.quiet();
    world.answer(second.unwrap(), Answer::Taken);
    assert_eq!(world.status(), 200);
    world.quiet();
}

#[test]
fn a_notification_that_the_gateway_cannot_take_is_sent_again_later() {
    let mut world = World::new();
    world.mina();
    let name = sent(&mut world);
    let body = cpim("message/imdn+xml", &imdn(&name, "delivery-notification", "delivered"));
    world.request(peer(), &head(MINA, "message/cpim"), &body);
    let (_, ticket) = world.receipt();
    world.answer(ticket.unwrap(), Answer::Refused(Refusal::ours(Cause::QueueFull)));
    assert_eq!(world.status(), 503);
}

/// Rcs sheet §7.2: an unknown id is answered 200 and counted.
#[test]
fn a_notification_about_nothing_of_ours_is_taken_and_counted() {
    let mut world = World::new();
    world.settle();
    let body = cpim("message/imdn+xml", &imdn("Msg7d3a91", "delivery-notification", "delivered"));
    world.request(peer(), &head(MINA, "message/cpim"), &body);
    assert_eq!(world.status(), 200);
    assert_eq!(world.core.counts().orphans, 1);
    // A user who shows nobody what was read is no failure.
    world.mina();
    let name = sent(&mut world);
    let body = cpim("message/imdn+xml", &imdn(&name, "display-notification", "forbidden"));
    world.request(peer(), &head(MINA, "message/cpim"), &body);
    assert_eq!(world.status(), 200);
    assert_eq!(world.core.counts().uneventful, 1);
    world.quiet();
}

/// Nobody makes up a receipt for a message that went to somebody else.
#[test]
fn a_receipt_is_believed_from_its_recipient_only() {
    use crate::world::{JUN, authorization};
    let mut world = World::new();
    world.mina();
    let name = sent(&mut world);
    let body = cpim("message/imdn+xml", &imdn(&name, "delivery-notification", "delivered"));
    let head = head(JUN, "message/cpim");
    let from = udp("127.0.0.1:6009");
    world.request(from, &head, &body);
    let challenge = world.sent_response();
    let answer = authorization(&challenge, "MESSAGE", &format!("tel:{PHONE}"), JUN, "secret");
    world.request(from, &format!("{head}\nProxy-Authorization: {answer}"), &body);
    assert_eq!(world.status(), 200);
    assert_eq!(world.core.counts().orphans, 1);
    world.quiet();
}

#[test]
fn a_notification_that_cannot_be_read_is_refused() {
    let mut world = World::new();
    world.settle();
    for document in ["<imdn", "<!DOCTYPE x><imdn/>", ""] {
        world.request(peer(), &head(MINA, "message/cpim"), &cpim("message/imdn+xml", document));
        assert_eq!(world.status(), 400, "{document}");
    }
    world.quiet();
}

/// Rcs sheet §7.3: never stored, never retried, seldom.
#[test]
fn typing_is_passed_on_at_once_and_not_too_often() {
    let mut world = World::new();
    world.settle();
    let document = |state: &str| {
        format!(
            "<isComposing xmlns=\"urn:ietf:params:xml:ns:im-iscomposing\"><state>{state}</state></isComposing>"
        )
    };
    for content_type in ["application/im-iscomposing+xml", "message/cpim"] {
        let body = |state: &str| match content_type {
            "message/cpim" => cpim("application/im-iscomposing+xml", &document(state)),
            _ => document(state).into_bytes(),
        };
        world.request(peer(), &head(MINA, content_type), &body("active"));
        assert_eq!(world.status(), 200);
        let Some(Inbound::Signal { signal, .. }) = world.inbound.pop_front() else { panic!("a signal") };
        assert_eq!(signal.kind, SignalKind::Typing { on: true });
        world.request(peer(), &head(MINA, content_type), &body("active"));
        assert_eq!(world.status(), 200);
        world.quiet();
        world.request(peer(), &head(MINA, content_type), &body("idle"));
        assert_eq!(world.status(), 200);
        let Some(Inbound::Signal { signal, .. }) = world.inbound.pop_front() else { panic!("a signal") };
        assert_eq!(signal.kind, SignalKind::Typing { on: false });
        world.pass(1);
    }
}
