//! What one message may cost us.

/// Bounds of one message. Over any of them the sender is told so (400, 413, 414, 513) where an answer can be built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Octets of the whole message, head and body.
    pub message_octets: usize,
    /// Octets of the body alone.
    pub body_octets: usize,
    /// Octets of everything before the blank line.
    pub head_octets: usize,
    /// Octets of the request or status line.
    pub start_line_octets: usize,
    /// Header lines.
    pub headers: usize,
    /// Octets of one header value, folding included.
    pub header_octets: usize,
    /// Via values, comma lists counted out.
    pub vias: usize,
    /// Accepts what RFC 4475 lets an implementation forgive: white space at the end of the request line, display names
    /// that should have been quoted.
    pub lenient: bool,
}

impl Limits {
    /// For datagrams: 64 KiB.
    pub const DATAGRAM: Self = Self {
        message_octets: 64 * 1024,
        body_octets: 64 * 1024,
        head_octets: 32 * 1024,
        start_line_octets: 4 * 1024,
        headers: 128,
        header_octets: 8 * 1024,
        vias: 70,
        lenient: false,
    };

    /// For connections: 256 KiB.
    pub const STREAM: Self = Self { message_octets: 256 * 1024, body_octets: 256 * 1024, ..Self::DATAGRAM };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DATAGRAM
    }
}
