//! HTTP calls: by the pattern of their path and the class of their answer.

use crate::{
    label::{Label, labels},
    registry::Registry,
};

labels! {
    /// The first digit of a status.
    HttpStatus {
        Success = "2xx",
        Redirect = "3xx",
        /// The caller's mistake.
        Client = "4xx",
        /// Ours.
        Server = "5xx",
    }
}

impl HttpStatus {
    /// Calls end with none of the statuses below 200.
    #[must_use]
    pub const fn of(status: u16) -> Self {
        match status {
            ..300 => Self::Success,
            300..400 => Self::Redirect,
            400..500 => Self::Client,
            500.. => Self::Server,
        }
    }
}

/// The pattern of a path, as the listeners know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HttpPath(usize);

/// What paths are called that are not in the list.
const OTHER: usize = 0;

impl HttpPath {
    /// `other` for a pattern that is not in [`Label::VALUES`].
    #[must_use]
    pub fn of(pattern: &str) -> Self {
        Self(Self::VALUES[1..].binary_search(&pattern).map_or(OTHER, |at| at + 1))
    }
}

impl Label for HttpPath {
    /// In order, so that a path is found fast; `other` comes before them.
    const VALUES: &'static [&'static str] = &[
        "other",
        "/.well-known/omf",
        "/f/{short}",
        "/files",
        "/files/d/{id}",
        "/files/d/{id}/t",
        "/files/u/{id}",
        "/livez",
        "/metrics",
        "/omf/v1/acks",
        "/omf/v1/capabilities",
        "/omf/v1/events",
        "/omf/v1/events/{id}/status",
        "/omf/v1/links",
        "/omf/v1/links/{id}",
        "/omf/v1/links/{id}/verify",
        "/omf/v1/ping",
        "/openapi.json",
        "/readyz",
        "/v1/channels",
        "/v1/channels/{name}/pause",
        "/v1/channels/{name}/resume",
        "/v1/consents",
        "/v1/files",
        "/v1/messages",
        "/v1/messages/{id}",
        "/v1/usage",
        "unmatched",
    ];

    fn index(self) -> usize {
        self.0
    }
}

impl Registry {
    /// A call was answered. The pattern is that of the router, or `unmatched`; never what the caller wrote.
    pub fn http_call(&self, pattern: &str, status: u16) {
        self.metrics.http_requests[(HttpPath::of(pattern), HttpStatus::of(status))].inc();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_is_found_and_strangers_are_other() {
        assert!(HttpPath::VALUES[1..].is_sorted(), "binary search needs order");
        for path in HttpPath::VALUES {
            assert_eq!(HttpPath::of(path).value(), *path);
        }
        assert_eq!(HttpPath::of("/v1/messages/0190b2").value(), "other");
        assert_eq!(HttpPath::of("").value(), "other");
    }

    #[test]
    fn a_status_is_its_first_digit() {
        for (status, class) in [
            (200, HttpStatus::Success),
            (299, HttpStatus::Success),
            (302, HttpStatus::Redirect),
            (400, HttpStatus::Client),
            (429, HttpStatus::Client),
            (500, HttpStatus::Server),
            (507, HttpStatus::Server),
        ] {
            assert_eq!(HttpStatus::of(status), class, "{status}");
        }
    }
}
