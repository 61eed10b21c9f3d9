//! REPORTs: what the other end says about our messages, and what we say about theirs (RFC 4975 §7.1.2).

use smallvec::SmallVec;
use smol_str::SmolStr;

use super::{ConnectionId, Endpoint, SessionKey};
use crate::{
    Action, ByteRange, End, Failure, Message, Method, Path, Request, Status, TransactionId, Uri, Writer,
    limits,
};

/// Ranges that are remembered of one message; who reports in smaller pieces is not heard to the end.
const RANGES_MAX: usize = 64;

/// A message of ours about which a REPORT may still come.
#[derive(Debug)]
pub(super) struct Reportable {
    message_id: SmolStr,
    total: u64,
    wants_success: bool,
    /// Octets that were reported, counted from 1, both ends included.
    covered: SmallVec<[(u64, u64); 1]>,
    /// Only failures are of interest, and only so long. `None`: as long as there is room.
    until: Option<i64>,
}

impl Reportable {
    pub(super) fn new(now: i64, message: &Message, total: u64) -> Self {
        Self {
            message_id: message.id.clone(),
            total,
            wants_success: message.success_report,
            covered: SmallVec::new(),
            until: (!message.success_report).then_some(now + limits::REPORT_WAIT_US),
        }
    }

    pub(super) fn is_about(&self, message_id: &str) -> bool {
        self.message_id == message_id
    }

    /// Is everything reported now?
    fn cover(&mut self, range: ByteRange) -> bool {
        if self.covered.len() < RANGES_MAX {
            self.covered.push((range.start, range.end.unwrap_or(self.total)));
        }
        self.covered.sort_unstable();
        let mut next = 1;
        for (start, end) in &self.covered {
            if *start > next {
                return false;
            }
            next = next.max(end.saturating_add(1));
        }
        next > self.total
    }
}

impl Endpoint {
    /// A REPORT in one of our sessions. It is never answered; about a message that nobody remembers it says
    /// nothing.
    pub(super) fn reported(
        &mut self,
        now: i64,
        session: SessionKey,
        request: Request,
        out: &mut Vec<Action>,
    ) {
        let Some(open) = self.sessions.get_mut(&session) else { return };
        let (Some(message_id), Some(said)) = (request.message_id, request.status) else { return };
        open.reportable.retain(|one| one.until.is_none_or(|until| until > now));
        let Some(at) = open.reportable.iter().position(|one| one.message_id == message_id) else { return };
        // Only the name space 000 has codes that mean something.
        if said.namespace != 0 {
            return;
        }
        if said.status.is_success() {
            let range = request.byte_range.unwrap_or_default();
            let all = open.reportable.get_mut(at).is_some_and(|one| one.wants_success && one.cover(range));
            if all {
                open.reportable.remove(at);
                out.push(Action::Report { session, message_id, status: said.status });
            }
            return;
        }
        open.reportable.remove(at);
        match open.outbox.number_of(&message_id) {
            Some(number) => self.fail(now, session, number, Failure::Refused(said.status), out),
            None => out.push(Action::Report { session, message_id, status: said.status }),
        }
    }

    /// Says what became of a message of theirs.
    #[expect(clippy::too_many_arguments, reason = "the headers of one request")]
    pub(super) fn report_back(
        &mut self,
        now: i64,
        connection: ConnectionId,
        to: &Path,
        from: &Uri,
        message_id: &str,
        range: ByteRange,
        status: Status,
    ) {
        let transaction = TransactionId::fresh(self.random.next());
        let Some(one) = self.connections.get_mut(&connection).filter(|one| !one.closing) else { return };
        one.written_at = now;
        one.mark(connection, &mut self.dirty);
        Writer::request(&mut one.output, &transaction, &Method::Report, (&Path::default(), to), from)
            .header("Message-ID", message_id)
            .header("Byte-Range", range)
            .header("Status", format_args!("000 {status} {}", status.comment()))
            .end(End::Complete);
    }
}
