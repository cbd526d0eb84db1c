//! The guides of `tests/recipes/*.md`, run as they are written: every section
//! is recipe, input, commands, and what must come of them.
//!
//! Each section runs in each of the [`ways::WAYS`] and must give the same words
//! and the same files in all of them. `UPDATE_EXPECT=1 cargo test -p wrasse-cli
//! --test recipes` writes what came out into the guides; read the difference
//! before you commit it.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "recipes/compare.rs"]
mod compare;
#[path = "recipes/document.rs"]
mod document;
#[path = "recipes/examples.rs"]
mod examples;
#[path = "recipes/section.rs"]
mod section;
#[path = "recipes/ways.rs"]
mod ways;

use std::path::{Path, PathBuf};

/// One test a guide, so that they run side by side and fail apart.
macro_rules! guides {
    ($($test:ident: $file:literal,)*) => {
        const GUIDES: &[&str] = &[$($file),*];
        $(#[test] fn $test() { check($file); })*
    };
}

guides! {
    getting_started: "getting-started.md",
    data_juicer_recipes: "data-juicer-recipes.md",
    rejects_and_replay: "rejects-and-replay.md",
    recipe_errors: "recipe-errors.md",
    formats: "formats.md",
    chunking: "chunking.md",
    dropped_and_stats: "dropped-and-stats.md",
    limits: "limits.md",
    duplicate_decisions: "duplicate-decisions.md",
    waiting_for_all: "waiting-for-all.md",
    measure_and_tune: "measure-and-tune.md",
    datamate_tasks: "datamate-tasks.md",
    python_operators: "python-operators.md",
}

#[test]
fn every_guide_is_run() {
    let mut found: Vec<String> = std::fs::read_dir(workspace().join("tests/recipes"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    found.sort();
    let mut listed = GUIDES.to_vec();
    listed.sort_unstable();
    assert_eq!(found, listed);
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[expect(
    clippy::disallowed_methods,
    reason = "the usual switch of snapshot tests"
)]
fn updating() -> bool {
    std::env::var("UPDATE_EXPECT").is_ok_and(|value| value == "1")
}

fn check(name: &str) {
    let path = workspace().join("tests/recipes").join(name);
    let mut document = document::Document::parse(&std::fs::read_to_string(&path).unwrap());
    assert!(!document.sections.is_empty(), "{name} has no section");
    let mut complaints = Vec::new();
    for section in &document.sections {
        let ran: Vec<section::Ran> = ways::WAYS
            .iter()
            .map(|way| section::run(section, way, &document.blocks))
            .collect();
        for (way, ran) in ways::WAYS.iter().zip(&ran) {
            complaints.extend(section::differences(section, way, ran, &document.blocks));
        }
        if updating() {
            complaints.retain(|complaint| complaint.is_final);
            for (at, text) in &ran[0].actual {
                document.blocks[*at].text.clone_from(text);
            }
        }
        complaints.extend(section::same_files(section, &ran));
    }
    if updating() {
        std::fs::write(&path, document.render()).unwrap();
    }
    let complaints: Vec<String> = complaints.into_iter().map(|one| one.text).collect();
    assert!(complaints.is_empty(), "{name}\n\n{}", complaints.join("\n"));
}
