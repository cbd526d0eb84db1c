//! What Python's string methods do where Rust's do something else.

/// `str.isspace` for one character: white space of Unicode and the four
/// separators of ASCII.
pub(crate) fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{1c}'..='\u{1f}')
}

/// `str.strip` without arguments.
pub(crate) fn strip(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// Whether `str.strip` leaves nothing.
pub(crate) fn is_blank(text: &str) -> bool {
    text.chars().all(is_space)
}
