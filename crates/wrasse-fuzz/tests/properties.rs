//! The properties, on inputs made from seeds: the same ones in every run.

use wrasse_fuzz::{explore, jsonl, recipe, sample, seeds};

/// Explores, and shows what was found in a way that can be pasted.
fn holds(n: usize, seeds: &[&str], words: &[&str], property: fn(&[u8])) {
    if let Err(finding) = explore(0x5eed, n, seeds, words, property) {
        panic!("b\"{}\"\n{}", finding.input.escape_ascii(), finding.message);
    }
}

#[test]
fn any_bytes_are_a_recipe_or_told_to_be_none() {
    holds(20_000, seeds::RECIPES, seeds::RECIPE_WORDS, recipe);
}

#[test]
fn rows_do_not_depend_on_cuts() {
    holds(1_500, seeds::LINES, seeds::LINE_WORDS, jsonl);
}

#[test]
fn edits_are_those_of_a_plain_object() {
    holds(1_000_000, seeds::EDITS, seeds::EDIT_WORDS, sample);
}

#[test]
fn a_defect_is_found_and_made_short() {
    fn defective(input: &[u8]) {
        let text = String::from_utf8_lossy(input);
        assert!(!text.contains("\"b\"") || !text.contains("-text"), "both");
    }
    let finding = explore(1, 100_000, seeds::EDITS, seeds::EDIT_WORDS, defective).unwrap_err();
    assert_eq!(finding.message, "both");
    assert!(
        finding.input.len() <= 8,
        "{:?}",
        finding.input.escape_ascii().to_string()
    );
}
