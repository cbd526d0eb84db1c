//! Odd inputs and what Data-Juicer 1.6.1 makes of them, as recorded from it:
//! random texts of what tends to be treated differently (white space of all
//! kinds, emoji, scripts, digits that are none), values of every type, and
//! parameters at their edges.

use serde_json::Value;
use wrasse_op::testing;

use crate::build;

const CASES: &str = include_str!("../recorded.jsonl");

#[test]
fn odd_inputs_come_out_as_of_the_original() {
    let assets = concat!(env!("CARGO_MANIFEST_DIR"), "/assets");
    let mut wrong = Vec::new();
    for line in CASES.lines() {
        let case: Value = serde_json::from_str(&line.replace("${ASSETS}", assets)).unwrap();
        let op = build(case["op"].as_str().unwrap(), &case["params"]).unwrap();
        let ran = testing::run(&op, case["input"].as_array().unwrap()).unwrap();
        let mut same = is_same(&ran.rows.into(), &case["expected"]);
        if let Some(keep) = case.get("keep") {
            same &= is_same(&ran.kept.into(), keep) && is_same(&ran.stats.into(), &case["stats"]);
        }
        if !same {
            wrong.push(line);
        }
    }
    assert!(
        wrong.is_empty(),
        "{} cases:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(CASES.lines().count() > 150);
}

/// Equal, where 1 is 1.0 and null is nothing.
fn is_same(got: &Value, want: &Value) -> bool {
    match (got, want) {
        (Value::Object(got), Value::Object(want)) => {
            let of = |map: &serde_json::Map<String, Value>, key: &String| {
                map.get(key).cloned().unwrap_or(Value::Null)
            };
            let mut keys = got.keys().chain(want.keys());
            keys.all(|key| is_same(&of(got, key), &of(want, key)))
        }
        (Value::Array(got), Value::Array(want)) => {
            got.len() == want.len() && got.iter().zip(want).all(|(got, want)| is_same(got, want))
        }
        (Value::Number(got), Value::Number(want)) => got.as_f64() == want.as_f64(),
        (got, want) => got == want,
    }
}
