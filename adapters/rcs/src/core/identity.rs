//! Who a request is from: a peer that is believed, a device that registered, or somebody who knows a password
//! (RFC 3325, RFC 3261 §22, rcs sheet §2, §15.5).

use std::net::IpAddr;

use hashbrown::HashMap;
use model::{Address, Number};
use sip_message::{
    Name, Request, StatusCode, UriRef,
    digest::{Card, Guard, Judgement, NonceKey, Secret, sequence_number},
};
use sip_transaction::{Flow, ServerKey, Transport};

use super::{Core, draw::Draw};
use crate::{
    Settings,
    settings::{Credential, Peer},
    translate::{Back, Line, number_of},
};

/// Somebody who was recognised.
#[derive(Debug, Clone)]
pub(super) struct Sender {
    pub(super) line: Line,
    pub(super) number: Number,
    /// Vouched for by a peer that is believed; what it says besides is believed too.
    pub(super) trusted: bool,
    /// Whether CPM headers are insisted on.
    pub(super) strict: bool,
    /// Where reports go, when the sender is not registered here.
    pub(super) back: Option<Back>,
}

impl Sender {
    pub(super) fn address(&self) -> Address {
        Address::Number(self.number.clone())
    }
}

/// Why somebody was not recognised. The request is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unrecognised;

/// Addresses whose wrong passwords are remembered at a time.
const SOURCES_MAX: usize = 10_000;

/// Asks for passwords, and remembers who got them wrong.
#[derive(Debug)]
pub(super) struct Doorkeeper {
    pub(super) guard: Guard,
    wrong: HashMap<IpAddr, Wrong>,
}

#[derive(Debug, Clone, Copy)]
struct Wrong {
    count: u32,
    /// Until then they count, and over the limit nothing is listened to.
    until_us: i64,
}

impl Doorkeeper {
    pub(super) fn new(settings: &Settings) -> Self {
        Self { guard: guard(settings), wrong: HashMap::new() }
    }

    pub(super) fn set(&mut self, settings: &Settings) {
        // Nonces that are out stay good: they are proven by the secret.
        if self.guard.realm() != settings.realm {
            self.guard = guard(settings);
        }
        self.guard.nonce_life_us = i64::from(settings.limits.nonce_s) * 1_000_000;
        self.guard.algorithms = settings.digests.iter().copied().collect();
    }

    pub(super) fn is_locked_out(&self, now_us: i64, source: IpAddr, settings: &Settings) -> bool {
        self.wrong
            .get(&source)
            .is_some_and(|wrong| wrong.until_us > now_us && wrong.count >= settings.limits.failures_max)
    }

    pub(super) fn got_it_wrong(&mut self, now_us: i64, source: IpAddr, settings: &Settings) {
        if self.wrong.len() >= SOURCES_MAX {
            self.wrong.retain(|_, wrong| wrong.until_us > now_us);
            if self.wrong.len() >= SOURCES_MAX {
                return;
            }
        }
        let until_us = now_us + i64::from(settings.limits.lockout_s) * 1_000_000;
        let wrong = self.wrong.entry(source).or_insert(Wrong { count: 0, until_us });
        if wrong.until_us <= now_us {
            wrong.count = 0;
        }
        *wrong = Wrong { count: wrong.count.saturating_add(1), until_us };
    }
}

fn guard(settings: &Settings) -> Guard {
    let mut key = [0; 32];
    let (left, right) = key.split_at_mut(16);
    left.copy_from_slice(settings.secret.reveal());
    // Another use of the same secret.
    right.copy_from_slice(b"nonces of digest");
    let mut guard = Guard::new(&settings.realm, NonceKey::new(key));
    guard.nonce_life_us = i64::from(settings.limits.nonce_s) * 1_000_000;
    guard.algorithms = settings.digests.iter().copied().collect();
    guard
}

impl Core {
    /// The peer at that address, if it is believed.
    pub(super) fn peer(&self, flow: Flow) -> Option<&Peer> {
        self.peer_at(flow.remote.ip())
    }

    fn peer_at(&self, ip: IpAddr) -> Option<&Peer> {
        self.settings.peers.iter().find(|peer| peer.addresses.iter().any(|range| range.contains(ip)))
    }

    /// Whether a peer that is believed is at that address.
    pub(super) fn is_peer(&self, ip: IpAddr) -> bool {
        self.peer_at(ip).is_some()
    }

    /// Who a request other than REGISTER is from.
    ///
    /// # Errors
    /// When nobody can be recognised: then the request is answered, with a challenge or a refusal.
    pub(super) fn recognise(
        &mut self,
        now_us: i64,
        key: ServerKey,
        flow: Flow,
        request: &Request,
    ) -> Result<Sender, Unrecognised> {
        if let Some(peer) = self.peer(flow) {
            let strict = peer.strict;
            let Some(number) = asserted(request) else {
                self.answer(now_us, key, StatusCode::FORBIDDEN);
                return Err(Unrecognised);
            };
            let line = Line::of(&number, &self.settings.numbering);
            let back = Some(Back::new(flow.transport, flow.remote));
            return Ok(Sender { line, number, trusted: true, strict, back });
        }
        if request.headers.contains(Name::PAssertedIdentity) {
            self.counts.asserted_dropped += 1;
        }
        let Some(number) = request.from().and_then(|from| number_of(&from.uri)) else {
            self.answer(now_us, key, StatusCode::FORBIDDEN);
            return Err(Unrecognised);
        };
        let line = Line::of(&number, &self.settings.numbering);
        if !self.is_registered_here(now_us, flow, &line) {
            let as_server = self.settings.trust.challenge_as_server;
            self.prove(now_us, key, flow, request, &line, as_server)?;
        }
        Ok(Sender { line, number, trusted: false, strict: false, back: None })
    }

    /// Whether a device of that person registered the same way the request came, and that is believed.
    fn is_registered_here(&self, now_us: i64, flow: Flow, line: &Line) -> bool {
        let trust = self.settings.trust;
        let believed = match flow.transport {
            Transport::Udp => trust.datagrams,
            Transport::Tcp | Transport::Tls => trust.connections,
        };
        let same_way = |its: Flow| match flow.transport {
            Transport::Udp => its.transport == Transport::Udp && its.remote == flow.remote,
            Transport::Tcp | Transport::Tls => its.transport == flow.transport && its.id == flow.id,
        };
        believed
            && self.location.lookup(now_us, line.as_str()).any(|binding| binding.flow.is_some_and(same_way))
    }

    /// Wants proof that a request is from `line`: its password. Challenges when there is none.
    pub(super) fn prove(
        &mut self,
        now_us: i64,
        key: ServerKey,
        flow: Flow,
        request: &Request,
        line: &Line,
        as_server: bool,
    ) -> Result<(), Unrecognised> {
        let settings = self.settings.clone();
        let source = flow.remote.ip().to_canonical();
        if self.doorkeeper.is_locked_out(now_us, source, &settings) {
            self.counts.wrong += 1;
            self.refuse_request(now_us, key, model::Cause::Throttled);
            return Err(Unrecognised);
        }
        let name = if as_server { Name::Authorization } else { Name::ProxyAuthorization };
        let source_octets = octets(source);
        // Clients answer the challenge that they were given, now and then under the other name.
        let other = if as_server { Name::ProxyAuthorization } else { Name::Authorization };
        let guard = &mut self.doorkeeper.guard;
        let credentials = guard.credentials(request, name).or_else(|| guard.credentials(request, other));
        let mut stale = false;
        let mut sqn = None;
        if let Some(credentials) = &credentials {
            let user = (owner(&credentials.username, &settings).as_ref() == Some(line))
                .then(|| settings.users.get(line))
                .flatten();
            let judgement = match user.filter(|user| user.is_allowed(source)).map(|user| &user.credential) {
                Some(Credential::Card(card)) if credentials.auts.is_some() => {
                    // The card has seen later numbers than ours.
                    sqn = guard.synchronised(&source_octets, credentials, card.reveal());
                    if sqn.is_some() { Judgement::Unfit } else { Judgement::Wrong }
                }
                Some(Credential::Card(card)) => {
                    guard.judge_aka(now_us, &source_octets, request, credentials, card.reveal())
                }
                Some(credential) => match secret(credential, credentials) {
                    Some(secret) => guard.judge(now_us, &source_octets, request, credentials, secret),
                    None => Judgement::Unfit,
                },
                None => Judgement::Wrong,
            };
            match judgement {
                Judgement::Good => return Ok(()),
                Judgement::Stale => stale = true,
                Judgement::Unfit => {}
                Judgement::Wrong => {
                    self.counts.wrong += 1;
                    self.watch.auth_failed();
                    self.doorkeeper.got_it_wrong(now_us, source, &settings);
                    // Over the limit nothing is asked any more.
                    if self.doorkeeper.is_locked_out(now_us, source, &settings) {
                        self.answer(now_us, key, StatusCode::FORBIDDEN);
                        return Err(Unrecognised);
                    }
                }
            }
        }
        let card = settings.users.get(line).and_then(|user| match &user.credential {
            Credential::Card(card) => {
                Some((&**card.reveal(), sqn.unwrap_or_else(|| sequence_number(now_us))))
            }
            Credential::Password(_) | Credential::Ha1 { .. } => None,
        });
        self.challenge(now_us, key, &source_octets, stale, as_server, card);
        Err(Unrecognised)
    }

    fn challenge(
        &mut self,
        now_us: i64,
        key: ServerKey,
        source: &[u8],
        stale: bool,
        as_server: bool,
        card: Option<(&Card, u64)>,
    ) {
        self.counts.challenges += 1;
        let (status, name) = if as_server {
            (StatusCode::UNAUTHORIZED, Name::WwwAuthenticate)
        } else {
            (StatusCode::PROXY_AUTHENTICATION_REQUIRED, Name::ProxyAuthenticate)
        };
        let random = random(&mut self.draw);
        let mut response = sip_message::Response::new(status, sip_message::Headers::new());
        let (guard, headers) = (&self.doorkeeper.guard, &mut response.headers);
        match card {
            Some((card, sqn)) => guard.challenge_aka(now_us, random, source, card, sqn, &name, headers),
            None => guard.challenge(now_us, random, source, stale, &name, headers),
        }
        let _gone = self.layer.respond(now_us, key, &response, &mut self.actions);
    }
}

fn random(draw: &mut Draw) -> [u8; 16] {
    draw.next().to_be_bytes()
}

/// What a nonce is bound to: a client behind a changing port keeps its nonce.
pub(super) fn octets(source: IpAddr) -> smallvec::SmallVec<[u8; 16]> {
    match source {
        IpAddr::V4(address) => address.octets().as_slice().into(),
        IpAddr::V6(address) => address.octets().as_slice().into(),
    }
}

/// Whose private identity it is: a number, with the domain or without (`+8210…`, `+8210…@domain`, `sip:+8210…@domain`).
pub(super) fn owner(username: &str, settings: &Settings) -> Option<Line> {
    let bare = username.strip_prefix("sip:").unwrap_or(username);
    let number = match bare.split_once('@') {
        Some((user, domain))
            if domain.eq_ignore_ascii_case(&settings.domain)
                || domain.eq_ignore_ascii_case(&settings.realm) =>
        {
            user
        }
        Some(_) => return None,
        None => bare,
    };
    let number = Number::written(number);
    (number.ton != model::Ton::ALPHANUMERIC).then(|| Line::of(&number, &settings.numbering))
}

pub(super) fn secret<'a>(
    credential: &'a Credential,
    credentials: &sip_message::digest::Credentials,
) -> Option<Secret<'a>> {
    use sip_message::digest::Algorithm;
    match credential {
        Credential::Password(password) => Some(Secret::Password(password.reveal().as_bytes())),
        Credential::Ha1 { md5, sha256 } => {
            let ha1 = match credentials.algorithm {
                Algorithm::MD5 | Algorithm::MD5_SESS => md5,
                Algorithm::SHA_256 | Algorithm::SHA_256_SESS => sha256,
                _ => &None,
            };
            ha1.as_ref().map(|ha1| Secret::Ha1(ha1.reveal()))
        }
        Credential::Card(_) => None,
    }
}

/// Who a peer says it is: the `tel:` of P-Asserted-Identity, else its `sip:`, else From.
fn asserted(request: &Request) -> Option<Number> {
    let mut found = None;
    for identity in request.headers.addresses(Name::PAssertedIdentity).filter_map(Result::ok) {
        let uri: UriRef<'_> = identity.uri;
        if let Some(number) = number_of(&uri) {
            if uri.scheme() == sip_message::Scheme::Tel {
                return Some(number);
            }
            found = found.or(Some(number));
        }
    }
    found.or_else(|| number_of(&request.from()?.uri))
}
