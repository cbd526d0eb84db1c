//! Cases recorded from the original operators, where they are at hand.
//!
//! The cases lie beside the checkout, not in it: `../shared/conformance`. Each
//! file holds cases of one operator; a file whose operator the library does
//! not have yet is passed over. Without the folder this suite has nothing to
//! say and says so; the operators' own examples always run.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::Value;
use wrasse_op::{Common, OpError, OpKind, testing};
use wrasse_ops::catalog;

#[test]
fn data_juicer_cases_hold() {
    let folder =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance/data_juicer");
    let assets = folder.join("assets").canonicalize().unwrap_or_default();
    let assets = assets.to_str().unwrap();
    let mut failures = Vec::new();
    let mut n_cases = 0;
    for file in files(&folder) {
        let name = file.file_stem().unwrap().to_str().unwrap();
        if catalog().find(name).is_none() {
            continue;
        }
        for line in std::fs::read_to_string(&file).unwrap().lines() {
            let case = serde_json::from_str(&line.replace("${ASSETS}", assets)).unwrap();
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

#[test]
fn datamate_cases_hold() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance/datamate");
    let mut failures = Vec::new();
    let mut n_rows = 0;
    for file in files(&folder) {
        let name = file.file_stem().unwrap().to_str().unwrap();
        let Some(spec) = catalog().find(name) else {
            continue;
        };
        for line in std::fs::read_to_string(&file).unwrap().lines() {
            let case: Value = serde_json::from_str(line).unwrap();
            let op = spec.build(&case["params"], &Common::default()).unwrap();
            let rows = list(&case["input"]).iter().zip(list(&case["expected"]));
            for (row, want) in rows {
                n_rows += 1;
                let got = testing::run(&op, std::slice::from_ref(row));
                failures.extend(
                    differs(spec.kind, row, got, want)
                        .map(|what| format!("{name} {} {}: {what}", case["id"], case["params"])),
                );
            }
        }
    }
    assert!(
        failures.is_empty(),
        "{} of {n_rows} rows failed; the first ones:\n{}",
        failures.len(),
        failures[..failures.len().min(20)].join("\n")
    );
    println!("{n_rows} rows hold");
}

/// How a row came out otherwise than from the original, if it did.
fn differs(
    kind: OpKind,
    row: &Value,
    got: Result<testing::Ran, OpError>,
    want: &Value,
) -> Option<String> {
    let ran = match got {
        Ok(ran) => ran,
        Err(_) if want.get("error").is_some() => return None,
        Err(error) => return Some(format!("{row}: {error}")),
    };
    let texts: Vec<&Value> = ran.rows.iter().map(|row| &row["text"]).collect();
    let want: Vec<&Value> = match (want.get("chunks"), &want["text"]) {
        (Some(chunks), _) => list(chunks).iter().collect(),
        // A filter drops a file by emptying its text.
        (None, text) if kind == OpKind::Filter && text == "" => Vec::new(),
        (None, text) => vec![text],
    };
    let is_same = texts == want || (kind == OpKind::Filter && row["text"] == "");
    (!is_same).then(|| format!("{row}\n   got {texts:?}\n  want {want:?}"))
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

    for (i, want) in list(&case["stats"]).iter().enumerate() {
        for (stat, want) in want.as_object().unwrap() {
            let got = &ran.stats[i][stat];
            if !same(got, want) {
                return fail(&format!("{stat} of row {i} {}", input[i]), got, want);
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
                let key = ran.keys.get(i).map(Vec::as_slice).unwrap_or_default();
                let (got, want) = match column.as_str() {
                    "__dj__simhash" | "__dj__minhash" | "__dj__line_hashes" => {
                        (hex(key), hex(&key_of(column, want)))
                    }
                    _ => {
                        let hash = ran.kept_hashes[i].unwrap();
                        (format!("{hash:032x}"), want.as_str().unwrap().to_owned())
                    }
                };
                if got != want {
                    return fail(&format!("{column} of row {i}"), &got, &want);
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

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What our operator keeps of the original's hashes: all of them, of the bands
/// of MinHash 64 bits of their MD5.
fn key_of(column: &str, hashes: &Value) -> Vec<u8> {
    match column {
        "__dj__simhash" => {
            let hash: u64 = hashes.as_str().unwrap().parse().unwrap();
            hash.to_le_bytes().to_vec()
        }
        "__dj__minhash" => hashes
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|band| {
                let rows = BASE64.decode(band["$b64"].as_str().unwrap()).unwrap();
                // Values of 32 bits, each in the last four of eight bytes.
                let (values, _) = rows.as_chunks::<8>();
                let values = values.iter().map(|row| u64::from_be_bytes(*row) as u32);
                let bytes: Vec<u8> = values.flat_map(u32::to_le_bytes).collect();
                md5::compute(bytes).0[..8].to_vec()
            })
            .collect(),
        _ => {
            let hashes = hashes.as_array().unwrap().iter();
            let mut hashes: Vec<&str> = hashes.map(|hash| hash.as_str().unwrap()).collect();
            hashes.retain(|hash| !hash.is_empty());
            hashes.sort_unstable();
            hashes.dedup();
            let hex = hashes.concat();
            let byte = |i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap();
            (0..hex.len()).step_by(2).map(byte).collect()
        }
    }
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
