//! The load side of a kill run: SMPP and HTTP at once, every positive answer into the ledger.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, Scope, ScopedJoinHandle};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::json;

use crate::flood::SENDER;
use crate::gateway::{KEY, PASSWORD, SYSTEM_ID, Site};
use crate::http::Http;
use crate::ledger::{Key, Ledger, recipient, text_of};
use crate::line::{self, Counters, Line, Pace, Script};
use crate::wire::{self, Message, Outgoing};

const SMPP_LINES: usize = 2;
const HTTP_LINES: usize = 2;
/// Fast enough that each kill tears messages out of every stage, slow enough for long runs on a small machine.
const PACE: Pace = Pace { window: 100, rate: Some(1500.0) };

/// Starts all lines; each ends when the gateway does.
pub(super) fn start<'scope, 'env>(
    scope: &'scope Scope<'scope, 'env>,
    site: &'env Site,
    ledger: &'env Ledger,
    counters: &'scope Counters,
) -> Vec<ScopedJoinHandle<'scope, Result<()>>> {
    let smpp = (0..SMPP_LINES).map(|_| scope.spawn(move || submit_over_smpp(site, ledger, counters)));
    let mut lines: Vec<_> = smpp.collect();
    lines.extend((0..HTTP_LINES).map(|_| scope.spawn(move || submit_over_http(site, ledger, counters))));
    lines
}

/// Writes promises and receipts into the ledger.
struct Bookkeeper<'a> {
    ledger: &'a Ledger,
    /// By the number of the message on this line.
    keys: Vec<Key>,
    refused: Option<u32>,
}

impl Script for Bookkeeper<'_> {
    fn write(&mut self, _number: u64, sequence: u32, out: &mut Vec<u8>) -> bool {
        let key = self.ledger.next_key();
        self.keys.push(key);
        let message = Outgoing { from: SENDER, to: &recipient(key), receipt: true, octets: &text_of(key) };
        wire::send(out, wire::SUBMIT_SM, sequence, &message);
        true
    }

    fn answered(&mut self, number: u64, status: u32, id: &[u8]) {
        match (status, self.keys.get(number as usize)) {
            (wire::OK, Some(key)) => self.ledger.promise(*key, &String::from_utf8_lossy(id), true),
            (wire::THROTTLED | wire::QUEUE_FULL, _) => {}
            _ => self.refused = Some(status),
        }
    }

    fn delivered(&mut self, message: &Message<'_>) -> u32 {
        if message.is_receipt()
            && let Some((id, b"DELIVRD")) = wire::receipt_words(message.octets)
        {
            self.ledger.receipt(&String::from_utf8_lossy(id));
        }
        wire::OK
    }
}

impl<'a> Bookkeeper<'a> {
    fn new(ledger: &'a Ledger) -> Self {
        Self { ledger, keys: Vec::new(), refused: None }
    }
}

fn submit_over_smpp(site: &Site, ledger: &Ledger, counters: &Counters) -> Result<()> {
    let Ok(bound) = line::bind(site.smpp, SYSTEM_ID, PASSWORD) else {
        // Killed before the bind was answered.
        return Ok(());
    };
    let mut line = Line::new(bound, PACE, counters, Bookkeeper::new(ledger));
    // It ends with the connection: that is the kill.
    line.run().err();
    let refused = line.script.refused;
    ensure!(refused.is_none(), "a submit_sm was refused with status {:#x}", refused.unwrap_or_default());
    Ok(())
}

fn submit_over_http(site: &Site, ledger: &Ledger, counters: &Counters) -> Result<()> {
    let Ok(mut http) = Http::connect(site.http, KEY) else { return Ok(()) };
    while !counters.stop.load(Ordering::Relaxed) {
        let key = ledger.next_key();
        let to = recipient(key);
        let text = text_of(key);
        let message = json!({
            "from": String::from_utf8_lossy(SENDER),
            "to": format!("+{}", String::from_utf8_lossy(&to)),
            "text": String::from_utf8_lossy(&text),
        });
        let Ok(answer) = http.post("/v1/messages", &message) else { return Ok(()) };
        match answer.status {
            200..=299 => {
                let said = answer.json()?;
                let id = said["id"].as_str().unwrap_or_default();
                ensure!(!id.is_empty(), "a message was taken without an id: {said}");
                ledger.promise(key, id, false);
            }
            429 | 503 => thread::sleep(Duration::from_millis(5)),
            status => anyhow::bail!(
                "a message was refused with {status}: {}",
                String::from_utf8_lossy(&answer.body)
            ),
        }
    }
    Ok(())
}

/// Stays bound to hear the receipts that are still on their way.
pub(super) fn listen(site: &Site, ledger: &Ledger, listening: &AtomicBool) -> Result<()> {
    let bound = line::bind(site.smpp, SYSTEM_ID, PASSWORD)?;
    let counters = Counters::default();
    thread::scope(|scope| {
        let silent = Pace { window: 1, rate: Some(0.0) };
        let mut line = Line::new(bound, silent, &counters, Bookkeeper::new(ledger));
        let heard = scope.spawn(move || -> io::Result<()> { line.run() });
        while listening.load(Ordering::Relaxed) && !heard.is_finished() {
            thread::sleep(Duration::from_millis(5));
        }
        counters.stop.store(true, Ordering::Relaxed);
        let heard = heard.join().map_err(|_| anyhow::anyhow!("the listener panicked"))?;
        heard.context("the bind that listens for receipts ended")
    })
}
