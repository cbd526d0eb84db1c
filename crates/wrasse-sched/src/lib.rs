//! Pure scheduling: what happened goes in, what to do comes out.
//!
//! [`Scheduler::step`] takes one [`Event`] and appends [`Command`]s. It knows
//! no clock, thread, file or randomness, so the same events give the same
//! commands, a simulation of a thousand workers runs in milliseconds, and a
//! failure replays from its seed. A backend does what the commands say and
//! reports what became of it.
//!
//! # Model
//!
//! The input is a sequence of *splits*; reading a split gives *blocks*, one
//! after the other. A block runs through *stages*. Between two stages stands a
//! *gate* (a deduplicator) that blocks pass in input order; the sink takes
//! them in input order too.
//!
//! ```text
//!   split 0 ─read─▶ stage 0 ─▶│gate 0│─▶ stage 1 ─▶ ... ─▶│sink│
//!   split 1 ─read─▶ stage 0 ─▶│      │
//! ```
//!
//! Layer: 1. The cost of an event grows with the logarithm of the blocks in
//! flight, and with nothing else.

mod ahead;
mod block;
mod order;
mod scheduler;

pub use block::{BlockId, StageIdx};
pub use scheduler::{Command, Event, Limits, Phase, Scheduler, Usage};
