//! What can only be said of the configuration as a whole: names that lead nowhere, things that collide, secrets
//! that are not there.

mod accounts;
mod channels;
mod durations;
mod files;
mod listeners;
mod messengers;
mod names;
mod policy;
mod rcs;
mod routes;
mod secrets;

use crate::{
    Config, Environment,
    path::Path,
    report::{ProblemKind, Severity},
};

/// Something wrong with a configuration. [`load`](crate::load) adds the place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub kind: ProblemKind,
    pub severity: Severity,
    pub path: Path,
    /// The value that it does not go with.
    pub other: Option<Path>,
    pub message: String,
    pub help: Option<String>,
}

/// Everything wrong with a configuration. Secrets and certificates are looked for in `environment`.
#[must_use]
pub fn check(config: &Config, environment: &dyn Environment) -> Vec<Finding> {
    let mut findings = Findings(Vec::new());
    names::check(config, &mut findings);
    listeners::check(config, environment, &mut findings);
    accounts::check(config, &mut findings);
    channels::check(config, environment, &mut findings);
    messengers::check(config, &mut findings);
    rcs::check(config, &mut findings);
    files::check(config, &mut findings);
    routes::check(config, &mut findings);
    policy::check(config, &mut findings);
    durations::check(config, &mut findings);
    secrets::check(config, environment, &mut findings);
    findings.0
}

/// The findings so far.
pub(crate) struct Findings(Vec<Finding>);

impl Findings {
    fn error(&mut self, kind: ProblemKind, path: Path, message: impl Into<String>, help: impl Into<String>) {
        self.add(kind, Severity::Error, path, None, message.into(), help.into());
    }

    /// Two values that do not go together.
    fn clash(
        &mut self,
        kind: ProblemKind,
        paths: [Path; 2],
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        let [path, other] = paths;
        self.add(kind, Severity::Error, path, Some(other), message.into(), help.into());
    }

    fn warning(&mut self, path: Path, message: impl Into<String>, help: impl Into<String>) {
        self.add(ProblemKind::Unsafe, Severity::Warning, path, None, message.into(), help.into());
    }

    fn add(
        &mut self,
        kind: ProblemKind,
        severity: Severity,
        path: Path,
        other: Option<Path>,
        message: String,
        help: String,
    ) {
        self.0.push(Finding { kind, severity, path, other, message, help: Some(help) });
    }
}
