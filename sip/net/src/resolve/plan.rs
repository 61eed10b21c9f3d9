//! Where a request goes (RFC 3263 §4), as a value that says what to look up next.
//!
//! | the URI | looked up |
//! | --- | --- |
//! | numeric host | nothing |
//! | name and port | the addresses of the name |
//! | name and transport | SRV of that transport, without records the addresses of the name |
//! | name only | NAPTR, without usable records SRV of each transport, without those the addresses |

use std::{
    collections::VecDeque,
    fmt,
    net::{IpAddr, SocketAddr},
};

use smallvec::SmallVec;
use smol_str::SmolStr;

use crate::Transport;

/// Questions asked for one destination; more than any sane zone needs.
pub const QUERIES_MAX: usize = 24;
/// Servers worth trying for one request.
pub const CANDIDATES_MAX: usize = 16;
/// Records of one answer that are looked at.
pub const RECORDS_MAX: usize = 16;
/// Longest name that is asked for (RFC 1035 §2.3.4).
pub const NAME_OCTETS_MAX: usize = 253;

/// A host as it stands in a URI or a `sent-by`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Host {
    /// Lower case, without the last dot.
    Name(SmolStr),
    Ip(IpAddr),
}

impl Host {
    /// Reads a name, an IPv4 address or an IPv6 address with or without brackets. `None` for what can be
    /// neither.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
        if let Ok(ip) = bare.parse::<IpAddr>() {
            return Some(Self::Ip(ip.to_canonical()));
        }
        let name = text.strip_suffix('.').unwrap_or(text);
        let sound = !name.is_empty()
            && name.len() <= NAME_OCTETS_MAX
            && name.bytes().all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'.' | b'_'))
            && name.split('.').all(|label| (1..=63).contains(&label.len()));
        sound.then(|| Self::Name(name.to_ascii_lowercase().into()))
    }
}

impl fmt::Debug for Host {
    /// Says what it is, not who: the host of a contact belongs to a subscriber.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Name(_) => "name",
            Self::Ip(IpAddr::V4(_)) => "IPv4",
            Self::Ip(IpAddr::V6(_)) => "IPv6",
        })
    }
}

/// What a URI says about where its requests go.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Destination {
    /// `maddr` when there is one, else the host.
    pub host: Host,
    pub port: Option<u16>,
    /// The `transport` parameter.
    pub transport: Option<Transport>,
    /// The scheme is `sips`: only TLS will do, whatever the parameter says.
    pub secure: bool,
}

impl Destination {
    /// A numeric address with its transport: needs no look-up.
    #[must_use]
    pub fn numeric(transport: Transport, address: SocketAddr) -> Self {
        Self {
            host: Host::Ip(address.ip()),
            port: Some(address.port()),
            transport: Some(transport),
            secure: transport == Transport::Tls,
        }
    }

    /// The name a TLS server has to prove: that of the URI, never one that DNS gave (RFC 5922 §7.3).
    #[must_use]
    pub fn server_name(&self) -> SmolStr {
        match &self.host {
            Host::Name(name) => name.clone(),
            Host::Ip(ip) => smol_str::format_smolstr!("{ip}"),
        }
    }

    /// RFC 3263 §4.1: the transport that needs no look-up.
    fn transport_said(&self) -> Option<Transport> {
        match (self.secure, self.transport) {
            (true, _) => Some(Transport::Tls),
            (false, said) => said,
        }
    }

    const fn transport_default(&self) -> Transport {
        if self.secure { Transport::Tls } else { Transport::Udp }
    }
}

/// One server to try.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Candidate {
    pub transport: Transport,
    pub address: SocketAddr,
}

impl fmt::Debug for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Candidate").field("transport", &self.transport).finish_non_exhaustive()
    }
}

/// In the order they are to be tried.
pub type Candidates = SmallVec<[Candidate; 2]>;

/// What this end can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Abilities {
    pub udp: bool,
    pub tcp: bool,
    pub tls: bool,
    pub ipv4: bool,
    pub ipv6: bool,
}

impl Abilities {
    pub const ALL: Self = Self { udp: true, tcp: true, tls: true, ipv4: true, ipv6: true };

    const fn speaks(self, transport: Transport) -> bool {
        match transport {
            Transport::Udp => self.udp,
            Transport::Tcp => self.tcp,
            Transport::Tls => self.tls,
        }
    }

    const fn reaches(self, ip: IpAddr) -> bool {
        match ip {
            IpAddr::V4(_) => self.ipv4,
            IpAddr::V6(_) => self.ipv6,
        }
    }
}

/// One question. Names are lower case, without the last dot.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Query {
    Naptr(SmolStr),
    Srv(SmolStr),
    /// A and AAAA.
    Addresses(SmolStr),
}

impl fmt::Debug for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Naptr(_) => "Naptr",
            Self::Srv(_) => "Srv",
            Self::Addresses(_) => "Addresses",
        })
    }
}

/// RFC 3403, what SIP needs of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Naptr {
    pub order: u16,
    pub preference: u16,
    /// Only `s` leads to SRV records.
    pub flags: SmolStr,
    /// `SIP+D2U`, `SIP+D2T`, `SIPS+D2T`; others are not for us.
    pub service: SmolStr,
    pub replacement: SmolStr,
}

/// RFC 2782.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Srv {
    pub priority: u16,
    pub weight: u16,
    pub port: u16,
    /// Empty for `.`: the service is decidedly not offered.
    pub target: SmolStr,
}

/// What came of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    Naptr(Vec<Naptr>),
    Srv(Vec<Srv>),
    Addresses(Vec<IpAddr>),
    /// No such name, or no such records.
    Nothing,
    /// Nobody could tell.
    Failed,
}

/// Why there is nowhere to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unresolved {
    #[error("the name leads to no server")]
    NoServer,
    #[error("the name servers did not answer")]
    NoAnswer,
    #[error("no transport or address family in common")]
    NothingInCommon,
}

/// The course of one resolution.
#[derive(Debug)]
pub struct Plan {
    destination: Destination,
    abilities: Abilities,
    /// Steps still to do, the next one first.
    steps: VecDeque<Step>,
    found: Candidates,
    asked: usize,
    /// SRV records said who serves; the addresses of the name itself are no longer an answer (RFC 2782).
    served: bool,
    failed: bool,
    /// Something was found that this end cannot use.
    foreign: bool,
    random: u64,
}

#[derive(Debug, Clone)]
enum Step {
    Naptr,
    Srv {
        name: SmolStr,
        transport: Transport,
    },
    Addresses {
        name: SmolStr,
        port: u16,
        transport: Transport,
    },
    /// Only when no record was found so far: SRV of each transport.
    Guess,
    /// Only when no SRV record was found: the name itself.
    Own {
        transport: Transport,
    },
}

impl Plan {
    /// `random` decides between servers of equal priority; any value will do.
    #[must_use]
    pub fn new(destination: &Destination, abilities: Abilities, random: u64) -> Self {
        let mut plan = Self {
            destination: destination.clone(),
            abilities,
            steps: VecDeque::new(),
            found: Candidates::new(),
            asked: 0,
            served: false,
            failed: false,
            foreign: false,
            random,
        };
        let said = destination.transport_said();
        let transport = said.unwrap_or_else(|| destination.transport_default());
        let port = destination.port.unwrap_or_else(|| transport.port_default());
        match (&destination.host, destination.port, said) {
            (Host::Ip(ip), ..) => plan.add(&[*ip], port, transport),
            (Host::Name(name), Some(_), _) => {
                plan.steps.push_back(Step::Addresses { name: name.clone(), port, transport });
            }
            // `sips` alone asks NAPTR like everybody: the zone may name its TLS servers only there.
            (Host::Name(name), None, Some(transport)) if destination.transport.is_some() => {
                plan.steps.push_back(Step::Srv { name: srv_name(transport, name), transport });
                plan.steps.push_back(Step::Own { transport });
            }
            (Host::Name(_), None, _) => {
                plan.steps.extend([Step::Naptr, Step::Guess, Step::Own { transport }]);
            }
        }
        plan.settle();
        plan
    }

    /// The question that [`Self::answer`] waits for; none when the plan is done.
    #[must_use]
    pub fn query(&self) -> Option<Query> {
        let Host::Name(host) = &self.destination.host else { return None };
        Some(match self.steps.front()? {
            Step::Naptr => Query::Naptr(host.clone()),
            Step::Srv { name, .. } => Query::Srv(name.clone()),
            Step::Addresses { name, .. } => Query::Addresses(name.clone()),
            Step::Guess | Step::Own { .. } => return None,
        })
    }

    /// Goes on with what came of the question.
    pub fn answer(&mut self, answer: &Answer) {
        let Some(step) = self.steps.pop_front() else { return };
        self.asked += 1;
        self.failed |= *answer == Answer::Failed;
        match (step, answer) {
            (Step::Naptr, Answer::Naptr(records)) => self.naptr(records),
            (Step::Srv { transport, .. }, Answer::Srv(records)) => self.srv(records, transport),
            (Step::Addresses { port, transport, .. }, Answer::Addresses(addresses)) => {
                // Spreads the load over the addresses of one name.
                let mut addresses: SmallVec<[IpAddr; 8]> =
                    addresses.iter().take(RECORDS_MAX).copied().collect();
                let turns = self.below(addresses.len());
                addresses.rotate_left(turns);
                self.add(&addresses, port, transport);
            }
            _ => {}
        }
        self.settle();
    }

    /// The servers in the order they are to be tried.
    ///
    /// # Errors
    /// When there is none, and why.
    pub fn finish(self) -> Result<Candidates, Unresolved> {
        match (self.found.is_empty(), self.failed, self.foreign) {
            (false, ..) => Ok(self.found),
            (true, _, true) => Err(Unresolved::NothingInCommon),
            (true, true, false) => Err(Unresolved::NoAnswer),
            (true, false, false) => Err(Unresolved::NoServer),
        }
    }

    /// Replaces conditional steps until the next one asks something.
    fn settle(&mut self) {
        if self.asked >= QUERIES_MAX || self.found.len() >= CANDIDATES_MAX {
            self.steps.clear();
        }
        let Host::Name(host) = self.destination.host.clone() else { return };
        while let Some(step @ (Step::Guess | Step::Own { .. })) = self.steps.front().cloned() {
            self.steps.pop_front();
            if self.served || !self.found.is_empty() {
                continue;
            }
            if let Step::Own { transport } = step {
                let port = transport.port_default();
                self.steps.push_front(Step::Addresses { name: host, port, transport });
                break;
            }
            let transports: &[Transport] =
                if self.destination.secure { &[Transport::Tls] } else { &[Transport::Udp, Transport::Tcp] };
            for &transport in transports.iter().rev().filter(|&&transport| self.abilities.speaks(transport)) {
                self.steps.push_front(Step::Srv { name: srv_name(transport, &host), transport });
            }
        }
    }

    /// RFC 3263 §4.1: by order, then preference; what this end cannot speak is left out.
    fn naptr(&mut self, records: &[Naptr]) {
        let mut usable: SmallVec<[(&Naptr, Transport); 4]> = SmallVec::new();
        for record in records.iter().take(RECORDS_MAX) {
            let Some(transport) = naptr_transport(&record.service) else { continue };
            if !record.flags.eq_ignore_ascii_case("s") || record.replacement.is_empty() {
                continue;
            }
            if self.destination.secure && transport != Transport::Tls {
                continue;
            }
            if self.abilities.speaks(transport) {
                usable.push((record, transport));
            } else {
                self.foreign = true;
            }
        }
        usable.sort_by_key(|(record, _)| (record.order, record.preference));
        for (record, transport) in usable.into_iter().rev() {
            self.steps.push_front(Step::Srv { name: record.replacement.clone(), transport });
        }
    }

    fn srv(&mut self, records: &[Srv], transport: Transport) {
        self.served |= !records.is_empty();
        let mut left: SmallVec<[&Srv; 8]> =
            records.iter().take(RECORDS_MAX).filter(|record| !record.target.is_empty()).collect();
        // RFC 2782: those of weight 0 come first, so that they have a small chance too.
        left.sort_by_key(|record| (record.priority, record.weight != 0));
        let mut ordered: SmallVec<[&Srv; 8]> = SmallVec::new();
        while let Some(first) = left.first() {
            let equals = left.iter().take_while(|record| record.priority == first.priority).count();
            let sum: usize = left.iter().take(equals).map(|record| usize::from(record.weight)).sum();
            let mut drawn = self.below(sum + 1);
            let chosen = left
                .iter()
                .take(equals)
                .position(|record| {
                    let weight = usize::from(record.weight);
                    let hit = drawn <= weight;
                    drawn = drawn.saturating_sub(weight);
                    hit
                })
                .unwrap_or(0);
            ordered.push(left.remove(chosen));
        }
        for record in ordered.into_iter().rev() {
            let step = match Host::parse(&record.target) {
                Some(Host::Name(name)) => Step::Addresses { name, port: record.port, transport },
                // An address as the target of an SRV record is wrong (RFC 2782).
                _ => continue,
            };
            self.steps.push_front(step);
        }
    }

    fn add(&mut self, addresses: &[IpAddr], port: u16, transport: Transport) {
        for &ip in addresses {
            if !self.abilities.speaks(transport) || !self.abilities.reaches(ip) || port == 0 {
                self.foreign = true;
                continue;
            }
            let candidate = Candidate { transport, address: SocketAddr::new(ip, port) };
            if self.found.len() < CANDIDATES_MAX && !self.found.contains(&candidate) {
                self.found.push(candidate);
            }
        }
    }

    /// A number below `bound`, which may be zero (splitmix64).
    fn below(&mut self, bound: usize) -> usize {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        let bound = u64::try_from(bound.max(1)).unwrap_or(1);
        usize::try_from(mixed % bound).unwrap_or(0)
    }
}

fn naptr_transport(service: &str) -> Option<Transport> {
    const SERVICES: [(&str, Transport); 3] =
        [("SIP+D2U", Transport::Udp), ("SIP+D2T", Transport::Tcp), ("SIPS+D2T", Transport::Tls)];
    SERVICES.iter().find(|(name, _)| name.eq_ignore_ascii_case(service)).map(|(_, transport)| *transport)
}

/// RFC 3263 §4.1, table in §4.2.
fn srv_name(transport: Transport, host: &str) -> SmolStr {
    let service = match transport {
        Transport::Udp => "_sip._udp",
        Transport::Tcp => "_sip._tcp",
        Transport::Tls => "_sips._tcp",
    };
    smol_str::format_smolstr!("{service}.{host}")
}
