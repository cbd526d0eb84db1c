//! `unicode_space_cleaner` makes all spaces plain ones.

use std::borrow::Cow;

use wrasse_op::{Common, Configured, Example, OpError, OpSpec, ParamError, Text, TextMapper};

use crate::datamate::{is_unicode_space, map_chars};

pub(crate) const SPEC: OpSpec = OpSpec::text_mapper::<UnicodeSpaceCleaner>(
    "unicode_space_cleaner",
    "Replaces spaces of all kinds, and characters without width, by a plain space.",
)
.details(
    "Replaced are U+00A0, U+1680, U+180E, U+2000 to U+200D, U+2028, U+2029, U+202F, U+205F, U+2060, \
     U+3000 and U+FEFF, each by one space.",
)
.origin("DataMate")
.aliases(&["UnicodeSpaceCleaner"])
.examples(&[Example {
    about: "an ideographic space",
    params: "{}",
    input: &[r#"{"text": "a\u3000b\u200bc"}"#],
    output: &[r#"{"text": "a b c"}"#],
}]);

/// Parameters of `unicode_space_cleaner`: none.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {}

pub(crate) struct UnicodeSpaceCleaner;

impl Configured for UnicodeSpaceCleaner {
    type Params = Params;

    fn new(_: Params, _: &Common) -> Result<Self, ParamError> {
        Ok(Self)
    }
}

impl TextMapper for UnicodeSpaceCleaner {
    fn map<'t>(&self, text: &'t Text) -> Result<Cow<'t, str>, OpError> {
        let is_other = |c: char| c != ' ' && is_unicode_space(c);
        Ok(map_chars(text, is_other, |_| Some(' ')))
    }
}
