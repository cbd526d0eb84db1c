//! [`Backtracking`]: patterns that no linear engine can run.

use std::sync::OnceLock;

use super::{Span, innermost};

/// A pattern on the backtracking engine, with a bound on its steps that grows
/// with the text.
///
/// The engine counts the steps it takes back in one search through the text,
/// of which a tame pattern needs a few for each character. Its limit is set
/// when it is built; so there is one for each size of text, built on demand.
pub(super) struct Backtracking {
    pattern: String,
    by_size: [OnceLock<fancy_regex::Regex>; LIMITS.len()],
}

/// For texts up to so many bytes, so many steps: 16 for each byte, while
/// texts are below 64 MiB. A million steps take about a tenth of a second.
const LIMITS: [(usize, usize); 4] = [
    (1 << 16, 1 << 20),
    (1 << 20, 1 << 24),
    (1 << 24, 1 << 28),
    (usize::MAX, 1 << 30),
];

impl Backtracking {
    /// Compiles a pattern.
    pub(super) fn new(pattern: &str) -> Result<Self, String> {
        let smallest =
            build(pattern, LIMITS[0].1).map_err(|error| innermost(&error.to_string()))?;
        let by_size = [const { OnceLock::new() }; LIMITS.len()];
        by_size[0].get_or_init(|| smallest);
        Ok(Self {
            pattern: pattern.to_owned(),
            by_size,
        })
    }

    /// The engine for small texts.
    pub(super) fn smallest(&self) -> &fancy_regex::Regex {
        self.for_size(0)
    }

    fn for_size(&self, n_bytes: usize) -> &fancy_regex::Regex {
        let size = LIMITS.iter().position(|(most, _)| n_bytes <= *most);
        let size = size.unwrap_or(LIMITS.len() - 1);
        self.by_size[size].get_or_init(|| {
            build(&self.pattern, LIMITS[size].1).expect("the pattern compiled before")
        })
    }

    /// Finds the first match at or after `at`; adds its spans, or those of its
    /// groups too.
    pub(super) fn find(
        &self,
        text: &str,
        at: usize,
        groups: bool,
        spans: &mut Vec<Option<Span>>,
    ) -> Result<bool, fancy_regex::Error> {
        let regex = self.for_size(text.len());
        if groups {
            let captures = regex.captures_from_pos(text, at)?;
            let groups = captures.iter().flat_map(|captures| captures.iter());
            spans.extend(groups.map(|group| group.map(|group| (group.start(), group.end()))));
            Ok(captures.is_some())
        } else {
            let found = regex.find_from_pos(text, at)?;
            spans.extend(found.map(|found| Some((found.start(), found.end()))));
            Ok(found.is_some())
        }
    }
}

fn build(pattern: &str, limit: usize) -> Result<fancy_regex::Regex, fancy_regex::Error> {
    fancy_regex::RegexBuilder::new(pattern)
        .backtrack_limit(limit)
        .build()
}
