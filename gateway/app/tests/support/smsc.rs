//! An SMSC that does as it is told.

use std::{
    collections::HashMap,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use bytes::BytesMut;
use smpp::{
    Command, CommandStatus, Framer, Version,
    limits::PDU_OCTETS_MAX,
    pdu::{self, BindKind, BindResp, DeliverSm, SubmitSm},
    receipt::{MessageState, OwnReceipt},
    tlv::Leniency,
};

/// What becomes of a message, by its destination.
#[derive(Clone, Copy)]
pub(crate) enum Script {
    /// Taken and delivered.
    Deliver,
    /// Taken and delivered, and the phone answers with this.
    Answer(&'static str),
    /// Taken, and the receipt says that it could not be delivered.
    Fail,
    /// Refused at once, for good.
    Refuse,
    /// Answered after this time.
    Slow(Duration),
}

/// Listens until the test ends.
pub(crate) struct Smsc {
    pub(crate) port: u16,
    texts: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Smsc {
    /// On a free port, or on one that was free a moment ago.
    pub(crate) fn start(port: u16, script: impl Fn(&str) -> Script + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).expect("the port is free");
        let port = listener.local_addr().expect("it listens").port();
        let texts = Arc::new(Mutex::new(Vec::new()));
        let (seen, script) = (texts.clone(), Arc::new(script));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (seen, script) = (seen.clone(), script.clone());
                thread::spawn(move || session(stream, &seen, &*script));
            }
        });
        Self { port, texts }
    }

    /// A port on which nobody listens yet.
    pub(crate) fn port_for_later() -> u16 {
        let probe = TcpListener::bind(("127.0.0.1", 0)).expect("there is a free port");
        probe.local_addr().expect("it listens").port()
    }

    /// The user data of every message taken or refused, in order.
    pub(crate) fn texts(&self) -> Vec<Vec<u8>> {
        self.texts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn session(
    mut stream: TcpStream,
    seen: &Mutex<Vec<Vec<u8>>>,
    script: &(dyn Fn(&str) -> Script + Send + Sync),
) {
    let framer = Framer::new(PDU_OCTETS_MAX);
    let mut buffer = BytesMut::new();
    let mut handed = HashMap::new();
    let mut chunk = [0; 4_096];
    loop {
        match stream.read(&mut chunk) {
            Ok(octets) if octets > 0 => buffer.extend_from_slice(&chunk[..octets]),
            _ => return,
        }
        for frame in framer.cut(&mut buffer).frames() {
            let mut out = Vec::new();
            if frame.header.command == Command::DeliverSmResp {
                let delivery =
                    handed.remove(&frame.header.sequence).expect("every delivery is answered once");
                if frame.header.status != CommandStatus::ROK {
                    // What is refused for now comes again, as it does from any SMSC.
                    thread::sleep(Duration::from_millis(100));
                    out = delivery;
                }
            } else {
                answer(frame, seen, script, &mut out);
            }
            let batch = framer.cut(&mut BytesMut::from(out.as_slice()));
            for sent in batch.frames().filter(|sent| sent.header.command == Command::DeliverSm) {
                handed.insert(sent.header.sequence, whole(&sent));
            }
            if stream.write_all(&out).is_err() {
                return;
            }
        }
    }
}

fn whole(frame: &smpp::Frame<'_>) -> Vec<u8> {
    let length = u32::try_from(16 + frame.body.len()).expect("a short PDU");
    [&frame.header.encode(length), frame.body].concat()
}

fn answer(
    frame: smpp::Frame<'_>,
    seen: &Mutex<Vec<Vec<u8>>>,
    script: &(dyn Fn(&str) -> Script + Send + Sync),
    out: &mut Vec<u8>,
) {
    let (command, sequence) = (frame.header.command, frame.header.sequence);
    if let Some(kind) = BindKind::of(command) {
        BindResp::encode_accepted(b"scripted", kind, Version::V34, Version::V34, sequence, out)
            .expect("a short answer");
        return;
    }
    match command {
        Command::SubmitSm => {
            let submit =
                SubmitSm::decode(frame.body, Leniency::Lenient).expect("the gateway writes good PDUs");
            let script = script(&String::from_utf8_lossy(submit.destination.digits));
            let id = {
                let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
                seen.push(submit.short_message.to_vec());
                format!("{:08X}", seen.len())
            };
            if let Script::Slow(pause) = script {
                thread::sleep(pause);
            }
            if matches!(script, Script::Refuse) {
                return pdu::answer(command, CommandStatus::RINVDSTADR, sequence, out);
            }
            pdu::answer_with_id(command, sequence, id.as_bytes(), out).expect("a short answer");
            receipt(&submit, &id, matches!(script, Script::Fail), sequence, out);
            if let Script::Answer(text) = script {
                let reply = DeliverSm {
                    source: submit.destination,
                    destination: submit.source,
                    short_message: text.as_bytes(),
                    ..DeliverSm::default()
                };
                reply.encode(sequence + 1_000_000, out).expect("a short text");
            }
        }
        Command::EnquireLink => {
            pdu::encode_empty(Command::EnquireLinkResp, CommandStatus::ROK, sequence, out)
        }
        Command::Unbind => pdu::encode_empty(Command::UnbindResp, CommandStatus::ROK, sequence, out),
        _ => {}
    }
}

fn receipt(submit: &SubmitSm<'_>, id: &str, failed: bool, sequence: u32, out: &mut Vec<u8>) {
    let receipt = OwnReceipt {
        message_id: id.as_bytes(),
        submitted: 1,
        delivered: u8::from(!failed).into(),
        submitted_us: 1_767_225_600_000_000,
        done_us: 1_767_225_600_000_000,
        state: if failed { MessageState::Undeliverable } else { MessageState::Delivered },
        error: u8::from(failed).into(),
        network_error: None,
        text: &[],
        intermediate: false,
    };
    receipt.encode(submit.destination, submit.source, Version::V34, sequence, out).expect("a short receipt");
}
