//! The observer says what the journal says.

use std::time::Duration;

use crate::common::{Life, SMSC, gateway, upstream, value};
use engine::{Depth, Tally, journal::Event};
use model::{Cause, Disposition, ReceiptState, Refusal, Retry, Timestamp};
use monitoring::Observer;

const MS: Duration = Duration::from_millis(1);

#[test]
fn a_delivered_message_is_told_once_everywhere() {
    let (registry, _) = gateway();
    let observer = Observer::new(registry.clone());
    let mut life = Life::accepted();
    observer.committed(&life.batch(), 2 * MS);
    assert_eq!(value(&registry, "gateway_messages_open"), 1.0);
    assert_eq!(value(&registry, r#"gateway_messages_accepted_total{channel="esme-1",class="otp"}"#), 1.0);
    assert_eq!(value(&registry, r#"gateway_usage_records_total{event="submit",service="sms"}"#), 1.0);
    assert_eq!(value(&registry, r#"gateway_usage_segments_total{event="submit",service="sms"}"#), 3.0);
    // Received 1 ms before the batch, committed in 2 ms.
    assert_eq!(value(&registry, r#"gateway_accept_duration_seconds_bucket{ingress="esme",le="0.002"}"#), 0.0);
    assert_eq!(value(&registry, r#"gateway_accept_duration_seconds_bucket{ingress="esme",le="0.005"}"#), 1.0);

    life.then(70 * MS, Event::Sent { channel: SMSC, parts: upstream(3) });
    life.then(900 * MS, Event::Receipt { part: 0, state: ReceiptState::Delivered, code: None });
    life.then(
        900 * MS,
        Event::Final { disposition: Disposition::Delivered, cause: None, channel: Some(SMSC) },
    );
    life.then(950 * MS, Event::Reported { given_up: false, displayed: false });
    life.then(990 * MS, Event::LateReceipt { channel: SMSC, state: ReceiptState::Undeliverable });
    observer.committed(&life.batch(), MS);

    assert_eq!(value(&registry, "gateway_messages_open"), 0.0);
    for (series, expected) in [
        (r#"gateway_delivery_attempts_total{channel="smsc-1",result="ok"}"#, 1.0),
        (r#"gateway_segments_total{channel="smsc-1"}"#, 3.0),
        (r#"gateway_messages_final_total{outcome="delivered"}"#, 1.0),
        (r#"gateway_receipts_total{state="delivered"}"#, 1.0),
        (r#"gateway_receipts_late_total{state="undeliverable"}"#, 1.0),
        (r#"gateway_transitions_total{event="accepted"}"#, 1.0),
        (r#"gateway_transitions_total{event="reported"}"#, 1.0),
        (r#"gateway_first_attempt_delay_seconds_bucket{lane="urgent",le="0.05"}"#, 0.0),
        (r#"gateway_first_attempt_delay_seconds_bucket{lane="urgent",le="0.1"}"#, 1.0),
        (r#"gateway_submit_to_deliver_seconds_bucket{le="0.5"}"#, 0.0),
        (r#"gateway_submit_to_deliver_seconds_bucket{le="1"}"#, 1.0),
        ("gateway_journal_batch_rows_count", 2.0),
        ("gateway_journal_batch_rows_sum", 6.0),
        ("gateway_journal_append_duration_seconds_sum", 0.003),
    ] {
        assert_eq!(value(&registry, series), expected, "{series}");
    }
}

#[test]
fn each_way_an_attempt_ends_has_its_own_count() {
    let (registry, _) = gateway();
    let observer = Observer::new(registry.clone());
    let defer = |cause| Event::Deferred {
        channel: SMSC,
        refusal: Refusal::theirs(cause, Retry::Scheduled, 8),
        due: Timestamp::from_secs(2_000_000_000),
    };
    let mut life = Life::accepted();
    for cause in [Cause::Throttled, Cause::NetworkFailure, Cause::LinkDown] {
        life.then(MS, defer(cause));
    }
    life.then(MS, Event::AnswerLost { channel: SMSC, due: Timestamp::from_secs(2_000_000_000) });
    life.fails(Disposition::Undeliverable, Cause::UnknownSubscriber);
    observer.committed(&life.batch(), MS);

    for result in ["throttle", "temp", "link", "timeout", "perm"] {
        let series = format!(r#"gateway_delivery_attempts_total{{channel="smsc-1",result="{result}"}}"#);
        assert_eq!(value(&registry, &series), 1.0, "{series}");
    }
    assert_eq!(value(&registry, r#"gateway_messages_failed_total{cause="unknown_subscriber"}"#), 1.0);
    // Only the first of the five attempts is a first attempt.
    assert_eq!(value(&registry, r#"gateway_first_attempt_delay_seconds_count{lane="urgent"}"#), 1.0);
}

#[test]
fn an_end_told_by_a_receipt_or_by_a_rule_is_no_failed_attempt() {
    let (registry, _) = gateway();
    let observer = Observer::new(registry.clone());
    let mut by_receipt = Life::accepted();
    by_receipt.then(MS, Event::Sent { channel: SMSC, parts: upstream(1) });
    by_receipt.then(MS, Event::Receipt { part: 0, state: ReceiptState::Rejected, code: None });
    by_receipt.fails(Disposition::Rejected, Cause::NetworkRefused);
    observer.committed(&by_receipt.batch(), MS);
    let mut by_rule = Life::accepted();
    by_rule.fails(Disposition::Rejected, Cause::QuietHours);
    observer.committed(&by_rule.batch(), MS);
    assert_eq!(value(&registry, r#"gateway_delivery_attempts_total{channel="smsc-1",result="perm"}"#), 0.0);
    assert_eq!(value(&registry, r#"gateway_messages_final_total{outcome="rejected"}"#), 2.0);
}

#[test]
fn open_messages_go_on_from_what_recovery_found() {
    let (registry, _) = gateway();
    registry.recovered(1_000_000);
    let observer = Observer::new(registry.clone());
    observer.committed(&Life::accepted().batch(), MS);
    assert_eq!(value(&registry, "gateway_messages_open"), 1_000_001.0);
}

#[test]
fn what_the_engine_counts_beside_transitions_is_added_up() {
    let (registry, _) = gateway();
    let observer = Observer::new(registry.clone());
    let mut tally = Tally { unmatched_receipts: 2, stale_outcomes: 3, duplicates: 4, ..Tally::default() };
    tally.refused[Cause::QueueFull as usize] = 5;
    let depth = Depth {
        channel: SMSC,
        room: 9,
        outstanding: 8,
        paused: true,
        urgent: 1,
        person: 2,
        bulk: 3,
        reports: 4,
    };
    observer.core(&tally, &[depth]);
    observer.core(&tally, &[]);
    registry.refused(Cause::QueueFull, 10);
    for (series, expected) in [
        ("gateway_receipts_unmatched_total", 4.0),
        ("gateway_outcomes_stale_total", 6.0),
        ("gateway_duplicates_suppressed_total", 8.0),
        (r#"gateway_messages_rejected_total{cause="queue_full"}"#, 20.0),
        (r#"gateway_queue_messages{channel="smsc-1",queue="urgent"}"#, 1.0),
        (r#"gateway_queue_messages{channel="smsc-1",queue="reports"}"#, 4.0),
        (r#"gateway_channel_outstanding{channel="smsc-1"}"#, 8.0),
        (r#"gateway_channel_room{channel="smsc-1"}"#, 9.0),
        (r#"gateway_peer_state{channel="smsc-1",state="disabled"}"#, 1.0),
    ] {
        assert_eq!(value(&registry, series), expected, "{series}");
    }
}

#[test]
fn a_fallback_counts_where_it_went_and_why() {
    let (registry, _) = gateway();
    let observer = Observer::new(registry.clone());
    let mut life = Life::accepted();
    life.then(MS, Event::Rerouted { leg: 1, channel: SMSC, because: Cause::Unreachable, metered: None });
    observer.committed(&life.batch(), MS);
    assert_eq!(value(&registry, r#"gateway_fallback_total{channel="smsc-1",reason="unreachable"}"#), 1.0);
}

#[test]
fn a_channel_nobody_named_is_counted_as_other() {
    let (registry, _) = gateway();
    let observer = Observer::new(registry.clone());
    let mut life = Life::accepted();
    life.then(MS, Event::Sent { channel: model::ChannelId(9_999), parts: upstream(1) });
    observer.committed(&life.batch(), MS);
    assert_eq!(value(&registry, r#"gateway_delivery_attempts_total{channel="other",result="ok"}"#), 1.0);
}

#[test]
fn a_channel_added_by_a_reload_is_counted_from_then_on() {
    let (registry, _) = gateway();
    let observer = Observer::new(registry.clone());
    observer.committed(&Life::accepted().batch(), MS);
    let id = model::ChannelId(40);
    registry.channel(id, model::ChannelKind::Smsc, "smsc-new").expect("a channel");
    let mut life = Life::accepted();
    life.then(MS, Event::Sent { channel: id, parts: upstream(1) });
    observer.committed(&life.batch(), MS);
    assert_eq!(value(&registry, r#"gateway_delivery_attempts_total{channel="smsc-new",result="ok"}"#), 1.0);
}
