//! The client against a scripted SMSC over loopback: what a message comes to, whatever the SMSC does.

mod arrivals;
mod desk;
mod links;
mod long;
mod smsc;
mod soak;
mod submissions;
