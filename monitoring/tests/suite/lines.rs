//! Log lines tell the journal's story without naming anybody.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
    time::Duration,
};

use engine::journal::{Event, FactChange, FactKind};
use model::{Cause, Disposition, ReceiptState, Timestamp};
use monitoring::Observer;
use serde_json::Value;
use tracing::Level;

use crate::common::{Life, SMSC, gateway, upstream};

#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("a lock").extend_from_slice(octets);
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The lines of one eventful life at this level.
fn told(level: Level) -> Vec<Value> {
    let (registry, _) = gateway();
    let observer = Observer::new(registry);
    let mut life = Life::accepted();
    let due = Timestamp::from_secs(1_790_000_100);
    life.then(Duration::from_millis(9), Event::AnswerLost { channel: SMSC, due });
    life.then(Duration::from_millis(20), Event::Sent { channel: SMSC, parts: upstream(1) });
    let code = Some("01000005309".into());
    life.then(
        Duration::from_millis(30),
        Event::Receipt { part: 0, state: ReceiptState::Undeliverable, code },
    );
    life.fails(Disposition::Undeliverable, Cause::Unreachable);
    life.then(Duration::from_secs(2), Event::Reported { given_up: true, displayed: false });
    let mut batch = life.batch();
    let key = b"01000005309".to_vec();
    batch.facts.push(FactChange { kind: FactKind::Link, key, value: None, expires_at: None });

    let kept = Kept::default();
    let writer = kept.clone();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_max_level(level)
        .with_writer(move || writer.clone());
    tracing::subscriber::with_default(subscriber.finish(), || {
        observer.committed(&batch, Duration::from_secs(3))
    });
    let text = String::from_utf8(kept.0.lock().expect("a lock").clone()).expect("text");
    for canary in ["5309", "86753", "canary"] {
        assert!(!text.contains(canary), "{canary} in {text}");
    }
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn messages(lines: &[Value]) -> Vec<&str> {
    lines.iter().map(|line| line["message"].as_str().expect("a message")).collect()
}

#[test]
fn at_debug_every_entry_has_its_line() {
    let lines = told(Level::DEBUG);
    assert_eq!(
        messages(&lines),
        [
            "slow commit",
            "accepted",
            "answer lost",
            "sent",
            "receipt",
            "final",
            "report given up",
            "fact changed"
        ]
    );
    assert_eq!(lines[3]["channel"], "smsc-1");
    assert_eq!(lines[5]["cause"], "unreachable");
    assert!(lines[1..7].iter().all(|line| line["message_id"] == lines[1]["message_id"]), "{lines:?}");
}

#[test]
fn at_info_only_what_an_operator_should_know() {
    assert_eq!(messages(&told(Level::INFO)), ["slow commit", "answer lost", "report given up"]);
}
