//! SIP messages: octets to a canonical head, and back.
