//! RFC 3263 §4: which servers a request goes to, decided from scripted answers.

use std::{
    collections::{HashMap, HashSet},
    net::{IpAddr, SocketAddr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use proptest::prelude::*;
use sip_net::{
    Transport::{self, Tcp, Tls, Udp},
    resolve::{
        Abilities, Answer, Answered, Asking, CANDIDATES_MAX, CacheLimits, Candidates, Destination, Dns, Host,
        Naptr, Plan, QUERIES_MAX, Query, Resolver, Srv, Unresolved,
    },
};

#[derive(Default)]
struct Zone(HashMap<Query, Answer>);

impl Zone {
    fn naptr(mut self, name: &str, records: &[(u16, u16, &str, &str, &str)]) -> Self {
        let records = records
            .iter()
            .map(|&(order, preference, flags, service, replacement)| Naptr {
                order,
                preference,
                flags: flags.into(),
                service: service.into(),
                replacement: replacement.into(),
            })
            .collect();
        self.0.insert(Query::Naptr(name.into()), Answer::Naptr(records));
        self
    }

    fn srv(mut self, name: &str, records: &[(u16, u16, u16, &str)]) -> Self {
        let records = records
            .iter()
            .map(|&(priority, weight, port, target)| Srv { priority, weight, port, target: target.into() })
            .collect();
        self.0.insert(Query::Srv(name.into()), Answer::Srv(records));
        self
    }

    fn ip(mut self, name: &str, ips: &[&str]) -> Self {
        let ips = ips.iter().map(|ip| ip.parse().expect("an address")).collect();
        self.0.insert(Query::Addresses(name.into()), Answer::Addresses(ips));
        self
    }

    fn dead(mut self, query: Query) -> Self {
        self.0.insert(query, Answer::Failed);
        self
    }

    /// What was found, and what was asked for it.
    fn run(
        &self,
        to: &Destination,
        abilities: Abilities,
        random: u64,
    ) -> (Result<Candidates, Unresolved>, Vec<Query>) {
        let mut plan = Plan::new(to, abilities, random);
        let mut asked = Vec::new();
        while let Some(query) = plan.query() {
            plan.answer(self.0.get(&query).unwrap_or(&Answer::Nothing));
            asked.push(query);
        }
        (plan.finish(), asked)
    }

    fn servers(&self, to: &Destination) -> Vec<(Transport, SocketAddr)> {
        let (found, _) = self.run(to, Abilities::ALL, 7);
        found.expect("servers").iter().map(|candidate| (candidate.transport, candidate.address)).collect()
    }

    fn asked(&self, to: &Destination) -> Vec<Query> {
        self.run(to, Abilities::ALL, 7).1
    }
}

fn to(uri: &str) -> Destination {
    let (scheme, rest) = uri.split_once(':').expect("a scheme");
    let (hostport, params) = rest.split_once(';').map_or((rest, ""), |(host, params)| (host, params));
    let (host, port) = match hostport.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port.parse().expect("a port"))),
        _ => (hostport, None),
    };
    let transport = match params {
        "transport=udp" => Some(Udp),
        "transport=tcp" => Some(Tcp),
        "transport=tls" => Some(Tls),
        _ => None,
    };
    Destination { host: Host::parse(host).expect("a host"), port, transport, secure: scheme == "sips" }
}

fn at(address: &str) -> SocketAddr {
    address.parse().expect("an address")
}

#[test]
fn s4_1_a_numeric_host_is_never_looked_up() {
    let rows = [
        ("sip:192.0.2.1", Udp, "192.0.2.1:5060"),
        ("sips:192.0.2.1", Tls, "192.0.2.1:5061"),
        ("sip:192.0.2.1:5080", Udp, "192.0.2.1:5080"),
        ("sip:192.0.2.1;transport=tcp", Tcp, "192.0.2.1:5060"),
        ("sip:192.0.2.1;transport=tls", Tls, "192.0.2.1:5061"),
        ("sips:192.0.2.1;transport=tcp", Tls, "192.0.2.1:5061"),
        ("sip:[2001:db8::1]", Udp, "[2001:db8::1]:5060"),
        ("sip:[2001:db8::1]:5070;transport=tcp", Tcp, "[2001:db8::1]:5070"),
        ("sip:[::ffff:192.0.2.1]", Udp, "192.0.2.1:5060"),
    ];
    for (uri, transport, address) in rows {
        assert_eq!(Zone::default().servers(&to(uri)), [(transport, at(address))], "{uri}");
        assert!(Zone::default().asked(&to(uri)).is_empty(), "{uri}");
    }
}

#[test]
fn s4_2_a_port_leaves_only_addresses_to_ask_for() {
    let zone = Zone::default().ip("a.example", &["192.0.2.1"]).srv("_sip._udp.a.example", &[(0, 0, 9, "b")]);
    let rows = [
        ("sip:a.example:5080", Udp),
        ("sip:a.example:5080;transport=tcp", Tcp),
        ("sips:a.example:5080", Tls),
    ];
    for (uri, transport) in rows {
        assert_eq!(zone.servers(&to(uri)), [(transport, at("192.0.2.1:5080"))], "{uri}");
        assert_eq!(zone.asked(&to(uri)), [Query::Addresses("a.example".into())], "{uri}");
    }
}

#[test]
fn s4_2_a_transport_asks_its_srv_then_the_name() {
    let with = Zone::default()
        .srv("_sip._tcp.a.example", &[(0, 0, 5070, "s.a.example")])
        .ip("s.a.example", &["192.0.2.7"])
        .ip("a.example", &["192.0.2.1"]);
    assert_eq!(with.servers(&to("sip:a.example;transport=tcp")), [(Tcp, at("192.0.2.7:5070"))]);

    let without = Zone::default().ip("a.example", &["192.0.2.1"]);
    assert_eq!(without.servers(&to("sip:a.example;transport=tcp")), [(Tcp, at("192.0.2.1:5060"))]);
    assert_eq!(without.servers(&to("sip:a.example;transport=tls")), [(Tls, at("192.0.2.1:5061"))]);
    assert_eq!(
        without.asked(&to("sips:a.example;transport=tcp")),
        [Query::Srv("_sips._tcp.a.example".into()), Query::Addresses("a.example".into())],
    );
}

#[test]
fn s4_1_naptr_chooses_the_transport_by_order_then_preference() {
    let zone = Zone::default()
        .naptr(
            "a.example",
            &[
                (50, 60, "s", "SIP+D2U", "_sip._udp.a.example"),
                (50, 50, "S", "sip+d2t", "_sip._tcp.a.example"),
                (40, 90, "s", "SIPS+D2T", "_sips._tcp.a.example"),
                (10, 10, "s", "SIP+D2S", "_sip._sctp.a.example"),
                (10, 10, "u", "SIP+D2U", "!.*!sip:x@y!"),
                (10, 10, "s", "SIP+D2U", ""),
            ],
        )
        .srv("_sips._tcp.a.example", &[(1, 0, 5061, "t.example")])
        .srv("_sip._tcp.a.example", &[(1, 0, 5060, "t.example")])
        .srv("_sip._udp.a.example", &[(1, 0, 5060, "u.example")])
        .ip("t.example", &["192.0.2.1"])
        .ip("u.example", &["192.0.2.2"]);
    assert_eq!(
        zone.servers(&to("sip:a.example")),
        [(Tls, at("192.0.2.1:5061")), (Tcp, at("192.0.2.1:5060")), (Udp, at("192.0.2.2:5060"))],
    );
    assert_eq!(zone.servers(&to("sips:a.example")), [(Tls, at("192.0.2.1:5061"))]);
    let deaf = Abilities { tls: false, tcp: false, ..Abilities::ALL };
    assert_eq!(zone.run(&to("sip:a.example"), deaf, 0).0.unwrap()[0].transport, Udp);
}

#[test]
fn s4_1_without_naptr_each_transport_is_asked_for_then_the_name() {
    let zone = Zone::default()
        .srv("_sip._tcp.a.example", &[(0, 0, 5070, "s.a.example")])
        .ip("s.a.example", &["192.0.2.7"])
        .ip("a.example", &["192.0.2.1"]);
    assert_eq!(zone.servers(&to("sip:a.example")), [(Tcp, at("192.0.2.7:5070"))]);

    let bare = Zone::default().ip("a.example", &["192.0.2.1"]);
    assert_eq!(bare.servers(&to("sip:a.example")), [(Udp, at("192.0.2.1:5060"))]);
    assert_eq!(bare.servers(&to("sips:a.example")), [(Tls, at("192.0.2.1:5061"))]);
    let [naptr, udp, tcp, host] = &bare.asked(&to("sip:a.example"))[..] else { panic!("four questions") };
    assert_eq!(*naptr, Query::Naptr("a.example".into()));
    assert_eq!(*udp, Query::Srv("_sip._udp.a.example".into()));
    assert_eq!(*tcp, Query::Srv("_sip._tcp.a.example".into()));
    assert_eq!(*host, Query::Addresses("a.example".into()));
}

#[test]
fn sips_never_ends_on_anything_but_tls() {
    let zone = Zone::default()
        .naptr("a.example", &[(1, 1, "s", "SIP+D2U", "_sip._udp.a.example")])
        .srv("_sip._udp.a.example", &[(0, 0, 5060, "s.a.example")])
        .ip("s.a.example", &["192.0.2.7"])
        .ip("a.example", &["192.0.2.1"]);
    assert_eq!(zone.servers(&to("sips:a.example")), [(Tls, at("192.0.2.1:5061"))]);
    assert_eq!(zone.servers(&to("sips:a.example;transport=udp")), [(Tls, at("192.0.2.1:5061"))]);
}

#[test]
fn rfc2782_a_service_decidedly_not_offered_is_no_reason_to_guess() {
    let zone = Zone::default().srv("_sip._udp.a.example", &[(0, 0, 0, "")]).ip("a.example", &["192.0.2.1"]);
    assert_eq!(zone.run(&to("sip:a.example;transport=udp"), Abilities::ALL, 0).0, Err(Unresolved::NoServer));
}

#[test]
fn rfc2782_servers_without_addresses_are_no_reason_to_guess() {
    let zone = Zone::default()
        .srv("_sip._udp.a.example", &[(0, 0, 5060, "gone.example")])
        .ip("a.example", &["192.0.2.1"]);
    assert_eq!(zone.run(&to("sip:a.example;transport=udp"), Abilities::ALL, 0).0, Err(Unresolved::NoServer));
}

#[test]
fn rfc2782_priorities_come_in_order_and_weights_share_the_load() {
    let zone = Zone::default()
        .srv(
            "_sip._udp.a.example",
            &[(2, 0, 4, "d"), (1, 0, 1, "zero"), (1, 30, 2, "some"), (1, 70, 3, "most")],
        )
        .ip("zero", &["192.0.2.1"])
        .ip("some", &["192.0.2.2"])
        .ip("most", &["192.0.2.3"])
        .ip("d", &["192.0.2.4"]);
    let mut firsts = [0_u32; 5];
    for seed in 0..10_000 {
        let (found, _) = zone.run(&to("sip:a.example;transport=udp"), Abilities::ALL, seed);
        let ports: Vec<usize> = found.unwrap().iter().map(|c| usize::from(c.address.port())).collect();
        assert_eq!(ports.len(), 4);
        assert_eq!(ports[3], 4, "the lesser priority comes last");
        firsts[ports[0]] += 1;
    }
    // One in 101 for weight 0, then 30 and 70.
    assert!((30..300).contains(&firsts[1]), "{firsts:?}");
    assert!((2_500..3_500).contains(&firsts[2]), "{firsts:?}");
    assert!((6_400..7_500).contains(&firsts[3]), "{firsts:?}");
}

#[test]
fn addresses_of_one_name_take_turns_and_only_reachable_families_are_used() {
    let zone = Zone::default().ip("a.example", &["192.0.2.1", "192.0.2.2", "2001:db8::1"]);
    let firsts: HashSet<IpAddr> = (0..50)
        .map(|seed| zone.run(&to("sip:a.example:5060"), Abilities::ALL, seed).0.unwrap()[0].address.ip())
        .collect();
    assert_eq!(firsts.len(), 3);
    let only4 = Abilities { ipv6: false, ..Abilities::ALL };
    assert!(zone.run(&to("sip:a.example:5060"), only4, 0).0.unwrap().iter().all(|c| c.address.is_ipv4()));
    let only6 = Abilities { ipv4: false, ipv6: false, ..Abilities::ALL };
    assert_eq!(zone.run(&to("sip:a.example:5060"), only6, 0).0, Err(Unresolved::NothingInCommon));
    assert_eq!(zone.run(&to("sip:192.0.2.1"), only6, 0).0, Err(Unresolved::NothingInCommon));
}

#[test]
fn nobody_answering_is_told_apart_from_nothing_being_there() {
    let dead = Zone::default().dead(Query::Addresses("a.example".into()));
    assert_eq!(dead.run(&to("sip:a.example:5060"), Abilities::ALL, 0).0, Err(Unresolved::NoAnswer));
    assert_eq!(
        Zone::default().run(&to("sip:a.example:5060"), Abilities::ALL, 0).0,
        Err(Unresolved::NoServer)
    );
    // A name server that chokes on NAPTR does not keep us from the address.
    let half = Zone::default().dead(Query::Naptr("a.example".into())).ip("a.example", &["192.0.2.1"]);
    assert_eq!(half.servers(&to("sip:a.example")), [(Udp, at("192.0.2.1:5060"))]);
}

#[test]
fn hosts_are_told_from_rubbish() {
    assert_eq!(Host::parse("[2001:DB8::1]"), Some(Host::Ip("2001:db8::1".parse().unwrap())));
    assert_eq!(Host::parse("2001:db8::1"), Some(Host::Ip("2001:db8::1".parse().unwrap())));
    assert_eq!(Host::parse("Example.COM."), Some(Host::Name("example.com".into())));
    for rubbish in
        ["", ".", "a..b", "a b", "[1.2.3.4", "a:5060", "é.example", &"a".repeat(64), &"a.".repeat(140)]
    {
        assert_eq!(Host::parse(rubbish), None, "{rubbish}");
    }
}

fn answers() -> impl Strategy<Value = Answer> {
    let name = prop_oneof![Just(""), Just("a.example"), Just("b.example"), Just("c"), Just("not a name")];
    let service = prop_oneof![Just("SIP+D2U"), Just("SIP+D2T"), Just("SIPS+D2T"), Just("X")];
    let naptr = (any::<u16>(), any::<u16>(), service, name.clone()).prop_map(
        |(order, preference, service, replacement)| Naptr {
            order,
            preference,
            flags: "s".into(),
            service: service.into(),
            replacement: replacement.into(),
        },
    );
    let srv = (0..3_u16, any::<u16>(), any::<u16>(), name).prop_map(|(priority, weight, port, target)| Srv {
        priority,
        weight,
        port,
        target: target.into(),
    });
    prop_oneof![
        prop::collection::vec(naptr, 0..40).prop_map(Answer::Naptr),
        prop::collection::vec(srv, 0..40).prop_map(Answer::Srv),
        prop::collection::vec(any::<IpAddr>(), 0..40).prop_map(Answer::Addresses),
        Just(Answer::Nothing),
        Just(Answer::Failed),
    ]
}

proptest! {
    /// A hostile zone cannot make us ask for ever or try for ever.
    #[test]
    fn any_zone_is_done_with_in_bounded_questions(
        script in prop::collection::vec(answers(), 1..60),
        uri in prop_oneof![Just("sip:a.example"), Just("sips:a.example"), Just("sip:a.example;transport=tcp")],
        random: u64,
    ) {
        let mut plan = Plan::new(&to(uri), Abilities::ALL, random);
        let mut asked = 0;
        while plan.query().is_some() {
            plan.answer(&script[asked % script.len()]);
            asked += 1;
            prop_assert!(asked <= QUERIES_MAX);
        }
        if let Ok(found) = plan.finish() {
            prop_assert!(!found.is_empty() && found.len() <= CANDIDATES_MAX);
            let distinct: HashSet<_> = found.iter().collect();
            prop_assert_eq!(distinct.len(), found.len());
            if uri.starts_with("sips") {
                prop_assert!(found.iter().all(|candidate| candidate.transport == Tls));
            }
        }
    }
}

/// Answers by script and counts how often it is asked.
struct Scripted {
    zone: Mutex<HashMap<Query, Answer>>,
    ttl: Duration,
    asked: AtomicUsize,
    silent: std::sync::atomic::AtomicBool,
}

impl Scripted {
    fn new(zone: Zone, ttl: u64) -> Arc<Self> {
        Arc::new(Self {
            zone: Mutex::new(zone.0),
            ttl: Duration::from_secs(ttl),
            asked: AtomicUsize::new(0),
            silent: false.into(),
        })
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

impl Dns for Scripted {
    fn ask<'a>(&'a self, query: &'a Query) -> Asking<'a> {
        Box::pin(async move {
            self.asked.fetch_add(1, Ordering::Relaxed);
            if self.silent.load(Ordering::Relaxed) {
                std::future::pending::<()>().await;
            }
            let answer = self
                .zone
                .lock()
                .expect("no test has panicked")
                .get(query)
                .cloned()
                .unwrap_or(Answer::Nothing);
            Answered { answer, ttl: self.ttl }
        })
    }
}

const PORT: &str = "sip:a.example:5060";

fn resolver(dns: &Arc<Scripted>, limits: CacheLimits) -> Resolver {
    Resolver::new(dns.clone(), Abilities::ALL, limits)
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_believed_as_long_as_its_zone_says() {
    let dns = Scripted::new(Zone::default().ip("a.example", &["192.0.2.1"]), 60);
    let resolver = resolver(&dns, CacheLimits::default());
    assert!(resolver.known(&to(PORT), 0).is_none());
    resolver.resolve(&to(PORT), 0).await.unwrap();
    assert_eq!(resolver.known(&to(PORT), 0).unwrap().unwrap()[0].address, at("192.0.2.1:5060"));
    tokio::time::advance(Duration::from_secs(59)).await;
    resolver.resolve(&to(PORT), 0).await.unwrap();
    assert_eq!(dns.asked(), 1);
    tokio::time::advance(Duration::from_secs(2)).await;
    assert!(resolver.known(&to(PORT), 0).is_none());
    resolver.resolve(&to(PORT), 0).await.unwrap();
    assert_eq!(dns.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_time_to_live_is_held_within_bounds() {
    for (says, believed) in [(0, 5), (1_000_000, 3_600)] {
        let dns = Scripted::new(Zone::default().ip("a.example", &["192.0.2.1"]), says);
        let resolver = resolver(&dns, CacheLimits::default());
        resolver.resolve(&to(PORT), 0).await.unwrap();
        tokio::time::advance(Duration::from_secs(believed - 1)).await;
        assert!(resolver.known(&to(PORT), 0).is_some());
        tokio::time::advance(Duration::from_secs(2)).await;
        assert!(resolver.known(&to(PORT), 0).is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn f14_dead_name_servers_leave_old_answers_in_use() {
    let dns = Scripted::new(Zone::default().ip("a.example", &["192.0.2.1"]), 60);
    let resolver = resolver(&dns, CacheLimits::default());
    resolver.resolve(&to(PORT), 0).await.unwrap();
    dns.silent.store(true, Ordering::Relaxed);
    tokio::time::advance(Duration::from_secs(61)).await;
    assert_eq!(resolver.resolve(&to(PORT), 0).await.unwrap().len(), 1);
    // And the dead are not asked again by the next message.
    assert!(resolver.known(&to(PORT), 0).is_some());
    assert_eq!(dns.asked(), 2);
    tokio::time::advance(Duration::from_secs(4_000)).await;
    assert_eq!(resolver.resolve(&to(PORT), 0).await, Err(Unresolved::NoAnswer));
    assert_eq!(resolver.known(&to(PORT), 0), Some(Err(Unresolved::NoAnswer)), "failures are kept a moment");
}

#[tokio::test(start_paused = true)]
async fn the_cache_is_bounded() {
    let dns = Scripted::new(Zone::default(), 60);
    let resolver = resolver(&dns, CacheLimits { answers_max: 10, ..CacheLimits::default() });
    for n in 0..100 {
        let _nobody = resolver.resolve(&to(&format!("sip:h{n}.example:5060")), 0).await;
        assert!(resolver.answers() <= 10);
    }
}

#[test]
fn debug_shows_no_host() {
    let shown = format!("{:?} {:?}", to("sip:secret.example"), Query::Srv("secret.example".into()));
    assert!(!shown.contains("secret"), "{shown}");
}
