//! Rules that may refuse or hold a message: registered senders, consent, Korean advertising law
//! (SMS sheet §3.3, §3.4).

use model::{Cause, Class, ConsentScope, Msisdn, Number, Timestamp};

use crate::{
    knowledge::Knowledge,
    policy::{ChannelPolicy, Korea, Senders},
};

/// What a gate says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Pass,
    /// Not before then.
    Hold(Timestamp),
    Refuse(Cause),
}

/// The sender number must be registered for the account (Telecommunications Business Act art. 84-2).
pub(crate) fn sender(origin: &ChannelPolicy, from: &Number, e164: Option<Msisdn>) -> Verdict {
    let Senders::Registered(registered) = &origin.senders else { return Verdict::Pass };
    let written = from.digits.strip_prefix('+').unwrap_or(&from.digits);
    let international = e164.map(Msisdn::digits);
    let known = registered.iter().any(|number| number == written || Some(number) == international.as_ref());
    if known { Verdict::Pass } else { Verdict::Refuse(Cause::SenderNotRegistered) }
}

/// A refusal covers everything that businesses send; one-time codes are asked for by the person.
pub(crate) fn consent(class: Class, to: Option<Msisdn>, known: &Knowledge) -> Verdict {
    let (Class::Transactional | Class::Advertising, Some(to)) = (class, to) else { return Verdict::Pass };
    let refused = |scope| known.consent(to, scope) == Some(false);
    if refused(ConsentScope::Business) || (class == Class::Advertising && refused(ConsentScope::Advertising))
    {
        Verdict::Refuse(Cause::OptedOut)
    } else {
        Verdict::Pass
    }
}

/// `(광고)` first, a free refusal number last (Network Act art. 50).
pub(crate) fn advertising_label(korea: &Korea, class: Class, text: &str) -> Verdict {
    if class != Class::Advertising || !korea.advertising_label {
        return Verdict::Pass;
    }
    let labelled = text.starts_with("(광고)");
    let refusal = ["무료수신거부", "무료거부"].iter().filter_map(|phrase| text.rfind(phrase)).max();
    let refusable = refusal.and_then(|at| text.get(at..)).is_some_and(|tail| {
        let digits: String = tail.chars().filter(char::is_ascii_digit).collect();
        // At the end: nothing but the number follows the phrase.
        tail.chars().count() <= 24 && digits.starts_with("080") && (10..=11).contains(&digits.len())
    });
    if labelled && refusable { Verdict::Pass } else { Verdict::Refuse(Cause::AdvertisingRule) }
}

/// Advertising waits through the night unless the person agreed to night advertising. Asked again before
/// every attempt.
pub(crate) fn quiet_hours(
    korea: &Korea,
    class: Class,
    to: Option<Msisdn>,
    known: &Knowledge,
    now: Timestamp,
) -> Verdict {
    let (Class::Advertising, Some((from, until))) = (class, korea.quiet_hours) else { return Verdict::Pass };
    if to.is_some_and(|to| known.consent(to, ConsentScope::NightAdvertising) == Some(true)) {
        return Verdict::Pass;
    }
    const DAY: i64 = 86_400;
    let local = now.secs() + i64::from(korea.utc_offset_secs);
    let second_of_day = local.rem_euclid(DAY);
    let (from, until) = (i64::from(from) * 3_600, i64::from(until) * 3_600);
    let quiet = if from <= until {
        (from..until).contains(&second_of_day)
    } else {
        second_of_day >= from || second_of_day < until
    };
    if !quiet {
        return Verdict::Pass;
    }
    Verdict::Hold(Timestamp::from_secs(now.secs() + (until - second_of_day).rem_euclid(DAY)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn korea() -> Korea {
        Korea {
            advertising_label: true,
            quiet_hours: Some((21, 8)),
            utc_offset_secs: 9 * 3_600,
            opt_out_numbers: Vec::new(),
        }
    }

    #[test]
    fn advertising_carries_its_label_and_a_free_way_out() {
        let verdict = |text| advertising_label(&korea(), Class::Advertising, text);
        assert_eq!(verdict("(광고)에이스 봄 세일 무료수신거부 080-123-4567"), Verdict::Pass);
        for bad in [
            "(광 고)에이스 봄 세일 무료수신거부 080-123-4567",
            "[광고]에이스 봄 세일 무료수신거부 080-123-4567",
            "에이스 (광고) 봄 세일 무료수신거부 080-123-4567",
            "(광고)에이스 봄 세일",
            "(광고)에이스 봄 세일 무료수신거부 02-123-4567",
            "(광고)에이스 무료수신거부 080-123-4567 그리고 아주 긴 문장이 그 뒤에 더 붙어 있습니다",
        ] {
            assert_eq!(verdict(bad), Verdict::Refuse(Cause::AdvertisingRule), "{bad}");
        }
        assert_eq!(advertising_label(&korea(), Class::Person, "봄 세일"), Verdict::Pass);
    }

    #[test]
    fn the_night_ends_at_eight_in_seoul() {
        let known = Knowledge::default();
        let hold = |secs| quiet_hours(&korea(), Class::Advertising, None, &known, Timestamp::from_secs(secs));
        let midnight_utc = 1_700_006_400; // 09:00 in Seoul
        assert_eq!(hold(midnight_utc), Verdict::Pass);
        let nine_pm = midnight_utc + 12 * 3_600;
        assert_eq!(hold(nine_pm - 1), Verdict::Pass);
        assert_eq!(hold(nine_pm), Verdict::Hold(Timestamp::from_secs(nine_pm + 11 * 3_600)));
        let half_past_two = nine_pm + 5 * 3_600 + 1_800;
        assert_eq!(hold(half_past_two), Verdict::Hold(Timestamp::from_secs(nine_pm + 11 * 3_600)));
        assert_eq!(hold(nine_pm + 11 * 3_600), Verdict::Pass);
    }

    #[test]
    fn night_consent_lifts_the_night_and_a_refusal_stops_businesses_only() {
        let mut known = Knowledge::default();
        let person = Msisdn::from_u64(821_011_110_001);
        let now = Timestamp::from_secs(1_700_006_400 + 13 * 3_600);
        known.set_consent(person, ConsentScope::NightAdvertising, true, now);
        assert_eq!(quiet_hours(&korea(), Class::Advertising, Some(person), &known, now), Verdict::Pass);
        known.set_consent(person, ConsentScope::Business, false, now);
        assert_eq!(consent(Class::Advertising, Some(person), &known), Verdict::Refuse(Cause::OptedOut));
        assert_eq!(consent(Class::Transactional, Some(person), &known), Verdict::Refuse(Cause::OptedOut));
        assert_eq!(consent(Class::Person, Some(person), &known), Verdict::Pass);
        assert_eq!(consent(Class::OneTimePassword, Some(person), &known), Verdict::Pass);
    }

    #[test]
    fn senders_compare_as_written_and_in_international_form() {
        let mut origin = ChannelPolicy::new(model::ChannelId(1), "shop", model::ChannelKind::Esme);
        origin.senders = Senders::Registered(vec!["15881234".into(), "821012345678".into()]);
        let verdict = |text: &str| {
            let number = Number::written(text);
            sender(&origin, &number, model::NumberingPlan::korea().e164(&number))
        };
        assert_eq!(verdict("1588-1234"), Verdict::Pass);
        assert_eq!(verdict("010-1234-5678"), Verdict::Pass);
        assert_eq!(verdict("010-9999-0000"), Verdict::Refuse(Cause::SenderNotRegistered));
        assert_eq!(verdict("ACME"), Verdict::Refuse(Cause::SenderNotRegistered));
    }
}
