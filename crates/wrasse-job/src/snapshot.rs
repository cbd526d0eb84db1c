//! [`snapshot`]: where a run stands, as far as scheduler and backend know.

use wrasse_op::Operator;
use wrasse_plan::Plan;
use wrasse_run::{
    MemorySnapshot, OpSnapshot, RunSnapshot, Running, StageSnapshot, StuckSnapshot, Tally,
};
use wrasse_sched::Wait;

use crate::Pipeline;

/// What only the backend knows of a moment.
#[derive(Clone, Debug)]
pub struct Observed {
    /// Seconds since the run began.
    pub elapsed_s: f64,
    /// What was done so far, blocks that wait for their turn included.
    pub tally: Tally,
    /// Bytes of input, if known.
    pub bytes_total: Option<u64>,
    /// Bytes of input that an earlier, interrupted run had done.
    pub bytes_resumed: u64,
    /// Bytes of output that came here from a cluster's workers.
    pub bytes_fetched: Option<u64>,
    /// Threads, or processors of a cluster.
    pub threads: usize,
    /// Blocks that wait for an earlier one.
    pub waiting: usize,
    /// Memory.
    pub memory: MemorySnapshot,
    /// The names of custom resources, in their order.
    pub custom: Vec<String>,
}

/// What the scheduler and a backend know of a moment of `plan`'s run.
pub fn snapshot(
    plan: &Plan,
    pipeline: &Pipeline,
    run: &Running<'_>,
    observed: Observed,
) -> RunSnapshot {
    let scheduler = run.scheduler;
    let stages: Vec<StageSnapshot> = pipeline
        .names
        .iter()
        .enumerate()
        .map(|(op, name)| StageSnapshot {
            name: name.clone(),
            view: scheduler.view(op),
        })
        .collect();
    let reading = stages.first().and_then(|stage| stage.view.wait);
    let operator = |op: &Operator| OpSnapshot {
        name: op.name(),
        kind: op.spec().kind,
    };
    RunSnapshot {
        elapsed_s: observed.elapsed_s,
        tally: observed.tally,
        operators: plan.operators().iter().map(operator).collect(),
        bytes_total: observed.bytes_total,
        bytes_resumed: observed.bytes_resumed,
        bytes_fetched: observed.bytes_fetched,
        tasks: stages
            .iter()
            .map(|stage| stage.view.tasks_running as usize)
            .sum(),
        threads: observed.threads,
        blocks: scheduler.blocks(),
        waiting: observed.waiting,
        memory: observed.memory,
        waits_for: match reading.map(|wait| wait.reason) {
            Some(Wait::OutputBudget) => Some("memory"),
            Some(reason) if reason.is_backpressure() => Some(reason.name()),
            _ => None,
        },
        stages,
        pace: *run.pace,
        now: run.now,
        used: scheduler.used(),
        limits: *scheduler.limits(),
        stuck: run.stuck.map(|stuck| {
            let name = |op: usize| pipeline.names[op].clone();
            StuckSnapshot::new(&stuck, run.now, run.gives_up, &observed.custom, &name)
        }),
        custom: observed.custom,
    }
}
