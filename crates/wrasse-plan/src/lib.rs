//! From a list of operators to stages: what runs fused, where blocks wait.
//!
//! Operators that need nothing but the sample run fused, one sample at a time.
//! A deduplicator needs to know every earlier sample, so it ends a stage: the
//! stage computes fingerprints on any thread, the *gate* behind it decides in
//! input order, and the next stage goes on with the survivors. Where a decision
//! needs all samples (near duplicates, the best so many, groups), an *exchange*
//! keeps them on disk until the last has come.
//!
//! [`Budget`] says, before anything runs, what a run needs at the least and
//! how a memory limit is spent.
//!
//! Layer: 3. Pure.

mod budget;
mod plan;

pub use budget::{Budget, BudgetError, Demand};
pub use plan::{End, Plan, Stage};
