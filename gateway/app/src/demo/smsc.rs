//! A simulated SMSC with its phones: takes every message, sends the receipt a moment later, and lets some
//! phones answer.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::BytesMut;
use smpp::{
    Command, CommandStatus, Framer, Version,
    limits::PDU_OCTETS_MAX,
    pdu::{self, Bind, BindKind, BindResp, DeliverSm, SubmitSm},
    receipt::{MessageState, OwnReceipt},
    tlv::Leniency,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

use crate::command::demo::Seen;

/// Between a message and its receipt.
const TO_THE_PHONE: Duration = Duration::from_millis(100);
/// One phone in so many answers.
const ANSWERS_EVERY: u64 = 10;

pub(crate) struct Smsc {
    port: u16,
}

impl Smsc {
    /// Listens on a free port. `answers`: some phones write back.
    pub(crate) async fn start(seen: Arc<Seen>, answers: bool) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = listener.local_addr()?.port();
        let ids = Arc::new(AtomicU64::new(1));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(session(stream, seen.clone(), ids.clone(), answers));
            }
        });
        Ok(Self { port })
    }

    pub(crate) const fn port(&self) -> u16 {
        self.port
    }
}

/// A message as it lies at the SMSC.
struct Held {
    id: String,
    from: (u8, u8, Vec<u8>),
    to: (u8, u8, Vec<u8>),
    answers: bool,
}

async fn session(
    mut stream: TcpStream,
    seen: Arc<Seen>,
    ids: Arc<AtomicU64>,
    answers: bool,
) -> io::Result<()> {
    let framer = Framer::new(PDU_OCTETS_MAX);
    let (mut buffer, mut out) = (BytesMut::with_capacity(64 << 10), BytesMut::new());
    let (phones, mut arrived) = mpsc::unbounded_channel::<Vec<Held>>();
    let mut sequence = 0;
    loop {
        tokio::select! {
            read = stream.read_buf(&mut buffer) => {
                if read? == 0 {
                    return Ok(());
                }
                let mut held = Vec::new();
                for frame in framer.cut(&mut buffer).frames() {
                    answer(frame, &ids, answers, &mut held, &mut out);
                }
                seen.at_smsc.fetch_add(held.len() as u64, Ordering::Relaxed);
                if !held.is_empty() {
                    let phones = phones.clone();
                    tokio::spawn(async move {
                        tokio::time::sleep(TO_THE_PHONE).await;
                        let _gone = phones.send(held);
                    });
                }
            }
            Some(held) = arrived.recv() => {
                for message in held {
                    deliver(&message, &mut sequence, &mut out);
                }
            }
        }
        stream.write_all(&out).await?;
        out.clear();
    }
}

fn answer(frame: smpp::Frame<'_>, ids: &AtomicU64, answers: bool, held: &mut Vec<Held>, out: &mut BytesMut) {
    let (command, sequence) = (frame.header.command, frame.header.sequence);
    match command {
        Command::SubmitSm => {
            let Ok(submit) = SubmitSm::decode(frame.body, Leniency::Lenient) else {
                return pdu::answer(command, CommandStatus::RSYSERR, sequence, out);
            };
            let number = ids.fetch_add(1, Ordering::Relaxed);
            let id = format!("{number:08X}");
            let _fits = pdu::answer_with_id(command, sequence, id.as_bytes(), out);
            let keep = |address: pdu::Address<'_>| (address.ton, address.npi, address.digits.to_vec());
            held.push(Held {
                id,
                from: keep(submit.source),
                to: keep(submit.destination),
                answers: answers && number % ANSWERS_EVERY == 1,
            });
        }
        _ if BindKind::of(command).is_some() => {
            let Some(kind) = BindKind::of(command) else { return };
            let theirs = Bind::decode(frame.body, Leniency::Lenient)
                .map_or(Version::V34, |bind| Version::from_octet(bind.interface_version));
            let _fits = BindResp::encode_accepted(b"simulated", kind, Version::V34, theirs, sequence, out);
        }
        Command::EnquireLink => {
            pdu::encode_empty(Command::EnquireLinkResp, CommandStatus::ROK, sequence, out)
        }
        Command::Unbind => pdu::encode_empty(Command::UnbindResp, CommandStatus::ROK, sequence, out),
        _ => {}
    }
}

/// The receipt, and perhaps an answer of the phone.
fn deliver(message: &Held, sequence: &mut u32, out: &mut BytesMut) {
    fn address(kept: &(u8, u8, Vec<u8>)) -> pdu::Address<'_> {
        pdu::Address { ton: kept.0, npi: kept.1, digits: &kept.2 }
    }
    let now = crate::runtime::now().micros();
    *sequence += 1;
    let receipt = OwnReceipt {
        message_id: message.id.as_bytes(),
        submitted: 1,
        delivered: 1,
        submitted_us: now,
        done_us: now,
        state: MessageState::Delivered,
        error: 0,
        network_error: None,
        text: &[],
        intermediate: false,
    };
    let _fits = receipt.encode(address(&message.to), address(&message.from), Version::V34, *sequence, out);
    if message.answers {
        *sequence += 1;
        let reply = DeliverSm {
            source: address(&message.to),
            destination: address(&message.from),
            short_message: b"(simulated handset) got it, thanks",
            ..DeliverSm::default()
        };
        let _fits = reply.encode(*sequence, out);
    }
}
