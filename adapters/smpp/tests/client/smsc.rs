//! An SMSC that does what the test says.

use bytes::BytesMut;
use smpp::{
    Command, CommandStatus, Framer, Version,
    frame::OwnedFrame,
    pdu::{self, BindKind, BindResp, DeliverSm, EsmClass, SubmitSm},
    tlv::Leniency,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::desk::within;

pub(crate) struct Smsc {
    listener: TcpListener,
}

impl Smsc {
    pub(crate) async fn start() -> (Self, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
        let address = listener.local_addr().expect("bound").to_string();
        (Self { listener }, address)
    }

    /// The next connection, not bound yet.
    pub(crate) async fn accept(&self) -> Peer {
        let (stream, _) = within("a connection", self.listener.accept()).await.expect("loopback");
        stream.set_nodelay(true).expect("loopback");
        Peer { stream, buffer: BytesMut::new(), frames: Vec::new().into_iter() }
    }

    /// The next connection, bound at 3.4.
    pub(crate) async fn bound(&self) -> Peer {
        let mut peer = self.accept().await;
        peer.accept_bind(Version::V34).await;
        peer
    }
}

/// The other end of one connection of the client.
pub(crate) struct Peer {
    stream: TcpStream,
    buffer: BytesMut,
    frames: std::vec::IntoIter<OwnedFrame>,
}

impl Peer {
    /// The next PDU; `None` when the client has closed.
    pub(crate) async fn read(&mut self) -> Option<OwnedFrame> {
        loop {
            if let Some(frame) = self.frames.next() {
                return Some(frame);
            }
            let read = within("a PDU", self.stream.read_buf(&mut self.buffer)).await;
            if read.unwrap_or(0) == 0 {
                return None;
            }
            self.frames =
                Framer::default().cut(&mut self.buffer).into_owned_frames().collect::<Vec<_>>().into_iter();
        }
    }

    /// The next PDU that is not `enquire_link`.
    pub(crate) async fn next(&mut self) -> OwnedFrame {
        loop {
            let frame = self.read().await.expect("the client keeps the link");
            if frame.header.command != Command::EnquireLink {
                return frame;
            }
        }
    }

    /// The next PDU must be this one.
    pub(crate) async fn expect(&mut self, command: Command) -> OwnedFrame {
        let frame = self.next().await;
        assert_eq!(frame.header.command, command);
        frame
    }

    /// The next submission: sequence number and text.
    pub(crate) async fn submission(&mut self) -> (u32, String) {
        let frame = self.expect(Command::SubmitSm).await;
        let pdu = SubmitSm::decode(&frame.body, Leniency::Strict).expect("well-formed");
        (frame.header.sequence, String::from_utf8_lossy(pdu.short_message).into_owned())
    }

    pub(crate) async fn write(&mut self, octets: &[u8]) {
        // A client that has closed is noticed by reading.
        let _gone = self.stream.write_all(octets).await;
    }

    pub(crate) async fn accept_bind(&mut self, version: Version) -> BindKind {
        let (kind, octets) = self.bind(version).await;
        self.write(&octets).await;
        kind
    }

    /// Reads a bind and says what the positive answer is.
    pub(crate) async fn bind(&mut self, version: Version) -> (BindKind, Vec<u8>) {
        let frame = self.next().await;
        let kind = BindKind::of(frame.header.command).expect("a bind");
        let mut octets = Vec::new();
        BindResp::encode_accepted(b"smsc", kind, version, version, frame.header.sequence, &mut octets)
            .expect("short");
        (kind, octets)
    }

    pub(crate) async fn ok(&mut self, sequence: u32, id: &str) {
        self.write(&taken(sequence, id)).await;
    }

    pub(crate) async fn status(&mut self, sequence: u32, status: CommandStatus) {
        let mut octets = Vec::new();
        pdu::answer(Command::SubmitSm, status, sequence, &mut octets);
        self.write(&octets).await;
    }

    pub(crate) async fn empty(&mut self, command: Command, status: CommandStatus, sequence: u32) {
        let mut octets = Vec::new();
        pdu::encode_empty(command, status, sequence, &mut octets);
        self.write(&octets).await;
    }
}

/// A positive `submit_sm_resp`.
pub(crate) fn taken(sequence: u32, id: &str) -> Vec<u8> {
    let mut octets = Vec::new();
    pdu::answer_with_id(Command::SubmitSm, sequence, id.as_bytes(), &mut octets).expect("short");
    octets
}

/// A receipt in a `deliver_sm`.
pub(crate) fn receipt(sequence: u32, text: &str) -> Vec<u8> {
    deliver(sequence, EsmClass::RECEIPT, text)
}

/// A message of a phone.
pub(crate) fn reply(sequence: u32, text: &str) -> Vec<u8> {
    deliver(sequence, EsmClass::default(), text)
}

fn deliver(sequence: u32, esm_class: EsmClass, text: &str) -> Vec<u8> {
    let mut octets = Vec::new();
    let pdu = DeliverSm {
        source: pdu::Address::international(b"821090000001"),
        destination: pdu::Address::international(b"821000000001"),
        esm_class,
        short_message: text.as_bytes(),
        ..DeliverSm::default()
    };
    pdu.encode(sequence, &mut octets).expect("short");
    octets
}
