//! Who may depend on whom.

use std::collections::BTreeSet;
use std::process::Command;

use cargo_metadata::{Dependency, DependencyKind, Metadata, MetadataCommand, Package};

/// Outside crates that only the named crates may depend on: each is a choice
/// that the others need not know of, or must not be able to make.
const CONFINED: &[(&str, &[&str])] = &[
    // Terminals, arguments, signals, the allocator: the program's own.
    ("anstream", &["wrasse-cli"]),
    ("clap", &["wrasse-cli", "xtask"]),
    ("ctrlc", &["wrasse-cli"]),
    ("indicatif", &["wrasse-cli"]),
    ("mimalloc", &["wrasse-cli", "wrasse-bench"]),
    // Python.
    ("pyo3", &["wrasse-py"]),
    // Errors without a type: programs, not libraries.
    ("anyhow", &["wrasse-bench", "xtask"]),
    // Dialects of YAML.
    ("saphyr-parser", &["wrasse-recipe"]),
    // Threads.
    (
        "crossbeam-channel",
        &[
            "wrasse-pyhost",
            "wrasse-local",
            "wrasse-ray",
            "wrasse-bench",
        ],
    ),
    // Processes.
    ("rustix", &["wrasse-pyhost"]),
    // Formats, stores, and the runtime that stores need.
    ("arrow-*", &["wrasse-io"]),
    ("bytes", &["wrasse-io"]),
    ("csv-core", &["wrasse-docs", "wrasse-io"]),
    ("encoding_rs", &["wrasse-docs"]),
    ("flate2", &["wrasse-docs", "wrasse-io", "wrasse-ops"]),
    ("futures-util", &["wrasse-io"]),
    ("lopdf", &["wrasse-docs"]),
    ("object_store", &["wrasse-io"]),
    ("parquet", &["wrasse-io"]),
    ("quick-xml", &["wrasse-docs", "wrasse-ops"]),
    ("reqwest", &["wrasse-io"]),
    ("rustls", &["wrasse-io"]),
    ("tiff", &["wrasse-ops"]),
    ("tokio", &["wrasse-io", "wrasse-service", "wrasse-http"]),
    ("url", &["wrasse-io"]),
    ("walkdir", &["wrasse-io"]),
    ("zstd", &["wrasse-io", "wrasse-bench"]),
    // Databases.
    ("postgres", &["wrasse-results", "wrasse-service"]),
    ("rusqlite", &["wrasse-results", "wrasse-service"]),
    // The service: its store, its processes, its wire.
    ("axum", &["wrasse-http"]),
    ("hyper*", &["wrasse-http"]),
    ("subtle", &["wrasse-http"]),
    // What operators are made of.
    ("fancy-regex", &["wrasse-ops"]),
    ("html5ever", &["wrasse-ops"]),
    ("jieba-rs", &["wrasse-ops"]),
    ("md5", &["wrasse-ops"]),
    ("regex", &["wrasse-ops"]),
    ("regex-syntax", &["wrasse-ops"]),
    ("simdutf8", &["wrasse-ops"]),
    ("tar", &["wrasse-ops"]),
    ("unicode-normalization", &["wrasse-ops"]),
    ("unicode-segmentation", &["wrasse-ops"]),
    ("whatlang", &["wrasse-ops"]),
    ("zip", &["wrasse-docs", "wrasse-ops"]),
    // The schemas of parameters.
    ("schemars", &["wrasse-op", "wrasse-ops", "my-operators"]),
];

/// Crates that must not depend on anything from outside: what they decide
/// follows from their arguments alone.
const PURE: &[&str] = &["wrasse-sched"];

#[test]
fn crates_depend_downwards_only() {
    let metadata = metadata();
    let members = metadata.workspace_packages();
    let layer = |name: &str| {
        members
            .iter()
            .find(|member| member.name == name)
            .map(|member| layer(member))
    };
    for member in &members {
        let here = layer(&member.name).unwrap();
        for dependency in shipped(member) {
            let Some(below) = layer(&dependency.name) else {
                continue;
            };
            assert!(
                below < here,
                "{} (layer {here}) must not depend on {} (layer {below})",
                member.name,
                dependency.name
            );
        }
    }
}

#[test]
fn outside_crates_stay_where_they_belong() {
    for member in metadata().workspace_packages() {
        for dependency in shipped(member) {
            for (confined, allowed) in CONFINED {
                assert!(
                    !matches(confined, &dependency.name) || allowed.contains(&member.name.as_str()),
                    "only {allowed:?} may depend on {}; {} does",
                    dependency.name,
                    member.name
                );
            }
        }
    }
}

#[test]
fn every_confined_crate_is_used() {
    let metadata = metadata();
    let members = metadata.workspace_packages();
    for (confined, allowed) in CONFINED {
        for name in *allowed {
            let Some(member) = members.iter().find(|member| member.name == name) else {
                panic!("{confined} is confined to {name}, which does not exist");
            };
            assert!(
                shipped(member).any(|dependency| matches(confined, &dependency.name)),
                "{name} may depend on {confined} and does not: shorten the list"
            );
        }
    }
}

#[test]
fn pure_crates_depend_on_nothing_from_outside() {
    let metadata = metadata();
    let members = metadata.workspace_packages();
    for pure in PURE {
        let member = members.iter().find(|member| member.name == pure).unwrap();
        for dependency in shipped(member) {
            let is_ours = members.iter().any(|member| *member.name == dependency.name);
            assert!(is_ours, "{pure} must not depend on {}", dependency.name);
        }
    }
}

#[test]
fn every_crate_takes_the_lints_of_the_workspace() {
    for member in metadata().workspace_packages() {
        let manifest = std::fs::read_to_string(&member.manifest_path).unwrap();
        assert!(
            manifest.contains("\n[lints]\nworkspace = true\n"),
            "{} lacks `[lints] workspace = true`",
            member.manifest_path
        );
    }
}

#[test]
fn every_folder_has_the_name_of_its_crate() {
    for member in metadata().workspace_packages() {
        let folder = member.manifest_path.parent().unwrap().file_name().unwrap();
        assert_eq!(folder, member.name.as_str());
    }
}

#[test]
fn the_map_names_every_crate() {
    let map = super::read("ARCHITECTURE.md");
    for member in metadata().workspace_packages() {
        let is_named = map
            .split(|c: char| !(c.is_alphanumeric() || c == '-' || c == '_'))
            .any(|word| word == member.name.as_str());
        assert!(is_named, "ARCHITECTURE.md does not name {}", member.name);
    }
}

fn metadata() -> Metadata {
    MetadataCommand::new()
        .manifest_path(super::root().join("Cargo.toml"))
        .no_deps()
        .other_options(vec!["--offline".to_owned()])
        .exec()
        .unwrap()
}

/// What a crate depends on when it runs; tests may use more.
fn shipped(package: &Package) -> impl Iterator<Item = &Dependency> {
    package
        .dependencies
        .iter()
        .filter(|dependency| dependency.kind != DependencyKind::Development)
}

fn layer(package: &Package) -> u64 {
    package.metadata["layer"]
        .as_u64()
        .unwrap_or_else(|| panic!("{} declares no `metadata.layer`", package.name))
}

fn matches(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => name.starts_with(prefix),
        None => pattern == name,
    }
}

#[test]
fn the_wheel_takes_what_the_tests_built() {
    // With other features, a dependency is built once more for it, and all that
    // depends on it: minutes.
    let features = |of: &[&str]| -> BTreeSet<String> {
        let output = Command::new(env!("CARGO"))
            .args(["tree", "--offline", "--prefix=none", "--no-dedupe"])
            .args(["--format={p} {f}"])
            .args(of)
            .current_dir(super::root())
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().map(str::to_owned).collect()
    };
    let tests = features(&["--workspace", "--edges=normal,build,dev"]);
    let wheel = features(&["--package=wrasse-py", "--edges=normal,build"]);
    let other: Vec<_> = wheel.difference(&tests).collect();
    assert!(
        other.is_empty(),
        "the workspace gives other features to {other:?}: give them in crates/wrasse-py/Cargo.toml"
    );
}
