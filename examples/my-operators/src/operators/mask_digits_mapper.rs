//! `mask_digits_mapper` hides long numbers: telephones, accounts, cards.

use std::borrow::Cow;

use wrasse_op::{Common, Configured, Example, OpError, OpSpec, ParamError, Text, TextMapper};

pub(crate) const SPEC: OpSpec = OpSpec::text_mapper::<MaskDigitsMapper>(
    "mask_digits_mapper",
    "Hides the digits of long numbers.",
)
.details("A number is a run of ASCII digits without anything between them.")
.origin("my-operators")
.examples(&[
    Example {
        about: "short numbers stay",
        params: "{}",
        input: &[r#"{"text": "call 5550199 before 10"}"#],
        output: &[r#"{"text": "call ####### before 10"}"#],
    },
    Example {
        about: "a number of just the least length is hidden",
        params: r#"{"min_digits": 2, "mask": "*"}"#,
        input: &[r#"{"text": "1 22 333"}"#],
        output: &[r#"{"text": "1 ** ***"}"#],
    },
]);

/// Parameters of `mask_digits_mapper`.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Params {
    /// The least number of digits that are hidden, at least 1.
    min_digits: usize,
    /// What stands in the place of a digit.
    mask: char,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            min_digits: 6,
            mask: '#',
        }
    }
}

pub(crate) struct MaskDigitsMapper(Params);

impl Configured for MaskDigitsMapper {
    type Params = Params;

    fn new(params: Params, _: &Common) -> Result<Self, ParamError> {
        if params.min_digits == 0 {
            return Err(ParamError::new(
                "min_digits",
                "expected at least 1, found 0",
            ));
        }
        Ok(Self(params))
    }
}

impl TextMapper for MaskDigitsMapper {
    fn map<'t>(&self, text: &'t Text) -> Result<Cow<'t, str>, OpError> {
        let is_long = |run: &&str| run.len() >= self.0.min_digits;
        let mut runs = text.split(|c: char| !c.is_ascii_digit());
        // Most texts have none: these are given back as they are.
        if !runs.any(|run| is_long(&run)) {
            return Ok(Cow::Borrowed(text));
        }
        let mut out = String::with_capacity(text.len());
        let mut rest: &str = text;
        while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
            let (before, from) = rest.split_at(start);
            let end = from
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(from.len());
            let (run, after) = from.split_at(end);
            out.push_str(before);
            if is_long(&run) {
                out.extend(std::iter::repeat_n(self.0.mask, run.len()));
            } else {
                out.push_str(run);
            }
            rest = after;
        }
        out.push_str(rest);
        Ok(Cow::Owned(out))
    }
}
