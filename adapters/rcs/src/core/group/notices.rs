//! Notifications about what is said in groups, each to the one it is for (rcs sheet §7.2, §10.3).

use std::borrow::Cow;

use bytes::Bytes;
use model::{For, Receipt, Report, Submission, UpstreamId};
use sip_message::StatusCode;
use sip_rcs::{
    Cpim,
    cpim::Writer,
    imdn::{self, Disposition, Requested},
    mime,
};
use smallvec::{SmallVec, smallvec};
use smol_str::SmolStr;

use super::{
    About, Do, Focus, Verdict,
    roster::{Parcel, uri_of_line},
    talk::{line_of, sender_of},
};
use crate::{
    Settings,
    translate::{Carried, Line, MessageName, Namer, receipt_of, say, wanted},
};

/// Reports in one body that are looked at.
const REPORTS_MAX: usize = 32;

/// Members whom a message can never reach, as the gateway said when it was handed in, for who said it and wants to
/// know.
#[derive(Debug)]
pub(super) struct Unreached {
    group: SmolStr,
    sender: Line,
    message_id: SmolStr,
    date_time: SmolStr,
    at_us: i64,
    pub(super) members: SmallVec<[Line; 2]>,
}

impl Unreached {
    /// Nobody yet; `None` when the sender does not ask.
    pub(super) fn of(group: &str, sender: &Line, submission: &Submission) -> Option<Box<Self>> {
        let carried = Carried::decode(&submission.carried);
        let message_id = submission.reference.clone()?;
        wanted(carried.wanted).contains(Requested::NEGATIVE_DELIVERY).then(|| {
            Box::new(Self {
                group: group.into(),
                sender: sender.clone(),
                message_id,
                date_time: carried.date_time.unwrap_or_default().into(),
                at_us: submission.received_at.micros(),
                members: SmallVec::new(),
            })
        })
    }
}

/// A notification of one member for another.
struct Notice<'a> {
    name: &'a str,
    message_id: &'a str,
    date_time: &'a str,
    about: &'a Line,
    to: &'a Line,
    said: Disposition,
}

impl Notice<'_> {
    fn write(&self, now_us: i64, settings: &Settings) -> Bytes {
        let (from, to) = (uri_of_line(self.about, settings), uri_of_line(self.to, settings));
        let notification = imdn::Report {
            message_id: Cow::Borrowed(self.message_id),
            date_time: Cow::Borrowed(self.date_time),
            recipient: Some(sip_rcs::Private(Cow::Borrowed(from.as_str()))),
            original_recipient: None,
            disposition: self.said,
        };
        let mut body = Vec::with_capacity(1_024);
        let head = Writer::new(&mut body).from(&from).to(&to);
        notification.write_message(head.imdn(self.name, Requested::NONE).date_time(now_us, 0));
        body.into()
    }
}

impl Focus {
    /// A report on its way back to who said something in a group: as a notification in that person's session.
    /// `false` when there is none.
    pub fn report(&mut self, now_us: i64, settings: &Settings, report: &Report, name: &str) -> bool {
        let submission = &report.submission;
        let carried = Carried::decode(&submission.carried);
        let Some(group) = carried.group.and_then(|id| self.groups.get(id)) else { return false };
        let said = say(report, wanted(carried.wanted));
        let (Some(said), Some(message_id), Some(to)) =
            (said, submission.reference.as_deref(), sender_of(&carried, settings))
        else {
            return false;
        };
        let Some(leg) = group.member(&to).and_then(|member| member.leg) else { return false };
        let about = submission.to.reveal(For::Signalling);
        let Some(about) = about.number().map(|number| Line::of(number, &settings.numbering)) else {
            return false;
        };
        let date_time = carried.date_time.unwrap_or_default();
        let notice = Notice { name, message_id, date_time, about: &about, to: &to, said };
        let body = notice.write(now_us, settings);
        let parcel = Parcel { attempt: report.attempt, message: None, upstream: None, body };
        self.say(leg, parcel);
        true
    }

    /// Tells who said something that it can never reach these members. What is told is called the same when the same
    /// is said again: a client shows it once.
    pub(super) fn tell_unreached(&mut self, settings: &Settings, unreached: &Unreached) {
        let Unreached { group, sender, message_id, date_time, at_us, members } = unreached;
        let Some(leg) = self.leg_of(group, sender) else { return };
        for about in members {
            let name = self.upstream(group, sender, message_id, about);
            let said = Disposition::Failed;
            let notice = Notice { name: &name, message_id, date_time, about, to: sender, said };
            let body = notice.write(*at_us, settings);
            self.out.push(Do::Say { leg, name: None, content_type: mime::CPIM, body });
        }
    }

    /// What a member says about messages of others: each notification goes to the one it is about.
    pub(super) fn notification(
        &mut self,
        settings: &Settings,
        namer: &Namer,
        id: &str,
        reporter: &Line,
        asker: u64,
        cpim: &Cpim,
    ) -> Result<(), Verdict> {
        let bad = Verdict::Status(StatusCode::BAD_REQUEST);
        let group = self.groups.get(id).ok_or(Verdict::Status(StatusCode::FORBIDDEN))?;
        let octets = cpim.decoded().map_err(|_| bad)?;
        let addressed =
            cpim.to().and_then(|to| line_of(to.uri.0, settings)).filter(|to| group.find(to).is_some());
        let mut receipts: SmallVec<[Receipt; 1]> = SmallVec::new();
        let read = imdn::read_body(cpim.content_type().unwrap_or_default(), &octets, |report| {
            let message_id: &str = &report.message_id;
            let sender = || {
                let known = group.sender_of(self.hash(&[message_id.as_bytes()]));
                addressed.clone().or_else(|| known.cloned())
            };
            let ours = MessageName::read(message_id).is_some_and(|name| namer.is_to(&name, reporter));
            let (upstream, sender) = match (ours, sender()) {
                (true, sender) => (SmolStr::new(message_id), sender),
                (false, Some(sender)) => (self.upstream(id, &sender, message_id, reporter), Some(sender)),
                (false, None) => return,
            };
            let about = sender.map(|sender| (reporter.number(), sender.number()));
            if receipts.len() < REPORTS_MAX
                && let Some(receipt) = receipt_of(&report, cpim.date_time(), about)
            {
                receipts.push(Receipt { upstream: smallvec![UpstreamId(upstream)], ..receipt });
            }
        });
        if read.is_err() && receipts.is_empty() {
            return Err(bad);
        }
        if receipts.is_empty() {
            return Err(Verdict::Taken);
        }
        let about = About::Said { asker, all: true, unreached: None };
        let ask = Some(self.ask(about, receipts.len()));
        self.out.extend(receipts.into_iter().map(|receipt| Do::Receipt { ask, receipt }));
        Ok(())
    }
}
