//! Numbers that other rooms count become counters without being counted twice.

use monitoring::{
    ConnectionEvent, Direction, FileRefusal, Label, RcsMessage, SipRefusal, SipTransport, Standing, Total,
    Wire,
};

use crate::common::{gateway, value};

#[test]
fn a_total_that_is_told_again_adds_what_is_new() {
    let (registry, _) = gateway();
    let overloaded = Total::SipRefused(SipRefusal::Overloaded);
    let series = "gateway_sip_refused_total{reason=\"overloaded\"}";
    for (told, shown) in [(0, 0.0), (7, 7.0), (7, 7.0), (9, 9.0), (3, 9.0)] {
        registry.total(overloaded, told);
        assert_eq!(value(&registry, series), shown);
    }
    assert_eq!(value(&registry, "gateway_sip_refused_total{reason=\"throttled\"}"), 0.0);
}

#[test]
fn each_total_has_its_own_series() {
    let (registry, _) = gateway();
    for (n, event) in RcsMessage::ALL.iter().enumerate() {
        registry.total(Total::RcsMessages(*event), n as u64 + 1);
    }
    for (n, event) in RcsMessage::ALL.iter().enumerate() {
        let series = format!("gateway_rcs_messages_total{{event=\"{}\"}}", event.value());
        assert_eq!(value(&registry, &series), n as f64 + 1.0);
    }
    registry.total(Total::SipMessages(SipTransport::Stream, Direction::In), 5);
    assert_eq!(value(&registry, "gateway_sip_messages_total{direction=\"in\",transport=\"stream\"}"), 5.0);
    registry.total(Total::Connections(Wire::Msrp, ConnectionEvent::TurnedAway), 2);
    let series = "gateway_rcs_connection_events_total{event=\"turned_away\",wire=\"msrp\"}";
    assert_eq!(value(&registry, series), 2.0);
}

#[test]
fn what_stands_may_become_less() {
    let (registry, _) = gateway();
    for users in [5, 2] {
        registry.standing(Standing::RcsUsers, users);
    }
    registry.standing(Standing::Connections(Wire::Msrp), 4);
    assert_eq!(value(&registry, "gateway_rcs_registered_users"), 2.0);
    assert_eq!(value(&registry, "gateway_rcs_connections{wire=\"msrp\"}"), 4.0);
    assert_eq!(value(&registry, "gateway_rcs_connections{wire=\"sip\"}"), 0.0);
}

#[test]
fn calls_are_counted_by_pattern_and_class_of_status() {
    let (registry, _) = gateway();
    registry.http_call("/v1/messages/{id}", 404);
    registry.http_call("/v1/messages/{id}", 429);
    registry.http_call("/v1/messages/0190b2", 200);
    let of = |path, status| {
        value(&registry, &format!("gateway_http_requests_total{{path=\"{path}\",status=\"{status}\"}}"))
    };
    assert_eq!(of("/v1/messages/{id}", "4xx"), 2.0);
    assert_eq!(of("other", "2xx"), 1.0, "what a caller wrote is no label");
}

#[test]
fn refused_calls_about_files_say_why() {
    let (registry, _) = gateway();
    registry.file_refused(FileRefusal::NoRoom);
    registry.files_room(1 << 30);
    assert_eq!(value(&registry, "gateway_files_refused_total{reason=\"no_room\"}"), 1.0);
    assert_eq!(
        value(&registry, "gateway_files_total{action=\"refused\"}"),
        1.0,
        "the same call, among the actions"
    );
    assert_eq!(value(&registry, "gateway_files_size_max_bytes"), 1_073_741_824.0);
}
