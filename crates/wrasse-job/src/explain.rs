//! [`explain`]: how a run would begin.

use wrasse_core::ByteCount;
use wrasse_io::splits;
use wrasse_plan::Budget;
use wrasse_run::Error;

use crate::{Job, list};

/// A pool of worker processes, before it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolView {
    /// What runs in it.
    pub name: String,
    /// Processes at the most.
    pub workers: u32,
    /// How many it would have without limits of memory and accelerators.
    pub wanted: u32,
    /// What each may take, if it says so.
    pub memory: Option<ByteCount>,
    /// Which accelerators each of them sees, if it has any.
    pub devices: Vec<String>,
}

/// How a run would begin.
#[derive(Clone, Debug)]
pub struct View {
    /// Input files.
    pub n_files: usize,
    /// Bytes of input, if known.
    pub bytes: Option<u64>,
    /// Splits.
    pub n_splits: usize,
    /// How memory would be spent.
    pub budget: Budget,
    /// Pools of worker processes.
    pub pools: Vec<PoolView>,
    /// Things a user should know.
    pub warnings: Vec<String>,
}

/// Looks at the input of a job with this budget and these pools, without running
/// anything.
///
/// # Errors
///
/// As for [`crate::begin`], as far as it can be known before.
pub fn explain(job: &Job, budget: Budget, pools: Vec<PoolView>) -> Result<View, Error> {
    let inputs = list(job)?;
    Ok(View {
        n_files: inputs.files.len(),
        bytes: inputs.files.iter().map(|file| file.bytes).sum(),
        n_splits: splits(&inputs, job.split_bytes)?.len(),
        budget,
        pools,
        warnings: inputs.warnings,
    })
}
