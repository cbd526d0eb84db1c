//! [`Starts`]: where in a text a match can begin.
//!
//! An automaton takes a step for each byte. Where all matches begin with rare
//! characters, such as digits, vector code finds these sooner, and what is no
//! match for its first few characters is passed over.

use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, Hir, HirKind};
use regex_syntax::utf8::Utf8Sequences;

use crate::scan::{FirstBytes, Hits, Places};

use super::Span;

/// So many characters at the beginning of a match are looked at.
const LOOKED_AT_MAX: usize = 16;

/// A class of more characters is not rare.
const RARE_MAX: usize = 10_000;

/// What the matches of a pattern begin with.
pub(crate) struct Starts {
    first: FirstBytes,
    classes: Vec<Chars>,
    /// Whether these are all of a match, whatever stands around it.
    pub(super) is_all: bool,
}

impl Starts {
    /// None if matches may begin with common characters, or if the `regex` crate
    /// finds what they begin with as fast.
    pub(crate) fn of(hir: &Hir) -> Option<Self> {
        let beginning = Beginning::of(hir);
        let first = beginning.classes.first()?;
        let is_rare = !first.iter().any(|range| {
            let has = |c| range.start() <= c && c <= range.end();
            has(' ') || ('a'..='z').any(has)
        });
        // Of up to three bytes, `memchr` finds the next.
        let n: usize = first.iter().map(ClassUnicodeRange::len).sum();
        if !is_rare || !(4..=RARE_MAX).contains(&n) {
            return None;
        }
        Some(Self {
            first: FirstBytes::of_places(places(&beginning.classes)),
            classes: beginning.classes.iter().map(Chars::of).collect(),
            is_all: beginning.is_all,
        })
    }

    /// The places in a text, one after the other.
    pub(crate) fn in_text<'s>(&'s self, text: &'s str) -> StartsIn<'s> {
        StartsIn {
            starts: self,
            text,
            hits: Hits::new(&self.first, text.as_bytes()),
        }
    }

    /// Where the beginning of a match ends that begins at `at`.
    #[inline]
    fn end_of(&self, text: &str, at: usize) -> Option<usize> {
        self.classes
            .iter()
            .try_fold(at, |at, class| class.pass(text, at))
    }
}

pub(crate) struct StartsIn<'s> {
    starts: &'s Starts,
    text: &'s str,
    hits: Hits<'s, 's>,
}

impl StartsIn<'_> {
    /// The next place at or after `from`, which never goes back, and where the
    /// characters end that were looked at.
    pub(crate) fn next_from(&mut self, mut from: usize) -> Option<Span> {
        loop {
            let at = self.hits.next_from(from)?;
            if let Some(end) = self.starts.end_of(self.text, at) {
                return Some((at, end));
            }
            from = at + 1;
        }
    }
}

/// A class of characters.
struct Chars {
    /// A bit for each code point below 2^16, up to the last one.
    words: Vec<u64>,
    above: Vec<(char, char)>,
}

impl Chars {
    fn of(class: &ClassUnicode) -> Self {
        let (mut words, mut above) = (Vec::new(), Vec::new());
        for range in class.iter() {
            let (start, end) = (range.start(), range.end());
            for code in u32::from(start)..=u32::from(end).min(0xffff) {
                let word = code as usize / 64;
                words.resize(words.len().max(word + 1), 0);
                words[word] |= 1 << (code % 64);
            }
            if end > '\u{ffff}' {
                above.push((start, end));
            }
        }
        Self { words, above }
    }

    /// Where the character at `at` ends, if it is one of these.
    #[inline]
    fn pass(&self, text: &str, at: usize) -> Option<usize> {
        let c = text[at..].chars().next()?;
        let is_in = match self.words.get(c as usize / 64) {
            Some(word) => word >> (c as u32 % 64) & 1 == 1,
            None => self
                .above
                .iter()
                .any(|(start, end)| *start <= c && c <= *end),
        };
        is_in.then_some(at + c.len_utf8())
    }
}

/// Where in the first bytes of a match each byte may be.
fn places(classes: &[ClassUnicode]) -> Places {
    let mut places = [0; 256];
    // A bit for each place at which the next character may begin.
    let mut begins: u8 = 1;
    for class in classes {
        let mut ends = 0;
        for range in class.iter() {
            for bytes in Utf8Sequences::new(range.start(), range.end()) {
                for (i, bytes) in bytes.into_iter().enumerate() {
                    for byte in bytes.start..=bytes.end {
                        places[usize::from(byte)] |= begins << i;
                    }
                }
                ends |= begins << bytes.len();
            }
        }
        begins = ends;
    }
    // Behind what is known may be anything.
    let anything = u8::MAX.unbounded_shl(begins.trailing_zeros());
    places.map(|places| places | anything)
}

/// The classes of the first characters that every match has.
#[derive(Clone)]
struct Beginning {
    classes: Vec<ClassUnicode>,
    /// Whether a match ends with them, so that what follows it comes next.
    is_whole: bool,
    /// Whether it is a match wherever they stand.
    is_all: bool,
}

impl Beginning {
    /// Of what may begin with anything.
    const UNKNOWN: Self = Self {
        classes: Vec::new(),
        is_whole: false,
        is_all: false,
    };

    const EMPTY: Self = Self {
        classes: Vec::new(),
        is_whole: true,
        is_all: true,
    };

    fn class(class: ClassUnicode) -> Self {
        Self {
            classes: vec![class],
            ..Self::EMPTY
        }
    }

    fn of(hir: &Hir) -> Self {
        match hir.kind() {
            HirKind::Empty => Self::EMPTY,
            HirKind::Look(_) => Self {
                is_all: false,
                ..Self::EMPTY
            },
            HirKind::Literal(literal) => match str::from_utf8(&literal.0) {
                Ok(text) => Self::concat(
                    text.chars()
                        .map(|c| Self::class(ClassUnicode::new([ClassUnicodeRange::new(c, c)]))),
                ),
                Err(_) => Self::UNKNOWN,
            },
            HirKind::Class(Class::Unicode(class)) => Self::class(class.clone()),
            HirKind::Class(Class::Bytes(class)) => {
                class.to_unicode_class().map_or(Self::UNKNOWN, Self::class)
            }
            HirKind::Capture(capture) => Self::of(&capture.sub),
            HirKind::Concat(parts) => Self::concat(parts.iter().map(Self::of)),
            HirKind::Alternation(branches) => Self::either(branches),
            HirKind::Repetition(repetition) => {
                let n = (repetition.min as usize).min(LOOKED_AT_MAX + 1);
                let one = Self::of(&repetition.sub);
                let mut all = Self::concat((0..n).map(|_| one.clone()));
                if repetition.max != Some(repetition.min) {
                    (all.is_whole, all.is_all) = (false, false);
                }
                all
            }
        }
    }

    fn concat(parts: impl Iterator<Item = Self>) -> Self {
        let mut all = Self::EMPTY;
        for part in parts {
            all.classes.extend(part.classes);
            all.is_whole &= part.is_whole;
            all.is_all &= part.is_all;
            if all.classes.len() > LOOKED_AT_MAX {
                all.classes.truncate(LOOKED_AT_MAX);
                (all.is_whole, all.is_all) = (false, false);
            }
            if !all.is_whole {
                all.is_all = false;
                break;
            }
        }
        all
    }

    /// What any of the branches begins with.
    fn either(branches: &[Hir]) -> Self {
        let mut branches = branches.iter().map(Self::of);
        let mut all = branches.next().unwrap_or(Self::UNKNOWN);
        // A match of one branch's first and the other's second is none.
        all.is_all = false;
        for branch in branches {
            all.is_whole &= branch.is_whole && branch.classes.len() == all.classes.len();
            all.classes.truncate(branch.classes.len());
            for (class, other) in all.classes.iter_mut().zip(&branch.classes) {
                class.union(other);
            }
        }
        all
    }
}
