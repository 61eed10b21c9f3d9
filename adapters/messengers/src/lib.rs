//! One folder per messenger: how its server spells the gateway's words over HTTP.
//!
//! Pure functions from requests to values and back; time is passed in. The one HTTP server, the one
//! client, retries and limits belong to the gateway. A new messenger is one folder here and one line in
//! [`ALL`].

mod account;
#[cfg(test)]
mod contract;
mod signature;
pub mod webhook;

use std::sync::Arc;

use kit::HttpAdapter;

pub use account::{Account, Credential, TokenDigest};
pub use signature::{BadSecret, BadSignature, Secret, TOLERANCE};

/// Every messenger there is.
pub const ALL: &[Messenger] = &[webhook::MESSENGER];

/// A messenger: its word in the configuration, a sentence for people, and how it is set up.
#[derive(Debug, Clone, Copy)]
pub struct Messenger {
    pub kind: &'static str,
    pub about: &'static str,
    pub build: fn(Account) -> Arc<dyn HttpAdapter>,
}

/// Finds a messenger by its word in the configuration.
#[must_use]
pub fn find(kind: &str) -> Option<&'static Messenger> {
    ALL.iter().find(|messenger| messenger.kind == kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_messenger_is_found_by_its_own_word() {
        for messenger in ALL {
            assert_eq!(
                find(messenger.kind).map(|found| found.about),
                Some(messenger.about),
                "{} appears twice",
                messenger.kind
            );
        }
        assert!(find("pigeon").is_none());
    }
}
