//! The description of the interface, as OpenAPI 3.1 has it.
//!
//! It is written by hand beside the handlers, and tested by calling every route
//! with what it allows and what it does not.

mod operations;
mod schemas;

use serde_json::{Map, Value, json};

use self::operations::operations;
use self::schemas::schemas;

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
