//! What the operators of DataMate's library share.

pub(crate) mod bm25;
mod bounded;
mod chunks;
mod email;
mod outline;
mod sensitive;

use std::borrow::Cow;

use serde::{Deserialize, Deserializer};

use wrasse_op::{OpError, Sample};

use crate::scan::{FirstBytes, Hits};
pub(crate) use bounded::{Bounded, replace_ranges};
pub(crate) use chunks::Chunks;
pub(crate) use email::is_address;
pub(crate) use outline::outline;
pub(crate) use sensitive::{SensitiveWords, WordParams, masked};

/// Where the semantics of these operators come from.
pub(crate) const ORIGIN: &str = "DataMate (July 2026)";

/// What becomes of one character.
pub(crate) enum Edit {
    Keep,
    Delete,
    Put(char),
}

/// Edits the characters of `text`; all that are not kept begin with one of
/// the bytes `first`.
pub(crate) fn edit_chars<'t>(
    text: &'t str,
    first: &FirstBytes,
    edit: impl Fn(char) -> Edit,
) -> Cow<'t, str> {
    let mut out = String::new();
    let mut copied = 0;
    let mut hits = Hits::new(first, text.as_bytes());
    let mut end = 0;
    while let Some(at) = hits.next_from(end) {
        let Some(c) = text[at..].chars().next() else {
            break;
        };
        end = at + c.len_utf8();
        let put = match edit(c) {
            Edit::Keep => continue,
            Edit::Delete => None,
            Edit::Put(put) => Some(put),
        };
        out.reserve(text.len() - copied);
        out.push_str(&text[copied..at]);
        out.extend(put);
        copied = end;
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(&text[copied..]);
    Cow::Owned(out)
}

/// The first bytes of all characters that are not kept.
pub(crate) fn first_bytes(edit: impl Fn(char) -> Edit) -> FirstBytes {
    FirstBytes::of(('\0'..=char::MAX).filter(|c| !matches!(edit(*c), Edit::Keep)))
}

/// The white space, and characters of no width, that two of the cleaners turn
/// into plain spaces.
pub(crate) fn is_exotic_space(c: char) -> bool {
    matches!(
        c,
        '\u{a0}' | '\u{1680}' | '\u{180e}' | '\u{2000}'
            ..='\u{200d}'
                | '\u{2028}'
                | '\u{2029}'
                | '\u{202f}'
                | '\u{205f}'
                | '\u{2060}'
                | '\u{3000}'
                | '\u{feff}'
    )
}

/// `text` unless it is `old`.
pub(crate) fn unless_same(text: String, old: &str) -> Cow<'_, str> {
    if text == old {
        Cow::Borrowed(old)
    } else {
        Cow::Owned(text)
    }
}

/// A value by itself or in quotes.
#[derive(Deserialize, schemars::JsonSchema)]
#[serde(untagged)]
pub(crate) enum Written<T> {
    Plain(T),
    Text(String),
}

/// Whether the sample says that it comes from a file of this type.
pub(crate) fn file_type_is(sample: &Sample, name: &str) -> Result<bool, OpError> {
    let value = sample.value("fileType")?;
    Ok(value.is_some_and(|value| value.as_str() == Some(name)))
}

/// A number as a slider gives it, or as an input field does: in quotes.
pub(crate) fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    match Written::<f64>::deserialize(deserializer)? {
        Written::Plain(number) => Ok(number),
        Written::Text(text) => text
            .trim()
            .parse()
            .map_err(|_| serde::de::Error::custom(format!("expected a number, found `{text}`"))),
    }
}

/// What a switch gives: true or false, or one of the words for them.
pub(crate) fn switch<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    match Written::<bool>::deserialize(deserializer)? {
        Written::Plain(is_on) => Ok(is_on),
        Written::Text(text) => match text.as_str() {
            "true" | "True" => Ok(true),
            "false" | "False" | "" => Ok(false),
            _ => Err(serde::de::Error::custom(format!(
                "expected true or false, found `{text}`"
            ))),
        },
    }
}
