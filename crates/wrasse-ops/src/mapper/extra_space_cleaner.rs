//! `extra_space_cleaner` removes spaces and empty lines that are not needed.

use std::borrow::Cow;

use wrasse_op::{Common, Configured, Example, OpError, OpSpec, ParamError, Text, TextMapper};

use crate::datamate::{is_unicode_space, map_chars};
use crate::unicode;

pub(crate) const SPEC: OpSpec = OpSpec::text_mapper::<ExtraSpaceCleaner>(
    "extra_space_cleaner",
    "Removes white space around lines, repeated spaces, empty lines, and spaces between Chinese characters or punctuation.",
)
.details(
    "Spaces of all kinds become plain ones first (as by `unicode_space_cleaner`). Indentation goes too: \
     this is for prose, not for code.",
)
.origin("DataMate")
.aliases(&["ExtraSpaceCleaner"])
.examples(&[Example {
    about: "lines of prose",
    params: "{}",
    input: &[r#"{"text": "  a   b \n\n\n c ， d\n"}"#],
    output: &[r#"{"text": "a b\nc ， d"}"#],
}]);

/// Parameters of `extra_space_cleaner`: none.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {}

pub(crate) struct ExtraSpaceCleaner;

impl Configured for ExtraSpaceCleaner {
    type Params = Params;

    fn new(_: Params, _: &Common) -> Result<Self, ParamError> {
        Ok(Self)
    }
}

impl TextMapper for ExtraSpaceCleaner {
    fn map<'t>(&self, text: &'t Text) -> Result<Cow<'t, str>, OpError> {
        let plain = map_chars(text, |c| c != ' ' && is_unicode_space(c), |_| Some(' '));
        let lines = unicode::strip(&plain).split('\n').map(unicode::strip);
        let mut out = String::with_capacity(plain.len());
        // The bracket that the original puts before a text counts as one.
        let mut before = '【';
        for (i, line) in lines.enumerate() {
            if i > 0 {
                out.push('\n');
                before = '\n';
            }
            let mut chars = line.chars().peekable();
            while let Some(c) = chars.next() {
                if c != ' ' {
                    out.push(c);
                    before = c;
                    continue;
                }
                while chars.next_if_eq(&' ').is_some() {}
                let next = chars.peek().copied().unwrap_or('\n');
                if !(is_dense(before) && is_dense(next)) {
                    out.push(' ');
                    before = ' ';
                }
            }
        }
        Ok(collapse(out).into())
    }
}

/// A Chinese character, or punctuation.
fn is_dense(c: char) -> bool {
    matches!(c, '\u{4E00}'..='\u{9FA5}')
        || "~·！@#￥%…&*（）—+-={}|【】、：“”‘’；《》？，。`!$^()_[]\\:\";'<>?,/.".contains(c)
}

/// Runs of spaces and line ends, of two or more, become one line end.
fn collapse(text: String) -> String {
    let is_gap = |c: char| c == ' ' || c == '\n';
    let bytes = text.as_bytes();
    let is_gap_byte = |byte: &u8| is_gap(char::from(*byte));
    if !bytes.windows(2).any(|pair| pair.iter().all(is_gap_byte)) {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(start) = rest.find(is_gap) {
        out.push_str(&rest[..start]);
        let behind = rest[start..].trim_start_matches(is_gap);
        let length = rest.len() - start - behind.len();
        match length {
            1 => out.push_str(&rest[start..=start]),
            _ => out.push('\n'),
        }
        rest = behind;
    }
    out.push_str(rest);
    out
}
