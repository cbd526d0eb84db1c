//! The same job by other tools, where they are installed.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Result;
use serde_json::{Value, json};

use super::job::{RECIPE, row};
use super::lab::Lab;

/// Name, the module it is imported as, how to install it, and the script.
const PEERS: [(&str, &str, &str, &str); 2] = [
    (
        "Data-Juicer",
        "data_juicer",
        "py-data-juicer aiohttp",
        "data_juicer_job.py",
    ),
    (
        "datatrove",
        "datatrove",
        "datatrove[io]",
        "datatrove_job.py",
    ),
];

/// A row for each tool: figures, or how to get them.
pub(super) fn rows(lab: &Lab, python: &Path, mb: u64) -> Result<Value> {
    let input = lab.input("peers", mb)?;
    let python = python.to_string_lossy();
    let mut rows = Vec::new();
    for (name, module, package, script) in PEERS {
        if !imports(&python, module) {
            let hint = format!("not installed: `{python} -m pip install {package}`");
            rows.push(json!({ "name": name, "missing": hint }));
            continue;
        }
        let script = format!("crates/wrasse-bench/peers/{script}");
        let output = lab.fresh_out()?.join("output.jsonl");
        let command = [
            &*python,
            &script,
            RECIPE,
            &input.path,
            &output.to_string_lossy(),
        ];
        // A peer that fails must not take the others' figures with it.
        rows.push(match lab.measure(&command) {
            Ok(measured) => {
                let mut row = row(name, &input, &[measured]);
                row["rows_out"] = count_lines(&output)?.into();
                row
            }
            Err(error) => json!({ "name": name, "missing": format!("failed: {error}") }),
        });
    }
    Ok(json!({ "input": input.facts, "rows": rows }))
}

pub(super) fn imports(python: &str, module: &str) -> bool {
    Command::new(python)
        .args(["-c", &format!("import {module}")])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn count_lines(path: &Path) -> Result<usize> {
    Ok(std::fs::read(path)?
        .iter()
        .filter(|byte| **byte == b'\n')
        .count())
}
