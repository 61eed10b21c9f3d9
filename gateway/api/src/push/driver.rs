//! The task of one messenger: starts calls, learns from their answers, tells outcomes and room.

use std::{collections::HashMap, sync::atomic::Ordering};

use http::{StatusCode, header};
use model::{Cause, Duration, Inbound, Outcome, Outgoing, Refusal};
use tokio::{
    task::{Id, JoinSet},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use super::{
    Push,
    breaker::{Breaker, Health, State},
    client::Failed,
    later,
};

/// How often entries past their time are looked for.
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);

/// How one call ended.
struct Ended {
    entries: Vec<(u64, Fate)>,
    health: Health,
}

/// What becomes of one entry of a call.
#[derive(Debug, PartialEq)]
enum Fate {
    Settled(Outcome),
    /// Its batch was refused as a whole, perhaps because of another one in it.
    Alone,
}

pub(super) async fn run(push: &Push, stop: CancellationToken) {
    Driver {
        push,
        breaker: Breaker::new(),
        calls: JoinSet::new(),
        flying: HashMap::new(),
        announced: None,
        swept_at: Instant::now(),
    }
    .run(stop)
    .await;
}

struct Driver<'a> {
    push: &'a Push,
    breaker: Breaker,
    calls: JoinSet<Ended>,
    /// What each call carries, should it end without saying so.
    flying: HashMap<Id, Vec<u64>>,
    announced: Option<u32>,
    swept_at: Instant,
}

impl Driver<'_> {
    async fn run(mut self, stop: CancellationToken) {
        loop {
            let now = Instant::now();
            self.breaker.tick(now);
            self.sweep(now);
            if self.tell().await.is_err() {
                break;
            }
            self.start_calls();
            let wake = self.wake_at(now);
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(ended) = self.calls.join_next_with_id(), if !self.calls.is_empty() => self.land(ended),
                () = self.push.news.notified() => {}
                () = tokio::time::sleep_until(wake) => {}
            }
        }
        self.finish().await;
    }

    /// Calls under way have their own deadline; what waits was certainly not sent.
    async fn finish(mut self) {
        while let Some(ended) = self.calls.join_next_with_id().await {
            self.land(ended);
        }
        {
            let mut state = self.push.lock();
            state.stopped = true;
            for attempt in state.outbox.clear_waiting() {
                state.tell(attempt, later(Cause::LinkDown));
            }
        }
        // Those who wait for a page find out.
        self.push.grown.send_modify(|_| {});
        // The gateway may be past listening; it will hand everything over again.
        self.tell().await.ok();
    }

    fn wake_at(&self, now: Instant) -> Instant {
        let sweep =
            if self.push.lock().outbox.is_empty() { Duration::from_secs(3_600) } else { SWEEP_INTERVAL };
        match self.breaker.state() {
            State::Open { until } => until.min(now + sweep),
            State::Closed | State::Probing => now + sweep,
        }
    }

    /// Whether the peer can fetch while it cannot be called: then entries wait for it.
    const fn pulled(&self) -> bool {
        self.push.settings.pull.is_some()
    }

    /// What may leave without a call.
    fn sweep(&mut self, now: Instant) {
        let mut state = self.push.lock();
        if !self.pulled() && matches!(self.breaker.state(), State::Open { .. }) {
            for attempt in state.outbox.clear_waiting() {
                state.tell(attempt, later(Cause::LinkDown));
            }
        }
        if now >= self.swept_at + SWEEP_INTERVAL {
            self.swept_at = now;
            for attempt in state.outbox.remove_expired((self.push.settings.now)()) {
                state.tell(attempt, Outcome::Refused(Refusal::ours(Cause::Expired)));
            }
        }
    }

    /// Tells outcomes, and room where it changed.
    async fn tell(&mut self) -> Result<(), kit::Closed> {
        let full = self.push.settings.room;
        let room = if self.pulled() {
            full
        } else {
            u32::try_from(self.breaker.allows(usize::try_from(full).unwrap_or(usize::MAX))).unwrap_or(full)
        };
        let mut batch = std::mem::take(&mut self.push.lock().outcomes);
        if self.announced != Some(room) {
            self.announced = Some(room);
            let channel = self.push.settings.channel;
            batch.push(Inbound::Room { channel, room });
        }
        if batch.is_empty() { Ok(()) } else { self.push.intake.take(batch).await }
    }

    fn start_calls(&mut self) {
        let Some(client) = &self.push.client else { return };
        let settings = &self.push.settings;
        while self.calls.len() < self.breaker.allows(settings.calls_max) {
            let events_max = self.breaker.allows(settings.batch_events_max);
            let batch = self.push.lock().outbox.take(events_max, settings.batch_octets_max);
            if batch.is_empty() {
                return;
            }
            let (numbers, batch): (Vec<u64>, Vec<Outgoing>) = batch.into_iter().unzip();
            let call = Call { numbers: numbers.clone(), batch, adapter: settings.adapter.clone() };
            let task = self.calls.spawn(call.make(client.clone(), (settings.now)()));
            self.flying.insert(task.id(), numbers);
        }
    }

    fn land(&mut self, ended: Result<(Id, Ended), tokio::task::JoinError>) {
        let id = match &ended {
            Ok((id, _)) => *id,
            Err(error) => error.id(),
        };
        let numbers = self.flying.remove(&id).unwrap_or_default();
        let Ended { entries, health } = match ended {
            Ok((_, ended)) => ended,
            // The call broke off in the middle: nobody knows how far it came.
            Err(_) => Ended {
                entries: numbers
                    .into_iter()
                    .map(|number| (number, Fate::Settled(Outcome::Unknown)))
                    .collect(),
                health: Health::Untried,
            },
        };
        let before = self.breaker.state();
        self.breaker.learn(Instant::now(), health, (self.push.settings.random)());
        self.remark(before);

        // The peer takes an event once however often it gets it, so what it may have or may not have can
        // wait for it to fetch.
        let keep = self.pulled() && matches!(health, Health::Bad { .. });
        let mut state = self.push.lock();
        for (number, fate) in entries {
            state.outbox.land(number);
            match fate {
                Fate::Alone => state.outbox.set_alone(number),
                Fate::Settled(_) if keep => {}
                Fate::Settled(outcome) => {
                    if let Some(attempt) = state.outbox.settle(number) {
                        state.tell(attempt, outcome);
                    }
                }
            }
        }
    }

    fn remark(&self, before: State) {
        let channel = self.push.settings.channel.0;
        match (before, self.breaker.state()) {
            (State::Closed | State::Probing, State::Open { until }) => {
                self.push.healthy.store(false, Ordering::Relaxed);
                let pause_ms = until.saturating_duration_since(Instant::now()).as_millis();
                tracing::warn!(channel, pause_ms, "the messenger's server is left alone for a while");
            }
            (State::Probing, State::Closed) => {
                self.push.healthy.store(true, Ordering::Relaxed);
                tracing::info!(channel, "the messenger's server is back");
            }
            _ => {}
        }
    }
}

/// One call: a batch under way.
struct Call {
    numbers: Vec<u64>,
    batch: Vec<Outgoing>,
    adapter: std::sync::Arc<dyn kit::HttpAdapter>,
}

impl Call {
    async fn make(self, client: super::Client, now: model::Timestamp) -> Ended {
        let request = match self.adapter.encode(now, &self.batch) {
            Ok(request) => request,
            // One of several has no spelling; the others should not suffer.
            Err(_) if self.batch.len() > 1 => return self.alone(Health::Untried),
            Err(refusal) => return self.all(&Outcome::Refused(refusal), Health::Untried),
        };
        let response = match client.call(request).await {
            Ok(response) => response,
            Err(Failed::NotSent) => return self.all(&later(Cause::LinkDown), Health::Bad { pause: None }),
            Err(Failed::Lost) => return self.all(&Outcome::Unknown, Health::Bad { pause: None }),
        };
        let about_content = matches!(
            response.status(),
            StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNPROCESSABLE_ENTITY
        );
        if about_content && self.batch.len() > 1 {
            return self.alone(Health::Neutral);
        }
        let health = health(&response);
        let mut outcomes = self.adapter.outcomes(&self.batch, &response);
        debug_assert_eq!(outcomes.len(), self.batch.len(), "an adapter gives one outcome for each item");
        outcomes.resize(self.batch.len(), Outcome::Unknown);
        let entries = self.numbers.into_iter().zip(outcomes.into_iter().map(Fate::Settled)).collect();
        Ended { entries, health }
    }

    fn all(self, outcome: &Outcome, health: Health) -> Ended {
        let entries =
            self.numbers.into_iter().map(|number| (number, Fate::Settled(outcome.clone()))).collect();
        Ended { entries, health }
    }

    fn alone(self, health: Health) -> Ended {
        Ended { entries: self.numbers.into_iter().map(|number| (number, Fate::Alone)).collect(), health }
    }
}

/// What a status says about the peer, not about what was sent.
fn health(response: &http::Response<bytes::Bytes>) -> Health {
    let asked = || {
        let seconds = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
        Some(Duration::from_secs(seconds))
    };
    match response.status().as_u16() {
        200..=299 => Health::Good,
        429 | 503 => Health::Bad { pause: asked() },
        // Also the wrong address, the wrong credentials, and addresses that lead elsewhere.
        300..=399 | 401 | 403 | 404 | 407 | 408 | 425 | 500..=599 => Health::Bad { pause: None },
        _ => Health::Neutral,
    }
}
