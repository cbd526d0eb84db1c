//! `clean_copyright_mapper` removes copyright headers of source files.

use std::borrow::Cow;

use memchr::memmem;
use regex::Regex;
use wrasse_op::{Common, Configured, Example, OpError, OpSpec, ParamError, Text, TextMapper};

use crate::no_params::NoParams;
use crate::pattern::fixed;

pub(crate) const SPEC: OpSpec = OpSpec::text_mapper::<CleanCopyrightMapper>(
    "clean_copyright_mapper",
    "Removes copyright comments from source code.",
)
.details("The first comment `/* ... */` of the text, wherever it stands, is removed if it holds the word \"copyright\" in any case; a text with such a comment is changed in no other way.\n\nIn a text without one, the lines at the start that are empty or begin with `//`, `#` or `--` are removed, whatever they say: `#include` lines, shebangs and Markdown headings go too, as in the original. Line ends `\\r\\n` hide empty lines from the rule.")
.origin("Data-Juicer 1.6")
.examples(&[
    Example {
        about: "removes the first comment if it claims a copyright",
        params: "{}",
        input: &[r#"{"text": "/* Copyright A */\nint a;"}"#, r#"{"text": "/* about */\nint a;"}"#],
        output: &[r#"{"text": "\nint a;"}"#, r#"{"text": "/* about */\nint a;"}"#],
    },
    Example {
        about: "removes comment lines at the start",
        params: "{}",
        input: &[r##"{"text": "# Copyright A\n\n// more\ncode()\n# stays"}"##],
        output: &[r##"{"text": "code()\n# stays"}"##],
    },
]);

pub(crate) struct CleanCopyrightMapper {
    copyright: Regex,
}

impl Configured for CleanCopyrightMapper {
    type Params = NoParams;

    fn new(_: NoParams, _: &Common) -> Result<Self, ParamError> {
        Ok(Self {
            // Python counts the dotted capital among the cases of `i`.
            copyright: fixed("(?i)copyr[iİ]ght"),
        })
    }
}

impl TextMapper for CleanCopyrightMapper {
    fn map<'t>(&self, text: &'t Text) -> Result<Cow<'t, str>, OpError> {
        let text = text.as_str();
        if let Some(start) = memmem::find(text.as_bytes(), b"/*")
            && let Some(length) = memmem::find(&text.as_bytes()[start + 2..], b"*/")
        {
            let end = start + 2 + length + 2;
            if !self.copyright.is_match(&text[start..end]) {
                return Ok(Cow::Borrowed(text));
            }
            return Ok(if start == 0 {
                Cow::Borrowed(&text[end..])
            } else {
                Cow::Owned([&text[..start], &text[end..]].concat())
            });
        }
        let header: usize = text
            .split_inclusive('\n')
            .take_while(|line| is_header(line))
            .map(str::len)
            .sum();
        Ok(Cow::Borrowed(&text[header..]))
    }
}

/// Whether a line, its end included, is passed over at the start of a text.
fn is_header(line: &str) -> bool {
    line == "\n" || ["//", "#", "--"].iter().any(|mark| line.starts_with(mark))
}
