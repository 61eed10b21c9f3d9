//! SIPp against the gateway: registrations, and the load that `config/examples/sip-relay.toml` is measured with.

use std::collections::HashSet;

use crate::{
    account::Transport,
    served::{JUN, MINA, SORA, Served},
    sipp::{Scenario, Sipp, with_password},
    support::{Script, until},
};

#[test]
fn sipp_registers_with_md5_over_udp_and_tcp() {
    let served = Served::standalone_for_md5();
    let right = [MINA, JUN, SORA].map(|user| with_password(user, "secret"));
    for transport in [Transport::Udp, Transport::Tcp] {
        let scenario =
            Scenario { transport, calls: 3, fields: &right, ..Scenario::new("register_md5", served.sip) };
        let counters = Sipp::run(&scenario);
        assert_eq!((counters.successful, counters.failed), (3, 0), "{}", transport.as_str());
    }
    for wrong in [with_password(MINA, "guess"), with_password("+821099990009", "secret")] {
        let fields = [wrong];
        let scenario = Scenario { fields: &fields, ..Scenario::new("register_md5", served.sip) };
        let counters = Sipp::run(&scenario);
        assert_eq!((counters.successful, counters.failed), (0, 1));
    }
    let counts = served.captured().dissected();
    assert!(counts["REGISTER"] >= 16 && counts["401"] >= 8 && counts["200"] >= 6, "{counts:?}");
}

/// Every 202 is a message that is stored, charged once, sent once, and whose receipt comes back.
fn load(transport: Transport) {
    const CALLS: u64 = 1_500;
    let served = Served::start("sip-relay", |_| Script::Deliver, |text| text);
    let fields: Vec<_> =
        (0..50).map(|n| format!("+8210111100{n:02};+8210999900{:02}", (n * 7) % 50)).collect();
    let scenario = Scenario {
        transport,
        calls: CALLS,
        rate: 500,
        fields: &fields,
        strangers: Some("answer"),
        ..Scenario::new("pager", served.sip)
    };
    let (counters, messages) = Sipp::start(&scenario).finish_with_messages();
    assert_eq!((counters.successful, counters.failed), (CALLS, 0));
    let accepted = usize::try_from(CALLS).expect("few");
    // Datagrams may be repeated.
    assert!(messages.matches("SIP/2.0 202 ").count() >= accepted, "{}", transport.as_str());
    until("everything has ended", || (served.verified()["open"] == 0).then_some(()));
    let proof = served.verified();
    assert_eq!(
        (&proof["accepted"], &proof["final"], &proof["usage_rows"]),
        (&CALLS.into(), &CALLS.into(), &CALLS.into())
    );
    let charged = served.gateway.metric("gateway_usage_records_total{event=\"submit\",service=\"sms\"}");
    assert_eq!(charged, 1_500.0);
    let texts: HashSet<_> = served.smsc.texts().into_iter().collect();
    assert_eq!((served.smsc.texts().len(), texts.len()), (accepted, accepted), "each once");
    let counts = served.captured().dissected();
    assert!(counts["MESSAGE"] > accepted && counts["202"] > 0 && counts["200"] > 0, "{counts:?}");
    let receipts: HashSet<_> = messages
        .lines()
        .filter_map(|line| line.split_once("<message-id>")?.1.split_once("</message-id>"))
        .map(|(id, _)| id)
        .collect();
    assert_eq!(receipts.len(), accepted, "a receipt for each");
}

/// What was answered with 202 is not lost when the process is killed, and nothing is charged twice (R1). SIPp repeats
/// what was not answered, so in the end everything is.
#[test]
fn killed_in_a_flood_it_loses_nothing_that_it_took() {
    const CALLS: u64 = 1_500;
    let mut served = Served::start("sip-relay", |_| Script::Deliver, |text| text);
    let fields: Vec<_> =
        (0..50).map(|n| format!("+8210111100{n:02};+8210999900{:02}", (n * 7) % 50)).collect();
    let scenario = Scenario {
        calls: CALLS,
        rate: 300,
        fields: &fields,
        strangers: Some("answer"),
        ..Scenario::new("pager", served.sip)
    };
    let sipp = Sipp::start(&scenario);
    for taken in [200, 500, 300] {
        let taken = f64::from(taken);
        until("some are taken", || {
            (served.gateway.metric("gateway_usage_records_total{event=\"submit\",service=\"sms\"}") > taken)
                .then_some(())
        });
        served = served.restart();
    }
    let (counters, messages) = sipp.finish_with_messages();
    assert_eq!((counters.successful, counters.failed), (CALLS, 0));
    let answered: HashSet<_> = answers(&messages, "SIP/2.0 202 ").collect();
    assert_eq!(answered.len(), usize::try_from(CALLS).expect("few"));
    until("everything has ended", || (served.verified()["open"] == 0).then_some(()));
    let texts: HashSet<_> = served.smsc.texts().into_iter().collect();
    assert_eq!(texts.len(), answered.len(), "everything reached the SMSC");
    let proof = served.verified();
    assert_eq!((&proof["accepted"], &proof["usage_rows"]), (&CALLS.into(), &CALLS.into()), "each once");
}

/// The Call-IDs of answers with this status.
fn answers<'a>(messages: &'a str, status: &'static str) -> impl Iterator<Item = &'a str> {
    messages
        .split(status)
        .skip(1)
        .filter_map(|answer| answer.lines().find_map(|line| line.strip_prefix("Call-ID: ")))
}

#[test]
fn sipp_floods_the_relay_over_udp() {
    load(Transport::Udp);
}

#[test]
fn sipp_floods_the_relay_over_tcp() {
    load(Transport::Tcp);
}
