//! `remove_comments_mapper` removes the comments of LaTeX sources.

use std::borrow::Cow;

use memchr::{memchr, memchr_iter};
use wrasse_op::{Common, Configured, Example, OpError, OpSpec, ParamError, Text, TextMapper};

pub(crate) const SPEC: OpSpec = OpSpec::text_mapper::<RemoveCommentsMapper>(
    "remove_comments_mapper",
    "Removes the comments of LaTeX sources.",
)
.details("`inline` removes comments within a line: from the character in front of a `%` to the end of the line, unless that character is a backslash. As in the original that character goes too, whatever it is: `50 % off` loses its space, and a comment that fills a line takes the end of the line before with it, so that the lines around it stay two lines. A `%` with nothing behind it stays, and so do comments in the first line of a text that begins with one.\n\n`multiline` then removes the lines that begin with `%`, their ends included.")
.origin("Data-Juicer 1.6")
.examples(&[
    Example {
        about: "removes comments within and between lines",
        params: "{}",
        input: &[r#"{"text": "% first\na % note\nb \\% c\n% whole line\nd%\ne"}"#],
        output: &[r#"{"text": "a\nb \\% c\nd%\ne"}"#],
    },
    Example {
        about: "removes whole lines alone",
        params: r#"{"inline": false}"#,
        input: &[r#"{"text": "% first\na % note\n% whole line\nb"}"#],
        output: &[r#"{"text": "a % note\nb"}"#],
    },
]);

/// Parameters of `remove_comments_mapper`.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Params {
    /// The kind of document, or a list of kinds. LaTeX is the only one whose
    /// comments are known; the original takes any value and reads it nowhere.
    #[serde(rename = "doc_type")]
    _doc_type: DocType,
    /// Remove comments within a line.
    inline: bool,
    /// Remove lines that are comments.
    multiline: bool,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(untagged, expecting = "expected a string or a list of strings")]
enum DocType {
    One(#[expect(dead_code, reason = "nothing depends on it")] String),
    Many(#[expect(dead_code, reason = "nothing depends on it")] Vec<String>),
}

impl Default for Params {
    fn default() -> Self {
        Self {
            _doc_type: DocType::One("tex".to_owned()),
            inline: true,
            multiline: true,
        }
    }
}

pub(crate) struct RemoveCommentsMapper {
    inline: bool,
    multiline: bool,
}

impl Configured for RemoveCommentsMapper {
    type Params = Params;

    fn new(params: Params, _: &Common) -> Result<Self, ParamError> {
        Ok(Self {
            inline: params.inline,
            multiline: params.multiline,
        })
    }
}

impl TextMapper for RemoveCommentsMapper {
    fn map<'t>(&self, text: &'t Text) -> Result<Cow<'t, str>, OpError> {
        let mut new = Cow::Borrowed(text.as_str());
        if self.inline
            && let Some(removed) = without_inline(&new)
        {
            new = Cow::Owned(removed);
        }
        if self.multiline
            && let Some(removed) = without_lines(&new)
        {
            new = Cow::Owned(removed);
        }
        Ok(new)
    }
}

/// The text without what `[^\\]%.+$` matches in each line.
fn without_inline(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut out = String::new();
    let mut copied = 0;
    for at in memchr_iter(b'%', bytes) {
        // What a match took is out of reach for the next one.
        let Some(before) = text.get(copied..at).and_then(|t| t.chars().next_back()) else {
            continue;
        };
        if before == '\\' || matches!(bytes.get(at + 1), None | Some(b'\n')) {
            continue;
        }
        out.push_str(&text[copied..at - before.len_utf8()]);
        copied = memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |length| at + length);
    }
    (copied > 0).then(|| out + &text[copied..])
}

/// The text without the lines that begin with `%`.
fn without_lines(text: &str) -> Option<String> {
    if !text.starts_with('%') && !text.contains("\n%") {
        return None;
    }
    let lines = text.split_inclusive('\n');
    Some(lines.filter(|line| !line.starts_with('%')).collect())
}
