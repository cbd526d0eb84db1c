//! Files that break readers, through the whole program.
//!
//! They lie beside the checkout, not in it: `../shared/corpus/hostile`, with a
//! table of what each may give. Without them this suite says so; `generated.rs`
//! makes the same kinds of damage anew.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use crate::support::{Ran, Scene, finish};

/// Longer than any of these files may take, however loaded the machine.
const PATIENCE: Duration = Duration::from_secs(20);

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus/hostile")
}

/// Runs a small recipe over one file.
fn run(scene: &Scene, file: &Path) -> Ran {
    let file = file.canonicalize().unwrap();
    scene.put(
        "r.yaml",
        format!(
            "dataset_path: '{}'\nexport_path: out/x.jsonl\nprocess:\n  - whitespace_normalization_mapper:\n  \
             - text_length_filter: {{min_len: 0}}\n",
            file.display()
        ),
    );
    let args = [
        "run",
        "r.yaml",
        "--restart",
        "--threads",
        "2",
        "--memory",
        "400MiB",
    ];
    finish(scene.command(&args), b"", PATIENCE)
}

/// Checks that a run told the truth: books, rejects and exit code agree.
fn assert_honest(scene: &Scene, ran: &Ran, what: &str) -> Value {
    let report = scene.report("out/x");
    let damaged = report["damages"].as_u64().unwrap();
    let rejected = report["rows"]["rejected"].as_u64().unwrap();
    let rejects = scene.lines("out/x.wrasse/rejects.jsonl");
    assert_eq!(
        rejects.len() as u64,
        rejected + damaged,
        "{what}: {rejects:?}"
    );
    for reject in &rejects {
        let cause = reject["error"].as_str().unwrap();
        assert!(!cause.is_empty() && cause.len() < 500, "{what}: {cause}");
        assert!(
            reject["file"].as_str().unwrap().contains('/'),
            "{what}: {reject}"
        );
        assert!(reject["position"].is_u64(), "{what}: {reject}");
    }
    assert_eq!(
        ran.code,
        Some(if damaged > 0 { 1 } else { 0 }),
        "{what}: {}",
        ran.stderr
    );
    // Not every row is one that a common parser reads: numbers may be huge.
    let n_lines = scene
        .get("out/x.jsonl")
        .iter()
        .filter(|byte| **byte == b'\n')
        .count();
    assert_eq!(report["rows"]["out"], n_lines, "{what}");
    report
}

/// Whether a number is one of those that a cell such as `5-8`, `0 or 200` or
/// `10 (or 9)` allows; an empty cell allows all.
fn allows(cell: &str, n: u64) -> bool {
    let numbers: Vec<u64> = cell
        .split(|c: char| !c.is_ascii_digit())
        .filter_map(|digits| digits.parse().ok())
        .collect();
    match numbers[..] {
        [] => true,
        [low, high] if cell.contains('-') => (low..=high).contains(&n),
        _ => numbers.contains(&n),
    }
}

#[test]
fn every_case_gives_what_its_table_allows() {
    let folder = folder();
    if !folder.exists() {
        println!("no hostile files at hand: {}", folder.display());
        return;
    }
    // The table itself is read by the program.
    let scene = Scene::new();
    scene.put(
        "cases.yaml",
        format!(
            "dataset_path: '{}'\nexport_path: cases.jsonl\n",
            folder.join("cases.csv").display()
        ),
    );
    scene.must_run(&["run", "cases.yaml", "--quiet"]);
    let mut n_cases = 0;
    let mut failures = Vec::new();
    for case in scene.lines("cases.jsonl") {
        let name = case["path"].as_str().unwrap();
        let kind = name.split('/').next().unwrap();
        if !["jsonl", "gz", "zst", "csv", "parquet", "text"].contains(&kind) {
            continue;
        }
        n_cases += 1;
        let ran = run(&scene, &folder.join(name));
        let report = assert_honest(&scene, &ran, name);
        let rows = &report["rows"];
        // Rows that reach the first operator are what a reader keeps; an
        // operator may still reject one without text.
        let read = rows["in"].as_u64().unwrap() - rows["unreadable"].as_u64().unwrap();
        let passed = rows["out"].as_u64().unwrap();
        let ok = case["rows_ok"].as_str().unwrap();
        if !allows(ok, read) && !allows(ok, passed) {
            failures.push(format!(
                "{name}: {read} rows read, {passed} passed, allowed: {ok}"
            ));
        }
        let bad = case["rows_bad"].as_str().unwrap();
        if bad == "file error" {
            if report["damages"] != 1 {
                failures.push(format!("{name}: an error of the file was due"));
            }
        } else if !allows(bad, rows["rejected"].as_u64().unwrap())
            && !allows(bad, rows["unreadable"].as_u64().unwrap())
        {
            failures.push(format!("{name}: {rows} rejected, allowed: {bad}"));
        }
        if report["peak_memory_bytes"].as_u64().unwrap() > 400 << 20 {
            failures.push(format!(
                "{name}: {} bytes of memory",
                report["peak_memory_bytes"]
            ));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(n_cases > 40, "{n_cases}");
}

#[test]
fn damaged_parquet_of_other_projects_costs_its_rows_alone() {
    let Ok(entries) = std::fs::read_dir(folder().join("real/parquet-testing")) else {
        println!("no hostile files at hand");
        return;
    };
    let scene = Scene::new();
    for entry in entries {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|suffix| suffix == "parquet") {
            let ran = run(&scene, &path);
            assert_honest(&scene, &ran, &path.display().to_string());
        }
    }
}
