//! Filters: measure a sample, keep or drop it.

wrasse_op::operators! {
    alphanumeric_filter,
    audio_size_filter,
    average_line_length_filter,
    c4_quality_filter,
    character_repetition_filter,
    file_with_high_repeat_phrase_rate_filter,
    file_with_high_repeat_word_rate_filter,
    file_with_high_special_char_rate_filter,
    file_with_many_sensitive_words_filter,
    file_with_short_or_long_length_filter,
    fineweb_quality_filter,
    flagged_words_filter,
    general_field_filter,
    gopher_quality_filter,
    gopher_repetition_filter,
    image_aspect_ratio_filter,
    image_blurriness_filter,
    image_shape_filter,
    image_size_filter,
    language_id_score_filter,
    maximum_line_length_filter,
    special_characters_filter,
    specified_field_filter,
    specified_numeric_field_filter,
    stopwords_filter,
    suffix_filter,
    text_length_filter,
    token_num_filter,
    word_repetition_filter,
    words_num_filter,
}

use std::collections::HashSet;

use wrasse_op::{OpError, ParamError, Sample, Stat, Stats};

/// The answer to `tokenization: true`: the original would download `model`.
pub(crate) fn no_tokenizer(tokenization: bool, model: &str, hint: &str) -> Result<(), ParamError> {
    if !tokenization {
        return Ok(());
    }
    let message = format!(
        "`true` is not supported: it needs {model}, which the original downloads and Wrasse does not carry"
    );
    let error = ParamError::new("tokenization", message).with_hint(hint);
    Err(error.leave_to_original())
}

/// The model that `tokenization` of the original means by `lang`.
pub(crate) const SENTENCEPIECE: &str = "a SentencePiece model of the language";

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
pub(crate) fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}

/// Puts the value of a field among the stats, under the field's name, unless it
/// is there.
fn note_field(sample: &mut Sample, path: &str, again: bool) -> Result<(), OpError> {
    if path.is_empty() || (!again && sample.stats().get(path).is_some()) {
        return Ok(());
    }
    let Some(value) = sample.value(path)? else {
        return Err(OpError::bad_sample(format!(
            "the field `{path}` is missing"
        )));
    };
    match Stat::from_json(&value) {
        Some(stat) => sample.stats_mut().set(path.to_owned(), stat),
        None => sample.stats_mut().remove(path),
    }
    Ok(())
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
