//! Filters: measure a sample, keep or drop it.

wrasse_op::operators! {
    alphanumeric_filter,
    average_line_length_filter,
    character_repetition_filter,
    file_with_high_repeat_phrase_rate_filter,
    file_with_high_repeat_word_rate_filter,
    file_with_high_special_char_rate_filter,
    file_with_short_or_long_length_filter,
    maximum_line_length_filter,
    special_characters_filter,
    text_length_filter,
    word_repetition_filter,
    words_num_filter,
}

use wrasse_op::ParamError;

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
