//! Names: through the endpoint, and asked of a name server on this machine.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use hickory_resolver::proto::{
    op::{Message, MessageType, OpCode, ResponseCode},
    rr::{
        Name, RData, Record, RecordType,
        rdata::{A, AAAA, CNAME, NAPTR, SRV},
    },
};
use sip_net::{
    Event, Settings, Target,
    Transport::{Tcp, Udp},
    resolve::{Answer, Answered, Asking, Destination, Dns, Host, Query, SystemDns, Unresolved},
};
use tokio::{net::UdpSocket, sync::Notify};

use crate::world::{World, listen, soon};

fn name(text: &str) -> Name {
    Name::from_ascii(text).unwrap()
}

/// What the zone of the test says.
fn zone(asked: &Name, kind: RecordType) -> (ResponseCode, Vec<Record>) {
    let record = |data| Record::from_rdata(asked.clone(), 77, data);
    let text = asked.to_ascii().to_ascii_lowercase();
    let records = match (text.trim_end_matches('.'), kind) {
        ("ims.example", RecordType::NAPTR) => {
            let naptr = |order, service: &[u8], to| {
                let (flags, service) = (Box::from(&b"s"[..]), Box::from(service));
                record(RData::NAPTR(NAPTR::new(order, 1, flags, service, Box::default(), name(to))))
            };
            vec![
                naptr(20, b"SIP+D2U", "_sip._udp.ims.example."),
                naptr(10, b"SIP+D2T", "_sip._tcp.ims.example."),
            ]
        }
        ("_sip._tcp.ims.example", RecordType::SRV) => {
            vec![record(RData::SRV(SRV::new(1, 2, 5070, name("Core.ims.example."))))]
        }
        ("_sip._udp.ims.example", RecordType::SRV) => {
            vec![record(RData::SRV(SRV::new(1, 2, 0, Name::root())))]
        }
        ("core.ims.example", RecordType::A) => vec![record(RData::A(A::new(192, 0, 2, 1)))],
        ("core.ims.example", RecordType::AAAA) => {
            vec![record(RData::AAAA(AAAA::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)))]
        }
        ("alias.example", RecordType::A) => vec![
            record(RData::CNAME(CNAME(name("core.ims.example.")))),
            Record::from_rdata(name("core.ims.example."), 9, RData::A(A::new(192, 0, 2, 1))),
        ],
        ("sick.example", _) => return (ResponseCode::ServFail, Vec::new()),
        ("core.ims.example" | "alias.example", _) => Vec::new(),
        _ => return (ResponseCode::NXDomain, Vec::new()),
    };
    (ResponseCode::NoError, records)
}

/// A name server with that zone, as long as the test runs.
async fn name_server() -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut buffer = [0; 4_096];
        loop {
            let (octets, from) = socket.recv_from(&mut buffer).await.unwrap();
            let question = Message::from_vec(&buffer[..octets]).unwrap();
            let mut answer = Message::new(question.metadata.id, MessageType::Response, OpCode::Query);
            let query = question.queries[0].clone();
            let (code, records) = zone(query.name(), query.query_type());
            answer.metadata.response_code = code;
            answer.metadata.recursion_available = true;
            answer.add_query(query);
            answer.add_answers(records);
            socket.send_to(&answer.to_vec().unwrap(), from).await.unwrap();
        }
    });
    address
}

#[tokio::test]
async fn records_come_through_a_real_resolver() {
    let dns = SystemDns::with_servers(&[name_server().await]).unwrap();
    let naptr = soon(dns.ask(&Query::Naptr("ims.example".into()))).await;
    let Answer::Naptr(records) = naptr.answer else { panic!("{naptr:?}") };
    assert_eq!(records.len(), 2);
    assert!(records.iter().any(|r| r.order == 10
        && r.preference == 1
        && r.flags == "s"
        && r.service == "SIP+D2T"
        && r.replacement == "_sip._tcp.ims.example"));
    assert_eq!(naptr.ttl, Duration::from_secs(77));

    let srv = soon(dns.ask(&Query::Srv("_sip._tcp.ims.example".into()))).await;
    let Answer::Srv(records) = srv.answer else { panic!("{srv:?}") };
    assert_eq!((records[0].priority, records[0].weight, records[0].port), (1, 2, 5070));
    assert_eq!(records[0].target, "core.ims.example");
    let none = soon(dns.ask(&Query::Srv("_sip._udp.ims.example".into()))).await;
    assert!(matches!(none.answer, Answer::Srv(records) if records[0].target.is_empty()));

    let both = soon(dns.ask(&Query::Addresses("core.ims.example".into()))).await;
    let expected: Vec<std::net::IpAddr> = vec!["192.0.2.1".parse().unwrap(), "2001:db8::1".parse().unwrap()];
    assert_eq!(both.answer, Answer::Addresses(expected));
    let alias = soon(dns.ask(&Query::Addresses("alias.example".into()))).await;
    assert_eq!(alias.answer, Answer::Addresses(vec!["192.0.2.1".parse().unwrap()]));

    assert_eq!(soon(dns.ask(&Query::Naptr("nowhere.example".into()))).await.answer, Answer::Nothing);
    assert_eq!(soon(dns.ask(&Query::Addresses("nowhere.example".into()))).await.answer, Answer::Nothing);
    assert_eq!(soon(dns.ask(&Query::Srv("sick.example".into()))).await.answer, Answer::Failed);
    assert_eq!(soon(dns.ask(&Query::Addresses("sick.example".into()))).await.answer, Answer::Failed);
}

#[tokio::test]
async fn the_endpoint_resolves_at_once_or_tells_later() {
    let dns = SystemDns::with_servers(&[name_server().await]).unwrap();
    let settings = Settings { listen: vec![listen(Udp, "127.0.0.1:0")], ..Settings::default() };
    let mut world = World::naming(settings, Arc::new(dns));
    let numeric = Destination::numeric(Udp, "192.0.2.9:5060".parse().unwrap());
    let servers = world.endpoint.resolve(&numeric, 0, 1).unwrap().unwrap();
    assert_eq!(servers[0].address, "192.0.2.9:5060".parse().unwrap());

    let named =
        |host| Destination { host: Host::parse(host).unwrap(), port: None, transport: None, secure: false };
    let destination = named("ims.example");
    assert!(world.endpoint.resolve(&destination, 0, 42).is_none());
    let Event::Resolved { token: 42, servers: Ok(servers) } = world.event().await else { panic!("resolved") };
    assert_eq!(servers.len(), 1, "the family that we do not speak is left out");
    assert_eq!((servers[0].transport, servers[0].address), (Tcp, "192.0.2.1:5070".parse().unwrap()));
    assert_eq!(world.endpoint.resolve(&destination, 0, 43), Some(Ok(servers.clone())));
    let target = Target::of(&destination, servers[0], 0);
    assert_eq!((target.transport, target.server_name.as_str()), (Tcp, ""));

    assert!(world.endpoint.resolve(&named("nowhere.example"), 0, 44).is_none());
    let Event::Resolved { token: 44, servers: Err(why) } = world.event().await else { panic!("unresolved") };
    assert_eq!(why, Unresolved::NoServer);
}

/// Answers when it is let.
struct Slow {
    asked: AtomicUsize,
    go: Notify,
}

impl Dns for Slow {
    fn ask<'a>(&'a self, _query: &'a Query) -> Asking<'a> {
        Box::pin(async {
            self.asked.fetch_add(1, Ordering::Relaxed);
            self.go.notified().await;
            let addresses = Answer::Addresses(vec!["192.0.2.1".parse().unwrap()]);
            Answered { answer: addresses, ttl: Duration::from_secs(60) }
        })
    }
}

#[tokio::test]
async fn everybody_who_asks_the_same_waits_for_one_answer_and_not_too_many_do() {
    let dns = Arc::new(Slow { asked: AtomicUsize::new(0), go: Notify::new() });
    let settings = Settings {
        listen: vec![listen(Udp, "127.0.0.1:0")],
        resolving_max: 1,
        resolving_tokens_max: 3,
        ..Settings::default()
    };
    let mut world = World::naming(settings, dns.clone());
    let named = |host| Destination {
        host: Host::parse(host).unwrap(),
        port: Some(5060),
        transport: None,
        secure: false,
    };
    for token in 1..=3 {
        assert!(world.endpoint.resolve(&named("a.example"), 0, token).is_none());
    }
    let full = Some(Err(Unresolved::NoAnswer));
    assert_eq!(world.endpoint.resolve(&named("a.example"), 0, 4), full);
    assert_eq!(world.endpoint.resolve(&named("b.example"), 0, 5), full);
    dns.go.notify_one();
    let batch = soon(world.inbox.recv()).await.unwrap();
    let tokens: Vec<_> = batch
        .events
        .iter()
        .map(|event| match event {
            Event::Resolved { token, servers: Ok(_) } => *token,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(tokens, [1, 2, 3]);
    assert_eq!(dns.asked.load(Ordering::Relaxed), 1);
    assert!(world.endpoint.resolve(&named("b.example"), 0, 6).is_none(), "there is room again");
}
