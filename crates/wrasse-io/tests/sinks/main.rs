//! Sinks, seen from outside: names, bytes, and what a crash leaves.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "../dice/mod.rs"]
mod dice;
mod reading;
mod scene;

mod lines;
mod parts;
mod places;
mod tables;
mod typed;
