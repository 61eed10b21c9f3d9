//! What a device can do, as the gateway keeps it: one bit each.

use std::ops::{BitAnd, BitOr, BitOrAssign};

use super::set::Features;
use super::{iari, icsi, tag};

/// A set of capabilities. The bits are stable: they may be stored.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Capabilities(u32);

/// Where a capability shows. The first of a row is what we say ourselves.
#[derive(Clone, Copy)]
enum Sign {
    Service(&'static str),
    Application(&'static str),
    Tag(&'static str),
    Value(&'static str, &'static str),
}

struct Row {
    capability: Capabilities,
    name: &'static str,
    signs: &'static [Sign],
}

const fn row(capability: Capabilities, name: &'static str, signs: &'static [Sign]) -> Row {
    Row { capability, name, signs }
}

use Sign::{Application, Service, Tag, Value};

const ROWS: &[Row] = &[
    row(Capabilities::STANDALONE_PAGER, "standalone_pager", &[Service(icsi::MSG), Tag(tag::PAGER_LARGE)]),
    row(
        Capabilities::STANDALONE_LARGE,
        "standalone_large",
        &[Service(icsi::LARGE_MSG), Tag(tag::PAGER_LARGE)],
    ),
    row(Capabilities::CHAT_CPM, "chat_cpm", &[Service(icsi::SESSION)]),
    row(Capabilities::CHAT_SIMPLE, "chat_simple", &[Tag(tag::SIP_IM), Application(iari::IM)]),
    row(Capabilities::GROUP_STORED, "group_sf", &[Application(iari::GROUP_STORED)]),
    row(
        Capabilities::FILE_MSRP,
        "ft_msrp",
        &[Application(iari::FILE_TRANSFER), Service(icsi::FILE_TRANSFER)],
    ),
    row(Capabilities::FILE_HTTP, "ft_http", &[Application(iari::FILE_TRANSFER_HTTP)]),
    row(Capabilities::FILE_THUMBNAIL, "ft_thumb", &[Application(iari::FILE_TRANSFER_THUMBNAIL)]),
    row(Capabilities::FILE_SMS_LINK, "ft_sms_link", &[Application(iari::FILE_TRANSFER_SMS)]),
    row(Capabilities::GEO_PUSH, "geo_push", &[Application(iari::GEO_PUSH)]),
    row(Capabilities::GEO_SMS, "geo_sms", &[Application(iari::GEO_SMS)]),
    row(Capabilities::CHATBOT_SESSION, "chatbot_session", &[Application(iari::CHATBOT)]),
    row(Capabilities::CHATBOT_STANDALONE, "chatbot_sa", &[Application(iari::CHATBOT_STANDALONE)]),
    row(Capabilities::IS_BOT, "is_bot", &[Tag(tag::IS_BOT)]),
    row(Capabilities::SMS_OVER_IP, "sms_over_ip", &[Tag(tag::SMS_OVER_IP)]),
    row(Capabilities::REVOCATION, "revoke", &[Tag(tag::REVOCATION)]),
    row(Capabilities::FALLBACK, "fallback", &[Tag(tag::FALLBACK)]),
    row(Capabilities::CPIM_EXTENSIONS, "cpimext", &[Tag(tag::CPIM_EXTENSIONS)]),
    row(Capabilities::MLS, "mls", &[Value(tag::MLS_VERSION, "v1")]),
];

impl Capabilities {
    pub const NONE: Self = Self(0);
    pub const STANDALONE_PAGER: Self = Self(1);
    pub const STANDALONE_LARGE: Self = Self(1 << 1);
    pub const CHAT_CPM: Self = Self(1 << 2);
    pub const CHAT_SIMPLE: Self = Self(1 << 3);
    pub const GROUP_STORED: Self = Self(1 << 4);
    pub const FILE_MSRP: Self = Self(1 << 5);
    pub const FILE_HTTP: Self = Self(1 << 6);
    pub const FILE_THUMBNAIL: Self = Self(1 << 7);
    pub const FILE_SMS_LINK: Self = Self(1 << 8);
    pub const GEO_PUSH: Self = Self(1 << 9);
    pub const GEO_SMS: Self = Self(1 << 10);
    pub const CHATBOT_SESSION: Self = Self(1 << 11);
    pub const CHATBOT_STANDALONE: Self = Self(1 << 12);
    pub const IS_BOT: Self = Self(1 << 13);
    pub const SMS_OVER_IP: Self = Self(1 << 14);
    pub const REVOCATION: Self = Self(1 << 15);
    pub const FALLBACK: Self = Self(1 << 16);
    pub const CPIM_EXTENSIONS: Self = Self(1 << 17);
    pub const MLS: Self = Self(1 << 18);

    /// Whatever makes a device an RCS device; SMS over IP alone does not.
    pub const RCS: Self = Self(Self::ALL.0 & !Self::SMS_OVER_IP.0);
    const ALL: Self = Self((1 << 19) - 1);

    /// The version of the chatbot protocol that we speak.
    const BOT_VERSION: &'static str = "#=1";

    #[must_use]
    pub fn of(features: &Features) -> Self {
        let shows = |sign: &Sign| match *sign {
            Service(name) => features.has_service(name),
            Application(name) => features.has_application(name),
            Tag(name) | Value(name, _) => features.has_tag(name),
        };
        let mut found = Self::NONE;
        for row in ROWS.iter().filter(|row| row.signs.iter().any(shows)) {
            found |= row.capability;
        }
        // A machine that offers the service of a bot is one, even if it does not say so.
        if features.has_tag(tag::AUTOMATA) && found.any_of(Self::CHATBOT_SESSION | Self::CHATBOT_STANDALONE) {
            found |= Self::IS_BOT;
        }
        found
    }

    /// The tags that say so.
    #[must_use]
    pub fn features(self) -> Features {
        let mut features = Features::default();
        for row in ROWS.iter().filter(|row| self.contains(row.capability)) {
            match row.signs.first() {
                Some(Service(name)) => features.add_service(name),
                Some(Application(name)) => features.add_application(name),
                Some(Tag(name)) => features.add_tag(name, ""),
                Some(Value(name, value)) => features.add_tag(name, value),
                None => {}
            }
        }
        if self.any_of(Self::CHATBOT_SESSION | Self::CHATBOT_STANDALONE) {
            features.add_tag(tag::BOT_VERSION, Self::BOT_VERSION);
        }
        features
    }

    /// Whether all of `other` is there.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether anything of `other` is there.
    #[must_use]
    pub const fn any_of(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Bits that nobody knows are dropped.
    #[must_use]
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits & Self::ALL.0)
    }

    /// Names in the order of the bits: a closed list, fit for labels.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        ROWS.iter().filter(move |row| self.contains(row.capability)).map(|row| row.name)
    }
}

impl BitOr for Capabilities {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Capabilities {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

impl BitAnd for Capabilities {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl std::fmt::Debug for Capabilities {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}
