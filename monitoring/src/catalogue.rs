//! The catalogue: a metric is a field with a sentence, a name and closed labels.
//!
//! Names follow operations sheet §3.1: base units, `_total` on counters, the unit last. Labels are enums or the names of
//! configured channels; never a number, a message id, a text or an error.

use billing::{UsageEvent, UsageService};
use engine::journal::FactKind;
use model::{Cause, ChannelKind, Class, Lane, ReceiptState};
use prometheus::{Gauge, Histogram, IntCounter};

use crate::{
    family::{ChannelFamily, Definition, Family, Kind, LabelDefinition, Metric},
    health::Condition,
    http::{HttpPath, HttpStatus},
    label::{
        AttemptEnd, AuthFailure, CauseClass, Check, End, FileAction, FileRefusal, Ingress, Label, ParseError,
        PeerState, Protocol, Queue, Task, Transition,
    },
    totals::{
        ConnectionEvent, Direction, KeepAlive, RcsMessage, RcsOddity, RcsProof, RcsSession, SipRefusal,
        SipSending, SipTransport, Wire,
    },
};

/// So many channels have series of their own; those configured after them share the name `other`. Keeps every
/// metric below two thousand series.
pub const CHANNELS_NAMED_MAX: usize = 100;

/// Seconds from a message's arrival to its durable acceptance.
const ACCEPT_SECONDS: &[f64] = &[0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5];
/// Seconds to delivery: from a handset in the hand to one that was off for a day.
const DELIVERY_SECONDS: &[f64] =
    &[0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1_800.0, 3_600.0, 21_600.0, 86_400.0];
/// Seconds until a peer answers.
const ROUND_TRIP_SECONDS: &[f64] =
    &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// Seconds of one group commit.
const COMMIT_SECONDS: &[f64] = &[0.000_25, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0, 5.0];
/// Entries of one group commit.
const BATCH_ROWS: &[f64] = &[1.0, 4.0, 16.0, 64.0, 128.0, 256.0, 512.0, 1_024.0, 4_096.0];

/// One set of metrics. `Family` holds the children at once; `ChannelFamily` makes them per channel.
macro_rules! metrics {
    ($(#[$about:meta])* $set:ident of $family:ident {$(
        #[doc = $help:literal]
        $field:ident: $metric:ident = $name:literal { $($label:ident: $values:ty),* } $(buckets $buckets:ident)?,
    )+}) => {
        $(#[$about])*
        pub(crate) struct $set {
            $(#[doc = $help] pub(crate) $field: $family<$metric, ($($values,)*)>,)+
        }

        impl $set {
            pub(crate) const DEFINITIONS: &[Definition] =
                &[$(metrics!(@define $family $help, $metric, $name, [$($label: $values),*] $($buckets)?)),+];

            pub(crate) fn register(registry: &prometheus::Registry) -> prometheus::Result<Self> {
                Ok(Self {$(
                    $field: $family::register(
                        registry,
                        &metrics!(@define $family $help, $metric, $name, [$($label: $values),*] $($buckets)?),
                    )?,
                )+})
            }
        }
    };
    (@define $family:ident $help:literal, $metric:ident, $name:literal, [$($label:ident: $values:ty),*] $($buckets:ident)?) => {
        Definition {
            name: $name,
            help: $help.trim_ascii(),
            kind: <$metric as Metric>::KIND,
            labels: &[$(LabelDefinition { name: stringify!($label), values: <$values as Label>::VALUES }),*],
            per_channel: $family::<$metric, ($($values,)*)>::PER_CHANNEL,
            buckets: metrics!(@buckets $($buckets)?),
        }
    };
    (@buckets) => { &[] };
    (@buckets $buckets:ident) => { $buckets };
}

/// The same, and beside it the resolved series of one channel.
macro_rules! channel_metrics {
    ($set:ident, each $each:ident {$(
        #[doc = $help:literal]
        $field:ident: $metric:ident = $name:literal { $($label:ident: $values:ty),* } $(buckets $buckets:ident)?,
    )+}) => {
        metrics! {
            /// What every channel has.
            $set of ChannelFamily {
                $(#[doc = $help] $field: $metric = $name { $($label: $values),* } $(buckets $buckets)?,)+
            }
        }

        /// The series of one channel, resolved.
        pub(crate) struct $each {
            $(#[doc = $help] pub(crate) $field: Family<$metric, ($($values,)*)>,)+
        }

        impl $set {
            pub(crate) fn resolve(&self, channel: &str) -> prometheus::Result<$each> {
                Ok($each { $($field: self.$field.resolve(channel)?,)+ })
            }
        }
    };
}

metrics! {
    /// What the process has once.
    ProcessMetrics of Family {
        /// Journal entries committed, by what happened.
        transitions: IntCounter = "gateway_transitions_total" { event: Transition },
        /// Requests refused at the door, by cause: messages, and commands about them.
        messages_rejected: IntCounter = "gateway_messages_rejected_total" { cause: Cause },
        /// Submissions that were accepted before and not accepted twice.
        duplicates: IntCounter = "gateway_duplicates_suppressed_total" {},
        /// Messages that ended, by how.
        messages_final: IntCounter = "gateway_messages_final_total" { outcome: End },
        /// Messages that ended without success, by cause.
        messages_failed: IntCounter = "gateway_messages_failed_total" { cause: Cause },
        /// Messages accepted and not ended.
        messages_open: Gauge = "gateway_messages_open" {},
        /// Time from a message's arrival to the commit that releases the positive answer, by kind of channel.
        accept_duration: Histogram = "gateway_accept_duration_seconds" { ingress: ChannelKind } buckets ACCEPT_SECONDS,
        /// Time from acceptance to the answer of the first attempt; of unscheduled messages, a sample while more than sixty thousand wait.
        first_attempt_delay: Histogram = "gateway_first_attempt_delay_seconds" { lane: Lane } buckets DELIVERY_SECONDS,
        /// Time from acceptance to delivery, of messages known to be delivered.
        submit_to_deliver: Histogram = "gateway_submit_to_deliver_seconds" {} buckets DELIVERY_SECONDS,
        /// Receipts applied to a message, by state.
        receipts: IntCounter = "gateway_receipts_total" { state: ReceiptState },
        /// Receipts that came after the end of their message: counted, not applied.
        receipts_late: IntCounter = "gateway_receipts_late_total" { state: ReceiptState },
        /// Receipts that belong to no open message.
        receipts_unmatched: IntCounter = "gateway_receipts_unmatched_total" {},
        /// Answers to attempts that were no longer awaited.
        outcomes_stale: IntCounter = "gateway_outcomes_stale_total" {},
        /// Messages that wait for their next attempt.
        retry_due: Gauge = "gateway_retry_due_messages" {},
        /// Usage records committed.
        usage_records: IntCounter = "gateway_usage_records_total" { service: UsageService, event: UsageEvent },
        /// Segments on committed usage records.
        usage_segments: IntCounter = "gateway_usage_segments_total" { service: UsageService, event: UsageEvent },
        /// Facts stored or refreshed: links, consent, leases, idempotency keys.
        facts_stored: IntCounter = "gateway_facts_stored_total" { fact: FactKind },
        /// Facts forgotten.
        facts_forgotten: IntCounter = "gateway_facts_forgotten_total" { fact: FactKind },
        /// Numbers linked to a messenger user.
        links: Gauge = "gateway_links" {},
        /// Entries in one commit.
        journal_batch_rows: Histogram = "gateway_journal_batch_rows" {} buckets BATCH_ROWS,
        /// Time one commit took, flush included.
        journal_append: Histogram = "gateway_journal_append_duration_seconds" {} buckets COMMIT_SECONDS,
        /// Commits or flushes that the store refused; nothing in them was answered positively.
        journal_failures: IntCounter = "gateway_journal_fsync_failures_total" {},
        /// Number of the last committed batch.
        journal_seq: Gauge = "gateway_journal_last_sequence" {},
        /// Octets the store occupies.
        store_size: Gauge = "gateway_store_size_bytes" {},
        /// Octets left for the store to grow into.
        store_free: Gauge = "gateway_store_free_bytes" {},
        /// Files of the content server, by what happened to them.
        files: IntCounter = "gateway_files_total" { action: FileAction },
        /// Octets of files that came in.
        files_received: IntCounter = "gateway_files_received_bytes_total" {},
        /// Octets of files that went out.
        files_sent: IntCounter = "gateway_files_sent_bytes_total" {},
        /// Octets of all files together.
        files_size: Gauge = "gateway_files_size_bytes" {},
        /// Octets that files may take together; zero without a content server.
        files_room: Gauge = "gateway_files_size_max_bytes" {},
        /// Calls about files that were refused, by why.
        files_refused: IntCounter = "gateway_files_refused_total" { reason: FileRefusal },
        /// Users of RCS that are registered, with one device or several.
        rcs_users: Gauge = "gateway_rcs_registered_users" {},
        /// Devices that are registered here; a core that registers its users keeps theirs to itself.
        rcs_devices: Gauge = "gateway_rcs_registered_devices" {},
        /// Registrations taken, refreshed ones included.
        rcs_registrations: IntCounter = "gateway_rcs_registrations_total" {},
        /// Messages of RCS devices and to them, by what became of them.
        rcs_messages: IntCounter = "gateway_rcs_messages_total" { event: RcsMessage },
        /// Sessions of RCS devices that stand.
        rcs_sessions: Gauge = "gateway_rcs_sessions" {},
        /// Sessions of RCS devices, by what happened to them.
        rcs_session_events: IntCounter = "gateway_rcs_session_events_total" { event: RcsSession },
        /// Proofs of identity asked of RCS devices, and those that did not hold; one that comes from a source locked out counts as wrong.
        rcs_proofs: IntCounter = "gateway_rcs_proofs_total" { event: RcsProof },
        /// Requests of RCS devices that led nowhere, and devices found to take plain text only.
        rcs_oddities: IntCounter = "gateway_rcs_oddities_total" { kind: RcsOddity },
        /// Connections of RCS that stand.
        rcs_connections: Gauge = "gateway_rcs_connections" { wire: Wire },
        /// Connections of RCS, by what happened to them.
        rcs_connection_events: IntCounter = "gateway_rcs_connection_events_total" { wire: Wire, event: ConnectionEvent },
        /// SIP messages that the sockets took and gave; of datagrams, all of them.
        sip_messages: IntCounter = "gateway_sip_messages_total" { transport: SipTransport, direction: Direction },
        /// SIP messages that could be read and went no further than the sockets; `overloaded` and `throttled` were answered 503.
        sip_refused: IntCounter = "gateway_sip_refused_total" { reason: SipRefusal },
        /// SIP messages that did not leave at once, or not at all.
        sip_send_problems: IntCounter = "gateway_sip_send_problems_total" { problem: SipSending },
        /// What devices send to keep their way open.
        sip_keep_alives: IntCounter = "gateway_sip_keep_alives_total" { kind: KeepAlive },
        /// Frames of MSRP that came in.
        msrp_frames: IntCounter = "gateway_msrp_frames_received_total" {},
        /// Octets of MSRP.
        msrp_octets: IntCounter = "gateway_msrp_bytes_total" { direction: Direction },
        /// HTTP calls answered, by the pattern of their path.
        http_requests: IntCounter = "gateway_http_requests_total" { path: HttpPath, status: HttpStatus },
        /// Differences the last reconciliation found; anything but zero is a page.
        reconciliation: Gauge = "gateway_reconciliation_mismatch" { check: Check },
        /// When the last reconciliation ran; zero before the first.
        reconciliation_at: Gauge = "gateway_reconciliation_last_run_timestamp_seconds" {},
        /// Log-ins and signatures refused.
        auth_failures: IntCounter = "gateway_auth_failures_total" { ingress: Ingress, reason: AuthFailure },
        /// Input that could not be understood, by protocol and kind.
        parse_errors: IntCounter = "gateway_parse_errors_total" { protocol: Protocol, kind: ParseError },
        /// Whether the last loading of the configuration succeeded.
        config_ok: Gauge = "gateway_config_last_reload_successful" {},
        /// When the configuration in force was loaded.
        config_at: Gauge = "gateway_config_last_reload_timestamp_seconds" {},
        /// Tasks that ended by a broken promise of ours.
        task_panics: IntCounter = "gateway_task_panics_total" { task: Task },
        /// Log lines given up because the log's reader was too slow.
        log_dropped: IntCounter = "gateway_log_lines_dropped_total" {},
        /// Whether this process takes traffic.
        ready: Gauge = "gateway_ready" {},
        /// Whether one condition of readiness is met.
        ready_condition: Gauge = "gateway_ready_condition" { condition: Condition },
    }
}

channel_metrics! {
    ChannelFamilies, each ChannelSeries {
        /// What kind of channel this is: 1 at its kind.
        info: Gauge = "gateway_channel_info" { kind: ChannelKind },
        /// Submissions per second agreed with this channel; zero without agreement.
        rate_limit: Gauge = "gateway_channel_rate_limit" {},
        /// Messages accepted from this channel.
        accepted: IntCounter = "gateway_messages_accepted_total" { class: Class },
        /// Refusals given to this channel, by class of their cause.
        refusals: IntCounter = "gateway_channel_refusals_total" { reason: CauseClass },
        /// Attempts to hand a message to this channel, by how they ended; `timeout` is a lost answer.
        attempts: IntCounter = "gateway_delivery_attempts_total" { result: AttemptEnd },
        /// Segments this channel took.
        segments: IntCounter = "gateway_segments_total" {},
        /// Messages that fell back to this channel, by what happened on the one before.
        fallbacks: IntCounter = "gateway_fallback_total" { reason: CauseClass },
        /// Messages and reports that could go to this channel now.
        queue: Gauge = "gateway_queue_messages" { queue: Queue },
        /// Age of the oldest of them; zero when there is none.
        queue_oldest: Gauge = "gateway_queue_oldest_age_seconds" { queue: Queue },
        /// Hand-overs to this channel whose outcome is awaited.
        outstanding: Gauge = "gateway_channel_outstanding" {},
        /// Hand-overs this channel would take now.
        room: Gauge = "gateway_channel_room" {},
        /// Where the channel stands: 1 at the best state of its sessions.
        state: Gauge = "gateway_peer_state" { state: PeerState },
        /// Sessions of this channel that are bound.
        sessions: Gauge = "gateway_peer_sessions" {},
        /// Requests to this channel that are unanswered.
        window_used: Gauge = "gateway_peer_window_used" {},
        /// Requests this channel may leave unanswered.
        window_size: Gauge = "gateway_peer_window_size" {},
        /// Time until this channel answered a hand-over.
        round_trip: Histogram = "gateway_peer_round_trip_seconds" {} buckets ROUND_TRIP_SECONDS,
        /// Connections to this channel opened again after a loss.
        reconnects: IntCounter = "gateway_peer_reconnects_total" {},
        /// Requests this channel refused because it had too many.
        throttled: IntCounter = "gateway_peer_throttled_total" {},
        /// Negative answers of this channel, by class of their cause.
        errors: IntCounter = "gateway_peer_errors_total" { code_class: CauseClass },
    }
}

/// Metrics whose values come from elsewhere: the build, and the kernel by the collector of the `prometheus` crate.
pub(crate) const BUILD_INFO: Definition = Definition {
    name: "gateway_build_info",
    help: "1, with what was built.",
    kind: Kind::Gauge,
    labels: &[
        LabelDefinition { name: "version", values: &[] },
        LabelDefinition { name: "commit", values: &[] },
    ],
    per_channel: false,
    buckets: &[],
};

const fn of_process(name: &'static str, help: &'static str, kind: Kind) -> Definition {
    Definition { name, help, kind, labels: &[], per_channel: false, buckets: &[] }
}

const PROCESS: &[Definition] = &[
    of_process("process_cpu_seconds_total", "Processor time spent.", Kind::Counter),
    of_process("process_open_fds", "Open file descriptors.", Kind::Gauge),
    of_process("process_max_fds", "File descriptors allowed.", Kind::Gauge),
    of_process("process_virtual_memory_bytes", "Address space in use.", Kind::Gauge),
    of_process("process_resident_memory_bytes", "Memory in use.", Kind::Gauge),
    of_process("process_start_time_seconds", "When the process started.", Kind::Gauge),
    of_process("process_threads", "Threads of the process.", Kind::Gauge),
];

/// Every metric this process can show, in the order of the catalogue.
pub fn definitions() -> impl Iterator<Item = &'static Definition> {
    ChannelFamilies::DEFINITIONS.iter().chain(ProcessMetrics::DEFINITIONS).chain([&BUILD_INFO]).chain(PROCESS)
}
