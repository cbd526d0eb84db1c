//! JSON rows as text: where the fields of an object lie, and how to replace
//! one of them without touching the rest.
//!
//! Rows are validated in full, once, and then handled as spans. Values are
//! decoded when an operator asks; what nobody asks for keeps its bytes.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// A line that is no sample.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotASample {
    /// The line is not JSON.
    #[error("not JSON: {reason} at byte {offset} of the row")]
    Syntax {
        /// What the parser expected.
        reason: String,
        /// Where it stopped, from the start of the row.
        offset: usize,
    },
    /// The line is JSON, but no object.
    #[error("the row is {found}, expected an object such as `{{\"text\": \"...\"}}`")]
    NotAnObject {
        /// What it is.
        found: &'static str,
    },
}

/// One field of an object: its key and the span of its value.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    pub(crate) key: Key,
    pub(crate) value: Range<usize>,
}

/// A key: a span of the object's text, or decoded if it holds escapes.
#[derive(Clone, Debug)]
pub(crate) enum Key {
    Span(Range<usize>),
    Decoded(Box<str>),
}

impl Field {
    pub(crate) fn key<'a>(&'a self, object: &'a str) -> &'a str {
        match &self.key {
            Key::Span(span) => &object[span.clone()],
            Key::Decoded(key) => key,
        }
    }
}

/// Validates `object` and finds its fields, in order, repeated keys included.
pub(crate) fn index(object: &str) -> Result<Vec<Field>, NotASample> {
    match serde_json::from_str::<Index<'_>>(object) {
        Ok(Index(fields)) => Ok(fields
            .into_iter()
            .map(|(key, value)| Field {
                key: match key {
                    Cow::Borrowed(key) => Key::Span(span_in(object, key)),
                    Cow::Owned(key) => Key::Decoded(key.into()),
                },
                value: span_in(object, value.get()),
            })
            .collect()),
        Err(error) => Err(explain(object, &error)),
    }
}

/// Where `part`, a slice of `whole`, lies in it.
fn span_in(whole: &str, part: &str) -> Range<usize> {
    let start = part.as_ptr() as usize - whole.as_ptr() as usize;
    start..start + part.len()
}

fn explain(row: &str, error: &serde_json::Error) -> NotASample {
    let trimmed = row.trim_ascii();
    if !trimmed.starts_with('{') && serde_json::from_str::<&RawValue>(trimmed).is_ok() {
        return NotASample::NotAnObject {
            found: kind_of(trimmed),
        };
    }
    let text = error.to_string();
    let reason = text.split(" at line ").next().unwrap_or(&text);
    NotASample::Syntax {
        reason: reason.to_owned(),
        offset: error.column().saturating_sub(1),
    }
}

/// The type of a valid JSON value, for messages.
pub(crate) fn kind_of(raw: &str) -> &'static str {
    match raw.trim_ascii_start().as_bytes().first() {
        Some(b'{') => "an object",
        Some(b'[') => "a list",
        Some(b'"') => "a string",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null",
        Some(_) => "a number",
        None => "nothing",
    }
}

/// The text of a valid JSON string, borrowed if it holds no escapes.
pub(crate) fn decode_string(raw: &str) -> Result<Cow<'_, str>, String> {
    let inner = &raw[1..raw.len() - 1];
    if memchr::memchr(b'\\', inner.as_bytes()).is_none() {
        return Ok(Cow::Borrowed(inner));
    }
    serde_json::from_str(raw).map(Cow::Owned).map_err(|error| {
        let text = error.to_string();
        text.split(" at line ").next().unwrap_or(&text).to_owned()
    })
}

/// Appends `text` as a JSON string.
pub fn write_string(text: &str, out: &mut Vec<u8>) {
    serde_json::to_writer(out, text).expect("writing to memory does not fail");
}

/// A replacement of one field of an object.
pub(crate) enum Change<'a> {
    /// The value of the field at this index becomes this JSON.
    Replace(usize, Cow<'a, str>),
    /// The field at this index goes.
    Remove(usize),
    /// A new field at the end.
    Append(&'a str, Cow<'a, str>),
}

/// Appends `object` with `changes` made, all else byte for byte as it was.
pub(crate) fn splice(object: &str, fields: &[Field], changes: &[Change<'_>], out: &mut Vec<u8>) {
    let close = object.rfind('}').unwrap_or(object.len());
    let mut done = 0;
    let mut kept = 0_usize;
    for (i, field) in fields.iter().enumerate() {
        let change = changes.iter().find(|change| match change {
            Change::Replace(at, _) | Change::Remove(at) => *at == i,
            Change::Append(..) => false,
        });
        match change {
            Some(Change::Replace(_, json)) => {
                out.extend_from_slice(&object.as_bytes()[done..field.value.start]);
                out.extend_from_slice(json.as_bytes());
                done = field.value.end;
                kept += 1;
            }
            Some(Change::Remove(_)) if kept > 0 => {
                // The comma before the field goes with it.
                let end_of_previous = fields[i - 1].value.end;
                if done < end_of_previous {
                    out.extend_from_slice(&object.as_bytes()[done..end_of_previous]);
                }
                done = field.value.end;
            }
            Some(Change::Remove(_)) => {
                // The first field goes: keep what opens the object, drop up to
                // the next key, comma included.
                let open = object.find('{').map_or(0, |at| at + 1);
                if done < open {
                    out.extend_from_slice(&object.as_bytes()[done..open]);
                }
                done = match fields.get(i + 1) {
                    Some(_) => object[field.value.end..]
                        .find(',')
                        .map_or(close, |at| field.value.end + at + 1),
                    None => close,
                };
            }
            _ => kept += 1,
        }
    }
    out.extend_from_slice(&object.as_bytes()[done..close.max(done)]);
    for change in changes {
        if let Change::Append(key, json) = change {
            if kept > 0 {
                out.push(b',');
            }
            write_string(key, out);
            out.push(b':');
            out.extend_from_slice(json.as_bytes());
            kept += 1;
        }
    }
    out.extend_from_slice(&object.as_bytes()[close..]);
}

/// The raw value at `path` below the object `raw`.
pub(crate) fn descend<'a>(raw: &'a str, path: &str) -> Option<&'a str> {
    let (head, rest) = match path.split_once('.') {
        Some((head, rest)) => (head, Some(rest)),
        None => (path, None),
    };
    let fields = index(raw).ok()?;
    let field = fields.iter().rev().find(|field| field.key(raw) == head)?;
    let value = &raw[field.value.clone()];
    match rest {
        Some(rest) => descend(value, rest),
        None => Some(value),
    }
}

/// `raw` with the value at `path` below it set to `json` (`None`: removed).
/// A value on the way that is no object gives way to one.
pub(crate) fn set_below(raw: &str, path: &str, json: Option<&str>) -> String {
    let (head, rest) = match path.split_once('.') {
        Some((head, rest)) => (head, Some(rest)),
        None => (path, None),
    };
    let (raw, fields) = match index(raw) {
        Ok(fields) => (raw, fields),
        // Nothing is below a value that is no object.
        Err(_) if json.is_none() => return raw.to_owned(),
        Err(_) => ("{}", Vec::new()),
    };
    let at = fields.iter().rposition(|field| field.key(raw) == head);
    let old = at.map_or("{}", |at| &raw[fields[at].value.clone()]);
    let changes = match (rest, json, at) {
        (Some(rest), _, Some(at)) => vec![Change::Replace(at, set_below(old, rest, json).into())],
        (Some(rest), Some(_), None) => {
            vec![Change::Append(head, set_below(old, rest, json).into())]
        }
        (None, Some(json), Some(at)) => vec![Change::Replace(at, json.into())],
        (None, Some(json), None) => vec![Change::Append(head, json.into())],
        // Every field of that name goes, or an earlier one would come to light.
        (None, None, Some(_)) => (0..fields.len())
            .filter(|i| fields[*i].key(raw) == head)
            .map(Change::Remove)
            .collect(),
        (_, None, None) => return raw.to_owned(),
    };
    let mut out = Vec::with_capacity(raw.len() + 64);
    splice(raw, &fields, &changes, &mut out);
    String::from_utf8(out).expect("pieces of text joined at their borders are text")
}

struct Index<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de> Deserialize<'de> for Index<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Index<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Index<'de>, A::Error> {
                let mut fields = Vec::with_capacity(8);
                while let Some(BorrowedKey(key)) = map.next_key()? {
                    fields.push((key, map.next_value()?));
                }
                Ok(Index(fields))
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

/// A key, borrowed where it can be (serde's own `Cow` always copies).
struct BorrowedKey<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for BorrowedKey<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = BorrowedKey<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a key")
            }

            fn visit_borrowed_str<E>(self, key: &'de str) -> Result<Self::Value, E> {
                Ok(BorrowedKey(Cow::Borrowed(key)))
            }

            fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
                Ok(BorrowedKey(Cow::Owned(key.to_owned())))
            }
        }
        deserializer.deserialize_str(KeyVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spliced(object: &str, changes: &[Change<'_>]) -> String {
        let mut out = Vec::new();
        splice(object, &index(object).unwrap(), changes, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn only_the_named_value_changes() {
        let row = r#"{ "id" : 12345678901234567890123, "text":"a\u0041" , "text": "b"}"#;
        let fields = index(row).unwrap();
        assert_eq!(fields.len(), 3);
        assert_eq!(
            spliced(row, &[Change::Replace(2, r#""c""#.into())]),
            r#"{ "id" : 12345678901234567890123, "text":"a\u0041" , "text": "c"}"#
        );
    }

    #[test]
    fn fields_come_and_go() {
        let row = r#"{"a": 1, "b": 2, "c": 3}"#;
        assert_eq!(spliced(row, &[Change::Remove(0)]), r#"{ "b": 2, "c": 3}"#);
        assert_eq!(spliced(row, &[Change::Remove(1)]), r#"{"a": 1, "c": 3}"#);
        assert_eq!(spliced(row, &[Change::Remove(2)]), r#"{"a": 1, "b": 2}"#);
        let all = [Change::Remove(0), Change::Remove(1), Change::Remove(2)];
        assert_eq!(spliced(row, &all), "{}");
        let first_two = [Change::Remove(0), Change::Remove(1)];
        assert_eq!(spliced(row, &first_two), r#"{ "c": 3}"#);
        let last_two = [Change::Remove(1), Change::Remove(2)];
        assert_eq!(spliced(row, &last_two), r#"{"a": 1}"#);
        assert_eq!(
            spliced("{}", &[Change::Append("é\"", "1".into())]),
            r#"{"é\"":1}"#
        );
        assert_eq!(
            spliced(row, &[Change::Remove(0), Change::Append("d", "4".into())]),
            r#"{ "b": 2, "c": 3,"d":4}"#
        );
    }

    #[test]
    fn nested_values_are_set_in_place() {
        let row = r#"{"meta": {"lang" : "en", "n": [1]}, "x": 0}"#;
        assert_eq!(descend(row, "meta.lang"), Some(r#""en""#));
        assert_eq!(
            set_below(row, "meta.lang", Some(r#""de""#)),
            r#"{"meta": {"lang" : "de", "n": [1]}, "x": 0}"#
        );
        assert_eq!(
            set_below(row, "meta.a.b", Some("1")),
            r#"{"meta": {"lang" : "en", "n": [1],"a":{"b":1}}, "x": 0}"#
        );
        assert_eq!(set_below(row, "meta.none", None), row);
        assert_eq!(set_below(row, "x.none", None), row);
        let twice = r#"{"meta": {"k": 1, "l": 2, "k": 3}}"#;
        assert_eq!(set_below(twice, "meta.k", None), r#"{"meta": { "l": 2}}"#);
    }

    #[test]
    fn errors_say_what_and_where() {
        assert_eq!(
            index("[1]").unwrap_err(),
            NotASample::NotAnObject { found: "a list" }
        );
        let error = index(r#"{"a": nope}"#).unwrap_err();
        assert!(
            matches!(error, NotASample::Syntax { offset: 7, .. }),
            "{error:?}"
        );
    }

    #[test]
    fn deep_nesting_does_not_overflow_the_stack() {
        let deep = format!(r#"{{"a":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(index(&deep).unwrap().len(), 1);
    }
}
