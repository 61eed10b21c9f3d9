//! An ESME that does what the test says.

use std::net::SocketAddr;

use bytes::BytesMut;
use smpp::{
    Command, CommandStatus, Framer, Version,
    frame::OwnedFrame,
    pdu::{self, Bind, BindKind, BindResp, DeliverSm, SubmitSm, SubmitSmResp},
    tlv::Leniency,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
};

use crate::desk::{Desk, within};

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

pub(crate) struct Esme {
    stream: Box<dyn Stream>,
    buffer: BytesMut,
    frames: std::vec::IntoIter<OwnedFrame>,
}

impl Esme {
    pub(crate) fn over(stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) -> Self {
        Self { stream: Box::new(stream), buffer: BytesMut::new(), frames: Vec::new().into_iter() }
    }

    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("loopback");
        stream.set_nodelay(true).expect("loopback");
        Self::over(stream)
    }

    /// Bound in both directions at 3.4.
    pub(crate) async fn bound(desk: &Desk) -> Self {
        Self::bound_as(desk, BindKind::Transceiver, Version::V34).await
    }

    pub(crate) async fn bound_as(desk: &Desk, kind: BindKind, version: Version) -> Self {
        let mut esme = Self::connect(desk.address).await;
        esme.bind(kind, version).await;
        esme
    }

    pub(crate) async fn bind(&mut self, kind: BindKind, version: Version) {
        self.write(&bind(kind, version, "esme", "secret")).await;
        let frame = self.expect(kind.response(), CommandStatus::ROK).await;
        let response = BindResp::decode(&frame.body, Leniency::Strict).expect("well-formed");
        assert_eq!(response.system_id, Some(&b"gateway"[..]));
    }

    /// The next PDU; `None` when the server has closed.
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

    /// The next PDU must be this one.
    pub(crate) async fn expect(&mut self, command: Command, status: CommandStatus) -> OwnedFrame {
        let frame = self.read().await.expect("the server keeps the link");
        assert_eq!((frame.header.command, frame.header.status), (command, status));
        frame
    }

    /// The next PDU must be this answer to this request.
    pub(crate) async fn answered(
        &mut self,
        command: Command,
        status: CommandStatus,
        sequence: u32,
    ) -> OwnedFrame {
        let frame = self.expect(command, status).await;
        assert_eq!(frame.header.sequence, sequence);
        frame
    }

    /// The next PDU must accept a submission under this id.
    pub(crate) async fn accepted(&mut self, sequence: u32, id: &str) {
        let frame = self.answered(Command::SubmitSmResp, CommandStatus::ROK, sequence).await;
        let response = SubmitSmResp::decode(&frame.body, Leniency::Strict).expect("well-formed");
        assert_eq!(response.id(), Some(id.as_bytes()));
    }

    /// The server has closed, and said nothing more.
    pub(crate) async fn closed(&mut self) {
        let frame = self.read().await;
        assert!(frame.is_none(), "{frame:?}");
    }

    /// The next delivery: sequence number and text.
    pub(crate) async fn delivery(&mut self) -> (u32, String) {
        let frame = self.expect(Command::DeliverSm, CommandStatus::ROK).await;
        let pdu = DeliverSm::decode(&frame.body, Leniency::Strict).expect("well-formed");
        (frame.header.sequence, String::from_utf8_lossy(pdu.short_message).into_owned())
    }

    pub(crate) async fn write(&mut self, octets: &[u8]) {
        // A server that has closed is noticed by reading.
        let _gone = self.stream.write_all(octets).await;
    }

    pub(crate) async fn empty(&mut self, command: Command, status: CommandStatus, sequence: u32) {
        let mut octets = Vec::new();
        pdu::encode_empty(command, status, sequence, &mut octets);
        self.write(&octets).await;
    }

    pub(crate) async fn took(&mut self, sequence: u32, status: CommandStatus) {
        let mut octets = Vec::new();
        pdu::answer(Command::DeliverSm, status, sequence, &mut octets);
        self.write(&octets).await;
    }

    /// The link is up, and nothing is said before this is answered.
    pub(crate) async fn is_up(&mut self) {
        self.empty(Command::EnquireLink, CommandStatus::ROK, 0x00AB_CDEF).await;
        self.answered(Command::EnquireLinkResp, CommandStatus::ROK, 0x00AB_CDEF).await;
    }
}

pub(crate) fn bind(kind: BindKind, version: Version, system_id: &str, password: &str) -> Vec<u8> {
    let mut octets = Vec::new();
    let bind = Bind {
        system_id: system_id.as_bytes(),
        password: password.as_bytes(),
        interface_version: version.octet(),
        ..Bind::default()
    };
    bind.encode(kind, 1, &mut octets).expect("short");
    octets
}

pub(crate) fn plain() -> SubmitSm<'static> {
    SubmitSm {
        source: pdu::Address::international(b"821000000001"),
        destination: pdu::Address::international(b"821090000001"),
        short_message: b"hello",
        ..SubmitSm::default()
    }
}

pub(crate) fn submit(sequence: u32, text: &str) -> Vec<u8> {
    encoded(&SubmitSm { short_message: text.as_bytes(), ..plain() }, sequence)
}

pub(crate) fn encoded(pdu: &SubmitSm<'_>, sequence: u32) -> Vec<u8> {
    let mut octets = Vec::new();
    pdu.encode(sequence, &mut octets).expect("short");
    octets
}

/// A PDU of this command with this body.
pub(crate) fn raw(command: u32, sequence: u32, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(16 + body.len()).expect("short");
    let mut octets = Vec::new();
    for word in [length, command, 0, sequence] {
        octets.extend_from_slice(&word.to_be_bytes());
    }
    octets.extend_from_slice(body);
    octets
}
