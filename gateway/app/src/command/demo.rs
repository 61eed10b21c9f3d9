//! `gateway demo`: the gateway at work, with everybody it talks to, over real loopback sockets.

use std::{
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use billing::{UsageEvent, UsageOutcome};
use clap::Args;
use config::Sources;
use engine::journal::Event;
use miette::{IntoDiagnostic, miette};
use model::MessageId;
use store::OpenMode;

use crate::{
    demo::{messenger::Messenger, smsc::Smsc},
    handset::{Handset, Heard, Owner},
    wiring::{self, Gateway, open_store},
};

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Ends after so many messages, with a summary and a proof; without it, goes on until interrupted.
    #[arg(long, value_name = "N")]
    messages: Option<u64>,
    /// Messages per second while it goes on.
    #[arg(long, default_value_t = 500, value_name = "N")]
    rate: u64,
}

/// Two numbers that the messenger writes to first: one is registered, the other is away.
pub(crate) const RCS_USERS: [&str; 2] = ["+821011110000", "+821011110001"];
/// Ladders shown: of the first message, over RCS, and of the second, which falls back.
const LADDERS: usize = 3;
/// Usage records read at once.
const PAGE: u32 = 1_000;
/// For the last receipts, after the last message.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the world outside has seen.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) accepted: AtomicU64,
    pub(crate) at_smsc: AtomicU64,
    pub(crate) at_handset: AtomicU64,
    pub(crate) receipts: AtomicU64,
    pub(crate) replies: AtomicU64,
    pub(crate) refused: AtomicU64,
}

impl Demo {
    pub(crate) fn run(&self, _sources: &Sources) -> ExitCode {
        super::block_on(self.show())
    }

    #[expect(clippy::print_stdout, reason = "the demo is its output")]
    async fn show(&self) -> miette::Result<ExitCode> {
        let folder = std::env::temp_dir().join(format!("gateway-demo-{}", std::process::id()));
        std::fs::create_dir_all(&folder).into_diagnostic()?;
        let seen = Arc::new(Seen::default());
        let smsc = Smsc::start(seen.clone(), self.messages.is_none()).await.into_diagnostic()?;
        let text = configuration(&folder.join("demo.db"), smsc.port());
        let loaded = config::load(&Sources::new().with_text("demo", &text)).map_err(miette::Report::new)?;
        println!(
            "a simulated SMSC with its phones on port {}, a simulated messenger, two RCS users, and the gateway between them",
            smsc.port()
        );
        let gateway = Gateway::start(loaded.config.clone(), wiring::registry()?).await?;
        let http = address(&gateway, "http").ok_or_else(|| miette!("no HTTP"))?;
        let sip = address(&gateway, "sip over tcp").ok_or_else(|| miette!("no SIP"))?;
        // The other RCS user is away, and gets a short message instead.
        let handset = answering(sip, RCS_USERS[0], seen.clone()).await?;
        println!("HTTP on {http}, SIP on {sip}; store {}", folder.join("demo.db").display());

        let begun = Instant::now();
        let messenger = Messenger::start(http, seen.clone(), self.messages, self.rate);
        let ended = self.watch(&seen, begun).await;
        messenger.stop().await;
        handset.abort();
        let took = begun.elapsed();
        let store = open_store(&loaded.config, OpenMode::Read).await?;
        self.ladders(&*store).await?;
        gateway.drain().await?;
        let bill = Bill::of(&*store).await?;
        let report = store::verify::verify(&*store, |_, _| {}).await.into_diagnostic()?;
        store.close().await;
        println!(
            "\n{} messages accepted, {} reached the SMSC, {} an RCS handset",
            get(&seen.accepted),
            get(&seen.at_smsc),
            get(&seen.at_handset)
        );
        println!("{} delivered, {} receipts back", bill.delivered, get(&seen.receipts));
        println!("{} replies of phones reached the messenger", get(&seen.replies));
        println!(
            "{} usage records of deliveries, {} of replies, {} replaced by a fallback; in {:.1} s",
            bill.delivered,
            bill.replies,
            bill.replaced,
            took.as_secs_f64()
        );
        println!("\nverify\n{}", super::verify::as_table(&report));
        // A demo leaves nothing behind; a folder that cannot be removed is the system's to clean.
        let _removed = std::fs::remove_dir_all(&folder);
        let complete = self.messages.is_none_or(|n| get(&seen.receipts) == n && bill.delivered == n);
        Ok(if ended && complete && report.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    /// A line of rates each second until the last receipt is in, or Ctrl-C. False when patience ran out.
    #[expect(clippy::print_stdout, reason = "the demo is its output")]
    async fn watch(&self, seen: &Seen, begun: Instant) -> bool {
        let mut line = tokio::time::interval(Duration::from_secs(1));
        let mut poll = tokio::time::interval(Duration::from_millis(20));
        let mut last = (0, 0);
        let interrupted = tokio::signal::ctrl_c();
        tokio::pin!(interrupted);
        loop {
            tokio::select! {
                _ = &mut interrupted => return true,
                _ = line.tick() => {
                    let (accepted, receipts) = (get(&seen.accepted), get(&seen.receipts));
                    println!(
                        "{:>4} s   {:>7} accepted ({:>6}/s)   {:>7} receipts ({:>6}/s)   {:>5} replies   {:>3} refused",
                        begun.elapsed().as_secs(), accepted, accepted - last.0, receipts, receipts - last.1,
                        get(&seen.replies), get(&seen.refused)
                    );
                    last = (accepted, receipts);
                }
                _ = poll.tick() => {
                    if let Some(messages) = self.messages {
                        if get(&seen.receipts) >= messages {
                            return true;
                        }
                        if begun.elapsed() > PATIENCE + Duration::from_millis(messages) {
                            return false;
                        }
                    }
                }
            }
        }
    }

    #[expect(clippy::print_stdout, reason = "the demo is its output")]
    async fn ladders(&self, store: &dyn store::Store) -> miette::Result<()> {
        let names: std::collections::HashMap<_, _> = store
            .channels()
            .await
            .into_diagnostic()?
            .into_iter()
            .map(|channel| (channel.id, channel.name.to_string()))
            .collect();
        let first = store.journal(0, 4).await.into_diagnostic()?;
        let ids: Vec<MessageId> = first
            .iter()
            .flat_map(|batch| &batch.entries)
            .filter(|entry| matches!(entry.event, Event::Accepted(_)))
            .map(|entry| entry.message)
            .take(LADDERS)
            .collect();
        for id in ids {
            if let Some(entries) = store.history(id).await.into_diagnostic()? {
                let name = |channel| names.get(&channel).cloned().unwrap_or_default();
                println!("\n{}", engine::ladder(id, &entries, &name));
            }
        }
        Ok(())
    }
}

fn address(gateway: &Gateway, what: &str) -> Option<std::net::SocketAddr> {
    gateway.listening().iter().find(|(name, _)| *name == what).map(|(_, address)| *address)
}

fn get(count: &AtomicU64) -> u64 {
    count.load(Ordering::Relaxed)
}

/// A phone that reads what it gets and answers it.
async fn answering(
    sip: std::net::SocketAddr,
    number: &str,
    seen: Arc<Seen>,
) -> miette::Result<tokio::task::JoinHandle<()>> {
    let owner = Owner { number: number.into(), password: "demo".into(), domain: "ims.example".into() };
    let mut handset = Handset::register_at(sip, owner).await?;
    let answer = async move {
        loop {
            if let Heard::Text { from, about, .. } = handset.next().await? {
                seen.at_handset.fetch_add(1, Ordering::Relaxed);
                handset.read(&from, &about).await?;
                handset.write(&from, "(simulated RCS handset) got it, thanks").await?;
            }
        }
    };
    Ok(tokio::spawn(async move {
        let ended: miette::Result<()> = answer.await;
        if let Err(error) = ended {
            tracing::error!(%error, "the simulated handset stopped");
        }
    }))
}

/// What the usage records say.
#[derive(Default)]
struct Bill {
    /// Messages of the messenger that were delivered, each charged once.
    delivered: u64,
    /// Ways that a fallback left: named, not charged.
    replaced: u64,
    /// What phones wrote.
    replies: u64,
}

impl Bill {
    async fn of(store: &dyn store::Store) -> miette::Result<Self> {
        let mut bill = Self::default();
        let mut after = 0;
        loop {
            let rows = store.usage(after, PAGE, None).await.into_diagnostic()?;
            let Some(last) = rows.last() else { return Ok(bill) };
            after = last.sequence;
            for row in &rows {
                match (row.record.key.event, row.record.outcome) {
                    (UsageEvent::Deliver, UsageOutcome::Delivered) => bill.delivered += 1,
                    (UsageEvent::Deliver, UsageOutcome::Replaced) => bill.replaced += 1,
                    _ => bill.replies += 1,
                }
            }
        }
    }
}

fn configuration(store: &std::path::Path, smsc: u16) -> String {
    format!(
        r#"
[store]
url = "sqlite:{}"
[log]
level = "warn"
[http]
listen = "127.0.0.1:0"
[management]
listen = "127.0.0.1:0"
[smpp]
listen = "off"
[[channel]]
name = "smsc"
address = "127.0.0.1:{smsc}"
system_id = "gateway"
password = "plain:demo"
binds = 2
window = 200
[rcs]
listen = "127.0.0.1:0"
msrp_listen = "off"
fallback_after = "1s"
[[rcs.user]]
number = "{}"
password = "plain:demo"
[[rcs.user]]
number = "{}"
password = "plain:demo"
[[messenger]]
name = "tictoc"
kind = "webhook"
charge_at = "delivery"
token = "plain:demo"
pool = "lent"
[[pool]]
name = "lent"
numbers = ["+827012340000..+827012340099"]
[[route]]
to = "*"
channels = "smsc"
"#,
        store.display(),
        RCS_USERS[0],
        RCS_USERS[1],
    )
}
