//! [`run`]: a job on threads.

use std::sync::RwLock;
use std::sync::atomic::AtomicU64;

use serde_json::Value;
use wrasse_io::{Inputs, ReadLimits, Sink, SinkSpec, Split, open_sink};
use wrasse_job::{Begun, Cancel, Job, RunResult, View, begin, exchanges, list, process};
use wrasse_run::{Error, ExchangeStore, RunSnapshot};

use crate::coordinator::Coordinator;
use crate::pools::Pools;
use crate::worker::{Shared, Shift};

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
    run_into(job, None, observe, cancel)
}

/// Runs a job whose rows go into `sink` rather than to its output, which then
/// must be `-`.
///
/// # Errors
///
/// As for [`run`].
pub fn run_into(
    job: &Job,
    sink: Option<Box<dyn Sink>>,
    observe: &mut dyn FnMut(&RunSnapshot),
    cancel: &Cancel,
) -> Result<RunResult, Error> {
    // A process may have done other things before, and other runs.
    let cpu_before = process::cpu_seconds();
    let pools = Pools::new(job)?;
    let open = |(spec, at): (&SinkSpec, Option<&Value>), _: (&Inputs, &[Split])| {
        sink.map_or_else(|| open_sink(spec, at), Ok)
    };
    let ready = match begin(job, pools.budget, list(job)?, open)? {
        Begun::Done(done) => return Ok(*done),
        Begun::Ready(ready) => *ready,
    };
    let (exchanges, decision_bytes) = exchanges(job, &ready.exchange_dir, ExchangeStore::new);
    let shared = Shared {
        pass: ready.pass,
        inputs: ready.inputs,
        limits: ReadLimits {
            block_bytes: job.block_bytes.0 as usize,
            row_bytes_max: job.row_bytes_max.0 as usize,
        },
        exchanges: exchanges.into_iter().map(RwLock::new).collect(),
        decision_bytes,
        shift: Shift::new(ready.budget.threads),
        fingerprint_bytes: AtomicU64::new(0),
        exchange_bytes: AtomicU64::new(0),
        spilled_bytes: AtomicU64::new(0),
    };
    let coordinator = Coordinator::new(
        job,
        pools,
        &shared,
        ready.splits,
        ready.seen.sets()?,
        ready.start,
        ready.written,
    );
    let mut result = coordinator.run(ready.writer, observe, cancel)?;
    result.warnings = ready.warnings;
    result.resumed = ready.resumed;
    result.cpu_s = result
        .cpu_s
        .zip(cpu_before)
        .map(|(now, before)| now - before);
    Ok(result)
}

/// Looks at the input, and spends memory and accelerators, without running anything.
///
/// # Errors
///
/// As for [`run`], as far as it can be known before.
pub fn explain(job: &Job) -> Result<View, Error> {
    let pools = Pools::new(job)?;
    wrasse_job::explain(job, pools.budget, pools.views())
}
