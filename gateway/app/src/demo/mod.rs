//! The people of the demo: a carrier with its phones, RCS devices, and a messenger with its users. They speak to the
//! gateway over sockets like anybody else.

pub(crate) mod messenger;
pub(crate) mod smsc;
