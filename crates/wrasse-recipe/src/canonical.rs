//! [`Canonical`]: what of a recipe decides the bytes of its result.

use std::fmt;

use serde_json::{Map, Number, Value, json};
use wrasse_op::{COMMON_PARAMS, Effect, POOL_PARAMS};
use xxhash_rust::xxh3::xxh3_128;

use crate::{Input, Recipe, Step};

/// What of a recipe decides the bytes of its result, in one form for all ways
/// to write it.
///
/// Inputs, steps with every parameter (defaults filled in, so that a release
/// that changes a default changes the form), output and limits are in it; the
/// name, threads, memory, rejects, traces, reports, splits and the run
/// directory are not. The versions of the operators' code are not either.
#[derive(Clone, Debug, PartialEq)]
pub struct Canonical(Value);

/// Raised when the same recipe gets another form.
const VERSION: u32 = 1;

impl Recipe {
    /// Its canonical form.
    pub fn canonical(&self) -> Canonical {
        let steps: Vec<Value> = self.steps.iter().map(step).collect();
        let mut form = json!({
            "version": VERSION,
            "input": input(&self.input),
            "limit": self.settings.limit,
            "max_row_bytes": self.settings.max_row_bytes.map(|size| size.0),
            "text_keys": self.text_keys,
            "process": steps,
            "output": {
                "path": self.output.path,
                "format": self.output.format,
                "shard_bytes": self.output.shard_bytes.map(|size| size.0),
                "keep_stats": self.output.keep_stats,
                "keep_hashes": self.output.keep_hashes,
            },
        });
        if let Some(task) = &self.task {
            form["task"] = Value::Object(task.fields.clone());
        }
        Canonical(normal(form))
    }
}

impl Canonical {
    /// Reads a form that was kept, such as in a manifest.
    pub fn from_json(json: Value) -> Self {
        Self(normal(json))
    }

    /// The form as JSON, with sorted keys.
    pub fn json(&self) -> &Value {
        &self.0
    }

    /// A hash of the form: XXH3, 128 bits, as 32 hexadecimal digits. It tells
    /// recipes apart; it does not guard against forgery.
    pub fn hash(&self) -> String {
        format!("{:032x}", xxh3_128(self.to_string().as_bytes()))
    }
}

impl fmt::Display for Canonical {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// What changed from `old` to `new`, a line for each change; empty if nothing
/// did.
pub fn diff(old: &Canonical, new: &Canonical) -> Vec<String> {
    let mut lines = Vec::new();
    compare("", &old.0, &new.0, &mut lines);
    lines
}

fn input(input: &Input) -> Value {
    let entries: Vec<Value> = input
        .entries
        .iter()
        .map(|entry| {
            json!({
                "path": entry.path,
                "weight": entry.weight,
                "format": entry.format,
                "limit": entry.limit,
            })
        })
        .collect();
    json!({ "entries": entries, "suffixes": input.suffixes, "samples_max": input.samples_max })
}

fn step(step: &Step) -> Value {
    let mut params: Map<String, Value> = Map::new();
    let schema = step.spec.schema().to_value();
    let properties = schema.get("properties").and_then(Value::as_object);
    for (name, property) in properties.into_iter().flatten() {
        params.insert(
            name.clone(),
            property.get("default").cloned().unwrap_or_default(),
        );
    }
    for param in COMMON_PARAMS
        .iter()
        .filter(|param| param.effect == Effect::Used)
    {
        let default = match param.name {
            "text_key" => step.operator.common().text_key.clone().into(),
            name => Value::Bool(matches!(
                name,
                "min_closed_interval" | "max_closed_interval"
            )),
        };
        params.insert(param.name.to_owned(), default);
    }
    for (name, value) in step.params.as_object().into_iter().flatten() {
        let is_common = |effect: fn(Effect) -> bool| {
            COMMON_PARAMS
                .iter()
                .any(|param| param.name == name && effect(param.effect))
        };
        let ignored = is_common(|effect| effect != Effect::Used);
        let default = value.is_null() && is_common(|effect| effect == Effect::Used);
        if !ignored && !default {
            params.insert(name.clone(), value.clone());
        }
    }
    if let Some(outside) = step.operator.runs_outside() {
        params.insert("code".to_owned(), outside.code.clone().into());
        params.retain(|name, _| !is_of_workers(name));
    }
    json!({ step.spec.name: params })
}

/// Whether a parameter says how an operator runs, and not what it does. (What
/// comes in one batch may decide what an operator of batches does.)
fn is_of_workers(name: &str) -> bool {
    let is_batch = matches!(name, "batch_size" | "batch_bytes");
    !is_batch && POOL_PARAMS.iter().any(|param| param.names.contains(&name))
}

/// Sorts keys, leaves out nulls, and gives equal numbers one form.
fn normal(value: Value) -> Value {
    match value {
        Value::Object(object) => {
            let mut entries: Vec<(String, Value)> = object
                .into_iter()
                .map(|(key, value)| (key, normal(value)))
                .filter(|(_, value)| !value.is_null())
                .collect();
            entries.sort_by(|(one, _), (other, _)| one.cmp(other));
            Value::Object(entries.into_iter().collect())
        }
        Value::Array(items) => items.into_iter().map(normal).collect(),
        Value::Number(number) => Value::Number(whole(&number).unwrap_or(number)),
        other => other,
    }
}

/// The whole number that a float is.
fn whole(number: &Number) -> Option<Number> {
    let float = number.as_f64().filter(|_| number.is_f64())?;
    (float.fract() == 0.0 && float.abs() < 2f64.powi(53)).then(|| Number::from(float as i64))
}

fn compare(path: &str, old: &Value, new: &Value, lines: &mut Vec<String>) {
    match (old, new) {
        (old, new) if old == new => {}
        (Value::Object(old), Value::Object(new)) => {
            for (key, value) in old {
                compare(
                    &join(path, key),
                    value,
                    new.get(key).unwrap_or(&Value::Null),
                    lines,
                );
            }
            for (key, value) in new.iter().filter(|(key, _)| !old.contains_key(*key)) {
                compare(&join(path, key), &Value::Null, value, lines);
            }
        }
        (Value::Array(old), Value::Array(new)) => lists(path, old, new, lines),
        (Value::Null, new) => lines.push(format!("{path}: {new} was added")),
        (old, Value::Null) => lines.push(format!("{path}: {old} was removed")),
        (old, new) => lines.push(format!("{path}: {old} became {new}")),
    }
}

/// Items that stayed, at both ends, are left out. What lies between is compared
/// one by one if it is the same steps, else listed.
fn lists(path: &str, old: &[Value], new: &[Value], lines: &mut Vec<String>) {
    let start = old
        .iter()
        .zip(new)
        .take_while(|(old, new)| old == new)
        .count();
    let (old_rest, new_rest) = (&old[start..], &new[start..]);
    let pairs = old_rest.iter().rev().zip(new_rest.iter().rev());
    let end = pairs.take_while(|(old, new)| old == new).count();
    let old_rest = &old_rest[..old_rest.len() - end];
    let new_rest = &new_rest[..new_rest.len() - end];
    let same_steps = old_rest.len() == new_rest.len()
        && old_rest
            .iter()
            .zip(new_rest)
            .all(|(old, new)| label(old) == label(new));
    if same_steps {
        for (i, (old, new)) in old_rest.iter().zip(new_rest).enumerate() {
            compare(&format!("{path}.{}", start + i), old, new, lines);
        }
        return;
    }
    for (i, item) in old_rest.iter().enumerate() {
        lines.push(format!("{path}.{}: {} was removed", start + i, label(item)));
    }
    for (i, item) in new_rest.iter().enumerate() {
        lines.push(format!("{path}.{}: {} was added", start + i, label(item)));
    }
}

/// What an item is known by: the operator of a step, the path of an input.
fn label(item: &Value) -> String {
    let object = item.as_object();
    if let Some(path) = item.get("path") {
        return path.to_string();
    }
    match object.and_then(|object| object.keys().next()) {
        Some(operator) => format!("`{operator}`"),
        None => item.to_string(),
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}
