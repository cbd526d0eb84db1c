//! Every operator alone, beside the operators that they are modeled on.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Map, Value, json};

use super::lab::{Input, Lab};
use super::peers::imports;

/// Originals are measured for about so long each: some take a second for a
/// megabyte.
const ORIGINAL_S: &str = "1.5";

/// Where the figures go that pages and `wrasse ops` show.
const COSTS: &str = "crates/wrasse-ops/costs.json";

/// The operators' figures, with those of their originals where these can be
/// had: Data-Juicer's if `python` can import it, DataMate's of the sources in
/// `datamate`.
pub(super) fn rows(
    lab: &Lab,
    input: &Input,
    python: &Path,
    datamate: Option<&Path>,
    names: &[String],
) -> Result<Value> {
    let mut args = vec!["operators", &input.path];
    args.extend(names.iter().map(String::as_str));
    let mut operators = lab.program(&args)?;
    let python = python.to_string_lossy();
    if !imports(&python, "data_juicer") {
        println!("no originals: `{python}` cannot import `data_juicer`");
        return Ok(operators);
    }
    let originals = originals(lab, input, &python, datamate, &operators)?;
    for op in operators.as_array_mut().into_iter().flatten() {
        let of = |other: &&Value| other["name"] == op["name"];
        if let Some(original) = originals.as_array().into_iter().flatten().find(of) {
            op["original"] = original.clone();
        }
    }
    Ok(operators)
}

fn originals(
    lab: &Lab,
    input: &Input,
    python: &str,
    datamate: Option<&Path>,
    operators: &Value,
) -> Result<Value> {
    let script = "crates/wrasse-bench/peers/operators.py";
    let mut command = Command::new(python);
    command
        .args([script, &input.path, ORIGINAL_S])
        .args(datamate)
        .current_dir(&lab.root)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = command.spawn().context(script)?;
    let mut wanted = child.stdin.take().context("standard input is piped")?;
    wanted.write_all(operators.to_string().as_bytes())?;
    drop(wanted);
    let ran = child.wait_with_output()?;
    ensure!(ran.status.success(), "{script} ended with {}", ran.status);
    Ok(serde_json::from_slice(&ran.stdout)?)
}

/// Megabytes of text in a second of processor time.
pub(super) fn speed(row: &Value) -> Option<f64> {
    let (bytes, seconds) = (row["text_bytes"].as_f64()?, row["cpu_s"].as_f64()?);
    (seconds > 0.0 && bytes > 0.0).then_some(bytes / 1e6 / seconds)
}

/// Writes the figures down for the pages. Those of originals that were not at
/// hand this time stay.
pub(super) fn record(root: &Path, all: &Value) -> Result<()> {
    let path = root.join(COSTS);
    let known: Value = serde_json::from_slice(&std::fs::read(&path)?)?;
    let mut operators = Map::new();
    for op in all["operators"].as_array().into_iter().flatten() {
        let (Some(name), Some(own)) = (op["name"].as_str(), speed(op)) else {
            continue;
        };
        // What cannot work on plain texts says nothing about its cost.
        if op["failed"].as_u64() > op["samples"].as_u64().map(|n| n / 2) {
            continue;
        }
        let mut cost = json!({ "mb_per_cpu_s": short(own) });
        let before = &known["operators"][name]["original_mb_per_cpu_s"];
        let original = speed(&op["original"]).map(short);
        if let Some(original) = original.or_else(|| before.as_f64()) {
            cost["original_mb_per_cpu_s"] = json!(original);
        }
        operators.insert(name.to_owned(), cost);
    }
    let machine = &all["machine"];
    let costs = json!({
        "date": machine["date"],
        "machine": machine["cpu"],
        "corpus": all["corpus"]["name"],
        "operators": operators,
    });
    std::fs::write(&path, format!("{costs:#}\n"))?;
    println!("written to {COSTS}; `cargo xtask gen` brings it to the pages");
    Ok(())
}

/// Three digits: what changes from one run to the next need not be committed.
fn short(figure: f64) -> f64 {
    format!("{figure:.2e}").parse().unwrap_or(figure)
}
