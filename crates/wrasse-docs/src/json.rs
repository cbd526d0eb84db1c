//! JSON: a line for each value, `key: value`, what is nested indented below
//! its key.

use serde_json::Value;

use crate::output::Output;
use crate::{DocError, Document, Limits, decode};

pub(crate) fn parse(bytes: &[u8], limits: Limits) -> Result<Document, DocError> {
    let text = decode::text(bytes, None)?;
    // Deeper than 128 levels is an error.
    let value: Value =
        serde_json::from_str(&text).map_err(|error| DocError::new(format!("no JSON: {error}")))?;
    drop(text);
    let mut out = Output::new(limits);
    write(&value, 0, &mut out)?;
    let title = value["title"].as_str().map(str::to_owned);
    Ok(Document {
        text: out.finish(),
        title,
        ..Document::default()
    })
}

fn write(value: &Value, depth: usize, out: &mut Output) -> Result<(), DocError> {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                out.end_line();
                out.push(&"  ".repeat(depth))?;
                out.push(key)?;
                out.push(":")?;
                below(value, depth, out)?;
            }
        }
        Value::Array(values) => {
            for value in values {
                out.end_line();
                out.push(&"  ".repeat(depth))?;
                out.push("-")?;
                below(value, depth, out)?;
            }
        }
        Value::String(text) => out.push(text)?,
        Value::Null => {}
        Value::Bool(_) | Value::Number(_) => out.push(&value.to_string())?,
    }
    Ok(())
}

fn below(value: &Value, depth: usize, out: &mut Output) -> Result<(), DocError> {
    if !value.is_object() && !value.is_array() {
        out.push(" ")?;
    }
    write(value, depth + 1, out)
}
