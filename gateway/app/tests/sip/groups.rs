//! Group chats over real sockets (rcs sheet §10, §13.3): two phones with RCS, and one that has only SMS.

use serde_json::json;

use crate::{
    chatter::{Chat, Chatter, GROUP, Said},
    served::{JUN, MINA, PHONE, Served},
    support::{Script, until},
    wire::Heard,
};

/// Who said it, and what.
fn says<'a>(who: &'a str, text: &'a str) -> impl Fn(&Said) -> bool + 'a {
    move |said| {
        said.text().ends_with(&format!("\r\n\r\n{text}"))
            && said.header("From").contains(&format!("tel:{who}>"))
    }
}

/// Mina subscribes to the state within her session; the first NOTIFY.
#[track_caller]
fn subscribes(mina: &mut Chatter, chat: &Chat) -> String {
    let more = "Event: conference\r\nAccept: application/conference-info+xml\r\nExpires: 3600\r\n\
                Contact: <sip:mina@127.0.0.1;transport=tcp>\r\n";
    assert_eq!(mina.device.asks_in(&chat.call, "SUBSCRIBE", more, b"").status(), Some(200));
    notified(mina)
}

#[track_caller]
fn notified(mina: &mut Chatter) -> String {
    let notify: Heard = mina.device.is_asked();
    assert!(notify.head.starts_with("NOTIFY "), "{}", notify.head);
    mina.device.answers(&notify, "200 OK");
    String::from_utf8(notify.body).expect("a document")
}

/// The group of the two and the phone, whose owner answers whatever it gets.
#[track_caller]
fn party(served: &Served) -> (Chatter, Chat, Chatter, Chat) {
    let mut mina = Chatter::register(MINA, served);
    let mut jun = Chatter::register(JUN, served);
    let of_mina = mina.founds(&[JUN, PHONE], "Dinner");
    let of_jun = jun.is_invited(GROUP);
    assert_eq!(of_jun.call.target.split(['@', ';']).next(), of_mina.call.target.split(['@', ';']).next());
    (mina, of_mina, jun, of_jun)
}

#[test]
fn two_phones_and_one_with_sms_only_talk_in_a_group() {
    let answers = |to: &str| if PHONE.ends_with(to) { Script::Answer("I come") } else { Script::Deliver };
    let served = Served::start("rcs", answers, |text| text);
    let (mut mina, of_mina, mut jun, of_jun) = party(&served);

    // The phone was asked, from a number that is lent to the group, and its owner answered to that.
    mina.hears_that(says(PHONE, "I come"));
    jun.hears_that(says(PHONE, "I come"));
    let asked = String::from_utf8(served.smsc.texts()[0].clone()).expect("plain letters");
    assert!(asked.contains("Dinner") && asked.contains("LEAVE"), "{asked}");

    // The 200 of MSRP came when it was stored for both.
    mina.writes(&of_mina, "Msg1", "at eight?");
    let heard = jun.hears_that(says(MINA, "at eight?"));
    assert_eq!(heard.header("imdn.Message-ID"), "Msg1");
    mina.hears_that(|said| {
        said.text().contains("<message-id>Msg1</message-id>")
            && said.text().contains("<delivered/>")
            && said.header("From").contains(PHONE)
    });
    assert_eq!(served.smsc.texts()[1], format!("{MINA}: at eight?").as_bytes());
    jun.notifies(&of_jun, &heard, "display", "displayed");
    mina.hears_that(|said| said.text().contains("<displayed/>") && said.header("From").contains(JUN));
    // What the phone's owner answered to that.
    mina.hears_that(says(PHONE, "I come"));
    jun.hears_that(says(PHONE, "I come"));

    let state = subscribes(&mut mina, &of_mina);
    assert!(state.contains("<subject>Dinner</subject>") && state.contains("state=\"full\""), "{state}");
    jun.leaves(of_jun);
    let state = notified(&mut mina);
    assert!(state.contains("departed") && state.contains(JUN) && !state.contains(PHONE), "{state}");
    mina.hangs_up(of_mina);

    let counts = served.captured().dissected();
    assert!(counts["INVITE"] == 2 && counts["SUBSCRIBE"] == 1 && counts["NOTIFY"] == 2, "{counts:?}");
    // The invitation; what the phone said twice, each time for two; one text for two.
    assert_eq!(served.verified()["accepted"], 1 + 2 * 3 + 2);
}

/// A member whose number a messenger user has proved to own takes part there: the group is somebody to write to.
#[test]
fn a_messenger_user_talks_in_the_same_group() {
    let served = Served::standalone();
    let tictoc = served.messenger();
    tictoc.links("u1", PHONE, || {
        let code = until("the code comes by SMS", || served.smsc.texts().pop());
        String::from_utf8_lossy(&code).chars().filter(char::is_ascii_digit).take(6).collect()
    });
    let (mut mina, of_mina, mut jun, of_jun) = party(&served);

    let asked = tictoc
        .hears("text", |event| event["body"]["text"].as_str().is_some_and(|text| text.contains("Dinner")));
    let group = asked["from"].clone();
    assert_eq!((&group["net"], &asked["to"][0]["usr"]), (&"rcs".into(), &"u1".into()));
    mina.writes(&of_mina, "Msg1", "at eight?");
    jun.hears_that(says(MINA, "at eight?"));
    let heard = tictoc.hears("text", |event| event["from"] == group);
    assert_eq!(heard["body"]["text"], format!("{MINA}: at eight?"));
    tictoc.receipt("read", &heard["id"]);
    mina.hears_that(|said| said.text().contains("<displayed/>") && said.header("From").contains(PHONE));

    let written = tictoc.say(
        "text",
        &json!({ "from": { "usr": "u1" }, "to": [group], "body": { "text": "나도 갈게" }, "want": ["delivered"] }),
    );
    mina.hears_that(says(PHONE, "나도 갈게"));
    jun.hears_that(says(PHONE, "나도 갈게"));
    tictoc.hears_of("delivered", &written);
    jun.leaves(of_jun);
    mina.hangs_up(of_mina);
    assert_eq!(served.smsc.texts().len(), 1, "the code");
    // The code, the invitation, a text for two, and another.
    assert_eq!(served.verified()["accepted"], 2 + 2 + 3);
}

/// A member with RCS who cannot be reached gets what is said in the group as an SMS of the group, and is heard by
/// answering it.
#[test]
fn what_rcs_gives_back_is_an_sms_of_the_group() {
    let answers = |to: &str| if JUN.ends_with(to) { Script::Answer("no RCS here") } else { Script::Deliver };
    let patience = |text: String| text.replace("fallback_after = \"60s\"", "fallback_after = \"1s\"");
    let served = Served::start("rcs", answers, patience);
    let (mut mina, of_mina, mut jun, of_jun) = party(&served);
    until("the phone is asked", || (!served.smsc.texts().is_empty()).then_some(()));
    jun.hangs_up(of_jun);
    drop(jun);

    mina.writes(&of_mina, "Msg1", "at eight?");
    mina.hears_that(says(JUN, "no RCS here"));
    let texts = served.smsc.texts();
    let said = format!("{MINA}: at eight?").into_bytes();
    assert_eq!(
        texts[1..].iter().filter(|text| **text == said).count(),
        2,
        "to Jun and to the phone: {texts:?}"
    );
    // One delivery each, whichever way it went.
    for member in [JUN, PHONE] {
        mina.hears_that(|said| said.text().contains("<delivered/>") && said.header("From").contains(member));
    }
    until("the phone hears Jun", || {
        let said = format!("{JUN}: no RCS here").into_bytes();
        served.smsc.texts().contains(&said).then_some(())
    });
    // The invitation; a text for two; what Jun answered, to the group and for the two others.
    assert_eq!(served.verified()["accepted"], 1 + 2 + 3);
}

/// What the README of the channel says about a restart.
#[test]
fn a_group_goes_on_after_the_process_was_killed() {
    let answers = |to: &str| if PHONE.ends_with(to) { Script::Answer("I come") } else { Script::Deliver };
    let served = Served::start("rcs", answers, |text| text);
    let (mut mina, of_mina, jun, of_jun) = party(&served);
    mina.hears_that(says(PHONE, "I come"));
    let conference = of_mina.call.target.clone();
    drop((mina, of_mina, jun, of_jun));
    let served = served.restart();

    // Mina dials it, Jun is invited by what she says, and the phone hears it from the number that it knows.
    let (mut mina, mut jun) = (Chatter::register(MINA, &served), Chatter::register(JUN, &served));
    let of_mina = mina.opens(GROUP, &conference, "");
    assert_eq!(of_mina.call.target, conference);
    mina.writes(&of_mina, "Msg2", "still there?");
    let of_jun = jun.is_invited(GROUP);
    assert_eq!(of_jun.call.target.split(['@', ';']).next(), conference.split(['@', ';']).next());
    jun.hears_that(says(MINA, "still there?"));
    mina.hears_that(|said| said.text().contains("<delivered/>") && said.header("From").contains(PHONE));
    mina.hears_that(says(PHONE, "I come"));
    jun.hears_that(says(PHONE, "I come"));
    let said = format!("{MINA}: still there?").into_bytes();
    assert!(served.smsc.texts().contains(&said));
    jun.leaves(of_jun);
    mina.hangs_up(of_mina);
    served.verified();
}
