//! The architecture's rules, as tests.
//!
//! They run with `cargo test`, so that nobody learns of them from CI. What a
//! lint of the compiler can say is not here but in the root `Cargo.toml`.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod crates;
mod metrics;
mod operators;
mod text;

use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder of the workspace.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

/// The files that are part of the project, by their paths within it: tracked
/// ones, and new ones that are not ignored.
fn files() -> Vec<String> {
    let listed = Command::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(listed.status.success(), "`git ls-files` failed");
    let names = String::from_utf8(listed.stdout).unwrap();
    let names = names.split_terminator('\0').map(str::to_owned);
    // What was removed but is not committed yet is listed too.
    let files: Vec<String> = names.filter(|name| root().join(name).is_file()).collect();
    assert!(files.len() > 100, "only {} files are listed", files.len());
    files
}

fn read(path: &str) -> String {
    let bytes = std::fs::read(root().join(path)).unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

#[test]
fn generated_files_are_current() {
    let checked = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["gen", "--check"])
        .output()
        .unwrap();
    assert!(
        checked.status.success(),
        "{}",
        String::from_utf8_lossy(&checked.stderr)
    );
}
