//! An ESME that says one thing at a time.

use std::{
    collections::VecDeque,
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    thread,
};

use bytes::BytesMut;
use smpp::{
    Command, CommandStatus, Framer, Header,
    limits::PDU_OCTETS_MAX,
    pdu::{self, Address, Bind, BindKind, DeliverSm, RegisteredDelivery, SubmitSm, SubmitSmResp},
    tlv::Leniency,
};

use super::PATIENCE;

pub(crate) struct Esme {
    stream: TcpStream,
    sequence: u32,
    /// What was delivered to it.
    pub(crate) delivered: VecDeque<Vec<u8>>,
}

impl Esme {
    /// Binds as transceiver; the status is the answer.
    pub(crate) fn bind(gateway: SocketAddr, system_id: &str, password: &str) -> (Self, CommandStatus) {
        let stream = TcpStream::connect(gateway).expect("the gateway listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket has a timeout");
        let mut esme = Self { stream, sequence: 1, delivered: VecDeque::new() };
        let bind = Bind {
            system_id: system_id.as_bytes(),
            password: password.as_bytes(),
            interface_version: 0x34,
            ..Bind::default()
        };
        let mut out = Vec::new();
        bind.encode(BindKind::Transceiver, 1, &mut out).expect("a short bind");
        let status = esme.ask(&out, Command::BindTransceiverResp).0.status;
        (esme, status)
    }

    /// Submits; the id, or why not.
    pub(crate) fn submit(&mut self, from: &str, to: &str, text: &str) -> Result<String, CommandStatus> {
        self.sequence += 1;
        let address = |digits| Address { ton: pdu::ton::INTERNATIONAL, npi: pdu::npi::ISDN, digits };
        let submit = SubmitSm {
            source: address(from.as_bytes()),
            destination: address(to.as_bytes()),
            registered_delivery: RegisteredDelivery::ALWAYS,
            short_message: text.as_bytes(),
            ..SubmitSm::default()
        };
        let mut out = Vec::new();
        submit.encode(self.sequence, &mut out).expect("a short text");
        let (header, body) = self.ask(&out, Command::SubmitSmResp);
        if header.status != CommandStatus::ROK {
            return Err(header.status);
        }
        let answer = SubmitSmResp::decode(&body, Leniency::Lenient).expect("the gateway writes good PDUs");
        Ok(String::from_utf8_lossy(answer.id().expect("an accepted message has an id")).into_owned())
    }

    /// Waits until this many were delivered.
    pub(crate) fn wait_for(&mut self, count: usize) {
        while self.delivered.len() < count {
            self.read(None).expect("the gateway goes on");
        }
    }

    /// Takes what is delivered until the gateway ends.
    pub(crate) fn stay(mut self) {
        thread::spawn(move || while self.read(None).is_ok() {});
    }

    fn ask(&mut self, request: &[u8], answer: Command) -> (Header, Vec<u8>) {
        self.stream.write_all(request).expect("the gateway reads");
        self.read(Some(answer)).ok().flatten().expect("the gateway answers")
    }

    /// Reads one PDU after the other; answers what is delivered.
    fn read(&mut self, wanted: Option<Command>) -> io::Result<Option<(Header, Vec<u8>)>> {
        loop {
            let mut length = [0; 4];
            self.stream.read_exact(&mut length)?;
            let mut octets = vec![0; u32::from_be_bytes(length) as usize];
            octets[..4].copy_from_slice(&length);
            self.stream.read_exact(&mut octets[4..])?;
            let batch = Framer::new(PDU_OCTETS_MAX).cut(&mut BytesMut::from(octets.as_slice()));
            let frame = batch.frames().next().expect("one PDU");
            match frame.header.command {
                command if Some(command) == wanted => return Ok(Some((frame.header, frame.body.to_vec()))),
                Command::DeliverSm => {
                    let deliver = DeliverSm::decode(frame.body, Leniency::Lenient)
                        .expect("the gateway writes good PDUs");
                    self.delivered.push_back(deliver.short_message.to_vec());
                    let mut out = Vec::new();
                    pdu::answer_with_id(Command::DeliverSm, frame.header.sequence, b"", &mut out)
                        .expect("a short answer");
                    self.stream.write_all(&out)?;
                    if wanted.is_none() {
                        return Ok(None);
                    }
                }
                Command::EnquireLink => {
                    let mut out = Vec::new();
                    pdu::encode_empty(
                        Command::EnquireLinkResp,
                        CommandStatus::ROK,
                        frame.header.sequence,
                        &mut out,
                    );
                    self.stream.write_all(&out)?;
                }
                Command::Unbind => {
                    let mut out = Vec::new();
                    pdu::encode_empty(
                        Command::UnbindResp,
                        CommandStatus::ROK,
                        frame.header.sequence,
                        &mut out,
                    );
                    self.stream.write_all(&out)?;
                }
                _ => {}
            }
        }
    }
}
