//! Mends text that was decoded wrongly or carries glitches of type-setting:
//! ftfy's `fix_text`, exactly.
//!
//! This is a port of [ftfy](https://github.com/rspeer/python-ftfy) 6.3 by Robyn
//! Speer (Apache License 2.0): the order of its fixes, its categories of
//! characters and its tables are taken over, the code is our own. See the file
//! `NOTICE`.
//!
//! A text is mended line by line. Each line goes through the fixes until none
//! changes it any more: entities, mojibake ([`encoding`]), single characters
//! ([`simplify`]), normalization. A scan ([`scan`]) finds the lines that can
//! need any of it; the others, mostly nearly all, are not looked at again.
//!
//! Beyond ftfy, [`Rounds`] bounds how often a line is tried again.

mod badness;
mod clues;
mod codecs;
mod encoding;
mod entities;
mod scan;
mod simplify;

use std::borrow::Cow;
use std::ops::{Range, RangeInclusive};

use unicode_normalization::{
    IsNormalized, UnicodeNormalization, is_nfc_quick, is_nfd_quick, is_nfkc_quick, is_nfkd_quick,
};

use scan::{ENTITY, ESCAPE, MOJIBAKE, Marks, NORMALIZED, REMOVED, REPLACED, Scanner};

/// The longest piece of a line that is mended as one, in characters.
const PIECE_MAX: usize = 1_000_000;

/// A form of Unicode normalization.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Composed.
    Nfc,
    /// Decomposed.
    Nfd,
    /// Composed, with compatibility characters replaced.
    Nfkc,
    /// Decomposed, with compatibility characters replaced.
    Nfkd,
}

impl Form {
    fn check(self, chars: impl Iterator<Item = char>) -> IsNormalized {
        match self {
            Self::Nfc => is_nfc_quick(chars),
            Self::Nfd => is_nfd_quick(chars),
            Self::Nfkc => is_nfkc_quick(chars),
            Self::Nfkd => is_nfkd_quick(chars),
        }
    }

    fn normalize(self, text: &str) -> Option<String> {
        if self.check(text.chars()) == IsNormalized::Yes {
            return None;
        }
        Some(match self {
            Self::Nfc => text.nfc().collect(),
            Self::Nfd => text.nfd().collect(),
            Self::Nfkc => text.nfkc().collect(),
            Self::Nfkd => text.nfkd().collect(),
        })
    }
}

/// Mends texts.
pub(crate) struct Fixer {
    form: Form,
    scanner: Scanner,
}

impl Fixer {
    /// Mends texts and normalizes them to `form`.
    pub(crate) fn new(form: Form) -> Self {
        Self {
            form,
            scanner: Scanner::new(form),
        }
    }

    /// The mended text.
    pub(crate) fn fix<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let Some((mut marked, _)) = self.scanner.next(text, 0, !0) else {
            return Cow::Borrowed(text);
        };
        // A `<` says that the text is HTML, whose entities are left alone from
        // the piece on that holds the first one.
        let html = text.find('<').unwrap_or(usize::MAX);
        let mut out = String::new();
        let mut copied = 0;
        loop {
            let line = line_around(text, marked);
            for piece in pieces(text, line.clone()) {
                let wanted = if piece.end <= html { !0 } else { !ENTITY };
                if let Some(fixed) = self.fix_piece(&text[piece.clone()], wanted) {
                    out.push_str(&text[copied..piece.start]);
                    out.push_str(&fixed);
                    copied = piece.end;
                }
            }
            let wanted = if line.end < html { !0 } else { !ENTITY };
            match self.scanner.next(text, line.end, wanted) {
                Some((next, _)) => marked = next,
                None => break,
            }
        }
        if copied == 0 {
            return Cow::Borrowed(text);
        }
        out.push_str(&text[copied..]);
        Cow::Owned(out)
    }

    /// The mended piece; `None` if it is as it should be.
    fn fix_piece(&self, piece: &str, wanted: Marks) -> Option<String> {
        let mut fixed: Option<String> = None;
        for _ in Rounds {
            let now = fixed.as_deref().unwrap_or(piece);
            match self.round(now, wanted) {
                Some(next) if next != now => fixed = Some(next),
                _ => break,
            }
        }
        fixed.filter(|fixed| fixed != piece)
    }

    /// Each fix once, in ftfy's order; `None` if none applies.
    fn round(&self, text: &str, wanted: Marks) -> Option<String> {
        let mut marks = self.scanner.all(text) & wanted;
        let mut text = Cow::Borrowed(text);
        if marks & ENTITY != 0
            && let Some(unescaped) = entities::unescape(&text)
        {
            marks = self.scanner.all(&unescaped);
            text = Cow::Owned(unescaped);
        }
        if marks & MOJIBAKE != 0
            && let Some(decoded) = encoding::fix(&text)
        {
            marks = self.scanner.all(&decoded);
            text = Cow::Owned(decoded);
        }
        if marks & REPLACED != 0 {
            let next = |from| Some(self.scanner.next(&text, from, REPLACED)?.0);
            text = Cow::Owned(simplify::replace(&text, next));
            // Some replacements join with what is before them (marks of half width).
            marks |= self.scanner.all(&text) & NORMALIZED;
        }
        if marks & ESCAPE != 0 {
            text = Cow::Owned(simplify::remove_terminal_escapes(&text));
        }
        if marks & REMOVED != 0 {
            text = Cow::Owned(text.replace(simplify::is_removed, ""));
        }
        if marks & NORMALIZED != 0
            && let Some(normalized) = self.form.normalize(&text)
        {
            text = Cow::Owned(normalized);
        }
        match text {
            Cow::Borrowed(_) => None,
            Cow::Owned(text) => Some(text),
        }
    }
}

/// As many rounds as a text gets until it must be stable. Each round takes off
/// a layer of damage, and few texts have more than three; the bound keeps a
/// text that was made to go on for ever from doing so.
struct Rounds;

impl IntoIterator for Rounds {
    type Item = u32;
    type IntoIter = Range<u32>;

    fn into_iter(self) -> Range<u32> {
        0..1_000
    }
}

/// The line that holds the byte at `at`, its line end included.
fn line_around(text: &str, at: usize) -> Range<usize> {
    let start = text[..at].rfind('\n').map_or(0, |before| before + 1);
    let end = text[at..].find('\n').map_or(text.len(), |end| at + end + 1);
    start..end
}

/// The line in pieces of at most [`PIECE_MAX`] characters.
fn pieces(text: &str, line: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let mut start = line.start;
    std::iter::from_fn(move || {
        if start >= line.end {
            return None;
        }
        let rest = &text[start..line.end];
        let len = if rest.len() <= PIECE_MAX {
            rest.len()
        } else {
            let mut chars = rest.char_indices();
            chars.nth(PIECE_MAX).map_or(rest.len(), |(at, _)| at)
        };
        start += len;
        Some(start - len..start)
    })
}

fn is_c1(c: char) -> bool {
    matches!(c, '\u{80}'..='\u{9f}')
}

/// The ranges of a character class without brackets, such as `a-zé`.
fn ranges(class: &str) -> impl Iterator<Item = RangeInclusive<char>> {
    let mut chars = class.chars().peekable();
    std::iter::from_fn(move || {
        let first = chars.next()?;
        let last = match chars.next_if_eq(&'-') {
            Some(_) => chars.next()?,
            None => first,
        };
        Some(first..=last)
    })
}

#[cfg(test)]
mod tests;
