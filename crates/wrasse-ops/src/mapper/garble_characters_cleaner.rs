//! `garble_characters_cleaner` removes characters that broken encodings leave.

use std::borrow::Cow;

use wrasse_op::{Common, Configured, Example, OpError, OpSpec, ParamError, Text, TextMapper};

use crate::datamate::map_chars;

pub(crate) const SPEC: OpSpec = OpSpec::text_mapper::<GarbleCharactersCleaner>(
    "garble_characters_cleaner",
    "Removes characters that broken encodings leave: Latin letters with accents, private ones, U+FFFD.",
)
.details(
    "Removed are U+00C0 to U+024F but for U+00D7 and U+00F7, U+3100 to U+312F, the private areas and \
     U+FFFD. That is for Chinese and English text: it takes letters of French or German too.",
)
.origin("DataMate")
.aliases(&["GrableCharactersCleaner"])
.examples(&[Example {
    about: "a letter with an accent goes",
    params: "{}",
    input: &[r#"{"text": "caf\u00e9 \ufffd 2 \u00d7 3"}"#],
    output: &[r#"{"text": "caf  2 \u00d7 3"}"#],
}]);

/// Parameters of `garble_characters_cleaner`: none.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {}

pub(crate) struct GarbleCharactersCleaner;

impl Configured for GarbleCharactersCleaner {
    type Params = Params;

    fn new(_: Params, _: &Common) -> Result<Self, ParamError> {
        Ok(Self)
    }
}

impl TextMapper for GarbleCharactersCleaner {
    fn map<'t>(&self, text: &'t Text) -> Result<Cow<'t, str>, OpError> {
        let goes = |c| {
            matches!(
                c,
                '\u{C0}'..='\u{D6}'
                    | '\u{D8}'..='\u{F6}'
                    | '\u{F8}'..='\u{24F}'
                    | '\u{3100}'..='\u{312F}'
                    | '\u{E000}'..='\u{F8FF}'
                    | '\u{FFFD}'
                    | '\u{F0000}'..='\u{FFFFD}'
                    | '\u{100000}'..='\u{10FFFD}'
            )
        };
        Ok(map_chars(text, goes, |_| None))
    }
}
