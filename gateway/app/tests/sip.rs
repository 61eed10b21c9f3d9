//! The SIP side among foreign software, over real sockets of the loopback.
//!
//! Every peer is a program of its own, in a folder of its own, at an address that the test says: phones with liblinphone
//! and baresip, SIPp with a scenario, Kamailio as registrar, S-CSCF or relay, tshark as the judge of what went over
//! the wire. `cargo xtask peers` installs them. What they do not say in time is a failure with their last words.

#[path = "sip/account.rs"]
mod account;
#[path = "sip/baresip.rs"]
mod baresip;
#[path = "sip/capture.rs"]
mod capture;
#[path = "sip/chatter.rs"]
mod chatter;
#[path = "sip/content_server.rs"]
mod content_server;
#[path = "sip/device.rs"]
mod device;
#[path = "sip/kamailio.rs"]
mod kamailio;
#[path = "sip/linphone.rs"]
mod linphone;
#[path = "sip/program.rs"]
mod program;
#[path = "sip/served.rs"]
mod served;
#[path = "sip/sipp.rs"]
mod sipp;
#[expect(dead_code, unused_imports, reason = "the tests of the binary need more of it")]
mod support;
#[path = "sip/wire.rs"]
mod wire;

/// The peers among themselves.
#[path = "sip/among_peers.rs"]
mod among_peers;
/// An IMS core.
#[path = "sip/ims.rs"]
mod ims;
/// What the IMS core does for a gateway.
#[path = "sip/isc.rs"]
mod isc;
/// A relay for MSRP.
#[path = "sip/msrp_relay.rs"]
mod msrp_relay;

/// Behind an IMS core.
#[path = "sip/application_server.rs"]
mod application_server;
/// Sessions of messages.
#[path = "sip/chat.rs"]
mod chat;
/// RCS first, then SMS.
#[path = "sip/fallback.rs"]
mod fallback;
/// Files.
#[path = "sip/files.rs"]
mod files;
/// Group chats.
#[path = "sip/groups.rs"]
mod groups;
/// Connections of MSRP that hurt.
#[path = "sip/hostile_msrp.rs"]
mod hostile_msrp;
/// Floods.
#[path = "sip/relay.rs"]
mod relay;
/// SMS over IMS.
#[path = "sip/short.rs"]
mod short;
/// Phones that register with the gateway.
#[path = "sip/standalone.rs"]
mod standalone;
/// What hurts.
#[path = "sip/torture.rs"]
mod torture;
