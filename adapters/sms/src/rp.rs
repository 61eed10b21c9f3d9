//! The short message relay layer (3GPP TS 24.011 §7.3, §8.2): the body of `application/vnd.3gpp.sms`.

use std::fmt;

use crate::octets::{DecodeError, Reader};
use crate::tpdu::{Address, Carrier, Direction, Ton, Tpdu};

/// Octets of a TPDU in RP-DATA and in the reports (§8.2.5.3).
pub const TPDU_OCTETS_MAX: usize = 233;
const USER_DATA: u8 = 0x41;
const TYPE: u8 = 0b111;

/// One RP message. Its direction is known from where it came, or given where it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rp {
    /// RP-MR: chosen by the sender of RP-DATA or RP-SMMA, repeated by the answer.
    pub reference: u8,
    pub body: Body,
}

/// What an RP message says.
#[derive(Clone, PartialEq, Eq)]
pub enum Body {
    /// RP-DATA. The service centre is the destination from a mobile, the originator to one.
    Data { service_centre: Address, tpdu: Vec<u8> },
    /// RP-ACK, perhaps with a report.
    Ack { tpdu: Option<Vec<u8>> },
    /// RP-ERROR, perhaps with a report.
    Error { cause: Cause, diagnostic: Option<u8>, tpdu: Option<Vec<u8>> },
    /// RP-SMMA: there is memory again. Only from a mobile.
    MemoryAvailable,
}

/// RP-Cause (§8.2.5.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cause(pub u8);

impl Cause {
    pub const UNASSIGNED_NUMBER: Self = Self(1);
    pub const OPERATOR_DETERMINED_BARRING: Self = Self(8);
    pub const CALL_BARRED: Self = Self(10);
    pub const TRANSFER_REJECTED: Self = Self(21);
    pub const MEMORY_CAPACITY_EXCEEDED: Self = Self(22);
    pub const DESTINATION_OUT_OF_ORDER: Self = Self(27);
    pub const UNIDENTIFIED_SUBSCRIBER: Self = Self(28);
    pub const FACILITY_REJECTED: Self = Self(29);
    pub const UNKNOWN_SUBSCRIBER: Self = Self(30);
    pub const NETWORK_OUT_OF_ORDER: Self = Self(38);
    pub const TEMPORARY_FAILURE: Self = Self(41);
    pub const CONGESTION: Self = Self(42);
    pub const RESOURCES_UNAVAILABLE: Self = Self(47);
    pub const FACILITY_NOT_SUBSCRIBED: Self = Self(50);
    pub const FACILITY_NOT_IMPLEMENTED: Self = Self(69);
    pub const INVALID_REFERENCE: Self = Self(81);
    pub const SEMANTICALLY_INCORRECT: Self = Self(95);
    pub const INVALID_MANDATORY_INFORMATION: Self = Self(96);
    pub const MESSAGE_TYPE_NON_EXISTENT: Self = Self(97);
    pub const NOT_COMPATIBLE_WITH_STATE: Self = Self(98);
    pub const INFORMATION_ELEMENT_NON_EXISTENT: Self = Self(99);
    pub const PROTOCOL_ERROR: Self = Self(111);
    pub const INTERWORKING: Self = Self(127);

    const FROM_NETWORK: [u8; 15] = [1, 8, 10, 21, 27, 28, 29, 30, 38, 41, 42, 47, 50, 69, 127];
    const FROM_EITHER: [u8; 7] = [81, 95, 96, 97, 98, 99, 111];

    /// What a received cause counts as: itself when that side may send it, otherwise a temporary failure from
    /// the network and a protocol error from a mobile.
    pub fn as_received(self, direction: Direction) -> Self {
        let is_known = Self::FROM_EITHER.contains(&self.0)
            || match direction {
                Direction::ToMobile => Self::FROM_NETWORK.contains(&self.0),
                Direction::FromMobile => self == Self::MEMORY_CAPACITY_EXCEEDED,
            };
        if is_known { self } else { Self::unknown(direction) }
    }

    /// The cause that answers an RP-DATA whose TPDU cannot be read.
    pub fn of_tpdu(error: DecodeError) -> Self {
        match error {
            DecodeError::UnexpectedType { .. } => Self::MESSAGE_TYPE_NON_EXISTENT,
            DecodeError::Truncated { .. } => Self::INVALID_MANDATORY_INFORMATION,
            DecodeError::OutOfRange { .. } => Self::SEMANTICALLY_INCORRECT,
        }
    }

    const fn unknown(direction: Direction) -> Self {
        match direction {
            Direction::ToMobile => Self::TEMPORARY_FAILURE,
            Direction::FromMobile => Self::PROTOCOL_ERROR,
        }
    }
}

/// What to do about a body that is no RP message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Not even type and reference are there: the SIP request is answered 400.
    #[error("the body has no type and reference")]
    Unreadable,
    /// The SIP request is accepted, and this RP-ERROR answers the RP message.
    #[error("RP message {reference} is answered with cause {}", cause.0)]
    Refuse { reference: u8, cause: Cause },
}

/// Why an RP message cannot be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    #[error("a TPDU of {got} octets, {max} fit")]
    TpduTooLong { got: usize, max: usize },
    #[error("the service centre's address has no digits")]
    NoServiceCentre,
    #[error("only a mobile says that it has memory again")]
    WrongDirection,
}

impl Rp {
    /// Reads one message. Optional elements that are broken count as absent, and an RP-ERROR without cause as
    /// one of unknown cause: an answer that can be matched is never lost.
    pub fn decode(octets: &[u8], direction: Direction) -> Result<Self, Malformed> {
        let mut reader = Reader::new(octets);
        let Ok([kind, reference]) = reader.array() else {
            return Err(Malformed::Unreadable);
        };
        let body = match (kind & TYPE, direction) {
            (0, Direction::FromMobile) | (1, Direction::ToMobile) => data(&mut reader, direction)
                .ok_or(Malformed::Refuse { reference, cause: Cause::INVALID_MANDATORY_INFORMATION })?,
            (2, Direction::FromMobile) | (3, Direction::ToMobile) => Body::Ack { tpdu: report(&mut reader) },
            (4, Direction::FromMobile) | (5, Direction::ToMobile) => error(&mut reader, direction),
            (6, Direction::FromMobile) => Body::MemoryAvailable,
            _ => return Err(Malformed::Refuse { reference, cause: Cause::MESSAGE_TYPE_NON_EXISTENT }),
        };
        Ok(Self { reference, body })
    }

    /// The octets of the message in this direction.
    pub fn encode(&self, direction: Direction) -> Result<Vec<u8>, EncodeError> {
        let to_mobile = u8::from(direction == Direction::ToMobile);
        let mut out = Vec::with_capacity(TPDU_OCTETS_MAX);
        match &self.body {
            Body::Data { service_centre, tpdu } => {
                if service_centre.value().is_empty() || service_centre.ton() == Ton::Alphanumeric {
                    return Err(EncodeError::NoServiceCentre);
                }
                out.extend_from_slice(&[to_mobile, self.reference]);
                match direction {
                    Direction::FromMobile => {
                        out.push(0);
                        service_centre.encode_rp(&mut out);
                    }
                    Direction::ToMobile => {
                        service_centre.encode_rp(&mut out);
                        out.push(0);
                    }
                }
                push_tpdu(tpdu, &mut out)?;
            }
            Body::Ack { tpdu } => {
                out.extend_from_slice(&[2 | to_mobile, self.reference]);
                push_report(tpdu.as_deref(), &mut out)?;
            }
            Body::Error { cause, diagnostic, tpdu } => {
                out.extend_from_slice(&[4 | to_mobile, self.reference]);
                out.extend_from_slice(&[1 + u8::from(diagnostic.is_some()), cause.0 & 0x7F]);
                out.extend(diagnostic);
                push_report(tpdu.as_deref(), &mut out)?;
            }
            Body::MemoryAvailable if direction == Direction::ToMobile => {
                return Err(EncodeError::WrongDirection);
            }
            Body::MemoryAvailable => out.extend_from_slice(&[6, self.reference]),
        }
        Ok(out)
    }

    /// The TPDU inside, read for the direction this message travels; `None` when there is none.
    pub fn tpdu(&self, direction: Direction) -> Option<Result<Tpdu, DecodeError>> {
        let (octets, carrier) = match &self.body {
            Body::Data { tpdu, .. } => (tpdu, Carrier::Data),
            Body::Ack { tpdu } => (tpdu.as_ref()?, Carrier::Ack),
            Body::Error { tpdu, .. } => (tpdu.as_ref()?, Carrier::Error),
            Body::MemoryAvailable => return None,
        };
        Some(Tpdu::decode(octets, direction, carrier))
    }
}

fn data(reader: &mut Reader<'_>, direction: Direction) -> Option<Body> {
    let originator = Address::decode_rp(reader).ok()?;
    let destination = Address::decode_rp(reader).ok()?;
    let (service_centre, other) = match direction {
        Direction::FromMobile => (destination?, originator),
        Direction::ToMobile => (originator?, destination),
    };
    if other.is_some() {
        return None;
    }
    let length = usize::from(reader.octet().ok()?);
    if length == 0 || length > TPDU_OCTETS_MAX || service_centre.value().is_empty() {
        return None;
    }
    let tpdu = reader.take(length).ok()?.to_vec();
    Some(Body::Data { service_centre, tpdu })
}

fn error(reader: &mut Reader<'_>, direction: Direction) -> Body {
    let element = reader.octet().ok().and_then(|length| reader.take(usize::from(length)).ok());
    let (cause, diagnostic) = match element {
        Some([cause, rest @ ..]) => (Cause(cause & 0x7F), rest.first().copied()),
        _ => (Cause::unknown(direction), None),
    };
    Body::Error { cause, diagnostic, tpdu: report(reader) }
}

fn report(reader: &mut Reader<'_>) -> Option<Vec<u8>> {
    let [id, length] = reader.array().ok()?;
    if id != USER_DATA || usize::from(length) > TPDU_OCTETS_MAX {
        return None;
    }
    reader.take(usize::from(length)).ok().map(<[u8]>::to_vec)
}

fn push_report(tpdu: Option<&[u8]>, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    let Some(tpdu) = tpdu else { return Ok(()) };
    out.push(USER_DATA);
    push_tpdu(tpdu, out)
}

fn push_tpdu(tpdu: &[u8], out: &mut Vec<u8>) -> Result<(), EncodeError> {
    let too_long = EncodeError::TpduTooLong { got: tpdu.len(), max: TPDU_OCTETS_MAX };
    let length = u8::try_from(tpdu.len()).ok().filter(|&length| usize::from(length) <= TPDU_OCTETS_MAX);
    out.push(length.ok_or(too_long)?);
    out.extend_from_slice(tpdu);
    Ok(())
}

/// Sizes only: the TPDU is somebody's message.
impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let octets = |tpdu: &Option<Vec<u8>>| tpdu.as_ref().map(Vec::len);
        match self {
            Self::Data { service_centre, tpdu } => {
                write!(f, "Data({service_centre:?}, {} octets)", tpdu.len())
            }
            Self::Ack { tpdu } => write!(f, "Ack({:?} octets)", octets(tpdu)),
            Self::Error { cause, diagnostic, tpdu } => {
                write!(f, "Error({cause:?}, {diagnostic:?}, {:?} octets)", octets(tpdu))
            }
            Self::MemoryAvailable => f.write_str("MemoryAvailable"),
        }
    }
}
