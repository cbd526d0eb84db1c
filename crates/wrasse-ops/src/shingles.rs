//! Shingles: runs of words or characters by which near duplicates are found.

use std::borrow::Cow;

use regex::Regex;
use wrasse_op::{OpError, ParamError};

use crate::pattern::{Dialect, Pattern, Template, fixed};
use crate::unicode;

/// What a shingle is a run of.
#[derive(Clone, Copy, Default, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Tokenization {
    /// Words: what stands between spaces (U+0020; other white space belongs to
    /// the words). For languages that write spaces.
    #[default]
    Space,
    /// What stands between characters of the Unicode category P.
    Punctuation,
    /// Characters. For Chinese and its like.
    Character,
    /// Pieces of a SentencePiece model. Not supported yet.
    Sentencepiece,
}

/// How a text is cut into shingles.
pub(crate) struct Shingles {
    tokenization: Tokenization,
    window: usize,
    lowercase: bool,
    ignore: Option<(Pattern, Template)>,
    punctuation: Regex,
}

impl Shingles {
    pub(crate) fn new(
        tokenization: Tokenization,
        window_size: usize,
        lowercase: bool,
        ignore_pattern: Option<&str>,
    ) -> Result<Self, ParamError> {
        if window_size == 0 {
            return Err(ParamError::new("window_size", "expected 1 or more"));
        }
        if tokenization == Tokenization::Sentencepiece {
            return Err(
                ParamError::new("tokenization", "`sentencepiece` is not supported yet")
                    .with_hint("`character` suits texts of many languages"),
            );
        }
        let ignore = ignore_pattern
            .filter(|pattern| !pattern.is_empty())
            .map(|pattern| {
                let pattern = Pattern::new("ignore_pattern", pattern, Dialect::Regex)?;
                let nothing = Template::new("ignore_pattern", "", &pattern)?;
                Ok((pattern, nothing))
            })
            .transpose()?;
        Ok(Self {
            tokenization,
            window: window_size,
            lowercase,
            ignore,
            punctuation: fixed(r"\p{P}"),
        })
    }

    /// Calls `each` for every shingle of a text, in order; equal ones as often
    /// as they occur. A text shorter than the window has none.
    pub(crate) fn for_each(&self, text: &str, mut each: impl FnMut(&str)) -> Result<(), OpError> {
        let mut text = match self.lowercase {
            true => unicode::lower(text),
            false => Cow::Borrowed(text),
        };
        if let Some((pattern, nothing)) = &self.ignore
            && let Cow::Owned(rest) = pattern.replace_all(&text, nothing)?
        {
            text = Cow::Owned(rest);
        }
        // The tokens with one space between, so that shingles are parts of one
        // text; the starts of the tokens and the end.
        let mut starts = Vec::with_capacity(text.len() / 4);
        let gap = match self.tokenization {
            Tokenization::Character | Tokenization::Sentencepiece => {
                starts.extend(text.char_indices().map(|(at, _)| at));
                starts.push(text.len());
                0
            }
            Tokenization::Space => {
                let words = words(&text).filter(|word| !word.is_empty());
                text = Cow::Owned(joined(words, text.len(), &mut starts));
                1
            }
            Tokenization::Punctuation => {
                let parts = self.punctuation.split(&text);
                text = Cow::Owned(joined(parts, text.len(), &mut starts));
                1
            }
        };
        let n_tokens = starts.len() - 1;
        for first in 0..(n_tokens + 1).saturating_sub(self.window) {
            each(&text[starts[first]..starts[first + self.window] - gap]);
        }
        Ok(())
    }
}

/// What stands between spaces.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let mut start = 0;
    let ends = memchr::memchr_iter(b' ', text.as_bytes());
    ends.chain([text.len()]).map(move |end| {
        let word = &text[start..end];
        start = end + 1;
        word
    })
}

/// The tokens, each with a space behind it; their starts and the end.
fn joined<'t>(
    tokens: impl Iterator<Item = &'t str>,
    bytes: usize,
    starts: &mut Vec<usize>,
) -> String {
    let mut text = String::with_capacity(bytes + 1);
    for token in tokens {
        starts.push(text.len());
        text.push_str(token);
        text.push(' ');
    }
    starts.push(text.len());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shingles(tokenization: Tokenization, window: usize, text: &str) -> Vec<String> {
        let mut found = Vec::new();
        Shingles::new(tokenization, window, true, Some("[0-9]"))
            .unwrap()
            .for_each(text, |shingle| found.push(shingle.to_owned()))
            .unwrap();
        found
    }

    #[test]
    fn tokens_are_joined_by_one_space() {
        let of = |text| shingles(Tokenization::Space, 2, text);
        assert_eq!(of("A  b\tc 7 d "), ["a b\tc", "b\tc d"]);
        assert!(of("a").is_empty());
        assert!(of("").is_empty());
        let of = |text| shingles(Tokenization::Punctuation, 2, text);
        assert_eq!(of("a, b."), ["a  b", " b "]);
        assert!(of("ab").is_empty());
        let of = |text| shingles(Tokenization::Character, 2, text);
        assert_eq!(of("中1文é"), ["中文", "文é"]);
    }
}
