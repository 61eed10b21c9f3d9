//! What the tests of the binary share: the process, a caller, an ESME and an SMSC.

mod esme;
mod gateway;
mod http;
mod smsc;

use std::{
    thread,
    time::{Duration, Instant},
};

pub(crate) use self::{
    esme::Esme,
    gateway::{Gateway, Home, SIMULATED, carrier},
    http::{Answer, Http},
    smsc::{Script, Smsc},
};

/// Nothing here takes this long unless it is broken.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Asks until there is an answer.
#[track_caller]
pub(crate) fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < end, "in vain: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}
