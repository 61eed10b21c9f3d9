//! A handset is brought a message or a status report (rcs sheet §12.3): the 200 says that it came, only RP-ACK that it is
//! taken. Segments go one after the other.

use model::{
    Cause, Inbound, Outcome, OutgoingMessage, Pii, Receipt, ReceiptState, Refusal, Report, Retry, UpstreamId,
};
use sip_message::Request;
use smallvec::smallvec;
use smol_str::SmolStr;
use sms::tpdu::FailureCause;

use super::{
    super::{alarms::Alarm, recent::Recent, slots::Slots},
    *,
};
use crate::{
    core::{
        flights::{What, shown},
        sends::Heard,
    },
    translate::short::{Kept, deliver_tpdus, status_report_tpdu},
};

/// Our Call-IDs of deliveries begin with this, and their place follows.
const CALL_ID: &str = "sm-";

/// Deliveries that no handset has answered.
#[derive(Debug, Default)]
pub(super) struct Deliveries {
    open: Slots<Delivery>,
    /// The newest of a person under that reference.
    by_reference: HashMap<(Line, u8), Slot>,
    reference: u8,
    /// Whose time was over, by Call-ID: a late RP-ACK is still the best news of the message.
    overdue: Recent<SmolStr, Overdue>,
}

/// A message that a handset may have.
#[derive(Debug, Clone)]
struct Overdue {
    line: Line,
    name: SmolStr,
    from: Option<Number>,
}

/// So many are remembered.
const OVERDUE_MAX: usize = 10_000;

#[derive(Debug)]
struct Delivery {
    flight: Slot,
    branch: u8,
    aim: Aim,
    line: Line,
    tpdus: Vec<Vec<u8>>,
    /// P-Charging-Vector, within networks.
    charging: Option<HeaderValue>,
    /// The segment under way.
    at: u8,
    reference: u8,
    call_id: SmolStr,
    until_us: i64,
}

impl Core {
    /// Brings a message to one handset.
    pub(in crate::core) fn short_message(
        &mut self,
        now_us: i64,
        (flight, branch): (Slot, u8),
        aim: Aim,
        message: &OutgoingMessage,
    ) -> Result<(), NoWay> {
        let submission = &*message.submission;
        let from = shown(message.from.as_ref(), &submission.from);
        let Some(to) = shown(message.to.as_ref(), &submission.to).number() else {
            return Err(NoWay::Nowhere);
        };
        let kept = Kept::decode(&submission.carried);
        match deliver_tpdus(message, from, kept.as_ref(), message.concat_ref, self.centre()) {
            Ok(tpdus) => {
                let line = Line::of(to, &self.settings.numbering);
                let charging =
                    aim.is_network().then(|| self.charging_vector(submission, message.message.as_u64()));
                self.bring(now_us, (flight, branch), aim, line, tpdus, charging)
            }
            Err(cause) => {
                let refusal = Refusal { retry: Retry::OtherRoute, ..Refusal::ours(cause) };
                self.refused_by(flight, branch, refusal);
                Ok(())
            }
        }
    }

    /// Tells the sender of a short message what became of it, where he asked.
    pub(in crate::core) fn short_report(&mut self, now_us: i64, report: &Report, kept: &Kept) {
        let submission = &*report.submission;
        let recipient = submission.to.reveal(model::For::Signalling);
        let Some(tpdu) = status_report_tpdu(report, recipient, kept, self.centre()) else {
            return self.outcome(report.attempt, Outcome::Sent(smallvec![]));
        };
        let Some(number) = submission.from.reveal(model::For::Signalling).number() else {
            return self.outcome(report.attempt, Outcome::Refused(Refusal::ours(Cause::BadDestination)));
        };
        let line = Line::of(number, &self.settings.numbering);
        // Where a handset was that is away now nobody is, unless that was a peer.
        let back = kept.back.filter(|back| self.is_peer(back.remote.ip()));
        let back = || Some(Aim { form: Form::Short, ..aim_back(back?) });
        let Some(aim) = self.handset_from(now_us, &line, kept.back).or_else(back) else {
            let away = Refusal::theirs(Cause::Unreachable, Retry::WhenReachable, 0);
            return self.outcome(report.attempt, Outcome::Refused(away));
        };
        let flight = self.fly_report(now_us, report.attempt, smallvec![aim.clone()]);
        if let Some(flight) = self.flight_mut(flight) {
            flight.unheard = 1;
        }
        let charging = aim.is_network().then(|| self.charging_vector(submission, report.message.as_u64()));
        if let Err(no_way) = self.bring(now_us, (flight, 0), aim, line, vec![tpdu], charging) {
            self.not_sent(flight, 0, no_way);
        }
        self.conclude(now_us, flight);
    }

    fn bring(
        &mut self,
        now_us: i64,
        (flight, branch): (Slot, u8),
        aim: Aim,
        line: Line,
        tpdus: Vec<Vec<u8>>,
        charging: Option<HeaderValue>,
    ) -> Result<(), NoWay> {
        let deliveries = &mut self.shorts.deliveries;
        let slot = deliveries.open.insert(Delivery {
            flight,
            branch,
            aim,
            line,
            tpdus,
            charging,
            at: 0,
            reference: 0,
            call_id: SmolStr::default(),
            until_us: 0,
        });
        let brought = self.bring_segment(now_us, slot);
        if brought.is_err() {
            self.delivery_over(slot);
        }
        brought
    }

    fn bring_segment(&mut self, now_us: i64, slot: Slot) -> Result<(), NoWay> {
        let until_us = now_us + i64::from(self.settings.short.answer_s) * 1_000_000;
        let random = self.draw.word();
        let call_id =
            smol_str::format_smolstr!("{CALL_ID}{:x}-{random:x}@{}", slot.token(), self.settings.domain);
        let service_centre =
            crate::translate::short::tpdu_address(self.centre_number()).ok_or(NoWay::Nowhere)?;
        let deliveries = &mut self.shorts.deliveries;
        let Some(delivery) = deliveries.open.get_mut(slot) else { return Ok(()) };
        if delivery.at > 0 {
            deliveries.by_reference.remove(&(delivery.line.clone(), delivery.reference));
        }
        // Of those that the handset has not answered none is used again (TS 24.011 §8.2.3).
        let next = deliveries.reference.wrapping_add(1);
        let mut references = (0..=u8::MAX).map(|step| next.wrapping_add(step));
        let is_free =
            |reference: &u8| !deliveries.by_reference.contains_key(&(delivery.line.clone(), *reference));
        let reference = references.find(is_free).ok_or(NoWay::Full)?;
        deliveries.reference = reference;
        let tpdu = delivery.tpdus.get(usize::from(delivery.at)).cloned().unwrap_or_default();
        (delivery.reference, delivery.call_id, delivery.until_us) = (reference, call_id.clone(), until_us);
        deliveries.by_reference.insert((delivery.line.clone(), reference), slot);
        let (aim, line, charging) = (delivery.aim.clone(), delivery.line.clone(), delivery.charging.clone());
        let owner = Owner::Short { delivery: slot, segment: delivery.at };
        let rp = Rp { reference, body: Body::Data { service_centre, tpdu } };
        let octets = rp.encode(Direction::ToMobile).map_err(|_| NoWay::Nowhere)?;
        let mut more = vec![
            (Name::CallId, HeaderValue::display(call_id)),
            (Name::CSeq, HeaderValue::from_static("1 MESSAGE")),
        ];
        more.extend(charging.map(|charging| (Name::PChargingVector, charging)));
        let request = self.rp_message(&aim, &line, octets.into(), &more);
        self.alarms.set(until_us, Alarm::Short(slot));
        self.send(now_us, aim.toward, request, owner)
    }

    /// What came of the MESSAGE with one segment. A 2xx says that it came, and no more; anything else is the end, unless
    /// the handset's own word was faster.
    pub(in crate::core) fn short_heard(&mut self, now_us: i64, slot: Slot, segment: u8, heard: Heard) {
        let delivery = self.shorts.deliveries.open.get(slot);
        if delivery.is_none_or(|delivery| delivery.at != segment)
            || matches!(&heard, Heard::Answer(response) if response.status.is_success())
        {
            return;
        }
        if matches!(heard, Heard::Silence) {
            self.may_have_it(slot);
        }
        if let Some((flight, branch)) = self.delivery_over(slot) {
            self.branch_heard(now_us, flight, branch, heard);
        }
    }

    /// The handset may have all of it, and may say so when it is not waited for any more.
    fn may_have_it(&mut self, slot: Slot) {
        let Some(delivery) = self.shorts.deliveries.open.get(slot) else { return };
        if usize::from(delivery.at) + 1 < delivery.tpdus.len() {
            return;
        }
        let (flight, line, call_id) = (delivery.flight, delivery.line.clone(), delivery.call_id.clone());
        if let Some(What::Message { message, name, .. }) = self.flight_mut(flight).map(|flight| &flight.what)
        {
            let from = shown(message.from.as_ref(), &message.submission.from).number().cloned();
            let overdue = Overdue { line, name: name.clone(), from };
            self.shorts.deliveries.overdue.insert(call_id, overdue, OVERDUE_MAX);
        }
    }

    fn delivery_over(&mut self, slot: Slot) -> Option<(Slot, u8)> {
        let deliveries = &mut self.shorts.deliveries;
        let Delivery { flight, branch, line, reference, .. } = deliveries.open.remove(slot)?;
        let named = (line, reference);
        if deliveries.by_reference.get(&named) == Some(&slot) {
            deliveries.by_reference.remove(&named);
        }
        Some((flight, branch))
    }

    /// RP-ACK or RP-ERROR: by the Call-ID that it answers, else by its reference.
    pub(super) fn short_reported(
        &mut self,
        now_us: i64,
        line: &Line,
        request: &Request,
        reference: u8,
        error: Option<(rp::Cause, Option<FailureCause>)>,
    ) {
        let deliveries = &self.shorts.deliveries;
        let named = request.headers.text(Name::InReplyTo).and_then(|call_id| {
            let token = call_id.trim().strip_prefix(CALL_ID)?.split('-').next()?;
            let slot = Slot::of(u64::from_str_radix(token, 16).ok()?);
            deliveries.open.get(slot).filter(|delivery| delivery.call_id == call_id.trim()).map(|_| slot)
        });
        let slot = named.or_else(|| deliveries.by_reference.get(&(line.clone(), reference)).copied());
        let delivery = slot.and_then(|slot| Some((slot, self.shorts.deliveries.open.get_mut(slot)?)));
        let Some((slot, delivery)) = delivery.filter(|(_, delivery)| delivery.line == *line) else {
            return self.short_reported_late(line, request, error.is_some());
        };
        if error.is_none() && usize::from(delivery.at) + 1 < delivery.tpdus.len() {
            delivery.at += 1;
            if let Err(no_way) = self.bring_segment(now_us, slot)
                && let Some((flight, branch)) = self.delivery_over(slot)
            {
                self.not_sent(flight, branch, no_way);
                self.conclude(now_us, flight);
            }
            return;
        }
        let Some((flight, branch)) = self.delivery_over(slot) else { return };
        match error {
            None => self.branch_took(now_us, flight, branch),
            Some((cause, failure)) => self.refused_by(flight, branch, cause::refusal(cause, failure)),
        }
        self.conclude(now_us, flight);
    }

    /// An answer to what is not waited for any more. An RP-ACK is a receipt then: perhaps the message is on its way
    /// again, and need not be.
    fn short_reported_late(&mut self, line: &Line, request: &Request, is_error: bool) {
        let call_id = request.headers.text(Name::InReplyTo).map(str::trim).filter(|_| !is_error);
        let overdue = call_id.and_then(|call_id| self.shorts.deliveries.overdue.get(call_id));
        let Some(Overdue { name, from, .. }) = overdue.filter(|overdue| overdue.line == *line) else {
            self.counts.late += 1;
            return;
        };
        let receipt = Receipt {
            upstream: smallvec![UpstreamId(name.clone())],
            state: ReceiptState::Delivered,
            code: None,
            at: None,
            about: from.clone().map(|from| Box::new((Pii::new(line.number()), Pii::new(from)))),
        };
        self.out.inbound.push(Inbound::Receipt { channel: self.settings.channel, receipt, ticket: None });
    }

    /// Neither came in time: the handset may have it.
    pub(in crate::core) fn short_due(&mut self, now_us: i64, slot: Slot) {
        let delivery = self.shorts.deliveries.open.get(slot);
        if delivery.is_none_or(|delivery| delivery.until_us > now_us) {
            return;
        }
        self.may_have_it(slot);
        let Some((flight, branch)) = self.delivery_over(slot) else { return };
        self.branch_lost(flight, branch);
        self.conclude(now_us, flight);
    }
}
