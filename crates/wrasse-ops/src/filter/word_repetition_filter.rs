//! `word_repetition_filter` drops texts that repeat themselves, by words.

use wrasse_op::{
    Common, Configured, Example, Interval, OpError, OpSpec, ParamError, Stats, Text, TextFilter,
};

use crate::ngrams::Frequencies;
use crate::words::LoweredWords;

pub(crate) const SPEC: OpSpec = OpSpec::text_filter::<WordRepetitionFilter>(
    "word_repetition_filter",
    "Keeps samples whose share of repeated word n-grams lies within a range.",
)
.details(
    "The share is `word_rep_ratio`: of all runs of `rep_len` words, overlapping ones too, those \
     that occur more than once; 0 for a text of fewer words.\n\n\
     Words are split at plain spaces, tabs and line feeds only, lowered, and stripped of special \
     characters at both ends (those of `special_characters_filter`); what is empty then (numbers, \
     punctuation, most emoji) is no word. Chinese, Japanese and Thai text is few long words this \
     way, whatever `lang` says, and hardly ever repeats: use `character_repetition_filter` for \
     it.",
)
.origin("Data-Juicer 1.6")
.examples(&[
    Example {
        about: "finds repetition whatever the case and punctuation",
        params: r#"{"rep_len": 2, "max_ratio": 0.2}"#,
        input: &[
            r#"{"text": "Buy now! Buy, now. 100 buy NOW"}"#,
            r#"{"text": "each word of this line is new"}"#,
        ],
        output: &[r#"{"text": "each word of this line is new"}"#],
    },
]);

/// Parameters of `word_repetition_filter`.
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
    /// Length of the runs that are compared, in words; at least 1.
    rep_len: i64,
    /// The lowest share to keep, 0 to 1; no limit if null.
    min_ratio: Option<f64>,
    /// The highest share to keep, 0 to 1; no limit if null.
    max_ratio: Option<f64>,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            _lang: "en".to_owned(),
            tokenization: false,
            rep_len: 10,
            min_ratio: Some(0.0),
            max_ratio: Some(0.5),
        }
    }
}

pub(crate) struct WordRepetitionFilter {
    run_words: usize,
    ratio: Interval,
}

impl Configured for WordRepetitionFilter {
    type Params = Params;

    fn new(params: Params, common: &Common) -> Result<Self, ParamError> {
        super::no_tokenizer(
            params.tokenization,
            super::SENTENCEPIECE,
            "leave it out to split at spaces; for languages written without spaces, use \
             `character_repetition_filter` instead",
        )?;
        Ok(Self {
            run_words: super::run_length(params.rep_len)?,
            ratio: common.interval(params.min_ratio, params.max_ratio),
        })
    }
}

impl TextFilter for WordRepetitionFilter {
    const STATS: &'static [&'static str] = &["word_rep_ratio"];

    fn measure(&self, text: &Text, stats: &mut Stats) -> Result<(), OpError> {
        let runs = Frequencies::of_words(text.derived::<LoweredWords>(), self.run_words)?;
        let repeated = runs.total - runs.n_unique();
        stats.set("word_rep_ratio", super::ratio(repeated, runs.total));
        Ok(())
    }

    fn keep(&self, stats: &Stats) -> bool {
        self.ratio.keeps_stat(stats, "word_rep_ratio")
    }
}
