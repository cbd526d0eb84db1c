//! Patterns with something else on both sides.

use std::borrow::Cow;
use std::ops::Range;

use regex::Regex;

use crate::pattern::{Starts, fixed};

/// A pattern whose matches stand between characters of a class, or at an end
/// of the text.
///
/// A context of one character on each side needs no look-around, so that the
/// search takes linear time. A match must end with a character that the class
/// does not have.
pub(crate) struct Bounded {
    regex: Regex,
    /// Where the pattern can begin, if that is found sooner.
    starts: Option<Starts>,
}

impl Bounded {
    /// `pattern` in the syntax of the `regex` crate, between `before` and
    /// `after`, classes of characters.
    pub(crate) fn new(before: &str, pattern: &str, after: &str) -> Self {
        let hir = regex_syntax::parse(pattern).ok();
        Self {
            regex: fixed(&format!(r"(?:\A|{before})({pattern})(?:\z|{after})")),
            starts: hir.as_ref().and_then(Starts::of),
        }
    }

    /// The first match at or after `at`, without what stands beside it.
    pub(crate) fn find(&self, text: &str, at: usize) -> Option<Range<usize>> {
        let mut from = at;
        if let Some(starts) = &self.starts {
            let (start, _) = starts.in_text(text).next_from(at)?;
            // With what stands before it.
            let before = text[..start].chars().next_back();
            from = (start - before.map_or(0, char::len_utf8)).max(at);
        }
        // Finding that there is none is many times faster than captures.
        self.regex.is_match_at(text, from).then_some(())?;
        let captures = self.regex.captures_at(text, from)?;
        captures.get(1).map(|found| found.range())
    }

    /// All matches, each searched for from the end of the one before.
    pub(crate) fn find_all(&self, text: &str) -> Vec<Range<usize>> {
        let mut all = Vec::new();
        let mut at = 0;
        while let Some(found) = self.find(text, at) {
            at = found.end;
            all.push(found);
        }
        all
    }
}

/// Puts `mark` in the place of the ranges, which are in order and apart.
pub(crate) fn replace_ranges<'t>(
    text: &'t str,
    ranges: impl IntoIterator<Item = Range<usize>>,
    mark: &str,
) -> Cow<'t, str> {
    let mut out = String::new();
    let mut copied = 0;
    for range in ranges {
        out.push_str(&text[copied..range.start]);
        out.push_str(mark);
        copied = range.end;
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(&text[copied..]);
    Cow::Owned(out)
}
