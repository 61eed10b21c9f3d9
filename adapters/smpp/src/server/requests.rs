//! What a bound ESME asks for: submissions, queries, cancellations, replacements (SMPP 3.4 §4.4–4.10).

use std::sync::{Arc, PoisonError, atomic::Ordering};

use model::{Cause, Command as Ask, Inbound, MessageId, Number, Pii, Submission, Ticket, Timestamp};
use smallvec::SmallVec;

use super::{
    account::AccountSettings,
    reader::{Asked, Connection},
    writer::{Multi, Request, Token, refusal, refused},
};
use crate::{
    Command, CommandStatus, Frame, Version,
    pdu::{self, CancelSm, DataSm, Destination, QuerySm, ReplaceSm, SubmitMulti, SubmitSm},
    tlv::Leniency,
    translate,
};

impl Connection<'_> {
    /// Why nothing is taken now, asked before a body is read.
    fn closed(&self) -> Option<Cause> {
        if self.unbinding.is_some() {
            return Some(Cause::Draining);
        }
        self.server.intake.closed_for_submissions()
    }

    /// Takes so many segments from the rate of the account.
    fn paced(&self, now: Timestamp, segments: usize) -> Result<(), Cause> {
        let Some((account, _)) = &self.bound else { return Ok(()) };
        let mut bucket = account.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(bucket) = bucket.as_mut() else { return Ok(()) };
        let segments = u32::try_from(segments).unwrap_or(u32::MAX);
        bucket.take(now.micros(), segments).map_err(|_| Cause::Throttled)
    }

    fn gate(&self, now: Timestamp) -> Option<Cause> {
        self.closed().or_else(|| self.paced(now, 1).err())
    }

    fn refuse(&mut self, frame: &Frame<'_>, cause: Cause) {
        self.server.watch.refusing(cause);
        let status = refusal(cause, self.version());
        refused(frame.header.command, status, frame.header.sequence, self.version(), &mut self.replies);
    }

    pub(super) fn submit(&mut self, frame: &Frame<'_>, now: Timestamp) {
        self.timers.worked(now.micros());
        let (command, sequence) = (frame.header.command, frame.header.sequence);
        let version = self.version();
        if let Some(cause) = self.gate(now) {
            return self.refuse(frame, cause);
        }
        let Some(settings) = self.settings() else { return };
        let from = from(&settings, version, now);
        let submission = SubmitSm::decode(frame.body, Leniency::Lenient)
            .map_err(|error| error.status)
            .and_then(|pdu| translate::submission_of_submit(&pdu, &from));
        self.submission(submission, command, Request::Submit, sequence);
    }

    pub(super) fn data(&mut self, frame: &Frame<'_>, now: Timestamp) {
        self.timers.worked(now.micros());
        let (command, sequence) = (frame.header.command, frame.header.sequence);
        let version = self.version();
        if let Some(cause) = self.gate(now) {
            return self.refuse(frame, cause);
        }
        let Some(settings) = self.settings() else { return };
        let from = from(&settings, version, now);
        let submission = DataSm::decode(frame.body, Leniency::Lenient)
            .map_err(|error| error.status)
            .and_then(|pdu| translate::submission_of_data(&pdu, &from));
        self.submission(submission, command, Request::Data, sequence);
    }

    fn submission(
        &mut self,
        submission: Result<Arc<Submission>, CommandStatus>,
        command: Command,
        request: Request,
        sequence: u32,
    ) {
        match submission {
            Ok(submission) => {
                let turn = self.turn();
                let ticket = self.ticket(Token { sequence, request, index: 0, turn });
                self.shared.unanswered.fetch_add(1, Ordering::Relaxed);
                self.batch.push(Inbound::Submit { submission, ticket });
            }
            Err(status) => {
                self.server.watch.malformed(false);
                pdu::answer(command, status, sequence, &mut self.replies);
            }
        }
    }

    const fn turn(&mut self) -> u16 {
        self.turns = self.turns.wrapping_add(1);
        self.turns
    }

    const fn ticket(&self, token: Token) -> Ticket {
        Ticket { session: self.session, token: token.encode() }
    }

    pub(super) fn multi(&mut self, frame: &Frame<'_>, now: Timestamp) {
        self.timers.worked(now.micros());
        let (command, sequence) = (frame.header.command, frame.header.sequence);
        let version = self.version();
        if let Some(cause) = self.closed() {
            return self.refuse(frame, cause);
        }
        let Some(settings) = self.settings() else { return };
        let from = from(&settings, version, now);
        let decoded = SubmitMulti::decode(frame.body, Leniency::Lenient)
            .and_then(|pdu| pdu.check_destinations(version, usize::MAX).map(|()| pdu));
        let pdu = match decoded {
            Ok(pdu) => pdu,
            Err(error) => {
                self.server.watch.malformed(false);
                return pdu::answer(command, error.status, sequence, &mut self.replies);
            }
        };
        if let Err(cause) = self.paced(now, pdu.destinations.len()) {
            return self.refuse(frame, cause);
        }
        let mut multi = Multi { left: 0, id: None, destinations: Vec::new(), failed: Vec::new() };
        let mut submissions: SmallVec<[(u8, Arc<Submission>); 8]> = SmallVec::new();
        for (index, destination) in (0_u8..=u8::MAX).zip(pdu.destinations.iter()) {
            let outcome = match destination {
                Destination::Address(address) => {
                    multi.destinations.push((address.ton, address.npi, address.digits.to_vec()));
                    translate::submission_of_multi(&pdu, address, &from)
                }
                Destination::List(name) => {
                    multi.destinations.push((0, 0, name.to_vec()));
                    Err(CommandStatus::RINVDLNAME)
                }
            };
            match outcome {
                Ok(submission) => submissions.push((index, submission)),
                Err(status) => multi.failed.push((usize::from(index), status)),
            }
        }
        if submissions.is_empty() {
            let status = multi.failed.first().map_or(CommandStatus::RSUBMITFAIL, |(_, status)| *status);
            return pdu::answer(command, status, sequence, &mut self.replies);
        }
        multi.left = submissions.len();
        let turn = self.turn();
        self.shared.multis.lock().unwrap_or_else(PoisonError::into_inner).insert((turn, sequence), multi);
        self.shared.unanswered.fetch_add(1, Ordering::Relaxed);
        for (index, submission) in submissions {
            let ticket = self.ticket(Token { sequence, request: Request::Multi, index, turn });
            self.batch.push(Inbound::Submit { submission, ticket });
        }
    }

    /// query_sm, cancel_sm, replace_sm.
    pub(super) fn ask(&mut self, frame: &Frame<'_>, now: Timestamp) {
        self.timers.worked(now.micros());
        let (command, sequence) = (frame.header.command, frame.header.sequence);
        let Some(settings) = self.settings() else { return };
        let origin = settings.channel;
        let id = |text: &[u8]| {
            std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).ok_or(CommandStatus::RINVMSGID)
        };
        let asked: Result<(Request, Ask), CommandStatus> = match command {
            Command::QuerySm => {
                QuerySm::decode(frame.body, Leniency::Lenient).map_err(|e| e.status).and_then(|pdu| {
                    let message: MessageId = id(pdu.message_id)?;
                    let from = if pdu.source.digits.is_empty() { None } else { Some(source(&pdu.source)?) };
                    Ok((Request::Query, Ask::Query { origin, message, from }))
                })
            }
            Command::CancelSm => {
                CancelSm::decode(frame.body, Leniency::Lenient).map_err(|e| e.status).and_then(|pdu| {
                    if pdu.message_id.is_empty() {
                        let (from, to) = (source(&pdu.source)?, destination(&pdu.destination)?);
                        return Ok((Request::Cancel, Ask::CancelMatching { origin, from, to }));
                    }
                    Ok((Request::Cancel, Ask::Cancel { origin, message: id(pdu.message_id)? }))
                })
            }
            _ => ReplaceSm::decode(frame.body, Leniency::Lenient).map_err(|e| e.status).and_then(|pdu| {
                let message = id(pdu.message_id)?;
                let (content, scheduled_at, expires_at) =
                    translate::replacement(&pdu, &from(&settings, self.version(), now))?;
                Ok((Request::Replace, Ask::Replace { origin, message, content, scheduled_at, expires_at }))
            }),
        };
        match asked {
            Ok((request, ask)) => {
                let turn = self.turn();
                let ticket = self.ticket(Token { sequence, request, index: 0, turn });
                if let Ask::Query { origin, message, from } = &ask {
                    let query = Asked { origin: *origin, message: *message, from: from.clone(), sequence };
                    let mut asked = self.lookups.asked.lock().unwrap_or_else(PoisonError::into_inner);
                    asked.insert(ticket.token, query);
                }
                self.shared.unanswered.fetch_add(1, Ordering::Relaxed);
                self.batch.push(Inbound::Command { command: ask, ticket });
            }
            Err(status) => pdu::answer(command, status, sequence, &mut self.replies),
        }
    }
}

fn source(address: &pdu::Address<'_>) -> Result<Pii<Number>, CommandStatus> {
    number(address).ok_or(CommandStatus::RINVSRCADR)
}

fn destination(address: &pdu::Address<'_>) -> Result<Pii<Number>, CommandStatus> {
    number(address).ok_or(CommandStatus::RINVDSTADR)
}

/// Spelled as the submission was, so that the two compare.
fn number(address: &pdu::Address<'_>) -> Option<Pii<Number>> {
    if address.digits.is_empty() { None } else { translate::written_number(address).map(Pii::new) }
}

fn from(settings: &AccountSettings, version: Version, now: Timestamp) -> translate::From<'_> {
    translate::From { origin: settings.channel, text: &settings.text, class: settings.class, version, now }
}
