//! Session timers (RFC 4028): both ends agree on an interval in which somebody says that the session still lives.

use sip_message::{Headers, Name, Params, Request, Response, StatusCode};

/// What we want.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// The interval we ask for.
    pub interval_s: u32,
    /// The shortest we accept.
    pub interval_s_min: u32,
}

impl Settings {
    /// No interval may be shorter (RFC 4028 §4).
    pub const FLOOR_S: u32 = 90;
}

impl Default for Settings {
    fn default() -> Self {
        Self { interval_s: 1800, interval_s_min: Self::FLOOR_S }
    }
}

/// Who refreshes, seen from our side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refresher {
    /// We do.
    Us,
    /// The peer does.
    Them,
}

/// An interval shorter than we accept: 422 with Min-SE.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("session interval below {min_s} s")]
pub struct TooSmall {
    /// For Min-SE.
    pub min_s: u32,
}

impl TooSmall {
    /// 422.
    pub const STATUS: StatusCode = StatusCode::INTERVAL_TOO_SMALL;
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// Refresh: UPDATE or INVITE within the dialog.
    Refresh,
    /// Nobody refreshed: BYE.
    End,
}

/// An agreed interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionTimer {
    interval_s: u32,
    refresher: Refresher,
    since_us: i64,
    /// A refresh of ours is under way.
    refreshing: bool,
}

const SECOND_US: i64 = 1_000_000;

impl SessionTimer {
    /// Writes our wish into an INVITE or UPDATE of ours: Supported, Session-Expires, Min-SE. `interval_s` is what was
    /// agreed before or what a 422 asked for ([`SessionTimer::after_422`]).
    pub fn ask(
        headers: &mut Headers,
        settings: &Settings,
        interval_s: Option<u32>,
        refresher: Option<Refresher>,
    ) {
        let interval_s = interval_s.unwrap_or(settings.interval_s).max(settings.interval_s_min);
        headers.push(Name::Supported, "timer");
        match refresher {
            Some(Refresher::Us) => {
                headers.push(Name::SessionExpires, format_args!("{interval_s};refresher=uac"))
            }
            Some(Refresher::Them) => {
                headers.push(Name::SessionExpires, format_args!("{interval_s};refresher=uas"))
            }
            None => headers.push(Name::SessionExpires, interval_s),
        }
        headers.push(Name::MinSe, settings.interval_s_min);
    }

    /// The interval to ask for after a 422; `None` when it says nothing of use (RFC 4028 §7.4).
    #[must_use]
    pub fn after_422(response: &Response, asked_s: u32) -> Option<u32> {
        min_se(&response.headers).filter(|min_s| *min_s > asked_s)
    }

    /// The callee's decision on an INVITE or UPDATE of theirs (RFC 4028 §9). The 2xx gets the headers by
    /// [`SessionTimer::confirm`].
    ///
    /// # Errors
    /// [`TooSmall`]: the request is to be refused with 422 and Min-SE.
    pub fn of_request(now_us: i64, request: &Request, settings: &Settings) -> Result<Self, TooSmall> {
        let headers = &request.headers;
        let supported = headers.tokens(Name::Supported).any(|token| token.eq_ignore_ascii_case("timer"));
        let floor_s = min_se(headers).unwrap_or(Settings::FLOOR_S).max(Settings::FLOOR_S);
        let (interval_s, refresher) = match session_expires(headers) {
            Some((asked_s, refresher)) => {
                // One who does not know 422 is not refused: the interval is raised instead.
                if asked_s < settings.interval_s_min && supported {
                    return Err(TooSmall { min_s: settings.interval_s_min });
                }
                let least_s = settings.interval_s_min.max(floor_s);
                (asked_s.min(settings.interval_s).max(least_s), refresher)
            }
            None => (settings.interval_s.max(floor_s), None),
        };
        // RFC 4028 table 2: without support there is nobody but us.
        let refresher = match refresher {
            _ if !supported => Refresher::Us,
            Some(Side::Uas) => Refresher::Us,
            Some(Side::Uac) | None => Refresher::Them,
        };
        Ok(Self { interval_s, refresher, since_us: now_us, refreshing: false })
    }

    /// Writes the callee's decision into the 2xx.
    pub fn confirm(&self, response: &mut Response) {
        let refresher = match self.refresher {
            Refresher::Us => "uas",
            Refresher::Them => {
                response.headers.push(Name::Require, "timer");
                "uac"
            }
        };
        response
            .headers
            .push(Name::SessionExpires, format_args!("{};refresher={refresher}", self.interval_s));
    }

    /// What a 2xx to our INVITE or UPDATE agrees on (RFC 4028 §7.2); `None` when the peer wants no timer.
    #[must_use]
    pub fn of_answer(now_us: i64, response: &Response) -> Option<Self> {
        let (interval_s, refresher) = session_expires(&response.headers)?;
        let refresher = match refresher {
            Some(Side::Uas) => Refresher::Them,
            Some(Side::Uac) | None => Refresher::Us,
        };
        Some(Self {
            interval_s: interval_s.max(Settings::FLOOR_S),
            refresher,
            since_us: now_us,
            refreshing: false,
        })
    }

    /// Who refreshes.
    #[must_use]
    pub const fn refresher(&self) -> Refresher {
        self.refresher
    }

    /// The interval in seconds.
    #[must_use]
    pub const fn interval_s(&self) -> u32 {
        self.interval_s
    }

    /// When [`SessionTimer::due`] has something to say.
    #[must_use]
    pub fn next_us(&self) -> i64 {
        match self.refresher {
            Refresher::Us if !self.refreshing => self.refresh_us(),
            _ => self.end_us(),
        }
    }

    /// What is to be done at `now_us`. A refresh is said once; what comes of it is a new timer, or the end.
    pub fn due(&mut self, now_us: i64) -> Option<Due> {
        if now_us >= self.end_us() {
            return Some(Due::End);
        }
        if self.refresher == Refresher::Us && !self.refreshing && now_us >= self.refresh_us() {
            self.refreshing = true;
            return Some(Due::Refresh);
        }
        None
    }

    /// Half of the interval (RFC 4028 §10).
    fn refresh_us(&self) -> i64 {
        self.since_us.saturating_add(i64::from(self.interval_s) * SECOND_US / 2)
    }

    /// Before the interval ends by the smaller of 32 seconds and a third (RFC 4028 §10).
    fn end_us(&self) -> i64 {
        let interval_us = i64::from(self.interval_s) * SECOND_US;
        self.since_us.saturating_add(interval_us - (interval_us / 3).min(32 * SECOND_US))
    }
}

/// Who refreshes, as it is written.
#[derive(Clone, Copy)]
enum Side {
    Uac,
    Uas,
}

fn session_expires(headers: &Headers) -> Option<(u32, Option<Side>)> {
    let (interval_s, params) = seconds(headers.get(Name::SessionExpires)?)?;
    let refresher = match params.get("refresher") {
        Some(side) if side.eq_ignore_ascii_case("uac") => Some(Side::Uac),
        Some(side) if side.eq_ignore_ascii_case("uas") => Some(Side::Uas),
        _ => None,
    };
    Some((interval_s, refresher))
}

fn min_se(headers: &Headers) -> Option<u32> {
    seconds(headers.get(Name::MinSe)?).map(|(min_s, _)| min_s)
}

/// Seconds and parameters; a number that is too large counts as the largest.
fn seconds(value: &[u8]) -> Option<(u32, Params<'_>)> {
    let end = value.iter().position(|b| *b == b';').unwrap_or(value.len());
    let (digits, params) = value.split_at_checked(end)?;
    let digits = std::str::from_utf8(digits).ok()?.trim();
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some((digits.parse().unwrap_or(u32::MAX), Params::parse(params).unwrap_or_default()))
}
