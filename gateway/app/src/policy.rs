//! From what the operator wrote to what the engine follows.

use std::collections::HashMap;

use config::{Config, Environment, NumberPattern, OnAnswerLost, Sender, Senders as Registered};
use engine::{AnswerLost, ChannelPolicy, Korea, Limits, Policy, RetrySchedule, Route, Routes, Senders};
use miette::miette;
use model::{ChannelId, ChannelKind, Class, Msisdn, Number, NumberingPlan};

/// Numbers that one range may stand for.
const RANGE_MAX: usize = 100_000;

/// The store's ids of configured names.
pub(crate) type Ids = HashMap<String, ChannelId>;

/// Every peer that is a channel, with its kind, in the order of the file.
pub(crate) fn peers(config: &Config) -> Vec<(String, ChannelKind)> {
    let accounts = config.accounts.iter().map(|account| {
        let kind = if account.smpp.is_some() { ChannelKind::Esme } else { ChannelKind::Http };
        (account.name.as_str().to_owned(), kind)
    });
    let channels =
        config.channels.iter().map(|channel| (channel.name.as_str().to_owned(), ChannelKind::Smsc));
    let messengers = config
        .messengers
        .iter()
        .map(|messenger| (messenger.name.as_str().to_owned(), ChannelKind::Messenger));
    let rcs = config.rcs.iter().map(|rcs| (rcs.name.as_str().to_owned(), ChannelKind::Rcs));
    accounts.chain(channels).chain(messengers).chain(rcs).collect()
}

pub(crate) fn class(class: config::Class) -> Class {
    match class {
        config::Class::Person => Class::Person,
        config::Class::Otp => Class::OneTimePassword,
        config::Class::Transactional => Class::Transactional,
        config::Class::Advertising => Class::Advertising,
    }
}

/// Compiles the engine's policy. `code_key` is used where the configuration names none.
pub(crate) fn compile(
    config: &Config,
    ids: &Ids,
    environment: &dyn Environment,
    code_key: [u8; 32],
) -> miette::Result<Policy> {
    let written = &config.policy;
    let numbering = numbering(written);
    let code_key = match &written.codes.key {
        None => code_key,
        Some(reference) => {
            use sha2::{Digest, Sha256};
            let secret =
                reference.resolve(environment).map_err(|error| miette!("policy.codes.key: {error}"))?;
            Sha256::digest(secret.expose().as_bytes()).into()
        }
    };
    let code_sender = match &written.codes.sender {
        Sender::Name(name) => Number::written(name),
        Sender::Number(pattern) => Number::written(&numbers(pattern).into_iter().next().unwrap_or_default()),
    };
    Ok(Policy {
        channels: channels(config, ids, &numbering),
        routes: routes(config, ids, &numbering),
        numbering,
        validity_default: written.validity_default.get(),
        validity_max: written.validity_max.get(),
        idempotency_window: written.idempotency_window.get(),
        korea: korea(written)?,
        code_sender,
        code_text: written.codes.text.as_str().into(),
        code_key,
        limits: limits(config),
    })
}

/// How the operator's country writes numbers.
pub(crate) fn numbering(written: &config::Policy) -> NumberingPlan {
    let korea = NumberingPlan::korea();
    let (country, trunk) = (written.country.as_str().into(), written.trunk_prefix.as_str().into());
    if country == korea.country {
        return NumberingPlan { trunk, ..korea };
    }
    // ITU-T E.123 and E.164 recommend 00; the carrier codes behind it are Korea's own.
    NumberingPlan { country, trunk, international: vec!["00".into()] }
}

fn limits(config: &Config) -> Limits {
    let limits = &config.limits;
    let codes = &config.policy.codes;
    Limits {
        open_max: usize::try_from(limits.open_messages_max).unwrap_or(usize::MAX),
        hot_max: usize::try_from(limits.hot_messages_max).unwrap_or(usize::MAX),
        idempotency_keys_max: limits.idempotency_keys_max as usize,
        parked_receipts_max: limits.early_receipts_max as usize,
        parked_receipt: limits.early_receipt_wait.get(),
        gathering_max: limits.reassembly_max as usize,
        gathering: limits.reassembly_wait.get(),
        text_octets_max: usize::try_from(limits.text_octets_max.get()).unwrap_or(usize::MAX),
        codes_per_number_max: codes.per_number_max,
        code_validity: codes.validity.get(),
        code_tries_max: codes.tries_max,
        ..Limits::default()
    }
}

fn korea(written: &config::Policy) -> miette::Result<Option<Korea>> {
    let advertising = &written.advertising;
    if !advertising.label && advertising.quiet_hours.is_none() && advertising.opt_out_numbers.is_empty() {
        return Ok(None);
    }
    let utc_offset_secs = match &advertising.quiet_hours {
        None => 0,
        Some(quiet) => quiet
            .utc_offset_secs()
            .map_err(|error| miette!("policy.advertising.quiet_hours.zone: {error}"))?,
    };
    let hour = |at: config::TimeOfDay| u8::try_from(at.hour()).unwrap_or(0);
    Ok(Some(Korea {
        advertising_label: advertising.label,
        quiet_hours: advertising.quiet_hours.as_ref().map(|quiet| (hour(quiet.from), hour(quiet.to))),
        utc_offset_secs,
        opt_out_numbers: advertising.opt_out_numbers.iter().flat_map(numbers).map(Into::into).collect(),
    }))
}

fn retry(written: &config::Retry) -> RetrySchedule {
    RetrySchedule {
        unreachable: written.unreachable.iter().map(|period| period.get()).collect(),
        failure: written.failure.iter().map(|period| period.get()).collect(),
        attempts_max: written.attempts_max,
    }
}

fn charge_at(charge_at: config::ChargeAt) -> engine::ChargeAt {
    match charge_at {
        config::ChargeAt::Submission => engine::ChargeAt::Submission,
        config::ChargeAt::Delivery => engine::ChargeAt::Delivery,
    }
}

fn answer_lost(written: OnAnswerLost) -> AnswerLost {
    match written {
        OnAnswerLost::Resend => AnswerLost::Resend,
        OnAnswerLost::Wait => AnswerLost::Wait,
        OnAnswerLost::ResendAfter(period) => AnswerLost::ResendAfter(period.get()),
    }
}

fn channels(config: &Config, ids: &Ids, numbering: &NumberingPlan) -> Vec<ChannelPolicy> {
    let common = retry(&config.policy.retry);
    let of = |name: &str, kind| {
        let id = ids.get(name).copied().unwrap_or(ChannelId(u16::MAX));
        ChannelPolicy { retry: common.clone(), ..ChannelPolicy::new(id, name, kind) }
    };
    let lent = |name: Option<&config::Name>| {
        let pool = name.and_then(|name| config.pools.iter().find(|pool| pool.name == *name));
        let numbers = pool.into_iter().flat_map(|pool| pool.numbers.iter().flat_map(numbers));
        numbers.filter_map(|number| msisdn(&number, numbering)).collect::<Vec<_>>()
    };
    let mut channels = Vec::new();
    for account in &config.accounts {
        let kind = if account.smpp.is_some() { ChannelKind::Esme } else { ChannelKind::Http };
        let mut policy = of(account.name.as_str(), kind);
        policy.charge_at = charge_at(account.charge_at);
        policy.senders = match &account.senders {
            Registered::Any => Senders::Any,
            Registered::Listed(listed) => {
                Senders::Registered(listed.iter().flat_map(|sender| senders(sender, numbering)).collect())
            }
        };
        if let Some(smpp) = &account.smpp {
            policy.report_window = smpp.receipts.keep.get();
        }
        channels.push(policy);
    }
    for channel in &config.channels {
        let mut policy = of(channel.name.as_str(), ChannelKind::Smsc);
        policy.gives_receipts = channel.receipts;
        policy.receipt_window = channel.receipt_window.get();
        policy.answer_lost = answer_lost(channel.on_answer_lost);
        if let Some(own) = &channel.retry {
            policy.retry = retry(own);
        }
        channels.push(policy);
    }
    for messenger in &config.messengers {
        let mut policy = of(messenger.name.as_str(), ChannelKind::Messenger);
        policy.charge_at = charge_at(messenger.charge_at);
        policy.report_window = messenger.keep.get();
        policy.pool = lent(messenger.pool.as_ref());
        channels.push(policy);
    }
    if let Some(rcs) = &config.rcs {
        let mut policy = of(rcs.name.as_str(), ChannelKind::Rcs);
        policy.charge_at = charge_at(rcs.charge_at);
        policy.gives_receipts = true;
        policy.tells_displayed = true;
        policy.revokes = true;
        policy.leg_wait = Some(rcs.fallback_after.get());
        policy.receipt_window = rcs.receipt_window.get();
        policy.report_window = rcs.keep.get();
        policy.answer_lost = answer_lost(rcs.on_answer_lost);
        policy.pool = lent(rcs.pool.as_ref());
        channels.push(policy);
    }
    // The engine looks a channel up by its id first.
    channels.sort_by_key(|channel| channel.id);
    channels
}

fn routes(config: &Config, ids: &Ids, numbering: &NumberingPlan) -> Routes {
    let id = |name: &config::Name| ids.get(name.as_str()).copied();
    let mut routes = Vec::new();
    for route in &config.routes {
        for prefix in &route.to.0 {
            routes.push(Route {
                prefix: prefix.digits().to_owned(),
                origin: route.account.as_ref().and_then(id),
                class: route.class.map(class),
                channels: route.channels.0.iter().filter_map(id).collect(),
                balance: route.strategy == config::Strategy::Balance,
            });
        }
    }
    for account in &config.accounts {
        let Some(channel) = id(&account.name) else { continue };
        for prefix in account.numbers.iter().flat_map(|pattern| prefixes(pattern, numbering)) {
            routes.push(Route {
                prefix,
                origin: None,
                class: None,
                channels: [channel].into_iter().collect(),
                balance: false,
            });
        }
    }
    Routes::new(routes)
}

fn msisdn(text: &str, numbering: &NumberingPlan) -> Option<Msisdn> {
    numbering.e164(&Number::written(text))
}

fn numbers(pattern: &NumberPattern) -> Vec<String> {
    pattern.numbers().map(|numbers| numbers.take(RANGE_MAX).collect()).unwrap_or_default()
}

/// A number as routes are asked for it: E.164 where it has that form, else as written.
fn routed(text: &str, numbering: &NumberingPlan) -> String {
    msisdn(text, numbering)
        .map_or_else(|| text.trim_start_matches('+').to_owned(), |number| number.digits().to_string())
}

fn prefixes(pattern: &NumberPattern, numbering: &NumberingPlan) -> Vec<String> {
    match pattern {
        NumberPattern::Prefix(prefix) => vec![prefix.trim_start_matches('+').to_owned()],
        other => numbers(other).iter().map(|number| routed(number, numbering)).collect(),
    }
}

fn senders(sender: &Sender, numbering: &NumberingPlan) -> Vec<smol_str::SmolStr> {
    match sender {
        Sender::Name(name) => vec![name.as_str().into()],
        Sender::Number(pattern) => numbers(pattern)
            .iter()
            .flat_map(|number| [number.trim_start_matches('+').to_owned(), routed(number, numbering)])
            .map(Into::into)
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use config::{ProcessEnvironment, Sources};

    use super::*;

    fn compiled(text: &str) -> Policy {
        let config = config::load(&Sources::new().with_text("test", text)).unwrap().config;
        compile(&config, &Ids::new(), &ProcessEnvironment, [0; 32]).unwrap()
    }

    #[test]
    fn the_night_follows_its_zone() {
        let night = |zone: &str| {
            let korea =
                compiled(&format!("[policy.advertising.quiet_hours]\nzone = '{zone}'")).korea.unwrap();
            (korea.quiet_hours, korea.utc_offset_secs)
        };
        assert_eq!(night("Asia/Seoul"), (Some((21, 8)), 32_400));
        assert_eq!(night("Asia/Kolkata"), (Some((21, 8)), 19_800));
    }

    #[test]
    fn numbers_are_those_of_the_country() {
        let digits = |text: &str, number: &str| {
            compiled(text).numbering.e164(&Number::written(number)).map(|number| number.digits().to_string())
        };
        assert_eq!(digits("", "010-1234-5678").as_deref(), Some("821012345678"));
        let french = "[policy]\ncountry = '33'";
        assert_eq!(digits(french, "0612345678").as_deref(), Some("33612345678"));
        // 002 is a Korean carrier; elsewhere it is 00 and the first digit of a country.
        assert_eq!(digits(french, "0020212345678").as_deref(), Some("20212345678"));
    }
}
