//! `clean_ip_mapper` removes IP addresses.

use std::borrow::Cow;
use std::ops::Range;

use memchr::memchr2;
use wrasse_op::{Common, Configured, Example, OpError, OpSpec, ParamError, Text, TextMapper};

use crate::chars::is_digit;
use crate::clean::Clean;
use crate::scan::find_byte;

pub(crate) const SPEC: OpSpec = OpSpec::text_mapper::<CleanIpMapper>(
    "clean_ip_mapper",
    "Removes IP addresses of versions 4 and 6, or replaces them.",
)
.details("Patterns and replacements are those of `replace_content_mapper`. As in the original, the default pattern asks for no boundary around an address: of `1.2.3.4.5` and `10.0.0.300` it takes `1.2.3.4` and `10.0.0.30`; and it takes IPv6 addresses in their full form of eight groups only.")
.origin("Data-Juicer 1.6")
.examples(&[
    Example {
        about: "removes addresses",
        params: "{}",
        input: &[r#"{"text": "from 192.168.0.1 to abcd:ef01:2345:6789:abcd:ef01:2345:6789"}"#],
        output: &[r#"{"text": "from  to "}"#],
    },
    Example {
        about: "takes part of what only looks like an address",
        params: r#"{"repl": "<IP>"}"#,
        input: &[r#"{"text": "256.1.1.1 10.0.0.300 fe80::1"}"#],
        output: &[r#"{"text": "2<IP> <IP>0 fe80::1"}"#],
    },
]);

/// Parameters of `clean_ip_mapper`.
#[derive(Default, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Params {
    /// The pattern of what to remove, in Python's syntax; if null one for four
    /// numbers from 0 to 255 joined by points, or eight groups of one to four
    /// hexadecimal digits joined by colons.
    pattern: Option<String>,
    /// What to put in its place.
    repl: String,
}

const PATTERN: &str = r"(?:(?:1[0-9][0-9]\.)|(?:2[0-4][0-9]\.)|(?:25[0-5]\.)|(?:[1-9][0-9]\.)|(?:[0-9]\.)){3}(?:(?:1[0-9][0-9])|(?:2[0-4][0-9])|(?:25[0-5])|(?:[1-9][0-9])|(?:[0-9]))|([\da-fA-F]{1,4}:){7}[\da-fA-F]{1,4}";

pub(crate) struct CleanIpMapper(Clean);

impl Configured for CleanIpMapper {
    type Params = Params;

    fn new(params: Params, _: &Common) -> Result<Self, ParamError> {
        Clean::new(params.pattern.as_deref(), &params.repl, PATTERN, find, 1).map(Self)
    }
}

impl TextMapper for CleanIpMapper {
    fn map<'t>(&self, text: &'t Text) -> Result<Cow<'t, str>, OpError> {
        self.0.map(text)
    }
}

/// What [`PATTERN`] finds first at or after `at`.
///
/// An address starts with digits before its first point or colon, which both
/// end them: the order of those marks is the order of the addresses.
fn find(text: &str, at: usize) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let mut from = at;
    let is_mark = |byte| matches!(byte, b'.' | b':');
    let search = |bytes: &[u8]| memchr2(b'.', b':', bytes);
    while let Some(mark) = find_byte(bytes, from, is_mark, search) {
        from = mark + 1;
        // A digit, or a byte of one of another script.
        let is_near = |byte: Option<&u8>| byte.is_some_and(|b| b.is_ascii_hexdigit() || *b >= 0x80);
        if mark == at || !is_near(bytes.get(mark - 1)) || !is_near(bytes.get(mark + 1)) {
            continue;
        }
        let found = match bytes[mark] {
            b'.' => version_4(bytes, at, mark),
            _ => version_6(text, at, mark),
        };
        if found.is_some() {
            return found;
        }
    }
    None
}

/// The address of version 4 whose first point is at `point`.
fn version_4(bytes: &[u8], at: usize, point: usize) -> Option<Range<usize>> {
    let mut end = point + 1;
    for _ in 0..2 {
        // What stands before a point is one number as a whole.
        let length = bytes[end..].iter().take(4).position(|byte| *byte == b'.')?;
        if !is_octet(&bytes[end..end + length]) {
            return None;
        }
        end += length + 1;
    }
    end += longest_octet(&bytes[end..])?;
    let start = (point.saturating_sub(3).max(at)..point).find(|start| is_octet(&bytes[*start..point]))?;
    Some(start..end)
}

/// Whether the whole of `digits` is a number from 0 to 255 as written without
/// needless zeros.
fn is_octet(digits: &[u8]) -> bool {
    digits.len() <= 3 && longest_octet(digits) == Some(digits.len())
}

/// The length of the number from 0 to 255 at the start of `bytes`.
fn longest_octet(bytes: &[u8]) -> Option<usize> {
    let is_digit = |i: usize| bytes.get(i).is_some_and(u8::is_ascii_digit);
    if !is_digit(0) {
        return None;
    }
    if bytes[0] == b'0' || !is_digit(1) {
        return Some(1);
    }
    let is_three = is_digit(2)
        && match (bytes[0], bytes[1]) {
            (b'1', _) | (b'2', b'0'..=b'4') => true,
            (b'2', b'5') => bytes[2] <= b'5',
            _ => false,
        };
    Some(if is_three { 3 } else { 2 })
}

/// The address of version 6 whose first colon is at `colon`.
fn version_6(text: &str, at: usize, colon: usize) -> Option<Range<usize>> {
    let group = |from: usize| {
        let digits = text[from..].chars().take_while(|c| is_hex(*c)).take(4);
        let length: usize = digits.map(char::len_utf8).sum();
        (length > 0).then_some(from + length)
    };
    let mut end = group(colon + 1)?;
    for _ in 0..6 {
        if text.as_bytes().get(end) != Some(&b':') {
            return None;
        }
        end = group(end + 1)?;
    }
    let digits = text[at..colon].chars().rev().take_while(|c| is_hex(*c)).take(4);
    let length: usize = digits.map(char::len_utf8).sum();
    (length > 0).then(|| colon - length..end)
}

/// `[\da-fA-F]`.
fn is_hex(c: char) -> bool {
    c.is_ascii_hexdigit() || is_digit(c)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{agree, compiled, texts};

    #[test]
    fn agrees_with_its_pattern() {
        let pattern = compiled(PATTERN);
        let four = ["0", "1", "2", "25", "5", "9", ".", ".", ".", "255.", "10.0.", "a", " ", "é", "٣"];
        let six = ["0", "1", "a", "F", ":", ":", ":", ":", "ab:c1:", "1:2:3:4:", "g", ".", "٣", "é"];
        for text in texts(&four, 30_000).chain(texts(&six, 30_000)) {
            agree(&pattern, find, &text);
        }
    }

    #[test]
    fn time_is_linear() {
        let pattern = compiled(PATTERN);
        let n = 200_000;
        for text in ["1.".repeat(n), "1".repeat(n), "a:".repeat(n), "1:".repeat(n), "1.1.1.a".repeat(n)] {
            agree(&pattern, find, &text);
        }
    }
}
