//! What must be done now and then: watch the space, drop what has expired.

use std::{sync::Arc, time::Duration};

use monitoring::{Condition, Health, Registry};
use store::Store;
use tokio_util::sync::CancellationToken;

use crate::runtime::{Gate, now};

/// Below this much free space nothing more is accepted (F05); what is open still gets its end.
const FREE_MIN: u64 = 256 << 20;
/// A disk that fills at 100 MiB/s is noticed in time.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// The journal of ended messages; usage records stay until they are exported.
const KEEP_JOURNAL: Duration = Duration::from_secs(400 * 86_400);
/// Once an hour.
const PURGE_EVERY: u32 = 1_800;

pub(crate) async fn run(
    store: Arc<dyn Store>,
    gate: Arc<Gate>,
    health: Arc<Health>,
    registry: Arc<Registry>,
    stop: CancellationToken,
) {
    let mut round: u32 = 0;
    loop {
        match store.size().await {
            Ok(size) => {
                registry.store_space(size.octets, size.free.unwrap_or(u64::MAX));
                let full = size.free.is_some_and(|free| free < FREE_MIN);
                gate.set_full(full);
                if full {
                    health.unmet(
                        Condition::Space,
                        format!("less than {} MiB are free for the store", FREE_MIN >> 20),
                    );
                } else {
                    health.met(Condition::Space);
                }
            }
            Err(error) => tracing::warn!(%error, "the size of the store could not be read"),
        }
        round = round.wrapping_add(1);
        if round.is_multiple_of(PURGE_EVERY)
            && let Err(error) = store.purge(now(), KEEP_JOURNAL).await
        {
            tracing::warn!(%error, "the store could not be purged; it is tried again in an hour");
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = stop.cancelled() => return,
        }
    }
}
