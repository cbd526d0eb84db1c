//! `words_num_filter` keeps texts of neither too few nor too many words.

use wrasse_op::{
    Common, Configured, Example, Interval, OpError, OpSpec, ParamError, Stats, Text, TextFilter,
};

use crate::whole::{range, whole};
use crate::words::NumWords;

pub(crate) const SPEC: OpSpec = OpSpec::text_filter::<WordsNumFilter>(
    "words_num_filter",
    "Keeps samples whose number of words lies within a range.",
)
.details(
    "The number is `num_words`. Words are split at plain spaces, tabs and line feeds only; a \
     carriage return or an ideographic space does not split. What consists of special characters \
     alone (those of `special_characters_filter`: numbers, punctuation, most emoji, even `一`) is \
     no word.\n\n\
     Chinese, Japanese and Thai text is few long words this way, whatever `lang` says, so that \
     the default minimum drops most of it: use `text_length_filter` for it.",
)
.origin("Data-Juicer 1.6")
.examples(&[
    Example {
        about: "numbers and punctuation are no words",
        params: r#"{"min_num": 3}"#,
        input: &[r#"{"text": "2 + 2 = 4, right?"}"#, r#"{"text": "right\tor\nwrong"}"#],
        output: &[r#"{"text": "right\tor\nwrong"}"#],
    },
    Example {
        about: "text without spaces is one word",
        params: r#"{"min_num": 1, "max_num": 1, "lang": "zh"}"#,
        input: &[r#"{"text": "这是一个句子。这是第二个。"}"#],
        output: &[r#"{"text": "这是一个句子。这是第二个。"}"#],
    },
]);

/// Parameters of `words_num_filter`.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Params {
    /// The language of the samples. It chooses the model of `tokenization`,
    /// thus nothing here.
    #[serde(rename = "lang")]
    _lang: String,
    /// Split by a model instead of at spaces. True only where Data-Juicer is
    /// installed: its own operator runs then, in Python.
    tokenization: bool,
    /// The fewest words to keep; no limit if null.
    #[serde(deserialize_with = "whole")]
    min_num: Option<i64>,
    /// The most words to keep; no limit if null.
    #[serde(deserialize_with = "whole")]
    max_num: Option<i64>,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            _lang: "en".to_owned(),
            tokenization: false,
            min_num: Some(10),
            max_num: None,
        }
    }
}

pub(crate) struct WordsNumFilter {
    n_words: Interval,
}

impl Configured for WordsNumFilter {
    type Params = Params;

    fn new(params: Params, common: &Common) -> Result<Self, ParamError> {
        super::no_tokenizer(
            params.tokenization,
            super::SENTENCEPIECE,
            "leave it out to split at spaces; for languages written without spaces, use \
             `text_length_filter` instead",
        )?;
        Ok(Self {
            n_words: range(common, params.min_num, params.max_num),
        })
    }
}

impl TextFilter for WordsNumFilter {
    const STATS: &'static [&'static str] = &["num_words"];

    fn measure(&self, text: &Text, stats: &mut Stats) -> Result<(), OpError> {
        stats.set("num_words", text.derived::<NumWords>().0);
        Ok(())
    }

    fn keep(&self, stats: &Stats) -> bool {
        self.n_words.keeps_stat(stats, "num_words")
    }
}
