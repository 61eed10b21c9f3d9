//! HTTP for machines.
