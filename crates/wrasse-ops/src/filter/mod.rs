//! Filters: measure a sample, keep or drop it.

wrasse_op::operators! {
    alphanumeric_filter,
    average_line_length_filter,
    c4_quality_filter,
    character_repetition_filter,
    fineweb_quality_filter,
    gopher_quality_filter,
    gopher_repetition_filter,
    language_id_score_filter,
    maximum_line_length_filter,
    special_characters_filter,
    text_length_filter,
    word_repetition_filter,
    words_num_filter,
}

use std::collections::HashSet;

use wrasse_op::{ParamError, Stats};

/// The answer to `tokenization: true`: the original would download `model`.
fn no_tokenizer(tokenization: bool, model: &str, hint: &str) -> Result<(), ParamError> {
    if !tokenization {
        return Ok(());
    }
    let message = format!(
        "`true` is not supported: it needs {model}, which the original downloads and Wrasse does not carry"
    );
    Err(ParamError::new("tokenization", message).with_hint(hint))
}

/// The model that `tokenization` of the original means by `lang`.
const SENTENCEPIECE: &str = "a SentencePiece model of the language";

/// `rep_len`, which the original's type limits to positive numbers.
fn run_length(rep_len: i64) -> Result<usize, ParamError> {
    match usize::try_from(rep_len) {
        Ok(length) if length > 0 => Ok(length),
        _ => Err(ParamError::new(
            "rep_len",
            format!("expected at least 1, found `{rep_len}`"),
        )),
    }
}

/// Python's `part / whole`, and 0 of nothing.
fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}

/// `language` of datatrove's filters, which have a tokenizer for each.
pub(crate) fn only_english(language: &str) -> Result<(), ParamError> {
    if matches!(language, "eng" | "en") {
        return Ok(());
    }
    let message = format!(
        "expected `eng`, found `{language}`: Wrasse carries the tokenizer of English alone"
    );
    Err(ParamError::new("language", message))
}

/// Whether a measured value is at most `limit`; a value that could not be
/// measured is, and so is any without a limit. Limits of 0 are none, as in
/// datatrove.
fn at_most(stats: &Stats, name: &str, limit: Option<f64>) -> bool {
    match (stats.number(name), limit) {
        (Some(value), Some(limit)) => limit == 0.0 || value <= limit,
        _ => true,
    }
}

/// [`at_most`] for the other side.
fn at_least(stats: &Stats, name: &str, limit: Option<f64>) -> bool {
    match (stats.number(name), limit) {
        (Some(value), Some(limit)) => limit == 0.0 || value >= limit,
        _ => true,
    }
}

/// How many pieces occurred before, and the characters in these.
fn duplicates<'t>(pieces: impl Iterator<Item = &'t str>) -> (usize, usize) {
    let mut seen = HashSet::new();
    pieces
        .filter(|piece| !seen.insert(*piece))
        .fold((0, 0), |(n, chars), piece| {
            (n + 1, chars + piece.chars().count())
        })
}
