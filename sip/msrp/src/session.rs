//! What two ends have agreed on in SDP (RFC 4975 §8, RFC 6135, RFC 6714).

use crate::{Accepts, Fingerprint, Path, Uri, limits};

/// How a URI of ours in a request is recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Matching {
    /// Every part counts (RFC 4975 §6.1).
    #[default]
    Full,
    /// Only the session-id and the transport: both ends have `a=msrp-cema`, or there are boxes in the middle
    /// that write other hosts.
    SessionId,
}

/// One session, as an endpoint needs to know it. `Debug` shows no address.
#[derive(Debug, Clone)]
pub struct Session {
    /// Our end of our `a=path`.
    pub local: Uri,
    /// Relays of ours, in the order in which requests go through them (RFC 4976 §5.1: `Use-Path` reversed).
    /// None for Kamailio: it sends everything back that names its path for us first, and finds the other end by
    /// the path that it gave to that one.
    pub via: Path,
    /// The other end's `a=path`.
    pub remote: Path,
    /// How `local` is recognised.
    pub matching: Matching,
    /// Our `a=accept-types`.
    pub accepts: Accepts,
    /// Their `a=accept-types`.
    pub peer_accepts: Accepts,
    /// Our `a=max-size`: octets of a whole message.
    pub octets_max: usize,
    /// Their `a=max-size`.
    pub peer_octets_max: Option<u64>,
    /// We receive: neither `a=sendonly` nor `a=inactive` on our side.
    pub receives: bool,
    /// They receive.
    pub peer_receives: bool,
    /// The certificate that the other end announced; the connection must show it.
    pub fingerprint: Option<Fingerprint>,
    /// This is a conference that knows nicknames (RFC 7701).
    pub nicknames: bool,
    /// After how long without a message the session is over, in microseconds; typing marks do not count.
    pub idle_us: Option<i64>,
    /// Send empty requests so that address translators do not forget the connection.
    pub keep_alive: bool,
}

impl Session {
    /// A session that takes everything up to the usual size.
    pub fn new(local: Uri, remote: Path) -> Self {
        Self {
            local,
            via: Path::default(),
            remote,
            matching: Matching::default(),
            accepts: Accepts::any(),
            peer_accepts: Accepts::any(),
            octets_max: limits::MESSAGE_OCTETS,
            peer_octets_max: None,
            receives: true,
            peer_receives: true,
            fingerprint: None,
            nicknames: false,
            idle_us: None,
            keep_alive: false,
        }
    }

    /// Is this URI in a request ours?
    pub fn is_local(&self, uri: &Uri) -> bool {
        match self.matching {
            Matching::Full => self.local.matches(uri),
            Matching::SessionId => self.local.matches_session(uri),
        }
    }
}
