//! The stages of a run, for `--verbose`: what each holds, what it may hold,
//! why it waits.

use std::time::Duration;

use wrasse_core::ByteCount;
use wrasse_run::{RunSnapshot, StageSnapshot, task_name};
use wrasse_sched::{Resource, Resources};

use crate::table::{Align, count, duration, table};

/// Longer names of stages are cut: a stage may hold twenty operators.
const NAME_CHARS: usize = 36;

/// Shorter waits of tasks are how a pipeline works.
const TASK_WAIT_LEAST: Duration = Duration::from_secs(1);

/// A line a stage, one for each of the tasks that have waited longest, if they
/// have for a while, then one for the scheduling loop, and one for fingerprints
/// if they are elsewhere.
pub(crate) fn render(snapshot: &RunSnapshot) -> String {
    let rows: Vec<Vec<String>> = snapshot
        .stages
        .iter()
        .map(|stage| {
            let view = &stage.view;
            vec![
                name(stage),
                view.tasks_running.to_string(),
                view.tasks_submitted.to_string(),
                view.tasks_unread.to_string(),
                view.workers
                    .map_or_else(|| "-".to_owned(), |(up, wanted)| format!("{up}/{wanted}")),
                view.queued.to_string(),
                amounts(snapshot, view.usage),
                amounts(snapshot, view.allocation),
                amounts(snapshot, view.budget),
                ByteCount(view.readable_bytes).to_string(),
                wait(snapshot, stage),
            ]
        })
        .collect();
    let header = [
        ("stage", Align::Left),
        ("running", Align::Right),
        ("pending", Align::Right),
        ("unread", Align::Right),
        ("workers", Align::Right),
        ("queue", Align::Right),
        ("usage", Align::Left),
        ("allocation", Align::Left),
        ("budget", Align::Left),
        ("may read", Align::Right),
        ("waits for", Align::Left),
    ];
    let tasks: String = snapshot
        .stages
        .iter()
        .map(|stage| tasks(snapshot, stage))
        .collect();
    let table = table(&header, &rows);
    format!("{table}{tasks}{}{}", pace(snapshot), shards(snapshot))
}

/// `task 3.0 of NAME waits for order for 2.5 s, held by task 2.0 of NAME`.
fn tasks(snapshot: &RunSnapshot, stage: &StageSnapshot) -> String {
    let waits = stage.view.tasks_waiting.iter().flatten();
    let long = waits.filter(|wait| snapshot.task_lasts(wait) >= TASK_WAIT_LEAST);
    long.map(|wait| {
        let lasts = duration(snapshot.task_lasts(wait).as_secs_f64());
        let held = match snapshot.task_holder(wait) {
            Some((stage, Some(place))) => {
                format!(", held by task {} of {}", task_name(place), cut(stage))
            }
            Some((stage, None)) => format!(", held by {}", cut(stage)),
            None => String::new(),
        };
        let (task, stage) = (task_name(wait.place), name(stage));
        let reason = snapshot.reason(wait.reason);
        format!("task {task} of {stage} waits for {reason} for {lasts}{held}\n")
    })
    .collect()
}

/// What the stages did in all, for the end of a run.
pub(crate) fn totals(snapshot: &RunSnapshot) -> String {
    let rows: Vec<Vec<String>> = snapshot
        .stages
        .iter()
        .map(|stage| {
            let did = &stage.view.metrics;
            vec![
                name(stage),
                count(did.tasks_submitted),
                count(did.tasks_finished),
                count(did.tasks_failed),
                count(did.blocks_out),
                ByteCount(did.bytes_out).to_string(),
                duration(did.task_completion.as_secs_f64()),
                duration(did.task_completion_excl_backpressure.as_secs_f64()),
                duration(did.task_scheduling.as_secs_f64()),
                duration(did.submission_backpressure.as_secs_f64()),
                duration(did.task_output_backpressure.as_secs_f64()),
            ]
        })
        .collect();
    let header = [
        ("stage", Align::Left),
        ("submitted", Align::Right),
        ("finished", Align::Right),
        ("failed", Align::Right),
        ("blocks", Align::Right),
        ("bytes", Align::Right),
        ("completion", Align::Right),
        ("less backpressure", Align::Right),
        ("scheduling", Align::Right),
        ("submission held", Align::Right),
        ("output held", Align::Right),
    ];
    format!(
        "{}{}{}",
        table(&header, &rows),
        pace(snapshot),
        shards(snapshot)
    )
}

fn name(stage: &StageSnapshot) -> String {
    cut(&stage.name)
}

fn cut(name: &str) -> String {
    if name.chars().count() <= NAME_CHARS {
        return name.to_owned();
    }
    let cut: String = name.chars().take(NAME_CHARS - 3).collect();
    format!("{}...", cut.trim_end_matches([' ', '>']))
}

/// `cpu 1.5, blocks 3.0 MiB`; what the run has none of is left out.
fn amounts(snapshot: &RunSnapshot, of: Resources) -> String {
    let parts: Vec<String> = snapshot
        .resources()
        .map(|resource| {
            format!(
                "{} {}",
                snapshot.resource_name(resource),
                amount(of, resource)
            )
        })
        .collect();
    parts.join(", ")
}

fn amount(of: Resources, resource: Resource) -> String {
    let amount = of[resource];
    let sign = if amount < 0 { "-" } else { "" };
    match resource {
        _ if amount >= Resources::UNBOUNDED / 2 => "any".to_owned(),
        Resource::MEMORY | Resource::BLOCKS => {
            format!("{sign}{}", ByteCount(amount.unsigned_abs()))
        }
        _ => (amount as f64 / 1000.0).to_string(),
    }
}

fn wait(snapshot: &RunSnapshot, stage: &StageSnapshot) -> String {
    let Some(wait) = &stage.view.wait else {
        return "-".to_owned();
    };
    let lasts = duration(snapshot.lasts(wait).as_secs_f64());
    let held = match snapshot.holder(wait) {
        Some(holder) if holder != stage.name => format!(", held by {holder}"),
        _ => String::new(),
    };
    format!("{} for {lasts}{held}", snapshot.reason(wait.reason))
}

fn shards(snapshot: &RunSnapshot) -> String {
    let memory = &snapshot.memory;
    if memory.shards == 0 {
        return String::new();
    }
    format!(
        "fingerprints: {} in {} actors, {} here\n",
        ByteCount(memory.sharded),
        memory.shards,
        ByteCount(memory.fingerprints)
    )
}

fn pace(snapshot: &RunSnapshot) -> String {
    let pace = &snapshot.pace;
    let (busy, blocked) = (pace.busy.as_secs_f64(), pace.blocked.as_secs_f64());
    format!(
        "scheduling loop: {} events, busy {}, blocked {} ({:.1} % busy), longest step {:.3} ms\n",
        count(pace.events),
        duration(busy),
        duration(blocked),
        busy * 100.0 / (busy + blocked).max(1e-9),
        pace.longest_step.as_secs_f64() * 1e3,
    )
}
