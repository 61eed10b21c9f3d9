//! Nanoseconds per transaction, with as many remembered as there are at 20,000 a second: `cargo bench -p
//! sip-transaction`. Reading messages is not in the numbers, writing them is.
#![expect(clippy::print_stdout, reason = "a measurement is there to be read")]

use std::hint::black_box;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use sip_message::{Limits, Message, Request, StatusCode, parse_datagram};
use sip_transaction::{Action, Class, Flow, Layer, Seed, Settings, Transport};

/// Simulated requests per second, over UDP.
const RATE: u64 = 20_000;
/// Simulated seconds; what is measured comes after the first 40.
const SECONDS: u64 = 60;
/// Messages to a batch, as a driver would have them.
const BATCH: u64 = 100;
const START_US: i64 = 1_800_000_000_000_000;

fn flow(n: u64) -> Flow {
    let remote = SocketAddr::from(([10, 0, (n >> 8) as u8, n as u8], 5060));
    Flow { id: 1, remote, transport: Transport::Udp, class: 0 }
}

fn message(n: u64) -> Bytes {
    let (a, b) = (n % 100_000, n * 7 % 100_000);
    Bytes::from(format!(
        "MESSAGE sip:+8210111{b:05}@ims.example SIP/2.0\r\n\
         Via: SIP/2.0/UDP 10.0.0.1:5060;rport;branch=z9hG4bK-{n:x}-4e7d\r\n\
         Via: SIP/2.0/TCP 192.0.2.44:40112;rport=40112;received=192.0.2.44;branch=z9hG4bK{n:016x}\r\n\
         Max-Forwards: 69\r\n\
         From: <sip:+8210222{a:05}@ims.example>;tag={n:x}\r\n\
         To: <sip:+8210111{b:05}@ims.example>\r\n\
         Call-ID: {n:x}-1b7c@192.0.2.44\r\n\
         CSeq: 1 MESSAGE\r\n\
         P-Asserted-Identity: <tel:+8210222{a:05}>\r\n\
         Accept-Contact: *;+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.msg\"\r\n\
         Contribution-ID: {n:032x}\r\n\
         Conversation-ID: {n:032x}\r\n\
         Content-Type: message/cpim\r\n\
         Content-Length: 21\r\n\r\n\
         From: x\r\n\r\nhello body"
    ))
}

fn read(octets: Bytes) -> Message {
    parse_datagram(octets, &Limits::default()).expect("it is well-formed")
}

fn request(n: u64) -> Request {
    let Message::Request(mut request) = read(message(n)) else { unreachable!("it is a request") };
    request.headers.remove(sip_message::Name::Via);
    request
}

fn layer() -> Layer {
    let class = Class::core("gw.example:5060", "gw.example");
    Layer::new(START_US, Settings::new(vec![class], Seed(0x1234_5678, 0x9abc_def0)))
}

/// Resident memory in octets.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    status.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * 4096
}

/// Batches, each timed as a whole. Of the mean the slowest hundredth is left out: what else runs on the machine. The
/// slowest of all is shown: what growing costs.
#[derive(Default)]
struct Meter(Vec<Duration>);

impl Meter {
    fn take(&mut self, work: impl FnOnce()) {
        let start = Instant::now();
        work();
        self.0.push(start.elapsed());
    }

    fn print(mut self, name: &str) {
        self.0.sort();
        let usual = self.0.get(..self.0.len() * 99 / 100).unwrap_or_default();
        let each = usual.iter().sum::<Duration>().as_secs_f64() * 1e9 / (usual.len() as u64 * BATCH) as f64;
        let worst = self.0.last().copied().unwrap_or_default().as_secs_f64() * 1e6;
        println!("{name:<44} {each:>7.1} ns   slowest {BATCH} {worst:>6.0} µs");
    }
}

fn servers() {
    let mut layer = layer();
    let mut out = Vec::new();
    let before = resident();
    let (mut work, mut ticks) = (Meter::default(), Meter::default());
    for n in 0..RATE * SECONDS / BATCH {
        let now_us = START_US + (n * BATCH * 1_000_000 / RATE) as i64;
        let batch: Vec<Message> = (n * BATCH..(n + 1) * BATCH).map(|n| read(message(n))).collect();
        let measured = n * BATCH > RATE * 40;
        let do_it = |meter: &mut Meter| {
            meter.take(|| {
                for (m, message) in batch.into_iter().enumerate() {
                    layer.received(now_us, flow(m as u64), message, &mut out);
                }
                let keys: Vec<_> = out.iter().filter_map(key).collect();
                for key in keys {
                    layer.answer(now_us, key, StatusCode::ACCEPTED, &mut out).expect("open");
                }
            });
        };
        if measured {
            do_it(&mut work)
        } else {
            do_it(&mut Meter::default())
        }
        assert_eq!(out.len() as u64, 2 * BATCH);
        black_box(&out);
        out.clear();
        let mut tick = |meter: &mut Meter| meter.take(|| layer.tick(now_us, &mut out));
        if measured { tick(&mut ticks) } else { tick(&mut Meter::default()) }
    }
    work.print("MESSAGE received, answered 202");
    ticks.print("  and forgotten when Timer J ends");
    let open = layer.servers_open();
    let octets = resident().saturating_sub(before) as f64 / open as f64;
    println!("{open} remembered, {octets:.0} octets each\n");

    // Copies of all of the last second.
    let mut again = Meter::default();
    let last = RATE * SECONDS;
    for n in 0..RATE / BATCH {
        let batch: Vec<Message> =
            (last - (n + 1) * BATCH..last - n * BATCH).map(|n| read(message(n))).collect();
        again.take(|| {
            for (m, message) in batch.into_iter().enumerate() {
                layer.received(START_US, flow(m as u64), message, &mut out);
            }
        });
        assert_eq!(out.len() as u64, BATCH);
        out.clear();
    }
    again.print("copy of a MESSAGE, answered again");
}

fn key(action: &Action) -> Option<sip_transaction::ServerKey> {
    match action {
        Action::Request { key, .. } => Some(*key),
        _ => None,
    }
}

fn clients() {
    let mut layer = layer();
    let mut out = Vec::new();
    let (mut asking, mut hearing, mut ticks) = (Meter::default(), Meter::default(), Meter::default());
    for n in 0..RATE * SECONDS / BATCH {
        let now_us = START_US + (n * BATCH * 1_000_000 / RATE) as i64;
        let batch: Vec<Request> = (n * BATCH..(n + 1) * BATCH).map(request).collect();
        asking.take(|| {
            for (m, request) in batch.iter().enumerate() {
                layer.request(now_us, flow(m as u64), request, m as u64, &mut out).expect("room");
            }
        });
        let answers: Vec<Message> = out
            .drain(..)
            .map(|action| match action {
                Action::Transmit { octets, .. } => match read(octets) {
                    Message::Request(request) => read(request.response(StatusCode::OK, Some("1")).to_bytes()),
                    Message::Response(_) => unreachable!("it is a request"),
                },
                other => unreachable!("{other:?}"),
            })
            .collect();
        hearing.take(|| {
            for (m, answer) in answers.into_iter().enumerate() {
                layer.received(now_us, flow(m as u64), answer, &mut out);
            }
        });
        assert_eq!(out.len() as u64, BATCH);
        out.clear();
        ticks.take(|| layer.tick(now_us, &mut out));
    }
    asking.print("MESSAGE of ours written and sent");
    hearing.print("  its 200 received");
    ticks.print("  and forgotten when Timer K ends");
    println!("{} remembered", layer.clients_open());
}

fn main() {
    servers();
    println!();
    clients();
}
