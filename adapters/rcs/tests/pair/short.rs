//! Short messages over IMS (TS 24.341, rcs sheet §12).

use model::{
    Answer, Cause, Coded, Content, Disposition, Inbound, MessageId, Number, Outcome, Outgoing, Presence,
    ReceiptState, Refusal, Report, Retry, Ticket,
};
use proptest::prelude::*;
use sip_message::{Name, Request};
use sip_transaction::Flow;

use crate::world::{MINA, PHONE, World, handset, settings, text};

/// RP-DATA 0x2A to the centre 100, with an SMS-SUBMIT 0x11 to +821012345678: "hellohello", a report wanted.
pub(crate) const SUBMIT: &[u8] = &[
    0x00, 0x2A, 0x00, 0x03, 0x81, 0x01, 0xF0, 0x17, // the relay layer
    0x21, 0x11, 0x0C, 0x91, 0x28, 0x01, 0x21, 0x43, 0x65, 0x87, 0x00, 0x00, 0x0A, // SMS-SUBMIT
    0xE8, 0x32, 0x9B, 0xFD, 0x46, 0x97, 0xD9, 0xEC, 0x37, 0x00,
];

/// Who registered is believed at his address.
pub(crate) fn believing() -> World {
    let mut settings = settings();
    settings.trust.datagrams = true;
    World::with(settings)
}

/// A handset that only takes short messages.
pub(crate) fn old_handset(world: &mut World) -> Flow {
    let contact = "<sip:mina@127.0.0.1:6001>;+g.3gpp.smsip";
    assert_eq!(world.register(handset(), MINA, contact, "Expires: 600").status, 200);
    world.settle();
    handset()
}

pub(crate) fn says(world: &mut World, body: &[u8], more: &str) {
    let head = format!(
        "MESSAGE sip:100@ims.example
         From: <sip:{MINA}@ims.example>;tag=m
         To: <sip:100@ims.example>{more}
         Content-Type: application/vnd.3gpp.sms"
    );
    world.request(handset(), &head, body);
}

fn submits(world: &mut World, body: &[u8]) -> Ticket {
    says(world, body, "\nCall-ID: first@handset");
    assert_eq!(world.status(), 202, "at once: it says nothing of the message");
    world.submission().1
}

pub(crate) fn taken(world: &mut World) -> Answer {
    Answer::Accepted(world.id())
}

/// What we said by MESSAGE, answered with 200.
pub(crate) fn said(world: &mut World) -> Request {
    let (flow, request) = world.sent_request();
    assert_eq!(request.headers.text(Name::ContentType), Some("application/vnd.3gpp.sms"));
    assert_eq!(request.headers.text(Name::PAssertedIdentity), Some("<sip:100@ims.example>"));
    assert_eq!(request.headers.text(Name::AcceptContact), Some("*;+g.3gpp.smsip;require;explicit"));
    assert_eq!(request.headers.text(Name::RequestDisposition), Some("no-fork"));
    world.reply(flow, &request, 200, &[]);
    request
}

pub(crate) fn acknowledges(world: &mut World, request: &Request, rp: &[u8]) {
    says(world, rp, &format!("\nIn-Reply-To: {}", request.call_id()));
    assert_eq!(world.status(), 202);
}

#[test]
fn rp_ack_comes_after_the_commit_in_a_message_of_its_own() {
    let mut world = believing();
    old_handset(&mut world);
    says(&mut world, SUBMIT, "\nCall-ID: first@handset");
    assert_eq!(world.status(), 202);
    let (submission, ticket) = world.submission();
    assert_eq!(submission.to.reveal(model::For::Decision).number().unwrap().digits, "821012345678");
    assert_eq!(submission.content.octets(), 10);
    assert!(submission.receipts.success);
    world.quiet();
    let answer = taken(&mut world);
    world.answer(ticket, answer);
    let ack = said(&mut world);
    assert_eq!(ack.headers.text(Name::InReplyTo), Some("first@handset"));
    // RP-ACK 0x2A with an SMS-SUBMIT-REPORT: the time at which it was taken, 2027-01-15 17:00:00 +09:00.
    assert_eq!(&ack.body[..], [0x03, 0x2A, 0x41, 0x09, 0x01, 0x00, 0x72, 0x10, 0x51, 0x71, 0x00, 0x00, 0x63]);
    world.quiet();
}

#[test]
fn a_refusal_is_an_rp_error_with_its_cause() {
    let mut world = believing();
    old_handset(&mut world);
    for (cause, rp, failure) in [
        (Cause::NoRoute, 1, 0xC3),
        (Cause::OptedOut, 10, 0xC4),
        (Cause::QueueFull, 42, 0xC0),
        (Cause::StoreUnavailable, 41, 0xC2),
    ] {
        let ticket = submits(&mut world, SUBMIT);
        world.answer(ticket, Answer::Refused(Refusal::ours(cause)));
        let error = said(&mut world);
        assert_eq!(&error.body[..5], [0x05, 0x2A, 0x01, rp, 0x41], "{cause:?}");
        assert_eq!(&error.body[6..8], [0x01, failure], "{cause:?}");
    }
}

#[test]
fn a_repetition_is_acknowledged_again_and_submitted_once() {
    let mut world = believing();
    old_handset(&mut world);
    let ticket = submits(&mut world, SUBMIT);
    let mut again = SUBMIT.to_vec();
    // Another RP-MR, and the mark of a repetition.
    (again[1], again[8]) = (0x2B, 0x25);
    says(&mut world, &again, "\nCall-ID: second@handset");
    assert_eq!(world.status(), 202);
    world.quiet();
    let answer = taken(&mut world);
    world.answer(ticket, answer);
    let ack = said(&mut world);
    assert_eq!(
        (ack.body[1], ack.headers.text(Name::InReplyTo)),
        (0x2B, Some("second@handset")),
        "the newest copy"
    );
    says(&mut world, &again, "\nCall-ID: third@handset");
    assert_eq!(world.status(), 202);
    let ack = said(&mut world);
    assert_eq!(
        (&ack.body[..2], ack.headers.text(Name::InReplyTo)),
        (&[0x03, 0x2B][..], Some("third@handset"))
    );
    world.quiet();
    // The same reference ten minutes later is another message.
    world.pass(601);
    world.settle();
    old_handset(&mut world);
    submits(&mut world, SUBMIT);
}

/// After a restart the gateway still knows a repetition, by the key that it comes under.
#[test]
fn a_repetition_has_the_key_of_its_first_copy_in_every_process() {
    let key_of = |body: &[u8]| {
        let mut world = believing();
        old_handset(&mut world);
        says(&mut world, body, "");
        assert_eq!(world.status(), 202);
        world.submission().0.idempotency_key.clone().expect("a key")
    };
    let (mut again, mut next) = (SUBMIT.to_vec(), SUBMIT.to_vec());
    // The next RP-MR, and the mark of a repetition.
    (again[1], again[8]) = (0x2B, 0x25);
    next[9] = 0x12;
    assert_eq!(key_of(SUBMIT), key_of(&again));
    assert_ne!(key_of(SUBMIT), key_of(&next), "another TP-MR is another message");
}

#[test]
fn a_handset_that_does_not_count_its_references_may_say_the_same_again() {
    let mut world = believing();
    old_handset(&mut world);
    let ticket = submits(&mut world, SUBMIT);
    let answer = taken(&mut world);
    world.answer(ticket, answer);
    said(&mut world);
    let mut again = SUBMIT.to_vec();
    again[1] = 0x2B;
    // Neither marked nor with the same RP-MR, but so soon that it did not hear us.
    world.pass(45);
    world.settle();
    says(&mut world, &again, "");
    assert_eq!(world.status(), 202);
    assert_eq!(said(&mut world).body[..2], [0x03, 0x2B]);
    world.quiet();
    world.pass(60);
    world.settle();
    again[1] = 0x2C;
    submits(&mut world, &again);
}

/// One TP-MR for everything: whatever is said under it has a key of its own, also what was said before.
#[test]
fn everything_that_such_a_handset_says_anew_is_a_message() {
    let mut world = believing();
    old_handset(&mut world);
    let mut keys = std::collections::HashSet::new();
    let mut other = SUBMIT.to_vec();
    other[21] ^= 0x01;
    for (at, body) in [SUBMIT, &other, SUBMIT, SUBMIT].into_iter().enumerate() {
        let mut body = body.to_vec();
        body[1] = u8::try_from(at).expect("few");
        says(&mut world, &body, "");
        assert_eq!(world.status(), 202);
        let (submission, ticket) = world.submission();
        assert!(keys.insert(submission.idempotency_key.clone().expect("a key")), "{at}");
        let answer = taken(&mut world);
        world.answer(ticket, answer);
        said(&mut world);
        world.pass(61);
        world.settle();
    }
    // What was refused is the same message when it comes again.
    let mut refused = |world: &mut World, reference| {
        other[1] = reference;
        says(world, &other, "");
        assert_eq!(world.status(), 202);
        let (submission, ticket) = world.submission();
        world.answer(ticket, Answer::Refused(Refusal::ours(Cause::QueueFull)));
        said(world);
        submission.idempotency_key.clone().expect("a key")
    };
    assert_eq!(refused(&mut world, 8), refused(&mut world, 9));
}

#[test]
fn what_was_refused_may_be_tried_again() {
    let mut world = believing();
    old_handset(&mut world);
    let ticket = submits(&mut world, SUBMIT);
    world.answer(ticket, Answer::Refused(Refusal::ours(Cause::QueueFull)));
    said(&mut world);
    submits(&mut world, SUBMIT);
}

#[test]
fn bad_octets_get_the_relay_layers_own_answer() {
    let mut world = believing();
    old_handset(&mut world);
    says(&mut world, &[0x00], "");
    assert_eq!(world.status(), 400, "neither type nor reference");
    for (body, cause) in [
        // No service centre.
        (&[0x00, 0x07, 0x00, 0x00, 0x01, 0x01][..], 96),
        // A type that there is not.
        (&[0x07, 0x07], 97),
        // An SMS-SUBMIT that is cut short.
        (&[0x00, 0x07, 0x00, 0x03, 0x81, 0x01, 0xF0, 0x03, 0x01, 0x11, 0x0C], 96),
        // An SMS-COMMAND.
        (
            &[
                0x00, 0x07, 0x00, 0x03, 0x81, 0x01, 0xF0, 0x0E, 0x02, 0x01, 0x00, 0x02, 0x11, 0x0B, 0x81,
                0x10, 0x10, 0x32, 0x54, 0x76, 0xF8, 0x00,
            ],
            69,
        ),
    ] {
        says(&mut world, body, "");
        assert_eq!(world.status(), 202, "{body:02x?}");
        let error = said(&mut world);
        assert_eq!(&error.body[..4], [0x05, 0x07, 0x01, cause], "{body:02x?}");
    }
    world.quiet();
}

#[test]
fn only_rp_ack_says_that_a_handset_has_a_message() {
    let mut world = believing();
    old_handset(&mut world);
    let attempt = world.text_to(MINA, "hellohello");
    let delivery = said(&mut world);
    assert_eq!(delivery.uri.as_str(), "sip:mina@127.0.0.1:6001");
    // RP-DATA from the centre 100, with an SMS-DELIVER from +821099998888.
    assert_eq!(&delivery.body[..2], [0x01, 1]);
    assert_eq!(&delivery.body[2..7], [0x03, 0x81, 0x01, 0xF0, 0x00]);
    assert_eq!(&delivery.body[10..16], [0x91, 0x28, 0x01, 0x99, 0x99, 0x88]);
    assert!(delivery.body.ends_with(&[0xE8, 0x32, 0x9B, 0xFD, 0x46, 0x97, 0xD9, 0xEC, 0x37]));
    world.quiet();
    acknowledges(&mut world, &delivery, &[0x02, 1]);
    let (of, outcome) = world.outcome();
    assert!(of == attempt && matches!(outcome, Outcome::Sent(_)), "{outcome:?}");
    assert_eq!(world.receipt().0.state, ReceiptState::Delivered, "nothing more will come");
    world.quiet();
}

#[test]
fn segments_go_one_after_the_other() {
    let mut world = believing();
    old_handset(&mut world);
    world.text_to(MINA, &"가나다라마바사아자차".repeat(15));
    for part in 1..=3 {
        let delivery = said(&mut world);
        assert_eq!(delivery.body[1], part, "a reference of its own");
        let header = delivery.body.windows(6).any(|six| six[..3] == [5, 0, 3] && six[4..] == [3, part]);
        assert!(header, "part {part} of 3");
        world.quiet();
        // Without In-Reply-To the reference tells.
        says(&mut world, &[0x02, part], "");
        assert_eq!(world.status(), 202);
    }
    assert!(matches!(world.outcome().1, Outcome::Sent(_)));
}

/// TS 24.011 §8.2.3: a reference names one RP-DATA as long as that is not answered.
#[test]
fn no_reference_is_used_twice_while_it_is_open() {
    let mut world = believing();
    old_handset(&mut world);
    let mut used = std::collections::HashSet::new();
    for sender in 0..256 {
        let submission = text(&format!("+8210999{sender:05}"), MINA, "hi");
        let outgoing = world.outgoing(submission);
        world.hand_over(Outgoing::Message(outgoing));
        let delivery = said(&mut world);
        assert!(used.insert(delivery.body[1]), "{sender}");
    }
    // No room for another one.
    let submission = text("+821088888888", MINA, "hi");
    let outgoing = world.outgoing(submission);
    world.hand_over(Outgoing::Message(outgoing));
    let Outcome::Refused(refusal) = world.outcome().1 else { panic!("refused") };
    assert_eq!((refusal.cause, refusal.retry), (Cause::QueueFull, Retry::Scheduled));
    // What is answered is free, be it the newest.
    for (n, reference) in [200, 200, 7].into_iter().enumerate() {
        says(&mut world, &[0x02, reference], "");
        assert_eq!(world.status(), 202);
        assert!(matches!(world.outcome().1, Outcome::Sent(_)));
        world.inbound.clear();
        let submission = text(&format!("+8210777777{n:02}"), MINA, "hi");
        let outgoing = world.outgoing(submission);
        world.hand_over(Outgoing::Message(outgoing));
        assert_eq!(said(&mut world).body[1], reference);
    }
}

#[test]
fn a_full_handset_is_waited_for_and_says_when_there_is_room() {
    let mut world = believing();
    old_handset(&mut world);
    world.text_to(MINA, "hi");
    let delivery = said(&mut world);
    acknowledges(&mut world, &delivery, &[0x04, 1, 0x01, 22]);
    let Outcome::Refused(refusal) = world.outcome().1 else { panic!("refused") };
    assert_eq!((refusal.cause, refusal.retry, refusal.code), (Cause::Unreachable, Retry::WhenReachable, 22));
    says(&mut world, &[0x06, 0x33], "");
    assert_eq!(world.status(), 202);
    assert_eq!(&said(&mut world).body[..], [0x03, 0x33]);
    let here = world.inbound.pop_front();
    assert!(matches!(here, Some(Inbound::Presence { presence: Presence::Handset { .. }, .. })), "{here:?}");
}

#[test]
fn who_says_nothing_may_have_it_and_may_say_so_late() {
    let mut world = believing();
    old_handset(&mut world);
    let attempt = world.text_to(MINA, "hi");
    let delivery = said(&mut world);
    world.pass(44);
    world.quiet();
    world.pass(1);
    assert_eq!(world.outcome(), (attempt, Outcome::Unknown));
    acknowledges(&mut world, &delivery, &[0x02, 1]);
    let (receipt, _) = world.receipt();
    assert_eq!(receipt.state, ReceiptState::Delivered);
    let about = receipt.about.expect("who says so, of whose message");
    let digits = |number: &model::Pii<Number>| number.reveal(model::For::Decision).digits.clone();
    assert_eq!((digits(&about.0), digits(&about.1)), ("821011110001".into(), "821099998888".into()));
    world.quiet();
    // What nobody waited for, an RP-ERROR that comes late, and what somebody else says are counted.
    acknowledges(&mut world, &delivery, &[0x04, 1, 0x01, 22]);
    says(&mut world, &[0x02, 9], "");
    assert_eq!(world.status(), 202);
    world.quiet();
    assert_eq!(world.core.counts().late, 2);
}

#[test]
fn nobody_acknowledges_for_another() {
    let mut world = believing();
    old_handset(&mut world);
    world.text_to(MINA, "hi");
    let delivery = said(&mut world);
    let head = format!(
        "MESSAGE sip:100@ims.example
         From: <tel:{PHONE}>;tag=x
         To: <sip:100@ims.example>
         P-Asserted-Identity: <tel:{PHONE}>
         In-Reply-To: {}
         Content-Type: application/vnd.3gpp.sms",
        delivery.call_id()
    );
    world.request(crate::world::peer(), &head, &[0x02, 1]);
    assert_eq!(world.status(), 202);
    world.quiet();
}

#[test]
fn a_handset_that_takes_no_sms_is_refused_like_any_other() {
    let mut world = believing();
    old_handset(&mut world);
    world.text_to(MINA, "hi");
    let (flow, request) = world.sent_request();
    world.reply(flow, &request, 488, &[]);
    let Outcome::Refused(refusal) = world.outcome().1 else { panic!("refused") };
    assert_eq!((refusal.cause, refusal.retry), (Cause::Unencodable, Retry::OtherRoute));
    // Its time is over with it.
    world.pass(60);
    world.quiet();
}

#[test]
fn a_device_that_can_chat_gets_no_short_messages() {
    let mut world = believing();
    let contact = "<sip:mina@127.0.0.1:6001>;+g.3gpp.smsip;+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.msg\"";
    world.register(handset(), MINA, contact, "Expires: 600");
    world.settle();
    world.text_to(MINA, "hi");
    let (_, request) = world.sent_request();
    assert_eq!(request.headers.text(Name::ContentType), Some("message/cpim"));
}

#[test]
fn a_status_report_names_the_message_and_its_end() {
    let mut world = believing();
    old_handset(&mut world);
    let ticket = submits(&mut world, SUBMIT);
    let message: MessageId = world.id();
    world.answer(ticket, Answer::Accepted(message));
    said(&mut world);
    world.pass(30);
    world.settle();
    says(&mut world, SUBMIT, "");
    world.settle();
    let mut submission = text(MINA, "+821012345678", "");
    submission.carried = {
        // As it was submitted.
        let mut other = believing();
        old_handset(&mut other);
        says(&mut other, SUBMIT, "");
        assert_eq!(other.status(), 202);
        other.submission().0.carried.clone()
    };
    let outgoing = world.outgoing(submission);
    let at = model::Timestamp::from_micros(world.now_us);
    world.hand_over(Outgoing::Report(Report {
        attempt: outgoing.attempt,
        message,
        submission: outgoing.submission.clone(),
        disposition: Disposition::Delivered,
        cause: None,
        code: None,
        at,
        segments: 1,
        displayed: false,
        intermediate: false,
        via: None,
    }));
    let report = said(&mut world);
    // RP-DATA with an SMS-STATUS-REPORT about 0x11 to +821012345678: received, taken then, delivered now.
    let tpdu = &report.body[8..];
    assert_eq!(tpdu[..10], [0x06, 0x11, 0x0C, 0x91, 0x28, 0x01, 0x21, 0x43, 0x65, 0x87]);
    assert_eq!(
        tpdu[10..24],
        [0x72, 0x10, 0x51, 0x71, 0x00, 0x00, 0x63, 0x72, 0x10, 0x51, 0x71, 0x00, 0x03, 0x63]
    );
    assert_eq!(tpdu[24], 0x00);
    world.quiet();
    acknowledges(&mut world, &report, &[0x02, report.body[1]]);
    assert_eq!(world.outcome(), (outgoing.attempt, Outcome::Sent(smallvec::smallvec![])));
    world.quiet();
}

fn data() -> model::Submission {
    let octets = bytes::Bytes::from_static(&[0, 1, 0xFF]);
    let content = Content::Coded(Coded { data_coding: 4, udhi: false, octets });
    model::Submission { content, ..text(PHONE, MINA, "") }
}

/// Rcs sheet §13.1.
#[test]
fn data_is_for_handsets_and_for_nobody_who_reads() {
    let mut world = believing();
    let chats =
        "<sip:mina@127.0.0.1:6002>;+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.msg\"";
    world.register(crate::world::udp("127.0.0.1:6002"), MINA, chats, "Expires: 600");
    let here = world.inbound.pop_back();
    assert!(matches!(here, Some(Inbound::Presence { presence: Presence::Here { .. }, .. })), "{here:?}");
    let outgoing = world.outgoing(data());
    world.settle();
    world.hand_over(Outgoing::Message(outgoing));
    let Outcome::Refused(refusal) = world.outcome().1 else { panic!("refused") };
    assert_eq!((refusal.cause, refusal.retry), (Cause::Unencodable, Retry::OtherRoute));
    world.quiet();
    world.register(handset(), MINA, "<sip:mina@127.0.0.1:6001>;+g.3gpp.smsip", "Expires: 600");
    let here = world.inbound.pop_back();
    assert!(matches!(here, Some(Inbound::Presence { presence: Presence::Handset { .. }, .. })), "{here:?}");
    world.settle();
    let outgoing = world.outgoing(data());
    world.hand_over(Outgoing::Message(outgoing));
    let delivery = said(&mut world);
    assert!(delivery.body.ends_with(&[3, 0, 1, 0xFF]));
    // The other device hears nothing of it, and the RP-ACK is the end.
    world.quiet();
    acknowledges(&mut world, &delivery, &[0x02, delivery.body[1]]);
    assert!(matches!(world.outcome().1, Outcome::Sent(_)));
}

/// RP-DATA of a handset with that SMS-SUBMIT.
fn carried(tpdu: &[u8]) -> Vec<u8> {
    let octets = u8::try_from(tpdu.len()).expect("a TPDU");
    [&[0x00, 0x07, 0x00, 0x03, 0x81, 0x01, 0xF0, octets][..], tpdu].concat()
}

/// SMS-SUBMITs with any data, and whatever damage does to them.
fn submits_and_not() -> impl Strategy<Value = Vec<u8>> {
    let data = prop::collection::vec(any::<u8>(), 0..140);
    let whole = data.prop_map(|data| {
        let octets = u8::try_from(data.len()).expect("few");
        let head = [0x01, 0x21, 0x0C, 0x91, 0x28, 0x01, 0x21, 0x43, 0x65, 0x87, 0x00, 0x04, octets];
        carried(&[&head[..], &data].concat())
    });
    let damaged =
        (whole.clone(), any::<prop::sample::Index>(), any::<u8>()).prop_map(|(mut rp, at, octet)| {
            let at = at.index(rp.len());
            rp[at] = octet;
            rp
        });
    prop_oneof![whole, damaged, prop::collection::vec(any::<u8>(), 1..64)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Sms sheet §5: 400 for what has no reference, else 202 and exactly one answer of the relay layer, which is either
    /// there at once or waits for the gateway; RP-ACK and RP-ERROR are answered by nobody.
    #[test]
    fn whatever_a_handset_says_gets_one_answer(bodies in prop::collection::vec(submits_and_not(), 1..6)) {
        let mut world = believing();
        old_handset(&mut world);
        for body in bodies {
            says(&mut world, &body, "");
            let status = world.status();
            prop_assert!(matches!(status, 202 | 400), "{}", status);
            let kind = body[0] & 0x07;
            if let Some(Inbound::Submit { ticket, .. }) = world.inbound.pop_front() {
                prop_assert!(world.sent.is_empty(), "no RP-ACK before the commit");
                let answer = taken(&mut world);
                world.answer(ticket, answer);
            }
            if status == 400 || matches!(kind, 0x02 | 0x04) && world.sent.is_empty() {
                world.quiet();
                continue;
            }
            let answer = said(&mut world);
            prop_assert!(matches!(answer.body[0], 0x03 | 0x05), "{:02x?}", answer.body);
            prop_assert_eq!(answer.body[1], body[1], "its own reference");
            world.settle();
        }
    }

    /// Octets that are no text come out at the other handset as they went in.
    #[test]
    fn data_of_one_handset_arrives_at_another_octet_for_octet(data in prop::collection::vec(any::<u8>(), 0..140)) {
        let mut world = believing();
        old_handset(&mut world);
        let octets = u8::try_from(data.len()).expect("few");
        // To Mina herself.
        let head = [0x01, 0x21, 0x0C, 0x91, 0x28, 0x01, 0x11, 0x11, 0x00, 0x10, 0x00, 0x04, octets];
        says(&mut world, &carried(&[&head[..], &data].concat()), "");
        prop_assert_eq!(world.status(), 202);
        let (submission, _) = world.submission();
        let outgoing = world.outgoing((*submission).clone());
        world.hand_over(Outgoing::Message(outgoing));
        let delivery = said(&mut world);
        let end = delivery.body.len() - data.len();
        prop_assert_eq!(&delivery.body[end..], &data[..]);
        // SMS-DELIVER: TP-DCS eight places before the data, and how many octets there are.
        prop_assert_eq!((delivery.body[end - 9], delivery.body[end - 1]), (0x04, octets));
    }
}
