//! `character_repetition_filter` drops texts that repeat themselves, by characters.

use wrasse_op::{
    Common, Configured, Example, Interval, OpError, OpSpec, ParamError, Stats, Text, TextFilter,
};

use crate::ngrams::Frequencies;

pub(crate) const SPEC: OpSpec = OpSpec::text_filter::<CharacterRepetitionFilter>(
    "character_repetition_filter",
    "Keeps samples whose share of repeated character n-grams lies within a range.",
)
.details(
    "The share is `char_rep_ratio`. All runs of `rep_len` characters are counted, overlapping \
     ones too. Of the *d* different runs, the *k* most frequent ones make up the numerator, \
     with *k* the lesser of the square root of *d*, rounded down, and the number of runs that \
     occur more than once; the denominator is the number of all runs. It is 0 for a text \
     shorter than `rep_len`.\n\n\
     The square root bounds the share of long texts: one that is repeated as a whole scores \
     far less than 1 (see `word_repetition_filter`, which counts all repeated runs). Counts are \
     exact, not estimated from hashes.",
)
.origin("Data-Juicer 1.6")
.examples(&[
    Example {
        about: "drops a text that says one thing all over again",
        params: r#"{"rep_len": 3, "max_ratio": 0.3}"#,
        input: &[
            r#"{"text": "ha ha ha ha"}"#,
            r#"{"text": "The quick brown fox jumps over the lazy dog."}"#,
        ],
        output: &[r#"{"text": "The quick brown fox jumps over the lazy dog."}"#],
    },
    Example {
        about: "counts pairs of characters: 5 in all, 3 different, so the one most frequent",
        params: r#"{"rep_len": 2, "min_ratio": 0.4, "max_ratio": 0.4}"#,
        input: &[r#"{"text": "谢谢你谢谢你"}"#],
        output: &[r#"{"text": "谢谢你谢谢你"}"#],
    },
]);

/// Parameters of `character_repetition_filter`.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Params {
    /// Length of the runs that are compared, in characters; at least 1.
    rep_len: i64,
    /// The lowest share to keep, 0 to 1; no limit if null.
    min_ratio: Option<f64>,
    /// The highest share to keep, 0 to 1; no limit if null.
    max_ratio: Option<f64>,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            rep_len: 10,
            min_ratio: Some(0.0),
            max_ratio: Some(0.5),
        }
    }
}

pub(crate) struct CharacterRepetitionFilter {
    run_chars: usize,
    ratio: Interval,
}

impl Configured for CharacterRepetitionFilter {
    type Params = Params;

    fn new(params: Params, common: &Common) -> Result<Self, ParamError> {
        Ok(Self {
            run_chars: super::run_length(params.rep_len)?,
            ratio: common.interval(params.min_ratio, params.max_ratio),
        })
    }
}

impl TextFilter for CharacterRepetitionFilter {
    const STATS: &'static [&'static str] = &["char_rep_ratio"];

    fn measure(&self, text: &Text, stats: &mut Stats) -> Result<(), OpError> {
        let mut runs = Frequencies::of_chars(text, self.run_chars)?;
        let n_distinct = runs.n_distinct();
        let n_counted = (n_distinct as f64).sqrt() as usize;
        let repeated = runs.sum_of_highest(n_counted.min(n_distinct - runs.n_unique()));
        stats.set("char_rep_ratio", super::ratio(repeated, runs.total));
        Ok(())
    }

    fn keep(&self, stats: &Stats) -> bool {
        self.ratio.keeps_stat(stats, "char_rep_ratio")
    }
}
