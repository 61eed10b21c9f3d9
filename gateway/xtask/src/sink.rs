//! An SMSC at the end of the path: answers every `submit_sm` with an id, sends its receipt, tells a judge.
//!
//! Receipts behave as those of a careful SMSC: one whose answer did not come is sent again on the next bind.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::wire::{self, Intake, Message, Pdu};

/// Sees what arrives. Called from the thread of each connection.
pub(crate) trait Judge: Send + Sync + 'static {
    /// A message with the id that the sink gives it; what is returned is the status of the answer.
    fn submitted(&self, id: u64, message: &Message<'_>) -> u32;
}

/// Only counts.
pub(crate) struct Anything;

impl Judge for Anything {
    fn submitted(&self, _id: u64, _message: &Message<'_>) -> u32 {
        wire::OK
    }
}

#[derive(Default)]
pub(crate) struct Counters {
    /// Connections that are open now.
    pub(crate) open: AtomicU64,
    pub(crate) binds: AtomicU64,
    pub(crate) submitted: AtomicU64,
    pub(crate) receipts: AtomicU64,
}

/// Receipts that may wait for their answer on one bind.
const RECEIPT_WINDOW: usize = 1000;
const PATIENCE: Duration = Duration::from_millis(20);
const REFUSED_PAUSE: Duration = Duration::from_millis(200);

/// An address as it stands in a receipt, without an allocation.
#[derive(Clone, Copy)]
struct Short {
    octets: [u8; 21],
    length: u8,
}

impl Short {
    fn new(address: &[u8]) -> Self {
        let length = address.len().min(21);
        let mut octets = [0; 21];
        octets[..length].copy_from_slice(&address[..length]);
        Self { octets, length: length as u8 }
    }

    fn as_slice(&self) -> &[u8] {
        &self.octets[..usize::from(self.length)]
    }
}

#[derive(Clone, Copy)]
struct Receipt {
    id: u64,
    from: Short,
    to: Short,
}

struct Shared<J> {
    judge: Arc<J>,
    counters: Arc<Counters>,
    ids: AtomicU64,
    stop: AtomicBool,
    /// Receipts of connections that ended.
    left_over: Mutex<VecDeque<Receipt>>,
}

pub(crate) struct Sink<J> {
    pub(crate) address: SocketAddr,
    pub(crate) counters: Arc<Counters>,
    shared: Arc<Shared<J>>,
}

impl<J: Judge> Sink<J> {
    /// Listens on a port of the loopback, zero for any, until it is dropped.
    pub(crate) fn start(port: u16, judge: Arc<J>) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        let address = listener.local_addr()?;
        let counters = Arc::new(Counters::default());
        let shared = Arc::new(Shared {
            judge,
            counters: Arc::clone(&counters),
            ids: AtomicU64::new(1),
            stop: AtomicBool::new(false),
            left_over: Mutex::new(VecDeque::new()),
        });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming() {
                if accepting.stop.load(Ordering::Relaxed) {
                    return;
                }
                let Ok(stream) = stream else { continue };
                let shared = Arc::clone(&accepting);
                shared.counters.open.fetch_add(1, Ordering::Relaxed);
                thread::spawn(move || {
                    Connection::new(stream, &shared).serve();
                    shared.counters.open.fetch_sub(1, Ordering::Relaxed);
                });
            }
        });
        Ok(Self { address, counters, shared })
    }
}

impl<J> Drop for Sink<J> {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        // Wakes the listener, so that it sees the flag and frees the port.
        drop(TcpStream::connect(self.address));
    }
}

struct Connection<'a, J> {
    stream: TcpStream,
    shared: &'a Shared<J>,
    intake: Intake,
    out: Vec<u8>,
    bound: bool,
    sequence: u32,
    queue: VecDeque<Receipt>,
    /// In the order in which they were sent; answers mostly come in that order.
    unanswered: VecDeque<(u32, Receipt)>,
    /// Receipts that the other side could not take, and when to try again.
    refused: VecDeque<(Instant, Receipt)>,
}

impl<'a, J: Judge> Connection<'a, J> {
    fn new(stream: TcpStream, shared: &'a Shared<J>) -> Self {
        Self {
            stream,
            shared,
            intake: Intake::new(),
            out: Vec::with_capacity(256 * 1024),
            bound: false,
            sequence: 0,
            queue: VecDeque::new(),
            unanswered: VecDeque::new(),
            refused: VecDeque::new(),
        }
    }

    /// Serves until the connection ends; what it owes is left to the next.
    fn serve(mut self) {
        // How a connection ends does not matter here: the judge counts what came over it.
        self.drive().err();
        let sent = self.unanswered.drain(..).map(|(_, receipt)| receipt);
        let refused = self.refused.drain(..).map(|(_, receipt)| receipt);
        let owed = sent.chain(refused).chain(self.queue.drain(..));
        self.shared.left_over.lock().unwrap_or_else(PoisonError::into_inner).extend(owed);
    }

    fn drive(&mut self) -> io::Result<()> {
        self.stream.set_nodelay(true)?;
        self.stream.set_read_timeout(Some(PATIENCE))?;
        while !self.shared.stop.load(Ordering::Relaxed) {
            if self.intake.fill(&mut self.stream)? {
                self.take()?;
            }
            if self.bound {
                self.adopt();
                self.write_receipts();
            }
            if !self.out.is_empty() {
                self.stream.write_all(&self.out)?;
                self.out.clear();
            }
        }
        Ok(())
    }

    fn take(&mut self) -> io::Result<()> {
        let (mut submitted, mut taken) = (0, 0);
        while let Some(pdu) = self.intake.next()? {
            match pdu.command {
                wire::SUBMIT_SM => {
                    let message = wire::message(pdu.body)
                        .ok_or_else(|| io::Error::other("a submit_sm cannot be read"))?;
                    let id = self.shared.ids.fetch_add(1, Ordering::Relaxed);
                    let status = self.shared.judge.submitted(id, &message);
                    answer_with_id(&mut self.out, &pdu, status, id);
                    submitted += 1;
                    if status == wire::OK && message.wants_receipt() {
                        let (from, to) = (Short::new(message.to), Short::new(message.from));
                        self.queue.push_back(Receipt { id, from, to });
                    }
                }
                command if command == wire::DELIVER_SM | wire::RESPONSE => {
                    let sent = |entry: &(u32, Receipt)| entry.0 == pdu.sequence;
                    let Some(at) = self.unanswered.iter().position(sent) else { continue };
                    let Some((_, receipt)) = self.unanswered.remove(at) else { continue };
                    if pdu.status == wire::OK {
                        taken += 1;
                    } else {
                        self.refused.push_back((Instant::now() + REFUSED_PAUSE, receipt));
                    }
                }
                command if command & wire::RESPONSE != 0 => {}
                wire::ENQUIRE_LINK => {
                    wire::empty(&mut self.out, wire::ENQUIRE_LINK | wire::RESPONSE, pdu.sequence)
                }
                wire::UNBIND => {
                    wire::empty(&mut self.out, wire::UNBIND | wire::RESPONSE, pdu.sequence);
                    self.stream.write_all(&self.out)?;
                    return Err(io::ErrorKind::ConnectionAborted.into());
                }
                // Every kind of bind is welcome, whoever it is.
                _ => {
                    wire::answer(&mut self.out, &pdu, wire::OK, b"sink");
                    self.bound = true;
                    self.shared.counters.binds.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
        self.shared.counters.submitted.fetch_add(submitted, Ordering::Relaxed);
        self.shared.counters.receipts.fetch_add(taken, Ordering::Relaxed);
        Ok(())
    }

    /// Takes over receipts of connections that ended, when this one has little to do.
    fn adopt(&mut self) {
        if self.queue.is_empty() && self.unanswered.is_empty() {
            let mut left_over = self.shared.left_over.lock().unwrap_or_else(PoisonError::into_inner);
            let share = left_over.len().min(RECEIPT_WINDOW);
            self.queue.extend(left_over.drain(..share));
        }
    }

    fn write_receipts(&mut self) {
        if self.refused.front().is_some_and(|(when, _)| *when <= Instant::now()) {
            self.queue.extend(self.refused.pop_front().map(|(_, receipt)| receipt));
        }
        while self.unanswered.len() < RECEIPT_WINDOW {
            let Some(receipt) = self.queue.pop_front() else { return };
            self.sequence = if self.sequence < 0x7FFF_FFFF { self.sequence + 1 } else { 1 };
            let mut digits = [0; 20];
            let id = decimal(receipt.id, &mut digits);
            wire::receipt(&mut self.out, self.sequence, receipt.from.as_slice(), receipt.to.as_slice(), id);
            self.unanswered.push_back((self.sequence, receipt));
        }
    }
}

fn answer_with_id(out: &mut Vec<u8>, pdu: &Pdu<'_>, status: u32, id: u64) {
    let mut digits = [0; 20];
    let id = if status == wire::OK { decimal(id, &mut digits) } else { b"" };
    wire::answer(out, pdu, status, id);
}

/// The id in ten decimal digits or more, as most SMSCs write it.
fn decimal(mut id: u64, digits: &mut [u8; 20]) -> &[u8] {
    let mut at = digits.len();
    while id > 0 || at > 10 {
        at -= 1;
        digits[at] = b'0' + (id % 10) as u8;
        id /= 10;
    }
    &digits[at..]
}
