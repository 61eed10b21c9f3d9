//! Reports on their way back to the sender, as disposition notifications (rcs sheet §7.2, §13.5).

use std::borrow::Cow;

use model::{Cause, For, Outcome, Refusal, Report, Retry};
use sip_net::resolve::Destination;
use sip_rcs::{
    Capabilities,
    cpim::Writer,
    imdn::{self, Requested},
    mime,
};
use smallvec::{SmallVec, smallvec};
use smol_str::SmolStr;

use super::{
    Core,
    group::member_of,
    letters::Aim,
    sends::{Owner, Toward},
    session::{By, Spoken},
};
use crate::translate::{Back, Carried, Ends, Form, Letter, Line, Spelling, say, short::Kept, wanted};

impl Core {
    /// A report is to leave.
    pub(super) fn report(&mut self, now_us: i64, report: Report) {
        let submission = report.submission.clone();
        if let Some(kept) = Kept::decode(&submission.carried) {
            return self.short_report(now_us, &report, &kept);
        }
        let carried = Carried::decode(&submission.carried);
        let said = say(&report, wanted(carried.wanted));
        let (Some(said), Some(message_id)) = (said, submission.reference.as_deref()) else {
            // Nobody asked.
            return self.outcome(report.attempt, Outcome::Sent(SmallVec::new()));
        };
        let own = member_of(&carried, &self.settings);
        if let Some(own) = &own
            && self.report_in_group(now_us, &report, own)
        {
            return;
        }
        // In a group, whoever said it: a plain phone was shown the group.
        let sender = own.as_ref().unwrap_or_else(|| submission.from.reveal(For::Signalling));
        let recipient = submission.to.reveal(For::Signalling);
        let Some(number) = sender.number() else {
            return self.outcome(report.attempt, Outcome::Refused(Refusal::ours(Cause::BadDestination)));
        };
        let line = Line::of(number, &self.settings.numbering);
        let aims = match self.back_to(now_us, &carried, &line) {
            Ok(aims) => aims,
            Err(refusal) => return self.outcome(report.attempt, Outcome::Refused(refusal)),
        };
        let spelling = aims.first().map_or(Spelling::Sip, |aim| aim.spelling);
        let ends = Ends::of(recipient, sender, &self.settings.domain, spelling);
        let letter = self.imdn(now_us, &carried, message_id, &ends, said);
        let more = self.conversation(&carried, recipient, sender, report.message.as_u64());
        let count = aims.len();
        let slot = self.fly_report(now_us, report.attempt, aims);
        if let Some(flight) = self.flight_mut(slot) {
            flight.unheard = u8::try_from(count).unwrap_or(u8::MAX);
        }
        for branch in 0..count {
            let Some(aim) = self.flight_mut(slot).and_then(|flight| flight.aims.get(branch)).cloned() else {
                break;
            };
            let branch = u8::try_from(branch).unwrap_or(u8::MAX);
            let owner = Owner::Flight { flight: slot, branch };
            match self.deliver(now_us, aim, (recipient, sender), &letter, &more, owner) {
                Ok(By::Message) => {}
                Ok(By::Session) => self.keep_spoken(slot, || Spoken {
                    from: recipient.clone(),
                    to: sender.clone(),
                    letter: letter.clone(),
                    more: more.clone(),
                }),
                Err(no_way) => self.not_sent(slot, branch, no_way),
            }
        }
        self.conclude(now_us, slot);
    }

    fn imdn(
        &mut self,
        now_us: i64,
        carried: &Carried<'_>,
        message_id: &str,
        ends: &Ends,
        said: imdn::Disposition,
    ) -> Letter {
        let report = imdn::Report {
            message_id: Cow::Borrowed(message_id),
            date_time: Cow::Borrowed(carried.date_time.unwrap_or_default()),
            recipient: Some(sip_rcs::Private(Cow::Borrowed(ends.from.as_str()))),
            original_recipient: None,
            disposition: said,
        };
        let name = self.draw.text();
        let mut body = Vec::with_capacity(1_024);
        let head = Writer::new(&mut body).from(&ends.from).to(&ends.to);
        report.write_message(head.imdn(&name, Requested::NONE).date_time(now_us, 0));
        Letter { content_type: mime::CPIM, body: body.into(), application: None }
    }

    /// Where a report goes: back the way the message came, to the sender's devices, or on to the next network.
    pub(super) fn back_to(
        &self,
        now_us: i64,
        carried: &Carried<'_>,
        line: &Line,
    ) -> Result<SmallVec<[Aim; 1]>, Refusal> {
        if let Some(served) = self.served_aim(line) {
            return Ok(smallvec![served]);
        }
        if let Some(back) = carried.back {
            return Ok(smallvec![aim_back(back)]);
        }
        let devices = self.devices_of(now_us, line);
        if devices.iter().any(|aim| aim.form == Form::Cpim) {
            return Ok(devices.into_iter().filter(|aim| aim.form == Form::Cpim).collect());
        }
        if !devices.is_empty() {
            // All of them take nothing but text: there is nobody who could read it.
            return Err(Refusal::theirs(Cause::Unencodable, Retry::Never, 0));
        }
        self.beyond(now_us, line).map(|aim| smallvec![aim])
    }
}

pub(super) fn aim_back(back: Back) -> Aim {
    Aim {
        toward: Toward::Destination(Destination::numeric(back.transport(), back.remote)),
        uri: None,
        route: SmolStr::default(),
        spelling: Spelling::Tel,
        device: None,
        capabilities: Capabilities::NONE,
        form: Form::Cpim,
        paged: false,
    }
}
