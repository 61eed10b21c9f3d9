//! Writing a notification.

use super::{ConferenceInfo, Endpoint, Extent, NS, Named, User};
use crate::sink::{Sink, put_number};
use crate::xml;

impl ConferenceInfo {
    pub fn write(&self, out: &mut impl Sink) {
        out.put(xml::DECLARATION.as_bytes());
        out.put(b"<conference-info");
        xml::named_attribute(out, "xmlns", NS);
        xml::named_attribute(out, "entity", &self.entity);
        xml::named_attribute(out, "state", self.extent.name());
        out.put(b" version=\"");
        put_number(out, u64::from(self.version));
        out.put(b"\">");
        if self.subject.is_some() || self.maximum_users.is_some() {
            out.put(b"<conference-description>");
            if let Some(subject) = &self.subject {
                xml::element(out, "subject", subject);
            }
            number(out, "maximum-user-count", self.maximum_users);
            out.put(b"</conference-description>");
        }
        if self.user_count.is_some() || self.active.is_some() {
            out.put(b"<conference-state>");
            number(out, "user-count", self.user_count);
            if let Some(active) = self.active {
                xml::element(out, "active", if active { "true" } else { "false" });
            }
            out.put(b"</conference-state>");
        }
        if !self.users.is_empty() {
            out.put(b"<users>");
            self.users.iter().for_each(|user| user.write(out));
            out.put(b"</users>");
        }
        out.put(b"</conference-info>");
    }
}

impl User {
    fn write(&self, out: &mut impl Sink) {
        out.put(b"<user");
        xml::named_attribute(out, "entity", &self.entity);
        xml::named_attribute(out, "state", self.extent.name());
        if self.own {
            xml::named_attribute(out, "yourown", "true");
        }
        out.put(b">");
        if let Some(display) = &self.display {
            xml::element(out, "display-text", display);
        }
        if !self.roles.is_empty() {
            out.put(b"<roles>");
            self.roles.iter().for_each(|role| xml::element(out, "entry", role));
            out.put(b"</roles>");
        }
        self.endpoints.iter().for_each(|endpoint| endpoint.write(out));
        out.put(b"</user>");
    }
}

impl Endpoint {
    fn write(&self, out: &mut impl Sink) {
        out.put(b"<endpoint");
        xml::named_attribute(out, "entity", &self.entity);
        if self.extent != Extent::Full {
            xml::named_attribute(out, "state", self.extent.name());
        }
        out.put(b">");
        if let Some(status) = self.status {
            xml::element(out, "status", status.name());
        }
        if let Some(joining) = self.joining {
            xml::element(out, "joining-method", joining.name());
        }
        if let Some(disconnection) = self.disconnection {
            xml::element(out, "disconnection-method", disconnection.name());
        }
        if let Some(reason) = &self.reason {
            out.put(b"<disconnection-info>");
            xml::element(out, "reason", reason);
            out.put(b"</disconnection-info>");
        }
        out.put(b"</endpoint>");
    }
}

fn number(out: &mut impl Sink, name: &str, value: Option<u32>) {
    if let Some(value) = value {
        out.put(b"<");
        out.put(name.as_bytes());
        out.put(b">");
        put_number(out, u64::from(value));
        out.put(b"</");
        out.put(name.as_bytes());
        out.put(b">");
    }
}
