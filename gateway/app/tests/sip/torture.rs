//! Messages that hurt, sent to the running gateway: all of RFC 4475, and those of RFC 5118.

use std::{fmt::Write as _, time::Duration};

use sip_message::torture::{Case, Verdict, rfc4475, rfc5118};

use crate::{
    account::{Account, Transport, uri},
    linphone::{Linphone, Wrapping},
    program::PATIENCE,
    served::{JUN, MINA, Served},
    wire::{Heard, Wire},
};

/// How long somebody listens where nothing is to come. What comes later would be of another message.
const SILENCE: Duration = Duration::from_millis(150);

/// What a server says to a request that it could serve, when it does not know who asks, or for whom.
const SERVED: &[u16] = &[200, 202, 401, 403, 404, 407, 480, 488];

/// Cases that tshark calls malformed, and why. What the gateway answers them is judged like everything else.
const MALFORMED: &[(&str, &str)] = &[
    ("intmeth", "good, but made of whatever a token may be made of, in which tshark loses its way over TCP"),
    ("ncl", "its Content-Length is negative"),
    ("scalarlg", "a response whose Retry-After has more than 32 bits"),
];

/// Asks whether anybody is there; what is said before its answer was said before it was read.
fn ping(wire: &Wire, transport: Transport, name: &str) -> String {
    let over = transport.as_str().to_uppercase();
    let local = wire.local();
    format!(
        "OPTIONS sip:ims.example SIP/2.0\r\n\
         Via: SIP/2.0/{over} {local};branch=z9hG4bKping{name}\r\n\
         Max-Forwards: 70\r\nFrom: <sip:somebody@ims.example>;tag=ping\r\nTo: <sip:ims.example>\r\n\
         Call-ID: ping-{name}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
    )
}

fn is_ping(heard: &Heard) -> bool {
    heard.header("Call-ID").is_some_and(|id| id.starts_with("ping-"))
}

/// What became of one case.
struct Fate {
    /// The final answers to it.
    statuses: Vec<u16>,
    /// Whether what came behind it was served.
    goes_on: bool,
}

/// Sends one case from a socket of its own, and something good behind it.
fn send(case: &Case, transport: Transport, served: &Served) -> Fate {
    let mut wire = Wire::new(transport, served.sip);
    if let Some((_, reason)) = MALFORMED.iter().find(|(name, _)| *name == case.name) {
        served.excuses(wire.local(), reason);
    }
    wire.say(&case.octets(&wire.local().to_string()));
    wire.say(ping(&wire, transport, case.name).as_bytes());
    let is_answered = !case.is_response() && !case.verdicts.contains(&Verdict::Discard);
    let waits_for_more = transport == Transport::Tcp && case.name == "clerr";
    let mut fate = Fate { statuses: Vec::new(), goes_on: false };
    loop {
        let is_complete = fate.goes_on && (!is_answered || !fate.statuses.is_empty());
        let patience = if is_complete || waits_for_more { SILENCE } else { PATIENCE };
        let Some(heard) = wire.hears(patience) else { break };
        match heard.status() {
            _ if is_ping(&heard) => fate.goes_on = true,
            Some(status) if status >= 200 && !fate.statuses.contains(&status) => fate.statuses.push(status),
            _ => {}
        }
    }
    if waits_for_more {
        wire.hang_up();
        assert!(wire.closes(PATIENCE), "{}: the rest never comes", case.name);
    } else if transport == Transport::Tcp {
        assert_eq!(wire.closes(Duration::from_millis(1)), case.closes, "{}: the stream", case.name);
    }
    fate
}

/// Whether a case may end so.
fn is_right(case: &Case, transport: Transport, fate: &Fate, serves_invite: bool) -> bool {
    if transport == Transport::Tcp && case.name == "clerr" {
        // Its body is whatever comes behind it, and never complete.
        return fate.statuses.is_empty() && !fate.goes_on;
    }
    if transport == Transport::Tcp && case.name == "dblreq" {
        // Two messages on a stream.
        return fate.goes_on && (1..=2).contains(&fate.statuses.len());
    }
    let goes_on = !(transport == Transport::Tcp && case.closes);
    let is_invite = case.octets("x").starts_with(b"INVITE ");
    let fits = |verdict: &Verdict| match (verdict, fate.statuses.as_slice()) {
        (Verdict::Discard, []) => true,
        (Verdict::Accept, []) => case.is_response(),
        (Verdict::Accept, [status]) => {
            // Some belong to a dialog that nobody here has (RFC 3261 §12.2.2).
            let of_invite = if serves_invite { 481 } else { 405 };
            SERVED.contains(status) || (is_invite && *status == of_invite)
        }
        (Verdict::Answer(406 | 415), [405]) => is_invite && !serves_invite,
        (Verdict::Answer(wanted), [status]) => wanted == status,
        _ => false,
    };
    fate.goes_on == goes_on && case.verdicts.iter().any(fits)
}

/// Everything of one list over one transport, while others go on.
fn torture(cases: &[Case], transport: Transport) {
    let served = Served::standalone();
    let pid = served.gateway.pid();
    let mut mina = Linphone::register(&Account::new(MINA, served.sip, Transport::Tcp), Wrapping::Cpim);
    let mut jun = Linphone::register(&Account::new(JUN, served.sip, Transport::Udp), Wrapping::Cpim);
    let mut other = Wire::new(Transport::Tcp, served.sip);
    other.say(ping(&other, Transport::Tcp, "first").as_bytes());
    let allowed = other.hears(PATIENCE).expect("an answer to OPTIONS");
    let serves_invite = allowed.head.contains("INVITE");
    let mut wrong = String::new();
    for case in cases {
        let fate = send(case, transport, &served);
        if !is_right(case, transport, &fate, serves_invite) {
            let Fate { statuses, goes_on } = fate;
            let (name, section, verdicts) = (case.name, case.section, case.verdicts);
            writeln!(wrong, "{name} ({section}): {statuses:?}, goes on: {goes_on}; wanted {verdicts:?}")
                .expect("a string takes more");
        }
        other.say(ping(&other, Transport::Tcp, case.name).as_bytes());
        let answer =
            other.hears(PATIENCE).unwrap_or_else(|| panic!("{} hurts another connection", case.name));
        assert_eq!((answer.status(), is_ping(&answer)), (Some(200), true), "{}", case.name);
    }
    assert!(wrong.is_empty(), "over {}:\n{wrong}", transport.as_str());
    mina.send(&uri(JUN), "still there?");
    assert_eq!(jun.wait_for_message()["text"], "still there?");
    jun.send(&uri(MINA), "still here");
    assert_eq!(mina.wait_for_message()["text"], "still here");
    assert_eq!(served.gateway.pid(), pid);
    served.gateway.management("/readyz").is(200);
    assert_eq!(served.verified()["accepted"], 2);
}

#[test]
fn rfc4475_all_49_cases_over_udp() {
    let cases = rfc4475();
    assert_eq!(cases.len(), 49);
    torture(&cases, Transport::Udp);
}

#[test]
fn rfc4475_all_49_cases_over_tcp() {
    torture(&rfc4475(), Transport::Tcp);
}

#[test]
fn rfc5118_all_cases_over_udp() {
    torture(&rfc5118(), Transport::Udp);
}

#[test]
fn rfc5118_all_cases_over_tcp() {
    torture(&rfc5118(), Transport::Tcp);
}
