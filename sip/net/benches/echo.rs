//! SIP MESSAGE in, 200 out, over the sockets and without transactions: `cargo bench -p sip-net`.
//!
//! The load is on the same machine; its processor time is measured apart and not counted. What is printed is
//! what one request and its answer cost this crate together with reading the one and writing the other.
#![expect(clippy::print_stdout, reason = "a measurement is there to be read")]

use std::{
    io::{IoSliceMut, Read, Write},
    net::{SocketAddr, TcpStream, UdpSocket},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use bytes::{Bytes, BytesMut};
use quinn_udp::{RecvMeta, Transmit, UdpSocketState};
use rustix::time::{ClockId, clock_gettime};
use sip_message::{Message, StatusCode};
use sip_net::{Endpoint, Event, Flow, Inbox, Listen, Settings, Transport, resolve::SystemDns};
use sip_transaction::{Action, Class, Layer, Seed, Settings as TransactionSettings};
use tokio_util::sync::CancellationToken;

const RUN: Duration = Duration::from_secs(5);
/// Requests that wait for their answer.
const WINDOW: u32 = 1_024;
/// Requests sent together.
const BURST: u32 = 32;
const SILENCE: Duration = Duration::from_millis(50);

fn cpu(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// A page-mode message as RCS clients send it, always of the same length.
fn request(number: u32, transport: &str) -> String {
    let body = "From: <sip:+821011110001@ims.example>\r\nTo: <sip:+821011110002@ims.example>\r\n\
        DateTime: 2026-11-25T10:00:00+09:00\r\nNS: imdn <urn:ietf:params:imdn>\r\nimdn.Message-ID: 9f31aa02b7c4d1e8\r\n\
        imdn.Disposition-Notification: positive-delivery, display\r\n\r\nContent-Type: text/plain; charset=utf-8\r\n\
        \r\nSee you at seven in front of the station.";
    format!(
        "MESSAGE sip:+821011110002@ims.example SIP/2.0\r\n\
         Via: SIP/2.0/{transport} 127.0.0.1:5090;branch=z9hG4bK{number:010};rport\r\nMax-Forwards: 70\r\n\
         From: <sip:+821011110001@ims.example>;tag=a{number:010}\r\nTo: <sip:+821011110002@ims.example>\r\n\
         Call-ID: c{number:010}@127.0.0.1\r\nCSeq: 1 MESSAGE\r\nP-Asserted-Identity: <sip:+821011110001@ims.example>\r\n\
         P-Preferred-Service: urn:urn-7:3gpp-service.ims.icsi.oma.cpm.msg\r\n\
         Accept-Contact: *;+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.msg\"\r\n\
         Contribution-ID: f81d4fae-7dec-11d0-a765-00a0c91e6bf6\r\nContent-Type: message/cpim\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len(),
    )
}

/// Answers everything at once.
async fn drive(endpoint: Arc<Endpoint>, mut inbox: Inbox) {
    let mut answers: Vec<(Flow, Bytes)> = Vec::new();
    let mut octets = BytesMut::new();
    while let Some(batch) = inbox.recv().await {
        for event in &batch.events {
            let Event::Message { flow, message: Message::Request(request) } = event else { continue };
            if octets.capacity() < 1_024 {
                octets.reserve(64 << 10);
            }
            request.response(StatusCode::OK, Some("b")).write(&mut octets);
            answers.push((*flow, octets.split().freeze()));
        }
        endpoint.send_all(&mut answers);
    }
}

/// The same with the transaction layer between: every request is remembered for 32 seconds over UDP.
async fn drive_transactions(endpoint: Arc<Endpoint>, mut inbox: Inbox) {
    let classes = vec![Class::core("127.0.0.1", "127.0.0.1")];
    let mut layer = Layer::new(0, TransactionSettings::new(classes, Seed(1, 2)));
    let (mut actions, mut requests, mut answers) = (Vec::new(), Vec::new(), Vec::new());
    while let Some(mut batch) = inbox.recv().await {
        for event in batch.events.drain(..) {
            if let Event::Message { flow, message } = event {
                layer.received(batch.at, flow, message, &mut actions);
            }
        }
        for action in actions.drain(..) {
            if let Action::Request { key, .. } = action {
                requests.push(key);
            }
        }
        for key in requests.drain(..) {
            layer.answer(batch.at, key, StatusCode::OK, &mut actions).expect("an open request");
        }
        layer.tick(batch.at, &mut actions);
        for action in actions.drain(..) {
            if let Action::Transmit { flow, octets } = action {
                answers.push((flow, octets));
            }
        }
        endpoint.send_all(&mut answers);
    }
}

/// Answers that came, and the processor time spent on the load.
struct Load {
    answers: u64,
    cpu: Duration,
}

fn load_udp(to: SocketAddr) -> Load {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    socket2::SockRef::from(&socket).set_recv_buffer_size(8 << 20).expect("a buffer");
    let state = UdpSocketState::new((&socket).into()).expect("batches");
    let mut room = vec![vec![0; 1 << 16]; quinn_udp::BATCH_SIZE];
    let (mut sent, mut answers, mut lost) = (0_u32, 0_u32, 0_u32);
    let mut heard = Instant::now();
    let begun = Instant::now();
    let mut burst = Vec::new();
    while begun.elapsed() < RUN {
        while sent - answers - lost + BURST <= WINDOW {
            burst.clear();
            for number in sent..sent + BURST {
                burst.extend_from_slice(request(number, "UDP").as_bytes());
            }
            let segment_size = Some(burst.len() / BURST as usize);
            let transmit =
                Transmit { destination: to, ecn: None, contents: &burst, segment_size, src_ip: None };
            if state.try_send((&socket).into(), &transmit).is_err() {
                break;
            }
            sent += BURST;
        }
        let mut slices: Vec<IoSliceMut<'_>> = room.iter_mut().map(|slot| IoSliceMut::new(slot)).collect();
        let mut meta = [RecvMeta::default(); quinn_udp::BATCH_SIZE];
        match state.recv((&socket).into(), &mut slices, &mut meta) {
            Ok(count) => {
                for meta in meta.iter().take(count) {
                    answers += u32::try_from(meta.len.div_ceil(meta.stride.max(1))).unwrap_or(0);
                }
                heard = Instant::now();
            }
            Err(_) if heard.elapsed() > SILENCE => {
                lost = sent - answers;
                heard = Instant::now();
            }
            Err(_) => thread::sleep(Duration::from_micros(100)),
        }
    }
    Load { answers: answers.into(), cpu: cpu(ClockId::ThreadCPUTime) }
}

fn load_tcp(to: SocketAddr) -> Load {
    let mut stream = TcpStream::connect(to).expect("a connection");
    stream.set_nodelay(true).expect("no delay");
    let (mut sent, mut answers) = (0_u32, 0_u64);
    let mut room = vec![0; 1 << 18];
    // Octets of the blank line that have come already.
    let mut blank = 0;
    let begun = Instant::now();
    while begun.elapsed() < RUN {
        let burst: String = (sent..sent + WINDOW).map(|number| request(number, "TCP")).collect();
        sent += WINDOW;
        stream.write_all(burst.as_bytes()).expect("to be taken");
        while answers < sent.into() {
            let octets = stream.read(&mut room).expect("answers");
            for &octet in room.get(..octets).unwrap_or_default() {
                blank = match octet {
                    b'\r' | b'\n' => blank + 1,
                    _ => 0,
                };
                answers += u64::from(blank == 4);
            }
        }
    }
    Load { answers, cpu: cpu(ClockId::ThreadCPUTime) }
}

#[derive(Clone, Copy)]
struct Case {
    name: &'static str,
    transport: Transport,
    udp_segmentation: bool,
    transactions: bool,
}

fn measure(case: Case) {
    let Case { name, transport, udp_segmentation, transactions } = case;
    let load = if transport == Transport::Udp { load_udp } else { load_tcp };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let stop = CancellationToken::new();
    let address = "127.0.0.1:0".parse().expect("an address");
    let settings = Settings {
        listen: vec![Listen { transport, address, class: 0 }],
        connection_octets_max: 8 << 20,
        udp_segmentation,
        ..Settings::default()
    };
    let (endpoint, inbox) = runtime.block_on(async {
        let dns = Arc::new(SystemDns::with_servers(&[]).expect("no name servers"));
        Endpoint::bind(settings, dns, stop.clone()).expect("to bind")
    });
    let to = endpoint.listeners().first().expect("a listener").address;
    if transactions {
        runtime.spawn(drive_transactions(endpoint.clone(), inbox));
    } else {
        runtime.spawn(drive(endpoint.clone(), inbox));
    }
    let (begun, before) = (Instant::now(), cpu(ClockId::ProcessCPUTime));
    let load = thread::spawn(move || load(to)).join().expect("the load");
    let took = begun.elapsed().as_secs_f64();
    let spent = cpu(ClockId::ProcessCPUTime).saturating_sub(before).saturating_sub(load.cpu);
    let answers = load.answers.max(1) as f64;
    println!(
        "{name:<28} {:>9.0}/s {:>6.2} µs of ours {:>6.2} µs of the load; 503 {}, dropped {}",
        answers / took,
        spent.as_secs_f64() * 1e6 / answers,
        load.cpu.as_secs_f64() * 1e6 / answers,
        endpoint.counters().overloaded.get(),
        endpoint.counters().dropped.get() + endpoint.counters().send_dropped.get(),
    );
    stop.cancel();
    runtime.block_on(endpoint.closed());
}

fn main() {
    println!("a request of {} octets and its answer", request(0, "UDP").len());
    let udp = Case { name: "UDP", transport: Transport::Udp, udp_segmentation: false, transactions: false };
    let offloaded = Case { name: "UDP, segmentation offload", udp_segmentation: true, ..udp };
    let tcp = Case { name: "TCP", transport: Transport::Tcp, ..udp };
    measure(udp);
    measure(offloaded);
    measure(tcp);
    measure(Case { name: "UDP, transactions", transactions: true, ..udp });
    measure(Case { name: "UDP, offload, transactions", transactions: true, ..offloaded });
    measure(Case { name: "TCP, transactions", transactions: true, ..tcp });
}
