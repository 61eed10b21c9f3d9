//! From answers of the engine to answers over HTTP.

use model::{Answer, Cause, Command};

use crate::{Api, Problem, desk::Ask, desk::Missing};

/// Why no answer came, as a problem.
pub(crate) fn missing(missing: Missing) -> Problem {
    match missing {
        Missing::Closed => Problem::of(Cause::Draining),
        Missing::Late => Problem::answer_late(),
        Missing::Crowded => Problem::of(Cause::QueueFull),
    }
}

/// Refuses before a body is read when nothing would be taken anyway.
pub(crate) fn open(api: &Api) -> Result<(), Problem> {
    match api.desk.closed() {
        Some(cause) => Err(Problem::of(cause).close()),
        None => Ok(()),
    }
}

/// Asks one command.
pub(crate) async fn command(api: &Api, command: Command) -> Result<Answer, Problem> {
    api.desk.ask_one(Ask::Command(command), api.services.limits.answer_timeout).await.map_err(missing)
}

/// An answer of a kind that this question never has.
pub(crate) fn unexpected(answer: &Answer) -> Problem {
    tracing::error!(kind = ?std::mem::discriminant(answer), "an answer of the wrong kind");
    Problem::internal()
}
