//! Reports out (rcs sheet §7.2, §13.5), and typing.

use std::sync::Arc;

use model::{
    Address, Answer, AttemptId, Cause, ChannelKind, Disposition, Number, Outcome, Outgoing, Pii, Report,
    Retry, Signal, SignalKind, Submission, Timestamp,
};
use sip_message::{Name, Uri};
use sip_rcs::{Cpim, imdn};
use sip_transaction::Transport;

use crate::world::{MINA, PHONE, World, peer, settings};

const CPIM: &str = "From: <sip:anonymous@anonymous.invalid>\r\n\
                    To: <sip:anonymous@anonymous.invalid>\r\n\
                    NS: imdn <urn:ietf:params:imdn>\r\n\
                    imdn.Message-ID: Msg7d3a91\r\n\
                    DateTime: 2025-03-01T09:30:00.000+09:00\r\n\
                    imdn.Disposition-Notification: positive-delivery, negative-delivery, display, interworking\r\n\
                    \r\n\
                    Content-Type: text/plain;charset=UTF-8\r\n\
                    \r\n\
                    hello";

/// A message of Mina's that was accepted, from that address.
fn accepted(world: &mut World, flow: sip_transaction::Flow) -> Arc<Submission> {
    world.request(
        flow,
        &format!(
            "MESSAGE tel:{PHONE}
             From: <tel:{MINA}>;tag=f
             To: <tel:{PHONE}>
             P-Asserted-Identity: <tel:{MINA}>
             Conversation-ID: conv-1
             Contribution-ID: contrib-1
             Content-Type: message/cpim"
        ),
        CPIM.as_bytes(),
    );
    let (submission, ticket) = world.submission();
    let id = world.id();
    world.answer(ticket, Answer::Accepted(id));
    world.sent.clear();
    submission
}

fn report(world: &mut World, submission: &Arc<Submission>, disposition: Disposition) -> Report {
    Report {
        attempt: AttemptId { slot: 5, generation: 1 },
        message: world.id(),
        submission: submission.clone(),
        disposition,
        cause: None,
        code: None,
        at: Timestamp::ZERO,
        segments: 1,
        displayed: false,
        intermediate: false,
        via: None,
    }
}

#[test]
fn a_report_goes_back_the_way_its_message_came() {
    let mut world = World::new();
    world.settle();
    let submission = accepted(&mut world, peer());
    let delivered = report(&mut world, &submission, Disposition::Delivered);
    world.hand_over(Outgoing::Report(delivered));
    let (flow, request) = world.sent_request();
    assert_eq!(flow.remote, peer().remote);
    assert_eq!(request.uri.as_str(), format!("tel:{MINA}"));
    assert_eq!(request.headers.text(Name::PAssertedIdentity), Some("<tel:+821099998888>"));
    assert_eq!(request.headers.text(Name::ConversationId), Some("conv-1"));
    let cpim = Cpim::read(request.body.clone()).unwrap();
    let read = imdn::read(cpim.content()).unwrap();
    assert_eq!((&*read[0].message_id, &*read[0].date_time), ("Msg7d3a91", "2025-03-01T09:30:00.000+09:00"));
    assert_eq!(read[0].disposition, imdn::Disposition::Delivered);
    assert!(imdn::Requested::of(&cpim).is_empty(), "a notification asks for none");
    world.quiet();
    world.reply(peer(), &request, 200, &[]);
    assert_eq!(world.outcome(), (AttemptId { slot: 5, generation: 1 }, Outcome::Sent(Default::default())));
    world.quiet();
}

#[test]
fn each_end_is_said_in_its_own_words() {
    use imdn::Disposition as Said;
    for (disposition, displayed, intermediate, said) in [
        (Disposition::Undeliverable, false, false, Some(Said::Failed)),
        (Disposition::Expired, false, false, Some(Said::Failed)),
        (Disposition::Rejected, false, false, Some(Said::DeliveryForbidden)),
        (Disposition::Lost, false, false, Some(Said::DeliveryError)),
        (Disposition::Delivered, true, false, Some(Said::Displayed)),
        (Disposition::Sent, false, true, Some(Said::LegacySms)),
        // Processing was not asked for.
        (Disposition::HandedOver, false, false, None),
    ] {
        let mut world = World::new();
        world.settle();
        let submission = accepted(&mut world, peer());
        let of = report(&mut world, &submission, disposition);
        world.hand_over(Outgoing::Report(Report {
            displayed,
            intermediate,
            via: Some(ChannelKind::Smsc),
            ..of
        }));
        match said {
            Some(said) => {
                let (_, request) = world.sent_request();
                let cpim = Cpim::read(request.body).unwrap();
                assert_eq!(imdn::read(cpim.content()).unwrap()[0].disposition, said);
            }
            None => assert_eq!(world.outcome().1, Outcome::Sent(Default::default())),
        }
        world.quiet();
    }
}

#[test]
fn a_report_for_a_user_of_ours_goes_to_the_device_or_waits_for_it() {
    let mut world = World::new();
    let tcp = world.connection(40, "127.0.0.1:7001", Transport::Tcp);
    world.register(tcp, MINA, "<sip:mina@127.0.0.1:7001;transport=tcp>", "Expires: 600");
    world.settle();
    let submission = accepted(&mut world, tcp);
    let delivered = report(&mut world, &submission, Disposition::Delivered);
    world.hand_over(Outgoing::Report(delivered.clone()));
    let (flow, request) = world.sent_request();
    assert_eq!((flow, request.uri.as_str()), (tcp, "sip:mina@127.0.0.1:7001;transport=tcp"));
    world.reply(tcp, &request, 200, &[]);
    world.outcome();
    world.register(tcp, MINA, "*", "Expires: 0");
    world.settle();
    world.hand_over(Outgoing::Report(delivered));
    let (_, outcome) = world.outcome();
    assert!(
        matches!(outcome, Outcome::Refused(refusal) if refusal.cause == Cause::Unreachable && refusal.retry == Retry::WhenReachable)
    );
    world.quiet();
}

#[test]
fn a_report_nobody_answers_is_not_known_to_have_arrived() {
    let mut of = settings();
    of.next_hop = Some(Uri::new("sip:198.51.100.7").unwrap());
    let mut world = World::with(of);
    world.settle();
    let submission = accepted(&mut world, peer());
    let delivered = report(&mut world, &submission, Disposition::Delivered);
    world.hand_over(Outgoing::Report(delivered));
    world.pass(33);
    world.sent.clear();
    assert_eq!(world.outcome().1, Outcome::Unknown);
    world.quiet();
}

#[test]
fn typing_is_shown_to_devices_and_nothing_comes_back() {
    let mut world = World::new();
    let to = world.mina();
    let number = |text: &str| Pii::new(Address::Number(Number::written(text)));
    let signal = Signal { from: number(PHONE), to: number(MINA), kind: SignalKind::Typing { on: true } };
    world.hand_over(Outgoing::Signal(signal.clone()));
    let (flow, request) = world.sent_request();
    assert_eq!(flow, to);
    let cpim = Cpim::read(request.body.clone()).unwrap();
    assert!(sip_rcs::iscomposing::read(cpim.content()).unwrap().active);
    world.reply(flow, &request, 415, &[]);
    world.hand_over(Outgoing::Signal(signal));
    world.quiet();
}

#[test]
fn a_mark_that_came_from_one_device_leaves_to_another() {
    let mut world = World::new();
    world.mina();
    world.request(
        peer(),
        &format!(
            "MESSAGE tel:{MINA}
             From: <tel:{PHONE}>;tag=f
             To: <tel:{MINA}>
             P-Asserted-Identity: <tel:{PHONE}>
             Content-Type: application/im-iscomposing+xml"
        ),
        b"<isComposing xmlns=\"urn:ietf:params:xml:ns:im-iscomposing\"><state>active</state></isComposing>",
    );
    assert_eq!(world.status(), 200);
    let Some(model::Inbound::Signal { signal, .. }) = world.inbound.pop_front() else { panic!("a signal") };
    world.hand_over(Outgoing::Signal(signal));
    world.sent_request();
}
