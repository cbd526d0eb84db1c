//! `skeleton_deduplicator` REMOVES WHAT.

use wrasse_op::{
    Common, Configured, Example, Fingerprint, OpError, OpSpec, ParamError, Text, TextDeduplicator,
};

pub(crate) const SPEC: OpSpec = OpSpec::text_deduplicator::<SkeletonDeduplicator>(
    "skeleton_deduplicator",
    "REMOVES WHAT, in one sentence.",
)
.details("WHAT ELSE A USER MUST KNOW: rules, units, quirks that are kept.")
.origin("Wrasse")
.examples(&[
    Example {
        about: "of equal texts the first stays",
        params: "{}",
        input: &[
            r#"{"text": "same", "id": 1}"#,
            r#"{"text": "same", "id": 2}"#,
            r#"{"text": "Same", "id": 3}"#,
        ],
        output: &[
            r#"{"text": "same", "id": 1}"#,
            r#"{"text": "Same", "id": 3}"#,
        ],
    },
    Example {
        about: "ignores case, also beyond ASCII",
        params: r#"{"lowercase": true}"#,
        input: &[r#"{"text": "Äpfel"}"#, r#"{"text": "äpfel"}"#],
        output: &[r#"{"text": "Äpfel"}"#],
    },
]);

/// Parameters of `skeleton_deduplicator`.
#[derive(Default, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Params {
    /// Ignore case.
    lowercase: bool,
}

pub(crate) struct SkeletonDeduplicator {
    lowercase: bool,
}

impl Configured for SkeletonDeduplicator {
    type Params = Params;

    fn new(params: Params, _: &Common) -> Result<Self, ParamError> {
        Ok(Self {
            lowercase: params.lowercase,
        })
    }
}

impl TextDeduplicator for SkeletonDeduplicator {
    fn fingerprint(&self, text: &Text) -> Result<Fingerprint, OpError> {
        let digest = if self.lowercase {
            md5::compute(text.to_lowercase())
        } else {
            md5::compute(text.as_bytes())
        };
        Ok(Fingerprint::from_be_bytes(digest.0))
    }
}
