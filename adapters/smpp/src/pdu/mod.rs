//! PDU bodies: decoded as views of the receive buffer, encoded straight into a send buffer
//! (SMPP 3.4 §4, SMPP 5.0 §4.1–4.6).
//!
//! A body is read only inside the octets its `command_length` gave it. A body that cannot be read
//! says which `command_status` the response should carry; the link goes on.

#[macro_use]
mod layout;

mod address;
mod alert;
mod answer;
mod any;
mod bind;
mod broadcast;
mod check;
mod cursor;
mod data;
mod deliver;
mod flags;
mod list;
mod manage;
mod multi;
mod out;
mod submit;
mod user_data;

pub use address::{Address, npi, ton};
pub use alert::AlertNotification;
pub use answer::{answer, answer_with, answer_with_id, encode_empty};
pub use any::Pdu;
pub use bind::{Bind, BindKind, BindResp, Outbind};
pub use broadcast::{
    BroadcastSm, BroadcastSmResp, CancelBroadcastSm, QueryBroadcastSm, QueryBroadcastSmResp,
};
pub use cursor::{DecodeError, Problem};
pub use data::{DataSm, DataSmResp};
pub use deliver::{DeliverSm, DeliverSmResp};
pub use flags::{EsmClass, Mode, RegisteredDelivery};
pub use list::Listed;
pub use manage::{CancelSm, QuerySm, QuerySmResp, ReplaceSm};
pub use multi::{Destination, SubmitMulti, SubmitMultiResp, Unsuccessful};
pub use out::{EncodeError, Out};
pub use submit::{SubmitSm, SubmitSmResp};
pub use user_data::{BothTexts, UserData};
