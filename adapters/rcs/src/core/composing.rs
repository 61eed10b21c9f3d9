//! Somebody types, or stopped (RFC 3994, rcs sheet §7.3): passed on at once, never kept, never tried again.

use bytes::Bytes;
use hashbrown::HashMap;
use model::{Address, For, Inbound, Number, Pii, Signal, SignalKind};
use sip_message::{Request, StatusCode};
use sip_rcs::{cpim::Writer, iscomposing::IsComposing, mime};

use super::{Core, identity::Sender, pager::recipient, sends::Owner, waiting::Asker};
use crate::translate::{Ends, Form, Letter, Line};

/// Pairs whose last mark is remembered.
const PAIRS_MAX: usize = 50_000;

/// When somebody last typed to somebody; keeps an eager client from costing more than its messages.
#[derive(Debug, Default)]
pub(super) struct Marks(HashMap<u64, (i64, bool)>);

impl Marks {
    /// Whether a mark is passed on: news after a pause, and every end of what was passed on.
    fn passes(&mut self, now_us: i64, pair: u64, on: bool, every_ms: u32) -> bool {
        let pause_us = i64::from(every_ms) * 1_000;
        if self.0.len() >= PAIRS_MAX {
            self.0.retain(|_, (at_us, _)| *at_us + pause_us > now_us);
            if self.0.len() >= PAIRS_MAX {
                return false;
            }
        }
        let last = self.0.get(&pair).copied();
        let passes = match last {
            Some((at_us, was_on)) => (was_on && !on) || at_us + pause_us <= now_us,
            None => true,
        };
        if passes {
            self.0.insert(pair, (now_us, on));
        }
        passes
    }
}

impl Core {
    /// A device says so.
    pub(super) fn composing(
        &mut self,
        now_us: i64,
        asker: Asker,
        sender: &Sender,
        request: &Request,
        octets: &Bytes,
    ) {
        let Ok(indication) = sip_rcs::iscomposing::read(octets) else {
            return self.tell(now_us, asker, StatusCode::BAD_REQUEST);
        };
        let Some(to) = recipient(request, sender) else {
            return self.tell(now_us, asker, StatusCode::NOT_FOUND);
        };
        self.tell(now_us, asker, StatusCode::OK);
        let line = Line::of(&to, &self.settings.numbering);
        let (pair, on) = (self.pair(&sender.line, &line), indication.active);
        if self.marks.passes(now_us, pair, on, self.settings.limits.composing_every_ms) {
            let channel = self.settings.channel;
            self.out.inbound.push(Inbound::Signal { channel, signal: signal(sender.number.clone(), to, on) });
        }
    }

    /// A device is to be told. Whatever comes of it, nobody hears.
    pub(super) fn signal(&mut self, now_us: i64, signal: &Signal) {
        let SignalKind::Typing { on } = signal.kind;
        let (from, to) = (signal.from.reveal(For::Signalling), signal.to.reveal(For::Signalling));
        let Some(number) = to.number() else { return };
        let line = Line::of(number, &self.settings.numbering);
        let from_line = match from.number() {
            Some(number) => Line::of(number, &self.settings.numbering),
            None => return,
        };
        // The mark of a device that came in may leave to another device: that is not the same mark.
        let pair = self.pair(&from_line, &line).wrapping_add(1);
        if !self.marks.passes(now_us, pair, on, self.settings.limits.composing_every_ms) {
            return;
        }
        let document = if on { IsComposing::ACTIVE } else { IsComposing::IDLE };
        let mut inner = Vec::with_capacity(256);
        document.write(&mut inner);
        let inner = Bytes::from(inner);
        for aim in self.aims(now_us, &line) {
            // A device that only reads text has no use for it.
            if aim.form != Form::Cpim {
                continue;
            }
            let bare = Letter { content_type: mime::IS_COMPOSING, body: inner.clone(), application: None };
            if self.say(now_us, &aim, (from, to), &bare, None) {
                continue;
            }
            let ends = Ends::of(from, to, &self.settings.domain, aim.spelling);
            let mut body = Vec::with_capacity(512);
            Writer::new(&mut body).from(&ends.from).to(&ends.to).content(mime::IS_COMPOSING, &inner);
            let letter = Letter { content_type: mime::CPIM, body: body.into(), application: None };
            if self.say(now_us, &aim, (from, to), &letter, None) {
                continue;
            }
            let request = self.compose(&aim, from, to, &letter, &[]);
            let _not_sent = self.send(now_us, aim.toward, request, Owner::Nobody);
        }
    }
}

fn signal(from: Number, to: Number, on: bool) -> Signal {
    let number = |number| Pii::new(Address::Number(number));
    Signal { from: number(from), to: number(to), kind: SignalKind::Typing { on } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_eager_client_is_heard_now_and_then_and_every_end_is() {
        let mut marks = Marks::default();
        assert!(marks.passes(0, 1, true, 500));
        assert!(!marks.passes(100_000, 1, true, 500));
        assert!(marks.passes(150_000, 1, false, 500), "the end");
        assert!(!marks.passes(160_000, 1, false, 500));
        assert!(marks.passes(150_000, 2, true, 500), "another pair");
        assert!(marks.passes(700_000, 1, true, 500));
    }
}
