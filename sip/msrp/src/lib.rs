//! MSRP: framing, sessions and reports (RFC 4975).
