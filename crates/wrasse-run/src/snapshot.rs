//! [`RunSnapshot`]: where a run stands. Progress, reports and metrics show it.

use std::time::Duration;

use wrasse_op::OpKind;
use wrasse_sched::{Limits, OpView, Place, Resource, Resources, TaskWait, Time, Wait, WaitView};

use crate::{OpTally, Pace, StuckSnapshot, Tally};

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
    /// Bytes that workers of a cluster sent here: rows on their way to the output,
    /// where workers do not write them, and what decisions over all samples need.
    /// None if there is no cluster.
    pub bytes_fetched: Option<u64>,
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
    /// The scheduler's time, by which waits are dated.
    pub now: Time,
    /// What of all resources is in use.
    pub used: Resources,
    /// What may be used right now.
    pub limits: Limits,
    /// The names of custom resources, in their order.
    pub custom: Vec<String>,
    /// Who is stuck, if nothing has moved for a while.
    pub stuck: Option<StuckSnapshot>,
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
    /// Held by those that actors of a cluster keep instead.
    pub sharded: u64,
    /// How many such actors there are.
    pub shards: u64,
    /// Held by samples that wait for all others at an exchange.
    pub waiting: u64,
    /// Bytes of them on disk.
    pub spilled: u64,
    /// Resident memory of the process; 0 where it cannot be read.
    pub resident: u64,
    /// Resident memory of the worker processes of Python operators on this machine.
    pub workers: u64,
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

    /// For how long a stage waits.
    pub fn lasts(&self, wait: &WaitView) -> Duration {
        self.now.since(wait.since)
    }

    /// What a person calls a resource.
    pub fn resource_name(&self, resource: Resource) -> &str {
        resource_name(&self.custom, resource)
    }

    /// What a person calls a reason to wait.
    pub fn reason(&self, wait: Wait) -> &str {
        reason(&self.custom, wait)
    }

    /// For how long a task waits.
    pub fn task_lasts(&self, wait: &TaskWait) -> Duration {
        self.now.since(wait.since)
    }

    /// Who holds what a task waits for: the name of the stage and, if it is one
    /// task, that.
    pub fn task_holder(&self, wait: &TaskWait) -> Option<(&str, Option<Place>)> {
        let holder = wait.holder?;
        let stage = self.stages.get(holder.op)?;
        Some((&stage.name, holder.place))
    }

    /// The name of the stage that holds what is waited for.
    pub fn holder(&self, wait: &WaitView) -> Option<&str> {
        self.stages
            .get(wait.holder?)
            .map(|stage| stage.name.as_str())
    }
}

/// What a person calls a task: the split, and the share of it, that its input
/// comes from.
pub fn task_name(place: Place) -> String {
    format!("{}.{}", place.split, place.seq)
}

pub(crate) fn reason(custom: &[String], wait: Wait) -> &str {
    match wait {
        Wait::Resource(resource) => resource_name(custom, resource),
        other => other.name(),
    }
}

fn resource_name(custom: &[String], resource: Resource) -> &str {
    let name = resource.as_custom().and_then(|at| custom.get(at));
    name.map_or(resource.name(), String::as_str)
}
