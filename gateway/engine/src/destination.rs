//! Where a message goes: who is reached how, best way first (architecture §6).

use model::{
    Address, Cause, ChannelId, ChannelKind, Class, Coded, Msisdn, Number, Pii, Timestamp, Ton, User,
};
use smallvec::SmallVec;

use crate::{core::Core, journal::Plan, policy::ChannelPolicy, presence::Reach};

/// From whom to whom, and what decides about the way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Journey<'a> {
    pub(crate) now: Timestamp,
    pub(crate) origin: ChannelId,
    pub(crate) class: Class,
    pub(crate) to: &'a Address,
    pub(crate) to_e164: Option<Msisdn>,
    pub(crate) from_e164: Option<Msisdn>,
    /// What it says, while that is still in an alphabet of a network.
    pub(crate) coded: Option<&'a Coded>,
}

impl Core {
    /// The plan without its sender: messengers the number is linked to, then RCS, then the operator's routes.
    pub(crate) fn destination(&self, journey: Journey<'_>) -> Result<Plan, Cause> {
        let Journey { origin, class, to, to_e164, .. } = journey;
        let number = match to {
            Address::User(user) => {
                let of_user = |c: &&ChannelPolicy| has_users(c.kind) && c.name == user.messenger;
                let channel = self.policy.channels.iter().find(of_user).ok_or(Cause::NoRoute)?.id;
                return Ok(Plan { legs: [channel].into_iter().collect(), from: None, to: None });
            }
            Address::Number(number) if !is_dialable(number, to_e164) => return Err(Cause::BadDestination),
            Address::Number(number) => number,
        };
        let mut plan = Plan { legs: SmallVec::new(), from: None, to: None };
        if let Some(to) = to_e164 {
            self.over_messenger(journey, to, &mut plan);
            if plan.legs.first().is_some_and(|leg| self.kind(*leg) == Some(ChannelKind::Rcs)) {
                // A group stands behind the number, and nobody else.
                return Ok(plan);
            }
            self.over_rcs(journey, to, &mut plan);
            // A message that came from the carrier is not sent back to it when the others fail.
            let from_carrier = || self.kind(origin) == Some(ChannelKind::Smsc);
            if !plan.legs.is_empty() && from_carrier() {
                return Ok(plan);
            }
        }
        let digits = to_e164.map_or_else(|| number.digits.clone(), Msisdn::digits);
        for leg in self.policy.routes.legs(&digits, origin, class) {
            // Back where it came from is a loop (T19); an ESME may write to itself, and so may people with
            // RCS to each other.
            let loops =
                leg == origin && !matches!(self.kind(leg), None | Some(ChannelKind::Esme | ChannelKind::Rcs));
            if !loops && !plan.legs.contains(&leg) {
                plan.legs.push(leg);
            }
        }
        self.without_nobody(journey, &mut plan);
        if plan.legs.is_empty() { Err(Cause::NoRoute) } else { Ok(plan) }
    }

    pub(crate) fn kind(&self, channel: ChannelId) -> Option<ChannelKind> {
        self.policy.channel(channel).map(|channel| channel.kind)
    }

    /// The messenger user who has this number, or stands behind it towards this sender; or the group that does.
    fn over_messenger(&self, journey: Journey<'_>, to: Msisdn, plan: &mut Plan) {
        let person = journey
            .from_e164
            .and_then(|from| self.known.behind(to, from))
            .or_else(|| self.known.user_of_number(to));
        if let Some((messenger, user)) = person
            && (*messenger != journey.origin || self.kind(*messenger) == Some(ChannelKind::Rcs))
            && let Some(channel) = self.policy.channel(*messenger)
        {
            plan.legs.push(*messenger);
            let user = User { messenger: channel.name.clone(), id: user.clone() };
            plan.to = Some(Pii::new(Address::User(user)));
        }
    }

    /// RCS, for those who are known to have it, wherever the message comes from.
    fn over_rcs(&self, journey: Journey<'_>, to: Msisdn, plan: &mut Plan) {
        for (channel, reach) in self.known.presences.users(to, journey.now) {
            // Somebody waits for a code: not until a phone that is away comes back.
            let waits = reach == Reach::Away && journey.class == Class::OneTimePassword;
            // Octets for a SIM card or an application are not shown to a person; a handset knows what they are for.
            let fits =
                || reach == Reach::Handset || journey.coded.is_none_or(|coded| self.texts.is_text(coded));
            if !waits && self.kind(channel) == Some(ChannelKind::Rcs) && fits() {
                plan.legs.push(channel);
            }
        }
    }

    /// Without RCS channels that say there is nobody with this number, unless there is no other way.
    fn without_nobody(&self, journey: Journey<'_>, plan: &mut Plan) {
        let Some(to) = journey.to_e164 else { return };
        let nobody = |leg: &ChannelId| {
            self.known.presences.reach(*leg, to, journey.now) == Some(Reach::Nobody)
                && self.kind(*leg) == Some(ChannelKind::Rcs)
        };
        if plan.legs.iter().any(nobody) && !plan.legs.iter().all(nobody) {
            plan.legs.retain(|leg| !nobody(leg));
        }
    }

    /// The number a phone sees when a messenger user writes to it: their own if it is linked, else one of
    /// the pool that stands for them towards this phone.
    pub(crate) fn number_for(
        &mut self,
        messenger: &ChannelPolicy,
        user: &User,
        to: Option<Msisdn>,
    ) -> Option<Msisdn> {
        if let Some(link) = self.known.link_of_user(messenger.id, &user.id) {
            return Some(link.number);
        }
        self.known.lease(&(messenger.id, user.id.clone()), to?, &messenger.pool)
    }
}

/// Whose users are no numbers: those of messengers, and the groups of RCS.
pub(crate) const fn has_users(kind: ChannelKind) -> bool {
    matches!(kind, ChannelKind::Messenger | ChannelKind::Rcs)
}

/// What a network could connect: an E.164 number, or a short code, service or star code as written. A name is
/// no destination, and no international number is longer than E.164 allows.
fn is_dialable(number: &Number, e164: Option<Msisdn>) -> bool {
    let digits_max = if number.ton == Ton::INTERNATIONAL { 15 } else { 20 };
    let dialled = |digit: u8| digit.is_ascii_digit() || matches!(digit, b'*' | b'#');
    e164.is_some()
        || (number.ton != Ton::ALPHANUMERIC
            && (1..=digits_max).contains(&number.digits.len())
            && number.digits.bytes().all(dialled))
}
