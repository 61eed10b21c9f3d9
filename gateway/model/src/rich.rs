//! Content that is more than text: files, places, cards, and what refers to an earlier message.

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::Timestamp;

/// More than text. The adapter that read it also says it in words, so that a network that only reads text
/// loses the form and not the meaning.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Rich {
    /// What a network that only reads text is given: complete, with links where something is fetched.
    pub text: Box<str>,
    pub body: Body,
    /// The earlier message it speaks of.
    pub about: Option<About>,
}

/// What is said beside, or instead of, the text.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Body {
    /// The text is all of it; there is something to refer to.
    Text,
    File(Box<File>),
    Place(Place),
    /// A vCard, octet for octet.
    Card(Bytes),
    /// Carried octet for octet between networks that know the media type, and never looked into.
    Opaque {
        media_type: SmolStr,
        octets: Bytes,
    },
}

/// A file that lies on a content server.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct File {
    pub name: Box<str>,
    pub media_type: SmolStr,
    pub octets: u64,
    /// Absolute, https.
    pub url: Box<str>,
    /// The server keeps it at least until then.
    pub until: Option<Timestamp>,
    pub thumbnail: Option<Thumbnail>,
    /// Shown or played in place rather than offered (a voice message).
    pub inline: bool,
    /// Length of audio or video.
    pub playing_secs: Option<u32>,
}

/// A small picture of a file.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Thumbnail {
    pub media_type: SmolStr,
    pub octets: u64,
    pub url: Box<str>,
    pub until: Option<Timestamp>,
}

/// A point on the map (WGS 84).
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Place {
    /// Millionths of a degree, north positive.
    pub latitude_udeg: i32,
    /// Millionths of a degree, east positive.
    pub longitude_udeg: i32,
    pub radius_m: Option<u32>,
    pub label: Option<Box<str>>,
}

/// The message that this one speaks of.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct About {
    /// The id that the sender's network knows it by.
    pub reference: SmolStr,
    pub relation: Relation,
}

/// How a message relates to the one it speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Relation {
    Reply,
    /// The text is the reaction, usually one emoji.
    Reaction,
    ReactionWithdrawn,
    /// The text replaces the earlier one.
    Edit,
    /// The earlier one is to disappear.
    Recall,
}

impl Rich {
    /// Octets held, for limits and memory accounting.
    #[must_use]
    pub fn octets(&self) -> usize {
        let body = match &self.body {
            Body::Text | Body::Place(_) => 0,
            Body::File(file) => {
                file.name.len() + file.url.len() + file.thumbnail.as_ref().map_or(0, |t| t.url.len())
            }
            Body::Card(octets) | Body::Opaque { octets, .. } => octets.len(),
        };
        self.text.len() + body
    }
}

impl fmt::Debug for Rich {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body = match &self.body {
            Body::Text => "text",
            Body::File(_) => "file",
            Body::Place(_) => "place",
            Body::Card(_) => "card",
            Body::Opaque { .. } => "opaque",
        };
        let relation = self.about.as_ref().map(|about| about.relation);
        write!(f, "Rich({body}, {} octets, about {relation:?})", self.octets())
    }
}
