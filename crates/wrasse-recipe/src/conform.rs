//! Reads a [`Node`] as the type that a JSON schema expects.
//!
//! This is where unquoted words become booleans, numbers or text, and where
//! wrong types are reported, all of them at once, each at its place. It knows
//! the part of JSON Schema that parameter types use: `type`, `enum`, `const`,
//! `anyOf`, `oneOf`, `$ref`, `items`, `properties`, `additionalProperties`,
//! `minimum`, `maximum`. What a schema says beyond that is for the operator to
//! check when it is built.

use serde_json::{Map, Number, Value};
use wrasse_op::closest;

use crate::check::listed;
use crate::node::{Content, Node, Scalar, brief};
use crate::{Diagnostic, Place};

/// A schema and the document that its references point into.
#[derive(Clone, Copy)]
pub(crate) struct Expected<'s> {
    schema: &'s Value,
    root: &'s Value,
}

/// The annotation of a schema with the words for what it expects.
pub(crate) const WORDS: &str = "x-expected";

impl<'s> Expected<'s> {
    pub(crate) fn new(schema: &'s Value, root: &'s Value) -> Self {
        Self { schema, root }.resolved()
    }

    /// Reads `node`; `name` is what messages call it. Errors go to `found`.
    pub(crate) fn read(
        self,
        name: &str,
        node: &Node,
        found: &mut Vec<Diagnostic>,
    ) -> Option<Value> {
        // Text that could also be something else is text only if nothing else fits.
        self.attempt(node, Words::Natural, &mut Vec::new())
            .or_else(|| self.attempt(node, Words::AsText, &mut Vec::new()))
            .or_else(|| {
                let mut problems = Vec::new();
                let value = self.attempt(node, Words::AsText, &mut problems);
                found.extend(problems.into_iter().map(|problem| problem.diagnostic(name)));
                value
            })
    }

    fn attempt(self, node: &Node, words: Words, problems: &mut Vec<Problem>) -> Option<Value> {
        let before = problems.len();
        let value = match (self.alternatives(), &node.content) {
            (Some(alternatives), _) => return self.one_of(&alternatives, node, words, problems),
            (None, Content::Scalar(scalar)) => self.scalar(scalar, words),
            (None, Content::List(items)) if self.admits("array") => {
                let item = self.child("items");
                let read = |(i, node): (usize, &Node)| {
                    let mut inner = Vec::new();
                    let value = item.attempt(node, words, &mut inner);
                    problems.extend(
                        inner
                            .into_iter()
                            .map(|problem| problem.within(&format!("[{i}]"))),
                    );
                    value
                };
                let values: Vec<Option<Value>> = items.iter().enumerate().map(read).collect();
                Some(Value::Array(values.into_iter().flatten().collect()))
            }
            (None, Content::Map(_)) if self.admits("object") => {
                Some(self.map(node, words, problems))
            }
            _ => None,
        };
        if value.is_none() && problems.len() == before {
            problems.push(self.mismatch(node));
        }
        value.filter(|_| problems.len() == before)
    }

    fn map(self, node: &Node, words: Words, problems: &mut Vec<Problem>) -> Value {
        let properties = self.schema.get("properties").and_then(Value::as_object);
        let mut object = Map::new();
        for entry in node.map().unwrap_or_default() {
            let expected = match properties.and_then(|properties| properties.get(&entry.key)) {
                Some(schema) => Self::new(schema, self.root),
                None if self.schema.get("additionalProperties") == Some(&Value::Bool(false)) => {
                    let names: Vec<&str> = properties
                        .into_iter()
                        .flat_map(|map| map.keys().map(String::as_str))
                        .collect();
                    problems.push(Problem::unknown(&entry.key, entry.place, &names));
                    continue;
                }
                None => self.child("additionalProperties"),
            };
            let mut inner = Vec::new();
            if let Some(value) = expected.attempt(&entry.value, words, &mut inner) {
                object.insert(entry.key.clone(), value);
            }
            let step = format!(".{}", entry.key);
            problems.extend(inner.into_iter().map(|problem| problem.within(&step)));
        }
        Value::Object(object)
    }

    /// The first alternative that fits; if none does, the errors of the one
    /// that was probably meant.
    fn one_of(
        self,
        alternatives: &[Self],
        node: &Node,
        words: Words,
        problems: &mut Vec<Problem>,
    ) -> Option<Value> {
        let mut meant = Vec::new();
        for alternative in alternatives {
            let mut inner = Vec::new();
            if let Some(value) = alternative.attempt(node, words, &mut inner) {
                return Some(value);
            }
            if alternative.same_shape(node) {
                meant.push(inner);
            }
        }
        match meant.len() {
            1 => problems.extend(meant.into_iter().flatten()),
            _ => problems.push(self.mismatch(node)),
        }
        None
    }

    fn same_shape(self, node: &Node) -> bool {
        match &node.content {
            Content::List(_) => self.admits("array"),
            Content::Map(_) => self.admits("object"),
            Content::Scalar(_) => false,
        }
    }

    fn scalar(self, scalar: &Scalar, words: Words) -> Option<Value> {
        let value = if self.is_open() {
            scalar.natural()
        } else if scalar.is_null() && self.admits("null") {
            Value::Null
        } else if let Some(boolean) = scalar.boolean().filter(|_| self.admits("boolean")) {
            Value::Bool(boolean)
        } else if let Some(number) = self.number(scalar) {
            Value::Number(number)
        } else if self.admits("string") && self.is_text(scalar, words) {
            Value::String(scalar.text.clone())
        } else {
            return None;
        };
        self.within_limits(&value).then_some(value)
    }

    fn number(self, scalar: &Scalar) -> Option<Number> {
        let number = scalar.number()?;
        if self.admits("number") || (self.admits("integer") && !number.is_f64()) {
            return Some(number);
        }
        let float = number.as_f64().filter(|float| float.fract() == 0.0)?;
        (self.admits("integer") && float.abs() < 2f64.powi(53)).then(|| Number::from(float as i64))
    }

    fn is_text(self, scalar: &Scalar, words: Words) -> bool {
        let only_text = || scalar.natural().is_string() && scalar.boolean().is_none();
        match words {
            Words::Natural => !scalar.plain || only_text(),
            Words::AsText => !scalar.is_null(),
        }
    }

    fn within_limits(self, value: &Value) -> bool {
        let limit = |name| self.schema.get(name).and_then(Value::as_f64);
        if let Some(number) = value.as_f64()
            && (limit("minimum").is_some_and(|min| number < min)
                || limit("maximum").is_some_and(|max| number > max))
        {
            return false;
        }
        match self.choices() {
            Some(choices) => value.is_null() && self.admits("null") || choices.contains(&value),
            None => true,
        }
    }

    fn choices(self) -> Option<Vec<&'s Value>> {
        if let Some(constant) = self.schema.get("const") {
            return Some(vec![constant]);
        }
        Some(self.schema.get("enum")?.as_array()?.iter().collect())
    }

    fn alternatives(self) -> Option<Vec<Self>> {
        let list = self
            .schema
            .get("anyOf")
            .or_else(|| self.schema.get("oneOf"))?;
        Some(
            list.as_array()?
                .iter()
                .map(|schema| Self::new(schema, self.root))
                .collect(),
        )
    }

    fn child(self, name: &str) -> Self {
        Self::new(
            self.schema.get(name).unwrap_or(&Value::Bool(true)),
            self.root,
        )
    }

    /// Follows references, so far as they lead within the document.
    fn resolved(mut self) -> Self {
        // A bound, since references may go around in circles.
        for _ in 0..16 {
            let reference = self.schema.get("$ref").and_then(Value::as_str);
            let target = reference
                .and_then(|reference| reference.strip_prefix('#'))
                .and_then(|pointer| self.root.pointer(pointer));
            match target {
                Some(schema) => self.schema = schema,
                None => break,
            }
        }
        self
    }

    /// Whether anything goes.
    fn is_open(self) -> bool {
        self.schema.get("type").is_none() && self.choices().is_none()
    }

    fn admits(self, name: &str) -> bool {
        match self.schema.get("type") {
            Some(Value::String(one)) => one == name,
            Some(Value::Array(many)) => many.iter().any(|one| one == name),
            _ => match self.choices() {
                Some(choices) => choices.iter().any(|choice| kind(choice) == name),
                None => true,
            },
        }
    }

    /// What is expected, in words.
    pub(crate) fn words(self) -> String {
        if let Some(words) = self.schema.get(WORDS).and_then(Value::as_str) {
            return words.to_owned();
        }
        let mut words: Vec<String> = match (self.alternatives(), self.choices()) {
            (Some(alternatives), _) => alternatives.iter().map(|one| one.words()).collect(),
            (None, Some(choices)) => choices
                .iter()
                .filter(|one| !one.is_null())
                .map(|one| quoted(one))
                .collect(),
            (None, None) => self.type_words(),
        };
        words.retain(|one| one != "nothing");
        words.dedup();
        match words.split_last() {
            None => "nothing".to_owned(),
            Some((last, [])) => last.clone(),
            Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        }
    }

    fn type_words(self) -> Vec<String> {
        let limit = |name| self.schema.get(name).and_then(Value::as_f64);
        let limits = match (limit("minimum"), limit("maximum")) {
            (Some(min), Some(max)) => format!(" from {min} to {max}"),
            (Some(min), None) => format!(" of at least {min}"),
            (None, Some(max)) => format!(" of at most {max}"),
            (None, None) => String::new(),
        };
        let kinds = [
            ("boolean", "true or false".to_owned()),
            ("integer", format!("a whole number{limits}")),
            ("number", format!("a number{limits}")),
            ("string", "text".to_owned()),
            ("array", "a list".to_owned()),
            ("object", "a mapping".to_owned()),
        ];
        kinds
            .into_iter()
            .filter(|(name, _)| self.admits(name))
            .map(|(_, words)| words)
            .collect()
    }

    fn mismatch(self, node: &Node) -> Problem {
        let mut hint = None;
        if let Content::Scalar(scalar) = &node.content {
            let bare = Scalar {
                plain: true,
                ..scalar.clone()
            };
            if scalar.is_null() {
                hint = Some("leave it out for its default".to_owned());
            } else if scalar.is_not_finite() {
                hint = Some(
                    "recipes have no infinite numbers; leave the parameter out for no limit"
                        .to_owned(),
                );
            } else if !scalar.plain && self.scalar(&bare, Words::Natural).is_some() {
                hint = Some("remove the quotes, which make it text".to_owned());
            } else {
                let choices = self
                    .alternatives()
                    .unwrap_or_else(|| vec![self])
                    .into_iter();
                let choices: Vec<&str> = choices
                    .filter_map(Self::choices)
                    .flatten()
                    .filter_map(Value::as_str)
                    .collect();
                let suggestion = closest(&scalar.text, choices.into_iter());
                hint = suggestion.map(|suggestion| format!("did you mean `{suggestion}`?"));
            }
        }
        Problem {
            path: String::new(),
            message: format!("expected {}, found {}", self.words(), node.words()),
            place: node.place,
            hint,
        }
    }
}

/// How to read an unquoted word where text is allowed.
#[derive(Clone, Copy)]
enum Words {
    /// As text only if it is nothing else.
    Natural,
    /// As text.
    AsText,
}

/// An error whose name is not complete yet.
struct Problem {
    path: String,
    message: String,
    place: Place,
    hint: Option<String>,
}

impl Problem {
    fn unknown(key: &str, place: Place, known: &[&str]) -> Self {
        Self {
            path: String::new(),
            message: format!("unknown key `{}`", brief(key)),
            place,
            hint: match closest(key, known.iter().copied()) {
                Some(suggestion) => Some(format!("did you mean `{suggestion}`?")),
                None if known.is_empty() => None,
                None => Some(format!("there are {}", listed(known))),
            },
        }
    }

    fn within(self, step: &str) -> Self {
        Self {
            path: format!("{step}{}", self.path),
            ..self
        }
    }

    fn diagnostic(self, name: &str) -> Diagnostic {
        let error =
            Diagnostic::error(format!("`{name}{}`: {}", self.path, self.message)).at(self.place);
        match self.hint {
            Some(hint) => error.hint(hint),
            None => error,
        }
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn quoted(value: &Value) -> String {
    match value {
        Value::String(text) => format!("`{text}`"),
        other => format!("`{other}`"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{Origin, parse::parse};

    /// What a word becomes, or the message about it.
    fn read(schema: &Value, yaml: &str) -> Result<Value, String> {
        let node = parse(yaml, Origin::Text, &mut Vec::new()).unwrap();
        let mut found = Vec::new();
        let value = Expected::new(schema, schema).read("x", &node, &mut found);
        value.ok_or_else(|| found.into_iter().map(|one| one.message).collect())
    }

    #[test]
    fn a_word_is_text_only_if_nothing_else_fits() {
        let any_order = [
            json!({ "anyOf": [{ "type": "string" }, { "type": "integer" }, { "type": "boolean" }] }),
            json!({ "type": ["string", "integer", "boolean"] }),
        ];
        for schema in any_order {
            assert_eq!(read(&schema, "5"), Ok(json!(5)));
            assert_eq!(read(&schema, "no"), Ok(json!(false)));
            assert_eq!(read(&schema, "'5'"), Ok(json!("5")));
            assert_eq!(read(&schema, "five"), Ok(json!("five")));
            assert_eq!(read(&schema, "1.5"), Ok(json!("1.5")));
        }
        let lists = json!({ "type": "array", "items": { "type": "string" } });
        assert_eq!(
            read(&lists, "[a, 5, no, '']"),
            Ok(json!(["a", "5", "no", ""]))
        );
        assert_eq!(
            read(&lists, "[a, null]"),
            Err("`x[1]`: expected text, found nothing".to_owned())
        );
    }

    #[test]
    fn whole_numbers_may_be_written_with_exponents() {
        let schema = json!({ "type": "integer", "minimum": 1, "maximum": 1e6 });
        assert_eq!(read(&schema, "1e5"), Ok(json!(100_000)));
        assert_eq!(read(&schema, "2.0"), Ok(json!(2)));
        let message = |found: &str| {
            Err(format!(
                "`x`: expected a whole number from 1 to 1000000, found `{found}`"
            ))
        };
        for wrong in ["2.5", "0", "1e7", "-1", "1:30"] {
            assert_eq!(read(&schema, wrong), message(wrong));
        }
    }

    #[test]
    fn choices_are_words_even_if_they_look_like_more() {
        let described =
            json!({ "oneOf": [{ "const": "on" }, { "const": "off" }, { "type": "null" }] });
        let listed = json!({ "type": ["string", "null"], "enum": ["on", "off", null] });
        for schema in [described, listed] {
            assert_eq!(read(&schema, "on"), Ok(json!("on")));
            assert_eq!(read(&schema, "~"), Ok(json!(null)));
            assert_eq!(
                read(&schema, "onn"),
                Err("`x`: expected `on` or `off`, found `onn`".to_owned())
            );
        }
    }

    #[test]
    fn the_alternative_that_was_meant_is_the_one_that_complains() {
        let schema = json!({
            "anyOf": [{ "$ref": "#/$defs/Range" }, { "type": "null" }, { "type": "integer" }],
            "$defs": {
                "Range": {
                    "type": "object",
                    "properties": { "min": { "type": "integer" } },
                    "additionalProperties": false,
                },
            },
        });
        assert_eq!(read(&schema, "{min: 1}"), Ok(json!({ "min": 1 })));
        assert_eq!(
            read(&schema, "{min: a}"),
            Err("`x.min`: expected a whole number, found `a`".to_owned())
        );
        assert_eq!(
            read(&schema, "[1]"),
            Err("`x`: expected a mapping or a whole number, found a list".to_owned())
        );
    }

    #[test]
    fn references_in_a_circle_end() {
        let schema = json!({ "$ref": "#/$defs/a", "$defs": { "a": { "$ref": "#/$defs/a" } } });
        assert_eq!(read(&schema, "5"), Ok(json!(5)));
    }
}
