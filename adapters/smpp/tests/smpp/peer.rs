//! A message centre or an ESME as small as can be: the modules of the crate put together as a driver
//! puts them together, so that a test can ask "these octets came in, what goes out?".

use bytes::BytesMut;
use smpp::frame::End;
use smpp::pdu::{self, Address, BothTexts, DataSm, DecodeError, DeliverSm, SubmitMulti, SubmitSm};
use smpp::session::{Party, State, Verdict, verdict};
use smpp::tlv::{Leniency, TlvWriter};
use smpp::{Command, CommandStatus, Frame, Framer, Header, Version};

pub(crate) struct Peer {
    /// Who talks to us.
    pub(crate) they: Party,
    pub(crate) state: State,
    pub(crate) version: Version,
    pub(crate) leniency: Leniency,
    pub(crate) both: BothTexts,
    /// What we sent.
    pub(crate) out: Vec<u8>,
    pub(crate) closed: bool,
    pub(crate) strikes: u32,
    pub(crate) matched: Vec<u32>,
}

impl Peer {
    /// A message centre with a bound ESME.
    pub(crate) fn message_centre() -> Self {
        Self {
            they: Party::Esme,
            state: State::BoundTrx,
            version: Version::V34,
            leniency: Leniency::Strict,
            both: BothTexts::Refuse,
            out: Vec::new(),
            closed: false,
            strikes: 0,
            matched: Vec::new(),
        }
    }

    /// An ESME bound to a message centre.
    pub(crate) fn esme() -> Self {
        Self { they: Party::MessageCentre, leniency: Leniency::Lenient, ..Self::message_centre() }
    }

    pub(crate) fn takes(mut self, octets: &[u8]) -> Self {
        let batch = Framer::default().cut(&mut BytesMut::from(octets));
        for frame in batch.frames() {
            self.frame(frame);
        }
        if let End::Broken(error) = batch.end() {
            self.out.extend(error.answer().encode(16));
            self.closed = true;
        }
        self
    }

    fn frame(&mut self, frame: Frame<'_>) {
        let header = frame.header;
        match verdict(&header, self.they, self.state) {
            Verdict::Match => self.matched.push(header.sequence),
            Verdict::Ignore { strike } => self.strikes += u32::from(strike),
            Verdict::Refuse { status, strike } => {
                self.strikes += u32::from(strike);
                pdu::answer(header.command, status, header.sequence, &mut self.out);
            }
            Verdict::Handle => {
                let status = match self.body(frame) {
                    Ok(()) => CommandStatus::ROK,
                    Err(error) => error.status,
                };
                if status.is_ok() && header.command == Command::SubmitSm {
                    pdu::answer_with_id(header.command, header.sequence, b"7", &mut self.out).expect("short");
                } else {
                    pdu::answer(header.command, status, header.sequence, &mut self.out);
                }
            }
        }
    }

    fn body(&self, frame: Frame<'_>) -> Result<(), DecodeError> {
        match frame.header.command {
            Command::SubmitSm => {
                let submit = SubmitSm::decode(frame.body, self.leniency)?;
                submit.check(self.version)?;
                submit.user_data(self.both)?;
            }
            Command::DeliverSm => {
                DeliverSm::decode(frame.body, self.leniency)?.user_data(self.both)?;
            }
            Command::DataSm => {
                let data = DataSm::decode(frame.body, self.leniency)?;
                data.check(self.version)?;
                data.tlvs.require(smpp::Tag::MESSAGE_PAYLOAD)?;
                data.user_data()?;
            }
            Command::SubmitMulti => {
                let submit = SubmitMulti::decode(frame.body, self.leniency)?;
                submit.check(self.version)?;
                submit.check_destinations(self.version, 100)?;
                submit.user_data(self.both)?;
            }
            _ => {
                pdu::Pdu::decode(frame, self.leniency)?;
            }
        }
        Ok(())
    }

    /// The answers, as command, status and sequence.
    pub(crate) fn answers(&self) -> Vec<(Command, CommandStatus, u32)> {
        let batch = Framer::default().cut(&mut BytesMut::from(self.out.as_slice()));
        assert!(matches!(batch.end(), End::NeedMore { octets: 16 }), "we write whole PDUs");
        let headers = batch.frames().map(|frame| frame.header);
        headers.map(|header| (header.command, header.status, header.sequence)).collect()
    }

    /// The one answer's status; the link must have survived.
    #[track_caller]
    pub(crate) fn keeps_with(&self, status: CommandStatus) {
        assert!(!self.closed, "the link survives");
        let answers = self.answers();
        let statuses: Vec<_> = answers.iter().map(|(_, status, _)| *status).collect();
        assert_eq!(statuses, [status]);
    }
}

pub(crate) fn submission() -> SubmitSm<'static> {
    SubmitSm {
        source: Address::international(b"15550001"),
        destination: Address::international(b"15550002"),
        short_message: b"hello",
        ..SubmitSm::default()
    }
}

/// A submission on the wire, with what `change` does to it and `tlvs` behind it.
pub(crate) fn wire(
    change: impl FnOnce(&mut SubmitSm<'static>),
    tlvs: impl FnOnce(&mut TlvWriter<'_, Vec<u8>>) -> Result<(), pdu::EncodeError>,
) -> Vec<u8> {
    let mut submit = submission();
    change(&mut submit);
    let mut out = Vec::new();
    submit.encode_with(9, &mut out, tlvs).expect("fits");
    out
}

/// A PDU around a body written by hand.
pub(crate) fn raw(command: u32, body: &[u8]) -> Vec<u8> {
    let header = Header { command: Command::from_id(command), status: CommandStatus::ROK, sequence: 9 };
    [&header.encode(16 + u32::try_from(body.len()).expect("short"))[..], body].concat()
}

/// The body of a PDU written by us.
pub(crate) fn body(pdu: &[u8]) -> Vec<u8> {
    pdu[16..].to_vec()
}

pub(crate) fn submit(octets: &[u8]) -> Peer {
    Peer::message_centre().takes(octets)
}
