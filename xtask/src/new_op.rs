//! `cargo xtask new-op`: the file of a new operator, and its line in the list.
//!
//! The skeletons in `xtask/templates` are operators that work; a test of this
//! crate compiles them and runs their examples. What is theirs to say is in
//! capitals, which no operator may keep (`cargo test -p xtask`).

use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use clap::ValueEnum;

/// The shape of a new operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// One sample in, one sample out
    Mapper,
    /// Measures a sample, keeps or drops it
    Filter,
    /// Cuts a sample into any number of samples
    Slicer,
    /// Of equal samples keeps the first
    Deduplicator,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Mapper => "mapper",
            Self::Filter => "filter",
            Self::Slicer => "slicer",
            Self::Deduplicator => "deduplicator",
        }
    }

    const fn skeleton(self) -> &'static str {
        match self {
            Self::Mapper => include_str!("../templates/skeleton_mapper.rs"),
            Self::Filter => include_str!("../templates/skeleton_filter.rs"),
            Self::Slicer => include_str!("../templates/skeleton_slicer.rs"),
            Self::Deduplicator => include_str!("../templates/skeleton_deduplicator.rs"),
        }
    }

    /// The endings by which names tell the kind; Data-Juicer calls its slicers
    /// mappers.
    const fn endings(self) -> &'static [&'static str] {
        match self {
            Self::Mapper => &["_mapper"],
            Self::Filter => &["_filter"],
            Self::Slicer => &["_slicer", "_mapper"],
            Self::Deduplicator => &["_deduplicator"],
        }
    }
}

/// Writes the file of the operator `name` and registers it.
pub(crate) fn create(root: &Path, kind: Kind, name: &str) -> Result<()> {
    check_name(kind, name)?;
    if let Some(known) = wrasse_ops::catalog().find(name) {
        bail!("`{name}` exists already: {}", known.summary);
    }
    let folder = root.join("crates/wrasse-ops/src").join(kind.name());
    let file = folder.join(format!("{name}.rs"));
    ensure!(!file.exists(), "{} exists already", file.display());
    let list = folder.join("mod.rs");
    let text = std::fs::read_to_string(&list).with_context(|| list.display().to_string())?;
    let registered = register(&text, name).with_context(|| list.display().to_string())?;
    std::fs::write(&file, fill(kind, name)).with_context(|| file.display().to_string())?;
    std::fs::write(&list, registered).with_context(|| list.display().to_string())?;
    println!("wrote {} and its line in mod.rs", file.display());
    println!("next: replace what is in capitals and what the skeleton does, then");
    println!("      cargo test -p wrasse-ops && cargo xtask gen");
    Ok(())
}

fn check_name(kind: Kind, name: &str) -> Result<()> {
    let is_snake = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    ensure!(
        name.chars().all(is_snake) && name.starts_with(|c: char| c.is_ascii_lowercase()),
        "`{name}` is not in snake_case"
    );
    ensure!(
        !name.contains("__") && name != kind.name(),
        "`{name}` has an empty word in it"
    );
    let endings = kind.endings();
    ensure!(
        endings.iter().any(|ending| name.ends_with(ending)),
        "the name of a {} ends in `{}`, as in `{name}{}`",
        kind.name(),
        endings.join("` or `"),
        endings[0]
    );
    Ok(())
}

/// The skeleton with the operator's name in it.
fn fill(kind: Kind, name: &str) -> String {
    let known = format!("skeleton_{}", kind.name());
    let stem = kind
        .endings()
        .iter()
        .find_map(|ending| name.strip_suffix(ending));
    kind.skeleton()
        .replace(&known, name)
        .replace(&camel_case(&known), &camel_case(name))
        .replace("\"skeleton\"", &format!("{:?}", stem.unwrap_or(name)))
}

fn camel_case(name: &str) -> String {
    let words = name.split('_').map(|word| {
        let (first, rest) = word.split_at(word.len().min(1));
        first.to_uppercase() + rest
    });
    words.collect()
}

/// `list` with the line of `name` where it belongs by the alphabet.
fn register(list: &str, name: &str) -> Result<String> {
    const OPENING: &str = "operators! {\n";
    let start = list.find(OPENING).context("no `operators! {` to add to")? + OPENING.len();
    let end = start
        + list[start..]
            .find('}')
            .context("`operators! {` has no end")?;
    let mut at = start;
    for line in list[start..end].split_inclusive('\n') {
        if line.trim().trim_end_matches(',') > name {
            break;
        }
        at += line.len();
    }
    Ok(format!("{}    {name},\n{}", &list[..at], &list[at..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str =
        "//! Doc.\n\nwrasse_op::operators! {\n    b_filter,\n    d_filter,\n}\n\nfn f() {}\n";

    #[test]
    fn lines_are_added_by_the_alphabet() {
        for (name, want) in [
            ("a_filter", "    a_filter,\n    b_filter,\n    d_filter,\n}"),
            ("c_filter", "    b_filter,\n    c_filter,\n    d_filter,\n}"),
            ("e_filter", "    b_filter,\n    d_filter,\n    e_filter,\n}"),
        ] {
            let got = register(LIST, name).unwrap();
            assert!(got.contains(want), "{got}");
            assert_eq!(got.len(), LIST.len() + "    a_filter,\n".len());
        }
        let empty = register("wrasse_op::operators! {\n}\n", "a_filter").unwrap();
        assert_eq!(empty, "wrasse_op::operators! {\n    a_filter,\n}\n");
        assert!(register("mod a;", "a_filter").is_err());
    }

    #[test]
    fn names_follow_the_pattern() {
        check_name(Kind::Filter, "emoji_ratio_filter").unwrap();
        check_name(Kind::Slicer, "sentence_mapper").unwrap();
        for (kind, name) in [
            (Kind::Filter, "emoji_ratio"),
            (Kind::Filter, "emoji_mapper"),
            (Kind::Filter, "Emoji_filter"),
            (Kind::Filter, "../emoji_filter"),
            (Kind::Filter, "_filter"),
            (Kind::Mapper, "2_mapper"),
            (Kind::Mapper, ""),
        ] {
            assert!(check_name(kind, name).is_err(), "{name}");
        }
        let error = check_name(Kind::Filter, "emoji_ratio")
            .unwrap_err()
            .to_string();
        assert!(error.contains("emoji_ratio_filter"), "{error}");
    }

    #[test]
    fn an_operator_is_written_and_registered_once() {
        let root = tempfile::tempdir().unwrap();
        for kind in Kind::value_variants() {
            let folder = root.path().join("crates/wrasse-ops/src").join(kind.name());
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join("mod.rs"), LIST).unwrap();
            let name = format!("my_new{}", kind.endings()[0]);

            create(root.path(), *kind, &name).unwrap();
            let file = std::fs::read_to_string(folder.join(format!("{name}.rs"))).unwrap();
            assert!(file.starts_with(&format!("//! `{name}` ")), "{file}");
            assert!(file.contains(&format!("\"{name}\",")), "{file}");
            assert!(file.contains("struct MyNew"), "{file}");
            assert!(!file.to_lowercase().contains("skeleton"), "{file}");
            let list = std::fs::read_to_string(folder.join("mod.rs")).unwrap();
            assert_eq!(list.matches(&format!("    {name},\n")).count(), 1, "{list}");

            let again = create(root.path(), *kind, &name).unwrap_err().to_string();
            assert!(again.contains("exists already"), "{again}");
            assert_eq!(
                std::fs::read_to_string(folder.join("mod.rs")).unwrap(),
                list
            );
        }
        let known = create(root.path(), Kind::Filter, "words_num_filter").unwrap_err();
        assert!(known.to_string().contains("exists already"), "{known}");
    }
}
