//! The folders of operators.

use std::path::Path;

use wrasse_op::OpKind;

use super::{read, root};

const KINDS: [OpKind; 4] = [
    OpKind::Mapper,
    OpKind::Filter,
    OpKind::Slicer,
    OpKind::Deduplicator,
];

#[test]
fn every_operator_file_is_registered_in_order() {
    for kind in KINDS {
        let folder = format!("crates/wrasse-ops/src/{kind}");
        let listed = listed(&format!("{folder}/mod.rs"));
        assert!(
            listed.is_sorted(),
            "{folder}/mod.rs is not in order: {listed:?}"
        );
        let mut files: Vec<String> = std::fs::read_dir(root().join(&folder))
            .unwrap()
            .map(|entry| stem(&entry.unwrap().path()))
            .filter(|stem| stem != "mod")
            .collect();
        files.sort();
        assert_eq!(
            listed, files,
            "the list in {folder}/mod.rs and the files beside it"
        );
    }
}

#[test]
fn an_operator_lies_in_the_folder_of_its_kind_under_its_name() {
    for spec in wrasse_ops::catalog().iter() {
        let path = format!("crates/wrasse-ops/src/{}/{}.rs", spec.kind, spec.name);
        assert!(root().join(&path).is_file(), "{path} does not exist");
    }
}

/// `cargo xtask new-op` leaves words in capitals where the author has to speak.
#[test]
fn no_operator_is_still_a_skeleton() {
    let left: Vec<String> = KINDS
        .iter()
        .flat_map(|kind| capitals(&read(&format!("xtask/templates/skeleton_{kind}.rs"))))
        .collect();
    assert!(
        left.len() >= KINDS.len(),
        "the skeletons have words in capitals"
    );
    for spec in wrasse_ops::catalog().iter() {
        let path = format!("crates/wrasse-ops/src/{}/{}.rs", spec.kind, spec.name);
        let text = read(&path);
        for phrase in &left {
            assert!(!text.contains(phrase), "{path} still says `{phrase}`");
        }
    }
}

/// Runs of at least two words in capitals.
fn capitals(text: &str) -> Vec<String> {
    let is_loud =
        |word: &&str| word.len() > 1 && word.bytes().all(|byte| byte.is_ascii_uppercase());
    let mut phrases = Vec::new();
    for line in text.lines() {
        let words: Vec<&str> = line
            .split(|c: char| !c.is_alphanumeric() && c != '_')
            .filter(|word| !word.is_empty())
            .collect();
        for run in words.split(|word| !is_loud(word)) {
            if run.len() > 1 {
                phrases.push(run.join(" "));
            }
        }
    }
    phrases
}

fn listed(list: &str) -> Vec<String> {
    let text = read(list);
    let (_, rest) = text.split_once("operators! {").unwrap();
    let (names, _) = rest.split_once('}').unwrap();
    let names = names.split(',').map(|name| name.trim().to_owned());
    names.filter(|name| !name.is_empty()).collect()
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap().to_str().unwrap().to_owned()
}
