//! The content server over real sockets: every answer, every cut, and the same octets on the way back.

mod cabinet;
mod fetching;
mod hostile;
mod keeping;
mod limits;
mod peers;
mod resuming;
mod uploading;
