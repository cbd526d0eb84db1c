//! Patterns.

use regex::Regex;

/// A pattern of the library itself.
///
/// # Panics
///
/// If the pattern is malformed.
pub(crate) fn fixed(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a pattern of the library is well-formed")
}
