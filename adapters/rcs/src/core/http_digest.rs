//! The same users over HTTP: the content server asks devices for the password that they register with (RFC 7616; rcs
//! sheet §11.1).

use std::{net::IpAddr, sync::Arc};

use sip_message::{
    Headers, Name,
    digest::{Credentials, Judgement},
};
use smol_str::SmolStr;

use super::identity::{Doorkeeper, octets, owner, secret};
use crate::Settings;

/// Judges calls of devices over HTTP.
#[derive(Debug)]
pub struct HttpDigest {
    settings: Arc<Settings>,
    doorkeeper: Doorkeeper,
}

/// What a call is worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// This user: the same text however the number was written.
    Known(SmolStr),
    /// Values of `WWW-Authenticate`, the strongest first.
    Challenge(Vec<Vec<u8>>),
    /// A user who may not come from there, or an address with too many wrong passwords.
    Refused,
}

/// What a call shows.
#[derive(Clone, Copy)]
pub struct HttpCall<'a> {
    pub method: &'a str,
    /// Path and query, as in the request line.
    pub target: &'a str,
    /// The values of `Authorization`.
    pub authorization: &'a [&'a [u8]],
    pub source: IpAddr,
}

impl HttpDigest {
    #[must_use]
    pub fn new(settings: Arc<Settings>) -> Self {
        Self { doorkeeper: Doorkeeper::new(&settings), settings }
    }

    /// Follows new settings.
    pub fn set(&mut self, settings: Arc<Settings>) {
        self.doorkeeper.set(&settings);
        self.settings = settings;
    }

    /// Judges a call. `random` makes the nonce, should one be needed; time in µs.
    pub fn judge(&mut self, now_us: i64, random: [u8; 16], call: HttpCall<'_>) -> Proof {
        let (settings, source) = (&self.settings, call.source.to_canonical());
        if self.doorkeeper.is_locked_out(now_us, source, settings) {
            return Proof::Refused;
        }
        let realm = self.doorkeeper.guard.realm();
        let given = call.authorization.iter().filter_map(|value| Credentials::parse(value).ok());
        let given = given.filter(|given| given.realm == realm).max_by_key(|given| given.algorithm.strength());
        let mut stale = false;
        if let Some(given) = &given {
            let line = owner(&given.username, settings);
            let user = line.as_ref().and_then(|line| settings.users.get(line));
            let judgement = match user.and_then(|user| secret(&user.credential, given)) {
                Some(secret) => self.doorkeeper.guard.judge_http(
                    now_us,
                    &octets(source),
                    (call.method, call.target),
                    given,
                    secret,
                ),
                None => Judgement::Wrong,
            };
            match (judgement, user, line) {
                (Judgement::Good, Some(user), Some(line)) => {
                    return if user.is_allowed(source) {
                        Proof::Known(line.as_str().into())
                    } else {
                        Proof::Refused
                    };
                }
                (Judgement::Stale, ..) => stale = true,
                (Judgement::Wrong, ..) => self.doorkeeper.got_it_wrong(now_us, source, settings),
                _ => {}
            }
        }
        let mut headers = Headers::new();
        let guard = &self.doorkeeper.guard;
        guard.challenge(now_us, random, &octets(source), stale, &Name::WwwAuthenticate, &mut headers);
        Proof::Challenge(headers.all(Name::WwwAuthenticate).map(<[u8]>::to_vec).collect())
    }
}

#[cfg(test)]
mod tests {
    use model::ChannelId;
    use sip_message::digest::{Answer, Challenge, Secret};

    use super::*;
    use crate::settings::{self, Credential, User};
    use crate::translate::Line;

    const DEVICE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));

    fn door() -> HttpDigest {
        let mut settings = Settings::new(ChannelId(1), "ims.example", "192.0.2.1:5060", [7; 16]);
        let line = Line::of(&model::Number::written("+821011110001"), &settings.numbering);
        let credential = Credential::Password(settings::Secret::new("secret".into()));
        settings.users.insert(line, User { credential, allowed: Vec::new() });
        HttpDigest::new(Arc::new(settings))
    }

    fn call<'a>(authorization: &'a [&'a [u8]]) -> HttpCall<'a> {
        HttpCall { method: "POST", target: "/files", authorization, source: DEVICE }
    }

    fn answered(door: &mut HttpDigest, username: &str, password: &str, uri: &str, count: u32) -> Proof {
        let Proof::Challenge(challenges) = door.judge(1, [3; 16], call(&[])) else { panic!("no challenge") };
        let challenge = Challenge::strongest(challenges.iter().map(Vec::as_slice)).unwrap();
        let answer = challenge.answer(&Answer {
            username,
            secret: Secret::Password(password.as_bytes()),
            method: "POST",
            uri,
            body: b"",
            cnonce: "c",
            count,
        });
        door.judge(2, [4; 16], call(&[answer.to_string().as_bytes()]))
    }

    #[test]
    fn the_password_of_the_registration_is_good_here_however_the_number_is_written() {
        let mut door = door();
        let names = ["+821011110001", "821011110001", "01011110001", "+821011110001@ims.example"];
        for (count, name) in (1..).zip(names) {
            assert_eq!(
                answered(&mut door, name, "secret", "/files", count),
                Proof::Known("+821011110001".into()),
                "{name}"
            );
        }
    }

    #[test]
    fn another_password_another_path_and_another_user_are_asked_again() {
        let mut door = door();
        for (name, password, uri) in [
            ("+821011110001", "guess", "/files"),
            ("+821011110001", "secret", "/f/1"),
            ("+821011110002", "secret", "/files"),
        ] {
            assert!(
                matches!(answered(&mut door, name, password, uri, 1), Proof::Challenge(_)),
                "{name} {uri}"
            );
        }
    }

    #[test]
    fn who_guesses_too_often_is_not_listened_to() {
        let mut door = door();
        let max = door.settings.limits.failures_max;
        for _ in 0..max {
            answered(&mut door, "+821011110001", "guess", "/files", 1);
        }
        assert_eq!(door.judge(3, [5; 16], call(&[])), Proof::Refused);
    }
}
