//! The committed ladders are what the flows really do. `UPDATE=1` writes them anew, for review.

use std::{fs, path::Path, sync::Arc};

use model::{
    Answer, AttemptId, Content, Disposition, MessageId, Outcome, Outgoing, Report, Signal, SignalKind,
    Submission, Timestamp,
};
use rcs::{settings::Secret, translate::Namer};
use sip_message::Method;

use crate::{
    chat::world,
    handset::{Handset, cpim, next},
    ladder::Ladder,
    party::{Party, delivered, gathered, handsets},
    short::SUBMIT,
    world::{MINA, PHONE, World, handset, line, number, settings, text},
};

/// A world that writes down what happens from now on.
fn written() -> (World, Handset) {
    let (mut world, mina) = world();
    world.ladder = Some(Ladder::default());
    (world, mina)
}

/// What a device says when it has a message, or has shown it.
fn notification(world: &mut World, said: &str) -> String {
    let id = world.id();
    let name = Namer::new(&Secret::new([9; 16])).name(id, &line(MINA));
    format!(
        "From: <sip:a@b.invalid>\r\nTo: <sip:a@b.invalid>\r\nNS: imdn <urn:ietf:params:imdn>\r\nimdn.Message-ID: N1\r\n\r\n\
         Content-Type: message/imdn+xml\r\nContent-Disposition: notification\r\n\r\n\
         <imdn xmlns=\"urn:ietf:params:xml:ns:imdn\"><message-id>{name}</message-id><datetime>2025-03-01T09:30:00Z</datetime>\
         <{said}></imdn>"
    )
}

const TYPING: &str =
    "<isComposing xmlns=\"urn:ietf:params:xml:ns:im-iscomposing\"><state>active</state></isComposing>";

/// Rcs sheet §8.
fn session_chat() -> World {
    let (mut world, mut mina) = written();
    let call = mina.chat(&mut world, MINA, PHONE);
    world.now_us += 1_000_000;
    mina.say(&mut world, call.session, "t001", "application/im-iscomposing+xml", TYPING);
    world.inbound.clear();
    world.now_us += 2_000_000;
    mina.say(&mut world, call.session, "m001", "message/cpim", &cpim("Msg1", "hello"));
    let (submission, ticket) = world.submission();
    world.now_us += 2_000;
    let id = world.id();
    world.answer(ticket, Answer::Accepted(id));
    mina.exchange(&mut world);
    world.now_us += 100_000;
    world.hand_over(Outgoing::Report(Report {
        attempt: AttemptId { slot: 5, generation: 1 },
        message: id,
        submission,
        disposition: Disposition::Delivered,
        cause: None,
        code: None,
        at: Timestamp::ZERO,
        segments: 1,
        displayed: false,
        intermediate: false,
        via: None,
    }));
    mina.exchange(&mut world);
    world.now_us += 3_000_000;
    let typing = SignalKind::Typing { on: true };
    world.hand_over(Outgoing::Signal(Signal { from: number(PHONE), to: number(MINA), kind: typing }));
    mina.exchange(&mut world);
    world.now_us += 2_000_000;
    world.text_to(MINA, "hello yourself");
    mina.exchange(&mut world);
    world.inbound.clear();
    for said in [
        "delivery-notification><status><delivered/></status></delivery-notification",
        "display-notification><status><displayed/></status></display-notification",
    ] {
        world.now_us += 500_000;
        let imdn = notification(&mut world, said);
        let id = format!("n{:03}", said.len());
        mina.say(&mut world, call.session, &id, "message/cpim", &imdn);
        let (_, ticket) = world.receipt();
        world.now_us += 2_000;
        world.answer(ticket.expect("it waits for the gateway"), Answer::Taken);
        mina.exchange(&mut world);
    }
    world.now_us += 5_000_000;
    world.request(mina.flow, &mina.within("BYE", &call.ok, call.call, 2, MINA, PHONE), b"");
    world
}

/// Rcs sheet §8.3, §8.4: nothing is lost with a session.
fn session_lost() -> World {
    let (mut world, mut mina) = written();
    mina.chat(&mut world, MINA, PHONE);
    mina.answers = None;
    world.now_us += 1_000_000;
    world.text_to(MINA, "hello");
    mina.exchange(&mut world);
    mina.lose(&mut world);
    world.sent.clear();
    world.pass(10);
    let at = world.sent.iter().position(|(_, message)| {
        matches!(message, sip_message::Message::Request(request) if request.method == Method::MESSAGE)
    });
    let (flow, message) = world.sent.remove(at.expect("a MESSAGE")).expect("it is there");
    let sip_message::Message::Request(request) = message else { unreachable!("a request") };
    world.reply(flow, &request, 200, &[]);
    assert!(matches!(world.outcome().1, Outcome::Sent(_)));
    world
}

/// Rcs sheet §6.
fn large_message() -> World {
    let (mut world, mut mina) = world();
    let contact = "<sip:mina@127.0.0.1:6001>;+g.gsma.rcs.cpm.pager-large";
    assert_eq!(world.register(handset(), MINA, contact, "Expires: 600").status, 200);
    world.settle();
    world.ladder = Some(Ladder::default());
    world.text_to(MINA, &"long ".repeat(1_000));
    let (flow, invite) = world.sent_request();
    world.now_us += 20_000;
    mina.take(&mut world, flow, &invite, "a=setup:active\r\na=recvonly\r\na=max-size:1000000\r\n");
    next(&mut world, &Method::ACK);
    world.now_us += 20_000;
    mina.come(&mut world, &invite);
    let bye = next(&mut world, &Method::BYE);
    world.now_us += 20_000;
    world.reply(flow, &bye, 200, &[]);
    world
}

/// The other way: one direction, in chunks, and no 200 for the last of them before the gateway has it all (I1).
fn large_message_of_a_handset() -> World {
    let (mut world, mut mina) = written();
    let sdp = mina.sdp("a=setup:active\r\na=sendonly\r\n");
    let head = mina.invite_head(MINA, PHONE, 1).replace("oma.cpm.session", "oma.cpm.largemsg")
        + "\nContent-Type: application/sdp";
    world.request(mina.flow, &head, sdp.as_bytes());
    let ok = world.sent_response();
    world.now_us += 20_000;
    mina.ack(&mut world, &ok, 1, MINA, PHONE);
    let call = mina.connect(&mut world, &ok, 1);
    world.now_us += 20_000;
    mina.say(&mut world, call.session, "m001", "message/cpim", &cpim("Msg1", &"long ".repeat(2_000)));
    let (_, ticket) = world.submission();
    world.now_us += 2_000;
    let id = world.id();
    world.answer(ticket, Answer::Accepted(id));
    mina.exchange(&mut world);
    world.now_us += 20_000;
    world.request(mina.flow, &mina.within("BYE", &ok, 1, 2, MINA, PHONE), b"");
    world
}

/// A handset that is believed at its address, and what happens to it from now on.
fn paged(contact: &str) -> World {
    let mut settings = settings();
    settings.trust.datagrams = true;
    let mut world = World::with(settings);
    assert_eq!(world.register(handset(), MINA, contact, "Expires: 600").status, 200);
    world.settle();
    world.ladder = Some(Ladder::default());
    world
}

fn message(world: &mut World, to: &str, content_type: &str, more: &str, body: &[u8]) {
    let head = format!(
        "MESSAGE {to}
         From: <sip:{MINA}@ims.example>;tag=p
         To: <{to}>
         Content-Type: {content_type}{more}"
    );
    world.request(handset(), &head, body);
}

/// What the handset has sent is stored.
fn stored(world: &mut World) -> (Arc<Submission>, MessageId) {
    let (submission, ticket) = world.submission();
    world.now_us += 2_000;
    let id = world.id();
    world.answer(ticket, Answer::Accepted(id));
    (submission, id)
}

/// The handset says 200 to the last request.
fn says_200(world: &mut World) -> sip_message::Request {
    let (flow, request) = world.sent_request_after_responses();
    world.now_us += 20_000;
    world.reply(flow, &request, 200, &[]);
    request
}

fn reported(
    world: &mut World,
    submission: &Arc<Submission>,
    message: MessageId,
    displayed: bool,
) -> sip_message::Request {
    world.now_us += 800_000;
    world.hand_over(Outgoing::Report(Report {
        attempt: AttemptId { slot: 5, generation: 1 },
        message,
        submission: submission.clone(),
        disposition: Disposition::Delivered,
        cause: None,
        code: None,
        at: Timestamp::from_micros(world.now_us),
        segments: 1,
        displayed,
        intermediate: false,
        via: None,
    }));
    says_200(world)
}

/// The handset says what became of what it got.
fn notifies(world: &mut World, said: &str) {
    world.now_us += 500_000;
    let imdn = notification(world, said);
    message(world, &format!("sip:{PHONE}@ims.example"), "message/cpim", "", imdn.as_bytes());
    let (_, ticket) = world.receipt();
    world.now_us += 2_000;
    world.answer(ticket.expect("it waits for the gateway"), Answer::Taken);
}

const RCS: &str = "<sip:mina@127.0.0.1:6001>;+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.msg\";\
                   +g.3gpp.iari-ref=\"urn%3Aurn-7%3A3gpp-application.ims.iari.rcs.fthttp\"";
const DELIVERED: &str = "delivery-notification><status><delivered/></status></delivery-notification";
const DISPLAYED: &str = "display-notification><status><displayed/></status></display-notification";

fn asking(content_type: &str, content: &str) -> String {
    format!(
        "From: <sip:a@b.invalid>\r\nTo: <sip:a@b.invalid>\r\nNS: imdn <urn:ietf:params:imdn>\r\nimdn.Message-ID: M1\r\n\
         DateTime: 2027-01-15T17:00:00+09:00\r\nimdn.Disposition-Notification: positive-delivery, display\r\n\r\n\
         Content-Type: {content_type}\r\n\r\n{content}"
    )
}

/// Rcs sheet §5, §7.
fn pager() -> World {
    let mut world = paged(RCS);
    let body = asking("text/plain;charset=UTF-8", "hello");
    message(&mut world, &format!("sip:{PHONE}@ims.example"), "message/cpim", "", body.as_bytes());
    let (submission, id) = stored(&mut world);
    reported(&mut world, &submission, id, false);
    reported(&mut world, &submission, id, true);
    world.inbound.clear();
    world.now_us += 2_000_000;
    world.text_to(MINA, "hello yourself");
    says_200(&mut world);
    world.inbound.clear();
    notifies(&mut world, DELIVERED);
    notifies(&mut world, DISPLAYED);
    world
}

/// Rcs sheet §11: the file itself lies at the content server.
fn file_transfer() -> World {
    let mut world = paged(RCS);
    let xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><file xmlns=\"urn:gsma:params:xml:ns:rcs:rcs:fthttp\">\
               <file-info type=\"file\"><file-size>182340</file-size><file-name>a.jpg</file-name>\
               <content-type>image/jpeg</content-type>\
               <data url=\"https://ft.ims.example/files/d/9f\" until=\"2027-02-15T00:00:00Z\"/></file-info></file>";
    let body = asking("application/vnd.gsma.rcs-ft-http+xml", xml);
    message(&mut world, &format!("sip:{PHONE}@ims.example"), "message/cpim", "", body.as_bytes());
    let (submission, id) = stored(&mut world);
    let Content::Rich(rich) = &submission.content else { panic!("a file") };
    assert_eq!(
        &*rich.text, "a.jpg (179 KB) https://ft.ims.example/files/d/9f",
        "for networks that only read text"
    );
    reported(&mut world, &submission, id, false);
    world.inbound.clear();
    world.now_us += 2_000_000;
    let back = Submission { content: submission.content.clone(), ..text(PHONE, MINA, "") };
    let outgoing = world.outgoing(back);
    world.hand_over(Outgoing::Message(outgoing));
    let request = says_200(&mut world);
    assert!(
        String::from_utf8_lossy(&request.body).contains("<data url=\"https://ft.ims.example/files/d/9f\"")
    );
    world.inbound.clear();
    notifies(&mut world, DELIVERED);
    world
}

/// Rcs sheet §12.
fn sms_over_ims() -> World {
    let mut world = paged("<sip:mina@127.0.0.1:6001>;+g.3gpp.smsip");
    message(&mut world, "sip:100@ims.example", "application/vnd.3gpp.sms", "", SUBMIT);
    let (submission, id) = stored(&mut world);
    says_200(&mut world);
    world.inbound.clear();
    let acknowledges = |world: &mut World, request: &sip_message::Request| {
        world.now_us += 300_000;
        let more = format!("\nIn-Reply-To: {}", request.call_id());
        message(world, "sip:100@ims.example", "application/vnd.3gpp.sms", &more, &[0x02, request.body[1]]);
    };
    let report = reported(&mut world, &submission, id, false);
    acknowledges(&mut world, &report);
    world.inbound.clear();
    world.now_us += 2_000_000;
    world.text_to(MINA, "hello yourself");
    let delivery = says_200(&mut world);
    acknowledges(&mut world, &delivery);
    world
}

/// Rcs sheet §10, §13.3.
fn group_chat() -> World {
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
    party.world.hand_over(delivered(&said[1].0, &report));
    party.mina.hears(&mut party.world);
    party.world.inbound.clear();
    pass(&mut party, 4_000);
    let answer = Submission { to: model::Pii::new(party.as_user()), ..text(PHONE, MINA, "I come") };
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
    let mut roster = sip_rcs::conference::Roster::default();
    party.notified(&mut roster);
    pass(&mut party, 1_000);
    let bye = party.jun.head("BYE", &party.conference, "\nReason: SIP;cause=200;text=\"Call completed\"");
    party.world.request(party.jun.handset.flow, &bye, b"");
    party.world.sent_response();
    party.notified(&mut roster);
    party.world
}

#[test]
fn the_committed_ladders_are_what_happens() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ladders");
    let flows = [
        (
            "pager",
            "A handset and somebody elsewhere write to each other; both learn that it arrived and that it was read.",
            pager(),
        ),
        (
            "file-transfer",
            "A file: each side is told where it lies. Networks that only read text get its name, size and link.",
            file_transfer(),
        ),
        (
            "sms-over-ims",
            "A handset without chat submits a short message, hears of its delivery, and is brought one.",
            sms_over_ims(),
        ),
        (
            "session-chat",
            "A handset chats with somebody: typing, texts and notifications, both ways, in one session.",
            session_chat(),
        ),
        (
            "group-chat",
            "Two handsets and a phone with SMS only in a group: created, joined, talked in, watched, left.",
            group_chat(),
        ),
        (
            "session-lost",
            "The connection of a chat is lost before the handset has answered: the text goes by MESSAGE.",
            session_lost(),
        ),
        (
            "large-message",
            "A text that is too large for a MESSAGE goes in a session of its own.",
            large_message(),
        ),
        (
            "large-message-of-a-handset",
            "The other way: a handset opens a session for one text, in chunks.",
            large_message_of_a_handset(),
        ),
    ];
    for (name, title, world) in &flows {
        let text = format!("{title}\n\n{}", world.ladder.as_ref().expect("written").text());
        let path = folder.join(format!("{name}.txt"));
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&path, &text).expect("written");
        }
        let committed = fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(committed, text, "{name} differs; UPDATE=1 writes it anew");
    }
    let files = fs::read_dir(&folder).expect("the folder of ladders").count();
    assert_eq!(files, flows.len(), "a ladder that no flow writes");
}
