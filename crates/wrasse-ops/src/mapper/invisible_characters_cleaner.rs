//! `invisible_characters_cleaner` removes control characters.

use std::borrow::Cow;

use wrasse_op::{Common, Configured, Example, OpError, OpSpec, ParamError, Text, TextMapper};

use crate::datamate::map_chars;

pub(crate) const SPEC: OpSpec = OpSpec::text_mapper::<InvisibleCharactersCleaner>(
    "invisible_characters_cleaner",
    "Removes control characters, but for tabs, line ends and their like.",
)
.details(
    "Removed are U+0000 to U+0007, U+000E to U+0013, U+0015 to U+001F and U+007F to U+00A0, and, as in \
     the original, the vertical bar.",
)
.origin("DataMate")
.aliases(&["InvisibleCharactersCleaner"])
.examples(&[Example {
    about: "an escape sequence",
    params: "{}",
    input: &[r#"{"text": "a\u001b[0m\tb|c"}"#],
    output: &[r#"{"text": "a[0m\tbc"}"#],
}]);

/// Parameters of `invisible_characters_cleaner`: none.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {}

pub(crate) struct InvisibleCharactersCleaner;

impl Configured for InvisibleCharactersCleaner {
    type Params = Params;

    fn new(_: Params, _: &Common) -> Result<Self, ParamError> {
        Ok(Self)
    }
}

impl TextMapper for InvisibleCharactersCleaner {
    fn map<'t>(&self, text: &'t Text) -> Result<Cow<'t, str>, OpError> {
        let goes = |c| {
            matches!(
                c,
                '\0'..='\x07' | '|' | '\x0E'..='\x13' | '\x15'..='\x1F' | '\x7F'..='\u{A0}'
            )
        };
        Ok(map_chars(text, goes, |_| None))
    }
}
