//! `file_with_high_repeat_word_rate_filter` drops texts that repeat one Chinese character.

use wrasse_op::{
    Common, Configured, Example, OpError, OpSpec, ParamError, Stats, Text, TextFilter,
};

use std::collections::HashMap;

pub(crate) const SPEC: OpSpec = OpSpec::text_filter::<FileWithHighRepeatWordRateFilter>(
    "file_with_high_repeat_word_rate_filter",
    "Drops texts in which the share of the most frequent Chinese character reaches a threshold.",
)
.details(
    "The share is `repeat_word_ratio`, of all Chinese characters (U+4E00 to U+9FFF); a text without any \
     stays. So an English text with a single Chinese character is dropped, as by the original.",
)
.origin("DataMate")
.aliases(&["FileWithHighRepeatWordRateFilter"])
.examples(&[Example {
    about: "one character again and again",
    params: "{}",
    input: &[r#"{"text": "好好好好天"}"#, r#"{"text": "今天天气好"}"#],
    output: &[r#"{"text": "今天天气好"}"#],
}]);

/// Parameters of `file_with_high_repeat_word_rate_filter`.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Params {
    /// Texts with this share, 0 to 1, or more are dropped.
    #[serde(rename = "repeatWordRatio")]
    repeat_word_ratio: f64,
}

impl Default for Params {
    fn default() -> Self {
        Self { repeat_word_ratio: 0.5, }
    }
}

pub(crate) struct FileWithHighRepeatWordRateFilter { threshold: f64, }

impl Configured for FileWithHighRepeatWordRateFilter {
    type Params = Params;

    fn new(params: Params, _: &Common) -> Result<Self, ParamError> {
        Ok(Self {
            threshold: params.repeat_word_ratio,
        })
    }
}

impl TextFilter for FileWithHighRepeatWordRateFilter {
    const STATS: &'static [&'static str] = &["repeat_word_ratio"];

    fn measure(&self, text: &Text, stats: &mut Stats) -> Result<(), OpError> {
        let mut counts: HashMap<char, usize> = HashMap::new();
        for c in text.chars().filter(|c| matches!(c, '\u{4E00}'..='\u{9FFF}')) {
            *counts.entry(c).or_default() += 1;
        }
        let n: usize = counts.values().sum();
        let most = counts.into_values().max().unwrap_or_default();
        // A text without such characters stays, at any threshold.
        let ratio = if n == 0 { f64::NEG_INFINITY } else { most as f64 / n as f64 };
        stats.set("repeat_word_ratio", ratio);
        Ok(())
    }

    fn keep(&self, stats: &Stats) -> bool {
        stats.number("repeat_word_ratio").is_some_and(|ratio| ratio < self.threshold)
    }
}
