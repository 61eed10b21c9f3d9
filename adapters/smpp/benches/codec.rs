//! Nanoseconds per PDU of the codec, best of several rounds: `cargo bench -p smpp`.
#![expect(clippy::print_stdout, reason = "a measurement is there to be read")]

use std::hint::black_box;
use std::time::Instant;

use bytes::BytesMut;
use smpp::ids::{self, IdText};
use smpp::pdu::{self, Address, BothTexts, DeliverSm, RegisteredDelivery, SubmitSm, SubmitSmResp};
use smpp::receipt::{MessageState, OwnReceipt, ReceiptFields};
use smpp::session::{Party, State, Verdict, verdict};
use smpp::tlv::Leniency;
use smpp::window::Window;
use smpp::{Command, Framer, Tag, Version};

const ROUNDS: u32 = 15;

/// Prints the best round of `work`, which does `pdus` things each time.
fn measure(name: &str, pdus: u32, mut work: impl FnMut()) {
    let mut best = f64::INFINITY;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for _ in 0..200 {
            work();
        }
        best = best.min(start.elapsed().as_secs_f64() * 1e9 / 200.0 / f64::from(pdus));
    }
    println!("{name:<52} {best:>7.1} ns");
}

fn submission(text: &[u8]) -> SubmitSm<'_> {
    SubmitSm {
        source: Address::international(b"821012345678"),
        destination: Address::international(b"821087654321"),
        registered_delivery: RegisteredDelivery::ALWAYS,
        short_message: text,
        ..SubmitSm::default()
    }
}

fn main() {
    let text = [b'a'; 100];
    let submit = submission(&text);
    let receipt = OwnReceipt {
        message_id: b"123456789012345678",
        submitted: 1,
        delivered: 1,
        submitted_us: 1_652_810_100_000_000,
        done_us: 1_652_810_160_000_000,
        state: MessageState::Delivered,
        error: 0,
        network_error: None,
        text: b"",
        intermediate: false,
    };
    let many = 300;

    let mut stream = Vec::new();
    for sequence in 1..=many {
        submit
            .encode_with(sequence, &mut stream, |tlvs| tlvs.word(Tag::USER_MESSAGE_REFERENCE, 7).map(|_| ()))
            .expect("fits");
    }
    println!("submit_sm of {} octets, {many} to a read\n", stream.len() / many as usize);

    let framer = Framer::default();
    let mut buffer = BytesMut::with_capacity(stream.len() * 2);
    measure("cut only (with the copy into the buffer)", many, || {
        buffer.clear();
        buffer.extend_from_slice(&stream);
        black_box(framer.cut(&mut buffer).frames().count());
    });
    measure("cut, verdict, decode, check, user_data: submit_sm", many, || {
        buffer.clear();
        buffer.extend_from_slice(&stream);
        for frame in framer.cut(&mut buffer).frames() {
            let Verdict::Handle = verdict(&frame.header, Party::Esme, State::BoundTrx) else { continue };
            let Ok(submit) = SubmitSm::decode(frame.body, Leniency::Strict) else { continue };
            let checked = submit.check(Version::V34).is_ok();
            black_box((checked, submit.user_data(BothTexts::Refuse).is_ok(), &submit));
        }
    });
    let mut out: Vec<u8> = Vec::with_capacity(stream.len() * 2);
    measure("encode submit_sm into Vec", many, || {
        out.clear();
        for sequence in 1..=many {
            black_box(&submit).encode(sequence, &mut out).expect("fits");
        }
    });
    let mut octets = BytesMut::with_capacity(stream.len() * 2);
    measure("encode submit_sm into BytesMut", many, || {
        octets.clear();
        for sequence in 1..=many {
            black_box(&submit).encode(sequence, &mut octets).expect("fits");
        }
    });
    measure("encode submit_sm_resp with id", many, || {
        out.clear();
        for sequence in 1..=many {
            let id = black_box(&b"123456789012345678"[..]);
            pdu::answer_with_id(Command::SubmitSm, sequence, id, &mut out).expect("fits");
        }
    });
    let responses = out.clone();
    measure("cut and decode submit_sm_resp", many, || {
        buffer.clear();
        buffer.extend_from_slice(&responses);
        for frame in framer.cut(&mut buffer).frames() {
            black_box(
                SubmitSmResp::decode(frame.body, Leniency::Lenient).map(|response| response.id().is_some()),
            )
            .expect("a response");
        }
    });
    let (from, to) = (submit.destination, submit.source);
    measure("write a receipt: text, TLVs, deliver_sm", many, || {
        out.clear();
        for sequence in 1..=many {
            receipt.encode(from, to, Version::V34, sequence, &mut out).expect("fits");
        }
    });
    let receipts = out;
    measure("cut and decode deliver_sm, read its receipt", many, || {
        buffer.clear();
        buffer.extend_from_slice(&receipts);
        for frame in framer.cut(&mut buffer).frames() {
            if let Ok(deliver) = DeliverSm::decode(frame.body, Leniency::Lenient) {
                black_box(ReceiptFields::of_deliver(&deliver));
            }
        }
    });
    let id = IdText::new(b"0059113978").expect("short");
    measure("first two candidates of an id", 1, || {
        black_box(ids::candidates(black_box(&id), None).nth(1));
    });
    let mut window = Window::new(500, 60_000_000);
    let mut sent = Vec::with_capacity(500);
    measure("window: insert and complete", 500, || {
        sent.clear();
        sent.extend((0..500_u64).filter_map(|request| window.insert(0, request).ok()));
        for &sequence in &sent {
            black_box(window.complete(sequence));
        }
    });
}
