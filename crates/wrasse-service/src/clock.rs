//! The clock: jobs are dated, and wait, by the time of day, since they outlive
//! a process.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::Millis;

/// Now.
#[expect(
    clippy::disallowed_methods,
    reason = "the scheduler is the board's clock"
)]
pub(crate) fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    Millis(since.map_or(0, |since| since.as_millis() as u64))
}
