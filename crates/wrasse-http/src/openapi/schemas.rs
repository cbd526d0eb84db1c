//! The schemas of what is sent and answered.

use serde_json::{Map, Value, json};

use super::{NAME, SIZE, THREADS_MAX, schema};

pub(super) fn schemas() -> Value {
    let time = || json!({ "type": ["integer", "null"], "minimum": 0 });
    let text = || json!({ "type": ["string", "null"] });
    let strings = || json!({ "type": "array", "items": { "type": "string" } });
    let seconds = || json!({ "type": ["number", "null"], "exclusiveMinimum": 0, "maximum": 1e9 });
    let flag = || json!({ "type": "boolean" });
    let count = || json!({ "type": "integer", "minimum": 0 });
    // A program's words cannot have zero bytes.
    let word = || json!({ "type": "string", "pattern": "^[^\\u0000]*$" });
    let path = || json!({ "type": ["string", "null"], "pattern": "^[^\\u0000]*$" });
    let run = json!({
        "set": strings(),
        "cwd": path(),
        "threads": { "type": ["integer", "null"], "minimum": 1, "maximum": THREADS_MAX },
        "memory": { "type": ["string", "null"], "pattern": SIZE },
        "existing": { "enum": ["resume", "restart", "refuse"] },
        "overwrite": flag(),
        "trace_dropped": flag(),
        "max_rejects": { "type": ["string", "null"], "pattern": "^[0-9]{1,15}$|^[0-9]{1,2}%$" },
        "timeout_s": seconds(),
        "log": path(),
    });
    let command = json!({
        "cwd": path(),
        "env": {
            "type": "object",
            "propertyNames": { "pattern": "^[^\\u0000=]+$" },
            "additionalProperties": word(),
        },
        "timeout_s": seconds(),
        "grace_s": seconds(),
        "log": path(),
    });
    let amount = || json!({ "type": ["number", "null"], "minimum": 0, "maximum": 1e6 });
    let ray_job = json!({
        "address": path(),
        "runtime_env": { "type": "object" },
        "metadata": {
            "type": "object",
            "propertyNames": { "pattern": "^[^\\u0000]*$" },
            "additionalProperties": word(),
        },
        "num_cpus": amount(),
        "num_gpus": amount(),
        "stall_s": seconds(),
        "timeout_s": seconds(),
        "log": path(),
    });
    let summary = json!({
        "id": schema("JobId"),
        "seq": count(),
        "title": { "type": "string" },
        "kind": { "enum": wrasse_service::Work::KINDS },
        "state": schema("State"),
        "partial": flag(),
        "held": flag(),
        "cancelling": flag(),
        "priority": { "type": "integer" },
        "attempts": count(),
        "attempts_max": count(),
        "launches": count(),
        "created_at": count(),
        "started_at": time(),
        "ended_at": time(),
        "error": text(),
    });
    let required = |properties: &Value| -> Vec<String> {
        properties
            .as_object()
            .into_iter()
            .flat_map(Map::keys)
            .cloned()
            .collect()
    };
    let mut job = summary.clone();
    job["submission"] = json!({ "type": "object" });
    job["result"] = json!({});
    json!({
        "JobId": { "type": "string", "pattern": NAME },
        "State": { "enum": ["pending", "running", "completed", "failed", "cancelled"] },
        "JobSummary": { "type": "object", "required": required(&summary), "properties": summary },
        "Job": { "type": "object", "required": required(&job), "properties": job },
        "Submission": {
            "type": "object", "required": ["work"], "additionalProperties": false,
            "properties": {
                "id": { "oneOf": [
                    { "type": "string", "pattern": "^(?!job-)[A-Za-z0-9][A-Za-z0-9._-]{0,127}$" },
                    { "type": "null" },
                ] },
                "title": { "type": ["string", "null"], "maxLength": 250 },
                "work": schema("Work"),
                "priority": { "type": "integer", "minimum": i32::MIN, "maximum": i32::MAX },
                "retry": schema("Retry"),
                "after": { "type": "array", "items": schema("JobId"), "maxItems": 1_000 },
            },
        },
        "Work": { "oneOf": [
            work("run", &run, "recipe", &json!({ "type": "string" }), "The recipe itself, YAML"),
            work("run", &run, "path", &json!({ "type": "string" }), "The file of the recipe"),
            work("command", &command, "argv", &json!({
                "type": "array", "items": word(), "minItems": 1,
                "prefixItems": [{ "type": "string", "minLength": 1 }],
            }), "The program and its arguments, as they are"),
            work("command", &command, "shell", &word(), "A line for `/bin/sh -c`"),
            work("function", &json!({ "args": {}, "timeout_s": seconds() }), "name",
                &json!({ "type": "string", "minLength": 1 }), "A function of the service's program"),
            work("ray_job", &ray_job, "entrypoint",
                &json!({ "type": "string", "pattern": "^[^\\u0000]*[^\\s\\u0000][^\\u0000]*$" }),
                "A line for the shell of the service's Ray cluster"),
        ] },
        "Retry": {
            "type": "object", "additionalProperties": false,
            "properties": {
                "attempts": { "type": "integer", "minimum": 1, "maximum": 1_000, "default": 1 },
                "delay_ms": { "type": "integer", "minimum": 0, "default": 1_000 },
                "delay_max_ms": { "type": "integer", "minimum": 0, "default": 60_000 },
            },
        },
        "Statistics": {
            "type": "object",
            "required": ["pending", "running", "completed", "failed", "cancelled", "total"],
        },
        "Queue": {
            "type": "object",
            "required": ["max_concurrent", "open", "drained", "pending", "running"],
        },
        "Transition": {
            "type": "object", "required": ["state", "at", "attempt", "launch", "error"],
            "properties": { "state": schema("State"), "at": count(), "error": text() },
        },
        "Operator": { "type": "object", "required": ["name", "kind", "summary", "params"] },
        "Finding": {
            "type": "object", "required": ["severity", "message", "line", "column", "hint"],
        },
        "Problem": {
            "type": "object", "required": ["type", "title", "status", "detail"],
            "properties": {
                "type": { "type": "string" },
                "title": { "type": "string" },
                "status": { "type": "integer" },
                "detail": { "type": "string" },
                "findings": { "type": "array", "items": schema("Finding") },
            },
        },
        "DataMateError": {
            "type": "object", "required": ["code", "message", "success"],
            "properties": { "code": { "type": "integer" }, "success": { "const": false } },
        },
        "DataMateDone": {
            "type": "object", "required": ["status", "message"],
            "properties": { "status": { "const": "Success" } },
        },
        "DataMateTask": {
            "type": "object",
            "required": ["task_id", "status", "error", "created_at", "started_at", "completed_at"],
            "properties": { "status": schema("State") },
        },
    })
}

/// One way to say what is to be done: its kind, and one key that must be there.
fn work(kind: &str, common: &Value, key: &str, of: &Value, about: &str) -> Value {
    let mut properties = common.clone();
    properties["kind"] = json!({ "const": kind });
    let mut of = of.clone();
    of["description"] = about.into();
    properties[key] = of;
    json!({
        "type": "object", "required": ["kind", key], "additionalProperties": false,
        "properties": properties,
    })
}
