//! `[policy]`: what is allowed, and for how long.

use jiff::{Timestamp, tz::TimeZone};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::value::{NumberPattern, Period, SecretRef, Sender, TimeOfDay};

/// What is allowed, and for how long.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// The country calling code of numbers written without one.
    #[schemars(regex(pattern = r"^[1-9][0-9]{0,2}$"))]
    pub country: String,
    /// What national numbers begin with, and international ones do not.
    #[schemars(regex(pattern = r"^[0-9]{0,3}$"))]
    pub trunk_prefix: String,
    /// The validity of messages that name none.
    pub validity_default: Period,
    /// Longer wishes are cut to this.
    pub validity_max: Period,
    /// The same idempotency key within this time is the same message.
    pub idempotency_window: Period,
    /// Every account must list its senders: `senders = "any"` is refused (Korea: Telecommunications Business
    /// Act art. 84-2).
    pub registered_senders: bool,
    /// Rules for messages of class `advertising`.
    pub advertising: Advertising,
    /// When refused messages are tried again.
    pub retry: Retry,
    /// The one-time codes that link a number to a messenger user.
    pub codes: Codes,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            country: "82".into(),
            trunk_prefix: "0".into(),
            validity_default: Period::from_hours(48),
            validity_max: Period::from_days(7),
            idempotency_window: Period::from_hours(24),
            registered_senders: false,
            advertising: Advertising::default(),
            retry: Retry::default(),
            codes: Codes::default(),
        }
    }
}

/// Rules for messages of class `advertising` (Korea: Network Act art. 50).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Advertising {
    /// Refuse advertising that does not begin with `(광고)` and end with a free way to refuse.
    pub label: bool,
    /// Hold advertising through the night, except for those who agreed to it at night.
    pub quiet_hours: Option<QuietHours>,
    /// Free numbers (080): a message to one of them records a refusal.
    pub opt_out_numbers: Vec<NumberPattern>,
}

/// The night.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct QuietHours {
    /// When it begins: a full hour.
    pub from: TimeOfDay,
    /// When it ends: a full hour.
    pub to: TimeOfDay,
    /// Where the clock stands: an IANA time zone without summer time.
    pub zone: String,
}

impl Default for QuietHours {
    fn default() -> Self {
        Self { from: TimeOfDay::at(21, 0), to: TimeOfDay::at(8, 0), zone: "Asia/Seoul".into() }
    }
}

/// Why the clock of a night cannot be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadZone {
    #[error("there is no such time zone")]
    Unknown,
    #[error("this time zone has summer time")]
    SummerTime,
}

/// Instants half a year apart, in seconds: where there is summer time, one of them is in it.
const HALF_A_YEAR_APART: [i64; 2] = [1_768_435_200, 1_784_073_600];

impl QuietHours {
    /// How far the clock of the zone is ahead of UTC, all year round.
    ///
    /// # Errors
    /// There is no such zone, or it has summer time. A configuration that was checked has neither.
    pub fn utc_offset_secs(&self) -> Result<i32, BadZone> {
        let zone = TimeZone::get(&self.zone).map_err(|_| BadZone::Unknown)?;
        let offset = |second| Timestamp::from_second(second).map(|at| zone.to_offset(at).seconds());
        match HALF_A_YEAR_APART.map(offset) {
            [Ok(winter), Ok(summer)] if winter == summer => Ok(winter),
            _ => Err(BadZone::SummerTime),
        }
    }
}

/// When refused messages are tried again. The last pause of a list repeats until the message expires.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Retry {
    /// The phone is off or out of reach: pauses before the second, third, … attempt.
    #[schemars(length(min = 1, max = 32))]
    pub unreachable: Vec<Period>,
    /// The network has a fault: pauses before the second, third, … attempt.
    #[schemars(length(min = 1, max = 32))]
    pub failure: Vec<Period>,
    /// Attempts that ended in a refusal before the message is given up.
    #[schemars(range(min = 1, max = 10_000))]
    pub attempts_max: u16,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            unreachable: [60, 300, 900, 3_600, 10_800, 21_600].map(Period::from_secs).to_vec(),
            failure: [1, 5, 15, 60, 300, 900].map(Period::from_secs).to_vec(),
            attempts_max: 50,
        }
    }
}

/// The one-time codes that link a number to a messenger user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Codes {
    /// Who they are from: one number or a name.
    pub sender: Sender,
    /// The text; `{code}` stands for the code.
    #[schemars(length(min = 6, max = 160))]
    pub text: String,
    /// Keys the digests under which codes are kept. Without it a key is made once and kept in the store. With another key,
    /// codes under way are no longer known.
    pub key: Option<SecretRef>,
    /// How long a code is valid.
    pub validity: Period,
    /// Wrong codes before the attempt ends.
    #[schemars(range(min = 1, max = 10))]
    pub tries_max: u8,
    /// Codes for one number within ten minutes.
    #[schemars(range(min = 1, max = 100))]
    pub per_number_max: u8,
}

impl Default for Codes {
    fn default() -> Self {
        Self {
            sender: Sender::Name("GATEWAY".into()),
            text: "[{code}] 인증번호입니다.".into(),
            key: None,
            validity: Period::from_mins(3),
            tries_max: 5,
            per_number_max: 3,
        }
    }
}
