//! Writing reports.

use super::{INTERWORKING_NS, Notification, Report};
use crate::cpim::{Cpim, Field, Writer};
use crate::sink::{Length, Sink};
use crate::{mime, xml};

impl Report<'_> {
    /// The document alone.
    pub fn write(&self, out: &mut impl Sink) {
        out.put(b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<imdn xmlns=\"urn:ietf:params:xml:ns:imdn\"");
        let interworking = self.disposition.notification() == Notification::Interworking;
        if interworking {
            out.put(b" xmlns:cpmimdn=\"");
            out.put(INTERWORKING_NS.as_bytes());
            out.put(b"\"");
        }
        out.put(b"><message-id>");
        xml::text(out, &self.message_id);
        out.put(b"</message-id><datetime>");
        xml::text(out, &self.date_time);
        out.put(b"</datetime>");
        if let Some(recipient) = &self.recipient {
            out.put(b"<recipient-uri>");
            xml::text(out, recipient);
            out.put(b"</recipient-uri>");
        }
        if let Some(original) = &self.original_recipient {
            out.put(b"<original-recipient-uri>");
            xml::text(out, original);
            out.put(b"</original-recipient-uri>");
        }
        let (opening, closing): (&[u8], &[u8]) = match self.disposition.notification() {
            Notification::Delivery => {
                (b"<delivery-notification><status><", b"/></status></delivery-notification></imdn>")
            }
            Notification::Display => {
                (b"<display-notification><status><", b"/></status></display-notification></imdn>")
            }
            Notification::Processing => {
                (b"<processing-notification><status><", b"/></status></processing-notification></imdn>")
            }
            Notification::Interworking => (
                b"<cpmimdn:interworking-notification><cpmimdn:status><cpmimdn:",
                b"/></cpmimdn:status></cpmimdn:interworking-notification></imdn>",
            ),
        };
        out.put(opening);
        out.put(self.disposition.status().as_bytes());
        out.put(closing);
    }

    /// The document as the content of a CPIM message whose headers were begun.
    pub fn write_message<S: Sink>(&self, head: Writer<'_, S>) {
        let mut length = Length::default();
        self.write(&mut length);
        let disposition = [("Content-Disposition", "notification")];
        self.write(head.content_head(mime::IMDN, &disposition, length.0));
    }
}

impl<S: Sink> Writer<'_, S> {
    /// Sends the notification about a message back the way the message came (RFC 5438 §8.3): each of its
    /// `IMDN-Record-Route` headers becomes an `IMDN-Route`. The prefix `imdn` is declared before.
    #[must_use]
    pub fn routes_of(mut self, message: &Cpim) -> Self {
        for route in message.all(Field::RecordRoute).filter_map(|header| header.text()) {
            self = self.escaped("imdn.IMDN-Route", route);
        }
        self
    }
}
