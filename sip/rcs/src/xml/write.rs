//! Escaping. What cannot be said in XML 1.0 becomes U+FFFD, so that whatever is written can be read.

use crate::sink::Sink;

const REPLACEMENT: &[u8] = "\u{FFFD}".as_bytes();

/// Writes the text of an element.
pub fn text(out: &mut impl Sink, text: &str) {
    escape(out, text, false);
}

/// Writes the value of an attribute that stands in double quotes.
pub fn attribute(out: &mut impl Sink, value: &str) {
    escape(out, value, true);
}

/// Writes an element that holds nothing but a text. The name is ours.
pub fn element(out: &mut impl Sink, name: &str, value: &str) {
    out.put(b"<");
    out.put(name.as_bytes());
    out.put(b">");
    text(out, value);
    out.put(b"</");
    out.put(name.as_bytes());
    out.put(b">");
}

/// Writes an attribute with a space before it. The name is ours.
pub fn named_attribute(out: &mut impl Sink, name: &str, value: &str) {
    out.put(b" ");
    out.put(name.as_bytes());
    out.put(b"=\"");
    attribute(out, value);
    out.put(b"\"");
}

fn escape(out: &mut impl Sink, text: &str, quoted: bool) {
    let octets = text.as_bytes();
    let mut from = 0;
    for (at, &octet) in octets.iter().enumerate() {
        let instead: &[u8] = match octet {
            b'<' => b"&lt;",
            b'>' => b"&gt;",
            b'&' => b"&amp;",
            b'"' if quoted => b"&quot;",
            // A line end inside an attribute would be read as a space, a carriage return anywhere as a line end.
            b'\t' if quoted => b"&#9;",
            b'\n' if quoted => b"&#10;",
            b'\r' => b"&#13;",
            b'\t' | b'\n' | 0x20.. => continue,
            _ => REPLACEMENT,
        };
        out.put(&octets[from..at]);
        out.put(instead);
        from = at + 1;
    }
    out.put(&octets[from..]);
}
