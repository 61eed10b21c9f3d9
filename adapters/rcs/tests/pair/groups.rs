//! Group chats (rcs sheet §10, §13.3): devices, the gateway, and the focus between them.

use model::{
    Address, Answer, Cause, Content, For, Inbound, Outcome, Outgoing, ReceiptState, Submission, Ticket,
};
use sip_message::{Message, Method, Name, Request, Response};
use sip_msrp::{Action, SessionKey, Status as MsrpStatus};
use sip_rcs::{
    Cpim,
    conference::{self, Roster, Status},
    mime::Kind,
};
use sip_transaction::Flow;

use crate::{
    chat::world_with,
    handset::{Handset, OTHER_LINE, cpim, next, reason},
    ladder::Ladder,
    world::{JUN, MINA, PHONE, World, number, other_handset},
};

const CHAT: &str = "+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.session\"";
pub(crate) const FACTORY: &str = "sip:conference-factory@ims.example";
const CONTRIBUTION: &str = "c2a4f0de-6b39-4d0e-8a77-90b1d5e3f642";

/// One member's handset in the group.
struct Seat {
    handset: Handset,
    session: SessionKey,
    /// The dialog, as its side names it: From, To, Call-ID.
    dialog: [String; 3],
    cseq: u32,
}

struct Party {
    world: World,
    mina: Seat,
    jun: Seat,
    /// The conference URI, as our Contact says.
    conference: String,
}

pub(crate) fn list(numbers: &[&str]) -> String {
    let entries: String = numbers.iter().map(|number| format!("<entry uri=\"tel:{number}\"/>")).collect();
    format!(
        "<?xml version=\"1.0\"?><resource-lists xmlns=\"urn:ietf:params:xml:ns:resource-lists\">\
         <list>{entries}</list></resource-lists>"
    )
}

/// A body of a description and a list.
pub(crate) fn body(sdp: &str, list: &str) -> String {
    format!(
        "--b\r\nContent-Type: application/sdp\r\n\r\n{sdp}\r\n--b\r\n\
         Content-Type: application/resource-lists+xml\r\nContent-Disposition: recipient-list\r\n\r\n{list}\r\n--b--\r\n"
    )
}

fn creation(handset: &Handset, from: &str, call: u32) -> String {
    format!(
        "INVITE {FACTORY}
         From: \"Mina\" <sip:{from}@ims.example>;tag=h{call}
         To: <{FACTORY}>
         Call-ID: group{call}-{}
         CSeq: 1 INVITE
         Contact: <sip:device@{}>
         Supported: timer
         Require: recipient-list-invite
         Allow: INVITE, ACK, BYE, CANCEL, UPDATE
         Subject: Dinner
         P-Preferred-Service: urn:urn-7:3gpp-service.ims.icsi.oma.cpm.session.group
         Conversation-ID: 5b1c7d30-8e0a-4a52-9f6d-2f1f0c9a7e11
         Contribution-ID: {CONTRIBUTION}
         Content-Type: multipart/mixed;boundary=b",
        handset.line.0, handset.flow.remote
    )
}

fn create(world: &mut World, mina: &Handset, members: &[&str]) -> Response {
    let body = body(&mina.sdp("a=setup:active\r\n"), &list(members));
    world.request(mina.flow, &creation(mina, MINA, 1), body.as_bytes());
    world.sent_response()
}

fn conference_of(contact: Option<&str>) -> String {
    let contact = contact.expect("a Contact");
    assert!(contact.contains(">;isfocus;+g.3gpp.icsi-ref="), "{contact}");
    contact.split(['<', '>']).nth(1).expect("a URI").to_owned()
}

impl Seat {
    /// The head of a request within the session's dialog.
    fn head(&mut self, method: &str, uri: &str, more: &str) -> String {
        let [from, to, call_id] = &self.dialog;
        if method != "ACK" {
            self.cseq += 1;
        }
        format!(
            "{method} {uri}\nFrom: {from}\nTo: {to}\nCall-ID: {call_id}\nCSeq: {} {method}\nContact: <sip:device@{}>{more}",
            self.cseq, self.handset.flow.remote
        )
    }

    fn says(&mut self, world: &mut World, id: &str, words: &str) {
        self.handset.say(world, self.session, id, "message/cpim", &cpim(id, words));
    }

    /// What came last, in CPIM.
    fn hears(&mut self, world: &mut World) -> Cpim {
        self.handset.exchange(world);
        let (_, content_type, body) = self.handset.delivered().expect("something said");
        assert_eq!(content_type, "message/cpim");
        Cpim::read(body).expect("CPIM")
    }
}

/// Both handsets registered.
fn handsets() -> (World, Handset, Handset) {
    let (mut world, mina) = world_with(|_| {});
    let flow = other_handset();
    for (at, who, name) in [(mina.flow, MINA, "mina@127.0.0.1:6001"), (flow, JUN, "jun@127.0.0.1:6002")] {
        assert_eq!(world.register(at, who, &format!("<sip:{name}>;{CHAT}"), "Expires: 600").status, 200);
    }
    world.settle();
    (world, mina, Handset::new(flow, OTHER_LINE.0))
}

/// Mina has created a group with Jun, who is in it, and with somebody who has only a plain phone.
fn party() -> Party {
    gathered(handsets())
}

fn gathered((mut world, mut mina, mut jun): (World, Handset, Handset)) -> Party {
    let ok = create(&mut world, &mina, &[JUN, PHONE]);
    assert_eq!(ok.status, 200, "{ok:?}");
    let conference = conference_of(ok.headers.text(Name::Contact));
    let (flow, invite) = world.sent_request();
    let to = format!("{};tag={}", format_args!("<{FACTORY}>"), ok.to_tag().expect("a tag"));
    let dialog = [format!("<sip:{MINA}@ims.example>;tag=h1"), to, "group1-101".to_owned()];
    // The one without RCS is asked by a short message, at once.
    let (asked, ticket) = world.submission();
    assert_eq!(asked.to, number(PHONE));
    let of_mina = mina.connect(&mut world, &ok, 1);
    let mut mina = Seat { handset: mina, session: of_mina.session, dialog, cseq: 1 };
    let ack = mina.head("ACK", &conference, "");
    world.request(mina.handset.flow, &ack, b"");
    jun.take(&mut world, flow, &invite, "a=setup:active\r\n");
    next(&mut world, &Method::ACK);
    let of_jun = jun.come(&mut world, &invite);
    let name = |name| invite.headers.text(name).expect("a header").to_owned();
    let dialog = [format!("{};tag=device", name(Name::To)), name(Name::From), name(Name::CallId)];
    let jun = Seat { handset: jun, session: of_jun, dialog, cseq: 1 };
    let id = world.id();
    world.answer(ticket, Answer::Accepted(id));
    world.quiet();
    Party { world, mina, jun, conference }
}

impl Party {
    fn submissions(&mut self) -> Vec<(std::sync::Arc<Submission>, Ticket)> {
        self.world
            .inbound
            .drain(..)
            .map(|one| match one {
                Inbound::Submit { submission, ticket } => (submission, ticket),
                other => panic!("a submission, not {other:?}"),
            })
            .collect()
    }

    fn accept(&mut self, all: &[(std::sync::Arc<Submission>, Ticket)]) {
        for (_, ticket) in all {
            let id = self.world.id();
            self.world.answer(*ticket, Answer::Accepted(id));
        }
    }

    fn hand_over(&mut self, submission: &Submission) -> model::AttemptId {
        let message = self.world.outgoing(submission.clone());
        let attempt = message.attempt;
        self.world.hand_over(Outgoing::Message(message));
        attempt
    }

    /// The group as phones and messengers write to it.
    fn as_user(&self) -> Address {
        let id = self.conference.split([':', '@']).nth(1).expect("an id");
        Address::User(model::User { messenger: "rcs".into(), id: id.into() })
    }

    /// Mina subscribes to the state, outside of her session.
    fn subscribe(&mut self, expires: u32) -> Response {
        let head = format!(
            "SUBSCRIBE {}
             From: <sip:{MINA}@ims.example>;tag=s1
             To: <{0}>
             Call-ID: watch-1
             Contact: <sip:device@127.0.0.1:6001>
             Event: conference
             Accept: application/conference-info+xml
             Expires: {expires}",
            self.conference
        );
        self.world.request(self.mina.handset.flow, &head, b"");
        self.world.sent_response()
    }

    /// The next NOTIFY, answered.
    fn notified(&mut self, roster: &mut Roster) -> Request {
        let notify = next(&mut self.world, &Method::NOTIFY);
        if !notify.body.is_empty() {
            assert_eq!(notify.headers.text(Name::ContentType), Some("application/conference-info+xml"));
            roster.apply(conference::read(&notify.body).expect("a state"));
        }
        let flow = self.mina.handset.flow;
        self.world.reply(flow, &notify, 200, &[]);
        notify
    }

    fn refer(&mut self, from: &str, flow: Flow, refer_to: &str) -> Response {
        let head = format!(
            "REFER {}
             From: <sip:{from}@ims.example>;tag=r1
             To: <{0}>
             Contact: <sip:device@{}>
             Refer-Sub: false
             Supported: norefersub
             Refer-To: <{refer_to}>",
            self.conference, flow.remote
        );
        self.world.request(flow, &head, b"");
        self.world.sent_response()
    }
}

fn status(roster: &Roster, number: &str) -> Option<Status> {
    let info = roster.state();
    let user = info.users.iter().find(|user| user.entity.0 == format!("tel:{number}"))?;
    user.endpoints.first()?.status
}

/// The ladder of a group.
pub(crate) fn group_chat() -> World {
    let (mut world, mina, jun) = handsets();
    world.ladder = Some(Ladder::default());
    let mut party = gathered((world, mina, jun));
    let pass = |party: &mut Party, ms: i64| party.world.now_us += ms * 1_000;
    pass(&mut party, 2_000);
    party.mina.says(&mut party.world, "Msg1", "at eight?");
    let said = party.submissions();
    pass(&mut party, 2);
    party.accept(&said);
    party.mina.handset.exchange(&mut party.world);
    party.hand_over(&said[0].0);
    party.jun.hears(&mut party.world);
    party.world.inbound.clear();
    // The SMSC said that the phone has it.
    pass(&mut party, 3_000);
    let report = party.world.outgoing((*said[1].0).clone());
    party.world.hand_over(Outgoing::Report(model::Report {
        attempt: report.attempt,
        message: report.message,
        submission: report.submission,
        disposition: model::Disposition::Delivered,
        cause: None,
        code: None,
        at: model::Timestamp::from_micros(party.world.now_us),
        segments: 1,
        displayed: false,
        intermediate: false,
        via: Some(model::ChannelKind::Smsc),
    }));
    party.mina.hears(&mut party.world);
    party.world.inbound.clear();
    pass(&mut party, 4_000);
    let answer =
        Submission { to: model::Pii::new(party.as_user()), ..crate::world::text(PHONE, MINA, "I come") };
    party.hand_over(&answer);
    let said = party.submissions();
    pass(&mut party, 2);
    party.accept(&said);
    party.world.inbound.clear();
    party.hand_over(&said[0].0);
    party.mina.hears(&mut party.world);
    party.hand_over(&said[1].0);
    party.jun.hears(&mut party.world);
    party.world.settle();
    pass(&mut party, 1_000);
    party.subscribe(3_600);
    let mut roster = Roster::default();
    party.notified(&mut roster);
    pass(&mut party, 1_000);
    let bye = party.jun.head("BYE", &party.conference, "\nReason: SIP;cause=200;text=\"Call completed\"");
    party.world.request(party.jun.handset.flow, &bye, b"");
    party.world.sent_response();
    party.notified(&mut roster);
    party.world
}

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

pub(crate) fn delivered(submission: &Submission, attempt: &model::OutgoingMessage) -> Outgoing {
    Outgoing::Report(model::Report {
        attempt: attempt.attempt,
        message: attempt.message,
        submission: std::sync::Arc::new(submission.clone()),
        disposition: model::Disposition::Delivered,
        cause: None,
        code: None,
        at: model::Timestamp::ZERO,
        segments: 1,
        displayed: false,
        intermediate: false,
        via: Some(model::ChannelKind::Smsc),
    })
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
