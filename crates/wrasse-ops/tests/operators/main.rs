//! The library of operators, seen from outside.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod catalog;
mod conformance;
mod datamate;
mod filters;
mod images;
mod mappers;
mod quality;
mod recorded;
mod rows;

use serde_json::{Value, json};
use wrasse_op::testing::{Ran, run};
use wrasse_op::{Common, Operator, ParamError};

/// Operator, parameters, and what goes in and comes out, pair by pair.
type Case = (
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
);

/// The operator of this name or alias.
fn build(name: &str, params: &Value) -> Result<Operator, ParamError> {
    let catalog = wrasse_ops::catalog();
    let spec = catalog.find(name).unwrap();
    spec.build(params, &Common::default())
}

/// What it makes of a sample with this text.
fn run_on(name: &str, params: &Value, text: &str) -> Ran {
    run(&build(name, params).unwrap(), &[json!({ "text": text })]).unwrap()
}
