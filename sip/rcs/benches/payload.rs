//! Nanoseconds per payload, best of several rounds: `cargo bench -p sip-rcs`.
#![expect(clippy::print_stdout, reason = "a measurement is there to be read")]

use std::borrow::Cow;
use std::hint::black_box;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use sip_rcs::cpim::{ANONYMOUS, Cpim, Edit, Field, Writer};
use sip_rcs::features::Wanted;
use sip_rcs::imdn::{self, Disposition, Report, Requested};
use sip_rcs::iscomposing::{self, IsComposing};
use sip_rcs::{Capabilities, Features, Private};

const ROUNDS: u32 = 15;
const PER_ROUND: u32 = 20_000;

/// Prints the best round of `work`.
fn measure(name: &str, mut work: impl FnMut()) {
    let mut best = f64::INFINITY;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for _ in 0..PER_ROUND {
            work();
        }
        best = best.min(start.elapsed().as_secs_f64() * 1e9 / f64::from(PER_ROUND));
    }
    println!("{name:<52} {best:>7.1} ns");
}

fn main() {
    let mut pager = Vec::new();
    Writer::new(&mut pager)
        .from(ANONYMOUS)
        .to(ANONYMOUS)
        .imdn("3f1c9a52-7d0e-4c57", Requested::POSITIVE_DELIVERY | Requested::DISPLAY)
        .date_time(1_740_789_000_250_000, 540)
        .content("text/plain;charset=UTF-8", &[b'a'; 100]);
    let pager = Bytes::from(pager);
    println!("CPIM message of {} octets\n", pager.len());

    measure("read a pager CPIM, its id, time, requests and type", || {
        let message = Cpim::read(black_box(&pager).clone()).expect("a message");
        black_box((message.message_id(), message.date_time(), Requested::of(&message), message.kind()));
        black_box(message.content());
    });
    let message = Cpim::read(pager).expect("a message");
    let mut out = BytesMut::with_capacity(2_048);
    measure("write a pager CPIM", || {
        out.clear();
        Writer::new(&mut out)
            .from(ANONYMOUS)
            .to(ANONYMOUS)
            .imdn("3f1c9a52-7d0e-4c57", Requested::POSITIVE_DELIVERY | Requested::DISPLAY)
            .date_time(1_740_789_000_250_000, 540)
            .content("text/plain;charset=UTF-8", &[b'a'; 100]);
        black_box(&out);
    });
    measure("relay a CPIM with another id", || {
        out.clear();
        let edit = |header: sip_rcs::cpim::Header<'_>| match header.field() {
            Field::MessageId => Edit::Value("9b2"),
            _ => Edit::Keep,
        };
        black_box(&message).relay(&mut out, b"", edit, b"");
        black_box(&out);
    });
    let report = Report {
        message_id: Cow::Borrowed("3f1c9a52-7d0e-4c57"),
        date_time: Cow::Borrowed("2025-03-01T09:30:00.250+09:00"),
        recipient: Some(Private(Cow::Borrowed("tel:+821011112222"))),
        original_recipient: None,
        disposition: Disposition::Delivered,
    };
    measure("write an IMDN in its CPIM", || {
        out.clear();
        let head = Writer::new(&mut out).from(ANONYMOUS).to(ANONYMOUS).imdn("n-1", Requested::NONE);
        black_box(&report).write_message(head.date_time(1_740_789_000_250_000, 540));
        black_box(&out);
    });
    let carried = Bytes::copy_from_slice(&out);
    println!("  ({} octets)", carried.len());
    measure("read an IMDN in its CPIM", || {
        let message = Cpim::read(black_box(&carried).clone()).expect("a message");
        black_box(imdn::read(message.content())).expect("a report");
    });
    let mut typing = Vec::new();
    IsComposing::ACTIVE.write(&mut typing);
    measure("read an is-composing indication", || {
        black_box(iscomposing::read(black_box(&typing))).expect("an indication");
    });
    let all = Capabilities::from_bits(u32::MAX).features();
    let mut contact = Vec::new();
    all.write(&mut contact);
    let contact = String::from_utf8(contact).expect("text");
    let parameters: Vec<_> = contact
        .split(';')
        .filter(|parameter| !parameter.is_empty())
        .map(|parameter| {
            parameter.split_once('=').map_or((parameter, None), |(name, value)| (name, Some(value)))
        })
        .collect();
    measure("read the features of a Contact, their capabilities", || {
        let features = Features::read(black_box(&parameters).iter().copied());
        black_box(Capabilities::of(&features));
    });
    let accept = ("+g.3gpp.icsi-ref", Some("\"urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.msg\""));
    measure("read an Accept-Contact and match it", || {
        let wanted = Wanted::read(black_box([accept, ("require", None), ("explicit", None)]));
        black_box(all.admits(&wanted));
    });
}
