//! Reading reports: any prefix, any order, several in one body.

use std::borrow::Cow;

use bytes::Bytes;
use smallvec::SmallVec;

use super::{Disposition, NOTIFICATIONS, NS, Notification, Report};
use crate::mime::Kind;
use crate::multipart::{self, MultipartError};
use crate::private::Private;
use crate::xml::{Element, Limits, Reader, Unreadable, XmlError};

/// Notification elements of one document: more than one of each kind says nothing new.
const NOTIFICATIONS_MAX: usize = 4;

/// Why a body is no notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ImdnError {
    #[error("{0}")]
    Unreadable(#[from] Unreadable),
    #[error("{0}")]
    Multipart(#[from] MultipartError),
    #[error("a part with an encoding that is not known, or is damaged")]
    Encoding,
    #[error("no notification among the parts")]
    NoReport,
}

/// Reads one document. It holds one report as a rule; a document with two notification elements gives two.
pub fn read(document: &[u8]) -> Result<SmallVec<[Report<'_>; 1]>, Unreadable> {
    let mut xml = Reader::new(document, Limits::MESSAGE)?;
    let root = xml.root()?;
    if !root.is(NS, "imdn") {
        return Err(Unreadable::Root("imdn"));
    }
    let mut message_id = None;
    let mut date_time = Cow::Borrowed("");
    let mut recipient = None;
    let mut original_recipient = None;
    let mut dispositions: SmallVec<[Disposition; 1]> = SmallVec::new();
    while let Some(element) = xml.child(&root)? {
        match element.name {
            "message-id" if element.is_kin_of(&root) => message_id = Some(xml.text(&element)?),
            "datetime" if element.is_kin_of(&root) => date_time = xml.text(&element)?,
            "recipient-uri" if element.is_kin_of(&root) => recipient = Some(Private(xml.text(&element)?)),
            "original-recipient-uri" if element.is_kin_of(&root) => {
                original_recipient = Some(Private(xml.text(&element)?));
            }
            name => {
                let row = NOTIFICATIONS.iter().find(|row| row.1 == name && element.is(row.0, name));
                if let Some(row) = row {
                    if dispositions.len() == NOTIFICATIONS_MAX {
                        return Err(Unreadable::TooMany { what: "notifications", max: NOTIFICATIONS_MAX });
                    }
                    dispositions.push(status(&mut xml, &element, row.2)?);
                }
            }
        }
    }
    xml.end()?;
    let message_id = message_id.filter(|id| !id.is_empty()).ok_or(Unreadable::Missing("message-id"))?;
    let Some((&last, others)) = dispositions.split_last() else {
        return Err(Unreadable::Missing("notification"));
    };
    let mut reports: SmallVec<[Report<'_>; 1]> = SmallVec::new();
    let report = Report { message_id, date_time, recipient, original_recipient, disposition: last };
    for &disposition in others {
        reports.push(Report { disposition, ..report.clone() });
    }
    reports.push(report);
    Ok(reports)
}

/// The first element inside the first `status` element.
fn status(
    xml: &mut Reader<'_>,
    notification: &Element<'_>,
    kind: Notification,
) -> Result<Disposition, XmlError> {
    let mut found = Disposition::Unknown(kind);
    while let Some(status) = xml.child(notification)? {
        if status.name != "status" {
            continue;
        }
        while let Some(value) = xml.child(&status)? {
            if found == Disposition::Unknown(kind) {
                found = Disposition::of(kind, value.name);
            }
        }
    }
    Ok(found)
}

/// Reads the content of a message: one `message/imdn+xml`, or a multipart with several. Parts of other types are
/// passed over; a part that cannot be read does not hide the others, and is the result when all are told.
pub fn read_body(
    content_type: &str,
    body: &Bytes,
    mut each: impl FnMut(Report<'_>),
) -> Result<(), ImdnError> {
    if Kind::of(content_type) != Kind::Multipart {
        read(body)?.into_iter().for_each(each);
        return Ok(());
    }
    let mut told = Err(ImdnError::NoReport);
    let mut damaged = None;
    for part in multipart::read(content_type, body)?.iter().filter(|part| part.kind() == Kind::Imdn) {
        let Some(document) = part.decoded() else {
            damaged = damaged.or(Some(ImdnError::Encoding));
            continue;
        };
        match read(&document) {
            Ok(reports) => {
                told = Ok(());
                reports.into_iter().for_each(&mut each);
            }
            Err(error) => damaged = damaged.or(Some(ImdnError::Unreadable(error))),
        }
    }
    damaged.map_or(told, Err)
}
