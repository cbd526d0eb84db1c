//! Files that break readers, where they are at hand.
//!
//! They lie beside the checkout, not in it: `../shared/corpus/hostile`, with a
//! table of what each may give. Without them this suite says so; the same
//! kinds of damage are made anew in the other tests.

use std::path::{Path, PathBuf};

use serde_json::Value;
use wrasse_io::{Format, ReadLimits, SourceSpec};

use crate::support::{LIMITS, Read, read, read_with, spec};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus/hostile")
}

/// Whether a number is one of those that a cell such as `5-8`, `0 or 200` or
/// `10 (or 9)` allows; an empty cell allows all.
fn allows(cell: &str, n: usize) -> bool {
    let numbers: Vec<usize> = cell
        .split(|c: char| !c.is_ascii_digit())
        .filter_map(|digits| digits.parse().ok())
        .collect();
    match numbers[..] {
        [] => true,
        [low, high] if cell.contains('-') => (low..=high).contains(&n),
        _ => numbers.contains(&n),
    }
}

/// What was decided where the table leaves a choice: rows, bad rows, words of
/// the error, words of a warning.
const DECIDED: &[(&str, usize, usize, &str, &str)] = &[
    ("jsonl/utf16le_bom.jsonl", 0, 0, "UTF-16LE", ""),
    ("jsonl/utf32.jsonl", 0, 0, "UTF-32", ""),
    ("jsonl/bom_in_the_middle.jsonl", 10, 0, "", ""),
    ("jsonl/pretty_array.jsonl", 5, 0, "", ""),
    ("jsonl/mixed_schema.jsonl", 8, 0, "", ""),
    ("jsonl/lone_surrogates.jsonl", 4, 0, "", ""),
    ("gz/bad_crc.jsonl.gz", 200, 0, "byte", ""),
    ("gz/trailing_garbage.jsonl.gz", 200, 0, "byte", ""),
    ("gz/gz_named_plain.jsonl", 200, 0, "", ""),
    ("gz/empty.jsonl.gz", 0, 0, "", "empty"),
    ("zst/window_1gb.jsonl.zst", 0, 0, "window of 1024 MiB", ""),
    (
        "csv/unbalanced_quote.csv",
        1,
        0,
        "line 3 and is never closed",
        "",
    ),
    ("csv/ragged.csv", 3, 2, "", ""),
    ("csv/latin1.csv", 1, 2, "", ""),
    ("csv/duplicate_columns.csv", 0, 0, "`", ""),
    ("parquet/all_null_text.parquet", 2, 0, "", ""),
    ("parquet/null_type_text.parquet", 2, 0, "", ""),
    ("text/random_binary.txt", 0, 1, "", ""),
    ("text/shift_jis.txt", 0, 1, "", ""),
    ("text/gb18030.txt", 0, 1, "", ""),
    ("text/utf16be_nobom.txt", 0, 1, "", ""),
    ("text/html_meta_lies.html", 0, 1, "", ""),
    ("text/xxe.xml", 1, 0, "", ""),
];

#[test]
fn every_case_gives_what_its_table_allows() {
    let folder = folder();
    let cases = read(folder.join("cases.csv"));
    if !folder.exists() {
        println!("no hostile files at hand: {}", folder.display());
        return;
    }
    assert!(
        cases.errors.is_empty() && cases.bad().is_empty(),
        "{cases:?}"
    );
    let mut n_cases = 0;
    let mut failures = Vec::new();
    for case in cases.samples() {
        let case: Value = serde_json::from_str(case).unwrap();
        let name = case["path"].as_str().unwrap();
        let kind = name.split('/').next().unwrap();
        if !["jsonl", "gz", "zst", "csv", "parquet", "text"].contains(&kind) {
            continue;
        }
        n_cases += 1;
        let read = read(folder.join(name));
        if let Err(reason) = check(name, &case, &read) {
            failures.push(format!(
                "{name}: {reason}: {} rows, bad {:?}, errors {:?}, warnings {:?}",
                read.samples().len(),
                read.bad(),
                read.errors,
                read.warnings
            ));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(n_cases > 40, "{n_cases}");
}

fn check(name: &str, case: &Value, read: &Read) -> Result<(), &'static str> {
    let (n_rows, n_bad) = (read.samples().len(), read.bad().len());
    let error = read
        .errors
        .iter()
        .map(|error| format!("{error:?}"))
        .collect::<String>();
    let bad = case["rows_bad"].as_str().unwrap();
    if !allows(case["rows_ok"].as_str().unwrap(), n_rows) {
        return Err("other rows than the table allows");
    }
    if bad == "file error" && read.errors.len() != 1 {
        return Err("an error was due");
    }
    if !allows(bad, n_bad) {
        return Err("other bad rows than the table allows");
    }
    let expect = case["expect"].as_str().unwrap();
    if expect.contains("an error that says truncated") && !error.contains("truncated") {
        return Err("the error does not say `truncated`");
    }
    if read.block_bytes_max > 20 << 20 {
        return Err("a block above its bounds");
    }
    if let Some((_, rows, bad, words, warning)) = DECIDED.iter().find(|decided| decided.0 == name) {
        if (*rows, *bad) != (n_rows, n_bad) {
            return Err("other rows than decided");
        }
        if error.is_empty() != words.is_empty() || !error.contains(words) {
            return Err("another error than decided");
        }
        if !read.warnings.iter().any(|known| known.contains(warning)) && !warning.is_empty() {
            return Err("another warning than decided");
        }
    } else if bad != "file error" && !error.is_empty() {
        return Err("an error that was not decided");
    }
    Ok(())
}

#[test]
fn damaged_parquet_of_other_projects_neither_panics_nor_hangs() {
    let folder = folder().join("real/parquet-testing");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        println!("no hostile files at hand: {}", folder.display());
        return;
    };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|suffix| suffix == "parquet") {
            let read = read(&path);
            assert!(
                read.errors.len() <= 1,
                "{}: {:?}",
                path.display(),
                read.errors
            );
            println!(
                "{}: {} rows, {:?}",
                path.display(),
                read.rows.len(),
                read.errors
            );
        }
    }
}

#[test]
fn every_file_survives_being_read_as_every_format() {
    let limits = ReadLimits {
        block_bytes: 1 << 16,
        row_bytes_max: 1 << 20,
    };
    for kind in ["jsonl", "csv", "parquet", "text", "gz", "zst"] {
        let Ok(entries) = std::fs::read_dir(folder().join(kind)) else {
            return;
        };
        for entry in entries {
            let path = entry.unwrap().path();
            for format in [Format::Jsonl, Format::Parquet, Format::Csv, Format::Text] {
                let spec = SourceSpec {
                    format: Some(format),
                    ..spec(&path)
                };
                let read = read_with(&spec, 10_000, limits);
                let what = format!("{} as {format:?}", path.display());
                assert!(read.block_bytes_max < 8 << 20, "{what}");
                let _ = LIMITS;
            }
        }
    }
}
