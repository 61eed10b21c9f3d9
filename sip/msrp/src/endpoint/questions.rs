//! Questions about what has come, and responses to requests (RFC 4975 §7.2).

use smol_str::SmolStr;

use super::{ConnectionId, Endpoint, SessionKey};
use crate::{
    Action, Answer, ByteRange, End, FailureReport, Method, Path, Question, Request, Status, TransactionId,
    Uri, Writer, answered, limits,
};

/// What a response to a request needs.
#[derive(Clone)]
pub(super) struct Reply {
    pub(super) transaction: TransactionId,
    /// The whole `From-Path`.
    pub(super) from_path: Path,
    pub(super) local: Uri,
    /// Which responses are wanted.
    pub(super) asked: FailureReport,
    /// Responses to SEND go one hop, all others the whole way (RFC 4975 §7.2).
    pub(super) one_hop: bool,
}

/// A message or nickname that was handed on.
pub(super) struct Asked {
    pub(super) connection: ConnectionId,
    reply: Reply,
    /// To report success on: the message and its octets.
    report: Option<(SmolStr, u64)>,
}

impl std::fmt::Debug for Asked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Asked").field("connection", &self.connection).finish_non_exhaustive()
    }
}

impl Endpoint {
    pub(super) fn ask_about(
        &mut self,
        id: ConnectionId,
        reply: Reply,
        report: Option<(SmolStr, u64)>,
    ) -> Option<Question> {
        let connection = self.connections.get_mut(&id)?;
        if connection.questions >= limits::QUESTIONS_MAX {
            return None;
        }
        connection.questions += 1;
        self.last_key += 1;
        let question = Question(self.last_key);
        self.questions.insert(question, Asked { connection: id, reply, report });
        Some(question)
    }

    pub(super) fn answer_one(&mut self, now: i64, question: Question, answer: Answer) {
        let Some(Asked { connection, reply, report }) = self.questions.remove(&question) else { return };
        if let Some(one) = self.connections.get_mut(&connection) {
            one.questions = one.questions.saturating_sub(1);
        }
        match answer {
            Answer::Refused(status) => self.respond(now, connection, &reply, status),
            Answer::Taken => {
                self.respond(now, connection, &reply, Status::OK);
                if let Some((message_id, octets)) = report {
                    let range = ByteRange::whole(octets);
                    let (to, from) = (&reply.from_path, &reply.local);
                    self.report_back(now, connection, to, from, &message_id, range, Status::OK);
                }
            }
        }
    }

    pub(super) fn nickname(
        &mut self,
        now: i64,
        id: ConnectionId,
        session: SessionKey,
        request: Request,
        out: &mut Vec<Action>,
    ) {
        let Some(reply) = Reply::to(&request) else { return };
        let Some(nickname) = request.others.get("Use-Nickname").and_then(unquoted) else {
            return self.respond(now, id, &reply, Status::NICKNAME_MALFORMED);
        };
        match self.ask_about(id, reply.clone(), None) {
            Some(question) => out.push(Action::Nickname { question, session, nickname }),
            None => self.respond(now, id, &reply, Status::FORBIDDEN),
        }
    }

    /// Writes a response, if it is wanted.
    pub(super) fn respond(&mut self, now: i64, id: ConnectionId, reply: &Reply, status: Status) {
        if !answered(reply.asked, status) {
            return;
        }
        let Some(connection) = self.connections.get_mut(&id).filter(|one| !one.closing) else { return };
        connection.written_at = now;
        connection.mark(id, &mut self.dirty);
        let hops = reply.from_path.hops();
        let to = if reply.one_hop { hops.get(..1).unwrap_or(hops) } else { hops };
        Writer::response(&mut connection.output, &reply.transaction, status, to, &reply.local)
            .end(End::Complete);
    }
}

impl Reply {
    /// `None` when the request does not say who is to be answered as whom.
    pub(super) fn to(request: &Request) -> Option<Self> {
        if request.from_path.is_empty() {
            return None;
        }
        let send = request.method == Method::Send;
        Some(Self {
            transaction: request.transaction.clone(),
            from_path: request.from_path.clone(),
            local: request.to_path.first()?.clone(),
            asked: if send { request.failure_report } else { FailureReport::Yes },
            one_hop: send,
        })
    }
}

/// A quoted string without its quotes (RFC 7701 §7.1).
fn unquoted(value: &str) -> Option<SmolStr> {
    let inner = value.strip_prefix('"')?.strip_suffix('"')?;
    let mut plain = String::new();
    let mut letters = inner.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '"' => return None,
            '\\' => plain.push(letters.next()?),
            _ => plain.push(letter),
        }
    }
    Some(plain.into())
}
