//! The whole file, and the gateway without one.
//!
//! Doc comments on the structs are for the operator, as everywhere in `section`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    section::{
        Account, AccountApi, AccountSmpp, Channel, ChargeAt, Class, DefaultAlphabet, Files, Http, Limits,
        Log, Management, Messenger, Policy, Pool, Rcs, RcsUser, Receipts, Route, Smpp, Store, Strategy,
    },
    value::{Cidr, Credential, Name, NumberPattern, OneOrMany, Prefix, SecretRef, Senders},
};

/// The configuration of the gateway. A file without any `[[account]]`, `[[channel]]`, `[[messenger]]`,
/// `[[pool]]`, `[[route]]`, `[[rcs.user]]` and `[[rcs.peer]]` is furnished for first tries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    #[serde(default)]
    pub store: Store,
    #[serde(default)]
    pub log: Log,
    #[serde(default)]
    pub http: Http,
    #[serde(default)]
    pub management: Management,
    #[serde(default)]
    pub smpp: Smpp,
    /// RCS and IMS devices. Without it the gateway does not speak SIP.
    #[serde(default)]
    pub rcs: Option<Rcs>,
    /// The content server for files of RCS devices. Without it there is none.
    #[serde(default)]
    pub files: Option<Files>,
    #[serde(default)]
    pub policy: Policy,
    #[serde(default)]
    pub limits: Limits,
    /// Who sends through the gateway.
    #[serde(default, rename = "account")]
    pub accounts: Vec<Account>,
    /// The carriers' SMSCs.
    #[serde(default, rename = "channel")]
    pub channels: Vec<Channel>,
    /// The servers of IP messengers.
    #[serde(default, rename = "messenger")]
    pub messengers: Vec<Messenger>,
    /// Numbers the gateway lends.
    #[serde(default, rename = "pool")]
    pub pools: Vec<Pool>,
    /// Which channels lead to a number.
    #[serde(default, rename = "route")]
    pub routes: Vec<Route>,
}

impl Default for Config {
    /// The gateway without a file: SQLite in `./data`, every listener on this machine only, and the furniture
    /// for first tries.
    fn default() -> Self {
        let mut config = Self::bare();
        config.furnish();
        config
    }
}

impl Config {
    /// Every section at its default, and nobody to talk to.
    #[must_use]
    pub fn bare() -> Self {
        Self {
            store: Store::default(),
            log: Log::default(),
            http: Http::default(),
            management: Management::default(),
            smpp: Smpp::default(),
            rcs: None,
            files: None,
            policy: Policy::default(),
            limits: Limits::default(),
            accounts: Vec::new(),
            channels: Vec::new(),
            messengers: Vec::new(),
            pools: Vec::new(),
            routes: Vec::new(),
        }
    }

    /// Nothing was said about who sends to whom.
    #[must_use]
    pub fn is_unfurnished(&self) -> bool {
        self.accounts.is_empty()
            && self.rcs.as_ref().is_none_or(Rcs::is_empty)
            && self.channels.is_empty()
            && self.messengers.is_empty()
            && self.pools.is_empty()
            && self.routes.is_empty()
    }

    /// The furniture for first tries, when nothing was said about who sends to whom: an account `demo` with
    /// the password and API key `demo`, a messenger `demo-messenger` that pulls with the token `demo` and lends
    /// its users numbers, four RCS users +821011110001 … with the password `demo`, a simulated carrier, and a route that
    /// leads every number to it. All of them are accepted from this machine only, whatever the listeners are.
    pub fn furnish(&mut self) {
        if !self.is_unfurnished() {
            return;
        }
        self.accounts = vec![demo_account()];
        self.channels = vec![Channel::loopback(Name::known("loopback"))];
        // Numbers that no operator gives out: 070-0000-00xx.
        let lent = NumberPattern::Range("+827000000000".into(), "+827000000099".into());
        self.pools = vec![Pool { name: Name::known("demo-numbers"), numbers: vec![lent] }];
        self.messengers = vec![Messenger {
            allow: this_machine(),
            pool: Some(Name::known("demo-numbers")),
            ..Messenger::pulling(Name::known("demo-messenger"), Credential::plain("demo"))
        }];
        self.routes = vec![Route {
            to: OneOrMany(vec![Prefix::ALL]),
            account: None,
            class: None,
            channels: OneOrMany(vec![Name::known("loopback")]),
            strategy: Strategy::Failover,
        }];
        // Its listeners may have been moved.
        self.rcs.get_or_insert_default().users = (1..=4).map(demo_user).collect();
        self.files.get_or_insert_default();
    }
}

/// Numbers of the country that nobody has: +82 10 1111 000x.
fn demo_user(last: u8) -> RcsUser {
    RcsUser {
        number: NumberPattern::One(format!("+82101111000{last}")),
        password: SecretRef::plain("demo"),
        allow: this_machine(),
    }
}

fn this_machine() -> Vec<Cidr> {
    vec![Cidr::LOOPBACK_V4, Cidr::LOOPBACK_V6]
}

fn demo_account() -> Account {
    Account {
        name: Name::known("demo"),
        class: Class::Person,
        charge_at: ChargeAt::Submission,
        senders: Senders::Any,
        numbers: Vec::new(),
        smpp: Some(AccountSmpp {
            system_id: "demo".into(),
            password: Credential::plain("demo"),
            binds_max: AccountSmpp::default_binds_max(),
            window: AccountSmpp::default_window(),
            rate: 0,
            allow: this_machine(),
            system_types: Vec::new(),
            version: AccountSmpp::default_version(),
            default_alphabet: DefaultAlphabet::default(),
            receipts: Receipts::default(),
        }),
        api: Some(AccountApi { keys: vec![Credential::plain("demo")], allow: this_machine(), rate: 0 }),
    }
}
