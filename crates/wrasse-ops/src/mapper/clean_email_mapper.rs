//! `clean_email_mapper` removes e-mail addresses.

use std::borrow::Cow;
use std::ops::Range;

use memchr::memchr;
use wrasse_op::{Common, Configured, Example, OpError, OpSpec, ParamError, Text, TextMapper};

use crate::clean::Clean;
use crate::scan::find_byte;

pub(crate) const SPEC: OpSpec = OpSpec::text_mapper::<CleanEmailMapper>(
    "clean_email_mapper",
    "Removes e-mail addresses, or replaces them.",
)
.details("Patterns and replacements are those of `replace_content_mapper`. As in the original, the default pattern takes capital letters before the `@` only: `ADMIN@EXAMPLE.COM` stays.")
.origin("Data-Juicer 1.6")
.examples(&[
    Example {
        about: "removes addresses",
        params: "{}",
        input: &[r#"{"text": "Ask john.doe+tag@example.com or ADMIN@EXAMPLE.COM."}"#],
        output: &[r#"{"text": "Ask  or ADMIN@EXAMPLE.COM."}"#],
    },
    Example {
        about: "replaces addresses",
        params: r#"{"repl": "<EMAIL>"}"#,
        input: &[r#"{"text": "a@b.example,c@d.example"}"#],
        output: &[r#"{"text": "<EMAIL>,<EMAIL>"}"#],
    },
]);

/// Parameters of `clean_email_mapper`.
#[derive(Default, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Params {
    /// The pattern of what to remove, in Python's syntax; if null
    /// `[A-Za-z0-9.\-+_]+@[a-z0-9.\-+_]+\.[a-z]+`.
    pattern: Option<String>,
    /// What to put in its place.
    repl: String,
}

const PATTERN: &str = r"[A-Za-z0-9.\-+_]+@[a-z0-9.\-+_]+\.[a-z]+";

pub(crate) struct CleanEmailMapper(Clean);

impl Configured for CleanEmailMapper {
    type Params = Params;

    fn new(params: Params, _: &Common) -> Result<Self, ParamError> {
        Clean::new(params.pattern.as_deref(), &params.repl, PATTERN, find, 1).map(Self)
    }
}

impl TextMapper for CleanEmailMapper {
    fn map<'t>(&self, text: &'t Text) -> Result<Cow<'t, str>, OpError> {
        self.0.map(text)
    }
}

/// What [`PATTERN`] finds first at or after `at`.
///
/// Neither side of the `@` can hold another one, so that the runs of
/// characters around each are looked at once.
fn find(text: &str, at: usize) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let mut from = at;
    let search = |bytes: &[u8]| memchr(b'@', bytes);
    while let Some(sign) = find_byte(bytes, from, |byte| byte == b'@', search) {
        from = sign + 1;
        let before = &bytes[at..sign];
        let n_user = before.iter().rev().take_while(|byte| is_user(**byte)).count();
        if n_user > 0
            && let Some(n_domain) = domain(&bytes[from..])
        {
            return Some(sign - n_user..from + n_domain);
        }
    }
    None
}

/// The length of the domain at the start of `bytes`: up to the letters after
/// the last point that has letters after it.
fn domain(bytes: &[u8]) -> Option<usize> {
    let is_domain = |byte: u8| is_user(byte) && !byte.is_ascii_uppercase();
    let run = bytes.iter().take_while(|byte| is_domain(**byte)).count();
    let is_end = |pair: &[u8]| pair[0] == b'.' && pair[1].is_ascii_lowercase();
    let mut pairs = bytes[..run].windows(2).enumerate().skip(1);
    let (point, _) = pairs.rfind(|(_, pair)| is_end(pair))?;
    let letters = bytes[point + 1..run].iter().take_while(|byte| byte.is_ascii_lowercase());
    Some(point + 1 + letters.count())
}

fn is_user(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'+' | b'_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{agree, compiled, texts};

    #[test]
    fn agrees_with_its_pattern() {
        let pattern = compiled(PATTERN);
        let alphabet = ["a", "b", "Z", "0", ".", ".", "@", "@", "-", "+", "_", " ", "é", "\n", "@b.c"];
        for text in texts(&alphabet, 30_000) {
            agree(&pattern, find, &text);
        }
    }

    #[test]
    fn time_is_linear() {
        let pattern = compiled(PATTERN);
        let n = 200_000;
        for text in ["a@".repeat(n), "a".repeat(n), "@".repeat(n), "a@a.".repeat(n), "a@".to_owned() + &".a".repeat(n)] {
            agree(&pattern, find, &text);
        }
    }
}
