//! [`Metric`]: every metric by name, with unit and meaning. The one file that
//! holds their names.
//!
//! All are taken from a [`RunSnapshot`] when somebody asks; nothing is kept for
//! them, and nothing is counted per record. A name of Ray Data is used where
//! the meaning is the same, with `wrasse_` before it, the unit behind it, and
//! `_total` where a value only grows.

use std::time::Duration;

use wrasse_sched::{Metrics, OpView, Resource, Resources};

use crate::{OpTally, RunSnapshot};

/// How a metric behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// It only grows, within one run of the program.
    Counter,
    /// It goes up and down.
    Gauge,
}

impl MetricKind {
    /// The kind in a word, as the text format has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
        }
    }
}

/// What a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MetricInfo {
    /// Its name.
    pub name: &'static str,
    /// How it behaves.
    pub kind: MetricKind,
    /// What one of it is.
    pub unit: &'static str,
    /// The labels of each value, in order.
    pub labels: &'static [&'static str],
    /// What it means.
    pub meaning: &'static str,
    /// The metric of Ray Data with the same meaning; empty if there is none.
    pub ray: &'static str,
}

/// Operators of the recipe.
const OP: &[&str] = &["operator", "position"];
/// What runs as one task: one or more operators.
const STAGE: &[&str] = &["stage", "position"];
const RESOURCE: &[&str] = &["stage", "position", "resource"];
const WAIT: &[&str] = &["stage", "position", "reason", "holder"];

macro_rules! metrics {
    ($($variant:ident = $name:literal $kind:ident $unit:literal $labels:expr, $ray:literal, $meaning:literal;)*) => {
        /// A metric.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Metric {
            $(#[doc = $meaning] $variant,)*
        }

        impl Metric {
            /// Every metric.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// What it is.
            pub fn info(self) -> MetricInfo {
                match self {
                    $(Self::$variant => MetricInfo {
                        name: $name,
                        kind: MetricKind::$kind,
                        unit: $unit,
                        labels: $labels,
                        meaning: $meaning,
                        ray: $ray,
                    },)*
                }
            }
        }
    };
}

metrics! {
    RunRowsIn = "wrasse_run_rows_in_total" Counter "rows" &[], "", "Rows read, bad ones included, those of an interrupted run too.";
    RunRowsOut = "wrasse_run_rows_out_total" Counter "rows" &[], "", "Rows encoded for the output.";
    RunBytesIn = "wrasse_run_bytes_in_total" Counter "bytes" &[], "", "Bytes of input accounted for, as stored.";
    RunBytesOut = "wrasse_run_bytes_out_total" Counter "bytes" &[], "", "Bytes of rows written, before compression.";
    RunBytesExpected = "wrasse_run_input_bytes" Gauge "bytes" &[], "", "Bytes of all input, as stored; absent for a stream.";
    RunBytesFetched = "wrasse_run_bytes_fetched_total" Counter "bytes" &[], "", "Bytes that workers of a cluster sent to the driver: rows on their way to the output, which are none where workers write the parts, and what is needed to decide over all samples; absent on threads.";
    RunUnreadable = "wrasse_run_unreadable_rows_total" Counter "rows" &[], "", "Rows that could not become samples.";
    RunDamages = "wrasse_run_damages_total" Counter "places" &[], "", "Places where the input is damaged.";
    RunElapsed = "wrasse_run_elapsed_seconds" Gauge "seconds" &[], "", "Time since the run began, or was resumed.";
    RunThreads = "wrasse_run_threads" Gauge "threads" &[], "", "Worker threads.";
    RunBlocks = "wrasse_run_blocks" Gauge "blocks" &[], "", "Blocks that nobody has released.";
    RunStuck = "wrasse_run_no_progress_seconds" Gauge "seconds" &[], "", "For how long nothing has moved; 0 while that is shorter than the warning takes.";

    MemoryResident = "wrasse_memory_resident_bytes" Gauge "bytes" &[], "", "Resident memory of the process; 0 where it cannot be read.";
    MemoryWorkers = "wrasse_memory_workers_bytes" Gauge "bytes" &[], "", "Resident memory of the worker processes of Python operators on this machine.";
    MemoryBlocks = "wrasse_memory_blocks_bytes" Gauge "bytes" &[], "", "Memory that blocks hold.";
    MemoryBlocksLimit = "wrasse_memory_blocks_limit_bytes" Gauge "bytes" &[], "", "Memory that blocks may hold right now.";
    MemoryFingerprints = "wrasse_memory_fingerprints_bytes" Gauge "bytes" &[], "", "Memory that the fingerprints of deduplicators hold.";
    MemorySharded = "wrasse_memory_sharded_bytes" Gauge "bytes" &[], "", "Memory on a cluster's nodes that fingerprints hold which do not fit into the driver.";
    GateShards = "wrasse_gate_shards" Gauge "actors" &[], "", "Actors of a cluster that keep fingerprints.";
    MemoryWaiting = "wrasse_memory_waiting_bytes" Gauge "bytes" &[], "", "Memory that samples hold which wait for all others, at an exchange.";
    DiskSpilled = "wrasse_spilled_bytes" Gauge "bytes" &[], "obj_store_mem_spilled", "Bytes on disk of samples that wait for all others, at an exchange.";
    MemoryLimit = "wrasse_memory_limit_bytes" Gauge "bytes" &[], "", "The limit that the user set; absent without one.";

    OpRowsIn = "wrasse_operator_rows_in_total" Counter "rows" OP, "", "Samples that came in.";
    OpRowsOut = "wrasse_operator_rows_out_total" Counter "rows" OP, "", "Samples that went on; of a slicer, pieces.";
    OpBytesIn = "wrasse_operator_bytes_in_total" Counter "bytes" OP, "", "Bytes of the rows that came in, as they were read.";
    OpDropped = "wrasse_operator_dropped_total" Counter "rows" OP, "", "Samples that a filter dropped.";
    OpDuplicates = "wrasse_operator_duplicates_total" Counter "rows" OP, "", "Samples that a deduplicator dropped.";
    OpMerged = "wrasse_operator_merged_total" Counter "rows" OP, "", "Samples that a grouper merged into others.";
    OpRejected = "wrasse_operator_rejected_total" Counter "rows" OP, "", "Samples that failed.";
    OpChanged = "wrasse_operator_changed_total" Counter "rows" OP, "", "Samples that a mapper changed.";
    OpBusy = "wrasse_operator_busy_seconds_total" Counter "seconds" OP, "", "Processor time, extrapolated from every 16th sample.";

    TasksSubmitted = "wrasse_num_tasks_submitted_total" Counter "tasks" STAGE, "num_tasks_submitted", "Tasks submitted, each attempt counted.";
    TasksStarted = "wrasse_num_tasks_started_total" Counter "tasks" STAGE, "", "Tasks that a worker has begun.";
    TasksFinished = "wrasse_num_tasks_finished_total" Counter "tasks" STAGE, "num_tasks_finished", "Tasks that ended well.";
    TasksFailed = "wrasse_num_tasks_failed_total" Counter "tasks" STAGE, "num_tasks_failed", "Tasks that failed.";
    InputsBisected = "wrasse_inputs_bisected_total" Counter "inputs" STAGE, "", "Inputs that were cut in two to find a sample that kills workers.";
    SamplesPoisonous = "wrasse_samples_poisonous_total" Counter "rows" STAGE, "", "Samples that were rejected because they killed their workers.";
    BlocksOut = "wrasse_num_task_outputs_generated_total" Counter "blocks" STAGE, "num_task_outputs_generated", "Blocks put out.";
    BytesOut = "wrasse_bytes_task_outputs_generated_total" Counter "bytes" STAGE, "bytes_task_outputs_generated", "Bytes of the blocks put out.";
    RowsOut = "wrasse_rows_task_outputs_generated_total" Counter "rows" STAGE, "rows_task_outputs_generated", "Samples in the blocks put out; encoded rows are not counted.";
    TaskCompletion = "wrasse_task_completion_seconds_total" Counter "seconds" STAGE, "task_completion_time_s", "Time from start to end of finished tasks.";
    TaskCompletionExcl = "wrasse_task_completion_excl_backpressure_seconds_total" Counter "seconds" STAGE, "task_completion_time_excl_backpressure_s", "The same, without the time in which outputs waited to be read.";
    TaskScheduling = "wrasse_task_scheduling_seconds_total" Counter "seconds" STAGE, "task_scheduling_time_s", "Time between submission and start of tasks.";
    OutputBackpressure = "wrasse_task_output_backpressure_seconds_total" Counter "seconds" STAGE, "task_output_backpressure_time_s", "Time in which outputs of tasks waited to be read.";
    SubmissionBackpressure = "wrasse_task_submission_backpressure_seconds_total" Counter "seconds" STAGE, "task_submission_backpressure_time", "Time in which the stage had input and could not submit.";
    TasksRunning = "wrasse_num_tasks_running" Gauge "tasks" STAGE, "num_tasks_running", "Tasks that run; one that waits for a worker does not.";
    TasksPending = "wrasse_num_tasks_pending" Gauge "tasks" STAGE, "", "Tasks that were submitted and wait for a worker.";
    TasksUnread = "wrasse_num_tasks_unread" Gauge "tasks" STAGE, "", "Tasks whose outputs may not be read now.";
    Workers = "wrasse_num_alive_actors" Gauge "workers" STAGE, "num_alive_actors", "Workers of the stage's pool that are up; absent without a pool.";
    WorkersWanted = "wrasse_num_wanted_actors" Gauge "workers" STAGE, "", "Workers that were asked for; absent without a pool.";
    Queued = "wrasse_num_queued_inputs" Gauge "blocks" STAGE, "", "Inputs in the stage's queue.";
    OutputBlocks = "wrasse_num_output_blocks" Gauge "blocks" STAGE, "", "Blocks that it put out and nobody released.";
    ReadableBytes = "wrasse_max_bytes_to_read" Gauge "bytes" STAGE, "max_bytes_to_read", "Bytes of outputs that may be read now.";
    UsageOf = "wrasse_usage" Gauge "cores, devices or bytes" RESOURCE, "cpu_usage_cores, gpu_usage_cores, object_store_memory", "What the stage holds of a resource, outputs included.";
    AllocationOf = "wrasse_allocation" Gauge "cores, devices or bytes" RESOURCE, "", "What the stage may hold of a resource; absent if unbounded.";
    BudgetOf = "wrasse_budget" Gauge "cores, devices or bytes" RESOURCE, "cpu_budget, gpu_budget, memory_budget, object_store_memory_budget", "What the stage may still take of a resource; absent if unbounded.";
    Waiting = "wrasse_waiting_seconds" Gauge "seconds" WAIT, "", "For how long the stage has been waiting, why, and which stage holds what it waits for; absent while it goes on.";
    TaskWaiting = "wrasse_task_waiting_seconds" Gauge "seconds" WAIT, "", "For how long that task of the stage has been waiting that does longest, why, and which stage holds what it waits for; absent if none waits.";

    LoopBusy = "wrasse_sched_loop_busy_seconds_total" Counter "seconds" &[], "", "Time that the scheduling loop spent on events and commands.";
    LoopBlocked = "wrasse_sched_loop_blocked_seconds_total" Counter "seconds" &[], "", "Time that the scheduling loop spent waiting for events.";
    LoopLongest = "wrasse_sched_loop_longest_step_seconds" Gauge "seconds" &[], "", "The longest single step so far: an event, and what was commanded for it.";
    LoopEvents = "wrasse_sched_loop_events_total" Counter "events" &[], "", "Events that the scheduling loop took.";
}

impl Metric {
    /// Gives every value that it has in `snapshot` to `put`, with the values of
    /// its labels.
    pub fn read(self, snapshot: &RunSnapshot, put: &mut dyn FnMut(&[&str], f64)) {
        let (tally, memory, pace) = (&snapshot.tally, &snapshot.memory, &snapshot.pace);
        let mut reader = Reader { snapshot, put };
        match self {
            Self::RunRowsIn => reader.one(tally.rows_in),
            Self::RunRowsOut => reader.one(tally.rows_out),
            Self::RunBytesIn => reader.one(tally.bytes_in),
            Self::RunBytesOut => reader.one(tally.bytes_out),
            Self::RunBytesExpected => reader.maybe(snapshot.bytes_total),
            Self::RunBytesFetched => reader.maybe(snapshot.bytes_fetched),
            Self::RunUnreadable => reader.one(tally.unreadable),
            Self::RunDamages => reader.one(tally.damages),
            Self::RunElapsed => (reader.put)(&[], snapshot.elapsed_s),
            Self::RunThreads => reader.one(snapshot.threads as u64),
            Self::RunBlocks => reader.one(snapshot.blocks as u64),
            Self::RunStuck => {
                let stuck = snapshot.stuck.as_ref();
                reader.time(stuck.map_or(Duration::ZERO, |stuck| stuck.lasts));
            }
            Self::MemoryResident => reader.one(memory.resident),
            Self::MemoryWorkers => reader.one(memory.workers),
            Self::MemoryBlocks => reader.one(memory.blocks),
            Self::MemoryBlocksLimit => {
                let limit = snapshot.limits.resources[Resource::BLOCKS];
                reader.one(limit.max(0) as u64);
            }
            Self::MemoryFingerprints => reader.one(memory.fingerprints),
            Self::MemorySharded => reader.one(memory.sharded),
            Self::GateShards => reader.one(memory.shards),
            Self::MemoryWaiting => reader.one(memory.waiting),
            Self::DiskSpilled => reader.one(memory.spilled),
            Self::MemoryLimit => reader.maybe(memory.limit),
            Self::OpRowsIn => reader.operators(|did| did.rows_in),
            Self::OpRowsOut => reader.operators(|did| did.rows_out),
            Self::OpBytesIn => reader.operators(|did| did.bytes_in),
            Self::OpDropped => reader.operators(|did| did.dropped),
            Self::OpDuplicates => reader.operators(|did| did.duplicates),
            Self::OpMerged => reader.operators(|did| did.merged),
            Self::OpRejected => reader.operators(|did| did.rejected),
            Self::OpChanged => reader.operators(|did| did.changed),
            Self::OpBusy => reader.busy(),
            Self::TasksSubmitted => reader.counts(|m| m.tasks_submitted),
            Self::TasksStarted => reader.counts(|m| m.tasks_started),
            Self::TasksFinished => reader.counts(|m| m.tasks_finished),
            Self::TasksFailed => reader.counts(|m| m.tasks_failed),
            Self::InputsBisected => reader.counts(|m| m.inputs_bisected),
            Self::SamplesPoisonous => reader.counts(|m| m.samples_poisonous),
            Self::BlocksOut => reader.counts(|m| m.blocks_out),
            Self::BytesOut => reader.counts(|m| m.bytes_out),
            Self::RowsOut => reader.counts(|m| m.rows_out),
            Self::TaskCompletion => reader.times(|m| m.task_completion),
            Self::TaskCompletionExcl => reader.times(|m| m.task_completion_excl_backpressure),
            Self::TaskScheduling => reader.times(|m| m.task_scheduling),
            Self::OutputBackpressure => reader.times(|m| m.task_output_backpressure),
            Self::SubmissionBackpressure => reader.times(|m| m.submission_backpressure),
            Self::TasksRunning => reader.views(|view| Some(view.tasks_running.into())),
            Self::TasksPending => reader.views(|view| Some(view.tasks_submitted.into())),
            Self::TasksUnread => reader.views(|view| Some(view.tasks_unread as u64)),
            Self::Workers => reader.views(|view| Some(view.workers?.0.into())),
            Self::WorkersWanted => reader.views(|view| Some(view.workers?.1.into())),
            Self::Queued => reader.views(|view| Some(view.queued as u64)),
            Self::OutputBlocks => reader.views(|view| Some(view.output_blocks.into())),
            Self::ReadableBytes => reader.views(|view| Some(view.readable_bytes)),
            Self::UsageOf => reader.resources(|view| view.usage),
            Self::AllocationOf => reader.resources(|view| view.allocation),
            Self::BudgetOf => reader.resources(|view| view.budget),
            Self::Waiting => reader.waits(),
            Self::TaskWaiting => reader.task_waits(),
            Self::LoopBusy => reader.time(pace.busy),
            Self::LoopBlocked => reader.time(pace.blocked),
            Self::LoopLongest => reader.time(pace.longest_step),
            Self::LoopEvents => reader.one(pace.events),
        }
    }
}

/// Goes through a snapshot for one metric.
struct Reader<'a> {
    snapshot: &'a RunSnapshot,
    put: &'a mut dyn FnMut(&[&str], f64),
}

impl Reader<'_> {
    fn one(&mut self, value: u64) {
        (self.put)(&[], value as f64);
    }

    fn maybe(&mut self, value: Option<u64>) {
        if let Some(value) = value {
            self.one(value);
        }
    }

    fn time(&mut self, value: Duration) {
        (self.put)(&[], value.as_secs_f64());
    }

    fn operators(&mut self, of: impl Fn(&OpTally) -> u64) {
        for (at, (op, did)) in self.snapshot.rows().enumerate() {
            (self.put)(&[op.name, &at.to_string()], of(did) as f64);
        }
    }

    fn busy(&mut self) {
        for (at, (op, did)) in self.snapshot.rows().enumerate() {
            (self.put)(&[op.name, &at.to_string()], did.busy_ns as f64 / 1e9);
        }
    }

    fn views(&mut self, of: impl Fn(&OpView) -> Option<u64>) {
        for (at, stage) in self.snapshot.stages.iter().enumerate() {
            if let Some(value) = of(&stage.view) {
                (self.put)(&[&stage.name, &at.to_string()], value as f64);
            }
        }
    }

    fn counts(&mut self, of: impl Fn(&Metrics) -> u64) {
        self.views(|view| Some(of(&view.metrics)));
    }

    fn times(&mut self, of: impl Fn(&Metrics) -> Duration) {
        for (at, stage) in self.snapshot.stages.iter().enumerate() {
            let value = of(&stage.view.metrics).as_secs_f64();
            (self.put)(&[&stage.name, &at.to_string()], value);
        }
    }

    /// Resources that the run has, or that the stage has some of.
    fn resources(&mut self, of: impl Fn(&OpView) -> Resources) {
        for (at, stage) in self.snapshot.stages.iter().enumerate() {
            let amounts = of(&stage.view);
            for resource in self.snapshot.resources() {
                if let Some(amount) = amount(amounts, resource) {
                    let labels = [
                        &*stage.name,
                        &at.to_string(),
                        self.snapshot.resource_name(resource),
                    ];
                    (self.put)(&labels, amount);
                }
            }
        }
    }

    fn waits(&mut self) {
        for (at, stage) in self.snapshot.stages.iter().enumerate() {
            if let Some(wait) = &stage.view.wait {
                let holder = self.snapshot.holder(wait).unwrap_or_default();
                let labels = [
                    &*stage.name,
                    &at.to_string(),
                    self.snapshot.reason(wait.reason),
                    holder,
                ];
                (self.put)(&labels, self.snapshot.lasts(wait).as_secs_f64());
            }
        }
    }

    fn task_waits(&mut self) {
        for (at, stage) in self.snapshot.stages.iter().enumerate() {
            if let Some(wait) = stage.view.tasks_waiting.iter().flatten().next() {
                let holder = self.snapshot.task_holder(wait);
                let labels = [
                    &*stage.name,
                    &at.to_string(),
                    self.snapshot.reason(wait.reason),
                    holder.map_or("", |(stage, _)| stage),
                ];
                (self.put)(&labels, self.snapshot.task_lasts(wait).as_secs_f64());
            }
        }
    }
}

/// An amount as people count it: cores and devices, bytes. None if unbounded.
pub(crate) fn amount(of: Resources, resource: Resource) -> Option<f64> {
    let amount = of[resource];
    match resource {
        // Sums of a few unbounded amounts, less what is used, are unbounded too.
        _ if amount >= Resources::UNBOUNDED / 2 => None,
        Resource::MEMORY | Resource::BLOCKS => Some(amount as f64),
        _ => Some(amount as f64 / 1000.0),
    }
}

impl RunSnapshot {
    /// The resources that the run has or that a stage holds, in order.
    pub fn resources(&self) -> impl Iterator<Item = Resource> {
        Resource::all()
            .filter(|resource| self.limits.resources[*resource] != 0 || self.used[*resource] != 0)
    }

    /// All metrics in the text format of Prometheus (version 0.0.4).
    pub fn prometheus(&self) -> String {
        let mut text = String::new();
        for metric in Metric::ALL {
            let info = metric.info();
            let mut lines = String::new();
            metric.read(self, &mut |labels, value| {
                lines.push_str(info.name);
                for (i, (name, value)) in info.labels.iter().zip(labels).enumerate() {
                    lines.push_str(if i == 0 { "{" } else { "," });
                    lines.push_str(name);
                    lines.push_str("=\"");
                    escape(value, &mut lines);
                    lines.push('"');
                }
                lines.push_str(if info.labels.is_empty() { " " } else { "} " });
                lines.push_str(&value.to_string());
                lines.push('\n');
            });
            if !lines.is_empty() {
                let (name, kind) = (info.name, info.kind.name());
                text.push_str(&format!("# HELP {name} {}\n", info.meaning));
                text.push_str(&format!("# TYPE {name} {kind}\n{lines}"));
            }
        }
        text
    }
}

fn escape(value: &str, out: &mut String) {
    for c in value.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            '\n' => out.push_str("\\n"),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_one_of_a_kind_and_follow_the_rules() {
        let mut names = BTreeSet::new();
        for metric in Metric::ALL {
            let info = metric.info();
            assert!(names.insert(info.name), "{} twice", info.name);
            let is_total = info.name.ends_with("_total");
            assert_eq!(is_total, info.kind == MetricKind::Counter, "{}", info.name);
            let has_seconds = info.name.contains("_seconds");
            assert_eq!(has_seconds, info.unit == "seconds", "{}", info.name);
            assert!(info.name.starts_with("wrasse_"));
            assert!(info.meaning.ends_with('.'), "{}", info.name);
        }
    }

    #[test]
    fn labels_are_escaped() {
        let mut text = String::new();
        escape("a\"b\\c\nd", &mut text);
        assert_eq!(text, "a\\\"b\\\\c\\nd");
    }
}
