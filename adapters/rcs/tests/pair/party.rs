//! A group to be tested: two handsets, and somebody who has only a plain phone.

use model::{Address, Answer, Inbound, Outgoing, Submission, Ticket};
use sip_message::{Method, Name, Request, Response};
use sip_msrp::SessionKey;
use sip_rcs::{
    Cpim,
    conference::{self, Roster, Status},
};
use sip_transaction::Flow;

use crate::{
    chat::world_with,
    handset::{Handset, OTHER_LINE, cpim, next},
    world::{JUN, MINA, PHONE, World, number, other_handset},
};

pub(crate) const CHAT: &str = "+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.session\"";
pub(crate) const FACTORY: &str = "sip:conference-factory@ims.example";
pub(crate) const CONTRIBUTION: &str = "c2a4f0de-6b39-4d0e-8a77-90b1d5e3f642";

/// One member's handset in the group.
pub(crate) struct Seat {
    pub(crate) handset: Handset,
    pub(crate) session: SessionKey,
    /// The dialog, as its side names it: From, To, Call-ID.
    pub(crate) dialog: [String; 3],
    pub(crate) cseq: u32,
}

pub(crate) struct Party {
    pub(crate) world: World,
    pub(crate) mina: Seat,
    pub(crate) jun: Seat,
    /// The conference URI, as our Contact says.
    pub(crate) conference: String,
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

pub(crate) fn creation(handset: &Handset, from: &str, call: u32) -> String {
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

pub(crate) fn create(world: &mut World, mina: &Handset, members: &[&str]) -> Response {
    let body = body(&mina.sdp("a=setup:active\r\n"), &list(members));
    world.request(mina.flow, &creation(mina, MINA, 1), body.as_bytes());
    world.sent_response()
}

pub(crate) fn conference_of(contact: Option<&str>) -> String {
    let contact = contact.expect("a Contact");
    assert!(contact.contains(">;isfocus;+g.3gpp.icsi-ref="), "{contact}");
    contact.split(['<', '>']).nth(1).expect("a URI").to_owned()
}

impl Seat {
    /// The head of a request within the session's dialog.
    pub(crate) fn head(&mut self, method: &str, uri: &str, more: &str) -> String {
        let [from, to, call_id] = &self.dialog;
        if method != "ACK" {
            self.cseq += 1;
        }
        format!(
            "{method} {uri}\nFrom: {from}\nTo: {to}\nCall-ID: {call_id}\nCSeq: {} {method}\nContact: <sip:device@{}>{more}",
            self.cseq, self.handset.flow.remote
        )
    }

    pub(crate) fn says(&mut self, world: &mut World, id: &str, words: &str) {
        self.handset.say(world, self.session, id, "message/cpim", &cpim(id, words));
    }

    /// What came last, in CPIM.
    pub(crate) fn hears(&mut self, world: &mut World) -> Cpim {
        self.handset.exchange(world);
        let (_, content_type, body) = self.handset.delivered().expect("something said");
        assert_eq!(content_type, "message/cpim");
        Cpim::read(body).expect("CPIM")
    }
}

/// Both handsets registered.
pub(crate) fn handsets() -> (World, Handset, Handset) {
    let (mut world, mina) = world_with(|_| {});
    let flow = other_handset();
    for (at, who, name) in [(mina.flow, MINA, "mina@127.0.0.1:6001"), (flow, JUN, "jun@127.0.0.1:6002")] {
        assert_eq!(world.register(at, who, &format!("<sip:{name}>;{CHAT}"), "Expires: 600").status, 200);
    }
    world.settle();
    (world, mina, Handset::new(flow, OTHER_LINE.0))
}

/// Mina has created a group with Jun, who is in it, and with somebody who has only a plain phone.
pub(crate) fn party() -> Party {
    gathered(handsets())
}

pub(crate) fn gathered((mut world, mut mina, mut jun): (World, Handset, Handset)) -> Party {
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
    pub(crate) fn submissions(&mut self) -> Vec<(std::sync::Arc<Submission>, Ticket)> {
        self.world
            .inbound
            .drain(..)
            .map(|one| match one {
                Inbound::Submit { submission, ticket } => (submission, ticket),
                other => panic!("a submission, not {other:?}"),
            })
            .collect()
    }

    pub(crate) fn accept(&mut self, all: &[(std::sync::Arc<Submission>, Ticket)]) {
        for (_, ticket) in all {
            let id = self.world.id();
            self.world.answer(*ticket, Answer::Accepted(id));
        }
    }

    pub(crate) fn hand_over(&mut self, submission: &Submission) -> model::AttemptId {
        let message = self.world.outgoing(submission.clone());
        let attempt = message.attempt;
        self.world.hand_over(Outgoing::Message(message));
        attempt
    }

    /// The group as phones and messengers write to it.
    pub(crate) fn as_user(&self) -> Address {
        let id = self.conference.split([':', '@']).nth(1).expect("an id");
        Address::User(model::User { messenger: "rcs".into(), id: id.into() })
    }

    /// Mina subscribes to the state, outside of her session.
    pub(crate) fn subscribe(&mut self, expires: u32) -> Response {
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
    pub(crate) fn notified(&mut self, roster: &mut Roster) -> Request {
        let notify = next(&mut self.world, &Method::NOTIFY);
        if !notify.body.is_empty() {
            assert_eq!(notify.headers.text(Name::ContentType), Some("application/conference-info+xml"));
            roster.apply(conference::read(&notify.body).expect("a state"));
        }
        let flow = self.mina.handset.flow;
        self.world.reply(flow, &notify, 200, &[]);
        notify
    }

    pub(crate) fn refer(&mut self, from: &str, flow: Flow, refer_to: &str) -> Response {
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

pub(crate) fn status(roster: &Roster, number: &str) -> Option<Status> {
    let info = roster.state();
    let user = info.users.iter().find(|user| user.entity.0 == format!("tel:{number}"))?;
    user.endpoints.first()?.status
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
