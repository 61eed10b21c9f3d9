//! What devices say about messages that we handed to them (RFC 5438, rcs sheet §7.2).

use bytes::Bytes;
use model::{Inbound, Receipt};
use sip_message::{Name, Request, StatusCode};
use sip_rcs::{Cpim, imdn, mime::Kind, multipart};
use smallvec::SmallVec;

use super::{
    Core,
    identity::Sender,
    pager::recipient,
    waiting::{Asker, Waiting},
};
use crate::translate::{MessageName, receipt_of};

/// Reports in one body that are looked at.
const REPORTS_MAX: usize = 32;

impl Core {
    /// Whether a multipart holds notifications: some clients send several at once.
    pub(super) fn is_notification(&self, cpim: &Cpim) -> bool {
        let content_type = cpim.content_type().unwrap_or_default();
        multipart::read(content_type, cpim.content())
            .is_ok_and(|parts| parts.iter().any(|part| part.kind() == Kind::Imdn))
    }

    /// Notifications in CPIM.
    pub(super) fn notification(
        &mut self,
        now_us: i64,
        asker: Asker,
        sender: &Sender,
        request: &Request,
        cpim: &Cpim,
    ) {
        let Ok(octets) = cpim.decoded() else { return self.tell(now_us, asker, StatusCode::BAD_REQUEST) };
        let content_type = cpim.content_type().unwrap_or_default();
        self.reports(now_us, asker, sender, request, content_type, &octets, cpim.date_time());
    }

    /// A notification that is the body itself.
    pub(super) fn bare_notification(
        &mut self,
        now_us: i64,
        asker: Asker,
        sender: &Sender,
        request: &Request,
    ) {
        let content_type = request.headers.text(Name::ContentType).unwrap_or_default();
        self.reports(now_us, asker, sender, request, content_type, &request.body, None);
    }

    #[expect(clippy::too_many_arguments, reason = "the two callers differ in the last three only")]
    fn reports(
        &mut self,
        now_us: i64,
        asker: Asker,
        sender: &Sender,
        request: &Request,
        content_type: &str,
        octets: &Bytes,
        at_us: Option<i64>,
    ) {
        let about = recipient(request, sender).map(|to| (sender.number.clone(), to));
        let mut receipts: SmallVec<[Receipt; 1]> = SmallVec::new();
        let (mut orphans, mut uneventful) = (0, 0);
        let read = imdn::read_body(content_type, octets, |report| {
            // Who got the message says what became of it; a peer speaks for whoever it serves.
            let ours = MessageName::read(&report.message_id)
                .is_some_and(|name| sender.trusted || self.namer.is_to(&name, &sender.line));
            if !ours {
                orphans += 1;
            } else if receipts.len() < REPORTS_MAX
                && let Some(receipt) = receipt_of(&report, at_us, about.clone())
            {
                receipts.push(receipt);
            } else {
                uneventful += 1;
            }
        });
        self.counts.orphans += orphans;
        self.counts.uneventful += uneventful;
        if read.is_err() && receipts.is_empty() {
            return self.tell(now_us, asker, StatusCode::BAD_REQUEST);
        }
        let Ok(left) = u32::try_from(receipts.len()) else { return };
        if left == 0 {
            return self.tell(now_us, asker, StatusCode::OK);
        }
        let ticket = self.wait(Waiting::Receipts { asker, left, refused: None });
        let channel = self.settings.channel;
        let inbound =
            receipts.into_iter().map(|receipt| Inbound::Receipt { channel, receipt, ticket: Some(ticket) });
        self.out.inbound.extend(inbound);
    }
}
