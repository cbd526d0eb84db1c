//! `text_length_filter` keeps texts that are neither too short nor too long.

use wrasse_op::{Common, Configured, Example, Interval, OpError, OpSpec, ParamError, Stats, Text, TextFilter};

use crate::whole::{range, whole};

pub(crate) const SPEC: OpSpec = OpSpec::text_filter::<TextLengthFilter>(
    "text_length_filter",
    "Keeps samples whose text length lies within a range.",
)
.details("Lengths are Unicode scalar values (Python's `len`), not bytes: a threshold in bytes would cut Chinese text three times as early as English text.")
.origin("Data-Juicer 1.6")
.examples(&[
    Example {
        about: "drops a text below the minimum",
        params: r#"{"min_len": 3}"#,
        input: &[r#"{"text": "hi"}"#, r#"{"text": "hey"}"#],
        output: &[r#"{"text": "hey"}"#],
    },
    Example {
        about: "counts characters, not bytes",
        params: r#"{"min_len": 0, "max_len": 3}"#,
        input: &[r#"{"text": "数据集", "id": 7}"#],
        output: &[r#"{"text": "数据集", "id": 7}"#],
    },
]);

/// Parameters of `text_length_filter`.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Params {
    /// The shortest text to keep, in characters; no limit if null.
    #[serde(deserialize_with = "whole")]
    min_len: Option<i64>,
    /// The longest text to keep, in characters; no limit if null.
    #[serde(deserialize_with = "whole")]
    max_len: Option<i64>,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            min_len: Some(10),
            max_len: None,
        }
    }
}

pub(crate) struct TextLengthFilter {
    chars: Interval,
}

impl Configured for TextLengthFilter {
    type Params = Params;

    fn new(params: Params, common: &Common) -> Result<Self, ParamError> {
        Ok(Self {
            chars: range(common, params.min_len, params.max_len),
        })
    }
}

impl TextFilter for TextLengthFilter {
    const STATS: &'static [&'static str] = &["text_len"];

    fn measure(&self, text: &Text, stats: &mut Stats) -> Result<(), OpError> {
        stats.set("text_len", text.n_chars());
        Ok(())
    }

    fn keep(&self, stats: &Stats) -> bool {
        self.chars.keeps_stat(stats, "text_len")
    }
}
