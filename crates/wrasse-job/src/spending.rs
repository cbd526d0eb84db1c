//! How a run spends threads and memory.

use std::path::Path;

use wrasse_core::ByteCount;
use wrasse_plan::{Budget, Demand, End};
use wrasse_run::Error;

use crate::{Job, process};

/// Memory that does not depend on the blocks: threads' stacks, buffers of the
/// sink and its compressor. Measured on the bundled example.
const FIXED_BYTES: u64 = 24 << 20;

/// How a job's memory and threads are spent, if its worker processes on this
/// machine need at least so much.
///
/// # Errors
///
/// If its limit is too small.
pub fn budget(job: &Job, processes: ByteCount) -> Result<Budget, Error> {
    let base = process::resident_bytes();
    spend(job, (job.threads, job.memory), base, processes)
}

/// How a job would spend this much, in a process that had `base_bytes` in
/// memory before it.
///
/// # Errors
///
/// If the memory is too little.
pub fn spend(
    job: &Job,
    (threads, memory): (usize, Option<ByteCount>),
    base_bytes: u64,
    processes: ByteCount,
) -> Result<Budget, Error> {
    Budget::new(&Demand {
        threads,
        memory,
        block_bytes: job.block_bytes,
        base: ByteCount(base_bytes + FIXED_BYTES),
        processes,
    })
    .map_err(|error| {
        // The program takes a little more or less each time it starts.
        const SLACK: u64 = 4 << 20;
        let mib = (error.least.0 + SLACK) >> 20;
        Error::usage(error.to_string()).with_hint(format!("pass --memory {mib}MiB or more"))
    })
}

/// Where there is no limit, what exchanges keep in memory before they use the
/// disk, and what they may use to decide.
const EXCHANGE_BYTES: u64 = 512 << 20;

/// What `new` makes for each exchange, by the number of the stage before it, and
/// the bytes of memory that one may use to decide. `new` gets the operator, `dir`,
/// and the bytes of memory that samples or keys may lie in.
pub fn exchanges<S>(
    job: &Job,
    dir: &Path,
    new: impl Fn(usize, &Path, usize) -> S,
) -> (Vec<Option<S>>, usize) {
    let stages = job.plan.stages();
    let is_exchange = |end: End| matches!(end, End::Exchange(_));
    let n = stages.iter().filter(|stage| is_exchange(stage.end)).count();
    // A fourth of the memory to keep samples in, another to decide with.
    let bytes = job.memory.map_or(EXCHANGE_BYTES, |limit| limit.0 / 4);
    let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
    let store = |end: End| match end {
        End::Exchange(op) => Some(new(op, dir, bytes / n)),
        _ => None,
    };
    let stores = stages.iter().map(|stage| store(stage.end));
    (stores.collect(), bytes)
}
