//! Short messages over IMS (TS 24.341): SIPp, Kamailio and handsets by hand, both ways, octet for octet.

use std::net::SocketAddr;

use serde_json::Value;

use crate::{
    account::Transport,
    device::Device,
    kamailio::Kamailio,
    program::free_address,
    served::{JUN, MINA, Served},
    sipp::{Scenario, Sipp, with_password},
    support::{Script, until},
    wire::Heard,
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
    until("the SMSC has it", || (!served.smsc.texts().is_empty()).then_some(()));
    assert_eq!(served.smsc.texts(), [DATA], "octet for octet");
    until("the message has ended", || (served.verified()["open"] == 0).then_some(()));
    let captured = served.captured();
    assert_eq!(captured.short("sip.r-uri.user == \"100\"", false), [SUBMIT]);
    // RP-ACK 13 with an SMS-SUBMIT-REPORT.
    let ack = captured.short("sip.from.user == \"100\"", true).remove(0);
    assert_eq!((&ack[..3], ack[4]), (&[0x03, 0x0D, 0x41][..], 0x01), "{ack:02x?}");
    let report = captured.short("sip.from.user == \"100\"", false).remove(0);
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

/// A gateway, and where a handset listens that SIPp has registered as Mina's.
fn with_handset() -> (Served, SocketAddr) {
    // What comes from this machine is believed, for SIPp proves itself only when it registers.
    let peer = "[[rcs.peer]]\nname = \"handsets\"\naddresses = [\"127.0.0.1\"]\n";
    let change = |text: String| text.replace("[rcs]\n", "[rcs]\ndigests = [\"MD5\"]\n") + "\n" + peer;
    let served = Served::start("rcs", |_| Script::Deliver, change);
    let local = free_address();
    let fields = [with_password(MINA, "secret")];
    let registers = Scenario { local, fields: &fields, ..Scenario::new("register_md5", served.sip) };
    assert_eq!(Sipp::run(&registers).successful, 1);
    (served, local)
}

#[test]
fn sipp_as_a_handset_is_brought_a_message_and_acknowledges_it() {
    let (served, local) = with_handset();
    let phone =
        Scenario { local, remote: None, keys: &[("user", MINA)], ..Scenario::new("sms_mt", served.sip) };
    let phone = Sipp::start(&phone);
    let tictoc = served.messenger();
    let written = tictoc.write("u1", MINA, "안녕");
    tictoc.hears_of("delivered", &written);
    assert!(tictoc.unasked("read").is_empty(), "a handset does not tell");
    let counters = phone.finish();
    assert_eq!((counters.successful, counters.failed), (1, 0));
    let captured = served.captured();
    let body = captured.short("sip.from.user == \"100\"", false).remove(0);
    assert_eq!(&body[..7], [0x01, 0x01, 0x03, 0x81, 0x01, 0xF0, 0x00], "from the centre 100");
    assert!(body.ends_with(&[0x04, 0xC5, 0x48, 0xB1, 0x55]), "{body:02x?}");
    assert!(captured.field("gsm_sms.sms_text").iter().any(|text| text == "안녕"), "tshark reads the same");
    assert_eq!(captured.short("sip.r-uri.user == \"100\"", true), [[0x02, 0x01]]);
    assert!(served.smsc.texts().is_empty(), "nothing fell back");
}

/// The codec of Kamailio, which nobody of this project wrote, reads what a handset is brought.
#[test]
fn kamailio_as_a_handset_reads_a_message_and_acknowledges_it() {
    let (served, local) = with_handset();
    let mut phone = Kamailio::start("sms.cfg", local, &[]);
    let tictoc = served.messenger();
    let written = tictoc.write("u1", MINA, "안녕");
    let read = phone.wait_for("phone has: ");
    assert!(read.starts_with("from=82705000"), "{read}");
    assert!(read.ends_with(" coding=8 reference=01 text=안녕"), "{read}");
    tictoc.hears_of("delivered", &written);
    assert!(served.smsc.texts().is_empty(), "nothing fell back");
    assert_eq!(served.verified()["accepted"], 1);
}

/// A handset by hand, with nothing better than short messages.
pub(crate) fn handset(user: &'static str, served: &Served) -> Device {
    Device::register_with(user, served.sip, "+g.3gpp.smsip")
}

/// Says something of the relay layer to the centre.
#[track_caller]
fn says(device: &mut Device, more: &str, rp: &[u8]) {
    let more = format!("{more}Content-Type: application/vnd.3gpp.sms\r\n");
    let centre = "sip:100@ims.example";
    assert_eq!(device.asks("MESSAGE", centre, centre, &more, rp).status(), Some(202));
}

/// What a handset is told next, once it has said that it came.
#[track_caller]
pub(crate) fn hears(device: &mut Device) -> Heard {
    let heard = device.is_asked();
    assert_eq!(heard.header("Content-Type"), Some("application/vnd.3gpp.sms"), "{}", heard.head);
    device.answers(&heard, "200 OK");
    heard
}

/// Answers an RP-DATA with this kind of RP message and what follows the reference.
#[track_caller]
pub(crate) fn replies(device: &mut Device, data: &Heard, kind: u8, rest: &[u8]) {
    let more = format!("In-Reply-To: {}\r\n", data.header("Call-ID").expect("a request has one"));
    says(device, &more, &[&[kind, data.body[1]], rest].concat());
}

#[test]
fn data_of_one_handset_arrives_at_another_as_it_was_and_the_sender_hears_of_it() {
    let served = Served::standalone();
    let (mut mina, mut jun) = (handset(MINA, &served), handset(JUN, &served));
    // The same, to +821011110002.
    let mut submit = SUBMIT.to_vec();
    submit[14..18].copy_from_slice(&[0x11, 0x11, 0x00, 0x20]);
    says(&mut mina, "", &submit);
    let ack = hears(&mut mina);
    assert_eq!(ack.body[..2], [0x03, 0x0D], "{:02x?}", ack.body);
    let data = hears(&mut jun);
    // From the centre 100, an SMS-DELIVER of +821011110001 whose sender wants a report; data, five octets.
    assert_eq!(data.body[2..7], [0x03, 0x81, 0x01, 0xF0, 0x00], "{:02x?}", data.body);
    assert_eq!(data.body[8..18], [0x24, 0x0C, 0x91, 0x28, 0x01, 0x11, 0x11, 0x00, 0x10, 0x00]);
    assert_eq!(data.body[18], 0x04);
    assert!(data.body.ends_with(&[&[0x05], DATA].concat()), "{:02x?}", data.body);
    replies(&mut jun, &data, 0x02, &[]);
    let report = hears(&mut mina);
    assert_eq!(
        report.body[8..18],
        [0x06, 0x0A, 0x0C, 0x91, 0x28, 0x01, 0x11, 0x11, 0x00, 0x20],
        "{:02x?}",
        report.body
    );
    assert_eq!(report.body.last(), Some(&0x00), "received");
    replies(&mut mina, &report, 0x02, &[]);
    until("the message has ended", || (served.verified()["open"] == 0).then_some(()));
    let proof = served.verified();
    assert_eq!((&proof["accepted"], &proof["usage_rows"]), (&1.into(), &1.into()));
    assert!(served.smsc.texts().is_empty(), "nothing went round by the SMSC");
}

/// Sms sheet §6.3: memory full, then RP-SMMA.
#[test]
fn a_full_handset_gets_its_message_when_there_is_room() {
    let served = Served::standalone();
    let mut mina = handset(MINA, &served);
    let tictoc = served.messenger();
    let written = tictoc.write("u1", MINA, "is there room?");
    let data = hears(&mut mina);
    replies(&mut mina, &data, 0x04, &[0x01, 22]);
    served.gateway.says("\"deferred\"");
    says(&mut mina, "", &[0x06, 0x33]);
    let mut heard = [hears(&mut mina), hears(&mut mina)];
    heard.sort_by_key(|heard| heard.body[0]);
    let [again, ack] = heard;
    assert_eq!(ack.body, [0x03, 0x33]);
    let tpdu = |heard: &Heard| heard.body[8..].to_vec();
    assert_eq!(tpdu(&again), tpdu(&data), "the same TPDU: a handset knows it again");
    assert!(tictoc.unasked("delivered").is_empty(), "it came, and is not taken");
    replies(&mut mina, &again, 0x02, &[]);
    tictoc.hears_of("delivered", &written);
    assert!(served.smsc.texts().is_empty(), "nothing fell back");
    assert_eq!(served.verified()["accepted"], 1);
}

/// Rcs sheet §13.1: a long text of a handset, its segments out of order, is one message to a messenger user.
#[test]
fn segments_of_a_handset_are_joined_for_who_reads_text() {
    let served = Served::standalone();
    let mut mina = handset(MINA, &served);
    let tictoc = served.messenger();
    // The user writes first, so that his number stands for him.
    tictoc.write("u1", MINA, "hi");
    let data = hears(&mut mina);
    replies(&mut mina, &data, 0x02, &[]);
    // TP-OA: a length in digits, its type, and the digits.
    let originator = &data.body[9..17];
    for (number, text) in [(2, "하세요"), (1, "안녕")] {
        let mut tpdu = vec![0x41, 0x20 + number];
        tpdu.extend_from_slice(originator);
        let words: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let octets = u8::try_from(words.len() + 6).expect("few");
        tpdu.extend_from_slice(&[0x00, 0x08, octets, 0x05, 0x00, 0x03, 0x5A, 0x02, number]);
        tpdu.extend_from_slice(&words);
        let head = [0x00, number, 0x00, 0x03, 0x81, 0x01, 0xF0, u8::try_from(tpdu.len()).expect("few")];
        says(&mut mina, "", &[&head[..], &tpdu].concat());
        assert_eq!(hears(&mut mina).body[..2], [0x03, number], "each is acknowledged");
    }
    let joined = tictoc.hears("text", |_| true);
    assert_eq!(
        (&joined["from"]["tel"], &joined["to"][0]["usr"], &joined["body"]["text"]),
        (&MINA.into(), &"u1".into(), &Value::from("안녕하세요"))
    );
}

/// A handset that has not heard its RP-ACK says the same again, also to a gateway that began anew.
#[test]
fn a_repetition_after_a_kill_is_acknowledged_and_not_sent_again() {
    let served = Served::standalone();
    let mut mina = handset(MINA, &served);
    says(&mut mina, "", SUBMIT);
    assert_eq!(hears(&mut mina).body[..2], [0x03, 0x0D]);
    let report = hears(&mut mina);
    replies(&mut mina, &report, 0x02, &[]);
    until("the message has ended", || (served.verified()["open"] == 0).then_some(()));
    let served = served.restart();
    let mut mina = handset(MINA, &served);
    let mut again = SUBMIT.to_vec();
    // Under the next RP-MR, and with TP-RD: this is a repetition.
    (again[1], again[8]) = (0x0E, again[8] | 0x04);
    says(&mut mina, "", &again);
    assert_eq!(hears(&mut mina).body[..2], [0x03, 0x0E]);
    let proof = served.verified();
    assert_eq!((&proof["accepted"], &proof["open"]), (&1.into(), &0.into()));
    assert_eq!(served.smsc.texts(), [DATA], "once");
}
