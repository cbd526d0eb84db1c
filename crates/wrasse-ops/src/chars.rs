//! Character classes of patterns, for code that does a pattern's work by hand.

use std::sync::LazyLock;

use regex_syntax::hir::{Class, HirKind};

/// `\w`.
#[inline]
pub(crate) fn is_word(c: char) -> bool {
    if c.is_ascii() {
        c.is_ascii_alphanumeric() || c == '_'
    } else {
        regex_syntax::is_word_character(c)
    }
}

/// `\d`: decimal digits of any script.
#[inline]
pub(crate) fn is_digit(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_digit();
    }
    let at = DIGITS.partition_point(|(_, last)| *last < c);
    DIGITS.get(at).is_some_and(|(first, _)| *first <= c)
}

/// The value of a decimal digit of any script.
pub(crate) fn digit_value(c: char) -> Option<u32> {
    if c.is_ascii() {
        return c.to_digit(10);
    }
    let at = DIGITS.partition_point(|(_, last)| *last < c);
    let (first, _) = DIGITS.get(at).filter(|(first, _)| *first <= c)?;
    // Ranges are whole sets of ten, each from zero to nine.
    Some((c as u32 - *first as u32) % 10)
}

/// The ranges of `\d`, from the tables of the pattern engine itself.
static DIGITS: LazyLock<Vec<(char, char)>> = LazyLock::new(|| {
    let hir = regex_syntax::parse(r"\d").expect("a class is a pattern");
    match hir.kind() {
        HirKind::Class(Class::Unicode(class)) => class
            .iter()
            .map(|range| (range.start(), range.end()))
            .collect(),
        _ => Vec::new(),
    }
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::fixed;

    #[test]
    fn classes_are_those_of_the_pattern_engine() {
        let (word, digit) = (fixed(r"\w"), fixed(r"\d"));
        for c in '\0'..=char::MAX {
            let text = c.to_string();
            assert_eq!(is_word(c), word.is_match(&text), "{c:?}");
            assert_eq!(is_digit(c), digit.is_match(&text), "{c:?}");
        }
    }
}
