//! Sending: chunks, empty requests, and what their responses mean (RFC 4975 §7.1).

use super::{
    ConnectionId, Endpoint, SessionKey,
    connection::{Flight, What},
    reports::Reportable,
};
use crate::{
    Action, ByteRange, Chunk, End, Ending, Failure, FailureReport, Heard, Message, Method, Outcome, Response,
    SendError, Status, Writer, body, limits, message_id, outcome, transaction::is_ident, transaction_for,
};

impl Endpoint {
    /// Takes a message if the other end would.
    pub(super) fn enqueue(
        &mut self,
        now: i64,
        session: SessionKey,
        message: Message,
    ) -> Result<(), SendError> {
        let open = self.sessions.get_mut(&session).ok_or(SendError::NoSession)?;
        if !open.session.peer_receives {
            return Err(SendError::NotReceiving);
        }
        if !open.session.peer_accepts.takes(&message.content_type) {
            return Err(SendError::ContentType);
        }
        if open.session.peer_octets_max.is_some_and(|max| message.body.len() as u64 > max) {
            return Err(SendError::TooLarge);
        }
        if !is_ident(message.id.as_bytes()) || open.outbox.holds(&message.id) {
            return Err(SendError::MessageId);
        }
        if !open.outbox.has_room(message.body.len()) {
            return Err(SendError::QueueFull);
        }
        if !body::is_composing(&message.content_type, &message.body) {
            open.active_at = now;
        }
        open.outbox.push(message);
        Ok(())
    }

    /// Writes what the window lets go.
    pub(super) fn pump(&mut self, now: i64, session: SessionKey, out: &mut Vec<Action>) {
        let Some(open) = self.sessions.get_mut(&session) else { return };
        let Some(id) = open.connection else { return };
        let Some(connection) = self.connections.get_mut(&id).filter(|one| !one.closing) else { return };
        let Self { settings, random, dirty, .. } = self;
        while let Some((outgoing, chunk)) = open.outbox.cut(settings.chunk_octets, settings.window_chunks) {
            let message = &outgoing.message;
            let (number, asked, over) = (outgoing.number, message.failure_report, outgoing.is_cut());
            let transaction = transaction_for(&chunk.body, || random.next());
            let s = &open.session;
            let head = Writer::request(
                &mut connection.output,
                &transaction,
                &Method::Send,
                (&s.via, &s.remote),
                &s.local,
            );
            write_chunk(head, message, &chunk);
            if asked != FailureReport::No {
                connection.expect(now, transaction, What::Chunk { session, number, asked });
            }
            if over {
                let reportable = Reportable::new(now, message, outgoing.total());
                if message.success_report || asked != FailureReport::No {
                    if open.reportable.len() == limits::REPORTABLE_MAX {
                        open.reportable.pop_front();
                    }
                    open.reportable.push_back(reportable);
                }
                if asked == FailureReport::No
                    && let Some((outgoing, ..)) = open.outbox.give_up(number)
                {
                    out.push(Action::Sent { session, message_id: outgoing.message.id });
                }
            }
            connection.written_at = now;
            connection.mark(id, dirty);
        }
        self.arm_connection(id);
    }

    /// A request without a message: it binds the connection, or keeps it known.
    pub(super) fn send_empty(&mut self, now: i64, session: SessionKey, keep_alive: bool) {
        let Some(open) = self.sessions.get(&session) else { return };
        let Some(id) = open.connection else { return };
        let Some(connection) = self.connections.get_mut(&id).filter(|one| !one.closing) else { return };
        let transaction = transaction_for(&[], || self.random.next());
        let s = &open.session;
        Writer::request(&mut connection.output, &transaction, &Method::Send, (&s.via, &s.remote), &s.local)
            .header("Message-ID", message_id(self.random.next()))
            .header("Byte-Range", ByteRange::EMPTY)
            .header("Success-Report", "no")
            .header("Failure-Report", FailureReport::Yes.as_str())
            .end(End::Complete);
        connection.expect(now, transaction, What::Empty { session, keep_alive });
        connection.written_at = now;
        connection.mark(id, &mut self.dirty);
        self.arm_connection(id);
    }

    /// A response; one that nobody waits for is late and let be.
    pub(super) fn response(&mut self, now: i64, id: ConnectionId, response: Response, out: &mut Vec<Action>) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let Some(Flight { what, .. }) = connection.landed(&response.transaction) else { return };
        let status = response.status;
        match what {
            What::Chunk { session, number, asked } => {
                let heard = if status.is_success() { Heard::Success } else { Heard::Error };
                self.chunk_heard(now, (session, number), outcome(asked, heard), status, out);
                self.session_refused(now, session, status, out);
                self.pump(now, session, out);
            }
            What::Empty { session, .. } => self.session_refused(now, session, status, out),
            What::Auth => self.authorised(now, id, response, out),
        }
    }

    /// No response in time.
    pub(super) fn unanswered(&mut self, now: i64, id: ConnectionId, flight: Flight, out: &mut Vec<Action>) {
        match flight.what {
            What::Chunk { session, number, asked } => {
                let heard = outcome(asked, Heard::Silence);
                self.chunk_heard(now, (session, number), heard, Status::TIMED_OUT, out);
                self.pump(now, session, out);
            }
            What::Empty { keep_alive, .. } => {
                let silent = self.connections.get(&id).is_some_and(|one| one.received_at <= flight.since);
                if keep_alive && silent {
                    self.shut(id);
                }
            }
            What::Auth => self.not_authorised(id, Status::TIMED_OUT, out),
        }
    }

    fn chunk_heard(
        &mut self,
        now: i64,
        (session, number): (SessionKey, u64),
        outcome: Outcome,
        status: Status,
        out: &mut Vec<Action>,
    ) {
        match outcome {
            Outcome::Ignored => {}
            Outcome::Taken => {
                let taken = self.sessions.get_mut(&session).and_then(|open| open.outbox.taken(number));
                out.extend(taken.map(|message_id| Action::Sent { session, message_id }));
            }
            Outcome::Refused => self.fail(now, session, number, Failure::Refused(status), out),
            Outcome::NoAnswer => self.fail(now, session, number, Failure::NoAnswer, out),
        }
    }

    /// The other end does not know the session, or not here.
    fn session_refused(&mut self, now: i64, session: SessionKey, status: Status, out: &mut Vec<Action>) {
        if matches!(status, Status::NO_SESSION | Status::ON_ANOTHER_CONNECTION) {
            self.end(now, session, Ending::Refused(status), out);
        }
    }

    /// Gives a message up and says so.
    pub(super) fn fail(
        &mut self,
        now: i64,
        session: SessionKey,
        number: u64,
        failure: Failure,
        out: &mut Vec<Action>,
    ) {
        if let Some((message_id, whole)) = self.take_back(now, session, number) {
            out.push(Action::Failed { session, message_id, failure, whole });
        }
    }

    /// Gives a message up without a word. Was it under way?
    pub(super) fn give_up(&mut self, now: i64, session: SessionKey, message_id: &str) -> bool {
        let number = self.sessions.get(&session).and_then(|open| open.outbox.number_of(message_id));
        number.and_then(|number| self.take_back(now, session, number)).is_some()
    }

    /// Takes a message out of the queue; what was sent of it ends with `#` (RFC 4975 §7.1.1).
    fn take_back(&mut self, now: i64, session: SessionKey, number: u64) -> Option<(smol_str::SmolStr, bool)> {
        let open = self.sessions.get_mut(&session)?;
        let (outgoing, abort, whole) = open.outbox.give_up(number)?;
        open.reportable.retain(|one| !one.is_about(&outgoing.message.id));
        if let (Some(chunk), Some(id)) = (abort, open.connection)
            && let Some(connection) = self.connections.get_mut(&id).filter(|one| !one.closing)
        {
            let transaction = transaction_for(&[], || self.random.next());
            let s = &open.session;
            let head = Writer::request(
                &mut connection.output,
                &transaction,
                &Method::Send,
                (&s.via, &s.remote),
                &s.local,
            );
            write_chunk(head, &outgoing.message, &chunk);
            connection.written_at = now;
            connection.mark(id, &mut self.dirty);
        }
        Some((outgoing.message.id, whole))
    }
}

fn write_chunk(head: Writer<'_>, message: &Message, chunk: &Chunk) {
    let mut head = head
        .header("Message-ID", &message.id)
        .header("Byte-Range", chunk.range)
        .header("Success-Report", if message.success_report { "yes" } else { "no" })
        .header("Failure-Report", message.failure_report.as_str());
    for header in message.headers.iter() {
        head = head.header(&header.name, &header.value);
    }
    head.body(&message.content_type, &chunk.body, chunk.end);
}
