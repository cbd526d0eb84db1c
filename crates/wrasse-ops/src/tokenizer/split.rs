//! Patterns that cut a text into words before pairs of bytes are merged.

use std::ops::Range;

use regex::Regex;
use wrasse_op::OpError;

/// What a vocabulary's pattern ends with: white space, but for its last
/// character if a word follows.
const SPACE_BEFORE_WORD: &str = r"|\s+(?!\S)|\s+";

/// The pattern of GPT-2, which `ByteLevel` of Hugging Face stands for.
pub(super) const GPT2: &str =
    r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

/// One way to cut.
pub(super) enum Split {
    /// At each match of a pattern whose first group is white space that leaves
    /// its last character to the word behind it.
    Words(Regex),
    /// At each match of any other pattern.
    Pattern(Box<fancy_regex::Regex>),
    /// Around each digit, or each run of digits.
    Digits { each: bool },
}

impl Split {
    /// The pattern, as given in a vocabulary.
    pub(super) fn new(pattern: &str) -> Result<Self, String> {
        if let Some(front) = pattern.strip_suffix(SPACE_BEFORE_WORD)
            && let Ok(words) = Regex::new(&format!(r"(?:{front})|(\s+)"))
            && words.captures_len() == 2
        {
            return Ok(Self::Words(words));
        }
        match fancy_regex::Regex::new(pattern) {
            Ok(pattern) => Ok(Self::Pattern(Box::new(pattern))),
            Err(error) => Err(format!(
                "the pattern `{pattern}` is not understood: {error}"
            )),
        }
    }

    /// Appends the pieces of a span of the text.
    pub(super) fn cut(
        &self,
        text: &str,
        span: Range<usize>,
        out: &mut Vec<Range<usize>>,
    ) -> Result<(), OpError> {
        let piece = &text[span.clone()];
        let mut at = 0;
        let mut add = |from: usize, to: usize| {
            for (start, end) in [(at, from), (from, to)] {
                if start < end {
                    out.push(span.start + start..span.start + end);
                }
            }
            at = to;
        };
        match self {
            Self::Words(words) => words_of(words, piece, &mut add),
            Self::Pattern(pattern) => {
                for found in pattern.find_iter(piece) {
                    let found = found.map_err(|error| {
                        OpError::bad_sample(format!("the tokenizer's pattern gave up: {error}"))
                    })?;
                    add(found.start(), found.end());
                }
            }
            Self::Digits { each } => digits(piece, *each, &mut add),
        }
        add(piece.len(), piece.len());
        Ok(())
    }
}

fn words_of(words: &Regex, text: &str, add: &mut impl FnMut(usize, usize)) {
    let mut groups = words.capture_locations();
    let mut at = 0;
    while let Some(found) = words.captures_read_at(&mut groups, text, at) {
        let mut end = found.end();
        if let Some((start, _)) = groups.get(1)
            && end < text.len()
        {
            // What follows is no white space, else the match were longer.
            let last = text[start..end]
                .chars()
                .next_back()
                .map_or(0, char::len_utf8);
            if end - last > start {
                end -= last;
            }
        }
        add(found.start(), end);
        at = end;
        if found.is_empty() {
            match text[at..].chars().next() {
                Some(c) => at += c.len_utf8(),
                None => return,
            }
        }
    }
}

fn digits(text: &str, each: bool, add: &mut impl FnMut(usize, usize)) {
    let mut run: Option<Range<usize>> = None;
    for (at, c) in text.char_indices() {
        let end = at + c.len_utf8();
        match (&mut run, c.is_numeric()) {
            (_, true) if each => add(at, end),
            (Some(run), true) => run.end = end,
            (None, true) => run = Some(at..end),
            (_, false) => {
                if let Some(run) = run.take() {
                    add(run.start, run.end);
                }
            }
        }
    }
    if let Some(run) = run {
        add(run.start, run.end);
    }
}
