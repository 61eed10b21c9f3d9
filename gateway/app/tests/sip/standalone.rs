//! Phones that register with the gateway itself: `config/examples/rcs.toml`.

use serde_json::Value;

use crate::{
    account::{Account, Transport, uri},
    baresip::Baresip,
    device::Device,
    linphone::{Linphone, Wrapping},
    served::{JUN, MINA, PHONE, SORA, Served},
    support::until,
};

/// A user of the messenger and a phone write to each other; both learn what became of what they wrote.
fn exchange(transport: Transport) {
    let served = Served::standalone();
    let registrar = if transport == Transport::Tls { served.tls } else { served.sip };
    let mut mina = Linphone::register(&Account::new(MINA, registrar, transport), Wrapping::Cpim);
    let mut tictoc = served.messenger();
    tictoc.confirms_late = true;

    let written = tictoc.write("u1", MINA, "안녕 😀");
    let message = mina.wait_for_message();
    assert_eq!(message["text"], "안녕 😀");
    let u1 = message["from"].as_str().expect("a URI").to_owned();
    assert!(u1.starts_with("sip:+82705000"), "a user without a number borrows one of the pool: {u1}");
    tictoc.hears_of("delivered", &written);
    assert!(tictoc.unasked("read").is_empty(), "nobody has looked yet");
    mina.read(&u1);
    tictoc.hears_of("read", &written);

    mina.compose(&u1);
    let typing = tictoc.hears("typing", |event| event["body"]["on"] == true);
    assert_eq!((&typing["from"]["tel"], &typing["to"][0]["usr"]), (&MINA.into(), &"u1".into()));
    mina.send(&u1, "반가워");
    let reply = tictoc.hears("text", |_| true);
    assert_eq!(
        (&reply["from"]["tel"], &reply["to"][0]["usr"], &reply["body"]["text"]),
        (&MINA.into(), &"u1".into(), &Value::from("반가워"))
    );
    tictoc.receipt("delivered", &reply["id"]);
    mina.wait_for_state("반가워", "delivered");
    tictoc.receipt("read", &reply["id"]);
    mina.wait_for_state("반가워", "displayed");
    mina.forget_composing();
    tictoc.typing("u1", MINA, true);
    assert_eq!(mina.wait_for_composing(true)["from"].as_str(), Some(&*u1));

    let counts = served.captured().dissected();
    if transport != Transport::Tls {
        assert!(counts["REGISTER"] >= 2 && counts["401"] >= 1 && counts["MESSAGE"] >= 8, "{counts:?}");
    }
    assert_eq!(served.verified()["accepted"], 2);
}

#[test]
fn linphone_and_a_messenger_user_exchange_texts_receipts_and_typing_over_udp() {
    exchange(Transport::Udp);
}

#[test]
fn linphone_and_a_messenger_user_exchange_texts_receipts_and_typing_over_tcp() {
    exchange(Transport::Tcp);
}

#[test]
fn linphone_and_a_messenger_user_exchange_texts_receipts_and_typing_over_tls() {
    exchange(Transport::Tls);
}

#[test]
fn two_linphones_write_to_each_other() {
    let served = Served::standalone();
    let mut mina = Linphone::register(&Account::new(MINA, served.sip, Transport::Udp), Wrapping::Cpim);
    let mut jun = Linphone::register(&Account::new(JUN, served.sip, Transport::Tcp), Wrapping::Cpim);
    mina.send(&uri(JUN), "are you there?");
    let message = jun.wait_for_message();
    assert_eq!((&message["from"], &message["text"]), (&uri(MINA).into(), &"are you there?".into()));
    mina.wait_for_state("are you there?", "delivered");
    jun.send(&uri(MINA), "I am");
    assert_eq!(mina.wait_for_message()["text"], "I am");
    jun.wait_for_state("I am", "delivered");
    assert_eq!(served.verified()["accepted"], 2);
}

/// A phone may say what it likes about who it is: what counts is what it proved.
#[test]
fn a_phone_that_asserts_to_be_somebody_else_is_not() {
    let served = Served::standalone();
    let mut mina = Device::register(MINA, served.sip);
    let more = format!("P-Asserted-Identity: <tel:{JUN}>\r\nContent-Type: text/plain\r\n");
    let answer = mina.asks("MESSAGE", &uri(PHONE), &uri(PHONE), &more, b"who is this?");
    assert_eq!(answer.status(), Some(202), "{}", answer.head);
    let usage = served.usage();
    let senders: Vec<_> =
        usage.iter().map(|row| row.record.from.map(|from| format!("+{}", from.as_u64()))).collect();
    assert_eq!(senders, [Some(MINA.to_owned())]);
}

/// What the channel and its sockets count for themselves is on the page of metrics a moment later.
#[test]
fn a_registered_device_is_counted() {
    let served = Served::standalone();
    assert_eq!(served.gateway.metric("gateway_rcs_registered_users"), 0.0);
    let _mina = Device::register(MINA, served.sip);
    until("a registered user", || {
        (served.gateway.metric("gateway_rcs_registered_users") == 1.0).then_some(())
    });
    let metric = |series: &str| served.gateway.metric(series);
    assert_eq!(metric("gateway_rcs_registered_devices"), 1.0);
    assert!(metric("gateway_rcs_registrations_total") >= 1.0);
    assert!(metric("gateway_rcs_proofs_total{event=\"challenged\"}") >= 1.0);
    assert!(metric("gateway_sip_messages_total{direction=\"in\",transport=\"stream\"}") >= 2.0);
}

/// Linphone and baresip keep the keys of TLS to themselves; a phone by hand does not, and tshark reads what it is told.
#[test]
fn what_is_said_over_tls_is_as_well_formed_as_the_rest() {
    let served = Served::standalone();
    let mut mina = Device::register_secure(MINA, &served);
    let tictoc = served.messenger();
    let written = tictoc.write("u1", MINA, "안녕 😀");
    let message = mina.is_asked();
    mina.answers(&message, "200 OK");
    assert_eq!(mina.notifies(&message, "delivered"), Some(200));
    tictoc.hears_of("delivered", &written);
    let counts = served.captured().dissected();
    assert!(counts["REGISTER"] == 2 && counts["401"] == 1 && counts["MESSAGE"] == 2, "{counts:?}");
    assert_eq!(served.verified()["accepted"], 1);
}

#[test]
fn linphone_is_refused_with_a_wrong_password() {
    let served = Served::standalone();
    let account = Account { password: "guess", ..Account::new(MINA, served.sip, Transport::Udp) };
    Linphone::start(&account, Wrapping::Cpim).wait_for_registration("failed");
}

/// Rcs sheet §15: 415 to CPIM, then text, and from then on text at once.
fn text_after_415(transport: Transport) {
    let served = Served::standalone_for_md5();
    let registrar = if transport == Transport::Tls { served.tls } else { served.sip };
    let tictoc = served.messenger();
    let written = tictoc.write("u1", SORA, "nobody is there yet");
    let mut sora = Baresip::register(&Account::new(SORA, registrar, transport), &uri(MINA));
    // What waited comes when its recipient does.
    let u1 = sora.wait_for_message("nobody is there yet");
    assert!(u1.starts_with("sip:+82705000"), "{u1}");
    // The 200 to a text is its delivery: it asks for no notification.
    tictoc.hears_of("delivered", &written);
    let second = tictoc.write("u1", SORA, "plainly");
    assert_eq!(sora.wait_for_message("plainly"), u1);
    tictoc.hears_of("delivered", &second);
    let mut mina = Linphone::register(&Account::new(MINA, served.sip, Transport::Udp), Wrapping::Cpim);
    mina.send(&uri(SORA), "from a phone that speaks CPIM");
    sora.wait_for_message("from a phone that speaks CPIM");
    mina.wait_for_state("from a phone that speaks CPIM", "delivered");
    sora.send("hello from baresip");
    assert_eq!(mina.wait_for_message()["text"], "hello from baresip");
    let captured = served.captured();
    if transport != Transport::Tls {
        let refused = captured.sip("sip.Status-Code == 415");
        assert_eq!(refused.len(), 1, "it learns");
        let texts = captured.sip("sip.Method == MESSAGE && sip.Content-Type contains \"text/plain\"");
        assert!(texts.len() >= 4, "three to the phone and one from it, {}", texts.len());
    }
    assert_eq!(served.verified()["accepted"], 4);
}

#[test]
fn baresip_gets_text_after_its_415_and_is_not_asked_again_over_udp() {
    text_after_415(Transport::Udp);
}

#[test]
fn baresip_gets_text_after_its_415_and_is_not_asked_again_over_tcp() {
    text_after_415(Transport::Tcp);
}

#[test]
fn baresip_gets_text_after_its_415_and_is_not_asked_again_over_tls() {
    text_after_415(Transport::Tls);
}
