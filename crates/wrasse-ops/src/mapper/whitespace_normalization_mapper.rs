//! `whitespace_normalization_mapper` turns exotic spaces into plain ones.

use std::borrow::Cow;

use wrasse_op::{Common, Configured, Example, OpError, OpSpec, ParamError, Text, TextMapper};

use crate::no_params::NoParams;
use crate::unicode;
use crate::scan::FirstBytes;

pub(crate) const SPEC: OpSpec = OpSpec::text_mapper::<WhitespaceNormalizationMapper>(
    "whitespace_normalization_mapper",
    "Trims the text and turns every kind of space into a plain one.",
)
.details("The original's documentation speaks of all white space; like its code, this keeps line ends, and leaves U+1680, U+180E and the byte order mark as they are.")
.origin("Data-Juicer 1.6")
.examples(&[Example {
    about: "keeps line ends",
    params: "{}",
    input: &[r#"{"text": "\u3000a\u00a0b\tc\nd "}"#],
    output: &[r#"{"text": "a b c\nd"}"#],
}]);

pub(crate) struct WhitespaceNormalizationMapper {
    exotic: FirstBytes,
}

impl Configured for WhitespaceNormalizationMapper {
    type Params = NoParams;

    fn new(_: NoParams, _: &Common) -> Result<Self, ParamError> {
        let exotic = (0..0x1_0000).filter_map(char::from_u32);
        Ok(Self {
            exotic: FirstBytes::of(exotic.filter(|c| is_exotic(*c))),
        })
    }
}

impl TextMapper for WhitespaceNormalizationMapper {
    fn map<'t>(&self, text: &'t Text) -> Result<Cow<'t, str>, OpError> {
        let text = unicode::strip(text);
        let bytes = text.as_bytes();
        let mut out = String::new();
        let mut copied = 0;
        let mut at = self.exotic.find(bytes, 0);
        while let Some(c) = text[at..].chars().next() {
            let end = at + c.len_utf8();
            if is_exotic(c) {
                out.reserve(text.len() - copied);
                out.push_str(&text[copied..at]);
                out.push(' ');
                copied = end;
            }
            at = self.exotic.find(bytes, end);
        }
        if copied == 0 {
            return Ok(Cow::Borrowed(text));
        }
        out.push_str(&text[copied..]);
        Ok(Cow::Owned(out))
    }
}

/// Data-Juicer's `VARIOUS_WHITESPACES`, but for the plain space.
fn is_exotic(c: char) -> bool {
    matches!(
        c,
        '\t' | '\u{84}' | '\u{a0}' | '\u{2000}'..='\u{200d}' | '\u{202f}' | '\u{205f}' | '\u{2060}' | '\u{3000}' | '\u{fffc}'
    )
}
