//! What we sent into a core and the core brings back: its recipient is served by us as well, and his side of the session
//! is to go on (TS 24.229 §5.7.3). We have stored it already; it is passed on as it is, and its answer is the answer.

use sip_message::{Method, Name, Request, StatusCode};
use sip_rcs::Capabilities;
use sip_transaction::{Flow, ServerKey};

use super::{
    Core,
    sends::{Heard, Owner},
};
use crate::translate::{Form, onward};

/// Headers that are of the hop and of the transaction, and not of the message.
const OF_THE_HOP: &[Name] = &[
    Name::Via,
    Name::Route,
    Name::RecordRoute,
    Name::MaxForwards,
    Name::CallId,
    Name::CSeq,
    Name::PServedUser,
    Name::ContentLength,
];
/// Headers of a refusal that its reader needs.
const OF_A_REFUSAL: &[Name] = &[Name::Accept, Name::AcceptEncoding, Name::RetryAfter, Name::Warning];

impl Core {
    /// Passes a request on that is our own. False for requests of others.
    pub(super) fn came_back(&mut self, now_us: i64, key: ServerKey, flow: Flow, request: &Request) -> bool {
        let ours =
            request.method == Method::MESSAGE && self.peer(flow).is_some() && self.sends.is_open(request);
        if !ours {
            return false;
        }
        let hops = request.headers.max_forwards().unwrap_or(0);
        let way = onward(&request.headers)
            .and_then(|route| self.onward(&route, Capabilities::NONE, Form::Cpim))
            .filter(|_| hops > 0);
        let Some(aim) = way else {
            self.counts.loops += 1;
            self.answer(now_us, key, StatusCode::LOOP_DETECTED);
            return true;
        };
        let mut copy = Request::builder(Method::MESSAGE, request.uri.clone()).max_forwards(hops - 1);
        copy = copy.header(Name::Route, aim.route.as_str());
        for (name, value) in request.headers.iter().filter(|(name, _)| !OF_THE_HOP.contains(name)) {
            copy = copy.header(name.clone(), value);
        }
        let mut copy = copy.build();
        copy.body = request.body.clone();
        if self.send(now_us, aim.toward, copy, Owner::Returned(key)).is_err() {
            self.returned_heard(now_us, key, Heard::NotSent);
        }
        true
    }

    /// What came of a message that was passed on.
    pub(super) fn returned_heard(&mut self, now_us: i64, key: ServerKey, heard: Heard) {
        match heard {
            Heard::Answer(answer) => self.respond(now_us, key, answer.status, |response| {
                for name in OF_A_REFUSAL {
                    for value in answer.headers.all(name.clone()) {
                        response.headers.push(name.clone(), value.to_vec());
                    }
                }
            }),
            // Whoever waits for us has waited as long, and 408 is not said to him (RFC 4320 §4.2).
            Heard::Silence => {}
            Heard::NotSent => self.answer(now_us, key, StatusCode::TEMPORARILY_UNAVAILABLE),
        }
    }
}
