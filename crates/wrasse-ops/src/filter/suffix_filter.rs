//! `suffix_filter` keeps samples from files with certain suffixes.

use serde_json::Value;
use wrasse_op::{
    Common, Configured, Example, Filter, OpError, OpSpec, ParamError, Sample, Stats,
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
    fn measure(&self, _: &mut Sample) -> Result<(), OpError> {
        Ok(())
    }

    fn keep(&self, _: &Stats) -> bool {
        true
    }

    fn decides_by_stats(&self) -> bool {
        false
    }

    fn decide(&self, sample: &mut Sample) -> Result<bool, OpError> {
        if self.suffixes.is_empty() {
            return Ok(true);
        }
        let is_listed = match sample.value(SUFFIX_FIELD)? {
            None => {
                let message = format!("the field `{SUFFIX_FIELD}` is missing");
                return Err(OpError::bad_sample(message));
            }
            Some(Value::String(suffix)) => self.suffixes.contains(&suffix),
            Some(_) => false,
        };
        Ok(is_listed != self.reversed)
    }
}
