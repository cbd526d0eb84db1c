//! Each operator alone: how much text it takes in a second of processor time.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use anyhow::{Context as _, Result};
use nix::sys::resource::{UsageWho, getrusage};
use serde_json::{Value, json};
use wrasse_core::{Origin, Sample};
use wrasse_op::{Common, OpSpec, Operator, Outcome};

use crate::measure::cpu_seconds;

/// Samples that are decoded ahead, outside of the time that is measured.
const BATCH: usize = 1000;

/// Measures every operator over the samples of `input`.
pub(crate) fn run(input: &Path) -> Result<Value> {
    let lines: Vec<String> = BufReader::new(File::open(input)?)
        .lines()
        .collect::<Result<_, _>>()?;
    let catalog = wrasse_ops::catalog();
    catalog.iter().map(|spec| one(spec, &lines)).collect()
}

fn one(spec: &'static OpSpec, lines: &[String]) -> Result<Value> {
    let (op, params) = build(spec)?;
    let (mut cpu_s, mut text_bytes, mut kept, mut failed) = (0.0, 0, 0_u64, 0_u64);
    for batch in lines.chunks(BATCH) {
        let mut samples = Vec::with_capacity(BATCH);
        for line in batch {
            let mut sample = Sample::from_json(line.as_str().into(), Origin::default())?;
            text_bytes += sample.text("text").map_or(0, |text| text.len());
            samples.push(sample);
        }
        let before = cpu_seconds(&getrusage(UsageWho::RUSAGE_SELF)?);
        for sample in &mut samples {
            match apply(&op, sample) {
                Ok(true) => kept += 1,
                Ok(false) => {}
                Err(_) => failed += 1,
            }
        }
        cpu_s += cpu_seconds(&getrusage(UsageWho::RUSAGE_SELF)?) - before;
    }
    Ok(json!({
        "name": spec.name,
        "kind": spec.kind.name(),
        "params": params,
        "cpu_s": cpu_s,
        "text_bytes": text_bytes,
        "kept": kept,
        "failed": failed,
    }))
}

/// The operator with its defaults; if it has to be told something, as in its
/// first example.
fn build(spec: &'static OpSpec) -> Result<(Operator, Value)> {
    let common = Common::default();
    if let Ok(op) = spec.build(&Value::Null, &common) {
        return Ok((op, json!({})));
    }
    let example = spec.examples.first().context(spec.name)?;
    let params = serde_json::from_str(example.params)?;
    Ok((spec.build(&params, &common)?, params))
}

fn apply(op: &Operator, sample: &mut Sample) -> Result<bool, wrasse_op::OpError> {
    if let Some(exchange) = op.exchange() {
        return exchange.key(sample, &mut Vec::new()).map(|()| true);
    }
    if op.fingerprint(sample)?.is_some() {
        return Ok(true);
    }
    Ok(op.apply(sample, &mut Vec::new())? != Outcome::Dropped)
}
