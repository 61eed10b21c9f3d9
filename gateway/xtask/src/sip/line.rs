//! One socket of the load side: keeps a window of MESSAGEs full, or a rate, and answers what comes the other way.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::message::{self, Incoming, Template};
use super::socket::{Batch, Socket, Transport};
use crate::histogram::Histogram;
use crate::line::{Counters, Pace};

/// Timer E begins with T1 and doubles up to T2; timer F gives up (RFC 3261 §17.1.2.2).
const T1: Duration = Duration::from_millis(500);
const T2: Duration = Duration::from_secs(4);
const TIMER_F: Duration = Duration::from_secs(32);
/// How long a stopping line waits for its last answers.
const DRAIN: Duration = Duration::from_secs(10);
/// Between two looks at the socket. What arrives meanwhile is taken at once, so that a message costs less than a wake-up.
const NAP: Duration = Duration::from_micros(200);
/// Between two looks at the timers.
const TIMERS: Duration = Duration::from_millis(100);
/// A pause after the other side said that it is full, without a Retry-After that a load tool would wait for.
const REFUSED_PAUSE: Duration = Duration::from_millis(5);

/// A message that waits for its answer.
#[derive(Clone, Copy)]
struct Waiting {
    /// When it was (to be) sent.
    due: Instant,
    sent: Instant,
    again: Instant,
    interval: Duration,
}

pub(crate) struct Line<'a> {
    socket: Socket,
    template: Template,
    batch: Batch,
    pace: Pace,
    counters: &'a Counters,
    /// By number modulo the capacity.
    slots: Vec<Option<Waiting>>,
    next: u64,
    waiting: usize,
    hold_until: Option<Instant>,
    latencies: Histogram,
}

impl<'a> Line<'a> {
    /// `number` tells the lines of a run apart.
    pub(crate) fn connect(
        number: u64,
        transport: Transport,
        to: SocketAddr,
        pace: Pace,
        counters: &'a Counters,
    ) -> io::Result<Self> {
        let socket = Socket::connect(transport, to)?;
        Ok(Self {
            template: Template::new(number, transport.name(), socket.local()?),
            socket,
            batch: Batch::default(),
            pace,
            counters,
            // Answers may overtake each other, so a slot may still be taken when the window says go.
            slots: vec![None; (pace.window * 4).next_power_of_two()],
            next: 0,
            waiting: 0,
            hold_until: None,
            latencies: Histogram::new(),
        })
    }

    /// Loads until it is stopped and the last answers are here; an error is a connection that ended.
    pub(crate) fn run(mut self) -> io::Result<Histogram> {
        let begin = Instant::now();
        let mut drain_until = None;
        let mut timers_at = begin + TIMERS;
        loop {
            let now = Instant::now();
            if self.counters.stop.load(Ordering::Relaxed) {
                let until = *drain_until.get_or_insert(now + DRAIN);
                if now > until {
                    return Ok(self.latencies);
                }
            } else {
                self.write_due(begin, now);
            }
            if now >= timers_at && self.socket.transport() == Transport::Udp {
                self.write_again(now);
                timers_at = now + TIMERS;
            }
            if !self.batch.is_empty() {
                self.socket.send(&mut self.batch)?;
            }
            std::thread::sleep(NAP);
            self.take()?;
            // Receipts may still be on their way when the last answer is here.
            if drain_until.is_some() && self.waiting == 0 && self.batch.is_empty() && self.is_quiet() {
                return Ok(self.latencies);
            }
        }
    }

    /// Whether every accepted message has its receipt, as far as all lines together can know.
    fn is_quiet(&self) -> bool {
        let read = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
        let receipts = read(&self.counters.receipts);
        receipts == 0 || receipts >= read(&self.counters.accepted)
    }

    fn slot(&self, number: u64) -> usize {
        number as usize & (self.slots.len() - 1)
    }

    /// Writes what window and rate allow.
    fn write_due(&mut self, begin: Instant, now: Instant) {
        if self.hold_until.is_some_and(|until| now < until) {
            return;
        }
        let mut allowed = self.pace.window - self.waiting;
        if let Some(rate) = self.pace.rate {
            let due = ((now - begin).as_secs_f64() * rate) as u64;
            allowed = allowed.min(due.saturating_sub(self.next) as usize);
        }
        let first = self.next;
        while allowed > 0 {
            let slot = self.slot(self.next);
            if self.slots[slot].is_some() {
                break;
            }
            self.template.write(self.next, &mut self.batch.octets);
            self.batch.end();
            // With a rate, a message that had to wait for the window is late: its time counts from when it was due.
            let due = self.pace.rate.map(|rate| begin + Duration::from_secs_f64(self.next as f64 / rate));
            let due = due.unwrap_or(now);
            self.slots[slot] = Some(Waiting { due, sent: now, again: now + T1, interval: T1 });
            self.next += 1;
            self.waiting += 1;
            allowed -= 1;
        }
        self.counters.sent.fetch_add(self.next - first, Ordering::Relaxed);
    }

    /// Retransmits what timer E wants, and gives up what timer F does.
    fn write_again(&mut self, now: Instant) {
        let (mut again, mut lost) = (0, 0);
        let oldest = self.next.saturating_sub(self.slots.len() as u64);
        for number in oldest..self.next {
            let slot = self.slot(number);
            let Some(waiting) = &mut self.slots[slot] else { continue };
            if now - waiting.sent > TIMER_F {
                self.slots[slot] = None;
                self.waiting -= 1;
                lost += 1;
            } else if now >= waiting.again {
                waiting.interval = (waiting.interval * 2).min(T2);
                waiting.again = now + waiting.interval;
                self.template.write(number, &mut self.batch.octets);
                self.batch.end();
                again += 1;
            }
        }
        self.counters.again.fetch_add(again, Ordering::Relaxed);
        self.counters.refused.fetch_add(lost, Ordering::Relaxed);
    }

    /// Takes everything that has arrived; answers to it go out with the next batch.
    fn take(&mut self) -> io::Result<()> {
        let now = Instant::now();
        let measuring = self.counters.measuring.load(Ordering::Relaxed);
        let (mut accepted, mut refused, mut receipts) = (0, 0, 0);
        let Self { socket, template, batch, slots, waiting, hold_until, latencies, .. } = self;
        let mask = slots.len() - 1;
        socket.take(|octets| match message::read(octets) {
            Incoming::Answer(100..200) | Incoming::Other => {}
            Incoming::Answer(status) => {
                let Some(number) = template.number(octets) else { return };
                let Some(sent) = slots[number as usize & mask].take() else { return };
                *waiting -= 1;
                if status < 300 {
                    accepted += 1;
                    if measuring {
                        latencies.record(now.saturating_duration_since(sent.due));
                    }
                } else {
                    refused += 1;
                    *hold_until = Some(now + REFUSED_PAUSE);
                }
            }
            Incoming::Message { notification } => {
                receipts += u64::from(notification);
                message::answer(octets, &mut batch.octets);
                batch.end();
            }
        })?;
        self.counters.accepted.fetch_add(accepted, Ordering::Relaxed);
        self.counters.refused.fetch_add(refused, Ordering::Relaxed);
        self.counters.receipts.fetch_add(receipts, Ordering::Relaxed);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use super::*;

    #[test]
    fn what_is_not_answered_over_udp_is_sent_again_and_a_receipt_is_counted() {
        let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
        peer.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let to = peer.local_addr().unwrap();
        let counters = Counters::default();
        std::thread::scope(|scope| {
            let pace = Pace { window: 1, rate: None };
            let line = Line::connect(0, Transport::Udp, to, pace, &counters).unwrap();
            let running = scope.spawn(move || line.run());
            let mut buffer = [0; 2048];
            let mut receive = || {
                let (octets, from) = peer.recv_from(&mut buffer).unwrap();
                (buffer[..octets].to_vec(), from)
            };
            let (first, from) = receive();
            let (second, _) = receive();
            assert_eq!(first, second, "a retransmission");
            counters.stop.store(true, Ordering::Relaxed);
            let mut answer = Vec::new();
            message::answer(&first, &mut answer);
            peer.send_to(b"SIP/2.0 100 Trying\r\n\r\n", from).unwrap();
            let receipt =
                b"MESSAGE tel:+82 SIP/2.0\r\nCSeq: 9 MESSAGE\r\n\r\nContent-Type: message/imdn+xml\r\n";
            peer.send_to(receipt, from).unwrap();
            assert!(receive().0.ends_with(b"CSeq: 9 MESSAGE\r\nContent-Length: 0\r\n\r\n"), "it answers");
            peer.send_to(&answer, from).unwrap();
            running.join().unwrap().unwrap();
        });
        let read = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
        assert_eq!([&counters.sent, &counters.accepted, &counters.receipts].map(read), [1; 3]);
        assert!(read(&counters.again) >= 1);
    }
}
