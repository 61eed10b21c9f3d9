//! Which datagrams can leave as one: neighbours of one length for one peer, the last of them perhaps shorter.

use bytes::Bytes;

use crate::Flow;

/// Fewer are not worth the copy.
pub(super) const WORTH: usize = 4;
/// A segment that may be too large for the path is sent alone, and cut by IP.
const SEGMENT_OCTETS_MAX: usize = 1_400;
/// What one call may carry, with room for headers (RFC 768).
const TOGETHER_OCTETS_MAX: usize = 64_000;

/// How many of the first are alike; at least one when there is any.
pub(super) fn front(run: &[(Flow, Bytes)], alike_max: usize) -> usize {
    let Some((flow, first)) = run.first() else { return 0 };
    if first.is_empty() || first.len() > SEGMENT_OCTETS_MAX {
        return 1;
    }
    let most = alike_max.min(TOGETHER_OCTETS_MAX / first.len()).max(1);
    let same = |(other, octets): &&(Flow, Bytes)| other.remote == flow.remote && octets.len() == first.len();
    let equal = run.iter().take(most).take_while(same).count();
    match run.get(equal) {
        Some((other, last))
            if equal < most && other.remote == flow.remote && (1..first.len()).contains(&last.len()) =>
        {
            equal + 1
        }
        _ => equal,
    }
}

/// How many of the first come before a group that is worth it.
pub(super) fn mixed(run: &[(Flow, Bytes)], alike_max: usize) -> usize {
    let mut at = 0;
    while let Some(rest) = run.get(at..).filter(|rest| !rest.is_empty()) {
        match front(rest, alike_max) {
            worth if worth >= WORTH => break,
            few => at += few.max(1),
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Transport;

    fn run(datagrams: &[(u16, usize)]) -> Vec<(Flow, Bytes)> {
        let flow =
            |port| Flow { id: 0, remote: ([127, 0, 0, 1], port).into(), transport: Transport::Udp, class: 0 };
        datagrams.iter().map(|&(port, octets)| (flow(port), vec![0; octets].into())).collect()
    }

    #[test]
    fn neighbours_of_one_length_for_one_peer_are_alike() {
        let rows: [(&[(u16, usize)], usize); 9] = [
            (&[], 0),
            (&[(1, 9)], 1),
            (&[(1, 9), (1, 9), (1, 9)], 3),
            (&[(1, 9), (1, 9), (2, 9)], 2),
            (&[(1, 9), (1, 9), (1, 5), (1, 5)], 3),
            (&[(1, 9), (1, 10)], 1),
            (&[(1, 9), (1, 9), (1, 0)], 2),
            (&[(1, 0), (1, 0)], 1),
            (&[(1, 1_401), (1, 1_401)], 1),
        ];
        for (datagrams, expected) in rows {
            assert_eq!(front(&run(datagrams), 64), expected, "{datagrams:?}");
        }
        assert_eq!(front(&run(&[(1, 9); 100]), 64), 64);
        assert_eq!(front(&run(&[(1, 1_400); 100]), 64), 45, "what fits into one datagram of IP");
    }

    #[test]
    fn what_is_mixed_ends_where_a_group_begins() {
        let datagrams = [(1, 9), (2, 9), (1, 8), (3, 7), (3, 7), (3, 7), (3, 7)];
        assert_eq!(mixed(&run(&datagrams), 64), 3);
        assert_eq!(mixed(&run(&datagrams[..6]), 64), 6);
        assert_eq!(mixed(&run(&datagrams), 2), 7);
        assert_eq!(mixed(&[], 64), 0);
    }
}
