//! RCS first, then SMS, and never both: who is away, who is silent, who is late.

use std::{thread, time::Duration};

use serde_json::Value;

use crate::{
    account::{Account, Transport, uri},
    device::Device,
    linphone::{Linphone, Wrapping},
    served::{MINA, PHONE, SORA, Served},
    short::{handset, hears, replies},
    support::{Script, until},
};

/// How long somebody waits who waits for nothing to happen.
const QUIET: Duration = Duration::from_millis(1_500);

/// What RCS would have cost, and the SMS in its place.
const REPLACED: [[&str; 2]; 3] = [["submit", "rcs"], ["reversal", "rcs"], ["submit", "sms"]];

/// A business that is charged, and devices that have so long.
fn served(fallback_after: &'static str) -> Served {
    let change = move |text: String| {
        let more = "\n[limits]\nearly_receipt_wait = \"1s\"\n\n\
                    [[account]]\nname = \"shop\"\nnumbers = [\"15881234\"]\n\
                    api = { keys = [\"plain:shop-key\"] }\n";
        let patience = format!("fallback_after = \"{fallback_after}\"\nhandset_answer = \"1s\"");
        text.replace("fallback_after = \"60s\"", &patience) + more
    };
    Served::start("rcs", |_| Script::Deliver, change)
}

#[track_caller]
fn texts(served: &Served, count: usize) -> Vec<Vec<u8>> {
    until(&format!("the SMSC gets {count}"), || {
        let texts = served.smsc.texts();
        (texts.len() >= count).then_some(texts)
    })
}

/// Some columns of usage records.
fn said<const N: usize>(usage: &[Value], keys: [&str; N]) -> Vec<[String; N]> {
    usage.iter().map(|record| keys.map(|key| record[key].as_str().unwrap_or_default().to_owned())).collect()
}

#[test]
fn who_has_no_rcs_gets_a_short_message() {
    let served = served("60s");
    let tictoc = served.messenger();
    let written = tictoc.write("u1", PHONE, "by SMS");
    tictoc.hears_of("delivered", &written);
    assert_eq!(texts(&served, 1), [b"by SMS"]);
    let mut mina = Linphone::register(&Account::new(MINA, served.sip, Transport::Udp), Wrapping::Cpim);
    mina.send(&uri(PHONE), "from RCS by SMS");
    mina.wait_for_state("from RCS by SMS", "delivered");
    assert_eq!(texts(&served, 2)[1], b"from RCS by SMS");
    assert_eq!(served.verified()["accepted"], 2);
}

#[test]
fn who_does_not_register_in_time_gets_a_short_message_and_no_second_one() {
    let served = served("1s");
    let id = served.gateway.submit("shop-key", SORA, "in time?");
    served.gateway.becomes("shop-key", &id, "delivered");
    assert_eq!(texts(&served, 1), [b"in time?"]);
    let mut sora = Linphone::register(&Account::new(SORA, served.sip, Transport::Udp), Wrapping::Cpim);
    let next = served.gateway.submit("shop-key", SORA, "at once");
    assert_eq!(sora.wait_for_message()["text"], "at once", "nothing came before");
    served.gateway.becomes("shop-key", &next, "delivered");
    thread::sleep(QUIET);
    assert_eq!(served.smsc.texts().len(), 1);
    // The SMS takes the place of what RCS would have cost.
    let records = served.gateway.usage("shop-key");
    assert_eq!(
        said(&records, ["event", "service", "message"]),
        [
            ["submit", "rcs", &*id],
            ["reversal", "rcs", &*id],
            ["submit", "sms", &*id],
            ["submit", "rcs", &*next],
        ]
    );
    assert_eq!(served.verified()["accepted"], 2);
}

#[test]
fn who_registers_in_time_gets_what_waited() {
    let served = served("60s");
    let id = served.gateway.submit("shop-key", SORA, "it waited");
    served.gateway.says("\"deferred\"");
    let mut sora = Linphone::register(&Account::new(SORA, served.sip, Transport::Tcp), Wrapping::Cpim);
    assert_eq!(sora.wait_for_message()["text"], "it waited");
    served.gateway.becomes("shop-key", &id, "delivered");
    assert!(served.smsc.texts().is_empty());
    assert_eq!(said(&served.gateway.usage("shop-key"), ["event", "service"]), [["submit", "rcs"]]);
    assert_eq!(served.verified()["accepted"], 1);
}

/// The device took it and said nothing; the SMS went; then the device says that it was delivered.
#[test]
fn a_late_receipt_is_counted_and_not_charged() {
    let served = served("1s");
    let mut mina = Device::register(MINA, served.sip);
    let id = served.gateway.submit("shop-key", MINA, "silence");
    let message = mina.is_asked();
    assert_eq!(message.header("Content-Type"), Some("message/cpim"));
    mina.answers(&message, "200 OK");
    assert_eq!(texts(&served, 1), [b"silence"]);
    served.gateway.becomes("shop-key", &id, "delivered");
    let before = served.gateway.usage("shop-key");
    assert_eq!(mina.notifies(&message, "delivered"), Some(200));
    until("the late receipt is counted", || {
        (served.gateway.metric("gateway_receipts_late_total{state=\"delivered\"}") > 0.5).then_some(())
    });
    assert_eq!(said(&before, ["event", "service"]), REPLACED);
    assert_eq!(served.gateway.usage("shop-key"), before);
    assert_eq!(served.verified()["accepted"], 1);
}

/// Sms sheet §6.3, §6.4: the next way has it at once.
#[test]
fn what_a_handset_does_not_take_goes_by_sms() {
    let served = served("60s");
    let mut mina = handset(MINA, &served);
    let id = served.gateway.submit("shop-key", MINA, "one");
    let data = hears(&mut mina);
    // RP-ERROR: a protocol error.
    replies(&mut mina, &data, 0x04, &[0x01, 111]);
    served.gateway.becomes("shop-key", &id, "delivered");
    let id = served.gateway.submit("shop-key", MINA, "two");
    let data = mina.is_asked();
    mina.answers(&data, "488 Not Acceptable Here");
    served.gateway.becomes("shop-key", &id, "delivered");
    assert_eq!(texts(&served, 2), [&b"one"[..], b"two"]);
    let records = said(&served.gateway.usage("shop-key"), ["event", "service"]);
    assert_eq!(records, [REPLACED, REPLACED].concat());
    assert_eq!(served.verified()["accepted"], 2);
}

/// The radio took it, and no RP-ACK came; the SMS went; then the handset says that it had it all the time.
#[test]
fn a_handset_that_does_not_say_rp_ack_in_time_gets_an_sms() {
    let served = served("2s");
    let mut mina = handset(MINA, &served);
    let id = served.gateway.submit("shop-key", MINA, "silence");
    let first = hears(&mut mina);
    let mut last = hears(&mut mina);
    assert_eq!(first.body[8..], last.body[8..], "the same TPDU: a handset knows it again");
    while served.smsc.texts().is_empty() {
        if let Some(heard) = mina.is_asked_within(QUIET) {
            mina.answers(&heard, "200 OK");
            last = heard;
        }
    }
    served.gateway.becomes("shop-key", &id, "delivered");
    assert_eq!(texts(&served, 1), [b"silence"]);
    let before = served.gateway.usage("shop-key");
    assert_eq!(said(&before, ["event", "service"]), REPLACED);
    replies(&mut mina, &last, 0x02, &[]);
    // Nothing of that hand-over was ever heard, so there is nothing that it could be late for.
    until("the late RP-ACK is counted", || {
        (served.gateway.metric("gateway_receipts_unmatched_total") > 0.5).then_some(())
    });
    assert_eq!(served.gateway.usage("shop-key"), before);
    assert_eq!(served.verified()["accepted"], 1);
}
