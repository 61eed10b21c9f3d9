//! How a message is shown on other channels than its own, where that differs ([`Elsewhere`]): what is said to a phone
//! for a group comes from a number that is lent to the group for that phone, and begins with who said it.

use std::borrow::Cow;

use model::{Address, ChannelId, ChannelKind, Content, Elsewhere, For, Msisdn, Number, Pii, Submission};

use crate::{core::Core, journal::Accepted};

/// Its other face, on channels where it has one.
fn face(channel: ChannelId, submission: &Submission) -> Option<&Elsewhere> {
    submission.elsewhere.as_deref().filter(|_| channel != submission.origin)
}

impl Core {
    /// What it says there.
    pub(crate) fn content_on<'a>(&self, channel: ChannelId, submission: &'a Submission) -> Cow<'a, Content> {
        let Some(face) = face(channel, submission) else { return Cow::Borrowed(&submission.content) };
        let words = match &submission.content {
            Content::Coded(coded) => Cow::Owned(self.texts.text(submission.origin, &[coded]).into()),
            other => Cow::Borrowed(other.words().unwrap_or_default()),
        };
        let lead = face.lead.reveal(For::Signalling);
        Cow::Owned(Content::Text([lead, &*words].concat().into()))
    }

    /// Who it is from there; `None` where that is its sender.
    pub(crate) fn sender_on(&self, channel: ChannelId, accepted: &Accepted) -> Option<Pii<Address>> {
        let submission = &accepted.submission;
        let from = &face(channel, submission)?.from;
        let Address::User(user) = from.reveal(For::Decision) else { return Some(from.clone()) };
        if self.kind(channel) == Some(ChannelKind::Messenger) {
            return Some(from.clone());
        }
        // Without one it is still not its sender's: the channel cannot show a user, and refuses it.
        match self.known.number_of(submission.origin, &user.id, accepted.metered.to) {
            Some(number) => Some(Pii::new(Address::Number(Number::international(number)))),
            None => Some(from.clone()),
        }
    }

    /// Whether there is somebody whom it can be from there.
    pub(crate) fn has_sender_on(
        &self,
        channel: ChannelId,
        submission: &Submission,
        to: Option<Msisdn>,
    ) -> bool {
        let Some(face) = face(channel, submission) else { return true };
        let Address::User(user) = face.from.reveal(For::Decision) else { return true };
        if self.kind(channel) == Some(ChannelKind::Messenger) {
            return true;
        }
        let pool = self.policy.channel(submission.origin).map(|origin| origin.pool.as_slice());
        to.is_some_and(|to| self.known.has_number(submission.origin, &user.id, to, pool.unwrap_or_default()))
    }

    /// The number that it comes from there, lent from now on; `None` where it needs none.
    pub(crate) fn lend_on(
        &mut self,
        channel: ChannelId,
        submission: &Submission,
        to: Option<Msisdn>,
    ) -> Option<Msisdn> {
        let face = face(channel, submission)?;
        let Address::User(user) = face.from.reveal(For::Decision) else { return None };
        if self.kind(channel) == Some(ChannelKind::Messenger) {
            return None;
        }
        let policy = self.policy.clone();
        self.number_for(policy.channel(submission.origin)?, user, to)
    }
}
