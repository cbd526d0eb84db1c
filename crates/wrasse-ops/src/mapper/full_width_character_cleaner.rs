//! `full_width_character_cleaner` turns full-width characters into plain ASCII.

use std::borrow::Cow;

use wrasse_op::{Common, Configured, Example, OpError, OpSpec, ParamError, Text, TextMapper};

use crate::datamate::{Edit, ORIGIN, edit_chars, first_bytes};
use crate::no_params::NoParams;
use crate::scan::FirstBytes;

pub(crate) const SPEC: OpSpec = OpSpec::text_mapper::<FullWidthCharacterCleaner>(
    "full_width_character_cleaner",
    "Turns full-width letters, digits and most symbols into ASCII.",
)
.aliases(&["FullWidthCharacterCleaner"])
.details("U+FF01 to U+FF5E become their ASCII counterparts, except what Chinese text is punctuated with: `！`, `（`, `）`, `，`, `：`, `；`, `？`, and the braces `｛` and `｝`, stay. The ideographic space stays, too.")
.origin(ORIGIN)
.examples(&[Example {
    about: "keeps punctuation",
    params: "{}",
    input: &[r#"{"text": "Ａｂ１２：３＋４＝７！"}"#],
    output: &[r#"{"text": "Ab12：3+4=7！"}"#],
}]);

pub(crate) struct FullWidthCharacterCleaner {
    first: FirstBytes,
}

fn edit(c: char) -> Edit {
    match c {
        '！' | '（' | '）' | '，' | '：' | '；' | '？' | '｛' | '｝' => Edit::Keep,
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).map_or(Edit::Keep, Edit::Put),
        _ => Edit::Keep,
    }
}

impl Configured for FullWidthCharacterCleaner {
    type Params = NoParams;

    fn new(_: NoParams, _: &Common) -> Result<Self, ParamError> {
        let first = first_bytes(edit);
        Ok(Self { first })
    }
}

impl TextMapper for FullWidthCharacterCleaner {
    fn map<'t>(&self, text: &'t Text) -> Result<Cow<'t, str>, OpError> {
        Ok(edit_chars(text, &self.first, edit))
    }
}
