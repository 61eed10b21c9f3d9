//! Which channels lead to a number: longest prefix first, then the order of the configuration.

use hashbrown::HashMap;
use model::{ChannelId, Class};
use smallvec::SmallVec;

/// One rule of the operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Digits the E.164 destination (or the number as written, when it has no E.164 form) begins with;
    /// empty for all.
    pub prefix: String,
    /// Only messages that came in here.
    pub origin: Option<ChannelId>,
    pub class: Option<Class>,
    /// In order of preference.
    pub channels: SmallVec<[ChannelId; 2]>,
    /// Spread over the channels by recipient instead of preferring the first; the others still take over.
    pub balance: bool,
}

/// All rules, compiled.
#[derive(Debug, Clone, Default)]
pub struct Routes {
    by_prefix: HashMap<String, Vec<Route>>,
    /// Lengths in use, longest first, so that a lookup tries no others.
    lengths: Vec<usize>,
}

impl Routes {
    #[must_use]
    pub fn new(routes: impl IntoIterator<Item = Route>) -> Self {
        let mut compiled = Self::default();
        for route in routes {
            if !compiled.lengths.contains(&route.prefix.len()) {
                compiled.lengths.push(route.prefix.len());
            }
            compiled.by_prefix.entry(route.prefix.clone()).or_default().push(route);
        }
        compiled.lengths.sort_unstable_by(|a, b| b.cmp(a));
        compiled
    }

    /// The legs to `digits`, best first; empty when no rule fits.
    #[must_use]
    pub fn legs(&self, digits: &str, origin: ChannelId, class: Class) -> SmallVec<[ChannelId; 2]> {
        for &length in &self.lengths {
            let Some(routes) = digits.get(..length).and_then(|prefix| self.by_prefix.get(prefix)) else {
                continue;
            };
            let fitting = routes.iter().find(|route| {
                route.origin.is_none_or(|wanted| wanted == origin)
                    && route.class.is_none_or(|wanted| wanted == class)
            });
            if let Some(route) = fitting {
                let mut legs = route.channels.clone();
                if route.balance && legs.len() > 1 {
                    // By recipient, so that two messages to one person keep their order (invariant I7).
                    let turn = digits
                        .bytes()
                        .fold(0_usize, |sum, b| sum.wrapping_mul(31).wrapping_add(usize::from(b)));
                    let first = turn % legs.len();
                    legs.rotate_left(first);
                }
                return legs;
            }
        }
        SmallVec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(prefix: &str, channels: &[u16]) -> Route {
        Route {
            prefix: prefix.into(),
            origin: None,
            class: None,
            channels: channels.iter().copied().map(ChannelId).collect(),
            balance: false,
        }
    }

    #[test]
    fn the_longest_prefix_wins() {
        let routes = Routes::new([route("", &[1]), route("82", &[2]), route("8210", &[3, 4])]);
        let legs = |digits| routes.legs(digits, ChannelId(0), Class::Person).to_vec();
        assert_eq!(legs("821012345678"), [ChannelId(3), ChannelId(4)]);
        assert_eq!(legs("8221234567"), [ChannelId(2)]);
        assert_eq!(legs("15551234567"), [ChannelId(1)]);
        assert_eq!(legs("8"), [ChannelId(1)]);
    }

    #[test]
    fn conditions_fall_through_to_shorter_prefixes() {
        let mut otp = route("8210", &[9]);
        otp.class = Some(Class::OneTimePassword);
        let routes = Routes::new([route("", &[1]), otp]);
        assert_eq!(routes.legs("821012345678", ChannelId(0), Class::Person).to_vec(), [ChannelId(1)]);
        assert_eq!(
            routes.legs("821012345678", ChannelId(0), Class::OneTimePassword).to_vec(),
            [ChannelId(9)]
        );
    }

    #[test]
    fn balancing_keeps_a_recipient_on_one_channel_and_the_others_as_failover() {
        let mut both = route("", &[1, 2]);
        both.balance = true;
        let routes = Routes::new([both]);
        let mut firsts = [0; 3];
        for number in 0..200_u64 {
            let digits = (821_000_000_000 + number * 7).to_string();
            let legs = routes.legs(&digits, ChannelId(0), Class::Person);
            assert_eq!(legs, routes.legs(&digits, ChannelId(0), Class::Person));
            assert_eq!(legs.len(), 2);
            firsts[usize::from(legs[0].0)] += 1;
        }
        assert!(firsts[1] > 40 && firsts[2] > 40, "{firsts:?}");
    }
}
