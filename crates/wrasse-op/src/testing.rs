//! Tests that hold for every operator, for use in the tests of any crate that
//! registers some.
//!
//! ```text
//! #[test]
//! fn operators_keep_their_promises() {
//!     wrasse_op::testing::check(my_ops::SPECS);
//! }
//! ```

use std::collections::BTreeSet;

use serde_json::{Value, json};
use wrasse_core::{Origin, Sample};

use crate::{Common, OpError, OpSpec, Operator, Outcome};

/// Checks names, documentation, parameters and examples of every operator.
///
/// # Panics
///
/// If an operator breaks a promise; the message names it.
pub fn check(specs: &[&'static OpSpec]) {
    let mut names = BTreeSet::new();
    for spec in specs {
        for name in std::iter::once(&spec.name).chain(spec.aliases) {
            assert!(names.insert(*name), "`{name}` is registered twice");
        }
        assert!(
            spec.name
                .bytes()
                .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_')),
            "`{}` is not in snake_case",
            spec.name
        );
        assert!(
            spec.summary.ends_with('.'),
            "`{}`: the summary is no sentence",
            spec.name
        );
        let typo = json!({ "no_such_parameter": 1 });
        assert!(
            spec.build(&typo, &Common::default()).is_err(),
            "`{}` swallows typos in recipes (deny_unknown_fields)",
            spec.name
        );
        documented(spec);
        examples_hold(spec);
    }
}

fn documented(spec: &OpSpec) {
    let schema = spec.schema();
    let properties = schema.get("properties").and_then(Value::as_object);
    for (name, property) in properties.into_iter().flatten() {
        assert!(
            property.get("description").is_some(),
            "`{}`: parameter `{name}` has no doc comment",
            spec.name
        );
    }
}

fn examples_hold(spec: &'static OpSpec) {
    assert!(!spec.examples.is_empty(), "`{}` has no example", spec.name);
    for example in spec.examples {
        let context = format!("`{}`, example \"{}\"", spec.name, example.about);
        let params = parse(example.params, &context);
        let op = spec
            .build(&params, &Common::default())
            .unwrap_or_else(|error| panic!("{context}: {error}"));
        let rows: Vec<Value> = example
            .input
            .iter()
            .map(|row| parse(row, &context))
            .collect();
        let want: Vec<Value> = example
            .output
            .iter()
            .map(|row| parse(row, &context))
            .collect();
        let got = run(&op, &rows).unwrap_or_else(|error| panic!("{context}: {error}"));
        assert_eq!(got.rows, want, "{context}");
    }
}

fn parse(json: &str, context: &str) -> Value {
    serde_json::from_str(json).unwrap_or_else(|error| panic!("{context}: {error}: {json}"))
}

/// What [`run`] saw.
#[derive(Debug)]
pub struct Ran {
    /// The rows that came out.
    pub rows: Vec<Value>,
    /// For each row that went in, whether it (or a piece of it) came out.
    pub kept: Vec<bool>,
    /// For each row that went in, what was measured on it, as JSON.
    pub stats: Vec<Value>,
    /// For each row that went in, its fingerprint if the operator has one.
    pub fingerprints: Vec<Option<u128>>,
}

/// Runs an operator on rows, one after the other; of duplicates the first stays.
///
/// # Errors
///
/// The first error of the operator.
///
/// # Panics
///
/// If a row is no object.
pub fn run(op: &Operator, rows: &[Value]) -> Result<Ran, OpError> {
    let mut ran = Ran {
        rows: Vec::new(),
        kept: Vec::new(),
        stats: Vec::new(),
        fingerprints: Vec::new(),
    };
    let mut seen = BTreeSet::new();
    for row in rows {
        let line = row.to_string();
        let mut sample = Sample::from_json(line.as_str().into(), Origin::default())
            .unwrap_or_else(|error| panic!("{line}: {error}"));
        let fingerprint = op.fingerprint(&mut sample)?;
        let mut out = Vec::new();
        if let Some(fingerprint) = fingerprint {
            if seen.insert(fingerprint) {
                out.push(sample.clone());
            }
        } else if op.apply(&mut sample, &mut out)? == Outcome::Kept {
            out.push(sample.clone());
        }
        ran.fingerprints.push(fingerprint);
        ran.kept.push(!out.is_empty());
        ran.stats.push(
            sample
                .stats()
                .iter()
                .map(|(name, stat)| (name.to_owned(), stat.to_json()))
                .collect(),
        );
        for sample in out {
            let mut json = Vec::new();
            sample.write_json(&mut json);
            ran.rows
                .push(serde_json::from_slice(&json).expect("a sample writes JSON"));
        }
    }
    Ok(ran)
}
