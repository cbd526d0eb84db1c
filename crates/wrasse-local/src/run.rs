//! [`run`]: a job on threads.

use std::sync::RwLock;
use std::sync::atomic::AtomicU64;

use wrasse_io::ReadLimits;
use wrasse_job::{Begun, Cancel, Job, RunResult, begin};
use wrasse_run::{Error, RunSnapshot};

use crate::coordinator::Coordinator;
use crate::worker::Shared;

/// Runs a job to its end, or until it is cancelled. `observe` sees a snapshot
/// about ten times a second.
///
/// # Errors
///
/// If the run cannot begin as asked, or cannot go on. What was committed can
/// be resumed.
pub fn run(
    job: &Job,
    observe: &mut dyn FnMut(&RunSnapshot),
    cancel: &Cancel,
) -> Result<RunResult, Error> {
    let ready = match begin(job)? {
        Begun::Done(done) => return Ok(*done),
        Begun::Ready(ready) => *ready,
    };
    let shared = Shared {
        pass: ready.pass,
        inputs: ready.inputs,
        limits: ReadLimits {
            block_bytes: job.block_bytes.0 as usize,
            row_bytes_max: job.row_bytes_max.0 as usize,
        },
        exchanges: ready.exchanges.into_iter().map(RwLock::new).collect(),
        decision_bytes: ready.decision_bytes,
        fingerprint_bytes: AtomicU64::new(0),
        exchange_bytes: AtomicU64::new(0),
        spilled_bytes: AtomicU64::new(0),
    };
    let coordinator = Coordinator::new(
        job,
        ready.budget,
        &shared,
        ready.splits,
        ready.seen,
        ready.start,
        ready.written,
    );
    let mut result = coordinator.run(ready.writer, observe, cancel)?;
    result.warnings = ready.warnings;
    result.resumed = ready.resumed;
    Ok(result)
}
