//! What an operator is promised: counters that tell the journal's story, a document, rules and a dashboard that
//! name only what exists.

mod catalogue;
mod common;
mod dashboard;
mod expressions;
mod lines;
mod observer;
mod rules;
mod totals;
