//! `alphanumeric_filter` keeps texts that are letters and digits for the most part.

use wrasse_op::{
    Common, Configured, Example, Interval, OpError, OpSpec, ParamError, Stats, Text, TextFilter,
};

use crate::unicode::ALNUM;

pub(crate) const SPEC: OpSpec = OpSpec::text_filter::<AlphanumericFilter>(
    "alphanumeric_filter",
    "Keeps samples whose share of letters and digits lies within a range.",
)
.details(
    "The share is `alnum_ratio`: characters that are letters or numbers in any script, divided \
     by all characters; 0 for an empty text. White space counts among all characters, so that \
     English prose reaches about 0.8.\n\n\
     Letters and numbers are those of Python's `str.isalnum` with Unicode 14. Combining marks \
     are neither: a Hindi or Thai text has a lower share than it seems to have, and `é` counts \
     fully as one character and by half as `e` with a combining accent.\n\n\
     The original with `tokenization: true` divides letters by the tokens of a model \
     (`alpha_token_ratio`), which is not supported here.",
)
.origin("Data-Juicer 1.6")
.examples(&[
    Example {
        about: "drops what is mostly punctuation",
        params: "{}",
        input: &[r#"{"text": "a = {[(*)]};"}"#, r#"{"text": "Hello, World!"}"#],
        output: &[r#"{"text": "Hello, World!"}"#],
    },
    Example {
        about: "knows letters of all scripts, but no marks",
        params: r#"{"min_ratio": 0.75, "max_ratio": 0.75}"#,
        input: &[r#"{"text": "数据集。"}"#, r#"{"text": "abe\u0301"}"#],
        output: &[r#"{"text": "数据集。"}"#, r#"{"text": "abe\u0301"}"#],
    },
]);

/// Parameters of `alphanumeric_filter`.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Params {
    /// Measure by the tokens of a model. True only where Data-Juicer is
    /// installed: its own operator runs then, in Python.
    tokenization: bool,
    /// The lowest share to keep, 0 to 1; no limit if null.
    min_ratio: Option<f64>,
    /// The highest share to keep, 0 to 1; no limit if null.
    max_ratio: Option<f64>,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            tokenization: false,
            min_ratio: Some(0.25),
            max_ratio: None,
        }
    }
}

pub(crate) struct AlphanumericFilter {
    ratio: Interval,
}

impl Configured for AlphanumericFilter {
    type Params = Params;

    fn new(params: Params, common: &Common) -> Result<Self, ParamError> {
        super::no_tokenizer(
            params.tokenization,
            "the tokenizer of EleutherAI/pythia-6.9b-deduped",
            "leave it out to measure characters (`alnum_ratio`), and choose `min_ratio` anew: \
             letters per token are several times higher",
        )?;
        Ok(Self {
            ratio: common.interval(params.min_ratio, params.max_ratio),
        })
    }
}

impl TextFilter for AlphanumericFilter {
    const STATS: &'static [&'static str] = &["alnum_ratio"];

    fn measure(&self, text: &Text, stats: &mut Stats) -> Result<(), OpError> {
        stats.set("alnum_ratio", super::ratio(ALNUM.count(text), text.n_chars()));
        Ok(())
    }

    fn keep(&self, stats: &Stats) -> bool {
        self.ratio.keeps_stat(stats, "alnum_ratio")
    }
}
