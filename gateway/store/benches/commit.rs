//! What a message costs in the store:
//! `cargo bench -p store --bench commit -- [sqlite [rows]|postgres|recover]`.
//!
//! Each batch accepts and charges messages, hands on those of the batch before, and brings receipt, end and
//! report of those three batches back: five entries and one usage record for each message, as in real life.

#![expect(clippy::print_stdout, reason = "this is what a measurement is for")]

use std::{sync::Arc, time::Instant};

use billing::{ChargeAt, Metered, UsageService};
use engine::journal::{Accepted, Batch, Entry, Event, Plan};
use model::{
    Address, ChannelId, Class, Content, Disposition, MessageId, Msisdn, Number, Pii, ReceiptState,
    ReceiptsWanted, Submission, Timestamp, UpstreamId,
};
use store::{OpenMode, StoreTarget, testing::Cluster};

fn main() {
    let arguments: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let wanted = arguments.first().map(String::as_str);
    let only: Option<u64> = arguments.get(1).and_then(|rows| rows.parse().ok());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    runtime.expect("a runtime").block_on(async {
        if wanted.is_none_or(|wanted| wanted == "sqlite") {
            for (rows, batches) in [(512, 400), (128, 1_200), (32, 3_000)] {
                if only.is_some_and(|only| only != rows) {
                    continue;
                }
                let folder = tempfile::tempdir().expect("a folder");
                let target = StoreTarget::Sqlite(folder.path().join("gateway.db"));
                commits("SQLite, synchronous=FULL", &target, rows, batches).await;
            }
        }
        if wanted.is_some_and(|wanted| wanted == "postgres") {
            let cluster = Cluster::start().expect("a PostgreSQL cluster");
            for (rows, batches) in [(512, 200), (128, 600)] {
                let target = StoreTarget::Postgres(cluster.database().expect("a database"));
                commits("PostgreSQL, without fsync; CPU of the client only", &target, rows, batches).await;
            }
        }
        if wanted.is_none_or(|wanted| wanted == "recover") {
            recover().await;
        }
    });
}

async fn commits(name: &str, target: &StoreTarget, rows: u64, batches: u64) {
    let store = store::open(target, OpenMode::Write).await.expect("opens");
    let story: Vec<Arc<Batch>> = (1..=batches).map(|seq| Arc::new(batch(seq, rows, true))).collect();
    let (started, cpu) = (Instant::now(), cpu_seconds());
    let mut latencies = Vec::with_capacity(story.len());
    for batch in story {
        let began = Instant::now();
        store.commit(batch).await.expect("commits");
        latencies.push(began.elapsed());
    }
    let (seconds, cpu) = (started.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    let messages = f64::from(u32::try_from(rows * batches).expect("fits"));
    latencies.sort_unstable();
    let at = |share: usize| latencies[(latencies.len() - 1) * share / 1_000].as_secs_f64() * 1e3;
    println!(
        "{name}, {rows} a batch: {:.0} messages/s, {:.2} us CPU a message, commit p50 {:.2} ms, p99 {:.2} ms, \
         p99.9 {:.2} ms, {:.0} octets a message on disk",
        messages / seconds,
        cpu * 1e6 / messages,
        at(500),
        at(990),
        at(999),
        store.size().await.map_or(0.0, |size| size.octets as f64) / messages,
    );
    store.close().await;
}

/// A million open messages.
async fn recover() {
    const ROWS: u64 = 512;
    let folder = tempfile::tempdir().expect("a folder");
    let target = StoreTarget::Sqlite(folder.path().join("gateway.db"));
    let store = store::open(&target, OpenMode::Write).await.expect("opens");
    for seq in 1..=1_000_000 / ROWS {
        store.commit(Arc::new(batch(seq, ROWS, false))).await.expect("commits");
    }
    drop(store);
    let (started, cpu) = (Instant::now(), cpu_seconds());
    let store = store::open(&target, OpenMode::Write).await.expect("opens");
    let recovery = store.recover().await.expect("recovers");
    let births = store.open_births().await.expect("reads");
    let mut messages = 0;
    for page in births.chunks(64) {
        let chapters = store.chapters(page).await.expect("reads");
        messages += chapters.iter().map(|chapter| chapter.contents.len()).sum::<usize>();
    }
    println!(
        "recovery of {messages} open messages after batch {}: {:.2} s, {:.2} s CPU",
        recovery.last_seq,
        started.elapsed().as_secs_f64(),
        cpu_seconds() - cpu,
    );
    let started = Instant::now();
    let report = store::verify::verify(&*store, |_, _| {}).await.expect("verifies");
    println!(
        "verification of {} batches: {:.2} s, {} faults",
        report.batches,
        started.elapsed().as_secs_f64(),
        report.fault_count
    );
    store.close().await;
}

fn id(seq: u64, place: u64) -> MessageId {
    let at = Timestamp::from_millis(1_800_000_000_000 + i64::try_from(seq).expect("fits") * 2);
    MessageId::from_u64(MessageId::first_at(at).as_u64() + place).expect("an id")
}

fn batch(seq: u64, rows: u64, ends: bool) -> Batch {
    let at = id(seq, 0).accepted_at();
    let mut batch = Batch { seq, at, ..Batch::default() };
    let mut touch = |birth: u64| {
        if birth > 0 {
            batch.touches.push(birth)
        }
    };
    if ends {
        touch(seq.saturating_sub(3));
    }
    touch(seq - 1);
    for place in 1..=rows {
        let message = id(seq, place);
        let accepted = accepted(seq, place);
        let meter = accepted.meter(message, ChannelId(2));
        batch.usage.extend(meter.accepted(at));
        batch.contents.push((message, accepted.submission.content.clone()));
        batch.entries.push(Entry { message, at, event: Event::Accepted(Arc::new(accepted)) });
    }
    if seq > 1 {
        for place in 1..=rows {
            let parts = [UpstreamId(smol_str::format_smolstr!("{seq:x}-{place}"))].into_iter().collect();
            let event = Event::Sent { channel: ChannelId(2), parts };
            batch.entries.push(Entry { message: id(seq - 1, place), at, event });
        }
    }
    if ends && seq > 3 {
        for place in 1..=rows {
            let message = id(seq - 3, place);
            for event in [
                Event::Receipt { part: 0, state: ReceiptState::Delivered, code: Some("000".into()) },
                Event::Final {
                    disposition: Disposition::Delivered,
                    cause: None,
                    channel: Some(ChannelId(2)),
                },
                Event::Reported { given_up: false, displayed: false },
            ] {
                batch.entries.push(Entry { message, at, event });
            }
        }
        batch.erase.push(seq - 3);
        batch.close.push(seq - 3);
    }
    batch
}

fn accepted(seq: u64, place: u64) -> Accepted {
    let to = 821_000_000_000 + (seq * 7_919 + place) % 99_999_999;
    let number = |value: u64| Pii::new(Address::Number(Number::international(Msisdn::from_u64(value))));
    let text = format!("Your parcel {seq}-{place} arrives today between two and four in the afternoon.");
    Accepted {
        submission: Arc::new(Submission {
            id: Some(id(seq, place)),
            origin: ChannelId(1),
            from: number(8_215_881_234),
            to: number(to),
            class: Class::Transactional,
            receipts: ReceiptsWanted::FINAL,
            received_at: id(seq, place).accepted_at(),
            scheduled_at: None,
            expires_at: None,
            reference: None,
            idempotency_key: None,
            carried: Default::default(),
            part: None,
            charging_id: None,
            elsewhere: None,
            content: Content::Text(text.into()),
        }),
        plan: Plan { legs: [ChannelId(2)].into_iter().collect(), from: None, to: None },
        metered: Metered {
            charge_at: ChargeAt::Submission,
            service: UsageService::Sms,
            segments: 1,
            octets: 75,
            from: Some(Msisdn::from_u64(8_215_881_234)),
            to: Some(Msisdn::from_u64(to)),
            leg: 0,
            replaces: None,
        },
        expires_at: id(seq, place).accepted_at() + std::time::Duration::from_secs(86_400),
    }
}

/// User and system time of this process (proc(5), fields 14 and 15, in hundredths of a second).
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux");
    let after_name = stat.rsplit(')').next().expect("fields");
    after_name
        .split_whitespace()
        .skip(11)
        .take(2)
        .map(|ticks| ticks.parse::<f64>().expect("ticks") / 100.0)
        .sum()
}
