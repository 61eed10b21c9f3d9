//! The management listener.

use engine::journal::Event;
use model::{Answer, Cause, ChannelId, Command, Disposition, Inbound, Refusal};

use crate::world::{Call, KEY, World};

#[tokio::test]
async fn pages_of_other_rooms_are_passed_on() {
    let world = World::new().await;
    let metrics = world.operator("GET", "/metrics").await;
    assert_eq!((metrics.status, metrics.text()), (200, "gateway_up 1\n"));
    assert_eq!(metrics.header("content-type"), "text/plain");
    assert_eq!(world.operator("GET", "/livez").await.status, 200);
    let ready = world.operator("GET", "/readyz").await;
    assert_eq!((ready.status, ready.text()), (503, "draining"));
}

#[tokio::test]
async fn channels_are_listed_with_their_queues() {
    let world = World::new().await;
    let channels = world.operator("GET", "/v1/channels").await.json();
    let channels = channels["channels"].as_array().unwrap();
    assert_eq!(channels.len(), 4);
    assert_eq!(channels[0]["name"], "demo", "by name");
    let smsc = &channels[1];
    assert_eq!(
        (&smsc["name"], &smsc["kind"], &smsc["state"]),
        (&"smsc-1".into(), &"smsc".into(), &"up".into())
    );
    assert_eq!(smsc["queue"], serde_json::json!({"ready": 2, "later": 3}));
    assert_eq!((&smsc["room"], &smsc["in_flight"]), (&10.into(), &1.into()));
    assert_eq!(channels[2]["state"], "down");
}

#[tokio::test]
async fn a_channel_is_paused_and_resumed_by_name() {
    let world = World::new().await;
    world.script(|inbound| match inbound {
        Inbound::Command { command: Command::Pause { channel: ChannelId(2), .. }, .. } => Some(Answer::Done),
        other => panic!("{other:?}"),
    });
    let paused = world.operator("POST", "/v1/channels/smsc-2/pause").await;
    assert_eq!(paused.json()["state"], "paused");
    let resumed = world.operator("POST", "/v1/channels/smsc-2/resume").await;
    assert_eq!(resumed.json()["paused"], false);
    let commands: Vec<_> =
        world.intake.seen.lock().unwrap().iter().map(|inbound| format!("{inbound:?}")).collect();
    assert!(commands[0].contains("paused: true") && commands[1].contains("paused: false"));

    world.operator("POST", "/v1/channels/nowhere/pause").await.problem(404, "no_such_channel");
    world.always(Answer::Refused(Refusal::ours(Cause::StoreUnavailable)));
    world.operator("POST", "/v1/channels/smsc-2/pause").await.problem(503, "store_unavailable");
}

#[tokio::test]
async fn operators_see_the_messages_of_all() {
    let world = World::new().await;
    world.keep(
        5,
        ChannelId(8),
        vec![Event::Final { disposition: Disposition::Delivered, cause: None, channel: None }],
    );
    let message = world.operator("GET", "/v1/messages/5").await.json();
    assert_eq!((&message["status"], &message["origin"]), (&"delivered".into(), &"channel-8".into()));
    world.operator("GET", "/v1/messages/6").await.problem(404, "not_found");
}

#[tokio::test]
async fn operators_calls_are_not_on_the_traffic_listener_nor_the_other_way_round() {
    let world = World::new().await;
    for path in ["/metrics", "/livez", "/readyz", "/v1/channels"] {
        world.get(path).await.problem(404, "no_such_path");
    }
    world.call("POST", "/v1/channels/smsc-1/pause", "").await.problem(404, "no_such_path");
    world.operator("POST", "/v1/messages").await.problem(404, "no_such_path");
}

#[tokio::test]
async fn with_operator_keys_only_operators_come_in() {
    let world = World::with(|services| {
        services.operators = [api::KeyHash::of(b"old"), api::KeyHash::of(b"new")].into();
    })
    .await;
    let list = |key: &'static str| Call::new("GET", "/v1/channels").key(key).send(world.management);
    for key in ["old", "new"] {
        assert_eq!(list(key).await.status, 200, "{key}");
    }
    list(KEY).await.problem(401, "unauthorized");
    world.operator("GET", "/v1/channels").await.problem(401, "unauthorized");
    world.operator("POST", "/v1/channels/smsc-1/pause").await.problem(401, "unauthorized");
    world.operator("GET", "/v1/messages/5").await.problem(401, "unauthorized");
    assert_eq!(world.operator("GET", "/livez").await.status, 200, "probes show no key");
}

#[tokio::test]
async fn a_web_page_from_elsewhere_cannot_pause_a_channel() {
    let world = World::new().await;
    world.always(Answer::Done);
    let pause = |origin: &str| {
        Call::new("POST", "/v1/channels/smsc-1/pause").header("origin", origin).send(world.management)
    };
    pause("https://evil.example").await.problem(403, "policy");
    pause("null").await.problem(403, "policy");
    assert_eq!(pause("http://gw.test").await.status, 200);
}
