//! Log lines, written by a thread of their own: whoever reads the log slowly, or not at all, never slows traffic
//! (operations sheet F14). Lines over the bound are given up and counted.

use std::{
    io::{self, Write},
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use prometheus::IntCounter;
use tracing_subscriber::{EnvFilter, Registry as Subscriber, fmt::MakeWriter, layer::SubscriberExt};

use crate::Registry;

/// Lines waiting for the writer.
const LINES_MAX: usize = 8_192;
/// Octets of one line; longer ones are given up.
const LINE_OCTETS_MAX: usize = 16 * 1_024;
/// How long the end of the process waits for the last lines.
const FLUSH_WAIT_MAX: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// One JSON object per line.
    #[default]
    Json,
    Text,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogOutput {
    Stdout,
    #[default]
    Stderr,
}

/// How to log.
#[derive(Debug, Clone, Copy)]
pub struct LogSettings<'a> {
    /// `info`, or directives such as `info,gateway::journal=debug`.
    pub filter: &'a str,
    pub format: LogFormat,
    pub output: LogOutput,
}

#[derive(Debug, thiserror::Error)]
pub enum LogError {
    #[error("the log filter is not understood: {0}")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    #[error("logging was set up before")]
    Twice(#[from] tracing::subscriber::SetGlobalDefaultError),
    #[error("the log writer cannot start: {0}")]
    Thread(#[from] io::Error),
}

/// Writes the last lines when dropped; keep it until the end of `main`.
#[must_use = "dropping it at once loses the last lines"]
pub struct LogGuard(Queue);

/// Sets up logging for the whole process, once.
///
/// # Errors
/// A filter that cannot be read, or a second call.
pub fn init_logging(registry: &Registry, settings: LogSettings<'_>) -> Result<LogGuard, LogError> {
    let sink: Box<dyn Write + Send> = match settings.output {
        LogOutput::Stdout => Box::new(io::stdout()),
        LogOutput::Stderr => Box::new(io::stderr()),
    };
    let queue = Queue::start(sink, registry.metrics.log_dropped.clone())?;
    tracing::subscriber::set_global_default(subscriber(settings, queue.clone())?)?;
    Ok(LogGuard(queue))
}

fn subscriber(
    settings: LogSettings<'_>,
    queue: Queue,
) -> Result<Box<dyn tracing::Subscriber + Send + Sync>, LogError> {
    let filter = EnvFilter::builder().parse(settings.filter)?;
    let lines = tracing_subscriber::fmt::layer().with_writer(queue).with_ansi(false);
    let base = Subscriber::default().with(filter);
    Ok(match settings.format {
        LogFormat::Json => Box::new(
            base.with(lines.json().flatten_event(true).with_current_span(true).with_span_list(false)),
        ),
        LogFormat::Text => Box::new(base.with(lines)),
    })
}

enum Item {
    Line(Box<[u8]>),
    /// Tells when everything before it is written.
    Flush(SyncSender<()>),
}

#[derive(Clone)]
struct Queue {
    items: SyncSender<Item>,
    dropped: Arc<IntCounter>,
}

impl Queue {
    fn start(sink: Box<dyn Write + Send>, dropped: IntCounter) -> io::Result<Self> {
        let (items, incoming) = sync_channel(LINES_MAX);
        thread::Builder::new().name("log".into()).spawn(move || write_out(sink, &incoming))?;
        Ok(Self { items, dropped: Arc::new(dropped) })
    }
}

/// A log that cannot be written to is no reason to stop: the lines are gone, the counter is not moved because
/// nothing was in the way of traffic.
#[expect(clippy::let_underscore_must_use, reason = "there is nowhere left to complain")]
fn write_out(mut sink: Box<dyn Write + Send>, incoming: &Receiver<Item>) {
    while let Ok(item) = incoming.recv() {
        match item {
            Item::Line(line) => {
                let _ = sink.write_all(&line);
            }
            Item::Flush(done) => {
                let _ = sink.flush();
                let _ = done.try_send(());
            }
        }
    }
}

impl Drop for LogGuard {
    fn drop(&mut self) {
        let deadline = Instant::now() + FLUSH_WAIT_MAX;
        let (done, written) = sync_channel(1);
        let mut flush = Item::Flush(done);
        while let Err(TrySendError::Full(back)) = self.0.items.try_send(flush) {
            if Instant::now() > deadline {
                return;
            }
            flush = back;
            thread::sleep(Duration::from_millis(5));
        }
        // A reader that is stuck loses the rest; the process ends all the same.
        let (Ok(()) | Err(_)) = written.recv_timeout(deadline.saturating_duration_since(Instant::now()));
    }
}

impl<'a> MakeWriter<'a> for Queue {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Write for Queue {
    /// One call is one line: the formatter hands over whole lines.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let taken = line.len() <= LINE_OCTETS_MAX && self.items.try_send(Item::Line(line.into())).is_ok();
        if !taken {
            self.dropped.inc();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, mpsc};

    use super::*;
    use crate::BuildInfo;

    /// Takes a line only when told to.
    struct Stuck(Receiver<()>);

    impl Write for Stuck {
        fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
            self.0.recv().map_err(io::Error::other)?;
            Ok(octets.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("a lock").extend_from_slice(octets);
            Ok(octets.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    const JSON: LogSettings<'_> =
        LogSettings { filter: "info", format: LogFormat::Json, output: LogOutput::Stderr };

    #[test]
    fn a_stuck_reader_costs_lines_not_time() {
        let registry = Registry::new(BuildInfo::default()).expect("a registry");
        let (_never, stuck) = mpsc::channel();
        let queue =
            Queue::start(Box::new(Stuck(stuck)), registry.metrics.log_dropped.clone()).expect("a writer");
        let subscriber = subscriber(JSON, queue).expect("a subscriber");
        // Would never return if a line waited for its reader.
        tracing::subscriber::with_default(subscriber, || {
            for n in 0..LINES_MAX + 100 {
                tracing::info!(n, "line");
            }
        });
        // The writer holds one line beside the queue.
        assert!(
            (99..=100).contains(&registry.metrics.log_dropped.get()),
            "{}",
            registry.metrics.log_dropped.get()
        );
    }

    #[test]
    fn json_lines_carry_fields_and_the_filter_holds_back() {
        let registry = Registry::new(BuildInfo::default()).expect("a registry");
        let kept = Kept::default();
        let queue =
            Queue::start(Box::new(kept.clone()), registry.metrics.log_dropped.clone()).expect("a writer");
        let guard = LogGuard(queue.clone());
        tracing::subscriber::with_default(subscriber(JSON, queue).expect("a subscriber"), || {
            tracing::info!(message_id = 7, "accepted");
            tracing::debug!("held back");
            tracing::info!(long = "x".repeat(LINE_OCTETS_MAX), "too long");
        });
        drop(guard);
        let text = String::from_utf8(kept.0.lock().expect("a lock").clone()).expect("text");
        let line: serde_json::Value = serde_json::from_str(text.trim()).expect("one JSON line");
        assert_eq!(
            (&line["message"], &line["message_id"], &line["level"]),
            (&"accepted".into(), &7.into(), &"INFO".into())
        );
        assert_eq!(registry.metrics.log_dropped.get(), 1);
    }

    #[test]
    fn a_wrong_filter_is_an_error_not_silence() {
        let registry = Registry::new(BuildInfo::default()).expect("a registry");
        let settings = LogSettings { filter: "gateway=lound", ..JSON };
        assert!(matches!(init_logging(&registry, settings), Err(LogError::Filter(_))));
    }
}
