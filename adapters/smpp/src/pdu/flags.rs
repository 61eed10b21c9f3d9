//! `esm_class` and `registered_delivery`, the two octets of flags (SMPP 3.4 §5.2.12, §5.2.17).

/// `esm_class`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct EsmClass(pub u8);

/// Messaging mode of a submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Whatever the message centre does by default.
    Default,
    /// Datagram.
    Datagram,
    /// Forward: the answer carries the outcome of the delivery.
    Forward,
    /// Store and forward.
    StoreAndForward,
}

impl EsmClass {
    /// A delivery receipt.
    pub const RECEIPT: Self = Self(0x04);
    /// An intermediate notification.
    pub const INTERMEDIATE: Self = Self(0x20);
    /// The user data starts with a header.
    pub const UDHI: Self = Self(0x40);

    /// Messaging mode.
    pub const fn mode(self) -> Mode {
        match self.0 & 0x03 {
            0 => Mode::Default,
            1 => Mode::Datagram,
            2 => Mode::Forward,
            _ => Mode::StoreAndForward,
        }
    }

    /// The user data starts with a header.
    pub const fn udhi(self) -> bool {
        self.0 & 0x40 != 0
    }

    /// Reply path.
    pub const fn reply_path(self) -> bool {
        self.0 & 0x80 != 0
    }

    /// A delivery receipt, whatever other bits say. 0x18 and 0x28 do not carry the bit.
    pub const fn is_receipt(self) -> bool {
        self.0 & 0x04 != 0
    }

    /// An intermediate notification.
    pub const fn is_intermediate(self) -> bool {
        self.0 & 0x20 != 0
    }

    /// A delivery acknowledgement of the recipient's equipment (0x08).
    pub const fn is_delivery_ack(self) -> bool {
        self.0 & 0x3C == 0x08
    }

    /// A manual acknowledgement of the recipient (0x10).
    pub const fn is_user_ack(self) -> bool {
        self.0 & 0x3C == 0x10
    }

    /// Korean CDMA: the conversation was aborted (0x18).
    pub const fn is_conversation_abort(self) -> bool {
        self.0 & 0x3C == 0x18
    }

    /// The same flags with those of `other`.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// `registered_delivery`: which receipts the sender asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct RegisteredDelivery(pub u8);

impl RegisteredDelivery {
    /// No receipt.
    pub const NONE: Self = Self(0);
    /// A receipt for success and for failure.
    pub const ALWAYS: Self = Self(1);
    /// A receipt for failure only.
    pub const FAILURE: Self = Self(2);
    /// A receipt for success only (5.0).
    pub const SUCCESS: Self = Self(3);

    /// Any final receipt at all?
    pub const fn asks(self) -> bool {
        self.0 & 0x03 != 0
    }

    /// Should a final receipt be sent, given how the message ended?
    pub const fn asks_for(self, delivered: bool) -> bool {
        match self.0 & 0x03 {
            0 => false,
            1 => true,
            2 => !delivered,
            _ => delivered,
        }
    }

    /// Intermediate notifications too?
    pub const fn asks_for_intermediate(self) -> bool {
        self.0 & 0x10 != 0
    }

    /// An acknowledgement by the recipient's equipment?
    pub const fn asks_for_delivery_ack(self) -> bool {
        self.0 & 0x04 != 0
    }

    /// An acknowledgement by the recipient?
    pub const fn asks_for_user_ack(self) -> bool {
        self.0 & 0x08 != 0
    }

    /// No reserved bit is set, and success-only is not asked of us by a 3.4 peer.
    pub const fn is_valid(self, v50: bool) -> bool {
        self.0 & 0xE0 == 0 && (v50 || self.0 & 0x03 != 3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failure_only_is_silent_on_success_and_the_other_way_round() {
        for (flags, delivered, failed) in
            [(0, false, false), (1, true, true), (2, false, true), (3, true, false)]
        {
            let asked = RegisteredDelivery(flags | 0x10);
            assert_eq!((asked.asks_for(true), asked.asks_for(false)), (delivered, failed), "{flags}");
        }
    }

    #[test]
    fn receipts_are_known_with_other_bits_set() {
        assert!(
            EsmClass(0x44).is_receipt() && EsmClass(0x07).is_receipt() && EsmClass(0x20).is_intermediate()
        );
        assert!(!EsmClass(0x18).is_receipt() && EsmClass(0x18).is_conversation_abort());
        assert!(EsmClass(0x08).is_delivery_ack() && EsmClass(0x51).is_user_ack());
    }
}
