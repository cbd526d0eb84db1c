//! `maximum_line_length_filter` keeps texts whose longest line is neither too short nor too long.

use wrasse_op::{
    Common, Configured, Example, Interval, OpError, OpSpec, ParamError, Stats, Text, TextFilter,
};

use crate::lines::max_line_chars;
use crate::whole::{range, whole};

pub(crate) const SPEC: OpSpec = OpSpec::text_filter::<MaximumLineLengthFilter>(
    "maximum_line_length_filter",
    "Keeps samples whose longest line has a length within a range.",
)
.details(
    "The length is `max_line_length`, in characters without the line end; 0 for an empty text. \
     Lines are those of `average_line_length_filter`, which counts line ends where this does \
     not.",
)
.origin("Data-Juicer 1.6")
.examples(&[Example {
    about: "measures the longest line",
    params: r#"{"min_len": 3, "max_len": 5}"#,
    input: &[
        r#"{"text": "a\r\n数据集"}"#,
        r#"{"text": "a\nb"}"#,
        r#"{"text": "a\nminified"}"#,
    ],
    output: &[r#"{"text": "a\r\n数据集"}"#],
}]);

/// Parameters of `maximum_line_length_filter`.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Params {
    /// The shortest longest line to keep, in characters; no limit if null.
    #[serde(deserialize_with = "whole")]
    min_len: Option<i64>,
    /// The longest longest line to keep, in characters; no limit if null.
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

pub(crate) struct MaximumLineLengthFilter {
    chars: Interval,
}

impl Configured for MaximumLineLengthFilter {
    type Params = Params;

    fn new(params: Params, common: &Common) -> Result<Self, ParamError> {
        Ok(Self {
            chars: range(common, params.min_len, params.max_len),
        })
    }
}

impl TextFilter for MaximumLineLengthFilter {
    const STATS: &'static [&'static str] = &["max_line_length"];

    fn measure(&self, text: &Text, stats: &mut Stats) -> Result<(), OpError> {
        stats.set("max_line_length", max_line_chars(text));
        Ok(())
    }

    fn keep(&self, stats: &Stats) -> bool {
        self.chars.keeps_stat(stats, "max_line_length")
    }
}
