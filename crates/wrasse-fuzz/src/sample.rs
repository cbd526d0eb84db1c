//! [`sample`]: edits of a sample are those that a plain JSON object would see.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use wrasse_core::{Origin, Sample};

/// Edits a JSON object. The first line is the object; of the others, `=PATH=TEXT`
/// sets a text, `:PATH=JSON` a value, `-PATH` removes, and `?PATH` reads a text.
///
/// # Panics
///
/// If anything panics; if what is written is no JSON object; if it differs from
/// what the same edits make of the object as `serde_json` reads it; or if a
/// field that no edit names has other bytes than before.
pub fn sample(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let mut lines = text.split('\n');
    let object = lines.next().unwrap_or_default();
    let before = serde_json::from_str::<Fields>(object);
    let sample = Sample::from_json(object.into(), Origin::default());
    assert_eq!(
        sample.is_ok(),
        before.is_ok(),
        "{:?}, {:?}",
        sample.err(),
        before.err()
    );
    let (Ok(mut sample), Ok(Fields(before))) = (sample, before) else {
        return;
    };
    let names: BTreeSet<String> = before.iter().map(|(name, _)| name.clone()).collect();
    // Text that is not valid and numbers beyond a float are rows, but no values.
    let view = serde_json::from_str::<Map<String, Value>>(object).ok();
    let mut touched = BTreeSet::new();
    let mut paths = Vec::new();
    let mut edits: Vec<(&str, Option<Value>)> = Vec::new();
    for line in lines {
        let Some(kind) = line.chars().next() else {
            continue;
        };
        let (path, value) = line[kind.len_utf8()..]
            .split_once('=')
            .unwrap_or((&line[kind.len_utf8()..], ""));
        let value = match kind {
            '=' => Some(Value::from(value)),
            ':' => match serde_json::from_str(value) {
                Ok(value) => Some(value),
                Err(_) => continue,
            },
            '-' => None,
            '?' => {
                let _ = sample.text(path);
                continue;
            }
            _ => continue,
        };
        match (kind, &value) {
            ('=', Some(Value::String(text))) => sample.set_text(path, text.as_str()),
            (_, Some(value)) => sample.set_value(path, value),
            (_, None) => sample.remove(path),
        }
        // A field that is set and then removed was never there: unless it was
        // written into a value that an earlier edit set, it leaves no objects
        // behind that were made to hold it.
        if !edits
            .iter()
            .any(|(known, _)| is_within(&names, path, known))
        {
            edits.retain(|(known, _)| *known != path && !is_within(&names, known, path));
        }
        edits.push((path, value));
        touched.insert(path.to_owned());
        touched.insert(path.split('.').next().unwrap_or_default().to_owned());
        paths.push(path);
    }

    let mut json = Vec::new();
    sample.write_json(&mut json);
    let json = String::from_utf8(json).expect("a sample is text");
    let Fields(after) =
        serde_json::from_str(&json).unwrap_or_else(|error| panic!("{error}: {json}"));
    let untouched = |fields: &[(String, Box<RawValue>)]| -> Vec<(String, String)> {
        let fields = fields.iter().filter(|(name, _)| !touched.contains(name));
        fields
            .map(|(name, raw)| (name.clone(), raw.get().to_owned()))
            .collect()
    };
    assert_eq!(untouched(&after), untouched(&before), "{json}");
    if touched.is_empty() {
        assert_eq!(json, object);
    }
    let Some(mut view) = view else { return };
    for (path, value) in edits {
        edit(&mut view, &names, path, value);
    }
    let written: Map<String, Value> =
        serde_json::from_str(&json).unwrap_or_else(|error| panic!("{error}: {json}"));
    assert_eq!(written, view, "{json}");
    paths.extend(names.iter().map(String::as_str));
    for path in paths {
        let value = sample
            .value(path)
            .unwrap_or_else(|error| panic!("{path}: {error}"));
        assert_eq!(
            value.as_ref(),
            look_up(&view, &names, path),
            "`{path}` of {json}"
        );
    }
}

/// Where a path leads: to a top-level field of its own name, or below the field
/// that is named by its first part. `names` are those of the row as it was read.
fn route<'p>(names: &BTreeSet<String>, path: &'p str) -> (&'p str, Option<&'p str>) {
    if names.contains(path) {
        return (path, None);
    }
    match path.split_once('.') {
        Some((head, rest)) if names.contains(head) => (head, Some(rest)),
        _ => (path, None),
    }
}

/// Whether `inner` leads to something below where `outer` leads.
fn is_within(names: &BTreeSet<String>, inner: &str, outer: &str) -> bool {
    let below = inner
        .strip_prefix(outer)
        .is_some_and(|rest| rest.starts_with('.'));
    let (inner, outer) = (route(names, inner), route(names, outer));
    below && inner.0 == outer.0 && inner.1.is_some()
}

fn edit(view: &mut Map<String, Value>, names: &BTreeSet<String>, path: &str, value: Option<Value>) {
    let (mut name, mut rest) = route(names, path);
    let mut object = view;
    while let Some(below) = rest {
        let next = match &value {
            Some(_) => {
                let entry = object.entry(name).or_insert(Value::Null);
                if !entry.is_object() {
                    *entry = Value::Object(Map::new());
                }
                Some(entry)
            }
            None => object.get_mut(name),
        };
        let Some(Value::Object(inner)) = next else {
            return;
        };
        object = inner;
        (name, rest) = match below.split_once('.') {
            Some((name, rest)) => (name, Some(rest)),
            None => (below, None),
        };
    }
    match value {
        Some(value) => drop(object.insert(name.to_owned(), value)),
        None => drop(object.remove(name)),
    }
}

fn look_up<'v>(
    view: &'v Map<String, Value>,
    names: &BTreeSet<String>,
    path: &str,
) -> Option<&'v Value> {
    let (name, rest) = route(names, path);
    let value = view.get(name)?;
    rest.map_or(Some(value), |rest| {
        rest.split('.')
            .try_fold(value, |value, name| value.as_object()?.get(name))
    })
}

/// The fields of an object as they are written, each one of repeated keys.
#[derive(Debug)]
struct Fields(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Fields;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}
