//! The engine from outside.

mod cold;
mod delivery;
mod display;
mod elsewhere;
mod fallback;
mod overdue;
mod people;
mod rcs;
mod uncertain;
mod world;
