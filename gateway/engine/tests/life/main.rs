//! The engine from outside.

mod delivery;
mod people;
mod rcs;
mod uncertain;
mod world;
