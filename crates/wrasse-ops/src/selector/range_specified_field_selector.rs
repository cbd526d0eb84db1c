//! `range_specified_field_selector` keeps the samples within a range of ranks.

use wrasse_op::{
    Common, Configured, Decision, Example, Exchange, Keys, OpError, OpKind, OpSpec, ParamError,
    Sample,
};

use crate::field::{EXTREME, Key, first_by_key};

pub(crate) const SPEC: OpSpec = OpSpec::exchange::<RangeSpecifiedFieldSelector>(
    "range_specified_field_selector",
    "Keeps the samples whose values of a field lie within a range of ranks or percentiles.",
    OpKind::Selector,
)
.details(
    "Samples are sorted by the field. Those up to the upper bound stay, less those up to the \
     lower one, highest values first. Of a percentile and a rank the narrower bound counts; if \
     a lower or an upper bound is missing altogether, all stay as they are. Texts that are \
     numbers count as such, of a list the mean, and all else comes first.\n\n\
     All samples are seen before one goes on; they wait on disk. The decision holds up to twice \
     as many values as the upper bound.",
)
.origin("Data-Juicer 1.6")
.examples(&[Example {
    about: "without the lowest, and no more than there are",
    params: r#"{"field_key": "n", "lower_rank": 1, "upper_rank": 100}"#,
    input: &[r#"{"text": "a", "n": 3}"#, r#"{"text": "b", "n": 5}"#],
    output: &[r#"{"text": "b", "n": 5}"#],
}, Example {
    about: "without the lowest and the highest",
    params: r#"{"field_key": "n", "lower_rank": 1, "upper_rank": 3}"#,
    input: &[
        r#"{"text": "a", "n": 3}"#,
        r#"{"text": "b", "n": 5}"#,
        r#"{"text": "c", "n": 1}"#,
        r#"{"text": "d", "n": 9}"#,
    ],
    output: &[r#"{"text": "b", "n": 5}"#, r#"{"text": "a", "n": 3}"#],
}]);

/// Parameters of `range_specified_field_selector`.
#[derive(Default, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Params {
    /// The field, with dots for fields inside others.
    field_key: String,
    /// The share of samples with the lowest values to leave out, 0 to 1.
    lower_percentile: Option<f64>,
    /// The share of samples with the lowest values to keep, 0 to 1.
    upper_percentile: Option<f64>,
    /// The number of samples with the lowest values to leave out, 1 or more.
    lower_rank: Option<usize>,
    /// The number of samples with the lowest values to keep, 1 or more.
    upper_rank: Option<usize>,
}

pub(crate) struct RangeSpecifiedFieldSelector(Params);

impl Configured for RangeSpecifiedFieldSelector {
    type Params = Params;

    fn new(params: Params, _: &Common) -> Result<Self, ParamError> {
        for (name, share) in [
            ("lower_percentile", params.lower_percentile),
            ("upper_percentile", params.upper_percentile),
        ] {
            if share.is_some_and(|share| !(0.0..=1.0).contains(&share)) {
                return Err(ParamError::new(name, "expected 0 to 1"));
            }
        }
        for (name, rank) in [
            ("lower_rank", params.lower_rank),
            ("upper_rank", params.upper_rank),
        ] {
            if rank == Some(0) {
                return Err(ParamError::new(name, "expected 1 or more"));
            }
        }
        Ok(Self(params))
    }
}

impl RangeSpecifiedFieldSelector {
    /// Ranks from and to, of `n` samples.
    fn bounds(&self, n: usize) -> Option<(usize, usize)> {
        let of = |share: f64| (share * n as f64) as usize;
        let params = &self.0;
        let lower = params.lower_percentile.map(of).max(params.lower_rank)?;
        let upper = match (params.upper_percentile.map(of), params.upper_rank) {
            (Some(share), Some(rank)) => share.min(rank),
            (share, rank) => share.or(rank)?,
        };
        Some((lower, upper.min(n).max(lower)))
    }
}

impl Exchange for RangeSpecifiedFieldSelector {
    fn key(&self, sample: &mut Sample, key: &mut Vec<u8>) -> Result<(), OpError> {
        match self.0.field_key.as_str() {
            "" => Ok(()),
            path => Key::number(sample, path, -EXTREME)?.write(key),
        }
    }

    fn decide(&self, keys: &dyn Keys, _: usize) -> Result<Decision, OpError> {
        let n = keys.len() as usize;
        match self.bounds(n) {
            Some((lower, upper)) if n > 1 && !self.0.field_key.is_empty() => {
                let mut taken = first_by_key(keys, upper, false)?;
                // Stable: of equal values those stay that come first.
                taken.sort_by(|(a, _), (b, _)| b.order(a));
                taken.truncate(upper - lower);
                let numbers = taken.into_iter().map(|(_, i)| i);
                Ok(Decision::Order(numbers.collect()))
            }
            _ => Ok(Decision::Same((0..keys.len()).collect())),
        }
    }
}
