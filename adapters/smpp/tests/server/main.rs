//! The server against a scripted ESME over loopback: what it is answered, and what the gateway hears.

mod binds;
mod deliveries;
mod desk;
mod endings;
mod esme;
mod requests;
mod rows;
mod tls;
mod windows;
