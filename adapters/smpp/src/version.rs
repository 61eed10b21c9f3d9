//! `interface_version` and what each version lets us send (SMPP 3.4 §5.2.4, SMPP 5.0 §4.7.13).

/// The version two peers work at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Version {
    /// 3.3 or older, or a peer that stated none: no TLVs are sent.
    V33,
    /// 3.4.
    #[default]
    V34,
    /// 5.0.
    V50,
}

impl Version {
    /// Reads an `interface_version` octet. Odd values round down: a bind is never refused for one.
    pub const fn from_octet(octet: u8) -> Self {
        match octet {
            0x00..=0x33 => Self::V33,
            0x34..=0x4F => Self::V34,
            0x50.. => Self::V50,
        }
    }

    /// The octet for `interface_version` and `sc_interface_version`.
    pub const fn octet(self) -> u8 {
        match self {
            Self::V33 => 0x33,
            Self::V34 => 0x34,
            Self::V50 => 0x50,
        }
    }

    /// The lower of ours and the peer's. `theirs` is `interface_version` of a bind, or
    /// `sc_interface_version` of a bind response when there was one.
    pub const fn negotiate(ours: Self, theirs: Option<u8>) -> Self {
        let theirs = match theirs {
            Some(octet) => Self::from_octet(octet),
            None => Self::V33,
        };
        if (theirs as u8) < (ours as u8) { theirs } else { ours }
    }

    /// May this peer be sent TLVs?
    pub const fn allows_tlvs(self) -> bool {
        !matches!(self, Self::V33)
    }

    /// May this peer be sent what only 5.0 defines: commands, TLVs, statuses, `registered_delivery` 3?
    pub const fn allows_v50(self) -> bool {
        matches!(self, Self::V50)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lower_version_wins() {
        use Version::{V33, V34, V50};
        for (ours, theirs, at) in [
            (V50, Some(0x50), V50),
            (V50, Some(0x34), V34),
            (V34, Some(0x50), V34),
            (V50, Some(0x00), V33),
            (V50, Some(0x33), V33),
            (V50, None, V33),
            (V50, Some(0x44), V34),
            (V50, Some(0xFF), V50),
        ] {
            assert_eq!(Version::negotiate(ours, theirs), at, "{ours:?} {theirs:?}");
        }
        assert!(!V33.allows_tlvs() && V34.allows_tlvs() && !V34.allows_v50() && V50.allows_v50());
    }
}
