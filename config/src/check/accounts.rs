//! Accounts and pools: who may be whom, and to whom the messages of phones go.

use std::collections::{BTreeMap, HashMap};

use super::Findings;
use crate::{
    Config, NumberPattern, Sender, Senders,
    path::{Path, at},
    report::ProblemKind,
};

/// More numbers than this in one list is a mistyped range.
const NUMBERS_MAX: u128 = 100_000;

pub(super) fn check(config: &Config, findings: &mut Findings) {
    let mut system_ids: HashMap<&str, usize> = HashMap::new();
    for (at, account) in config.accounts.iter().enumerate() {
        let here = at!["account", at];
        if account.smpp.is_none() && account.api.is_none() {
            findings.error(
                ProblemKind::MissingKey,
                here.clone(),
                format!("the account \"{}\" can neither bind nor call", account.name),
                "add a table [account.smpp] or [account.api]",
            );
        }
        if let Some(smpp) = &account.smpp {
            let path = here.key("smpp").key("system_id");
            text(&smpp.system_id, path.clone(), findings);
            if let Some(first) =
                system_ids.insert(&smpp.system_id, at).and_then(|first| config.accounts.get(first))
            {
                findings.error(
                    ProblemKind::Duplicate,
                    path,
                    format!("the account \"{}\" has the same system_id", first.name),
                    "a bind is told from another by its system_id alone: choose another one",
                );
            }
        }
        if let Some(api) = &account.api
            && api.keys.is_empty()
        {
            findings.error(
                ProblemKind::MissingKey,
                here.key("api").key("keys"),
                "without a key, the account cannot call the API",
                "add a key, for example the sha256: of a random text",
            );
        }
        senders(config, &account.senders, &here, findings);
    }
    numbers(config, findings);
    for (at, pool) in config.pools.iter().enumerate() {
        countable(pool.numbers.iter(), &at!["pool", at, "numbers"], findings);
        if pool.numbers.is_empty() {
            findings.error(
                ProblemKind::MissingKey,
                at!["pool", at, "numbers"],
                "the pool has no numbers",
                "add numbers or a range",
            );
        }
    }
}

/// SMPP carries these as ASCII.
pub(super) fn text(value: &str, path: Path, findings: &mut Findings) {
    if !value.chars().all(|c| c.is_ascii_graphic() || c == ' ') {
        let name = path.last_key().unwrap_or_default().to_owned();
        findings.error(
            ProblemKind::Misspelt,
            path,
            format!("`{name}` has characters that SMPP cannot carry"),
            "use ASCII letters, digits and signs",
        );
    }
}

fn senders(config: &Config, senders: &Senders, here: &Path, findings: &mut Findings) {
    let path = here.key("senders");
    match senders {
        Senders::Any if config.policy.registered_senders => findings.error(
            ProblemKind::Conflict,
            path,
            "`policy.registered_senders` is on, and this account may use any sender",
            "list the senders registered for the account",
        ),
        Senders::Any => {}
        Senders::Listed(list) => {
            let patterns = list.iter().map(|sender| match sender {
                Sender::Number(pattern) => Some(pattern),
                Sender::Name(_) => None,
            });
            let numbers = patterns.enumerate().filter_map(|(at, pattern)| Some((at, pattern?)));
            countable_at(numbers, &path, findings);
        }
    }
}

fn countable<'a>(patterns: impl Iterator<Item = &'a NumberPattern>, path: &Path, findings: &mut Findings) {
    countable_at(patterns.enumerate(), path, findings);
}

/// Registered and lent numbers are single ones.
fn countable_at<'a>(
    patterns: impl Iterator<Item = (usize, &'a NumberPattern)>,
    path: &Path,
    findings: &mut Findings,
) {
    let mut total = 0_u128;
    for (at, pattern) in patterns {
        let Some(count) = pattern.count() else {
            findings.error(
                ProblemKind::Misspelt,
                path.index(at),
                "each number in this list must be known, and a prefix leaves them open",
                r#"write single numbers or a range, for example "+827040000000..+827040000099""#,
            );
            continue;
        };
        total = total.saturating_add(count);
        if total > NUMBERS_MAX {
            findings.error(
                ProblemKind::OutOfRange,
                path.index(at),
                format!("this list names more than {NUMBERS_MAX} numbers"),
                "is the range too wide?",
            );
            return;
        }
    }
}

/// One number leads to one place.
fn numbers(config: &Config, findings: &mut Findings) {
    let opt_out = config.policy.advertising.opt_out_numbers.iter().enumerate();
    let of_policy = opt_out.map(|(at, pattern)| {
        (pattern, at!["policy", "advertising", "opt_out_numbers", at], "the opt-out numbers".to_owned())
    });
    let of_pools = config.pools.iter().enumerate().flat_map(|(pool, section)| {
        let each = section.numbers.iter().enumerate();
        each.map(move |(at, pattern)| {
            (pattern, at!["pool", pool, "numbers", at], format!("the pool \"{}\"", section.name))
        })
    });
    let of_accounts = config.accounts.iter().enumerate().flat_map(|(account, section)| {
        let each = section.numbers.iter().enumerate();
        each.map(move |(at, pattern)| {
            (pattern, at!["account", account, "numbers", at], format!("the account \"{}\"", section.name))
        })
    });
    let mut taken = Taken::default();
    for (pattern, path, owner) in of_policy.chain(of_pools).chain(of_accounts) {
        if let Some(other) = taken.take(pattern, owner) {
            findings.error(
                ProblemKind::Duplicate,
                path,
                format!("a message to this number would go to {other} too"),
                "give each number to one account, pool or list only",
            );
        }
    }
}

/// Which numbers are given away. What is exact goes before a prefix, and a longer prefix before a shorter one,
/// so a prefix is taken only by the same prefix.
#[derive(Default)]
struct Taken<'a> {
    prefixes: HashMap<&'a str, String>,
    /// By length and first number: the last number and the owner. They never overlap.
    ranges: BTreeMap<(usize, &'a str), (&'a str, String)>,
}

impl<'a> Taken<'a> {
    /// The owner of the numbers, when they have one already.
    fn take(&mut self, pattern: &'a NumberPattern, owner: String) -> Option<String> {
        let (first, last) = match pattern {
            NumberPattern::Prefix(prefix) => return self.prefixes.insert(prefix, owner),
            NumberPattern::One(one) => (one, one),
            NumberPattern::Range(first, last) => (first, last),
        };
        let length = first.len();
        let before = self.ranges.range((length, "")..=(length, last.as_str())).next_back();
        if let Some((_, (_, other))) = before.filter(|(_, (end, _))| *end >= first.as_str()) {
            return Some(other.clone());
        }
        self.ranges.insert((length, first), (last, owner));
        None
    }
}
