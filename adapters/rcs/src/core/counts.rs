//! Numbers that only grow.

/// What an operator may want to know about the core.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Requests refused for what they say alone.
    pub objections: u64,
    /// Messages handed to the gateway.
    pub submissions: u64,
    /// Messages refused before the gateway saw them: overload, or content that is not taken.
    pub refused: u64,
    /// Challenges sent.
    pub challenges: u64,
    /// Wrong passwords.
    pub wrong: u64,
    /// P-Asserted-Identity of peers that are not trusted.
    pub asserted_dropped: u64,
    /// Notifications about nothing of ours.
    pub orphans: u64,
    /// Notifications that were taken and say nothing new to the gateway.
    pub uneventful: u64,
    /// Devices that only take plain text.
    pub plain_learnt: u64,
    /// Registrations, refreshed ones included.
    pub registrations: u64,
    /// Messages sent again as plain text after 415.
    pub sent_as_plain: u64,
    /// Messages of ours that came back to us.
    pub loops: u64,
    /// Short messages that came again.
    pub repeated: u64,
    /// Messages answered while nobody waits any more.
    pub late: u64,
    /// Sessions that were established.
    pub sessions: u64,
    /// Invitations that were refused or withdrawn.
    pub sessions_refused: u64,
    /// Messages, marks and notifications said in sessions.
    pub said: u64,
    /// The same from us to devices.
    pub spoken: u64,
    /// Invitations of ours.
    pub invited: u64,
}

/// What is there now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Standing {
    /// Users with at least one device here, and users whom a core serves.
    pub users: usize,
    /// Contacts registered here.
    pub devices: usize,
    /// Sessions, those included that are not acknowledged yet.
    pub sessions: usize,
}
