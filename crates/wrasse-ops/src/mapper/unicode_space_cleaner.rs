//! `unicode_space_cleaner` turns exotic spaces into plain ones.

use std::borrow::Cow;

use wrasse_op::{Common, Configured, Example, OpError, OpSpec, ParamError, Text, TextMapper};

use crate::datamate::{Edit, ORIGIN, edit_chars, first_bytes, is_exotic_space};
use crate::no_params::NoParams;
use crate::scan::FirstBytes;

pub(crate) const SPEC: OpSpec = OpSpec::text_mapper::<UnicodeSpaceCleaner>(
    "unicode_space_cleaner",
    "Turns every kind of Unicode space into a plain one.",
)
.aliases(&["UnicodeSpaceCleaner"])
.details("Each of U+00A0, U+1680, U+180E, U+2000 to U+200D, U+2028, U+2029, U+202F, U+205F, U+2060, U+3000 and U+FEFF becomes one plain space. As in the original, characters of no width (U+200B to U+200D, U+2060 and the byte order mark) are among them, so that a space appears where none was seen, and joined emoji come apart. Tabs and line feeds stay.")
.origin(ORIGIN)
.examples(&[Example {
    about: "makes spaces plain",
    params: "{}",
    input: &[r#"{"text": "a\u00a0b\u3000c\u200bd\te\n"}"#],
    output: &[r#"{"text": "a b c d\te\n"}"#],
}]);

pub(crate) struct UnicodeSpaceCleaner {
    first: FirstBytes,
}

fn edit(c: char) -> Edit {
    if is_exotic_space(c) {
        Edit::Put(' ')
    } else {
        Edit::Keep
    }
}

impl Configured for UnicodeSpaceCleaner {
    type Params = NoParams;

    fn new(_: NoParams, _: &Common) -> Result<Self, ParamError> {
        let first = first_bytes(edit);
        Ok(Self { first })
    }
}

impl TextMapper for UnicodeSpaceCleaner {
    fn map<'t>(&self, text: &'t Text) -> Result<Cow<'t, str>, OpError> {
        Ok(edit_chars(text, &self.first, edit))
    }
}
