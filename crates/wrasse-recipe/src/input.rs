//! `dataset_path` and `dataset`: what a recipe reads.

use serde_json::Value;

use crate::check::{Values, texts};
use crate::node::{Content, Node, brief};
use crate::{Diagnostic, Input, InputEntry, Place};

/// Reads the input. `None` after an error that leaves nothing to read.
pub(crate) fn read(values: &Values<'_>, found: &mut Vec<Diagnostic>) -> Option<Input> {
    let n_errors = found.len();
    let mut entries = Vec::new();
    let mut samples_max = None;
    let path = values
        .node("dataset_path")
        .zip(values.value("dataset_path"));
    let dataset = values.node("dataset").zip(values.value("dataset"));
    let path = path.filter(|(_, value)| !is_empty(value));
    if let Some((node, value)) = path {
        entries.extend(path_entries(value, node, found));
        if let Some((node, _)) = dataset.filter(|(_, value)| !is_empty(value)) {
            let warning = "`dataset` has no effect beside `dataset_path`, as in Data-Juicer";
            found.push(
                Diagnostic::warning(warning)
                    .at(node.place)
                    .hint("remove one of them"),
            );
        }
    } else if let Some((node, value)) = dataset {
        samples_max = value.get("max_sample_num").and_then(Value::as_u64);
        let configs = value.get("configs").unwrap_or(value);
        let config_nodes = node.get("configs").map_or(node, |entry| &entry.value);
        if let Content::List(nodes) = &config_nodes.content {
            for (config, node) in configs.as_array().into_iter().flatten().zip(nodes) {
                entries.extend(config_entries(config, node, found));
            }
        }
    }
    if !entries.is_empty() && entries.iter().all(|entry| entry.weight == Some(0.0)) {
        let error = Diagnostic::error("the weights of the inputs are all 0");
        found.push(error.at(entries[0].place));
    }
    if entries.is_empty() {
        // A key with an error has had its say.
        let has_error = |key| {
            let unread =
                values.node(key).is_some_and(|node| !node.is_null()) && values.value(key).is_none();
            unread || values.is_misspelt(key)
        };
        if !has_error("dataset_path") && !has_error("dataset") && found.len() == n_errors {
            let error = Diagnostic::error("the recipe does not say what to read");
            found.push(error.hint("add `dataset_path: input.jsonl`"));
        }
        return None;
    }
    let suffixes = values.texts("suffixes").into_iter().map(with_dot).collect();
    Some(Input {
        entries,
        suffixes,
        samples_max,
    })
}

fn path_entries(value: &Value, node: &Node, found: &mut Vec<Diagnostic>) -> Vec<InputEntry> {
    match &node.content {
        Content::List(nodes) => texts(value)
            .into_iter()
            .zip(nodes)
            .map(|(path, node)| entry(path, None, node.place))
            .collect(),
        _ => mixture(value.as_str().unwrap_or_default(), node.place, found),
    }
}

/// Takes a mixture apart, `0.5 a.jsonl 0.5 b.jsonl`; any other text is one path.
fn mixture(text: &str, place: Place, found: &mut Vec<Diagnostic>) -> Vec<InputEntry> {
    let words = words(text);
    let is_weight = |word: &String| weight(word).is_some();
    let is_share = |word: &String| weight(word).is_some_and(|weight| weight <= 1.0);
    let is_mixture =
        words.len() > 1 && (words.first().is_some_and(is_weight) || words.iter().any(is_share));
    if !is_mixture {
        let path = text.trim();
        return if path.is_empty() {
            Vec::new()
        } else {
            vec![entry(path.to_owned(), None, place)]
        };
    }
    let mut entries = Vec::new();
    let mut pending = None;
    for word in words {
        match (weight(&word), pending) {
            (Some(_), Some(before)) => {
                found.push(lone_weight(before, place));
                pending = weight(&word);
            }
            (Some(weight), None) => pending = Some(weight),
            (None, _) => entries.push(entry(word, pending.take(), place)),
        }
    }
    if let Some(weight) = pending {
        found.push(lone_weight(weight, place));
    }
    entries
}

fn lone_weight(weight: f64, place: Place) -> Diagnostic {
    Diagnostic::error(format!(
        "`dataset_path`: the weight `{weight}` has no path behind it"
    ))
    .at(place)
    .hint("a mixture is `0.5 a.jsonl 0.5 b.jsonl`")
}

fn weight(word: &str) -> Option<f64> {
    let starts = word.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    let weight: f64 = word.parse().ok().filter(|_| starts)?;
    weight.is_finite().then_some(weight)
}

/// Words between blanks; quotes keep blanks within a word, as in a shell.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in text.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

fn config_entries(config: &Value, node: &Node, found: &mut Vec<Diagnostic>) -> Vec<InputEntry> {
    let kind = config
        .get("type")
        .and_then(Value::as_str)
        .unwrap_or("local");
    // `ondisk` is what early versions of Data-Juicer called it.
    if !matches!(kind, "local" | "ondisk") {
        let place = node
            .get("type")
            .map_or(node.place, |entry| entry.value.place);
        found.push(not_local(kind, config).at(place));
        return Vec::new();
    }
    let known = [
        "type", "path", "weight", "format", "limit", "source", "split", "name",
    ];
    for entry in node.map().unwrap_or_default() {
        if !known.contains(&entry.key.as_str()) {
            let message = format!("unknown key `{}` of a local `dataset`", brief(&entry.key));
            let suggestion = wrasse_op::closest(&entry.key, known.into_iter());
            found.push(
                Diagnostic::error(message)
                    .at(entry.place)
                    .did_you_mean(suggestion),
            );
        }
    }
    let paths = config.get("path").map(texts).unwrap_or_default();
    if paths.is_empty() {
        let error = Diagnostic::error("an entry of `dataset` without a `path`").at(node.place);
        found.push(error.hint("add `path: input.jsonl`"));
    }
    let text = |name| config.get(name).and_then(Value::as_str).map(str::to_owned);
    let place = node
        .get("path")
        .map_or(node.place, |entry| entry.value.place);
    let with_config = |path| InputEntry {
        weight: config.get("weight").and_then(Value::as_f64),
        format: text("format"),
        limit: config.get("limit").and_then(Value::as_u64),
        ..entry(path, None, place)
    };
    paths.into_iter().map(with_config).collect()
}

fn not_local(kind: &str, config: &Value) -> Diagnostic {
    let source = config
        .get("source")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let shown = if source.is_empty() {
        kind.to_owned()
    } else {
        format!("{kind}, {source}")
    };
    let error = Diagnostic::error(format!(
        "`dataset`: only local data sets are read, found `{}`",
        brief(&shown)
    ));
    error.hint(match (kind, source) {
        ("remote", "s3") => "name the object itself: `type: local` and `path: s3://bucket/key`",
        ("remote", _) => "download it first, then name the files: `type: local` and `path: ...`",
        _ => "write `type: local` and the path of the files",
    })
}

fn entry(path: String, weight: Option<f64>, place: Place) -> InputEntry {
    InputEntry {
        path,
        weight,
        format: None,
        limit: None,
        place,
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::String(text) => text.trim().is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

fn with_dot(suffix: String) -> String {
    if suffix.starts_with('.') {
        suffix
    } else {
        format!(".{suffix}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(String, Option<f64>)> {
        let entries = mixture(text, Place::START, &mut Vec::new());
        entries
            .into_iter()
            .map(|entry| (entry.path, entry.weight))
            .collect()
    }

    #[test]
    fn mixtures_are_weights_before_paths() {
        let path = |path: &str, weight| (path.to_owned(), weight);
        assert_eq!(
            read("3 a.jsonl 2 b.jsonl"),
            [path("a.jsonl", Some(3.0)), path("b.jsonl", Some(2.0))]
        );
        assert_eq!(
            read("0.5 a.jsonl 'b c.jsonl' 1 d.jsonl"),
            [
                path("a.jsonl", Some(0.5)),
                path("b c.jsonl", None),
                path("d.jsonl", Some(1.0))
            ]
        );
    }

    #[test]
    fn a_path_with_blanks_or_a_year_is_a_path() {
        for text in [
            "my data/a.jsonl",
            "report 2024 final.jsonl",
            "0.5",
            "1",
            "/it's/a.jsonl",
        ] {
            assert_eq!(read(text), [(text.to_owned(), None)]);
        }
    }
}
