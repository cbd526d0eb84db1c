//! The description of the interface, as OpenAPI 3.1 has it.
//!
//! It is written by hand beside the handlers, and tested by calling every route
//! with what it allows and what it does not.

use serde_json::{Map, Value, json};

/// More processes at once than any machine is good for.
pub(crate) const SLOTS_MAX: usize = 10_000;
/// More threads than any machine has.
pub(crate) const THREADS_MAX: u32 = 4_096;

const SIZE: &str = "^[1-9][0-9]{0,3}(KiB|MiB|GiB|TiB)$";
const NAME: &str = "^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$";

/// Whether a text is a size as [`SIZE`] has it.
pub(crate) fn is_size(text: &str) -> bool {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    (1..=4).contains(&digits)
        && !number.starts_with('0')
        && ["KiB", "MiB", "GiB", "TiB"].contains(&unit)
}

/// Who may call it.
#[derive(Clone, Copy, PartialEq)]
enum Who {
    Anyone,
    Reads,
    Operates,
}

/// An operation, and what it answers.
struct Operation {
    path: &'static str,
    method: &'static str,
    id: &'static str,
    summary: &'static str,
    who: Who,
    query: Vec<Value>,
    body: Option<Value>,
    answers: Vec<(u16, Value)>,
    errors: Vec<u16>,
}

fn operation(
    method: &'static str,
    path: &'static str,
    id: &'static str,
    summary: &'static str,
) -> Operation {
    Operation {
        path,
        method,
        id,
        summary,
        who: if method == "get" {
            Who::Reads
        } else {
            Who::Operates
        },
        query: Vec::new(),
        body: None,
        answers: Vec::new(),
        errors: Vec::new(),
    }
}

impl Operation {
    fn by(mut self, who: Who) -> Self {
        self.who = who;
        self
    }

    fn query(mut self, name: &str, schema: Value, about: &str) -> Self {
        self.query.push(json!({
            "name": name, "in": "query", "schema": schema, "description": about,
        }));
        self
    }

    fn body(mut self, schema: Value) -> Self {
        self.body = Some(schema);
        self
    }

    fn gives(mut self, status: u16, about: &str, schema: Value) -> Self {
        let content = json!({ "application/json": { "schema": schema } });
        self.answers
            .push((status, json!({ "description": about, "content": content })));
        self
    }

    fn gives_text(mut self, kind: &str, about: &str) -> Self {
        let content = json!({ kind: { "schema": { "type": "string" } } });
        self.answers
            .push((200, json!({ "description": about, "content": content })));
        self
    }

    fn gives_nothing(mut self, status: u16, about: &str) -> Self {
        self.answers.push((status, json!({ "description": about })));
        self
    }

    fn fails(mut self, errors: &[u16]) -> Self {
        self.errors.extend(errors);
        self
    }

    fn is_datamates(&self) -> bool {
        self.path.starts_with("/api/task")
    }

    fn json(&self) -> Value {
        let mut parameters = self.query.clone();
        for name in self
            .path
            .split('/')
            .filter_map(|part| part.strip_prefix('{'))
        {
            let name = name.trim_end_matches('}');
            let pattern = if name == "id" {
                NAME
            } else {
                "^[a-z0-9_]{1,100}$"
            };
            parameters.push(json!({
                "name": name, "in": "path", "required": true,
                "schema": { "type": "string", "pattern": pattern },
            }));
        }
        let mut errors = vec![400, 429];
        if self.who != Who::Anyone {
            errors.extend([401, 403, 503]);
        }
        if self.body.is_some() {
            errors.extend([413, 415, 422]);
        }
        errors.extend(&self.errors);
        let mut answers = Map::new();
        for (status, answer) in &self.answers {
            answers.insert(status.to_string(), answer.clone());
        }
        errors.sort_unstable();
        errors.dedup();
        for status in errors {
            let is_ours = matches!(status, 401 | 403 | 429);
            let name = match (self.is_datamates() && !is_ours, status) {
                (true, _) => "DataMateError",
                (false, _) => "Problem",
            };
            answers
                .entry(status.to_string())
                .or_insert_with(|| json!({ "$ref": format!("#/components/responses/{name}") }));
        }
        let mut operation = json!({
            "operationId": self.id,
            "summary": self.summary,
            "parameters": parameters,
            "responses": answers,
            "security": match self.who {
                Who::Anyone => json!([]),
                _ => json!([{}, { "token": [] }]),
            },
        });
        if let Some(body) = &self.body {
            operation["requestBody"] = json!({
                "required": true,
                "content": { "application/json": { "schema": body } },
            });
        }
        operation
    }
}

fn schema(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// The whole description.
pub fn document() -> Value {
    let mut paths = Map::new();
    for operation in operations() {
        let path = paths
            .entry(operation.path)
            .or_insert_with(|| Value::Object(Map::new()));
        path[operation.method] = operation.json();
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Wrasse task service",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Jobs that survive a restart: runs of recipes, commands, functions, \
                jobs of a Ray cluster. \
                Times are milliseconds since 1970.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "paths": paths,
        "components": {
            "schemas": schemas(),
            "responses": {
                "Problem": {
                    "description": "It was not done; `detail` says why",
                    "content": { "application/problem+json": { "schema": schema("Problem") } },
                },
                "DataMateError": {
                    "description": "It was not done; `message` says why",
                    "content": {
                        "application/json": { "schema": schema("DataMateError") },
                        "application/problem+json": { "schema": schema("Problem") },
                    },
                },
            },
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } },
        },
    })
}

fn operations() -> Vec<Operation> {
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

fn schemas() -> Value {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_as_the_pattern_says() {
        for good in ["1KiB", "512MiB", "9999TiB"] {
            assert!(is_size(good), "{good}");
        }
        for bad in [
            "", "0MiB", "01MiB", "12345MiB", "5", "MiB", "5 MiB", "5MB", "5MiB ",
        ] {
            assert!(!is_size(bad), "{bad}");
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        fn references(value: &Value, found: &mut Vec<String>) {
            match value {
                Value::Object(map) => {
                    found.extend(map.get("$ref").and_then(Value::as_str).map(str::to_owned));
                    map.values().for_each(|one| references(one, found));
                }
                Value::Array(list) => list.iter().for_each(|one| references(one, found)),
                _ => {}
            }
        }
        let document = document();
        let mut found = Vec::new();
        references(&document, &mut found);
        assert!(found.len() > 50);
        for reference in found {
            let pointer = reference.trim_start_matches('#');
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
    }
}
