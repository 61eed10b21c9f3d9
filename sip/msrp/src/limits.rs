//! What a peer may make us hold, and for how long.

/// Octets of one header line, its end included.
pub const LINE_OCTETS_MAX: usize = 1024;
/// Header lines of one head.
pub const HEADERS_MAX: usize = 64;
/// URIs of one path: relays of both ends and the ends.
pub const HOPS_MAX: usize = 8;
/// Octets of a chunk's body that are collected before they are handed on as a piece.
pub const PIECE_OCTETS: usize = 64 << 10;
/// Octets of one chunk's body; what the session takes is usually far less.
pub const CHUNK_OCTETS_MAX: u64 = 256 << 20;

/// Octets of a chunk whose end must not be left open (RFC 4975 §7.1.1).
pub const CHUNK_OCTETS_CLOSED: usize = 2048;
/// Octets of a chunk that we send unless told otherwise. Kamailio reads frames of 16 KiB at most, head included.
pub const CHUNK_OCTETS: usize = 8 << 10;
/// Chunks of one session that wait for their response; more are cut when some are answered.
pub const WINDOW_CHUNKS: usize = 16;

/// Octets of a whole message unless `a=max-size` says otherwise.
pub const MESSAGE_OCTETS: usize = 1 << 20;
/// Octets of incomplete messages on one connection.
pub const INCOMPLETE_OCTETS_MAX: usize = 8 << 20;
/// Incomplete messages of one session.
pub const INCOMPLETE_MAX: usize = 16;
/// Pieces with holes between them of one message.
pub const SEGMENTS_MAX: usize = 256;
/// Messages of a session whose refusal is remembered for the rest of their chunks.
pub const REFUSED_MAX: usize = 16;
/// Octets that may still come of a chunk that was refused; they were under way.
pub const OVERRUN_OCTETS_MAX: u64 = 4 << 20;
/// Messages of one connection that wait for [`Endpoint::answer`](crate::Endpoint::answer).
pub const QUESTIONS_MAX: usize = 4096;

/// Messages of one session that wait to be sent or answered.
pub const QUEUE_MESSAGES_MAX: usize = 1024;
/// Octets of them.
pub const QUEUE_OCTETS_MAX: usize = 16 << 20;
/// Messages of one session for which a REPORT is still understood.
pub const REPORTABLE_MAX: usize = 256;

/// Requests for no session of ours after which a connection is closed.
pub const STRIKES_MAX: u8 = 8;
/// Attempts at one authorisation by a relay.
pub const AUTH_TRIES_MAX: u8 = 3;

const SECOND: i64 = 1_000_000;
/// For a response (RFC 4975 §7.1.1).
pub const RESPONSE_WAIT_US: i64 = 30 * SECOND;
/// For the connection of a session.
pub const BIND_WAIT_US: i64 = 32 * SECOND;
/// For another connection after one was lost.
pub const REBIND_WAIT_US: i64 = 10 * SECOND;
/// For the next chunk of an incomplete message.
pub const CHUNK_WAIT_US: i64 = 60 * SECOND;
/// For the first session of a connection that was accepted.
pub const FIRST_SESSION_WAIT_US: i64 = 32 * SECOND;
/// For another session on a connection that has none left.
pub const NEXT_SESSION_WAIT_US: i64 = 10 * SECOND;
/// For a REPORT about a message that was sent.
pub const REPORT_WAIT_US: i64 = 120 * SECOND;
/// Between empty requests through address translators.
pub const KEEP_ALIVE_US: i64 = 100 * SECOND;
