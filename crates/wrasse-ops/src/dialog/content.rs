//! The text of a message's content.

use serde_json::{Map, Value};

use crate::python::{first_true, str_of};
use crate::unicode::strip;

/// The text of a content: a string, an object, or a list of blocks, of which
/// those count that are text or reasoning.
pub(crate) fn text_of(content: Option<&Value>) -> String {
    let Some(content) = content else {
        return String::new();
    };
    match content {
        Value::Array(blocks) => {
            let parts = blocks.iter().filter_map(|block| match block {
                Value::Object(block) => block_text(block),
                Value::String(text) => Some(strip(text).to_owned()),
                _ => None,
            });
            let parts: Vec<String> = parts.filter(|part| !part.is_empty()).collect();
            strip(&parts.join("\n")).to_owned()
        }
        other => fragment(other),
    }
}

/// The text of a block of a content; none if it is of another kind.
fn block_text(block: &Map<String, Value>) -> Option<String> {
    let kind = block.get("type").and_then(Value::as_str);
    let is_reasoning = matches!(kind, Some("thinking" | "reasoning"));
    if matches!(kind, Some("text" | "input_text")) || (!is_reasoning && block.contains_key("text"))
    {
        return Some(fragment(block.get("text")?));
    }
    if is_reasoning || block.contains_key("thinking") || block.contains_key("reasoning_content") {
        let last = block.get("reasoning_content");
        let reasoning = first_true(&[block.get("thinking"), block.get("reasoning")]).or(last)?;
        return Some(fragment(reasoning));
    }
    None
}

/// The text of something that should be text, and may be nested.
fn fragment(value: &Value) -> String {
    let is_nothing = |value: &Value| value.is_null() || value.as_str() == Some("");
    match value {
        Value::Null => String::new(),
        Value::String(text) => strip(text).to_owned(),
        Value::Object(fields) => ["value", "text", "content"]
            .iter()
            .filter_map(|name| fields.get(*name))
            .find(|value| !is_nothing(value))
            .map_or_else(String::new, fragment),
        Value::Array(list) => {
            let parts = list.iter().filter(|value| !is_nothing(value));
            let parts: Vec<String> = parts.map(fragment).collect();
            strip(&parts.join("\n")).to_owned()
        }
        other => strip(&str_of(other)).to_owned(),
    }
}
