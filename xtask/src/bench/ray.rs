//! What Ray costs: a script of Ray's own language measures it.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::Args;
use super::job::RECIPE;
use super::lab::Lab;

const SCRIPT: &str = "crates/wrasse-bench/peers/ray_bench.py";

/// The figures, as the script tells them.
pub(super) fn rows(lab: &Lab, root: &Path, args: &Args) -> Result<Value> {
    if !args.no_build {
        let status = Command::new("cargo")
            .args(["build", "--release", "--package", "wrasse-py"])
            .current_dir(root)
            .status()?;
        ensure!(status.success(), "the extension module cannot be built");
    }
    let input = lab.input("ray", args.mb)?;
    let program = lab.release("wrasse");
    let engine = Path::new(&program).with_file_name("libwrasse_py.so");
    let output = Command::new(&args.python)
        .args([SCRIPT, &program])
        .arg(engine)
        .args(["python", RECIPE, &input.path])
        .current_dir(root)
        .output()
        .context("cannot start Python")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "the script failed:\n{said}");
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().last().unwrap_or_default();
    let figures: Value = serde_json::from_str(line).context("the script told nothing")?;
    Ok(json!({ "input": input.facts, "ray": figures }))
}
