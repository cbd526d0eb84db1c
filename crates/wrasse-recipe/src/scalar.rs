//! What an unquoted scalar means, where it may be more than text.
//!
//! The rules are those of YAML 1.1 as Data-Juicer's reader applies them (it
//! adds exponents without a point, `1e5`); what they make of times and dates
//! is left out. See the crate's documentation.

use serde_json::{Number, Value};

use crate::node::Scalar;

impl Scalar {
    pub(crate) fn is_null(&self) -> bool {
        self.plain && matches!(self.text.as_str(), "" | "~" | "null" | "Null" | "NULL")
    }

    /// The boolean that it is where a boolean is expected.
    pub(crate) fn boolean(&self) -> Option<bool> {
        if !self.plain {
            return None;
        }
        match self.text.as_str() {
            "true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Some(true),
            "false" | "False" | "FALSE" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => Some(false),
            _ => None,
        }
    }

    pub(crate) fn number(&self) -> Option<Number> {
        if !self.plain {
            return None;
        }
        integer(&self.text).or_else(|| float(&self.text))
    }

    /// Whether it is an infinity or no number, which JSON cannot say.
    pub(crate) fn is_not_finite(&self) -> bool {
        let text = self
            .text
            .trim_start_matches(['+', '-'])
            .to_ascii_lowercase();
        self.plain && (text == ".inf" || text == ".nan")
    }

    /// What it is where nothing in particular is expected.
    pub(crate) fn natural(&self) -> Value {
        if self.is_null() {
            return Value::Null;
        }
        match self.text.as_str() {
            "true" | "True" | "TRUE" if self.plain => Value::Bool(true),
            "false" | "False" | "FALSE" if self.plain => Value::Bool(false),
            text => self
                .number()
                .map_or_else(|| Value::String(text.to_owned()), Value::Number),
        }
    }
}

/// `12`, `-1_000`, `0x1F`, `0b101`, `017`.
fn integer(text: &str) -> Option<Number> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = digits.to_ascii_lowercase();
    let (radix, digits) = match lower.as_bytes() {
        [b'0', b'x', ..] => (16, &lower[2..]),
        [b'0', b'b', ..] => (2, &lower[2..]),
        [b'0', _, ..] => (8, &lower[1..]),
        [b'0'..=b'9', ..] => (10, lower.as_str()),
        _ => return None,
    };
    let digits = digits.replace('_', "");
    // `from_str_radix` takes a sign of its own.
    if digits.starts_with(['+', '-']) {
        return None;
    }
    match u64::from_str_radix(&digits, radix) {
        Ok(number) if !negative => Some(number.into()),
        Ok(number) => 0i64.checked_sub_unsigned(number).map(Number::from),
        Err(_) => None,
    }
}

/// `1.5`, `.5`, `1e5`, `1_000.0`, and whole numbers beyond 64 bits.
fn float(text: &str) -> Option<Number> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let starts = unsigned
        .strip_prefix('.')
        .unwrap_or(unsigned)
        .starts_with(|c: char| c.is_ascii_digit());
    let allowed = |byte: u8| matches!(byte, b'0'..=b'9' | b'.' | b'_' | b'e' | b'E' | b'+' | b'-');
    let is_whole = !unsigned.contains(['.', 'e', 'E']);
    // What is left of those are octal numbers that are none, such as `08`.
    if !starts || !unsigned.bytes().all(allowed) || (is_whole && unsigned.starts_with('0')) {
        return None;
    }
    let number: f64 = text.replace('_', "").parse().ok()?;
    Number::from_f64(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn plain(text: &str) -> Scalar {
        Scalar {
            text: text.to_owned(),
            plain: true,
        }
    }

    #[test]
    fn numbers_are_those_of_yaml_1_1() {
        for (text, number) in [
            ("12", json!(12)),
            ("-1_000", json!(-1000)),
            ("0x1F", json!(31)),
            ("0b101", json!(5)),
            ("010", json!(8)),
            ("0", json!(0)),
            ("-9223372036854775808", json!(i64::MIN)),
            ("18446744073709551615", json!(u64::MAX)),
            ("0.3", json!(0.3)),
            (".5", json!(0.5)),
            ("1.", json!(1.0)),
            ("1e5", json!(1e5)),
            ("-2.5E-3", json!(-2.5e-3)),
            ("18446744073709551616", json!(18446744073709551616.0)),
        ] {
            assert_eq!(plain(text).natural(), number, "{text}");
        }
    }

    #[test]
    fn other_words_are_text() {
        for text in [
            "1:30",
            "2024-01-01",
            "1.2.3",
            "0o17",
            "08",
            "--1",
            "+-1",
            "1e400",
            "_1",
            "e5",
            "-",
            ".",
            "0x",
            "0x-1",
            "no",
            "on",
            ".inf",
            "1 2",
            "5GiB",
            "nan",
            "infinity",
        ] {
            assert_eq!(plain(text).natural(), json!(text), "{text}");
        }
    }

    #[test]
    fn quoted_words_are_text() {
        for text in ["5", "true", "", "null"] {
            let scalar = Scalar {
                text: text.to_owned(),
                plain: false,
            };
            assert_eq!(scalar.natural(), json!(text));
            assert_eq!(scalar.boolean(), None);
            assert_eq!(scalar.number(), None);
        }
    }
}
