//! Words as Data-Juicer's operators see them.
//!
//! A text is split at single plain spaces, line feeds and tabs; no other white
//! space splits, so that Chinese text is few long words. *Refined* words are
//! lowered, if asked for, then stripped of special characters at both ends
//! ([`SPECIAL`]); what is empty then is no word.

use std::borrow::Cow;
use std::ops::Range;

use memchr::memchr3;
use wrasse_op::Derived;

use crate::charset::SPECIAL;
use crate::unicode;

/// The words before refinement that `keeps` takes, given by where they start
/// and end, joined by the strongest separator between them: a line end, else a
/// tab, else a space.
pub(crate) fn keep_words(text: &str, mut keeps: impl FnMut(usize, usize) -> bool) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let mut out = Joined::new(text);
    let mut separator = b' ';
    let mut at = 0;
    while at < bytes.len() {
        let end = match memchr3(b' ', b'\t', b'\n', &bytes[at..]) {
            Some(length) => at + length,
            None => bytes.len(),
        };
        if at < end && keeps(at, end) {
            out.push(separator, at, end);
            separator = b' ';
        }
        match bytes.get(end) {
            Some(b'\n') => separator = b'\n',
            Some(b'\t') if separator == b' ' => separator = b'\t',
            _ => {}
        }
        at = end + 1;
    }
    out.finish()
}

/// The words kept so far; a piece of the text as long as nothing was changed.
struct Joined<'t> {
    text: &'t str,
    same: Range<usize>,
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

/// The number of refined words, without lowering.
pub(crate) struct NumWords(pub(crate) usize);

impl Derived for NumWords {
    fn derive(text: &str) -> Self {
        // A word outlives stripping if a character of it is not special.
        let mut n = 0;
        let mut in_word = false;
        for c in text.chars() {
            if matches!(c, ' ' | '\n' | '\t') {
                in_word = false;
            } else if !in_word && !SPECIAL.contains(c) {
                in_word = true;
                n += 1;
            }
        }
        Self(n)
    }
}

/// The refined words, lowered, in UTF-8.
pub(crate) struct LoweredWords {
    /// Every word with one space behind it.
    buffer: Vec<u8>,
    /// Where the words end, the space not included.
    ends: Vec<usize>,
}

impl LoweredWords {
    /// Number of words.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The words in order, each with one space behind it.
    pub(crate) fn joined(&self) -> &[u8] {
        &self.buffer
    }

    /// The words in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8]> + Clone {
        let mut start = 0;
        self.ends.iter().map(move |end| {
            let word = &self.buffer[start..*end];
            start = end + 1;
            word
        })
    }
}

impl Derived for LoweredWords {
    fn derive(text: &str) -> Self {
        // No lowering makes or takes away a separator or changes a sigma
        // across one, so that the text can be lowered as a whole.
        let lowered = unicode::lower(text);
        let bytes = lowered.as_bytes();
        let mut buffer = Vec::with_capacity(bytes.len() + 1);
        // A word and what separates it from the next, of English.
        let mut ends = Vec::with_capacity(bytes.len() / 6);
        let mut start = 0;
        while start < bytes.len() {
            let length = bytes[start..]
                .iter()
                .position(|byte| IS_SEPARATOR[usize::from(*byte)]);
            let stop = length.map_or(bytes.len(), |length| start + length);
            let word = refined(&lowered, start, stop);
            if !word.is_empty() {
                buffer.extend_from_slice(word);
                ends.push(buffer.len());
                buffer.push(b' ');
            }
            start = stop + 1;
        }
        Self { buffer, ends }
    }
}

static IS_SEPARATOR: [bool; 256] = {
    let mut is = [false; 256];
    is[b' ' as usize] = true;
    is[b'\n' as usize] = true;
    is[b'\t' as usize] = true;
    is
};

/// The word at `start..end` without special characters at both ends.
#[inline]
fn refined(text: &str, mut start: usize, mut end: usize) -> &[u8] {
    let bytes = text.as_bytes();
    while start < end && SPECIAL.contains_ascii(bytes[start]) {
        start += 1;
    }
    while start < end && SPECIAL.contains_ascii(bytes[end - 1]) {
        end -= 1;
    }
    if start < end && !(bytes[start].is_ascii() && bytes[end - 1].is_ascii()) {
        return text[start..end]
            .trim_matches(|c| SPECIAL.contains(c))
            .as_bytes();
    }
    &bytes[start..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lowered(text: &str) -> Vec<String> {
        let words = LoweredWords::derive(text);
        assert_eq!(words.len(), words.iter().count());
        let owned = |word: &[u8]| String::from_utf8(word.to_vec()).unwrap();
        words.iter().map(owned).collect()
    }

    #[test]
    fn only_three_characters_split() {
        assert_eq!(
            lowered(" a  b\tc\n\nd\re\u{a0}f\u{b}g "),
            ["a", "b", "c", "d\re\u{a0}f\u{b}g"]
        );
        assert_eq!(lowered(" \n\t "), [""; 0]);
    }

    #[test]
    fn words_of_special_characters_are_none() {
        let count = |text: &str| NumWords::derive(text).0;
        assert_eq!(count(""), 0);
        assert_eq!(count("a"), 1);
        assert_eq!(count("1,000 -- 😀 (x) 3.14 一 \r\n"), 1);
        assert_eq!(count("a-b 1st\tdon't\n数据集 👨‍👩‍👧x"), 5);
    }

    #[test]
    fn words_are_lowered_before_they_are_stripped() {
        assert_eq!(lowered(""), [""; 0]);
        assert_eq!(
            lowered("Hello, (World)!\n42 don't"),
            ["hello", "world", "don't"]
        );
        // Г and ø are special, г and Ø are not: lowering first makes a
        // difference for the number of words, too.
        assert_eq!(lowered("Где Ø ΣΑΣ"), ["где", "σας"]);
        assert_eq!(NumWords::derive("Г").0, 0);
        assert_eq!(lowered("Г"), ["г"]);
        assert_eq!(NumWords::derive("Ø").0, 1);
        assert_eq!(lowered("İ."), ["i\u{307}"]);
        // U+FE0F is not special, the joiner is not either.
        assert_eq!(lowered("❤\u{fe0f} a"), ["\u{fe0f}", "a"]);
    }
}
