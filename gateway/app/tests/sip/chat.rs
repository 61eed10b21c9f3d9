//! Sessions of messages over real sockets: a phone that chats with a user of the messenger, with a phone that has no RCS,
//! and sends what is too long for a MESSAGE.

use sip_msrp::{Failure, Status};

use crate::{
    chatter::{CHAT, COMPOSING, CPIM, Chatter, LARGE, attribute},
    served::{MINA, PHONE, Served},
    support::Script,
};

/// Who wrote a MESSAGE that came, as the phone would answer it.
fn writer(message: &crate::wire::Heard) -> String {
    let asserted = message.header("P-Asserted-Identity").expect("the gateway says who wrote");
    asserted.trim_matches(['<', '>']).to_owned()
}

/// Texts, notifications and typing, both ways, all within the session; before it and after it by MESSAGE.
#[test]
fn a_phone_and_a_messenger_user_chat_in_a_session() {
    let served = Served::standalone();
    let tictoc = served.messenger();
    let mut mina = Chatter::register(MINA, &served);

    let first = tictoc.write("u1", MINA, "before the session");
    let message = mina.device.is_asked();
    mina.device.answers(&message, "200 OK");
    assert_eq!(mina.device.notifies(&message, "delivered"), Some(200));
    tictoc.hears_of("delivered", &first);

    let chat = mina.opens(CHAT, &writer(&message), "");
    assert_eq!(attribute(&chat.sdp, "setup"), "passive");
    assert!(attribute(&chat.sdp, "path").starts_with(&format!("msrp://{}/", served.msrp)));
    assert!(chat.call.target.starts_with("sip:"), "{}", chat.call.target);

    // From the phone. The answer of MSRP came after the message was stored.
    mina.writes(&chat, "Msg1", "반가워 😀");
    let heard = tictoc.hears("text", |_| true);
    assert_eq!((&heard["from"]["tel"], &heard["to"][0]["usr"]), (&MINA.into(), &"u1".into()));
    assert_eq!(heard["body"]["text"], "반가워 😀");
    for (kind, said) in [("delivered", "<delivered/>"), ("read", "<displayed/>")] {
        tictoc.receipt(kind, &heard["id"]);
        let notification = mina.hears();
        assert_eq!(notification.content_type, CPIM);
        let text = notification.text();
        assert!(text.contains(said) && text.contains("<message-id>Msg1</message-id>"), "{text}");
    }

    // To the phone.
    let written = tictoc.write("u1", MINA, "안녕");
    let said = mina.hears();
    assert_eq!(said.content_type, CPIM);
    assert!(said.text().ends_with("\r\n\r\n안녕"), "{}", said.text());
    mina.notifies(&chat, &said, "delivery", "delivered");
    tictoc.hears_of("delivered", &written);
    mina.notifies(&chat, &said, "display", "displayed");
    tictoc.hears_of("read", &written);

    // Typing.
    let typing =
        "<isComposing xmlns=\"urn:ietf:params:xml:ns:im-iscomposing\"><state>active</state></isComposing>";
    assert_eq!(mina.says(&chat, COMPOSING, typing.as_bytes()), Ok(()));
    let event = tictoc.hears("typing", |event| event["body"]["on"] == true);
    assert_eq!((&event["from"]["tel"], &event["to"][0]["usr"]), (&MINA.into(), &"u1".into()));
    tictoc.typing("u1", MINA, true);
    let said = mina.hears();
    assert_eq!(said.content_type, COMPOSING);
    assert!(said.text().contains("active"), "{}", said.text());

    mina.hangs_up(chat);
    let last = tictoc.write("u1", MINA, "after the session");
    let message = mina.device.is_asked();
    assert!(message.head.starts_with("MESSAGE "), "{}", message.head);
    mina.device.answers(&message, "200 OK");
    assert_eq!(mina.device.notifies(&message, "delivered"), Some(200));
    tictoc.hears_of("delivered", &last);

    let counts = served.captured().dissected();
    assert!(counts["INVITE"] == 1 && counts["ACK"] == 1 && counts["BYE"] == 1, "{counts:?}");
    // Of frames that share a segment one is counted; that they were heard is shown above.
    assert!(counts["SEND"] >= 1, "{counts:?}");
    assert_eq!(counts["MESSAGE"], 4, "two texts out, each with its notification: {counts:?}");
    assert_eq!(served.verified()["accepted"], 4);
}

/// Rcs sheet §9.2: each end is known by the certificate that it announced.
#[test]
fn a_phone_chats_over_tls() {
    let over_tls =
        |text: String| text.replace("msrp_listen", "msrp_tls_listen = \"127.0.0.1:0\"\nmsrp_listen");
    let served = Served::start("rcs", |_| Script::Deliver, over_tls);
    let mut mina = Chatter::register_secure(MINA, &served);
    let chat = mina.opens(CHAT, &format!("tel:{PHONE}"), "");
    assert!(chat.sdp.contains(" TCP/TLS/MSRP *"), "{}", chat.sdp);
    assert!(attribute(&chat.sdp, "path").starts_with("msrps://127.0.0.1:"));
    mina.writes(&chat, "Msg1", "nobody else reads it");
    assert!(mina.hears().text().contains("<delivered/>"));
    assert_eq!(served.smsc.texts(), [b"nobody else reads it"]);
    mina.hangs_up(chat);
    assert_eq!(served.verified()["accepted"], 1);
}

#[test]
fn what_is_said_to_a_phone_without_rcs_leaves_by_sms() {
    let served = Served::standalone();
    let mut mina = Chatter::register(MINA, &served);
    let chat = mina.opens(CHAT, &format!("tel:{PHONE}"), "");
    mina.writes(&chat, "Msg1", "by SMS");
    let notification = mina.hears().text();
    assert!(notification.contains("<message-id>Msg1</message-id>"), "{notification}");
    assert!(notification.contains("<delivered/>"), "{notification}");
    assert_eq!(served.smsc.texts(), [b"by SMS"]);
    mina.hangs_up(chat);
    assert_eq!(served.verified()["accepted"], 1);
}

/// Rcs sheet §6: a session of its own, in chunks, for one message.
#[test]
fn a_large_message_of_a_phone_comes_whole() {
    let served = Served::standalone();
    let tictoc = served.messenger();
    let mut mina = Chatter::register(MINA, &served);
    let first = tictoc.write("u1", MINA, "tell me a story");
    let message = mina.device.is_asked();
    mina.device.answers(&message, "200 OK");

    let story = "옛날 옛적에 -------frame$ ".repeat(500);
    assert!(story.len() > sip_msrp::limits::CHUNK_OCTETS, "more than one chunk");
    let chat = mina.opens(LARGE, &writer(&message), "a=sendonly\r\n");
    assert!(chat.sdp.contains("a=recvonly"), "{}", chat.sdp);
    mina.writes(&chat, "Msg1", &story);
    let heard = tictoc.hears("text", |_| true);
    assert!(heard["body"]["text"] == story.as_str(), "octet for octet");
    mina.hangs_up(chat);
    // It is one message for all of RCS: its notifications come by MESSAGE, for there is no session any more.
    tictoc.receipt("delivered", &heard["id"]);
    let notification = mina.device.is_asked();
    assert!(String::from_utf8_lossy(&notification.body).contains("<delivered/>"));
    mina.device.answers(&notification, "200 OK");
    assert_eq!(mina.device.notifies(&message, "delivered"), Some(200));
    tictoc.hears_of("delivered", &first);

    assert_eq!(served.verified()["accepted"], 2);
}

/// The other way: the gateway invites, says it, and ends it; the notification comes by MESSAGE.
#[test]
fn a_large_message_for_a_phone_comes_in_a_session_of_its_own() {
    let served = Served::standalone();
    let tictoc = served.messenger();
    let mut mina = Chatter::register(MINA, &served);
    let story = "옛날 옛적에 -------frame$ ".repeat(500);
    let written = tictoc.write("u1", MINA, &story);
    let session = mina.is_invited(LARGE);
    assert!(session.sdp.contains("a=sendonly"), "{}", session.sdp);
    let said = mina.hears();
    assert_eq!(said.content_type, CPIM);
    assert!(said.text().ends_with(&format!("\r\n\r\n{story}")), "octet for octet");
    mina.is_hung_up(session);
    let message = crate::wire::Heard { head: String::new(), body: said.body };
    assert_eq!(mina.device.notifies(&message, "delivered"), Some(200));
    tictoc.hears_of("delivered", &written);
    assert_eq!(served.verified()["accepted"], 1);
}

#[test]
fn a_phone_that_only_chats_is_invited_once() {
    let served = Served::standalone();
    let tictoc = served.messenger();
    let mut mina = Chatter::register_to_chat(MINA, &served);
    let first = tictoc.write("u1", MINA, "one");
    let chat = mina.is_invited(CHAT);
    let said = mina.hears();
    assert!(said.text().ends_with("\r\n\r\none"), "{}", said.text());
    mina.notifies(&chat, &said, "delivery", "delivered");
    tictoc.hears_of("delivered", &first);
    let second = tictoc.write("u1", MINA, "two");
    let said = mina.hears();
    assert!(said.text().ends_with("\r\n\r\ntwo"), "{}", said.text());
    mina.notifies(&chat, &said, "delivery", "delivered");
    tictoc.hears_of("delivered", &second);
    mina.writes(&chat, "Msg1", "three");
    let heard = tictoc.hears("text", |_| true);
    assert_eq!(heard["body"]["text"], "three");
    tictoc.receipt("delivered", &heard["id"]);
    assert!(mina.hears().text().contains("<delivered/>"));
    // A stop ends it, and says why.
    served.gateway.signal("TERM");
    let bye = mina.is_hung_up(chat);
    assert_eq!(bye.header("Reason"), Some("SIP;cause=503;text=\"Service Unavailable\""));
    let counts = served.captured().dissected();
    assert!(counts["INVITE"] == 1 && !counts.contains_key("MESSAGE"), "{counts:?}");
    assert_eq!(served.verified()["accepted"], 3);
}

/// I1: what MSRP was answered 200 is in the store, whatever happens to the gateway.
#[test]
fn what_was_answered_in_a_session_survives_a_kill() {
    const TEXTS: usize = 500;
    let served = Served::standalone();
    let mut mina = Chatter::register(MINA, &served);
    let chat = mina.opens(CHAT, &format!("tel:{PHONE}"), "");
    let taken = mina.says_until_the_end(&chat, TEXTS, |taken| {
        if taken == 50 {
            served.gateway.signal("KILL");
        }
    });
    assert!((50..TEXTS).contains(&taken), "killed in the middle: {taken}");
    let accepted = served.killed()["accepted"].as_u64().expect("a number");
    assert!(accepted >= taken as u64, "{taken} were answered, {accepted} are there");
}

/// Over the limit of the description, and over the operator's for a text: 413, and the session goes on.
#[test]
fn a_message_that_is_too_large_is_refused_and_the_next_one_is_not() {
    let served = Served::standalone();
    let mut mina = Chatter::register(MINA, &served);
    let chat = mina.opens(CHAT, &format!("tel:{PHONE}"), "");
    let limit: usize = attribute(&chat.sdp, "max-size").parse().expect("a number");
    let refused = mina.says(&chat, CPIM, &vec![b'x'; limit + 1]);
    assert_eq!(refused, Err(Failure::Refused(Status::STOP_SENDING)));
    let text =
        format!("From: <sip:a@b.invalid>\r\n\r\nContent-Type: text/plain\r\n\r\n{}", "x".repeat(16_385));
    assert!(text.len() < limit);
    let refused = mina.says(&chat, CPIM, text.as_bytes());
    assert_eq!(refused, Err(Failure::Refused(Status::STOP_SENDING)));
    assert_eq!(mina.says(&chat, CPIM, b"no CPIM"), Err(Failure::Refused(Status::UNINTELLIGIBLE)));
    assert_eq!(mina.says(&chat, "text/html", b"<p>"), Err(Failure::Refused(Status::MEDIA_TYPE)));
    mina.writes(&chat, "Msg1", "short enough");
    mina.hears();
    assert_eq!(served.verified()["accepted"], 1);
}
