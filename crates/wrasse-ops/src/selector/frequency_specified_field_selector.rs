//! `frequency_specified_field_selector` keeps the samples with the most frequent
//! values.

use wrasse_op::{
    Common, Configured, Decision, Example, Exchange, Keys, OpError, OpKind, OpSpec, ParamError,
    Sample,
};

use crate::field::{Key, groups, n_taken};
use super::topk_specified_field_selector::Params;

pub(crate) const SPEC: OpSpec = OpSpec::exchange::<FrequencySpecifiedFieldSelector>(
    "frequency_specified_field_selector",
    "Keeps the samples with the most (or least) frequent values of a field.",
    OpKind::Selector,
)
.details(
    "`topk` and `top_ratio` count values, not samples; with both the smaller number is taken, \
     with neither, or without `field_key`, or of a single sample, all stay as they are. Samples \
     come out value by value, the most frequent first, of equally frequent ones that which came \
     first. Values are texts, numbers or null; 1, 1.0 and true are one value.\n\n\
     All samples are seen before one goes on; they wait on disk. The decision holds each \
     distinct value, and 4 bytes a sample.",
)
.origin("Data-Juicer 1.6")
.examples(&[Example {
    about: "the most frequent language",
    params: r#"{"field_key": "lang", "topk": 1}"#,
    input: &[
        r#"{"text": "a", "lang": "de"}"#,
        r#"{"text": "b", "lang": "en"}"#,
        r#"{"text": "c", "lang": "en"}"#,
    ],
    output: &[r#"{"text": "b", "lang": "en"}"#, r#"{"text": "c", "lang": "en"}"#],
}]);

pub(crate) struct FrequencySpecifiedFieldSelector(Params);

impl Configured for FrequencySpecifiedFieldSelector {
    type Params = Params;

    fn new(params: Params, _: &Common) -> Result<Self, ParamError> {
        params.check()?;
        Ok(Self(params))
    }
}

impl Exchange for FrequencySpecifiedFieldSelector {
    fn key(&self, sample: &mut Sample, key: &mut Vec<u8>) -> Result<(), OpError> {
        if self.0.takes_all() {
            return Ok(());
        }
        Key::exact(sample, &self.0.field_key)?
            .equal_to_python()
            .write(key)
    }

    fn decide(&self, keys: &dyn Keys, _: usize) -> Result<Decision, OpError> {
        if keys.len() > 1 && !self.0.takes_all() {
            let mut groups = groups(keys)?;
            if let Some(n) = n_taken(groups.len(), self.0.top_ratio, self.0.topk) {
                match self.0.reverse {
                    true => groups.sort_by_key(|group| std::cmp::Reverse(group.len())),
                    false => groups.sort_by_key(Vec::len),
                }
                let taken = groups.into_iter().take(n).flatten();
                return Ok(Decision::Order(taken.collect()));
            }
        }
        Ok(Decision::Same((0..keys.len()).collect()))
    }
}
