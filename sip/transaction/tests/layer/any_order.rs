//! Anything in any order: no panic, one outcome for each request of ours, nothing beyond the limits, nothing left.

use std::collections::BTreeMap;

use proptest::prelude::*;
use sip_message::{Method, Request, Response, StatusCode, Uri};
use sip_transaction::{Action, ClientKey, Flow, Layer, ServerKey, Settings};

use crate::hand::{NOW_US, request, settings, tcp, udp};

#[derive(Debug, Clone)]
enum Step {
    /// One of few requests of theirs, so that copies, ACKs and CANCELs meet.
    Theirs {
        method: usize,
        branch: u8,
        stream: bool,
        tag: u8,
    },
    Answer {
        nth: usize,
        status: u16,
        whole: bool,
    },
    Ours {
        invite: bool,
        stream: bool,
    },
    Heard {
        nth: usize,
        status: u16,
        cancel: bool,
        tag: u8,
    },
    Cancel {
        nth: usize,
    },
    Failed {
        stream: bool,
    },
    Wait {
        us: i64,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let status = prop_oneof![
        Just(100_u16),
        Just(180),
        Just(200),
        Just(202),
        Just(302),
        Just(486),
        Just(487),
        Just(603)
    ];
    prop_oneof![
        4 => (0_usize..5, 0_u8..4, any::<bool>(), 0_u8..3)
            .prop_map(|(method, branch, stream, tag)| Step::Theirs { method, branch, stream, tag }),
        3 => (0_usize..8, status.clone(), any::<bool>()).prop_map(|(nth, status, whole)| Step::Answer { nth, status, whole }),
        2 => (any::<bool>(), any::<bool>()).prop_map(|(invite, stream)| Step::Ours { invite, stream }),
        4 => (0_usize..8, status, any::<bool>(), 0_u8..2)
            .prop_map(|(nth, status, cancel, tag)| Step::Heard { nth, status, cancel, tag }),
        1 => (0_usize..8).prop_map(|nth| Step::Cancel { nth }),
        1 => any::<bool>().prop_map(|stream| Step::Failed { stream }),
        3 => (0_i64..50_000_000).prop_map(|us| Step::Wait { us: us / 7 * (us % 3) }),
    ]
}

fn flow(stream: bool) -> Flow {
    if stream { tcp("192.0.2.1:5060") } else { udp("192.0.2.1:5060") }
}

#[derive(Default)]
struct User {
    keys: Vec<ServerKey>,
    ours: Vec<(ClientKey, Request, bool)>,
    outcomes: BTreeMap<u64, Vec<u16>>,
    tags: Vec<String>,
}

impl User {
    fn take(&mut self, layer: &Layer, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Request { key, .. } => {
                    self.tags.extend(layer.to_tag(key).map(|tag| tag.as_str().to_owned()));
                    self.keys.push(key);
                }
                Action::Response { token, response, .. } => {
                    self.outcomes.get_mut(&token).expect("ours").push(response.status.code());
                }
                Action::TimedOut { token } => self.outcomes.get_mut(&token).expect("ours").push(998),
                Action::Failed { token } => self.outcomes.get_mut(&token).expect("ours").push(999),
                Action::Transmit { octets, .. } => {
                    let message = sip_message::parse_datagram(octets, &sip_message::Limits::default());
                    let Ok(sip_message::Message::Request(request)) = message else { continue };
                    if matches!(request.method, Method::ACK | Method::CANCEL) {
                        continue;
                    }
                    let branch =
                        |request: &Request| request.via().and_then(|via| via.branch.map(str::to_owned));
                    let known = self.ours.iter().any(|(_, sent, _)| branch(sent) == branch(&request));
                    if let Some((_, sent, written)) = self.ours.last_mut()
                        && !known
                    {
                        (*sent, *written) = (request, true);
                    }
                }
                Action::Ack { .. } | Action::Cancel { .. } | Action::Unacknowledged { .. } => {}
            }
        }
    }
}

fn run(steps: Vec<Step>) {
    const METHODS: [&str; 5] = ["MESSAGE", "INVITE", "ACK", "CANCEL", "BYE"];
    let limits = Settings { servers_max: 6, clients_max: 4, ..settings() };
    let mut layer = Layer::new(NOW_US, limits.clone());
    let mut user = User::default();
    let mut now_us = NOW_US;
    let mut token = 0;
    for step in steps {
        let mut out = Vec::new();
        match step {
            Step::Theirs { method, branch, stream, tag } => {
                let tag = match tag {
                    0 => String::new(),
                    1 => "other".to_owned(),
                    _ => user.tags.last().cloned().unwrap_or_default(),
                };
                let via = format!("SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK{branch}");
                layer.received(now_us, flow(stream), request(METHODS[method], &via, &tag, ""), &mut out);
            }
            Step::Answer { nth, status, whole } => {
                let Some(key) = user.keys.iter().rev().nth(nth).copied() else { continue };
                let status = StatusCode::new(status).expect("a status");
                // Gone is as good an answer as any.
                let _gone = if whole {
                    let response = Response::new(status, sip_message::Headers::new());
                    layer.respond(now_us, key, &response, &mut out)
                } else {
                    layer.answer(now_us, key, status, &mut out)
                };
            }
            Step::Ours { invite, stream } => {
                token += 1;
                let method = if invite { Method::INVITE } else { Method::MESSAGE };
                let request = Request::builder(method, Uri::new("sip:b@x.example").expect("a URI"))
                    .from("sip:a@gw.example", "1")
                    .to("sip:b@x.example", None)
                    .call_id("c")
                    .cseq(1)
                    .build();
                if let Ok(key) = layer.request(now_us, flow(stream), &request, token, &mut out) {
                    user.ours.push((key, request, false));
                    user.outcomes.entry(token).or_default();
                }
            }
            Step::Heard { nth, status, cancel, tag } => {
                let Some((_, sent, true)) = user.ours.iter().rev().nth(nth) else { continue };
                let status = StatusCode::new(status).expect("a status");
                let mut response = sent.response(status, Some(&format!("t{tag}")));
                if cancel {
                    response.headers.set(sip_message::Name::CSeq, "1 CANCEL");
                }
                layer.received(now_us, flow(false), response.into(), &mut out);
            }
            Step::Cancel { nth } => {
                let Some((key, ..)) = user.ours.iter().rev().nth(nth) else { continue };
                layer.cancel(now_us, *key, &mut out);
            }
            Step::Failed { stream } => layer.failed(now_us, flow(stream), &mut out),
            Step::Wait { us } => {
                now_us += us;
                layer.tick(now_us, &mut out);
            }
        }
        user.take(&layer, out);
        assert!(layer.servers_open() <= limits.servers_max);
        // A CANCEL comes on top of its INVITE.
        assert!(layer.clients_open() <= 2 * limits.clients_max);
    }
    // 181 s of Timer C, then 32 s; twice for good measure.
    for _ in 0..100 {
        let mut out = Vec::new();
        now_us += 5_000_000;
        layer.tick(now_us, &mut out);
        user.take(&layer, out);
    }
    assert_eq!((layer.servers_open(), layer.clients_open(), layer.kept_octets()), (0, 0, 0));
    assert_eq!(layer.next_tick_us(), None);
    for (token, outcomes) in user.outcomes {
        let finals: Vec<u16> = outcomes.into_iter().filter(|status| *status >= 200).collect();
        let accepted = finals.iter().all(|status| (200..300).contains(status));
        assert!(finals.len() == 1 || (finals.len() > 1 && accepted), "{token}: {finals:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn anything_in_any_order(steps in proptest::collection::vec(step(), 0..60)) {
        run(steps);
    }
}
