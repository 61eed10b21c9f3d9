//! Cutting messages into chunks (RFC 4975 §5.1, §7.1.1).

use bytes::Bytes;

use crate::{ByteRange, End, TransactionId, limits::CHUNK_OCTETS_CLOSED};

/// A message that is being sent, chunk by chunk. `Debug` shows no octet of it.
#[derive(Clone)]
pub struct Chunks {
    body: Bytes,
    at: usize,
    over: bool,
}

/// One chunk of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Where it lies.
    pub range: ByteRange,
    /// Its octets.
    pub body: Bytes,
    /// What follows.
    pub end: End,
}

impl Chunks {
    /// Begins with the first octet.
    pub const fn new(body: Bytes) -> Self {
        Self { body, at: 0, over: false }
    }

    /// The next chunk of at most `octets`; none after the last. The end of a chunk that is longer than
    /// [`CHUNK_OCTETS_CLOSED`] is left open, because relays must be able to interrupt it.
    pub fn cut(&mut self, octets: usize) -> Option<Chunk> {
        if self.over {
            return None;
        }
        let start = self.at;
        let end = self.body.len().min(start.saturating_add(octets.max(1)));
        self.at = end;
        self.over = end == self.body.len();
        let open = end - start > CHUNK_OCTETS_CLOSED;
        Some(Chunk {
            range: ByteRange {
                start: start as u64 + 1,
                end: (!open).then_some(end as u64),
                total: Some(self.body.len() as u64),
            },
            body: self.body.slice(start..end),
            end: if self.over { End::Complete } else { End::More },
        })
    }

    /// The chunk without octets that takes back what was sent of the message; none when there is nothing to
    /// take back.
    pub fn abort(&mut self) -> Option<Chunk> {
        let some = self.has_begun() && !self.over;
        self.over = true;
        some.then(|| Chunk {
            range: ByteRange { start: self.at as u64 + 1, end: None, total: Some(self.body.len() as u64) },
            body: Bytes::new(),
            end: End::Abort,
        })
    }

    /// From the first octet again, on another connection.
    pub fn rewind(&mut self) {
        self.at = 0;
        self.over = false;
    }

    /// Some chunk was cut.
    pub const fn has_begun(&self) -> bool {
        self.at > 0 || self.over
    }

    /// The last chunk was cut, or the message aborted.
    pub const fn is_over(&self) -> bool {
        self.over
    }

    /// Octets of the whole message.
    pub const fn total(&self) -> u64 {
        self.body.len() as u64
    }
}

impl std::fmt::Debug for Chunks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Chunks").field("at", &self.at).field("octets", &self.body.len()).finish()
    }
}

impl std::fmt::Debug for Chunk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Chunk").field("range", &self.range).field("end", &self.end).finish_non_exhaustive()
    }
}

/// A transaction that does not end this body before its end: made of random values until one fits.
pub fn transaction_for(body: &[u8], mut random: impl FnMut() -> u64) -> TransactionId {
    loop {
        let transaction = TransactionId::fresh(random());
        if !crate::body::holds_end_line(body, &transaction) {
            return transaction;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rfc4975_7_1_1_long_chunks_are_open() {
        let mut chunks = Chunks::new(vec![b'x'; 5000].into());
        let ranges: Vec<_> =
            std::iter::from_fn(|| chunks.cut(2049)).map(|one| one.range.to_string()).collect();
        assert_eq!(ranges, ["1-*/5000", "2050-*/5000", "4099-5000/5000"]);
        let mut chunks = Chunks::new(vec![b'x'; 2048].into());
        let one = chunks.cut(1 << 20).unwrap();
        assert_eq!((one.range, one.end), (ByteRange::whole(2048), End::Complete));
        assert_eq!(chunks.cut(1), None);
    }

    #[test]
    fn a_message_without_octets_is_one_chunk() {
        let mut chunks = Chunks::new(Bytes::new());
        let one = chunks.cut(16).unwrap();
        assert_eq!((one.range, one.end), (ByteRange::EMPTY, End::Complete));
        assert_eq!(chunks.cut(16), None);
    }

    #[test]
    fn only_what_has_begun_and_is_not_over_is_aborted() {
        let mut chunks = Chunks::new(vec![b'x'; 30].into());
        assert_eq!(chunks.clone().abort(), None);
        assert!(chunks.cut(10).is_some());
        let abort = chunks.clone().abort().unwrap();
        assert_eq!((abort.range.to_string().as_str(), abort.end), ("11-*/30", End::Abort));
        assert!(chunks.cut(30).is_some());
        assert_eq!(chunks.abort(), None);
    }

    #[test]
    fn a_transaction_in_the_body_is_not_taken() {
        let first = TransactionId::fresh(1);
        let body = format!("look:\n-------{}$ ", first.as_str());
        let mut values = [1, 1, 2].into_iter();
        let taken = transaction_for(body.as_bytes(), || values.next().unwrap());
        assert_eq!(taken, TransactionId::fresh(2));
    }

    proptest! {
        #[test]
        fn chunks_together_are_the_message(body in prop::collection::vec(any::<u8>(), 0..9000), octets in 0_usize..4000) {
            let mut chunks = Chunks::new(body.clone().into());
            let mut together = Vec::new();
            while let Some(one) = chunks.cut(octets) {
                prop_assert_eq!(one.range.start, together.len() as u64 + 1);
                together.extend_from_slice(&one.body);
                prop_assert!(one.range.end.is_none_or(|end| end == together.len() as u64));
                prop_assert_eq!(one.end == End::Complete, chunks.is_over());
            }
            prop_assert_eq!(together, body);
        }
    }
}
