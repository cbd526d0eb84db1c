//! `content_cleaner` removes a table of contents.

use std::borrow::Cow;

use wrasse_op::{Common, Configured, Example, OpError, OpSpec, ParamError, Text, TextMapper};

use std::sync::LazyLock;

use regex::Regex;

use crate::pattern::fixed;

pub(crate) const SPEC: OpSpec = OpSpec::text_mapper::<ContentCleaner>(
    "content_cleaner",
    "Removes a table of contents: its title and the lines that look like entries.",
)
.details(
    "The title is a line 目录 or CONTENTS. Entries begin with a number, a word or 前言 and end with a page \
     number, or have a run of seven dots. Three other lines in a row end the table.",
)
.origin("DataMate")
.aliases(&["ContentCleaner"])
.examples(&[Example {
    about: "a short one",
    params: "{}",
    input: &[r#"{"text": "Guide\nCONTENTS\n1 Mooring ........ 3\n2 Fuel 7\nMoor at the east pier."}"#],
    output: &[r#"{"text": "Guide\nMoor at the east pier."}"#],
}]);

/// Parameters of `content_cleaner`: none.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {}

pub(crate) struct ContentCleaner;

impl Configured for ContentCleaner {
    type Params = Params;

    fn new(_: Params, _: &Common) -> Result<Self, ParamError> {
        Ok(Self)
    }
}

impl TextMapper for ContentCleaner {
    fn map<'t>(&self, text: &'t Text) -> Result<Cow<'t, str>, OpError> {
        let lines: Vec<&str> = text.split('\n').collect();
        let Some(start) = lines.iter().position(|line| TITLE.is_match(line)) else {
            return Ok(Cow::Borrowed(text));
        };
        let (mut end, mut n_others) = (start, 0);
        for (i, line) in lines.iter().enumerate().skip(start + 1) {
            if n_others >= OTHERS_MAX {
                break;
            }
            if ENTRY.is_match(line) || line.contains(".......") {
                (end, n_others) = (i, 0);
            } else {
                n_others += 1;
            }
        }
        if end == start {
            return Ok(Cow::Borrowed(text));
        }
        Ok([&lines[..start], &lines[end + 1..]].concat().join("\n").into())
    }
}

/// So many lines that are no entries end the table.
const OTHERS_MAX: usize = 3;

static TITLE: LazyLock<Regex> =
    LazyLock::new(|| fixed(r"(?i)^ *(?:目 *录|CONTENTS?) *$"));

static ENTRY: LazyLock<Regex> = LazyLock::new(|| {
    let begin = r"(?:前言|About This Document|\d+(?:\.\d+)*|[a-zA-Z]+(?:\.\d+)*)";
    let end = r"(?:\d|错误!未定义书签。|[IXV]+)";
    fixed(&format!("(?i)^ *{begin}.*{end} *$"))
});
