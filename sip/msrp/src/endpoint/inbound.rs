//! Receiving: chunks become messages, messages become questions, answers become responses (RFC 4975 §7.2, §7.3).

use bytes::Bytes;
use smol_str::SmolStr;

use super::{ConnectionId, Endpoint, SessionKey, judge::has_content, questions::Reply, states::Incomplete};
use crate::{
    Action, End, FailureReport, FrameError, Headers, Method, Piece, Reassembly, Request, Status, Within,
    body, limits,
};

/// A chunk whose end has not come yet, or has just come.
pub(super) struct Incoming {
    session: SessionKey,
    reply: Reply,
    message_id: SmolStr,
    content_type: SmolStr,
    headers: Headers,
    success_report: bool,
    /// Where its next octet lies in the message, counted from 0.
    at: u64,
    /// It was answered before its end; so many octets have come since.
    refused: Option<u64>,
}

impl Endpoint {
    pub(super) fn request(&mut self, now: i64, id: ConnectionId, request: Request, out: &mut Vec<Action>) {
        match self.judge(now, id, &request, out) {
            Ok(session) if request.method == Method::Report => self.reported(now, session, request, out),
            Ok(session) if request.method == Method::Nickname => {
                self.nickname(now, id, session, request, out)
            }
            Ok(session) => self.chunk(now, id, session, request, out),
            Err(status) => self.refuse(now, id, request, status),
        }
    }

    fn judge(
        &mut self,
        now: i64,
        id: ConnectionId,
        request: &Request,
        out: &mut Vec<Action>,
    ) -> Result<SessionKey, Status> {
        let session = self.judge_address(id, request)?;
        if self.bind_session(now, session, id, out) {
            self.pump(now, session, out);
        }
        if self.connection(session) != Some(id) {
            // It showed another certificate; nothing more is said here.
            return Err(Status::FORBIDDEN);
        }
        self.judge_content(id, request, session)?;
        Ok(session)
    }

    /// Says no, if that is wanted, and lets the rest of the chunk go by.
    fn refuse(&mut self, now: i64, id: ConnectionId, request: Request, status: Status) {
        let open = request.end.is_none();
        // A REPORT is never answered.
        if request.method != Method::Report
            && let Some(reply) = Reply::to(&request)
        {
            self.respond(now, id, &reply, status);
            if open {
                self.keep_open(id, Incoming::refused(reply));
            }
        } else if open {
            // Nobody to answer, and no end in sight.
            self.shut(id);
        }
        self.strike(id, status);
    }

    fn keep_open(&mut self, id: ConnectionId, incoming: Incoming) {
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.incoming = Some(Box::new(incoming));
        }
    }

    fn chunk(
        &mut self,
        now: i64,
        id: ConnectionId,
        session: SessionKey,
        request: Request,
        out: &mut Vec<Action>,
    ) {
        let Some(reply) = Reply::to(&request) else { return };
        if !has_content(&request) {
            // It binds, or keeps alive, or takes a message back.
            if request.end == Some(End::Abort)
                && let Some(message_id) = &request.message_id
            {
                self.drop_message(id, session, message_id);
            }
            self.respond(now, id, &reply, Status::OK);
            return;
        }
        let range = request.byte_range.unwrap_or_default();
        let incoming = Incoming {
            session,
            reply,
            message_id: request.message_id.unwrap_or_default(),
            content_type: request.content_type.unwrap_or_default(),
            headers: request.others,
            success_report: request.success_report,
            at: range.start - 1,
            refused: None,
        };
        self.take(now, id, incoming, request.body, request.end, out);
    }

    pub(super) fn piece(&mut self, now: i64, id: ConnectionId, piece: Piece, out: &mut Vec<Action>) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let Some(mut incoming) = connection.incoming.take() else { return };
        if let Some(passed) = &mut incoming.refused {
            *passed += piece.body.len() as u64;
            if *passed > limits::OVERRUN_OCTETS_MAX {
                // It was answered already, and goes on and on.
                self.shut(id);
            } else if piece.end.is_none() {
                connection.incoming = Some(incoming);
            }
            return;
        }
        self.take(now, id, *incoming, piece.body, piece.end, out);
    }

    /// Octets of a message: the whole of it, or some.
    fn take(
        &mut self,
        now: i64,
        id: ConnectionId,
        mut incoming: Incoming,
        octets: Bytes,
        end: Option<End>,
        out: &mut Vec<Action>,
    ) {
        let Some(open) = self.sessions.get_mut(&incoming.session) else {
            return self.stop(now, id, incoming, end, Status::NO_SESSION);
        };
        let session = incoming.session;
        let octets_max = open.session.octets_max;
        let held = open.incomplete.iter().position(|one| one.message_id == incoming.message_id);
        if end == Some(End::Abort) {
            self.drop_message(id, session, &incoming.message_id);
            return self.respond(now, id, &incoming.reply, Status::OK);
        }
        if incoming.at == 0 && held.is_none() {
            // A message that was refused may be tried again from its beginning.
            open.refused.retain(|(refused, _)| *refused != incoming.message_id);
            if end == Some(End::Complete) && octets.len() <= octets_max {
                return self.deliver(now, id, incoming, octets, out);
            }
        }
        if let Some((_, status)) = open.refused.iter().find(|(refused, _)| *refused == incoming.message_id) {
            let status = *status;
            return self.stop(now, id, incoming, end, status);
        }
        let held = held.unwrap_or_else(|| {
            open.incomplete.push(Incomplete::of(now, &incoming));
            open.incomplete.len() - 1
        });
        let crowded = open.incomplete.len() > limits::INCOMPLETE_MAX;
        let Some(one) = open.incomplete.get_mut(held) else { return };
        let before = one.reassembly.octets();
        let put = one.reassembly.put(incoming.at, &octets, octets_max);
        incoming.at = incoming.at.saturating_add(octets.len() as u64);
        one.touched_at = now;
        if end == Some(End::Complete) {
            one.reassembly.ends_at(incoming.at);
        }
        let grown = one.reassembly.octets().saturating_sub(before);
        let complete = end.is_some() && one.reassembly.is_complete();
        let Some(connection) = self.connections.get_mut(&id) else { return };
        connection.incomplete += grown;
        let full = connection.incomplete > self.settings.incomplete_octets_max;
        if put.is_err() || crowded || full {
            self.drop_message(id, session, &incoming.message_id);
            if let Some(open) = self.sessions.get_mut(&session) {
                open.refuse(incoming.message_id.clone(), Status::STOP_SENDING);
            }
            self.stop(now, id, incoming, end, Status::STOP_SENDING);
        } else if complete {
            self.complete(now, id, incoming, out);
        } else if end.is_some() {
            self.respond(now, id, &incoming.reply, Status::OK);
        } else {
            self.keep_open(id, incoming);
        }
        self.arm_session(session);
    }

    /// The last missing octets have come.
    fn complete(&mut self, now: i64, id: ConnectionId, mut incoming: Incoming, out: &mut Vec<Action>) {
        let Some(one) = self.take_message(id, incoming.session, &incoming.message_id) else { return };
        incoming.content_type = one.content_type;
        incoming.headers = one.headers;
        incoming.success_report |= one.success_report;
        self.deliver(now, id, incoming, one.reassembly.into_message(), out);
    }

    fn deliver(
        &mut self,
        now: i64,
        id: ConnectionId,
        incoming: Incoming,
        body: Bytes,
        out: &mut Vec<Action>,
    ) {
        let Incoming { session, reply, message_id, content_type, headers, success_report, .. } = incoming;
        if let Some(open) = self.sessions.get_mut(&session)
            && !body::is_composing(&content_type, &body)
        {
            open.active_at = now;
        }
        let report = success_report.then(|| (message_id.clone(), body.len() as u64));
        match self.ask_about(id, reply.clone(), report) {
            Some(question) => {
                out.push(Action::Deliver { question, session, message_id, content_type, headers, body })
            }
            None => self.respond(now, id, &reply, Status::STOP_SENDING),
        }
    }

    /// Answers a chunk before its message is complete, and lets the rest of it go by.
    fn stop(&mut self, now: i64, id: ConnectionId, incoming: Incoming, end: Option<End>, status: Status) {
        self.respond(now, id, &incoming.reply, status);
        if end.is_none() {
            self.keep_open(id, Incoming { refused: Some(0), ..incoming });
        }
    }

    fn drop_message(&mut self, id: ConnectionId, session: SessionKey, message_id: &str) {
        drop(self.take_message(id, session, message_id));
    }

    fn take_message(
        &mut self,
        id: ConnectionId,
        session: SessionKey,
        message_id: &str,
    ) -> Option<Incomplete> {
        let open = self.sessions.get_mut(&session)?;
        let at = open.incomplete.iter().position(|one| one.message_id == message_id)?;
        let one = open.incomplete.swap_remove(at);
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.incomplete = connection.incomplete.saturating_sub(one.reassembly.octets());
        }
        Some(one)
    }

    /// The stream is broken: 400 where somebody can be answered.
    pub(super) fn refuse_stream(&mut self, now: i64, id: ConnectionId, error: FrameError) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        if connection.closing {
            return;
        }
        let open = connection.incoming.take().filter(|incoming| incoming.refused.is_none());
        let named = error.within.and_then(|within| {
            let Within { transaction, to_path, from_path } = *within;
            let local = to_path.first()?.clone();
            let asked = FailureReport::Yes;
            (!from_path.is_empty()).then_some(Reply { transaction, from_path, local, asked, one_hop: true })
        });
        if let Some(reply) = open.map(|incoming| incoming.reply).or(named) {
            self.respond(now, id, &reply, Status::UNINTELLIGIBLE);
        }
        // The sessions part when the connection is really gone.
        self.shut(id);
    }
}

impl Incoming {
    fn refused(reply: Reply) -> Self {
        Self {
            session: SessionKey(0),
            reply,
            message_id: SmolStr::default(),
            content_type: SmolStr::default(),
            headers: Headers::default(),
            success_report: false,
            at: 0,
            refused: Some(0),
        }
    }
}

impl Incomplete {
    fn of(now: i64, incoming: &Incoming) -> Self {
        Self {
            message_id: incoming.message_id.clone(),
            reassembly: Reassembly::default(),
            touched_at: now,
            content_type: incoming.content_type.clone(),
            headers: incoming.headers.clone(),
            from_path: incoming.reply.from_path.clone(),
            local: incoming.reply.local.clone(),
            failure_report: incoming.reply.asked,
            success_report: incoming.success_report,
        }
    }
}
