//! The same message again, with the headers that we answer for changed and all others octet for octet.

use super::escape::escape;
use super::{Cpim, Header};
use crate::sink::Sink;

/// What becomes of a header.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Edit<'a> {
    Keep,
    Drop,
    /// The same name with another value, which is escaped as needed.
    Value(&'a str),
}

impl Cpim {
    /// Writes the message with its headers edited one by one, in order. `front` and `back` are whole header lines
    /// ([`Writer`](super::Writer) writes them) that go before the first and after the last header; lines of a
    /// namespace are theirs to declare. The content with its MIME headers is not touched.
    pub fn relay<'e>(
        &self,
        out: &mut impl Sink,
        front: &[u8],
        mut edit: impl FnMut(Header<'_>) -> Edit<'e>,
        back: &[u8],
    ) {
        out.put(front);
        for header in self.headers() {
            let line = header.line();
            match edit(header) {
                Edit::Keep => out.put(line),
                Edit::Drop => continue,
                Edit::Value(value) => {
                    let place = header.value_in_line();
                    out.put(&line[..place.start]);
                    if place.start > 0 && !line[..place.start].ends_with(b" ") {
                        out.put(b" ");
                    }
                    escape(out, value);
                    out.put(&line[place.end..]);
                }
            }
            // The last line of a message without content may lack its end.
            if !line.ends_with(b"\n") {
                out.put(b"\r\n");
            }
        }
        out.put(back);
        // The empty line, then what follows it.
        match self.octets().get(self.head_ends..) {
            Some(rest) if !rest.is_empty() => out.put(rest),
            _ => out.put(b"\r\n"),
        }
    }
}
