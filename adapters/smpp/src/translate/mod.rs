//! Between PDUs and the gateway's words. Pure, and on the path of every message.

mod carried;
mod inbound;
mod link;
mod outbound;

pub use carried::Carried;
pub(crate) use inbound::written_number;
pub use inbound::{
    From, receipt, replacement, submission_of_data, submission_of_deliver, submission_of_multi,
    submission_of_submit,
};
pub use link::{Concatenation, DefaultAlphabet, LinkText, is_text, text_of};
pub(crate) use outbound::message_state;
pub use outbound::{
    Parts, deliver_message, deliver_report, outcome_refusal, status_of_answer, status_of_cause, submit_parts,
};
