//! `id_number_cleaner` puts `<id>` for Chinese identity numbers.

use std::borrow::Cow;

use wrasse_op::{Common, Configured, Example, OpError, OpSpec, ParamError, Text, TextMapper};

use crate::datamate::Bounded;

pub(crate) const SPEC: OpSpec = OpSpec::text_mapper::<IdNumberCleaner>(
    "id_number_cleaner",
    "Replaces Chinese identity numbers by `<id>`.",
)
.details(
    "What looks like one: 18 digits, the last of which may be X, with a region and a date of birth that \
     can be. As in the original the check digit is not asked for. No digit may stand before or behind, \
     and no X behind.",
)
.origin("DataMate")
.aliases(&["AnonymizedIdNumber"])
.examples(&[Example {
    about: "a number with a date in it",
    params: "{}",
    input: &[r#"{"text": "id 110101199003070791."}"#],
    output: &[r#"{"text": "id <id>."}"#],
}]);

/// Parameters of `id_number_cleaner`: none.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {}

pub(crate) struct IdNumberCleaner(Bounded);

impl Configured for IdNumberCleaner {
    type Params = Params;

    fn new(_: Params, _: &Common) -> Result<Self, ParamError> {
        let region = "(1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|81|82)\
            (0[0-9]|1[0-9]|2[0-9]|3[0-4]|4[0-3]|5[1-3]|90)\
            (0[0-9]|1[0-9]|2[0-9]|3[0-9]|4[0-3]|5[1-7]|6[1-4]|7[1-4]|8[1-7])";
        let birth = r"(18|19|20)\d{2}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])";
        let pattern = format!(r"{region}{birth}\d{{3}}[0-9xX]");
        let behind: fn(char) -> bool = |c| c.is_ascii_digit() || c == 'x' || c == 'X';
        Ok(Self(Bounded::new(
            &pattern,
            ("0-9", |c| c.is_ascii_digit()),
            ("0-9xX", behind),
        )))
    }
}

impl TextMapper for IdNumberCleaner {
    fn map<'t>(&self, text: &'t Text) -> Result<Cow<'t, str>, OpError> {
        let mut out = Cow::Borrowed(text.as_str());
        for (start, end) in self.0.spans(text) {
            let number = &text[start..end];
            out = Cow::Owned(self.0.replace_literal(&out, number, "<id>", usize::MAX));
        }
        Ok(out)
    }
}
