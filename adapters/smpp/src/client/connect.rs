//! Keeping one bind of a channel up: dialling, and dialling again (SMS sheet §1.7).

use std::{io, sync::Arc, time::Duration};

use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use super::{
    Client, ClientSettings,
    reader::{self, Ending},
};
use crate::{
    pdu::BindKind,
    socket::{self, Reader, Writer},
};

/// The first pause after a link broke.
const PAUSE_FIRST: Duration = Duration::from_secs(1);

/// Connects, binds and serves, again and again until told to stop.
pub(super) async fn keep(client: Arc<Client>, kind: BindKind, bind: usize, stop: CancellationToken) {
    let mut pauses = Pauses::new(bind);
    let mut first = true;
    while !stop.is_cancelled() {
        // Followed by what was set last.
        let settings = client.settings();
        if !std::mem::take(&mut first) {
            client.watch.reconnecting();
        }
        let connected = tokio::select! {
            connected = connect(&settings) => connected,
            () = stop.cancelled() => return,
        };
        let (ending, bound_for) = match connected {
            Ok((reader, writer)) => reader::run(&client, kind, settings.clone(), reader, writer, &stop).await,
            Err(error) => (Ending::Broken(error), None),
        };
        if stop.is_cancelled() {
            return;
        }
        if bound_for.is_none() {
            // Also an SMSC that was never reached is known to be down, so that another one takes over.
            client.announce().await;
        }
        let pause = pauses.after(&ending, bound_for, settings.reconnect_max);
        match &ending {
            Ending::Refused(status) => {
                tracing::warn!(channel = %settings.name, %status, ?pause, "the SMSC refused to let us bind")
            }
            other => {
                tracing::warn!(channel = %settings.name, reason = %other, ?pause, "a link to the SMSC ended")
            }
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stop.cancelled() => return,
        }
    }
}

async fn connect(settings: &ClientSettings) -> io::Result<(Reader, Writer)> {
    let within = Duration::from_micros(u64::try_from(settings.timers.session_init_us).unwrap_or(1));
    let connecting = async {
        let stream = TcpStream::connect(settings.address.as_str()).await?;
        stream.set_nodelay(true)?;
        Ok(match &settings.tls {
            None => socket::plain(stream),
            Some(tls) => socket::tls((tls.connector)().connect(tls.server_name.clone(), stream).await?),
        })
    };
    tokio::time::timeout(within, connecting).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

/// How long to wait before dialling again.
#[derive(Debug)]
struct Pauses {
    failures: u32,
    seed: u64,
}

impl Pauses {
    fn new(bind: usize) -> Self {
        let salt = u64::try_from(bind).unwrap_or(0).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let seed = socket::now().micros().unsigned_abs() ^ salt;
        Self { failures: 0, seed: seed.max(1) }
    }

    /// Doubles with every failure. An SMSC that refuses the bind is asked slowly: it may hold a dead session
    /// for minutes, or somebody has to correct a setting.
    fn after(&mut self, ending: &Ending, bound_for: Option<Duration>, longest: Duration) -> Duration {
        if bound_for.is_some_and(|bound_for| bound_for > longest) {
            self.failures = 0;
        }
        let pause = match ending {
            Ending::Refused(_) => longest,
            _ => PAUSE_FIRST.min(longest).saturating_mul(1 << self.failures.min(16)).min(longest),
        };
        self.failures = self.failures.saturating_add(1);
        // Half of it at random, so that what broke together does not come back together.
        let half = u64::try_from(pause.as_micros() / 2).unwrap_or(0);
        Duration::from_micros(half + self.random() % (half + 1))
    }

    /// Xorshift: nothing depends on its quality.
    const fn random(&mut self) -> u64 {
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        self.seed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CommandStatus;

    const MAX: Duration = Duration::from_secs(30);

    #[test]
    fn pauses_double_up_to_the_longest_and_begin_anew_after_a_good_link() {
        let mut pauses = Pauses::new(0);
        let gone = Ending::Closed;
        for expected in [1, 2, 4, 8, 16, 30, 30] {
            let pause = pauses.after(&gone, None, MAX);
            let expected = Duration::from_secs(expected);
            assert!((expected / 2..=expected).contains(&pause), "{pause:?} for {expected:?}");
        }
        assert!(pauses.after(&gone, Some(MAX * 2), MAX) <= PAUSE_FIRST);
    }

    #[test]
    fn a_refused_bind_is_repeated_slowly() {
        let pause = Pauses::new(1).after(&Ending::Refused(CommandStatus::RALYBND), None, MAX);
        assert!(pause >= MAX / 2);
    }
}
