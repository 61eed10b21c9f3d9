//! What both ends of a session say about it: services, descriptions, and the session that MSRP makes of them
//! (rcs sheet §1.2, §8.1).

use sip_message::{Name, Params, Request};
use sip_msrp::{Accepts, Fingerprint, Matching, Path, Uri};
use sip_rcs::{
    Features,
    features::{icsi, service_name, tag},
    sdp::{Agreed, Connect, Direction, Local, Role, Setup, Types},
};

use sip_transaction::Transport;

use super::{super::Core, Purpose, relay::Lease};
use crate::settings::Msrp;

/// What may be sent to us as such; everything may be inside CPIM.
const ACCEPTED: &str = "message/cpim application/im-iscomposing+xml";

/// A session as MSRP knows it, and where its connection goes when we open it.
pub(crate) struct MsrpSession {
    pub(super) session: sip_msrp::Session,
    pub(super) reach: Reach,
    pub(super) agreed: Agreed,
}

/// How a session comes to its connection.
pub(super) enum Reach {
    /// The other end connects, or speaks first.
    Waits,
    /// We connect to there, with TLS or without.
    To(Connect, bool),
    /// We speak first, over the connection to our relay.
    Relay,
}

/// Why there is none: 488.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotAcceptable;

/// What an INVITE is for (rcs sheet §3): what the network asserts, what the device prefers, what it wants of the
/// other end; without any of them a stream of messages is a chat. `None` for what is not ours.
pub(super) fn purpose(request: &Request, trusted: bool) -> Option<Purpose> {
    let asserted = request.headers.text(Name::PAssertedService).filter(|_| trusted);
    let named = asserted.or_else(|| request.headers.text(Name::PPreferredService)).and_then(service_name);
    if let Some(name) = named {
        return of_service(name);
    }
    let wanted = wanted(request);
    for (name, purpose) in SERVICES {
        if wanted.has_service(name) {
            return *purpose;
        }
    }
    if wanted.has_tag(tag::LARGE_MESSAGE) {
        return Some(Purpose::Large);
    }
    Some(Purpose::Chat)
}

/// The more particular ones first. Those without a purpose are not served here.
const SERVICES: &[(&str, Option<Purpose>)] = &[
    (icsi::SESSION_GROUP, None),
    (icsi::FILE_TRANSFER_GROUP, None),
    (icsi::FILE_TRANSFER, None),
    (icsi::LARGE_MSG_GROUP, None),
    (icsi::MMTEL, None),
    (icsi::LARGE_MSG, Some(Purpose::Large)),
    (icsi::DEFERRED, Some(Purpose::Chat)),
    (icsi::SESSION, Some(Purpose::Chat)),
];

fn of_service(name: &str) -> Option<Purpose> {
    SERVICES.iter().find(|(known, _)| *known == name).map_or(Some(Purpose::Chat), |(_, purpose)| *purpose)
}

/// The tags of all Accept-Contact together.
fn wanted(request: &Request) -> Features {
    let mut all = Features::default();
    for value in request.headers.list(Name::AcceptContact) {
        let Some(at) = value.iter().position(|octet| *octet == b';') else { continue };
        let params = Params::parse(value.get(at..).unwrap_or_default()).unwrap_or_default();
        all.merge(&super::super::registrar::features(params));
    }
    all
}

/// The service of a purpose, as we name it ourselves.
pub(super) const fn service(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Chat => icsi::SESSION,
        Purpose::Large => icsi::LARGE_MSG,
        Purpose::Group => icsi::SESSION_GROUP,
    }
}

impl Core {
    /// Our Contact within dialogs, with what we can do there.
    pub(in super::super) fn contact_for(&self, transport: Transport, purpose: Purpose) -> String {
        let transport = match transport {
            Transport::Udp => "",
            Transport::Tcp => ";transport=tcp",
            Transport::Tls => ";transport=tls",
        };
        let service = service(purpose);
        format!(
            "<sip:{}{transport}>;+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A3gpp-service.ims.icsi.{service}\"",
            self.settings.contact
        )
    }

    /// A new description of our end, with a new URI. `None` when sessions are not served, or go through a relay that
    /// is away.
    pub(in super::super) fn describe(
        &mut self,
        tls: bool,
        setup: Setup,
        direction: Direction,
    ) -> Option<Local> {
        let settings = self.settings.clone();
        let msrp = settings.msrp.as_ref()?;
        if msrp.relay.is_some() {
            return self.describe_behind_relay(msrp, setup, direction);
        }
        let tls = tls && msrp.tls.is_some();
        let port = msrp.tls.as_ref().filter(|_| tls).map_or(msrp.port, |tls| tls.port);
        let random = [self.draw.word(), self.draw.word()];
        let uri = Uri::ours(tls, &msrp.address.to_string(), port, random).ok()?;
        Some(Local {
            // Below 2^53: some peers keep numbers as floating point.
            session_id: self.draw.word() >> 11,
            session_version: 1,
            address: msrp.address,
            port,
            path: sip_rcs::Private(uri.as_str().to_owned()),
            tls,
            fingerprint: msrp.tls.as_ref().filter(|_| tls).map(|tls| tls.fingerprint.to_string()),
            setup,
            cema: msrp.cema,
            accept_types: Types::read(ACCEPTED),
            accept_wrapped_types: Types::any(),
            max_size: Some(msrp.message_octets_max as u64),
            direction,
            more: Vec::new(),
        })
    }

    /// The same where we are reached through a relay: what others connect to is that one. There is neither a
    /// certificate of ours to be shown there nor a choice between two addresses (RFC 6714 is for boxes without AUTH).
    fn describe_behind_relay(&mut self, msrp: &Msrp, setup: Setup, direction: Direction) -> Option<Local> {
        let random = [self.draw.word(), self.draw.word()];
        let session_id = self.draw.word() >> 11;
        let secure = msrp.relay.as_ref()?.uri.is_secure();
        let lease = self.sessions.relay.lease()?;
        let own = Uri::ours(secure, &msrp.address.to_string(), msrp.port, random).ok()?;
        Some(Local {
            session_id,
            session_version: 1,
            address: lease.address,
            port: lease.port,
            path: sip_rcs::Private(lease.path_to(&own)),
            tls: lease.tls,
            fingerprint: None,
            setup,
            cema: false,
            accept_types: Types::read(ACCEPTED),
            accept_wrapped_types: Types::any(),
            max_size: Some(msrp.message_octets_max as u64),
            direction,
            more: Vec::new(),
        })
    }
}

/// What MSRP has to know of what was agreed on. `lease` is what the relay lends that our end was described with.
pub(super) fn msrp_session(
    msrp: &Msrp,
    lease: Option<&Lease>,
    local: &Local,
    agreed: Agreed,
    idle: bool,
) -> Result<MsrpSession, NotAcceptable> {
    let ours = Path::parse(&local.path).map_err(|_| NotAcceptable)?;
    let uri = ours.last().cloned().ok_or(NotAcceptable)?;
    let path = agreed.path.iter().map(|uri| uri.as_str()).collect::<Vec<_>>().join(" ");
    let remote = Path::parse(&path).map_err(|_| NotAcceptable)?;
    let fingerprint = match &agreed.fingerprint {
        // One that cannot be checked proves nothing (rcs sheet §9.2).
        // Behind a relay it is the relay that shows one.
        Some(text) if agreed.tls && lease.is_none() => Some(Fingerprint::parse(text).ok_or(NotAcceptable)?),
        _ => None,
    };
    let by_id = agreed.cema || msrp.match_by_id;
    let session = sip_msrp::Session {
        matching: if by_id { Matching::SessionId } else { Matching::Full },
        accepts: Accepts::parse(ACCEPTED),
        peer_accepts: Accepts::parse(&agreed.may_send.to_string()),
        octets_max: msrp.message_octets_max,
        peer_octets_max: agreed.max_size,
        receives: agreed.direction.receives(),
        peer_receives: agreed.direction.sends(),
        fingerprint,
        idle_us: idle.then(|| i64::try_from(msrp.idle.as_micros()).unwrap_or(i64::MAX)),
        keep_alive: true,
        via: lease.map(|lease| lease.way_out(&remote)).unwrap_or_default(),
        ..sip_msrp::Session::new(uri, remote)
    };
    let reach = match (agreed.role, lease) {
        (Role::Passive, _) => Reach::Waits,
        (Role::Active, None) => Reach::To(agreed.connect.clone(), agreed.tls),
        (Role::Active, Some(_)) => Reach::Relay,
    };
    Ok(MsrpSession { session, reach, agreed })
}
