//! What changes between two configurations, and what of it needs a restart (SIGHUP).
//!
//! Every key of every section is named here once with what it takes; a new key does not compile until it is.

use std::collections::HashSet;

use crate::{
    Account, Advertising, Channel, Codes, Config, Files, Http, Limits, Log, Management, Messenger, Policy,
    Pool, Rcs, Smpp, Store,
    path::{Path, at},
};

/// What is different. Elements of lists go by their names: `channel.skt.rate`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes {
    /// Takes effect at once.
    pub reloadable: Vec<Change>,
    /// Takes effect with the next start; until then the old value stays.
    pub needs_restart: Vec<Change>,
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    Added(Path),
    Removed(Path),
    Changed(Path),
}

impl Changes {
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.reloadable.is_empty() && self.needs_restart.is_empty()
    }

    fn add(&mut self, how: Apply, change: Change) {
        match how {
            Reload => self.reloadable.push(change),
            Restart => self.needs_restart.push(change),
        }
    }
}

impl Change {
    #[must_use]
    pub const fn path(&self) -> &Path {
        match self {
            Self::Added(path) | Self::Removed(path) | Self::Changed(path) => path,
        }
    }
}

impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Added(path) => write!(f, "{path} (new)"),
            Self::Removed(path) => write!(f, "{path} (gone)"),
            Self::Changed(path) => path.fmt(f),
        }
    }
}

#[derive(Clone, Copy)]
enum Apply {
    Reload,
    Restart,
}
use Apply::{Reload, Restart};

/// Compares key by key. The pattern without `..` makes the list of keys complete.
macro_rules! compare {
    ($changes:expr, $path:expr, $old:expr, $new:expr, $type:ident { $($key:ident: $how:expr),* $(,)? }) => {{
        let $type { $($key: _),* } = $old;
        $(if $old.$key != $new.$key {
            $changes.add($how, Change::Changed($path.key(stringify!($key))));
        })*
    }};
}

/// What changes from `old` to `new`.
#[must_use]
pub fn diff(old: &Config, new: &Config) -> Changes {
    let mut changes = Changes::default();
    let out = &mut changes;
    // Named in full, so that a new section is not forgotten.
    let Config {
        store,
        log,
        http,
        management,
        smpp,
        rcs,
        files,
        policy,
        limits,
        accounts,
        channels,
        messengers,
        pools,
        routes,
    } = old;
    compare!(out, at!["store"], store, new.store, Store { url: Restart });
    compare!(out, at!["log"], log, new.log, Log { level: Restart, format: Restart });
    compare!(
        out,
        at!["http"],
        http,
        new.http,
        Http {
            listen: Restart,
            tls: Restart,
            body_octets_max: Restart,
            batch_max: Restart,
            connections_max: Restart,
            request_timeout: Restart,
            idle_timeout: Restart,
        }
    );
    compare!(
        out,
        at!["management"],
        management,
        new.management,
        Management { listen: Restart, allow_public: Restart, tls: Restart, keys: Restart }
    );
    compare!(
        out,
        at!["smpp"],
        smpp,
        new.smpp,
        Smpp {
            listen: Restart,
            tls: Restart,
            system_id: Restart,
            version: Restart,
            connections_max: Restart,
            bind_timeout: Restart,
            enquire_link: Restart,
            inactivity: Restart,
            answer_timeout: Restart,
            pdu_timeout: Restart,
            over_binds: Restart,
            hide_accounts: Restart,
            pdu_octets_max: Restart,
        }
    );
    match (files, &new.files) {
        (Some(old), Some(new)) => compare_files(out, old, new),
        (None, Some(_)) => out.add(Restart, Change::Added(at!["files"])),
        (Some(_), None) => out.add(Restart, Change::Removed(at!["files"])),
        (None, None) => {}
    }
    match (rcs, &new.rcs) {
        (Some(old), Some(new)) => compare_rcs(out, old, new),
        (None, Some(_)) => out.add(Restart, Change::Added(at!["rcs"])),
        (Some(_), None) => out.add(Restart, Change::Removed(at!["rcs"])),
        (None, None) => {}
    }
    compare_policy(out, policy, &new.policy);
    compare!(
        out,
        at!["limits"],
        limits,
        new.limits,
        Limits {
            open_messages_max: Reload,
            hot_messages_max: Reload,
            intake_batches_max: Restart,
            batch_messages_max: Restart,
            batch_delay: Restart,
            idempotency_keys_max: Reload,
            early_receipts_max: Reload,
            early_receipt_wait: Reload,
            reassembly_max: Reload,
            reassembly_wait: Reload,
            text_octets_max: Reload,
            drain: Reload,
        }
    );
    by_name(
        out,
        "account",
        Reload,
        accounts,
        &new.accounts,
        |account| account.name.as_str(),
        compare_account,
    );
    by_name(
        out,
        "channel",
        // Its link may still be under way with what was handed over.
        Restart,
        channels,
        &new.channels,
        |channel| channel.name.as_str(),
        compare_channel,
    );
    by_name(
        out,
        "messenger",
        Restart,
        messengers,
        &new.messengers,
        |messenger| messenger.name.as_str(),
        compare_messenger,
    );
    by_name(out, "pool", Reload, pools, &new.pools, |pool| pool.name.as_str(), compare_pool);
    // Routes have no names, and their order matters: they are replaced as a whole.
    if *routes != new.routes {
        out.add(Reload, Change::Changed(at!["route"]));
    }
    changes
}

/// What listens stays; who may come and what becomes of their messages changes at once.
fn compare_rcs(out: &mut Changes, old: &Rcs, new: &Rcs) {
    compare!(
        out,
        at!["rcs"],
        old,
        new,
        Rcs {
            name: Restart,
            domain: Restart,
            mode: Restart,
            listen: Restart,
            tls_listen: Restart,
            tls: Restart,
            msrp_listen: Restart,
            msrp_tls_listen: Restart,
            msrp_relay: Restart,
            session_idle: Reload,
            session_refresh: Reload,
            large_message_over: Reload,
            public_address: Restart,
            udp_sockets: Restart,
            udp_segmentation: Restart,
            connections_max: Restart,
            message_octets_max: Restart,
            t1: Restart,
            t2: Restart,
            t4: Restart,
            window: Restart,
            registration_min: Reload,
            registration_max: Reload,
            digests: Reload,
            next_hop: Restart,
            fallback_after: Reload,
            receipt_window: Reload,
            keep: Reload,
            on_answer_lost: Reload,
            capability_expiry: Reload,
            ask_capabilities: Reload,
            map_link: Reload,
            service_centre: Reload,
            handset_answer: Reload,
            pool: Reload,
            group_factory: Reload,
            group_members_max: Reload,
            charge_at: Reload,
            users: Reload,
            peers: Reload,
        }
    );
}

fn compare_files(out: &mut Changes, old: &Files, new: &Files) {
    compare!(
        out,
        at!["files"],
        old,
        new,
        Files {
            folder: Restart,
            public_url: Restart,
            file_octets_max: Reload,
            thumbnail_octets_max: Reload,
            space_max: Reload,
            free_min: Reload,
            keep: Reload,
            unfinished_keep: Reload,
            types: Reload,
            uploads_max: Reload,
            uploads_per_minute_max: Reload,
            stall_timeout: Reload,
        }
    );
}

fn compare_policy(out: &mut Changes, old: &Policy, new: &Policy) {
    let here = at!["policy"];
    compare!(
        out,
        here,
        old,
        new,
        Policy {
            country: Reload,
            trunk_prefix: Reload,
            validity_default: Reload,
            validity_max: Reload,
            idempotency_window: Reload,
            registered_senders: Reload,
            advertising: Reload,
            retry: Reload,
            codes: Reload,
        }
    );
    // Said more closely than "policy.advertising" and "policy.codes".
    let sections = [here.key("advertising"), here.key("codes")];
    out.reloadable.retain(|change| !sections.contains(change.path()));
    let [advertising, codes] = sections;
    compare!(
        out,
        advertising,
        &old.advertising,
        &new.advertising,
        Advertising { label: Reload, quiet_hours: Reload, opt_out_numbers: Reload }
    );
    compare!(
        out,
        codes,
        &old.codes,
        &new.codes,
        Codes {
            sender: Reload,
            text: Reload,
            key: Reload,
            validity: Reload,
            tries_max: Reload,
            per_number_max: Reload,
        }
    );
}

fn compare_account(out: &mut Changes, path: &Path, old: &Account, new: &Account) {
    compare!(
        out,
        path,
        old,
        new,
        Account {
            name: Reload,
            class: Reload,
            charge_at: Reload,
            senders: Reload,
            numbers: Reload,
            smpp: Reload,
            api: Reload,
        }
    );
}

/// What a link is made of stays while it is up; what is decided per message changes at once.
fn compare_channel(out: &mut Changes, path: &Path, old: &Channel, new: &Channel) {
    compare!(
        out,
        path,
        old,
        new,
        Channel {
            name: Restart,
            kind: Restart,
            address: Restart,
            tls: Restart,
            tls_ca: Restart,
            tls_name: Restart,
            system_id: Restart,
            password: Restart,
            system_type: Restart,
            address_range: Restart,
            version: Restart,
            binds: Restart,
            bind: Restart,
            window: Reload,
            rate: Reload,
            enquire_link: Restart,
            answer_timeout: Restart,
            on_answer_lost: Reload,
            reconnect_max: Restart,
            default_alphabet: Restart,
            charset: Restart,
            korean_data_coding: Restart,
            korean_octets_max: Restart,
            concatenation: Restart,
            message_ids: Restart,
            receipts: Reload,
            receipt_window: Reload,
            retry: Reload,
            loopback: Restart,
        }
    );
}

fn compare_messenger(out: &mut Changes, path: &Path, old: &Messenger, new: &Messenger) {
    compare!(
        out,
        path,
        old,
        new,
        Messenger {
            name: Restart,
            kind: Restart,
            push: Restart,
            secret: Restart,
            token: Reload,
            allow: Reload,
            allow_private_addresses: Restart,
            batch_max: Restart,
            window: Restart,
            push_timeout: Restart,
            rate: Reload,
            keep: Reload,
            pool: Reload,
            charge_at: Reload,
        }
    );
}

fn compare_pool(out: &mut Changes, path: &Path, old: &Pool, new: &Pool) {
    compare!(out, path, old, new, Pool { name: Reload, numbers: Reload });
}

/// Elements with the same name are the same. New ones are taken at once; `how` applies to those that are gone.
fn by_name<T>(
    out: &mut Changes,
    section: &str,
    how: Apply,
    old: &[T],
    new: &[T],
    name: impl Fn(&T) -> &str,
    compare: impl Fn(&mut Changes, &Path, &T, &T),
) {
    let section = at![section];
    let mut met = HashSet::new();
    for before in old {
        let path = section.key(name(before));
        met.insert(name(before));
        match new.iter().find(|after| name(after) == name(before)) {
            Some(after) => compare(out, &path, before, after),
            None => out.add(how, Change::Removed(path)),
        }
    }
    for after in new.iter().filter(|after| !met.contains(name(after))) {
        out.add(Reload, Change::Added(section.key(name(after))));
    }
}
