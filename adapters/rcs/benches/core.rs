//! What a message costs in the SIP part of the gateway: read, transaction, identity, translation, answer written;
//! then its report out and the answer to that. `cargo bench -p rcs`.

#![expect(clippy::print_stdout, reason = "a benchmark says what it measured")]

use std::{hint::black_box, sync::Arc, time::Instant};

use bytes::Bytes;
use kit::Unwatched;
use model::{
    Answer, AttemptId, ChannelId, Disposition, Inbound, MessageIds, Outgoing, Report, SessionId, Timestamp,
};
use rcs::{
    Settings,
    core::{Core, Ways},
    settings::{Peer, Range},
};
use sip_message::{Limits, Message, StatusCode, parse_datagram};
use sip_net::{
    NoFlow, Target,
    resolve::{Candidate, Candidates, Destination, Host, Unresolved},
};
use sip_transaction::{Flow, Transport};

struct Sockets;

impl Ways for Sockets {
    fn flow(&self, target: &Target) -> Result<Flow, NoFlow> {
        Ok(Flow { id: 0, remote: target.remote, transport: target.transport, class: target.class })
    }

    fn is_open(&self, _: Flow) -> bool {
        true
    }

    fn resolve(&self, destination: &Destination, _: u64, _: u64) -> Option<Result<Candidates, Unresolved>> {
        let Host::Ip(ip) = destination.host else { return None };
        let address = (ip, destination.port.unwrap_or(5060)).into();
        Some(Ok(Candidates::from_iter([Candidate { transport: Transport::Udp, address }])))
    }
}

const BATCH: usize = 64;
const BATCHES: usize = 4_000;

fn request(n: usize) -> Bytes {
    let body = format!(
        "From: <sip:anonymous@anonymous.invalid>\r\nTo: <sip:anonymous@anonymous.invalid>\r\n\
         NS: imdn <urn:ietf:params:imdn>\r\nimdn.Message-ID: Msg{n:016x}\r\n\
         DateTime: 2025-03-01T09:30:00.000+09:00\r\n\
         imdn.Disposition-Notification: positive-delivery, negative-delivery\r\n\r\n\
         Content-Type: text/plain;charset=UTF-8\r\nContent-Length: 40\r\n\r\n{:x<40}",
        "hello"
    );
    let to = 1_099_990_000 + n % 10_000;
    format!(
        "MESSAGE sip:+82{to}@ims.example SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bKb{n};rport\r\n\
         Max-Forwards: 70\r\nFrom: <sip:+821011110001@ims.example>;tag=t{n}\r\nTo: <sip:+82{to}@ims.example>\r\n\
         Call-ID: {n:032x}@bench\r\nCSeq: 1 MESSAGE\r\nP-Asserted-Identity: <tel:+821011110001>\r\n\
         Conversation-ID: 5b1c7d30-8e0a-4a52-9f6d-2f1f0c9a7e11\r\n\
         Contribution-ID: c2a4f0de-6b39-4d0e-8a77-90b1d5e3f642\r\n\
         Content-Type: message/cpim\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into()
}

fn main() {
    let settings = Settings {
        peers: vec![Peer {
            name: "local".into(),
            addresses: vec![Range::new([127, 0, 0, 1].into(), 32)],
            registrar: false,
            strict: false,
        }],
        ..Settings::new(ChannelId(7), "ims.example", "127.0.0.1:5060", [9; 16])
    };
    let mut now_us = 1_800_000_000_000_000;
    let mut core = Core::new(
        now_us,
        Arc::new(settings),
        SessionId(1),
        [1, 2, 3, 4],
        Box::new(Sockets),
        Arc::new(Unwatched),
    );
    core.out().inbound.clear();
    let flow = Flow {
        id: 0,
        remote: "127.0.0.1:5070".parse().expect("an address"),
        transport: Transport::Udp,
        class: 0,
    };
    let limits = Limits::DATAGRAM;
    let mut ids = MessageIds::default();
    let (mut took_in, mut took_out) = (0_u128, 0_u128);
    let mut octets_out = 0;
    for batch in 0..BATCHES {
        let requests: Vec<Bytes> = (0..BATCH).map(|n| request(batch * BATCH + n)).collect();
        // In: read, hand in, answer.
        let started = Instant::now();
        for octets in requests {
            match parse_datagram(octets, &limits) {
                Ok(message) => core.received(now_us, flow, message),
                Err(_) => panic!("readable"),
            }
        }
        let submissions: Vec<_> = core
            .out()
            .inbound
            .drain(..)
            .filter_map(|inbound| match inbound {
                Inbound::Submit { submission, ticket } => Some((submission, ticket)),
                _ => None,
            })
            .collect();
        let answers = submissions
            .iter()
            .map(|(_, ticket)| (ticket.token, Answer::Accepted(ids.next(Timestamp::from_micros(now_us)))))
            .collect::<Vec<_>>();
        core.answers(now_us, answers);
        octets_out += core.out().transmit.drain(..).map(|(_, octets)| octets.len()).sum::<usize>();
        took_in += started.elapsed().as_nanos();
        // Out: a report for each, and its 200.
        let reports: Vec<Outgoing> = submissions
            .into_iter()
            .enumerate()
            .map(|(slot, (submission, _))| {
                Outgoing::Report(Report {
                    attempt: AttemptId { slot: slot as u32, generation: batch as u32 },
                    message: ids.next(Timestamp::from_micros(now_us)),
                    submission,
                    disposition: Disposition::Delivered,
                    cause: None,
                    code: None,
                    at: Timestamp::from_micros(now_us),
                    segments: 1,
                    displayed: false,
                    intermediate: false,
                    via: None,
                })
            })
            .collect();
        let started = Instant::now();
        core.hand_over(now_us, reports);
        let sent: Vec<Bytes> = core.out().transmit.drain(..).map(|(_, octets)| octets).collect();
        let mut spent = started.elapsed().as_nanos();
        let replies: Vec<Bytes> = sent
            .into_iter()
            .map(|octets| match parse_datagram(octets, &limits) {
                Ok(Message::Request(request)) => request.response(StatusCode::OK, Some("b")).to_bytes(),
                _ => panic!("a request"),
            })
            .collect();
        let started = Instant::now();
        for octets in replies {
            match parse_datagram(octets, &limits) {
                Ok(message) => core.received(now_us, flow, message),
                Err(_) => panic!("readable"),
            }
        }
        assert_eq!(core.out().inbound.drain(..).count(), BATCH);
        spent += started.elapsed().as_nanos();
        took_out += spent;
        now_us += 3_000;
        let started = Instant::now();
        core.tick(now_us);
        took_in += started.elapsed().as_nanos();
    }
    let messages = (BATCH * BATCHES) as u128;
    black_box(octets_out);
    println!("MESSAGE in, 202 out: {:.2} us", took_in as f64 / messages as f64 / 1_000.0);
    println!("IMDN out, 200 in:    {:.2} us", took_out as f64 / messages as f64 / 1_000.0);
}
