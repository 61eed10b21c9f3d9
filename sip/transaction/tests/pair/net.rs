//! The network, the two ends, and what their users saw.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::net::SocketAddr;

use bytes::Bytes;
use sip_message::{Limits, Method, Name, Request, StatusCode, Uri, parse_datagram};
use sip_transaction::{Action, Class, ClientKey, Flow, Layer, Seed, ServerKey, Settings, Timers, Transport};

pub(crate) const START_US: i64 = 1_800_000_000_000_000;
pub(crate) const SECOND_US: i64 = 1_000_000;

/// What the network does to a datagram.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Weather {
    /// Of a thousand, how many are lost.
    pub(crate) lost: u64,
    /// Of a thousand, how many come twice.
    pub(crate) doubled: u64,
    /// Longest time under way; different for each, so that they overtake one another.
    pub(crate) delay_us: u64,
}

pub(crate) const FINE: Weather = Weather { lost: 0, doubled: 0, delay_us: 20_000 };
pub(crate) const BAD: Weather = Weather { lost: 300, doubled: 200, delay_us: 900_000 };

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum News {
    /// An answer: status and To tag.
    Answer(u16, Option<String>),
    TimedOut,
    Failed,
}

/// What the user of one end does with the requests it gets.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Habit {
    /// Answers each request after up to so many microseconds, with this.
    Answers {
        within_us: u64,
        status: u16,
    },
    /// Rings first, then answers.
    Rings {
        within_us: u64,
        status: u16,
    },
    Silent,
}

pub(crate) struct End {
    pub(crate) layer: Layer,
    pub(crate) address: SocketAddr,
    pub(crate) habit: Habit,
    /// Requests given to the user, by Call-ID.
    pub(crate) requests: BTreeMap<String, u32>,
    pub(crate) cancels: BTreeMap<String, u32>,
    pub(crate) acks: BTreeMap<String, u32>,
    pub(crate) unacknowledged: BTreeMap<String, u32>,
    pub(crate) gone: u32,
    pub(crate) news: BTreeMap<u64, Vec<News>>,
    pub(crate) keys: BTreeMap<u64, ClientKey>,
    calls: BTreeMap<ServerKey2, String>,
}

/// `ServerKey` has no order; its debug text has.
type ServerKey2 = String;

enum Event {
    Arrives { at: usize, from: SocketAddr, octets: Bytes },
    Answers { at: usize, key: ServerKey, status: u16 },
    Cancels { at: usize, token: u64 },
    Breaks { at: usize },
}

pub(crate) struct World {
    pub(crate) now_us: i64,
    pub(crate) ends: [End; 2],
    pub(crate) transport: Transport,
    pub(crate) weather: Weather,
    queue: BinaryHeap<Reverse<(i64, u64)>>,
    events: BTreeMap<u64, Event>,
    number: u64,
    random: u64,
    /// On a stream nothing overtakes.
    last_arrival_us: [i64; 2],
    /// Every datagram sent, for looking back.
    pub(crate) sent: Vec<(usize, Bytes)>,
}

impl World {
    pub(crate) fn new(seed: u64, transport: Transport, weather: Weather, habit: Habit) -> Self {
        let end = |n: u16, habit| End {
            layer: Layer::new(
                START_US,
                Settings::new(
                    vec![Class { datagram_octets_max: 4000, ..Class::core("gw.example", "gw.example") }],
                    Seed(seed, n.into()),
                ),
            ),
            address: SocketAddr::from(([127, 0, 0, 1], 5060 + n)),
            habit,
            requests: BTreeMap::new(),
            cancels: BTreeMap::new(),
            acks: BTreeMap::new(),
            unacknowledged: BTreeMap::new(),
            gone: 0,
            news: BTreeMap::new(),
            keys: BTreeMap::new(),
            calls: BTreeMap::new(),
        };
        Self {
            now_us: START_US,
            ends: [end(0, Habit::Silent), end(1, habit)],
            transport,
            weather,
            queue: BinaryHeap::new(),
            events: BTreeMap::new(),
            number: 0,
            random: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            last_arrival_us: [START_US; 2],
            sent: Vec::new(),
        }
    }

    pub(crate) fn random(&mut self, below: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        if below == 0 { 0 } else { self.random % below }
    }

    pub(crate) fn flow(&self, from: usize) -> Flow {
        Flow { id: 1, remote: self.ends[1 - from].address, transport: self.transport, class: 0 }
    }

    fn later(&mut self, at_us: i64, event: Event) {
        self.number += 1;
        self.queue.push(Reverse((at_us, self.number)));
        self.events.insert(self.number, event);
    }

    /// The first end asks the second one.
    pub(crate) fn ask(&mut self, method: Method, token: u64) {
        let request = ask(method, token);
        let mut out = Vec::new();
        let flow = self.flow(0);
        let key =
            self.ends[0].layer.request(self.now_us, flow, &request, token, &mut out).expect("there is room");
        self.ends[0].keys.insert(token, key);
        self.act(0, out);
    }

    pub(crate) fn cancel_after(&mut self, token: u64, after_us: u64) {
        let at_us = self.now_us + after_us as i64;
        self.later(at_us, Event::Cancels { at: 0, token });
    }

    pub(crate) fn break_after(&mut self, after_us: u64) {
        let at_us = self.now_us + after_us as i64;
        self.later(at_us, Event::Breaks { at: 0 });
    }

    /// Until nothing is open and nothing under way.
    pub(crate) fn settle(&mut self) {
        for _ in 0..2_000_000 {
            let event = self.queue.peek().map(|Reverse((at, _))| *at);
            let ticks = self.ends.iter().filter_map(|end| end.layer.next_tick_us()).min();
            let Some(next) = event.into_iter().chain(ticks).min() else { return };
            self.now_us = self.now_us.max(next);
            if ticks.is_some_and(|tick| tick <= self.now_us) {
                for at in 0..2 {
                    let mut out = Vec::new();
                    self.ends[at].layer.tick(self.now_us, &mut out);
                    self.act(at, out);
                }
            }
            if event.is_some_and(|event| event <= self.now_us)
                && let Some(Reverse((_, number))) = self.queue.pop()
                && let Some(event) = self.events.remove(&number)
            {
                self.happen(event);
            }
        }
        panic!("never settles");
    }

    fn happen(&mut self, event: Event) {
        let mut out = Vec::new();
        let now_us = self.now_us;
        match event {
            Event::Arrives { at, from, octets } => {
                let message =
                    parse_datagram(octets, &Limits::default()).expect("what a layer wrote can be read");
                let flow = Flow { id: 1, remote: from, transport: self.transport, class: 0 };
                self.ends[at].layer.received(now_us, flow, message, &mut out);
                self.act(at, out);
            }
            Event::Answers { at, key, status } => {
                let status = StatusCode::new(status).expect("a status");
                let end = &mut self.ends[at];
                if end.layer.answer(now_us, key, status, &mut out).is_err() {
                    end.gone += 1;
                }
                self.act(at, out);
            }
            Event::Cancels { at, token } => {
                let key = self.ends[at].keys[&token];
                self.ends[at].layer.cancel(now_us, key, &mut out);
                self.act(at, out);
            }
            Event::Breaks { at } => {
                let flow = self.flow(at);
                self.ends[at].layer.failed(now_us, flow, &mut out);
                self.act(at, out);
            }
        }
    }

    fn act(&mut self, at: usize, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Transmit { flow, octets } => self.transmit(at, flow, octets),
                Action::Request { key, request, .. } => {
                    *self.ends[at].requests.entry(request.call_id().to_owned()).or_default() += 1;
                    self.ends[at].calls.insert(format!("{key:?}"), request.call_id().to_owned());
                    match self.ends[at].habit {
                        Habit::Answers { within_us, status } => {
                            let at_us = self.now_us + self.random(within_us) as i64;
                            self.later(at_us, Event::Answers { at, key, status });
                        }
                        Habit::Rings { within_us, status } => {
                            let ring_us = self.now_us + self.random(within_us) as i64;
                            let at_us = ring_us + self.random(within_us) as i64;
                            self.later(ring_us, Event::Answers { at, key, status: 180 });
                            self.later(at_us, Event::Answers { at, key, status });
                        }
                        Habit::Silent => {}
                    }
                }
                Action::Cancel { key, request } => {
                    *self.ends[at].cancels.entry(request.call_id().to_owned()).or_default() += 1;
                    self.later(self.now_us, Event::Answers { at, key, status: 487 });
                }
                Action::Ack { key, request, .. } => {
                    if key.is_some() {
                        *self.ends[at].acks.entry(request.call_id().to_owned()).or_default() += 1;
                    }
                }
                Action::Unacknowledged { key, accepted } => {
                    if accepted {
                        let call = self.ends[at].calls[&format!("{key:?}")].clone();
                        *self.ends[at].unacknowledged.entry(call).or_default() += 1;
                    }
                }
                Action::Response { token, response, .. } => {
                    let news = News::Answer(response.status.code(), response.to_tag().map(str::to_owned));
                    self.ends[at].news.entry(token).or_default().push(news);
                    let invite = response.cseq().is_some_and(|cseq| cseq.method == Method::INVITE);
                    if invite && response.status.is_success() {
                        // The user acknowledges each 2xx, copies too.
                        let mut ack = ask(Method::ACK, token);
                        ack.headers.set(Name::To, response.headers.get(Name::To).expect("there"));
                        let mut out = Vec::new();
                        let flow = self.flow(at);
                        self.ends[at].layer.send(flow, &ack, &mut out);
                        self.act(at, out);
                    }
                }
                Action::TimedOut { token } => {
                    self.ends[at].news.entry(token).or_default().push(News::TimedOut);
                }
                Action::Failed { token } => {
                    self.ends[at].news.entry(token).or_default().push(News::Failed);
                }
            }
        }
    }

    fn transmit(&mut self, at: usize, flow: Flow, octets: Bytes) {
        self.sent.push((at, octets.clone()));
        let to = 1 - at;
        assert_eq!(flow.remote, self.ends[to].address, "answers and requests go to the other end");
        let from = self.ends[at].address;
        if self.transport.reliable() {
            let at_us = self.last_arrival_us[to].max(self.now_us + self.random(self.weather.delay_us) as i64);
            self.last_arrival_us[to] = at_us;
            self.later(at_us, Event::Arrives { at: to, from, octets });
            return;
        }
        let times = match () {
            () if self.random(1000) < self.weather.lost => 0,
            () if self.random(1000) < self.weather.doubled => 2,
            () => 1,
        };
        for _ in 0..times {
            let at_us = self.now_us + self.random(self.weather.delay_us) as i64;
            self.later(at_us, Event::Arrives { at: to, from, octets: octets.clone() });
        }
    }

    /// Nothing is left over, whatever happened.
    pub(crate) fn assert_empty(&self) {
        for end in &self.ends {
            assert_eq!((end.layer.servers_open(), end.layer.clients_open()), (0, 0));
            assert_eq!((end.layer.next_tick_us(), end.layer.kept_octets()), (None, 0));
        }
    }

    pub(crate) fn finals(&self, token: u64) -> Vec<News> {
        let news = self.ends[0].news.get(&token).cloned().unwrap_or_default();
        news.into_iter().filter(|news| !matches!(news, News::Answer(..200, _))).collect()
    }
}

pub(crate) fn ask(method: Method, token: u64) -> Request {
    let uri = Uri::new("sip:+821000000002@ims.example").expect("a URI");
    Request::builder(method, uri)
        .from("sip:+821000000001@ims.example", &format!("f{token}"))
        .to("sip:+821000000002@ims.example", None)
        .call_id(&call(token))
        .cseq(1)
        .build()
}

pub(crate) fn call(token: u64) -> String {
    format!("call-{token}@gw.example")
}

/// The timers that both ends have.
pub(crate) const TIMERS: Timers = Timers::CORE;
