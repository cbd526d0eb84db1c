//! The rules of C4 by lines, which its filter and its mapper share.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;
use wrasse_op::ParamError;

use crate::english;
use crate::lines::for_each_line;
use crate::pattern::fixed;
use crate::unicode::{is_space, lower, strip};

/// Parameters of `c4_quality_filter` and `c4_quality_mapper`.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Params {
    /// Whether the rules go by lines; by sentences if false.
    split_paragraph: bool,
    /// Whether citations (`[1]`, `[edit]`, `[citation needed]`) are removed
    /// from lines before they are looked at.
    remove_citations: bool,
    /// Whether lines without a stop mark (`.`, `?`, `!`, `"`, `'`) at the end,
    /// and those that end with `...`, do not count.
    filter_no_terminal_punct: bool,
    /// The fewest sentences to keep, in lines that count; -1 for no limit.
    pub(crate) min_num_sentences: i64,
    /// The fewest words of a line that counts; -1 for no limit.
    min_words_per_line: i64,
    /// The longest word of a line that counts, in characters; -1 for no limit.
    max_word_length: i64,
    /// Whether samples with `lorem ipsum` in a line that counts are dropped.
    filter_lorem_ipsum: bool,
    /// Whether lines with `javascript` do not count.
    filter_javascript: bool,
    /// Whether samples with `{` in a line that counts are dropped.
    filter_curly_bracket: bool,
    /// Whether lines with a phrase of cookie and privacy notices do not count.
    filter_policy: bool,
    /// The language of the samples; only `eng`.
    language: String,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            split_paragraph: true,
            remove_citations: true,
            filter_no_terminal_punct: true,
            min_num_sentences: 5,
            min_words_per_line: 3,
            max_word_length: 1000,
            filter_lorem_ipsum: true,
            filter_javascript: true,
            filter_curly_bracket: true,
            filter_policy: true,
            language: "eng".to_owned(),
        }
    }
}

/// Lower-case phrases of cookie and privacy notices.
const POLICY: [&str; 6] = [
    "terms of use",
    "privacy policy",
    "cookie policy",
    "uses cookies",
    "use of cookies",
    "use cookies",
];

/// What a line says of its sample.
pub(crate) enum Line<'t> {
    /// It stays, as it is here.
    Counts(Cow<'t, str>),
    /// It goes.
    Removed,
    /// The whole sample goes: `lorem ipsum`.
    LoremIpsum,
    /// The whole sample goes: a curly bracket.
    CurlyBracket,
}

impl Params {
    pub(crate) fn check(&self) -> Result<(), ParamError> {
        crate::filter::only_english(&self.language)
    }

    /// Calls `each` with what every line is.
    pub(crate) fn for_each_line<'t>(&self, text: &'t str, mut each: impl FnMut(Line<'t>)) {
        if self.split_paragraph {
            for_each_line(text, |line| each(self.judge(line)));
        } else {
            for sentence in english::sentences(text) {
                each(self.judge(sentence));
            }
        }
    }

    /// Number of sentences of a line that counts.
    pub(crate) fn n_sentences(&self, line: &str) -> usize {
        if self.split_paragraph {
            english::n_sentences(line)
        } else {
            1
        }
    }

    /// What lines are joined by.
    pub(crate) fn separator(&self) -> char {
        if self.split_paragraph { '\n' } else { ' ' }
    }

    fn judge<'t>(&self, line: &'t str) -> Line<'t> {
        static CITATION: LazyLock<Regex> =
            LazyLock::new(|| fixed(r"\[\d*\]|\[edit\]|\[citation needed\]"));
        let line = strip(line);
        let words = || line.split(is_space).filter(|word| !word.is_empty());
        let is_too_long = |word: &str| word.chars().count() as i64 > self.max_word_length;
        if self.max_word_length != -1 && words().any(is_too_long) {
            return Line::Removed;
        }
        let n_words = words().count() as i64;
        let line = if self.remove_citations {
            CITATION.replace_all(line, "")
        } else {
            Cow::Borrowed(line)
        };
        let is_ended = line.ends_with(['.', '?', '!', '"', '\'']) && !line.ends_with("...");
        if self.filter_no_terminal_punct && !is_ended || n_words < self.min_words_per_line {
            return Line::Removed;
        }
        let lowered = lower(&line);
        if self.filter_lorem_ipsum && lowered.contains("lorem ipsum") {
            Line::LoremIpsum
        } else if self.filter_javascript && lowered.contains("javascript") {
            Line::Removed
        } else if self.filter_curly_bracket && line.contains('{') {
            Line::CurlyBracket
        } else if self.filter_policy && POLICY.iter().any(|phrase| lowered.contains(phrase)) {
            Line::Removed
        } else {
            Line::Counts(line)
        }
    }
}
