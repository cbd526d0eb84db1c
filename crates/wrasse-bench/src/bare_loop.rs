//! The bare loop: the operators of a recipe over the lines of a file, and no
//! engine. What an engine costs is what it takes longer than this.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use wrasse_core::{Origin, Sample, SharedStr};
use wrasse_op::{Fingerprint, OpKind, Operator, Outcome};
use wrasse_recipe::{Recipe, Source, check};

const BUFFER_BYTES: usize = 1 << 20;

/// Runs the steps of `recipe` over the lines of `input`.
pub(crate) fn run(recipe: &str, input: &Path, output: &Path) -> Result<Value> {
    let recipe = load(recipe)?;
    let operators: Vec<Operator> = recipe.steps.into_iter().map(|step| step.operator).collect();
    if operators.iter().any(|op| op.spec().kind == OpKind::Slicer) {
        bail!("the bare loop cannot slice");
    }
    let mut seen: Vec<HashSet<Fingerprint>> = operators.iter().map(|_| HashSet::new()).collect();
    let mut reader = BufReader::with_capacity(BUFFER_BYTES, File::open(input)?);
    let mut writer = BufWriter::with_capacity(BUFFER_BYTES, File::create(output)?);
    let (mut rows_in, mut rows_out) = (0_u64, 0_u64);
    let mut json = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            break;
        }
        if line.ends_with('\n') {
            line.pop();
        }
        rows_in += 1;
        let mut sample = Sample::from_json(SharedStr::new(line), Origin::default())
            .with_context(|| format!("line {rows_in}"))?;
        if passes(&operators, &mut seen, &mut sample).with_context(|| format!("line {rows_in}"))? {
            json.clear();
            sample.write_json(&mut json);
            json.push(b'\n');
            writer.write_all(&json)?;
            rows_out += 1;
        }
    }
    writer.flush()?;
    Ok(json!({ "rows_in": rows_in, "rows_out": rows_out }))
}

fn passes(
    operators: &[Operator],
    seen: &mut [HashSet<Fingerprint>],
    sample: &mut Sample,
) -> Result<bool> {
    for (op, seen) in operators.iter().zip(seen) {
        if op.decides_in_order() {
            if let Some(fingerprint) = op.fingerprint(sample)?
                && !seen.insert(fingerprint)
            {
                return Ok(false);
            }
        } else if op.apply(sample, &mut Vec::new())? == Outcome::Dropped {
            return Ok(false);
        }
    }
    Ok(true)
}

fn load(path: &str) -> Result<Recipe> {
    let source = Source::new(path, &std::fs::read(path).context(path.to_owned())?);
    let checked = check(&source, &wrasse_ops::catalog());
    let findings: String = checked
        .diagnostics
        .iter()
        .map(|one| one.render(&source))
        .collect();
    checked.recipe.with_context(|| findings)
}
