//! `process.yaml` of DataMate: a dialect of recipes over lists of files.
//!
//! ```yaml
//! dataset_id: d1
//! instance_id: t1
//! dataset_path: /flow/t1/dataset.jsonl
//! export_path: /dataset/d1
//! executor_type: datamate
//! process:
//!   - FileWithShortOrLongLengthFilter: {fileLength: [10, 10000000], cpu: 0.05}
//!   - ExtraSpaceCleaner:
//! ```
//!
//! The dialect is translated as a tree, before the check: every key and
//! parameter keeps its place. Steps are named by raw_id, which native operators
//! have as a second name; one that none has is looked for among the operator
//! folders that the source was given, and becomes the path of its folder.

use serde_json::{Map, Value};
use wrasse_op::{Catalog, closest};

use crate::conform::Expected;
use crate::keys::{self, KEYS};
use crate::node::{Content, Entry, Node, brief};
use crate::{Diagnostic, Origin, Place, Recipe, Source, Task, parse};

/// The keys that are the dialect's own.
const OWN: &[&str] = &[
    "dataset_id",
    "instance_id",
    "dataset_path",
    "export_path",
    "executor_type",
    "kwargs",
    "operators_dir",
    "operator_dirs",
    "process",
];

/// The keys that a task must have, and what for.
const NEEDED: &[(&str, &str)] = &[
    ("dataset_id", "the data set that exported files belong to"),
    ("instance_id", "the task that results belong to"),
    ("dataset_path", "the list of files to process, JSON Lines"),
    ("export_path", "the folder for exported files"),
];

/// Executors of DataMate: any of them is this one here.
const EXECUTORS: &[&str] = &["datamate", "ray", "default", "data_juicer"];

/// What DataMate's scheduler and executor take from a step, or add to it.
const RUNTIME: &[&str] = &[
    "cpu",
    "memory",
    "npu",
    "gpu",
    "storage",
    "arch",
    "accelerator",
    "op_name",
    "is_first_op",
    "is_last_op",
    "instance_id",
];

/// What the translation leaves to be added to the recipe.
pub(crate) struct Translated {
    task: Task,
}

impl Translated {
    /// Makes a checked recipe that of a task.
    pub(crate) fn complete(self, recipe: &mut Recipe) {
        for entry in &mut recipe.input.entries {
            entry.format = Some("files".to_owned());
        }
        recipe.output.format = Some("files".to_owned());
        recipe.task = Some(self.task);
    }
}

/// The operator folders that a source itself names (`operators_dir`, or as in other
/// recipes `operator_dirs`), to be looked through before it is checked.
pub fn operators_dirs(source: &Source) -> Vec<String> {
    let Some(root) = parse::parse(source.text(), Origin::Text, &mut Vec::new()) else {
        return Vec::new();
    };
    ["operators_dir", "operator_dirs"]
        .into_iter()
        .filter_map(|key| root.get(key))
        .flat_map(|entry| texts(&entry.value))
        .collect()
}

/// The `raw_id` of an operator folder's `metadata.yml`.
pub fn raw_id(metadata: &str) -> Option<String> {
    let root = parse::parse(metadata, Origin::Text, &mut Vec::new())?;
    let entry = root.get("raw_id")?;
    scalar(&entry.value).filter(|text| !text.is_empty())
}

/// Translates `root` in place if it is DataMate's.
pub(crate) fn translate(
    root: &mut Node,
    source: &Source,
    catalog: &Catalog,
    found: &mut Vec<Diagnostic>,
) -> Option<Translated> {
    if !is_task(root) {
        return None;
    }
    let place = root.place;
    let Content::Map(entries) = std::mem::replace(&mut root.content, Content::Map(Vec::new()))
    else {
        return None;
    };
    for (key, what) in NEEDED {
        let entry = entries.iter().find(|entry| entry.key == *key);
        if entry.is_none_or(|entry| entry.value.is_null()) && !is_misspelt(&entries, key) {
            let error = Diagnostic::error(format!("the task has no `{key}`: {what}"));
            found.push(error.at(entry.map_or(place, |entry| entry.place)));
        }
    }
    let mut task = Task::default();
    let mut kept = Vec::new();
    for mut entry in entries {
        match entry.key.as_str() {
            "dataset_id" => task.dataset_id = id(&entry, found),
            "instance_id" => task.instance_id = id(&entry, found),
            "executor_type" => executor(&entry, found),
            "kwargs" => task.fields = fields(&entry, found),
            "operators_dir" | "operator_dirs" => operators_dir(&entry, found),
            "process" => {
                if let Content::List(items) = &mut entry.value.content {
                    let items_before = std::mem::take(items);
                    for item in items_before {
                        items.extend(step(item, source, catalog, &mut task, found));
                    }
                }
                kept.push(entry);
            }
            key if OWN.contains(&key) || keys::find(key).is_some() => kept.push(entry),
            key => found.push(unknown(key, entry.place)),
        }
    }
    for step in kept.iter_mut().filter(|entry| entry.key == "process") {
        for_workers(&mut step.value, &task, catalog);
    }
    root.content = Content::Map(kept);
    for (name, value) in [
        ("dataset_id", &task.dataset_id),
        ("instance_id", &task.instance_id),
    ] {
        task.fields.insert(name.to_owned(), value.clone().into());
    }
    if let Some(path) = root
        .get("export_path")
        .and_then(|entry| scalar(&entry.value))
    {
        task.fields.insert("export_path".to_owned(), path.into());
    }
    Some(Translated { task })
}

/// Whether a recipe is DataMate's: it has a key that no other has.
fn is_task(root: &Node) -> bool {
    let executor = root
        .get("executor_type")
        .and_then(|entry| scalar(&entry.value));
    root.get("instance_id").is_some()
        || root.get("dataset_id").is_some()
        || executor.as_deref() == Some("datamate")
}

/// Whether a key that is not known was probably meant to be `key`.
fn is_misspelt(entries: &[Entry], key: &str) -> bool {
    entries.iter().any(|entry| {
        let known = OWN.contains(&entry.key.as_str()) || keys::find(&entry.key).is_some();
        !known && closest(&entry.key, OWN.iter().copied()) == Some(key)
    })
}

fn unknown(key: &str, place: Place) -> Diagnostic {
    let names = OWN.iter().copied().chain(KEYS.iter().map(|key| key.name));
    Diagnostic::error(format!("unknown key `{}`", brief(key)))
        .at(place)
        .did_you_mean(closest(key, names))
}

fn id(entry: &Entry, found: &mut Vec<Diagnostic>) -> String {
    if let Some(text) = scalar(&entry.value) {
        return text;
    }
    if !entry.value.is_null() {
        let message = format!(
            "`{}`: expected text, found {}",
            entry.key,
            entry.value.words()
        );
        found.push(Diagnostic::error(message).at(entry.value.place));
    }
    String::new()
}

fn executor(entry: &Entry, found: &mut Vec<Diagnostic>) {
    let name = scalar(&entry.value).unwrap_or_default();
    if entry.value.is_null() || EXECUTORS.contains(&name.as_str()) {
        return;
    }
    let message = format!("`executor_type`: unknown executor {}", entry.value.words());
    let error = Diagnostic::error(message).at(entry.value.place);
    found.push(match closest(&name, EXECUTORS.iter().copied()) {
        Some(suggestion) => error.did_you_mean(Some(suggestion)),
        None => error.hint("write `executor_type: datamate`"),
    });
}

fn fields(entry: &Entry, found: &mut Vec<Diagnostic>) -> Map<String, Value> {
    if entry.value.is_null() {
        return Map::new();
    }
    let open = Value::Bool(true);
    match Expected::new(&open, &open).read("kwargs", &entry.value, found) {
        Some(Value::Object(fields)) => fields,
        _ => {
            let message = format!(
                "`kwargs`: expected a mapping, found {}",
                entry.value.words()
            );
            found.push(Diagnostic::error(message).at(entry.value.place));
            Map::new()
        }
    }
}

fn operators_dir(entry: &Entry, found: &mut Vec<Diagnostic>) {
    if texts(&entry.value).is_empty() && !entry.value.is_null() {
        let message = format!(
            "`{}`: expected a folder or a list of folders, found {}",
            entry.key,
            entry.value.words()
        );
        found.push(Diagnostic::error(message).at(entry.value.place));
    }
}

/// A step by a name that the check knows, without what is DataMate's own.
/// `None` after an error.
fn step(
    mut item: Node,
    source: &Source,
    catalog: &Catalog,
    task: &mut Task,
    found: &mut Vec<Diagnostic>,
) -> Option<Node> {
    let (name, place) = match &item.content {
        Content::Scalar(scalar) => (scalar.text.clone(), item.place),
        Content::Map(entries) => match entries.as_slice() {
            [only] => (only.key.clone(), only.place),
            // The check says what is wrong with it.
            _ => return Some(item),
        },
        Content::List(_) => return Some(item),
    };
    let is_native = catalog.find(&name).is_some();
    let folder = source.folder(&name);
    let is_reference = name.contains(['/', ':']);
    if !is_native && folder.is_none() && !is_reference {
        found.push(no_operator(&name, place, source, catalog));
        return None;
    }
    task.names.push(name);
    if is_native {
        if let Content::Map(entries) = &mut item.content
            && let Some(Content::Map(params)) =
                entries.first_mut().map(|entry| &mut entry.value.content)
        {
            params.retain(|param| !RUNTIME.contains(&param.key.as_str()));
        }
        return Some(item);
    }
    if let Some(folder) = folder {
        match &mut item.content {
            Content::Map(entries) => folder.clone_into(&mut entries[0].key),
            Content::Scalar(scalar) => folder.clone_into(&mut scalar.text),
            Content::List(_) => {}
        }
    }
    Some(item)
}

fn no_operator(name: &str, place: Place, source: &Source, catalog: &Catalog) -> Diagnostic {
    let suggestion = closest(name, source.folder_names()).or_else(|| catalog.suggest(name));
    let error = Diagnostic::error(format!(
        "unknown operator `{}`: neither a native one nor in a folder of operators",
        brief(name)
    ))
    .at(place);
    match suggestion {
        Some(suggestion) => error.hint(format!("did you mean `{suggestion}`?")),
        None if source.folder_names().next().is_none() => error.hint(
            "if it is written in Python, name the folder that its own folder lies in: `operators_dir: /path`",
        ),
        None => error.hint("`wrasse ops` lists the native ones"),
    }
}

/// Says to the steps that are not native what DataMate says to them, in the words
/// of those who run them.
fn for_workers(process: &mut Node, task: &Task, catalog: &Catalog) {
    let Content::List(items) = &mut process.content else {
        return;
    };
    for item in items {
        let Content::Map(entries) = &mut item.content else {
            continue;
        };
        let [only] = entries.as_mut_slice() else {
            continue;
        };
        if catalog.find(&only.key).is_some() {
            continue;
        }
        if only.value.is_null() {
            only.value.content = Content::Map(Vec::new());
        }
        if let Content::Map(params) = &mut only.value.content {
            // What Ray sets aside, in bytes: no limit that a worker dies of.
            params.retain(|param| param.key != "memory");
            const NEEDS: [(&str, &str, f64); 3] = [
                ("cpu", "num_cpus", 1.0),
                ("gpu", "num_gpus", 0.0),
                ("npu", "num_npus", 0.0),
            ];
            for (name, ours, least) in NEEDS {
                let asked = params.iter().find(|param| param.key == name);
                let number = asked.and_then(|param| scalar(&param.value)?.parse::<f64>().ok());
                if let Some(asked) = asked.filter(|_| number.is_some_and(|n| n > least)) {
                    let asked = Entry {
                        key: ours.to_owned(),
                        ..asked.clone()
                    };
                    add(params, asked);
                }
            }
            let instance = Entry {
                key: "instance_id".to_owned(),
                place: only.place,
                value: Node::text(&task.instance_id, only.place),
            };
            add(params, instance);
        }
    }
}

/// Adds a parameter that is not there.
fn add(params: &mut Vec<Entry>, entry: Entry) {
    if !params.iter().any(|param| param.key == entry.key) {
        params.push(entry);
    }
}

/// The text of a scalar that is not null.
fn scalar(node: &Node) -> Option<String> {
    match &node.content {
        Content::Scalar(scalar) if !scalar.is_null() => Some(scalar.text.clone()),
        _ => None,
    }
}

/// A text as a list of one, or a list of texts.
fn texts(node: &Node) -> Vec<String> {
    match &node.content {
        Content::List(items) => items.iter().filter_map(scalar).collect(),
        _ => scalar(node).into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_are_told_what_they_need() {
        let text = "instance_id: t\nprocess:\n- Mine: {a: 1, cpu: 2, gpu: 0.5, memory: 104857600}\n- Mine:\n- Mine: {cpu: 0.05, npu: 1}\n";
        let folders = [("Mine".to_owned(), "/ops/mine".to_owned())];
        let source = Source::new("x", text.as_bytes()).with_folders(folders);
        let mut root = parse::parse(text, Origin::Text, &mut Vec::new()).expect("it is YAML");
        let task = translate(&mut root, &source, &Catalog::new(), &mut Vec::new());
        assert_eq!(task.map(|task| task.task.names.len()), Some(3));
        let steps = root.get("process").map(|entry| &entry.value.content);
        let Some(Content::List(steps)) = steps else {
            panic!("`process` is a list");
        };
        let told: Vec<(String, Vec<String>)> = steps
            .iter()
            .filter_map(Node::map)
            .map(|step| {
                let params = step[0].value.map().unwrap_or_default();
                let text = |param: &Entry| {
                    let value = match param.value.map() {
                        Some([one]) => format!("{}:{:?}", one.key, scalar(&one.value)),
                        _ => scalar(&param.value).unwrap_or_default(),
                    };
                    format!("{}={value}", param.key)
                };
                (step[0].key.clone(), params.iter().map(text).collect())
            })
            .collect();
        let step = |params: &[&str]| {
            let params = params.iter().map(|param| (*param).to_owned());
            ("/ops/mine".to_owned(), params.collect::<Vec<_>>())
        };
        let want = [
            step(&[
                "a=1",
                "cpu=2",
                "gpu=0.5",
                "num_cpus=2",
                "num_gpus=0.5",
                "instance_id=t",
            ]),
            step(&["instance_id=t"]),
            step(&["cpu=0.05", "npu=1", "num_npus=1", "instance_id=t"]),
        ];
        assert_eq!(told, want);
    }
}
