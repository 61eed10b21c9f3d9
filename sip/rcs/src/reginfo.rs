//! Who is registered (RFC 3680 with RFC 5628): what the registrar of an IMS tells an application server, and the
//! service information of a third-party REGISTER (3GPP TS 24.229).

use smallvec::SmallVec;
use smol_str::SmolStr;

use crate::features::Features;
use crate::private::Private;
use crate::xml::{Element, Limits, Reader, Unreadable};

pub const NS: &str = "urn:ietf:params:xml:ns:reginfo";
pub const GRUU_NS: &str = "urn:ietf:params:xml:ns:gruuinfo";

/// Addresses of record of one document.
pub const REGISTRATIONS_MAX: usize = 64;
/// Contacts of one of them.
pub const CONTACTS_MAX: usize = 64;
/// Parameters of one contact.
pub const PARAMETERS_MAX: usize = 64;

/// One notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegInfo {
    pub version: u32,
    /// Everything, not only what changed.
    pub full: bool,
    pub registrations: Vec<Registration>,
}

/// One address of record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    pub aor: Private<String>,
    pub id: SmolStr,
    pub state: RegistrationState,
    pub contacts: Vec<Contact>,
}

/// RFC 3680 §4.7.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RegistrationState {
    Init,
    Active,
    Terminated,
}

/// One device of an address of record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    pub id: SmolStr,
    pub active: bool,
    /// Why it is as it is; `None` for an event that nobody knows.
    pub event: Option<Event>,
    /// Seconds until it is over.
    pub expires_s: Option<u32>,
    pub uri: Private<String>,
    pub display: Option<Private<String>>,
    pub public_gruu: Option<Private<String>>,
    pub temporary_gruu: Option<Private<String>>,
    parameters: SmallVec<[(SmolStr, Private<String>); 4]>,
}

/// RFC 3680 §5.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Event {
    Registered,
    Created,
    Refreshed,
    Shortened,
    Expired,
    Deactivated,
    Probation,
    Unregistered,
    Rejected,
}

const EVENTS: &[(&str, Event)] = &[
    ("registered", Event::Registered),
    ("created", Event::Created),
    ("refreshed", Event::Refreshed),
    ("shortened", Event::Shortened),
    ("expired", Event::Expired),
    ("deactivated", Event::Deactivated),
    ("probation", Event::Probation),
    ("unregistered", Event::Unregistered),
    ("rejected", Event::Rejected),
];

impl Contact {
    /// A parameter of the Contact as it was registered, quotation marks and all.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// What the device said it can do.
    #[must_use]
    pub fn features(&self) -> Features {
        Features::read(self.parameters.iter().map(|(name, value)| (name.as_str(), Some(value.as_str()))))
    }
}

/// Reads a `reginfo` document.
pub fn read(document: &[u8]) -> Result<RegInfo, Unreadable> {
    let mut xml = Reader::new(document, Limits::DOCUMENT)?;
    let root = xml.root()?;
    if !root.is(NS, "reginfo") {
        return Err(Unreadable::Root("reginfo"));
    }
    let version = xml.attribute("version").unwrap_or_default();
    let version = version.trim_ascii().parse().map_err(|_| Unreadable::Value("version"))?;
    let full = xml.attribute("state").as_deref() != Some("partial");
    let mut registrations = Vec::new();
    while let Some(element) = xml.child(&root)? {
        if element.is(NS, "registration") {
            if registrations.len() == REGISTRATIONS_MAX {
                return Err(Unreadable::TooMany { what: "registrations", max: REGISTRATIONS_MAX });
            }
            registrations.push(registration(&mut xml, &element)?);
        }
    }
    xml.end()?;
    Ok(RegInfo { version, full, registrations })
}

fn registration(xml: &mut Reader<'_>, element: &Element<'_>) -> Result<Registration, Unreadable> {
    let aor = xml.attribute("aor").filter(|aor| !aor.is_empty()).ok_or(Unreadable::Missing("aor"))?;
    let state = match xml.attribute("state").as_deref() {
        Some("active") => RegistrationState::Active,
        Some("terminated") => RegistrationState::Terminated,
        Some("init") => RegistrationState::Init,
        _ => return Err(Unreadable::Value("state")),
    };
    let id = SmolStr::new(xml.attribute("id").unwrap_or_default());
    let mut contacts = Vec::new();
    while let Some(child) = xml.child(element)? {
        if child.is(NS, "contact") {
            if contacts.len() == CONTACTS_MAX {
                return Err(Unreadable::TooMany { what: "contacts", max: CONTACTS_MAX });
            }
            contacts.push(contact(xml, &child)?);
        }
    }
    Ok(Registration { aor: Private(aor.into_owned()), id, state, contacts })
}

fn contact(xml: &mut Reader<'_>, element: &Element<'_>) -> Result<Contact, Unreadable> {
    let event = xml.attribute("event");
    let mut contact = Contact {
        id: SmolStr::new(xml.attribute("id").unwrap_or_default()),
        active: xml.attribute("state").as_deref() == Some("active"),
        event: EVENTS.iter().find(|(name, _)| Some(*name) == event.as_deref()).map(|&(_, event)| event),
        expires_s: xml.attribute("expires").and_then(|expires| expires.trim_ascii().parse().ok()),
        uri: Private::default(),
        display: None,
        public_gruu: None,
        temporary_gruu: None,
        parameters: SmallVec::new(),
    };
    while let Some(child) = xml.child(element)? {
        match child.name {
            "uri" => contact.uri = Private(xml.text(&child)?.into_owned()),
            "display-name" => contact.display = Some(Private(xml.text(&child)?.into_owned())),
            // Both an attribute and a text are seen.
            "pub-gruu" => contact.public_gruu = gruu(xml, &child)?,
            "temp-gruu" => contact.temporary_gruu = gruu(xml, &child)?,
            "unknown-param" => {
                let name = SmolStr::new(xml.attribute("name").unwrap_or_default());
                let value = Private(xml.text(&child)?.into_owned());
                if contact.parameters.len() == PARAMETERS_MAX {
                    return Err(Unreadable::TooMany { what: "parameters", max: PARAMETERS_MAX });
                }
                contact.parameters.push((name, value));
            }
            _ => {}
        }
    }
    if contact.uri.is_empty() {
        return Err(Unreadable::Missing("uri"));
    }
    Ok(contact)
}

fn gruu(xml: &mut Reader<'_>, element: &Element<'_>) -> Result<Option<Private<String>>, Unreadable> {
    let uri = match xml.attribute("uri") {
        Some(uri) => uri,
        None => xml.text(element)?,
    };
    Ok((!uri.is_empty()).then(|| Private(uri.into_owned())))
}

/// Reads the `service-info` of an `application/3gpp-ims+xml`: free text of the operator, empty when there is none.
pub fn read_service_info(document: &[u8]) -> Result<String, Unreadable> {
    let mut xml = Reader::new(document, Limits::MESSAGE)?;
    let root = xml.root()?;
    if root.name != "ims-3gpp" {
        return Err(Unreadable::Root("ims-3gpp"));
    }
    let mut info = String::new();
    while let Some(child) = xml.child(&root)? {
        if child.name == "service-info" {
            info = xml.text(&child)?.into_owned();
        }
    }
    xml.end()?;
    Ok(info)
}
