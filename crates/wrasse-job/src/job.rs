//! [`Job`]: a run in full, and [`RunResult`]: how it went.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;
use wrasse_core::ByteCount;
use wrasse_io::{Conflict, Format, Part, SourceSpec};
use wrasse_plan::Plan;
use wrasse_pyhost::Python;
use wrasse_run::{Examples, Existing, Guard, MaxRejects, PassSettings, Places, Tally};

use crate::Adjust;

/// A run in full: what to read, do and write, and how.
pub struct Job {
    /// The input.
    pub source: SourceSpec,
    /// The operators, in order.
    pub plan: Arc<Plan>,
    /// What runs the operators that are Python's.
    pub python: Option<Arc<Python>>,
    /// The output file, folder, address, or `-`.
    pub output: String,
    /// The output's format, if its name does not tell.
    pub format: Option<Format>,
    /// Cut the output into parts of about this size.
    pub part_bytes: Option<ByteCount>,
    /// The run directory.
    pub run_dir: PathBuf,
    /// Files of it that shall lie elsewhere.
    pub places: Places,
    /// What is written beside the text.
    pub pass: PassSettings,
    /// The recipe in canonical form: what decides the output's bytes.
    pub recipe: Value,
    /// Worker threads.
    pub threads: usize,
    /// Accelerators of this machine, for its worker processes.
    pub devices: Devices,
    /// Limit on the memory of the process and its worker processes.
    pub memory: Option<ByteCount>,
    /// Changes both while the run goes on.
    pub adjust: Adjust,
    /// Stop after this many rows of input.
    pub limit: Option<u64>,
    /// How many rejects fail the run.
    pub max_rejects: MaxRejects,
    /// What to do with an interrupted run in the same place.
    pub existing: Existing,
    /// Replace an output that no run of Wrasse wrote.
    pub overwrite: bool,
    /// The directory of an earlier run, whose documents count as seen.
    pub known_from: Option<PathBuf>,
    /// Keep a few examples of what each operator does.
    pub examples: bool,
    /// Bytes in a split.
    pub split_bytes: ByteCount,
    /// Bytes in a block.
    pub block_bytes: ByteCount,
    /// The longest row.
    pub row_bytes_max: ByteCount,
    /// Commit after this many bytes of output, besides every few seconds.
    pub commit_bytes: ByteCount,
    /// What is done when nothing moves.
    pub guard: Guard,
}

/// Accelerators that worker processes may have, as they name them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Devices {
    /// As `CUDA_VISIBLE_DEVICES` does.
    pub gpus: Vec<String>,
    /// As `ASCEND_RT_VISIBLE_DEVICES` does.
    pub npus: Vec<String>,
}

/// How a run went.
#[derive(Clone, Debug)]
pub struct RunResult {
    /// The accounting, of resumed runs in total.
    pub tally: Tally,
    /// What operators did, shown on a few samples.
    pub examples: Examples,
    /// The output, if it is complete.
    pub parts: Vec<Part>,
    /// Columns that had to be widened.
    pub conflicts: Vec<Conflict>,
    /// Things a user should know.
    pub warnings: Vec<String>,
    /// Whether the output is complete; otherwise the run can be resumed.
    pub complete: bool,
    /// Whether the limit on rejects was passed.
    pub too_many_rejects: bool,
    /// Whether an earlier run had finished already and nothing was done.
    pub was_done: bool,
    /// Whether it went on from an earlier run.
    pub resumed: bool,
    /// Seconds.
    pub elapsed_s: f64,
    /// Processor seconds of the process during the run, if the system says.
    pub cpu_s: Option<f64>,
    /// The most resident memory that was seen, of the process and its worker
    /// processes, in bytes; 0 if unknown.
    pub peak_bytes: u64,
    /// Threads that were used.
    pub threads: usize,
}

/// Asks a run to end early, from any thread. It then can be resumed.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Asks the run to end.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether the run was asked to end.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
