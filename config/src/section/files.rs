//! `[files]`: the content server, where RCS devices leave the files that they send as links.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::value::{HttpUrl, Octets, Period};

/// The content server (GSMA RCC.07, file transfer over HTTP). It answers on the listener of `[http]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Files {
    /// A folder of its own.
    pub folder: PathBuf,
    /// What devices and people reach the listener of `[http]` by, where that is not its address. It stands in
    /// every link.
    pub public_url: Option<HttpUrl>,
    /// The largest file; a larger one gets 413.
    pub file_octets_max: Octets,
    /// The largest thumbnail.
    pub thumbnail_octets_max: Octets,
    /// Room for all files together.
    pub space_max: Octets,
    /// Room that stays free on the disk.
    pub free_min: Octets,
    /// How long a file can be fetched.
    pub keep: Period,
    /// How long an interrupted upload can go on.
    pub unfinished_keep: Period,
    /// What may be stored: `image/jpeg`, `image/*`, or `*/*`.
    pub types: Vec<String>,
    /// The most uploads at once.
    #[schemars(range(min = 1, max = 65_536))]
    pub uploads_max: u32,
    /// The most uploads of one user in a minute.
    #[schemars(range(min = 1, max = 65_536))]
    pub uploads_per_minute_max: u32,
    /// An upload from which nothing comes for so long is interrupted.
    pub stall_timeout: Period,
}

impl Default for Files {
    fn default() -> Self {
        Self {
            folder: "./data/files".into(),
            public_url: None,
            file_octets_max: Octets::new(100 << 20),
            thumbnail_octets_max: Octets::new(64 << 10),
            space_max: Octets::new(20 << 30),
            free_min: Octets::new(256 << 20),
            keep: Period::from_hours(30 * 24),
            unfinished_keep: Period::from_hours(24),
            types: vec!["*/*".into()],
            uploads_max: 256,
            uploads_per_minute_max: 60,
            stall_timeout: Period::from_secs(30),
        }
    }
}
