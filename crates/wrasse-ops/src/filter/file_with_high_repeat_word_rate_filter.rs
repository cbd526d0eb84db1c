//! `file_with_high_repeat_word_rate_filter` drops texts in which one ideograph
//! is frequent.

use std::collections::HashMap;

use wrasse_op::{
    Common, Configured, Example, OpError, OpSpec, ParamError, Stats, Text, TextFilter,
};

use crate::datamate::{ORIGIN, number};

pub(crate) const SPEC: OpSpec = OpSpec::text_filter::<FileWithHighRepeatWordRateFilter>(
    "file_with_high_repeat_word_rate_filter",
    "Drops texts of whose ideographs one is a given share or more.",
)
.aliases(&["FileWithHighRepeatWordRateFilter"])
.details("The share is `repeat_word_ratio`: how often the most frequent ideograph (U+4E00 to U+9FFF) occurs, divided by the number of ideographs; -1 if there is none, which is kept. As in the original, it does not matter how much else there is: an English text with two ideographs is dropped at the default. An empty text is dropped.")
.decided_by(&["repeatWordRatio"])
.origin(ORIGIN)
.examples(&[Example {
    about: "drops monotonous texts",
    params: "{}",
    input: &[
        r#"{"text": "哈哈哈哈，好"}"#,
        r#"{"text": "机器学习"}"#,
        r#"{"text": "aaaa"}"#,
    ],
    output: &[r#"{"text": "机器学习"}"#, r#"{"text": "aaaa"}"#],
}]);

/// Parameters of `file_with_high_repeat_word_rate_filter`.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Params {
    /// The lowest share that is dropped, 0 to 1.
    #[serde(
        rename = "repeatWordRatio",
        alias = "repeat_word_ratio",
        deserialize_with = "number"
    )]
    repeat_word_ratio: f64,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            repeat_word_ratio: 0.5,
        }
    }
}

pub(crate) struct FileWithHighRepeatWordRateFilter {
    limit: f64,
}

impl Configured for FileWithHighRepeatWordRateFilter {
    type Params = Params;

    fn new(params: Params, _: &Common) -> Result<Self, ParamError> {
        Ok(Self {
            limit: params.repeat_word_ratio,
        })
    }
}

impl TextFilter for FileWithHighRepeatWordRateFilter {
    const STATS: &'static [&'static str] = &["repeat_word_ratio"];

    fn measure(&self, text: &Text, stats: &mut Stats) -> Result<(), OpError> {
        // An empty text has no share.
        if text.is_empty() {
            return Ok(());
        }
        let mut counts: HashMap<char, usize> = HashMap::new();
        let mut n_all = 0;
        let mut n_most = 0;
        for c in text
            .chars()
            .filter(|c| matches!(c, '\u{4e00}'..='\u{9fff}'))
        {
            let count = counts.entry(c).or_default();
            *count += 1;
            n_most = n_most.max(*count);
            n_all += 1;
        }
        let ratio = match n_all {
            0 => -1.0,
            _ => super::ratio(n_most, n_all),
        };
        stats.set("repeat_word_ratio", ratio);
        Ok(())
    }

    fn keep(&self, stats: &Stats) -> bool {
        let ratio = stats.number("repeat_word_ratio");
        ratio.is_some_and(|ratio| ratio < 0.0 || ratio < self.limit)
    }
}
