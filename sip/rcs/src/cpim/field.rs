//! The headers we know, by namespace and name (RFC 3862 §4, RFC 5438 §6, and what RCS adds).

/// URIs of namespaces.
pub mod ns {
    /// The default (RFC 3862 §4.9).
    pub const CORE: &str = "urn:ietf:params:cpim-headers:";
    /// RFC 5438 §6.
    pub const IMDN: &str = "urn:ietf:params:imdn";
    /// OMA CPM: `Payload-Type`.
    pub const CPM: &str = "http://www.openmobilealliance.org/cpm/";
    /// GSMA MaaP: `Traffic-Type`.
    pub const MAAP: &str = "http://www.gsma.com/rcs/maap/";
    /// GSMA: references of reactions, replies, edits.
    pub const GSMA: &str = "http://www.gsma.com";
    /// GSMA: end-to-end encryption; seen with a slash at the end as well.
    pub const MLS: &str = "http://www.gsma.com/rcs/mls";
    /// The older variant of reactions.
    pub const REACTIONS: &str = "urn:rcs:message:reactions:";
    /// What linphone adds in groups.
    pub const LINPHONE: &str = "tag:linphone.org,2020:params:groupchat";
}

/// The namespace of a header, by its URI.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Namespace {
    Core,
    Imdn,
    Cpm,
    Maap,
    Gsma,
    Mls,
    Reactions,
    Linphone,
    /// Declared, but none of ours.
    Other,
    /// A prefix that nobody declared.
    Undeclared,
}

impl Namespace {
    const KNOWN: [(&'static str, Self); 8] = [
        (ns::IMDN, Self::Imdn),
        (ns::CPM, Self::Cpm),
        (ns::MAAP, Self::Maap),
        (ns::GSMA, Self::Gsma),
        (ns::MLS, Self::Mls),
        (ns::REACTIONS, Self::Reactions),
        (ns::LINPHONE, Self::Linphone),
        (ns::CORE, Self::Core),
    ];

    /// A slash or colon at the end makes no difference.
    pub(super) fn of(uri: &[u8]) -> Self {
        let bare = |uri: &[u8]| uri.len() - usize::from(uri.ends_with(b"/") || uri.ends_with(b":"));
        let wanted = &uri[..bare(uri)];
        let same = |known: &str| {
            known.as_bytes().strip_prefix(wanted).is_some_and(|rest| matches!(rest, b"" | b"/" | b":"))
        };
        let found = Self::KNOWN.iter().find(|(known, _)| same(known));
        found.map_or(Self::Other, |&(_, namespace)| namespace)
    }
}

/// A header that means something to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Field {
    From,
    To,
    Cc,
    DateTime,
    Subject,
    Ns,
    Require,
    MessageId,
    DispositionNotification,
    OriginalTo,
    RecordRoute,
    Route,
    PayloadType,
    TrafficType,
    ReferenceId,
    ReferenceType,
    EraId,
    EpochAuthenticator,
    OriginalMessageId,
    DerivedContentSignature,
    InReplyToMessageId,
    MessageReplyType,
    ReplyingToMessageId,
    ReplyingToSender,
    InReplyTo,
    /// Kept and relayed, never understood.
    Other,
}

type Names = &'static [(&'static str, Field)];

const CORE: Names = &[
    ("From", Field::From),
    ("To", Field::To),
    ("DateTime", Field::DateTime),
    ("NS", Field::Ns),
    ("Subject", Field::Subject),
    ("cc", Field::Cc),
    ("Require", Field::Require),
];

const IMDN: Names = &[
    ("Message-ID", Field::MessageId),
    ("Disposition-Notification", Field::DispositionNotification),
    ("Original-To", Field::OriginalTo),
    ("IMDN-Record-Route", Field::RecordRoute),
    ("IMDN-Route", Field::Route),
];

const MLS: Names = &[
    ("Era-ID", Field::EraId),
    ("Epoch-Authenticator", Field::EpochAuthenticator),
    ("Original-Message-ID", Field::OriginalMessageId),
    ("MLS-Derived-Content-Signature", Field::DerivedContentSignature),
];

const REACTIONS: Names =
    &[("In-Reply-To-Message-Id", Field::InReplyToMessageId), ("Message-Reply-Type", Field::MessageReplyType)];

const LINPHONE: Names = &[
    ("Replying-To-Message-ID", Field::ReplyingToMessageId),
    ("Replying-To-Sender", Field::ReplyingToSender),
    ("In-Reply-To", Field::InReplyTo),
];

impl Field {
    /// Names are compared without regard to case: peers spell `Era-Id` and `DateTime` as they like.
    pub(super) fn of(namespace: Namespace, name: &[u8]) -> Self {
        let names = match namespace {
            Namespace::Core => CORE,
            Namespace::Imdn => IMDN,
            Namespace::Cpm => &[("Payload-Type", Self::PayloadType)],
            Namespace::Maap => &[("Traffic-Type", Self::TrafficType)],
            Namespace::Gsma => {
                &[("Reference-ID", Self::ReferenceId), ("Reference-Type", Self::ReferenceType)]
            }
            Namespace::Mls => MLS,
            Namespace::Reactions => REACTIONS,
            Namespace::Linphone => LINPHONE,
            Namespace::Other | Namespace::Undeclared => &[],
        };
        let found = names.iter().find(|(known, _)| known.as_bytes().eq_ignore_ascii_case(name));
        found.map_or(Self::Other, |&(_, field)| field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn namespaces_are_known_with_and_without_their_last_mark() {
        for (uri, namespace) in Namespace::KNOWN {
            assert_eq!(Namespace::of(uri.as_bytes()), namespace);
        }
        assert_eq!(Namespace::of(b"http://www.gsma.com/rcs/mls/"), Namespace::Mls);
        assert_eq!(Namespace::of(b"http://www.gsma.com/"), Namespace::Gsma);
        assert_eq!(Namespace::of(b"http://www.gsma.com/rcs"), Namespace::Other);
        assert_eq!(Namespace::of(b""), Namespace::Other);
    }

    #[test]
    fn fields_are_known_in_their_namespace_only() {
        assert_eq!(Field::of(Namespace::Mls, b"Era-Id"), Field::EraId);
        assert_eq!(Field::of(Namespace::Core, b"Message-ID"), Field::Other);
        assert_eq!(Field::of(Namespace::Other, b"From"), Field::Other);
    }
}
