//! Being known to a relay: AUTH as a client (RFC 4976 §5.1, §5.2).

use smol_str::SmolStr;

use super::{ConnectionId, Endpoint, connection::What};
use crate::{
    Action, Challenge, End, Method, Path, Response, Status, TransactionId, Uri, Writer,
    limits::AUTH_TRIES_MAX,
};

/// A relay lends its address for so long at least, whatever it says: renewing is not a loop.
const RENEW_US_MIN: i64 = 10_000_000;

/// What is asked of a relay. `Debug` shows no address.
#[derive(Debug)]
pub(super) struct Authorisation {
    /// The relay, behind relays on the way to it.
    relay: Path,
    local: Uri,
    expires_s: Option<u32>,
    /// Since it was last granted.
    tries: u8,
    pub(super) renew_at: Option<i64>,
}

impl Endpoint {
    /// Asks the relay at the end of `relay` for an address, over a connection to the first hop of it. What
    /// follows is [`Challenged`](Action::Challenged), then [`Authorized`](Action::Authorized) or
    /// [`NotAuthorized`](Action::NotAuthorized); from then on it is renewed by itself, with a challenge each time.
    pub fn authorize(
        &mut self,
        now: i64,
        connection: ConnectionId,
        relay: Path,
        local: Uri,
        expires_s: Option<u32>,
        out: &mut Vec<Action>,
    ) {
        if let Some(one) = self.connections.get_mut(&connection) {
            let asked = Authorisation { relay, local, expires_s, tries: 0, renew_at: None };
            one.authorisation = Some(Box::new(asked));
            self.send_auth(now, connection, None);
        }
        self.flush(out);
    }

    /// Answers a challenge with the value of `Authorization`.
    pub fn credentials(
        &mut self,
        now: i64,
        connection: ConnectionId,
        authorization: &str,
        out: &mut Vec<Action>,
    ) {
        self.send_auth(now, connection, Some(authorization));
        self.flush(out);
    }

    pub(super) fn renew(&mut self, now: i64, connection: ConnectionId) {
        let authorisation = self.connections.get_mut(&connection).and_then(|one| one.authorisation.as_mut());
        if let Some(authorisation) = authorisation {
            authorisation.renew_at = None;
            authorisation.tries = 0;
            self.send_auth(now, connection, None);
        }
    }

    fn send_auth(&mut self, now: i64, id: ConnectionId, authorization: Option<&str>) {
        let transaction = TransactionId::fresh(self.random.next());
        let Some(connection) = self.connections.get_mut(&id).filter(|one| !one.closing) else { return };
        let Some(asked) = &mut connection.authorisation else { return };
        asked.tries = asked.tries.saturating_add(1);
        let mut head = Writer::request(
            &mut connection.output,
            &transaction,
            &Method::Auth,
            (&Path::default(), &asked.relay),
            &asked.local,
        );
        if let Some(expires_s) = asked.expires_s {
            head = head.header("Expires", expires_s);
        }
        if let Some(value) = authorization {
            head = head.header("Authorization", value);
        }
        head.end(End::Complete);
        connection.expect(now, transaction, What::Auth);
        connection.written_at = now;
        connection.mark(id, &mut self.dirty);
        self.arm_connection(id);
    }

    pub(super) fn authorised(
        &mut self,
        now: i64,
        id: ConnectionId,
        response: Response,
        out: &mut Vec<Action>,
    ) {
        let authorisation = self.connections.get_mut(&id).and_then(|one| one.authorisation.as_mut());
        let Some(asked) = authorisation else { return };
        let seconds = |name| response.others.get(name).and_then(|value| value.parse::<u32>().ok());
        match response.status {
            Status::OK => {
                let use_path = response.others.get("Use-Path").and_then(|value| Path::parse(value).ok());
                let Some(use_path) = use_path else {
                    return self.not_authorised(id, Status::UNINTELLIGIBLE, out);
                };
                let expires_s = seconds("Expires");
                // Before it runs out, not when.
                let lent_us = expires_s.map(|seconds| (i64::from(seconds) * 800_000).max(RENEW_US_MIN));
                asked.renew_at = lent_us.map(|lent_us| now.saturating_add(lent_us));
                asked.tries = 0;
                out.push(Action::Authorized {
                    connection: id,
                    use_path,
                    expires_s,
                    headers: response.others,
                });
                self.arm_connection(id);
            }
            Status::UNAUTHORIZED if asked.tries < AUTH_TRIES_MAX => {
                let challenges: Vec<SmolStr> =
                    response.others.all("WWW-Authenticate").map(SmolStr::new).collect();
                if challenges.is_empty() {
                    return self.not_authorised(id, Status::UNAUTHORIZED, out);
                }
                let uri = asked.relay.last().map(|uri| SmolStr::new(uri.as_str())).unwrap_or_default();
                out.push(Action::Challenged(Challenge { connection: id, challenges, uri }));
            }
            Status::OUT_OF_BOUNDS if asked.tries < AUTH_TRIES_MAX => {
                let wished = asked.expires_s.unwrap_or(u32::MAX);
                let bounded = wished
                    .max(seconds("Min-Expires").unwrap_or(0))
                    .min(seconds("Max-Expires").unwrap_or(u32::MAX));
                asked.expires_s = Some(bounded);
                self.send_auth(now, id, None);
            }
            status => self.not_authorised(id, status, out),
        }
    }

    pub(super) fn not_authorised(&mut self, connection: ConnectionId, status: Status, out: &mut Vec<Action>) {
        if let Some(one) = self.connections.get_mut(&connection) {
            one.authorisation = None;
            out.push(Action::NotAuthorized { connection, status });
            self.arm_connection(connection);
        }
    }
}
