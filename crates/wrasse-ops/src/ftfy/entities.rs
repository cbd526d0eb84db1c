//! Decodes HTML entities where their author left no doubt.

use html5ever::data::NAMED_ENTITIES;

use super::codecs::c1_as_windows_1252;

/// The longest name that is looked at, in characters.
const NAME_MAX: usize = 24;

/// Decodes the entities that end with a semicolon, and names of letters in
/// capitals (`&EACUTE;`); `None` if there are none.
///
/// One layer is decoded, but for the ampersand: `&amp;amp;lt;` becomes `&lt;`
/// at once. Layer by layer would take as many rounds as there are layers.
pub(super) fn unescape(text: &str) -> Option<String> {
    let mut out = String::new();
    let mut copied = 0;
    let mut at = 0;
    while let Some(found) = text[at..].find('&') {
        let start = at + found;
        let Some((mut end, value)) = decode(text, start) else {
            at = start + 1;
            continue;
        };
        out.push_str(&text[copied..start]);
        out.push_str(&value);
        if value == "&" {
            while let Some((next, value)) = decode(text, end - 1)
                && value == "&"
            {
                end = next;
            }
        }
        copied = end;
        at = end;
    }
    if copied == 0 {
        return None;
    }
    out.push_str(&text[copied..]);
    Some(out)
}

/// The entity whose `&` is, or could be, the byte at `start`: where it ends,
/// and what it means.
fn decode(text: &str, start: usize) -> Option<(usize, String)> {
    let body = &text.as_bytes()[start + 1..];
    let numeric = body.first() == Some(&b'#');
    let from = usize::from(numeric);
    let len = body[from..]
        .iter()
        .take(NAME_MAX + 1)
        .take_while(|byte| byte.is_ascii_alphanumeric())
        .count();
    if len == 0 || len > NAME_MAX || body.get(from + len) != Some(&b';') {
        return None;
    }
    let name = start + 1 + from;
    let end = name + len + 1;
    let value = if numeric {
        numbered(&text[name..end - 1])?
    } else {
        named(&text[name..end])?
    };
    Some((end, value))
}

/// The character of a number, as browsers take it.
fn numbered(digits: &str) -> Option<String> {
    let (digits, radix) = match digits.as_bytes() {
        [b'x' | b'X', ..] => (&digits[1..], 16),
        _ => (digits, 10),
    };
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    let number = u128::from_str_radix(digits, radix).unwrap_or(u128::MAX);
    let number = u32::try_from(number).unwrap_or(u32::MAX);
    Some(match number {
        // A semicolon reads as if only a part had been decoded.
        0x3b => return None,
        0 => "\u{fffd}".to_owned(),
        0x01..=0x08 | 0x0b | 0x0e..=0x1f | 0x7f | 0xfdd0..=0xfdef => String::new(),
        _ if number <= 0x10_ffff && number & 0xfffe == 0xfffe => String::new(),
        _ => char::from_u32(number)
            .map_or('\u{fffd}', c1_as_windows_1252)
            .to_string(),
    })
}

/// The characters of a name; the semicolon belongs to it.
fn named(name: &str) -> Option<String> {
    let value = |name: &str| {
        // Beginnings of names are in the table, too, without a value.
        let (first, second) = NAMED_ENTITIES.get(name).filter(|value| value.0 != 0)?;
        let chars = [*first, *second].map(|c| char::from_u32(c).filter(|c| *c != '\0'));
        Some(chars.into_iter().flatten().collect::<String>())
    };
    if let Some(value) = value(name) {
        return Some(value);
    }
    // A name in capitals means the capital letter, unless a part of the name
    // means something already.
    let means_nothing = (2..name.len()).all(|len| value(&name[..len]).is_none());
    if name.bytes().any(|byte| byte.is_ascii_lowercase()) || !means_nothing {
        return None;
    }
    value(&name.to_ascii_lowercase()).map(|value| value.to_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, want: &str) {
        assert_eq!(unescape(text).as_deref().unwrap_or(text), want, "{text:?}");
    }

    #[test]
    fn names_are_decoded_with_care() {
        check("&lt;tag&gt;", "<tag>");
        check("&Jscr;ohn &HilbertSpace;ancock", "𝒥ohn ℋancock");
        check("P&EACUTE;REZ &ntilde;&NTILDE;&nTILDE;", "PÉREZ ñÑ&nTILDE;");
        check("BUNDESSTRA&SZLIG;E", "BUNDESSTRASSE");
        check("&acE;", "\u{223e}\u{333}");
        check(
            "this&not that &amp &; &nosuch; &CounterClockwiseContourIntegral;",
            "this&not that &amp &; &nosuch; &CounterClockwiseContourIntegral;",
        );
    }

    #[test]
    fn numbers_are_decoded_as_browsers_do() {
        check("&#65;&#x41;&#X41;", "AAA");
        check(
            "&#0;&#xd800;&#x110000;&#99999999999999999999;",
            "\u{fffd}\u{fffd}\u{fffd}\u{fffd}",
        );
        check("&#150;&#x80;&#129;", "–€\u{81}");
        check("a&#1;b&#xffff;c&#x1fffe;d", "abcd");
        check("&#59;&#x3b;&#x;&#xg;&#1a;", "&#59;&#x3b;&#x;&#xg;&#1a;");
    }

    #[test]
    fn layers_of_ampersands_come_off_at_once() {
        check("&amp;lt;", "&lt;");
        check("&amp;amp;#38;lt;", "&lt;");
        check(&format!("&{}", "amp;".repeat(200_000)), "&");
    }
}
