//! `extra_space_cleaner` removes spaces and empty lines that say nothing.

use std::borrow::Cow;

use wrasse_op::{Common, Configured, Example, OpError, OpSpec, ParamError, Text, TextMapper};

use crate::datamate::{ORIGIN, is_exotic_space, unless_same};
use crate::no_params::NoParams;
use crate::unicode::is_space;

pub(crate) const SPEC: OpSpec = OpSpec::text_mapper::<ExtraSpaceCleaner>(
    "extra_space_cleaner",
    "Removes indentation, empty lines and needless spaces.",
)
.aliases(&["ExtraSpaceCleaner"])
.details("Exotic spaces become plain ones as in `unicode_space_cleaner`; lines lose white space at both ends; empty lines go; several spaces become one; and spaces go altogether between two characters of which each is an ideograph (U+4E00 to U+9FA5) or punctuation, ASCII or Chinese. Tabs within a line stay. This takes the indentation of code.")
.origin(ORIGIN)
.examples(&[Example {
    about: "keeps spaces between words only",
    params: "{}",
    input: &[r#"{"text": "  机器 学习 ， ML  is\n\n\n\tgood ( very )  \n"}"#],
    output: &[r#"{"text": "机器学习， ML is\ngood ( very )"}"#],
}]);

pub(crate) struct ExtraSpaceCleaner;

impl Configured for ExtraSpaceCleaner {
    type Params = NoParams;

    fn new(_: NoParams, _: &Common) -> Result<Self, ParamError> {
        Ok(Self)
    }
}

impl TextMapper for ExtraSpaceCleaner {
    fn map<'t>(&self, text: &'t Text) -> Result<Cow<'t, str>, OpError> {
        let mut out = String::with_capacity(text.len());
        for line in text.split('\n') {
            let line = line.trim_matches(|c| is_space(c) || is_exotic_space(c));
            if line.is_empty() {
                continue;
            }
            if !out.is_empty() {
                out.push('\n');
            }
            push_line(line, &mut out);
        }
        Ok(unless_same(out, text))
    }
}

fn is_gap(c: char) -> bool {
    c == ' ' || is_exotic_space(c)
}

/// Appends a line that neither begins nor ends with a space.
fn push_line(line: &str, out: &mut String) {
    let mut rest = line;
    while let Some(start) = rest.find(is_gap) {
        let (word, gap) = rest.split_at(start);
        out.push_str(word);
        rest = gap.trim_start_matches(is_gap);
        let is_tight = word.chars().next_back().is_some_and(is_dense)
            && rest.chars().next().is_some_and(is_dense);
        if !is_tight {
            out.push(' ');
        }
    }
    out.push_str(rest);
}

/// Whether a character stands without spaces beside its like.
fn is_dense(c: char) -> bool {
    c.is_ascii_punctuation()
        || matches!(c, '\u{4e00}'..='\u{9fa5}')
        || "·！￥…（）—【】、：“”‘’；《》？，。".contains(c)
}
