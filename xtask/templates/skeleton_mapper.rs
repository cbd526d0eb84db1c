//! `skeleton_mapper` DOES WHAT.

use std::borrow::Cow;

use wrasse_op::{Common, Configured, Example, OpError, OpSpec, ParamError, Text, TextMapper};

pub(crate) const SPEC: OpSpec =
    OpSpec::text_mapper::<SkeletonMapper>("skeleton_mapper", "DOES WHAT, in one sentence.")
        .details("WHAT ELSE A USER MUST KNOW: rules, units, quirks that are kept.")
        .origin("Wrasse")
        .examples(&[
            Example {
                about: "removes a word",
                params: r#"{"word": "foo"}"#,
                input: &[r#"{"text": "foobar"}"#],
                output: &[r#"{"text": "bar"}"#],
            },
            Example {
                about: "leaves an empty text as it is",
                params: r#"{"word": "数据"}"#,
                input: &[r#"{"text": ""}"#],
                output: &[r#"{"text": ""}"#],
            },
        ]);

/// Parameters of `skeleton_mapper`.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// The word to remove.
    word: String,
}

pub(crate) struct SkeletonMapper {
    word: String,
}

impl Configured for SkeletonMapper {
    type Params = Params;

    fn new(params: Params, _: &Common) -> Result<Self, ParamError> {
        if params.word.is_empty() {
            return Err(ParamError::new("word", "expected at least one character"));
        }
        Ok(Self { word: params.word })
    }
}

impl TextMapper for SkeletonMapper {
    fn map<'t>(&self, text: &'t Text) -> Result<Cow<'t, str>, OpError> {
        if !text.contains(&self.word) {
            return Ok(Cow::Borrowed(text));
        }
        Ok(Cow::Owned(text.replace(&self.word, "")))
    }
}
