//! The set of one device, from parameters and back.

use smallvec::SmallVec;
use smol_str::SmolStr;

use super::{tag, urn};
use crate::percent;
use crate::sink::Sink;

/// Services, applications and single tags that are kept, each. What is over it is not seen.
pub const FEATURES_MAX: usize = 64;
/// Octets of a name or a value that is kept.
pub const FEATURE_OCTETS_MAX: usize = 256;

/// Feature tags without their spelling: order, repetition and percent-encoding make no difference.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Features {
    services: SmallVec<[SmolStr; 4]>,
    applications: SmallVec<[SmolStr; 6]>,
    tags: SmallVec<[Tag; 4]>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Tag {
    name: SmolStr,
    /// Without quotation marks; empty for a tag that just stands there.
    value: SmolStr,
}

impl Tag {
    fn add(&mut self, value: &str) {
        let known = self.value.split(',').any(|known| known.trim_ascii() == value);
        if value.is_empty() || known || self.value.len() + value.len() >= FEATURE_OCTETS_MAX {
            return;
        }
        let comma = if self.value.is_empty() { "" } else { "," };
        self.value = smol_str::format_smolstr!("{}{comma}{value}", self.value);
    }
}

/// Parameters that begin with a plus and are no feature: they name the device or its flow.
const NOT_FEATURES: &[&str] = &["+sip.instance"];

/// Base tags (RFC 3840 §9) and `isfocus` (RFC 4579), which begin without a plus.
const BASE_TAGS: &[&str] = &[
    "audio",
    "automata",
    "class",
    "duplex",
    "data",
    "control",
    "mobility",
    "description",
    "events",
    "priority",
    "methods",
    "extensions",
    "schemes",
    "application",
    "video",
    "language",
    "type",
    "isfocus",
    "actor",
    "text",
];

impl Features {
    /// Reads parameters of a Contact or an Accept-Contact. Those that are no feature tags are passed over; values
    /// may have their quotation marks still. The same tag twice is the union of both.
    pub fn read<'a>(parameters: impl IntoIterator<Item = (&'a str, Option<&'a str>)>) -> Self {
        let mut features = Self::default();
        for (name, value) in parameters {
            features.add_parameter(name, value.unwrap_or_default());
        }
        features
    }

    fn add_parameter(&mut self, name: &str, value: &str) {
        let value = value.trim_ascii();
        let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
        let same = |known: &str| name.eq_ignore_ascii_case(known);
        if same(tag::ICSI) || same(tag::IARI) || same(tag::APP_REF) {
            for urn in value.split(',') {
                self.add_urn(urn.trim_ascii(), !same(tag::ICSI));
            }
        } else if (name.starts_with('+') && !NOT_FEATURES.iter().any(|other| same(other)))
            || BASE_TAGS.iter().any(|base| same(base))
        {
            self.add_tag(name, value);
        }
    }

    /// A URN goes where its prefix says, whatever tag it came in; one with another prefix is kept whole.
    fn add_urn(&mut self, urn: &str, application: bool) {
        if let Some(name) = urn::name_of(urn::ICSI, urn) {
            add(&mut self.services, &name);
        } else if let Some(name) = urn::name_of(urn::IARI, urn) {
            add(&mut self.applications, &name);
        } else if application {
            add(&mut self.applications, &percent::decoded(urn));
        } else {
            add(&mut self.services, &percent::decoded(urn));
        }
    }

    /// Adds a service by its short name.
    pub fn add_service(&mut self, name: &str) {
        add(&mut self.services, name);
    }

    /// Adds an application by its short name.
    pub fn add_application(&mut self, name: &str) {
        add(&mut self.applications, name);
    }

    /// Adds a tag, or values to a tag; `FALSE` is the same as its absence (RFC 3840 §9).
    pub fn add_tag(&mut self, name: &str, value: &str) {
        let value = if value.eq_ignore_ascii_case("true") { "" } else { value };
        if name.is_empty() || value.eq_ignore_ascii_case("false") {
            return;
        }
        if name.len() + value.len() > FEATURE_OCTETS_MAX {
            return;
        }
        let room = self.tags.len() < FEATURES_MAX;
        match self.tags.iter_mut().find(|tag| tag.name.eq_ignore_ascii_case(name)) {
            Some(tag) => value.split(',').for_each(|value| tag.add(value.trim_ascii())),
            None if room => self.tags.push(Tag { name: name.into(), value: value.into() }),
            None => {}
        }
    }

    /// Everything of both.
    pub fn merge(&mut self, other: &Self) {
        other.services.iter().for_each(|name| add(&mut self.services, name));
        other.applications.iter().for_each(|name| add(&mut self.applications, name));
        other.tags.iter().for_each(|tag| self.add_tag(&tag.name, &tag.value));
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.services.is_empty() && self.applications.is_empty() && self.tags.is_empty()
    }

    /// By the name after `urn:urn-7:3gpp-service.ims.icsi.`.
    #[must_use]
    pub fn has_service(&self, name: &str) -> bool {
        self.services.iter().any(|known| known == name)
    }

    /// By the name after `urn:urn-7:3gpp-application.ims.iari.`.
    #[must_use]
    pub fn has_application(&self, name: &str) -> bool {
        self.applications.iter().any(|known| known == name)
    }

    #[must_use]
    pub fn has_tag(&self, name: &str) -> bool {
        self.tag(name).is_some()
    }

    /// The value of a tag, empty when it just stands there.
    #[must_use]
    pub fn tag(&self, name: &str) -> Option<&str> {
        self.tags.iter().find(|tag| tag.name.eq_ignore_ascii_case(name)).map(|tag| tag.value.as_str())
    }

    /// Whether a chatbot version is spoken (`+g.gsma.rcs.botversion="#=1,#=2"`).
    #[must_use]
    pub fn has_bot_version(&self, version: u32) -> bool {
        let mut spoken = self.tag(tag::BOT_VERSION).unwrap_or_default().split(',');
        spoken
            .any(|one| one.trim_ascii().strip_prefix("#=").and_then(|one| one.parse().ok()) == Some(version))
    }

    /// Writes parameters, each with its semicolon before it: services and applications in one parameter each, colons
    /// percent-encoded.
    pub fn write(&self, out: &mut impl Sink) {
        write_urns(out, tag::ICSI, urn::ICSI, &self.services);
        write_urns(out, tag::IARI, urn::IARI, &self.applications);
        for tag in &self.tags {
            out.put(b";");
            put_safe(out, &tag.name);
            if !tag.value.is_empty() {
                out.put(b"=\"");
                put_safe(out, &tag.value);
                out.put(b"\"");
            }
        }
    }

    /// Whether a device with this set may get a request that wants another (RFC 3841 §7.2.4).
    #[must_use]
    pub fn admits(&self, wanted: &Wanted) -> bool {
        if !wanted.require {
            return true;
        }
        // A device that says nothing about a tag does not contradict it, unless it had to say it.
        let list = |mine: &[SmolStr], theirs: &[SmolStr]| {
            theirs.iter().all(|name| mine.contains(name)) || (mine.is_empty() && !wanted.explicit)
        };
        let tag = |theirs: &Tag| match self.tag(&theirs.name) {
            Some(mine) => {
                theirs.value.is_empty()
                    || theirs.value.split(',').any(|value| mine.split(',').any(|mine| same(mine, value)))
            }
            None => !wanted.explicit,
        };
        list(&self.services, &wanted.features.services)
            && list(&self.applications, &wanted.features.applications)
            && wanted.features.tags.iter().all(tag)
    }
}

fn same(mine: &str, theirs: &str) -> bool {
    mine.trim_ascii().eq_ignore_ascii_case(theirs.trim_ascii())
}

fn add<const N: usize>(names: &mut SmallVec<[SmolStr; N]>, name: &str) {
    let legal = !name.is_empty() && name.len() <= FEATURE_OCTETS_MAX;
    if legal && names.len() < FEATURES_MAX && !names.iter().any(|known| known == name) {
        names.push(SmolStr::new(name));
    }
}

fn write_urns(out: &mut impl Sink, tag: &str, prefix: &str, names: &[SmolStr]) {
    for (at, name) in names.iter().enumerate() {
        if at == 0 {
            out.put(b";");
            out.put(tag.as_bytes());
            out.put(b"=\"");
        } else {
            out.put(b",");
        }
        // A name with a scheme of its own is whole.
        if !name.contains(':') {
            put_escaped(out, prefix);
        }
        put_escaped(out, name);
    }
    if !names.is_empty() {
        out.put(b"\"");
    }
}

fn put_escaped(out: &mut impl Sink, urn: &str) {
    let mut pieces = urn.split(':');
    put_safe(out, pieces.next().unwrap_or_default());
    for piece in pieces {
        out.put(b"%3A");
        put_safe(out, piece);
    }
}

/// A value came from a device and goes into a header: what would end it is left out.
fn put_safe(out: &mut impl Sink, value: &str) {
    for piece in value.split(|letter: char| letter.is_control() || matches!(letter, '"' | '\\')) {
        out.put(piece.as_bytes());
    }
}

/// One Accept-Contact (RFC 3841 §9.2).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    pub features: Features,
    /// Only devices that match may be used.
    pub require: bool,
    /// Only devices that said so match.
    pub explicit: bool,
}

impl Wanted {
    /// Reads the parameters of one Accept-Contact.
    pub fn read<'a>(parameters: impl IntoIterator<Item = (&'a str, Option<&'a str>)>) -> Self {
        let mut wanted = Self::default();
        for (name, value) in parameters {
            if name.eq_ignore_ascii_case("require") {
                wanted.require = true;
            } else if name.eq_ignore_ascii_case("explicit") {
                wanted.explicit = true;
            } else {
                wanted.features.add_parameter(name, value.unwrap_or_default());
            }
        }
        wanted
    }

    /// Writes the value of an Accept-Contact: `*;+g.3gpp.icsi-ref="…";require;explicit`.
    pub fn write(&self, out: &mut impl Sink) {
        out.put(b"*");
        self.features.write(out);
        if self.require {
            out.put(b";require");
        }
        if self.explicit {
            out.put(b";explicit");
        }
    }
}
