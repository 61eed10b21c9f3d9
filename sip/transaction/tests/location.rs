//! Registrations (RFC 3261 §10.3, RFC 5626, RFC 3327).

use sip_message::NameAddr;
use sip_transaction::location::{Asked, Binding, Change, Location, Refusal, Register, Settings};
use sip_transaction::{Flow, Seed, Transport};

const NOW_US: i64 = 1_800_000_000_000_000;
const AOR: &str = "sip:+82101@ims.example";
const SECOND_US: i64 = 1_000_000;

fn flow(id: u32, transport: Transport) -> Flow {
    Flow { id, remote: ([192, 0, 2, 1], 5060).into(), transport, class: 0 }
}

struct Registrar {
    location: Location,
    now_us: i64,
}

impl Registrar {
    fn new(settings: Settings) -> Self {
        Self { location: Location::new(NOW_US, settings, Seed(1, 2)), now_us: NOW_US }
    }

    fn register(
        &mut self,
        call_id: &str,
        cseq: u32,
        expires_s: u32,
        contacts: &[&str],
    ) -> Result<Vec<Change>, Refusal> {
        self.register_over(flow(1, Transport::Udp), call_id, cseq, Some(expires_s), contacts)
    }

    fn register_over(
        &mut self,
        flow: Flow,
        call_id: &str,
        cseq: u32,
        expires_s: Option<u32>,
        contacts: &[&str],
    ) -> Result<Vec<Change>, Refusal> {
        let addresses: Vec<NameAddr<'_>> = contacts
            .iter()
            .filter(|contact| **contact != "*")
            .map(|contact| NameAddr::parse(contact.as_bytes()).expect("a contact"))
            .collect();
        let asked = match contacts {
            [] => Asked::Nothing,
            ["*"] => Asked::All,
            _ => Asked::These(&addresses),
        };
        let asked = Register { call_id, cseq, expires_s, contacts: asked, path: "<sip:p.example;lr>", flow };
        self.location.register(self.now_us, AOR, &asked).map(|changes| changes.to_vec())
    }

    /// URI and seconds left of every contact, in order.
    fn contacts(&self) -> Vec<(&str, u32)> {
        self.location
            .lookup(self.now_us, AOR)
            .map(|binding| (binding.uri(), binding.left_s(self.now_us)))
            .collect()
    }

    fn first(&self) -> &Binding {
        self.location.lookup(self.now_us, AOR).next().expect("one contact")
    }
}

#[test]
fn a_contact_is_added_refreshed_and_removed() {
    let mut registrar = Registrar::new(Settings::default());
    assert_eq!(registrar.register("c", 1, 600, &["<sip:a@192.0.2.1>"]), Ok(vec![Change::Added(1)]));
    assert_eq!(registrar.contacts(), [("sip:a@192.0.2.1", 600)]);
    registrar.now_us += 100 * SECOND_US;
    assert_eq!(registrar.contacts(), [("sip:a@192.0.2.1", 500)]);
    assert_eq!(registrar.register("c", 2, 600, &["<sip:a@192.0.2.1>"]), Ok(vec![Change::Refreshed(1)]));
    assert_eq!(registrar.contacts(), [("sip:a@192.0.2.1", 600)]);
    assert_eq!(registrar.register("c", 3, 0, &["<sip:a@192.0.2.1>"]), Ok(vec![Change::Removed(1)]));
    assert_eq!(registrar.contacts(), []);
    assert_eq!((registrar.location.records(), registrar.location.contacts()), (0, 0));
    assert_eq!(registrar.location.next_us(), None);
    assert_eq!(
        registrar.register("c", 4, 0, &["<sip:a@192.0.2.1>"]),
        Ok(vec![]),
        "nothing to remove is no fault"
    );
}

/// The parameter goes before the header; what is unreadable does not count; too much is cut, too little refused.
#[test]
fn how_long_it_stays() {
    let mut registrar = Registrar::new(Settings::default());
    let mut left = |expires_s, contact: &str| {
        registrar.location = Location::new(NOW_US, Settings::default(), Seed(1, 2));
        let result = registrar.register_over(flow(1, Transport::Udp), "c", 1, expires_s, &[contact]);
        result.map(|_| registrar.contacts()[0].1)
    };
    assert_eq!(left(None, "<sip:a@x>"), Ok(3600));
    assert_eq!(left(Some(100), "<sip:a@x>"), Ok(100));
    assert_eq!(left(Some(100), "<sip:a@x>;expires=200"), Ok(200));
    assert_eq!(left(Some(100), "<sip:a@x>;expires=soon"), Ok(100));
    assert_eq!(left(Some(100), "<sip:a@x>;expires=99999999999999"), Ok(604_800));
    assert_eq!(left(Some(u32::MAX), "<sip:a@x>"), Ok(604_800));
    assert_eq!(left(Some(59), "<sip:a@x>"), Err(Refusal::TooBrief { min_s: 60 }));
    assert_eq!(left(Some(60), "<sip:a@x>"), Ok(60));
    assert_eq!(Refusal::TooBrief { min_s: 60 }.status().code(), 423);
}

/// RFC 3261 §10.3 item 7: of one Call-ID only a higher CSeq; another Call-ID always.
#[test]
fn an_older_request_changes_nothing() {
    let mut registrar = Registrar::new(Settings::default());
    registrar.register("c", 5, 600, &["<sip:a@x>"]).expect("fine");
    let both = ["<sip:new@x>", "<sip:a@x>;expires=0"];
    assert_eq!(registrar.register("c", 5, 600, &both), Err(Refusal::OutOfOrder));
    assert_eq!(registrar.register("c", 4, 600, &both), Err(Refusal::OutOfOrder));
    assert_eq!(registrar.contacts(), [("sip:a@x", 600)], "all or nothing");
    assert_eq!(registrar.register("c", 4, 0, &["*"]), Err(Refusal::OutOfOrder));
    assert_eq!(registrar.register("rebooted", 1, 600, &both), Ok(vec![Change::Added(2), Change::Removed(1)]));
    assert_eq!(registrar.contacts(), [("sip:new@x", 600)]);
}

/// RFC 3261 §10.2.2, §10.3 item 6.
#[test]
fn a_star_removes_all_and_stands_alone_with_zero() {
    let mut registrar = Registrar::new(Settings::default());
    registrar.register("c", 1, 600, &["<sip:a@x>", "<sip:b@x>"]).expect("fine");
    assert_eq!(registrar.register("c", 2, 1, &["*"]), Err(Refusal::Wildcard));
    assert_eq!(
        registrar.register_over(flow(1, Transport::Udp), "c", 2, None, &["*"]),
        Err(Refusal::Wildcard)
    );
    assert_eq!(registrar.register("d", 1, 0, &["*"]).map(|changes| changes.len()), Ok(2));
    assert_eq!(registrar.contacts(), []);
    assert_eq!(registrar.register("d", 2, 0, &["*"]), Ok(vec![]));
}

#[test]
fn asking_changes_nothing() {
    let mut registrar = Registrar::new(Settings::default());
    registrar.register("c", 1, 600, &["<sip:a@x>"]).expect("fine");
    assert_eq!(registrar.register("c", 1, 0, &[]), Ok(vec![]));
    assert_eq!(registrar.contacts().len(), 1);
}

/// RFC 3261 §19.1.4.
#[test]
fn contacts_are_compared_as_uris() {
    for (a, b, same) in [
        ("sip:a@x.example", "sip:a@X.EXAMPLE", true),
        ("sip:a@x", "sip:A@x", false),
        ("sip:a@x", "sip:a@x:5060", false),
        ("sip:a@x", "sips:a@x", false),
        ("sip:a@x;transport=tcp", "sip:a@x;transport=TCP", true),
        ("sip:a@x;transport=tcp", "sip:a@x", false),
        ("sip:a@x;foo=1", "sip:a@x", true),
        ("sip:a@x;foo=1", "sip:a@x;foo=2", false),
        ("sip:a@x;lr;foo=1", "sip:a@x;foo=1;lr", true),
        ("sip:[2001:db8::1]", "sip:[2001:DB8:0::1]", true),
        ("tel:+82101", "tel:+82101", true),
        ("tel:+82101", "tel:+82102", false),
    ] {
        let mut registrar = Registrar::new(Settings::default());
        registrar.register("c", 1, 600, &[&format!("<{a}>")]).expect("fine");
        registrar.register("c", 2, 600, &[&format!("<{b}>")]).expect("fine");
        assert_eq!(registrar.contacts().len() == 1, same, "{a} {b}");
    }
}

#[test]
fn the_best_q_comes_first_and_the_newest_among_equals() {
    let mut registrar = Registrar::new(Settings::default());
    let contacts = [
        "<sip:a@x>;q=0.2",
        "<sip:b@x>;q=0.75",
        "<sip:c@x>",
        "<sip:d@x>;q=1.0",
        "<sip:e@x>;q=0.755",
        "<sip:f@x>;q=9",
    ];
    registrar.register("c", 1, 600, &contacts).expect("fine");
    let order: Vec<_> =
        registrar.contacts().iter().map(|(uri, _)| uri.chars().nth(4).expect("a letter")).collect();
    assert_eq!(order, ['f', 'd', 'c', 'e', 'b', 'a']);
}

/// What is needed to reach it is kept: Path, feature parameters, instance, the way it came.
#[test]
fn what_a_contact_says_is_kept() {
    let mut registrar = Registrar::new(Settings::default());
    let contact = "<sip:a@192.0.2.1:40000;transport=tcp>;+sip.instance=\"<urn:gsma:imei:35-1>\";reg-id=1;\
                   +g.3gpp.icsi-ref=\"urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.session\"";
    registrar.register_over(flow(9, Transport::Tls), "c", 1, None, &[contact]).expect("fine");
    let binding = registrar.first();
    assert_eq!(binding.uri(), "sip:a@192.0.2.1:40000;transport=tcp");
    assert_eq!(binding.instance(), Some("<urn:gsma:imei:35-1>"));
    assert_eq!((binding.reg_id, binding.path()), (Some(1), "<sip:p.example;lr>"));
    assert!(binding.params().contains("oma.cpm.session"));
    assert_eq!(binding.flow, Some(flow(9, Transport::Tls)));
    let shown = format!("{binding:?} {:?}", registrar.location);
    assert!(!shown.contains("192.0.2.1:40000") && !shown.contains("imei"), "{shown}");
}

/// RFC 5626 §6: one binding for each instance and reg-id, whatever its URI; without reg-id by setting.
#[test]
fn a_handset_with_a_new_address_is_one_handset() {
    let contact = |address: &str, rest: &str| format!("<sip:a@{address}>;+sip.instance=\"<urn:i>\"{rest}");
    let mut registrar = Registrar::new(Settings::default());
    registrar.register("c", 1, 600, &[&contact("10.0.0.1", "")]).expect("fine");
    assert_eq!(registrar.register("d", 1, 600, &[&contact("10.0.0.2", "")]), Ok(vec![Change::Refreshed(1)]));
    assert_eq!(registrar.contacts(), [("sip:a@10.0.0.2", 600)]);
    // Flows of one instance stand beside one another.
    registrar.register("e", 1, 600, &[&contact("10.0.0.3", ";reg-id=1")]).expect("fine");
    registrar.register("e", 2, 600, &[&contact("10.0.0.3", ";reg-id=2")]).expect("fine");
    registrar.register("e", 3, 600, &[&contact("10.0.0.4", ";reg-id=1")]).expect("fine");
    assert_eq!(registrar.contacts().len(), 3);
    let mut strict = Registrar::new(Settings { instance_replaces: false, ..Settings::default() });
    strict.register("c", 1, 600, &[&contact("10.0.0.1", "")]).expect("fine");
    strict.register("d", 1, 600, &[&contact("10.0.0.2", "")]).expect("fine");
    assert_eq!(strict.contacts().len(), 2);
}

#[test]
fn one_contact_twice_in_a_request_is_one() {
    let mut registrar = Registrar::new(Settings::default());
    registrar.register("c", 1, 600, &["<sip:a@x>;q=0.1", "<sip:a@x>;q=0.9"]).expect("fine");
    assert_eq!(registrar.contacts().len(), 1);
    assert_eq!(registrar.first().q, 900);
}

#[test]
fn they_run_out_one_by_one() {
    let mut registrar = Registrar::new(Settings::default());
    registrar.register("c", 1, 600, &["<sip:a@x>;expires=100", "<sip:b@x>;expires=200"]).expect("fine");
    let mut gone = Vec::new();
    while let Some(next_us) = registrar.location.next_us() {
        registrar.now_us = next_us;
        while let Some((aor, bindings)) = registrar.location.expired(next_us) {
            assert_eq!(aor, AOR);
            gone.extend(bindings.iter().map(|b| (b.uri().to_owned(), (next_us - NOW_US) / SECOND_US)));
        }
    }
    assert_eq!(gone, [("sip:a@x".to_owned(), 100), ("sip:b@x".to_owned(), 200)]);
    assert_eq!(registrar.location.records(), 0);
    // One that is over but was not said yet: it is not found, and said by whatever comes first.
    registrar.register("c", 2, 60, &["<sip:a@x>"]).expect("fine");
    registrar.now_us += 61 * SECOND_US;
    assert_eq!(registrar.contacts(), []);
    let changes = registrar.register("c", 3, 60, &["<sip:b@x>"]).expect("fine");
    assert_eq!(changes, [Change::Expired(3), Change::Added(4)]);
    // A clock that is set back neither brings anything back nor goes in circles.
    assert!(registrar.location.expired(registrar.now_us + 3600 * SECOND_US).is_some());
    registrar.register("c", 4, 60, &["<sip:c@x>"]).expect("fine");
    assert!(registrar.location.expired(NOW_US).is_some());
}

/// RFC 5626 §5.3: a flow that is gone takes along what was registered for it alone.
#[test]
fn a_broken_connection() {
    let mut registrar = Registrar::new(Settings::default());
    let contacts = ["<sip:a@x>;+sip.instance=\"<urn:i>\";reg-id=1", "<sip:b@x>"];
    registrar.register_over(flow(7, Transport::Tcp), "c", 1, None, &contacts).expect("fine");
    registrar.register_over(flow(7, Transport::Udp), "d", 1, None, &["<sip:c@x>"]).expect("fine");
    assert!(registrar.location.disconnected(6).is_empty());
    let gone = registrar.location.disconnected(7);
    assert!(matches!(&gone[..], [(aor, binding)] if aor == AOR && binding.uri() == "sip:a@x"), "{gone:?}");
    let flows: Vec<_> =
        registrar.location.lookup(NOW_US, AOR).map(|b| (b.uri().to_owned(), b.flow.is_some())).collect();
    assert_eq!(flows, [("sip:c@x".to_owned(), true), ("sip:b@x".to_owned(), false)]);
    assert!(registrar.location.disconnected(7).is_empty());
}

#[test]
fn limits() {
    let settings = Settings { contacts_max: 2, records_max: 1, octets_max: 100, ..Settings::default() };
    let mut registrar = Registrar::new(settings);
    assert_eq!(
        registrar.register("c", 1, 600, &["<sip:a@x>", "<sip:b@x>", "<sip:c@x>"]),
        Err(Refusal::TooMany { max: 2 })
    );
    let large = format!("<sip:a@x>;x={}", "y".repeat(100));
    assert_eq!(registrar.register("c", 1, 600, &[&large]), Err(Refusal::TooLarge { max: 100 }));
    assert_eq!(registrar.location.records(), 0);
    registrar.register("c", 1, 600, &["<sip:a@x>", "<sip:b@x>"]).expect("fits");
    registrar.register("c", 2, 600, &["<sip:a@x>;expires=0", "<sip:c@x>"]).expect("one goes, one comes");
    let other = Register {
        call_id: "c",
        cseq: 1,
        expires_s: None,
        contacts: Asked::These(&[NameAddr::parse(b"<sip:z@x>").expect("a contact")]),
        path: "",
        flow: flow(1, Transport::Udp),
    };
    assert_eq!(registrar.location.register(NOW_US, "sip:other@x", &other), Err(Refusal::Full));
    registrar.location.remove(AOR, 1);
    let numbers: Vec<u64> = registrar.location.lookup(NOW_US, AOR).map(|b| b.number).collect();
    for number in numbers {
        assert!(registrar.location.remove(AOR, number).is_some());
    }
    registrar.location.register(NOW_US, "sip:other@x", &other).expect("there is room again");
}
