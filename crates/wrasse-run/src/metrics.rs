//! Metrics: every name, unit and meaning, and where the value is found.
//!
//! One table for each thing that is measured: the run, an operator of the
//! recipe, a stage, a stage's share of a resource. Prometheus text, the event
//! log and the reference page are made from these tables and nothing else, so
//! that they cannot disagree. Where Ray Data has a metric of the same meaning,
//! it has the same name behind the prefix.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};
use wrasse_sched::{OpView, Resource, Resources};

use crate::{OpTally, RunSnapshot};

/// A metric.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// Its name, with the unit last, without the prefix `wrasse_`.
    pub name: &'static str,
    /// How it moves.
    pub kind: MetricKind,
    /// What it says.
    pub meaning: &'static str,
}

/// How a metric moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// It only grows while a run lasts.
    Counter,
    /// It goes up and down.
    Gauge,
}

impl MetricKind {
    /// Its name in Prometheus.
    pub fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
        }
    }
}

const fn counter(name: &'static str, meaning: &'static str) -> Metric {
    Metric {
        name,
        kind: MetricKind::Counter,
        meaning,
    }
}

const fn gauge(name: &'static str, meaning: &'static str) -> Metric {
    Metric {
        name,
        kind: MetricKind::Gauge,
        meaning,
    }
}

/// A metric, and where its value is found.
type Found<T, V = f64> = (Metric, fn(&T) -> V);

/// Metrics of the run.
const RUN: &[Found<RunSnapshot>] = &[
    (
        gauge(
            "elapsed_seconds",
            "time since the run began, or was resumed",
        ),
        |run| run.elapsed_s,
    ),
    (counter("rows_in_total", "samples read"), |run| {
        run.tally.rows_in as f64
    }),
    (counter("rows_out_total", "samples that came out"), |run| {
        run.tally.rows_out as f64
    }),
    (
        counter("bytes_in_total", "bytes of input read, as stored"),
        |run| run.tally.bytes_in as f64,
    ),
    (
        counter(
            "unreadable_rows_total",
            "rows of the input that are no samples",
        ),
        |run| run.tally.unreadable as f64,
    ),
    (
        counter("damages_total", "places where a file is damaged"),
        |run| run.tally.damages as f64,
    ),
    (
        gauge("input_bytes", "bytes of input in all; absent if unknown"),
        |run| run.bytes_total.map_or(f64::NAN, |bytes| bytes as f64),
    ),
    (gauge("threads", "worker threads"), |run| run.threads as f64),
    (
        gauge("blocks_in_flight", "blocks between reading and writing"),
        |run| run.blocks as f64,
    ),
    (
        gauge(
            "block_memory_bytes",
            "memory charged for blocks, estimates of running tasks included",
        ),
        |run| run.memory.blocks as f64,
    ),
    (
        gauge("block_memory_limit_bytes", "what blocks may hold"),
        |run| run.memory.blocks_limit as f64,
    ),
    (
        gauge("fingerprint_memory_bytes", "memory of deduplicators"),
        |run| run.memory.fingerprints as f64,
    ),
    (
        gauge("resident_memory_bytes", "resident memory of the process"),
        |run| run.memory.resident as f64,
    ),
    (
        counter("sched_events_total", "events that the scheduler took"),
        |run| run.pace.events as f64,
    ),
    (
        counter(
            "sched_loop_busy_seconds_total",
            "time that the scheduling loop worked",
        ),
        |run| run.pace.busy.as_secs_f64(),
    ),
    (
        counter(
            "sched_loop_blocked_seconds_total",
            "time that the scheduling loop waited for events",
        ),
        |run| run.pace.blocked.as_secs_f64(),
    ),
    (
        gauge(
            "sched_loop_longest_step_seconds",
            "the longest single step of the scheduling loop",
        ),
        |run| run.pace.longest_step.as_secs_f64(),
    ),
];

/// Metrics of an operator of the recipe.
const OPERATOR: &[Found<OpTally>] = &[
    (
        counter("operator_rows_in_total", "samples that it was given"),
        |op| op.rows_in as f64,
    ),
    (
        counter("operator_rows_out_total", "samples that went on"),
        |op| op.rows_out as f64,
    ),
    (
        counter("operator_rows_changed_total", "samples that it changed"),
        |op| op.changed as f64,
    ),
    (
        counter("operator_rows_dropped_total", "samples that it dropped"),
        |op| op.dropped as f64,
    ),
    (
        counter(
            "operator_rows_duplicate_total",
            "samples that were duplicates",
        ),
        |op| op.duplicates as f64,
    ),
    (
        counter(
            "operator_rows_rejected_total",
            "samples that it could not process",
        ),
        |op| op.rejected as f64,
    ),
    (
        counter(
            "operator_rows_sliced_total",
            "samples that it cut into others",
        ),
        |op| op.sliced as f64,
    ),
    (
        counter(
            "operator_bytes_in_total",
            "bytes of the rows that it was given",
        ),
        |op| op.bytes_in as f64,
    ),
    (
        counter(
            "operator_busy_seconds_total",
            "time spent in it, summed over threads, from a sample of the rows",
        ),
        |op| op.busy_ns as f64 / 1e9,
    ),
];

/// Metrics of a stage: what runs as one task.
const STAGE: &[Found<OpView>] = &[
    (
        gauge("num_tasks_submitted", "tasks that wait for a worker"),
        |stage| stage.tasks_submitted.into(),
    ),
    (gauge("num_tasks_running", "tasks that run"), |stage| {
        stage.tasks_running.into()
    }),
    (
        gauge("num_tasks_unread", "tasks whose output may not be read now"),
        |stage| stage.tasks_unread as f64,
    ),
    (
        counter(
            "num_tasks_submitted_total",
            "tasks that were submitted, attempts included",
        ),
        |stage| stage.metrics.tasks_submitted as f64,
    ),
    (
        counter("num_tasks_finished_total", "tasks that ended well"),
        |stage| stage.metrics.tasks_finished as f64,
    ),
    (
        counter("num_tasks_failed_total", "tasks that failed"),
        |stage| stage.metrics.tasks_failed as f64,
    ),
    (
        counter(
            "inputs_bisected_total",
            "inputs cut in two to find a sample that kills workers",
        ),
        |stage| stage.metrics.inputs_bisected as f64,
    ),
    (
        counter(
            "samples_poisonous_total",
            "samples rejected because they killed their workers",
        ),
        |stage| stage.metrics.samples_poisonous as f64,
    ),
    (
        counter("num_task_outputs_generated_total", "blocks put out"),
        |stage| stage.metrics.blocks_out as f64,
    ),
    (
        counter(
            "bytes_task_outputs_generated_total",
            "bytes of the blocks put out",
        ),
        |stage| stage.metrics.bytes_out as f64,
    ),
    (
        gauge(
            "queued_inputs",
            "blocks, or shares of the input, that wait in its queue",
        ),
        |stage| stage.queued as f64,
    ),
    (
        gauge(
            "output_blocks",
            "blocks that it put out and that are not released",
        ),
        |stage| stage.output_blocks.into(),
    ),
    (gauge("output_memory_bytes", "bytes of these"), |stage| {
        stage.output_bytes as f64
    }),
    (
        gauge("max_bytes_to_read", "bytes of outputs that may be read now"),
        |stage| stage.readable_bytes as f64,
    ),
    (
        counter(
            "task_completion_seconds_total",
            "time from start to end of finished tasks",
        ),
        |stage| stage.metrics.task_completion.as_secs_f64(),
    ),
    (
        counter(
            "task_completion_excl_backpressure_seconds_total",
            "the same, without the time in which outputs waited to be read",
        ),
        |stage| {
            stage
                .metrics
                .task_completion_excl_backpressure
                .as_secs_f64()
        },
    ),
    (
        counter(
            "task_scheduling_seconds_total",
            "time between submission and start of tasks",
        ),
        |stage| stage.metrics.task_scheduling.as_secs_f64(),
    ),
    (
        counter(
            "task_output_backpressure_seconds_total",
            "time in which tasks' outputs waited to be read",
        ),
        |stage| stage.metrics.task_output_backpressure.as_secs_f64(),
    ),
    (
        counter(
            "task_submission_backpressure_seconds_total",
            "time in which it had input and could not submit",
        ),
        |stage| stage.metrics.submission_backpressure.as_secs_f64(),
    ),
    (
        gauge(
            "workers",
            "workers of its pool that are up; absent without a pool",
        ),
        |stage| stage.workers.map_or(f64::NAN, |(up, _)| up.into()),
    ),
    (
        gauge(
            "waiting",
            "1 if it does not go on; the label `reason` says why",
        ),
        |stage| f64::from(u8::from(stage.wait.is_some())),
    ),
];

/// Metrics of a stage's share of a resource.
const SHARE: &[Found<OpView, Resources>] = &[
    (
        gauge(
            "usage",
            "what it holds: processors and devices in units, memory and blocks in bytes",
        ),
        |stage| stage.usage,
    ),
    (gauge("allocation", "what it may hold"), |stage| {
        stage.allocation
    }),
    (gauge("budget", "what it may still take"), |stage| {
        stage.budget
    }),
];

/// What every name begins with.
const PREFIX: &str = "wrasse_";

/// All metrics with the labels they have, in the order of the tables.
pub fn metrics() -> impl Iterator<Item = (&'static Metric, &'static [&'static str])> {
    let run = RUN.iter().map(|(metric, _)| (metric, &[] as &[_]));
    let operator = OPERATOR
        .iter()
        .map(|(metric, _)| (metric, &["step", "operator"] as &[_]));
    let stage = STAGE.iter().map(|(metric, _)| {
        let labels: &[_] = match metric.name {
            "waiting" => &["stage", "name", "reason"],
            _ => &["stage", "name"],
        };
        (metric, labels)
    });
    let share = SHARE
        .iter()
        .map(|(metric, _)| (metric, &["stage", "name", "resource"] as &[_]));
    run.chain(operator).chain(stage).chain(share)
}

/// A snapshot in Prometheus' text format.
pub fn prometheus(run: &RunSnapshot) -> String {
    let mut text = String::new();
    for (metric, value) in RUN {
        head(&mut text, metric);
        line(&mut text, metric, &[], value(run));
    }
    for (metric, value) in OPERATOR {
        head(&mut text, metric);
        for (i, (op, tally)) in run.rows().enumerate() {
            let step = (i + 1).to_string();
            let labels = [("step", step.as_str()), ("operator", op.name)];
            line(&mut text, metric, &labels, value(tally));
        }
    }
    for (metric, value) in STAGE {
        head(&mut text, metric);
        for (i, stage) in run.stages.iter().enumerate() {
            let at = i.to_string();
            let mut labels = vec![("stage", at.as_str()), ("name", stage.name.as_str())];
            if metric.name == "waiting" {
                let reason = stage.view.wait.map_or("", |wait| wait.reason.name());
                labels.push(("reason", reason));
            }
            line(&mut text, metric, &labels, value(&stage.view));
        }
    }
    for (metric, value) in SHARE {
        head(&mut text, metric);
        for (i, stage) in run.stages.iter().enumerate() {
            let at = i.to_string();
            for (resource, amount) in amounts(value(&stage.view)) {
                let labels = [
                    ("stage", at.as_str()),
                    ("name", stage.name.as_str()),
                    ("resource", resource.name()),
                ];
                line(&mut text, metric, &labels, amount);
            }
        }
    }
    text
}

/// A snapshot as JSON, with the same names.
pub fn snapshot_json(run: &RunSnapshot) -> Value {
    let values = |name: &str, value: f64| (name.to_owned(), json!(value));
    let mut all: Map<String, Value> = RUN
        .iter()
        .map(|(metric, value)| values(metric.name, value(run)))
        .collect();
    let operators = run.rows().map(|(op, tally)| {
        let mut all = Map::from_iter([("operator".to_owned(), json!(op.name))]);
        all.extend(
            OPERATOR
                .iter()
                .map(|(metric, value)| values(metric.name, value(tally))),
        );
        Value::Object(all)
    });
    all.insert("operators".to_owned(), operators.collect());
    let stages = run.stages.iter().map(|stage| {
        let mut all = Map::from_iter([("name".to_owned(), json!(stage.name))]);
        if let Some(wait) = stage.view.wait {
            all.insert("reason".to_owned(), json!(wait.reason.name()));
            all.insert("holder".to_owned(), json!(wait.holder));
        }
        all.extend(
            STAGE
                .iter()
                .map(|(metric, value)| values(metric.name, value(&stage.view))),
        );
        for (metric, value) in SHARE {
            let amounts: Map<String, Value> = amounts(value(&stage.view))
                .map(|(resource, amount)| values(resource.name(), amount))
                .collect();
            all.insert(metric.name.to_owned(), Value::Object(amounts));
        }
        Value::Object(all)
    });
    all.insert("stages".to_owned(), stages.collect());
    Value::Object(all)
}

/// The amounts that a person means: whole processors, bytes.
fn amounts(of: Resources) -> impl Iterator<Item = (Resource, f64)> {
    let bounded = move |resource: &Resource| {
        of[*resource] < Resources::UNBOUNDED && (of[*resource] != 0 || *resource == Resource::CPU)
    };
    Resource::all().filter(bounded).map(move |resource| {
        let amount = of[resource] as f64;
        match resource {
            Resource::MEMORY | Resource::BLOCKS => (resource, amount),
            _ => (resource, amount / 1000.0),
        }
    })
}

fn head(text: &mut String, metric: &Metric) {
    let (name, meaning) = (metric.name, metric.meaning);
    let kind = metric.kind.name();
    let _ = writeln!(text, "# HELP {PREFIX}{name} {meaning}");
    let _ = writeln!(text, "# TYPE {PREFIX}{name} {kind}");
}

fn line(text: &mut String, metric: &Metric, labels: &[(&str, &str)], value: f64) {
    if value.is_nan() {
        return;
    }
    let labels: Vec<String> = labels
        .iter()
        .map(|(name, value)| {
            let value = value.replace('\\', "\\\\").replace('"', "\\\"");
            format!("{name}=\"{}\"", value.replace('\n', "\\n"))
        })
        .collect();
    let labels = match labels.is_empty() {
        true => String::new(),
        false => format!("{{{}}}", labels.join(",")),
    };
    let _ = writeln!(text, "{PREFIX}{}{labels} {value}", metric.name);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_and_counters_say_so() {
        let mut names = BTreeSet::new();
        for (metric, _) in metrics() {
            assert!(names.insert(metric.name), "{} is there twice", metric.name);
            let is_total = metric.name.ends_with("_total");
            assert_eq!(
                is_total,
                metric.kind == MetricKind::Counter,
                "{}",
                metric.name
            );
            assert!(!metric.meaning.is_empty());
        }
    }
}
