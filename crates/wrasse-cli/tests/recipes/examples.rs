//! The bundled examples, run on their data, against what their READMEs say.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::workspace;

/// What a run of an example gave.
struct Example {
    readme: String,
    report: Value,
    folder: TempDir,
    name: &'static str,
}

impl Example {
    /// Copies an example and runs it as its README says, from the folder above.
    fn run(name: &'static str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let from = workspace().join("examples").join(name);
        copy(&from, &folder.path().join("examples").join(name));
        let readme = std::fs::read_to_string(from.join("README.md")).unwrap();
        let command = format!("run examples/{name}/recipe.yaml");
        assert!(
            readme.contains(&command),
            "the README of {name} runs something else"
        );
        let output = Command::new(env!("CARGO_BIN_EXE_wrasse"))
            .args(command.split(' '))
            .args(["--report", "json"])
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let report = serde_json::from_slice(&output.stdout).unwrap();
        Self {
            // Line ends of the prose are no part of what it says.
            readme: readme.replace('\n', " "),
            report,
            folder,
            name,
        }
    }

    fn rows(&self, what: &str) -> u64 {
        self.report["rows"][what].as_u64().unwrap()
    }

    /// Samples that a step took out, filters by name.
    fn dropped(&self, operator: &str) -> u64 {
        let operators = self.report["operators"].as_array().unwrap();
        let of_name = operators.iter().filter(|op| op["name"] == operator);
        of_name.map(|op| op["dropped"].as_u64().unwrap()).sum()
    }

    fn says(&self, text: &str) {
        assert!(
            self.readme.contains(text),
            "the README of {} does not say: {text}",
            self.name
        );
    }

    fn read(&self, path: &str) -> String {
        let path = self
            .folder
            .path()
            .join("examples")
            .join(self.name)
            .join(path);
        std::fs::read_to_string(path).unwrap()
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        match path.is_dir() {
            true if path.ends_with("outputs") => {}
            true => copy(&path, &to),
            false => {
                std::fs::copy(&path, &to).unwrap();
            }
        }
    }
}

fn word(n: u64) -> &'static str {
    let words = [
        "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
        "eleven", "twelve", "thirteen",
    ];
    words[n as usize]
}

/// Each line that a step leaves as it is lies byte for byte in the input.
fn fields_are_verbatim(input: &str, output: &str, field: &str) {
    let value = |line: &str| {
        let start = line
            .find(&format!("\"{field}\""))
            .unwrap_or_else(|| panic!("{line}"));
        let rest = &line[start..];
        rest[..rest.find([',', '}']).unwrap()].to_owned()
    };
    let known: BTreeSet<String> = input
        .lines()
        .filter(|line| line.contains(&format!("\"{field}\"")))
        .map(value)
        .collect();
    for line in output.lines() {
        assert!(known.contains(&value(line)), "{line}");
    }
}

#[test]
fn web_text_is_what_its_table_says() {
    let example = Example::run("web-text");
    example.says(&format!("{} rows, 0.8 MB", example.rows("in")));
    example.says(&format!("| come out | {} |", example.rows("out")));
    let by_filter = [
        ("length", "text_length_filter"),
        ("line length", "average_line_length_filter"),
        ("words", "words_num_filter"),
        ("letters", "alphanumeric_filter"),
        ("special characters", "special_characters_filter"),
        ("characters repeated", "character_repetition_filter"),
        ("words repeated", "word_repetition_filter"),
    ];
    let by_filter: Vec<String> = by_filter
        .iter()
        .map(|(words, name)| format!("{words} {}", example.dropped(name)))
        .collect();
    example.says(&format!(
        "| are dropped by a filter | {} | {} |",
        example.rows("dropped"),
        by_filter.join(", ")
    ));
    example.says(&format!(
        "| are duplicates | {} |",
        example.rows("duplicates")
    ));
    example.says(&format!("| are rejected | {} |", example.rows("rejected")));
    let rejects = example.read("outputs/clean.wrasse/rejects.jsonl");
    assert_eq!(rejects.lines().count() as u64, example.rows("rejected"));
    assert!(
        rejects.lines().all(|line| line.contains("broken/")),
        "{rejects}"
    );
}

#[test]
fn a_data_juicer_recipe_runs_unmodified() {
    let example = Example::run("data-juicer");
    example.says(&format!("holds {} product reviews", example.rows("in")));
    assert_eq!(example.rows("duplicates"), 2);
    example.says("Two are copies of others");
    assert_eq!(
        example.rows("in"),
        example.rows("out") + example.rows("dropped") + 2
    );
    let output = example.read("outputs/reviews.jsonl");
    assert_eq!(output.lines().count() as u64, example.rows("out"));
    fields_are_verbatim(&example.read("reviews.jsonl"), &output, "review_id");
    for line in output.lines() {
        assert!(line.contains(r#""__dj__stats__":{"#), "{line}");
    }
}

#[test]
fn a_spreadsheet_becomes_a_parquet_file() {
    let example = Example::run("csv-to-parquet");
    let (remain, all) = (word(example.rows("out")), word(example.rows("in")));
    example.says(&format!("{remain} of {all} rows remain"));
    // Read back, a remark of three lines is one cell and no zero was lost.
    let recipe =
        "dataset_path: examples/csv-to-parquet/outputs/finds.parquet\nexport_path: back.jsonl\n";
    std::fs::write(example.folder.path().join("back.yaml"), recipe).unwrap();
    let status = Command::new(env!("CARGO_BIN_EXE_wrasse"))
        .args(["run", "--quiet", "back.yaml"])
        .current_dir(example.folder.path())
        .status()
        .unwrap();
    assert!(status.success());
    let back = std::fs::read_to_string(example.folder.path().join("back.jsonl")).unwrap();
    let rows: Vec<Value> = back
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(rows.len() as u64, example.rows("out"));
    example.says("All columns are text");
    for row in &rows {
        let cells = row.as_object().unwrap();
        assert!(cells.values().all(Value::is_string), "{row}");
        assert!(
            row["inventory_no"].as_str().unwrap().starts_with('0'),
            "{row}"
        );
    }
    let three_lines = |row: &Value| row["remarks"].as_str().unwrap().lines().count() == 3;
    assert!(rows.iter().any(three_lines), "{back}");
}

#[test]
fn documents_become_passages() {
    let example = Example::run("chunk-for-rag");
    let pieces = example.rows("in") + example.report["rows"]["added_by_slicing"].as_u64().unwrap();
    example.says(&format!(
        "{} files, {} pieces",
        word(example.rows("in")),
        word(pieces)
    ));
    assert_eq!(example.rows("dropped"), 1, "a lone heading");
    let output = example.read("outputs/passages.jsonl");
    assert_eq!(output.lines().count() as u64, example.rows("out"));
    for line in output.lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        let chars = row["text"].as_str().unwrap().chars().count();
        assert!((40..=600).contains(&chars), "{chars}: {line}");
    }
}
