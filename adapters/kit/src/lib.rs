//! The contract between an adapter and the gateway.
