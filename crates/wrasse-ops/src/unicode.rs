//! Python's `str` methods, as Python 3.11 has them: with the tables of
//! Unicode 14, not those of the Rust that compiles this.

use std::borrow::Cow;

use wrasse_op::Derived;

use crate::charset::{CharSet, n_words};
use crate::tables;

/// The characters for which `str.isalnum` is true: letters and numbers.
///
/// `char::is_alphanumeric` also takes in 1,520 marks, and characters that
/// Unicode 14 did not have.
pub(crate) static ALNUM: CharSet<{ n_words(tables::ALNUM) }> = CharSet::from_flips(tables::ALNUM);

static NEWER_THAN_14: CharSet<{ n_words(tables::NEWER_THAN_14) }> =
    CharSet::from_flips(tables::NEWER_THAN_14);

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

/// The lines of `str.splitlines`.
///
/// Lines end at `\n`, `\r`, `\r\n`, `\v`, `\f`, U+001C to U+001E, U+0085,
/// U+2028 and U+2029; an end at the end of the text begins no further line.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Lines {
    /// How many there are.
    pub(crate) count: usize,
    /// Characters of the longest one, its end not included.
    pub(crate) max_chars: usize,
}

impl Lines {
    fn add(&mut self, line: &str) {
        self.count += 1;
        // A line has at most as many characters as bytes.
        if line.len() > self.max_chars {
            self.max_chars = self.max_chars.max(line.chars().count());
        }
    }
}

/// By first byte of a character: whether it may end a line.
static LINE_ENDS: [bool; 256] = {
    let mut ends = [false; 256];
    let bytes = b"\n\r\x0b\x0c\x1c\x1d\x1e\xc2\xe2";
    let mut i = 0;
    while i < bytes.len() {
        ends[bytes[i] as usize] = true;
        i += 1;
    }
    ends
};

impl Derived for Lines {
    fn derive(text: &str) -> Self {
        let mut lines = Self::default();
        if has_odd_line_end(text.as_bytes()) {
            for_each_line(text, |line| lines.add(line));
            return lines;
        }
        let mut start = 0;
        for end in memchr::memchr_iter(b'\n', text.as_bytes()) {
            lines.add(&text[start..end]);
            start = end + 1;
        }
        if start < text.len() {
            lines.add(&text[start..]);
        }
        lines
    }
}

/// Calls `each` with the lines of `text`, without their ends; see [`Lines`].
pub(crate) fn for_each_line<'t>(text: &'t str, mut each: impl FnMut(&'t str)) {
    let bytes = text.as_bytes();
    let (mut start, mut at) = (0, 0);
    while let Some(found) = find_line_end(bytes, at) {
        at = found;
        let end = match &bytes[at..] {
            [b'\r', b'\n', ..] | [0xc2, 0x85, ..] => 2,
            [0xe2, 0x80, 0xa8 | 0xa9, ..] => 3,
            [0xc2 | 0xe2, ..] => 0,
            _ => 1,
        };
        if end == 0 {
            at += 1;
        } else {
            each(&text[start..at]);
            at += end;
            start = at;
        }
    }
    if start < text.len() {
        each(&text[start..]);
    }
}

/// Whether a line ends with something else than a line feed.
fn has_odd_line_end(bytes: &[u8]) -> bool {
    /// The first bytes of all other ends.
    const RANGES: [(u8, u8); 4] = [(0x0b, 2), (0x1c, 2), (0xc2, 0), (0xe2, 0)];
    const BLOCK: usize = 32;
    let mut at = 0;
    loop {
        at = crate::scan::pass_over(bytes, at, &RANGES);
        let end = (at + BLOCK).min(bytes.len());
        for i in at..end {
            match bytes[i..] {
                [0x0b..=0x0d | 0x1c..=0x1e, ..]
                | [0xc2, 0x85, ..]
                | [0xe2, 0x80, 0xa8 | 0xa9, ..] => return true,
                _ => {}
            }
        }
        if end == bytes.len() {
            return false;
        }
        at = end;
    }
}

/// The next byte with which a line may end.
fn find_line_end(bytes: &[u8], mut at: usize) -> Option<usize> {
    // Compiles to vector code, unlike a search with an early end.
    const BLOCK: usize = 32;
    while let Some(block) = bytes[at..].first_chunk::<BLOCK>() {
        let may_end = |byte: u8| {
            byte.wrapping_sub(b'\n') < 4
                || byte.wrapping_sub(0x1c) < 3
                || byte == 0xc2
                || byte == 0xe2
        };
        let some = block.iter().fold(false, |some, byte| some | may_end(*byte));
        if some {
            break;
        }
        at += BLOCK;
    }
    let found = bytes[at..]
        .iter()
        .position(|byte| LINE_ENDS[usize::from(*byte)]);
    found.map(|skip| at + skip)
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
    fn lines_end_where_python_ends_them() {
        let lines = |text: &str| {
            let lines = Lines::derive(text);
            (lines.count, lines.max_chars)
        };
        assert_eq!(lines(""), (0, 0));
        assert_eq!(lines("\n"), (1, 0));
        assert_eq!(lines("\r\n"), (1, 0));
        assert_eq!(lines("\n\r"), (2, 0));
        assert_eq!(lines("a"), (1, 1));
        assert_eq!(lines("a\r\nbé\rc\n\nd\n"), (5, 2));
        assert_eq!(
            lines("1\n2\r3\u{b}4\u{c}5\u{1c}6\u{1d}7\u{1e}8\u{85}9\u{2028}0\u{2029}1"),
            (11, 1)
        );
        // No ends of lines, though their bytes begin like some.
        assert_eq!(lines("a\u{1f}b\t©\u{2027}\u{202a}…🙂"), (1, 9));
        assert_eq!(lines("数据集\nab"), (2, 3));
    }

    #[test]
    fn python_strips_more_than_rust() {
        assert_eq!(
            strip("\u{1f}\u{85}\u{3000}a b\u{200b}\u{1c}\n"),
            "a b\u{200b}"
        );
    }
}
