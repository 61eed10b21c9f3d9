//! The peers among themselves, without a gateway: what they cannot do here they cannot show elsewhere.

use std::net::SocketAddr;

use crate::{
    account::{Account, Transport, uri},
    baresip::Baresip,
    capture::{Capture, Captured, Protocol},
    content_server::ContentServer,
    kamailio::{Kamailio, answers},
    linphone::{Linphone, Wrapping},
    program::free_address,
    sipp::{Scenario, Sipp, with_password},
};

fn registrar() -> (Kamailio, SocketAddr) {
    let address = free_address();
    (Kamailio::start("registrar.cfg", address, &[]), address)
}

#[test]
fn sipsak_gets_its_options_answered() {
    let (_kamailio, address) = registrar();
    assert!(answers(address));
    assert!(!answers(free_address()), "nobody answers where nobody listens");
}

#[test]
fn linphones_exchange_cpim_receipts_and_typing_over_udp_and_tcp() {
    let (_kamailio, address) = registrar();
    let capture = Capture::start(&[(address, Protocol::Sip)]);
    let mut mina = Linphone::register(&Account::new("mina", address, Transport::Udp), Wrapping::Cpim);
    let mut jun = Linphone::register(&Account::new("jun", address, Transport::Tcp), Wrapping::Cpim);
    mina.compose(&uri("jun"));
    assert_eq!(jun.wait_for_composing(true)["from"], uri("mina"));
    mina.send(&uri("jun"), "안녕 😀");
    let message = jun.wait_for_message();
    assert_eq!((&message["from"], &message["text"]), (&uri("mina").into(), &"안녕 😀".into()));
    mina.wait_for_state("안녕 😀", "delivered");
    jun.read(&uri("mina"));
    mina.wait_for_state("안녕 😀", "displayed");
    jun.unregister();
    let captured = capture.finish();
    let counts = captured.dissected();
    assert!(counts["REGISTER"] >= 5 && counts["MESSAGE"] >= 8 && counts["401"] >= 2, "{counts:?}");
    let texts = captured.sip("sip.Content-Type == \"message/cpim\" && !sip.Content-Encoding");
    let body = String::from_utf8_lossy(&texts.first().expect("a text in CPIM").body).into_owned();
    assert!(body.contains("imdn.Disposition-Notification: positive-delivery, negative-delivery, display"));
}

#[test]
fn linphone_without_cpim_sends_plain_text() {
    let (_kamailio, address) = registrar();
    let mut mina = Linphone::register(&Account::new("mina", address, Transport::Tcp), Wrapping::Plain);
    let mut jun = Linphone::register(&Account::new("jun", address, Transport::Udp), Wrapping::Plain);
    mina.send(&uri("jun"), "plain");
    assert_eq!(jun.wait_for_message()["text"], "plain");
    mina.wait_for_state("plain", "delivered");
}

#[test]
fn linphones_exchange_a_file_over_http() {
    let (_kamailio, address) = registrar();
    let content = ContentServer::start();
    let folder = tempfile::tempdir().expect("the system has room for a folder");
    let (sent, fetched) = (folder.path().join("photo.txt"), folder.path().join("fetched.txt"));
    std::fs::write(&sent, "a photo, in words").expect("the folder takes a file");
    let mut mina =
        Linphone::register_with_files(&Account::new("mina", address, Transport::Udp), &content.upload_url());
    let mut jun = Linphone::register(&Account::new("jun", address, Transport::Tcp), Wrapping::Cpim);
    mina.send_file(&uri("jun"), &sent, ("text", "plain"));
    let message = jun.wait_for_message();
    assert_eq!(message["type"], "application/vnd.gsma.rcs-ft-http+xml");
    jun.fetch(&message["id"], &fetched);
    assert_eq!(std::fs::read_to_string(&fetched).expect("it was fetched"), "a photo, in words");
}

#[test]
fn linphone_and_baresip_register_over_tls() {
    let folder = tempfile::tempdir().expect("the system has room for a folder");
    let certified =
        rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate is made");
    let file = |name: &str, text: String| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("the folder takes a file");
        format!("\"{}\"", path.display())
    };
    let certificate = file("certificate.pem", certified.cert.pem());
    let key = file("key.pem", certified.signing_key.serialize_pem());
    let (plain, address) = (free_address(), free_address());
    let definitions = [("LISTEN_TLS", address.to_string()), ("CERTIFICATE", certificate), ("KEY", key)];
    let definitions: Vec<_> = definitions.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let _kamailio = Kamailio::start("registrar.cfg", plain, &definitions);
    let mut mina = Linphone::register(&Account::new("mina", address, Transport::Tls), Wrapping::Plain);
    let mut jun = Baresip::register(&Account::new("jun", address, Transport::Tls), &uri("mina"));
    mina.send(&uri("jun"), "nobody else reads this");
    jun.wait_for_message("nobody else reads this");
    jun.send("nor this");
    assert_eq!(mina.wait_for_message()["text"], "nor this");
}

#[test]
fn linphone_is_refused_with_a_wrong_password() {
    let (_kamailio, address) = registrar();
    let account = Account { password: "guess", ..Account::new("mina", address, Transport::Udp) };
    Linphone::start(&account, Wrapping::Cpim).wait_for_registration("failed");
}

#[test]
fn baresip_takes_plain_text_and_answers_415_to_cpim() {
    let (_kamailio, address) = registrar();
    let capture = Capture::start(&[(address, Protocol::Sip)]);
    let mut jun = Baresip::register(&Account::new("jun", address, Transport::Tcp), &uri("mina"));
    let mut mina = Linphone::register(&Account::new("mina", address, Transport::Udp), Wrapping::Cpim);
    jun.send("hello from baresip");
    assert_eq!(mina.wait_for_message()["text"], "hello from baresip");
    mina.send(&uri("jun"), "in CPIM");
    mina.wait_for_state("in CPIM", "failed");
    let mut sora = Linphone::register(&Account::new("sora", address, Transport::Udp), Wrapping::Plain);
    sora.send(&uri("jun"), "in plain text");
    assert_eq!(jun.wait_for_message("in plain text"), format!("{}:", uri("sora")).trim_end_matches(':'));
    let captured = capture.finish();
    let refused = captured.sip("sip.Status-Code == 415");
    let head = &refused.first().expect("a message that was refused").head;
    assert!(head.contains("Accept: text/plain"), "{head}");
    captured.dissected();
}

#[test]
fn sipp_registers_with_md5_over_udp_and_tcp() {
    let (_kamailio, address) = registrar();
    let right = ["mina", "jun", "sora"].map(|user| with_password(user, "secret"));
    for transport in [Transport::Udp, Transport::Tcp] {
        let scenario =
            Scenario { transport, calls: 3, fields: &right, ..Scenario::new("register_md5", address) };
        let counters = Sipp::run(&scenario);
        assert_eq!((counters.successful, counters.failed), (3, 0));
    }
    let wrong = [with_password("mina", "guess")];
    let counters = Sipp::run(&Scenario { fields: &wrong, ..Scenario::new("register_md5", address) });
    assert_eq!((counters.successful, counters.failed), (0, 1));
}

/// RP-DATA of a phone with an SMS-SUBMIT (TS 23.040 §9.2.2.2): NUL, CR and LF in it, as any octet may be.
const SUBMIT: &[u8] = &[
    0x00, 0x0D, // RP-DATA, reference 13
    0x00, 0x06, 0x91, 0x28, 0x01, 0x00, 0x00, 0xF0, // no originator; the centre +82100000
    0x11, // octets of the TPDU
    0x01, 0x0A, 0x0B, 0x91, 0x28, 0x01, 0x21, 0x43, 0x65, 0xF7, // SMS-SUBMIT 10 to +82101234567
    0x00, 0x08, // UCS-2
    0x04, 0x00, 0x0D, 0x00, 0x0A, // "\r\n"
];

/// RP-DATA of a network with an SMS-DELIVER (TS 23.040 §9.2.2.1).
const DELIVER: &[u8] = &[
    0x01, 0x2A, // RP-DATA, reference 42
    0x06, 0x91, 0x28, 0x01, 0x00, 0x00, 0xF0, 0x00, // the centre; no destination
    0x17, // octets of the TPDU
    0x04, 0x0B, 0x91, 0x28, 0x01, 0x21, 0x43, 0x65, 0xF7, // SMS-DELIVER from +82101234567
    0x00, 0x08, // UCS-2
    0x62, 0x30, 0x10, 0x90, 0x03, 0x00, 0x63, // 2026-03-01 09:30:00 +09:00
    0x04, 0xC5, 0x48, 0xB1, 0x55, // 안녕
];

#[test]
fn sipp_submits_an_sms_over_ims_octet_for_octet_and_takes_the_rp_ack() {
    for transport in [Transport::Udp, Transport::Tcp] {
        let address = free_address();
        let mut network = Kamailio::start("sms.cfg", address, &[]);
        let capture = Capture::start(&[(address, Protocol::Sip)]);
        let scenario = Scenario {
            transport,
            fields: &["+821011110001".to_owned()],
            keys: &[("centre", "+82100000")],
            body: SUBMIT,
            strangers: Some("answer"),
            ..Scenario::new("sms_mo", address)
        };
        let counters = Sipp::run(&scenario);
        assert_eq!((counters.successful, counters.failed), (1, 0));
        assert_eq!(network.wait_for("network has: "), "to=82101234567 coding=8 reference=0d text=");
        let captured = capture.finish();
        captured.dissected();
        assert_eq!(captured.short("sip", false).remove(0), SUBMIT);
        assert_eq!(captured.short("sip", true).remove(0)[..2], [0x03, 0x0D]);
    }
}

/// What a network sends to a phone and what the phone sends back.
fn push(phone: SocketAddr) -> Captured {
    let capture = Capture::start(&[(phone, Protocol::Sip)]);
    let scenario = Scenario {
        keys: &[("user", "+821011110001")],
        body: DELIVER,
        strangers: Some("answer"),
        ..Scenario::new("sms_push", phone)
    };
    let counters = Sipp::run(&scenario);
    assert_eq!((counters.successful, counters.failed), (1, 0));
    let captured = capture.finish();
    captured.dissected();
    assert_eq!(captured.short("sip", false).remove(0), DELIVER);
    let answer = captured.short("sip", true).remove(0);
    assert_eq!(answer, [0x02, 0x2A], "an RP-ACK with the reference of the RP-DATA");
    captured
}

#[test]
fn kamailio_as_a_phone_reads_an_sms_over_ims_and_acknowledges_it() {
    let address = free_address();
    let mut phone = Kamailio::start("sms.cfg", address, &[]);
    let captured = push(address);
    assert_eq!(phone.wait_for("phone has: "), "from=82101234567 coding=8 reference=2a text=안녕");
    assert!(captured.field("gsm_sms.sms_text").iter().any(|text| text == "안녕"), "tshark reads the same");
}

#[test]
fn sipp_as_a_phone_acknowledges_an_sms_over_ims() {
    let address = free_address();
    let scenario = Scenario {
        local: address,
        remote: None,
        keys: &[("user", "+821011110001")],
        ..Scenario::new("sms_mt", address)
    };
    let phone = Sipp::start(&scenario);
    push(address);
    let counters = phone.finish();
    assert_eq!((counters.successful, counters.failed), (1, 0));
}

#[test]
fn sipp_floods_sipp_with_pager_messages() {
    let address = free_address();
    let sink = Scenario { local: address, remote: None, calls: 300, ..Scenario::new("answer", address) };
    let sink = Sipp::start(&sink);
    let fields = ["+821011110001;+821099990001".to_owned(), "+821011110002;+821099990002".to_owned()];
    let capture = Capture::start(&[(address, Protocol::Sip)]);
    let flood = Scenario { calls: 300, rate: 300, fields: &fields, ..Scenario::new("pager", address) };
    let sent = Sipp::run(&flood);
    assert_eq!((sent.successful, sent.failed), (300, 0));
    assert_eq!(sink.finish().successful, 300);
    let counts = capture.finish().dissected();
    assert!(counts["MESSAGE"] >= 300 && counts["200"] >= 300, "{counts:?}");
}
