//! `suffix_filter` keeps samples from files with certain suffixes.

use serde_json::Value;
use wrasse_op::{
    Common, Configured, Example, Filter, OpError, OpSpec, ParamError, Sample, Stat, Stats,
};

pub(crate) const SPEC: OpSpec = OpSpec::filter::<SuffixFilter>(
    "suffix_filter",
    "Keeps samples whose file had one of some suffixes.",
    &[],
)
.details(
    "The suffix is the field `__dj__suffix__`, and compared as it is: `.txt` and `txt` are two. \
     Without `suffixes` all samples stay; a sample without the field is rejected otherwise.",
)
.origin("Data-Juicer 1.6")
.examples(&[Example {
    about: "text files",
    params: r#"{"suffixes": [".txt", ".md"]}"#,
    input: &[
        r#"{"text": "a", "__dj__suffix__": ".txt"}"#,
        r#"{"text": "b", "__dj__suffix__": ".pdf"}"#,
    ],
    output: &[r#"{"text": "a", "__dj__suffix__": ".txt"}"#],
}]);

const SUFFIX_FIELD: &str = "__dj__suffix__";

/// Parameters of `suffix_filter`.
#[derive(Default, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Params {
    /// A suffix, or a list of them; all samples stay without.
    suffixes: Option<OneOrMore>,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

pub(crate) struct SuffixFilter {
    suffixes: Vec<String>,
    reversed: bool,
}

impl Configured for SuffixFilter {
    type Params = Params;

    fn new(params: Params, common: &Common) -> Result<Self, ParamError> {
        Ok(Self {
            suffixes: match params.suffixes {
                None => Vec::new(),
                Some(OneOrMore::One(suffix)) => vec![suffix],
                Some(OneOrMore::More(suffixes)) => suffixes,
            },
            reversed: common.reversed,
        })
    }
}

impl Filter for SuffixFilter {
    fn measure(&self, sample: &mut Sample) -> Result<(), OpError> {
        match self.suffix(sample)? {
            Some(suffix) => sample.stats_mut().set(SUFFIX_FIELD, Stat::Text(suffix)),
            None => sample.stats_mut().remove(SUFFIX_FIELD),
        }
        Ok(())
    }

    fn keep(&self, stats: &Stats) -> bool {
        match stats.get(SUFFIX_FIELD) {
            Some(Stat::Text(suffix)) => self.keeps(Some(suffix)),
            _ => self.keeps(None),
        }
    }

    /// Leaves no stat behind, as the original.
    fn decide(&self, sample: &mut Sample) -> Result<bool, OpError> {
        let suffix = self.suffix(sample)?;
        Ok(self.keeps(suffix.as_ref()))
    }
}

impl SuffixFilter {
    /// The suffix of a sample, if one is asked for and it is a text.
    fn suffix(&self, sample: &Sample) -> Result<Option<String>, OpError> {
        if self.suffixes.is_empty() {
            return Ok(None);
        }
        match sample.value(SUFFIX_FIELD)? {
            None => Err(OpError::bad_sample(format!(
                "the field `{SUFFIX_FIELD}` is missing"
            ))),
            Some(Value::String(suffix)) => Ok(Some(suffix)),
            Some(_) => Ok(None),
        }
    }

    fn keeps(&self, suffix: Option<&String>) -> bool {
        let is_listed = suffix.is_some_and(|suffix| self.suffixes.contains(suffix));
        self.suffixes.is_empty() || is_listed != self.reversed
    }
}
