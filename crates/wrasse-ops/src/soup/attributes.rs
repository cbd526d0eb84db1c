//! What stands in a start tag, by the patterns of `html.parser`: their
//! choices, and what they come back to where a choice fails.

use std::ops::Range;

use memchr::memchr;

use crate::unicode::is_space;

/// Where the name of a tag ends.
pub(super) fn tag_name_end(text: &str, start: usize) -> usize {
    let is_end = |byte: &u8| b"\t\n\r\x0c />\0".contains(byte);
    let length = text.as_bytes()[start..].iter().position(is_end);
    length.map_or(text.len(), |length| start + length)
}

/// Where white space ends, and slashes that do not end a tag.
pub(super) fn after_gap(text: &str, at: usize) -> usize {
    let mut rest = &text[at..];
    while let Some(c) = rest.chars().next() {
        if is_space(c) || (c == '/' && !rest.starts_with("/>")) {
            rest = &rest[c.len_utf8()..];
        } else {
            break;
        }
    }
    text.len() - rest.len()
}

fn after_space(text: &str, at: usize) -> usize {
    text.len() - text[at..].trim_start_matches(is_space).len()
}

/// Where the start tag at a place ends; none if it may be unfinished.
pub(super) fn start_tag_end(text: &str, start: usize) -> Option<usize> {
    let mut at = tag_name_end(text, start + 1);
    let gap = |c: char| c == '/' || is_space(c);
    at = text.len() - text[at..].trim_start_matches(gap).len();
    while let Some(found) = attribute(text, at) {
        at = found.end;
    }
    at = after_space(text, at);
    match text.as_bytes().get(at)? {
        b'>' => Some(at + 1),
        b'/' => text[at..].starts_with("/>").then_some(at + 2),
        byte if byte.is_ascii_alphabetic() || *byte == b'=' => None,
        _ => Some(at),
    }
}

pub(super) struct Attribute {
    pub(super) name: Range<usize>,
    /// With its quotes.
    pub(super) value: Option<Range<usize>>,
    /// Behind the gap that follows it.
    pub(super) end: usize,
}

/// The attribute at a place.
pub(super) fn attribute(text: &str, at: usize) -> Option<Attribute> {
    let before = text[..at].chars().next_back()?;
    if !(matches!(before, '\'' | '"' | '/') || is_space(before)) {
        return None;
    }
    let first = text[at..].chars().next()?;
    if is_space(first) || matches!(first, '/' | '>') {
        return None;
    }
    let rest_at = at + first.len_utf8();
    let is_end = |c: char| is_space(c) || matches!(c, '/' | '=' | '>');
    let length = text[rest_at..].find(is_end);
    let name_end = length.map_or(text.len(), |length| rest_at + length);
    let value = value(text, name_end);
    let end = value.as_ref().map_or(name_end, |value| value.end);
    Some(Attribute {
        name: at..name_end,
        value,
        end: after_gap(text, end),
    })
}

/// The value behind the name of an attribute.
fn value(text: &str, name_end: usize) -> Option<Range<usize>> {
    let sign = after_space(text, name_end);
    let sign_end = text.len() - text[sign..].trim_start_matches('=').len();
    if sign_end == sign {
        return None;
    }
    let bare = |start: usize| {
        let length = text[start..].find(|c| c == '>' || is_space(c));
        start..length.map_or(text.len(), |length| start + length)
    };
    let start = after_space(text, sign_end);
    let quote = match text.as_bytes().get(start) {
        Some(quote @ (b'\'' | b'"')) => *quote,
        _ => return Some(bare(start)),
    };
    if let Some(length) = memchr(quote, &text.as_bytes()[start + 1..]) {
        return Some(start..start + 1 + length + 1);
    }
    // Without a second quote, it is no value; an empty one stands before it,
    // or the last of several signs is a value's first character.
    if let Some(space) = text[sign_end..start].chars().next_back() {
        let at = start - space.len_utf8();
        return Some(at..at);
    }
    (sign_end - sign >= 2).then(|| bare(sign_end - 1))
}

/// A value without its quotes.
pub(super) fn unquoted(value: &str) -> &str {
    ['\'', '"']
        .iter()
        .find_map(|quote| {
            let is_quoted = value.starts_with(*quote) && value.ends_with(*quote);
            // A quote alone is both of them.
            is_quoted.then(|| value.get(1..value.len() - 1).unwrap_or(""))
        })
        .unwrap_or(value)
}
