//! `remove_long_words_mapper` removes words that are too short or too long.

use std::borrow::Cow;

use memchr::memchr3;
use wrasse_op::{Common, Configured, Example, OpError, OpSpec, ParamError, Text, TextMapper};

use crate::charset::SPECIAL;

pub(crate) const SPEC: OpSpec = OpSpec::text_mapper::<RemoveLongWordsMapper>(
    "remove_long_words_mapper",
    "Removes words whose length lies outside a range.",
)
.details("Words are what stands between line ends, tabs and plain spaces; no other white space parts them, so that a whole Chinese sentence is one word. Lengths are in Unicode scalar values. A word that is too long is measured again without the special characters at its ends (punctuation, digits, emoji; the set is Data-Juicer's), and stays as it is if it is short enough then.\n\nThe words that stay are joined by one separator each: a line end if there was one between them, else a tab, else a space. So even with the default range runs of separators shrink to one and empty lines go, as in the original.")
.origin("Data-Juicer 1.6")
.examples(&[
    Example {
        about: "measures a long word without its punctuation",
        params: r#"{"max_len": 5}"#,
        input: &[r#"{"text": "a (words). abcdefg b"}"#],
        output: &[r#"{"text": "a (words). b"}"#],
    },
    Example {
        about: "joins runs of separators",
        params: "{}",
        input: &[r#"{"text": " a  b\t\n\nc "}"#],
        output: &[r#"{"text": "a b\nc"}"#],
    },
]);

/// Parameters of `remove_long_words_mapper`.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Params {
    /// The shortest word to keep, in characters.
    min_len: i64,
    /// The longest word to keep, in characters; no limit if null.
    max_len: Option<i64>,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            min_len: 1,
            max_len: None,
        }
    }
}

pub(crate) struct RemoveLongWordsMapper {
    min_len: usize,
    /// None if no word can be short enough.
    max_len: Option<usize>,
}

impl Configured for RemoveLongWordsMapper {
    type Params = Params;

    fn new(params: Params, _: &Common) -> Result<Self, ParamError> {
        Ok(Self {
            min_len: usize::try_from(params.min_len).unwrap_or(0),
            max_len: params
                .max_len
                .map_or(Some(usize::MAX), |max| usize::try_from(max).ok()),
        })
    }
}

impl RemoveLongWordsMapper {
    fn keeps(&self, word: &str) -> bool {
        let Some(max_len) = self.max_len else {
            return false;
        };
        // A character takes one to four bytes: most words need no counting.
        if word.len() <= max_len && self.min_len <= word.len().div_ceil(4) {
            return true;
        }
        let n_chars = word.chars().count();
        if n_chars <= max_len {
            return self.min_len <= n_chars;
        }
        let stripped = word.trim_matches(|c| SPECIAL.contains(c)).chars().count();
        self.min_len <= stripped && stripped <= max_len
    }
}

impl TextMapper for RemoveLongWordsMapper {
    fn map<'t>(&self, text: &'t Text) -> Result<Cow<'t, str>, OpError> {
        let text = text.as_str();
        let bytes = text.as_bytes();
        let mut out = Joined::new(text);
        let mut separator = b' ';
        let mut at = 0;
        while at < bytes.len() {
            let end = match memchr3(b' ', b'\t', b'\n', &bytes[at..]) {
                Some(length) => at + length,
                None => bytes.len(),
            };
            if at < end && self.keeps(&text[at..end]) {
                out.push(separator, at, end);
                separator = b' ';
            }
            // The strongest separator since the last word: `\t` < `\n`, and
            // the space is the weakest.
            match bytes.get(end) {
                Some(b'\n') => separator = b'\n',
                Some(b'\t') if separator == b' ' => separator = b'\t',
                _ => {}
            }
            at = end + 1;
        }
        Ok(out.finish())
    }
}

/// The words kept so far; a piece of the text as long as nothing was changed.
struct Joined<'t> {
    text: &'t str,
    same: std::ops::Range<usize>,
    out: String,
    n_words: usize,
}

impl<'t> Joined<'t> {
    fn new(text: &'t str) -> Self {
        Self {
            text,
            same: 0..0,
            out: String::new(),
            n_words: 0,
        }
    }

    /// Adds the word at `start..end`, after a separator if it is not the first.
    fn push(&mut self, separator: u8, start: usize, end: usize) {
        self.n_words += 1;
        if self.n_words == 1 {
            self.same = start..end;
        } else if self.same.end + 1 == start {
            // One byte lies between: it is the separator.
            self.same.end = end;
        } else {
            self.flush();
            self.out.push(char::from(separator));
            self.same = start..end;
        }
    }

    /// Moves the piece that stayed the same to the output.
    fn flush(&mut self) {
        if self.out.capacity() == 0 {
            self.out.reserve(self.text.len() - self.same.start);
        }
        self.out.push_str(&self.text[self.same.clone()]);
    }

    fn finish(mut self) -> Cow<'t, str> {
        if self.out.is_empty() {
            return Cow::Borrowed(&self.text[self.same]);
        }
        self.flush();
        Cow::Owned(self.out)
    }
}
