//! The tags of the standard, with the length each value should have (SMPP 3.4 §5.3.1, 5.0 §4.8.3).

use std::fmt;

/// A TLV tag; every `u16` is one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(pub u16);

/// What the standard says about the value of a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Shortest value.
    pub octets_min: u16,
    /// Longest value.
    pub octets_max: u16,
    /// May the tag stand more than once?
    pub repeats: bool,
    /// Does only 5.0 define it?
    pub v50: bool,
}

macro_rules! tags {
    (@repeats) => { false };
    (@repeats repeats) => { true };
    (@v50 v34) => { false };
    (@v50 v50) => { true };
    ($($name:ident = $tag:literal $min:literal..=$max:literal $version:ident $($repeats:ident)?,)*) => {
        impl Tag {
            $(
                #[doc = concat!("`", stringify!($name), "`")]
                pub const $name: Self = Self($tag);
            )*

            /// Every tag that has a name, in numeric order.
            pub const NAMED: &'static [Self] = &[$(Self::$name),*];

            const fn upper_name(self) -> Option<&'static str> {
                match self.0 {
                    $($tag => Some(stringify!($name)),)*
                    _ => None,
                }
            }

            /// What the standard says about this tag's value; `None` for reserved and vendor tags.
            pub const fn shape(self) -> Option<Shape> {
                match self.0 {
                    $($tag => Some(Shape {
                        octets_min: $min,
                        octets_max: $max,
                        repeats: tags!(@repeats $($repeats)?),
                        v50: tags!(@v50 $version),
                    }),)*
                    _ => None,
                }
            }
        }
    };
}

tags! {
    DEST_ADDR_SUBUNIT = 0x0005 1..=1 v34,
    DEST_NETWORK_TYPE = 0x0006 1..=1 v34,
    DEST_BEARER_TYPE = 0x0007 1..=1 v34,
    DEST_TELEMATICS_ID = 0x0008 2..=2 v34,
    SOURCE_ADDR_SUBUNIT = 0x000D 1..=1 v34,
    SOURCE_NETWORK_TYPE = 0x000E 1..=1 v34,
    SOURCE_BEARER_TYPE = 0x000F 1..=1 v34,
    SOURCE_TELEMATICS_ID = 0x0010 1..=2 v34,
    QOS_TIME_TO_LIVE = 0x0017 4..=4 v34,
    PAYLOAD_TYPE = 0x0019 1..=1 v34,
    ADDITIONAL_STATUS_INFO_TEXT = 0x001D 1..=256 v34,
    RECEIPTED_MESSAGE_ID = 0x001E 1..=65 v34,
    MS_MSG_WAIT_FACILITIES = 0x0030 1..=1 v34,
    PRIVACY_INDICATOR = 0x0201 1..=1 v34,
    SOURCE_SUBADDRESS = 0x0202 2..=23 v34,
    DEST_SUBADDRESS = 0x0203 2..=23 v34,
    USER_MESSAGE_REFERENCE = 0x0204 2..=2 v34,
    USER_RESPONSE_CODE = 0x0205 1..=1 v34,
    SOURCE_PORT = 0x020A 2..=2 v34,
    DESTINATION_PORT = 0x020B 2..=2 v34,
    SAR_MSG_REF_NUM = 0x020C 2..=2 v34,
    LANGUAGE_INDICATOR = 0x020D 1..=1 v34,
    SAR_TOTAL_SEGMENTS = 0x020E 1..=1 v34,
    SAR_SEGMENT_SEQNUM = 0x020F 1..=1 v34,
    SC_INTERFACE_VERSION = 0x0210 1..=1 v34,
    CALLBACK_NUM_PRES_IND = 0x0302 1..=1 v34 repeats,
    CALLBACK_NUM_ATAG = 0x0303 0..=65 v34 repeats,
    NUMBER_OF_MESSAGES = 0x0304 1..=1 v34,
    CALLBACK_NUM = 0x0381 4..=19 v34 repeats,
    DPF_RESULT = 0x0420 1..=1 v34,
    SET_DPF = 0x0421 1..=1 v34,
    MS_AVAILABILITY_STATUS = 0x0422 1..=1 v34,
    NETWORK_ERROR_CODE = 0x0423 3..=3 v34,
    MESSAGE_PAYLOAD = 0x0424 0..=65535 v34,
    DELIVERY_FAILURE_REASON = 0x0425 1..=1 v34,
    MORE_MESSAGES_TO_SEND = 0x0426 1..=1 v34,
    MESSAGE_STATE = 0x0427 1..=1 v34,
    CONGESTION_STATE = 0x0428 1..=1 v50,
    USSD_SERVICE_OP = 0x0501 1..=1 v34,
    BROADCAST_CHANNEL_INDICATOR = 0x0600 1..=1 v50,
    BROADCAST_CONTENT_TYPE = 0x0601 3..=3 v50,
    BROADCAST_CONTENT_TYPE_INFO = 0x0602 1..=255 v50,
    BROADCAST_MESSAGE_CLASS = 0x0603 1..=1 v50,
    BROADCAST_REP_NUM = 0x0604 2..=2 v50,
    BROADCAST_FREQUENCY_INTERVAL = 0x0605 3..=3 v50,
    BROADCAST_AREA_IDENTIFIER = 0x0606 1..=65535 v50 repeats,
    BROADCAST_ERROR_STATUS = 0x0607 4..=4 v50 repeats,
    BROADCAST_AREA_SUCCESS = 0x0608 1..=1 v50 repeats,
    BROADCAST_END_TIME = 0x0609 16..=17 v50,
    BROADCAST_SERVICE_GROUP = 0x060A 1..=255 v50,
    BILLING_IDENTIFICATION = 0x060B 1..=1024 v50,
    SOURCE_NETWORK_ID = 0x060D 7..=65 v50,
    DEST_NETWORK_ID = 0x060E 7..=65 v50,
    SOURCE_NODE_ID = 0x060F 6..=6 v50,
    DEST_NODE_ID = 0x0610 6..=6 v50,
    DEST_ADDR_NP_RESOLUTION = 0x0611 1..=1 v50,
    DEST_ADDR_NP_INFORMATION = 0x0612 10..=10 v50,
    DEST_ADDR_NP_COUNTRY = 0x0613 1..=5 v50,
    DISPLAY_TIME = 0x1201 1..=1 v34,
    SMS_SIGNAL = 0x1203 2..=2 v34,
    MS_VALIDITY = 0x1204 1..=4 v34,
    ALERT_ON_MESSAGE_DELIVERY = 0x130C 0..=1 v34,
    ITS_REPLY_TYPE = 0x1380 1..=1 v34,
    ITS_SESSION_INFO = 0x1383 2..=2 v34,
}

impl Tag {
    /// The range the standard leaves to vendors.
    pub const fn is_vendor(self) -> bool {
        matches!(self.0, 0x1400..=0x3FFF)
    }

    /// May the tag stand more than once? Of an unknown tag nobody knows, so it may.
    pub const fn repeats(self) -> bool {
        match self.shape() {
            Some(shape) => shape.repeats,
            None => true,
        }
    }
}

/// The standard spells tags in lower case.
impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(name) = self.upper_name() else { return write!(f, "tag {:#06x}", self.0) };
        name.bytes().try_for_each(|octet| fmt::Write::write_char(f, octet.to_ascii_lowercase().into()))
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_in_order_and_spelled_as_in_the_standard() {
        assert!(Tag::NAMED.is_sorted());
        assert_eq!(Tag::RECEIPTED_MESSAGE_ID.to_string(), "receipted_message_id");
        assert_eq!(Tag(0x1400).to_string(), "tag 0x1400");
        assert!(Tag(0x1400).is_vendor() && Tag::CALLBACK_NUM.repeats() && !Tag::MESSAGE_STATE.repeats());
    }
}
