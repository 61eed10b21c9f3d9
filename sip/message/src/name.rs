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
        BY_LENGTH
            .get(octets.len())
            .into_iter()
            .flat_map(|&(from, to)| SORTED.get(from..to).unwrap_or_default())
            .map(|&index| &NAMES[index])
            .find(|(text, _)| text.as_bytes().eq_ignore_ascii_case(octets))
            .map_or_else(
                || Self::Other(SmolStr::new(String::from_utf8_lossy(octets))),
                |(_, name)| name.clone(),
            )
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

/// Longest name of the list.
const LENGTH_MAX: usize = {
    let mut max = 0;
    let mut i = 0;
    while i < NAMES.len() {
        if NAMES[i].0.len() > max {
            max = NAMES[i].0.len();
        }
        i += 1;
    }
    max
};

/// Indexes of `NAMES` ordered by length.
static SORTED: [usize; NAMES.len()] = {
    let mut sorted = [0; NAMES.len()];
    let mut filled = 0;
    let mut length = 0;
    while length <= LENGTH_MAX {
        let mut i = 0;
        while i < NAMES.len() {
            if NAMES[i].0.len() == length {
                sorted[filled] = i;
                filled += 1;
            }
            i += 1;
        }
        length += 1;
    }
    sorted
};

/// Where the names of a length are in `SORTED`.
static BY_LENGTH: [(usize, usize); LENGTH_MAX + 1] = {
    let mut ranges = [(0, 0); LENGTH_MAX + 1];
    let mut from = 0;
    let mut length = 0;
    while length <= LENGTH_MAX {
        let mut to = from;
        while to < NAMES.len() && NAMES[SORTED[to]].0.len() == length {
            to += 1;
        }
        ranges[length] = (from, to);
        from = to;
        length += 1;
    }
    ranges
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
