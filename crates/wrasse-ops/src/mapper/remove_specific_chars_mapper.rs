//! `remove_specific_chars_mapper` removes chosen characters.

use std::borrow::Cow;
use std::collections::BTreeSet;

use wrasse_op::{Common, Configured, Example, OpError, OpSpec, ParamError, Text, TextMapper};

use crate::scan::FirstBytes;

pub(crate) const SPEC: OpSpec = OpSpec::text_mapper::<RemoveSpecificCharsMapper>(
    "remove_specific_chars_mapper",
    "Removes every occurrence of the given characters.",
)
.details("The characters are taken literally: `a-z` means `a`, `-` and `z`. An entry of several characters, in a list, removes each of them.")
.origin("Data-Juicer 1.6")
.examples(&[
    Example {
        about: "removes bullets by default",
        params: "{}",
        input: &[r#"{"text": "◆ one ● two"}"#],
        output: &[r#"{"text": " one  two"}"#],
    },
    Example {
        about: "takes every character literally",
        params: r#"{"chars_to_remove": ["-", "]", "^a"]}"#,
        input: &[r#"{"text": "[a-b]^c"}"#],
        output: &[r#"{"text": "[bc"}"#],
    },
]);

/// Parameters of `remove_specific_chars_mapper`.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Params {
    /// The characters to remove, as one string or as a list; with none the
    /// text stays as it is.
    chars_to_remove: Option<Chars>,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(untagged, expecting = "expected a string or a list of strings")]
enum Chars {
    One(String),
    List(Vec<String>),
}

impl Default for Params {
    fn default() -> Self {
        Self {
            chars_to_remove: Some(Chars::One("◆●■►▼▲▴∆▻▷❖♡□".to_owned())),
        }
    }
}

pub(crate) struct RemoveSpecificCharsMapper {
    chars: BTreeSet<char>,
    first: FirstBytes,
}

impl Configured for RemoveSpecificCharsMapper {
    type Params = Params;

    fn new(params: Params, _: &Common) -> Result<Self, ParamError> {
        let chars: BTreeSet<char> = match params.chars_to_remove {
            None => BTreeSet::new(),
            Some(Chars::One(chars)) => chars.chars().collect(),
            Some(Chars::List(list)) => list.iter().flat_map(|chars| chars.chars()).collect(),
        };
        Ok(Self {
            first: FirstBytes::of(chars.iter().copied()),
            chars,
        })
    }
}

impl TextMapper for RemoveSpecificCharsMapper {
    fn map<'t>(&self, text: &'t Text) -> Result<Cow<'t, str>, OpError> {
        let text = text.as_str();
        if self.chars.is_empty() {
            return Ok(Cow::Borrowed(text));
        }
        let bytes = text.as_bytes();
        let mut out = String::new();
        let mut copied = 0;
        let mut at = self.first.find(bytes, 0);
        while let Some(c) = text[at..].chars().next() {
            let end = at + c.len_utf8();
            if self.chars.contains(&c) {
                out.reserve(text.len() - copied);
                out.push_str(&text[copied..at]);
                copied = end;
            }
            at = self.first.find(bytes, end);
        }
        if copied == 0 {
            return Ok(Cow::Borrowed(text));
        }
        out.push_str(&text[copied..]);
        Ok(Cow::Owned(out))
    }
}
