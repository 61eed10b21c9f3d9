//! What an operator may set about the channel.

use std::{fmt, net::IpAddr, time::Duration};

use hashbrown::HashMap;
use model::{ChannelId, Number, NumberingPlan};
use sip_message::{
    Uri,
    digest::{Algorithm, Card},
};
use sip_msrp::Fingerprint;
use sip_rcs::{Capabilities, revoke};
use sip_transaction::{Timers, dialog::SessionTimerSettings};
use smol_str::SmolStr;

use crate::translate::Line;

/// Plain values; put together from the configuration, replaced as a whole when it changes.
#[derive(Debug, Clone)]
pub struct Settings {
    pub channel: ChannelId,
    pub name: SmolStr,
    /// Who stands between us and the devices.
    pub mode: Mode,
    /// The domain of our users and of ourselves.
    pub domain: SmolStr,
    /// What is asked for in challenges; the domain as a rule.
    pub realm: SmolStr,
    /// `host:port` that devices and peers reach us by.
    pub contact: SmolStr,
    /// Keyed by [`Line`]: the same person however the number is written.
    pub users: HashMap<Line, User>,
    pub peers: Vec<Peer>,
    /// What passwords are proven with, the preferred one first.
    pub digests: Vec<Algorithm>,
    /// Where requests to numbers go that are not registered here: the S-CSCF, the I-CSCF, another gateway.
    pub next_hop: Option<Uri>,
    pub numbering: NumberingPlan,
    pub timers: Timers,
    pub limits: Limits,
    pub registration: Registration,
    pub capabilities: CapabilityPolicy,
    pub trust: Trust,
    /// Sessions of messages; without it INVITE is answered 488.
    pub msrp: Option<Msrp>,
    pub text: TextPolicy,
    pub short: ShortMessages,
    pub groups: Groups,
    /// Key of the ids that we give to messages and of the nonces that we give to devices. The same after a restart
    /// and on every node, so that a receipt finds its message.
    pub secret: Secret<[u8; 16]>,
}

impl Settings {
    /// A channel without users and peers, with everything else as it usually is. `contact` is the `host:port` that
    /// we are reached by.
    #[must_use]
    pub fn new(channel: ChannelId, domain: &str, contact: &str, secret: [u8; 16]) -> Self {
        Self {
            channel,
            name: SmolStr::new_static("rcs"),
            mode: Mode::default(),
            domain: domain.into(),
            realm: domain.into(),
            contact: contact.into(),
            users: HashMap::new(),
            peers: Vec::new(),
            digests: vec![Algorithm::SHA_256, Algorithm::MD5],
            next_hop: None,
            numbering: NumberingPlan::korea(),
            timers: Timers::CORE,
            limits: Limits::default(),
            registration: Registration::default(),
            capabilities: CapabilityPolicy::default(),
            trust: Trust::default(),
            msrp: None,
            text: TextPolicy::default(),
            short: ShortMessages::default(),
            groups: Groups::default(),
            secret: Secret::new(secret),
        }
    }
}

/// How devices are reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// They register with us.
    #[default]
    Standalone,
    /// An IMS core stands in front (TS 24.229 §5.7): we are told of registrations.
    ApplicationServer,
}

/// Somebody whose devices register with us.
#[derive(Debug, Clone)]
pub struct User {
    pub credential: Credential,
    /// Addresses its devices may come from; empty for all.
    pub allowed: Vec<Range>,
}

impl User {
    /// Whether its devices may come from there.
    #[must_use]
    pub fn is_allowed(&self, source: IpAddr) -> bool {
        self.allowed.is_empty() || self.allowed.iter().any(|range| range.contains(source))
    }
}

/// What a device proves itself with.
#[derive(Debug, Clone)]
pub enum Credential {
    Password(Secret<Box<str>>),
    /// H(user:realm:password), in hexadecimal, for each algorithm that is to be offered (RFC 7616 §3.4.2).
    Ha1 {
        md5: Option<Secret<Box<str>>>,
        sha256: Option<Secret<Box<str>>>,
    },
    /// A card (RFC 3310): its device registers with AKA, and other requests are believed by its registration.
    Card(Secret<Box<Card>>),
}

/// A value that never prints.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret<T>(T);

impl<T> Secret<T> {
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    pub(crate) const fn reveal(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// A network element that is believed when it says who a request is from (RFC 3325): no password is asked.
#[derive(Debug, Clone)]
pub struct Peer {
    pub name: SmolStr,
    pub addresses: Vec<Range>,
    /// Whether it speaks for an IMS core: REGISTER from it is third-party registration (TS 24.229 §5.4.1.7).
    pub registrar: bool,
    /// Whether CPM requests without Conversation-ID and Contribution-ID are refused with 400.
    pub strict: bool,
}

/// Addresses with a common beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    address: IpAddr,
    bits: u8,
}

impl Range {
    /// `bits` of `address` count; more than it has means all of them.
    #[must_use]
    pub const fn new(address: IpAddr, bits: u8) -> Self {
        Self { address, bits }
    }

    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let same = |mine: u128, theirs: u128, width: u32| {
            let bits = u32::from(self.bits).min(width);
            bits == 0 || mine >> (width - bits) == theirs >> (width - bits)
        };
        match (self.address.to_canonical(), address.to_canonical()) {
            (IpAddr::V4(mine), IpAddr::V4(theirs)) => {
                same(u128::from(u32::from(mine)), u128::from(u32::from(theirs)), 32)
            }
            (IpAddr::V6(mine), IpAddr::V6(theirs)) => same(mine.into(), theirs.into(), 128),
            _ => false,
        }
    }
}

/// How much of everything there may be.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Hand-overs under way: what is announced as room.
    pub window: u32,
    /// Requests that wait for the gateway's answer; over it, 503.
    pub waiting_max: usize,
    /// Octets of a body that is taken; over it, 413.
    pub body_octets_max: usize,
    /// Octets of a MESSAGE that goes by UDP (RFC 3261 §18.1.1, RFC 3428 §8).
    pub datagram_octets_max: usize,
    /// What a 503 asks for, in seconds.
    pub retry_after_s: u32,
    /// Wrong passwords from one address before it is not listened to for [`Self::lockout_s`].
    pub failures_max: u32,
    pub lockout_s: u32,
    /// How long a nonce holds, in seconds.
    pub nonce_s: u32,
    /// Typing marks between one pair of people, one in so many milliseconds.
    pub composing_every_ms: u32,
    /// People whose capabilities are kept.
    pub capabilities_max: usize,
    /// The newest messages that their senders may still take back; twice as many are remembered at most.
    pub recallable_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            window: 4_000,
            waiting_max: 20_000,
            body_octets_max: 64 * 1024,
            datagram_octets_max: 1_300,
            retry_after_s: 5,
            failures_max: 20,
            lockout_s: 60,
            nonce_s: 300,
            composing_every_ms: 500,
            capabilities_max: 100_000,
            recallable_max: 100_000,
        }
    }
}

/// How sessions of messages are held (rcs sheet §8, §9).
#[derive(Debug, Clone)]
pub struct Msrp {
    /// Where devices and relays connect to, as it stands in our descriptions.
    pub address: IpAddr,
    pub port: u16,
    /// The same with TLS.
    pub tls: Option<MsrpTls>,
    /// What all sessions go through (RFC 4976): others never connect to us.
    pub relay: Option<MsrpRelay>,
    /// We open connections where the other end lets us choose: for relays that open none. Otherwise we wait for
    /// them, as is better for devices behind address translators.
    pub active: bool,
    /// Connect to the address of the description, not to that of the path (RFC 6714).
    pub cema: bool,
    /// Recognise sessions by their id alone: for boxes in the middle that write other hosts.
    pub match_by_id: bool,
    /// Octets of a message that is taken; over it, 413.
    pub message_octets_max: usize,
    /// A session in which nothing is said for so long is over (TimerIdle).
    pub idle: Duration,
    /// How often somebody says that a session still lives (RFC 4028).
    pub timer: SessionTimerSettings,
    /// Sessions in all; over it, 503. Holds from the next start on.
    pub sessions_max: usize,
    /// Sessions of one user; over it, 486.
    pub sessions_per_user_max: usize,
    /// Octets of a body over which a session is opened for it, where the device knows sessions (SwitchoverSize).
    pub switchover_octets: usize,
}

/// MSRP with TLS.
#[derive(Debug, Clone)]
pub struct MsrpTls {
    pub port: u16,
    /// Of the certificate that is shown there.
    pub fingerprint: Fingerprint,
}

/// A relay of MSRP that lends us its address.
#[derive(Debug, Clone)]
pub struct MsrpRelay {
    /// Without a session; `msrps` over TLS, where its certificate has to name the host.
    pub uri: sip_msrp::Uri,
    /// With what we answer when it asks who we are.
    pub account: Option<RelayAccount>,
}

impl MsrpRelay {
    /// One that does not ask who we are.
    ///
    /// # Errors
    /// This is no URI of MSRP.
    pub fn at(uri: &str) -> Result<Self, sip_msrp::UriError> {
        Ok(Self { uri: sip_msrp::Uri::parse(uri)?, account: None })
    }
}

/// Who we are to a relay.
#[derive(Debug, Clone)]
pub struct RelayAccount {
    pub user: SmolStr,
    pub password: Secret<Box<str>>,
}

impl Msrp {
    /// As it usually is, at that address.
    #[must_use]
    pub const fn at(address: IpAddr, port: u16) -> Self {
        Self {
            address,
            port,
            tls: None,
            relay: None,
            active: false,
            cema: true,
            match_by_id: false,
            message_octets_max: 1 << 20,
            idle: Duration::from_secs(300),
            timer: SessionTimerSettings { interval_s: 1_800, interval_s_min: SessionTimerSettings::FLOOR_S },
            sessions_max: 100_000,
            sessions_per_user_max: 32,
            switchover_octets: 1_300,
        }
    }
}

/// Group chats of which we are the focus (rcs sheet §10).
#[derive(Debug, Clone)]
pub struct Groups {
    /// User part of the conference factory's URI.
    pub factory: SmolStr,
    /// Members with the creator; a group that has fewer is over.
    pub members_min: usize,
    /// Over it nobody is added.
    pub members_max: usize,
    /// Groups in all; over it the quietest is forgotten, and its members create it again when they need it.
    pub groups_max: usize,
    pub groups_per_user_max: usize,
    /// A group in which nothing happened for so long is over.
    pub idle_max: Duration,
    pub subscriptions_per_member_max: usize,
    /// Messages that wait for one member's session.
    pub waiting_per_member_max: usize,
    /// Whether people without RCS take part, by numbers that are lent and in messengers.
    pub elsewhere: bool,
    /// What such a member writes to leave; compared without regard to case. The first is the one that is told.
    pub leave_words: Vec<SmolStr>,
    /// The first message to such a member; `{who}`, `{subject}` and `{leave}` stand for themselves.
    pub invitation: SmolStr,
}

impl Default for Groups {
    fn default() -> Self {
        Self {
            factory: SmolStr::new_static("conference-factory"),
            members_min: 2,
            members_max: 100,
            groups_max: 10_000,
            groups_per_user_max: 100,
            idle_max: Duration::from_secs(90 * 86_400),
            subscriptions_per_member_max: 4,
            waiting_per_member_max: 1_000,
            elsewhere: true,
            leave_words: vec![SmolStr::new_static("LEAVE"), SmolStr::new_static("나가기")],
            invitation: SmolStr::new_static(
                "{who} invites you to the group \"{subject}\". Answer to take part, send {leave} to leave.",
            ),
        }
    }
}

/// What our registrar allows.
#[derive(Debug, Clone, Copy)]
pub struct Registration {
    pub expires_s_min: u32,
    pub expires_s_max: u32,
    pub contacts_max: usize,
    pub users_max: usize,
}

impl Default for Registration {
    fn default() -> Self {
        Self { expires_s_min: 60, expires_s_max: 3_600, contacts_max: 8, users_max: 1_000_000 }
    }
}

/// What is said and asked about capabilities (RCC.07 §2.6, rcs sheet §4).
#[derive(Debug, Clone, Copy)]
pub struct CapabilityPolicy {
    /// How long what was learnt holds.
    pub expiry: Duration,
    /// How long it holds that somebody is no RCS user.
    pub negative_expiry: Duration,
    /// Ask before the first message when nothing is known.
    pub ask: bool,
    /// Answer for users of ours who are away, instead of 480.
    pub answer_for_absent: bool,
    /// Answer for every other number as well, instead of 404: we bring messages to all of them.
    pub answer_for_others: bool,
    /// What we can do ourselves, and for those who are away.
    pub offered: Capabilities,
}

impl Default for CapabilityPolicy {
    fn default() -> Self {
        Self {
            expiry: Duration::from_secs(30 * 86_400),
            negative_expiry: Duration::from_secs(86_400),
            ask: false,
            answer_for_absent: true,
            answer_for_others: false,
            offered: Capabilities::STANDALONE_PAGER
                | Capabilities::FILE_HTTP
                | Capabilities::GEO_PUSH
                | Capabilities::REVOCATION
                | Capabilities::CPIM_EXTENSIONS,
        }
    }
}

/// Who is believed without a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trust {
    /// A device is known by the connection over which it registered.
    pub connections: bool,
    /// A device is known by the UDP address from which it registered. Addresses of datagrams can be forged.
    pub datagrams: bool,
    /// Requests other than REGISTER are challenged with 401 in the place of 407.
    pub challenge_as_server: bool,
    /// Answer 200 to what was accepted, not 202: some clients take 202 for a failure.
    pub accept_with_200: bool,
}

impl Default for Trust {
    fn default() -> Self {
        Self { connections: true, datagrams: false, challenge_as_server: false, accept_with_200: false }
    }
}

/// The gateway as a service centre for short messages over IMS (TS 24.341).
#[derive(Debug, Clone)]
pub struct ShortMessages {
    /// Its number: handsets answer to it, and see it as their service centre.
    pub centre: Number,
    /// The clock on handsets, in quarters of an hour east of UTC.
    pub quarter_hours: i8,
    /// How long a handset may take to say RP-ACK, in seconds (TR1M and what a radio takes).
    pub answer_s: u32,
}

impl Default for ShortMessages {
    /// A number that Korean operators answer themselves, and Korea's time.
    fn default() -> Self {
        Self { centre: Number::written("100"), quarter_hours: 36, answer_s: 45 }
    }
}

/// How rich content is said in words and back.
#[derive(Debug, Clone)]
pub struct TextPolicy {
    /// The link to a map: `{lat}` and `{lon}` stand for the degrees.
    pub map_link: String,
    /// How addresses of files at our own content server become links for people.
    pub short_links: Option<ShortLinks>,
    /// What stands for encrypted content.
    pub encrypted: String,
    /// What stands for content that we do not know; `{type}` is its media type.
    pub unknown: String,
    /// How messages are taken back.
    pub revocation: revoke::Template,
}

/// What stands before the id of a file, in its address and in its link, and how much of the id stands in that.
#[derive(Debug, Clone)]
pub struct ShortLinks {
    pub long: String,
    pub short: String,
    pub digits: usize,
}

impl ShortLinks {
    /// The link for people, where the file is ours.
    #[must_use]
    pub fn shorten(&self, url: &str) -> Option<String> {
        let id = url.strip_prefix(&self.long)?;
        let whole = id.bytes().all(|octet| octet.is_ascii_alphanumeric());
        let short = id.get(..self.digits).filter(|_| whole)?;
        Some(format!("{}{short}", self.short))
    }
}

impl Default for TextPolicy {
    fn default() -> Self {
        Self {
            map_link: "https://www.openstreetmap.org/?mlat={lat}&mlon={lon}".into(),
            short_links: None,
            encrypted: "[encrypted message]".into(),
            unknown: "[{type}]".into(),
            revocation: revoke::Template::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_hold_what_begins_the_same() {
        let range = Range::new([10, 1, 0, 0].into(), 16);
        assert!(range.contains([10, 1, 255, 3].into()));
        assert!(!range.contains([10, 2, 0, 0].into()));
        assert!(range.contains("::ffff:10.1.2.3".parse().expect("an address")), "mapped is the same");
        assert!(Range::new([0, 0, 0, 0].into(), 0).contains([203, 0, 113, 9].into()));
        assert!(!Range::new([0, 0, 0, 0].into(), 0).contains("2001:db8::1".parse().expect("an address")));
        let v6 = Range::new("2001:db8::".parse().expect("an address"), 32);
        assert!(v6.contains("2001:db8:ffff::1".parse().expect("an address")));
        assert!(Range::new([127, 0, 0, 1].into(), 200).contains([127, 0, 0, 1].into()));
    }

    #[test]
    fn secrets_do_not_print() {
        let user = User { credential: Credential::Password(Secret::new("hunter2".into())), allowed: vec![] };
        assert!(!format!("{user:?}").contains("hunter2"));
    }
}
