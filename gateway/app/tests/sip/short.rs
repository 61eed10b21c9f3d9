//! Short messages over IMS (TS 24.341): SIPp as the handset, both ways, octet for octet.

use crate::{
    account::Transport,
    program::free_address,
    served::{MINA, Served},
    sipp::{Scenario, Sipp, with_password},
    support::{Script, until},
};

/// RP-DATA of a handset with an SMS-SUBMIT that wants a report: octets of every kind, as data.
const SUBMIT: &[u8] = &[
    0x00, 0x0D, // RP-DATA, reference 13
    0x00, 0x03, 0x81, 0x01, 0xF0, // no originator; the centre 100
    0x12, // octets of the TPDU
    0x21, 0x0A, 0x0C, 0x91, 0x28, 0x01, 0x99, 0x99, 0x00, 0x10, // SMS-SUBMIT 10 to +821099990001
    0x00, 0x04, // data
    0x05, 0x00, 0x0D, 0xFF, 0x0A, 0x80,
];
const DATA: &[u8] = &[0x00, 0x0D, 0xFF, 0x0A, 0x80];

fn submits(transport: Transport) {
    let served = Served::start("sip-relay", |_| Script::Deliver, |text| text);
    let capture = served.captured();
    let scenario = Scenario {
        transport,
        fields: &[MINA.to_owned()],
        keys: &[("centre", "100")],
        body: SUBMIT,
        strangers: Some("answer"),
        ..Scenario::new("sms_mo", served.sip)
    };
    let counters = Sipp::run(&scenario);
    assert_eq!((counters.successful, counters.failed), (1, 0));
    assert_eq!(served.smsc.texts(), [DATA], "octet for octet");
    until("the message has ended", || (served.verified()["open"] == 0).then_some(()));
    let captured = capture.finish();
    captured.dissected();
    let sent = captured.sip("sip.Method == MESSAGE && sip.r-uri.user == \"100\"");
    assert_eq!(sent.first().expect("a submission").body, SUBMIT);
    let answers = captured.sip("sip.Method == MESSAGE && sip.In-Reply-To");
    // RP-ACK 13 with an SMS-SUBMIT-REPORT.
    let ack = &answers.first().expect("an RP-ACK").body;
    assert_eq!((&ack[..3], ack[4]), (&[0x03, 0x0D, 0x41][..], 0x01), "{ack:02x?}");
    let reports = captured.sip("sip.Method == MESSAGE && !sip.In-Reply-To && sip.from.user == \"100\"");
    let report = &reports.first().expect("a status report").body;
    // RP-DATA from the centre with an SMS-STATUS-REPORT about 10: received.
    assert_eq!(report[0], 0x01, "{report:02x?}");
    assert_eq!(&report[8..18], [0x06, 0x0A, 0x0C, 0x91, 0x28, 0x01, 0x99, 0x99, 0x00, 0x10], "{report:02x?}");
    assert_eq!(report.last(), Some(&0x00), "{report:02x?}");
    let proof = served.verified();
    assert_eq!((&proof["accepted"], &proof["usage_rows"]), (&1.into(), &1.into()));
}

#[test]
fn sipp_submits_data_over_udp_and_gets_rp_ack_and_a_status_report() {
    submits(Transport::Udp);
}

#[test]
fn sipp_submits_data_over_tcp_and_gets_rp_ack_and_a_status_report() {
    submits(Transport::Tcp);
}

#[test]
fn sipp_as_a_handset_is_brought_a_message_and_acknowledges_it() {
    // What comes from this machine is believed, for SIPp proves itself only when it registers.
    let peer = "[[rcs.peer]]\nname = \"handsets\"\naddresses = [\"127.0.0.1\"]\n";
    let change = |text: String| text.replace("[rcs]\n", "[rcs]\ndigests = [\"MD5\"]\n") + "\n" + peer;
    let served = Served::start("rcs", |_| Script::Deliver, change);
    let local = free_address();
    let fields = [with_password(MINA, "secret")];
    let registers = Scenario { local, fields: &fields, ..Scenario::new("register_md5", served.sip) };
    assert_eq!(Sipp::run(&registers).successful, 1);
    let capture = served.captured();
    let phone =
        Scenario { local, remote: None, keys: &[("user", MINA)], ..Scenario::new("sms_mt", served.sip) };
    let phone = Sipp::start(&phone);
    let tictoc = served.messenger();
    let written = tictoc.write("u1", MINA, "안녕");
    tictoc.hears_of("delivered", &written);
    assert!(tictoc.unasked("read").is_empty(), "a handset does not tell");
    let counters = phone.finish();
    assert_eq!((counters.successful, counters.failed), (1, 0));
    let captured = capture.finish();
    captured.dissected();
    let brought = captured.sip("sip.Method == MESSAGE && !sip.In-Reply-To");
    let body = &brought.first().expect("an RP-DATA").body;
    assert_eq!(&body[..7], [0x01, 0x01, 0x03, 0x81, 0x01, 0xF0, 0x00], "from the centre 100");
    assert!(body.ends_with(&[0x04, 0xC5, 0x48, 0xB1, 0x55]), "{body:02x?}");
    assert!(captured.field("gsm_sms.sms_text").iter().any(|text| text == "안녕"), "tshark reads the same");
    let answer = captured.sip("sip.Method == MESSAGE && sip.In-Reply-To").remove(0);
    assert_eq!(answer.body, [0x02, 0x01]);
    assert!(served.smsc.texts().is_empty(), "nothing fell back");
}
