//! Cases recorded from the original operators, where they are at hand.
//!
//! The cases lie beside the checkout, not in it: `../shared/conformance`. Each
//! file holds cases of one operator; a file whose operator the library does
//! not have yet is passed over. Without the folder this suite has nothing to
//! say and says so; the operators' own examples always run.

#![expect(clippy::unwrap_used, reason = "a test may panic")]
#![expect(clippy::print_stdout, reason = "the suite says what it did")]

use std::path::{Path, PathBuf};

use serde_json::Value;
use wrasse_op::{Common, OpKind, testing};
use wrasse_ops::catalog;

#[test]
fn data_juicer_cases_hold() {
    hold("data_juicer", check);
}

#[test]
fn datamate_cases_hold() {
    hold("datamate", check_datamate);
}

fn hold(origin: &str, check: fn(&Value) -> Result<(), String>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/conformance")
        .join(origin);
    let mut failures = Vec::new();
    let mut n_cases = 0;
    for file in files(&folder) {
        let name = file.file_stem().unwrap().to_str().unwrap();
        if catalog().find(name).is_none() {
            continue;
        }
        for line in std::fs::read_to_string(&file).unwrap().lines() {
            let case = serde_json::from_str(line).unwrap();
            n_cases += 1;
            failures.extend(check(&case).err());
        }
    }
    if n_cases == 0 {
        println!("no conformance cases at hand: {}", folder.display());
    }
    assert!(
        failures.is_empty(),
        "{} of {n_cases} cases failed; the first ones:\n{}",
        failures.len(),
        failures[..failures.len().min(20)].join("\n")
    );
    println!("{n_cases} cases hold");
}

/// DataMate's operators take one file at a time: one result for each row, of
/// which a dropped one is the empty text.
fn check_datamate(case: &Value) -> Result<(), String> {
    let name = case["op"].as_str().unwrap();
    let context = format!("{name} {} {}", case["id"], case["params"]);
    let spec = catalog().find(name).unwrap();
    let op = spec
        .build(&case["params"], &Common::default())
        .map_err(|error| format!("{context}: {error}"))?;
    let rows = case["input"].as_array().unwrap();
    let expected = case["expected"].as_array().unwrap();
    assert_eq!(rows.len(), expected.len(), "{context}");
    for (i, (row, want)) in rows.iter().zip(expected).enumerate() {
        let got = match testing::run(&op, std::slice::from_ref(row)) {
            Err(_) => "an error".into(),
            Ok(ran) if spec.kind == OpKind::Slicer => {
                ran.rows.iter().map(|row| row["text"].clone()).collect()
            }
            Ok(ran) => ran
                .rows
                .first()
                .map_or("".into(), |row| row["text"].clone()),
        };
        let want = match (want.get("error"), want.get("chunks")) {
            (Some(_), _) => &Value::from("an error"),
            (None, Some(chunks)) => chunks,
            (None, None) => &want["text"],
        };
        if &got != want {
            return Err(format!(
                "{context}: row {i} {row}\n   got {got}\n  want {want}"
            ));
        }
    }
    Ok(())
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "jsonl")
        })
        .collect();
    files.sort();
    files
}

fn check(case: &Value) -> Result<(), String> {
    let id = case["id"].as_str().unwrap();
    let name = case["op"].as_str().unwrap();
    let spec = catalog().find(name).unwrap();
    let fail = |what: &str, got: &dyn std::fmt::Debug, want: &dyn std::fmt::Debug| {
        Err(format!(
            "{name} {id} {}: {what}\n   got {got:?}\n  want {want:?}",
            case["params"]
        ))
    };
    let op = spec
        .build(&case["params"], &Common::default())
        .map_err(|error| format!("{name} {id}: {error}"))?;
    let input = case["input"].as_array().unwrap();
    let ran = testing::run(&op, input).map_err(|error| format!("{name} {id}: {error}"))?;

    if spec.kind == OpKind::Filter {
        for (i, want) in case["stats"].as_array().unwrap().iter().enumerate() {
            for stat in spec.stats {
                if let Some(want) = want.get(*stat) {
                    let got = &ran.stats[i][*stat];
                    if !same(got, want) {
                        return fail(&format!("{stat} of row {i} {}", input[i]), got, want);
                    }
                }
            }
        }
    }
    if let Some(want) = case["keep"].as_array() {
        for (i, want) in want.iter().enumerate() {
            if ran.kept[i] != want.as_bool().unwrap() {
                return fail(&format!("keep row {i} {}", input[i]), &ran.kept[i], want);
            }
        }
    }
    if let Some(hashes) = case["hashes"].as_object() {
        for (column, want) in hashes {
            for (i, want) in want.as_array().unwrap().iter().enumerate() {
                let got = ran.fingerprints[i].map(|print| format!("{print:032x}"));
                if got.as_deref() != want.as_str() {
                    return fail(&format!("{column} of row {i}"), &got, want);
                }
            }
        }
    }
    let want = case["expected"].as_array().unwrap();
    if ran.rows.len() != want.len() {
        return fail("number of rows", &ran.rows.len(), &want.len());
    }
    for (i, (got, want)) in ran.rows.iter().zip(want).enumerate() {
        if !same(got, want) {
            return fail(&format!("row {i}"), got, want);
        }
    }
    Ok(())
}

/// Equal, where a key may be missing that the other side has as null.
fn same(got: &Value, want: &Value) -> bool {
    match (got, want) {
        (Value::Object(got), Value::Object(want)) => {
            let keys = got.keys().chain(want.keys());
            keys.into_iter().all(|key| {
                let null = Value::Null;
                same(
                    got.get(key).unwrap_or(&null),
                    want.get(key).unwrap_or(&null),
                )
            })
        }
        (Value::Array(got), Value::Array(want)) => {
            got.len() == want.len() && got.iter().zip(want).all(|(got, want)| same(got, want))
        }
        (Value::Number(got), Value::Number(want)) => got.as_f64() == want.as_f64(),
        (got, want) => got == want,
    }
}
