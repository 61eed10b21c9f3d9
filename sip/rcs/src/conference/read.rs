//! Reading a notification.

use std::borrow::Cow;

use super::{ConferenceInfo, ENDPOINTS_MAX, Endpoint, Extent, NS, Named, USERS_MAX, User};
use crate::private::Private;
use crate::xml::{Element, Limits, Reader, Unreadable};

/// Roles of one user that are kept.
const ROLES_MAX: usize = 16;

/// Reads a `conference-info` document; what we have no use for is passed over.
pub fn read(document: &[u8]) -> Result<ConferenceInfo, Unreadable> {
    let mut xml = Reader::new(document, Limits::DOCUMENT)?;
    let root = xml.root()?;
    if !root.is(NS, "conference-info") {
        return Err(Unreadable::Root("conference-info"));
    }
    let mut info = ConferenceInfo {
        entity: private(xml.attribute("entity")),
        extent: extent(&xml)?,
        ..ConferenceInfo::default()
    };
    let version = xml.attribute("version");
    if let Some(version) = version {
        info.version = version.trim_ascii().parse().map_err(|_| Unreadable::Value("version"))?;
    }
    while let Some(child) = xml.child(&root)? {
        match child.name {
            "conference-description" => {
                while let Some(child) = xml.child(&child)? {
                    match child.name {
                        "subject" => info.subject = Some(private(Some(xml.text(&child)?))),
                        "maximum-user-count" => info.maximum_users = xml.text(&child)?.parse().ok(),
                        _ => {}
                    }
                }
            }
            "conference-state" => {
                while let Some(child) = xml.child(&child)? {
                    match child.name {
                        "user-count" => info.user_count = xml.text(&child)?.parse().ok(),
                        "active" => info.active = boolean(&xml.text(&child)?),
                        _ => {}
                    }
                }
            }
            "users" => {
                while let Some(child) = xml.child(&child)? {
                    if child.is(NS, "user") {
                        if info.users.len() == USERS_MAX {
                            return Err(Unreadable::TooMany { what: "users", max: USERS_MAX });
                        }
                        info.users.push(user(&mut xml, &child)?);
                    }
                }
            }
            _ => {}
        }
    }
    xml.end()?;
    Ok(info)
}

fn user(xml: &mut Reader<'_>, element: &Element<'_>) -> Result<User, Unreadable> {
    let own = xml.attribute("yourown").or_else(|| xml.attribute("your-own"));
    let mut user = User {
        entity: private(xml.attribute("entity")),
        extent: extent(xml)?,
        own: own.as_deref().and_then(boolean) == Some(true),
        ..User::default()
    };
    while let Some(child) = xml.child(element)? {
        match child.name {
            "display-text" => user.display = Some(private(Some(xml.text(&child)?))),
            "roles" => {
                while let Some(child) = xml.child(&child)? {
                    if child.name == "entry" && user.roles.len() < ROLES_MAX {
                        user.roles.push(xml.text(&child)?.into_owned());
                    }
                }
            }
            "endpoint" => {
                if user.endpoints.len() == ENDPOINTS_MAX {
                    return Err(Unreadable::TooMany { what: "endpoints", max: ENDPOINTS_MAX });
                }
                user.endpoints.push(endpoint(xml, &child)?);
            }
            _ => {}
        }
    }
    Ok(user)
}

fn endpoint(xml: &mut Reader<'_>, element: &Element<'_>) -> Result<Endpoint, Unreadable> {
    let mut endpoint =
        Endpoint { entity: private(xml.attribute("entity")), extent: extent(xml)?, ..Endpoint::default() };
    while let Some(child) = xml.child(element)? {
        match child.name {
            "status" => endpoint.status = Named::read(&xml.text(&child)?),
            "joining-method" => endpoint.joining = Named::read(&xml.text(&child)?),
            "disconnection-method" => endpoint.disconnection = Named::read(&xml.text(&child)?),
            "disconnection-info" => {
                while let Some(child) = xml.child(&child)? {
                    if child.name == "reason" {
                        endpoint.reason = Some(xml.text(&child)?.into_owned());
                    }
                }
            }
            _ => {}
        }
    }
    Ok(endpoint)
}

fn private(text: Option<Cow<'_, str>>) -> Private<String> {
    Private(text.unwrap_or_default().into_owned())
}

/// `full` when nobody says (RFC 4575 §4.3).
fn extent(xml: &Reader<'_>) -> Result<Extent, Unreadable> {
    match xml.attribute("state") {
        None => Ok(Extent::Full),
        Some(state) => Named::read(&state).ok_or(Unreadable::Value("state")),
    }
}

fn boolean(text: &str) -> Option<bool> {
    match text {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}
