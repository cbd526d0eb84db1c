//! Finds out, in one pass, which of the fixes a text can need.

use unicode_normalization::IsNormalized;
use unicode_normalization::char::canonical_combining_class;

use super::{Form, badness, simplify};

/// A set of reasons to look closer.
pub(super) type Marks = u8;

/// An ampersand, which may begin an entity.
pub(super) const ENTITY: Marks = 1;
/// A character without which no text is mojibake.
pub(super) const MOJIBAKE: Marks = 1 << 1;
/// A character that is replaced wherever it stands.
pub(super) const REPLACED: Marks = 1 << 2;
/// The character that begins commands to a terminal.
pub(super) const ESCAPE: Marks = 1 << 3;
/// A control character that is removed.
pub(super) const REMOVED: Marks = 1 << 4;
/// A character that normalization may change, move or join.
pub(super) const NORMALIZED: Marks = 1 << 5;

const BLOCK: usize = 32;

/// The marks of every character, for one form of normalization.
pub(super) struct Scanner {
    form: Form,
    /// The page of marks for each 256 characters up to U+FFFF. Most have none
    /// and share a page, so that what is used stays in the cache.
    pages: [u8; 256],
    marks: Vec<[Marks; 256]>,
}

impl Scanner {
    pub(super) fn new(form: Form) -> Self {
        let mut triggers: Vec<char> = badness::triggers().collect();
        triggers.sort_unstable();
        let mut scanner = Self {
            form,
            pages: [0; 256],
            marks: vec![[0; 256]],
        };
        for at in 0..=u8::MAX {
            let mut page = [0; 256];
            for (low, marks) in page.iter_mut().enumerate() {
                if let Some(c) = char::from_u32(u32::from(at) << 8 | low as u32) {
                    *marks = marks_of(c, form, &triggers);
                }
            }
            let same = scanner.marks.iter().position(|known| *known == page);
            scanner.pages[usize::from(at)] = same.unwrap_or(scanner.marks.len()) as u8;
            if same.is_none() {
                scanner.marks.push(page);
            }
        }
        scanner
    }

    /// The marks of one character.
    pub(super) fn of(&self, c: char) -> Marks {
        let number = c as usize;
        if number > 0xffff {
            return normalization_mark(c, self.form);
        }
        self.marks[usize::from(self.pages[number >> 8])][number & 0xff]
    }

    /// The marks of all characters together.
    pub(super) fn all(&self, text: &str) -> Marks {
        let mut marks = 0;
        let mut at = 0;
        while let Some((found, more)) = self.next(text, at, !marks) {
            marks |= more;
            at = found + 1;
            while !text.is_char_boundary(at) {
                at += 1;
            }
        }
        marks
    }

    /// The first character at `from` or later with any of the marks `wanted`:
    /// where it is, and its marks.
    pub(super) fn next(&self, text: &str, from: usize, wanted: Marks) -> Option<(usize, Marks)> {
        let bytes = text.as_bytes();
        let mut at = from;
        while at < bytes.len() {
            // Whole blocks of plain ASCII, then whatever comes one by one.
            if let Some(block) = bytes.get(at..at + BLOCK)
                && block
                    .iter()
                    .fold(true, |plain, byte| plain & is_plain(*byte))
            {
                at += BLOCK;
                continue;
            }
            let end = (at + BLOCK).min(bytes.len());
            while at < end {
                let (c, len) = char_at(bytes, at);
                let marks = match c {
                    // No ideograph has a mark; see the test.
                    0x4000..=0x9fff => 0,
                    0..=0xffff => self.marks[usize::from(self.pages[c >> 8])][c & 0xff],
                    _ => char::from_u32(c as u32).map_or(0, |c| self.of(c)),
                };
                if marks & wanted != 0 {
                    return Some((at, marks));
                }
                at += len;
            }
        }
        None
    }
}

/// The character whose first byte is at `at`, as a number, and its length.
fn char_at(bytes: &[u8], at: usize) -> (usize, usize) {
    let later = |n: usize| bytes.get(at + n).map_or(0, |byte| usize::from(byte & 0x3f));
    let first = usize::from(bytes[at]);
    match first {
        0..=0x7f => (first, 1),
        0x80..=0xdf => ((first & 0x1f) << 6 | later(1), 2),
        0xe0..=0xef => ((first & 0xf) << 12 | later(1) << 6 | later(2), 3),
        _ => (
            (first & 7) << 18 | later(1) << 12 | later(2) << 6 | later(3),
            4,
        ),
    }
}

/// Whether a byte is ASCII without a mark.
fn is_plain(byte: u8) -> bool {
    ((byte >= b' ') | (byte == b'\n') | (byte == b'\t')) & (byte < 0x7f) & (byte != b'&')
}

fn marks_of(c: char, form: Form, triggers: &[char]) -> Marks {
    let mark = |mark, has| if has { mark } else { 0 };
    mark(ENTITY, c == '&')
        | mark(MOJIBAKE, triggers.binary_search(&c).is_ok())
        | mark(REPLACED, simplify::is_replaced(c))
        | mark(ESCAPE, c == '\u{1b}')
        | mark(REMOVED, simplify::is_removed(c))
        | normalization_mark(c, form)
}

fn normalization_mark(c: char, form: Form) -> Marks {
    let stays =
        form.check([c].into_iter()) == IsNormalized::Yes && canonical_combining_class(c) == 0;
    if stays { 0 } else { NORMALIZED }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_cuts_skip_no_mark() {
        for form in [Form::Nfc, Form::Nfkd] {
            let scanner = Scanner::new(form);
            for c in '\u{4000}'..='\u{9fff}' {
                assert_eq!(scanner.of(c), 0, "{c}");
            }
            for c in '\0'..='\u{7f}' {
                assert!(!is_plain(c as u8) || scanner.of(c) == 0, "{c:?}");
            }
        }
    }

    #[test]
    fn the_first_mark_is_found_at_any_place() {
        let scanner = Scanner::new(Form::Nfc);
        for before in 0..70 {
            for (marked, mark) in [
                ("&", ENTITY),
                ("’", REPLACED),
                ("\u{1b}", ESCAPE),
                ("\u{301}", NORMALIZED),
                ("Ã", MOJIBAKE),
                ("\u{1d15e}", NORMALIZED),
            ] {
                let text = format!("{}数{marked}{}", "x".repeat(before), "y".repeat(40));
                let (at, marks) = scanner.next(&text, 0, !0).unwrap();
                assert_eq!(at, before + 3);
                assert!(marks & mark != 0, "{marked:?}");
                assert_eq!(scanner.all(&text), marks);
                assert_eq!(scanner.next(&text, at + marked.len(), !0), None);
            }
        }
    }
}
