//! A [`RunSnapshot`] as JSON: what the event log and reports hold.

use serde_json::{Map, Value, json};
use wrasse_sched::{OpView, Place, Resources, TaskWait, Wait};

use crate::metrics::amount;
use crate::{RunSnapshot, StageSnapshot, StuckSnapshot};

impl RunSnapshot {
    /// All of it. Times are in seconds, sizes in bytes, processors and devices
    /// in units; what is unbounded or unknown is null.
    pub fn json(&self) -> Value {
        let (tally, memory, pace) = (&self.tally, &self.memory, &self.pace);
        json!({
            "elapsed_s": self.elapsed_s,
            "rows": {
                "in": tally.rows_in,
                "out": tally.rows_out,
                "dropped": tally.dropped(),
                "duplicates": tally.duplicates(),
                "merged": tally.merged(),
                "rejected": tally.rejected(),
            },
            "bytes": {
                "in": tally.bytes_in,
                "out": tally.bytes_out,
                "total": self.bytes_total,
                "resumed": self.bytes_resumed,
                "fetched": self.bytes_fetched,
            },
            "threads": self.threads,
            "tasks": self.tasks,
            "blocks": self.blocks,
            "memory": {
                "resident": memory.resident,
                "workers": memory.workers,
                "limit": memory.limit,
                "blocks": memory.blocks,
                "fingerprints": memory.fingerprints,
                "sharded": memory.sharded,
                "shards": memory.shards,
                "waiting": memory.waiting,
                "spilled": memory.spilled,
            },
            "used": self.amounts(self.used),
            "limits": self.limits_json(),
            "operators": self.rows().map(|(op, did)| json!({
                "name": op.name,
                "in": did.rows_in,
                "out": did.rows_out,
                "bytes_in": did.bytes_in,
                "dropped": did.dropped,
                "duplicates": did.duplicates,
                "merged": did.merged,
                "rejected": did.rejected,
                "busy_s": did.busy_ns as f64 / 1e9,
            })).collect::<Vec<_>>(),
            "stages": self.stages.iter().map(|stage| self.stage(stage)).collect::<Vec<_>>(),
            "loop": {
                "events": pace.events,
                "busy_s": pace.busy.as_secs_f64(),
                "blocked_s": pace.blocked.as_secs_f64(),
                "longest_step_s": pace.longest_step.as_secs_f64(),
            },
            "stuck": self.stuck.as_ref().map(StuckSnapshot::json),
        })
    }

    /// A task that waits; `task` is its number in this run, null of what no task
    /// works on yet.
    pub(crate) fn task_wait(&self, wait: &TaskWait) -> Value {
        let number = |task: wrasse_sched::TaskId| task.0.to_u64();
        let mut value = place(wait.place);
        value["task"] = wait.task.map(number).into();
        value["reason"] = self.reason(wait.reason).into();
        value["lasts_s"] = self.task_lasts(wait).as_secs_f64().into();
        if let Wait::Retry(at) = wait.reason {
            value["retry_in_s"] = at.since(self.now).as_secs_f64().into();
        }
        let holder = self.task_holder(wait).map(|(stage, its)| {
            let mut holder = its.map_or_else(|| json!({}), place);
            holder["stage"] = stage.into();
            holder["task"] = wait
                .holder
                .and_then(|holder| holder.task)
                .map(number)
                .into();
            holder
        });
        value["holder"] = holder.unwrap_or_default();
        value
    }

    /// The limits as they are right now.
    pub(crate) fn limits_json(&self) -> Value {
        let mut limits = self.amounts(self.limits.resources);
        limits["blocks_in_flight"] = self.limits.blocks_in_flight.into();
        limits
    }

    fn amounts(&self, of: Resources) -> Value {
        let amounts: Map<String, Value> = self
            .resources()
            .map(|resource| {
                (
                    self.resource_name(resource).to_owned(),
                    amount(of, resource).into(),
                )
            })
            .collect();
        amounts.into()
    }

    fn stage(&self, stage: &StageSnapshot) -> Value {
        let OpView {
            queued,
            tasks_submitted,
            tasks_running,
            tasks_unread,
            workers,
            output_blocks,
            output_bytes,
            usage,
            allocation,
            budget,
            readable_bytes,
            wait,
            tasks_waiting,
            metrics,
        } = &stage.view;
        json!({
            "name": stage.name,
            "queued": queued,
            "tasks": {
                "pending": tasks_submitted,
                "running": tasks_running,
                "unread": tasks_unread,
                "submitted": metrics.tasks_submitted,
                "started": metrics.tasks_started,
                "finished": metrics.tasks_finished,
                "failed": metrics.tasks_failed,
            },
            "workers": workers.map(|(up, wanted)| json!({ "up": up, "wanted": wanted })),
            "output": { "blocks": output_blocks, "bytes": output_bytes },
            "put_out": {
                "blocks": metrics.blocks_out,
                "bytes": metrics.bytes_out,
                "rows": metrics.rows_out,
            },
            "usage": self.amounts(*usage),
            "allocation": self.amounts(*allocation),
            "budget": self.amounts(*budget),
            "readable_bytes": readable_bytes,
            "wait": wait.as_ref().map(|wait| json!({
                "reason": self.reason(wait.reason),
                "lasts_s": self.lasts(wait).as_secs_f64(),
                "holder": self.holder(wait),
            })),
            "tasks_waiting": tasks_waiting
                .iter()
                .flatten()
                .map(|wait| self.task_wait(wait))
                .collect::<Vec<_>>(),
            "inputs_bisected": metrics.inputs_bisected,
            "samples_poisonous": metrics.samples_poisonous,
            "task_completion_s": metrics.task_completion.as_secs_f64(),
            "task_completion_excl_backpressure_s":
                metrics.task_completion_excl_backpressure.as_secs_f64(),
            "task_scheduling_s": metrics.task_scheduling.as_secs_f64(),
            "task_output_backpressure_s": metrics.task_output_backpressure.as_secs_f64(),
            "task_submission_backpressure_s": metrics.submission_backpressure.as_secs_f64(),
        })
    }
}

/// Where a task's input comes from.
fn place(place: Place) -> Value {
    json!({ "split": place.split, "share": place.seq })
}

impl StuckSnapshot {
    /// All of it; times in seconds.
    pub fn json(&self) -> Value {
        json!({
            "stage": self.stage,
            "task": self.task.map(place),
            "runs_s": self.runs.map(|runs| runs.as_secs_f64()),
            "waits_for": self.waits_for,
            "holder": self.holder,
            "holder_task": self.holder_task.map(place),
            "lasts_s": self.lasts.as_secs_f64(),
            "gives_up": self.gives_up,
        })
    }
}
