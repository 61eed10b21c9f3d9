//! `tls = { … }` of a listener.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// TLS on a listener. The files are read again on SIGHUP, so a renewed certificate needs no restart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The certificate and its chain, PEM.
    pub cert: PathBuf,
    /// The private key of the certificate, PEM.
    pub key: PathBuf,
    /// Ask peers for a certificate signed by one of these, PEM.
    #[serde(default)]
    pub client_ca: Option<PathBuf>,
}
