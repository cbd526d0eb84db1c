//! `general_field_filter` keeps samples for which a condition holds.

use wrasse_op::{
    Common, Configured, Example, Filter, OpError, OpSpec, ParamError, Sample, Stat, Stats,
};

use crate::condition::Condition;

pub(crate) const SPEC: OpSpec = OpSpec::filter::<GeneralFieldFilter>(
    "general_field_filter",
    "Keeps samples whose fields meet a condition, such as `10 < n <= 30 and lang == 'en'`.",
    &["general_field_filter_condition"],
)
.details(
    "A condition is written as in Python: `and`, `or`, `not`, parentheses, chains of comparisons \
     (`<`, `<=`, `>`, `>=`, `==`, `!=`, `in`, `not in`), numbers, signs, texts in quotes, `True`, \
     `False`, `None`, lists, tuples and sets, and fields by name, with dots for fields inside \
     others (`__dj__stats__.text_len` is what an earlier filter measured). A field that a sample \
     lacks is `None`; a comparison with `None` does not hold, but for `not in`, which does: not \
     even `x == None`, `x is None` or `x is not None` holds, as in the original. Write `not x` \
     for what is missing, empty or 0. Values that have no order (a text and a number) cannot be \
     compared by it: the sample is rejected.\n\n\
     Whether the condition holds is `general_field_filter_condition`. Without a condition all \
     samples stay.",
)
.origin("Data-Juicer 1.6")
.examples(&[
    Example {
    about: "two fields",
    params: r#"{"filter_condition": "10 < n <= 30 and meta.lang in ['en', 'de']"}"#,
    input: &[
        r#"{"text": "a", "n": 30, "meta": {"lang": "de"}}"#,
        r#"{"text": "b", "n": 31, "meta": {"lang": "de"}}"#,
        r#"{"text": "c", "n": 12}"#,
    ],
    output: &[r#"{"text": "a", "n": 30, "meta": {"lang": "de"}}"#],
    },
    Example {
        about: "`not` and signs; a field that is missing is as good as none",
        params: r#"{"filter_condition": "not n > 5 and -n < 3 and not meta.bad"}"#,
        input: &[
            r#"{"text": "a", "n": 4}"#,
            r#"{"text": "b", "n": 6}"#,
            r#"{"text": "c", "n": -3}"#,
            r#"{"text": "d", "n": 4, "meta": {"bad": true}}"#,
        ],
        output: &[r#"{"text": "a", "n": 4}"#],
    },
]);

const STAT: &str = "general_field_filter_condition";

/// Parameters of `general_field_filter`.
#[derive(Default, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Params {
    /// The condition; all samples stay without one.
    filter_condition: String,
}

pub(crate) struct GeneralFieldFilter {
    condition: Option<Condition>,
    recompute: bool,
}

impl Configured for GeneralFieldFilter {
    type Params = Params;

    fn new(params: Params, common: &Common) -> Result<Self, ParamError> {
        let text = params.filter_condition.trim();
        let condition = match text.is_empty() {
            true => None,
            false => Some(
                Condition::parse(text)
                    .map_err(|message| ParamError::new("filter_condition", message))?,
            ),
        };
        Ok(Self {
            condition,
            recompute: common.recompute_stats,
        })
    }
}

impl Filter for GeneralFieldFilter {
    fn measure(&self, sample: &mut Sample) -> Result<(), OpError> {
        if let Some(condition) = &self.condition
            && (self.recompute || sample.stats().get(STAT).is_none())
        {
            let value = condition.value(sample)?;
            if let Some(stat) = Stat::from_json(&value) {
                sample.stats_mut().set(STAT, stat);
            }
        }
        Ok(())
    }

    fn keep(&self, stats: &Stats) -> bool {
        let value = stats.get(STAT).map(Stat::to_json);
        self.condition.is_none() || value.is_some_and(|value| crate::python::is_true(&value))
    }
}
