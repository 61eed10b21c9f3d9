//! Writing requests and responses (RFC 4975 §7, §9).

use std::fmt::Display;
use std::fmt::Write as _;

use bytes::{BufMut, BytesMut};

use super::{End, Method};
use crate::{Path, Status, TransactionId, Uri};

/// Writes one frame: the paths with the beginning, then headers, then the end, with a body or without.
#[must_use = "a frame ends with `end` or `body`"]
pub struct Writer<'a> {
    out: &'a mut BytesMut,
    transaction: &'a TransactionId,
}

impl std::fmt::Debug for Writer<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").field("transaction", &self.transaction).finish_non_exhaustive()
    }
}

impl<'a> Writer<'a> {
    /// Begins a request over `via` to `to`.
    pub fn request(
        out: &'a mut BytesMut,
        transaction: &'a TransactionId,
        method: &Method,
        (via, to): (&Path, &Path),
        from: &Uri,
    ) -> Self {
        let mut one = Self::start(out, transaction, method.as_str());
        one.path("To-Path", via.hops().iter().chain(to.hops()));
        one.path("From-Path", [from]);
        one
    }

    /// Begins a response.
    pub fn response(
        out: &'a mut BytesMut,
        transaction: &'a TransactionId,
        status: Status,
        to: &[Uri],
        from: &Uri,
    ) -> Self {
        let mut one = Self::start(out, transaction, "");
        one.text(&status);
        one.octets(b" ");
        one.octets(status.comment().as_bytes());
        one.octets(b"\r\n");
        one.path("To-Path", to);
        one.path("From-Path", [from]);
        one
    }

    fn start(out: &'a mut BytesMut, transaction: &'a TransactionId, method: &str) -> Self {
        let mut one = Self { out, transaction };
        one.octets(b"MSRP ");
        one.octets(transaction.as_str().as_bytes());
        one.octets(b" ");
        if !method.is_empty() {
            one.octets(method.as_bytes());
            one.octets(b"\r\n");
        }
        one
    }

    fn path<'b>(&mut self, name: &str, hops: impl IntoIterator<Item = &'b Uri>) {
        self.octets(name.as_bytes());
        self.octets(b":");
        for hop in hops {
            self.octets(b" ");
            self.octets(hop.as_str().as_bytes());
        }
        self.octets(b"\r\n");
    }

    /// One header. Line ends in the value become spaces: nobody writes a header through a value.
    pub fn header(mut self, name: &str, value: impl Display) -> Self {
        self.octets(name.as_bytes());
        self.octets(b": ");
        let at = self.out.len();
        self.text(&value);
        for octet in self.out.iter_mut().skip(at) {
            if octet.is_ascii_control() {
                *octet = b' ';
            }
        }
        self.octets(b"\r\n");
        self
    }

    /// Ends a frame without a body.
    pub fn end(mut self, end: End) {
        self.end_line(end);
    }

    /// Ends a frame with this body. The transaction must not be in it: [`transaction_for`](crate::transaction_for).
    pub fn body(self, content_type: &str, body: &[u8], end: End) {
        let mut one = self.header("Content-Type", content_type);
        one.out.reserve(body.len() + 64);
        one.octets(b"\r\n");
        one.octets(body);
        one.octets(b"\r\n");
        one.end_line(end);
    }

    fn end_line(&mut self, end: End) {
        self.octets(b"-------");
        self.octets(self.transaction.as_str().as_bytes());
        self.octets(&[end.octet(), b'\r', b'\n']);
    }

    fn octets(&mut self, octets: &[u8]) {
        self.out.put_slice(octets);
    }

    fn text(&mut self, value: &impl Display) {
        // A buffer in memory takes everything.
        let written = write!(self.out, "{value}");
        debug_assert!(written.is_ok(), "BytesMut grows");
    }
}
