//! A relay of MSRP between devices and us (RFC 4976): asked, lost, asked again, and named in every description.

use bytes::BytesMut;
use model::Outcome;
use rcs::{
    core::Note,
    settings::{Msrp, MsrpRelay, RelayAccount, Secret},
};
use sip_message::{
    Message, Method, Name, Request as SipRequest, Response,
    digest::{Credentials, Secret as Known},
};
use sip_msrp::{ConnectionId, Decoder, Frame, Headers, Request, Security};
use sip_net::{Ended, msrp::Event};

use crate::{
    chat::world_with,
    handset::{Handset, attribute, cpim, next, reason},
    world::{MINA, PHONE, World, handset},
};

const RELAY: &str = "msrp://192.0.2.70:2855;tcp";
/// What it lends us.
const LENT: &str = "msrp://192.0.2.70:2855/lent-1;tcp";
/// What it lends the device.
const THEIRS: &str = "msrp://192.0.2.70:2855/lent-9;tcp";

/// The relay's end of its connection to us.
struct Relay {
    line: ConnectionId,
}

impl Relay {
    /// The connection that we dialled last comes to stand.
    fn stands(world: &mut World) -> Self {
        let dialled = world.wire.lock().expect("no test panics with it").dialled.clone();
        let line = ConnectionId(500 + dialled.len() as u64);
        let (security, remote) = (Security::Plain, *dialled.last().expect("it was dialled"));
        world.core.msrp(world.now_us, Event::Opened { connection: line, security, remote, incoming: false });
        world.collect();
        Self { line }
    }

    fn breaks(&self, world: &mut World, why: Ended) {
        world.core.msrp(world.now_us, Event::Closed { connection: self.line, why });
        world.collect();
    }

    /// What we said over it.
    fn hears(&self, world: &mut World) -> Vec<Frame> {
        let mut frames = Vec::new();
        world.msrp.retain(|action| match action {
            sip_msrp::Action::Write { connection, octets } if *connection == self.line => {
                let mut buffer = BytesMut::from(&octets[..]);
                Decoder::default().cut(&mut buffer, &mut frames).expect("what we write is readable");
                false
            }
            _ => true,
        });
        frames
    }

    /// The one request that we said over it.
    #[track_caller]
    fn asked(&self, world: &mut World, method: &str) -> Request {
        match <[Frame; 1]>::try_from(self.hears(world)) {
            Ok([Frame::Request(request)]) if request.method.as_str() == method => request,
            other => panic!("one {method}, not {other:?}"),
        }
    }

    fn says(&self, world: &mut World, octets: &str) {
        let (mut frames, mut buffer) = (Vec::new(), BytesMut::from(octets));
        Decoder::default().cut(&mut buffer, &mut frames).expect("readable");
        world.core.msrp(world.now_us, Event::Frames { connection: self.line, frames });
        world.collect();
    }

    fn answers(&self, world: &mut World, request: &Request, status: &str, headers: &str) {
        let tid = request.transaction.as_str();
        let (to, from) = (&request.from_path, &request.to_path.first().expect("a hop"));
        self.says(
            world,
            &format!(
                "MSRP {tid} {status}\r\nTo-Path: {to}\r\nFrom-Path: {}\r\n{headers}-------{tid}$\r\n",
                from.as_str()
            ),
        );
    }

    /// Our AUTH is answered with that path.
    #[track_caller]
    fn lends(&self, world: &mut World, path: &str, expires_s: u32) {
        let auth = self.asked(world, "AUTH");
        assert_eq!(auth.to_path.to_string(), RELAY);
        self.answers(world, &auth, "200 OK", &format!("Use-Path: {path}\r\nExpires: {expires_s}\r\n"));
    }
}

fn behind(uri: &str) -> (World, Handset) {
    behind_with(uri, |_| {})
}

fn behind_with(uri: &str, change: impl FnOnce(&mut Msrp)) -> (World, Handset) {
    let relay = MsrpRelay::at(uri).expect("a URI");
    let (mut world, mut mina) = world_with(|settings| {
        let msrp = settings.msrp.as_mut().expect("sessions are served");
        msrp.relay = Some(relay);
        change(msrp);
    });
    mina.uri = format!("{THEIRS} msrp://127.0.0.1:7101/handset;tcp");
    world.pass(0);
    (world, mina)
}

/// The relay lends its path for an hour.
fn lent() -> (World, Handset, Relay) {
    let (mut world, mina) = behind(RELAY);
    let relay = Relay::stands(&mut world);
    relay.lends(&mut world, LENT, 3_600);
    world.quiet();
    (world, mina, relay)
}

/// A description of the device behind the relay.
fn sdp(mina: &Handset, more: &str) -> String {
    let own = Handset::new(handset(), 101).sdp(more);
    own.replace("msrp://127.0.0.1:7101/handset101;tcp", &mina.uri)
}

fn invited(world: &mut World, mina: &mut Handset, more: &str) -> Response {
    let sdp = sdp(mina, more);
    mina.invite(world, MINA, PHONE, &sdp)
}

fn path_of(sdp: &[u8]) -> Vec<String> {
    let sdp = String::from_utf8_lossy(sdp);
    attribute(&sdp, "path").expect("a path").split(' ').map(str::to_owned).collect()
}

fn notes(world: &mut World) -> Vec<Note> {
    std::mem::take(&mut world.core.out().notes)
}

/// SEND of the device, as it comes out of the relay.
fn send(relay: &Relay, world: &mut World, own: &str, tid: &str, body: &str) {
    let octets = body.len();
    relay.says(
        world,
        &format!(
            "MSRP {tid} SEND\r\nTo-Path: {own}\r\nFrom-Path: {THEIRS} msrp://127.0.0.1:7101/handset;tcp\r\n\
             Message-ID: {tid}\r\nByte-Range: 1-{octets}/{octets}\r\nContent-Type: message/cpim\r\n\r\n\
             {body}\r\n-------{tid}$\r\n"
        ),
    );
}

/// RFC 4976 §5.1: relays first, our own end last; RFC 6135: who offers comes to us, that is to the relay.
#[test]
fn an_answer_leads_through_the_relay() {
    let (mut world, mut mina, relay) = lent();
    assert_eq!(world.wire.lock().unwrap().dialled, ["192.0.2.70:2855".parse().unwrap()]);
    let ok = invited(&mut world, &mut mina, "a=setup:actpass\r\na=msrp-cema\r\n");
    assert_eq!(ok.status, 200);
    let sdp = String::from_utf8_lossy(&ok.body).into_owned();
    assert!(sdp.contains("c=IN IP4 192.0.2.70\r\n") && sdp.contains("m=message 2855 TCP/MSRP *"), "{sdp}");
    assert_eq!((attribute(&sdp, "setup"), attribute(&sdp, "msrp-cema")), (Some("passive"), None));
    let [first, own] = path_of(&ok.body).try_into().expect("the relay and we");
    assert!(first == LENT && own.starts_with("msrp://127.0.0.1:2855/"), "{first} {own}");
    mina.ack(&mut world, &ok, 1, MINA, PHONE);
    assert!(relay.hears(&mut world).is_empty(), "the other end begins");

    // What it says comes over the relay's connection, and goes back over that.
    send(&relay, &mut world, &own, "said0001", &cpim("Msg1", "hello"));
    let (_, ticket) = world.submission();
    assert!(relay.hears(&mut world).is_empty(), "not before it is safe");
    let id = world.id();
    world.answer(ticket, model::Answer::Accepted(id));
    let frames = relay.hears(&mut world);
    let [Frame::Response(answer)] = frames.as_slice() else { panic!("a response, not {frames:?}") };
    assert_eq!((answer.status.code(), answer.transaction.as_str()), (200, "said0001"));

    // And so does what we say: a relay that both are behind is named once.
    world.text_to(MINA, "hi");
    let said = relay.asked(&mut world, "SEND");
    assert_eq!(said.to_path.to_string(), mina.uri);
    assert_eq!(said.from_path.to_string(), own);
    relay.answers(&mut world, &said, "200 OK", "");
    assert!(matches!(world.outcome().1, Outcome::Sent(_)));
    assert_eq!(world.wire.lock().unwrap().dialled.len(), 1, "nobody else was connected to");
}

/// A message that makes us call.
fn called(world: &mut World) -> (sip_transaction::Flow, SipRequest) {
    let contact =
        "<sip:mina@127.0.0.1:6001>;+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.session\"";
    assert_eq!(world.register(handset(), MINA, contact, "Expires: 600").status, 200);
    world.settle();
    world.text_to(MINA, "hi");
    world.sent_request()
}

/// RFC 4976 §5.1: to somebody elsewhere it goes through our relay first.
#[test]
fn an_offer_leads_through_the_relay_and_so_does_what_is_said_then() {
    let elsewhere = "msrp://198.51.100.7:2855/other;tcp msrp://10.0.0.1:7101/handset;tcp";
    for (theirs, to) in [
        (elsewhere.to_owned(), format!("{LENT} {elsewhere}")),
        ("msrp://10.0.0.1:7101/direct;tcp".to_owned(), format!("{LENT} msrp://10.0.0.1:7101/direct;tcp")),
        (format!("{THEIRS} msrp://10.0.0.1:7101/x;tcp"), format!("{THEIRS} msrp://10.0.0.1:7101/x;tcp")),
    ] {
        let (mut world, mut mina, relay) = lent();
        let (flow, invite) = called(&mut world);
        assert_eq!(invite.method, Method::INVITE);
        let [first, own] = path_of(&invite.body).try_into().expect("the relay and we");
        assert_eq!(first, LENT);
        mina.uri = theirs;
        let mut ok = invite.response(sip_message::StatusCode::OK, Some("device"));
        ok.headers.push(Name::Contact, "<sip:device@127.0.0.1:6001>");
        ok.headers.push(Name::ContentType, "application/sdp");
        ok.body = sdp(&mina, "a=setup:passive\r\n").into();
        world.octets(flow, ok.to_bytes());
        next(&mut world, &Method::ACK);
        // We are the active end: an empty request says so, and what waited follows.
        let said: Vec<_> = relay
            .hears(&mut world)
            .into_iter()
            .filter_map(|frame| match frame {
                Frame::Request(request) => Some((request.to_path.to_string(), request.from_path.to_string())),
                _ => None,
            })
            .collect();
        assert_eq!(said, vec![(to.clone(), own.clone()); 2]);
        assert_eq!(world.wire.lock().unwrap().dialled.len(), 1, "nobody else was connected to");
    }
}

/// Two relays of ours: requests pass the inner one, which we are connected to, and then the outer one.
#[test]
fn a_chain_of_relays_is_passed_from_the_inside() {
    let (mut world, mut mina) = behind(RELAY);
    let relay = Relay::stands(&mut world);
    let outer = "msrp://203.0.113.1:9000/outer;tcp";
    relay.lends(&mut world, &format!("{outer} {LENT}"), 3_600);
    mina.uri = "msrp://198.51.100.7:2855/direct;tcp".into();
    let ok = invited(&mut world, &mut mina, "a=setup:passive\r\n");
    assert!(String::from_utf8_lossy(&ok.body).contains("c=IN IP4 203.0.113.1\r\n"));
    assert_eq!(path_of(&ok.body)[..2], [outer, LENT]);
    let hello = relay.asked(&mut world, "SEND");
    assert_eq!(hello.to_path.to_string(), format!("{LENT} {outer} {}", mina.uri));
}

/// Its certificate is not ours, and what is not protected to it is not said to be.
#[test]
fn a_relay_over_tls_makes_descriptions_with_tls() {
    let (mut world, mut mina) = behind("msrps://192.0.2.70:2855;tcp");
    let relay = Relay::stands(&mut world);
    let auth = relay.asked(&mut world, "AUTH");
    assert!(auth.from_path.to_string().starts_with("msrps://127.0.0.1:2855/"));
    let path = "msrps://192.0.2.70:2855/lent-1;tcp";
    relay.answers(&mut world, &auth, "200 OK", &format!("Use-Path: {path}\r\n"));
    let plain = invited(&mut world, &mut mina, "a=setup:actpass\r\n");
    assert_eq!(plain.status, 488, "TLS and plain do not go together");
    let secure = sdp(&mina, "a=setup:actpass\r\n").replace("TCP/MSRP", "TCP/TLS/MSRP");
    let secure = secure.replace("a=path:msrp:", "a=path:msrps:").replace(" msrp:", " msrps:");
    let ok = mina.invite(&mut world, MINA, PHONE, &secure);
    assert_eq!(ok.status, 200);
    let sdp = String::from_utf8_lossy(&ok.body).into_owned();
    assert!(sdp.contains("TCP/TLS/MSRP") && attribute(&sdp, "fingerprint").is_none(), "{sdp}");
    assert!(path_of(&ok.body).iter().all(|uri| uri.starts_with("msrps://")));
}

/// While it lends nothing no session begins, and nothing is lost by that.
#[test]
fn without_the_relay_devices_are_told_to_come_back_and_messages_go_without_a_session() {
    let (mut world, mut mina) = behind(RELAY);
    let refused = invited(&mut world, &mut mina, "a=setup:active\r\n");
    assert_eq!(refused.status, 480);
    assert_eq!(refused.headers.text(Name::RetryAfter), Some("5"));
    let contact = "<sip:mina@127.0.0.1:6001>;+g.gsma.rcs.cpm.pager-large";
    assert_eq!(world.register(handset(), MINA, contact, "Expires: 600").status, 200);
    world.settle();
    world.text_to(MINA, &"가나".repeat(1_000));
    assert_eq!(world.sent_request().1.method, Method::MESSAGE, "it would be a session of its own");
    world.settle();
    // As soon as it is there they begin.
    let relay = Relay::stands(&mut world);
    relay.lends(&mut world, LENT, 3_600);
    assert_eq!(invited(&mut world, &mut mina, "a=setup:active\r\n").status, 200);
    assert!(notes(&mut world).is_empty(), "it was only slow");
}

/// It is tried again and again, less and less often, and the operator hears of it once.
#[test]
fn a_relay_that_cannot_be_reached_is_tried_again_with_pauses() {
    let (mut world, _) = behind(RELAY);
    let mut pauses_s = Vec::new();
    for _ in 0..10 {
        let before = world.wire.lock().unwrap().dialled.len();
        let relay = Relay { line: ConnectionId(500 + before as u64) };
        relay.breaks(&mut world, Ended::Refused);
        let since_us = world.now_us;
        while world.wire.lock().unwrap().dialled.len() == before {
            world.pass(1);
        }
        pauses_s.push((world.now_us - since_us) / 1_000_000);
    }
    assert!(pauses_s[0] <= 2 && pauses_s[..7].is_sorted(), "{pauses_s:?}");
    assert!(pauses_s[7..].iter().all(|pause_s| (60..=76).contains(pause_s)), "{pauses_s:?}");
    assert_eq!(notes(&mut world), [Note::RelayAway(None)]);
    let relay = Relay::stands(&mut world);
    relay.lends(&mut world, LENT, 3_600);
    assert_eq!(notes(&mut world), [Note::RelayBack]);
    // No socket is left for it, or nobody knows its name.
    relay.breaks(&mut world, Ended::Closed);
    world.wire.lock().unwrap().dead = true;
    world.pass(10);
    world.wire.lock().unwrap().dead = false;
    world.pass(20);
    assert_eq!(world.wire.lock().unwrap().dialled.len(), 12, "still tried");
    let (mut world, _) = behind("msrp://relay.invalid:2855;tcp");
    assert_eq!(notes(&mut world), [Note::RelayAway(None)]);
}

/// As on any connection: the session gets ten seconds for another one, then it ends, and what it had goes by MESSAGE.
#[test]
fn sessions_end_with_the_connection_to_the_relay() {
    let (mut world, mut mina, relay) = lent();
    let ok = invited(&mut world, &mut mina, "a=setup:active\r\n");
    mina.ack(&mut world, &ok, 1, MINA, PHONE);
    let own = path_of(&ok.body).pop().expect("our end");
    send(&relay, &mut world, &own, "said0001", &cpim("Msg1", "hello"));
    world.submission();
    world.text_to(MINA, "hi");
    relay.asked(&mut world, "SEND");
    world.quiet();
    relay.breaks(&mut world, Ended::Closed);
    assert_eq!(notes(&mut world), [Note::RelayAway(None)]);
    assert_eq!(invited(&mut world, &mut mina, "a=setup:active\r\n").status, 480);
    world.pass(2);
    assert_eq!(world.wire.lock().unwrap().dialled.len(), 2, "asked again");
    world.settle();
    let relay = Relay::stands(&mut world);
    relay.lends(&mut world, "msrp://192.0.2.70:2855/lent-2;tcp", 3_600);
    world.quiet();
    world.pass(10);
    let requests = world.sent.drain(..).filter_map(|(_, message)| match message {
        Message::Request(request) => Some(request),
        Message::Response(_) => None,
    });
    let sent: Vec<_> = requests.collect();
    assert!(sent.iter().any(|request| request.method == Method::MESSAGE), "{sent:?}");
    let bye = sent.iter().find(|request| request.method == Method::BYE).expect("BYE");
    assert!(reason(bye).unwrap().starts_with("SIP;cause=480"));
    // The new path is in what is described now.
    world.settle();
    let ok = invited(&mut world, &mut mina, "a=setup:active\r\n");
    assert_eq!(path_of(&ok.body)[0], "msrp://192.0.2.70:2855/lent-2;tcp");
}

/// Time goes by; the relay answers what we ask our end of a session to keep the connection known.
fn waits(relay: &Relay, world: &mut World, seconds: i64) {
    for _ in 0..seconds / 20 {
        world.pass(20);
        for frame in relay.hears(world) {
            match frame {
                Frame::Request(request) if request.method.as_str() == "SEND" => {
                    relay.answers(world, &request, "200 OK", "");
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

/// A relay may lend another path when it is asked again: who knows the first one is served until that ends.
#[test]
fn sessions_on_a_path_that_is_not_lent_any_more_end_with_its_time() {
    for (second, ends) in [("msrp://192.0.2.70:2855/lent-2;tcp", true), (LENT, false)] {
        let (mut world, mut mina) = behind_with(RELAY, |msrp| {
            msrp.idle = std::time::Duration::from_secs(100_000);
            msrp.timer.interval_s = 100_000;
        });
        let relay = Relay::stands(&mut world);
        relay.lends(&mut world, LENT, 3_600);
        let ok = invited(&mut world, &mut mina, "a=setup:active\r\n");
        mina.ack(&mut world, &ok, 1, MINA, PHONE);
        let own = path_of(&ok.body).pop().expect("our end");
        send(&relay, &mut world, &own, "said0001", &cpim("Msg1", "hello"));
        world.settle();
        waits(&relay, &mut world, 2_860);
        world.pass(20);
        relay.lends(&mut world, second, 3_600);
        waits(&relay, &mut world, 700);
        assert!(world.sent.is_empty(), "it is still lent: {:?}", world.sent);
        waits(&relay, &mut world, 40);
        assert_eq!(!world.sent.is_empty(), ends, "{second}: {:?}", world.sent);
        if ends {
            assert_eq!(reason(&next(&mut world, &Method::BYE)), None);
        }
        world.settle();
        world.mina();
        let ok = invited(&mut world, &mut mina, "a=setup:active\r\n");
        assert_eq!(path_of(&ok.body)[0], second);
    }
}

/// RFC 4976 §5.1: the digest's method is AUTH and its URI the relay's.
#[test]
fn a_relay_that_asks_is_told_the_password() {
    let challenge =
        "WWW-Authenticate: Digest realm=\"relay.example\", nonce=\"n1\", qop=\"auth\", algorithm=MD5\r\n";
    let mut relay_at = MsrpRelay::at(RELAY).expect("a URI");
    relay_at.account =
        Some(RelayAccount { user: "gateway".into(), password: Secret::new("relay secret".into()) });
    assert!(!format!("{relay_at:?}").contains("relay secret"));
    let (mut world, mut mina) =
        world_with(|settings| settings.msrp.as_mut().expect("sessions are served").relay = Some(relay_at));
    world.pass(0);
    let relay = Relay::stands(&mut world);
    let auth = relay.asked(&mut world, "AUTH");
    assert_eq!(header(&auth.others, "Authorization"), None);
    relay.answers(&mut world, &auth, "401 Unauthorized", challenge);
    let auth = relay.asked(&mut world, "AUTH");
    let given = header(&auth.others, "Authorization").expect("credentials");
    let given = Credentials::parse(given.as_bytes()).expect("readable");
    assert_eq!(
        (given.username.as_str(), given.realm.as_str(), given.uri.as_str()),
        ("gateway", "relay.example", RELAY)
    );
    assert!(given.verify(Known::Password(b"relay secret"), "AUTH", b""));
    relay.answers(&mut world, &auth, "200 OK", &format!("Use-Path: {LENT}\r\nExpires: 3600\r\n"));
    assert_eq!(invited(&mut world, &mut mina, "a=setup:active\r\n").status, 200);

    // Without one, or when it is the wrong one, there is no path; it is asked again later.
    let (mut world, mut mina) = behind(RELAY);
    let relay = Relay::stands(&mut world);
    let auth = relay.asked(&mut world, "AUTH");
    relay.answers(&mut world, &auth, "401 Unauthorized", challenge);
    assert_eq!(notes(&mut world), [Note::RelayAway(Some(401))]);
    assert_eq!(invited(&mut world, &mut mina, "a=setup:active\r\n").status, 480);
    world.pass(2);
    world.settle();
    let relay = Relay::stands(&mut world);
    relay.lends(&mut world, LENT, 3_600);
    assert_eq!(notes(&mut world), [Note::RelayBack]);
    assert_eq!(invited(&mut world, &mut mina, "a=setup:active\r\n").status, 200);
}

fn header<'a>(headers: &'a Headers, name: &str) -> Option<&'a str> {
    headers.get(name)
}

/// What cannot be put in front of our own end is not lent.
#[test]
fn a_path_that_nobody_could_read_is_none() {
    for path in ["msrp://192.0.2.70:2855/lent;tcp ".repeat(8), "sip:relay".into()] {
        let (mut world, mut mina) = behind(RELAY);
        let relay = Relay::stands(&mut world);
        relay.lends(&mut world, path.trim(), 3_600);
        assert_eq!(notes(&mut world), [Note::RelayAway(Some(400))]);
        assert_eq!(invited(&mut world, &mut mina, "a=setup:active\r\n").status, 480);
    }
}
