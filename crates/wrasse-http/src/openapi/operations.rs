//! The operations: what can be asked for, and what is answered.

use serde_json::json;

use super::{Operation, SIZE, SLOTS_MAX, THREADS_MAX, Who, operation, schema};

pub(super) fn operations() -> Vec<Operation> {
    let whole = |min: i64, max: i64| json!({ "type": "integer", "minimum": min, "maximum": max });
    let job = || schema("Job");
    let changed = |method, path, id, summary| {
        operation(method, path, id, summary)
            .gives(202, "The job, as it stands now", schema("Job"))
            .fails(&[404, 409])
    };
    vec![
        operation("get", "/health", "health", "Whether the service is there")
            .by(Who::Anyone)
            .gives(200, "It is", json!({ "type": "object", "required": ["status"] })),
        operation("get", "/ready", "ready", "Whether the service can do its work")
            .by(Who::Anyone)
            .gives(200, "It can", json!({ "type": "object", "required": ["status"] }))
            .fails(&[503]),
        operation("get", "/api/v1/openapi.json", "openapi", "This description")
            .by(Who::Anyone)
            .gives(200, "It", json!({ "type": "object" })),
        operation("get", "/metrics", "metrics", "Metrics for Prometheus")
            .gives_text("text/plain", "The metrics"),
        operation("get", "/api/v1/statistics", "statistics", "How many jobs there are")
            .gives(200, "Counts by state", schema("Statistics")),
        operation("get", "/api/v1/queue", "queue", "What may run")
            .gives(200, "The queue", schema("Queue")),
        operation("patch", "/api/v1/queue", "setQueue",
            "Change how many jobs run at once, and whether jobs start: to drain, close it and wait \
             until `drained`")
            .body(json!({
                "type": "object", "additionalProperties": false,
                "properties": {
                    "max_concurrent": { "type": ["integer", "null"], "minimum": 1, "maximum": SLOTS_MAX },
                    "open": { "type": ["boolean", "null"] },
                },
            }))
            .gives(200, "The queue now", schema("Queue")),
        operation("get", "/api/v1/events", "allEvents",
            "Changes of all jobs as they happen (server-sent events)")
            .gives_text("text/event-stream", "Events `job` and `lagged`"),
        operation("get", "/api/v1/operators", "operators", "The operators that recipes may name")
            .gives(200, "All of them", json!({
                "type": "object", "required": ["operators"],
                "properties": { "operators": { "type": "array", "items": schema("Operator") } },
            })),
        operation("get", "/api/v1/operators/{name}", "operator", "An operator")
            .gives(200, "It", schema("Operator"))
            .fails(&[404]),
        operation("post", "/api/v1/recipes/check", "check", "Check a recipe without running it")
            .by(Who::Reads)
            .body(json!({
                "type": "object", "required": ["recipe"], "additionalProperties": false,
                "properties": {
                    "recipe": { "type": "string" },
                    "set": { "type": "array", "items": { "type": "string" } },
                },
            }))
            .gives(200, "What was found", json!({
                "type": "object", "required": ["ok", "errors", "findings"],
                "properties": {
                    "ok": { "type": "boolean" },
                    "steps": { "type": ["integer", "null"] },
                    "errors": { "type": "integer" },
                    "findings": { "type": "array", "items": schema("Finding") },
                },
            })),
        operation("get", "/api/v1/jobs", "jobs", "Jobs, the latest first")
            .query("state", schema("State"), "Of this state")
            .query("kind", json!({ "type": "string", "enum": wrasse_service::Work::KINDS }), "Of this kind")
            .query("before", whole(0, i64::MAX), "Whose number (`seq`) is lower")
            .query("limit", whole(1, 1_000), "So many at the most [default: 100]")
            .gives(200, "Some; `next` is the `before` of those that follow", json!({
                "type": "object", "required": ["jobs", "next"],
                "properties": {
                    "jobs": { "type": "array", "items": schema("JobSummary") },
                    "next": { "type": ["integer", "null"] },
                },
            })),
        operation("post", "/api/v1/jobs", "submit",
            "Submit a job. The same submission under the same `id` again does nothing more")
            .body(schema("Submission"))
            .gives(201, "It is safe, and runs when its turn comes", job())
            .gives(200, "It was there already", job())
            .fails(&[409]),
        operation("get", "/api/v1/jobs/{id}", "job", "A job")
            .gives(200, "As it stands", job())
            .fails(&[404]),
        operation("patch", "/api/v1/jobs/{id}", "changeJob",
            "Give a run other resources. One that runs ends at its next commit and goes on from there")
            .body(json!({
                "type": "object", "additionalProperties": false,
                "properties": {
                    "threads": { "type": ["integer", "null"], "minimum": 1, "maximum": THREADS_MAX },
                    "memory": { "type": ["string", "null"], "pattern": SIZE },
                },
            }))
            .gives(200, "As it stands", job())
            .fails(&[404, 409]),
        operation("delete", "/api/v1/jobs/{id}", "deleteJob",
            "Forget a job that came to its end, with its logs; its output stays")
            .gives_nothing(204, "It is forgotten")
            .fails(&[404, 409]),
        changed("post", "/api/v1/jobs/{id}/cancel", "cancelJob",
            "Ask for a job's end: SIGTERM, and after a grace period SIGKILL, for all its processes"),
        changed("post", "/api/v1/jobs/{id}/hold", "holdJob",
            "Have a job rest: one that waits does not start, a command stands still, a run makes \
             room at its next commit"),
        changed("post", "/api/v1/jobs/{id}/release", "releaseJob", "Have a job that rests go on"),
        changed("post", "/api/v1/jobs/{id}/retry", "retryJob",
            "Have a job that came to its end begin again"),
        operation("get", "/api/v1/jobs/{id}/history", "history", "The way of a job")
            .gives(200, "Its states, from its submission", json!({
                "type": "object", "required": ["history"],
                "properties": { "history": { "type": "array", "items": schema("Transition") } },
            }))
            .fails(&[404]),
        operation("get", "/api/v1/jobs/{id}/wait", "wait", "Wait for a job's end")
            .query("timeout_s", json!({ "type": "number", "minimum": 0, "maximum": 60 }),
                "Answer after so many seconds in any case [default: 60]")
            .gives(200, "As it stands: at its end, or when the time is up", job())
            .fails(&[404]),
        operation("get", "/api/v1/jobs/{id}/events", "events",
            "A job as it happens (server-sent events), until its end")
            .gives_text("text/event-stream", "Events `job` and, of a run, `snapshot`")
            .fails(&[404]),
        operation("get", "/api/v1/jobs/{id}/logs", "logs",
            "What a job said. `x-log-next` is the offset of what follows")
            .query("offset", whole(i64::MIN, i64::MAX), "From this byte on; below 0, from the end")
            .query("limit", whole(1, 4 << 20), "So many bytes at the most [default: 65536]")
            .query("launch", whole(1, i64::from(u32::MAX)), "Of this launch [default: the last]")
            .gives_text("text/plain", "A piece of the log")
            .fails(&[404]),
        operation("get", "/api/v1/jobs/{id}/snapshot", "snapshot", "Where a run stands")
            .gives(200, "Progress, stages, memory", json!({ "type": "object" }))
            .fails(&[404]),
        operation("get", "/api/v1/jobs/{id}/rejects", "rejects", "What a run could not process")
            .query("offset", whole(0, i64::from(u32::MAX)), "From this one on")
            .query("limit", whole(1, 1_000), "So many at the most [default: 20]")
            .gives(200, "Some; `next` is the `offset` of those that follow", json!({
                "type": "object", "required": ["rejects", "next"],
                "properties": {
                    "rejects": { "type": "array" },
                    "next": { "type": ["integer", "null"] },
                },
            }))
            .fails(&[404]),
        operation("get", "/api/v1/jobs/{id}/report", "report", "What came of a run")
            .gives(200, "Its report", json!({ "type": "object" }))
            .fails(&[404]),
        operation("get", "/api/v1/jobs/{id}/page", "reportPage", "The same, as a page")
            .gives_text("text/html", "The page")
            .fails(&[404]),
        operation("post", "/api/task/{id}/submit", "datamateSubmit",
            "DataMate: run `<flows>/<id>/process.yaml`")
            .gives(200, "It is safe, and runs when its turn comes", schema("DataMateDone"))
            .fails(&[404, 409, 422]),
        operation("get", "/api/task/{id}/status", "datamateStatus", "DataMate: a task")
            .gives(200, "As it stands", schema("DataMateTask"))
            .gives(404, "There is none", json!({
                "type": "object", "required": ["status", "message"],
                "properties": { "status": { "const": "NOT_FOUND" } },
            })),
        operation("post", "/api/task/{id}/stop", "datamateStop", "DataMate: end a task")
            .gives(200, "It ends", schema("DataMateDone"))
            .fails(&[404]),
        operation("post", "/api/task/list", "datamateList", "DataMate: several tasks")
            .by(Who::Reads)
            .body(json!({
                "type": "object", "required": ["task_ids"],
                "properties": {
                    "task_ids": { "type": "array", "items": { "type": "string" }, "maxItems": 10_000 },
                },
            }))
            .gives(200, "An object each, from its name to the task or null", json!({
                "type": "array",
                "items": {
                    "type": "object",
                    "additionalProperties": {
                        "oneOf": [schema("DataMateTask"), { "type": "null" }],
                    },
                },
            })),
    ]
}
