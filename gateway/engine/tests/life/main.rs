//! The engine from outside.

mod delivery;
mod people;
mod uncertain;
mod world;
