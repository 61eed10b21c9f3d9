//! What the PDUs of one batch come to (SMPP 3.4 §2.3, SMS sheet §1.8). Nothing here waits.

use std::sync::atomic::Ordering;

use bytes::BytesMut;
use model::{Inbound, SessionId, UpstreamId};

use super::{
    super::{
        arrival::{NotTaken, Reading},
        flights::{Answered, Flights, Queued},
    },
    Connection, Ending, Phase, UNBIND_US,
};
use crate::{
    Command, CommandStatus, Frame, Version,
    frame::Batch,
    ids::{IdText, Transform},
    pdu::{self, BindResp, SubmitSmResp},
    retry::{RetryClass, retry_class},
    session::{NackVerdict, Party, Verdict, after_answer, after_request, nack_verdict, verdict},
    socket,
    tlv::Leniency,
    translate::outcome_refusal,
};

/// Requests that make no sense, on one connection, before it is closed.
const STRIKES_MAX: u32 = 100;
/// Deliveries without an answer on one link; more are to be repeated by the SMSC.
const UNANSWERED_MAX: usize = 10_000;

/// What one batch of PDUs comes to.
#[derive(Default)]
pub(super) struct Heard {
    pub(super) inbound: Vec<Inbound>,
    pub(super) replies: BytesMut,
    pub(super) again: Vec<Queued>,
    /// Outcomes among `inbound` that end a hand-over.
    pub(super) released: usize,
    /// Deliveries among `inbound`.
    pub(super) arrived: usize,
    pub(super) taken: u32,
    pub(super) throttled: bool,
    pub(super) congestion: Option<u8>,
    /// When the last answered submission was sent.
    pub(super) sent_us: Option<i64>,
    pub(super) go: bool,
    pub(super) ending: Option<Ending>,
}

impl Connection<'_> {
    pub(super) fn frames(&mut self, batch: &Batch) -> Heard {
        let mut heard = Heard::default();
        let settings = self.client.settings();
        let mut reading = Reading {
            learned: settings.ids.learned(),
            session: self.session.unwrap_or(SessionId(0)),
            version: self.link.version(),
            now: socket::now(),
            closed: self.client.intake.closed_for_submissions(),
            settings: &settings,
        };
        let now_us = self.client.now_us();
        let link = self.link.clone();
        let mut flights = None;
        for frame in batch.frames() {
            let header = frame.header;
            match verdict(&header, Party::MessageCentre, self.state) {
                // Nothing else was asked yet, whatever sequence number the answer has.
                Verdict::Match if self.phase == Phase::Binding => {
                    if let Err(ending) = self.bound(&frame, now_us) {
                        heard.ending = Some(ending);
                        break;
                    }
                    reading.session = self.session.unwrap_or(reading.session);
                    reading.version = link.version();
                }
                Verdict::Match => {
                    let flights = flights.get_or_insert_with(|| link.flights());
                    self.response(&frame, now_us, flights, &mut heard);
                }
                Verdict::Handle => self.request(&frame, &reading, &mut heard),
                Verdict::Refuse { status, strike } => {
                    self.strikes += u32::from(strike);
                    pdu::answer(header.command, status, header.sequence, &mut heard.replies);
                }
                Verdict::Ignore { strike } => self.strikes += u32::from(strike),
            }
        }
        if let Some(flights) = &mut flights
            && flights.starved
            && flights.window.room() > 0
        {
            flights.starved = false;
            heard.go = true;
        }
        if self.strikes > STRIKES_MAX {
            heard.ending.get_or_insert(Ending::Strikes);
        }
        heard
    }

    /// The answer to our bind.
    fn bound(&mut self, frame: &Frame<'_>, now_us: i64) -> Result<(), Ending> {
        let status = frame.header.status;
        if frame.header.command != self.kind.response() || !status.is_ok() {
            return Err(Ending::Refused(status));
        }
        // The body of a bind response is read leniently and never refused.
        let theirs = BindResp::decode(frame.body, Leniency::Lenient)
            .ok()
            .and_then(|response| response.tlvs.sc_interface_version());
        // An SMSC that states no version mostly speaks 3.4, and without TLVs a long text could not reach it
        // whole. For one that really takes none, the operator sets `version = "3.3"`.
        let version = match theirs {
            Some(theirs) => Version::negotiate(self.settings.version, Some(theirs)),
            None => self.settings.version.min(Version::V34),
        };
        self.link.set_version(version);
        self.state = after_answer(self.kind.command(), status, self.state);
        self.phase = Phase::Bound;
        self.timers.bound(now_us);
        self.bound_us = Some(now_us);
        self.session = Some(self.client.intake.open(self.link.clone()));
        Ok(())
    }

    fn response(&mut self, frame: &Frame<'_>, now_us: i64, flights: &mut Flights, heard: &mut Heard) {
        let header = frame.header;
        let (mut status, mut id) = (header.status, None);
        match header.command {
            Command::SubmitSmResp => {
                if !frame.body.is_empty()
                    && let Ok(response) = SubmitSmResp::decode(frame.body, Leniency::Lenient)
                {
                    if status.is_ok() {
                        id = response.id().and_then(upstream);
                    }
                    if !response.tlvs.is_empty() {
                        heard.congestion = response.tlvs.congestion_state().or(heard.congestion);
                    }
                }
            }
            Command::GenericNack => {
                if status.is_ok() {
                    // A nack that says all is well says nothing; that it was not taken is certain.
                    status = CommandStatus::RUNKNOWNERR;
                }
            }
            Command::UnbindResp if matches!(self.phase, Phase::Unbinding { .. }) => {
                heard.ending = Some(Ending::Stopped);
                return;
            }
            Command::EnquireLinkResp => return,
            _ => {
                self.unmatched(header.command);
                return;
            }
        }
        let (answered, sent_us) = flights.answered(header.sequence, status, id, now_us);
        heard.sent_us = sent_us.or(heard.sent_us);
        if matches!(answered, Answered::Nobody) {
            self.unmatched(header.command);
            return;
        }
        if status.is_ok() {
            heard.taken += 1;
        } else {
            self.client.watch.refused(&outcome_refusal(status));
            let class = retry_class(status);
            heard.throttled |= class == Some(RetryClass::SlowDown);
            let lost = header.command == Command::GenericNack && nack_verdict(status) == NackVerdict::Close;
            if lost || class == Some(RetryClass::Rebind) {
                heard.ending.get_or_insert(Ending::Confused(status));
            }
        }
        match answered {
            Answered::Outcome(attempt, outcome) => {
                heard.released += 1;
                heard.inbound.push(Inbound::Outcome { attempt, outcome });
            }
            Answered::Late(attempt, outcome) => heard.inbound.push(Inbound::Outcome { attempt, outcome }),
            Answered::Again(queued) => heard.again.push(queued),
            Answered::Partly | Answered::Nobody => {}
        }
    }

    fn unmatched(&self, command: Command) {
        self.client.unmatched.fetch_add(1, Ordering::Relaxed);
        tracing::debug!(channel = %self.settings.name, command = command.name(), "a late response, or one to nothing");
    }

    fn request(&mut self, frame: &Frame<'_>, reading: &Reading<'_>, heard: &mut Heard) {
        let Frame { header, .. } = frame;
        match header.command {
            Command::DeliverSm | Command::DataSm => self.deliver(frame, reading, heard),
            Command::EnquireLink => {
                pdu::answer(header.command, CommandStatus::ROK, header.sequence, &mut heard.replies)
            }
            Command::Unbind => match self.phase {
                Phase::Bound | Phase::Draining { .. } => {
                    let until_us = self.client.now_us().saturating_add(UNBIND_US);
                    self.phase = Phase::Leaving { sequence: header.sequence, until_us };
                }
                _ => pdu::answer(header.command, CommandStatus::ROK, header.sequence, &mut heard.replies),
            },
            Command::AlertNotification => {
                tracing::debug!(channel = %self.settings.name, "alert_notification is not used");
            }
            other => self.state = after_request(other, self.state),
        }
    }

    fn deliver(&self, frame: &Frame<'_>, reading: &Reading<'_>, heard: &mut Heard) {
        let unanswered = self.link.unanswered.load(Ordering::Acquire) + heard.arrived;
        let accepts =
            matches!(self.phase, Phase::Bound | Phase::Draining { .. }) && unanswered < UNANSWERED_MAX;
        let status = match accepts.then(|| reading.arrival(frame)) {
            Some(Ok(inbound)) => {
                heard.arrived += 1;
                heard.inbound.push(inbound);
                return;
            }
            Some(Err(NotTaken::Unreadable(status))) => {
                self.client.watch.malformed(false);
                status
            }
            Some(Err(NotTaken::Closed(cause))) => {
                self.client.watch.refusing(cause);
                CommandStatus::RX_T_APPN
            }
            None => CommandStatus::RX_T_APPN,
        };
        pdu::answer(frame.header.command, status, frame.header.sequence, &mut heard.replies);
    }
}

/// The id to remember: as the SMSC writes it, but for leading zeros, which its receipts may leave out.
/// Letters keep their case, for some ids differ in nothing else.
fn upstream(id: &[u8]) -> Option<UpstreamId> {
    let id = Transform::Stripped.apply(&IdText::new(id)?)?;
    Some(UpstreamId(id.as_str()?.into()))
}
