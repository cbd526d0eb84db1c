//! `specified_numeric_field_filter` keeps samples with a number within a range.

use serde_json::Value;
use wrasse_op::{
    Common, Configured, Example, Filter, Interval, OpError, OpSpec, ParamError, Sample, Stat,
    Stats,
};

use crate::python;

pub(crate) const SPEC: OpSpec = OpSpec::filter::<SpecifiedNumericFieldFilter>(
    "specified_numeric_field_filter",
    "Keeps samples whose number in a field lies within a range.",
    &[],
)
.details(
    "Texts that Python reads as a number count as one. What is no number is dropped, and so is \
     0, as in the original (an empty text, null and 0 are no numbers to it). Without `field_key` \
     all samples stay; a sample without the field is rejected otherwise. The value is kept among \
     the stats, under the name of the field.",
)
.origin("Data-Juicer 1.6")
.examples(&[Example {
    about: "a score",
    params: r#"{"field_key": "meta.score", "min_value": 0.5}"#,
    input: &[
        r#"{"text": "a", "meta": {"score": 0.7}}"#,
        r#"{"text": "b", "meta": {"score": "0.3"}}"#,
        r#"{"text": "c", "meta": {"score": "high"}}"#,
    ],
    output: &[r#"{"text": "a", "meta": {"score": 0.7}}"#],
}]);

/// Parameters of `specified_numeric_field_filter`.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Params {
    /// The field, with dots for fields inside others.
    field_key: String,
    /// The lowest number to keep; no limit if null.
    min_value: Option<f64>,
    /// The highest number to keep; no limit if null.
    max_value: Option<f64>,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            field_key: String::new(),
            min_value: Some(-(i64::MAX as f64)),
            max_value: Some(i64::MAX as f64),
        }
    }
}

pub(crate) struct SpecifiedNumericFieldFilter {
    field_key: String,
    range: Interval,
    recompute: bool,
}

impl Configured for SpecifiedNumericFieldFilter {
    type Params = Params;

    fn new(params: Params, common: &Common) -> Result<Self, ParamError> {
        Ok(Self {
            field_key: params.field_key,
            range: common.interval(params.min_value, params.max_value),
            recompute: common.recompute_stats,
        })
    }
}

impl Filter for SpecifiedNumericFieldFilter {
    fn measure(&self, sample: &mut Sample) -> Result<(), OpError> {
        super::note_field(sample, &self.field_key, self.recompute)
    }

    fn keep(&self, stats: &Stats) -> bool {
        if self.field_key.is_empty() {
            return true;
        }
        let value = stats.get(&self.field_key).map_or(Value::Null, Stat::to_json);
        let number = match &value {
            Value::String(text) => python::float(text),
            _ if python::is_true(&value) => python::number(&value),
            _ => None,
        };
        number.is_some_and(|number| self.range.keeps(number))
    }
}
