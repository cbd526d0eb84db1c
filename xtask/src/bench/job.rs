//! The job of eight steps by Wrasse and by the bare loop.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::lab::{Input, Lab, Measured};
use super::median;

pub(super) const RECIPE: &str = "crates/wrasse-bench/recipe.yaml";
/// Runs of a small file, of which the median is the time to the first output.
const STARTS: usize = 20;

/// Wrasse with one and with two threads, and the bare loop.
pub(super) fn rows(lab: &Lab, input: &Input, rounds: usize) -> Result<Value> {
    let (mut one, mut two, mut bare) = (Vec::new(), Vec::new(), Vec::new());
    let mut shares = json!(null);
    let mut is_equal = true;
    for round in 0..rounds.max(1) {
        // Each row is the first of a round in its turn.
        for turn in 0..3 {
            match (round + turn) % 3 {
                0 => {
                    one.push(wrasse(lab, input, "1")?);
                    shares = shares_of(&std::fs::read(lab.stdout())?)?;
                }
                1 => two.push(wrasse(lab, input, "2")?),
                _ => bare.push(bare_loop(lab, input)?),
            }
        }
        if round == 0 {
            is_equal = equal_outputs(lab, input)?;
        }
    }
    let (cpu_one, cpu_bare) = (middle(&one, |m| m.cpu_s), middle(&bare, |m| m.cpu_s));
    let (wall_one, wall_two) = (middle(&one, |m| m.wall_s), middle(&two, |m| m.wall_s));
    Ok(json!({
        "input": input.facts,
        "rows": [
            row("wrasse, 1 thread", input, &one),
            row("wrasse, 2 threads", input, &two),
            row("bare loop", input, &bare),
        ],
        "speed_over_bare_loop": cpu_bare / cpu_one,
        "two_threads_over_one": wall_one / wall_two,
        "same_output_as_bare_loop": is_equal,
        "shares": shares,
    }))
}

/// Milliseconds from the start of the program to the first byte of its output,
/// and to its end, on the bundled example.
pub(super) fn first_output(lab: &Lab) -> Result<Value> {
    let input = "dataset_path=examples/web-text/pages.jsonl";
    let mut runs = Vec::new();
    for _ in 0..STARTS {
        let run_dir = lab.fresh_out()?.join("run").to_string_lossy().into_owned();
        runs.push(lab.measure(&[
            &lab.release("wrasse"),
            "run",
            RECIPE,
            "--set",
            input,
            "--set",
            "export_path=\"-\"",
            "--run-dir",
            &run_dir,
            "--quiet",
        ])?);
    }
    Ok(json!({
        "runs": STARTS,
        "first_byte_ms": middle(&runs, |m| m.first_byte_s) * 1e3,
        "end_ms": middle(&runs, |m| m.wall_s) * 1e3,
    }))
}

/// Peak memory by size of the input, with two threads.
pub(super) fn memory(lab: &Lab, sizes_mb: &[u64]) -> Result<Value> {
    let mut rows = Vec::new();
    for mb in sizes_mb {
        let input = lab.input("memory", *mb)?;
        let measured = wrasse(lab, &input, "2")?;
        rows.push(json!({
            "mb": mb,
            "documents": input.facts["rows"],
            "peak_bytes": measured.peak_bytes,
        }));
        std::fs::remove_file(&input.path)?;
        lab.fresh_out()?;
    }
    Ok(rows.into())
}

/// The figures of a row.
pub(super) fn row(name: &str, input: &Input, runs: &[Measured]) -> Value {
    let cpu_s = middle(runs, |m| m.cpu_s);
    let text_bytes = input.facts["text_bytes"].as_f64().unwrap_or(f64::NAN);
    let least = |of: fn(&Measured) -> f64| runs.iter().map(of).fold(f64::INFINITY, f64::min);
    let most = |of: fn(&Measured) -> f64| runs.iter().map(of).fold(0.0, f64::max);
    json!({
        "name": name,
        "cpu_s": cpu_s,
        "cpu_s_least": least(|m| m.cpu_s),
        "cpu_s_most": most(|m| m.cpu_s),
        "wall_s": middle(runs, |m| m.wall_s),
        "peak_bytes": most(|m| m.peak_bytes),
        "mb_per_cpu_s": text_bytes / 1e6 / cpu_s,
    })
}

fn wrasse(lab: &Lab, input: &Input, threads: &str) -> Result<Measured> {
    let output = lab.fresh_out()?.join("output.jsonl");
    lab.measure(&[
        &lab.release("wrasse"),
        "run",
        RECIPE,
        "--set",
        &format!("dataset_path={}", input.path),
        "--set",
        &format!("export_path={}", output.display()),
        "--threads",
        threads,
        "--quiet",
        "--report",
        "json",
    ])
}

fn bare_loop(lab: &Lab, input: &Input) -> Result<Measured> {
    let output = lab.fresh_out()?.join("output.jsonl");
    lab.measure(&[
        &lab.release("wrasse-bench"),
        "loop",
        RECIPE,
        &input.path,
        &output.to_string_lossy(),
    ])
}

/// Whether Wrasse and the bare loop write the same bytes; if not, the figures
/// compare different work.
fn equal_outputs(lab: &Lab, input: &Input) -> Result<bool> {
    let output = lab.folder.join("out/output.jsonl");
    bare_loop(lab, input)?;
    let bare = std::fs::read(&output)?;
    wrasse(lab, input, "2")?;
    Ok(std::fs::read(&output)? == bare)
}

/// The share of each operator in the time of a run, from its report.
fn shares_of(report: &[u8]) -> Result<Value> {
    let report: Value = serde_json::from_slice(report).context("the report of wrasse")?;
    let seconds = |value: &Value| value.as_f64().unwrap_or(0.0);
    let mut parts = vec![("read".to_owned(), seconds(&report["read_seconds"]))];
    for op in report["operators"].as_array().into_iter().flatten() {
        let name = op["name"].as_str().unwrap_or("?");
        parts.push((name.to_owned(), seconds(&op["cpu_seconds"])));
    }
    parts.push(("write".to_owned(), seconds(&report["encode_seconds"])));
    let total: f64 = parts.iter().map(|(_, seconds)| seconds).sum();
    let parts = parts
        .into_iter()
        .map(|(name, seconds)| json!({ "name": name, "cpu_s": seconds, "share": seconds / total }));
    Ok(parts.collect())
}

fn middle(runs: &[Measured], of: impl Fn(&Measured) -> f64) -> f64 {
    median(runs.iter().map(of).collect())
}
