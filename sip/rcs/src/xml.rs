//! The bounded XML reader that every payload is read with, and the octets that every payload is written with.
//!
//! The reader walks the elements without building a tree. It knows namespaces by their URI, never by prefix. Size
//! is checked before anything is parsed; a document type, an entity other than the five predefined ones, too
//! deep or too many elements end the reading. What a caller does not ask for is skipped, so unknown elements and
//! any order are fine.

mod read;
mod write;

pub use read::{Element, Limits, Reader};
pub use write::{attribute, element, named_attribute, text};

/// What every document begins with.
pub const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n";

/// Why a document is not read. Positions and names would be text of the sender, so there are none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum XmlError {
    #[error("{octets} octets, allowed up to {max}")]
    TooLarge { octets: usize, max: usize },
    #[error("not UTF-8, or a control character")]
    NotText,
    #[error("a document type declaration")]
    DocumentType,
    #[error("an entity that is not predefined")]
    Entity,
    #[error("not well-formed")]
    Malformed,
    #[error("an attribute twice")]
    AttributeTwice,
    #[error("deeper than {max} elements")]
    TooDeep { max: u16 },
    #[error("more than {max} elements")]
    TooManyElements { max: u32 },
    #[error("more than {max} attributes or namespaces")]
    TooManyAttributes { max: u16 },
    #[error("a value longer than {max} octets")]
    ValueTooLong { max: usize },
}

/// Why a payload has no meaning for us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unreadable {
    #[error("{0}")]
    Xml(#[from] XmlError),
    #[error("the root element is not {0}")]
    Root(&'static str),
    #[error("no {0}")]
    Missing(&'static str),
    #[error("{0} has no such value")]
    Value(&'static str),
    #[error("more than {max} of {what}")]
    TooMany { what: &'static str, max: usize },
}
