//! `remove_long_words_mapper` removes words that are too short or too long.

use std::borrow::Cow;

use wrasse_op::{Common, Configured, Example, OpError, OpSpec, ParamError, Text, TextMapper};

use crate::charset::SPECIAL;
use crate::whole::whole;
use crate::words::keep_words;

pub(crate) const SPEC: OpSpec = OpSpec::text_mapper::<RemoveLongWordsMapper>(
    "remove_long_words_mapper",
    "Removes words whose length lies outside a range.",
)
.details("Words are what stands between line ends, tabs and plain spaces; no other white space parts them, so that a whole Chinese sentence is one word. Lengths are in Unicode scalar values. A word that is too long is measured again without the special characters at its ends (punctuation, digits, emoji; the set is Data-Juicer's), and stays as it is if it is short enough then.\n\nThe words that stay are joined by one separator each: a line end if there was one between them, else a tab, else a space. So even with the default range runs of separators shrink to one and empty lines go, as in the original.")
.origin("Data-Juicer 1.6")
.examples(&[
    Example {
        about: "measures a long word without its punctuation",
        params: r#"{"max_len": 5}"#,
        input: &[r#"{"text": "a (words). abcdefg b"}"#],
        output: &[r#"{"text": "a (words). b"}"#],
    },
    Example {
        about: "joins runs of separators",
        params: "{}",
        input: &[r#"{"text": " a  b\t\n\nc "}"#],
        output: &[r#"{"text": "a b\nc"}"#],
    },
]);

/// Parameters of `remove_long_words_mapper`.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Params {
    /// The shortest word to keep, in characters; no limit if null.
    #[serde(deserialize_with = "whole")]
    min_len: Option<i64>,
    /// The longest word to keep, in characters; no limit if null.
    #[serde(deserialize_with = "whole")]
    max_len: Option<i64>,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            min_len: Some(1),
            max_len: None,
        }
    }
}

pub(crate) struct RemoveLongWordsMapper {
    min_len: usize,
    /// None if no word can be short enough.
    max_len: Option<usize>,
}

impl Configured for RemoveLongWordsMapper {
    type Params = Params;

    fn new(params: Params, _: &Common) -> Result<Self, ParamError> {
        Ok(Self {
            min_len: params
                .min_len
                .map_or(0, |min| usize::try_from(min).unwrap_or(0)),
            max_len: params
                .max_len
                .map_or(Some(usize::MAX), |max| usize::try_from(max).ok()),
        })
    }
}

impl RemoveLongWordsMapper {
    fn keeps(&self, word: &str) -> bool {
        let Some(max_len) = self.max_len else {
            return false;
        };
        // A character takes one to four bytes: most words need no counting.
        if word.len() <= max_len && self.min_len <= word.len().div_ceil(4) {
            return true;
        }
        let n_chars = word.chars().count();
        if n_chars <= max_len {
            return self.min_len <= n_chars;
        }
        let stripped = word.trim_matches(|c| SPECIAL.contains(c)).chars().count();
        self.min_len <= stripped && stripped <= max_len
    }
}

impl TextMapper for RemoveLongWordsMapper {
    fn map<'t>(&self, text: &'t Text) -> Result<Cow<'t, str>, OpError> {
        let text = text.as_str();
        Ok(keep_words(text, |start, end| self.keeps(&text[start..end])))
    }
}
