//! Recorded dialogs of agents, as the formats in use have them: lists of
//! messages with a role, contents in many shapes, and calls of tools.

mod caps;
mod content;
mod history;
mod tools;

use serde_json::{Map, Value};
use wrasse_op::OpError;

pub(crate) use content::text_of;
pub(crate) use history::{Caps, History};
pub(crate) use tools::{Skills, tool_names};

use crate::python::{first_true, is_true};

/// One message; a value that is no object is an error of the sample.
pub(crate) type Message = Map<String, Value>;

/// The messages of a list.
pub(crate) fn messages(list: &[Value]) -> Result<Vec<&Message>, OpError> {
    let message = |(i, message): (usize, &'_ Value)| -> Result<(), OpError> {
        match message {
            Value::Object(_) => Ok(()),
            _ => Err(OpError::bad_sample(format!(
                "expected an object as message {i}"
            ))),
        }
    };
    list.iter().enumerate().try_for_each(message)?;
    Ok(list.iter().filter_map(Value::as_object).collect())
}

/// The role of a message in lower case; empty if it has none.
pub(crate) fn role(message: &Message) -> Result<String, OpError> {
    match message.get("role") {
        Some(Value::String(role)) => Ok(role.to_lowercase()),
        Some(role) if is_true(role) => Err(OpError::bad_sample(format!(
            "expected a string as role of a message, found `{role}`"
        ))),
        _ => Ok(String::new()),
    }
}

/// The calls of tools in a message, in whatever shape.
fn calls(message: &Message) -> Option<&Value> {
    first_true(&[message.get("tool_calls"), message.get("tool_use")])
}

/// The text of the first answer among `choices` that has one.
pub(crate) fn answer(choices: &Value) -> Result<String, OpError> {
    for choice in choices.as_array().into_iter().flatten() {
        let Value::Object(fields) = choice else {
            continue;
        };
        let message = first_true(&[fields.get("message"), fields.get("delta")]).unwrap_or(choice);
        let Value::Object(message) = message else {
            return Err(OpError::bad_sample(
                "expected an object as message of a choice",
            ));
        };
        if let Some(content @ (Value::String(_) | Value::Array(_))) = message.get("content") {
            let text = text_of(Some(content));
            if !text.is_empty() {
                return Ok(text);
            }
        }
    }
    Ok(String::new())
}
