//! Messages about messages: reactions, replies, edits and recalls by CPIM headers (Universal Profile 2.7 and later,
//! and what was before it). The tokens of some are not settled, so reading is best effort: a message with a token
//! that nobody knows is a message like any other, with a reference.

use std::borrow::Cow;

use crate::cpim::{Cpim, Field, Writer, ns, unescape};
use crate::sink::Sink;

/// What a message does to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation<'a> {
    /// `imdn.Message-ID` of the other message.
    pub target: Cow<'a, str>,
    pub verb: Verb,
}

/// What is done. The content of the message is the emoji, the answer, the new text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verb {
    React,
    Unreact,
    Reply,
    Edit,
    Recall,
    /// A token that nobody knows: content with a reference.
    Other,
}

/// Tokens without their sign, in lower case.
const TOKENS: &[(&str, Verb)] = &[
    ("reaction", Verb::React),
    ("reply", Verb::Reply),
    ("quote", Verb::Reply),
    ("edit", Verb::Edit),
    ("replace", Verb::Edit),
    ("recall", Verb::Recall),
    ("delete", Verb::Recall),
    ("remove", Verb::Recall),
    ("retract", Verb::Recall),
    // The older variant.
    ("message-reaction-add", Verb::React),
    ("message-reaction-remove", Verb::Unreact),
];

impl Verb {
    /// Reads a token: a sign before it and case do not matter, but a reaction with a minus is taken back.
    #[must_use]
    pub fn read(token: &str) -> Self {
        let token = token.trim_ascii();
        let taken_back = token.starts_with('-');
        let bare = token.trim_start_matches(['+', '-']);
        let found = TOKENS.iter().find(|(known, _)| known.eq_ignore_ascii_case(bare));
        match found.map(|&(_, verb)| verb) {
            Some(Self::React) if taken_back => Self::Unreact,
            Some(verb) => verb,
            None => Self::Other,
        }
    }

    /// What we write. `None` for what has no name.
    #[must_use]
    pub const fn token(self) -> Option<&'static str> {
        match self {
            Self::React => Some("+Reaction"),
            Self::Unreact => Some("-Reaction"),
            Self::Reply => Some("+Reply"),
            Self::Edit => Some("+Edit"),
            Self::Recall => Some("+Recall"),
            Self::Other => None,
        }
    }
}

impl<'a> Operation<'a> {
    /// What a message does to another; `None` for a message that speaks of no other.
    #[must_use]
    pub fn of(message: &'a Cpim) -> Option<Self> {
        let header = |field| message.text(field).filter(|value| !value.is_empty());
        let gsma = header(Field::ReferenceId)
            .map(|target| (target, header(Field::ReferenceType).map_or(Verb::Other, Verb::read)));
        let older = || {
            let target = header(Field::InReplyToMessageId)?;
            Some((target, header(Field::MessageReplyType).map_or(Verb::Reply, Verb::read)))
        };
        let linphone = || header(Field::ReplyingToMessageId).map(|target| (target, Verb::Reply));
        let (target, verb) = gsma.or_else(older).or_else(linphone)?;
        Some(Self { target: unescape(target), verb })
    }
}

impl<S: Sink> Writer<'_, S> {
    /// Declares the namespace of references and refers to another message. A verb without a name is only a reference.
    #[must_use]
    pub fn operation(self, operation: &Operation<'_>) -> Self {
        let head = self.namespace("gsma", ns::GSMA).header("gsma.Reference-ID", &operation.target);
        match operation.verb.token() {
            Some(token) => head.header("gsma.Reference-Type", token),
            None => head,
        }
    }
}
