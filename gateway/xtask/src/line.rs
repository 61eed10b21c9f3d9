//! One connection of the load side: keeps a window full, or a rate, and hands every answer to a script.
//!
//! Reads and writes are batched: one read takes whatever has arrived, one write sends whatever the window then
//! allows. So a line costs about a microsecond per message and leaves the machine to what is measured.

use std::io::{self, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::histogram::Histogram;
use crate::wire::{self, Intake, Message, Pdu};

/// What is sent, and what is made of the answers. Messages of a line are numbered from zero.
pub(crate) trait Script {
    /// Writes the PDU of message `number`; `false` when there is nothing more to send.
    fn write(&mut self, number: u64, sequence: u32, out: &mut Vec<u8>) -> bool;
    /// The answer to message `number`.
    fn answered(&mut self, number: u64, status: u32, id: &[u8]);
    /// A `deliver_sm` from the other side; what is returned is its status.
    fn delivered(&mut self, _message: &Message<'_>) -> u32 {
        wire::OK
    }
    /// The connection ended before message `number` was answered.
    fn unanswered(&mut self, _number: u64) {}
}

/// How a line loads.
#[derive(Clone, Copy)]
pub(crate) struct Pace {
    /// Messages that may wait for their answer.
    pub(crate) window: usize,
    /// Messages a second; without it, as many as the window allows.
    pub(crate) rate: Option<f64>,
}

/// What all lines of a run count together, to be read while they run.
#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) sent: AtomicU64,
    pub(crate) accepted: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) receipts: AtomicU64,
    /// Retransmissions, where the transport loses.
    pub(crate) again: AtomicU64,
    /// Latencies are recorded while this is set.
    pub(crate) measuring: AtomicBool,
    pub(crate) stop: AtomicBool,
}

/// How long a stopping line waits for its last answers.
const DRAIN: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_millis(1);
/// A pause after the other side said that it is full.
const THROTTLED_PAUSE: Duration = Duration::from_millis(5);

pub(crate) struct Line<'a, S> {
    stream: TcpStream,
    intake: Intake,
    out: Vec<u8>,
    pace: Pace,
    counters: &'a Counters,
    /// When each message that waits for its answer was (to be) sent, by number modulo the capacity.
    sent_at: Vec<Option<Instant>>,
    next: u64,
    waiting: usize,
    refused: u64,
    hold_until: Option<Instant>,
    pub(crate) latencies: Histogram,
    pub(crate) script: S,
}

/// Connects and binds as transceiver.
pub(crate) fn bind(address: SocketAddr, system_id: &str, password: &str) -> io::Result<(TcpStream, Intake)> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut out = Vec::new();
    wire::bind(&mut out, 1, system_id, password);
    stream.write_all(&out)?;
    let mut intake = Intake::new();
    loop {
        if let Some(answer) = intake.next()? {
            if answer.command != wire::BIND_TRANSCEIVER | wire::RESPONSE {
                continue;
            }
            if answer.status != wire::OK {
                return Err(io::Error::other(format!("bind was refused with status {:#x}", answer.status)));
            }
            break;
        }
        if !intake.fill(&mut stream)? {
            return Err(io::Error::other("bind was not answered in 5 s"));
        }
    }
    Ok((stream, intake))
}

impl<'a, S: Script> Line<'a, S> {
    pub(crate) fn new(bound: (TcpStream, Intake), pace: Pace, counters: &'a Counters, script: S) -> Self {
        let (stream, intake) = bound;
        // Answers may overtake each other, so a slot may still be taken when the window says go.
        let slots = (pace.window * 4).next_power_of_two();
        Self {
            stream,
            intake,
            out: Vec::with_capacity(256 * 1024),
            pace,
            counters,
            sent_at: vec![None; slots],
            next: 0,
            waiting: 0,
            refused: 0,
            hold_until: None,
            latencies: Histogram::new(),
            script,
        }
    }

    /// Loads until it is stopped, or the script has nothing more, and the last answers are here; an error is a
    /// connection that ended.
    pub(crate) fn run(&mut self) -> io::Result<()> {
        let outcome = self.drive();
        let oldest = self.next.saturating_sub(self.sent_at.len() as u64);
        for number in oldest..self.next {
            let slot = self.slot(number);
            if self.sent_at[slot].take().is_some() {
                self.script.unanswered(number);
            }
        }
        outcome
    }

    fn drive(&mut self) -> io::Result<()> {
        self.stream.set_read_timeout(Some(PATIENCE))?;
        let begin = Instant::now();
        let mut exhausted = false;
        let mut drain_until = None;
        loop {
            let now = Instant::now();
            if exhausted || self.counters.stop.load(Ordering::Relaxed) {
                let until = *drain_until.get_or_insert(now + DRAIN);
                if self.waiting == 0 || now > until {
                    return self.flush();
                }
            } else {
                exhausted = !self.write_due(begin, now);
            }
            self.flush()?;
            self.take()?;
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        if !self.out.is_empty() {
            self.stream.write_all(&self.out)?;
            self.out.clear();
        }
        Ok(())
    }

    fn slot(&self, number: u64) -> usize {
        number as usize & (self.sent_at.len() - 1)
    }

    /// Writes what window and rate allow; `false` when the script ended.
    fn write_due(&mut self, begin: Instant, now: Instant) -> bool {
        if self.hold_until.is_some_and(|until| now < until) {
            return true;
        }
        let mut allowed = self.pace.window - self.waiting;
        if let Some(rate) = self.pace.rate {
            let due = ((now - begin).as_secs_f64() * rate) as u64;
            allowed = allowed.min(due.saturating_sub(self.next) as usize);
        }
        let first = self.next;
        while allowed > 0 {
            let slot = self.slot(self.next);
            if self.sent_at[slot].is_some() {
                break;
            }
            if !self.script.write(self.next, sequence(self.next), &mut self.out) {
                self.counters.sent.fetch_add(self.next - first, Ordering::Relaxed);
                return false;
            }
            // With a rate, a message that had to wait for the window is late: its time counts from when it was due.
            let due_at = self.pace.rate.map(|rate| begin + Duration::from_secs_f64(self.next as f64 / rate));
            self.sent_at[slot] = Some(due_at.unwrap_or(now));
            self.next += 1;
            self.waiting += 1;
            allowed -= 1;
        }
        self.counters.sent.fetch_add(self.next - first, Ordering::Relaxed);
        true
    }

    /// Takes everything that has arrived; answers to it are written with the next batch.
    fn take(&mut self) -> io::Result<()> {
        if !self.intake.fill(&mut self.stream)? {
            return Ok(());
        }
        let now = Instant::now();
        let measuring = self.counters.measuring.load(Ordering::Relaxed);
        let (mut accepted, mut receipts, refused_before) = (0, 0, self.refused);
        let mask = self.sent_at.len() - 1;
        while let Some(pdu) = self.intake.next()? {
            match pdu.command {
                wire::DELIVER_SM => {
                    let message = wire::message(pdu.body)
                        .ok_or_else(|| io::Error::other("a deliver_sm cannot be read"))?;
                    receipts += u64::from(message.is_receipt());
                    let status = self.script.delivered(&message);
                    wire::answer(&mut self.out, &pdu, status, b"");
                }
                wire::ENQUIRE_LINK => {
                    wire::empty(&mut self.out, wire::ENQUIRE_LINK | wire::RESPONSE, pdu.sequence)
                }
                wire::UNBIND => return Err(io::Error::other("the other side unbound")),
                command if command & wire::RESPONSE != 0 => {
                    let Some(number) = number(&pdu, self.next) else { continue };
                    let Some(sent_at) = self.sent_at[number as usize & mask].take() else { continue };
                    self.waiting -= 1;
                    if pdu.status == wire::OK {
                        accepted += 1;
                        if measuring {
                            self.latencies.record(now.saturating_duration_since(sent_at));
                        }
                    } else {
                        self.refused += 1;
                        if matches!(pdu.status, wire::THROTTLED | wire::QUEUE_FULL) {
                            self.hold_until = Some(now + THROTTLED_PAUSE);
                        }
                    }
                    let mut body = pdu.body;
                    self.script.answered(number, pdu.status, wire::c_string(&mut body).unwrap_or_default());
                }
                _ => {}
            }
        }
        self.counters.accepted.fetch_add(accepted, Ordering::Relaxed);
        self.counters.receipts.fetch_add(receipts, Ordering::Relaxed);
        self.counters.refused.fetch_add(self.refused - refused_before, Ordering::Relaxed);
        Ok(())
    }
}

/// Sequence numbers of requests are 1 to 0x7FFFFFFF (SMPP 3.4 §3.2); the bind took 1.
const SEQUENCES: u64 = 0x7FFF_FFFE;

fn sequence(number: u64) -> u32 {
    (number % SEQUENCES) as u32 + 2
}

/// The newest message below `next` that was sent with this answer's sequence number.
fn number(pdu: &Pdu<'_>, next: u64) -> Option<u64> {
    let offset = u64::from(pdu.sequence).checked_sub(2)?;
    let round = next.checked_sub(offset + 1)? / SEQUENCES;
    Some(round * SEQUENCES + offset)
}
