//! RCS first, then SMS, and never both: who is away, who is silent, who is late.

use std::{thread, time::Duration};

use serde_json::Value;

use crate::{
    account::{Account, Transport, uri},
    device::Device,
    linphone::{Linphone, Wrapping},
    served::{MINA, PHONE, SORA, Served},
    support::{Script, until},
};

/// How long somebody waits who waits for nothing to happen.
const QUIET: Duration = Duration::from_millis(1_500);

/// A business that is charged, and devices that have so long.
fn served(fallback_after: &'static str) -> Served {
    let change = move |text: String| {
        let account = "\n[[account]]\nname = \"shop\"\nnumbers = [\"15881234\"]\n\
                       api = { keys = [\"plain:shop-key\"] }\n";
        text.replace("fallback_after = \"60s\"", &format!("fallback_after = \"{fallback_after}\"")) + account
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
    let records = said(&before, ["event", "service"]);
    assert_eq!(records, [["submit", "rcs"], ["reversal", "rcs"], ["submit", "sms"]]);
    assert_eq!(served.gateway.usage("shop-key"), before);
    assert_eq!(served.verified()["accepted"], 1);
}
