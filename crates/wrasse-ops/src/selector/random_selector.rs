//! `random_selector` keeps some samples, picked at random.

use wrasse_op::{
    Common, Configured, Decision, Example, Exchange, Keys, OpError, OpKind, OpSpec, ParamError,
    Sample,
};

use crate::random::Random;

pub(crate) const SPEC: OpSpec = OpSpec::exchange::<RandomSelector>(
    "random_selector",
    "Keeps a number or share of samples, picked at random, in random order.",
    OpKind::Selector,
)
.details(
    "The same seed picks the same samples in the same order, on any number of threads; with the \
     default they are those that the original picks. With both `select_ratio` and `select_num` \
     the smaller number of samples is taken; with neither, or of a single sample, all stay as \
     they are. So they do, as in the original, where as many are asked for as there are, and \
     where the share comes to less than one sample. If `select_num` is larger than their \
     number, all come in random order, and then in the same order again, until there are \
     enough.\n\n\
     All samples are seen before one goes on; they wait on disk. The decision needs 4 bytes of \
     memory a sample, of those that come and of those that go.",
)
.origin("Data-Juicer 1.6")
.examples(&[
    Example {
        about: "two of four",
        params: r#"{"select_num": 2}"#,
        input: &[
            r#"{"text": "a"}"#,
            r#"{"text": "b"}"#,
            r#"{"text": "c"}"#,
            r#"{"text": "d"}"#,
        ],
        output: &[r#"{"text": "d"}"#, r#"{"text": "c"}"#],
    },
    Example {
        about: "five of two: some go on several times",
        params: r#"{"select_num": 5}"#,
        input: &[r#"{"text": "a"}"#, r#"{"text": "b"}"#],
        output: &[
            r#"{"text": "b"}"#,
            r#"{"text": "a"}"#,
            r#"{"text": "b"}"#,
            r#"{"text": "a"}"#,
            r#"{"text": "b"}"#,
        ],
    },
]);

/// Parameters of `random_selector`.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Params {
    /// The share of samples to take, 0 to 1; 0 is as if absent.
    select_ratio: Option<f64>,
    /// The number of samples to take, 1 or more.
    select_num: Option<usize>,
    /// What the choice depends on. Wrasse's own; the original has always 42.
    seed: u64,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            select_ratio: None,
            select_num: None,
            seed: 42,
        }
    }
}

pub(crate) struct RandomSelector(Params);

impl Configured for RandomSelector {
    type Params = Params;

    fn new(params: Params, _: &Common) -> Result<Self, ParamError> {
        let ratio = params.select_ratio;
        if ratio.is_some_and(|ratio| !(0.0..=1.0).contains(&ratio)) {
            return Err(ParamError::new("select_ratio", "expected 0 to 1"));
        }
        if ratio == Some(0.0) && params.select_num.is_none() {
            let message = "0 counts as absent, and there is no `select_num`";
            return Err(ParamError::new("select_ratio", message));
        }
        if params.select_num == Some(0) {
            return Err(ParamError::new("select_num", "expected 1 or more"));
        }
        Ok(Self(params))
    }
}

impl Exchange for RandomSelector {
    fn key(&self, _: &mut Sample, _: &mut Vec<u8>) -> Result<(), OpError> {
        Ok(())
    }

    fn decide(&self, keys: &dyn Keys, _: usize) -> Result<Decision, OpError> {
        let n = keys.len();
        let ratio = self.0.select_ratio.filter(|ratio| *ratio > 0.0);
        let by_ratio = ratio.map(|ratio| (ratio * f64::from(n)) as usize);
        let n_taken = match (by_ratio, self.0.select_num) {
            (Some(ratio), Some(number)) => ratio.min(number),
            (one, other) => one.or(other).unwrap_or(0),
        };
        if n <= 1 || n_taken == 0 || n_taken == n as usize {
            return Ok(Decision::Same((0..n).collect()));
        }
        if n_taken > u32::MAX as usize {
            let message = format!("{n_taken} samples are more than 4,294,967,295");
            return Err(OpError::fatal(message));
        }
        let shuffled = Random::new(self.0.seed).permutation(n);
        Ok(Decision::Order(
            shuffled.into_iter().cycle().take(n_taken).collect(),
        ))
    }
}
