//! [`RunSnapshot`]: where a run stands. Progress, reports and metrics show it.

use wrasse_op::OpKind;
use wrasse_sched::OpView;

use crate::{OpTally, Pace, Tally};

/// Where a run stands, at one moment.
#[derive(Clone, Debug)]
pub struct RunSnapshot {
    /// Seconds since the run began (of a resumed run: since it was resumed).
    pub elapsed_s: f64,
    /// What was done so far, blocks that wait for their turn included.
    pub tally: Tally,
    /// The operators, in the order of the recipe; tallies are in `tally`.
    pub operators: Vec<OpSnapshot>,
    /// Bytes of input, if known.
    pub bytes_total: Option<u64>,
    /// Bytes of input that an earlier, interrupted run had done.
    pub bytes_resumed: u64,
    /// Tasks that run.
    pub tasks: usize,
    /// Threads.
    pub threads: usize,
    /// Blocks between reading and writing.
    pub blocks: usize,
    /// Blocks that wait for an earlier one.
    pub waiting: usize,
    /// Memory.
    pub memory: MemorySnapshot,
    /// Why nothing more is read right now, if so.
    pub waits_for: Option<&'static str>,
    /// What runs as one task each, from reading on: usage, allocation, budget,
    /// and why it waits.
    pub stages: Vec<StageSnapshot>,
    /// The scheduling loop.
    pub pace: Pace,
    /// Set if nothing has moved for some seconds.
    pub stalled: Option<Stalled>,
}

/// A run in which nothing moves.
#[derive(Clone, Debug, PartialEq)]
pub struct Stalled {
    /// The stage that all others wait for.
    pub stage: String,
    /// What it waits for, or does.
    pub waits_for: &'static str,
    /// The stage that holds what it waits for, if one does.
    pub holder: Option<String>,
    /// For how many seconds nothing has moved.
    pub seconds: f64,
}

/// A stage in a snapshot: what the scheduler calls an operator.
#[derive(Clone, Debug)]
pub struct StageSnapshot {
    /// The operators that run in it.
    pub name: String,
    /// As the scheduler sees it.
    pub view: OpView,
}

/// An operator in a snapshot.
#[derive(Clone, Debug)]
pub struct OpSnapshot {
    /// Its name.
    pub name: &'static str,
    /// Its shape.
    pub kind: OpKind,
}

/// Memory in a snapshot, in bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct MemorySnapshot {
    /// Held by blocks.
    pub blocks: u64,
    /// What blocks may hold.
    pub blocks_limit: u64,
    /// Held by the fingerprints of deduplicators.
    pub fingerprints: u64,
    /// Resident memory of the process; 0 where it cannot be read.
    pub resident: u64,
    /// The limit that the user set.
    pub limit: Option<u64>,
}

impl RunSnapshot {
    /// The operators with what they did.
    pub fn rows(&self) -> impl Iterator<Item = (&OpSnapshot, &OpTally)> {
        self.operators.iter().zip(&self.tally.operators)
    }

    /// Share of the input that is done, if the input's size is known.
    pub fn share_done(&self) -> Option<f64> {
        let total = self.bytes_total?;
        (total > 0).then(|| (self.tally.bytes_in as f64 / total as f64).min(1.0))
    }
}
