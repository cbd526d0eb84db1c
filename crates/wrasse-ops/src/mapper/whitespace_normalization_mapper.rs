//! `whitespace_normalization_mapper` turns exotic spaces into plain ones.

use std::borrow::Cow;

use wrasse_op::{Common, Configured, Example, OpError, OpSpec, ParamError, Text, TextMapper};

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

/// This operator takes no parameters of its own.
#[derive(Default, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {}

pub(crate) struct WhitespaceNormalizationMapper;

impl Configured for WhitespaceNormalizationMapper {
    type Params = Params;

    fn new(_: Params, _: &Common) -> Result<Self, ParamError> {
        Ok(Self)
    }
}

impl TextMapper for WhitespaceNormalizationMapper {
    fn map<'t>(&self, text: &'t Text) -> Result<Cow<'t, str>, OpError> {
        let trimmed = text.trim_matches(is_python_space);
        let Some(first) = trimmed.find(is_exotic) else {
            return Ok(Cow::Borrowed(trimmed));
        };
        let mut out = String::with_capacity(trimmed.len());
        out.push_str(&trimmed[..first]);
        out.extend(trimmed[first..].chars().map(|c| if is_exotic(c) { ' ' } else { c }));
        Ok(Cow::Owned(out))
    }
}

/// Python's `str.isspace`.
fn is_python_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{1c}'..='\u{1f}')
}

/// Data-Juicer's `VARIOUS_WHITESPACES`, but for the plain space.
fn is_exotic(c: char) -> bool {
    matches!(
        c,
        '\t' | '\u{84}' | '\u{a0}' | '\u{2000}'..='\u{200d}' | '\u{202f}' | '\u{205f}' | '\u{2060}' | '\u{3000}' | '\u{fffc}'
    )
}
