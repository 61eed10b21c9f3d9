//! The gateway as an application server behind Kamailio's S-CSCF: `config/examples/ims-as.toml`.

use std::net::SocketAddr;

use crate::{
    account::{Account, Transport, uri},
    capture::{Captured, Protocol},
    ims::{Ims, RegistrationBody},
    linphone::{Linphone, Wrapping},
    program::{PATIENCE, free_address},
    served::{JUN, MINA, PHONE, Served},
    sipp::{Scenario, Sipp, with_aka},
    support::{Script, until},
    wire::Wire,
};

/// The gateway, the core in front of it, and where the core listens.
struct Core {
    // Ends before the gateway does.
    _ims: Ims,
    served: Served,
    scscf: SocketAddr,
}

/// An operator's core with a business that sends messages.
fn core(body: RegistrationBody) -> Core {
    let scscf = free_address();
    let account = "\n[[account]]\nname = \"shop\"\nnumbers = [\"15881234\"]\n\
                   api = { keys = [\"plain:shop-key\"] }\n";
    let change = |text: String| text.replace("127.0.0.1:6060", &scscf.to_string()) + account;
    let served = Served::start_beside(&[(scscf, Protocol::Sip)], "ims-as", |_| Script::Deliver, change);
    let ims = Ims::start(scscf, served.sip, body, &[MINA, JUN]);
    Core { _ims: ims, served, scscf }
}

impl Core {
    /// What was said with the core and behind it.
    #[track_caller]
    fn captured(&self) -> Captured {
        self.served.captured()
    }

    /// Waits until the gateway was told so often who is there.
    fn hears_of_presence(&self, times: usize) {
        until("the gateway hears who is there", || {
            let heard = self.served.gateway.log();
            (heard.iter().filter(|line| line["fact"] == "presence").count() >= times).then_some(())
        });
    }

    fn phone(&self, user: &str, transport: Transport) -> Linphone {
        Linphone::register(&Account::new(user, self.scscf, transport), Wrapping::Cpim)
    }
}

#[test]
fn a_registration_with_the_core_brings_what_waited() {
    for body in [RegistrationBody::Register, RegistrationBody::ServiceInfo] {
        let core = core(body);
        let mut mina = core.phone(MINA, Transport::Udp);
        core.hears_of_presence(1);
        mina.unregister();
        core.hears_of_presence(2);
        let id = core.served.gateway.submit("shop-key", MINA, "it waited");
        core.served.gateway.says("\"deferred\"");
        mina.come_back();
        assert_eq!(mina.wait_for_message()["text"], "it waited");
        core.served.gateway.becomes("shop-key", &id, "delivered");
        let captured = core.captured();
        let told = captured.sip("sip.Method == REGISTER && sip.Content-Type");
        assert!(!told.is_empty(), "a third-party REGISTER with a body");
        assert_eq!(core.served.verified()["accepted"], 1);
    }
}

#[test]
fn phones_of_the_core_write_to_each_other_and_to_phones_without_rcs() {
    let core = core(RegistrationBody::Register);
    let mut mina = core.phone(MINA, Transport::Udp);
    let mut jun = core.phone(JUN, Transport::Tcp);
    mina.send(&uri(JUN), "through the gateway");
    let message = jun.wait_for_message();
    assert_eq!((&message["from"], &message["text"]), (&uri(MINA).into(), &"through the gateway".into()));
    mina.wait_for_state("through the gateway", "delivered");
    jun.read(&uri(MINA));
    mina.wait_for_state("through the gateway", "displayed");
    mina.send(&uri(PHONE), "by SMS");
    mina.wait_for_state("by SMS", "delivered");
    assert_eq!(core.served.smsc.texts(), [b"by SMS"]);
    let captured = core.captured();
    let charged = core.served.usage();
    assert_eq!(charged.len(), 2, "{charged:?}");
    for row in charged {
        let id = row.record.charging_id.expect("the id of the network that it came from");
        let said = captured.sip(&format!("sip.Method == MESSAGE && frame contains \"{id}\""));
        assert!(!said.is_empty(), "{id}");
    }
    assert_eq!(core.served.verified()["accepted"], 2);
}

/// Who a request is from is believed of the listed core, and of nobody else (RFC 3325 §5).
#[test]
fn who_is_not_listed_is_asked_for_a_password() {
    let core = core(RegistrationBody::Register);
    let message = |wire: &Wire, n: u32| {
        let local = wire.local();
        format!(
            "MESSAGE tel:{PHONE} SIP/2.0\r\n\
             Via: SIP/2.0/UDP {local};branch=z9hG4bKlisted{n};rport\r\n\
             Max-Forwards: 70\r\nFrom: <tel:{MINA}>;tag=l\r\nTo: <tel:{PHONE}>\r\n\
             Call-ID: listed{n}@{local}\r\nCSeq: 1 MESSAGE\r\nP-Asserted-Identity: <tel:{MINA}>\r\n\
             P-Charging-Vector: icid-value=icid-of-{n}\r\n\
             Content-Type: text/plain\r\nContent-Length: 2\r\n\r\nhi"
        )
    };
    for (n, (host, status)) in (0..).zip([([127, 0, 0, 2], 407), ([127, 0, 0, 1], 202)]) {
        let mut wire = Wire::from(host, core.served.sip);
        wire.say(message(&wire, n).as_bytes());
        let answer = wire.hears(PATIENCE).expect("an answer");
        assert_eq!(answer.status(), Some(status), "{host:?}: {}", answer.head);
        assert_eq!(answer.header("Proxy-Authenticate").is_some(), status == 407);
    }
    let charged: Vec<_> = core.served.usage().into_iter().map(|row| row.record.charging_id).collect();
    assert_eq!(charged, [Some("icid-of-1".into())], "the one that was taken");
    assert_eq!(core.served.verified()["accepted"], 1);
}

#[test]
fn a_phone_with_a_card_registers_with_aka_and_is_reached() {
    let core = core(RegistrationBody::Register);
    for (transport, user) in [(Transport::Udp, MINA), (Transport::Tcp, JUN)] {
        let fields = [with_aka(user)];
        let scenario = Scenario { transport, fields: &fields, ..Scenario::new("register_aka", core.scscf) };
        let counters = Sipp::run(&scenario);
        assert_eq!((counters.successful, counters.failed), (1, 0), "{user}");
    }
    core.hears_of_presence(2);
    // SIPp has gone; its registration has not.
    let counts = core.captured().dissected();
    assert!(counts["REGISTER"] >= 6, "two of each phone, and one of the core for each: {counts:?}");
}

/// SMS over IMS as operators have it: the phone knows the core, the core knows the gateway.
#[test]
fn a_phone_with_a_card_exchanges_short_messages_through_the_core() {
    let core = core(RegistrationBody::Register);
    let local = free_address();
    let fields = [with_aka(MINA)];
    let registers = Scenario { local, fields: &fields, ..Scenario::new("register_aka", core.scscf) };
    assert_eq!(Sipp::run(&registers).successful, 1);
    core.hears_of_presence(1);
    // RP-DATA 13 to the centre 100 with an SMS-SUBMIT to +821099990001: data, among it what ends lines and strings.
    let submit = [
        &[0x00, 0x0D, 0x00, 0x03, 0x81, 0x01, 0xF0, 0x12][..],
        &[0x01, 0x0A, 0x0C, 0x91, 0x28, 0x01, 0x99, 0x99, 0x00, 0x10, 0x00, 0x04],
        &[0x05, 0x00, 0x0D, 0xFF, 0x0A, 0x80],
    ]
    .concat();
    let submits = Scenario {
        local,
        fields: &[MINA.to_owned()],
        keys: &[("centre", "100")],
        body: &submit,
        strangers: Some("answer"),
        ..Scenario::new("sms_mo", core.scscf)
    };
    assert_eq!(Sipp::run(&submits).successful, 1);
    until("the SMSC has it", || (!core.served.smsc.texts().is_empty()).then_some(()));
    assert_eq!(core.served.smsc.texts(), [[0x00, 0x0D, 0xFF, 0x0A, 0x80]], "octet for octet");
    let phone =
        Scenario { local, remote: None, keys: &[("user", MINA)], ..Scenario::new("sms_mt", core.scscf) };
    let phone = Sipp::start(&phone);
    let id = core.served.gateway.submit("shop-key", MINA, "안녕");
    core.served.gateway.becomes("shop-key", &id, "delivered");
    assert_eq!(phone.finish().successful, 1);
    let captured = core.captured();
    // Seen on both sides of the core.
    let sent = captured.short("sip.from.user contains \"0001\"", false);
    assert!(sent.len() >= 2 && sent.iter().all(|body| *body == submit), "{sent:02x?}");
    let acks = captured.short("sip.from.user == \"100\"", true);
    assert!(acks.len() >= 2 && acks.iter().all(|body| body[..3] == [0x03, 0x0D, 0x41]), "{acks:02x?}");
    let brought = captured.short("sip.from.user == \"100\"", false);
    assert!(brought.len() >= 2 && brought.iter().all(|body| body == &brought[0]), "{brought:02x?}");
    assert!(brought[0].ends_with(&[0x04, 0xC5, 0x48, 0xB1, 0x55]), "{brought:02x?}");
    until("both have ended", || (core.served.verified()["open"] == 0).then_some(()));
    assert_eq!(core.served.verified()["accepted"], 2);
}
