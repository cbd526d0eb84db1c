//! `invisible_characters_cleaner` deletes control characters.

use std::borrow::Cow;

use wrasse_op::{Common, Configured, Example, OpError, OpSpec, ParamError, Text, TextMapper};

use crate::datamate::{Edit, ORIGIN, edit_chars, first_bytes};
use crate::no_params::NoParams;
use crate::scan::FirstBytes;

pub(crate) const SPEC: OpSpec = OpSpec::text_mapper::<InvisibleCharactersCleaner>(
    "invisible_characters_cleaner",
    "Deletes control characters, and vertical bars.",
)
.aliases(&["InvisibleCharactersCleaner"])
.details("Deletes U+0000 to U+0007, U+000E to U+0013, U+0015 to U+001F and U+007F to U+00A0, the no-break space among them; U+0014 stays. The original's pattern also names the vertical bar, meant as an *or*, so that every `|` is deleted: it takes tables in Markdown apart.")
.origin(ORIGIN)
.examples(&[Example {
    about: "deletes what is not seen, and bars",
    params: "{}",
    input: &[r#"{"text": "a\u0000b\u001b[0m c\u00a0d | e\tf\n"}"#],
    output: &[r#"{"text": "ab[0m cd  e\tf\n"}"#],
}]);

pub(crate) struct InvisibleCharactersCleaner {
    first: FirstBytes,
}

fn edit(c: char) -> Edit {
    match c {
        '\0'..='\u{7}' | '\u{e}'..='\u{13}' | '\u{15}'..='\u{1f}' | '\u{7f}'..='\u{a0}' | '|' => {
            Edit::Delete
        }
        _ => Edit::Keep,
    }
}

impl Configured for InvisibleCharactersCleaner {
    type Params = NoParams;

    fn new(_: NoParams, _: &Common) -> Result<Self, ParamError> {
        let first = first_bytes(edit);
        Ok(Self { first })
    }
}

impl TextMapper for InvisibleCharactersCleaner {
    fn map<'t>(&self, text: &'t Text) -> Result<Cow<'t, str>, OpError> {
        Ok(edit_chars(text, &self.first, edit))
    }
}
