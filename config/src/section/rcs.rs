//! `[rcs]`: RCS and IMS devices over SIP and MSRP.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ChargeAt, Tls};
use crate::value::{
    Cidr, HostPort, Listen, MsrpUri, Name, NumberPattern, Octets, OnAnswerLost, Period, SecretRef,
};

/// RCS and IMS devices over SIP and MSRP. Without this table the gateway speaks neither.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rcs {
    /// Appears in routes, metrics and usage records, like the names of accounts, channels and messengers.
    #[serde(default = "Rcs::default_name")]
    pub name: Name,
    /// The domain of its users and of the gateway itself.
    #[serde(default = "Rcs::default_domain")]
    #[schemars(regex(pattern = r"^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$"))]
    pub domain: String,
    /// `standalone`: devices register with the gateway. `application-server`: an IMS core stands in front.
    #[serde(default)]
    pub mode: RcsMode,
    /// Where to listen for SIP over UDP and TCP, or `off`.
    #[serde(default = "Rcs::default_listen")]
    pub listen: Listen,
    /// Where to listen for SIP over TLS, or `off`.
    #[serde(default = "Rcs::off")]
    pub tls_listen: Listen,
    /// The certificate of that listener. Without it one is made at each start, for first tries.
    #[serde(default)]
    pub tls: Option<Tls>,
    /// Where to listen for MSRP, or `off`: then there are no sessions, only single messages.
    #[serde(default = "Rcs::default_msrp_listen")]
    pub msrp_listen: Listen,
    /// Where to listen for MSRP over TLS, or `off`. Its certificate is made at each start: devices know it by the
    /// fingerprint that they are told with each session.
    #[serde(default = "Rcs::off")]
    pub msrp_tls_listen: Listen,
    /// A relay of MSRP that stands between devices and this gateway (RFC 4976): all sessions go through it, and
    /// devices are told its address, not that of `msrp_listen`. While it is away no session begins: devices are told to
    /// come back, and long messages go without a session.
    #[serde(default)]
    pub msrp_relay: Option<MsrpRelay>,
    /// A session in which nothing is said for so long is ended.
    #[serde(default = "Rcs::default_session_idle")]
    pub session_idle: Period,
    /// How often somebody has to say that a session still lives (RFC 4028).
    #[serde(default = "Rcs::default_session_refresh")]
    pub session_refresh: Period,
    /// A longer message goes in a session of its own, where the device takes that.
    #[serde(default = "Rcs::default_large_message_over")]
    pub large_message_over: Octets,
    /// What devices and peers reach this gateway by, where that is not the address of `listen`.
    #[serde(default)]
    pub public_address: Option<HostPort>,
    /// Sockets that share the UDP port.
    #[serde(default = "Rcs::default_udp_sockets")]
    #[schemars(range(min = 1, max = 16))]
    pub udp_sockets: u8,
    /// Let the network card cut what goes to one peer into datagrams: half the work for each, worth it in front of
    /// few busy peers. A capture on this machine then shows them uncut.
    #[serde(default)]
    pub udp_segmentation: bool,
    /// The most SIP connections at once.
    #[serde(default = "Rcs::default_connections_max")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub connections_max: u32,
    /// A longer SIP message over TCP or TLS closes the connection.
    #[serde(default = "Rcs::default_message_octets_max")]
    pub message_octets_max: Octets,
    /// Round trip estimate (RFC 3261 timer T1).
    #[serde(default = "Rcs::default_t1")]
    pub t1: Period,
    /// Longest pause between repetitions (RFC 3261 timer T2).
    #[serde(default = "Rcs::default_t2")]
    pub t2: Period,
    /// Longest life of a message in the network (RFC 3261 timer T4).
    #[serde(default = "Rcs::default_t4")]
    pub t4: Period,
    /// Messages and receipts that may wait for an answer.
    #[serde(default = "Rcs::default_window")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub window: u32,
    /// Devices register for at least so long …
    #[serde(default = "Rcs::default_registration_min")]
    pub registration_min: Period,
    /// … and at most so long.
    #[serde(default = "Rcs::default_registration_max")]
    pub registration_max: Period,
    /// What passwords are proven with, the preferred one first. Old devices stop at a challenge that they do not know:
    /// for those leave `MD5` only.
    #[serde(default = "Rcs::default_digests")]
    #[schemars(length(min = 1, max = 3))]
    pub digests: Vec<RcsDigest>,
    /// Where requests to users go that are not registered here: the S-CSCF or I-CSCF. Needed for
    /// `application-server`.
    #[serde(default)]
    pub next_hop: Option<HostPort>,
    /// A message that has not reached its device after so long takes the next way of its plan, usually SMS.
    #[serde(default = "Rcs::default_fallback_after")]
    pub fallback_after: Period,
    /// How long after hand-over a receipt is waited for.
    #[serde(default = "Rcs::default_receipt_window")]
    pub receipt_window: Period,
    /// How long a receipt waits for a device that is away.
    #[serde(default = "Rcs::default_keep")]
    pub keep: Period,
    /// What to do when an answer is lost: `resend`, `wait`, or how long to wait for a receipt before sending again.
    #[serde(default)]
    pub on_answer_lost: OnAnswerLost,
    /// How long what was learnt about a device holds.
    #[serde(default = "Rcs::default_capability_expiry")]
    pub capability_expiry: Period,
    /// Ask a number for its capabilities (OPTIONS) before the first message to it, when they are not known.
    #[serde(default)]
    pub ask_capabilities: bool,
    /// The link that a place becomes for phones: `{lat}` and `{lon}` stand for its degrees.
    #[serde(default = "Rcs::default_map_link")]
    #[schemars(length(min = 8, max = 200))]
    pub map_link: String,
    /// The number of the service centre that handsets with SMS over IMS see, and answer to.
    #[serde(default = "Rcs::default_service_centre")]
    #[schemars(length(min = 1, max = 21))]
    pub service_centre: String,
    /// How long such a handset may take to say whether it takes a short message (TR1M of TS 24.011 and what a radio
    /// takes). After that it is not known whether it has it: see `on_answer_lost` and `fallback_after`.
    #[serde(default = "Rcs::default_handset_answer")]
    pub handset_answer: Period,
    /// Its groups get a number of this pool for each member without RCS: by that they hear the group and answer to
    /// it. Without one, only members with RCS or a messenger take part.
    #[serde(default)]
    pub pool: Option<Name>,
    /// User part of the URI by which devices create groups.
    #[serde(default = "Rcs::default_group_factory")]
    #[schemars(regex(pattern = r"^[A-Za-z0-9._-]{1,64}$"))]
    pub group_factory: String,
    /// Members that a group may have.
    #[serde(default = "Rcs::default_group_members_max")]
    #[schemars(range(min = 2, max = 1_000))]
    pub group_members_max: u16,
    /// When messages of its users are charged.
    #[serde(default)]
    pub charge_at: ChargeAt,
    /// Who may register here.
    #[serde(default, rename = "user")]
    pub users: Vec<RcsUser>,
    /// Who is believed when they say who a request is from.
    #[serde(default, rename = "peer")]
    pub peers: Vec<RcsPeer>,
}

/// A relay of MSRP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MsrpRelay {
    /// Where it is. With `msrps` its certificate has to name the host and be signed by an authority that this machine
    /// trusts.
    pub uri: MsrpUri,
    /// Who the gateway is to it, when it asks (RFC 7616).
    #[serde(default)]
    #[schemars(length(min = 1, max = 128))]
    pub user: Option<String>,
    /// The password of that user.
    #[serde(default)]
    pub password: Option<SecretRef>,
}

/// Somebody whose devices register with the gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RcsUser {
    /// In international form.
    pub number: NumberPattern,
    /// The password of its devices.
    pub password: SecretRef,
    /// Addresses its devices may come from; empty for all.
    #[serde(default)]
    pub allow: Vec<Cidr>,
}

/// A network element that is trusted: its P-Asserted-Identity is taken, and no password is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RcsPeer {
    pub name: Name,
    /// Where its requests come from.
    pub addresses: Vec<Cidr>,
}

/// How RCS devices are reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RcsMode {
    #[default]
    Standalone,
    ApplicationServer,
}

/// How a password is proven (RFC 8760).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum RcsDigest {
    #[serde(rename = "SHA-256")]
    Sha256,
    #[serde(rename = "SHA-512-256")]
    Sha512256,
    #[serde(rename = "MD5")]
    Md5,
}

impl Rcs {
    /// Nobody is let in.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.users.is_empty() && self.peers.is_empty()
    }

    #[must_use]
    pub fn default_name() -> Name {
        Name::known("rcs")
    }

    #[must_use]
    pub fn default_domain() -> String {
        "ims.example".into()
    }
}

impl Default for Rcs {
    fn default() -> Self {
        Self {
            name: Self::default_name(),
            domain: Self::default_domain(),
            mode: RcsMode::default(),
            listen: Self::default_listen(),
            tls_listen: Listen::Off,
            tls: None,
            msrp_listen: Self::default_msrp_listen(),
            msrp_tls_listen: Listen::Off,
            msrp_relay: None,
            session_idle: Self::default_session_idle(),
            session_refresh: Self::default_session_refresh(),
            large_message_over: Self::default_large_message_over(),
            public_address: None,
            udp_sockets: Self::default_udp_sockets(),
            udp_segmentation: false,
            connections_max: Self::default_connections_max(),
            message_octets_max: Self::default_message_octets_max(),
            t1: Self::default_t1(),
            t2: Self::default_t2(),
            t4: Self::default_t4(),
            window: Self::default_window(),
            registration_min: Self::default_registration_min(),
            registration_max: Self::default_registration_max(),
            digests: Self::default_digests(),
            next_hop: None,
            fallback_after: Self::default_fallback_after(),
            receipt_window: Self::default_receipt_window(),
            keep: Self::default_keep(),
            on_answer_lost: OnAnswerLost::default(),
            capability_expiry: Self::default_capability_expiry(),
            ask_capabilities: false,
            map_link: Self::default_map_link(),
            service_centre: Self::default_service_centre(),
            handset_answer: Self::default_handset_answer(),
            pool: None,
            group_factory: Self::default_group_factory(),
            group_members_max: Self::default_group_members_max(),
            charge_at: ChargeAt::default(),
            users: Vec::new(),
            peers: Vec::new(),
        }
    }
}

impl Rcs {
    #[must_use]
    pub fn default_service_centre() -> String {
        "100".into()
    }

    #[must_use]
    pub const fn default_handset_answer() -> Period {
        Period::from_secs(45)
    }

    const fn off() -> Listen {
        Listen::Off
    }

    #[must_use]
    pub fn default_digests() -> Vec<RcsDigest> {
        vec![RcsDigest::Sha256, RcsDigest::Md5]
    }

    #[must_use]
    pub fn default_listen() -> Listen {
        Listen::loopback(5060)
    }

    #[must_use]
    pub fn default_msrp_listen() -> Listen {
        Listen::loopback(2855)
    }

    #[must_use]
    pub const fn default_session_idle() -> Period {
        Period::from_secs(300)
    }

    #[must_use]
    pub const fn default_session_refresh() -> Period {
        Period::from_secs(1_800)
    }

    #[must_use]
    pub const fn default_large_message_over() -> Octets {
        Octets::new(1_300)
    }

    #[must_use]
    pub const fn default_udp_sockets() -> u8 {
        2
    }

    #[must_use]
    pub const fn default_connections_max() -> u32 {
        16_384
    }

    #[must_use]
    pub const fn default_message_octets_max() -> Octets {
        Octets::new(256 * 1_024)
    }

    #[must_use]
    pub const fn default_t1() -> Period {
        Period::from_millis(500)
    }

    #[must_use]
    pub const fn default_t2() -> Period {
        Period::from_secs(4)
    }

    #[must_use]
    pub const fn default_t4() -> Period {
        Period::from_secs(5)
    }

    #[must_use]
    pub const fn default_window() -> u32 {
        4_000
    }

    #[must_use]
    pub const fn default_registration_min() -> Period {
        Period::from_secs(60)
    }

    #[must_use]
    pub const fn default_registration_max() -> Period {
        Period::from_hours(1)
    }

    #[must_use]
    pub const fn default_fallback_after() -> Period {
        Period::from_secs(60)
    }

    #[must_use]
    pub const fn default_receipt_window() -> Period {
        Period::from_hours(72)
    }

    #[must_use]
    pub const fn default_keep() -> Period {
        Period::from_hours(72)
    }

    #[must_use]
    pub const fn default_capability_expiry() -> Period {
        Period::from_days(30)
    }

    #[must_use]
    pub fn default_map_link() -> String {
        "https://www.openstreetmap.org/?mlat={lat}&mlon={lon}".into()
    }

    #[must_use]
    pub fn default_group_factory() -> String {
        "conference-factory".into()
    }

    #[must_use]
    pub const fn default_group_members_max() -> u16 {
        100
    }
}
