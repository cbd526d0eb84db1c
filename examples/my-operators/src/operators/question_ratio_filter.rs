//! `question_ratio_filter` drops texts that ask more than they tell.

use wrasse_op::{
    Common, Configured, Example, Interval, OpError, OpSpec, ParamError, Stats, Text, TextFilter,
};

pub(crate) const SPEC: OpSpec = OpSpec::text_filter::<QuestionRatioFilter>(
    "question_ratio_filter",
    "Keeps texts whose share of questions lies within a range.",
)
.details("The share is that of the lines that end with `?`, `？` or `؟` among the lines that are not blank; 0 for a text without lines.")
.origin("my-operators")
.examples(&[
    Example {
        about: "half of the lines is the most by default",
        params: "{}",
        input: &[
            r#"{"text": "Who?\nMe."}"#,
            r#"{"text": "Who?\n\nMe？"}"#,
        ],
        output: &[r#"{"text": "Who?\nMe."}"#],
    },
    Example {
        about: "an empty text asks nothing",
        params: r#"{"max_ratio": 0}"#,
        input: &[r#"{"text": ""}"#],
        output: &[r#"{"text": ""}"#],
    },
]);

/// Parameters of `question_ratio_filter`.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Params {
    /// The least share of questions to keep, from 0 to 1.
    min_ratio: f64,
    /// The greatest share of questions to keep, from 0 to 1.
    max_ratio: f64,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            min_ratio: 0.0,
            max_ratio: 0.5,
        }
    }
}

pub(crate) struct QuestionRatioFilter {
    ratio: Interval,
}

impl Configured for QuestionRatioFilter {
    type Params = Params;

    fn new(params: Params, common: &Common) -> Result<Self, ParamError> {
        Ok(Self {
            // Whether the ends belong to the range is a common parameter.
            ratio: common.interval(Some(params.min_ratio), Some(params.max_ratio)),
        })
    }
}

impl TextFilter for QuestionRatioFilter {
    const STATS: &'static [&'static str] = &["question_ratio"];

    fn measure(&self, text: &Text, stats: &mut Stats) -> Result<(), OpError> {
        let lines = || {
            text.lines()
                .map(str::trim_end)
                .filter(|line| !line.is_empty())
        };
        let n_questions = lines()
            .filter(|line| line.ends_with(['?', '？', '؟']))
            .count();
        stats.set(
            "question_ratio",
            n_questions as f64 / lines().count().max(1) as f64,
        );
        Ok(())
    }

    fn keep(&self, stats: &Stats) -> bool {
        self.ratio.keeps_stat(stats, "question_ratio")
    }
}
