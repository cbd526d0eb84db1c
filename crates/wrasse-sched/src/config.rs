//! What a scheduler is made from: operators, limits, policies.

use std::time::Duration;

use crate::Resources;

/// Position of an operator in the pipeline; the source has 0.
///
/// To the scheduler an operator is what runs as one task: a stage of fused
/// recipe steps.
pub type OpIdx = usize;

/// The most operators of a pipeline.
pub const OPERATORS_MAX: usize = 128;

/// The most operators that take things in input order: with the sink, a bit of
/// a word each.
pub const ORDERED_MAX: usize = 63;

/// How an operator takes its input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpKind {
    /// Reads splits; the first operator, and no other.
    Source,
    /// Takes blocks in any order.
    Map,
    /// Takes blocks in input order, one at a time (a gate).
    Ordered,
    /// Takes blocks in input order, one at a time, and all of them before it
    /// puts out anything; its output is read like an input.
    Exchange,
}

/// An operator of a pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpConfig {
    /// How it takes its input.
    pub kind: OpKind,
    /// What a task takes while it runs, besides its outputs. Of an operator
    /// with a pool: nothing but what its workers do not have already.
    pub task: Resources,
    /// Tasks at once.
    pub tasks_max: u32,
    /// Bytes that a task is expected to put out, until it was measured.
    pub output_bytes: u64,
    /// Workers that keep a state, if it needs such.
    pub pool: Option<PoolConfig>,
}

/// Workers that keep a state (a loaded model, a Python process).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolConfig {
    /// What each worker holds, busy or not.
    pub worker: Resources,
    /// The least number of workers while there is something to do.
    pub workers_min: u32,
    /// The most.
    pub workers_max: u32,
    /// Tasks that a worker has at once: one runs, others wait at its door.
    pub slots: u32,
}

/// What a run may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Resources; of blocks, the bytes between reading and the consumer.
    pub resources: Resources,
    /// Blocks in flight; bounds what a fast reader of small blocks piles up.
    pub blocks_in_flight: u32,
    /// What the workers of all pools leave to tasks, beyond one worker of each pool,
    /// to which it has a right. Where what tasks have made may have
    /// to be made again, workers that hold everything would wait for it forever.
    pub for_tasks: Resources,
}

/// The policies' numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Share of the limits that is reserved for operators, in percent.
    pub reserved_percent: u8,
    /// Tasks submitted in one step at the most, and workers ended; the next step
    /// goes on. Bounds the time that a completion waits while thousands of slots
    /// are filled.
    pub submissions_per_step: u32,
    /// Blocks emitted in one step at the most; the next step goes on. Bounds
    /// the same where the one block ends for which thousands had to wait.
    pub emits_per_step: u32,
    /// Blocks that the consumer has and did not take, at the most: what it is
    /// given in advance so that it never waits. The others wait where they are.
    pub emitted_max: u32,
    /// How long nothing moves before an output is read for which there is no room;
    /// doubled for each further one, until a task is done.
    pub unread_max: Duration,
    /// Attempts at a task that fails in a way that may pass.
    pub attempts_max: u32,
    /// Workers that an input may cost before it is cut in two, and before a
    /// single sample is rejected.
    pub kills_max: u32,
    /// Wait before the second attempt; doubled for each further one.
    pub backoff: Duration,
    /// The longest wait before an attempt.
    pub backoff_max: Duration,
    /// A pool gets the workers that end its queue in this time.
    pub pool_horizon: Duration,
    /// A pool shrinks when it needed fewer workers for this long.
    pub pool_grace: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            reserved_percent: 50,
            submissions_per_step: 64,
            emits_per_step: 64,
            emitted_max: 1_000,
            unread_max: Duration::from_secs(10),
            attempts_max: 3,
            kills_max: 2,
            backoff: Duration::from_millis(100),
            backoff_max: Duration::from_secs(32),
            pool_horizon: Duration::from_secs(5),
            pool_grace: Duration::from_secs(10),
        }
    }
}
