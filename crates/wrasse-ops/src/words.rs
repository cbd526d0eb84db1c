//! Words as Data-Juicer's operators see them.
//!
//! A text is split at single plain spaces, line feeds and tabs; no other white
//! space splits, so that Chinese text is few long words. *Refined* words are
//! lowered, if asked for, then stripped of special characters at both ends
//! ([`SPECIAL`]); what is empty then is no word.

use wrasse_op::Derived;

use crate::charset::SPECIAL;
use crate::unicode;

/// The words of `text` before refinement.
pub(crate) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split([' ', '\n', '\t'])
        .filter(|word| !word.is_empty())
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

/// The refined words, lowered.
pub(crate) struct LoweredWords {
    /// Every word with one space behind it.
    buffer: String,
    /// Where the words end, the space not included.
    ends: Vec<usize>,
}

impl LoweredWords {
    /// Number of words.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The words in order, each with one space behind it.
    pub(crate) fn joined(&self) -> &str {
        &self.buffer
    }

    /// The words in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> + Clone {
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
        let mut buffer = String::with_capacity(lowered.len() + 1);
        let mut ends = Vec::new();
        for word in words(&lowered) {
            let word = word.trim_matches(|c| SPECIAL.contains(c));
            if !word.is_empty() {
                buffer.push_str(word);
                ends.push(buffer.len());
                buffer.push(' ');
            }
        }
        Self { buffer, ends }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lowered(text: &str) -> Vec<String> {
        let words = LoweredWords::derive(text);
        assert_eq!(words.len(), words.iter().count());
        words.iter().map(str::to_owned).collect()
    }

    #[test]
    fn only_three_characters_split() {
        assert_eq!(
            words(" a  b\tc\n\nd\re\u{a0}f\u{b}g ").collect::<Vec<_>>(),
            ["a", "b", "c", "d\re\u{a0}f\u{b}g"]
        );
        assert_eq!(words("").count() + words(" \n\t ").count(), 0);
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
