//! What channels keep beside messages ([`model::Inbound::Keep`]): written down with the next batch and given back at
//! the start, never read here.

use hashbrown::HashSet;
use model::ChannelId;

use crate::journal::{FactChange, FactKind};

/// Things kept, of all channels.
const KEPT_MAX: usize = 100_000;
const KEY_OCTETS_MAX: usize = 128;
const VALUE_OCTETS_MAX: usize = 65_536;

/// The keys of what is kept, so that it stays bounded.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    keys: HashSet<Box<[u8]>>,
}

impl Kept {
    /// The change to write down; `None` when there is none, or no room.
    pub(crate) fn change(
        &mut self,
        channel: ChannelId,
        key: &[u8],
        value: Option<&[u8]>,
    ) -> Option<FactChange> {
        let key: Box<[u8]> = [&channel.0.to_be_bytes(), key].concat().into();
        let fits = match value {
            None => self.keys.remove(&key),
            Some(value) => {
                key.len() <= KEY_OCTETS_MAX
                    && value.len() <= VALUE_OCTETS_MAX
                    && (self.keys.contains(&key) || self.keys.len() < KEPT_MAX)
            }
        };
        if !fits {
            return None;
        }
        if value.is_some() {
            self.keys.insert(key.clone());
        }
        let value = value.map(<[u8]>::to_vec);
        Some(FactChange { kind: FactKind::Kept, key: key.into(), value, expires_at: None })
    }

    pub(crate) fn recover(&mut self, key: &[u8]) {
        self.keys.insert(key.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHANNEL: ChannelId = ChannelId(7);

    #[test]
    fn it_is_bounded_and_what_is_not_kept_is_not_forgotten() {
        let mut kept = Kept::default();
        assert_eq!(kept.change(CHANNEL, b"k", None), None);
        assert_eq!(kept.change(CHANNEL, &[0; KEY_OCTETS_MAX], Some(b"v")), None);
        assert_eq!(kept.change(CHANNEL, b"k", Some(&[0; VALUE_OCTETS_MAX + 1])), None);
        for n in 0..KEPT_MAX {
            assert!(kept.change(CHANNEL, &n.to_be_bytes(), Some(b"v")).is_some());
        }
        assert_eq!(kept.change(CHANNEL, b"k", Some(b"v")), None);
        assert!(kept.change(CHANNEL, &0_usize.to_be_bytes(), Some(b"w")).is_some(), "its place is there");
        let gone = kept.change(CHANNEL, &1_usize.to_be_bytes(), None).expect("it was kept");
        assert_eq!((gone.kind, gone.value), (FactKind::Kept, None));
        assert!(kept.change(CHANNEL, b"k", Some(b"v")).is_some());
    }
}
