//! Filters: measure a sample, keep or drop it.

mod condition;
mod word_lists;

wrasse_op::operators! {
    alphanumeric_filter,
    average_line_length_filter,
    character_repetition_filter,
    file_with_high_repeat_word_rate_filter,
    file_with_high_special_char_rate_filter,
    flagged_words_filter,
    general_field_filter,
    maximum_line_length_filter,
    remove_file_with_short_or_long_length,
    special_characters_filter,
    specified_field_filter,
    specified_numeric_field_filter,
    stopwords_filter,
    suffix_filter,
    text_length_filter,
    word_repetition_filter,
    words_num_filter,
}

use wrasse_op::{OpError, ParamError, Sample, Stat};

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
