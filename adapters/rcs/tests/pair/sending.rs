//! MESSAGE out (rcs sheet §5, §8.2).

use model::{Cause, Outcome, Outgoing, ReceiptState, Retry};
use rcs::translate::MessageName;
use sip_message::{Method, Name, Uri};
use sip_rcs::{Cpim, imdn::Requested};
use sip_transaction::Transport;

use crate::world::{MINA, PHONE, World, handset, is, settings, text, udp};

fn refused(outcome: Outcome) -> (Cause, Retry) {
    match outcome {
        Outcome::Refused(refusal) => (refusal.cause, refusal.retry),
        other => panic!("refused, not {other:?}"),
    }
}

#[test]
fn a_message_reaches_the_device_and_its_200_is_the_outcome() {
    let mut world = World::new();
    let to = world.mina();
    let attempt = world.text_to(MINA, "hi");
    let (flow, request) = world.sent_request();
    assert!(is(&request, &Method::MESSAGE));
    assert_eq!(flow, to);
    assert_eq!(request.uri.as_str(), "sip:mina@127.0.0.1:6001");
    assert_eq!(request.headers.text(Name::ContentType), Some("message/cpim"));
    assert_eq!(request.headers.text(Name::PAssertedIdentity), Some("<sip:+821099998888@ims.example>"));
    assert!(request.headers.contains(Name::ConversationId) && request.headers.contains(Name::ContributionId));
    assert!(!request.headers.contains(Name::Contact), "RFC 3428 §4");
    let cpim = Cpim::read(request.body.clone()).unwrap();
    let name = cpim.message_id().unwrap().to_owned();
    assert!(MessageName::read(&name).is_some());
    assert!(Requested::of(&cpim).contains(Requested::POSITIVE_DELIVERY | Requested::DISPLAY));
    world.quiet();
    world.reply(flow, &request, 200, &[]);
    let (of, outcome) = world.outcome();
    assert_eq!(of, attempt);
    let Outcome::Sent(ids) = outcome else { panic!("sent") };
    assert_eq!(ids[0].0, name);
    world.quiet();
}

#[test]
fn the_same_message_has_the_same_name_however_often_it_is_sent() {
    let mut world = World::new();
    world.mina();
    let message = world.outgoing(text(PHONE, MINA, "hi"));
    let mut names = Vec::new();
    for _ in 0..2 {
        world.hand_over(Outgoing::Message(message.clone()));
        let (flow, request) = world.sent_request();
        let cpim = Cpim::read(request.body.clone()).unwrap();
        names.push((
            cpim.message_id().unwrap().to_owned(),
            request.headers.text(Name::ConversationId).unwrap().to_owned(),
            request.headers.text(Name::ContributionId).unwrap().to_owned(),
        ));
        world.reply(flow, &request, 480, &[]);
    }
    assert_eq!(names[0], names[1]);
}

/// Rcs sheet §8.2, and what the engine may do then.
#[test]
fn each_refusal_says_what_may_be_done() {
    for (status, headers, cause, retry) in [
        (404, vec![], Cause::UnknownSubscriber, Retry::OtherRoute),
        (480, vec![], Cause::Unreachable, Retry::WhenReachable),
        (413, vec![], Cause::TooLong, Retry::OtherRoute),
        (415, vec![], Cause::Unencodable, Retry::OtherRoute),
        (603, vec![], Cause::NetworkRefused, Retry::Never),
        (500, vec![], Cause::NetworkFailure, Retry::Scheduled),
        (
            503,
            vec![(Name::RetryAfter, "7")],
            Cause::Throttled,
            Retry::After(std::time::Duration::from_secs(7)),
        ),
    ] {
        let mut world = World::new();
        world.mina();
        world.text_to(MINA, "hi");
        let (flow, request) = world.sent_request();
        world.reply(flow, &request, status, &headers);
        assert_eq!(refused(world.outcome().1), (cause, retry), "{status}");
        world.quiet();
    }
}

#[test]
fn who_is_away_is_waited_for_and_who_is_nobody_is_reached_otherwise() {
    let mut world = World::new();
    world.settle();
    world.text_to(MINA, "hi");
    assert_eq!(refused(world.outcome().1), (Cause::Unreachable, Retry::WhenReachable));
    world.text_to(PHONE, "hi");
    assert_eq!(refused(world.outcome().1), (Cause::UnknownSubscriber, Retry::OtherRoute));
    world.quiet();
}

#[test]
fn beyond_us_a_message_goes_to_the_next_hop() {
    let mut of = settings();
    of.next_hop = Some(Uri::new("sip:198.51.100.7:5080;lr").unwrap());
    let mut world = World::with(of);
    world.settle();
    world.text_to(PHONE, "hi");
    let (flow, request) = world.sent_request();
    assert_eq!(flow.remote, "198.51.100.7:5080".parse().unwrap());
    assert_eq!(request.uri.as_str(), "tel:+821099998888");
    assert_eq!(request.headers.text(Name::Route), Some("<sip:198.51.100.7:5080;lr>"));
    world.wire.lock().unwrap().dead = true;
    world.text_to("+821099997777", "hi");
    assert_eq!(refused(world.outcome().1), (Cause::LinkDown, Retry::Scheduled));
}

#[test]
fn without_an_answer_nobody_knows() {
    let mut world = World::new();
    let to = world.mina();
    world.text_to(MINA, "hi");
    world.pass(33);
    assert_eq!(world.outcome().1, Outcome::Unknown);
    // Repeated meanwhile, as datagrams are (RFC 3261 timer E).
    assert!(world.sent.len() > 5 && world.sent.iter().all(|(flow, _)| *flow == to));
}

#[test]
fn all_devices_are_tried_at_once_and_the_first_that_takes_it_counts() {
    let mut world = World::new();
    world.mina();
    let second = udp("127.0.0.1:6002");
    world.register(second, MINA, "<sip:mina@127.0.0.1:6002>", "Expires: 600");
    world.settle();
    world.text_to(MINA, "hi");
    let (first, one) = world.sent_request();
    let (other, two) = world.sent_request();
    assert_ne!(first.remote, other.remote);
    world.reply(first, &one, 480, &[]);
    world.quiet();
    world.reply(other, &two, 200, &[]);
    assert!(matches!(world.outcome().1, Outcome::Sent(_)));
    world.quiet();
    // Both refuse: who may still take it has the last word.
    world.text_to(MINA, "again");
    let (first, one) = world.sent_request();
    let (other, two) = world.sent_request();
    world.reply(first, &one, 480, &[]);
    world.reply(other, &two, 603, &[]);
    assert_eq!(refused(world.outcome().1), (Cause::Unreachable, Retry::WhenReachable));
    world.quiet();
}

/// Rcs sheet §5, §23: baresip and its like.
#[test]
fn a_device_that_refuses_cpim_is_sent_text_and_known_from_then_on() {
    let mut world = World::new();
    world.mina();
    world.text_to(MINA, "안녕");
    let (flow, request) = world.sent_request();
    world.reply(flow, &request, 415, &[(Name::Accept, "text/plain, application/json")]);
    let (flow, again) = world.sent_request();
    assert_eq!(again.headers.text(Name::ContentType), Some("text/plain;charset=UTF-8"));
    assert_eq!(&again.body[..], "안녕".as_bytes());
    world.quiet();
    world.reply(flow, &again, 200, &[]);
    let Outcome::Sent(ids) = world.outcome().1 else { panic!("sent") };
    // No notification will come: the 200 is the delivery.
    let (receipt, ticket) = world.receipt();
    assert_eq!(
        (receipt.state, ticket, receipt.upstream[0].clone()),
        (ReceiptState::Delivered, None, ids[0].clone())
    );
    world.text_to(MINA, "2");
    let (flow, third) = world.sent_request();
    assert_eq!(third.headers.text(Name::ContentType), Some("text/plain;charset=UTF-8"));
    // Refused again: once is enough.
    world.reply(flow, &third, 415, &[(Name::Accept, "text/plain")]);
    assert_eq!(refused(world.outcome().1), (Cause::Unencodable, Retry::OtherRoute));
    world.quiet();
}

/// RFC 3428 §8, I7.
#[test]
fn messages_between_two_people_leave_one_after_the_other() {
    let mut world = World::new();
    world.mina();
    world.text_to(MINA, "1");
    world.text_to(MINA, "2");
    let other = world.outgoing(text("+821099990000", MINA, "other"));
    world.hand_over(Outgoing::Message(other));
    let (flow, first) = world.sent_request();
    let (_, third) = world.sent_request();
    world.quiet();
    world.reply(flow, &first, 200, &[]);
    let (_, second) = world.sent_request();
    let words = |request: &sip_message::Request| {
        String::from_utf8(Cpim::read(request.body.clone()).unwrap().content().to_vec()).unwrap()
    };
    assert_eq!([words(&first), words(&second), words(&third)], ["1", "2", "other"]);
}

/// RFC 3261 §18.1.1: by a stream, and as a datagram all the same when there is no stream.
#[test]
fn a_large_message_leaves_by_a_stream_if_there_is_one() {
    let mut world = World::new();
    world.mina();
    world.text_to(MINA, &"x".repeat(2_000));
    let (flow, request) = world.sent_request();
    assert_eq!((flow.transport, flow.remote), (Transport::Tcp, handset().remote));
    assert!(request.headers.text(Name::Via).unwrap().starts_with("SIP/2.0/TCP"));
    world.quiet();
    // Nobody accepts connections there.
    world.core.ended(world.now_us, flow, true);
    world.collect();
    let (flow, request) = world.sent_request();
    assert_eq!((flow.transport, flow.remote), (Transport::Udp, handset().remote));
    world.reply(handset(), &request, 200, &[]);
    assert!(matches!(world.outcome().1, Outcome::Sent(_)));
    world.quiet();
}

#[test]
fn a_connection_that_breaks_after_the_write_leaves_it_open_whether_it_arrived() {
    let mut world = World::new();
    let tcp = world.connection(40, "127.0.0.1:7001", Transport::Tcp);
    world.register(tcp, MINA, "<sip:mina@127.0.0.1:7001;transport=tcp>", "Expires: 600");
    world.settle();
    world.text_to(MINA, "hi");
    let (flow, _) = world.sent_request();
    assert_eq!(flow, tcp, "the connection it registered over");
    world.wire.lock().unwrap().open.remove(&40);
    world.core.ended(world.now_us, tcp, false);
    world.collect();
    assert_eq!(world.outcome().1, Outcome::Unknown);
    // The next one dials the address that it named.
    world.text_to(MINA, "again");
    let (flow, request) = world.sent_request();
    assert_eq!((flow.transport, flow.remote), (Transport::Tcp, tcp.remote));
    assert_ne!(flow.id, tcp.id);
    // What never left is certain.
    world.core.unsent(world.now_us, flow, &request.to_bytes());
    world.collect();
    assert_eq!(refused(world.outcome().1), (Cause::Unreachable, Retry::WhenReachable));
    world.quiet();
}

#[test]
fn a_device_behind_a_nat_is_reached_where_its_registration_came_from() {
    let mut world = World::new();
    let nat = udp("203.0.113.40:41000");
    world.register(nat, MINA, "<sip:mina@10.0.0.9:5060>", "Expires: 600");
    world.settle();
    world.text_to(MINA, "hi");
    let (flow, request) = world.sent_request();
    assert_eq!((flow, request.uri.as_str()), (nat, "sip:mina@10.0.0.9:5060"));
}

/// Rcs sheet §16.2: either side is told in the id that it knows.
#[test]
fn what_a_message_refers_to_is_named_as_its_reader_knows_it() {
    use model::{Answer, Content};
    use sip_rcs::cpim::Field;

    use crate::world::{JUN, peer};

    let mut world = World::new();
    world.mina();
    let head = |from: &str, to: &str| {
        format!(
            "MESSAGE tel:{to}
             From: <tel:{from}>;tag=f
             To: <tel:{to}>
             P-Asserted-Identity: <tel:{from}>
             Content-Type: message/cpim"
        )
    };
    let body = |id: &str, reference: &str| {
        format!(
            "From: <sip:anonymous@anonymous.invalid>\r\nTo: <sip:anonymous@anonymous.invalid>\r\n\
             NS: imdn <urn:ietf:params:imdn>\r\nimdn.Message-ID: {id}\r\n{reference}\r\n\
             Content-Type: text/plain\r\n\r\nx"
        )
    };
    let about = |id: &str| {
        format!("NS: g <http://www.gsma.com>\r\ng.Reference-ID: {id}\r\ng.Reference-Type: +Reaction\r\n")
    };
    let reference = |submission: &model::Submission| match &submission.content {
        Content::Rich(rich) => rich.about.as_ref().unwrap().reference.to_string(),
        _ => panic!("rich"),
    };
    // Jun writes to Mina; she sees it under a name of ours.
    world.request(peer(), &head(JUN, MINA), body("jun-1", "").as_bytes());
    let (submission, ticket) = world.submission();
    let id = world.id();
    world.answer(ticket, Answer::Accepted(id));
    world.sent.clear();
    let mut message = world.outgoing((*submission).clone());
    message.message = id;
    world.hand_over(Outgoing::Message(message));
    let (flow, request) = world.sent_request();
    let seen = Cpim::read(request.body.clone()).unwrap().message_id().unwrap().to_owned();
    world.reply(flow, &request, 200, &[]);
    world.outcome();
    // Mina reacts to what she saw: Jun is told in his own id, whatever network he is in.
    world.request(peer(), &head(MINA, JUN), body("mina-1", &about(&seen)).as_bytes());
    assert_eq!(reference(&world.submission().0), "jun-1");
    // Jun reacts to his own message: Mina is told in the id that she saw, once.
    world.request(peer(), &head(JUN, MINA), body("jun-2", &about("jun-1")).as_bytes());
    let (submission, _) = world.submission();
    assert_eq!(reference(&submission), seen);
    let message = world.outgoing((*submission).clone());
    world.hand_over(Outgoing::Message(message));
    let (_, request) = world.sent_request();
    let cpim = Cpim::read(request.body).unwrap();
    assert_eq!(cpim.all(Field::ReferenceId).count(), 1);
    assert_eq!(cpim.text(Field::ReferenceId), Some(seen.as_str()));
    // What nobody here knows stays as it is.
    world.request(peer(), &head(JUN, MINA), body("jun-3", &about("elsewhere")).as_bytes());
    assert_eq!(reference(&world.submission().0), "elsewhere");
}
