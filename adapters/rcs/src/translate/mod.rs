//! Between bodies and headers of RCS and the gateway's words. Values in, values out.

mod carried;
mod content;
mod letter;
mod name;
mod number;
mod report;
pub mod short;
mod submission;
mod words;

pub use self::{
    carried::{Back, Carried, Id, wanted},
    content::{Reading, Unread, read_content},
    letter::{Form, Letter, is_data, letter, words_of},
    name::{MessageName, Namer},
    number::{Ends, Line, Spelling, number_of, uri_of},
    report::{receipt_of, say},
    submission::{Envelope, Room, submission_key, submission_of_cpim, submission_of_text},
    words::{map_link, normal},
};
pub(crate) use self::{
    number::write_uri,
    submission::{charging_id, onward},
};
