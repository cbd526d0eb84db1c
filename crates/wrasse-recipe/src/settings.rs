//! The keys that say how to run: [`Settings`].

use serde_json::Value;
use wrasse_core::ByteCount;

use crate::check::Values;
use crate::node::Node;
use crate::{Diagnostic, FileChoice, RejectLimit, Settings};

pub(crate) fn read(values: &Values<'_>, found: &mut Vec<Diagnostic>) -> Settings {
    let whole = |key| values.value(key).and_then(Value::as_u64);
    let threads = whole("threads").or_else(|| whole("np"));
    let rejects = values.value("rejects");
    let path_of = |value: &Value| {
        value
            .as_str()
            .or_else(|| value.get("path")?.as_str())
            .map(str::to_owned)
    };
    Settings {
        threads: threads.map(|threads| usize::try_from(threads).unwrap_or(usize::MAX)),
        memory: size(values, "memory", found),
        limit: whole("limit"),
        rejects: rejects.and_then(path_of),
        max_rejects: max_rejects(values, found),
        trace_dropped: values.value("trace_dropped").and_then(choice),
        report: values.value("report").and_then(choice),
        run_dir: values.text("run_dir"),
        max_row_bytes: size(values, "max_row_bytes", found),
        split_bytes: size(values, "split_bytes", found),
    }
}

/// A number of bytes.
pub(crate) fn size(
    values: &Values<'_>,
    key: &str,
    found: &mut Vec<Diagnostic>,
) -> Option<ByteCount> {
    let value = values.value(key)?;
    let text = match value {
        Value::String(text) => text,
        number => return number.as_u64().map(ByteCount),
    };
    match text.parse() {
        Ok(size) => Some(size),
        Err(error) => {
            let error = Diagnostic::error(format!("`{key}`: {error}"));
            found.push(at(error, values.node(key)));
            None
        }
    }
}

fn max_rejects(values: &Values<'_>, found: &mut Vec<Diagnostic>) -> Option<RejectLimit> {
    let inner_value = values.value("rejects").and_then(|value| value.get("max"));
    let inner_node = values
        .node("rejects")
        .and_then(|node| node.get("max"))
        .map(|entry| &entry.value);
    let inner = limit("rejects.max", inner_value, inner_node, found);
    let outer = limit(
        "max_rejects",
        values.value("max_rejects"),
        values.node("max_rejects"),
        found,
    );
    if let (Some(inner), Some(outer)) = (inner, outer)
        && inner != outer
    {
        let error = Diagnostic::error("`max_rejects` and `rejects.max` say different things");
        found.push(at(error, values.node("max_rejects")).hint("keep one of them"));
    }
    outer.or(inner)
}

fn limit(
    name: &str,
    value: Option<&Value>,
    node: Option<&Node>,
    found: &mut Vec<Diagnostic>,
) -> Option<RejectLimit> {
    let text = match value? {
        Value::String(text) => text,
        number => return number.as_u64().map(RejectLimit::Count),
    };
    match text.parse() {
        Ok(limit) => Some(limit),
        Err(error) => {
            found.push(at(Diagnostic::error(format!("`{name}`: {error}")), node));
            None
        }
    }
}

fn choice(value: &Value) -> Option<FileChoice> {
    match value {
        Value::Bool(true) => Some(FileChoice::Usual),
        Value::Bool(false) => Some(FileChoice::No),
        other => other.as_str().map(|path| FileChoice::Path(path.to_owned())),
    }
}

fn at(error: Diagnostic, node: Option<&Node>) -> Diagnostic {
    match node {
        Some(node) => error.at(node.place),
        None => error,
    }
}
