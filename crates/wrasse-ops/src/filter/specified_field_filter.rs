//! `specified_field_filter` keeps samples with certain values of a field.

use serde_json::Value;
use wrasse_op::{
    Common, Configured, Example, Filter, OpError, OpSpec, ParamError, Sample, Stat, Stats,
};

use crate::python;

pub(crate) const SPEC: OpSpec = OpSpec::filter::<SpecifiedFieldFilter>(
    "specified_field_filter",
    "Keeps samples whose value of a field is one of a list.",
    &[],
)
.details(
    "Of a field that is a list, all members have to be in `target_value`. Without `field_key` or \
     `target_value` all samples stay; a sample without the field is rejected otherwise. 1, 1.0 \
     and true are equal. The value is kept among the stats, under the name of the field.",
)
.decided_by(&["target_value"])
.origin("Data-Juicer 1.6")
.examples(&[Example {
    about: "by language",
    params: r#"{"field_key": "meta.lang", "target_value": ["en", "de"]}"#,
    input: &[
        r#"{"text": "a", "meta": {"lang": "en"}}"#,
        r#"{"text": "b", "meta": {"lang": "fr"}}"#,
    ],
    output: &[r#"{"text": "a", "meta": {"lang": "en"}}"#],
}]);

/// Parameters of `specified_field_filter`.
#[derive(Default, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Params {
    /// The field, with dots for fields inside others.
    field_key: String,
    /// The values of samples that stay.
    target_value: Vec<Value>,
}

pub(crate) struct SpecifiedFieldFilter {
    params: Params,
    reversed: bool,
    recompute: bool,
}

impl Configured for SpecifiedFieldFilter {
    type Params = Params;

    fn new(params: Params, common: &Common) -> Result<Self, ParamError> {
        Ok(Self {
            params,
            reversed: common.reversed,
            recompute: common.recompute_stats,
        })
    }
}

impl Filter for SpecifiedFieldFilter {
    fn measure(&self, sample: &mut Sample) -> Result<(), OpError> {
        super::note_field(sample, &self.params.field_key, self.recompute)
    }

    fn keep(&self, stats: &Stats) -> bool {
        let Params {
            field_key,
            target_value,
        } = &self.params;
        if field_key.is_empty() || target_value.is_empty() {
            return true;
        }
        let is_listed = |value: &Value| target_value.iter().any(|one| python::equal(one, value));
        let all = match stats.get(field_key).map_or(Value::Null, Stat::to_json) {
            Value::Array(list) => list.iter().all(is_listed),
            value => is_listed(&value),
        };
        all != self.reversed
    }
}
