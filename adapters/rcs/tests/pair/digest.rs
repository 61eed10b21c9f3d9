//! Who is it (RFC 3261 §22, rcs sheet §15.5).

use rcs::{
    Settings,
    settings::{Limits, Trust},
};
use sip_message::{Name, digest::Algorithm};
use sip_transaction::Transport;

use crate::world::{JUN, MINA, PHONE, World, authorization, handset, settings, udp};

fn head(from: &str, more: &str) -> String {
    format!(
        "MESSAGE sip:{PHONE}@ims.example
         From: <sip:{from}@ims.example>;tag=f
         To: <sip:{PHONE}@ims.example>
         Content-Type: text/plain
         {more}"
    )
}

fn uri() -> String {
    format!("sip:{PHONE}@ims.example")
}

/// Rcs sheet §15.5: one challenge for each digest, in the operator's order. Some devices stop at what they do not know.
#[test]
fn passwords_are_asked_for_in_the_ways_that_are_configured() {
    for (digests, asked) in [
        (vec![Algorithm::SHA_256, Algorithm::MD5], vec!["algorithm=SHA-256", "algorithm=MD5"]),
        (vec![Algorithm::MD5], vec!["algorithm=MD5"]),
    ] {
        let mut world = World::with(Settings { digests, ..settings() });
        world.settle();
        world.request(handset(), &head(MINA, ""), b"x");
        let challenge = world.sent_response();
        let said: Vec<_> = challenge
            .headers
            .all(Name::ProxyAuthenticate)
            .map(|value| String::from_utf8_lossy(value).into_owned())
            .collect();
        assert_eq!(said.len(), asked.len(), "{said:?}");
        for (said, asked) in said.iter().zip(asked) {
            assert!(said.contains(asked), "{said}");
        }
    }
}

#[test]
fn a_user_proves_itself_and_its_message_is_taken() {
    let mut world = World::new();
    world.settle();
    world.request(handset(), &head(MINA, ""), b"x");
    let challenge = world.sent_response();
    assert_eq!(challenge.status, 407);
    for username in [MINA.to_owned(), format!("{MINA}@ims.example")] {
        let answer = authorization(&challenge, "MESSAGE", &uri(), &username, "secret");
        world.request(handset(), &head(MINA, &format!("Proxy-Authorization: {answer}")), b"x");
        if username == MINA {
            let (submission, _) = world.submission();
            assert!(submission.charging_id.is_none());
        } else {
            // The same count again is a replay: another nonce, and no password is asked of the person.
            let response = world.sent_response();
            assert_eq!(response.status, 407);
            let value = response.headers.text(Name::ProxyAuthenticate).unwrap();
            assert!(value.contains("stale=true"), "{value}");
        }
    }
    world.quiet();
}

#[test]
fn nobody_speaks_for_somebody_else() {
    let mut world = World::new();
    world.settle();
    world.request(handset(), &head(JUN, ""), b"x");
    let challenge = world.sent_response();
    // Mina's password, Jun's name in From.
    let answer = authorization(&challenge, "MESSAGE", &uri(), MINA, "secret");
    world.request(handset(), &head(JUN, &format!("Proxy-Authorization: {answer}")), b"x");
    assert_eq!(world.status(), 407);
    // A number that is none of ours has no password.
    let answer = authorization(&challenge, "MESSAGE", &uri(), PHONE, "secret");
    world.request(handset(), &head(PHONE, &format!("Proxy-Authorization: {answer}")), b"x");
    assert_eq!(world.status(), 407);
    assert_eq!(world.core.counts().wrong, 2);
    world.quiet();
}

#[test]
fn who_is_wrong_too_often_is_not_listened_to_for_a_while() {
    let mut of = settings();
    of.limits = Limits { failures_max: 3, lockout_s: 60, ..Limits::default() };
    let mut world = World::with(of);
    world.settle();
    world.request(handset(), &head(MINA, ""), b"x");
    let challenge = world.sent_response();
    let wrong = authorization(&challenge, "MESSAGE", &uri(), MINA, "guess");
    let right = authorization(&challenge, "MESSAGE", &uri(), MINA, "secret");
    let mut said = Vec::new();
    for _ in 0..3 {
        world.request(handset(), &head(MINA, &format!("Proxy-Authorization: {wrong}")), b"x");
        said.push(world.status());
    }
    assert_eq!(said, [407, 407, 403]);
    // Not even the right one now, but from elsewhere it is good.
    world.request(handset(), &head(MINA, &format!("Proxy-Authorization: {right}")), b"x");
    assert_eq!(world.status(), 503);
    world.request(udp("127.0.0.2:6001"), &head(MINA, ""), b"x");
    assert_eq!(world.status(), 407);
    world.pass(61);
    world.sent.clear();
    world.request(handset(), &head(MINA, &format!("Proxy-Authorization: {right}")), b"x");
    world.submission();
}

#[test]
fn a_nonce_gets_old() {
    let mut world = World::new();
    world.settle();
    world.request(handset(), &head(MINA, ""), b"x");
    let challenge = world.sent_response();
    world.pass(301);
    world.sent.clear();
    let answer = authorization(&challenge, "MESSAGE", &uri(), MINA, "secret");
    world.request(handset(), &head(MINA, &format!("Proxy-Authorization: {answer}")), b"x");
    let response = world.sent_response();
    assert!(response.headers.text(Name::ProxyAuthenticate).unwrap().contains("stale=true"));
}

#[test]
fn the_connection_of_a_registration_is_proof_and_a_datagram_only_where_configured() {
    let mut world = World::new();
    let tcp = world.connection(40, "127.0.0.1:7001", Transport::Tcp);
    let response = world.register(tcp, MINA, "<sip:mina@127.0.0.1:7001;transport=tcp>", "Expires: 600");
    assert_eq!(response.status, 200);
    world.settle();
    world.request(tcp, &head(MINA, ""), b"x");
    world.submission();
    // Another connection of the same host proves nothing.
    let other = world.connection(41, "127.0.0.1:7001", Transport::Tcp);
    world.request(other, &head(MINA, ""), b"x");
    assert_eq!(world.status(), 407);

    for (datagrams, taken) in [(false, false), (true, true)] {
        let mut of = settings();
        of.trust = Trust { datagrams, ..Trust::default() };
        let mut world = World::with(of);
        let from = world.mina();
        world.request(from, &head(MINA, ""), b"x");
        assert_eq!(!world.inbound.is_empty(), taken);
    }
}

#[test]
fn requests_are_challenged_as_configured() {
    let mut of = settings();
    of.trust = Trust { challenge_as_server: true, ..Trust::default() };
    let mut world = World::with(of);
    world.settle();
    world.request(handset(), &head(MINA, ""), b"x");
    let challenge = world.sent_response();
    assert_eq!(challenge.status, 401);
    let answer = authorization(&challenge, "MESSAGE", &uri(), MINA, "secret");
    world.request(handset(), &head(MINA, &format!("Authorization: {answer}")), b"x");
    world.submission();
}

/// RFC 3310: a device with a card registers with AKA, and is known by its connection afterwards.
#[test]
fn a_device_with_a_card_registers_with_aka() {
    use rcs::settings::{Credential, Secret};
    use sip_message::digest::{Answer, Card, Challenge, Secret as Answering, aka_vector};

    use crate::world::line;

    let card = || Card::with_op(&[0x42; 16], &[0x17; 16]);
    let mut of = settings();
    of.users.get_mut(&line(MINA)).unwrap().credential = Credential::Card(Secret::new(Box::new(card())));
    let mut world = World::with(of);
    world.settle();
    let tcp = world.connection(40, "127.0.0.1:7001", Transport::Tcp);
    let head = |cseq: u32, more: &str| {
        format!(
            "REGISTER sip:ims.example
             From: <sip:{MINA}@ims.example>;tag=r
             To: <sip:{MINA}@ims.example>
             Call-ID: card
             CSeq: {cseq} REGISTER
             Contact: <sip:mina@127.0.0.1:7001;transport=tcp>
             Expires: 600
             {more}"
        )
    };
    world.request(tcp, &head(1, ""), b"");
    let challenged = world.sent_response();
    assert_eq!(challenged.status, 401);
    let challenge = Challenge::parse(challenged.headers.get(Name::WwwAuthenticate).unwrap()).unwrap();
    let (rand, autn) = aka_vector(&challenge.nonce).expect("a vector");
    let res = card().answer(&rand, &autn, 0).expect("the network knows the key").res;
    for (password, status) in [(&[1_u8; 8], 401), (&res, 200)] {
        let credentials = challenge.answer(&Answer {
            username: MINA,
            secret: Answering::Password(password),
            method: "REGISTER",
            uri: "sip:ims.example",
            body: b"",
            cnonce: "c0ffee",
            count: 1,
        });
        world.request(tcp, &head(2, &format!("Authorization: {credentials}")), b"");
        assert_eq!(world.status(), status);
    }
    world.settle();
    world.request(tcp, &head_of_message(), b"x");
    world.submission();
}

fn head_of_message() -> String {
    head(MINA, "")
}
