//! Listing files.

use std::fs;
use std::path::Path;

use wrasse_io::{Format, SourceSpec, discover};

use crate::support::spec;

fn names(spec: &SourceSpec, root: &Path) -> Vec<String> {
    let root = format!("{}/", root.display());
    discover(spec)
        .unwrap()
        .files
        .iter()
        .map(|file| file.path.replace(&root, ""))
        .collect()
}

#[test]
fn folders_are_walked_in_name_order() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for name in [
        "b.jsonl",
        "a/z.txt",
        "a.md",
        "a/b/c.parquet",
        "B.csv",
        ".hidden.jsonl",
        "x.png",
    ] {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "{\"a\":1}\n").unwrap();
    }
    let inputs = discover(&spec(root)).unwrap();
    assert_eq!(
        names(&spec(root), root),
        ["B.csv", "a.md", "a/b/c.parquet", "a/z.txt", "b.jsonl"]
    );
    assert_eq!(inputs.files[0].format, Format::Csv);
    assert_eq!(inputs.files[2].format, Format::Parquet);
    assert_eq!(inputs.warnings.len(), 2, "{:?}", inputs.warnings);
    let by_suffix = SourceSpec {
        suffixes: vec![".jsonl".to_owned(), "md".to_owned()],
        ..spec(root)
    };
    assert_eq!(names(&by_suffix, root), ["a.md", "b.jsonl"]);
    let glob = |pattern: &str| names(&spec(root.join(pattern)), root);
    assert_eq!(glob("*.jsonl"), ["b.jsonl"]);
    assert_eq!(glob("**/*.{txt,md}"), ["a.md", "a/z.txt"]);
}

#[test]
fn what_is_not_there_is_an_error_with_a_hint() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("train.jsonl"), "").unwrap();
    let error = discover(&spec(folder.path().join("trian.jsonl"))).unwrap_err();
    let hint = error.hint.unwrap();
    assert!(
        hint.starts_with("did you mean ") && hint.contains("train.jsonl"),
        "{hint}"
    );
    let error = discover(&spec(folder.path().join("*.csv"))).unwrap_err();
    assert_eq!(error.message, "no file matches");
    let empty = tempfile::tempdir().unwrap();
    let error = discover(&spec(empty.path())).unwrap_err();
    assert_eq!(error.message, "no input files");
}

#[test]
fn an_output_inside_the_input_is_no_input() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::write(root.join("a.jsonl"), "{}").unwrap();
    fs::create_dir(root.join("out")).unwrap();
    fs::write(root.join("out/a.jsonl"), "{}").unwrap();
    let mut spec = spec(root);
    spec.exclude = vec![
        root.join("out").to_str().unwrap().to_owned(),
        root.join("not-there-yet.jsonl")
            .to_str()
            .unwrap()
            .to_owned(),
    ];
    assert_eq!(names(&spec, root), ["a.jsonl"]);
    fs::write(root.join("not-there-yet.jsonl"), "{}").unwrap();
    assert_eq!(names(&spec, root), ["a.jsonl"]);
}

#[cfg(unix)]
#[test]
fn loops_pipes_and_dangling_links_are_reported() {
    use std::os::unix::fs::symlink;

    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::write(root.join("a.jsonl"), "{}").unwrap();
    symlink(root, root.join("loop")).unwrap();
    symlink(root.join("nowhere"), root.join("dangling.jsonl")).unwrap();
    symlink("/dev/null", root.join("device.jsonl")).unwrap();
    symlink(root.join("a.jsonl"), root.join("link.jsonl")).unwrap();
    let pipe = root.join("pipe.jsonl");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    assert_eq!(names(&spec(root), root), ["a.jsonl", "link.jsonl"]);
    let warnings = discover(&spec(root)).unwrap().warnings;
    assert_eq!(warnings.len(), 4, "{warnings:?}");
    assert!(discover(&spec(&pipe)).is_err(), "a pipe is not waited for");
}

#[cfg(target_os = "linux")]
#[test]
fn names_that_are_not_utf8_are_read_and_reported() {
    use std::os::unix::ffi::OsStrExt;

    let folder = tempfile::tempdir().unwrap();
    let name = std::ffi::OsStr::from_bytes(b"caf\xe9.jsonl");
    fs::write(folder.path().join(name), "{\"a\":1}\n").unwrap();
    let read = crate::support::read(folder.path());
    assert_eq!(read.samples(), [r#"{"a":1}"#]);
    assert_eq!(read.warnings.len(), 1);
}
