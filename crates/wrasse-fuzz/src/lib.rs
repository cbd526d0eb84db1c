//! Properties that hold for any bytes: recipes, rows, and samples under edits.
//!
//! A property is a function that takes bytes and panics if the property does
//! not hold. Two things drive them: `fuzz/` (cargo-fuzz, guided by coverage,
//! for hours) and the test of this crate ([`explore`], seeded and bounded, for
//! seconds of every test run).
//!
//! Layer: 99, for tests only.

mod explore;
mod jsonl;
mod recipe;
mod sample;
pub mod seeds;

pub use explore::{Finding, explore};
pub use jsonl::jsonl;
pub use recipe::recipe;
pub use sample::sample;
