//! Python's `str` methods, as Python 3.11 has them: with the tables of
//! Unicode 14, not those of the Rust that compiles this.

use std::borrow::Cow;

use crate::charset::{CharSet, n_words};
use crate::tables;

/// The characters for which `str.isalnum` is true: letters and numbers.
///
/// `char::is_alphanumeric` also takes in 1,520 marks, and characters that
/// Unicode 14 did not have.
pub(crate) static ALNUM: CharSet<{ n_words(tables::ALNUM) }> = CharSet::from_flips(tables::ALNUM);

static NEWER_THAN_14: CharSet<{ n_words(tables::NEWER_THAN_14) }> =
    CharSet::from_flips(tables::NEWER_THAN_14);

/// `\w` of Python's module `re`: what `str.isalnum` takes, and `_`. (That of
/// the package `regex` is Unicode's, with marks and joiners, but without `²`.)
pub(crate) fn is_word(c: char) -> bool {
    c == '_' || ALNUM.contains(c)
}

/// `str.isspace` of one character.
pub(crate) fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{1c}'..='\u{1f}')
}

/// `str.strip`.
pub(crate) fn strip(text: &str) -> &str {
    let bytes = text.as_bytes();
    match (bytes.first(), bytes.last()) {
        (Some(b'!'..=b'~'), Some(b'!'..=b'~')) => text,
        _ => text.trim_matches(is_space),
    }
}

/// Whether `str.strip` leaves nothing.
pub(crate) fn is_blank(text: &str) -> bool {
    text.chars().all(is_space)
}

/// `str.lower`: full mappings (`İ` becomes two characters) and final sigmas.
pub(crate) fn lower(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            Cow::Owned(text.to_ascii_lowercase())
        } else {
            Cow::Borrowed(text)
        };
    }
    let mut out = String::with_capacity(text.len() + text.len() / 16);
    for (at, c) in text.char_indices() {
        match c {
            '\0'..='\x7f' => out.push(c.to_ascii_lowercase()),
            'Σ' => out.push(if is_final(text, at) { 'ς' } else { 'σ' }),
            // Kana, Hangul and ideographs have no case.
            '\u{2e80}'..='\u{a63f}' | '\u{ac00}'..='\u{d7ff}' => out.push(c),
            _ if NEWER_THAN_14.contains(c) => out.push(c),
            _ => out.extend(c.to_lowercase()),
        }
    }
    Cow::Owned(out)
}

/// Whether the `Σ` at `at` ends a word: a cased letter before it, none after.
fn is_final(text: &str, at: usize) -> bool {
    let cased = |next: Option<Neighbor>| next == Some(Neighbor::Cased);
    let decides = |neighbor: &Neighbor| *neighbor != Neighbor::Ignorable;
    let before = text[..at].chars().rev().map(Neighbor::of).find(decides);
    let after = &text[at + 'Σ'.len_utf8()..];
    cased(before) && !cased(after.chars().map(Neighbor::of).find(decides))
}

/// What a character says about a sigma beside it.
#[derive(Clone, Copy, PartialEq)]
enum Neighbor {
    Cased,
    Ignorable,
    Other,
}

impl Neighbor {
    fn of(c: char) -> Self {
        match c {
            'A'..='Z' | 'a'..='z' | 'Σ' => return Self::Cased,
            ' ' | '\n' => return Self::Other,
            // Their classes changed after Unicode 14.
            'ʕ' => return Self::Cased,
            '\u{1171e}' => return Self::Ignorable,
            _ if NEWER_THAN_14.contains(c) => return Self::Other,
            _ => {}
        }
        // The standard library keeps these properties to itself, but lowers
        // sigmas by them.
        if format!("{c}Σ").to_lowercase().ends_with('ς') {
            Self::Cased
        } else if format!("a{c}Σ").to_lowercase().ends_with('ς') {
            Self::Ignorable
        } else {
            Self::Other
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alnum_is_the_set_of_python() {
        let members = ('\0'..=char::MAX).filter(|c| ALNUM.contains(*c));
        let codes: Vec<u8> = members.flat_map(|c| (c as u32).to_le_bytes()).collect();
        assert_eq!(codes.len(), 4 * 133_547);
        // hashlib.md5 over the sorted code points, little-endian.
        assert_eq!(
            format!("{:x}", md5::compute(codes)),
            "c12a6ac7aa624f38e00eef595c842988"
        );
    }

    #[test]
    fn lowering_is_that_of_python() {
        // The same loop in Python 3.11 gives the digest.
        let mut all = String::new();
        for c in ('\0'..'\u{20000}').chain('\u{e0000}'..'\u{e0200}') {
            for text in [
                format!("{c}"),
                format!("{c}Σ"),
                format!("a{c}Σ"),
                format!("aΣ{c}"),
                format!("aΣ{c}a"),
            ] {
                all.push_str(&lower(&text));
            }
        }
        assert_eq!(
            format!("{:x}", md5::compute(all)),
            "0a1665afd11c84881fe7681112591c2f"
        );
    }

    #[test]
    fn words_are_lowered_as_people_know_it() {
        assert_eq!(lower("ISPARTA İstanbul"), "isparta i\u{307}stanbul");
        assert_eq!(lower("ΟΔΥΣΣΕΥΣ ΟΔΟΣ. Σ ΑΣ'Α"), "οδυσσευς οδος. σ ασ'α");
        assert_eq!(lower("Straße GROẞE ǅ"), "straße große ǆ");
        assert!(matches!(lower("plain"), Cow::Borrowed("plain")));
        // A capital letter since Unicode 16: not to Python 3.11.
        assert_eq!(lower("\u{a7cb}A"), "\u{a7cb}a");
    }

    #[test]
    fn python_strips_more_than_rust() {
        assert_eq!(
            strip("\u{1f}\u{85}\u{3000}a b\u{200b}\u{1c}\n"),
            "a b\u{200b}"
        );
    }
}
