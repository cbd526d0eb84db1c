//! `full_width_characters_cleaner` makes full-width characters half as wide.

use std::borrow::Cow;

use wrasse_op::{Common, Configured, Example, OpError, OpSpec, ParamError, Text, TextMapper};

use crate::datamate::map_chars;

pub(crate) const SPEC: OpSpec = OpSpec::text_mapper::<FullWidthCharactersCleaner>(
    "full_width_characters_cleaner",
    "Replaces full-width letters, digits and most punctuation by ASCII.",
)
.details(
    "Punctuation of Chinese text stays as it is: ！（），：；？｛ and ｝.",
)
.origin("DataMate")
.aliases(&["FullWidthCharacterCleaner"])
.examples(&[Example {
    about: "digits and letters",
    params: "{}",
    input: &[r#"{"text": "Ｗｒａｓｓｅ　１．０，２！"}"#],
    output: &[r#"{"text": "Wrasse　1.0，2！"}"#],
}]);

/// Parameters of `full_width_characters_cleaner`: none.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {}

pub(crate) struct FullWidthCharactersCleaner;

impl Configured for FullWidthCharactersCleaner {
    type Params = Params;

    fn new(_: Params, _: &Common) -> Result<Self, ParamError> {
        Ok(Self)
    }
}

impl TextMapper for FullWidthCharactersCleaner {
    fn map<'t>(&self, text: &'t Text) -> Result<Cow<'t, str>, OpError> {
        Ok(map_chars(text, is_full_width, |c| {
            char::from_u32(c as u32 - '\u{FEE0}' as u32)
        }))
    }
}

/// A full-width character that is not punctuation of Chinese text.
fn is_full_width(c: char) -> bool {
    matches!(c, '\u{FF02}'..='\u{FF5E}') && !"（），：；？｛｝".contains(c)
}
