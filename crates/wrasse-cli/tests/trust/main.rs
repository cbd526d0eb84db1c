//! What a user must be able to rely on, tried on the real program: a killed
//! run goes on and gives the same bytes, bad input costs itself and nothing
//! else, what no operator touches keeps its bytes.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod exchanges;
mod generated;
mod hostile;
mod kill;
mod measuring;
mod pages;
mod places;
mod refusals;
mod stages;
mod support;
mod telling;
mod untouched;
