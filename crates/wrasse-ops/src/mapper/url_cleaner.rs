//! `url_cleaner` puts `<url>` for web addresses.

use std::borrow::Cow;

use wrasse_op::{Common, Configured, Example, OpError, OpSpec, ParamError, Text, TextMapper};

use std::sync::LazyLock;

use regex::Regex;

use crate::pattern::fixed;

pub(crate) const SPEC: OpSpec = OpSpec::text_mapper::<UrlCleaner>(
    "url_cleaner",
    "Replaces web addresses by `<url>`.",
)
.details(
    "Replaced is what begins with `http://`, `https://`, `ftp://`, `file://` or `www.`, up to the last \
     character that is no punctuation.",
)
.origin("DataMate")
.aliases(&["AnonymizedUrlCleaner"])
.examples(&[Example {
    about: "at the end of a sentence",
    params: "{}",
    input: &[r#"{"text": "See https://example.com/a?b=c, or www.example.org."}"#],
    output: &[r#"{"text": "See <url>, or <url>."}"#],
}]);

/// Parameters of `url_cleaner`: none.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {}

pub(crate) struct UrlCleaner;

impl Configured for UrlCleaner {
    type Params = Params;

    fn new(_: Params, _: &Common) -> Result<Self, ParamError> {
        Ok(Self)
    }
}

impl TextMapper for UrlCleaner {
    fn map<'t>(&self, text: &'t Text) -> Result<Cow<'t, str>, OpError> {
        let mut out = String::new();
        let (mut copied, mut at) = (0, 0);
        while let Some(found) = START.find_at(text, at) {
            let (start, behind) = (found.start(), found.end());
            let before = text[..start].chars().next_back();
            let is_inside = found.as_str() == "www."
                && before.is_some_and(|c| c.is_ascii_alphabetic() || c == '-' || c == '.');
            let run = &text[behind..];
            let run = &run[..run.find(|c| !is_part(c)).unwrap_or(run.len())];
            // The last character is no punctuation, and there is one before it.
            let length = run.rfind(is_end).map_or(0, |last| last + 1);
            if is_inside || length < 2 {
                at = start + 1;
                continue;
            }
            out.push_str(&text[copied..start]);
            out.push_str("<url>");
            copied = behind + length;
            at = copied;
        }
        if copied == 0 {
            return Ok(Cow::Borrowed(text));
        }
        out.push_str(&text[copied..]);
        Ok(out.into())
    }
}

static START: LazyLock<Regex> = LazyLock::new(|| fixed(r"(?:https?|ftp|file)://|www\."));

/// What addresses may end with.
fn is_end(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-+&@#/%=~_|".contains(c)
}

/// What addresses are made of.
fn is_part(c: char) -> bool {
    is_end(c) || "()?^!:,.;".contains(c)
}
