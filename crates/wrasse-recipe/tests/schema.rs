//! The JSON schema for editors: what it says, and that it says the same as the
//! check.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[expect(dead_code, reason = "shared by several tests")]
mod support;

use serde_json::{Value, json};
use wrasse_recipe::{Catalog, KEYS, schema};

use support::{catalog, checked};

/// Recipes as JSON, which is YAML too, so that both sides read the same text.
fn recipes() -> Vec<(bool, Value)> {
    let with = |step: Value| json!({ "dataset_path": "a.jsonl", "process": [step] });
    vec![
        (
            true,
            json!({ "dataset_path": "a.jsonl", "export_path": "b.jsonl" }),
        ),
        (
            true,
            json!({ "dataset_path": ["a", "b"], "np": 4, "use_cache": false, "text_keys": ["a"] }),
        ),
        (
            true,
            json!({ "dataset": { "configs": [{ "type": "local", "path": "a", "weight": 0.5 }], "max_sample_num": 5 } }),
        ),
        (
            true,
            json!({ "dataset": [{ "path": ["a", "b"] }], "memory": "1.5 GiB", "max_rejects": "5%" }),
        ),
        (
            true,
            json!({ "dataset_path": "a", "rejects": { "path": "r", "max": 5 }, "trace_dropped": true, "report": "r.html", "threads": null }),
        ),
        (true, with(json!("trim_mapper"))),
        (true, with(json!({ "trim_mapper": null }))),
        (
            true,
            with(
                json!({ "LengthOp": { "min_len": 5, "max_len": null, "num_proc": 3, "text_key": "x" } }),
            ),
        ),
        (
            true,
            with(
                json!({ "replace_mapper": { "pattern": ["a"], "mode": "all", "ranges": [{ "min": 1, "max": 2 }] } }),
            ),
        ),
        (false, json!({ "export_path": "b.jsonl" })),
        (false, json!({ "dataset_path": "a.jsonl", "npp": 4 })),
        (false, json!({ "dataset_path": "a.jsonl", "np": 0 })),
        (false, json!({ "dataset_path": "a.jsonl", "np": "4" })),
        (
            false,
            json!({ "dataset_path": "a.jsonl", "memory": "5 parsecs" }),
        ),
        (
            false,
            json!({ "dataset_path": "a.jsonl", "max_rejects": "many" }),
        ),
        (
            false,
            json!({ "dataset_path": "a.jsonl", "rejects": { "mxa": 1 } }),
        ),
        (
            false,
            json!({ "dataset_path": "a.jsonl", "process": { "trim_mapper": {} } }),
        ),
        (false, with(json!("trimmer"))),
        (false, with(json!({ "trimmer": {} }))),
        (
            false,
            with(json!({ "trim_mapper": {}, "length_filter": {} })),
        ),
        (false, with(json!({}))),
        (false, with(json!({ "trim_mapper": { "zzz": 1 } }))),
        (false, with(json!({ "length_filter": { "min_len": "5" } }))),
        (
            false,
            with(json!({ "length_filter": { "reversed_range": "maybe" } })),
        ),
        (false, with(json!({ "replace_mapper": {} }))),
        (
            false,
            with(json!({ "replace_mapper": { "pattern": "x", "mode": "some" } })),
        ),
        (
            false,
            with(
                json!({ "replace_mapper": { "pattern": "x", "ranges": [{ "min": -1, "max": 2 }] } }),
            ),
        ),
    ]
}

#[test]
fn the_schema_and_the_check_agree() {
    let schema = schema(&catalog());
    for (good, recipe) in recipes() {
        assert_eq!(
            checked(&recipe.to_string()).recipe.is_some(),
            good,
            "check: {recipe}"
        );
        assert_eq!(allows(&schema, &schema, &recipe), good, "schema: {recipe}");
    }
}

#[test]
fn names_that_may_be_those_of_operators_in_python_are_no_errors_in_an_editor() {
    let schema = schema(&catalog());
    let with = |step: Value| json!({ "dataset_path": "a.jsonl", "process": [step] });
    for name in ["nlpaug_en_mapper", "CountLines", "./ops.py:f"] {
        let steps = [
            json!(name),
            json!({ name: null }),
            json!({ name: { "num_proc": 2, "x": 1 } }),
        ];
        for step in steps {
            assert!(allows(&schema, &schema, &with(step)), "{name}");
        }
        assert!(
            !allows(&schema, &schema, &with(json!({ name: 5 }))),
            "{name}"
        );
    }
    for name in ["trimmer", "count_lines", "9"] {
        assert!(
            !allows(&schema, &schema, &with(json!({ name: null }))),
            "{name}"
        );
    }
}

#[test]
fn every_key_operator_and_parameter_is_described() {
    let schema = schema(&catalog());
    for key in KEYS {
        let about = schema["properties"][key.name]["description"].as_str();
        assert!(
            about.is_some_and(|about| about.ends_with('.')),
            "{}: {about:?}",
            key.name
        );
    }
    for spec in catalog().iter() {
        let params = &schema["$defs"][spec.name];
        assert!(
            params["description"]
                .as_str()
                .unwrap()
                .starts_with(spec.summary)
        );
        for (name, param) in params["properties"].as_object().unwrap() {
            assert!(param.get("description").is_some(), "{}.{name}", spec.name);
        }
    }
    let min_len = &schema["$defs"]["length_filter"]["properties"]["min_len"];
    assert_eq!(min_len["default"], 10);
}

#[test]
fn references_lead_somewhere() {
    for catalog in [catalog(), wrasse_ops::catalog()] {
        let schema = schema(&catalog);
        let mut references = Vec::new();
        collect(&schema, "$ref", &mut references);
        assert!(references.len() >= catalog.iter().count());
        for reference in references {
            let pointer = reference.as_str().unwrap().strip_prefix('#').unwrap();
            assert!(schema.pointer(pointer).is_some(), "{reference}");
        }
        let mut ours = Vec::new();
        collect(&schema, "x-expected", &mut ours);
        assert!(ours.is_empty());
    }
}

/// No operator of the library may clash with what this crate takes for granted.
#[test]
fn the_library_can_be_used_in_recipes() {
    let library: Catalog = wrasse_ops::catalog();
    for spec in library.iter() {
        for example in spec.examples {
            let params: Value = serde_json::from_str(example.params).unwrap();
            let recipe = json!({ "dataset_path": "a", "process": [{ spec.name: params }] });
            let source = wrasse_recipe::Source::new("recipe.yaml", recipe.to_string().as_bytes());
            let checked = wrasse_recipe::check(&source, &library);
            let step = checked
                .recipe
                .map(|recipe| recipe.steps.into_iter().next().unwrap().params);
            assert_eq!(
                step,
                Some(params),
                "{}: {:?}",
                spec.name,
                checked.diagnostics
            );
            assert!(
                allows(&schema(&library), &schema(&library), &recipe),
                "{recipe}"
            );
        }
    }
}

fn collect<'s>(value: &'s Value, key: &str, found: &mut Vec<&'s Value>) {
    match value {
        Value::Object(object) => {
            found.extend(object.get(key));
            object.values().for_each(|value| collect(value, key, found));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, key, found)),
        _ => {}
    }
}

/// As much of JSON Schema as ours uses; panics at any other keyword, so that
/// none goes unchecked.
fn allows(schema: &Value, root: &Value, value: &Value) -> bool {
    let Value::Object(keywords) = schema else {
        return schema != &Value::Bool(false);
    };
    let inner = |schema: &Value, value: &Value| allows(schema, root, value);
    let some = |list: &Value| {
        list.as_array()
            .unwrap()
            .iter()
            .filter(|one| inner(one, value))
            .count()
    };
    let object = value.as_object();
    keywords
        .iter()
        .all(|(keyword, expected)| match keyword.as_str() {
            "$schema" | "title" | "description" | "default" | "deprecated" | "format" | "$defs" => {
                true
            }
            "$ref" => inner(
                root.pointer(&expected.as_str().unwrap()[1..]).unwrap(),
                value,
            ),
            "type" => match expected {
                Value::Array(kinds) => kinds.iter().any(|kind| is(kind, value)),
                kind => is(kind, value),
            },
            "enum" => expected.as_array().unwrap().contains(value),
            "const" => expected == value,
            "anyOf" => some(expected) > 0,
            "oneOf" => some(expected) == 1,
            "items" => value
                .as_array()
                .is_none_or(|items| items.iter().all(|item| inner(expected, item))),
            "prefixItems" => value.as_array().is_none_or(|items| {
                let schemas = expected.as_array().unwrap();
                let pairs = items.iter().zip(schemas);
                pairs.into_iter().all(|(item, schema)| inner(schema, item))
            }),
            "minimum" => value
                .as_f64()
                .is_none_or(|number| number >= expected.as_f64().unwrap()),
            "maximum" => value
                .as_f64()
                .is_none_or(|number| number <= expected.as_f64().unwrap()),
            "minItems" => value
                .as_array()
                .is_none_or(|items| items.len() as u64 >= expected.as_u64().unwrap()),
            "maxItems" => value
                .as_array()
                .is_none_or(|items| items.len() as u64 <= expected.as_u64().unwrap()),
            "pattern" => value
                .as_str()
                .is_none_or(|text| matches(expected.as_str().unwrap(), text)),
            "required" => {
                let names = expected.as_array().unwrap();
                object.is_none_or(|object| {
                    names
                        .iter()
                        .all(|name| object.contains_key(name.as_str().unwrap()))
                })
            }
            "minProperties" => {
                object.is_none_or(|object| object.len() as u64 >= expected.as_u64().unwrap())
            }
            "propertyNames" => object.is_none_or(|object| {
                let mut names = object.keys();
                names.all(|name| inner(expected, &json!(name)))
            }),
            "maxProperties" => {
                object.is_none_or(|object| object.len() as u64 <= expected.as_u64().unwrap())
            }
            "properties" => object.is_none_or(|object| {
                let known = object
                    .iter()
                    .filter_map(|(name, value)| Some((expected.get(name)?, value)));
                known
                    .into_iter()
                    .all(|(schema, value)| inner(schema, value))
            }),
            "patternProperties" => object.is_none_or(|object| {
                expected
                    .as_object()
                    .unwrap()
                    .iter()
                    .all(|(pattern, schema)| {
                        let mut matching = object.iter().filter(|(name, _)| matches(pattern, name));
                        matching.all(|(_, value)| inner(schema, value))
                    })
            }),
            "additionalProperties" => object.is_none_or(|object| {
                let known = |name: &str| {
                    let listed = keywords.get("properties");
                    let matching = keywords.get("patternProperties").and_then(Value::as_object);
                    listed.is_some_and(|known| known.get(name).is_some())
                        || matching.is_some_and(|all| all.keys().any(|one| matches(one, name)))
                };
                object
                    .iter()
                    .all(|(name, value)| known(name) || inner(expected, value))
            }),
            other => panic!("an unknown keyword: {other}"),
        })
}

fn is(kind: &Value, value: &Value) -> bool {
    match kind.as_str().unwrap() {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("an unknown type: {other}"),
    }
}

fn matches(pattern: &str, text: &str) -> bool {
    regex::Regex::new(pattern).unwrap().is_match(text)
}
