//! Python operators in worker processes, beside the same functions in one bare
//! Python loop.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::lab::{Input, Lab, Measured};
use super::report::{head, input, list, number, word};

/// Bytes of text in a document.
const DOCUMENT_BYTES: &str = "2000";
const OPERATORS: &str = "crates/wrasse-bench/python/operators.py";
const ROWS_LOOP: &str = "crates/wrasse-bench/python/bare_loop.py";
const FILES_LOOP: &str = "crates/wrasse-bench/python/datamate_loop.py";

/// What is measured: a name, the operator, the form of the loop and its function.
const ROWS: [(&str, &str, &str, &str); 4] = [
    ("no-op, rows", "NoOp", "rows", "no_op"),
    ("no-op, tables", "NoOpBatch", "tables", "no_op_batch"),
    ("5 regexes, rows", "FiveRegexes", "rows", "five_regexes"),
    (
        "5 regexes, tables",
        "FiveRegexesBatch",
        "tables",
        "five_regexes_batch",
    ),
];

/// DataMate's chain of ten: folders, and the names of the native operators.
const CHAIN: [(&str, &str); 10] = [
    ("unicode_space_cleaner", "UnicodeSpaceCleaner"),
    ("invisible_characters_cleaner", "InvisibleCharactersCleaner"),
    ("garble_characters_cleaner", "GrableCharactersCleaner"),
    ("full_width_characters_cleaner", "FullWidthCharacterCleaner"),
    ("url_cleaner", "AnonymizedUrlCleaner"),
    ("email_cleaner", "EmailNumberCleaner"),
    ("ip_address_cleaner", "AnonymizedIpAddress"),
    ("phone_number_cleaner", "AnonymizedPhoneNumber"),
    ("remove_duplicate_sentences", "DuplicateSentencesFilter"),
    ("extra_space_cleaner", "ExtraSpaceCleaner"),
];
const FILES: &str = "2000";
const FILE_BYTES: &str = "11100";

/// Measures everything. `operators`: a folder with DataMate's operator folders.
pub(super) fn results(
    lab: &Lab,
    python: &Path,
    mb: u64,
    rounds: usize,
    operators: Option<&Path>,
) -> Result<Value> {
    let python = python.to_string_lossy().into_owned();
    let documents = lab.made("documents", |path| {
        let bytes = (mb * 1_000_000).to_string();
        vec![
            "documents".into(),
            path.to_owned(),
            bytes,
            DOCUMENT_BYTES.into(),
        ]
    })?;
    let rows = rows(lab, &python, &documents, rounds)?;
    let transport =
        [("there", "NoOpBatch"), ("there and back", "OtherCaseBatch")].map(|(name, operator)| {
            let operator = format!("{OPERATORS}:{operator}");
            let mut found = lab.program(&["transport", &documents.path, &python, &operator])?;
            found["name"] = name.into();
            Ok(found)
        });
    let transport: Vec<Value> = transport.into_iter().collect::<Result<_>>()?;
    let mut results = json!({
        "rounds": rounds,
        "input": documents.facts,
        "rows": rows,
        "transport": transport,
    });
    if let Some(folder) = operators {
        results["chain"] = chain(lab, &python, rounds, folder)?;
    }
    Ok(results)
}

fn rows(lab: &Lab, python: &str, documents: &Input, rounds: usize) -> Result<Value> {
    let mut rows = Vec::new();
    for (name, operator, form, function) in ROWS {
        let (mut engine, mut bare) = (Vec::new(), Vec::new());
        let recipe = recipe(lab, &[format!("./{OPERATORS}:{operator}")])?;
        for round in 0..rounds.max(1) {
            for turn in 0..2 {
                let output = lab.fresh_out()?.join("output.jsonl");
                let output = output.to_string_lossy().into_owned();
                match (round + turn) % 2 {
                    0 => engine.push(wrasse(lab, &recipe, python, &documents.path, &output)?),
                    _ => bare.push(lab.measure(&[
                        python,
                        ROWS_LOOP,
                        form,
                        function,
                        &documents.path,
                        &output,
                    ])?),
                }
            }
        }
        rows.push(compared(name, &documents.facts, &engine, &bare));
    }
    Ok(rows.into())
}

/// The least that both took, and how they compare.
fn compared(name: &str, facts: &Value, engine: &[Measured], bare: &[Measured]) -> Value {
    let least = |runs: &[Measured], of: fn(&Measured) -> f64| {
        runs.iter().map(of).fold(f64::INFINITY, f64::min)
    };
    let most =
        |runs: &[Measured], of: fn(&Measured) -> f64| runs.iter().map(of).fold(0.0, f64::max);
    let rows = number(&facts["rows"]);
    let figures = |runs: &[Measured]| {
        let cpu_s = least(runs, |m| m.cpu_s);
        json!({
            "cpu_s": cpu_s,
            "cpu_s_most": most(runs, |m| m.cpu_s),
            "wall_s": least(runs, |m| m.wall_s),
            "rows_per_cpu_s": rows / cpu_s,
            "tree_bytes": most(runs, |m| m.tree_bytes),
        })
    };
    json!({
        "name": name,
        "engine": figures(engine),
        "bare": figures(bare),
        "throughput": least(bare, |m| m.cpu_s) / least(engine, |m| m.cpu_s),
        "throughput_wall": least(bare, |m| m.wall_s) / least(engine, |m| m.wall_s),
    })
}

/// DataMate's chain over small files: its operators in workers and in a bare
/// loop, and the native ones.
fn chain(lab: &Lab, python: &str, rounds: usize, folder: &Path) -> Result<Value> {
    let (export, exported) = (lab.folder.join("exported"), lab.folder.join("bare"));
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let files = lab.folder.join("files");
    if files.exists() {
        std::fs::remove_dir_all(&files)?;
    }
    let made = lab.made_of_corpus(&["files", &text(&files), FILES, FILE_BYTES, &text(&export)])?;
    let files_list = text(&files.with_extension("jsonl"));
    let folders = CHAIN.map(|(name, _)| text(&folder.join(name)));
    let last = folders.len() - 1;
    let steps: Vec<String> = folders
        .iter()
        .enumerate()
        .map(|(i, folder)| {
            let params = json!({ "is_first_op": i == 0, "is_last_op": i == last, "num_proc": 1 });
            format!("{folder}: {params}")
        })
        .collect();
    let outside = recipe_of(lab, "chain", &steps)?;
    let native = CHAIN.map(|(_, name)| format!("{name}:"));
    let native = recipe_of(lab, "native", &native)?;
    let (mut engine, mut bare, mut natives) = (Vec::new(), Vec::new(), Vec::new());
    let mut is_equal = true;
    for _ in 0..rounds.max(1) {
        let output = text(&lab.fresh_out()?.join("output.jsonl"));
        for folder in [&export, &exported] {
            if folder.exists() {
                std::fs::remove_dir_all(folder)?;
            }
        }
        let mut command = vec![python.to_owned(), FILES_LOOP.to_owned(), files_list.clone()];
        command.extend(folders.iter().cloned());
        let command: Vec<&str> = command.iter().map(String::as_str).collect();
        bare.push(lab.measure(&command)?);
        std::fs::rename(&export, &exported)?;
        engine.push(wrasse(lab, &outside, python, &files_list, &output)?);
        is_equal &= same_files(&export, &exported)?;
        let output = text(&lab.fresh_out()?.join("output.jsonl"));
        natives.push(wrasse(lab, &native, python, &text(&files), &output)?);
    }
    let mut found = compared("ten cleaners of DataMate", &made, &engine, &bare);
    let natives = compared("native", &made, &natives, &bare);
    found["native"] = natives["engine"].clone();
    found["same_files"] = is_equal.into();
    found["files"] = made;
    Ok(found)
}

/// Whether two folders have the same files, and how many: at least one.
fn same_files(one: &Path, other: &Path) -> Result<bool> {
    let names = |folder: &Path| -> Result<Vec<PathBuf>> {
        let entries = std::fs::read_dir(folder).with_context(|| folder.display().to_string())?;
        let mut names: Vec<PathBuf> = entries
            .map(|entry| Ok(entry?.file_name().into()))
            .collect::<Result<_>>()?;
        names.sort();
        Ok(names)
    };
    let found = names(one)?;
    ensure!(!found.is_empty(), "nothing was exported");
    if found != names(other)? {
        return Ok(false);
    }
    for name in found {
        if std::fs::read(one.join(&name))? != std::fs::read(other.join(&name))? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn recipe(lab: &Lab, operators: &[String]) -> Result<String> {
    let steps: Vec<String> = operators
        .iter()
        .map(|operator| format!("{operator}: {{num_proc: 1}}"))
        .collect();
    recipe_of(lab, "python", &steps)
}

/// Writes a recipe with these steps.
fn recipe_of(lab: &Lab, name: &str, steps: &[String]) -> Result<String> {
    let mut text = String::from("process:\n");
    for step in steps {
        let _ = writeln!(text, "  - {step}");
    }
    let path = lab.folder.join(format!("{name}.yaml"));
    std::fs::write(&path, text)?;
    Ok(path.to_string_lossy().into_owned())
}

fn wrasse(lab: &Lab, recipe: &str, python: &str, input: &str, output: &str) -> Result<Measured> {
    let run_dir = format!("{output}.run");
    lab.measure(&[
        &lab.release("wrasse"),
        "run",
        recipe,
        "--set",
        &format!("dataset_path={input}"),
        "--set",
        &format!("export_path={output}"),
        "--run-dir",
        &run_dir,
        "--python",
        python,
        "--threads",
        "1",
        "--quiet",
    ])
}

/// The results as Markdown.
pub(super) fn report(all: &Value) -> String {
    let mut text = head("Python operators", all);
    let _ = write!(
        text,
        "\n{}, about {DOCUMENT_BYTES} bytes of text each. Engine: one thread and one worker \
process; CPU is that of all its processes, their start included. Bare loop: one Python process \
that decodes each line, calls the same function, encodes and writes (tables: 500 rows at a time). \
Least of {} rounds, in turn. Throughput: rows per CPU second of the engine over those of the bare \
loop; by wall time in parentheses.\n\n\
| operator | engine rows/CPU-s | bare loop rows/CPU-s | engine CPU s | bare CPU s | engine wall s | \
bare wall s | throughput |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n",
        input(&all["input"]),
        all["rounds"],
    );
    for row in list(&all["rows"]) {
        let (engine, bare) = (&row["engine"], &row["bare"]);
        let _ = writeln!(
            text,
            "| {} | {:.0} | {:.0} | {:.2} | {:.2} | {:.2} | {:.2} | {:.0} % ({:.0} %) |",
            word(&row["name"]),
            number(&engine["rows_per_cpu_s"]),
            number(&bare["rows_per_cpu_s"]),
            number(&engine["cpu_s"]),
            number(&bare["cpu_s"]),
            number(&engine["wall_s"]),
            number(&bare["wall_s"]),
            number(&row["throughput"]) * 100.0,
            number(&row["throughput_wall"]) * 100.0,
        );
    }
    text.push_str(
        "\nThe transport alone: rows in memory to a worker, as a table for an operator, and \
changes back. Bytes are those of texts.\n\n\
| way | GB/s | MB there | MB back | wall s |\n| --- | ---: | ---: | ---: | ---: |\n",
    );
    for row in list(&all["transport"]) {
        let _ = writeln!(
            text,
            "| {} | {:.2} | {:.1} | {:.1} | {:.3} |",
            word(&row["name"]),
            number(&row["gb_per_s"]),
            number(&row["bytes_there"]) / 1e6,
            number(&row["bytes_back"]) / 1e6,
            number(&row["wall_s"]),
        );
    }
    if let Some(chain) = all["chain"].as_object() {
        let files = &chain["files"];
        let _ = write!(
            text,
            "\nTen cleaners of DataMate, unmodified, over {} files with {:.1} MB of text; memory \
of all processes together:\n\n\
| row | CPU s | wall s | memory MB |\n| --- | ---: | ---: | ---: |\n",
            files["rows"],
            number(&files["text_bytes"]) / 1e6,
        );
        for (name, row) in [
            ("bare loop", &chain["bare"]),
            ("engine, the same operators", &chain["engine"]),
            ("engine, native operators", &chain["native"]),
        ] {
            let _ = writeln!(
                text,
                "| {name} | {:.2} | {:.2} | {:.0} |",
                number(&row["cpu_s"]),
                number(&row["wall_s"]),
                number(&row["tree_bytes"]) / 1e6,
            );
        }
        let _ = writeln!(
            text,
            "\n- CPU over the bare loop: {:.2} times\n- Same files: {}",
            1.0 / number(&chain["throughput"]),
            chain["same_files"],
        );
    }
    text
}
