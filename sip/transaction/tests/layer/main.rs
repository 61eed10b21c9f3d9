//! One layer and messages written by hand, clause by clause.

mod any_order;
mod hand;

mod limits;
mod rfc3261_12_forks;
mod rfc3261_17_matching;
mod rfc3261_17_repeating;
mod rfc3261_18_vias;
mod rfc3261_8_merged;
mod rfc3261_9_cancel;
