//! A run in full, as every backend takes it: the [`Job`], what comes before its
//! first block ([`begin`]), the plan as the scheduler's operators ([`Pipeline`]),
//! and what is shown of it.
//!
//! Layer: 6.

mod books;
mod job;
mod pipeline;
pub mod process;
mod snapshot;

pub use books::Books;
pub use job::{
    Begun, Cancel, Devices, Job, PoolView, Ready, RunResult, View, begin, budget, exchanges,
    explain, list,
};
pub use pipeline::{Pipeline, Step};
pub use snapshot::{Observed, snapshot};
