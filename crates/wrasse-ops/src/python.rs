//! Python's view of JSON values: what is true, and how `str` shows them.

use std::borrow::Cow;
use std::fmt::Write;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Number, Value};

use crate::chars::digit_value;
use crate::pattern::fixed;
use crate::unicode;

/// `bool(value)`.
pub(crate) fn is_true(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
    }
}

/// The first value that is true, as `a or b` gives it.
pub(crate) fn first_true<'v>(values: &[Option<&'v Value>]) -> Option<&'v Value> {
    values
        .iter()
        .flatten()
        .copied()
        .find(|value| is_true(value))
}

/// `str(value)`.
pub(crate) fn str_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => {
            let mut out = String::new();
            repr(other, &mut out);
            out
        }
    }
}

/// Appends `repr(value)`.
fn repr(value: &Value, out: &mut String) {
    let joined = |out: &mut String, i: usize| {
        if i > 0 {
            out.push_str(", ");
        }
    };
    match value {
        Value::Null => out.push_str("None"),
        Value::Bool(true) => out.push_str("True"),
        Value::Bool(false) => out.push_str("False"),
        Value::Number(number) => repr_number(number, out),
        Value::String(text) => repr_str(text, out),
        Value::Array(list) => {
            out.push('[');
            for (i, value) in list.iter().enumerate() {
                joined(out, i);
                repr(value, out);
            }
            out.push(']');
        }
        Value::Object(fields) => {
            out.push('{');
            for (i, (name, value)) in fields.iter().enumerate() {
                joined(out, i);
                repr_str(name, out);
                out.push_str(": ");
                repr(value, out);
            }
            out.push('}');
        }
    }
}

fn repr_number(number: &Number, out: &mut String) {
    let Some(value) = number.as_f64().filter(|_| number.is_f64()) else {
        out.push_str(&number.to_string());
        return;
    };
    let shortest = format!("{value:e}");
    let (digits, exponent) = shortest.split_once('e').unwrap_or((&shortest, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..16).contains(&exponent) {
        let plain = value.to_string();
        out.push_str(&plain);
        if !plain.contains('.') {
            out.push_str(".0");
        }
    } else {
        let sign = if exponent < 0 { '-' } else { '+' };
        out.push_str(digits);
        // Writing to a string does not fail.
        let _ = write!(out, "e{sign}{:02}", exponent.abs());
    }
}

fn repr_str(text: &str, out: &mut String) {
    static UNPRINTABLE: LazyLock<Regex> = LazyLock::new(|| fixed(r"^[\p{C}\p{Z}]"));
    let quote = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    out.push(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => {
                out.push('\\');
                out.push(c);
            }
            ' '..='~' => out.push(c),
            c if UNPRINTABLE.is_match(c.encode_utf8(&mut [0; 4])) => {
                let _ = match u32::from(c) {
                    code @ ..=0xff => write!(out, "\\x{code:02x}"),
                    code @ ..=0xffff => write!(out, "\\u{code:04x}"),
                    code => write!(out, "\\U{code:08x}"),
                };
            }
            c => out.push(c),
        }
    }
    out.push(quote);
}

/// Reads a number as Python's `float` does: white space around it, underscores
/// between digits, decimal digits of any script, `nan`, `inf` and `infinity` in
/// any case.
pub(crate) fn float(text: &str) -> Option<f64> {
    let mut text = Cow::Borrowed(unicode::strip(text));
    if !text.is_ascii() {
        let ascii = |c| digit_value(c).and_then(|value| char::from_digit(value, 10));
        text = text.chars().map(|c| ascii(c).unwrap_or(c)).collect();
    }
    let bytes = text.as_bytes();
    let is_digit = |i: usize| bytes.get(i).is_some_and(u8::is_ascii_digit);
    let between =
        |(i, byte): (usize, &u8)| *byte != b'_' || i > 0 && is_digit(i - 1) && is_digit(i + 1);
    if !bytes.iter().enumerate().all(between) {
        return None;
    }
    text.replace('_', "").parse().ok()
}

/// Whether two values are equal in Python: 1, 1.0 and true are.
pub(crate) fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            let same = |(key, a): (&String, &Value)| b.get(key).is_some_and(|b| equal(a, b));
            a.len() == b.len() && a.iter().all(same)
        }
        _ => match (number(a), number(b)) {
            (Some(a), Some(b)) => a == b,
            _ => a == b,
        },
    }
}

/// A number, or a truth value as one.
pub(crate) fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Bool(bool) => Some(f64::from(u8::from(*bool))),
        Value::Number(number) => number.as_f64(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_shown_as_python_shows_them() {
        for (value, want) in [
            (json!("a'b"), "a'b"),
            (json!(true), "True"),
            (json!(-7), "-7"),
            (json!(1.0), "1.0"),
            (json!(1e16), "1e+16"),
            (json!(123456789012345.0), "123456789012345.0"),
            (json!(1.5e-5), "1.5e-05"),
            (json!(0.0001), "0.0001"),
            (json!(-1.25e100), "-1.25e+100"),
            (
                json!(["a'b", "\"'", "é\u{a0}\n", null]),
                r#"["a'b", '"\'', 'é\xa0\n', None]"#,
            ),
            (
                json!({"a": [1, false], "\u{200b}": {}}),
                r"{'a': [1, False], '\u200b': {}}",
            ),
        ] {
            assert_eq!(str_of(&value), want);
        }
    }

    #[test]
    fn zeros_and_empty_things_are_false() {
        for value in [
            json!(null),
            json!(0),
            json!(-0.0),
            json!(""),
            json!([]),
            json!({}),
            json!(false),
        ] {
            assert!(!is_true(&value), "{value}");
        }
        for value in [
            json!(0.1),
            json!(" "),
            json!([null]),
            json!({"a": null}),
            json!(true),
        ] {
            assert!(is_true(&value), "{value}");
        }
    }
}
