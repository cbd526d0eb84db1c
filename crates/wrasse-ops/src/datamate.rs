//! What DataMate's text operators share.

use std::borrow::Cow;

use regex::Regex;

/// Spaces of all kinds, and characters without width that pass for one, which
/// cleaners replace by a plain space.
pub(crate) fn is_unicode_space(c: char) -> bool {
    matches!(
        c,
        ' ' | '\u{A0}'
            | '\u{1680}'
            | '\u{2000}'..='\u{200D}'
            | '\u{2028}'..='\u{2029}'
            | '\u{202F}'
            | '\u{205F}'
            | '\u{3000}'
            | '\u{180E}'
            | '\u{2060}'
            | '\u{FEFF}'
    )
}

/// The text without the characters that `goes` names, or with others in their
/// place.
pub(crate) fn map_chars(
    text: &str,
    changes: impl Fn(char) -> bool,
    to: impl Fn(char) -> Option<char>,
) -> Cow<'_, str> {
    let Some(first) = text.find(&changes) else {
        return Cow::Borrowed(text);
    };
    let mut out = String::with_capacity(text.len());
    out.push_str(&text[..first]);
    for c in text[first..].chars() {
        match changes(c) {
            true => out.extend(to(c)),
            false => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// A pattern between two boundaries that belong to their neighbors too: what
/// Python writes as `(?<=[^x])(...)(?=[^x])`, over a text with a bracket put on
/// either end. Runs in linear time.
pub(crate) struct Bounded {
    regex: Regex,
    is_inner: fn(char) -> bool,
    is_inner_behind: fn(char) -> bool,
}

impl Bounded {
    /// `inner` is the pattern; characters of class `class` may stand neither
    /// before nor behind it, those of `behind` not behind it.
    pub(crate) fn new(
        inner: &str,
        (class, is_inner): (&str, fn(char) -> bool),
        (behind, is_inner_behind): (&str, fn(char) -> bool),
    ) -> Self {
        let regex = format!("(?:^|[^{class}])({inner})(?:$|[^{behind}])");
        Self {
            regex: crate::pattern::fixed(&format!("(?s){regex}")),
            is_inner,
            is_inner_behind,
        }
    }

    /// Where the pattern matches.
    pub(crate) fn spans(&self, text: &str) -> Vec<(usize, usize)> {
        let mut spans = Vec::new();
        let mut at = 0;
        // What stands behind one match may stand before the next.
        while at <= text.len()
            && let Some(found) = self.regex.captures_at(text, at)
            && let Some(inner) = found.get(1)
        {
            spans.push((inner.start(), inner.end()));
            at = inner.end();
        }
        spans
    }

    /// The text with the matches replaced.
    pub(crate) fn replace_all<'t>(&self, text: &'t str, by: &str) -> Cow<'t, str> {
        let spans = self.spans(text);
        if spans.is_empty() {
            return Cow::Borrowed(text);
        }
        let mut out = String::with_capacity(text.len());
        let mut copied = 0;
        for (start, end) in spans {
            out.push_str(&text[copied..start]);
            out.push_str(by);
            copied = end;
        }
        out.push_str(&text[copied..]);
        Cow::Owned(out)
    }

    /// The text with up to `n` of the places replaced where `literal` stands
    /// between two boundaries.
    pub(crate) fn replace_literal(&self, text: &str, literal: &str, by: &str, n: usize) -> String {
        let mut out = String::with_capacity(text.len());
        let (mut copied, mut at, mut n_done) = (0, 0, 0);
        while n_done < n
            && let Some(found) = text[at..].find(literal)
        {
            let (start, end) = (at + found, at + found + literal.len());
            let before = text[..start].chars().next_back();
            let behind = text[end..].chars().next();
            let is_bounded =
                !before.is_some_and(self.is_inner) && !behind.is_some_and(self.is_inner_behind);
            if is_bounded {
                out.push_str(&text[copied..start]);
                out.push_str(by);
                (copied, at) = (end, end);
                n_done += 1;
            } else {
                at = start + literal.chars().next().map_or(1, char::len_utf8);
            }
        }
        out.push_str(&text[copied..]);
        out
    }
}
