//! A run in full, as every backend takes it: the [`Job`], what comes before its
//! first block ([`begin`]), the plan as the scheduler's operators ([`Pipeline`]),
//! and what is shown of it.
//!
//! Layer: 6.

mod adjust;
mod begin;
mod books;
mod explain;
mod job;
mod output;
mod pipeline;
pub mod process;
mod snapshot;
mod spending;

pub use adjust::{Adjust, Change};
pub use begin::{Begun, Ready, begin, list};
pub use books::Books;
pub use explain::{PoolView, View, explain};
pub use job::{Cancel, Devices, Job, RunResult};
pub use pipeline::{Pipeline, Step};
pub use snapshot::{Observed, snapshot};
pub use spending::{budget, exchanges, spend};
