//! Group chats (rcs sheet §10, §13.3): devices, the gateway, and the focus between them.

use model::{Address, Answer, Cause, Content, For, Inbound, Outcome, Outgoing, ReceiptState};
use sip_message::{Message, Method, Name};
use sip_msrp::{Action, Status as MsrpStatus};
use sip_rcs::{
    Cpim,
    conference::{Roster, Status},
    mime::Kind,
};

use crate::{
    chat::world_with,
    handset::{Handset, next, reason},
    party::{
        CHAT, CONTRIBUTION, FACTORY, body, conference_of, create, creation, delivered, gathered, handsets,
        list, party, status,
    },
    world::{JUN, MINA, PHONE, number},
};

/// §10.1.
#[test]
fn the_factory_makes_a_group_and_its_members_are_invited_to_it() {
    let (mut world, mina, jun) = handsets();
    let ok = create(&mut world, &mina, &[JUN]);
    assert_eq!(ok.status, 200);
    let conference = conference_of(ok.headers.text(Name::Contact));
    assert!(conference.starts_with("sip:g") && conference.ends_with("@127.0.0.1:5060"), "{conference}");
    let (flow, invite) = world.sent_request();
    assert_eq!((flow.remote, invite.uri.as_str()), (jun.flow.remote, "sip:jun@127.0.0.1:6002"));
    let head = |name| invite.headers.text(name);
    assert!(head(Name::From).unwrap().starts_with("<sip:g"));
    assert_eq!(conference_of(head(Name::Contact)), conference);
    assert_eq!(head(Name::Subject), Some("Dinner"));
    assert_eq!(head(Name::ContributionId), Some(CONTRIBUTION));
    assert_eq!(head(Name::ConversationId), Some("5b1c7d30-8e0a-4a52-9f6d-2f1f0c9a7e11"));
    assert_eq!(head(Name::ReferredBy), Some(format!("<tel:{MINA}>").as_str()));
    assert!(head(Name::AcceptContact).unwrap().contains("oma.cpm.session.group"));
    let parts = sip_rcs::multipart::read(head(Name::ContentType).unwrap(), &invite.body).expect("two parts");
    assert_eq!(parts.iter().map(|part| part.kind()).collect::<Vec<_>>(), [Kind::Sdp, Kind::ResourceLists]);
    assert!(parts[1].disposition().unwrap().starts_with("recipient-list-history"));
    assert_eq!(sip_rcs::lists::read(&parts[1].content).expect("a list").len(), 2);
}

/// §10.1: an operator's limits, in the words of SIP.
#[test]
fn groups_that_may_not_be_are_refused_with_the_reason() {
    let (mut world, mina, _jun) = handsets();
    let alone = create(&mut world, &mina, &[]);
    assert_eq!(alone.status, 403);
    assert!(alone.headers.text(Name::Warning).unwrap().contains("No destinations"));
    let many: Vec<String> = (0..200).map(|at| format!("+8210{at:08}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    world.request(
        mina.flow,
        &creation(&mina, MINA, 2),
        body(&mina.sdp("a=setup:active\r\n"), &list(&many)).as_bytes(),
    );
    assert_eq!(world.status(), 486);
    world.request(
        mina.flow,
        &creation(&mina, MINA, 3),
        body(&mina.sdp("a=setup:active\r\n"), "<resource-lists>").as_bytes(),
    );
    assert_eq!(world.status(), 400);
    // One that is no more, or never was.
    let head = creation(&mina, MINA, 4)
        .replace(FACTORY, "sip:g0123456789abcdef01234567@ims.example")
        .replace("multipart/mixed;boundary=b", "application/sdp");
    world.request(mina.flow, &head, mina.sdp("a=setup:active\r\n").as_bytes());
    assert_eq!(world.status(), 404);
    world.quiet();
}

/// I1: the sender's 200 waits for the gateway's answer about every member.
#[test]
fn a_message_is_answered_when_it_is_stored_for_every_member() {
    let mut party = party();
    party.mina.says(&mut party.world, "Msg1", "안녕");
    let all = party.submissions();
    assert_eq!(all.iter().map(|(one, _)| one.to.clone()).collect::<Vec<_>>(), [number(JUN), number(PHONE)]);
    let words = |at: usize| match &all[at].0.content {
        Content::Text(text) => text.to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!((words(0).as_str(), words(1).as_str()), ("안녕", "Mina: 안녕"));
    assert!(matches!(all[1].0.from.reveal(For::Decision), Address::User(user) if user.messenger == "rcs"));
    assert!(party.mina.handset.fate().is_none(), "not stored yet");
    party.accept(&all[..1]);
    party.mina.handset.exchange(&mut party.world);
    assert!(party.mina.handset.fate().is_none(), "not for everybody");
    party.accept(&all[1..]);
    party.mina.handset.exchange(&mut party.world);
    assert!(matches!(party.mina.handset.fate(), Some(Action::Sent { .. })));

    let attempt = party.hand_over(&all[0].0);
    let heard = party.jun.hears(&mut party.world);
    assert_eq!(heard.from().map(|from| from.uri.0), Some(format!("tel:{MINA}").as_str()));
    assert_eq!((heard.message_id(), &heard.content()[..]), (Some("Msg1"), "안녕".as_bytes()));
    assert!(matches!(party.world.outcome(), (of, Outcome::Sent(ids)) if of == attempt && ids.len() == 1));
    party.world.quiet();
}

#[test]
fn what_the_gateway_does_not_take_for_anybody_is_refused() {
    let mut party = party();
    party.mina.says(&mut party.world, "Msg1", "x");
    for (_, ticket) in party.submissions() {
        party.world.answer(ticket, Answer::Refused(model::Refusal::ours(Cause::StoreUnavailable)));
    }
    party.mina.handset.exchange(&mut party.world);
    let Some(Action::Failed { failure, .. }) = party.mina.handset.fate() else { panic!("refused") };
    assert_eq!(failure, sip_msrp::Failure::Refused(MsrpStatus::STOP_SENDING));
}

/// I1: what is stored for one only is not taken; said again it is, and the one has it once.
#[test]
fn what_is_not_stored_for_everybody_is_refused_and_taken_when_it_is_said_again() {
    let mut party = party();
    party.mina.says(&mut party.world, "Msg1", "x");
    let first = party.submissions();
    party.accept(&first[..1]);
    party.world.answer(first[1].1, Answer::Refused(model::Refusal::ours(Cause::StoreUnavailable)));
    party.mina.handset.exchange(&mut party.world);
    let Some(Action::Failed { failure, .. }) = party.mina.handset.fate() else { panic!("refused") };
    assert_eq!(failure, sip_msrp::Failure::Refused(MsrpStatus::STOP_SENDING));

    party.mina.says(&mut party.world, "Msg1", "x");
    let again = party.submissions();
    let keys = |all: &[(std::sync::Arc<model::Submission>, model::Ticket)]| {
        all.iter().map(|(one, _)| one.idempotency_key.clone()).collect::<Vec<_>>()
    };
    assert_eq!(keys(&again), keys(&first));
    let known = party.world.outgoing((*again[0].0).clone()).message;
    party.world.answer(again[0].1, Answer::Duplicate(known));
    party.accept(&again[1..]);
    party.mina.handset.exchange(&mut party.world);
    assert!(matches!(party.mina.handset.fate(), Some(Action::Sent { .. })));
}

/// §7.2, §10.3.
#[test]
fn a_notification_of_a_member_reaches_who_wrote_the_message() {
    let mut party = party();
    party.mina.says(&mut party.world, "Msg1", "x");
    let all = party.submissions();
    party.accept(&all);
    party.hand_over(&all[0].0);
    party.jun.hears(&mut party.world);
    let (_, Outcome::Sent(ids)) = party.world.outcome() else { panic!("sent") };
    let imdn = format!(
        "From: <tel:{JUN}>\r\nTo: <tel:{MINA}>\r\nNS: imdn <urn:ietf:params:imdn>\r\nimdn.Message-ID: n1\r\n\r\n\
         Content-Type: message/imdn+xml\r\nContent-Disposition: notification\r\n\r\n\
         <imdn xmlns=\"urn:ietf:params:xml:ns:imdn\"><message-id>Msg1</message-id>\
         <datetime>2025-03-01T09:30:00.000+09:00</datetime><display-notification><status><displayed/>\
         </status></display-notification></imdn>"
    );
    party.jun.handset.say(&mut party.world, party.jun.session, "n001", "message/cpim", &imdn);
    let (receipt, Some(ticket)) = party.world.receipt() else { panic!("to be answered") };
    assert_eq!((receipt.state, &receipt.upstream[..]), (ReceiptState::Displayed, &ids[..]));
    assert!(party.jun.handset.fate().is_none());
    party.world.answer(ticket, Answer::Done);
    party.jun.handset.exchange(&mut party.world);
    assert!(matches!(party.jun.handset.fate(), Some(Action::Sent { .. })));
}

/// §13.3: one with a plain phone writes to the group's number, and everybody hears it.
#[test]
fn a_plain_phone_is_heard_in_the_group_and_leaves_by_a_word() {
    let mut party = party();
    let mut answer = crate::world::text(PHONE, MINA, "I come");
    answer.to = model::Pii::new(party.as_user());
    let attempt = party.hand_over(&answer);
    let all = party.submissions();
    assert_eq!(all.iter().map(|(one, _)| one.to.clone()).collect::<Vec<_>>(), [number(MINA), number(JUN)]);
    assert_eq!(all[0].0.from, number(PHONE));
    party.accept(&all);
    assert!(matches!(party.world.outcome(), (of, Outcome::Sent(_)) if of == attempt));
    assert_eq!(party.world.receipt().0.state, ReceiptState::Delivered);
    party.hand_over(&all[0].0);
    let heard = party.mina.hears(&mut party.world);
    assert_eq!(heard.from().map(|from| from.uri.0), Some(format!("tel:{PHONE}").as_str()));
    party.world.settle();

    answer.content = Content::Text("leave".into());
    party.hand_over(&answer);
    party.world.settle();
    answer.content = Content::Text("am I still there?".into());
    let attempt = party.hand_over(&answer);
    assert!(matches!(party.world.outcome(), (of, Outcome::Refused(_)) if of == attempt));
}

/// §10.2: everything first, then changes, one version each.
#[test]
fn members_hear_who_comes_and_goes() {
    let mut party = party();
    let ok = party.subscribe(600);
    assert_eq!((ok.status.code(), ok.headers.text(Name::Expires)), (200, Some("600")));
    let mut roster = Roster::default();
    let notify = party.notified(&mut roster);
    assert_eq!(notify.headers.text(Name::Event), Some("conference"));
    assert_eq!(notify.headers.text(Name::SubscriptionState), Some("active;expires=600"));
    assert_eq!(status(&roster, JUN), Some(Status::Connected));
    assert_eq!(status(&roster, PHONE), Some(Status::Connected));
    party.world.quiet();

    // Jun leaves.
    let bye = party.jun.head("BYE", &party.conference, "\nReason: SIP;cause=200;text=\"Call completed\"");
    party.world.request(party.jun.handset.flow, &bye, b"");
    assert_eq!(party.world.status(), 200);
    party.notified(&mut roster);
    assert_eq!(status(&roster, JUN), Some(Status::Disconnected));
    // He cannot come back by himself.
    let head = creation(&party.jun.handset, JUN, 7)
        .replace(FACTORY, &party.conference)
        .replace("multipart/mixed;boundary=b", "application/sdp");
    party.world.request(party.jun.handset.flow, &head, party.jun.handset.sdp("").as_bytes());
    let refused = party.world.sent_response();
    assert_eq!(refused.status, 403);
    assert!(refused.headers.text(Name::Warning).unwrap().contains("127 Service not authorised"));
    // Mina adds him again.
    let flow = party.mina.handset.flow;
    let added = party.refer(MINA, flow, &format!("tel:{JUN};method=INVITE"));
    assert_eq!((added.status.code(), added.headers.text(Name::ReferSub)), (202, Some("false")));
    let (_, invite) = party.world.sent_request();
    assert_eq!((invite.method.clone(), invite.uri.as_str()), (Method::INVITE, "sip:jun@127.0.0.1:6002"));
    party.notified(&mut roster);
    assert_eq!(status(&roster, JUN), Some(Status::Pending));
    // And wants to hear no more.
    let head = format!(
        "SUBSCRIBE {}
         From: <sip:{MINA}@ims.example>;tag=s1
         To: <{0}>;tag={}
         Call-ID: watch-1
         Contact: <sip:device@127.0.0.1:6001>
         Event: conference
         Expires: 0",
        party.conference,
        ok.to_tag().expect("a tag")
    );
    party.world.request(flow, &head, b"");
    assert_eq!(party.world.status(), 200);
    let last = party.notified(&mut roster);
    assert_eq!(last.headers.text(Name::SubscriptionState), Some("terminated;reason=timeout"));
    party.world.request(flow, &head, b"");
    assert_eq!(party.world.status(), 481);
}

#[test]
fn a_subscription_within_the_session_lives_in_its_dialog() {
    let mut party = party();
    let head = party.mina.head("SUBSCRIBE", &party.conference, "\nEvent: conference\nExpires: 600");
    party.world.request(party.mina.handset.flow, &head, b"");
    assert_eq!(party.world.status(), 200);
    let mut roster = Roster::default();
    let notify = party.notified(&mut roster);
    assert_eq!(notify.call_id(), "group1-101");
    assert_eq!(status(&roster, MINA), Some(Status::Connected));
    // It ends with the session.
    let bye = party.mina.head("BYE", &party.conference, "");
    party.world.request(party.mina.handset.flow, &bye, b"");
    assert_eq!(party.world.status(), 200);
    party.world.quiet();
}

#[test]
fn a_subscription_that_nobody_refreshes_ends() {
    let mut party = party();
    party.subscribe(60);
    let mut roster = Roster::default();
    party.notified(&mut roster);
    party.world.pass(61);
    party.world.sent.retain(
        |(_, message)| matches!(message, Message::Request(request) if request.method == Method::NOTIFY),
    );
    let last = party.notified(&mut roster);
    assert_eq!(last.headers.text(Name::SubscriptionState), Some("terminated;reason=timeout"));
    party.world.settle();
    assert_eq!(party.subscribe(30).status, 423);
    let other = "SUBSCRIBE sip:ims.example\nFrom: <sip:+821011110001@ims.example>;tag=s\nTo: <sip:ims.example>\nEvent: presence\nContact: <sip:a@b>";
    party.world.request(party.mina.handset.flow, other, b"");
    let refused = party.world.sent_response();
    assert_eq!((refused.status.code(), refused.headers.text(Name::AllowEvents)), (489, Some("conference")));
}

/// §10.3: only the chairman removes; who is removed hears 410.
#[test]
fn who_is_removed_is_told_that_the_group_is_over() {
    let mut party = party();
    let flow = party.jun.handset.flow;
    assert_eq!(party.refer(JUN, flow, &format!("tel:{MINA};method=BYE")).status, 403);
    assert_eq!(
        party.refer(MINA, party.mina.handset.flow, &format!("sip:{JUN}@ims.example?method=BYE")).status,
        202
    );
    let bye = next(&mut party.world, &Method::BYE);
    assert_eq!(reason(&bye).as_deref(), Some("SIP;cause=410;text=\"Gone\""));
    assert_eq!(party.refer(JUN, flow, "tel:+821033330003").status, 403);
    assert_eq!(party.refer(MINA, party.mina.handset.flow, "mailto:a@b").status, 404);
}

/// RFC 3261 §9: the phone of somebody who is removed stops ringing; one that is faster is hung up on.
#[test]
fn who_is_removed_while_it_rings_rings_no_more() {
    let (mut world, mina, jun) = handsets();
    let ok = create(&mut world, &mina, &[JUN, PHONE]);
    let conference = conference_of(ok.headers.text(Name::Contact));
    let (flow, invite) = world.sent_request();
    world.reply(flow, &invite, 180, &[]);
    let head = format!(
        "REFER {conference}
         From: <sip:{MINA}@ims.example>;tag=r1
         To: <{conference}>
         Contact: <sip:device@{}>
         Refer-Sub: false
         Refer-To: <tel:{JUN};method=BYE>",
        mina.flow.remote
    );
    world.request(mina.flow, &head, b"");
    let cancel = world.sent.iter().find_map(|(_, message)| match message {
        Message::Request(request) if request.method == Method::CANCEL => Some(request.clone()),
        _ => None,
    });
    let cancel = cancel.expect("the INVITE is taken back");
    assert_eq!((cancel.uri.as_str(), cancel.call_id()), (invite.uri.as_str(), invite.call_id()));
    world.settle();
    jun.take(&mut world, flow, &invite, "a=setup:active\r\n");
    next(&mut world, &Method::ACK);
    next(&mut world, &Method::BYE);
    world.quiet();
}

/// §10.3, RFC 5368: several at once, named by a list in the body.
#[test]
fn a_list_adds_several_members_and_removes_others_in_one_refer() {
    let mut party = party();
    let flow = party.mina.handset.flow;
    let head = format!(
        "REFER {0}
         From: <sip:{MINA}@ims.example>;tag=r1
         To: <{0}>
         Contact: <sip:device@{1}>
         Require: multiple-refer, norefersub
         Refer-Sub: false
         Refer-To: <cid:list@device>
         Content-Type: application/resource-lists+xml
         Content-Disposition: recipient-list
         Content-ID: <list@device>",
        party.conference, flow.remote
    );
    let (soo, min) = ("+821022220005", "+821022220006");
    let named = list(&[soo, min])
        .replace("</list>", &format!("<entry uri=\"sip:{JUN}@ims.example?method=BYE\"/></list>"));
    party.world.request(flow, &head, named.as_bytes());
    assert_eq!(party.world.status(), 202);
    assert_eq!(next(&mut party.world, &Method::BYE).uri.as_str(), "sip:device@127.0.0.1:6002");
    let asked: Vec<_> = party.submissions().iter().map(|(one, _)| one.to.clone()).collect();
    assert_eq!(asked, [number(soo), number(min)], "plain phones are asked by short messages");
    party.world.settle();
    party.subscribe(600);
    let mut roster = Roster::default();
    party.notified(&mut roster);
    let all = [soo, min, JUN].map(|who| status(&roster, who));
    assert_eq!(all, [Some(Status::Connected), Some(Status::Connected), Some(Status::Disconnected)]);

    // A list that cannot be read changes nothing.
    party.world.request(flow, &head, b"<resource-lists>");
    assert_eq!(party.world.status(), 400);
    party.world.quiet();
}

/// §10.3: said in the session of the chairman, heard by everybody in the state.
#[test]
fn the_chairman_gives_the_group_another_subject_in_the_session() {
    let mut party = party();
    party.subscribe(600);
    let mut roster = Roster::default();
    party.notified(&mut roster);
    let change = "From: <sip:a@b>\r\nTo: <sip:a@b>\r\n\r\n\
        Content-Type: application/vnd.oma.cpm-groupdata+xml\r\n\r\n\
        <group-data xmlns=\"urn:x\"><subject>Lunch</subject></group-data>";
    party.jun.handset.say(&mut party.world, party.jun.session, "s001", "message/cpim", change);
    party.jun.handset.exchange(&mut party.world);
    let Some(Action::Failed { failure, .. }) = party.jun.handset.fate() else { panic!("no chairman") };
    assert_eq!(failure, sip_msrp::Failure::Refused(MsrpStatus::FORBIDDEN));
    party.world.quiet();
    party.mina.handset.say(&mut party.world, party.mina.session, "s002", "message/cpim", change);
    party.notified(&mut roster);
    assert_eq!(roster.state().subject.as_ref().map(|subject| subject.as_str()), Some("Lunch"));
    party.mina.handset.exchange(&mut party.world);
    assert!(matches!(party.mina.handset.fate(), Some(Action::Sent { .. })));
    assert!(party.world.inbound.is_empty(), "nobody is charged for it");
}

/// §10.3: a lost bearer is no leaving; what is said meanwhile waits at most for one more invitation.
#[test]
fn who_lost_the_way_is_invited_with_the_next_message() {
    let mut party = party();
    let bye = party.jun.head("BYE", &party.conference, "");
    party.world.request(party.jun.handset.flow, &bye, b"");
    assert_eq!(party.world.status(), 200);
    party.mina.says(&mut party.world, "Msg1", "x");
    let all = party.submissions();
    party.accept(&all);
    party.world.settle();
    let attempt = party.hand_over(&all[0].0);
    let (flow, invite) = party.world.sent_request();
    assert_eq!(invite.method, Method::INVITE);
    party.jun.handset.take(&mut party.world, flow, &invite, "a=setup:active\r\n");
    next(&mut party.world, &Method::ACK);
    party.jun.handset.endpoint.close(party.world.now_us, party.jun.session, &mut Vec::new());
    party.jun.session = party.jun.handset.come(&mut party.world, &invite);
    assert_eq!(party.jun.hears(&mut party.world).message_id(), Some("Msg1"));
    assert!(matches!(party.world.outcome(), (of, Outcome::Sent(_)) if of == attempt));
    // By dialling the group he comes back himself: the session he had is over.
    let head = creation(&party.jun.handset, JUN, 7)
        .replace(FACTORY, &party.conference)
        .replace("multipart/mixed;boundary=b", "application/sdp");
    let sdp = party.jun.handset.sdp("a=setup:active\r\n");
    party.world.request(party.jun.handset.flow, &head, sdp.as_bytes());
    assert_eq!(party.world.status(), 200);
    next(&mut party.world, &Method::BYE);
    party.world.quiet();
}

/// Engine: a leg's time is over while the member does not come.
#[test]
fn what_waits_for_a_member_can_be_taken_back() {
    let mut party = party();
    let bye = party.jun.head("BYE", &party.conference, "");
    party.world.request(party.jun.handset.flow, &bye, b"");
    party.mina.says(&mut party.world, "Msg1", "x");
    let all = party.submissions();
    party.accept(&all);
    party.world.settle();
    let message = party.world.outgoing((*all[0].0).clone());
    party.world.hand_over(Outgoing::Message(message.clone()));
    party.world.settle();
    let revoke =
        model::OutgoingMessage { attempt: model::AttemptId { slot: 900, generation: 0 }, ..message.clone() };
    party.world.hand_over(Outgoing::Revoke(revoke));
    assert!(matches!(party.world.outcome(), (of, Outcome::Refused(refusal))
        if of == message.attempt && refusal.cause == Cause::Cancelled));
    assert!(matches!(party.world.outcome(), (of, Outcome::Sent(_)) if of.slot == 900));
}

#[test]
fn when_we_stop_everybody_hears_it_and_nothing_is_kept() {
    let mut party = party();
    let now = party.world.now_us;
    party.world.core.drain(now);
    party.world.collect();
    let byes =
        party.world.sent.iter().filter(
            |(_, message)| matches!(message, Message::Request(request) if request.method == Method::BYE),
        );
    assert_eq!(byes.count(), 2);
    assert!(party.world.core.is_idle());
}

/// What the README says about a restart: only what was kept is left.
#[test]
fn a_group_goes_on_after_a_restart() {
    let mut party = party();
    party.mina.says(&mut party.world, "Msg1", "안녕");
    let all = party.submissions();
    party.accept(&all);
    let conference = party.conference.clone();
    let mut world = party.world.restarted();
    let (mina, jun) = (&mut party.mina.handset, &mut party.jun.handset);
    for (flow, who, name) in [(mina.flow, MINA, "mina@127.0.0.1:6001"), (jun.flow, JUN, "jun@127.0.0.1:6002")]
    {
        let contact = format!("<sip:{name}>;{CHAT}");
        assert_eq!(world.register(flow, who, &contact, "Expires: 600").status, 200);
    }
    world.settle();
    // The gateway hands it over again: Jun is invited to the same group and gets it.
    let message = world.outgoing((*all[0].0).clone());
    world.hand_over(Outgoing::Message(message));
    let (_, invite) = world.sent_request();
    assert_eq!((&invite.method, invite.uri.as_str()), (&Method::INVITE, "sip:jun@127.0.0.1:6002"));
    assert_eq!(conference_of(invite.headers.text(Name::Contact)), conference);
    assert_eq!(invite.headers.text(Name::ContributionId), Some(CONTRIBUTION));
    assert_eq!(invite.headers.text(Name::Subject), Some("Dinner"));
    assert_eq!(invite.headers.text(Name::ReferredBy), Some(format!("<tel:{MINA}>").as_str()));
    // Mina dials it.
    let head = creation(mina, MINA, 7)
        .replace(FACTORY, &conference)
        .replace("multipart/mixed;boundary=b", "application/sdp");
    world.request(mina.flow, &head, mina.sdp("a=setup:active\r\n").as_bytes());
    let ok = world.sent_response();
    assert_eq!((ok.status.code(), conference_of(ok.headers.text(Name::Contact))), (200, conference));
    // The phone writes to it.
    world.settle();
    let mut answer = crate::world::text(PHONE, MINA, "I come");
    answer.to = model::Pii::new(party.as_user());
    let message = world.outgoing(answer);
    world.hand_over(Outgoing::Message(message));
    let heard: Vec<_> = world
        .inbound
        .iter()
        .map(|one| match one {
            Inbound::Submit { submission, .. } => submission.to.clone(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(heard, [number(MINA), number(JUN)]);
}

/// §8.1: what a client did not list as wrapped comes by MESSAGE.
#[test]
fn a_report_goes_by_message_to_a_client_that_takes_none_in_sessions_and_to_who_is_away() {
    let (world, mut mina, jun) = handsets();
    mina.wrapped = "text/plain";
    let mut party = gathered((world, mina, jun));
    party.mina.says(&mut party.world, "Msg1", "x");
    let all = party.submissions();
    party.accept(&all);
    party.mina.handset.exchange(&mut party.world);
    let about_phone = party.world.outgoing((*all[1].0).clone());
    party.world.hand_over(delivered(&all[1].0, &about_phone));
    let report = next(&mut party.world, &Method::MESSAGE);
    assert_eq!(report.uri.as_str(), "sip:mina@127.0.0.1:6001");
    let cpim = Cpim::read(report.body).expect("CPIM");
    assert_eq!(cpim.kind(), Kind::Imdn);
    assert!(cpim.from().is_some_and(|from| from.uri.0.contains(PHONE)));
    party.world.settle();
    let bye = party.mina.head("BYE", &party.conference, "");
    party.world.request(party.mina.handset.flow, &bye, b"");
    party.world.settle();
    let about_jun = party.world.outgoing((*all[0].0).clone());
    party.world.hand_over(delivered(&all[0].0, &about_jun));
    next(&mut party.world, &Method::MESSAGE);
}

/// A member whom a network beyond us reaches is one with RCS from then on: messages take that way, not SMS.
#[test]
fn a_member_in_another_network_is_known_to_have_rcs_once_it_came() {
    let (mut world, mina) = world_with(|settings| settings.next_hop = "sip:192.0.2.9:5060;lr".parse().ok());
    let ok = create(&mut world, &mina, &[PHONE]);
    assert_eq!(ok.status, 200);
    let (flow, invite) = world.sent_request();
    assert_eq!(
        (flow.remote, invite.uri.as_str()),
        (crate::world::peer().remote, format!("tel:{PHONE}").as_str())
    );
    assert!(invite.headers.text(Name::PAssertedService).unwrap().ends_with("session.group"));
    let mut there = Handset::new(flow, 103);
    there.take(&mut world, flow, &invite, "a=setup:active\r\n");
    next(&mut world, &Method::ACK);
    there.come(&mut world, &invite);
    let told = world.inbound.pop_front();
    assert!(
        matches!(&told, Some(Inbound::Presence { number, presence: model::Presence::Here { .. }, .. })
            if *number == model::Pii::new(model::Number::written(PHONE))),
        "{told:?}"
    );
    world.quiet();
}
