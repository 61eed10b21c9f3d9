//! What other rooms count for themselves, read now and then: RCS devices, and the sockets of SIP and MSRP.
//!
//! Those rooms know nothing of metrics and keep plain numbers since the start. [`Registry::total`] lifts a counter to
//! such a number, so nothing is added on the path of a message.

use crate::{
    label::{Label, ParseError, Protocol, labels},
    registry::{Registry, count},
};

labels! {
    /// What became of a message of an RCS device, or of one on its way there.
    RcsMessage {
        /// Handed to the gateway.
        Submitted = "submitted",
        /// Not taken: overload, or content that is not wanted.
        Refused = "refused",
        /// It had come before.
        Repeated = "repeated",
        /// One of ours that came back.
        Looped = "looped",
        /// Answered when nobody waited any more.
        Late = "late",
        /// Came in a session, marks and notifications included.
        SessionIn = "session_in",
        /// Left in a session, likewise.
        SessionOut = "session_out",
        /// Sent again as plain text, because the device takes nothing else.
        SentAsPlain = "sent_as_plain",
    }
    /// What happened to sessions of RCS devices.
    RcsSession {
        Invited = "invited",
        Established = "established",
        /// Refused or withdrawn.
        Refused = "refused",
    }
    /// How devices prove who they are.
    RcsProof {
        /// Asked for a password.
        Challenged = "challenged",
        /// A wrong password, or a source that is locked out for having tried too many.
        Wrong = "wrong",
        /// An identity asserted by a peer that is not trusted to.
        AssertionDropped = "assertion_dropped",
    }
    /// Requests of devices that led nowhere, or taught something.
    RcsOddity {
        /// Refused for what it says alone.
        Objection = "objection",
        /// A notification about nothing of ours.
        Orphan = "orphan",
        /// A notification that says nothing new.
        Uneventful = "uneventful",
        /// A device was found to take plain text only.
        PlainLearnt = "plain_learnt",
    }
    /// How SIP messages travel.
    SipTransport { Datagram = "datagram", Stream = "stream" }
    /// As seen from here.
    Direction { In = "in", Out = "out" }
    /// Why the sockets of SIP let a message go no further that could be read.
    SipRefusal {
        /// Answered 503: our queue is full.
        Overloaded = "overloaded",
        /// Answered 503: its source asks too much.
        Throttled = "throttled",
        /// Dropped: its source did not listen to that.
        ThrottledDropped = "throttled_dropped",
        /// Dropped: an ACK or a response that found our queue full.
        Dropped = "dropped",
    }
    /// What kept SIP messages from leaving.
    SipSending {
        /// It left later.
        Waited = "waited",
        /// Too many waited already.
        Dropped = "dropped",
        /// The system refused it.
        Failed = "failed",
        /// Its connection was gone, or full.
        Lost = "lost",
    }
    /// What keeps ways open and is no message.
    KeepAlive {
        /// A ping on a connection, answered.
        Ping = "ping",
        /// A blank datagram or STUN, ignored.
        Noise = "noise",
    }
    /// Which sockets of RCS.
    Wire { Sip = "sip", Msrp = "msrp" }
    /// What happened to connections.
    ConnectionEvent {
        Accepted = "accepted",
        /// Came in, and was one too many.
        TurnedAway = "turned_away",
        Dialled = "dialled",
        DialFailed = "dial_failed",
        /// TLS came to nothing, either way.
        HandshakeFailed = "handshake_failed",
        /// Closed for what the peer said, or how slowly it said it.
        Offended = "offended",
    }
}

/// A number that somebody else counts, since the start of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Total {
    RcsMessages(RcsMessage),
    RcsSessions(RcsSession),
    /// Refreshed ones included.
    RcsRegistrations,
    RcsProofs(RcsProof),
    RcsOddities(RcsOddity),
    SipMessages(SipTransport, Direction),
    SipRefused(SipRefusal),
    SipSending(SipSending),
    SipKeepAlives(KeepAlive),
    Malformed(Protocol, ParseError),
    MsrpFrames,
    MsrpOctets(Direction),
    Connections(Wire, ConnectionEvent),
}

/// A number of what is there now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// With at least one device.
    RcsUsers,
    RcsDevices,
    RcsSessions,
    Connections(Wire),
}

impl Registry {
    /// So many since the start. A number smaller than the last one changes nothing; one caller for each counter.
    pub fn total(&self, of: Total, since_start: u64) {
        let metrics = &self.metrics;
        let counter = match of {
            Total::RcsMessages(event) => &metrics.rcs_messages[event],
            Total::RcsSessions(event) => &metrics.rcs_session_events[event],
            Total::RcsRegistrations => &*metrics.rcs_registrations,
            Total::RcsProofs(event) => &metrics.rcs_proofs[event],
            Total::RcsOddities(kind) => &metrics.rcs_oddities[kind],
            Total::SipMessages(transport, direction) => &metrics.sip_messages[(transport, direction)],
            Total::SipRefused(reason) => &metrics.sip_refused[reason],
            Total::SipSending(problem) => &metrics.sip_send_problems[problem],
            Total::SipKeepAlives(kind) => &metrics.sip_keep_alives[kind],
            Total::Malformed(protocol, error) => &metrics.parse_errors[(protocol, error)],
            Total::MsrpFrames => &*metrics.msrp_frames,
            Total::MsrpOctets(direction) => &metrics.msrp_octets[direction],
            Total::Connections(wire, event) => &metrics.rcs_connection_events[(wire, event)],
        };
        counter.inc_by(since_start.saturating_sub(counter.get()));
    }

    /// So many are there now.
    pub fn standing(&self, of: Standing, now: u64) {
        let metrics = &self.metrics;
        let gauge = match of {
            Standing::RcsUsers => &*metrics.rcs_users,
            Standing::RcsDevices => &*metrics.rcs_devices,
            Standing::RcsSessions => &*metrics.rcs_sessions,
            Standing::Connections(wire) => &metrics.rcs_connections[wire],
        };
        gauge.set(count(now));
    }
}
