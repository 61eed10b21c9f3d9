//! New messages, header by header, straight into the buffer they leave from.

use super::escape::escape;
use super::ns;
use crate::imdn::Requested;
use crate::sink::{Sink, put_number};
use crate::{percent, time};

/// Writes headers in the order of its calls, then the content. Values are escaped, so no value can add a line.
///
/// ```
/// use sip_rcs::cpim::{ANONYMOUS, Writer};
/// use sip_rcs::imdn::Requested;
///
/// let mut body = Vec::new();
/// Writer::new(&mut body)
///     .from(ANONYMOUS)
///     .to(ANONYMOUS)
///     .imdn("Msg7d3a91", Requested::POSITIVE_DELIVERY | Requested::DISPLAY)
///     .date_time(1_740_789_000_000_000, 540)
///     .content("text/plain;charset=UTF-8", b"hello");
/// ```
pub struct Writer<'o, S> {
    out: &'o mut S,
}

impl<'o, S: Sink> Writer<'o, S> {
    #[must_use]
    pub const fn new(out: &'o mut S) -> Self {
        Self { out }
    }

    /// `From: <uri>`.
    #[must_use]
    pub fn from(self, uri: &str) -> Self {
        self.address("From", None, uri)
    }

    /// `To: <uri>`.
    #[must_use]
    pub fn to(self, uri: &str) -> Self {
        self.address("To", None, uri)
    }

    /// A header whose value is an address. The display name is quoted.
    #[must_use]
    pub fn address(self, name: &str, display: Option<&str>, uri: &str) -> Self {
        self.out.put(name.as_bytes());
        self.out.put(b": ");
        if let Some(display) = display {
            self.out.put(b"\"");
            for (at, piece) in display.split('"').enumerate() {
                if at > 0 {
                    self.out.put(b"\\\"");
                }
                escape(self.out, piece);
            }
            self.out.put(b"\" ");
        }
        self.out.put(b"<");
        put_uri(self.out, uri);
        self.out.put(b">\r\n");
        self
    }

    /// `DateTime`, in milliseconds and with an offset from UTC in minutes.
    #[must_use]
    pub fn date_time(self, at_us: i64, offset_minutes: i16) -> Self {
        self.out.put(b"DateTime: ");
        time::write(self.out, at_us, offset_minutes);
        self.out.put(b"\r\n");
        self
    }

    /// Declares a prefix for the headers after it.
    #[must_use]
    pub fn namespace(self, prefix: &str, uri: &str) -> Self {
        self.out.put(b"NS: ");
        self.out.put(prefix.as_bytes());
        self.out.put(b" <");
        put_uri(self.out, uri);
        self.out.put(b">\r\n");
        self
    }

    /// Declares `imdn`, names the message and says which notifications about it are wanted (RFC 5438 §6).
    #[must_use]
    pub fn imdn(mut self, message_id: &str, wanted: Requested) -> Self {
        self = self.namespace("imdn", ns::IMDN).header("imdn.Message-ID", message_id);
        if !wanted.is_empty() {
            self.out.put(b"imdn.Disposition-Notification: ");
            wanted.write(self.out);
            self.out.put(b"\r\n");
        }
        self
    }

    /// Any header. The name with its prefix is ours, the value may be anybody's.
    #[must_use]
    pub fn header(self, name: &str, value: &str) -> Self {
        self.out.put(name.as_bytes());
        self.out.put(b": ");
        escape(self.out, value);
        self.out.put(b"\r\n");
        self
    }

    /// A header whose value was read from another message and has its escapes already.
    pub(crate) fn escaped(self, name: &str, value: &str) -> Self {
        self.out.put(name.as_bytes());
        self.out.put(b": ");
        self.out.put(value.as_bytes());
        self.out.put(b"\r\n");
        self
    }

    /// Lines of another message as they are, line ends included ([`Header::line`](super::Header::line)).
    #[must_use]
    pub fn lines(self, lines: &[u8]) -> Self {
        self.out.put(lines);
        if !lines.is_empty() && !lines.ends_with(b"\n") {
            self.out.put(b"\r\n");
        }
        self
    }

    /// Ends the headers and writes the content with its type and length.
    pub fn content(self, content_type: &str, octets: &[u8]) {
        self.content_head(content_type, &[], octets.len()).put(octets);
    }

    /// Ends the headers and begins a content that the caller writes: `length` octets, neither more nor less.
    #[must_use]
    pub fn content_head(self, content_type: &str, more: &[(&str, &str)], length: usize) -> &'o mut S {
        self.out.put(b"\r\nContent-Type: ");
        escape(self.out, content_type);
        for (name, value) in more {
            self.out.put(b"\r\n");
            self.out.put(name.as_bytes());
            self.out.put(b": ");
            escape(self.out, value);
        }
        self.out.put(b"\r\nContent-Length: ");
        put_number(self.out, length as u64);
        self.out.put(b"\r\n\r\n");
        self.out
    }

    /// Stops before the end of the headers: these lines go into another message ([`Cpim::relay`](super::Cpim::relay)).
    pub fn stop(self) {}

    /// Ends the headers without any content.
    pub fn no_content(self) {
        self.out.put(b"\r\n");
    }
}

/// A URI between angle brackets: what would end it early is percent-encoded.
fn put_uri(out: &mut impl Sink, uri: &str) {
    percent::encode(out, uri, |octet| octet > b' ' && !matches!(octet, b'<' | b'>' | b'"' | b'\\' | 0x7F));
}
