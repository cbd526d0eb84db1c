//! Character references, by the rules of Python's `html` and of Beautiful Soup.

use std::borrow::Cow;

use html5ever::data::NAMED_ENTITIES;

/// What the characters from U+0080 to U+009F mean where the author had
/// Windows-1252 in mind.
const WINDOWS_1252: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}',
    '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// The characters of a name, which may end with a semicolon.
fn named(name: &str) -> Option<String> {
    // Beginnings of names are in the table, too, without a value.
    let (first, second) = NAMED_ENTITIES.get(name).filter(|value| value.0 != 0)?;
    let chars = [*first, *second].map(|c| char::from_u32(c).filter(|c| *c != '\0'));
    Some(chars.into_iter().flatten().collect())
}

/// The characters of a name without a semicolon, in a text.
pub(super) fn in_text(name: &str) -> Option<String> {
    named(name).or_else(|| named(&format!("{name};")))
}

/// The number of a reference: digits, or hexadecimal ones after an `x`. One
/// that is too large for any character is some such number.
fn number(digits: &str) -> u32 {
    let (digits, radix) = match digits.strip_prefix(['x', 'X']) {
        Some(digits) => (digits, 16),
        None => (digits, 10),
    };
    u32::from_str_radix(digits, radix).unwrap_or(u32::MAX)
}

/// The character of a number, in a text.
pub(crate) fn numbered(digits: &str) -> char {
    match number(digits) {
        0 => char::REPLACEMENT_CHARACTER,
        code @ 0x80..=0x9f => WINDOWS_1252[code as usize - 0x80],
        code => char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER),
    }
}

/// The value of an attribute with its references decoded.
pub(super) fn unescape(text: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let mut copied = 0;
    let mut at = 0;
    while let Some(length) = memchr::memchr(b'&', &text.as_bytes()[at..]) {
        let start = at + length;
        let (end, value) = match text.as_bytes().get(start + 1) {
            Some(b'#') => number_at(text, start + 2),
            _ => name_at(text, start + 1),
        };
        at = end;
        if let Some(value) = value {
            out.push_str(&text[copied..start]);
            out.push_str(&value);
            copied = end;
        }
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(&text[copied..]);
    Cow::Owned(out)
}

/// Where a number ends, its semicolon included, and its value if it is one.
fn number_at(text: &str, start: usize) -> (usize, Option<String>) {
    let bytes = text.as_bytes();
    let is_hex = matches!(bytes.get(start), Some(b'x' | b'X'));
    let from = start + usize::from(is_hex);
    let is_digit = |byte: &&u8| match is_hex {
        true => byte.is_ascii_hexdigit(),
        false => byte.is_ascii_digit(),
    };
    let length = bytes[from..].iter().take_while(is_digit).count();
    if length == 0 {
        return (start, None);
    }
    let end = from + length;
    let value = match number(&text[start..end]) {
        0x0d => "\r".to_owned(),
        0x01..=0x08 | 0x0b | 0x0e..=0x1f | 0x7f | 0xfdd0..=0xfdef => String::new(),
        code if code <= 0x10_ffff && code & 0xfffe == 0xfffe => String::new(),
        _ => numbered(&text[start..end]).to_string(),
    };
    (
        end + usize::from(bytes.get(end) == Some(&b';')),
        Some(value),
    )
}

/// Where what may be a name ends, and its value if a name is at its start.
fn name_at(text: &str, start: usize) -> (usize, Option<String>) {
    const NAME_MAX: usize = 32;
    let rest = &text[start..];
    let is_end = |c: char| matches!(c, '\t' | '\n' | '\u{c}' | ' ' | '<' | '&' | '#' | ';');
    let name = rest
        .char_indices()
        .take(NAME_MAX)
        .take_while(|(_, c)| !is_end(*c));
    let length = name.last().map_or(0, |(at, c)| at + c.len_utf8());
    if length == 0 {
        return (start, None);
    }
    let length = length + usize::from(rest[length..].starts_with(';'));
    let name = &rest[..length];
    let value = named(name).or_else(|| {
        let ends = name.char_indices().map(|(at, _)| at).rev();
        ends.take_while(|end| *end >= 2)
            .find_map(|end| Some(named(&name[..end])? + &name[end..]))
    });
    (start + length, value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_decoded_as_python_does() {
        for (text, want) in [
            ("a&amp;b&lt", "a&b<"),
            ("&notit; &notin; &nosuch; &", "¬it; ∉ &nosuch; &"),
            ("&#65;&#x42&#67x&#0;&#128;&#1;&#xffff;", "ABCx\u{fffd}€"),
            ("&#;&#x;&#xg&& ;", "&#;&#x;&#xg&& ;"),
            ("é&eacute", "éé"),
        ] {
            assert_eq!(unescape(text), want, "{text:?}");
        }
    }
}
