//! Decisions: accept, route, deliver, retry, consent, identity. Pure.
