//! `skeleton_slicer` CUTS WHERE.

use wrasse_op::{Common, Configured, Example, OpError, OpSpec, ParamError, Text, TextSlicer};

pub(crate) const SPEC: OpSpec =
    OpSpec::text_slicer::<SkeletonSlicer>("skeleton_slicer", "CUTS WHERE, in one sentence.")
        .details("WHAT ELSE A USER MUST KNOW: rules, units, quirks that are kept.")
        .origin("Wrasse")
        .examples(&[
            Example {
                about: "other fields go with each piece",
                params: r#"{"separator": "--"}"#,
                input: &[r#"{"text": "数据--集", "id": 7}"#],
                output: &[r#"{"text": "数据", "id": 7}"#, r#"{"text": "集", "id": 7}"#],
            },
            Example {
                about: "an empty text is one piece",
                params: r#"{"separator": "--"}"#,
                input: &[r#"{"text": ""}"#],
                output: &[r#"{"text": ""}"#],
            },
        ]);

/// Parameters of `skeleton_slicer`.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// The text between pieces; part of none.
    separator: String,
}

pub(crate) struct SkeletonSlicer {
    separator: String,
}

impl Configured for SkeletonSlicer {
    type Params = Params;

    fn new(params: Params, _: &Common) -> Result<Self, ParamError> {
        if params.separator.is_empty() {
            return Err(ParamError::new(
                "separator",
                "expected at least one character",
            ));
        }
        Ok(Self {
            separator: params.separator,
        })
    }
}

impl TextSlicer for SkeletonSlicer {
    fn slice(&self, text: &Text, pieces: &mut Vec<String>) -> Result<(), OpError> {
        pieces.extend(text.split(&self.separator).map(str::to_owned));
        Ok(())
    }
}
