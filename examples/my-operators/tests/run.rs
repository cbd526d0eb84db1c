//! The program, run on its recipe.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

/// A folder in which the paths of the README hold.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path().join("examples/my-operators");
    std::fs::create_dir_all(&here).unwrap();
    for name in ["recipe.yaml", "letters.jsonl"] {
        std::fs::copy(
            Path::new(env!("CARGO_MANIFEST_DIR")).join(name),
            here.join(name),
        )
        .unwrap();
    }
    folder
}

fn my_wrasse(folder: &TempDir, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_my-wrasse"))
        .args(args)
        .current_dir(folder)
        .output()
        .unwrap()
}

fn rows(folder: &TempDir, name: &str) -> Vec<Value> {
    let path = folder
        .path()
        .join("examples/my-operators/outputs")
        .join(name);
    let text = std::fs::read_to_string(path).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn a_panic_costs_one_sample_and_not_the_run() {
    for threads in ["1", "4"] {
        let folder = folder();
        let args = [
            "run",
            "examples/my-operators/recipe.yaml",
            "--threads",
            threads,
        ];
        let output = my_wrasse(&folder, &args);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{said}");
        assert!(
            said.contains("5 in = 2 out + 1 dropped + 0 duplicates + 2 rejected"),
            "{said}"
        );

        let out = rows(&folder, "letters.jsonl");
        let texts: Vec<&str> = out
            .iter()
            .map(|row| row["text"].as_str().unwrap())
            .collect();
        assert_eq!(
            texts,
            [
                "My berth is 17.\nPlease call ####### if it floods.",
                "I paid the fee twice, to account ########.\nMay I have one back?",
            ]
        );
        assert_eq!(out[1]["chars_per_page"], 31);

        let rejects = rows(&folder, "letters.wrasse/rejects.jsonl");
        let errors: Vec<(&str, &str)> = rejects
            .iter()
            .map(|row| {
                (
                    row["operator"].as_str().unwrap(),
                    row["error"].as_str().unwrap(),
                )
            })
            .collect();
        let by = "chars_per_page_mapper";
        assert_eq!(
            errors,
            [
                (by, "panicked: attempt to divide by zero"),
                (by, "field `pages` is no whole number"),
            ]
        );
        assert!(
            rejects[0]["raw"].as_str().unwrap().contains("Cleo"),
            "{rejects:?}"
        );
    }
}

#[test]
fn operators_are_known_to_every_command() {
    let folder = folder();
    let listed = String::from_utf8(my_wrasse(&folder, &["ops"]).stdout).unwrap();
    assert!(
        listed.contains("\nquestion_ratio_filter ") && listed.contains("\ntext_length_filter "),
        "{listed}"
    );
    let page =
        String::from_utf8(my_wrasse(&folder, &["ops", "mask_digits_mapper"]).stdout).unwrap();
    assert!(
        page.contains("The least number of digits that are hidden"),
        "{page}"
    );
    let recipe = "examples/my-operators/recipe.yaml";
    let set = "process.mask_digits_mapper.min_digit=3";
    let typo = my_wrasse(&folder, &["check", recipe, "--set", set]);
    let said = String::from_utf8(typo.stderr).unwrap();
    assert_eq!(typo.status.code(), Some(2), "{said}");
    assert!(said.contains("did you mean `min_digits`?"), "{said}");
    let set = "process.mask_digits_mapper.min_digits=0";
    let zero = my_wrasse(&folder, &["check", recipe, "--set", set]);
    let said = String::from_utf8(zero.stderr).unwrap();
    assert!(said.contains("expected at least 1, found 0"), "{said}");
}
