//! The core between scripted devices and a scripted gateway: no socket, no clock.

mod calls;
mod capabilities;
mod chat;
mod contract;
mod core_network;
mod crowd;
mod digest;
mod groups;
mod handset;
mod handsets;
mod hostile;
mod ladder;
mod ladders;
mod notifications;
mod pager;
mod party;
mod registrations;
mod relay;
mod reports;
mod revocation;
mod sending;
mod sessions;
mod short;
mod spoken;
mod world;
