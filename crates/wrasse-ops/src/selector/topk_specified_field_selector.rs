//! `topk_specified_field_selector` keeps the samples with the highest values.

use wrasse_op::{
    Common, Configured, Decision, Example, Exchange, Keys, OpError, OpKind, OpSpec, ParamError,
    Sample,
};

use crate::field::{EXTREME, Key, first_by_key, n_taken};

pub(crate) const SPEC: OpSpec = OpSpec::exchange::<TopkSpecifiedFieldSelector>(
    "topk_specified_field_selector",
    "Keeps the samples with the highest (or lowest) values of a field, sorted by them.",
    OpKind::Selector,
)
.details(
    "With both `topk` and `top_ratio` the smaller number of samples is taken; with neither, or \
     without `field_key`, or of a single sample, all stay as they are. Of equal values the \
     earlier sample comes first.\n\n\
     A field inside another (`meta.score`) is read as a number, as in the original: texts that \
     are numbers count, of a list the mean, and all else comes last. A top-level field is \
     compared as it is: numbers before texts, null before both. Values that are lists or objects \
     are rejected there.\n\n\
     All samples are seen before one goes on; they wait on disk. The decision holds twice as \
     many values as are taken.",
)
.origin("Data-Juicer 1.6")
.examples(&[Example {
    about: "the two longest",
    params: r#"{"field_key": "meta.n", "topk": 2}"#,
    input: &[
        r#"{"text": "a", "meta": {"n": 3}}"#,
        r#"{"text": "b", "meta": {"n": 5}}"#,
        r#"{"text": "c", "meta": {"n": 1}}"#,
    ],
    output: &[
        r#"{"text": "b", "meta": {"n": 5}}"#,
        r#"{"text": "a", "meta": {"n": 3}}"#,
    ],
}]);

/// Parameters of `topk_specified_field_selector`.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Params {
    /// The field, with dots for fields inside others.
    pub(super) field_key: String,
    /// The share of samples to take, 0 to 1.
    pub(super) top_ratio: Option<f64>,
    /// The number of samples to take, 1 or more.
    pub(super) topk: Option<usize>,
    /// Highest values first; lowest if false.
    pub(super) reverse: bool,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            field_key: String::new(),
            top_ratio: None,
            topk: None,
            reverse: true,
        }
    }
}

impl Params {
    pub(super) fn check(&self) -> Result<(), ParamError> {
        if self.top_ratio.is_some_and(|ratio| !(0.0..=1.0).contains(&ratio)) {
            return Err(ParamError::new("top_ratio", "expected 0 to 1"));
        }
        if self.topk == Some(0) {
            return Err(ParamError::new("topk", "expected 1 or more"));
        }
        Ok(())
    }

    /// Whether all samples stay, whatever is in the field.
    pub(super) fn takes_all(&self) -> bool {
        self.field_key.is_empty() || n_taken(0, self.top_ratio, self.topk).is_none()
    }
}

pub(crate) struct TopkSpecifiedFieldSelector(Params);

impl Configured for TopkSpecifiedFieldSelector {
    type Params = Params;

    fn new(params: Params, _: &Common) -> Result<Self, ParamError> {
        params.check()?;
        Ok(Self(params))
    }
}

impl Exchange for TopkSpecifiedFieldSelector {
    fn key(&self, sample: &mut Sample, key: &mut Vec<u8>) -> Result<(), OpError> {
        let path = self.0.field_key.as_str();
        let otherwise = if self.0.reverse { -EXTREME } else { EXTREME };
        match path {
            _ if self.0.takes_all() => Ok(()),
            _ if path.contains('.') => Key::number(sample, path, otherwise)?.write(key),
            _ => Key::exact(sample, path)?.write(key),
        }
    }

    fn decide(&self, keys: &dyn Keys, _: usize) -> Result<Decision, OpError> {
        let n = n_taken(keys.len() as usize, self.0.top_ratio, self.0.topk);
        match n {
            Some(n) if keys.len() > 1 && !self.0.field_key.is_empty() => {
                let taken = first_by_key(keys, n, self.0.reverse)?;
                let numbers = taken.into_iter().map(|(_, i)| i);
                Ok(Decision::Order(numbers.collect()))
            }
            _ => Ok(Decision::Same((0..keys.len()).collect())),
        }
    }
}
