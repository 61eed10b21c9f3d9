//! `command_id`: which PDU this is (SMPP 3.4 §5.1.2, SMPP 5.0 §4.7.5).

/// Set in the id of every response.
const RESPONSE_BIT: u32 = 0x8000_0000;

macro_rules! commands {
    ($($name:ident = $id:literal $text:literal,)*) => {
        /// A `command_id`: the closed list of the standard, and whatever else a peer may say.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Command {
            $(#[doc = concat!("`", $text, "`")] $name,)*
            /// Reserved, or of a vendor.
            Unknown(u32),
        }

        impl Command {
            /// Every command of the standard.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Reads an id; total.
            #[inline]
            pub const fn from_id(id: u32) -> Self {
                match id {
                    $($id => Self::$name,)*
                    other => Self::Unknown(other),
                }
            }

            /// The id on the wire.
            #[inline]
            pub const fn id(self) -> u32 {
                match self {
                    $(Self::$name => $id,)*
                    Self::Unknown(id) => id,
                }
            }

            /// The standard's name, for logs and labels.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                    Self::Unknown(_) => "unknown",
                }
            }
        }
    };
}

commands! {
    BindReceiver = 0x0000_0001 "bind_receiver",
    BindTransmitter = 0x0000_0002 "bind_transmitter",
    QuerySm = 0x0000_0003 "query_sm",
    SubmitSm = 0x0000_0004 "submit_sm",
    DeliverSm = 0x0000_0005 "deliver_sm",
    Unbind = 0x0000_0006 "unbind",
    ReplaceSm = 0x0000_0007 "replace_sm",
    CancelSm = 0x0000_0008 "cancel_sm",
    BindTransceiver = 0x0000_0009 "bind_transceiver",
    Outbind = 0x0000_000B "outbind",
    EnquireLink = 0x0000_0015 "enquire_link",
    SubmitMulti = 0x0000_0021 "submit_multi",
    AlertNotification = 0x0000_0102 "alert_notification",
    DataSm = 0x0000_0103 "data_sm",
    BroadcastSm = 0x0000_0111 "broadcast_sm",
    QueryBroadcastSm = 0x0000_0112 "query_broadcast_sm",
    CancelBroadcastSm = 0x0000_0113 "cancel_broadcast_sm",
    GenericNack = 0x8000_0000 "generic_nack",
    BindReceiverResp = 0x8000_0001 "bind_receiver_resp",
    BindTransmitterResp = 0x8000_0002 "bind_transmitter_resp",
    QuerySmResp = 0x8000_0003 "query_sm_resp",
    SubmitSmResp = 0x8000_0004 "submit_sm_resp",
    DeliverSmResp = 0x8000_0005 "deliver_sm_resp",
    UnbindResp = 0x8000_0006 "unbind_resp",
    ReplaceSmResp = 0x8000_0007 "replace_sm_resp",
    CancelSmResp = 0x8000_0008 "cancel_sm_resp",
    BindTransceiverResp = 0x8000_0009 "bind_transceiver_resp",
    EnquireLinkResp = 0x8000_0015 "enquire_link_resp",
    SubmitMultiResp = 0x8000_0021 "submit_multi_resp",
    DataSmResp = 0x8000_0103 "data_sm_resp",
    BroadcastSmResp = 0x8000_0111 "broadcast_sm_resp",
    QueryBroadcastSmResp = 0x8000_0112 "query_broadcast_sm_resp",
    CancelBroadcastSmResp = 0x8000_0113 "cancel_broadcast_sm_resp",
}

impl Command {
    /// Bit 31: answers a request, and is never answered itself.
    #[inline]
    pub const fn is_response(self) -> bool {
        self.id() & RESPONSE_BIT != 0
    }

    /// The response that answers this request. `None` for responses, for unknown commands and for
    /// the two requests nobody answers (`outbind`, `alert_notification`).
    #[inline]
    pub const fn response(self) -> Option<Self> {
        match self {
            Self::Outbind | Self::AlertNotification | Self::Unknown(_) => None,
            request if request.is_response() => None,
            request => Some(Self::from_id(request.id() | RESPONSE_BIT)),
        }
    }

    /// The request that this response answers; `None` for requests and `generic_nack`.
    #[inline]
    pub const fn request(self) -> Option<Self> {
        match self {
            Self::GenericNack | Self::Unknown(_) => None,
            response if response.is_response() => Some(Self::from_id(response.id() & !RESPONSE_BIT)),
            _ => None,
        }
    }

    /// One of the three binds.
    pub const fn is_bind(self) -> bool {
        matches!(self, Self::BindReceiver | Self::BindTransmitter | Self::BindTransceiver)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_survives_its_id_and_finds_its_partner() {
        for &command in Command::ALL {
            assert_eq!(Command::from_id(command.id()), command);
            if let Some(response) = command.response() {
                assert_eq!(response.request(), Some(command));
                assert!(!matches!(response, Command::Unknown(_)));
            }
        }
        assert_eq!(Command::from_id(0x0001_0200), Command::Unknown(0x0001_0200));
        assert_eq!(Command::Outbind.response(), None);
    }
}
