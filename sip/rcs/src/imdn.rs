//! Disposition notifications (RFC 5438): what a sender asks for, and the reports it gets.
//!
//! [`Requested`] is the value of `imdn.Disposition-Notification`, [`Report`] one `message/imdn+xml`. Interworking
//! notifications of OMA CPM (left as SMS or MMS) are among both.

mod read;
mod request;
mod write;

use std::borrow::Cow;

pub use read::{ImdnError, read, read_body};
pub use request::Requested;

use crate::private::Private;

/// The namespace of the document.
pub const NS: &str = "urn:ietf:params:xml:ns:imdn";
/// The namespace of interworking notifications.
pub const INTERWORKING_NS: &str = "urn:oma:xml:cpm:imdn-extensions:1.0";

/// One notification about one message and one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report<'a> {
    /// `imdn.Message-ID` of the message it is about.
    pub message_id: Cow<'a, str>,
    /// `DateTime` of the message it is about, as it was written there; empty when the reporter left it out.
    pub date_time: Cow<'a, str>,
    pub recipient: Option<Private<Cow<'a, str>>>,
    pub original_recipient: Option<Private<Cow<'a, str>>>,
    pub disposition: Disposition,
}

/// What a report is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Notification {
    Delivery,
    Display,
    Processing,
    Interworking,
}

/// What became of the message. The four notifications have statuses of the same name, hence the long names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Disposition {
    Delivered,
    Failed,
    DeliveryForbidden,
    DeliveryError,
    Displayed,
    /// The user shows nobody what was read: not an error.
    DisplayForbidden,
    DisplayError,
    Processed,
    Stored,
    ProcessingForbidden,
    ProcessingError,
    LegacySms,
    LegacyMms,
    InterworkingError,
    /// A status that nobody told us about: no change.
    Unknown(Notification),
}

use Notification::{Delivery, Display, Interworking, Processing};

/// RFC 5438 §7.2.1, and the OMA extension.
const DISPOSITIONS: &[(Notification, &str, Disposition)] = &[
    (Delivery, "delivered", Disposition::Delivered),
    (Delivery, "failed", Disposition::Failed),
    (Delivery, "forbidden", Disposition::DeliveryForbidden),
    (Delivery, "error", Disposition::DeliveryError),
    (Display, "displayed", Disposition::Displayed),
    (Display, "forbidden", Disposition::DisplayForbidden),
    (Display, "error", Disposition::DisplayError),
    (Processing, "processed", Disposition::Processed),
    (Processing, "stored", Disposition::Stored),
    (Processing, "forbidden", Disposition::ProcessingForbidden),
    (Processing, "error", Disposition::ProcessingError),
    (Interworking, "legacy-sms", Disposition::LegacySms),
    (Interworking, "legacy-mms", Disposition::LegacyMms),
    (Interworking, "error", Disposition::InterworkingError),
];

const NOTIFICATIONS: &[(&str, &str, Notification)] = &[
    (NS, "delivery-notification", Delivery),
    (NS, "display-notification", Display),
    (NS, "processing-notification", Processing),
    (INTERWORKING_NS, "interworking-notification", Interworking),
];

impl Disposition {
    #[must_use]
    pub fn of(notification: Notification, status: &str) -> Self {
        let row = DISPOSITIONS.iter().find(|row| row.0 == notification && row.1 == status);
        row.map_or(Self::Unknown(notification), |row| row.2)
    }

    #[must_use]
    pub fn notification(self) -> Notification {
        match self {
            Self::Unknown(notification) => notification,
            _ => DISPOSITIONS.iter().find(|row| row.2 == self).map_or(Processing, |row| row.0),
        }
    }

    /// The element that says so; `error` for what is unknown.
    #[must_use]
    pub fn status(self) -> &'static str {
        DISPOSITIONS.iter().find(|row| row.2 == self).map_or("error", |row| row.1)
    }

    /// Which request asks for this report.
    #[must_use]
    pub fn asked_by(self) -> Requested {
        match (self.notification(), self) {
            (Delivery, Self::Delivered) => Requested::POSITIVE_DELIVERY,
            (Delivery, _) => Requested::NEGATIVE_DELIVERY,
            (Display, _) => Requested::DISPLAY,
            (Processing, _) => Requested::PROCESSING,
            (Interworking, _) => Requested::INTERWORKING,
        }
    }
}
