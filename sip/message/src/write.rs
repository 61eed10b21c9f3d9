//! Writing: start line, headers, Content-Length from the body, the body octet for octet.

use bytes::{BufMut, Bytes, BytesMut};

use crate::headers::Headers;
use crate::message::{Message, Request, Response};
use crate::name::Name;

impl Message {
    /// Behind what `out` holds.
    pub fn write(&self, out: &mut BytesMut) {
        match self {
            Self::Request(request) => request.write(out),
            Self::Response(response) => response.write(out),
        }
    }
}

impl Request {
    /// Behind what `out` holds.
    pub fn write(&self, out: &mut BytesMut) {
        out.reserve(64 + self.uri.as_str().len() + size(&self.headers) + self.body.len());
        out.put_slice(self.method.as_str().as_bytes());
        out.put_u8(b' ');
        out.put_slice(self.uri.as_str().as_bytes());
        out.put_slice(b" SIP/2.0\r\n");
        headers_and_body(&self.headers, &self.body, out);
    }

    /// As octets of its own.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        let mut out = BytesMut::new();
        self.write(&mut out);
        out.freeze()
    }
}

impl Response {
    /// Behind what `out` holds.
    pub fn write(&self, out: &mut BytesMut) {
        out.reserve(64 + self.reason().len() + size(&self.headers) + self.body.len());
        out.put_slice(b"SIP/2.0 ");
        decimal(u32::from(self.status.code()), out);
        out.put_u8(b' ');
        out.put_slice(self.reason());
        out.put_slice(b"\r\n");
        headers_and_body(&self.headers, &self.body, out);
    }

    /// As octets of its own.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        let mut out = BytesMut::new();
        self.write(&mut out);
        out.freeze()
    }
}

fn size(headers: &Headers) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum()
}

fn headers_and_body(headers: &Headers, body: &Bytes, out: &mut BytesMut) {
    for (name, value) in headers.iter() {
        if *name == Name::ContentLength {
            continue;
        }
        out.put_slice(name.as_str().as_bytes());
        out.put_slice(b": ");
        out.put_slice(value);
        out.put_slice(b"\r\n");
    }
    out.put_slice(b"Content-Length: ");
    decimal(u32::try_from(body.len()).unwrap_or(u32::MAX), out);
    out.put_slice(b"\r\n\r\n");
    out.put_slice(body);
}

/// A number without an allocation.
fn decimal(mut number: u32, out: &mut BytesMut) {
    let mut digits = [0; 10];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.put_slice(&digits[at..]);
}
