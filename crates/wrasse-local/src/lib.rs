//! The embedded backend: a thread per core, a memory ledger, no server.
//!
//! # Who does what
//!
//! ```text
//!   caller's thread    the executor with the scheduler and the books
//!   worker threads     read a block and run operators over it; hold nothing
//!   ordering thread    gates, and exchanges as long as they collect
//!   writer thread      owns the sink and the run directory
//! ```
//!
//! The backend turns notes from workers and writer into events, and the
//! scheduler's commands into tasks. It never reads, writes or computes on
//! rows.
//!
//! Layer: 7. Threads and clocks are allowed here; the bytes that come out do
//! not depend on either.

mod admission;
mod backend;
mod coordinator;
mod dry_run;
mod ordering;
mod pools;
mod run;
mod staff;
mod watch;
mod worker;
mod writing;

pub use dry_run::{DryRun, dry_run};
pub use run::{explain, run, run_into};
pub use wrasse_job::{Adjust, Cancel, Change, Devices, Job, PoolView, RunResult, View};
