//! Taking messages back (rcs sheet §16.1).

use model::{Answer, AttemptId, Cause, Command, Inbound, Outcome, Outgoing, OutgoingMessage, Refusal};
use sip_message::Request;
use sip_rcs::{Cpim, mime::Kind, revoke};

use crate::world::{CHANNEL, MINA, PHONE, World, handset, peer, text};

/// Mina's handset can take messages back.
fn able() -> World {
    let mut world = World::new();
    world.register(handset(), MINA, "<sip:mina@127.0.0.1:6001>;+g.gsma.rcs.msgrevoke", "Expires: 600");
    world.settle();
    world
}

/// A message that reached Mina; what it is called.
fn sent(world: &mut World) -> (OutgoingMessage, String) {
    let message = world.outgoing(text(PHONE, MINA, "oops"));
    world.hand_over(Outgoing::Message(message.clone()));
    let (flow, request) = world.sent_request();
    let name = Cpim::read(request.body.clone()).expect("CPIM").message_id().expect("a name").to_owned();
    world.reply(flow, &request, 200, &[]);
    assert!(matches!(world.outcome().1, Outcome::Sent(_)));
    (message, name)
}

fn revoking(message: &OutgoingMessage) -> Outgoing {
    let attempt = AttemptId { slot: 99, generation: 9 };
    Outgoing::Revoke(OutgoingMessage { attempt, ..message.clone() })
}

fn document(request: &Request) -> (String, Option<bool>) {
    let cpim = Cpim::read(request.body.clone()).expect("CPIM");
    assert_eq!(cpim.kind(), Kind::Revocation);
    let read = revoke::read(cpim.content()).expect("a revocation");
    (read.message_id.into_owned(), read.result)
}

fn says(from: &str, to: &str, message_id: &str, result: &str) -> (String, Vec<u8>) {
    let head = format!(
        "MESSAGE tel:{to}
         From: <tel:{from}>;tag=f
         To: <tel:{to}>
         P-Asserted-Identity: <tel:{from}>
         Content-Type: message/cpim"
    );
    let body = format!(
        "From: <sip:anonymous@anonymous.invalid>\r\nTo: <sip:anonymous@anonymous.invalid>\r\n\r\n\
         Content-Type: application/vnd.gsma.rcsrevoke+xml\r\n\r\n\
         <imRevoke xmlns=\"urn:gsma:params:xml:ns:rcs:rcs:imrevoke\"><Message-ID>{message_id}</Message-ID>{result}</imRevoke>"
    );
    (head, body.into_bytes())
}

#[test]
fn a_device_takes_a_message_back_or_says_that_it_is_too_late() {
    for (result, outcome) in
        [("<result>success</result>", None), ("<result>failed</result>", Some(Cause::TooLate))]
    {
        let mut world = able();
        let (message, name) = sent(&mut world);
        world.hand_over(revoking(&message));
        let (flow, request) = world.sent_request();
        assert_eq!(document(&request), (name.clone(), None));
        world.reply(flow, &request, 200, &[]);
        world.quiet();
        let (head, body) = says(MINA, PHONE, &name, result);
        world.request(peer(), &head, &body);
        assert_eq!(world.status(), 200);
        let (attempt, said) = world.outcome();
        assert_eq!(attempt, AttemptId { slot: 99, generation: 9 });
        match (outcome, said) {
            (None, Outcome::Sent(_)) => {}
            (Some(cause), Outcome::Refused(refusal)) => assert_eq!(refusal.cause, cause),
            (_, other) => panic!("{other:?}"),
        }
        world.quiet();
    }
}

#[test]
fn what_cannot_be_taken_back_is_refused() {
    // A device that never said it could.
    let mut world = World::new();
    world.mina();
    let (message, _) = sent(&mut world);
    world.hand_over(revoking(&message));
    assert!(matches!(world.outcome().1, Outcome::Refused(refusal) if refusal.cause == Cause::Policy));
    // One that refuses the request itself.
    let mut world = able();
    let (message, _) = sent(&mut world);
    world.hand_over(revoking(&message));
    let (flow, request) = world.sent_request();
    world.reply(flow, &request, 415, &[]);
    assert!(matches!(world.outcome().1, Outcome::Refused(refusal) if refusal.cause == Cause::Policy));
    // One that takes it and says nothing.
    world.hand_over(revoking(&message));
    let (flow, request) = world.sent_request();
    world.reply(flow, &request, 200, &[]);
    world.pass(11);
    assert!(matches!(world.outcome().1, Outcome::Refused(refusal) if refusal.cause == Cause::AnswerLost));
    world.quiet();
    // Somebody else says what came of it.
    world.hand_over(revoking(&message));
    let (flow, request) = world.sent_request();
    world.reply(flow, &request, 200, &[]);
    let (head, body) = says(MINA, PHONE, "AAAAAAAAAAAAAAAAAAAAAA", "<result>success</result>");
    world.request(peer(), &head, &body);
    assert_eq!(world.status(), 200);
    world.quiet();
}

#[test]
fn a_message_that_waits_behind_another_one_is_never_sent() {
    let mut world = able();
    world.text_to(MINA, "first");
    let (flow, first) = world.sent_request();
    let second = world.outgoing(text(PHONE, MINA, "oops"));
    world.hand_over(Outgoing::Message(second.clone()));
    world.quiet();
    world.hand_over(revoking(&second));
    let (attempt, outcome) = world.outcome();
    assert_eq!(attempt, second.attempt);
    assert!(matches!(outcome, Outcome::Refused(refusal) if refusal.cause == Cause::Cancelled));
    assert_eq!(world.outcome(), (AttemptId { slot: 99, generation: 9 }, Outcome::Sent(Default::default())));
    world.reply(flow, &first, 200, &[]);
    world.outcome();
    world.quiet();
}

/// The one who holds the message decides, and the sender is told.
#[test]
fn a_sender_takes_a_message_back_by_the_id_that_he_gave_it() {
    for (answer, taken_back) in [
        (Answer::Done, true),
        (Answer::Refused(Refusal::ours(Cause::TooLate)), false),
        (Answer::NotOpen, false),
    ] {
        let mut world = World::new();
        world.settle();
        let body = "From: <sip:anonymous@anonymous.invalid>\r\nTo: <sip:anonymous@anonymous.invalid>\r\n\
                    NS: imdn <urn:ietf:params:imdn>\r\nimdn.Message-ID: Msg1\r\n\r\n\
                    Content-Type: text/plain\r\n\r\noops";
        let (head, _) = says(MINA, PHONE, "", "");
        world.request(peer(), &head, body.as_bytes());
        let (_, ticket) = world.submission();
        let id = world.id();
        world.answer(ticket, Answer::Accepted(id));
        assert_eq!(world.status(), 202);
        let (head, body) = says(MINA, PHONE, "Msg1", "");
        world.request(peer(), &head, &body);
        let Some(Inbound::Command { command: Command::Cancel { origin, message }, ticket }) =
            world.inbound.pop_front()
        else {
            panic!("a command")
        };
        assert_eq!((origin, message), (CHANNEL, id));
        world.answer(ticket, answer);
        assert_eq!(world.status(), 200);
        let (flow, request) = world.sent_request();
        assert_eq!(flow.remote, peer().remote);
        assert_eq!(document(&request), ("Msg1".into(), Some(taken_back)));
        world.quiet();
    }
}

#[test]
fn nobody_takes_back_what_somebody_else_sent() {
    let mut world = World::new();
    world.settle();
    let (head, body) = says(MINA, PHONE, "Msg1", "");
    world.request(peer(), &head, &body);
    assert_eq!(world.status(), 200);
    let (_, request) = world.sent_request();
    assert_eq!(document(&request), ("Msg1".into(), Some(false)));
    world.quiet();
    let (head, _) = says(MINA, PHONE, "", "");
    world.request(peer(), &head, b"Content-Type: application/vnd.gsma.rcsrevoke+xml\r\n\r\n<x>");
    assert_eq!(world.status(), 400);
}
