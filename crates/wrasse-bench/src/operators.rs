//! Each operator alone: how much text it takes in a second of processor time.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use anyhow::{Context as _, Result};
use nix::time::{ClockId, clock_gettime};
use serde_json::{Map, Value, json};
use wrasse_core::{Origin, Sample};
use wrasse_op::{Common, OpSpec, Operator, Outcome};

/// Samples that are decoded ahead, outside of the time that is measured.
const BATCH: usize = 1000;

/// So many samples get their fingerprints at once, as in a run.
const TOGETHER: usize = 64;

/// Operators are measured for about so long, over the samples again and again.
const ENOUGH_S: f64 = 0.4;

/// After so long an operator has seen samples enough.
const LONG_S: f64 = 4.0;

/// What operators are told that with their defaults would do little, or refuse.
const PARAMS: &str = include_str!("../operators.json");

/// Measures the operators of these names, or all, over the samples of `input`.
///
/// Those that do not work on the text are left out.
pub(crate) fn run(input: &Path, names: &[&str]) -> Result<Value> {
    let mut lines: Vec<String> = BufReader::new(File::open(input)?)
        .lines()
        .collect::<Result<_, _>>()?;
    shuffle(&mut lines);
    let params: Map<String, Value> = serde_json::from_str(PARAMS)?;
    let catalog = wrasse_ops::catalog();
    let wanted = |spec: &&'static OpSpec| match names.is_empty() {
        true => works_on_text(spec.name),
        false => names.contains(&spec.name),
    };
    let specs = catalog.iter().filter(wanted);
    specs
        .map(|spec| one(spec, params.get(spec.name), &lines))
        .collect()
}

/// What is sorted by source would have the first samples stand for all.
fn shuffle(lines: &mut [String]) {
    let mut state: u64 = 1;
    for i in (1..lines.len()).rev() {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        lines.swap(i, (state >> 33) as usize % (i + 1));
    }
}

/// Whether the cost of an operator is a matter of its text.
fn works_on_text(name: &str) -> bool {
    const OTHERS: [&str; 11] = [
        "agent_dialog_normalize_mapper",
        "audio_size_filter",
        "key_value_grouper",
        "latex_figure_context_extractor_mapper",
        "latex_merge_tex_mapper",
        "naive_grouper",
        "naive_reverse_grouper",
        "random_selector",
        "suffix_filter",
        "tool_success_tagger_mapper",
        "usage_counter_mapper",
    ];
    !name.starts_with("image_") && !name.contains("_field_") && !OTHERS.contains(&name)
}

fn one(spec: &'static OpSpec, params: Option<&Value>, lines: &[String]) -> Result<Value> {
    let (op, params) = build(spec, params)?;
    let (mut cpu_s, mut text_bytes, mut n, mut kept, mut failed) = (0.0, 0, 0_u64, 0_u64, 0_u64);
    // Lists, patterns and dictionaries are read with the first sample.
    let mut is_warm = false;
    'rounds: loop {
        for batch in lines.chunks(BATCH) {
            let mut samples = Vec::with_capacity(BATCH);
            for line in batch {
                let mut sample = Sample::from_json(line.as_str().into(), Origin::default())?;
                text_bytes += sample.text("text").map_or(0, |text| text.len());
                if spec.name.ends_with("_with_uid") {
                    sample.set_value("__dj__uid", &json!(n));
                }
                n += 1;
                samples.push(sample);
            }
            if !is_warm {
                let mut first = samples[0].clone();
                drop(apply(&op, &mut first));
                is_warm = true;
            }
            let before = cpu_seconds()?;
            for samples in samples.chunks_mut(TOGETHER) {
                if let Some(prints) = op.fingerprints(samples) {
                    let n = prints.iter().filter(|print| print.is_ok()).count() as u64;
                    kept += n;
                    failed += samples.len() as u64 - n;
                    continue;
                }
                for sample in samples {
                    match apply(&op, sample) {
                        Ok(true) => kept += 1,
                        Ok(false) => {}
                        Err(_) => failed += 1,
                    }
                }
            }
            cpu_s += cpu_seconds()? - before;
            if cpu_s > LONG_S {
                break 'rounds;
            }
        }
        if cpu_s > ENOUGH_S {
            break;
        }
    }
    Ok(json!({
        "name": spec.name,
        "aliases": spec.aliases,
        "origin": spec.origin,
        "kind": spec.kind.name(),
        "params": params,
        "cpu_s": cpu_s,
        "text_bytes": text_bytes,
        "samples": n,
        "kept": kept,
        "failed": failed,
    }))
}

/// The operator as told, or with its defaults; if it has to be told something,
/// as in its first example.
fn build(spec: &'static OpSpec, params: Option<&Value>) -> Result<(Operator, Value)> {
    let common = Common::default();
    if let Some(params) = params {
        return Ok((spec.build(params, &common)?, params.clone()));
    }
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
    if op.decides_in_order() {
        return op.fingerprint(sample).map(|print| print.is_some());
    }
    Ok(op.apply(sample, &mut Vec::new())? != Outcome::Dropped)
}

/// Processor time of this thread, which is the only one that works.
fn cpu_seconds() -> Result<f64> {
    let now = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID)?;
    Ok(now.tv_sec() as f64 + now.tv_nsec() as f64 / 1e9)
}
