use std::{thread, time::Duration};

use serde_json::json;

use crate::support::{Gateway, Home, Http, Script, Smsc, carrier, until};

#[test]
fn a_stop_finishes_what_is_in_hand_and_takes_nothing_new() {
    let smsc = Smsc::start(0, |to| {
        if to.ends_with('9') { Script::Slow(Duration::from_millis(1_500)) } else { Script::Deliver }
    });
    let home = Home::new(&carrier(smsc.port));
    let gateway = Gateway::start(&home);
    let ids: Vec<String> =
        (0..20).map(|n| gateway.submit("shop-key", &format!("+8210123456{n:02}"), "hello")).collect();
    until("the SMSC is busy", || (!smsc.texts().is_empty()).then_some(()));

    gateway.signal("TERM");
    until("it is not ready any more", || {
        let page = Http::new(gateway.management, "").request("GET", "/readyz", &[], b"").ok()?;
        assert!(
            gateway.said().contains("draining") || page.status == 200,
            "not ready before the signal: {}",
            page.body
        );
        (page.status == 503).then_some(())
    });
    let message = json!({ "from": "15881234", "to": "+821012345678", "text": "too late" });
    let late = Http::new(gateway.http, "shop-key").request(
        "POST",
        "/v1/messages",
        &[],
        message.to_string().as_bytes(),
    );
    assert!(
        late.is_err() || late.is_ok_and(|answer| answer.status == 503),
        "a message was taken while draining"
    );
    let (status, said) = gateway.ended();
    assert!(status.success(), "{status}:\n{said}");
    assert!(said.contains("\"stopped\""), "{said}");
    assert_eq!(home.verified()["accepted"], 20);

    let again = Gateway::start(&home);
    for id in &ids {
        let shown = again.becomes("shop-key", id, "delivered");
        assert_eq!(shown["attempts"], 1, "answered before the stop, and sent again: {shown}");
    }
    assert_eq!(again.usage("shop-key").len(), 20);
    assert_eq!(smsc.texts().len(), 20, "nothing is lost and nothing doubled");
}

#[test]
fn a_stop_under_load_loses_no_accepted_message() {
    let smsc = Smsc::start(0, |_| Script::Deliver);
    let home = Home::new(&carrier(smsc.port));
    let gateway = Gateway::start(&home);
    let address = gateway.http;
    #[expect(clippy::needless_collect, reason = "all of them run before the first is waited for")]
    let load: Vec<_> = (0..4)
        .map(|caller| {
            thread::spawn(move || {
                let caller_to = format!("+82101234000{caller}");
                let message = json!({ "from": "15881234", "to": caller_to, "text": "load" }).to_string();
                let mut accepted = Vec::new();
                while let Ok(answer) =
                    Http::new(address, "shop-key").request("POST", "/v1/messages", &[], message.as_bytes())
                {
                    match answer.status {
                        202 => accepted.push(answer.id()),
                        503 => break,
                        other => panic!("{other}: {}", answer.body),
                    }
                }
                accepted
            })
        })
        .collect();
    until("there is load", || (smsc.texts().len() > 50).then_some(()));
    gateway.stopped();
    let accepted: Vec<String> = load.into_iter().flat_map(|caller| caller.join().unwrap()).collect();
    let proof = home.verified();
    assert_eq!(proof["usage_rows"], proof["accepted"], "{proof}");

    let again = Gateway::start(&home);
    for id in &accepted {
        again.becomes("shop-key", id, "delivered");
    }
}

#[test]
fn what_was_accepted_before_a_kill_is_delivered_after_it() {
    let port = Smsc::port_for_later();
    let home = Home::new(&carrier(port));
    let gateway = Gateway::start(&home);
    let id = gateway.submit("shop-key", "+821012345678", "accepted while the SMSC is down");
    gateway.killed();

    let smsc = Smsc::start(port, |_| Script::Deliver);
    let again = Gateway::start(&home);
    again.becomes("shop-key", &id, "delivered");
    assert_eq!(smsc.texts(), [b"accepted while the SMSC is down".to_vec()]);
    assert_eq!(again.usage("shop-key").len(), 1);
    again.stopped();
    home.verified();
}

#[test]
fn an_idempotency_key_outlives_the_process() {
    let smsc = Smsc::start(0, |_| Script::Deliver);
    let home = Home::new(&carrier(smsc.port));
    let submit = |gateway: &Gateway, text: &str| {
        let message = json!({ "from": "15881234", "to": "+821012345678", "text": text });
        gateway
            .caller("shop-key")
            .request(
                "POST",
                "/v1/messages",
                &[("idempotency-key", "order-4711")],
                message.to_string().as_bytes(),
            )
            .unwrap()
    };
    let gateway = Gateway::start(&home);
    let id = submit(&gateway, "your parcel").is(202).json()["id"].clone();
    gateway.becomes("shop-key", id.as_str().unwrap(), "delivered");
    gateway.killed();

    let again = Gateway::start(&home);
    let second = submit(&again, "your parcel");
    assert_eq!((second.status / 100, &second.json()["id"]), (2, &id), "{}", second.body);
    assert_eq!(submit(&again, "another parcel").status, 409, "one key, two messages");
    assert_eq!(again.usage("shop-key").len(), 1);
    assert_eq!(smsc.texts().len(), 1);
    again.stopped();
    assert_eq!(home.verified()["accepted"], 1);
}
