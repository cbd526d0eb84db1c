//! `skeleton_filter` KEEPS WHAT.

use wrasse_op::{
    Common, Configured, Example, Interval, OpError, OpSpec, ParamError, Stats, Text, TextFilter,
};

pub(crate) const SPEC: OpSpec =
    OpSpec::text_filter::<SkeletonFilter>("skeleton_filter", "KEEPS WHAT, in one sentence.")
        .details("WHAT ELSE A USER MUST KNOW: rules, units, quirks that are kept.")
        .origin("Wrasse")
        .examples(&[
            Example {
                about: "drops a text below the minimum",
                params: r#"{"min_num": 1}"#,
                input: &[r#"{"text": "a"}"#, r#"{"text": "a\nb"}"#],
                output: &[r#"{"text": "a\nb"}"#],
            },
            Example {
                about: "keeps a text exactly at the maximum",
                params: r#"{"max_num": 2}"#,
                input: &[r#"{"text": ""}"#, r#"{"text": "数\n据\n集"}"#],
                output: &[r#"{"text": ""}"#, r#"{"text": "数\n据\n集"}"#],
            },
        ]);

/// Parameters of `skeleton_filter`.
#[derive(Default, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Params {
    /// The fewest line feeds to keep.
    min_num: i64,
    /// The most line feeds to keep; no limit if null.
    max_num: Option<i64>,
}

pub(crate) struct SkeletonFilter {
    range: Interval,
}

impl Configured for SkeletonFilter {
    type Params = Params;

    fn new(params: Params, common: &Common) -> Result<Self, ParamError> {
        let max = params.max_num.map(|max| max as f64);
        Ok(Self {
            range: common.interval(Some(params.min_num as f64), max),
        })
    }
}

impl TextFilter for SkeletonFilter {
    const STATS: &'static [&'static str] = &["skeleton"];

    fn measure(&self, text: &Text, stats: &mut Stats) -> Result<(), OpError> {
        stats.set("skeleton", text.matches('\n').count());
        Ok(())
    }

    fn keep(&self, stats: &Stats) -> bool {
        self.range.keeps_stat(stats, "skeleton")
    }
}
