//! `[[channel]]`: the carriers' SMSCs.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DefaultAlphabet, Retry, SmppVersion};
use crate::value::{HostPort, Name, OnAnswerLost, Period, SecretRef};

/// A way to phones: an SMSC that the gateway binds to, or the built-in simulated carrier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Channel {
    /// Appears in routes, metrics and usage records. Accounts, channels and messengers share their names.
    pub name: Name,
    /// What is at the other end.
    #[serde(default)]
    pub kind: ChannelKind,
    /// Where the SMSC listens. Needed for `smpp`.
    #[serde(default)]
    pub address: Option<HostPort>,
    /// Connect with TLS and check the certificate of the SMSC.
    #[serde(default)]
    pub tls: bool,
    /// Trust certificates signed by these authorities instead of those of the system, PEM.
    #[serde(default)]
    pub tls_ca: Option<PathBuf>,
    /// The name to find in the certificate, when it is not the host of `address`.
    #[serde(default)]
    pub tls_name: Option<String>,
    /// Up to 15 characters. Needed for `smpp`.
    #[serde(default)]
    #[schemars(length(min = 1, max = 15))]
    pub system_id: Option<String>,
    /// Up to 8 characters. Needed for `smpp`.
    #[serde(default)]
    pub password: Option<SecretRef>,
    /// Up to 12 characters, usually empty.
    #[serde(default)]
    #[schemars(length(max = 12))]
    pub system_type: String,
    /// The addresses this bind receives for, usually empty.
    #[serde(default)]
    #[schemars(length(max = 40))]
    pub address_range: String,
    /// The version to bind with.
    #[serde(default)]
    pub version: SmppVersion,
    /// How many connections to keep; with `transmitter+receiver` each is a pair.
    #[serde(default = "Channel::default_binds")]
    #[schemars(range(min = 1, max = 64))]
    pub binds: u8,
    /// The kind of bind.
    #[serde(default)]
    pub bind: Bind,
    /// Submissions that may wait for an answer, per bind.
    #[serde(default = "Channel::default_window")]
    #[schemars(range(min = 1, max = 100_000))]
    pub window: u32,
    /// Segments per second over all binds; 0 for no limit.
    #[serde(default)]
    #[schemars(range(max = 1_000_000))]
    pub rate: u32,
    /// The SMSC is asked after so long of silence whether it is still there.
    #[serde(default = "Channel::default_enquire_link")]
    pub enquire_link: Period,
    /// An answer that takes longer counts as lost.
    #[serde(default = "Channel::default_answer_timeout")]
    pub answer_timeout: Period,
    /// What to do when an answer is lost: `resend` (rather twice than not at all), `wait` (rather not at all
    /// than twice), or how long to wait for a receipt before sending again.
    #[serde(default)]
    pub on_answer_lost: OnAnswerLost,
    /// The longest pause between two attempts to connect.
    #[serde(default = "Channel::default_reconnect_max")]
    pub reconnect_max: Period,
    /// What `data_coding` 0 means to the SMSC.
    #[serde(default)]
    pub default_alphabet: DefaultAlphabet,
    /// How texts that do not fit the default alphabet are written.
    #[serde(default)]
    pub charset: Charset,
    /// The `data_coding` that means Korean (KS C 5601) to the SMSC.
    #[serde(default = "Channel::default_korean_data_coding")]
    pub korean_data_coding: u8,
    /// Octets of one short message where `charset` is `cp949`: 80 and 90 are the older Korean limits. Above 140,
    /// a text that needs more than 140 octets is one long message (LMS) of up to so many.
    #[serde(default = "Channel::default_korean_octets_max")]
    #[schemars(range(min = 80, max = 2000))]
    pub korean_octets_max: u16,
    /// How long messages are carried.
    #[serde(default)]
    pub concatenation: Concatenation,
    /// How the ids of answers and receipts relate. `auto` learns it.
    #[serde(default)]
    pub message_ids: MessageIds,
    /// The SMSC sends receipts. Without them a message ends when the SMSC takes it.
    #[serde(default = "Channel::default_receipts")]
    pub receipts: bool,
    /// How long after hand-over a receipt is waited for.
    #[serde(default = "Channel::default_receipt_window")]
    pub receipt_window: Period,
    /// When refused messages are tried again; without it, as in `[policy.retry]`.
    #[serde(default)]
    pub retry: Option<Retry>,
    /// How the simulated carrier behaves. Only for `loopback`.
    #[serde(default)]
    pub loopback: Option<Loopback>,
}

impl Channel {
    /// A channel to an SMSC with every other key at its default.
    #[must_use]
    pub fn smpp(name: Name, address: HostPort, system_id: &str, password: SecretRef) -> Self {
        Self {
            kind: ChannelKind::Smpp,
            address: Some(address),
            system_id: Some(system_id.to_owned()),
            password: Some(password),
            ..Self::loopback(name)
        }
    }

    /// The built-in simulated carrier.
    #[must_use]
    pub fn loopback(name: Name) -> Self {
        Self {
            name,
            kind: ChannelKind::Loopback,
            address: None,
            tls: false,
            tls_ca: None,
            tls_name: None,
            system_id: None,
            password: None,
            system_type: String::new(),
            address_range: String::new(),
            version: SmppVersion::default(),
            binds: Self::default_binds(),
            bind: Bind::default(),
            window: Self::default_window(),
            rate: 0,
            enquire_link: Self::default_enquire_link(),
            answer_timeout: Self::default_answer_timeout(),
            on_answer_lost: OnAnswerLost::default(),
            reconnect_max: Self::default_reconnect_max(),
            default_alphabet: DefaultAlphabet::default(),
            charset: Charset::default(),
            korean_data_coding: Self::default_korean_data_coding(),
            korean_octets_max: Self::default_korean_octets_max(),
            concatenation: Concatenation::default(),
            message_ids: MessageIds::default(),
            receipts: Self::default_receipts(),
            receipt_window: Self::default_receipt_window(),
            retry: None,
            loopback: None,
        }
    }

    /// Where and as whom to bind; `None` for the simulated carrier. A configuration that was checked has one
    /// for every channel of kind `smpp`.
    #[must_use]
    pub fn link(&self) -> Option<SmppLink<'_>> {
        if self.kind != ChannelKind::Smpp {
            return None;
        }
        Some(SmppLink {
            address: self.address.as_ref()?,
            system_id: self.system_id.as_deref()?,
            password: self.password.as_ref()?,
        })
    }

    #[must_use]
    pub const fn default_binds() -> u8 {
        1
    }

    #[must_use]
    pub const fn default_window() -> u32 {
        100
    }

    #[must_use]
    pub const fn default_enquire_link() -> Period {
        Period::from_secs(30)
    }

    #[must_use]
    pub const fn default_answer_timeout() -> Period {
        Period::from_secs(60)
    }

    #[must_use]
    pub const fn default_reconnect_max() -> Period {
        Period::from_secs(30)
    }

    /// SMPP 3.4 §5.2.19.
    #[must_use]
    pub const fn default_korean_data_coding() -> u8 {
        0x0E
    }

    #[must_use]
    pub const fn default_korean_octets_max() -> u16 {
        140
    }

    #[must_use]
    pub const fn default_receipts() -> bool {
        true
    }

    #[must_use]
    pub const fn default_receipt_window() -> Period {
        Period::from_hours(72)
    }
}

/// Where and as whom to bind.
#[derive(Debug, Clone, Copy)]
pub struct SmppLink<'a> {
    pub address: &'a HostPort,
    pub system_id: &'a str,
    pub password: &'a SecretRef,
}

/// What is at the other end of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ChannelKind {
    /// An SMSC.
    #[default]
    Smpp,
    /// The built-in simulated carrier: it answers as SMSC and handset, and nothing leaves the process.
    Loopback,
}

/// The kind of bind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Bind {
    #[default]
    Transceiver,
    /// A pair of connections, one for each direction.
    #[serde(rename = "transmitter+receiver")]
    TransmitterReceiver,
}

/// How texts that do not fit the default alphabet are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Charset {
    /// UCS-2.
    #[default]
    Ucs2,
    /// KS C 5601 in the extent of CP949 where the text allows it, else UCS-2.
    Cp949,
    /// ISO-8859-1 where the text allows it, else UCS-2.
    Latin1,
}

/// How the segments of a long message are marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Concatenation {
    /// A user data header with an 8-bit reference (TS 23.040 §9.2.3.24.1).
    #[default]
    Udh8,
    /// A user data header with a 16-bit reference (TS 23.040 §9.2.3.24.8).
    Udh16,
    /// The TLVs `sar_msg_ref_num`, `sar_total_segments` and `sar_segment_seqnum`.
    Sar,
    /// One submission with the whole text in `message_payload`.
    Payload,
}

/// How the ids of answers and receipts relate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MessageIds {
    /// Found out from the receipts that come.
    #[default]
    Auto,
    /// The same text in both.
    Same,
    /// Hexadecimal in the answer, decimal in the receipt.
    HexThenDec,
    /// Decimal in the answer, hexadecimal in the receipt.
    DecThenHex,
}

/// How the simulated carrier behaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Loopback {
    /// How long until the simulated handset has the message.
    pub receipt_after: Period,
    /// The simulated handset answers messages of people.
    pub reply: bool,
    /// How long until it answers.
    pub reply_after: Period,
}

impl Default for Loopback {
    fn default() -> Self {
        Self { receipt_after: Period::from_millis(200), reply: true, reply_after: Period::from_secs(1) }
    }
}
