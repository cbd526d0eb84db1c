//! `grable_characters_cleaner` deletes characters that garbled text is full of.

use std::borrow::Cow;

use wrasse_op::{Common, Configured, Example, OpError, OpSpec, ParamError, Text, TextMapper};

use crate::datamate::{Edit, ORIGIN, edit_chars, first_bytes};
use crate::no_params::NoParams;
use crate::scan::FirstBytes;

pub(crate) const SPEC: OpSpec = OpSpec::text_mapper::<GrableCharactersCleaner>(
    "grable_characters_cleaner",
    "Deletes characters that are rare but where text was decoded wrongly.",
)
.aliases(&["GrableCharactersCleaner"])
.details("Deletes Bopomofo (U+3100 to U+312F), Latin letters with accents (U+00C0 to U+024F but for `×` and `÷`), private-use characters of all planes, and U+FFFD. It goes by characters, not by context: *café* becomes *caf*. For Chinese and plain English only.")
.origin(ORIGIN)
.examples(&[Example {
    about: "deletes accented letters and stand-ins",
    params: "{}",
    input: &[r#"{"text": "数据ãä\ufffd café 2×3"}"#],
    output: &[r#"{"text": "数据 caf 2×3"}"#],
}]);

pub(crate) struct GrableCharactersCleaner {
    first: FirstBytes,
}

fn edit(c: char) -> Edit {
    match c {
        '\u{c0}'..='\u{d6}'
        | '\u{d8}'..='\u{f6}'
        | '\u{f8}'..='\u{24f}'
        | '\u{3100}'..='\u{312f}'
        | '\u{e000}'..='\u{f8ff}'
        | '\u{fffd}'
        | '\u{f0000}'..='\u{ffffd}'
        | '\u{100000}'..='\u{10fffd}' => Edit::Delete,
        _ => Edit::Keep,
    }
}

impl Configured for GrableCharactersCleaner {
    type Params = NoParams;

    fn new(_: NoParams, _: &Common) -> Result<Self, ParamError> {
        let first = first_bytes(edit);
        Ok(Self { first })
    }
}

impl TextMapper for GrableCharactersCleaner {
    fn map<'t>(&self, text: &'t Text) -> Result<Cow<'t, str>, OpError> {
        Ok(edit_chars(text, &self.first, edit))
    }
}
