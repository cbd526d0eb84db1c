//! The fixes that look at one character at a time.

use std::sync::LazyLock;

use regex::Regex;
use unicode_normalization::UnicodeNormalization;

use super::codecs::c1_as_windows_1252;

/// Ligatures that are mostly the work of a type-setting program, and digraphs
/// that exist for the sake of old encodings.
const LIGATURES: &[(char, &str)] = &[
    ('Ĳ', "IJ"),
    ('ĳ', "ij"),
    ('ŉ', "ʼn"),
    ('Ǳ', "DZ"),
    ('ǲ', "Dz"),
    ('ǳ', "dz"),
    ('Ǆ', "DŽ"),
    ('ǅ', "Dž"),
    ('ǆ', "dž"),
    ('Ǉ', "LJ"),
    ('ǈ', "Lj"),
    ('ǉ', "lj"),
    ('Ǌ', "NJ"),
    ('ǋ', "Nj"),
    ('ǌ', "nj"),
    ('ﬀ', "ff"),
    ('ﬁ', "fi"),
    ('ﬂ', "fl"),
    ('ﬃ', "ffi"),
    ('ﬄ', "ffl"),
    ('ﬅ', "ſt"),
    ('ﬆ', "st"),
];

/// What each character becomes, for those that do not stay.
static REPLACEMENTS: LazyLock<Vec<(char, String)>> = LazyLock::new(|| {
    ('\u{80}'..='\u{ffff}')
        .map(|c| (c, simplify(c)))
        .filter(|(c, simple)| !simple.chars().eq([*c]))
        .collect()
});

fn simplify(c: char) -> String {
    let c = c1_as_windows_1252(c);
    let ligature = LIGATURES.iter().find(|(ligature, _)| *ligature == c);
    let letters = ligature.map_or_else(|| c.to_string(), |(_, letters)| (*letters).to_owned());
    letters
        .chars()
        .flat_map(plain_width)
        .map(straight)
        .collect()
}

/// Full-width letters and half-width Katakana in their usual width.
fn plain_width(c: char) -> Vec<char> {
    match c {
        '\u{3000}' => vec![' '],
        '\u{ff01}'..='\u{ffef}' => [c].into_iter().nfkc().collect(),
        _ => vec![c],
    }
}

/// Curly quotation marks made straight, and line ends made plain.
fn straight(c: char) -> char {
    match c {
        '\u{2bc}' | '\u{2018}'..='\u{201b}' => '\'',
        '\u{201c}'..='\u{201f}' => '"',
        '\u{2028}' | '\u{2029}' => '\n',
        _ => c,
    }
}

/// Whether [`replace`] changes this character.
pub(super) fn is_replaced(c: char) -> bool {
    c == '\r' || replacement(c).is_some()
}

fn replacement(c: char) -> Option<&'static str> {
    let at = REPLACEMENTS.binary_search_by_key(&c, |(c, _)| *c).ok()?;
    Some(&REPLACEMENTS[at].1)
}

/// Replaces C1 control characters, ligatures, characters of unusual width,
/// curly quotation marks and line ends. `next` finds the next character at a
/// place or later that may need it.
pub(super) fn replace(text: &str, next: impl Fn(usize) -> Option<usize>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut copied = 0;
    let mut from = 0;
    while let Some(at) = next(from)
        && let Some(c) = text[at..].chars().next()
    {
        from = at + c.len_utf8();
        let new = match c {
            '\r' if text[from..].starts_with('\n') => "",
            '\r' => "\n",
            c => match replacement(c) {
                Some(new) => new,
                None => continue,
            },
        };
        out.push_str(&text[copied..at]);
        out.push_str(new);
        copied = from;
    }
    out.push_str(&text[copied..]);
    out
}

/// Commands to a terminal, such as those for colors.
static TERMINAL_ESCAPE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\x1b\[[\d;]*[a-zA-Z]").expect("a pattern"));

/// Removes commands to a terminal.
pub(super) fn remove_terminal_escapes(text: &str) -> String {
    TERMINAL_ESCAPE.replace_all(text, "").into_owned()
}

/// Control characters without effect on text.
pub(super) fn is_removed(c: char) -> bool {
    matches!(
        c,
        '\0'..='\u{8}' | '\u{b}' | '\u{e}'..='\u{1f}' | '\u{7f}'
            | '\u{206a}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffc}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_become_simple() {
        let text = "ﬂuﬃest ＬＯＵＤ　Ｕﾀｰﾝ “a” ‘b’ ŉ\r\nx\ry\u{2028}z\u{93}\u{85}";
        let want = "fluffiest LOUD Uターン \"a\" 'b' 'n\nx\ny\nz\"…";
        let next = |from: usize| Some(from + text[from..].find(is_replaced)?);
        assert_eq!(replace(text, next), want);
    }

    #[test]
    fn terminal_commands_go() {
        let text = "\u{1b}[36;44mI'm blue\u{1b}[0m \u{1b}[;m\u{1b}[1 x";
        assert_eq!(remove_terminal_escapes(text), "I'm blue \u{1b}[1 x");
    }
}
