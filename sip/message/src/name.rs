//! Names of headers, compact forms included (RFC 3261 §7.3.3 and the IANA registry).

use std::fmt;

use smol_str::SmolStr;

macro_rules! names {
    ($($variant:ident $text:literal)*) => {
        /// A header's name. Known names are a closed list; any other keeps its spelling and compares without case.
        #[derive(Debug, Clone)]
        pub enum Name {
            $(#[doc = concat!("`", $text, "`")] $variant,)*
            /// Not in the list.
            Other(SmolStr),
        }

        impl Name {
            /// Canonical spelling, or the one received.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)*
                    Self::Other(text) => text,
                }
            }

            /// Canonical spelling of a name from the list, `"header"` for any other: fit for a label.
            #[must_use]
            pub const fn label(&self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                    Self::Other(_) => "header",
                }
            }
        }

        /// The list, in the order of the enum.
        const NAMES: &[(&str, Name)] = &[$(($text, Name::$variant),)*];
    };
}

names! {
    Via "Via"
    From "From"
    To "To"
    CallId "Call-ID"
    CSeq "CSeq"
    MaxForwards "Max-Forwards"
    ContentLength "Content-Length"
    ContentType "Content-Type"
    Contact "Contact"
    Route "Route"
    RecordRoute "Record-Route"
    Accept "Accept"
    AcceptContact "Accept-Contact"
    AcceptEncoding "Accept-Encoding"
    AcceptLanguage "Accept-Language"
    AlertInfo "Alert-Info"
    Allow "Allow"
    AllowEvents "Allow-Events"
    AuthenticationInfo "Authentication-Info"
    Authorization "Authorization"
    CallInfo "Call-Info"
    ContentDisposition "Content-Disposition"
    ContentEncoding "Content-Encoding"
    ContentLanguage "Content-Language"
    ContentTransferEncoding "Content-Transfer-Encoding"
    ContributionId "Contribution-ID"
    ConversationId "Conversation-ID"
    Date "Date"
    ErrorInfo "Error-Info"
    Event "Event"
    Expires "Expires"
    FeatureCaps "Feature-Caps"
    FlowTimer "Flow-Timer"
    Geolocation "Geolocation"
    HistoryInfo "History-Info"
    Identity "Identity"
    IdentityInfo "Identity-Info"
    InReplyTo "In-Reply-To"
    InReplyToContributionId "InReplyTo-Contribution-ID"
    InfoPackage "Info-Package"
    Join "Join"
    MessageContext "Message-Context"
    MessageCorrelator "Message-Correlator"
    MessageExpires "Message-Expires"
    MessageUid "Message-UID"
    MimeVersion "MIME-Version"
    MinExpires "Min-Expires"
    MinSe "Min-SE"
    Organization "Organization"
    PAccessNetworkInfo "P-Access-Network-Info"
    PAssertedIdentity "P-Asserted-Identity"
    PAssertedService "P-Asserted-Service"
    PAssociatedUri "P-Associated-URI"
    PCalledPartyId "P-Called-Party-ID"
    PChargingFunctionAddresses "P-Charging-Function-Addresses"
    PChargingVector "P-Charging-Vector"
    PEarlyMedia "P-Early-Media"
    PPreferredIdentity "P-Preferred-Identity"
    PPreferredService "P-Preferred-Service"
    PProfileKey "P-Profile-Key"
    PServedUser "P-Served-User"
    PUserDatabase "P-User-Database"
    PVisitedNetworkId "P-Visited-Network-ID"
    Path "Path"
    Priority "Priority"
    Privacy "Privacy"
    ProxyAuthenticate "Proxy-Authenticate"
    ProxyAuthenticationInfo "Proxy-Authentication-Info"
    ProxyAuthorization "Proxy-Authorization"
    ProxyRequire "Proxy-Require"
    RAck "RAck"
    Reason "Reason"
    RecvInfo "Recv-Info"
    ReferSub "Refer-Sub"
    ReferTo "Refer-To"
    ReferredBy "Referred-By"
    RejectContact "Reject-Contact"
    Replaces "Replaces"
    ReplyTo "Reply-To"
    RequestDisposition "Request-Disposition"
    Require "Require"
    RetryAfter "Retry-After"
    RSeq "RSeq"
    SecurityClient "Security-Client"
    SecurityServer "Security-Server"
    SecurityVerify "Security-Verify"
    Server "Server"
    ServiceRoute "Service-Route"
    SessionExpires "Session-Expires"
    SessionId "Session-ID"
    SessionReplaces "Session-Replaces"
    SipETag "SIP-ETag"
    SipIfMatch "SIP-If-Match"
    Subject "Subject"
    SubscriptionState "Subscription-State"
    Supported "Supported"
    TargetDialog "Target-Dialog"
    Timestamp "Timestamp"
    Unsupported "Unsupported"
    UserAgent "User-Agent"
    Warning "Warning"
    WwwAuthenticate "WWW-Authenticate"
}

impl Name {
    /// The name of those octets, in any case, full or compact. They are taken to be a token.
    #[must_use]
    pub fn parse(octets: &[u8]) -> Self {
        if let [letter] = octets
            && let Some(name) = Self::compact(*letter)
        {
            return name;
        }
        match TABLE[slot(octets)] {
            0 => {}
            index => {
                let (text, name) = &NAMES[usize::from(index) - 1];
                // Most peers write it as we do.
                if text.as_bytes() == octets || text.as_bytes().eq_ignore_ascii_case(octets) {
                    return name.clone();
                }
            }
        }
        Self::Other(SmolStr::new(String::from_utf8_lossy(octets)))
    }

    /// The name that a single letter stands for.
    const fn compact(letter: u8) -> Option<Self> {
        Some(match letter.to_ascii_lowercase() {
            b'v' => Self::Via,
            b'f' => Self::From,
            b't' => Self::To,
            b'i' => Self::CallId,
            b'l' => Self::ContentLength,
            b'c' => Self::ContentType,
            b'm' => Self::Contact,
            b'a' => Self::AcceptContact,
            b'u' => Self::AllowEvents,
            b'e' => Self::ContentEncoding,
            b'o' => Self::Event,
            b'y' => Self::Identity,
            b'n' => Self::IdentityInfo,
            b'r' => Self::ReferTo,
            b'b' => Self::ReferredBy,
            b'j' => Self::RejectContact,
            b'd' => Self::RequestDisposition,
            b'x' => Self::SessionExpires,
            b's' => Self::Subject,
            b'k' => Self::Supported,
            _ => return None,
        })
    }
}

/// Slots of the table; chosen so that no two names share one, which the compiler checks.
const SLOTS: usize = 1024;

/// Where a name is in the table: its length and a few of its letters, without case.
const fn slot(octets: &[u8]) -> usize {
    let len = octets.len();
    if len == 0 {
        return 0;
    }
    let first = (octets[0] | 0x20) as usize;
    let middle = (octets[len / 2] | 0x20) as usize;
    let last = (octets[len - 1] | 0x20) as usize;
    (len + first * 41 + last * 67 + middle * 19) % SLOTS
}

/// Index into `NAMES` plus one, or 0.
static TABLE: [u8; SLOTS] = {
    assert!(NAMES.len() < 255, "an index fits an octet");
    let mut table = [0; SLOTS];
    let mut i = 0;
    while i < NAMES.len() {
        let at = slot(NAMES[i].0.as_bytes());
        assert!(table[at] == 0, "two names share a slot");
        table[at] = (i + 1) as u8;
        i += 1;
    }
    table
};

impl From<&str> for Name {
    fn from(text: &str) -> Self {
        Self::parse(text.as_bytes())
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Other(a), Self::Other(b)) => a.eq_ignore_ascii_case(b),
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }
}

impl Eq for Name {}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
