//! The tools that were called in a dialog, and the skills that were named.

use serde_json::Value;
use wrasse_op::OpError;

use super::{Message, calls, content};
use crate::pattern::{Dialect, Pattern};
use crate::python::{first_true, is_true, str_of};
use crate::unicode::strip;

/// A line that names the tools that were called, in place of a text.
pub(super) fn summary(calls: &Value) -> Result<String, OpError> {
    const NAMES_MAX: usize = 10;
    let mut names: Vec<&str> = Vec::new();
    for call in calls.as_array().into_iter().flatten() {
        let name = match name(call) {
            None => continue,
            Some(Value::String(name)) => name.as_str(),
            Some(other) => {
                return Err(OpError::bad_sample(format!(
                    "expected a string as name of a tool, found `{other}`"
                )));
            }
        };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    if names.is_empty() {
        return Ok(String::new());
    }
    let shown = names[..names.len().min(NAMES_MAX)].join(", ");
    Ok(match names.len() {
        0..=NAMES_MAX => format!("[Tool calls: {shown}]"),
        n => format!("[Tool calls: {shown}, ...+{}]", n - NAMES_MAX),
    })
}

/// The names of the tools that were called, each once, in order.
///
/// # Errors
///
/// If a name is a list or an object, or the calls are a number.
pub(crate) fn tool_names(messages: &[&Message]) -> Result<Vec<String>, OpError> {
    let mut names: Vec<&Value> = Vec::new();
    for message in messages {
        let list = match calls(message) {
            Some(Value::Array(list)) => list,
            None | Some(Value::String(_) | Value::Object(_)) => continue,
            Some(other) => {
                return Err(OpError::bad_sample(format!(
                    "expected a list of tool calls, found `{other}`"
                )));
            }
        };
        for name in list.iter().filter_map(name) {
            if matches!(name, Value::Array(_) | Value::Object(_)) {
                return Err(OpError::bad_sample(format!(
                    "expected a string as name of a tool, found `{name}`"
                )));
            }
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    let names = names.into_iter().map(str_of);
    Ok(names.map(|name| strip(&name).to_owned()).collect())
}

/// The name in one call of a tool.
fn name(call: &Value) -> Option<&Value> {
    let call = call.as_object()?;
    let function = first_true(&[call.get("function"), call.get("function_call")]);
    let named = function.and_then(|function| function.get("name"));
    first_true(&[named, call.get("name")]).filter(|name| is_true(name))
}

/// The patterns by which skills are found: paths of skill files, and headings
/// of one English word.
pub(crate) struct Skills(Vec<Pattern>);

impl Skills {
    /// Compiles the patterns.
    ///
    /// # Panics
    ///
    /// If they are malformed.
    pub(crate) fn new() -> Self {
        let patterns = [
            r"(?i)[/\\]([a-zA-Z][a-zA-Z0-9_]*)[/\\]SKILL\.md",
            r"##\s+([a-zA-Z][a-zA-Z0-9_]*(?:\.[a-zA-Z0-9_]+)?)\s*(?:\n|$)",
            r#"(?i)Check\s+["'].*?([a-zA-Z][a-zA-Z0-9_]*)/SKILL\.md"#,
        ];
        let compiled = patterns.map(|pattern| Pattern::new("pattern", pattern, Dialect::Re));
        let compiled =
            compiled.map(|pattern| pattern.expect("a pattern of the library is well-formed"));
        Self(compiled.into())
    }

    /// The names of the skills, each once, in order.
    ///
    /// # Errors
    ///
    /// If the search takes too many steps.
    pub(crate) fn names(&self, messages: &[&Message]) -> Result<Vec<String>, OpError> {
        let mut names: Vec<String> = Vec::new();
        for message in messages {
            let text = content::text_of(message.get("content"));
            for pattern in &self.0 {
                pattern.for_each_match(&text, true, |spans| {
                    if let Some(Some((start, end))) = spans.get(1) {
                        let name = strip(&text[*start..*end]);
                        if !names.iter().any(|known| known == name) {
                            names.push(name.to_owned());
                        }
                    }
                })?;
            }
        }
        Ok(names)
    }
}
