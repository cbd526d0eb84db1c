//! `average_line_length_filter` keeps texts whose lines are neither too short nor too long on average.

use wrasse_op::{
    Common, Configured, Example, Interval, OpError, OpSpec, ParamError, Stats, Text, TextFilter,
};

use crate::lines::n_lines;
use crate::whole::{range, whole};

pub(crate) const SPEC: OpSpec = OpSpec::text_filter::<AverageLineLengthFilter>(
    "average_line_length_filter",
    "Keeps samples whose average line length lies within a range.",
)
.details(
    "The average is `avg_line_length`: the characters of the text, *line ends included*, divided \
     by its lines; 0 for an empty text. Empty lines count.\n\n\
     Lines are those of Python's `str.splitlines`: they end at line feeds, carriage returns (both \
     together are one end), vertical tabs, form feeds, U+001C to U+001E, U+0085, U+2028 and \
     U+2029, and an end at the end of the text begins no further line.",
)
.origin("Data-Juicer 1.6")
.examples(&[Example {
    about: "counts the line end: 6 characters in 2 lines",
    params: r#"{"min_len": 3, "max_len": 3}"#,
    input: &[r#"{"text": "ab\nabc"}"#, r#"{"text": "abc\nabc"}"#],
    output: &[r#"{"text": "ab\nabc"}"#],
}]);

/// Parameters of `average_line_length_filter`.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Params {
    /// The lowest average to keep, in characters; no limit if null.
    #[serde(deserialize_with = "whole")]
    min_len: Option<i64>,
    /// The highest average to keep, in characters; no limit if null.
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

pub(crate) struct AverageLineLengthFilter {
    chars: Interval,
}

impl Configured for AverageLineLengthFilter {
    type Params = Params;

    fn new(params: Params, common: &Common) -> Result<Self, ParamError> {
        Ok(Self {
            chars: range(common, params.min_len, params.max_len),
        })
    }
}

impl TextFilter for AverageLineLengthFilter {
    const STATS: &'static [&'static str] = &["avg_line_length"];

    fn measure(&self, text: &Text, stats: &mut Stats) -> Result<(), OpError> {
        let average = super::ratio(text.n_chars(), n_lines(text));
        stats.set("avg_line_length", average);
        Ok(())
    }

    fn keep(&self, stats: &Stats) -> bool {
        self.chars.keeps_stat(stats, "avg_line_length")
    }
}
