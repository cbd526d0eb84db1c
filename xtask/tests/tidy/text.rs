//! What may stand in files.

use super::{files, read, root};

#[test]
fn modules_say_what_they_are_for() {
    for file in rust_files() {
        assert!(
            read(&file).starts_with("//!"),
            "{file} has no module documentation"
        );
    }
}

#[test]
fn nothing_unfinished_is_merged() {
    // In pieces, so that this file does not hold them.
    let marks = [
        concat!("FIX", "ME"),
        concat!("XX", "X"),
        concat!("db", "g!("),
        concat!("tod", "o!("),
        concat!("unimple", "mented!("),
    ];
    for file in rust_files().chain(files().into_iter().filter(|file| file.ends_with(".py"))) {
        for (number, line) in read(&file).lines().enumerate() {
            for mark in marks {
                assert!(!line.contains(mark), "{file}:{}: `{mark}`", number + 1);
            }
        }
    }
}

/// A test that is ignored is no test, but for the body of one that another
/// starts as a process of its own.
#[test]
fn no_test_is_ignored() {
    let ignored = concat!("#[ign", "ore");
    for file in rust_files() {
        for (number, line) in read(&file).lines().enumerate() {
            assert!(
                !line.trim_start().starts_with(ignored) || line.contains("run by the test"),
                "{file}:{}: an ignored test that no other test runs",
                number + 1
            );
        }
    }
}

#[test]
fn no_file_names_a_place_on_one_machine() {
    let places = [
        concat!("/ho", "me/"),
        concat!("/Us", "ers/"),
        concat!("/wo", "rk/"),
        concat!("/ro", "ot/"),
        concat!("C:\\", "Users\\"),
    ];
    for file in files() {
        if is_data(&file) {
            continue;
        }
        for (number, line) in read(&file).lines().enumerate() {
            for place in places {
                for (at, _) in line.match_indices(place) {
                    // In the middle of a path or a URL it is a folder like any other.
                    let before = line[..at].chars().next_back();
                    let is_absolute =
                        !before.is_some_and(|c| c.is_alphanumeric() || "/._-)}~".contains(c));
                    assert!(!is_absolute, "{file}:{}: `{place}`", number + 1);
                }
            }
        }
    }
}

/// Each invariant of the map has a check, and the check is there.
#[test]
fn the_checks_of_the_invariants_exist() {
    let map = read("ARCHITECTURE.md");
    let (_, table) = map
        .split_once("## What must always hold")
        .expect("the map has a table of invariants");
    let (table, _) = table.split_once("\n## ").unwrap_or((table, ""));
    let sources: String = rust_files()
        .chain(files().into_iter().filter(|file| file.ends_with(".py")))
        .map(|file| read(&file))
        .collect();
    let mut n = 0;
    for name in table.split('`').skip(1).step_by(2) {
        if name.matches('_').count() >= 2 && !name.contains(['/', '.', ' ', '(']) {
            n += 1;
            let is_there = ["fn ", "def "]
                .iter()
                .any(|kind| sources.contains(&format!("{kind}{name}(")));
            assert!(
                is_there,
                "ARCHITECTURE.md names the check `{name}`, which is not there"
            );
        }
    }
    assert!(n > 30, "{n} checks were found in the table");
}

#[test]
fn files_are_small() {
    const BYTES_MAX: u64 = 1 << 20;
    for file in files() {
        let bytes = root().join(&file).metadata().unwrap().len();
        assert!(
            bytes <= BYTES_MAX,
            "{file} has {bytes} bytes; the most is {BYTES_MAX}"
        );
    }
}

fn rust_files() -> impl Iterator<Item = String> {
    files().into_iter().filter(|file| file.ends_with(".rs"))
}

/// Texts of people, in which a path is a word.
fn is_data(file: &str) -> bool {
    file.starts_with("examples/") && file.ends_with(".jsonl")
}
