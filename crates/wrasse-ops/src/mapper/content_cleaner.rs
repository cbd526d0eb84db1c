//! `content_cleaner` removes a table of contents.

use std::borrow::Cow;

use regex::Regex;
use wrasse_op::{Common, Configured, Example, OpError, OpSpec, ParamError, Text, TextMapper};

use crate::datamate::ORIGIN;
use crate::no_params::NoParams;
use crate::pattern::fixed;

pub(crate) const SPEC: OpSpec = OpSpec::text_mapper::<ContentCleaner>(
    "content_cleaner",
    "Removes the table of contents.",
)
.aliases(&["ContentCleaner"])
.details("It begins with a line that says `目录`, `CONTENT` or `CONTENTS` in any case and nothing else, and ends with the last entry before three lines that are none. An entry begins with `前言`, `About This Document`, a number or a letter and ends with a digit, a Roman numeral (any letter `I`, `X` or `V`, in any case) or `错误!未定义书签。`; or it has seven points in a row. As entries are so much, lines of prose that end with such a character count as well. A heading without entries stays. Only the first table is removed.")
.origin(ORIGIN)
.examples(&[Example {
    about: "removes heading and entries",
    params: "{}",
    input: &[r#"{"text": "标题\n目 录\n前言.......1\n1.1 背景 2\n正文开始\n第二行\n第三行"}"#],
    output: &[r#"{"text": "标题\n正文开始\n第二行\n第三行"}"#],
}]);

/// After so many lines that are no entries, the table is over.
const N_OTHERS: usize = 3;

pub(crate) struct ContentCleaner {
    heading: Regex,
    entry: Regex,
}

impl Configured for ContentCleaner {
    type Params = NoParams;

    fn new(_: NoParams, _: &Common) -> Result<Self, ParamError> {
        // Line feeds are not in a line; in Python, `i` in any case is also
        // `İ` and `ı`, and `s` is `ſ`.
        Ok(Self {
            heading: fixed(r"\A *(?i:目 *录|CONTENTS?) *\z"),
            entry: fixed(concat!(
                r"\A *(?i:前言|About Th[iİı]s Document|\d|[a-zİı])",
                r".*(?i:\d|错误!未定义书签。|[IXVİı]) *\z|\.{7}",
            )),
        })
    }
}

impl TextMapper for ContentCleaner {
    fn map<'t>(&self, text: &'t Text) -> Result<Cow<'t, str>, OpError> {
        let mut lines = text.split('\n').scan(0, |end, line| {
            let start = *end;
            *end += line.len() + 1;
            Some((start, line))
        });
        let heading = lines.find(|(_, line)| self.is_heading(line));
        let Some((start, _)) = heading else {
            return Ok(Cow::Borrowed(text));
        };
        let mut end = None;
        let mut n_others = 0;
        for (at, line) in lines {
            if n_others == N_OTHERS {
                break;
            }
            if self.entry.is_match(line) {
                end = Some(at + line.len());
                n_others = 0;
            } else {
                n_others += 1;
            }
        }
        let Some(end) = end else {
            return Ok(Cow::Borrowed(text));
        };
        let rest = text.get(end + 1..);
        let kept = if rest.is_some() {
            start
        } else {
            start.saturating_sub(1)
        };
        Ok(Cow::Owned([&text[..kept], rest.unwrap_or("")].concat()))
    }
}

impl ContentCleaner {
    fn is_heading(&self, line: &str) -> bool {
        let word = line.trim_start_matches(' ');
        matches!(word.chars().next(), Some('目' | 'C' | 'c')) && self.heading.is_match(line)
    }
}
