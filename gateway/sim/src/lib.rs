//! The carrier in a box: a seeded world around the real engine.
